/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9783 §4.3.1: the security lifecycle; Secure Storage 1.0.4, ITS 14. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "secure/lifecycle/lifecycle.h"
#include "tests/secure/flash_sim.h"

typedef struct {
    sim flash;
    tsr_store store;
    tsr_store_entry index[16];
    tsr_its its;
    tsr_lifecycle life;
} device;

static void power_on(device *d)
{
    assert_int_equal(tsr_store_mount(&d->store, &d->flash.flash, d->index, 16, 128), TSR_OK);
    d->its = (tsr_its){ .store = &d->store, .buffer_max = 4096 };
    assert_int_equal(tsr_lifecycle_open(&d->life, &d->its), PSA_SUCCESS);
}

static void make(device *d)
{
    sim_open(&d->flash, 4 * 1024, 1024, 8, true, 1);
    assert_int_equal(tsr_store_format(&d->flash.flash), TSR_OK);
    power_on(d);
}

static const tsr_lifecycle_state states[] = {
    TSR_LIFECYCLE_ASSEMBLY_AND_TEST,
    TSR_LIFECYCLE_PSA_ROT_PROVISIONING,
    TSR_LIFECYCLE_SECURED,
    TSR_LIFECYCLE_NON_PSA_ROT_DEBUG,
    TSR_LIFECYCLE_RECOVERABLE_PSA_ROT_DEBUG,
    TSR_LIFECYCLE_DECOMMISSIONED,
};

#define STATES (sizeof states / sizeof *states)

static void test_lifecycle_fresh_store_is_provisioning(void **state)
{
    device d;

    (void)state;
    make(&d);
    assert_int_equal(tsr_lifecycle_get(&d.life), TSR_LIFECYCLE_PSA_ROT_PROVISIONING);
    assert_true(d.its.provisioning);
    sim_close(&d.flash);
}

/* Every pair of states: forward is taken and survives a power cycle, anything else is refused. */
static void test_lifecycle_moves_forward_only(void **state)
{
    (void)state;
    for (size_t from = 1; from < STATES; from++) {
        for (size_t to = 0; to < STATES; to++) {
            device d;
            bool forward = states[to] > states[from];

            make(&d);
            if (from > 1)
                assert_int_equal(tsr_lifecycle_advance(&d.life, states[from]), PSA_SUCCESS);
            assert_int_equal(tsr_lifecycle_advance(&d.life, states[to]),
                             forward ? PSA_SUCCESS : PSA_ERROR_NOT_PERMITTED);
            assert_int_equal(tsr_lifecycle_get(&d.life), states[forward ? to : from]);
            power_on(&d);
            assert_int_equal(tsr_lifecycle_get(&d.life), states[forward ? to : from]);
            sim_close(&d.flash);
        }
    }
}

static void test_lifecycle_rejects_unknown_state(void **state)
{
    static const uint32_t wrong[] = { 0, 1, 0x2fff, 0x3001, 0x7000, 0x30000, 0xffffffff };
    device d;

    (void)state;
    make(&d);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tsr_lifecycle_advance(&d.life, (tsr_lifecycle_state)wrong[i]),
                         PSA_ERROR_INVALID_ARGUMENT);
    sim_close(&d.flash);
}

static void test_lifecycle_allows_by_table(void **state)
{
    static const unsigned allowed[STATES] = { 0x1f, 0x1d, 0x1c, 0x1c, 0x02, 0 };

    (void)state;
    for (size_t i = 0; i < STATES; i++)
        for (unsigned bit = 1; bit <= TSR_ALLOW_ATTEST; bit <<= 1)
            assert_int_equal(tsr_lifecycle_allows(states[i], bit), (allowed[i] & bit) != 0);
    assert_false(tsr_lifecycle_allows(TSR_LIFECYCLE_UNKNOWN, TSR_ALLOW_SERVE));
    assert_false(tsr_lifecycle_allows(TSR_LIFECYCLE_SECURED, TSR_ALLOW_SERVE | TSR_ALLOW_DEBUG));
}

static void test_lifecycle_binds_write_once_from_secured_on(void **state)
{
    device d;

    (void)state;
    make(&d);
    assert_int_equal(tsr_its_set(&d.its, -1, 5, 1, "a", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&d.its, -1, 5, 1, "b", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(tsr_lifecycle_advance(&d.life, TSR_LIFECYCLE_SECURED), PSA_SUCCESS);
    assert_int_equal(tsr_its_set(&d.its, -1, 5, 1, "c", 0), PSA_ERROR_NOT_PERMITTED);
    power_on(&d);
    assert_int_equal(tsr_its_remove(&d.its, -1, 5), PSA_ERROR_NOT_PERMITTED);
    sim_close(&d.flash);
}

/* A state that cannot be read allows nothing, and is not left. */
static void test_lifecycle_damaged_state_allows_nothing(void **state)
{
    static const uint8_t wrong[][5] = { { 0, 0, 0x30, 1 }, { 0, 0, 0, 0 }, { 0, 0, 0x30, 0, 0 } };
    device d;

    (void)state;
    make(&d);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            tsr_its_set(&d.its, TSR_ITS_PLATFORM, TSR_PLATFORM_STATE, i < 2 ? 4 : 5, wrong[i], 0),
            PSA_SUCCESS);
        assert_int_equal(tsr_lifecycle_open(&d.life, &d.its), PSA_ERROR_DATA_CORRUPT);
        assert_int_equal(tsr_lifecycle_get(&d.life), TSR_LIFECYCLE_UNKNOWN);
        assert_int_equal(tsr_lifecycle_advance(&d.life, TSR_LIFECYCLE_SECURED),
                         PSA_ERROR_NOT_PERMITTED);
        assert_false(d.its.provisioning);
    }
    sim_close(&d.flash);
}

static void test_lifecycle_names_are_found_again(void **state)
{
    tsr_lifecycle_state got;

    (void)state;
    for (size_t i = 0; i < STATES; i++) {
        assert_int_equal(tsr_lifecycle_of_name(tsr_text(tsr_lifecycle_name(states[i])), &got),
                         TSR_OK);
        assert_int_equal(got, states[i]);
    }
    assert_int_equal(tsr_lifecycle_of_name(tsr_text("unknown"), &got), TSR_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lifecycle_fresh_store_is_provisioning),
        cmocka_unit_test(test_lifecycle_moves_forward_only),
        cmocka_unit_test(test_lifecycle_rejects_unknown_state),
        cmocka_unit_test(test_lifecycle_allows_by_table),
        cmocka_unit_test(test_lifecycle_binds_write_once_from_secured_on),
        cmocka_unit_test(test_lifecycle_damaged_state_allows_nothing),
        cmocka_unit_test(test_lifecycle_names_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
