/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/rest/room.h"
#include "server/rest/values.h"

static tsr_err parse(const char *body, const char *path, rest_values *v)
{
    tsr_json root;
    tsr_lwm2m_path at;

    *v = (rest_values){ 0 };
    assert_int_equal(tsr_json_parse(tsr_text(body), &root, NULL), TSR_OK);
    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(path), &at), TSR_OK);
    return rest_values_for_write(&root, at, v);
}

static tsr_lwm2m_value good(const char *body, const char *path, rest_values *v)
{
    assert_int_equal(parse(body, path, v), TSR_OK);
    assert_int_equal(v->count, 1);
    return v->records[0].value;
}

static void test_values_take_the_type_of_the_model(void **state)
{
    rest_values v;
    tsr_lwm2m_value got;

    (void)state;
    got = good("{\"value\": 3}", "/3303/0/5700", &v); /* Float, though JSON shows a whole number */
    assert_int_equal(got.type, TSR_LWM2M_FLOAT);
    assert_true(got.as.f == 3.0);
    rest_values_free(&v);
    got = good("{\"value\": 60.0}", "/1/0/1", &v); /* Integer */
    assert_int_equal(got.type, TSR_LWM2M_INTEGER);
    assert_int_equal(got.as.i, 60);
    rest_values_free(&v);
    got = good("{\"value\": true}", "/3311/0/5850", &v);
    assert_true(got.type == TSR_LWM2M_BOOLEAN && got.as.b);
    rest_values_free(&v);
    got = good("{\"value\": \"2026-11-22T13:44:35.9+01:00\"}", "/3/0/13", &v); /* Time */
    assert_int_equal(got.type, TSR_LWM2M_TIME);
    assert_int_equal(got.as.i, 1795351475);
    rest_values_free(&v);
    got = good("{\"value\": 1795351475}", "/3/0/13", &v);
    assert_int_equal(got.as.i, 1795351475);
    rest_values_free(&v);
    got = good("{\"value\": \"AAEC/w==\"}", "/5/0/0", &v); /* Opaque */
    assert_int_equal(got.type, TSR_LWM2M_OPAQUE);
    assert_int_equal(got.as.bytes.len, 4);
    assert_memory_equal(got.as.bytes.ptr, "\0\1\2\xff", 4);
    rest_values_free(&v);
    got = good("{\"value\": \"a\\u0062\\n\"}", "/3/0/15", &v); /* String with escapes */
    assert_int_equal(got.as.bytes.len, 3);
    assert_memory_equal(got.as.bytes.ptr, "ab\n", 3);
    rest_values_free(&v);
}

static void test_values_know_what_json_has_no_number_for(void **state)
{
    rest_values v;

    (void)state;
    assert_true(isnan(good("{\"value\": \"NaN\"}", "/3303/0/5700", &v).as.f));
    rest_values_free(&v);
    assert_true(isinf(good("{\"value\": \"-Infinity\"}", "/3303/0/5700", &v).as.f));
    rest_values_free(&v);
}

static void test_values_guess_without_a_model(void **state)
{
    rest_values v;

    (void)state;
    assert_int_equal(good("{\"value\": 5}", "/60000/0/1", &v).type, TSR_LWM2M_INTEGER);
    rest_values_free(&v);
    assert_int_equal(good("{\"value\": 5.0}", "/60000/0/1", &v).type, TSR_LWM2M_FLOAT);
    rest_values_free(&v);
    assert_int_equal(good("{\"value\": \"5\"}", "/60000/0/1", &v).type, TSR_LWM2M_STRING);
    rest_values_free(&v);
    assert_int_equal(good("{\"value\": false}", "/60000/0/1", &v).type, TSR_LWM2M_BOOLEAN);
    rest_values_free(&v);
    tsr_lwm2m_value link = good("{\"value\": \"3303:1\", \"type\": \"objlnk\"}", "/60000/0/1", &v);
    assert_int_equal(link.type, TSR_LWM2M_OBJLNK);
    assert_int_equal(link.as.link.object, 3303);
    assert_int_equal(link.as.link.instance, 1);
    rest_values_free(&v);
}

static void test_values_sort_a_list(void **state)
{
    rest_values v;

    (void)state;
    assert_int_equal(parse("{\"values\": [{\"path\": \"/3311/0/5851\", \"value\": 7},"
                           "{\"path\": \"/3311/0/5850\", \"value\": true}]}",
                           "/3311/0", &v),
                     TSR_OK);
    assert_int_equal(v.count, 2);
    assert_int_equal(v.records[0].path.resource, 5850);
    assert_int_equal(v.records[1].path.resource, 5851);
    rest_values_free(&v);
}

static void test_values_reject_wrong_types(void **state)
{
    static const struct {
        const char *path, *body;
        tsr_lwm2m_type expected;
    } wrong[] = {
        { "/3303/0/5700", "{\"value\": \"warm\"}", TSR_LWM2M_FLOAT },
        { "/3303/0/5700", "{\"value\": true}", TSR_LWM2M_FLOAT },
        { "/3303/0/5700", "{\"value\": null}", TSR_LWM2M_FLOAT },
        { "/1/0/1", "{\"value\": 1.5}", TSR_LWM2M_INTEGER },
        { "/1/0/1", "{\"value\": 1e30}", TSR_LWM2M_INTEGER },
        { "/1/0/1", "{\"value\": [1]}", TSR_LWM2M_INTEGER },
        { "/3311/0/5850", "{\"value\": 1}", TSR_LWM2M_BOOLEAN },
        { "/3311/0/5850", "{\"value\": \"true\"}", TSR_LWM2M_BOOLEAN },
        { "/3/0/13", "{\"value\": \"yesterday\"}", TSR_LWM2M_TIME },
        { "/3/0/15", "{\"value\": 5}", TSR_LWM2M_STRING },
        { "/5/0/0", "{\"value\": \"***\"}", TSR_LWM2M_OPAQUE },
        { "/5/0/0", "{\"value\": {\"a\": 1}}", TSR_LWM2M_OPAQUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        rest_values v;

        assert_int_equal(parse(wrong[i].body, wrong[i].path, &v), TSR_E_ARGUMENT);
        assert_int_equal(v.problem.kind, REST_WRONG_TYPE);
        assert_int_equal(v.problem.expected, wrong[i].expected);
        assert_non_null(strstr(v.problem.detail, tsr_lwm2m_type_name(wrong[i].expected)));
        rest_values_free(&v);
    }
}

static void test_values_reject_bad_bodies(void **state)
{
    static const struct {
        const char *path, *body;
    } bad[] = {
        { "/3/0/15", "5" },
        { "/3/0/15", "[]" },
        { "/3/0/15", "{}" },
        { "/3/0/15", "{\"value\": \"a\", \"values\": []}" },
        { "/3/0", "{\"value\": \"a\"}" },
        { "/3/0", "{\"values\": {}}" },
        { "/3/0", "{\"values\": []}" },
        { "/3/0", "{\"values\": [5]}" },
        { "/3/0", "{\"values\": [{\"path\": \"/3/0\", \"value\": 1}]}" },
        { "/3/0", "{\"values\": [{\"path\": \"3/0/15x\", \"value\": 1}]}" },
        { "/3/0", "{\"values\": [{\"path\": \"/3/0/15\"}]}" },
        { "/3/0", "{\"values\": [{\"path\": \"/3/1/15\", \"value\": \"x\"}]}" },
        { "/3/0", "{\"values\": [{\"path\": \"/3/0/15\", \"value\": \"x\"},"
                  "{\"path\": \"/3/0/15\", \"value\": \"y\"}]}" },
        { "/60000/0/1", "{\"value\": 5, \"type\": \"number\"}" },
        { "/60000/0/1", "{\"value\": 5, \"type\": \"none\"}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rest_values v;

        assert_int_equal(parse(bad[i].body, bad[i].path, &v), TSR_E_ARGUMENT);
        assert_int_equal(v.problem.kind, REST_BAD_BODY);
        assert_true(strlen(v.problem.detail) > 10);
        rest_values_free(&v);
    }
}

static void test_values_point_executables_to_execute(void **state)
{
    rest_values v;

    (void)state;
    assert_int_equal(parse("{\"value\": 1}", "/3/0/4", &v), TSR_E_ARGUMENT);
    assert_int_equal(v.problem.kind, REST_NOT_POSSIBLE);
    assert_non_null(strstr(v.problem.detail, "execute"));
    rest_values_free(&v);
}

static void test_create_names_its_instance(void **state)
{
    tsr_json root;
    tsr_lwm2m_path at = tsr_lwm2m_at_object(3303);
    rest_values v = { 0 };

    (void)state;
    (void)tsr_json_parse(tsr_text("{\"instance\": 7, \"values\": "
                                  "[{\"path\": \"/3303/7/5700\", \"value\": 1}]}"),
                         &root, NULL);
    assert_int_equal(rest_values_for_create(&root, &at, &v), TSR_OK);
    assert_int_equal(at.depth, 2);
    assert_int_equal(at.instance, 7);
    assert_int_equal(v.count, 1);
    rest_values_free(&v);

    at = tsr_lwm2m_at_object(3303);
    (void)tsr_json_parse(tsr_text("{\"instance\": 65535}"), &root, NULL);
    assert_int_equal(rest_values_for_create(&root, &at, &v), TSR_E_ARGUMENT);
    (void)tsr_json_parse(tsr_text("{\"instance\": -1}"), &root, NULL);
    assert_int_equal(rest_values_for_create(&root, &at, &v), TSR_E_ARGUMENT);
    (void)tsr_json_parse(tsr_text("[]"), &root, NULL);
    assert_int_equal(rest_values_for_create(&root, &at, &v), TSR_E_ARGUMENT);
    (void)tsr_json_parse(tsr_text("{}"), &root, NULL);
    assert_int_equal(rest_values_for_create(&root, &at, &v), TSR_OK);
    assert_int_equal(at.depth, 1);
    rest_values_free(&v);
}

static const char *attributes(const char *body)
{
    static char text[512], detail[256];
    tsr_buf out = tsr_buf_over(text, sizeof text);
    rest_problem problem;
    tsr_json root;

    assert_int_equal(tsr_json_parse(tsr_text(body), &root, NULL), TSR_OK);
    return rest_attributes(&root, &out, &problem, detail, sizeof detail) == TSR_OK ? text : NULL;
}

/* Core 5.1.2: the query of a Write-Attributes; a name alone takes the attribute away */
static void test_attributes_become_a_query(void **state)
{
    static const char *const bad[] = { "{}",
                                       "[]",
                                       "{\"pmin\": -1}",
                                       "{\"pmin\": 1.5}",
                                       "{\"pmin\": \"1\"}",
                                       "{\"edge\": 2}",
                                       "{\"st\": -1}",
                                       "{\"what\": 1}",
                                       "{\"gt\": true}",
                                       "{\"pmax\": 4294967296}",
                                       "{\"gt\": 1e300}" };

    (void)state;
    assert_string_equal(attributes("{\"pmin\": 5, \"gt\": null, \"lt\": -2.5}"),
                        "pmin=5&gt&lt=-2.5");
    assert_string_equal(attributes("{\"st\": 0.1, \"con\": 1}"), "st=0.1&con=1");
    assert_string_equal(attributes("{\"gt\": 1e3}"), "gt=1000.000000000");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(attributes(bad[i]));
}

static const char *print(const char *path, tsr_lwm2m_value value)
{
    static char text[2048];
    tsr_server_record r = { .value = value };
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(path), &r.path), TSR_OK);
    rest_put_record(&j, &out, &r, 0);
    assert_int_equal(tsr_json_end(&j), TSR_OK);
    assert_true(out.len < sizeof text);
    memcpy(text, out.ptr, out.len);
    text[out.len] = '\0';
    free(out.ptr);
    return text;
}

static void test_record_prints_typed_values(void **state)
{
    (void)state;
    /* a whole number that came for a Float resource is given as Float */
    assert_non_null(strstr(print("/3303/0/5700", tsr_lwm2m_int(21)),
                           "\"name\":\"Sensor Value\",\"type\":\"float\""));
    assert_non_null(strstr(print("/3303/0/5700", tsr_lwm2m_float((double)NAN)), "\"NaN\""));
    assert_non_null(
        strstr(print("/3/0/13", tsr_lwm2m_time(1795355075)), "\"value\":\"2026-11-22T13:44:35Z\""));
    assert_non_null(
        strstr(print("/3/0/13", tsr_lwm2m_time(INT64_MAX)), "\"value\":9223372036854775807"));
    assert_non_null(strstr(print("/5/0/0", tsr_lwm2m_opaque(tsr_view("\0\1\2\xff", 4))),
                           "\"value\":\"AAEC/w==\""));
    assert_non_null(
        strstr(print("/60000/0/1", tsr_lwm2m_objlnk(3303, 65535)), "\"value\":\"3303:65535\""));
    assert_non_null(strstr(print("/60000/0/1", (tsr_lwm2m_value){ 0 }), "\"value\":null"));
    assert_non_null(
        strstr(print("/60000/0/1", tsr_lwm2m_text(tsr_text("a\"\n"))), "\"value\":\"a\\\"\\n\""));
}

static void test_record_grows_for_the_worst_text(void **state)
{
    uint8_t zeros[200] = { 0 };
    const char *text = print("/60000/0/1", tsr_lwm2m_text(tsr_view(zeros, sizeof zeros)));

    (void)state;
    assert_int_equal(strlen(text) > 200 * 6, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_take_the_type_of_the_model),
        cmocka_unit_test(test_values_know_what_json_has_no_number_for),
        cmocka_unit_test(test_values_guess_without_a_model),
        cmocka_unit_test(test_values_sort_a_list),
        cmocka_unit_test(test_values_reject_wrong_types),
        cmocka_unit_test(test_values_reject_bad_bodies),
        cmocka_unit_test(test_values_point_executables_to_execute),
        cmocka_unit_test(test_create_names_its_instance),
        cmocka_unit_test(test_attributes_become_a_query),
        cmocka_unit_test(test_record_prints_typed_values),
        cmocka_unit_test(test_record_grows_for_the_worst_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
