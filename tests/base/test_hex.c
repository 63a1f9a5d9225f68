/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tessera/base/hex.h"

static tsr_err got(const char *text, size_t cap, tsr_buf *out)
{
    static uint8_t room[8];

    *out = tsr_buf_over(room, cap);
    return tsr_hex_get(tsr_text(text), out);
}

static void test_hex_pairs_become_bytes(void **state)
{
    static const uint8_t want[] = { 0x00, 0x9a, 0xff };
    tsr_buf out;

    (void)state;
    assert_int_equal(got("009aFf", 8, &out), TSR_OK);
    assert_int_equal(out.len, sizeof want);
    assert_memory_equal(out.ptr, want, sizeof want);
    assert_int_equal(got("", 8, &out), TSR_OK);
    assert_int_equal(out.len, 0);
}

static void test_hex_only_digits_are_digits(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = c != 0 ? strchr(digits, c) : NULL;

        assert_int_equal(tsr_hex_digit((uint8_t)c), at != NULL ? (at - digits) % 16 : -1);
    }
}

static void test_hex_what_is_no_pair_is_refused(void **state)
{
    static const char *const bad[] = { "0", "000", "0g", "g0", " 00", "00 ", "0x00", "-1" };
    tsr_buf out;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(got(bad[i], 8, &out), TSR_E_MALFORMED);
    assert_int_equal(got("0102zz", 8, &out), TSR_E_MALFORMED);
    assert_int_equal(out.len, 0);
}

static void test_hex_a_full_buffer_is_told(void **state)
{
    tsr_buf out;

    (void)state;
    assert_int_equal(got("010203", 2, &out), TSR_E_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_pairs_become_bytes),
        cmocka_unit_test(test_hex_only_digits_are_digits),
        cmocka_unit_test(test_hex_what_is_no_pair_is_refused),
        cmocka_unit_test(test_hex_a_full_buffer_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
