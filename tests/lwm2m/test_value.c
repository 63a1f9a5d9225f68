/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/lwm2m/model/value.h"

static tsr_lwm2m_value raw_text(const char *text)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_RAW_TEXT, { .bytes = tsr_text(text) } };
}

static tsr_lwm2m_value raw_bytes(const char *bytes, size_t len)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_RAW_BYTES, { .bytes = tsr_view(bytes, len) } };
}

static void becomes(tsr_lwm2m_value from, tsr_lwm2m_value want)
{
    uint8_t room[32];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_value got;

    assert_int_equal(tsr_lwm2m_value_as(&from, want.type, &scratch, &got), TSR_OK);
    assert_true(tsr_lwm2m_value_same(&got, &want));
    assert_int_equal(tsr_lwm2m_value_as(&from, want.type, &scratch, &from), TSR_OK);
    assert_true(tsr_lwm2m_value_same(&from, &want));
}

static void fails(tsr_lwm2m_value from, tsr_lwm2m_type type)
{
    uint8_t room[32];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_value got = tsr_lwm2m_int(77);

    assert_int_equal(tsr_lwm2m_value_as(&from, type, &scratch, &got), TSR_E_TYPE);
    assert_int_equal(got.as.i, 77);
}

static void test_value_from_text(void **state)
{
    (void)state;
    becomes(raw_text("h\xc3\xa9"), tsr_lwm2m_text(tsr_text("h\xc3\xa9")));
    becomes(raw_text(""), tsr_lwm2m_text(tsr_text("")));
    becomes(raw_text("-9223372036854775808"), tsr_lwm2m_int(INT64_MIN));
    becomes(raw_text("18446744073709551615"), tsr_lwm2m_uint(UINT64_MAX));
    becomes(raw_text("-22.5e-1"), tsr_lwm2m_float(-2.25));
    becomes(raw_text("7"), tsr_lwm2m_float(7));
    becomes(raw_text("1"), tsr_lwm2m_bool(true));
    becomes(raw_text("0"), tsr_lwm2m_bool(false));
    becomes(raw_text("AP8="), tsr_lwm2m_opaque(tsr_view("\0\xff", 2)));
    becomes(raw_text("-1"), tsr_lwm2m_time(-1));
    becomes(raw_text("66:1"), tsr_lwm2m_objlnk(66, 1));
    becomes(raw_text("FFFF:FFFF"), tsr_lwm2m_objlnk(65535, 65535));
    becomes(raw_text("</3/0>"), tsr_lwm2m_corelnk(tsr_text("</3/0>")));
}

static void test_value_refuses_wrong_text(void **state)
{
    (void)state;
    fails(raw_text("\xff"), TSR_LWM2M_STRING);
    fails(raw_text(""), TSR_LWM2M_INTEGER);
    fails(raw_text("12x"), TSR_LWM2M_INTEGER);
    fails(raw_text("1.5"), TSR_LWM2M_INTEGER);
    fails(raw_text("9223372036854775808"), TSR_LWM2M_INTEGER);
    fails(raw_text("-1"), TSR_LWM2M_UNSIGNED);
    fails(raw_text("1,5"), TSR_LWM2M_FLOAT);
    fails(raw_text("1e400"), TSR_LWM2M_FLOAT);
    fails(raw_text("2"), TSR_LWM2M_BOOLEAN);
    fails(raw_text("A"), TSR_LWM2M_OPAQUE);
    fails(raw_text("66"), TSR_LWM2M_OBJLNK);
    fails(raw_text("66:65536"), TSR_LWM2M_OBJLNK);
    fails(raw_text(":1"), TSR_LWM2M_OBJLNK);
    fails(raw_text("1"), TSR_LWM2M_NONE);
    fails(raw_text("1"), TSR_LWM2M_RAW_BYTES);
}

static void test_value_from_tlv(void **state)
{
    (void)state;
    becomes(raw_bytes("U", 1), tsr_lwm2m_text(tsr_text("U")));
    becomes(raw_bytes("\x0e\xd8", 2), tsr_lwm2m_int(3800));
    becomes(raw_bytes("\xff", 1), tsr_lwm2m_int(-1));
    becomes(raw_bytes("\xff", 1), tsr_lwm2m_uint(255));
    becomes(raw_bytes("\xff\xff\xff", 3), tsr_lwm2m_int(-1));
    becomes(raw_bytes("\x80\0\0\0\0\0\0\0", 8), tsr_lwm2m_int(INT64_MIN));
    becomes(raw_bytes("\xff\xff\xff\xff\xff\xff\xff\xff", 8), tsr_lwm2m_uint(UINT64_MAX));
    becomes(raw_bytes("\x51\x82\x42\x8f", 4), tsr_lwm2m_time(1367491215));
    becomes(raw_bytes("\xc1\xb4\0\0", 4), tsr_lwm2m_float(-22.5));
    becomes(raw_bytes("\x3f\xb9\x99\x99\x99\x99\x99\x9a", 8), tsr_lwm2m_float(0.1));
    becomes(raw_bytes("\1", 1), tsr_lwm2m_bool(true));
    becomes(raw_bytes("\0\1", 2), tsr_lwm2m_opaque(tsr_view("\0\1", 2)));
    becomes(raw_bytes("\0\x42\0\1", 4), tsr_lwm2m_objlnk(66, 1));
    fails(raw_bytes("", 0), TSR_LWM2M_INTEGER);
    fails(raw_bytes("123456789", 9), TSR_LWM2M_INTEGER);
    fails(raw_bytes("\xff", 1), TSR_LWM2M_STRING);
    fails(raw_bytes("\1\2", 2), TSR_LWM2M_FLOAT);
    fails(raw_bytes("\2", 1), TSR_LWM2M_BOOLEAN);
    fails(raw_bytes("", 0), TSR_LWM2M_BOOLEAN);
    fails(raw_bytes("\0\x42\0", 3), TSR_LWM2M_OBJLNK);
}

static void test_value_from_another_type(void **state)
{
    (void)state;
    becomes(tsr_lwm2m_int(5), tsr_lwm2m_float(5));
    becomes(tsr_lwm2m_int(5), tsr_lwm2m_uint(5));
    becomes(tsr_lwm2m_int(5), tsr_lwm2m_time(5));
    becomes(tsr_lwm2m_float(5), tsr_lwm2m_int(5));
    becomes(tsr_lwm2m_float(-5), tsr_lwm2m_int(-5));
    becomes(tsr_lwm2m_float(1363896240.5), tsr_lwm2m_time(1363896240));
    becomes(tsr_lwm2m_float(-0.5), tsr_lwm2m_time(-1));
    becomes(tsr_lwm2m_uint(7), tsr_lwm2m_int(7));
    becomes(tsr_lwm2m_time(7), tsr_lwm2m_int(7));
    becomes(tsr_lwm2m_text(tsr_text("3:0")), tsr_lwm2m_objlnk(3, 0));
    becomes(tsr_lwm2m_text(tsr_text("</1>")), tsr_lwm2m_corelnk(tsr_text("</1>")));
    fails(tsr_lwm2m_float(5.5), TSR_LWM2M_INTEGER);
    fails(tsr_lwm2m_float(1e19), TSR_LWM2M_INTEGER);
    fails(tsr_lwm2m_float(NAN), TSR_LWM2M_INTEGER);
    fails(tsr_lwm2m_float(NAN), TSR_LWM2M_TIME);
    fails(tsr_lwm2m_float(INFINITY), TSR_LWM2M_UNSIGNED);
    fails(tsr_lwm2m_int(-1), TSR_LWM2M_UNSIGNED);
    fails(tsr_lwm2m_uint(UINT64_MAX), TSR_LWM2M_INTEGER);
    fails(tsr_lwm2m_int(1), TSR_LWM2M_BOOLEAN);
    fails(tsr_lwm2m_int(1), TSR_LWM2M_STRING);
    fails(tsr_lwm2m_text(tsr_text("1")), TSR_LWM2M_INTEGER);
    fails(tsr_lwm2m_text(tsr_text("1")), TSR_LWM2M_OPAQUE);
    fails(tsr_lwm2m_opaque(tsr_text("1")), TSR_LWM2M_STRING);
    fails(tsr_lwm2m_bool(true), TSR_LWM2M_INTEGER);
}

static void test_value_says_when_scratch_is_missing(void **state)
{
    tsr_lwm2m_value v = raw_text("AAAA");
    uint8_t room[2];
    tsr_buf small = tsr_buf_over(room, sizeof room);

    (void)state;
    assert_int_equal(tsr_lwm2m_value_as(&v, TSR_LWM2M_OPAQUE, NULL, &v), TSR_E_SPACE);
    assert_int_equal(tsr_lwm2m_value_as(&v, TSR_LWM2M_OPAQUE, &small, &v), TSR_E_SPACE);
    assert_int_equal(v.type, TSR_LWM2M_RAW_TEXT);
}

static void test_value_text_form_reads_back(void **state)
{
    tsr_lwm2m_value values[] = {
        tsr_lwm2m_text(tsr_text("abc")), tsr_lwm2m_int(-5), tsr_lwm2m_uint(UINT64_MAX),
        tsr_lwm2m_float(0.1), tsr_lwm2m_bool(true), tsr_lwm2m_bool(false),
        tsr_lwm2m_opaque(tsr_view("\0\1\2\3", 4)), tsr_lwm2m_time(1367491215),
        tsr_lwm2m_objlnk(65535, 65535), tsr_lwm2m_corelnk(tsr_text("</a>;b")),
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t room[64];
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_value back = { TSR_LWM2M_RAW_TEXT, { .u = 0 } };
        tsr_lwm2m_type named;

        tsr_lwm2m_value_put_text(&out, &values[i]);
        assert_int_equal(out.err, TSR_OK);
        back.as.bytes = tsr_buf_view(&out);
        becomes(back, values[i]);
        assert_int_equal(tsr_lwm2m_type_named(tsr_text(tsr_lwm2m_type_name(values[i].type)), &named),
                         TSR_OK);
        assert_int_equal(named, values[i].type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_from_text),
        cmocka_unit_test(test_value_refuses_wrong_text),
        cmocka_unit_test(test_value_from_tlv),
        cmocka_unit_test(test_value_from_another_type),
        cmocka_unit_test(test_value_says_when_scratch_is_missing),
        cmocka_unit_test(test_value_text_form_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
