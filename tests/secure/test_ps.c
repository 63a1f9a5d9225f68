/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage: the rules of PSA Secure Storage 1.0.4, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "secure/storage/log.h"
#include "tests/secure/flash_sim.h"
#include "tests/secure/ps_rig.h"

#define CLIENT    (-7)
#define OTHER     (-8)
#define NO_SECRET PSA_STORAGE_FLAG_NO_CONFIDENTIALITY
#define NO_REPLAY PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION

static sim inner, outer;

static tsr_ps *ps(void) { return &rig_here()->ps; }

static int power_on(void **state)
{
    (void)state;
    sim_open(&inner, 16 * 2048, 2048, 8, true, 1);
    sim_open(&outer, 16 * 2048, 2048, 8, true, 2);
    if (core_open(&inner.flash) != TSR_OK || rig_open(&outer.flash) != TSR_OK)
        return -1;
    return rig_here()->found.made ? 0 : -1;
}

static int power_off(void **state)
{
    bool polite = inner.bad_manners == NULL && outer.bad_manners == NULL;

    (void)state;
    core_close();
    sim_close(&inner);
    sim_close(&outer);
    return polite ? 0 : -1;
}

static void power_cycle(void)
{
    core_close();
    assert_int_equal(core_open(&inner.flash), TSR_OK);
    assert_int_equal(rig_open(&outer.flash), TSR_OK);
}

static psa_status_t set(uint64_t uid, const char *text, uint32_t flags)
{
    return tsr_ps_set(ps(), CLIENT, uid, strlen(text), text, flags);
}

static psa_status_t get(int32_t client, uint64_t uid, char text[64])
{
    size_t len = 99;
    psa_status_t status = tsr_ps_get(ps(), client, uid, 0, 63, text, &len);

    text[len] = 0;
    return status;
}

static void holds(uint64_t uid, const char *text)
{
    char got[64];

    assert_int_equal(get(CLIENT, uid, got), PSA_SUCCESS);
    assert_string_equal(got, text);
}

static void absent(int32_t client, uint64_t uid)
{
    char got[64];

    assert_int_equal(get(client, uid, got), PSA_ERROR_DOES_NOT_EXIST);
}

static bool on_medium(const sim *s, const void *what, size_t len)
{
    for (size_t at = 0; at + len <= s->flash.size; at++)
        if (memcmp(s->now + at, what, len) == 0)
            return true;
    return false;
}

static void test_ps_keeps_what_was_set(void **state)
{
    struct psa_storage_info_t info;

    (void)state;
    assert_int_equal(set(1, "first", 0), PSA_SUCCESS);
    assert_int_equal(set(1, "second", 0), PSA_SUCCESS);
    assert_int_equal(set(UINT64_MAX, "", NO_SECRET), PSA_SUCCESS);
    power_cycle();
    holds(1, "second");
    holds(UINT64_MAX, "");
    assert_int_equal(tsr_ps_get_info(ps(), CLIENT, 1, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 6);
    assert_int_equal(info.capacity, 6);
    assert_int_equal(info.flags, 0);
    assert_int_equal(tsr_ps_get_info(ps(), CLIENT, UINT64_MAX, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 0);
    assert_int_equal(info.flags, NO_SECRET);
}

static void test_ps_get_returns_the_lesser(void **state)
{
    char got[16];
    size_t len;

    (void)state;
    assert_int_equal(set(1, "abcdef", 0), PSA_SUCCESS);
    memset(got, '#', sizeof got);
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 1, 2, 3, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 3);
    assert_memory_equal(got, "cde#", 4);
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 1, 4, 10, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 2);
    assert_memory_equal(got, "efe#", 4); /* beyond the length returned nothing is touched */
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 1, 6, 1, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 1, 0, 0, NULL, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    len = 5;
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 1, 7, 1, got, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 1, 0, UINT32_MAX, got, &len),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 1, 0, 1, NULL, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_memory_equal(got, "efe#", 4);
}

static void test_ps_rejects_wrong_arguments(void **state)
{
    struct psa_storage_info_t info;
    char got[4];
    size_t len = 9;

    (void)state;
    assert_int_equal(set(0, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_ps_get(ps(), CLIENT, 0, 0, 4, got, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_int_equal(tsr_ps_get_info(ps(), CLIENT, 0, &info), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_ps_create(ps(), CLIENT, 0, 4, 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, 0, 0, 1, "x"), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_ps_set(ps(), CLIENT, 1, 3, NULL, 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(set(1, "x", 8), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(set(1, "x", 1u << 31), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(tsr_ps_create(ps(), CLIENT, 1, 1, 16), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(tsr_ps_set(ps(), 0, 1, 1, "x", 0), PSA_ERROR_NOT_PERMITTED);
    absent(CLIENT, 1);
}

static void test_ps_absent_asset_does_not_exist(void **state)
{
    struct psa_storage_info_t info;

    (void)state;
    absent(CLIENT, 1);
    assert_int_equal(tsr_ps_get_info(ps(), CLIENT, 1, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, 1, 0, 1, "x"), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(set(1, "x", 0), PSA_SUCCESS);
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_SUCCESS);
    absent(CLIENT, 1);
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_ERROR_DOES_NOT_EXIST);
    power_cycle();
    absent(CLIENT, 1);
    assert_int_equal(rig_here()->medium.count, 0); /* nothing of it is left on the medium */
}

/* Requirements PS 7 and 8. */
static void test_ps_clients_do_not_meet(void **state)
{
    char got[64];

    (void)state;
    assert_int_equal(set(1, "mine", 0), PSA_SUCCESS);
    absent(OTHER, 1);
    assert_int_equal(tsr_ps_remove(ps(), OTHER, 1), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(tsr_ps_set(ps(), OTHER, 1, 6, "theirs", 0), PSA_SUCCESS);
    power_cycle();
    holds(1, "mine");
    assert_int_equal(get(OTHER, 1, got), PSA_SUCCESS);
    assert_string_equal(got, "theirs");
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_SUCCESS);
    assert_int_equal(get(OTHER, 1, got), PSA_SUCCESS);
}

static void test_ps_write_once_stays(void **state)
{
    char got[64];

    (void)state;
    for (uint64_t uid = 1; uid <= 2; uid++) {
        uint32_t flags = PSA_STORAGE_FLAG_WRITE_ONCE | (uid == 2 ? NO_REPLAY : 0);

        assert_int_equal(set(uid, "once", flags), PSA_SUCCESS);
        power_cycle();
        assert_int_equal(set(uid, "twice", flags), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(set(uid, "twice", 0), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(tsr_ps_remove(ps(), CLIENT, uid), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 0, 1, "x"),
                         PSA_ERROR_NOT_PERMITTED);
        holds(uid, "once");
    }
    core_here()->its.provisioning = true; /* ITS 14: not before the device is SECURED */
    assert_int_equal(set(1, "twice", 0), PSA_SUCCESS);
    assert_int_equal(get(CLIENT, 1, got), PSA_SUCCESS);
    assert_string_equal(got, "twice");
}

static void test_ps_create_reserves_and_set_extended_fills(void **state)
{
    struct psa_storage_info_t info;

    (void)state;
    for (uint32_t flags = 0; flags <= (NO_SECRET | NO_REPLAY); flags += NO_SECRET) {
        uint64_t uid = 10 + flags;

        assert_int_equal(tsr_ps_create(ps(), CLIENT, uid, 10, flags), PSA_SUCCESS);
        assert_int_equal(tsr_ps_create(ps(), CLIENT, uid, 10, flags), PSA_ERROR_ALREADY_EXISTS);
        holds(uid, "");
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 1, 1, "x"),
                         PSA_ERROR_INVALID_ARGUMENT); /* a gap */
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 0, 5, "abcde"), PSA_SUCCESS);
        power_cycle();
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 5, 5, "fghij"), PSA_SUCCESS);
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 10, 1, "k"),
                         PSA_ERROR_INVALID_ARGUMENT);
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 5, SIZE_MAX - 2, "k"),
                         PSA_ERROR_INVALID_ARGUMENT);
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 2, 2, "CD"), PSA_SUCCESS);
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 10, 0, NULL), PSA_SUCCESS);
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 0, 2, NULL),
                         PSA_ERROR_INVALID_ARGUMENT);
        power_cycle();
        holds(uid, "abCDefghij");
        assert_int_equal(tsr_ps_get_info(ps(), CLIENT, uid, &info), PSA_SUCCESS);
        assert_int_equal(info.size, 10);
        assert_int_equal(info.capacity, 10);
        assert_int_equal(info.flags, flags);
        assert_int_equal(set(uid, "abc", flags), PSA_SUCCESS); /* set: capacity = size */
        assert_int_equal(tsr_ps_get_info(ps(), CLIENT, uid, &info), PSA_SUCCESS);
        assert_int_equal(info.capacity, 3);
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, uid, 3, 1, "d"),
                         PSA_ERROR_INVALID_ARGUMENT);
    }
    assert_int_equal(tsr_ps_create(ps(), CLIENT, 5, 10, PSA_STORAGE_FLAG_WRITE_ONCE),
                     PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(tsr_ps_get_support(), PSA_STORAGE_SUPPORT_SET_EXTENDED);
}

/* The bytes that capacity reserves are there when they are wanted, in a store that is full. */
static void test_ps_capacity_is_reserved(void **state)
{
    uint8_t big[RIG_ASSET_MAX] = { 0 };
    uint64_t uid = 100;

    (void)state;
    assert_int_equal(tsr_ps_create(ps(), CLIENT, 1, 300, 0), PSA_SUCCESS);
    while (tsr_ps_set(ps(), CLIENT, uid, sizeof big, big, 0) == PSA_SUCCESS)
        uid++;
    assert_true(uid > 110);
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 100),
                     PSA_SUCCESS); /* room for the new beside the old */
    for (size_t at = 0; at < 300; at += 50)
        assert_int_equal(tsr_ps_set_extended(ps(), CLIENT, 1, at, 50, big), PSA_SUCCESS);
}

static void test_ps_too_long_or_full_keeps_old(void **state)
{
    uint8_t big[RIG_ASSET_MAX + 1] = { 7 };
    uint64_t uid = 100;

    (void)state;
    assert_int_equal(set(1, "old", 0), PSA_SUCCESS);
    assert_int_equal(tsr_ps_set(ps(), CLIENT, 1, sizeof big, big, 0),
                     PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(tsr_ps_create(ps(), CLIENT, 2, sizeof big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(tsr_ps_create(ps(), CLIENT, 2, UINT32_MAX, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    while (tsr_ps_set(ps(), CLIENT, uid, RIG_ASSET_MAX, big, 0) == PSA_SUCCESS)
        uid++;
    assert_int_equal(tsr_ps_set(ps(), CLIENT, 1, RIG_ASSET_MAX, big, 0),
                     PSA_ERROR_INSUFFICIENT_STORAGE);
    power_cycle();
    holds(1, "old");
    absent(CLIENT, uid);
    assert_int_equal(rig_here()->swept, 0);
}

/* When ITS is full the new content must not stay on the medium, nor the old one go. */
static void test_ps_full_its_keeps_old(void **state)
{
    uint8_t big[CORE_VALUE_MAX] = { 0 };
    uint64_t uid = 1;
    size_t before;

    (void)state;
    assert_int_equal(set(1, "old", 0), PSA_SUCCESS);
    while (tsr_its_set(&core_here()->its, 5, uid, sizeof big, big, 0) == PSA_SUCCESS)
        uid++;
    while (tsr_its_set(&core_here()->its, 5, uid, 1, big, 0) == PSA_SUCCESS)
        uid++;
    before = rig_here()->medium.count;
    assert_int_equal(set(1, "new", 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(set(2, "new", 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(rig_here()->medium.count, before);
    holds(1, "old");
    absent(CLIENT, 2);
}

static void test_ps_quota_bounds_one_client(void **state)
{
    uint8_t data[100] = { 0 }, longer[300] = { 0 };
    uint64_t uid = 1;

    (void)state;
    ps()->quota = 1500;
    while (tsr_ps_set(ps(), CLIENT, uid, sizeof data, data, 0) == PSA_SUCCESS)
        uid++;
    assert_in_range(uid, 4, 8);
    assert_int_equal(tsr_ps_set(ps(), CLIENT, 1, sizeof data, data, 0), PSA_SUCCESS); /* replaces */
    assert_int_equal(tsr_ps_set(ps(), OTHER, 1, sizeof data, data, 0), PSA_SUCCESS);
    assert_int_equal(tsr_ps_set(ps(), 9, uid, sizeof longer, longer, 0), PSA_SUCCESS);
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_SUCCESS);
    assert_int_equal(tsr_ps_set(ps(), CLIENT, uid, sizeof data, data, 0), PSA_SUCCESS);
    ps()->quota = 0;
}

static void test_ps_quota_bounds_the_number_of_assets(void **state)
{
    uint64_t uid = 1;

    (void)state;
    ps()->quota = tsr_store_capacity(&rig_here()->medium) / 4;
    while (uid < RIG_ASSETS && tsr_ps_set(ps(), CLIENT, uid, 0, "", 0) == PSA_SUCCESS)
        uid++;
    assert_in_range(uid - 1, 20, RIG_ASSETS / 4);
    assert_int_equal(tsr_ps_set(ps(), CLIENT, 1, 1, "x", 0), PSA_SUCCESS); /* replaces */
    assert_int_equal(tsr_ps_set(ps(), OTHER, 1, 1, "x", 0), PSA_SUCCESS);
    ps()->quota = 0;
}

/* Requirements PS 2 and 6; NO_CONFIDENTIALITY waives the first alone. */
static void test_ps_content_is_not_readable_on_medium(void **state)
{
    static const char text[] = "a secret of some length";

    (void)state;
    assert_int_equal(set(1, text, 0), PSA_SUCCESS);
    assert_int_equal(set(2, text, NO_REPLAY), PSA_SUCCESS);
    assert_false(on_medium(&outer, text, sizeof text - 1));
    assert_int_equal(set(3, text, NO_SECRET), PSA_SUCCESS);
    assert_true(on_medium(&outer, text, sizeof text - 1));
    for (size_t i = 0; i < sizeof rig_here()->work; i++)
        assert_int_equal(rig_here()->work[i], 0); /* nor does it stay in memory */
}

/* Requirement PS 3: the same content twice looks different each time, whatever the flags. */
static void test_ps_seals_every_version_afresh(void **state)
{
    uint8_t one[200], two[200];
    size_t len_one, len_two;

    (void)state;
    for (uint32_t flags = 0; flags <= NO_REPLAY; flags += NO_REPLAY) {
        assert_int_equal(set(1, "the very same content", flags), PSA_SUCCESS);
        assert_int_equal(set(1, "the very same content", flags), PSA_SUCCESS);
        assert_int_equal(rig_here()->medium.count, 1);
        tsr_store_key key = tsr_store_slot(&rig_here()->medium, 0)->key;
        assert_int_equal(tsr_store_get(&rig_here()->medium, key, 0, one, 200, &len_one), TSR_OK);
        assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_SUCCESS);
        assert_int_equal(set(1, "the very same content", flags), PSA_SUCCESS);
        key = tsr_store_slot(&rig_here()->medium, 0)->key;
        assert_int_equal(tsr_store_get(&rig_here()->medium, key, 0, two, 200, &len_two), TSR_OK);
        assert_int_equal(len_one, len_two);
        assert_memory_not_equal(one + TSR_PS_HEADER, two + TSR_PS_HEADER, 21);
        assert_memory_not_equal(one + len_one - 16, two + len_two - 16, 16);
        assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_SUCCESS);
    }
}

/* PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION saves the write to ITS by each set. */
static void test_ps_waived_replay_protection_spares_its(void **state)
{
    uint64_t before;

    (void)state;
    assert_int_equal(set(1, "a", NO_REPLAY), PSA_SUCCESS);
    assert_int_equal(set(2, "a", 0), PSA_SUCCESS);
    before = inner.count;
    assert_int_equal(set(1, "b", NO_REPLAY), PSA_SUCCESS);
    assert_int_equal(inner.count, before);
    assert_int_equal(set(2, "b", 0), PSA_SUCCESS);
    assert_true(inner.count > before);
    holds(1, "b");
    assert_int_equal(set(1, "c", 0), PSA_SUCCESS); /* from waived to protected and back */
    holds(1, "c");
    assert_int_equal(set(1, "d", NO_REPLAY | NO_SECRET), PSA_SUCCESS);
    power_cycle();
    holds(1, "d");
    assert_int_equal(rig_here()->medium.count, 2);
}

/* Without the root key of this device the medium and ITS together tell nothing. */
static void test_ps_needs_the_root_key(void **state)
{
    char got[64];

    (void)state;
    assert_int_equal(set(1, "secret", 0), PSA_SUCCESS);
    core_close();
    core_here()->huk[5] ^= 1;
    assert_int_equal(core_open(&inner.flash), TSR_OK);
    assert_int_equal(rig_open(&outer.flash), TSR_OK);
    assert_int_equal(get(CLIENT, 1, got), PSA_ERROR_INVALID_SIGNATURE);
    tsr_root_close(&core_here()->root);
    assert_int_equal(get(CLIENT, 1, got), PSA_ERROR_BAD_STATE);
    assert_int_equal(set(1, "other", 0), PSA_ERROR_BAD_STATE);
    core_here()->huk[5] ^= 1;
}

/* A medium that fails: nothing is said to be done, what was done stays. */
static void test_ps_failing_medium_is_reported(void **state)
{
    (void)state;
    assert_int_equal(set(1, "old", 0), PSA_SUCCESS);
    outer.refuse = TSR_E_IO;
    assert_int_equal(set(1, "new", 0), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(set(2, "new", 0), PSA_ERROR_STORAGE_FAILURE);
    holds(1, "old");
    outer.refuse = TSR_OK;
    power_cycle();
    holds(1, "old");
    assert_int_equal(set(1, "new", 0), PSA_SUCCESS);
    inner.refuse = TSR_E_IO;
    assert_int_equal(set(1, "newer", 0), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(tsr_ps_remove(ps(), CLIENT, 1), PSA_ERROR_STORAGE_FAILURE);
    holds(1, "new");
    inner.refuse = TSR_OK;
    power_cycle();
    holds(1, "new");
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_ps_keeps_what_was_set),
        T(test_ps_get_returns_the_lesser),
        T(test_ps_rejects_wrong_arguments),
        T(test_ps_absent_asset_does_not_exist),
        T(test_ps_clients_do_not_meet),
        T(test_ps_write_once_stays),
        T(test_ps_create_reserves_and_set_extended_fills),
        T(test_ps_capacity_is_reserved),
        T(test_ps_too_long_or_full_keeps_old),
        T(test_ps_full_its_keeps_old),
        T(test_ps_quota_bounds_one_client),
        T(test_ps_quota_bounds_the_number_of_assets),
        T(test_ps_content_is_not_readable_on_medium),
        T(test_ps_seals_every_version_afresh),
        T(test_ps_waived_replay_protection_spares_its),
        T(test_ps_needs_the_root_key),
        T(test_ps_failing_medium_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
