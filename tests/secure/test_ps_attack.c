/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage against somebody who has the medium in hand. PSA Secure Storage 1.0.4,
 * requirements PS 2, 4 and 6: every byte flipped, every earlier version played back, contents
 * swapped, cut and stretched; on the raw medium, and behind the checksums of its store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "secure/storage/log.h"
#include "secure/storage/ps_object.h"
#include "tests/secure/flash_sim.h"
#include "tests/secure/ps_rig.h"

#define CLIENT    (-7)
#define OTHER     (-8)
#define NO_SECRET PSA_STORAGE_FLAG_NO_CONFIDENTIALITY
#define NO_REPLAY PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION

#define SIZE    (6u * 2048u)
#define BLOCK   2048u
#define OBJECTS 6
#define HISTORY 40

typedef struct {
    int32_t client;
    uint64_t uid;
} object;

static const object objects[OBJECTS] = { { CLIENT, 1 }, { CLIENT, 2 }, { CLIENT, 3 },
                                         { CLIENT, 4 }, { CLIENT, 5 }, { OTHER, 1 } };

typedef struct { /* one moment of the device's life */
    uint8_t image[SIZE];
    bool used[SIZE / 8];
    char value[OBJECTS][64]; /* what was acknowledged */
    bool there[OBJECTS];
    unsigned version[OBJECTS];     /* counts changes, removals too */
    unsigned incarnation[OBJECTS]; /* counts removals, and changes of flags */
} moment;

static sim inner, outer;
static moment history[HISTORY];
static size_t moments;

static tsr_ps *ps(void) { return &rig_here()->ps; }

static int power_on(void **state)
{
    (void)state;
    sim_open(&inner, 32 * 2048, 2048, 8, true, 1);
    sim_open(&outer, SIZE, BLOCK, 8, true, 2);
    moments = 0;
    memset(history, 0, sizeof history);
    return core_open(&inner.flash) == TSR_OK && rig_open(&outer.flash) == TSR_OK ? 0 : -1;
}

static int power_off(void **state)
{
    (void)state;
    core_close();
    sim_close(&inner);
    sim_close(&outer);
    return 0;
}

static void load(const moment *m)
{
    memcpy(outer.now, m->image, SIZE);
    memcpy(outer.durable, m->image, SIZE);
    memcpy(outer.used, m->used, sizeof m->used);
}

/* The service mounts what it finds; what is beyond repair it replaces by a blank medium. */
static void mount(void)
{
    tsr_err err = rig_open(&outer.flash);

    if (err == TSR_E_MALFORMED || err == TSR_E_SPACE || err == TSR_E_ARGUMENT) {
        memset(outer.now, 0xff, SIZE);
        memset(outer.durable, 0xff, SIZE);
        memset(outer.used, 0, sizeof history[0].used);
        err = rig_open(&outer.flash);
    }
    assert_int_equal(err, TSR_OK);
}

static psa_status_t get(size_t i, char *value)
{
    size_t len = 99;
    psa_status_t status = tsr_ps_get(ps(), objects[i].client, objects[i].uid, 0, 63, value, &len);

    if (status != PSA_SUCCESS)
        assert_int_equal(len, 0);
    value[len] = 0;
    return status;
}

static bool reported(psa_status_t status)
{
    return status == PSA_ERROR_INVALID_SIGNATURE || status == PSA_ERROR_DATA_CORRUPT;
}

/* Life: each step changes one object; what it is after the step is kept. */
static moment *next_moment(size_t i, const char *value, bool reborn)
{
    moment *m = &history[moments];

    assert_true(moments < HISTORY);
    if (moments > 0)
        *m = history[moments - 1];
    m->there[i] = value != NULL;
    (void)strcpy(m->value[i], value != NULL ? value : "");
    m->version[i]++;
    m->incarnation[i] += reborn;
    return m;
}

static void remember(moment *m)
{
    memcpy(m->image, outer.now, SIZE);
    memcpy(m->used, outer.used, sizeof m->used);
    moments++;
}

static void set(size_t i, const char *value, uint32_t flags, bool reborn)
{
    moment *m = next_moment(i, value, reborn);

    assert_int_equal(
        tsr_ps_set(ps(), objects[i].client, objects[i].uid, strlen(value), value, flags),
        PSA_SUCCESS);
    remember(m);
}

static void extend(size_t i, size_t offset, const char *part, const char *value)
{
    moment *m = next_moment(i, value, false);

    assert_int_equal(
        tsr_ps_set_extended(ps(), objects[i].client, objects[i].uid, offset, strlen(part), part),
        PSA_SUCCESS);
    remember(m);
}

static void drop(size_t i)
{
    moment *m = next_moment(i, NULL, true);

    assert_int_equal(tsr_ps_remove(ps(), objects[i].client, objects[i].uid), PSA_SUCCESS);
    remember(m);
}

static void live(void)
{
    set(0, "first content", 0, true);
    set(1, "readable content", NO_SECRET, true);
    moment *m = next_moment(2, "", true);
    assert_int_equal(tsr_ps_create(ps(), CLIENT, 3, 20, 0), PSA_SUCCESS);
    remember(m);
    set(3, "for good", PSA_STORAGE_FLAG_WRITE_ONCE, true);
    set(4, "waived one", NO_REPLAY, true);
    set(5, "of another client", 0, true);
    set(0, "second content", 0, false);
    extend(2, 0, "abcde", "abcde");
    set(1, "readable, changed", NO_SECRET, false);
    set(4, "waived two", NO_REPLAY, false);
    extend(2, 5, "fgh", "abcdefgh");
    drop(0);
    set(0, "third content!", 0, false); /* made anew: the version begins where it began before */
    set(0, "fourth content", 0, false);
    extend(2, 1, "BCD", "aBCDefgh");
    drop(5);
    set(4, "waived three", NO_REPLAY | NO_SECRET, true);
    set(5, "of another, anew", 0, false);
    set(0, "fourth content", 0, false); /* the same again: still another version */
    set(1, "readable for last", NO_SECRET, false);
    drop(4);
    set(4, "waived, anew", NO_REPLAY, true);
    drop(2);
}

/* Which object's sealed content this byte belongs to, or OBJECTS. */
static size_t owner_of(uint32_t at)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        tsr_ps_name name = { objects[i].client, 0, objects[i].uid };
        tsr_ps_facts anchor;

        if (tsr_ps_slot_of(ps(), name.client, false, &name.slot) != PSA_SUCCESS ||
            tsr_ps_anchor_read(ps(), &name, &anchor) != PSA_SUCCESS)
            continue;
        const tsr_store_entry *e = NULL;
        tsr_store_key key = tsr_ps_place(&name, anchor.version);
        e = tsr_store_entry_of(&rig_here()->medium, key);
        if (e != NULL && at >= e->at + 40 && at < e->at + 40 + e->len)
            return i;
    }
    return OBJECTS;
}

static void test_ps_notices_every_flipped_byte(void **state)
{
    unsigned intact = 0, corrupt = 0, forged = 0, in_content = 0;
    const moment *now;
    size_t *owner = calloc(SIZE, sizeof *owner);

    (void)state;
    assert_non_null(owner);
    live();
    now = &history[moments - 1];
    for (uint32_t at = 0; at < SIZE; at++)
        owner[at] = owner_of(at);
    for (uint32_t at = 0; at < SIZE; at++) {
        for (int pattern = 0; pattern < 2; pattern++) {
            bool noticed = false;

            load(now);
            outer.now[at] = (uint8_t)(outer.now[at] ^ (pattern == 0 ? 1u << at % 8 : 0xffu));
            outer.durable[at] = outer.now[at];
            mount();
            for (size_t i = 0; i < OBJECTS; i++) {
                char value[64];
                psa_status_t status = get(i, value);

                if (!now->there[i]) {
                    assert_int_equal(status, PSA_ERROR_DOES_NOT_EXIST);
                } else if (status == PSA_SUCCESS) {
                    assert_string_equal(value, now->value[i]);
                    assert_int_not_equal(i, owner[at]);
                } else {
                    assert_true(reported(status));
                    noticed = true;
                    corrupt += status == PSA_ERROR_DATA_CORRUPT;
                    forged += status == PSA_ERROR_INVALID_SIGNATURE;
                }
            }
            in_content += owner[at] < OBJECTS;
            intact += !noticed;
        }
    }
    print_message("flips: %u bytes, 2 patterns each; %u in contents, all of them refused; reported "
                  "DATA_CORRUPT %u, INVALID_SIGNATURE %u; content intact %u; wrong content 0\n",
                  SIZE, in_content, corrupt, forged, intact);
    assert_true(in_content > 500);
    assert_true(corrupt > in_content - 10);
    free(owner);
}

/* At every moment, the medium of every earlier moment is put back. */
static void check_playback(const moment *now, const moment *then, unsigned *refused,
                           unsigned *waived)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        char value[64];
        psa_status_t status = get(i, value);
        bool same = now->version[i] == then->version[i];

        if (!now->there[i]) {
            assert_int_equal(status, PSA_ERROR_DOES_NOT_EXIST);
        } else if (same) {
            assert_int_equal(status, PSA_SUCCESS);
            assert_string_equal(value, now->value[i]);
        } else if (i == 4 && now->incarnation[i] == then->incarnation[i] && status == PSA_SUCCESS) {
            assert_string_equal(value, then->value[i]); /* that is what was waived */
            (*waived)++;
        } else {
            assert_true(reported(status));
            (*refused)++;
        }
    }
}

static unsigned all_played, all_refused, all_waived;

static void play_all_earlier(void)
{
    const moment *now = &history[moments - 1];

    for (size_t j = 0; j + 1 < moments; j++) {
        load(&history[j]);
        mount();
        check_playback(now, &history[j], &all_refused, &all_waived);
        all_played++;
    }
    load(now);
    mount();
}

static void test_ps_notices_playback_after_every_step(void **state)
{
    static const char *const values[] = { "one", "two two", "three three three", "four", "5" };

    (void)state;
    all_played = all_refused = all_waived = 0;
    live();
    play_all_earlier();
    (void)power_off(NULL);
    assert_int_equal(power_on(NULL), 0);
    for (size_t step = 0; step < 30; step++) {
        size_t i = step % 3 == 2 ? 4 : step % 2 * 5;
        uint32_t flags = i == 4 ? NO_REPLAY : step % 4 == 0 ? NO_SECRET : 0;

        if (moments > 0 && step % 7 == 6 && history[moments - 1].there[i])
            drop(i);
        else
            set(i, values[step % 5], flags,
                i == 4 && (moments == 0 || !history[moments - 1].there[i]));
        play_all_earlier();
    }
    print_message("playback of whole media: %u, contents refused %u, waived (same asset, flag set) "
                  "%u; passed 0\n",
                  all_played, all_refused, all_waived);
    assert_true(all_played > 400 && all_refused > 300 && all_waived > 10);
}

/* Behind the checksums: somebody who can write a valid store. */
static tsr_store_key place_of(size_t i, tsr_ps_name *name, tsr_ps_facts *anchor)
{
    *name = (tsr_ps_name){ objects[i].client, 0, objects[i].uid };
    assert_int_equal(tsr_ps_slot_of(ps(), name->client, false, &name->slot), PSA_SUCCESS);
    assert_int_equal(tsr_ps_anchor_read(ps(), name, anchor), PSA_SUCCESS);
    return tsr_ps_place(name, anchor->version);
}

static void test_ps_notices_forged_contents(void **state)
{
    uint8_t sealed[OBJECTS][200], forged[201];
    size_t len[OBJECTS], tried = 0, swapped = 0;
    tsr_store_key place[OBJECTS];
    char value[64];

    (void)state;
    live();
    set(2, "twenty bytes of data", 0, true);
    for (size_t i = 0; i < OBJECTS; i++) {
        tsr_ps_name name;
        tsr_ps_facts anchor;

        place[i] = place_of(i, &name, &anchor);
        assert_int_equal(tsr_store_get(&rig_here()->medium, place[i], 0, sealed[i], 200, &len[i]),
                         TSR_OK);
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        for (size_t bit = 0; bit < len[i] * 8; bit++) {
            memcpy(forged, sealed[i], len[i]);
            forged[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(
                tsr_store_set(&rig_here()->medium, place[i], 0, tsr_view(forged, len[i])), TSR_OK);
            assert_true(reported(get(i, value)));
            tried++;
        }
        for (size_t n = 0; n <= len[i] + 1; n++) { /* cut and stretched */
            memset(forged, 0, sizeof forged);
            memcpy(forged, sealed[i], n < len[i] ? n : len[i]);
            assert_int_equal(tsr_store_set(&rig_here()->medium, place[i], 0, tsr_view(forged, n)),
                             TSR_OK);
            assert_int_equal(reported(get(i, value)), n != len[i]);
            tried++;
        }
        for (size_t other = 0; other < OBJECTS; other++) { /* another's in its place */
            if (other == i)
                continue;
            assert_int_equal(tsr_store_set(&rig_here()->medium, place[i], 0,
                                           tsr_view(sealed[other], len[other])),
                             TSR_OK);
            assert_int_equal(get(i, value), PSA_ERROR_INVALID_SIGNATURE);
            swapped++;
        }
        assert_int_equal(tsr_store_remove(&rig_here()->medium, place[i]), TSR_OK);
        assert_int_equal(get(i, value), PSA_ERROR_DATA_CORRUPT);
        tsr_store_key twin = { place[i].space ^ 1u, place[i].uid };
        assert_int_equal(tsr_store_set(&rig_here()->medium, twin, 0, tsr_view(sealed[i], len[i])),
                         TSR_OK);
        assert_int_equal(get(i, value), PSA_ERROR_INVALID_SIGNATURE);
        assert_int_equal(tsr_store_remove(&rig_here()->medium, twin), TSR_OK);
        assert_int_equal(
            tsr_store_set(&rig_here()->medium, place[i], 0, tsr_view(sealed[i], len[i])), TSR_OK);
        assert_int_equal(get(i, value), PSA_SUCCESS);
    }
    print_message("forged behind the checksum: %zu bit flips and lengths, %zu swaps; passed 0\n",
                  tried, swapped);
    assert_true(tried > 3000);
}

/* A version that a power cut kept from being acknowledged is no way in either. */
static void test_ps_notices_unacknowledged_version(void **state)
{
    uint8_t stray[200];
    tsr_ps_name name;
    tsr_ps_facts anchor;
    tsr_store_key place;
    size_t len;
    char value[64];

    (void)state;
    set(0, "old", 0, true);
    place = place_of(0, &name, &anchor);
    place = tsr_ps_place(&name, anchor.version + 1);
    inner.refuse = TSR_E_IO; /* the cut falls between the medium and ITS */
    assert_int_equal(tsr_ps_set(ps(), CLIENT, 1, 5, "stray", 0), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(tsr_store_get(&rig_here()->medium, place, 0, stray, 200, &len), TSR_OK);
    inner.refuse = TSR_OK;
    core_close();
    assert_int_equal(core_open(&inner.flash), TSR_OK);
    mount();
    assert_int_equal(rig_here()->swept, 1);
    assert_int_equal(get(0, value), PSA_SUCCESS);
    assert_string_equal(value, "old");
    assert_int_equal(tsr_store_set(&rig_here()->medium, place, 0, tsr_view(stray, len)), TSR_OK);
    assert_int_equal(get(0, value), PSA_SUCCESS);
    assert_string_equal(value, "old");
    set(0, "new", 0, false);
    assert_int_equal(tsr_store_set(&rig_here()->medium, place, 0, tsr_view(stray, len)), TSR_OK);
    assert_int_equal(get(0, value), PSA_ERROR_INVALID_SIGNATURE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_ps_notices_every_flipped_byte),
        T(test_ps_notices_playback_after_every_step),
        T(test_ps_notices_forged_contents),
        T(test_ps_notices_unacknowledged_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
