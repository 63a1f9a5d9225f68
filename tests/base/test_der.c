/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tessera/base/der.h"

static void test_der_reads_lengths_of_each_form(void **state)
{
    static const uint8_t one[] = { 0x04, 0x01, 0x55, 0x02, 0x01, 0x07 };
    uint8_t room[70000] = { 0 };
    static const size_t lens[] = { 0, 127, 128, 255, 256, 65535 };
    tsr_bytes in = tsr_view(one, sizeof one), content;

    (void)state;
    assert_int_equal(tsr_der_get(&in, TSR_DER_OCTETS, &content), TSR_OK);
    assert_int_equal(content.len, 1);
    assert_int_equal(content.ptr[0], 0x55);
    assert_int_equal(tsr_der_get(&in, TSR_DER_INTEGER, &content), TSR_OK);
    assert_int_equal(in.len, 0);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        tsr_der_put_head(&out, TSR_DER_SEQUENCE, lens[i]);
        assert_int_equal(out.len + lens[i], tsr_der_len(lens[i]));
        in = tsr_view(room, tsr_der_len(lens[i]) + 3);
        assert_int_equal(tsr_der_get_whole(&in, TSR_DER_SEQUENCE, &content), TSR_OK);
        assert_int_equal(content.len, tsr_der_len(lens[i]));
        assert_ptr_equal(content.ptr, room);
        assert_int_equal(in.len, 3);
    }
}

static void test_der_refuses_what_ends_too_early(void **state)
{
    static const uint8_t bad[][5] = {
        { 1, 0x30 },                   /* no length */
        { 2, 0x30, 0x01 },             /* no content */
        { 3, 0x30, 0x81, 0x01 },       /* no content, long form */
        { 3, 0x30, 0x82, 0x01 },       /* half a length */
        { 3, 0x30, 0x80, 0x00 },       /* indefinite: BER */
        { 4, 0x30, 0x83, 0x00, 0x00 }, /* longer than we go */
        { 3, 0x31, 0x01, 0x00 },       /* another tag */
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tsr_bytes in = tsr_view(bad[i] + 1, bad[i][0]), content;

        assert_int_equal(tsr_der_get(&in, TSR_DER_SEQUENCE, &content), TSR_E_MALFORMED);
        assert_ptr_equal(in.ptr, bad[i] + 1);
        assert_int_equal(in.len, bad[i][0]);
    }
}

static void test_der_refuses_to_write_what_is_too_long(void **state)
{
    uint8_t room[16];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    tsr_der_put_head(&out, TSR_DER_SEQUENCE, 65536);
    assert_int_equal(out.err, TSR_E_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_der_reads_lengths_of_each_form),
        cmocka_unit_test(test_der_refuses_what_ends_too_early),
        cmocka_unit_test(test_der_refuses_to_write_what_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
