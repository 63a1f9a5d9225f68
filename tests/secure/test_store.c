/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "secure/storage/crc32.h"
#include "secure/storage/record.h"
#include "tests/secure/flash_sim.h"
#include "tests/secure/store_model.h"

#define KEYS 64u

static tsr_store_entry index_memory[KEYS];

static tsr_store_key k(uint64_t uid) { return (tsr_store_key){ 1, uid }; }

static void fresh(sim *flash, tsr_store *store, uint32_t blocks, uint32_t block, uint32_t unit,
                  uint32_t value_max)
{
    sim_open(flash, blocks * block, block, unit, false, 1);
    assert_int_equal(tsr_store_format(&flash->flash), TSR_OK);
    assert_int_equal(tsr_store_mount(store, &flash->flash, index_memory, KEYS, value_max), TSR_OK);
}

static void remount(sim *flash, tsr_store *store)
{
    assert_int_equal(tsr_store_mount(store, &flash->flash, index_memory, KEYS, store->value_max),
                     TSR_OK);
}

static void expect(tsr_store *store, tsr_store_key key, const char *text)
{
    char got[4096];
    size_t len = 99;

    assert_int_equal(tsr_store_get(store, key, 0, got, sizeof got, &len), TSR_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(got, text, len);
}

static void test_crc_check_value(void **state)
{
    (void)state;
    assert_int_equal(tsr_crc32(0, "123456789", 9), 0xcbf43926); /* the check value of CRC-32 */
    assert_int_equal(tsr_crc32(tsr_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}

static void test_set_get_remove_survive_mount(void **state)
{
    sim flash;
    tsr_store store;
    size_t len;
    char byte;

    (void)state;
    fresh(&flash, &store, 4, 1024, 8, 200);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("one")), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(2), 7, tsr_text("two")), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(3), 0, tsr_view(NULL, 0)), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("uno")), TSR_OK);
    assert_int_equal(tsr_store_remove(&store, k(2)), TSR_OK);
    assert_int_equal(tsr_store_remove(&store, k(2)), TSR_E_NOT_FOUND);
    for (int again = 0; again < 3; again++) {
        expect(&store, k(1), "uno");
        expect(&store, k(3), "");
        assert_int_equal(tsr_store_get(&store, k(2), 0, &byte, 1, &len), TSR_E_NOT_FOUND);
        assert_int_equal(tsr_store_used(&store),
                         tsr_store_footprint(&store, 3) + tsr_store_footprint(&store, 0));
        remount(&flash, &store);
    }
    assert_null(flash.bad_manners);
    sim_close(&flash);
}

static void test_get_reads_parts_across_chunks(void **state)
{
    sim flash;
    tsr_store store;
    uint8_t value[900], got[1000];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(i * 7 + i / 256);
    fresh(&flash, &store, 4, 4096, 16, 900);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_view(value, sizeof value)), TSR_OK);
    for (size_t offset = 0; offset <= sizeof value; offset += 13) {
        for (size_t cap = 0; cap < 700; cap += 101) {
            size_t n = sizeof value - offset < cap ? sizeof value - offset : cap;

            memset(got, 0xa5, sizeof got);
            assert_int_equal(tsr_store_get(&store, k(1), offset, got, cap, &len), TSR_OK);
            assert_int_equal(len, n);
            if (n > 0)
                assert_memory_equal(got, value + offset, n);
            assert_int_equal(got[n], 0xa5); /* nothing beyond the length is touched */
        }
    }
    assert_int_equal(tsr_store_get(&store, k(1), 901, got, 1, &len), TSR_E_TYPE);
    assert_int_equal(len, 0);
    sim_close(&flash);
}

static uint64_t any(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed ^ *seed >> 29;
}

/* Both divide without a 64-bit division, which microcontrollers have not. */
static void test_block_numbers_of_any_size_go_round_the_ring(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t number = any(&seed) >> any(&seed) % 64;
        uint32_t blocks = 3 + (uint32_t)(any(&seed) % (i % 2 ? 61 : (1u << 24) - 3));

        assert_int_equal(tsr_record_physical(number, blocks), number % blocks);
    }
    assert_int_equal(tsr_record_physical(UINT64_MAX, (1u << 24) - 1), UINT64_MAX % 0xffffff);
}

static void test_share_is_the_quotas_part_of_the_index(void **state)
{
    static const size_t caps[] = { 1, 3, 4, 48, 1000, 16384, UINT32_MAX };
    sim flash;
    tsr_store store;
    uint64_t seed = 2, capacity;

    (void)state;
    fresh(&flash, &store, 64, 4096, 8, 100);
    capacity = tsr_store_capacity(&store);
    for (size_t c = 0; c < sizeof caps / sizeof *caps; c++) {
        store.index_cap = caps[c];
        assert_int_equal(tsr_store_share(&store, 0), caps[c]);
        assert_int_equal(tsr_store_share(&store, (uint32_t)capacity), caps[c]);
        assert_int_equal(tsr_store_share(&store, UINT32_MAX), caps[c]);
        assert_int_equal(tsr_store_share(&store, 1), caps[c] / capacity > caps[c] / 4
                                                         ? caps[c] / capacity
                                                         : caps[c] / 4);
        for (unsigned i = 0; i < 500; i++) {
            uint64_t quota = 1 + any(&seed) % (capacity - 1), part = caps[c] * quota / capacity;

            assert_int_equal(tsr_store_share(&store, (uint32_t)quota),
                             part > caps[c] / 4 ? part : caps[c] / 4);
        }
    }
    sim_close(&flash);
}

static void test_spaces_are_apart_and_ordered(void **state)
{
    sim flash;
    tsr_store store;
    uint64_t uid = 0;

    (void)state;
    fresh(&flash, &store, 4, 1024, 8, 100);
    for (uint32_t space = 0; space < 3; space++) {
        for (uint64_t i = 5; i > 0; i--) {
            uint8_t v = (uint8_t)(space * 16 + i);

            assert_int_equal(
                tsr_store_set(&store, (tsr_store_key){ space, i * 10 }, 0, tsr_view(&v, 1)),
                TSR_OK);
        }
    }
    for (uint64_t i = 1; i <= 5; i++, uid++) {
        assert_int_equal(tsr_store_next(&store, 1, &uid), TSR_OK);
        assert_int_equal(uid, i * 10);
    }
    assert_int_equal(tsr_store_next(&store, 1, &uid), TSR_END);
    assert_int_equal(tsr_store_used_by(&store, 1), 5 * tsr_store_footprint(&store, 1));
    assert_int_equal(tsr_store_used_by(&store, 7), 0);
    sim_close(&flash);
}

/* What tsr_store_capacity promises fits, with any history; beyond it the old content stays. */
static void test_full_store_keeps_old_content(void **state)
{
    static const uint32_t units[] = { 1, 8, 64 };

    (void)state;
    for (size_t u = 0; u < 3; u++) {
        sim flash;
        tsr_store store;
        uint8_t value[300];
        uint64_t rng = 5;
        uint32_t n = 0;

        memset(value, 'a', sizeof value);
        fresh(&flash, &store, 4, 2048, units[u], 300);
        while (tsr_store_used(&store) + tsr_store_footprint(&store, 300) <=
               tsr_store_capacity(&store))
            assert_int_equal(tsr_store_set(&store, k(++n), 0, tsr_view(value, 300)), TSR_OK);
        assert_int_equal(tsr_store_set(&store, k(n + 1), 0, tsr_view(value, 300)), TSR_E_SPACE);
        memset(value, 'b', sizeof value);
        assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_view(value, 300)), TSR_E_SPACE);
        assert_int_equal(tsr_store_get(&store, k(1), 0, value, 300, &(size_t){ 0 }), TSR_OK);
        assert_int_equal(value[299], 'a');
        /* removing and setting again goes on for ever */
        for (unsigned i = 0; i < 500; i++) {
            uint64_t victim = sim_random(&rng) % n + 1;

            assert_int_equal(tsr_store_remove(&store, k(victim)), TSR_OK);
            assert_int_equal(tsr_store_set(&store, k(victim), 0, tsr_view(value, 300)), TSR_OK);
        }
        remount(&flash, &store);
        assert_int_equal(tsr_store_used(&store), n * tsr_store_footprint(&store, 300));
        for (uint32_t i = 1; i <= n; i++)
            assert_int_equal(tsr_store_remove(&store, k(i)), TSR_OK);
        assert_int_equal(tsr_store_used(&store), 0);
        assert_null(flash.bad_manners);
        sim_close(&flash);
    }
}

static void test_full_index_is_refused(void **state)
{
    sim flash;
    tsr_store store;

    (void)state;
    fresh(&flash, &store, 4, 4096, 8, 100);
    for (uint64_t i = 1; i <= KEYS; i++)
        assert_int_equal(tsr_store_set(&store, k(i), 0, tsr_text("v")), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(KEYS + 1), 0, tsr_text("v")), TSR_E_SPACE);
    assert_int_equal(tsr_store_set(&store, k(KEYS), 0, tsr_text("w")), TSR_OK);
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS - 1, 100),
                     TSR_E_SPACE);
    assert_non_null(store.report.cause);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("x")), TSR_E_IO); /* not mounted */
    sim_close(&flash);
}

/* One value is rewritten all the time beside others that never change: every block is erased
 * equally often, give or take one. */
static void test_wear_is_even(void **state)
{
    sim flash;
    tsr_store store;
    uint32_t least = UINT32_MAX, most = 0;

    (void)state;
    fresh(&flash, &store, 16, 1024, 8, 200);
    for (uint64_t i = 10; i < 30; i++)
        assert_int_equal(tsr_store_set(&store, k(i), 0, tsr_text("this one never changes")),
                         TSR_OK);
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(tsr_store_set(&store, k(1), i, tsr_text("a counter")), TSR_OK);
    for (uint32_t b = 0; b < 16; b++) {
        least = flash.erases[b] < least ? flash.erases[b] : least;
        most = flash.erases[b] > most ? flash.erases[b] : most;
    }
    assert_true(least > 50);
    assert_true(most - least <= 1);
    expect(&store, k(29), "this one never changes");
    sim_close(&flash);
}

/* With a single flipped bit, at any place, the store either says that it is damaged and where, or
 * everything in it is right. */
static void flip_everywhere(bool overwrite)
{
    model m = { .value_max = 60, .rng = 31 };
    sim flash;
    tsr_store store;
    unsigned detected = 0, harmless = 0;

    sim_open(&flash, 4 * 512, 512, 4, overwrite, 3);
    assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 60), TSR_OK);
    for (unsigned i = 0; i < 60; i++) {
        model_op op = model_random_op(&m);

        if (model_run(&store, &op) == TSR_OK)
            m.values[op.key] = op.after;
    }
    for (uint32_t at = 0; at < flash.flash.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            flash.now[at] ^= (uint8_t)(1u << bit);
            tsr_err err = tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 60);
            if (err == TSR_OK) {
                assert_true(model_equals(&m, &store, UINT32_MAX));
                harmless++;
            } else {
                assert_int_equal(err, TSR_E_MALFORMED);
                assert_non_null(store.report.cause);
                assert_non_null(store.report.remedy);
                assert_string_equal(store.report.name, "sim");
                assert_true(store.report.at / 512 == at / 512); /* the block is the right one */
                detected++;
            }
            flash.now[at] ^= (uint8_t)(1u << bit);
        }
    }
    assert_true(detected > 2000);
    assert_true(harmless > 0);
    sim_close(&flash);
}

static void test_flip_of_every_bit_is_detected(void **state)
{
    (void)state;
    flip_everywhere(false);
}

static void test_flip_of_every_bit_is_detected_with_wiping(void **state)
{
    (void)state;
    flip_everywhere(true);
}

/* Every bit of every record that counts is covered: header and value of live records. */
static void test_flip_in_live_record_is_never_missed(void **state)
{
    sim flash;
    tsr_store store;

    (void)state;
    fresh(&flash, &store, 4, 512, 4, 60);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("first value")), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(2), 0, tsr_text("second value")), TSR_OK);
    for (size_t i = 0; i < store.count; i++) {
        uint32_t at = index_memory[i].at, len = index_memory[i].len;

        for (uint32_t j = 0; j < 40 + len; j++) {
            tsr_store again;
            tsr_store_entry other[KEYS];

            if (j >= 32 && j < 40)
                continue; /* the seal: its loss alone loses nothing */
            flash.now[at + j] ^= 0x10;
            assert_int_equal(tsr_store_mount(&again, &flash.flash, other, KEYS, 60),
                             TSR_E_MALFORMED);
            assert_int_equal(again.report.at, at);
            flash.now[at + j] ^= 0x10;
        }
    }
    sim_close(&flash);
}

/* Sectors that come back as zeros or as erased, in any block but the newest. */
static void test_lost_sector_is_detected(void **state)
{
    model m = { .value_max = 60, .rng = 77 };
    sim flash;
    tsr_store store;

    (void)state;
    fresh(&flash, &store, 8, 1024, 4, 60);
    for (unsigned i = 0; i < 150; i++) {
        model_op op = model_random_op(&m);

        if (model_run(&store, &op) == TSR_OK)
            m.values[op.key] = op.after;
    }
    uint32_t newest = (uint32_t)(store.head % 8);
    for (uint32_t at = 0; at < flash.flash.size; at += 128) {
        for (int fill = 0; fill < 2; fill++) {
            uint8_t saved[128];

            memcpy(saved, flash.now + at, 128);
            memset(flash.now + at, fill == 0 ? 0 : 0xff, 128);
            tsr_err err = tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 60);
            if (err == TSR_OK && at / 1024 != newest)
                assert_true(model_equals(&m, &store, UINT32_MAX));
            else if (err != TSR_OK)
                assert_int_equal(err, TSR_E_MALFORMED);
            memcpy(flash.now + at, saved, 128);
        }
    }
    sim_close(&flash);
}

static void test_damage_after_mount_is_not_returned(void **state)
{
    sim flash;
    tsr_store store;
    char got[32] = "unchanged";
    size_t len = 5;

    (void)state;
    fresh(&flash, &store, 4, 1024, 8, 100);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("secret value")), TSR_OK);
    flash.now[index_memory[0].at + 40 + 3] ^= 1;
    assert_int_equal(tsr_store_get(&store, k(1), 0, got, sizeof got, &len), TSR_E_MALFORMED);
    assert_int_equal(len, 0);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(got[i], 0);
    assert_int_equal(store.report.at, index_memory[0].at);
    assert_non_null(store.report.cause);
    sim_close(&flash);
}

static void test_repair_keeps_what_is_readable(void **state)
{
    sim flash;
    tsr_store store;
    char byte;
    size_t len;

    (void)state;
    fresh(&flash, &store, 4, 1024, 8, 100);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("old of one")), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("new of one")), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(2), 0, tsr_text("two")), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(3), 9, tsr_text("three")), TSR_OK);
    flash.now[index_memory[0].at + 41] ^= 4;
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 100),
                     TSR_E_MALFORMED);
    assert_int_equal(tsr_store_set(&store, k(4), 0, tsr_text("x")), TSR_E_IO);
    assert_int_equal(tsr_store_repair(&store, &flash.flash, index_memory, KEYS, 100), TSR_OK);
    assert_int_equal(store.report.damaged, 1);
    for (int again = 0; again < 2; again++) {
        /* the older content of 1 must not come back */
        assert_int_equal(tsr_store_get(&store, k(1), 0, &byte, 1, &len), TSR_E_NOT_FOUND);
        expect(&store, k(2), "two");
        expect(&store, k(3), "three");
        assert_int_equal(tsr_store_set(&store, k(2), 0, tsr_text("two")), TSR_OK);
        remount(&flash, &store);
        assert_int_equal(store.report.damaged, 0);
    }
    sim_close(&flash);
}

/* Repair takes any damage: random rubbish in random places, then all goes on. */
static void test_repair_after_any_damage(void **state)
{
    uint64_t rng = 2026;
    unsigned repaired = 0;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        model m = { .value_max = 120, .rng = round + 1 };
        sim flash;
        tsr_store store;

        sim_open(&flash, 6 * 1024, 1024, 8, round % 2 == 0, round);
        assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
        assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 120), TSR_OK);
        for (unsigned i = 0; i < 80; i++) {
            model_op op = model_random_op(&m);

            (void)model_run(&store, &op);
        }
        for (unsigned i = 0; i < 1 + round % 40; i++)
            flash.now[sim_random(&rng) % flash.flash.size] = (uint8_t)sim_random(&rng);
        tsr_err err = tsr_store_repair(&store, &flash.flash, index_memory, KEYS, 120);
        if (err == TSR_OK) {
            repaired += store.report.damaged > 0;
            assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("on it goes")), TSR_OK);
            remount(&flash, &store);
            expect(&store, k(1), "on it goes");
        } else {
            assert_int_equal(err, TSR_E_MALFORMED); /* not one block left to go by */
            assert_non_null(store.report.cause);
        }
        sim_close(&flash);
    }
    assert_true(repaired > 300);
}

static void test_foreign_content_is_not_formatted_over(void **state)
{
    sim flash;
    tsr_store store;

    (void)state;
    sim_open(&flash, 4096, 1024, 8, false, 1);
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 100),
                     TSR_E_NOT_FOUND);
    memset(flash.now + 2000, 'x', 100);
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 100),
                     TSR_E_MALFORMED);
    assert_int_equal(tsr_store_repair(&store, &flash.flash, index_memory, KEYS, 100),
                     TSR_E_MALFORMED);
    memset(flash.now, 0, 4096);
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 100),
                     TSR_E_MALFORMED);
    sim_close(&flash);
}

static void test_failing_device_stops_writes_not_reads(void **state)
{
    static const tsr_err causes[] = { TSR_E_IO, TSR_E_SPACE };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sim flash;
        tsr_store store;

        fresh(&flash, &store, 4, 1024, 8, 100);
        assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("kept")), TSR_OK);
        flash.refuse = causes[i];
        assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("lost")), causes[i]);
        assert_non_null(store.report.cause);
        flash.refuse = TSR_OK;
        assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("lost")), TSR_E_IO);
        assert_int_equal(tsr_store_remove(&store, k(1)), TSR_E_IO);
        expect(&store, k(1), "kept");
        remount(&flash, &store);
        expect(&store, k(1), "kept");
        assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text("new")), TSR_OK);
        expect(&store, k(1), "new");
        sim_close(&flash);
    }
}

/* A removed or replaced value leaves no copy behind on a device that can be overwritten. */
static void test_removed_value_is_wiped(void **state)
{
    sim flash;
    tsr_store store;
    const char secret[] = "the-key-that-must-go";

    (void)state;
    sim_open(&flash, 4 * 1024, 1024, 8, true, 1);
    assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 100), TSR_OK);
    assert_int_equal(tsr_store_set(&store, k(1), 0, tsr_text(secret)), TSR_OK);
    for (unsigned i = 0; i < 100; i++) /* collections copy it around */
        assert_int_equal(tsr_store_set(&store, k(2), 0, tsr_text("something else")), TSR_OK);
    expect(&store, k(1), secret);
    assert_int_equal(tsr_store_remove(&store, k(1)), TSR_OK);
    for (uint32_t at = 0; at + sizeof secret <= flash.flash.size; at++)
        assert_memory_not_equal(flash.durable + at, secret, sizeof secret - 1);
    remount(&flash, &store);
    sim_close(&flash);
}

static void test_bad_geometry_is_refused(void **state)
{
    static const uint32_t bad[][4] = {
        /* size, block, unit, value_max */
        { 2048, 1024, 8, 100 }, { 4096, 1024, 3, 100 },  { 4096, 1024, 512, 100 },
        { 4000, 1000, 16, 50 }, { 4096, 1024, 8, 1000 }, { 512, 128, 8, 8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tsr_store store;
        sim flash;

        sim_open(&flash, bad[i][0], bad[i][1], bad[i][2], false, 1);
        assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, bad[i][3]),
                         TSR_E_ARGUMENT);
        assert_non_null(store.report.remedy);
        sim_close(&flash);
    }
}

static void test_other_geometry_is_named(void **state)
{
    sim flash;
    tsr_store store;

    (void)state;
    fresh(&flash, &store, 4, 2048, 8, 100);
    flash.flash.unit = 16;
    assert_int_equal(tsr_store_mount(&store, &flash.flash, index_memory, KEYS, 100),
                     TSR_E_ARGUMENT);
    assert_non_null(strstr(store.report.cause, "another size"));
    sim_close(&flash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc_check_value),
        cmocka_unit_test(test_set_get_remove_survive_mount),
        cmocka_unit_test(test_get_reads_parts_across_chunks),
        cmocka_unit_test(test_block_numbers_of_any_size_go_round_the_ring),
        cmocka_unit_test(test_share_is_the_quotas_part_of_the_index),
        cmocka_unit_test(test_spaces_are_apart_and_ordered),
        cmocka_unit_test(test_full_store_keeps_old_content),
        cmocka_unit_test(test_full_index_is_refused),
        cmocka_unit_test(test_wear_is_even),
        cmocka_unit_test(test_flip_of_every_bit_is_detected),
        cmocka_unit_test(test_flip_of_every_bit_is_detected_with_wiping),
        cmocka_unit_test(test_flip_in_live_record_is_never_missed),
        cmocka_unit_test(test_lost_sector_is_detected),
        cmocka_unit_test(test_damage_after_mount_is_not_returned),
        cmocka_unit_test(test_repair_keeps_what_is_readable),
        cmocka_unit_test(test_repair_after_any_damage),
        cmocka_unit_test(test_foreign_content_is_not_formatted_over),
        cmocka_unit_test(test_failing_device_stops_writes_not_reads),
        cmocka_unit_test(test_removed_value_is_wiped),
        cmocka_unit_test(test_bad_geometry_is_refused),
        cmocka_unit_test(test_other_geometry_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
