/* SPDX-License-Identifier: Apache-2.0
 *
 * The boot decision (Firmware Update 1.0.1 §4.6), and a power cut at every operation of an update.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/secure/fwu_device.h"

static device d;

static void fresh(size_t count)
{
    device_make(&d, NULL, count, true);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
}

static const package second = { .sequence = 2, .version = "2.1.3+77", .seed = 8 };

static void stage(const package *p)
{
    assert_int_equal(device_prepare(&d, p), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT);
}

static void damage(size_t id, size_t slot, size_t at)
{
    d.slot[id][slot].s.now[at] ^= 1;
    d.slot[id][slot].s.durable[at] ^= 1;
}

static void assert_starts(size_t id, uint8_t slot, uint8_t major, bool trial)
{
    assert_true(d.choices[id].there);
    assert_int_equal(d.choices[id].slot, slot);
    assert_int_equal(d.choices[id].image.version.major, major);
    assert_int_equal(d.choices[id].trial, trial);
}

static void test_boot_starts_what_the_factory_put_there(void **state)
{
    uint8_t digest[32];
    size_t len;

    (void)state;
    fresh(1);
    assert_starts(0, 0, 1, false);
    assert_int_equal(device_info(&d, 0).version.major, 1);
    /* the measurement is of the payload, the signer the SHA-256 of its point */
    assert_int_equal(d.choices[0].image.len, 3000);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, d.slot[0][0].s.now + d.choices[0].image.at,
                                      3000, digest, 32, &len),
                     PSA_SUCCESS);
    assert_memory_equal(digest, d.choices[0].image.digest, 32);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, package_point(0), 65, digest, 32, &len),
                     PSA_SUCCESS);
    assert_memory_equal(digest, d.choices[0].image.signer, 32);
    device_end(&d);
}

static void test_boot_nothing_there(void **state)
{
    (void)state;
    device_make(&d, NULL, 1, false);
    assert_int_equal(device_boot(&d, 0), PSA_ERROR_DOES_NOT_EXIST);
    assert_false(d.choices[0].there);
    stage(&second); /* a first image may come by update, too */
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_starts(0, 1, 2, true);
    device_end(&d);
}

static void test_boot_trial_accepted(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    fresh(1);
    stage(&second);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_starts(0, 1, 2, true);
    info = device_info(&d, 0);
    assert_int_equal(info.state, PSA_FWU_TRIAL);
    assert_int_equal(info.version.minor, 1);
    assert_int_equal(info.version.patch, 3);
    assert_int_equal(info.version.build, 77);
    assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
        assert_starts(0, 1, 2, false);
        assert_int_equal(device_state(&d, 0), PSA_FWU_UPDATED);
    }
    assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    device_end(&d);
}

/* A crash, a hang, a loss of power: whatever restarts the device before accept() ends the trial. */
static void test_boot_trial_ends_with_any_reset(void **state)
{
    static const psa_status_t causes[] = { 0, PSA_ERROR_SERVICE_FAILURE, -4711 };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        psa_fwu_component_info_t info;

        fresh(1);
        stage(&second);
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
        assert_int_equal(device_boot(&d, causes[i]), PSA_SUCCESS);
        assert_starts(0, 0, 1, false);
        info = device_info(&d, 0);
        assert_int_equal(info.state, PSA_FWU_FAILED);
        assert_int_equal(info.error, causes[i] != 0 ? causes[i] : PSA_ERROR_GENERIC_ERROR);
        assert_int_equal(info.impl.why, TSR_FWU_WHY_TRIAL);
        assert_int_equal(info.impl.sequence, 0);           /* the counter did not rise */
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS); /* and it stays so */
        assert_starts(0, 0, 1, false);
        assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
        stage(&second); /* the same again is allowed */
        device_end(&d);
    }
}

static void test_boot_rejected_goes_back(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    fresh(1);
    stage(&second);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_reject(&d.fwu, -99), PSA_SUCCESS_REBOOT);
    assert_int_equal(tsr_fwu_request_reboot(&d.fwu), PSA_SUCCESS);
    assert_int_equal(d.reboots, 1);
    assert_int_equal(device_info(&d, 0).error, -99);
    assert_int_equal(device_boot(&d, PSA_ERROR_SERVICE_FAILURE), PSA_SUCCESS);
    assert_starts(0, 0, 1, false);
    info = device_info(&d, 0);
    assert_int_equal(info.state, PSA_FWU_FAILED);
    assert_int_equal(info.error, -99); /* the application's reason, not the launcher's */
    assert_int_equal(info.impl.why, TSR_FWU_WHY_REJECTED);
    device_end(&d);
}

/* What is STAGED is verified again, and its companions start with it or not at all. */
static void test_boot_staged_damaged(void **state)
{
    package other = { .component = 1, .sequence = 2, .version = "2.0.0" };

    (void)state;
    fresh(2);
    assert_int_equal(device_prepare(&d, &other), PSA_SUCCESS);
    stage(&second);
    damage(0, 1, 1500);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_starts(0, 0, 1, false);
    assert_starts(1, 0, 1, false);
    assert_int_equal(device_info(&d, 0).error, PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(device_info(&d, 0).impl.why, TSR_FWU_WHY_DIGEST);
    assert_int_equal(device_info(&d, 1).error, PSA_ERROR_DEPENDENCY_NEEDED);
    assert_int_equal(device_state(&d, 1), PSA_FWU_FAILED);
    device_end(&d);
}

static void test_boot_active_damaged(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    fresh(1); /* after an update with the same sequence number the one before may run */
    stage(&(package){ .sequence = 1, .version = "2.0.0", .seed = 8 });
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
    damage(0, 1, 2000);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_starts(0, 0, 1, false);
    info = device_info(&d, 0);
    assert_int_equal(info.state, PSA_FWU_FAILED);
    assert_int_equal(info.error, PSA_ERROR_DATA_CORRUPT);
    assert_int_equal(info.impl.why, TSR_FWU_WHY_DAMAGED);
    assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    device_end(&d);

    fresh(1); /* an older one may not: the counter rose */
    stage(&second);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
    damage(0, 1, 2000);
    assert_int_equal(device_boot(&d, 0), PSA_ERROR_DOES_NOT_EXIST);
    assert_false(d.choices[0].there);
    device_end(&d);
}

/* Images that nobody installed do not start, whatever happens to the active one. */
static void test_boot_never_starts_a_candidate(void **state)
{
    (void)state;
    fresh(1);
    assert_int_equal(device_prepare(&d, &second), PSA_SUCCESS);
    damage(0, 0, 1000);
    assert_int_equal(device_boot(&d, 0), PSA_ERROR_DOES_NOT_EXIST);
    assert_false(d.choices[0].there);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT); /* but it can be installed */
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_starts(0, 1, 2, true);
    device_end(&d);
}

/* An old, signed image played back into the slots. */
static void test_boot_refuses_a_rolled_back_slot(void **state)
{
    (void)state;
    fresh(1);
    stage(&second);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
    memcpy(d.slot[0][1].s.now, d.slot[0][0].s.now, d.slot[0][0].s.flash.size);
    assert_int_equal(device_boot(&d, 0), PSA_ERROR_DOES_NOT_EXIST);
    assert_false(d.choices[0].there);
    device_end(&d);
}

/* All but the name of the integrated payload, which nothing asks for any more. */
static void test_boot_verifies_each_byte_of_the_active_slot(void **state)
{
    unsigned harmless = 0;
    uint32_t used;

    (void)state;
    fresh(1);
    used = d.choices[0].image.used;
    for (size_t at = 0; at < used; at += at < 600 ? 1 : 97) {
        damage(0, 0, at);
        harmless += device_boot(&d, 0) == PSA_SUCCESS;
        damage(0, 0, at);
    }
    assert_int_equal(harmless, strlen("#image"));
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_starts(0, 0, 1, false);
    device_end(&d);
}

/* ITS does not take the decision: nothing new starts. */
static void test_boot_cannot_write_the_record(void **state)
{
    (void)state;
    fresh(1);
    stage(&second);
    assert_int_equal(device_open(&d), PSA_SUCCESS);
    d.its_part.s.refuse = TSR_E_IO;
    assert_int_equal(tsr_fwu_boot(&d.fwu, 0, d.choices), PSA_ERROR_STORAGE_FAILURE);
    assert_starts(0, 0, 1, false);
    d.its_part.s.refuse = TSR_OK;
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_starts(0, 1, 2, true);
    device_end(&d);
}

static void test_open_refuses_a_foreign_record(void **state)
{
    (void)state;
    fresh(1);
    stage(&second);
    assert_int_equal(tsr_its_set(&d.its, TSR_ITS_FWU, 1, 5, "other", 0), PSA_SUCCESS);
    assert_int_equal(device_open(&d), PSA_ERROR_DATA_CORRUPT);
    device_end(&d);
}

static void test_version_is_written_as_text(void **state)
{
    char text[TSR_FWU_VERSION_MAX];
    tsr_buf out = tsr_buf_over(text, sizeof text);
    psa_fwu_image_version_t most = { 255, 255, 65535, UINT32_MAX };

    (void)state;
    tsr_fwu_put_version(&out, &(psa_fwu_image_version_t){ 1, 2, 3, 0 });
    assert_memory_equal(text, "1.2.3", 5);
    out.len = 0;
    tsr_fwu_put_version(&out, &most);
    assert_int_equal(out.err, TSR_OK);
    assert_memory_equal(text, "255.255.65535+4294967295", out.len);
}

/* ---- power cuts ---- */

typedef enum { ACCEPTED, REJECTED_BY_APP, CRASHED } ending;

/* One life of an update, until the power goes; true: it went. */
static bool live(const package *p, ending end)
{
    packed out;
    psa_fwu_component_t id = 0;

    if (device_write(&d, p, &out, 512) != PSA_SUCCESS ||
        tsr_fwu_finish(&d.fwu, id) != PSA_SUCCESS || tsr_fwu_install(&d.fwu) != PSA_SUCCESS_REBOOT)
        return true;
    if (tsr_fwu_open(&d.fwu) != PSA_SUCCESS || tsr_fwu_boot(&d.fwu, 0, d.choices) != PSA_SUCCESS)
        return true;
    if (end == ACCEPTED && tsr_fwu_accept(&d.fwu) != PSA_SUCCESS)
        return true;
    if (end == REJECTED_BY_APP && tsr_fwu_reject(&d.fwu, -5) != PSA_SUCCESS_REBOOT)
        return true;
    if (end != ACCEPTED &&
        (tsr_fwu_open(&d.fwu) != PSA_SUCCESS || tsr_fwu_boot(&d.fwu, 0, d.choices) != PSA_SUCCESS))
        return true;
    return tsr_fwu_clean(&d.fwu, id) != PSA_SUCCESS;
}

/* From whatever state the cut left: the device has an image, and gets to version 2 from there. */
static void recover_and_update(const package *p)
{
    uint8_t state;

    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_true(d.choices[0].there);
    assert_int_equal(d.choices[0].image.version.major, d.choices[0].slot == 0 ? 1 : 2);
    state = device_state(&d, 0);
    assert_int_not_equal(state, PSA_FWU_STAGED);
    assert_int_not_equal(state, PSA_FWU_REJECTED);
    if (state == PSA_FWU_WRITING || state == PSA_FWU_CANDIDATE)
        assert_int_equal(tsr_fwu_cancel(&d.fwu, 0), PSA_SUCCESS);
    if (state == PSA_FWU_TRIAL)
        assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
    if (device_state(&d, 0) != PSA_FWU_READY)
        assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    if (device_info(&d, 0).version.major == 2)
        return;
    assert_false(live(p, ACCEPTED));
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_int_equal(device_info(&d, 0).version.major, 2);
    assert_int_equal(device_state(&d, 0), PSA_FWU_READY);
}

static void cut_everywhere(bool detached, ending end, unsigned *points)
{
    package p = { .sequence = 2, .version = "2.0.0", .seed = 8, .len = 6000, .detached = detached };
    bool went = true;

    for (uint64_t cut = 0; went; cut++, *points += went) {
        device_make(&d, NULL, 1, true);
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
        d.power.cut_at = d.power.count + cut;
        went = live(&p, end) || d.power.off;
        assert_true(!went || d.power.off); /* nothing fails but by the cut */
        recover_and_update(&p);
        assert_null(device_manners(&d));
        device_end(&d);
    }
}

static void test_power_cut_at_every_operation(void **state)
{
    unsigned points = 0;

    (void)state;
    for (int detached = 0; detached < 2; detached++)
        for (int end = ACCEPTED; end <= CRASHED; end++)
            cut_everywhere(detached != 0, (ending)end, &points);
    print_message("%u cut points, all recovered\n", points);
    assert_true(points > 300);
}

/* Two components: after a cut anywhere both are old, or both new. */
static void test_power_cut_keeps_components_together(void **state)
{
    package a = { .sequence = 2, .version = "2.0.0", .len = 900 };
    package b = { .component = 1, .sequence = 2, .version = "2.0.0", .len = 900 };
    bool went = true;
    unsigned points = 0;

    (void)state;
    for (uint64_t cut = 0; went; cut++, points += went) {
        device_make(&d, NULL, 2, true);
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
        assert_int_equal(device_prepare(&d, &a), PSA_SUCCESS);
        assert_int_equal(device_prepare(&d, &b), PSA_SUCCESS);
        d.power.cut_at = d.power.count + cut;
        went = tsr_fwu_install(&d.fwu) != PSA_SUCCESS_REBOOT ||
               tsr_fwu_open(&d.fwu) != PSA_SUCCESS ||
               tsr_fwu_boot(&d.fwu, 0, d.choices) != PSA_SUCCESS ||
               tsr_fwu_accept(&d.fwu) != PSA_SUCCESS;
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
        assert_int_equal(d.choices[0].image.version.major, d.choices[1].image.version.major);
        assert_int_equal(device_state(&d, 0), device_state(&d, 1));
        assert_null(device_manners(&d));
        device_end(&d);
    }
    print_message("%u cut points with two components\n", points);
}

static int setup(void **state)
{
    (void)state;
    package_world();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot_starts_what_the_factory_put_there),
        cmocka_unit_test(test_boot_nothing_there),
        cmocka_unit_test(test_boot_trial_accepted),
        cmocka_unit_test(test_boot_trial_ends_with_any_reset),
        cmocka_unit_test(test_boot_rejected_goes_back),
        cmocka_unit_test(test_boot_staged_damaged),
        cmocka_unit_test(test_boot_active_damaged),
        cmocka_unit_test(test_boot_never_starts_a_candidate),
        cmocka_unit_test(test_boot_refuses_a_rolled_back_slot),
        cmocka_unit_test(test_boot_verifies_each_byte_of_the_active_slot),
        cmocka_unit_test(test_boot_cannot_write_the_record),
        cmocka_unit_test(test_open_refuses_a_foreign_record),
        cmocka_unit_test(test_version_is_written_as_text),
        cmocka_unit_test(test_power_cut_at_every_operation),
        cmocka_unit_test(test_power_cut_keeps_components_together),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
