/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "secure/attest/boot.h"
#include "tests/vectors.h"

static const uint8_t bytes[64] = { 1, 2, 3 };

static tsr_boot_component component(void)
{
    return (tsr_boot_component){ .type = tsr_text("App"),
                                 .measurement = tsr_view(bytes, 32),
                                 .version = tsr_text("1.0.0"),
                                 .signer = tsr_view(bytes, 32),
                                 .description = tsr_text("sha-256") };
}

static void test_record_comes_back(void **state)
{
    static uint8_t room[TSR_BOOT_RECORD_MAX];
    static char text[TSR_BOOT_TEXT_MAX];
    tsr_boot_record r = { .seed = tsr_view(bytes, 32), .count = 2 }, got;
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    r.component[0] = component();
    r.component[1] = component();
    r.component[1].version.ptr = NULL;
    r.component[1].description.ptr = NULL;
    r.component[1].measurement.len = 64;
    tsr_boot_record_write(&out, &r);
    assert_int_equal(out.err, TSR_OK);
    assert_int_equal(tsr_boot_record_read(tsr_buf_view(&out), &got), TSR_OK);
    assert_int_equal(got.count, 2);
    assert_true(tsr_same(got.component[0].version, tsr_text("1.0.0")));
    assert_null(got.component[1].version.ptr);
    assert_int_equal(got.component[1].measurement.len, 64);

    /* the longest there can be fits in what the header promises */
    memset(text, 'x', sizeof text);
    r.count = TSR_BOOT_COMPONENTS;
    for (size_t i = 0; i < r.count; i++)
        r.component[i] = (tsr_boot_component){
            .type = tsr_view(text, sizeof text),
            .measurement = tsr_view(bytes, 64),
            .version = tsr_view(text, sizeof text),
            .signer = tsr_view(bytes, 64),
            .description = tsr_view(text, sizeof text),
        };
    out = tsr_buf_over(room, sizeof room);
    tsr_boot_record_write(&out, &r);
    assert_int_equal(out.err, TSR_OK);
    assert_int_equal(tsr_boot_record_read(tsr_buf_view(&out), &got), TSR_OK);
    assert_int_equal(got.count, TSR_BOOT_COMPONENTS);
}

static void expect_unwritable(const tsr_boot_record *r)
{
    static uint8_t room[TSR_BOOT_RECORD_MAX];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_boot_record_write(&out, r);
    assert_int_equal(out.err, TSR_E_ARGUMENT);
    assert_int_equal(out.len, 0);
}

static void test_record_out_of_bounds_is_not_written(void **state)
{
    static char text[TSR_BOOT_TEXT_MAX + 1] = { 'x' };
    tsr_boot_record r = { .seed = tsr_view(bytes, 31), .count = 0 };

    (void)state;
    expect_unwritable(&r);
    r.seed.len = 32;
    r.count = TSR_BOOT_COMPONENTS + 1;
    expect_unwritable(&r);
    r.count = 1;
    r.component[0] = component();
    r.component[0].measurement.len = 33;
    expect_unwritable(&r);
    r.component[0] = component();
    r.component[0].signer.len = 0;
    expect_unwritable(&r);
    r.component[0] = component();
    r.component[0].type.len = 0;
    expect_unwritable(&r);
    r.component[0] = component();
    r.component[0].version = tsr_view(text, sizeof text);
    expect_unwritable(&r);
}

static void test_record_refuses_what_is_none(void **state)
{
    static uint8_t room[TSR_BOOT_RECORD_MAX], changed[TSR_BOOT_RECORD_MAX];
    tsr_boot_record r = { .seed = tsr_view(bytes, 32), .count = 1 }, got = { .count = 7 };
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    r.component[0] = component();
    tsr_boot_record_write(&out, &r);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(tsr_boot_record_read(tsr_view(room, len), &got), TSR_E_MALFORMED);
    memcpy(changed, room, out.len);
    assert_int_equal(tsr_boot_record_read(tsr_view(changed, out.len + 1), &got), TSR_E_MALFORMED);
    changed[2] = 2; /* format */
    assert_int_equal(tsr_boot_record_read(tsr_view(changed, out.len), &got), TSR_E_UNSUPPORTED);
    memcpy(changed, room, out.len);
    changed[39] = 0x89; /* components */
    assert_int_equal(changed[38], 3);
    assert_int_equal(tsr_boot_record_read(tsr_view(changed, out.len), &got), TSR_E_UNSUPPORTED);
    memcpy(changed, room, out.len);
    changed[40] = 0xa4; /* pairs of the component: one is missing */
    assert_int_equal(tsr_boot_record_read(tsr_view(changed, out.len), &got), TSR_E_MALFORMED);
    memcpy(changed, room, out.len);
    changed[41] = 2; /* label 1 becomes 2 */
    assert_int_equal(tsr_boot_record_read(tsr_view(changed, out.len), &got), TSR_E_MALFORMED);
    memcpy(changed, room, out.len);
    changed[43] = 0xff; /* text that is no UTF-8 */
    assert_int_equal(tsr_boot_record_read(tsr_view(changed, out.len), &got), TSR_E_MALFORMED);
    assert_int_equal(got.count, 7); /* untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_comes_back),
        cmocka_unit_test(test_record_out_of_bounds_is_not_written),
        cmocka_unit_test(test_record_refuses_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
