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

static void test_wipe_reaches_its_edges_and_not_beyond(void **state)
{
    uint8_t room[40];

    (void)state;
    tsr_wipe(NULL, 0);
    for (size_t from = 0; from < 8; from++)
        for (size_t len = 0; len <= 32; len++) {
            memset(room, 0xa5, sizeof room);
            tsr_wipe(room + from, len);
            for (size_t i = 0; i < sizeof room; i++)
                assert_int_equal(room[i], i >= from && i < from + len ? 0 : 0xa5);
        }
}

static void test_numbers_are_big_endian_at_any_place(void **state)
{
    static const uint8_t wire[15] = { 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8,
                                      0x89, 0x9a, 0xab, 0xbc, 0xcd, 0xde, 0xef };
    uint8_t room[15];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes in = tsr_view(wire, sizeof wire);
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;

    (void)state;
    assert_int_equal(tsr_get_u8(&in, &a), TSR_OK);
    assert_int_equal(tsr_get_u16(&in, &b), TSR_OK);
    assert_int_equal(tsr_get_u32(&in, &c), TSR_OK);
    assert_int_equal(tsr_get_u64(&in, &d), TSR_OK);
    assert_int_equal(in.len, 0);
    assert_true(a == 0x81 && b == 0x92a3 && c == 0xb4c5d6e7 && d == 0xf8899aabbccddeef);
    tsr_put_u8(&out, a);
    tsr_put_u16(&out, b);
    tsr_put_u32(&out, c);
    tsr_put_u64(&out, d);
    assert_int_equal(out.err, TSR_OK);
    assert_memory_equal(room, wire, sizeof wire);
}

/* None of them reads, or writes, a part of a number. */
static void test_numbers_fit_whole_or_not_at_all(void **state)
{
    uint8_t room[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    (void)state;
    for (size_t cap = 0; cap < 8; cap++) {
        tsr_buf out = tsr_buf_over(room, cap);
        tsr_bytes in = tsr_view(room, cap);
        uint64_t v = 9;

        assert_int_equal(tsr_get_u64(&in, &v), TSR_E_MALFORMED);
        assert_true(v == 9 && in.len == cap);
        tsr_put_u64(&out, 0);
        assert_int_equal(out.err, TSR_E_SPACE);
        assert_memory_equal(room, "\1\2\3\4\5\6\7\10", 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wipe_reaches_its_edges_and_not_beyond),
        cmocka_unit_test(test_numbers_are_big_endian_at_any_place),
        cmocka_unit_test(test_numbers_fit_whole_or_not_at_all),
        cmocka_unit_test(test_writer_keeps_its_first_error),
        cmocka_unit_test(test_reader_leaves_input_on_failure),
        cmocka_unit_test(test_skip_moves_to_the_end_and_not_beyond),
        cmocka_unit_test(test_decimal_holds_its_limits),
        cmocka_unit_test(test_decimal_round_trips),
        cmocka_unit_test(test_secret_compare_and_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
