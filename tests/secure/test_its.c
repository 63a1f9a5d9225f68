/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA Secure Storage 1.0.4, Internal Trusted Storage: every rule of its calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "secure/storage/its.h"
#include "tests/secure/flash_sim.h"

#define ALICE (-1001)
#define BOB   (-1002)

typedef struct {
    sim flash;
    tsr_store store;
    tsr_store_entry index[32];
    tsr_its its;
} world;

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    sim_open(&w->flash, 4 * 2048, 2048, 8, true, 1);
    assert_int_equal(tsr_store_format(&w->flash.flash), TSR_OK);
    assert_int_equal(tsr_store_mount(&w->store, &w->flash.flash, w->index, 32, 256), TSR_OK);
    w->its = (tsr_its){ .store = &w->store, .buffer_max = 65536 };
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;

    assert_null(w->flash.bad_manners);
    sim_close(&w->flash);
    free(w);
    return 0;
}

static void set(world *w, int32_t client, uint64_t uid, const char *text)
{
    assert_int_equal(tsr_its_set(&w->its, client, uid, strlen(text), text, 0), PSA_SUCCESS);
}

static void expect(world *w, int32_t client, uint64_t uid, const char *text)
{
    char got[300];
    size_t len;

    assert_int_equal(tsr_its_get(&w->its, client, uid, 0, sizeof got, got, &len), PSA_SUCCESS);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(got, text, len);
}

static void test_uid_zero_is_invalid_everywhere(void **state)
{
    world *w = *state;
    struct psa_storage_info_t info;
    char byte = 'u';
    size_t len = 7;

    assert_int_equal(tsr_its_set(&w->its, ALICE, 0, 1, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_its_get(&w->its, ALICE, 0, 0, 1, &byte, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_int_equal(byte, 'u');
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 0, &info), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 0), PSA_ERROR_INVALID_ARGUMENT);
}

static void test_set_replaces_and_info_tells(void **state)
{
    world *w = *state;
    struct psa_storage_info_t info;

    set(w, ALICE, 5, "long content");
    set(w, ALICE, 5, "short");
    expect(w, ALICE, 5, "short");
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 5, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 5);
    assert_int_equal(info.capacity, 5);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_NONE);
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 5, NULL), PSA_ERROR_INVALID_ARGUMENT);
}

static void test_absent_asset(void **state)
{
    world *w = *state;
    struct psa_storage_info_t info;
    char byte;
    size_t len = 3;

    assert_int_equal(tsr_its_get(&w->its, ALICE, 9, 0, 1, &byte, &len), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(len, 0);
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 9, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 9), PSA_ERROR_DOES_NOT_EXIST);
}

static void test_empty_asset_exists(void **state)
{
    world *w = *state;
    struct psa_storage_info_t info;
    size_t len = 3;

    assert_int_equal(tsr_its_set(&w->its, ALICE, 1, 0, NULL, 0), PSA_SUCCESS);
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 1, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 0);
    assert_int_equal(tsr_its_get(&w->its, ALICE, 1, 0, 0, NULL, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 1), PSA_SUCCESS);
}

static void test_get_returns_the_lesser_of_asked_and_left(void **state)
{
    world *w = *state;
    char got[16];
    size_t len;

    set(w, ALICE, 2, "0123456789");
    memset(got, '#', sizeof got);
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 4, 3, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 3);
    assert_memory_equal(got, "456##", 5); /* bytes beyond the length stay untouched */
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 8, sizeof got, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 2);
    assert_memory_equal(got, "896##", 5);
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 0, 11, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 10);
}

static void test_get_at_and_beyond_the_end(void **state)
{
    world *w = *state;
    char got[4] = "abc";
    size_t len = 9;

    set(w, ALICE, 2, "0123456789");
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 10, 1, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 3, 0, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    len = 9;
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 11, 1, got, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    len = 9;
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, SIZE_MAX, 2, got, &len),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_string_equal(got, "abc");
}

/* A size that no buffer of a client can have is refused, at a valid offset too. */
static void test_get_of_impossible_size_is_refused(void **state)
{
    world *w = *state;
    char got[4] = "abc";
    size_t len = 9;

    set(w, ALICE, 2, "0123456789");
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 0, 0xffffffffu, got, &len),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 0, 65536, got, &len),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_string_equal(got, "abc");
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 0, 1, NULL, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_its_get(&w->its, ALICE, 2, 0, 1, got, NULL), PSA_ERROR_INVALID_ARGUMENT);
}

static void test_unknown_flag_is_not_supported(void **state)
{
    world *w = *state;
    struct psa_storage_info_t info;

    for (uint32_t bit = 3; bit < 32; bit++)
        assert_int_equal(tsr_its_set(&w->its, ALICE, 3, 1, "x", 1u << bit),
                         PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 3, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(
        tsr_its_set(&w->its, ALICE, 3, 1, "x",
                    PSA_STORAGE_FLAG_NO_CONFIDENTIALITY | PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION),
        PSA_SUCCESS);
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 3, &info), PSA_SUCCESS);
    assert_int_equal(info.flags, 6);
}

static void test_no_data_is_invalid(void **state)
{
    world *w = *state;

    assert_int_equal(tsr_its_set(&w->its, ALICE, 3, 1, NULL, 0), PSA_ERROR_INVALID_ARGUMENT);
}

static void test_write_once_blocks_set_and_remove(void **state)
{
    world *w = *state;
    struct psa_storage_info_t info;

    assert_int_equal(tsr_its_set(&w->its, ALICE, 4, 4, "once", PSA_STORAGE_FLAG_WRITE_ONCE),
                     PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 4, 5, "twice", 0), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 4, 4, "once", PSA_STORAGE_FLAG_WRITE_ONCE),
                     PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 4), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_store_mount(&w->store, &w->flash.flash, w->index, 32, 256), TSR_OK);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 4), PSA_ERROR_NOT_PERMITTED);
    expect(w, ALICE, 4, "once");
    assert_int_equal(tsr_its_get_info(&w->its, ALICE, 4, &info), PSA_SUCCESS);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_WRITE_ONCE);
}

/* An asset that exists may be made WRITE_ONCE by a later set. */
static void test_write_once_can_come_later(void **state)
{
    world *w = *state;

    set(w, ALICE, 4, "draft");
    assert_int_equal(tsr_its_set(&w->its, ALICE, 4, 5, "final", PSA_STORAGE_FLAG_WRITE_ONCE),
                     PSA_SUCCESS);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 4), PSA_ERROR_NOT_PERMITTED);
}

/* Requirement ITS 14: not enforced while the root of trust is being provisioned. */
static void test_write_once_is_open_in_provisioning(void **state)
{
    world *w = *state;

    w->its.provisioning = true;
    assert_int_equal(tsr_its_set(&w->its, ALICE, 4, 4, "once", PSA_STORAGE_FLAG_WRITE_ONCE),
                     PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 4, 5, "again", PSA_STORAGE_FLAG_WRITE_ONCE),
                     PSA_SUCCESS);
    w->its.provisioning = false;
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 4), PSA_ERROR_NOT_PERMITTED);
}

/* Requirements ITS 6 and 7: the client's number is part of every name. */
static void test_clients_do_not_meet(void **state)
{
    world *w = *state;
    char byte;
    size_t len;

    set(w, ALICE, 1, "of alice");
    assert_int_equal(tsr_its_get(&w->its, BOB, 1, 0, 1, &byte, &len), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(tsr_its_remove(&w->its, BOB, 1), PSA_ERROR_DOES_NOT_EXIST);
    set(w, BOB, 1, "of bob");
    assert_int_equal(tsr_its_set(&w->its, TSR_ITS_CRYPTO, 1, 3, "key", 0), PSA_SUCCESS);
    expect(w, ALICE, 1, "of alice");
    expect(w, BOB, 1, "of bob");
    expect(w, TSR_ITS_CRYPTO, 1, "key");
    assert_true(TSR_ITS_CRYPTO > 0); /* no normal-world client has a positive number */
    assert_int_equal(tsr_its_set(&w->its, 0, 1, 1, "x", 0), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_its_get(&w->its, 0, 1, 0, 1, &byte, &len), PSA_ERROR_NOT_PERMITTED);
}

static void test_quota_binds_clients_not_services(void **state)
{
    world *w = *state;
    char big[256] = { 0 };

    w->its.quota = 2 * tsr_store_footprint(&w->store, 100);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 1, 100, big, 0), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 2, 100, big, 0), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 3, 1, big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 2, 101 + 8, big, 0),
                     PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 2, 96, big, 0), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, BOB, 1, 100, big, 0), PSA_SUCCESS);
    for (uint64_t uid = 1; uid < 5; uid++)
        assert_int_equal(tsr_its_set(&w->its, TSR_ITS_CRYPTO, uid, 100, big, 0), PSA_SUCCESS);
}

/* Values of no bytes cost an attacker little, and a place in the index each. */
static void test_quota_leaves_others_room_in_the_index(void **state)
{
    world *w = *state;
    uint64_t uid = 1;

    w->its.quota = tsr_store_capacity(&w->store) / 2;
    while (uid <= 40 && tsr_its_set(&w->its, ALICE, uid, 0, "", 0) == PSA_SUCCESS)
        uid++;
    assert_int_equal(uid - 1, 16); /* half of 32 */
    assert_int_equal(tsr_its_set(&w->its, ALICE, 1, 1, "x", 0), PSA_SUCCESS); /* replaces */
    for (uint64_t mine = 1; mine <= 8; mine++)
        assert_int_equal(tsr_its_set(&w->its, BOB, mine, 1, "x", 0), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, TSR_ITS_FWU, 1, 1, "x", 0), PSA_SUCCESS);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 3), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 99, 0, "", 0), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 100, 0, "", 0), PSA_ERROR_INSUFFICIENT_STORAGE);
}

static void test_full_store_keeps_the_old_content(void **state)
{
    world *w = *state;
    char big[257] = { 0 };
    uint64_t uid = 10;

    set(w, ALICE, 1, "old content");
    while (tsr_its_set(&w->its, BOB, uid, 256, big, 0) == PSA_SUCCESS)
        uid++;
    assert_true(uid > 12);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 1, 256, big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    expect(w, ALICE, 1, "old content");
    assert_int_equal(tsr_its_set(&w->its, ALICE, 1, 257, big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(tsr_its_remove(&w->its, BOB, 10), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&w->its, ALICE, 1, 200, big, 0), PSA_SUCCESS);
}

static void test_failed_medium_is_a_storage_failure(void **state)
{
    world *w = *state;
    char got[16];
    size_t len = 4;

    set(w, ALICE, 1, "kept");
    w->flash.refuse = TSR_E_IO;
    assert_int_equal(tsr_its_set(&w->its, ALICE, 1, 1, "x", 0), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(tsr_its_remove(&w->its, ALICE, 1), PSA_ERROR_STORAGE_FAILURE);
    expect(w, ALICE, 1, "kept");
    w->flash.now[w->index[0].at + 40] ^= 2;
    assert_int_equal(tsr_its_get(&w->its, ALICE, 1, 0, 4, got, &len), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(len, 0);
    assert_non_null(w->store.report.remedy);
}

#define RULE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(test_uid_zero_is_invalid_everywhere),
        RULE(test_set_replaces_and_info_tells),
        RULE(test_absent_asset),
        RULE(test_empty_asset_exists),
        RULE(test_get_returns_the_lesser_of_asked_and_left),
        RULE(test_get_at_and_beyond_the_end),
        RULE(test_get_of_impossible_size_is_refused),
        RULE(test_unknown_flag_is_not_supported),
        RULE(test_no_data_is_invalid),
        RULE(test_write_once_blocks_set_and_remove),
        RULE(test_write_once_can_come_later),
        RULE(test_write_once_is_open_in_provisioning),
        RULE(test_clients_do_not_meet),
        RULE(test_quota_binds_clients_not_services),
        RULE(test_quota_leaves_others_room_in_the_index),
        RULE(test_full_store_keeps_the_old_content),
        RULE(test_failed_medium_is_a_storage_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
