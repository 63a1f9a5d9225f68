/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/base/bytes.h"

static void test_writer_keeps_its_first_error(void **state)
{
    uint8_t room[4];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    tsr_put_u16(&out, 0x1234);
    tsr_put_u32(&out, 0xdeadbeef);
    tsr_put_u8(&out, 1);
    assert_int_equal(out.err, TSR_E_SPACE);
    assert_int_equal(out.len, 2);
    assert_memory_equal(room, "\x12\x34", 2);
}

static void test_reader_leaves_input_on_failure(void **state)
{
    tsr_bytes in = tsr_view("\x01\x02\x03", 3);
    uint32_t v = 7;

    (void)state;
    assert_int_equal(tsr_get_u32(&in, &v), TSR_E_MALFORMED);
    assert_int_equal(in.len, 3);
    assert_int_equal(v, 7);
}

/* Positions are differences of pointers, so the end of a slice is a place like any other. */
static void test_skip_moves_to_the_end_and_not_beyond(void **state)
{
    static const uint8_t room[4] = { 1, 2, 3, 4 };
    tsr_bytes all = tsr_view(room, sizeof room), none = tsr_skip(tsr_view(NULL, 0), 5), part;
    uint32_t v;

    (void)state;
    for (size_t n = 0; n <= 4; n++) {
        assert_ptr_equal(tsr_skip(all, n).ptr, room + n);
        assert_int_equal(tsr_skip(all, n).len, 4 - n);
    }
    assert_ptr_equal(tsr_skip(all, 5).ptr, room + 4);
    assert_ptr_equal(tsr_skip(all, SIZE_MAX).ptr, room + 4);
    assert_int_equal(tsr_skip(all, SIZE_MAX).len, 0);
    assert_null(none.ptr);
    assert_int_equal(none.len, 0);
    part = all; /* the readers that take all there is stand at its end, too */
    assert_int_equal(tsr_get_u32(&part, &v), TSR_OK);
    assert_ptr_equal(part.ptr, room + 4);
    part = all;
    assert_int_equal(tsr_get_bytes(&part, 4, &all), TSR_OK);
    assert_ptr_equal(part.ptr, room + 4);
}

static void test_decimal_holds_its_limits(void **state)
{
    uint64_t u;
    int64_t i;

    (void)state;
    assert_int_equal(tsr_dec(tsr_text("18446744073709551615"), &u), TSR_OK);
    assert_true(u == UINT64_MAX);
    assert_int_equal(tsr_dec(tsr_text("18446744073709551616"), &u), TSR_E_MALFORMED);
    assert_int_equal(tsr_dec(tsr_text(""), &u), TSR_E_MALFORMED);
    assert_int_equal(tsr_dec(tsr_text("1a"), &u), TSR_E_MALFORMED);
    assert_int_equal(tsr_sdec(tsr_text("-9223372036854775808"), &i), TSR_OK);
    assert_true(i == INT64_MIN);
    assert_int_equal(tsr_sdec(tsr_text("9223372036854775808"), &i), TSR_E_MALFORMED);
    assert_int_equal(tsr_sdec(tsr_text("-"), &i), TSR_E_MALFORMED);
}

static void test_decimal_round_trips(void **state)
{
    uint8_t room[24];
    int64_t samples[] = { 0, -1, 42, INT64_MAX, INT64_MIN };

    (void)state;
    for (size_t n = 0; n < sizeof samples / sizeof samples[0]; n++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);
        int64_t back;

        tsr_put_sdec(&out, samples[n]);
        assert_int_equal(tsr_sdec(tsr_buf_view(&out), &back), TSR_OK);
        assert_true(back == samples[n]);
    }
}

static void test_secret_compare_and_wipe(void **state)
{
    uint8_t a[4] = { 1, 2, 3, 4 }, b[4] = { 1, 2, 3, 5 };

    (void)state;
    assert_false(tsr_same_secret(tsr_view(a, 4), tsr_view(b, 4)));
    assert_true(tsr_same_secret(tsr_view(a, 3), tsr_view(b, 3)));
    assert_false(tsr_same_secret(tsr_view(a, 3), tsr_view(b, 4)));
    tsr_wipe(a, sizeof a);
    assert_memory_equal(a, "\0\0\0\0", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer_keeps_its_first_error),
        cmocka_unit_test(test_reader_leaves_input_on_failure),
        cmocka_unit_test(test_skip_moves_to_the_end_and_not_beyond),
        cmocka_unit_test(test_decimal_holds_its_limits),
        cmocka_unit_test(test_decimal_round_trips),
        cmocka_unit_test(test_secret_compare_and_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
