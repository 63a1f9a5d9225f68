/* SPDX-License-Identifier: Apache-2.0
 *
 * What must not become an image: refused before a byte of it is activated, with the status and the
 * reason, and the device goes on with what it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/secure/fwu_device.h"

static device d;

static void fresh(uint32_t properties)
{
    uint32_t both[2] = { properties, 0 };

    device_make(&d, both, 2, true);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
}

/* FAILED with the reason, also after a reboot; the old image still starts; clean, and a good
 * package is taken. */
static void check_refusal(psa_status_t status, uint8_t why)
{
    package good = { .sequence = 5, .version = "2.0.0", .seed = 9 };

    for (int boots = 0; boots < 2; boots++) {
        psa_fwu_component_info_t info = device_info(&d, 0);

        assert_int_equal(info.state, PSA_FWU_FAILED);
        assert_int_equal(info.error, status);
        assert_int_equal(info.impl.why, why);
        assert_int_equal(info.version.major, 1);
        assert_int_equal(info.location, 0);
        assert_int_equal(tsr_fwu_install(&d.fwu), PSA_ERROR_BAD_STATE);
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
        assert_true(d.choices[0].there && d.choices[0].slot == 0 && !d.choices[0].trial);
    }
    assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    assert_int_equal(device_prepare(&d, &good), PSA_SUCCESS);
    assert_null(device_manners(&d));
    device_end(&d);
}

static const struct {
    const char *name;
    package p;
    psa_status_t status;
    uint8_t why;
} wrong[] = {
    { "signed by nobody we know",
      { .sequence = 2, .key = 2 },
      PSA_ERROR_INVALID_SIGNATURE,
      TSR_FWU_WHY_SIGNER },
    { "signed by a key for another component",
      { .sequence = 2, .key = 1 },
      PSA_ERROR_INVALID_SIGNATURE,
      TSR_FWU_WHY_SIGNER },
    { "another vendor",
      { .sequence = 2, .other_vendor = true },
      PSA_ERROR_INVALID_ARGUMENT,
      TSR_FWU_WHY_VENDOR },
    { "another class",
      { .sequence = 2, .other_class = true },
      PSA_ERROR_INVALID_ARGUMENT,
      TSR_FWU_WHY_CLASS },
    { "too many signatures, though the last is good",
      { .sequence = 2, .strangers = 8 },
      PSA_ERROR_INVALID_ARGUMENT,
      TSR_FWU_WHY_SIGNATURES },
    { "older", { .sequence = 0 }, PSA_ERROR_NOT_PERMITTED, TSR_FWU_WHY_OLDER },
};

static const struct {
    const char *name;
    package p;
    uint8_t why;
} wrong_payload[] = {
    { "another digest", { .sequence = 2, .other_digest = true }, TSR_FWU_WHY_DIGEST },
    { "a longer size", { .sequence = 2, .size_off = 1 }, TSR_FWU_WHY_LENGTH },
    { "a shorter size", { .sequence = 2, .size_off = -1 }, TSR_FWU_WHY_LENGTH },
};

/* Sequence 1 is accepted first, so that 0 is older. */
static void accept_one(void)
{
    package p = { .sequence = 1, .version = "1.0.0", .seed = 3 };

    assert_int_equal(device_prepare(&d, &p), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_int_equal(device_info(&d, 0).impl.sequence, 0); /* a trial may still go back */
    assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
    assert_int_equal(device_info(&d, 0).impl.sequence, 1);
    assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
}

static void test_refuse_bundled_by_manifest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        for (int following = 0; following < 2; following++) {
            package p = wrong[i].p;
            psa_fwu_component_info_t info;

            p.following = following != 0;
            fresh(0);
            accept_one();
            assert_int_equal(device_prepare(&d, &p), wrong[i].status);
            info = device_info(&d, 0);
            assert_int_equal(info.state, PSA_FWU_FAILED);
            assert_int_equal(info.impl.why, wrong[i].why);
            assert_int_equal(info.location, 1); /* where accept_one() left it */
            assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
            assert_int_equal(d.choices[0].slot, 1);
            info = device_info(&d, 0);
            assert_int_equal(info.error, wrong[i].status); /* kept */
            assert_int_equal(info.impl.why, wrong[i].why);
            assert_null(device_manners(&d));
            device_end(&d);
        }
}

static void test_refuse_detached_at_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        package p = wrong[i].p;
        packed out;

        p.detached = true;
        fresh(0);
        accept_one();
        assert_int_equal(device_write(&d, &p, &out, 1024), wrong[i].status);
        assert_int_equal(device_state(&d, 0), PSA_FWU_READY);
        device_end(&d);
    }
}

/* As many signatures as are looked at, and any of them may be the one that counts. */
static void test_refuse_no_package_with_eight_signatures(void **state)
{
    package p = { .sequence = 2, .strangers = 7 };

    (void)state;
    fresh(0);
    assert_int_equal(device_prepare(&d, &p), PSA_SUCCESS);
    assert_int_equal(device_info(&d, 0).impl.why, TSR_FWU_WHY_NONE);
    device_end(&d);
}

static void test_refuse_wrong_payload(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_payload / sizeof wrong_payload[0]; i++)
        for (int how = 0; how < 3; how++) {
            package p = wrong_payload[i].p;

            p.following = how == 1;
            p.detached = how == 2;
            fresh(0);
            assert_int_equal(device_prepare(&d, &p), PSA_ERROR_INVALID_SIGNATURE);
            check_refusal(PSA_ERROR_INVALID_SIGNATURE, wrong_payload[i].why);
        }
}

/* Every length but the right one. */
static void test_refuse_truncated_and_oversized(void **state)
{
    static packed out;

    (void)state;
    for (int how = 0; how < 3; how++) {
        package p = {
            .sequence = 2, .seed = 4, .len = 500, .following = how == 1, .detached = how == 2
        };

        package_make(&p, &out);
        size_t len = out.len;

        fresh(0);
        for (size_t cut = 0; cut < len + 40; cut += cut + 60 < len || cut > len ? 23 : 1) {
            psa_status_t status;

            assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(out.manifest, out.manifest_len)),
                             PSA_SUCCESS);
            if (cut > 0)
                assert_int_equal(tsr_fwu_write(&d.fwu, 0, 0, tsr_view(out.bytes, cut)),
                                 PSA_SUCCESS);
            status = tsr_fwu_finish(&d.fwu, 0);
            if (cut == len) {
                assert_int_equal(status, PSA_SUCCESS);
                assert_int_equal(tsr_fwu_cancel(&d.fwu, 0), PSA_SUCCESS);
            } else if (status == PSA_ERROR_INVALID_ARGUMENT) { /* not even a begin */
                assert_true(cut < 3);
            } else {
                assert_int_equal(status, PSA_ERROR_INVALID_SIGNATURE);
                assert_int_equal(device_info(&d, 0).impl.why, TSR_FWU_WHY_LENGTH);
            }
            assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
        }
        assert_null(device_manners(&d));
        device_end(&d);
    }
}

/* Each byte of a package, in turn, is another one. */
static void test_refuse_every_changed_byte(void **state)
{
    static packed out;
    package p = { .sequence = 2, .seed = 4, .len = 120, .version = "2.0.0", .sever = true };
    unsigned refused = 0, harmless = 0;

    (void)state;
    fresh(0);
    package_make(&p, &out);
    for (size_t at = 0; at < out.len; at++) {
        psa_status_t status;

        assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0)), PSA_SUCCESS);
        out.bytes[at] ^= 0x55;
        assert_int_equal(tsr_fwu_write(&d.fwu, 0, 0, tsr_view(out.bytes, out.len)), PSA_SUCCESS);
        out.bytes[at] ^= 0x55;
        status = tsr_fwu_finish(&d.fwu, 0);
        if (status == PSA_SUCCESS) {
            harmless++;
            assert_int_equal(tsr_fwu_cancel(&d.fwu, 0), PSA_SUCCESS);
        } else {
            refused++;
        }
        assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    }
    print_message("%u changed bytes refused, %u taken\n", refused, harmless);
    assert_int_equal(harmless, 0);
    device_end(&d);
}

static void test_refuse_another_component(void **state)
{
    package p = { .component = 1, .sequence = 2 };
    packed out;

    (void)state;
    fresh(0);
    package_make(&p, &out);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0)), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, 0, tsr_view(out.bytes, out.len)), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_finish(&d.fwu, 0), PSA_ERROR_INVALID_ARGUMENT);
    check_refusal(PSA_ERROR_INVALID_ARGUMENT, TSR_FWU_WHY_COMPONENT);
}

static void test_refuse_no_image_at_all(void **state)
{
    static const char *const junk[] = { "", "no image", "\x3d\xb8\xf3\x96 MCUboot's mark alone",
                                        "\xd8\x6b\xa2", "\xd8\x6b\xa2\x02\x00\x03\x00" };

    (void)state;
    fresh(0);
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
        assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0)), PSA_SUCCESS);
        if (junk[i][0] != 0)
            assert_int_equal(tsr_fwu_write(&d.fwu, 0, 0, tsr_text(junk[i])), PSA_SUCCESS);
        assert_int_not_equal(tsr_fwu_finish(&d.fwu, 0), PSA_SUCCESS);
        assert_int_equal(device_state(&d, 0), PSA_FWU_FAILED);
        assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    }
    device_end(&d);
}

/* psa_fwu_write(): offset, size, room. */
static void test_refuse_writes_that_do_not_fit(void **state)
{
    static const uint8_t block[PSA_FWU_MAX_WRITE_SIZE + 1];
    uint32_t size;

    (void)state;
    fresh(0);
    size = device_info(&d, 0).max_size;
    assert_int_equal(size, 5 * 4096);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0)), PSA_SUCCESS);
    for (size_t at = 1; at < 16; at++)
        assert_int_equal(tsr_fwu_write(&d.fwu, 0, at, tsr_view(block, 16)),
                         PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, 0, tsr_view(block, 0)), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, 0, tsr_view(block, sizeof block)),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, size, tsr_view(block, 1)),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, size - 16, tsr_view(block, 17)),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, SIZE_MAX - 15, tsr_view(block, 16)),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, size - 16, tsr_view(block, 16)), PSA_SUCCESS);
    assert_int_equal(device_state(&d, 0), PSA_FWU_WRITING);
    device_end(&d);
}

/* In any order, in odd parts, a part twice; other bytes in the same place do not go. */
static void test_write_in_any_order(void **state)
{
    static packed out;
    package p = { .sequence = 2, .seed = 4, .version = "2.0.0" };
    size_t parts;

    (void)state;
    fresh(0);
    package_make(&p, &out);
    parts = (out.len + 63) / 64;
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0)), PSA_SUCCESS);
    for (size_t i = 0; i < 2 * parts; i++) {
        size_t at = i * 37 % parts * 64;
        tsr_bytes rest = tsr_view(out.bytes + at, out.len - at);

        assert_int_equal(tsr_fwu_write(&d.fwu, 0, at, tsr_first(rest, 64)), PSA_SUCCESS);
    }
    assert_int_equal(tsr_fwu_write(&d.fwu, 0, 64, tsr_text("other bytes here")),
                     PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(tsr_fwu_finish(&d.fwu, 0), PSA_SUCCESS);
    assert_null(device_manners(&d));
    device_end(&d);
}

/* A transfer goes on where it was when the power failed. */
static void test_write_goes_on_after_a_reboot(void **state)
{
    static packed out;
    package p = { .sequence = 2, .seed = 4, .len = 14000, .version = "2.0.0" };
    size_t at = 0, resumed = 0, writes = 0;
    uint32_t written = 0;

    (void)state;
    fresh(0);
    package_make(&p, &out);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0)), PSA_SUCCESS);
    while (at < out.len) {
        tsr_bytes rest = tsr_view(out.bytes + at, out.len - at);

        assert_int_equal(tsr_fwu_write(&d.fwu, 0, at, tsr_first(rest, 1008)), PSA_SUCCESS);
        at += 1008;
        if (++writes % 6 != 0)
            continue;
        d.power.off = true;
        assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
        assert_int_equal(device_state(&d, 0), PSA_FWU_WRITING);
        written = device_info(&d, 0).impl.written;
        assert_true(written <= at && written + 2 * 4096 > at && written % 4096 == 0);
        at = written;
        if (resumed++ > 20)
            break;
    }
    assert_true(resumed >= 2 && resumed < 20);
    assert_int_equal(tsr_fwu_finish(&d.fwu, 0), PSA_SUCCESS);
    assert_null(device_manners(&d));
    device_end(&d);
}

/* Firmware Update 1.0.1, psa_fwu_start(): the kind of manifest that the component takes. */
static void test_start_wants_its_kind_of_manifest(void **state)
{
    static packed out;
    package p = { .sequence = 2, .detached = true };

    (void)state;
    package_make(&p, &out);
    fresh(TSR_FWU_DETACHED);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0)), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_text("no manifest")), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(out.manifest, out.manifest_len - 1)),
                     PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(device_prepare(&d, &p), PSA_SUCCESS);
    device_end(&d);
    fresh(TSR_FWU_BUNDLED);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(out.manifest, out.manifest_len)),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(device_state(&d, 0), PSA_FWU_READY);
    p.detached = false;
    assert_int_equal(device_prepare(&d, &p), PSA_SUCCESS);
    device_end(&d);
}

/* Not finish()'s matter, and not an error for good: PSA_ERROR_DEPENDENCY_NEEDED, still CANDIDATE.
 */
static void test_install_waits_for_dependencies(void **state)
{
    const tsr_suit_need need = { { (const uint8_t *)"c1", 2 }, { 2, 0, 0, 0 } };
    const tsr_suit_need unknown = { { (const uint8_t *)"c9", 2 }, { 0, 0, 0, 0 } };
    package p = { .sequence = 2, .version = "2.0.0", .needs = &need, .need_count = 1 };
    package other = { .component = 1, .sequence = 2, .version = "2.0.0", .key = 1 };

    (void)state;
    fresh(0);
    assert_int_equal(device_prepare(&d, &p), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_ERROR_DEPENDENCY_NEEDED);
    assert_int_equal(device_state(&d, 0), PSA_FWU_CANDIDATE);
    assert_int_equal(device_prepare(&d, &other), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT); /* both together */
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_true(d.choices[0].trial && d.choices[1].trial);
    assert_int_equal(d.choices[1].image.version.major, 2);
    device_end(&d);

    p.needs = &unknown;
    fresh(0);
    assert_int_equal(device_prepare(&d, &p), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_ERROR_DEPENDENCY_NEEDED);
    device_end(&d);
}

/* An image that went bad between finish() and install() fails; the other one stays. */
static void test_install_looks_again(void **state)
{
    package a = { .sequence = 2 }, b = { .component = 1, .sequence = 2 };

    (void)state;
    fresh(0);
    assert_int_equal(device_prepare(&d, &a), PSA_SUCCESS);
    assert_int_equal(device_prepare(&d, &b), PSA_SUCCESS);
    d.slot[0][1].s.now[900] ^= 4;
    d.slot[0][1].s.durable[900] ^= 4;
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(device_state(&d, 0), PSA_FWU_FAILED);
    assert_int_equal(device_info(&d, 0).impl.why, TSR_FWU_WHY_DIGEST);
    assert_int_equal(device_state(&d, 1), PSA_FWU_CANDIDATE);
    device_end(&d);
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
        cmocka_unit_test(test_refuse_bundled_by_manifest),
        cmocka_unit_test(test_refuse_detached_at_start),
        cmocka_unit_test(test_refuse_no_package_with_eight_signatures),
        cmocka_unit_test(test_refuse_wrong_payload),
        cmocka_unit_test(test_refuse_truncated_and_oversized),
        cmocka_unit_test(test_refuse_every_changed_byte),
        cmocka_unit_test(test_refuse_another_component),
        cmocka_unit_test(test_refuse_no_image_at_all),
        cmocka_unit_test(test_refuse_writes_that_do_not_fit),
        cmocka_unit_test(test_write_in_any_order),
        cmocka_unit_test(test_write_goes_on_after_a_reboot),
        cmocka_unit_test(test_start_wants_its_kind_of_manifest),
        cmocka_unit_test(test_install_waits_for_dependencies),
        cmocka_unit_test(test_install_looks_again),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
