/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/lwm2m/format/format.h"
#include "tests/vectors.h"

static const tsr_lwm2m_format multiple[] = {
    TSR_LWM2M_FORMAT_TLV, TSR_LWM2M_FORMAT_SENML_JSON, TSR_LWM2M_FORMAT_SENML_CBOR,
    TSR_LWM2M_FORMAT_LWM2M_CBOR,
};

enum { MULTIPLE = sizeof multiple / sizeof multiple[0] };

static tsr_lwm2m_path at(const char *text)
{
    tsr_lwm2m_path path;

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(text), &path), TSR_OK);
    return path;
}

/* ---- what comes out, byte by byte ---------------------------------------------------------- */

static void fill_sensor(tsr_lwm2m_out *out)
{
    tsr_lwm2m_put_float(out, at("/3303/0/5700"), 22.5);
    tsr_lwm2m_put_text(out, at("/3303/0/5701"), tsr_text("Cel"));
    tsr_lwm2m_put_time(out, at("/3303/0/5518"), 1367491215);
}

static void test_write_looks_as_specified(void **state)
{
    static const struct {
        tsr_lwm2m_format format;
        const char *base, *hex; /* JSON as it is */
    } cases[] = {
        { TSR_LWM2M_FORMAT_SENML_CBOR, "/3303/0",
          "83a321682f333330332f302f00643535313802 1a5182428f a200643537303002f94da0"
          "a20064353730310363 43656c" },
        { TSR_LWM2M_FORMAT_LWM2M_CBOR, "/3303/0",
          "a182190ce700a319158e1a5182428f191644f94da01916456343656c" },
        { TSR_LWM2M_FORMAT_TLV, "/3303/0", "e4158e5182428fe4164441b40000e3164543656c" },
        { TSR_LWM2M_FORMAT_TLV, "/3303", "080014e4158e5182428fe4164441b40000e3164543656c" },
        { TSR_LWM2M_FORMAT_SENML_JSON, "/3303/0",
          "[{\"bn\":\"/3303/0/\",\"n\":\"5518\",\"v\":1367491215},{\"n\":\"5700\",\"v\":22.5},"
          "{\"n\":\"5701\",\"vs\":\"Cel\"}]" },
        { TSR_LWM2M_FORMAT_SENML_JSON, "/",
          "[{\"bn\":\"/\",\"n\":\"3303/0/5518\",\"v\":1367491215},{\"n\":\"3303/0/5700\",\"v\":22.5},"
          "{\"n\":\"3303/0/5701\",\"vs\":\"Cel\"}]" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t room[256], want[256];
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;
        bool json = cases[i].format == TSR_LWM2M_FORMAT_SENML_JSON;

        assert_int_equal(tsr_lwm2m_out_begin(&out, cases[i].format, at(cases[i].base), &body),
                         TSR_OK);
        tsr_lwm2m_put_time(&out, at("/3303/0/5518"), 1367491215);
        tsr_lwm2m_put_float(&out, at("/3303/0/5700"), 22.5);
        tsr_lwm2m_put_text(&out, at("/3303/0/5701"), tsr_text("Cel"));
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);

        tsr_bytes expected = json ? tsr_text(cases[i].hex) : from_hex(cases[i].hex, want, sizeof want);

        if (!tsr_same(tsr_buf_view(&body), expected))
            fail_msg("case %zu is different", i);
    }
}

static void test_write_single_values(void **state)
{
    static const struct {
        tsr_lwm2m_format format;
        tsr_lwm2m_value value;
        const char *hex;
    } cases[] = {
        { TSR_LWM2M_FORMAT_TEXT, { TSR_LWM2M_INTEGER, { .i = -5 } }, "2d35" },
        { TSR_LWM2M_FORMAT_TEXT, { TSR_LWM2M_BOOLEAN, { .b = true } }, "31" },
        { TSR_LWM2M_FORMAT_TEXT, { TSR_LWM2M_OBJLNK, { .link = { 66, 1 } } }, "36363a31" },
        { TSR_LWM2M_FORMAT_CBOR, { TSR_LWM2M_OBJLNK, { .link = { 66, 1 } } }, "6436363a31" },
        { TSR_LWM2M_FORMAT_CBOR, { TSR_LWM2M_FLOAT, { .f = 0.5 } }, "f93800" },
        { TSR_LWM2M_FORMAT_SENML_CBOR, { TSR_LWM2M_INTEGER, { .i = 100 } },
          "81a200662f332f302f39021864" },
        { TSR_LWM2M_FORMAT_SENML_CBOR, { TSR_LWM2M_OBJLNK, { .link = { 66, 1 } } },
          "81a200662f332f302f3963766c6f6436363a31" },
        { TSR_LWM2M_FORMAT_LWM2M_CBOR, { TSR_LWM2M_INTEGER, { .i = 100 } }, "a1830300091864" },
        { TSR_LWM2M_FORMAT_TLV, { TSR_LWM2M_INTEGER, { .i = 100 } }, "c10964" },
        { TSR_LWM2M_FORMAT_TLV, { TSR_LWM2M_INTEGER, { .i = -129 } }, "c209ff7f" },
        { TSR_LWM2M_FORMAT_TLV, { TSR_LWM2M_UNSIGNED, { .u = 65536 } }, "c40900010000" },
        { TSR_LWM2M_FORMAT_TLV, { TSR_LWM2M_FLOAT, { .f = 0.1 } }, "c809083fb999999999999a" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t room[64], want[64];
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;

        assert_int_equal(tsr_lwm2m_out_begin(&out, cases[i].format, at("/3/0/9"), &body), TSR_OK);
        assert_int_equal(tsr_lwm2m_put(&out, at("/3/0/9"), &cases[i].value), TSR_OK);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        if (!tsr_same(tsr_buf_view(&body), from_hex(cases[i].hex, want, sizeof want)))
            fail_msg("case %zu is different", i);
    }
}

static void test_write_octets_are_opaque_only(void **state)
{
    uint8_t room[16];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;

    (void)state;
    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_OCTETS, at("/5/0/0"), &body), TSR_OK);
    assert_int_equal(tsr_lwm2m_put_opaque(&out, at("/5/0/0"), tsr_view("\0\1", 2)), TSR_OK);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    assert_memory_equal(room, "\0\1", 2);
    assert_int_equal(body.len, 2);
    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_OCTETS, at("/3/0/9"), &body), TSR_OK);
    assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/9"), 1), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_UNSUPPORTED);
    assert_int_equal(body.len, 2);
}

/* ---- nesting -------------------------------------------------------------------------------- */

/* Two instances, multiple resources, ids above 255, contents above 255 bytes. */
static tsr_err put_tree(tsr_lwm2m_out *out, const char *long_text)
{
    tsr_lwm2m_put_text(out, at("/300/0/1"), tsr_text(long_text));
    tsr_lwm2m_put_int(out, at("/300/0/6/0"), 1);
    tsr_lwm2m_put_int(out, at("/300/0/6/300"), 2);
    tsr_lwm2m_put_objlnk(out, at("/300/0/700/2"), 3, 0);
    tsr_lwm2m_put_bool(out, at("/300/0/701"), true);
    tsr_lwm2m_put_text(out, at("/300/1/1/0"), tsr_text(""));
    tsr_lwm2m_put_opaque(out, at("/300/400/1"), tsr_text(long_text));
    tsr_lwm2m_put_uint(out, at("/300/400/2"), UINT64_MAX);
    return out->err;
}

static const struct {
    const char *path;
    tsr_lwm2m_type type;
} tree[] = {
    { "/300/0/1", TSR_LWM2M_STRING },    { "/300/0/6/0", TSR_LWM2M_INTEGER },
    { "/300/0/6/300", TSR_LWM2M_INTEGER }, { "/300/0/700/2", TSR_LWM2M_OBJLNK },
    { "/300/0/701", TSR_LWM2M_BOOLEAN }, { "/300/1/1/0", TSR_LWM2M_STRING },
    { "/300/400/1", TSR_LWM2M_OPAQUE },  { "/300/400/2", TSR_LWM2M_UNSIGNED },
};

static void test_write_tree_reads_back_in_every_format(void **state)
{
    static char text[70001];
    static uint8_t room[400000], more[400000];
    static const size_t sizes[] = { 0, 1, 7, 8, 200, 255, 256, 300, 65535, 65536, 70000 };

    (void)state;
    for (size_t f = 0; f < MULTIPLE; f++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            tsr_buf body = tsr_buf_over(room, sizeof room), scratch = tsr_buf_over(more, sizeof more);
            tsr_lwm2m_out out;
            tsr_lwm2m_in in;
            tsr_lwm2m_path path;
            tsr_lwm2m_value value;

            memset(text, 'x', sizes[s]);
            text[sizes[s]] = '\0';
            assert_int_equal(tsr_lwm2m_out_begin(&out, multiple[f], at("/300"), &body), TSR_OK);
            assert_int_equal(put_tree(&out, text), TSR_OK);
            assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
            assert_int_equal(tsr_lwm2m_in_begin(&in, multiple[f], at("/300"), tsr_buf_view(&body),
                                                &scratch), TSR_OK);
            for (size_t i = 0; i < sizeof tree / sizeof tree[0]; i++) {
                assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_OK);
                assert_true(tsr_lwm2m_path_same(path, at(tree[i].path)));
                assert_int_equal(tsr_lwm2m_value_as(&value, tree[i].type, &scratch, &value), TSR_OK);
                if (i == 0 || i == 6)
                    assert_true(tsr_same(value.as.bytes, tsr_text(text)));
                if (i == 7)
                    assert_true(value.as.u == UINT64_MAX);
            }
            assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);
        }
    }
}

static void test_write_many_values(void **state)
{
    static uint8_t room[200000];

    (void)state;
    for (size_t f = 0; f < MULTIPLE; f++) {
        static const uint32_t counts[] = { 0, 1, 22, 23, 24, 25, 255, 256, 257, 3000 };

        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            tsr_buf body = tsr_buf_over(room, sizeof room);
            tsr_lwm2m_out out;
            tsr_lwm2m_in in;
            tsr_lwm2m_path path;
            tsr_lwm2m_value value;
            uint32_t n = 0;

            tsr_lwm2m_out_begin(&out, multiple[f], at("/3/0"), &body);
            for (uint16_t i = 0; i < counts[c]; i++)
                tsr_lwm2m_put_int(&out, tsr_lwm2m_at_resource(3, 0, i), i);
            assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
            tsr_lwm2m_in_begin(&in, multiple[f], at("/3/0"), tsr_buf_view(&body), NULL);
            while (tsr_lwm2m_in_next(&in, &path, &value) == TSR_OK) {
                assert_int_equal(tsr_lwm2m_value_as(&value, TSR_LWM2M_INTEGER, NULL, &value), TSR_OK);
                assert_int_equal(value.as.i, n);
                assert_int_equal(path.resource, n++);
            }
            assert_int_equal(n, counts[c]);
            assert_int_equal(in.err, TSR_END);
        }
    }
}

/* Every size of buffer that is too small says so and leaves the buffer as it was. */
static void test_write_says_when_the_buffer_is_full(void **state)
{
    uint8_t room[512];

    (void)state;
    for (size_t f = 0; f < MULTIPLE; f++) {
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;

        tsr_lwm2m_out_begin(&out, multiple[f], at("/300"), &body);
        put_tree(&out, "some text");
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        for (size_t cap = 0; cap < body.len; cap++) {
            tsr_buf small = tsr_buf_over(room, cap);

            tsr_lwm2m_out_begin(&out, multiple[f], at("/300"), &small);
            put_tree(&out, "some text");
            assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_SPACE);
            assert_int_equal(small.len, 0);
            assert_int_equal(small.err, TSR_OK);
        }
    }
}

static void test_write_instances_without_resources(void **state)
{
    static const struct {
        tsr_lwm2m_format format;
        const char *hex;
    } cases[] = {
        { TSR_LWM2M_FORMAT_TLV, "0000 0302c10107" },
        { TSR_LWM2M_FORMAT_LWM2M_CBOR, "a1 19012c a2 00a0 02 a1 0107" },
        { TSR_LWM2M_FORMAT_SENML_CBOR, "81a321652f3330302f 0063322f310207" },
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint8_t room[64], want[64];
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;

        tsr_lwm2m_out_begin(&out, cases[i].format, at("/300"), &body);
        assert_int_equal(tsr_lwm2m_put_instance(&out, at("/300/0")), TSR_OK);
        assert_int_equal(tsr_lwm2m_put_instance(&out, at("/300/2")), TSR_OK);
        assert_int_equal(tsr_lwm2m_put_int(&out, at("/300/2/1"), 7), TSR_OK);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        if (!tsr_same(tsr_buf_view(&body), from_hex(cases[i].hex, want, sizeof want)))
            fail_msg("case %zu is different", i);
    }
}

/* ---- wrong use ------------------------------------------------------------------------------ */

static void test_write_refuses_what_a_format_cannot_hold(void **state)
{
    uint8_t room[64];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;

    (void)state;
    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_TEXT, at("/3/0"), &body), TSR_OK);
    assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/9"), 1), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_UNSUPPORTED);

    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_TEXT, at("/3/0/7"), &body);
    assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/7/0"), 1), TSR_E_UNSUPPORTED);

    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_CBOR, at("/3/0/9"), &body);
    assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/9"), 1), TSR_OK);
    assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/9"), 1), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_UNSUPPORTED);
    assert_int_equal(body.len, 0);

    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_TEXT, at("/3/0/9"), &body);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_NOT_FOUND);

    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_JSON, at("/3/0"), &body);
    assert_int_equal(tsr_lwm2m_put_float(&out, at("/3/0/9"), NAN), TSR_E_TYPE);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_TYPE);
    assert_int_equal(body.len, 0);

    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_TLV, at("/"), &body),
                     TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/9"), 1), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_LINK, at("/3"), &body),
                     TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_ETCH_CBOR, at("/3"), &body),
                     TSR_E_UNSUPPORTED);
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_OMA_JSON, at("/3"), &body);
    assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/9"), 1), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_UNSUPPORTED);
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_OMA_JSON, at("/3"), &body);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_UNSUPPORTED);
}

static void test_write_refuses_paths_outside_and_out_of_order(void **state)
{
    uint8_t room[128];

    (void)state;
    for (size_t f = 0; f < MULTIPLE; f++) {
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;

        tsr_lwm2m_out_begin(&out, multiple[f], at("/3/0"), &body);
        assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/1/9"), 1), TSR_E_ARGUMENT);
        tsr_lwm2m_out_begin(&out, multiple[f], at("/3/0"), &body);
        assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0"), 1), TSR_E_ARGUMENT);

        bool ordered = f == 0 || f == 3; /* TLV and LwM2M CBOR nest */

        tsr_lwm2m_out_begin(&out, multiple[f], at("/3"), &body);
        assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/1/9"), 1), TSR_OK);
        assert_int_equal(tsr_lwm2m_put_int(&out, at("/3/0/9"), 1),
                         ordered ? TSR_E_UNSUPPORTED : TSR_OK);
        tsr_lwm2m_out_end(&out);
    }
}

static void test_write_composite_in_any_order(void **state)
{
    static const char *const paths[] = { "/3/0/9", "/1/0/1", "/3/0/0", "/3/0/7/1", "/1/0/7" };

    (void)state;
    for (size_t f = 1; f < MULTIPLE; f++) {
        uint8_t room[256];
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;
        tsr_lwm2m_in in;
        tsr_lwm2m_path path;
        tsr_lwm2m_value value;

        tsr_lwm2m_out_begin(&out, multiple[f], at("/"), &body);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(tsr_lwm2m_put_int(&out, at(paths[i]), (int64_t)i), TSR_OK);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        tsr_lwm2m_in_begin(&in, multiple[f], at("/"), tsr_buf_view(&body), NULL);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_OK);
            assert_true(tsr_lwm2m_path_same(path, at(paths[i])));
            assert_int_equal(value.as.i, i);
        }
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);
    }
}

static void test_write_names_for_read_composite(void **state)
{
    uint8_t room[128], want[64];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;

    (void)state;
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, at("/"), &body);
    tsr_lwm2m_put_name(&out, at("/3/0/0"));
    tsr_lwm2m_put_name(&out, at("/1"));
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&body), from_hex("82a221612f0065332f302f30a1006131", want, 64)));
    body.len = 0; /* the base itself among what is below it: bn "/3/", n "0"; bn "", n "/3" */
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, at("/3"), &body);
    tsr_lwm2m_put_name(&out, at("/3/0"));
    tsr_lwm2m_put_name(&out, at("/3"));
    tsr_lwm2m_put_name(&out, at("/3/1"));
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&body),
                         from_hex("83a221632f332f006130 a2216000622f33 a221632f332f006131", want, 64)));
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_LWM2M_CBOR, at("/"), &body);
    assert_int_equal(tsr_lwm2m_put_name(&out, at("/1")), TSR_E_UNSUPPORTED);
}

/* RFC 8428 §4.5.3: a base time counts until another one is said. */
static void test_write_history_with_times(void **state)
{
    static const tsr_lwm2m_format formats[] = { TSR_LWM2M_FORMAT_SENML_JSON,
                                                TSR_LWM2M_FORMAT_SENML_CBOR };
    static const uint64_t times[] = { 1700000000000, 1700000000000, 1700000060500, 0 };

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        uint8_t room[256];
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;
        tsr_lwm2m_in in;
        tsr_lwm2m_path path;
        tsr_lwm2m_value value;

        tsr_lwm2m_out_begin(&out, formats[f], at("/"), &body);
        for (size_t i = 0; i < 4; i++) {
            tsr_lwm2m_out_stamp(&out, times[i]);
            assert_int_equal(tsr_lwm2m_put_int(&out, i == 1 ? at("/3/0/9") : at("/3303/0/5700"),
                                               (int64_t)i), TSR_OK);
        }
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        tsr_lwm2m_in_begin(&in, formats[f], at("/"), tsr_buf_view(&body), NULL);
        for (size_t i = 0; i < 4; i++) {
            uint64_t ms = 0;

            assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_OK);
            assert_int_equal(tsr_lwm2m_in_time(&in, 1, &ms), times[i] != 0);
            assert_true(ms == times[i]);
        }
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);
    }
}

static void test_write_joins_what_was_there(void **state)
{
    uint8_t room[64];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;

    (void)state;
    tsr_put_text(&body, "head");
    for (size_t f = 0; f < MULTIPLE; f++) {
        body.len = 4;
        tsr_lwm2m_out_begin(&out, multiple[f], at("/3303"), &body);
        fill_sensor(&out);
        tsr_lwm2m_out_end(&out);
        assert_memory_equal(room, "head", 4);
    }
}

/* Core 7.5, RFC 7252 §12.3 */
static void test_format_numbers(void **state)
{
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_TEXT;

    (void)state;
    assert_int_equal(tsr_lwm2m_format_from(1542, &format), TSR_OK);
    assert_int_equal(format, TSR_LWM2M_FORMAT_TLV);
    assert_int_equal(tsr_lwm2m_format_from(1541, &format), TSR_OK);
    assert_int_equal(format, TSR_LWM2M_FORMAT_TEXT);
    assert_int_equal(tsr_lwm2m_format_from(112, &format), TSR_OK);
    assert_int_equal(format, TSR_LWM2M_FORMAT_SENML_CBOR);
    assert_int_equal(tsr_lwm2m_format_from(1543, &format), TSR_OK);
    assert_int_equal(format, TSR_LWM2M_FORMAT_OMA_JSON);
    assert_int_equal(tsr_lwm2m_format_from(320, &format), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_format_from(322, &format), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_lwm2m_format_from(50, &format), TSR_E_UNSUPPORTED);
    assert_true(tsr_lwm2m_format_is_multiple(TSR_LWM2M_FORMAT_TLV));
    assert_false(tsr_lwm2m_format_is_multiple(TSR_LWM2M_FORMAT_CBOR));
    assert_string_equal(tsr_lwm2m_format_name(TSR_LWM2M_FORMAT_SENML_JSON), "senml-json");
    assert_string_equal(tsr_lwm2m_format_name(TSR_LWM2M_FORMAT_OMA_JSON), "oma-json");
}

/* Any order, any size, any room: what the short ways write is what the long one writes. */

enum { LONG_TEXT = 300 };

static uint32_t drawn;

static uint32_t draw(uint32_t below)
{
    drawn = drawn * 1664525u + 1013904223u;
    return (drawn >> 8) % below;
}

/* Mostly in order, near each other and small; sometimes not. */
static tsr_lwm2m_path next_path(tsr_lwm2m_path last)
{
    static const uint16_t steps[] = { 0, 1, 1, 1, 2, 5, 200, 300 };
    tsr_lwm2m_path path = last;
    bool goes_on = last.depth == 4 && draw(2) == 0;

    if (goes_on)
        path.resource_instance = (uint16_t)(path.resource_instance + steps[draw(8)]);
    else
        path = tsr_lwm2m_at_resource(last.object, draw(40) != 0 ? last.instance : 1,
                                     (uint16_t)(last.resource + steps[draw(8)]));
    return !goes_on && draw(3) == 0 ? tsr_lwm2m_path_down(path, (uint16_t)draw(3)) : path;
}

static tsr_lwm2m_value next_value(void)
{
    static const uint8_t text[LONG_TEXT] = { 'T' };
    static const int64_t whole[] = { 0, 1, -1, 127, 128, -128, -129, 32767, 32768, INT32_MAX,
                                     INT32_MIN, INT64_MAX, INT64_MIN, 1367491215 };
    static const size_t lengths[] = { 0, 1, 7, 8, 23, 24, 255, 256, LONG_TEXT };

    return draw(2) == 0 ? tsr_lwm2m_int(whole[draw(14)])
                        : tsr_lwm2m_text(tsr_view(text, lengths[draw(9)]));
}

static void test_write_short_ways_write_the_same(void **state)
{
    uint8_t one[1200], other[1200];

    (void)state;
    for (drawn = 0; drawn < 20000; drawn++) {
        uint32_t kept = drawn;
        tsr_lwm2m_format format = multiple[draw(MULTIPLE)];
        size_t room = draw(4) == 0 ? draw(200) : sizeof one;
        tsr_buf a = tsr_buf_over(one, room), b = tsr_buf_over(other, room);
        tsr_lwm2m_path base = tsr_lwm2m_path_up(tsr_lwm2m_at_instance(3, 0), (uint8_t)(1 + draw(2)));
        tsr_lwm2m_path path = tsr_lwm2m_at_instance(3, 0);
        tsr_lwm2m_out quick, slow;

        (void)tsr_lwm2m_out_begin(&quick, format, base, &a);
        (void)tsr_lwm2m_out_begin(&slow, format, base, &b);
        if (draw(2) == 0) {
            (void)tsr_lwm2m_put_instance(&quick, path);
            (void)tsr_lwm2m_put_instance(&slow, path);
        }
        for (unsigned n = draw(8); n > 0; n--) {
            tsr_lwm2m_value value = next_value();
            tsr_err err;

            path = next_path(path);
            err = value.type == TSR_LWM2M_INTEGER
                      ? tsr_lwm2m_put_int(&quick, path, value.as.i)
                      : tsr_lwm2m_put_text(&quick, path, value.as.bytes);
            assert_int_equal(tsr_lwm2m_put(&slow, path, &value), err);
        }
        assert_int_equal(tsr_lwm2m_out_end(&quick), tsr_lwm2m_out_end(&slow));
        assert_int_equal(a.len, b.len);
        assert_memory_equal(one, other, a.len);
        drawn = kept;
    }
}

/* RFC 8428 §4.5.1: the longest names, times and links that a record can have, behind the longest alternate path. */
static void test_write_has_room_for_the_longest_prefix(void **state)
{
    static const char root[] = "/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcd";
    static const tsr_lwm2m_format formats[] = { TSR_LWM2M_FORMAT_SENML_JSON, TSR_LWM2M_FORMAT_SENML_CBOR };
    static const char *const bases[] = { "/", "/65534", "/65534/65534", "/65534/65534/65534", "/65534/65534/65534/65534" };
    const tsr_bytes longest = tsr_view(root, TSR_LWM2M_ROOT_MAX);

    (void)state;
    for (size_t i = 0; i < 2 * sizeof bases / sizeof bases[0]; i++) {
        uint8_t room[512], more[512];
        tsr_buf body = tsr_buf_over(room, sizeof room), scratch = tsr_buf_over(more, sizeof more);
        tsr_lwm2m_path base = at(bases[i / 2]), path;
        tsr_lwm2m_value value;
        tsr_lwm2m_out out;
        tsr_lwm2m_in in;
        uint64_t ms;

        assert_int_equal(tsr_lwm2m_out_begin(&out, formats[i % 2], base, &body), TSR_OK);
        tsr_lwm2m_out_prefix(&out, longest);
        tsr_lwm2m_out_stamp(&out, 1767225599999);
        tsr_lwm2m_put_objlnk(&out, at("/65534/65534/65534/65534"), 65534, 65534);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        assert_non_null(memmem(room, body.len, root, TSR_LWM2M_ROOT_MAX));
        assert_int_equal(tsr_lwm2m_in_begin(&in, formats[i % 2], base, tsr_buf_view(&body), &scratch), TSR_OK);
        tsr_lwm2m_in_prefix(&in, longest);
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_OK);
        assert_true(tsr_lwm2m_path_same(path, at("/65534/65534/65534/65534")));
        assert_int_equal(value.as.link.instance, 65534);
        assert_true(tsr_lwm2m_in_time(&in, 0, &ms));
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);

        body.len = 0;
        assert_int_equal(tsr_lwm2m_out_begin(&out, formats[i % 2], base, &body), TSR_OK);
        tsr_lwm2m_out_prefix(&out, tsr_text(root));
        assert_int_equal(tsr_lwm2m_put_objlnk(&out, at("/65534/65534/65534/65534"), 1, 1), TSR_E_ARGUMENT);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_E_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_has_room_for_the_longest_prefix),
        cmocka_unit_test(test_write_looks_as_specified),
        cmocka_unit_test(test_write_single_values),
        cmocka_unit_test(test_write_octets_are_opaque_only),
        cmocka_unit_test(test_write_tree_reads_back_in_every_format),
        cmocka_unit_test(test_write_many_values),
        cmocka_unit_test(test_write_says_when_the_buffer_is_full),
        cmocka_unit_test(test_write_instances_without_resources),
        cmocka_unit_test(test_write_refuses_what_a_format_cannot_hold),
        cmocka_unit_test(test_write_refuses_paths_outside_and_out_of_order),
        cmocka_unit_test(test_write_composite_in_any_order),
        cmocka_unit_test(test_write_names_for_read_composite),
        cmocka_unit_test(test_write_history_with_times),
        cmocka_unit_test(test_write_joins_what_was_there),
        cmocka_unit_test(test_write_short_ways_write_the_same),
        cmocka_unit_test(test_format_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
