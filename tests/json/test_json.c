/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/json/json.h"

/* RFC 8259 §2, RFC 8259 §6, RFC 8259 §7, RFC 8259 §8.2 */
static tsr_json parsed(const char *text)
{
    tsr_json v;
    size_t at = 0;
    tsr_err err = tsr_json_parse(tsr_text(text), &v, &at);

    if (err != TSR_OK)
        fail_msg("%s: %s at %zu", text, tsr_err_name(err), at);
    return v;
}

static void test_parse_takes_every_kind(void **state)
{
    static const struct {
        const char *text;
        tsr_json_kind kind;
    } cases[] = {
        { "null", TSR_JSON_NULL },       { " true ", TSR_JSON_TRUE },  { "false\n", TSR_JSON_FALSE },
        { "-0.5e+10", TSR_JSON_NUMBER }, { "0", TSR_JSON_NUMBER },     { "\"\"", TSR_JSON_STRING },
        { "[ ]", TSR_JSON_ARRAY },       { "{\t}", TSR_JSON_OBJECT },
        { "[1,[2,{\"a\":[]}],{}]", TSR_JSON_ARRAY },
        { "{\"a\" : 1 , \"b\":{\"c\":null}}", TSR_JSON_OBJECT },
        { "\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TSR_JSON_STRING },
        { "\"\xc3\xa9\"", TSR_JSON_STRING },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(parsed(cases[i].text).kind, cases[i].kind);
}

/* RFC 8259 */
static void test_parse_refuses_what_is_no_json(void **state)
{
    static const char *const bad[] = {
        "", " ", "nul", "nullx", "True", "01", "1.", ".5", "+1", "-", "1e", "1e+", "0x1", "NaN",
        "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\t\"", "\"\n\"",
        "\"\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\xff\"",
        "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "'a'",
        "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{]", "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:2}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{,}",
        "[1]]", "{}{}", "1 2", "[1]x", "// c\n1", "[1,//c\n2]", "\xef\xbb\xbf""1",
    };
    tsr_json v;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tsr_err err = tsr_json_parse(tsr_text(bad[i]), &v, NULL);

        if (err != TSR_E_MALFORMED)
            fail_msg("%s: %s", bad[i], tsr_err_name(err));
    }
    assert_int_equal(tsr_json_parse(tsr_view("1\0", 2), &v, NULL), TSR_E_MALFORMED);
}

static void test_parse_says_where(void **state)
{
    tsr_json v;
    size_t at = 0;

    (void)state;
    assert_int_equal(tsr_json_parse(tsr_text("{\"a\": 1, x}"), &v, &at), TSR_E_MALFORMED);
    assert_int_equal(at, 9);
    assert_int_equal(tsr_json_parse(tsr_text("[1, 2"), &v, &at), TSR_E_MALFORMED);
    assert_int_equal(at, 5);
}

static void test_parse_limits_depth(void **state)
{
    char deep[2 * TSR_JSON_DEPTH + 2];
    tsr_json v;

    (void)state;
    memset(deep, '[', sizeof deep);
    memset(deep + TSR_JSON_DEPTH, ']', TSR_JSON_DEPTH);
    assert_int_equal(tsr_json_parse(tsr_view(deep, 2 * TSR_JSON_DEPTH), &v, NULL), TSR_OK);
    deep[TSR_JSON_DEPTH] = '[';
    deep[2 * TSR_JSON_DEPTH] = deep[2 * TSR_JSON_DEPTH + 1] = ']';
    assert_int_equal(tsr_json_parse(tsr_view(deep, sizeof deep), &v, NULL), TSR_E_UNSUPPORTED);
}

static void test_walk_gives_items_in_order(void **state)
{
    tsr_json v = parsed(" [ 1 , \"a,]\\\"\" , [ 2 , 3 ] , { \"k\" : [ ] } , true ] ");
    static const char *const want[] = { "1", "\"a,]\\\"\"", "[ 2 , 3 ]", "{ \"k\" : [ ] }", "true" };
    tsr_json_walk walk = tsr_json_items(&v);
    tsr_json item;
    size_t n = 0;

    (void)state;
    while (tsr_json_next(&walk, NULL, &item)) {
        assert_true(n < 5);
        assert_true(tsr_same(item.text, tsr_text(want[n++])));
    }
    assert_int_equal(n, 5);
    assert_false(tsr_json_next(&walk, NULL, &item));
    assert_int_equal(tsr_json_count(&v), 5);
    v = parsed("[]");
    assert_int_equal(tsr_json_count(&v), 0);
    v = parsed("\"a\"");
    assert_int_equal(tsr_json_count(&v), 0);
}

static void test_find_sees_through_escapes_and_takes_the_last(void **state)
{
    tsr_json v = parsed("{\"a\":1,\"b\\u0061\\n\":{\"a\":2},\"a\":3,\"e\":null,\"\":4}"), item;
    int64_t i;

    (void)state;
    assert_int_equal(tsr_json_find_int(&v, "a", &i), TSR_OK);
    assert_int_equal(i, 3);
    assert_int_equal(tsr_json_find(&v, "ba\n", &item), TSR_OK);
    assert_int_equal(item.kind, TSR_JSON_OBJECT);
    assert_int_equal(tsr_json_find_int(&v, "", &i), TSR_OK);
    assert_int_equal(i, 4);
    assert_int_equal(tsr_json_find(&v, "b", &item), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_json_find(&v, "e", &item), TSR_OK);
    assert_int_equal(tsr_json_find_int(&v, "e", &i), TSR_E_NOT_FOUND);
    v = parsed("[1]");
    assert_int_equal(tsr_json_find(&v, "a", &item), TSR_E_TYPE);
}

static void test_numbers_keep_every_bit(void **state)
{
    tsr_json v = parsed("[9223372036854775807,-9223372036854775808,18446744073709551615,"
                        "9223372036854775808,1.0,1.5,1e2,\"1\"]");
    static const tsr_err as_int[] = { TSR_OK, TSR_OK, TSR_E_TYPE, TSR_E_TYPE,
                                      TSR_OK, TSR_E_TYPE, TSR_OK, TSR_E_TYPE };
    static const int64_t ints[] = { INT64_MAX, INT64_MIN, 0, 0, 1, 0, 100, 0 };
    static const tsr_err as_uint[] = { TSR_OK, TSR_E_TYPE, TSR_OK, TSR_OK,
                                       TSR_OK, TSR_E_TYPE, TSR_OK, TSR_E_TYPE };
    tsr_json_walk walk = tsr_json_items(&v);
    tsr_json item;

    (void)state;
    for (size_t n = 0; tsr_json_next(&walk, NULL, &item); n++) {
        int64_t i = 0;
        uint64_t u = 0;

        assert_int_equal(tsr_json_int(&item, &i), as_int[n]);
        assert_true(i == ints[n]);
        assert_int_equal(tsr_json_uint(&item, &u), as_uint[n]);
    }
}

static void test_string_loses_its_escapes(void **state)
{
    tsr_json v = parsed("\"a\\u00e9\\ud83d\\ude00\\n\\\\z\"");
    uint8_t room[12];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_bytes out;
    char text[16];

    (void)state;
    assert_int_equal(tsr_json_string(&v, NULL, &out), TSR_E_SPACE);
    assert_int_equal(tsr_json_string(&v, &scratch, &out), TSR_OK);
    assert_true(tsr_same(out, tsr_text("a\xc3\xa9\xf0\x9f\x98\x80\n\\z")));
    scratch = tsr_buf_over(room, 3);
    assert_int_equal(tsr_json_string(&v, &scratch, &out), TSR_E_SPACE);
    assert_int_equal(scratch.len, 0);
    assert_int_equal(scratch.err, TSR_OK);

    assert_int_equal(tsr_json_cstring(&v, text, 11), TSR_OK);
    assert_string_equal(text, "a\xc3\xa9\xf0\x9f\x98\x80\n\\z");
    assert_int_equal(tsr_json_cstring(&v, text, 10), TSR_E_SPACE);
    v = parsed("\"a\\u0000b\"");
    assert_int_equal(tsr_json_cstring(&v, text, sizeof text), TSR_E_TYPE);
    v = parsed("\"plain\"");
    assert_int_equal(tsr_json_string(&v, NULL, &out), TSR_OK);
    assert_true(tsr_same(out, tsr_text("plain")));
    v = parsed("1");
    assert_int_equal(tsr_json_string(&v, NULL, &out), TSR_E_TYPE);
}

static void test_writer_puts_commas_and_escapes(void **state)
{
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_json_out j = tsr_json_to(&out);

    (void)state;
    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "a\"");
    tsr_json_open_array(&j);
    tsr_json_put_int(&j, INT64_MIN);
    tsr_json_put_uint(&j, UINT64_MAX);
    tsr_json_put_double(&j, -22.5);
    tsr_json_put_bool(&j, true);
    tsr_json_put_null(&j);
    tsr_json_open_object(&j);
    tsr_json_close(&j);
    tsr_json_close(&j);
    tsr_json_put_key(&j, "b");
    tsr_json_put_string(&j, tsr_view("\0\x1f\n\"\\/\xc3\xa9\xff\x7f", 10));
    tsr_json_put_key(&j, "c");
    tsr_json_put_raw(&j, tsr_text("{\"x\":1}"));
    tsr_json_close(&j);
    assert_int_equal(tsr_json_end(&j), TSR_OK);
    tsr_put_u8(&out, 0);
    assert_string_equal((char *)room,
                        "{\"a\\\"\":[-9223372036854775808,18446744073709551615,-22.5,true,null,{}],"
                        "\"b\":\"\\u0000\\u001f\\n\\\"\\\\/\xc3\xa9\xef\xbf\xbd\\u007f\","
                        "\"c\":{\"x\":1}}");
    parsed((char *)room);
}

static void test_writer_refuses_what_makes_no_json(void **state)
{
    uint8_t room[256];

    (void)state;
    for (int i = 0; i < 9; i++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_json_out j = tsr_json_to(&out);
        tsr_err want = TSR_E_STATE;

        switch (i) {
        case 0: tsr_json_open_object(&j); tsr_json_put_int(&j, 1); break;
        case 1: tsr_json_put_int(&j, 1); tsr_json_put_int(&j, 2); break;
        case 2: tsr_json_close(&j); break;
        case 3: tsr_json_put_key(&j, "a"); break;
        case 4: tsr_json_open_array(&j); tsr_json_put_key(&j, "a"); break;
        case 5:
            tsr_json_open_object(&j);
            tsr_json_put_key(&j, "a");
            tsr_json_close(&j);
            break;
        case 6: tsr_json_open_array(&j); break;
        case 7:
            for (int n = 0; n <= TSR_JSON_DEPTH; n++)
                tsr_json_open_array(&j);
            want = TSR_E_UNSUPPORTED;
            break;
        case 8: break;
        }
        assert_int_equal(tsr_json_end(&j), want);
    }

    tsr_buf out = tsr_buf_over(room, 5);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_put_cstring(&j, "too long");
    assert_int_equal(tsr_json_end(&j), TSR_E_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_every_kind),
        cmocka_unit_test(test_parse_refuses_what_is_no_json),
        cmocka_unit_test(test_parse_says_where),
        cmocka_unit_test(test_parse_limits_depth),
        cmocka_unit_test(test_walk_gives_items_in_order),
        cmocka_unit_test(test_find_sees_through_escapes_and_takes_the_last),
        cmocka_unit_test(test_numbers_keep_every_bit),
        cmocka_unit_test(test_string_loses_its_escapes),
        cmocka_unit_test(test_writer_puts_commas_and_escapes),
        cmocka_unit_test(test_writer_refuses_what_makes_no_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
