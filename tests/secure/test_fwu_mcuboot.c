/* SPDX-License-Identifier: Apache-2.0
 *
 * Bare MCUboot images as updates: imgtool's, taken or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/secure/fwu_device.h"
#include "tests/vectors/hexfile.h"

static device d;

/* Component 0 trusts imgtool's key, component 1 our own. */
static void boot(void)
{
    uint8_t spki[91];

    assert_int_equal(device_open(&d), PSA_SUCCESS);
    assert_int_equal(hex_file("mcuboot/key.hex", spki, sizeof spki).len, sizeof spki);
    memcpy(d.anchors[1].point, spki + 26, 65);
    d.anchors[1].components = 1;
    assert_int_equal(tsr_fwu_open(&d.fwu), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_boot(&d.fwu, 0, d.choices), PSA_SUCCESS);
}

static void fresh(void)
{
    device_make(&d, NULL, 2, true);
    boot();
}

static psa_status_t prepare(const char *name, size_t more, int flip)
{
    static uint8_t room[2048];
    tsr_bytes in = hex_file(name, room, sizeof room);
    psa_status_t status = tsr_fwu_start(&d.fwu, 0, tsr_view(NULL, 0));

    if (flip >= 0)
        room[flip] ^= 1;
    in.len += more;
    if (status == PSA_SUCCESS)
        status = tsr_fwu_write(&d.fwu, 0, 0, in);
    return status == PSA_SUCCESS ? tsr_fwu_finish(&d.fwu, 0) : status;
}

static void test_mcuboot_update(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    fresh();
    assert_int_equal(prepare("mcuboot/v2.hex", 0, -1), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT);
    boot();
    assert_true(d.choices[0].trial && d.choices[0].image.mcuboot);
    assert_int_equal(d.choices[0].image.at, 0);
    assert_int_equal(d.choices[0].image.version.build, 77);
    assert_memory_equal(d.choices[0].image.signer, d.anchors[1].id, 32);
    assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
    info = device_info(&d, 0);
    assert_int_equal(info.version.patch, 3);
    assert_int_equal(info.impl.sequence, 2); /* the security counter */
    assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    assert_int_equal(prepare("mcuboot/v1-full.hex", 0, -1), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(device_info(&d, 0).impl.why, TSR_FWU_WHY_OLDER);
    assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    assert_int_equal(prepare("mcuboot/uncounted.hex", 0, -1), PSA_ERROR_NOT_PERMITTED);
    boot();
    assert_int_equal(d.choices[0].slot, 1);
    assert_null(device_manners(&d));
    device_end(&d);
}

/* RFC 5480 §2.1.1 */
static void test_mcuboot_update_with_the_whole_key(void **state)
{
    (void)state;
    fresh();
    assert_int_equal(prepare("mcuboot/v1-full.hex", 0, -1), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_cancel(&d.fwu, 0), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    assert_int_equal(prepare("mcuboot/ids.hex", 0, -1), PSA_SUCCESS);
    device_end(&d);
}

static void test_mcuboot_refusals(void **state)
{
    static const struct {
        const char *name;
        size_t more;
        int flip;
        psa_status_t status;
        uint8_t why;
    } cases[] = {
        { "mcuboot/foreign.hex", 0, -1, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_SIGNER },
        { "mcuboot/v2.hex", 0, 200, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_DIGEST },
        { "mcuboot/v2.hex", 0, 24, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_DIGEST },  /* build */
        { "mcuboot/v2.hex", 0, 340, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_DIGEST }, /* counter */
        { "mcuboot/v2.hex", 0, 440, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_SIGNER },
        { "mcuboot/v2.hex", 1, -1, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_LENGTH },
        { "mcuboot/v2.hex", (size_t)-1, -1, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_LENGTH },
        { "mcuboot/v2.hex", (size_t)-200, -1, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_LENGTH },
        { "mcuboot/v2.hex", 0, 16, PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_DIGEST }, /* flags */
        { "mcuboot/other-vendor.hex", 0, -1, PSA_ERROR_INVALID_ARGUMENT, TSR_FWU_WHY_VENDOR },
        { "mcuboot/other-class.hex", 0, -1, PSA_ERROR_INVALID_ARGUMENT, TSR_FWU_WHY_CLASS },
    };

    (void)state;
    fresh();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(prepare(cases[i].name, cases[i].more, cases[i].flip), cases[i].status);
        assert_int_equal(device_info(&d, 0).impl.why, cases[i].why);
        assert_int_equal(tsr_fwu_clean(&d.fwu, 0), PSA_SUCCESS);
    }
    device_end(&d);
}

static void test_mcuboot_dependency(void **state)
{
    package other = { .component = 1, .sequence = 2, .version = "2.0.0" };

    (void)state;
    fresh();
    assert_int_equal(prepare("mcuboot/needs.hex", 0, -1), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_ERROR_DEPENDENCY_NEEDED);
    assert_int_equal(device_state(&d, 0), PSA_FWU_CANDIDATE);
    assert_int_equal(device_prepare(&d, &other), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT);
    boot();
    assert_true(d.choices[0].trial && d.choices[1].trial);
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
        cmocka_unit_test(test_mcuboot_update),
        cmocka_unit_test(test_mcuboot_update_with_the_whole_key),
        cmocka_unit_test(test_mcuboot_refusals),
        cmocka_unit_test(test_mcuboot_dependency),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
