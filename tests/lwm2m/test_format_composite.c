/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies of composite operations in SenML, SenML-ETCH (RFC 8790) and LwM2M CBOR, and the JSON
 * of LwM2M 1.0. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/json/json.h"
#include "tessera/lwm2m/format/format.h"
#include "tests/vectors.h"

enum { JSON = 110, CBOR = 112, ETCH_JSON = 320, ETCH_CBOR = 322, OMA_JSON = 11543, LWM2M = 11544 };

static tsr_bytes payload_of(int format, const char *text)
{
    static uint8_t room[1024];

    return format == JSON || format == ETCH_JSON || format == OMA_JSON
               ? tsr_text(text)
               : from_hex(text, room, sizeof room);
}

/* All paths of a fetch, with blanks between; returns how it ended. */
static tsr_err fetched(int format, tsr_bytes payload, char *text, size_t cap)
{
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(text, cap - 1), scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_path path;
    tsr_lwm2m_in in;
    tsr_err err = tsr_lwm2m_in_begin_fetch(&in, (uint32_t)format, payload, &scratch);

    while (err == TSR_OK && (err = tsr_lwm2m_in_next_name(&in, &path)) == TSR_OK) {
        if (out.len != 0)
            tsr_put_u8(&out, ' ');
        tsr_lwm2m_path_put(&out, path);
    }
    text[out.len] = '\0';
    return err;
}

/* All changes of a patch as "path=value", "path=gone". */
static tsr_err patched(int format, tsr_bytes payload, char *text, size_t cap)
{
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(text, cap - 1), scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_value value;
    tsr_lwm2m_path path;
    tsr_lwm2m_in in;
    tsr_err err = tsr_lwm2m_in_begin_patch(&in, (uint32_t)format, payload, &scratch);

    while (err == TSR_OK && (err = tsr_lwm2m_in_next_change(&in, &path, &value)) == TSR_OK) {
        if (out.len != 0)
            tsr_put_u8(&out, ' ');
        tsr_lwm2m_path_put(&out, path);
        tsr_put_u8(&out, '=');
        if (value.type == TSR_LWM2M_NONE)
            tsr_put_text(&out, "gone");
        tsr_lwm2m_value_put_text(&out, &value);
    }
    text[out.len] = '\0';
    return err;
}

static void fetches(int format, const char *payload, const char *want)
{
    char text[512];
    tsr_err err = fetched(format, payload_of(format, payload), text, sizeof text);

    if (err != TSR_END || strcmp(text, want) != 0)
        fail_msg("%s: %s: %s", payload, tsr_err_name(err), text);
}

static void fetch_fails(int format, const char *payload, tsr_err want)
{
    char text[512];
    tsr_err err = fetched(format, payload_of(format, payload), text, sizeof text);

    if (err != want)
        fail_msg("%s: %s: %s", payload, tsr_err_name(err), text);
}

static void patches(int format, const char *payload, const char *want)
{
    char text[512];
    tsr_err err = patched(format, payload_of(format, payload), text, sizeof text);

    if (err != TSR_END || strcmp(text, want) != 0)
        fail_msg("%s: %s: %s", payload, tsr_err_name(err), text);
}

static void patch_fails(int format, const char *payload, tsr_err want)
{
    char text[512];
    tsr_err err = patched(format, payload_of(format, payload), text, sizeof text);

    if (err != want)
        fail_msg("%s: %s: %s", payload, tsr_err_name(err), text);
}

static void vector_hex(const char *id, char *hex, size_t cap)
{
    tsr_json root, json;
    char name[64];

    assert_int_equal(tsr_json_parse(vector_file("lwm2m-worked-examples.json"), &root, NULL), TSR_OK);
    for (tsr_json_walk walk = tsr_json_items(&root); tsr_json_next(&walk, NULL, &json);) {
        assert_int_equal(tsr_json_find_cstring(&json, "id", name, sizeof name), TSR_OK);
        if (strcmp(name, id) == 0) {
            assert_int_equal(tsr_json_find_cstring(&json, "hex", hex, cap), TSR_OK);
            return;
        }
    }
    fail_msg("no vector %s", id);
}

static void test_etch_reads_the_worked_examples(void **state)
{
    char hex[256];

    (void)state;
    vector_hex("own-etch-fetch", hex, sizeof hex);
    fetches(ETCH_CBOR, hex, "/3/0/0 /3/0/9 /1/0/1");
    vector_hex("own-etch-fetch-bn", hex, sizeof hex);
    fetches(ETCH_CBOR, hex, "/4/0/0 /4/0/1 /4/0/2 /6/0");
    vector_hex("own-etch-patch", hex, sizeof hex);
    patches(ETCH_CBOR, hex, "/3311/0/5850=0 /3311/2/5851=20");
    vector_hex("own-etch-patch-delete-ri", hex, sizeof hex);
    patches(ETCH_CBOR, hex, "/16/0/0/1=gone");
    vector_hex("ets-257-senmlcbor", hex, sizeof hex);
    patches(CBOR, hex, "/1/0/2=101 /1/0/6=1 /3/0/13=0");
    vector_hex("lwcbor-composite", hex, sizeof hex);
    patches(LWM2M, hex, "/3/0/0=Open Mobile Alliance /3/0/9=100 /1/0/1=86400");
}

/* Core 7.5.6 */
static void test_fetch_takes_names_at_any_depth(void **state)
{
    (void)state;
    fetches(JSON, "[{\"n\":\"/\"}]", "/");
    fetches(ETCH_JSON, "[{\"bn\":\"/3/\"},{\"n\":\"0/9\"},{\"bn\":\"\",\"n\":\"/6/0/1/2\"}]", "/3 /3/0/9 /6/0/1/2");
    fetches(ETCH_JSON, "[{\"n\":\"/3\",\"u\":\"V\",\"bu\":\"A\"},{\"n\":\"/3\"}]", "/3 /3");
    fetches(CBOR, "81a10062 2f33", "/3");
}

/* What is not of this time is not here. */
static void test_fetch_steps_over_records_with_a_time(void **state)
{
    (void)state;
    fetches(ETCH_JSON, "[{\"n\":\"/3/0/1\",\"t\":1276020091},{\"n\":\"/3/0/2\"}]", "/3/0/2");
    fetches(ETCH_JSON, "[{\"bt\":5,\"n\":\"/3/0/1\"},{\"n\":\"/3/0/2\",\"t\":-5}]", "/3/0/2");
}

/* RFC 8790 §2 */
static void test_fetch_refuses_what_is_no_list_of_names(void **state)
{
    (void)state;
    fetch_fails(JSON, "[]", TSR_E_MALFORMED);
    fetch_fails(ETCH_JSON, "[]", TSR_E_MALFORMED);
    fetch_fails(ETCH_CBOR, "80", TSR_E_MALFORMED);
    fetch_fails(JSON, "[{}]", TSR_E_MALFORMED);
    fetch_fails(JSON, "[{\"n\":\"/3/0/1\",\"v\":1}]", TSR_E_MALFORMED);
    fetch_fails(ETCH_JSON, "[{\"n\":\"/3/0/1\",\"v\":null}]", TSR_E_MALFORMED);
    fetch_fails(CBOR, "81a200622f3302f6", TSR_E_MALFORMED);
    fetch_fails(JSON, "[{\"n\":\"/65535\"}]", TSR_E_MALFORMED);
    fetch_fails(JSON, "[{\"n\":\"/3/0/65535\"}]", TSR_E_MALFORMED);
    fetch_fails(JSON, "[{\"n\":\"/70000\"}]", TSR_E_MALFORMED);
    fetch_fails(JSON, "[{\"n\":\"/3/0/1/2/3\"}]", TSR_E_MALFORMED);
    fetch_fails(JSON, "{\"n\":\"/3\"}", TSR_E_MALFORMED);
    fetch_fails(LWM2M, "a103f6", TSR_E_UNSUPPORTED);
    fetch_fails(OMA_JSON, "{\"e\":[{\"n\":\"/3\"}]}", TSR_E_UNSUPPORTED);
    fetch_fails(60, "81", TSR_E_UNSUPPORTED);
    fetch_fails(11542, "81", TSR_E_UNSUPPORTED);
}

/* RFC 8790 §3.1: an implementation must refuse further fields; SenML itself lets most of them pass. */
static void test_etch_fetch_refuses_other_fields(void **state)
{
    (void)state;
    fetch_fails(ETCH_JSON, "[{\"n\":\"/3\",\"x\":1}]", TSR_E_MALFORMED);
    fetch_fails(ETCH_JSON, "[{\"n\":\"/3\",\"x_\":1}]", TSR_E_MALFORMED);
    fetch_fails(ETCH_JSON, "[{\"n\":\"/3\",\"bver\":10}]", TSR_E_MALFORMED);
    fetch_fails(ETCH_JSON, "[{\"n\":\"/3\",\"bv\":0}]", TSR_E_MALFORMED);
    fetch_fails(ETCH_JSON, "[{\"n\":\"/3\",\"ut\":0}]", TSR_E_MALFORMED);
    fetch_fails(ETCH_JSON, "[{\"n\":\"/3\",\"a label too long to be one that is known \\u0041\":0}]",
                TSR_E_MALFORMED);
    fetch_fails(ETCH_CBOR, "81a200622f332001", TSR_E_MALFORMED);     /* bver */
    fetch_fails(ETCH_CBOR, "81a200622f330700", TSR_E_MALFORMED);     /* ut */
    fetch_fails(ETCH_CBOR, "81a200622f3362785f01", TSR_E_MALFORMED); /* "x_" */
    fetch_fails(ETCH_CBOR, "81a200622f330901", TSR_E_MALFORMED);     /* 9 */
    fetches(JSON, "[{\"bver\":10,\"n\":\"/3\",\"x\":1}]", "/3");
    fetch_fails(JSON, "[{\"n\":\"/3\",\"x_\":1}]", TSR_E_UNSUPPORTED);
    fetches(ETCH_CBOR, "81a400622f330161562361410600", "/3");
}

/* RFC 8790 §5: fields that are not known, even those that end in _, are no error in a patch. */
static void test_etch_patch_lets_unknown_fields_pass(void **state)
{
    (void)state;
    patches(ETCH_JSON, "[{\"n\":\"/3/0/1\",\"v\":1,\"x_\":{\"y\":[]}}]", "/3/0/1=1");
    patches(ETCH_CBOR, "81a300662f332f302f31020162785f81a10102", "/3/0/1=1");
    patches(ETCH_CBOR, "81a300662f332f302f3102017f6a6162636465666768696a61 5fff00", "/3/0/1=1");
    patch_fails(JSON, "[{\"n\":\"/3/0/1\",\"v\":1,\"x_\":1}]", TSR_E_UNSUPPORTED);
    patch_fails(CBOR, "81a300662f332f302f31020162785f01", TSR_E_UNSUPPORTED);
}

/* RFC 8790 §3 */
static void test_patch_takes_values_and_nulls(void **state)
{
    (void)state;
    patches(ETCH_JSON,
            "[{\"bn\":\"/16/0/0/\",\"n\":\"1\",\"v\":null},{\"n\":\"2\",\"vs\":\"x\"},{\"n\":\"3\",\"vd\":\"AQI\"}]",
            "/16/0/0/1=gone /16/0/0/2=x /16/0/0/3=AQI=");
    patches(JSON, "[{\"n\":\"/16/0/0/1\",\"vs\":null}]", "/16/0/0/1=gone");
    patches(ETCH_JSON, "[{\"bv\":1,\"n\":\"/1/0/2\",\"v\":4}]", "/1/0/2=5");
    patches(LWM2M, "a18303000fa2016131026132", "/3/0/15/1=1 /3/0/15/2=2");
}

static void test_patch_refuses_what_is_no_list_of_changes(void **state)
{
    (void)state;
    patch_fails(JSON, "[]", TSR_E_MALFORMED);
    patch_fails(LWM2M, "a0", TSR_E_MALFORMED);
    patch_fails(JSON, "[{\"n\":\"/3/0/1\"}]", TSR_E_MALFORMED);
    patch_fails(JSON, "[{\"n\":\"/3/0\",\"v\":1}]", TSR_E_MALFORMED);
    patch_fails(JSON, "[{\"n\":\"/\",\"v\":1}]", TSR_E_MALFORMED);
    patch_fails(JSON, "[{\"n\":\"/3/0/1\",\"v\":null}]", TSR_E_MALFORMED);
    patch_fails(JSON, "[{\"n\":\"/3/0/65535\",\"v\":1}]", TSR_E_MALFORMED);
    patch_fails(ETCH_JSON, "[{\"n\":\"/3/0/1\",\"s\":1}]", TSR_E_MALFORMED);
    patch_fails(LWM2M, "a18303000ff6", TSR_E_MALFORMED);
    patch_fails(LWM2M, "a1820300a0", TSR_E_MALFORMED);
    patch_fails(60, "01", TSR_E_UNSUPPORTED);
    patch_fails(OMA_JSON, "{\"e\":[{\"n\":\"/3/0/1\",\"v\":1}]}", TSR_E_UNSUPPORTED);
}

/* Each record is about one thing, and there is one record about it. */
static void test_patch_refuses_duplicate_paths(void **state)
{
    (void)state;
    patch_fails(ETCH_JSON, "[{\"n\":\"/3/0/1\",\"v\":1},{\"n\":\"/3/0/1\",\"v\":1}]", TSR_E_MALFORMED);
    patch_fails(ETCH_JSON, "[{\"n\":\"/16/0/0/1\",\"v\":null},{\"n\":\"/16/0/0/1\",\"v\":null}]", TSR_E_MALFORMED);
    patch_fails(ETCH_JSON, "[{\"n\":\"/16/0/0/1\",\"v\":null},{\"n\":\"/16/0/0/1\",\"vs\":\"a\"}]", TSR_E_MALFORMED);
    patch_fails(ETCH_JSON,
                "[{\"n\":\"/16/0/0/1\",\"vs\":\"a\"},{\"n\":\"/3/0/1\",\"v\":1},{\"n\":\"/16/0/0/1\",\"v\":null}]",
                TSR_E_MALFORMED);
    patch_fails(ETCH_CBOR, "82a200692f31362f302f302f3102f6a200692f31362f302f302f3102f6", TSR_E_MALFORMED);
    patch_fails(LWM2M, "a2830300010183030001 02", TSR_E_MALFORMED);
}

static void test_null_is_written_for_a_resource_instance(void **state)
{
    static const tsr_lwm2m_path one = { 16, 0, 0, 1, 4 };
    uint8_t room[128];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;
    char text[128];

    (void)state;
    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(), &body), TSR_OK);
    assert_int_equal(tsr_lwm2m_put_null(&out, one), TSR_OK);
    assert_int_equal(tsr_lwm2m_put_int(&out, tsr_lwm2m_at_resource(3, 0, 1), 7), TSR_OK);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    assert_int_equal(patched(ETCH_CBOR, tsr_buf_view(&body), text, sizeof text), TSR_END);
    assert_string_equal(text, "/16/0/0/1=gone /3/0/1=7");
    body.len = 0;
    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_JSON, tsr_lwm2m_at_root(), &body), TSR_OK);
    assert_int_equal(tsr_lwm2m_put_null(&out, one), TSR_OK);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&body), tsr_text("[{\"bn\":\"/\",\"n\":\"16/0/0/1\",\"v\":null}]")));
    body.len = 0;
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_LWM2M_CBOR, tsr_lwm2m_at_root(), &body);
    assert_int_equal(tsr_lwm2m_put_null(&out, one), TSR_E_UNSUPPORTED);
    tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(), &body);
    assert_int_equal(tsr_lwm2m_put_null(&out, tsr_lwm2m_at_resource(3, 0, 1)), TSR_E_ARGUMENT);
}

static void oma(const char *base, const char *payload, const char *want)
{
    uint8_t room[256];
    char text[512];
    tsr_buf out = tsr_buf_over(text, sizeof text - 1), scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_path path, at;
    tsr_lwm2m_value value;
    tsr_lwm2m_in in;
    uint64_t ms;
    tsr_err err;

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(base), &at), TSR_OK);
    err = tsr_lwm2m_in_begin(&in, TSR_LWM2M_FORMAT_OMA_JSON, at, tsr_text(payload), &scratch);
    while (err == TSR_OK && (err = tsr_lwm2m_in_next(&in, &path, &value)) == TSR_OK) {
        tsr_lwm2m_path_put(&out, path);
        tsr_put_u8(&out, '=');
        tsr_lwm2m_value_put_text(&out, &value);
        if (tsr_lwm2m_in_time(&in, 0, &ms)) {
            tsr_put_u8(&out, '@');
            tsr_put_dec(&out, ms);
        }
        tsr_put_u8(&out, ' ');
    }
    tsr_put_text(&out, tsr_err_name(err));
    text[out.len] = '\0';
    assert_string_equal(text, want);
}

static void test_oma_json_is_read(void **state)
{
    char end[64], bad[64], out_of[64];

    (void)state;
    snprintf(end, sizeof end, "/3/0/0=x /3/0/9=5 /3/0/7/1=2.5 /3/0/6=1 /3/0/8=66:1 %s", tsr_err_name(TSR_END));
    snprintf(bad, sizeof bad, "%s", tsr_err_name(TSR_E_MALFORMED));
    oma("/3/0", "{\"bn\":\"/3/0/\",\"e\":[{\"n\":\"0\",\"sv\":\"x\"},{\"n\":\"9\",\"v\":5},{\"n\":\"7/1\",\"v\":2.5},"
                "{\"n\":\"6\",\"bv\":true},{\"n\":\"8\",\"ov\":\"66:1\"}]}", end);
    oma("/3/0", "{\"bn\":\"/3/0\",\"e\":[{\"n\":\"0\",\"sv\":\"x\"},{\"n\":\"9\",\"v\":5},{\"n\":\"7/1\",\"v\":2.5},"
                "{\"n\":\"6\",\"bv\":true},{\"n\":\"8\",\"ov\":\"66:1\"}]}", end);
    oma("/3/0", "{\"e\":[{\"n\":\"0\",\"sv\":\"x\"},{\"n\":\"/9\",\"v\":5},{\"n\":\"7/1\",\"v\":2.5},"
                "{\"n\":\"6\",\"bv\":true},{\"n\":\"8\",\"ov\":\"66:1\"}]}", end);
    snprintf(end, sizeof end, "/3/0/9=5 %s", tsr_err_name(TSR_END));
    oma("/3/0/9", "{\"bn\":\"/3/0/9\",\"e\":[{\"n\":\"\",\"v\":5}]}", end);
    oma("/3/0/9", "{\"e\":[{\"v\":5,\"x\":[]}]}", end);
    snprintf(end, sizeof end, "/3303/0/5700=21@1000000005000 /3303/0/5700=22@999999999000 %s", tsr_err_name(TSR_END));
    oma("/3303/0/5700", "{\"bt\":1000000000,\"e\":[{\"v\":21,\"t\":5},{\"v\":22,\"t\":-1}]}", end);
    oma("/3/0", "{}", bad);
    oma("/3/0", "[]", bad);
    oma("/3/0", "{\"e\":{}}", bad);
    oma("/3/0", "{\"e\":[1]}", bad);
    oma("/3/0", "{\"e\":[{\"n\":\"9\"}]}", bad);
    oma("/3/0", "{\"e\":[{\"n\":\"9\",\"v\":1,\"sv\":\"1\"}]}", bad);
    oma("/3/0", "{\"e\":[{\"n\":9,\"v\":1}]}", bad);
    oma("/3/0", "{\"e\":[{\"n\":\"9\",\"v\":\"1\"}]}", bad);
    oma("/3/0", "{\"bt\":\"x\",\"e\":[{\"n\":\"9\",\"v\":1}]}", bad);
    snprintf(out_of, sizeof out_of, "%s", tsr_err_name(TSR_E_NOT_FOUND));
    oma("/3/0", "{\"bn\":\"/4/0/\",\"e\":[{\"n\":\"9\",\"v\":1}]}", out_of);
    snprintf(end, sizeof end, "/3/0/9=1 %s", tsr_err_name(TSR_E_MALFORMED));
    oma("/3/0", "{\"e\":[{\"n\":\"9\",\"v\":1},{\"n\":\"9\",\"v\":1}]}", end);
}

/* Opaque bytes come as base64 in a text, whose type only the object knows. */
static void test_oma_json_opaque_is_base64(void **state)
{
    uint8_t room[64];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    tsr_lwm2m_in in;

    (void)state;
    assert_int_equal(tsr_lwm2m_in_begin(&in, TSR_LWM2M_FORMAT_OMA_JSON, tsr_lwm2m_at_instance(5, 0),
                                        tsr_text("{\"e\":[{\"n\":\"0\",\"sv\":\"AQID\"}]}"), &scratch), TSR_OK);
    assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_OK);
    assert_int_equal(tsr_lwm2m_in_typed(&in, &value, TSR_LWM2M_OPAQUE, &value), TSR_OK);
    assert_true(tsr_same(value.as.bytes, tsr_view("\x01\x02\x03", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_etch_reads_the_worked_examples),
        cmocka_unit_test(test_fetch_takes_names_at_any_depth),
        cmocka_unit_test(test_fetch_steps_over_records_with_a_time),
        cmocka_unit_test(test_fetch_refuses_what_is_no_list_of_names),
        cmocka_unit_test(test_etch_fetch_refuses_other_fields),
        cmocka_unit_test(test_etch_patch_lets_unknown_fields_pass),
        cmocka_unit_test(test_patch_takes_values_and_nulls),
        cmocka_unit_test(test_patch_refuses_what_is_no_list_of_changes),
        cmocka_unit_test(test_patch_refuses_duplicate_paths),
        cmocka_unit_test(test_null_is_written_for_a_resource_instance),
        cmocka_unit_test(test_oma_json_is_read),
        cmocka_unit_test(test_oma_json_opaque_is_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
