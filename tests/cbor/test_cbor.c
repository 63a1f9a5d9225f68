/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/cbor/cbor.h"
#include "tessera/cbor/float.h"
#include "tessera/json/json.h"
#include "tests/vectors.h"

/* ---- helpers: copy an item, say it in diagnostic notation, compare it with JSON ------------ */

/* Reads one item and writes it again, as deterministic as its structure allows. */
static void recode(tsr_bytes *in, tsr_buf *out)
{
    tsr_cbor_item item;
    tsr_bytes start = *in;

    assert_int_equal(tsr_cbor_next(in, &item), TSR_OK);
    if (item.indefinite) {
        tsr_put_u8(out, start.ptr[0]);
        while (in->ptr[0] != 0xff)
            recode(in, out);
        recode(in, out);
        return;
    }
    switch (item.kind) {
    case TSR_CBOR_UINT:  tsr_cbor_put_uint(out, item.n); break;
    case TSR_CBOR_NINT:  tsr_cbor_put_head(out, TSR_CBOR_NINT, item.n); break;
    case TSR_CBOR_BYTES: tsr_cbor_put_bytes(out, item.bytes); break;
    case TSR_CBOR_TEXT:  tsr_cbor_put_text(out, item.bytes); break;
    case TSR_CBOR_ARRAY:
        tsr_cbor_put_array(out, item.n);
        for (uint64_t i = 0; i < item.n; i++)
            recode(in, out);
        break;
    case TSR_CBOR_MAP:
        tsr_cbor_put_map(out, item.n);
        for (uint64_t i = 0; i < item.n * 2; i++)
            recode(in, out);
        break;
    case TSR_CBOR_TAG:
        tsr_cbor_put_tag(out, item.n);
        recode(in, out);
        break;
    case TSR_CBOR_SIMPLE: tsr_cbor_put_simple(out, (uint8_t)item.n); break;
    case TSR_CBOR_FLOAT:  tsr_cbor_put_float(out, tsr_cbor_float(&item)); break;
    case TSR_CBOR_BREAK:  tsr_cbor_put_break(out); break;
    }
}

static void say(tsr_buf *out, const char *text) { tsr_put_text(out, text); }

static void diagnose_hex(tsr_buf *out, tsr_bytes bytes)
{
    char two[3];

    say(out, "h'");
    for (size_t i = 0; i < bytes.len; i++) {
        snprintf(two, sizeof two, "%02x", bytes.ptr[i]);
        say(out, two);
    }
    say(out, "'");
}

/* Diagnostic notation as Appendix A uses it. */
static void diagnose(tsr_bytes *in, tsr_buf *out)
{
    static const char *const open[] = { "(_ ", "(_ ", "[_ ", "{_ " };
    static const char *const close[] = { ")", ")", "]", "}" };
    tsr_cbor_item item;
    char number[40];
    uint64_t n = 0;

    assert_int_equal(tsr_cbor_next(in, &item), TSR_OK);
    switch (item.kind) {
    case TSR_CBOR_UINT:
        tsr_put_dec(out, item.n);
        break;
    case TSR_CBOR_NINT:
        say(out, "-");
        if (item.n == UINT64_MAX)
            say(out, "18446744073709551616");
        else
            tsr_put_dec(out, item.n + 1);
        break;
    case TSR_CBOR_BYTES:
    case TSR_CBOR_TEXT:
        if (!item.indefinite && item.kind == TSR_CBOR_BYTES) {
            diagnose_hex(out, item.bytes);
            break;
        }
        if (!item.indefinite) {
            say(out, "\"");
            tsr_put_bytes(out, item.bytes);
            say(out, "\"");
            break;
        }
        /* fall through */
    case TSR_CBOR_ARRAY:
    case TSR_CBOR_MAP:
        say(out, item.indefinite ? open[item.kind - TSR_CBOR_BYTES]
                                 : item.kind == TSR_CBOR_MAP ? "{" : "[");
        while (item.indefinite ? in->ptr[0] != 0xff : n < item.n) {
            if (n++ != 0)
                say(out, ", ");
            diagnose(in, out);
            if (item.kind == TSR_CBOR_MAP) {
                say(out, ": ");
                diagnose(in, out);
            }
        }
        if (item.indefinite)
            *in = tsr_skip(*in, 1);
        say(out, close[item.kind - TSR_CBOR_BYTES]);
        break;
    case TSR_CBOR_TAG:
        tsr_put_dec(out, item.n);
        say(out, "(");
        diagnose(in, out);
        say(out, ")");
        break;
    case TSR_CBOR_SIMPLE:
        if (item.n >= 20 && item.n <= 23) {
            static const char *const words[] = { "false", "true", "null", "undefined" };

            say(out, words[item.n - 20]);
            break;
        }
        snprintf(number, sizeof number, "simple(%" PRIu64 ")", item.n);
        say(out, number);
        break;
    case TSR_CBOR_FLOAT:
        if (isnan(tsr_cbor_float(&item)))
            say(out, "NaN");
        else if (isinf(tsr_cbor_float(&item)))
            say(out, tsr_cbor_float(&item) < 0 ? "-Infinity" : "Infinity");
        else {
            snprintf(number, sizeof number, "%.17g", tsr_cbor_float(&item));
            say(out, number);
        }
        break;
    case TSR_CBOR_BREAK: fail_msg("break out of place");
    }
}

static void expect_json(tsr_bytes *in, const tsr_json *want)
{
    uint8_t room[256];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_json_walk walk = tsr_json_items(want);
    tsr_cbor_walk items;
    tsr_json key, value;
    tsr_bytes text, got;
    double d, e;
    bool b, c;

    switch (want->kind) {
    case TSR_JSON_NULL:
        assert_int_equal(tsr_cbor_get_null(in), TSR_OK);
        return;
    case TSR_JSON_TRUE:
    case TSR_JSON_FALSE:
        assert_int_equal(tsr_cbor_get_bool(in, &b), TSR_OK);
        assert_int_equal(tsr_json_bool(want, &c), TSR_OK);
        assert_true(b == c);
        return;
    case TSR_JSON_NUMBER:
        if (in->ptr[0] >> 5 == TSR_CBOR_TAG) { /* the two big numbers: their bytes say it */
            uint64_t tag;

            assert_int_equal(tsr_cbor_get_tag(in, &tag), TSR_OK);
            assert_int_equal(tsr_cbor_get_bytes(in, &got), TSR_OK);
            assert_memory_equal(got.ptr, "\1\0\0\0\0\0\0\0\0", 9);
            assert_memory_equal(want->text.ptr, tag == 2 ? "18446744073709551616"
                                                         : "-18446744073709551617",
                                want->text.len);
            return;
        }
        assert_int_equal(tsr_cbor_get_float(in, &d), TSR_OK);
        assert_int_equal(tsr_json_double(want, &e), TSR_OK);
        assert_true(d == e);
        return;
    case TSR_JSON_STRING:
        assert_int_equal(tsr_cbor_get_string(in, TSR_CBOR_TEXT, &scratch, &got), TSR_OK);
        assert_int_equal(tsr_json_string(want, &scratch, &text), TSR_OK);
        assert_true(tsr_same(text, got));
        return;
    case TSR_JSON_ARRAY:
    case TSR_JSON_OBJECT:
        assert_int_equal(tsr_cbor_enter(in, want->kind == TSR_JSON_ARRAY ? TSR_CBOR_ARRAY
                                                                         : TSR_CBOR_MAP, &items),
                         TSR_OK);
        while (tsr_json_next(&walk, &key, &value)) {
            assert_int_equal(tsr_cbor_more(in, &items), TSR_OK);
            if (want->kind == TSR_JSON_OBJECT)
                expect_json(in, &key);
            expect_json(in, &value);
        }
        assert_int_equal(tsr_cbor_more(in, &items), TSR_END);
        return;
    }
}

/* RFC 8949 §3, RFC 8949 §4.2.1, RFC 8949 §5.3.1 */

/* ---- RFC 8949 Appendix A ------------------------------------------------------------------- */

static void check_vector(const tsr_json *vector)
{
    char hex[128], want[128];
    uint8_t room[64], again[64], said[128];
    tsr_json decoded;
    bool roundtrip;

    assert_int_equal(tsr_json_find_cstring(vector, "hex", hex, sizeof hex), TSR_OK);
    assert_int_equal(tsr_json_find_bool(vector, "roundtrip", &roundtrip), TSR_OK);

    tsr_bytes bytes = from_hex(hex, room, sizeof room), in = bytes;
    tsr_buf out = tsr_buf_over(again, sizeof again);
    tsr_buf text = tsr_buf_over(said, sizeof said);

    if (strcmp(hex, "f818") == 0) { /* RFC 7049 allowed it, RFC 8949 §3.3 does not any more */
        assert_int_equal(tsr_cbor_check(bytes), TSR_E_MALFORMED);
        return;
    }
    assert_int_equal(tsr_cbor_check(bytes), TSR_OK);
    recode(&in, &out);
    assert_int_equal(in.len, 0);
    if (roundtrip) {
        assert_int_equal(out.len, bytes.len);
        assert_memory_equal(out.ptr, bytes.ptr, bytes.len);
    }

    in = bytes;
    if (tsr_json_find(vector, "decoded", &decoded) == TSR_OK) {
        expect_json(&in, &decoded);
        assert_int_equal(in.len, 0);
        return;
    }
    assert_int_equal(tsr_json_find_cstring(vector, "diagnostic", want, sizeof want), TSR_OK);
    diagnose(&in, &text);
    tsr_put_u8(&text, 0);
    assert_string_equal((char *)said, want);
}

static void test_cbor_reads_and_writes_appendix_a(void **state)
{
    tsr_json root, vector;
    size_t n = 0;

    (void)state;
    assert_int_equal(tsr_json_parse(vector_file("cbor-appendix_a.json"), &root, NULL), TSR_OK);
    for (tsr_json_walk walk = tsr_json_items(&root); tsr_json_next(&walk, NULL, &vector); n++)
        check_vector(&vector);
    assert_int_equal(n, 82);
}

/* ---- RFC 8949 Appendix F: everything that is not well-formed ------------------------------- */

static const char *const malformed[] = {
    "18", "19", "1a", "1b", "1901", "1a0102", "1b01020304050607", "38", "58", "78", "98",
    "9a01ff00", "b8", "d8", "f8", "f900", "fa0000", "fb000000",
    "41", "61", "5affffffff00", "5bffffffffffffffff010203", "7affffffff00",
    "7b7fffffffffffffff010203",
    "81", "818181818181818181", "8200", "a1", "a20102", "a100", "a2000000", "c0",
    "5f4100", "7f6100", "9f", "9f0102", "bf", "bf01020102", "819f", "9f8000",
    "9f9f9f9f9fffffffff", "9f819f819f9fffffff",
    "1c", "1d", "1e", "3c", "3d", "3e", "5c", "5d", "5e", "7c", "7d", "7e", "9c", "9d", "9e",
    "bc", "bd", "be", "dc", "dd", "de", "fc", "fd", "fe",
    "f800", "f801", "f818", "f81f",
    "5f00ff", "5f21ff", "5f6100ff", "5f80ff", "5fa0ff", "5fc000ff", "5fe0ff", "7f4100ff",
    "5f5f4100ffff", "7f7f6100ffff",
    "ff", "81ff", "8200ff", "a1ff", "a1ff00", "a100ff", "a20000ff", "9f81ff", "9f829f819f9fffffffff",
    "bf00ff", "bf000000ff", "1f", "3f", "df",
    "", "0000", "c1ff", "9bffffffffffffffff00", "bbffffffffffffffff00", "bb8000000000000001",
};

static void test_cbor_refuses_what_is_not_well_formed(void **state)
{
    uint8_t room[32];

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        tsr_bytes in = from_hex(malformed[i], room, sizeof room);
        tsr_err err = tsr_cbor_check(in);

        if (err != TSR_E_MALFORMED)
            fail_msg("%s: %s", malformed[i], tsr_err_name(err));
    }
}

static void test_cbor_limits_depth(void **state)
{
    uint8_t deep[TSR_CBOR_DEPTH + 2] = { 0 };
    tsr_bytes in = tsr_view(deep, TSR_CBOR_DEPTH + 1);

    (void)state;
    memset(deep, 0x81, sizeof deep);
    deep[TSR_CBOR_DEPTH] = 0x01;
    assert_int_equal(tsr_cbor_check(in), TSR_OK);
    deep[TSR_CBOR_DEPTH] = 0x81;
    deep[TSR_CBOR_DEPTH + 1] = 0x01;
    in.len++;
    assert_int_equal(tsr_cbor_check(in), TSR_E_UNSUPPORTED);
    assert_int_equal(in.len, sizeof deep);
}

/* ---- floats -------------------------------------------------------------------------------- */

static double half_by_arithmetic(uint32_t half)
{
    uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
    double v = exponent == 0    ? ldexp(fraction, -24)
               : exponent != 31 ? ldexp(fraction + 1024, (int)exponent - 25)
               : fraction == 0  ? INFINITY
                                : NAN;

    return (half & 0x8000) != 0 ? -v : v;
}

static void test_float_every_half_widens_and_narrows(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        double want = half_by_arithmetic(half);
        double got = tsr_cbor_widen(&tsr_cbor_half, half);
        uint64_t back;

        if (isnan(want)) {
            assert_true(isnan(got));
            continue;
        }
        assert_memory_equal(&want, &got, sizeof want);
        assert_true(tsr_cbor_narrow(&tsr_cbor_half, got, &back));
        assert_int_equal(back, half);
    }
}

static void test_float_single_agrees_with_the_compiler(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        float single, same;
        uint64_t back;

        x = x * 1664525u + 1013904223u;
        memcpy(&single, &x, sizeof single);

        double got = tsr_cbor_widen(&tsr_cbor_single, x), want = (double)single;

        if (isnan(want)) {
            assert_true(isnan(got));
            continue;
        }
        assert_memory_equal(&want, &got, sizeof want);
        assert_true(tsr_cbor_narrow(&tsr_cbor_single, got, &back));
        assert_int_equal(back, x);

        double nudged = nextafter(got, INFINITY);

        same = (float)nudged;
        assert_true(tsr_cbor_narrow(&tsr_cbor_single, nudged, &back) == ((double)same == nudged));
    }
}

static void test_float_is_written_shortest(void **state)
{
    static const struct {
        double v;
        size_t len;
    } cases[] = { { 0.0, 3 },       { 1.5, 3 },     { 65504, 3 },  { 65505, 5 }, { 100000, 5 },
                  { 0.1, 9 },       { 1e300, 9 },   { -4.1, 9 },   { 5.960464477539063e-8, 3 },
                  { 1e-40, 9 },     { 16777217, 9 }, { 1.401298464324817e-45, 5 } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t room[9];
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_bytes in;
        double back;

        tsr_cbor_put_float(&out, cases[i].v);
        assert_int_equal(out.len, cases[i].len);
        in = tsr_buf_view(&out);
        assert_int_equal(tsr_cbor_get_float(&in, &back), TSR_OK);
        assert_memory_equal(&back, &cases[i].v, sizeof back);
    }
}

/* ---- typed getters ------------------------------------------------------------------------- */

static void test_get_int_holds_its_limits(void **state)
{
    static const struct {
        const char *hex;
        tsr_err err;
        int64_t v;
    } cases[] = { { "1b7fffffffffffffff", TSR_OK, INT64_MAX },
                  { "1b8000000000000000", TSR_E_TYPE, 0 },
                  { "3b7fffffffffffffff", TSR_OK, INT64_MIN },
                  { "3b8000000000000000", TSR_E_TYPE, 0 },
                  { "f5", TSR_E_TYPE, 0 },
                  { "18", TSR_E_MALFORMED, 0 } };
    uint8_t room[16];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tsr_bytes in = from_hex(cases[i].hex, room, sizeof room);
        size_t before = in.len;
        int64_t v = 0;

        assert_int_equal(tsr_cbor_get_int(&in, &v), cases[i].err);
        assert_true(v == cases[i].v);
        assert_int_equal(in.len, cases[i].err == TSR_OK ? 0 : before);
    }
}

/* RFC 8949 §3.2.3 */
static void test_get_string_joins_chunks(void **state)
{
    uint8_t room[16], joined[5];
    tsr_bytes in = from_hex("7f657374726561646d696e67ff", room, sizeof room), v;
    tsr_buf scratch = tsr_buf_over(joined, sizeof joined);
    tsr_bytes copy = in;

    (void)state;
    assert_int_equal(tsr_cbor_get_string(&in, TSR_CBOR_TEXT, &scratch, &v), TSR_E_SPACE);
    assert_int_equal(tsr_cbor_get_string(&in, TSR_CBOR_TEXT, NULL, &v), TSR_E_SPACE);
    assert_int_equal(in.len, copy.len);

    uint8_t more[9];

    scratch = tsr_buf_over(more, sizeof more);
    assert_int_equal(tsr_cbor_get_string(&in, TSR_CBOR_TEXT, &scratch, &v), TSR_OK);
    assert_true(tsr_same(v, tsr_text("streaming")));
    assert_int_equal(in.len, 0);
    assert_int_equal(tsr_cbor_get_text(&copy, &v), TSR_E_TYPE);
}

/* RFC 3629 §4 */
static void test_get_text_refuses_bad_utf8(void **state)
{
    static const char *const bad[] = { "61ff", "62c080", "63eda080", "64f4908080", "62c3",
                                       "7f61c361a9ff" /* a character over two chunks */ };
    uint8_t room[16], joined[16];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tsr_bytes in = from_hex(bad[i], room, sizeof room), v;
        tsr_buf scratch = tsr_buf_over(joined, sizeof joined);

        assert_int_equal(tsr_cbor_get_string(&in, TSR_CBOR_TEXT, &scratch, &v), TSR_E_MALFORMED);
    }
}

static void test_walk_takes_both_lengths(void **state)
{
    static const char *const maps[] = { "a201020304", "bf01020304ff" };
    uint8_t room[16];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tsr_bytes in = from_hex(maps[i], room, sizeof room);
        tsr_cbor_walk walk;
        uint64_t v, sum = 0;

        assert_int_equal(tsr_cbor_enter(&in, TSR_CBOR_ARRAY, &walk), TSR_E_TYPE);
        assert_int_equal(tsr_cbor_enter(&in, TSR_CBOR_MAP, &walk), TSR_OK);
        while (tsr_cbor_more(&in, &walk) == TSR_OK) {
            assert_int_equal(tsr_cbor_get_uint(&in, &v), TSR_OK);
            assert_int_equal(tsr_cbor_get_uint(&in, &v), TSR_OK);
            sum += v;
        }
        assert_int_equal(sum, 6);
        assert_int_equal(in.len, 0);
        assert_int_equal(tsr_cbor_more(&in, &walk), TSR_END);
    }
}

static void test_writer_never_leaves_half_a_string(void **state)
{
    uint8_t room[6];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    tsr_cbor_put_uint(&out, 1);
    tsr_cbor_put_text(&out, tsr_text("hello"));
    assert_int_equal(out.err, TSR_E_SPACE);
    assert_int_equal(out.len, 1);
    out = tsr_buf_over(room, sizeof room);
    tsr_cbor_put_simple(&out, 24);
    assert_int_equal(out.err, TSR_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cbor_reads_and_writes_appendix_a),
        cmocka_unit_test(test_cbor_refuses_what_is_not_well_formed),
        cmocka_unit_test(test_cbor_limits_depth),
        cmocka_unit_test(test_float_every_half_widens_and_narrows),
        cmocka_unit_test(test_float_single_agrees_with_the_compiler),
        cmocka_unit_test(test_float_is_written_shortest),
        cmocka_unit_test(test_get_int_holds_its_limits),
        cmocka_unit_test(test_get_string_joins_chunks),
        cmocka_unit_test(test_get_text_refuses_bad_utf8),
        cmocka_unit_test(test_walk_takes_both_lengths),
        cmocka_unit_test(test_writer_never_leaves_half_a_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
