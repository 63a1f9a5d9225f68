/* SPDX-License-Identifier: Apache-2.0
 *
 * Bootstrap profiles: what is taken, what is refused and with which words, what is given out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "server/bootstrap/profile.h"
#include "server/rest/pattern.h"

#define SERVER "\"uri\":\"coaps://[::1]:5684\",\"security\":\"psk\",\"short_server_id\":1"

static char why[400];

static tsr_err read_profile(const char *json, bs_profile *p)
{
    why[0] = 0;
    return bs_profile_read(tsr_text(json), p, why, sizeof why);
}

static void refused(const char *json, const char *words)
{
    bs_profile *p = calloc(1, sizeof *p);

    assert_int_equal(read_profile(json, p), TSR_E_ARGUMENT);
    if (!strstr(why, words))
        print_message("%s\n  instead of: %s\n", why, words);
    assert_non_null(strstr(why, words));
    bs_profile_free(p);
    free(p);
}

static const tsr_server_record *record(const bs_values *v, const char *path)
{
    tsr_lwm2m_path at;

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(path), &at), TSR_OK);
    for (size_t i = 0; i < v->values.count; i++)
        if (tsr_lwm2m_path_same(v->values.records[i].path, at))
            return &v->values.records[i];
    fail_msg("no record %s", path);
    return NULL;
}

static void test_profile_makes_typed_records(void **state)
{
    bs_profile *p = calloc(1, sizeof *p);

    (void)state;
    assert_int_equal(
        read_profile("{\"servers\":[{" SERVER ",\"key\":\"00ff10\",\"lifetime\":300,"
                     "\"binding\":\"UT\",\"retry_count\":3,\"resources\":["
                     "{\"path\":\"/0/0/16/0\",\"value\":49320},{\"path\":\"/1/0/22\",\"value\":\"U\"}]}],"
                     "\"access_control\":[{\"object\":3,\"instance\":0,\"owner\":1,\"acl\":{\"1\":15}}],"
                     "\"writes\":[{\"path\":\"/3/0/15\",\"value\":\"Europe/Vienna\"}]}",
                     p),
        TSR_OK);
    assert_true(p->discover && p->pack && !p->plain && !p->whole_object);
    assert_int_equal(p->delete_count, 3);
    assert_int_equal(p->deletes[2].object, 2);
    assert_int_equal(p->servers[0].key_len, 3);
    assert_memory_equal(p->servers[0].key, "\0\xff\x10", 3);
    assert_string_equal(p->servers[0].identity, "{endpoint}");
    assert_int_equal(record(&p->servers[0].security, "/0/0/2")->value.as.i, BS_PSK);
    assert_int_equal(record(&p->servers[0].security, "/0/0/10")->value.as.i, 1);
    assert_false(record(&p->servers[0].security, "/0/0/1")->value.as.b);
    assert_int_equal(record(&p->servers[0].security, "/0/0/16/0")->value.as.i, 49320);
    assert_int_equal(record(&p->servers[0].server, "/1/0/1")->value.as.i, 300);
    assert_true(record(&p->servers[0].server, "/1/0/6")->value.as.b);
    assert_int_equal(record(&p->servers[0].server, "/1/0/17")->value.as.u, 3);
    assert_int_equal(record(&p->writes[0].values, "/2/0/2/1")->value.as.i, 15);
    assert_int_equal(p->writes[1].base.depth, 3);
    bs_profile_free(p);
    free(p);
}

#define OSCORE "{\"servers\":[{\"uri\":\"coap://a\",\"security\":\"oscore\",\"short_server_id\":1,"

static void test_profile_has_accounts_under_oscore(void **state)
{
    bs_profile *p = calloc(1, sizeof *p);
    const bs_account *a = &p->servers[0];

    (void)state;
    assert_int_equal(read_profile(OSCORE "\"key\":\"00ff10\",\"device_id\":\"d1\",\"salt\":\"aabb\","
                                         "\"id_context\":\"\",\"aead\":10}]}", p), TSR_OK);
    assert_int_equal(p->delete_count, 3);
    assert_int_equal(p->deletes[2].object, 21);
    assert_int_equal(a->mode, BS_OSCORE);
    assert_int_equal(record(&a->security, "/0/0/2")->value.as.i, BS_NOSEC);
    assert_int_equal(record(&a->security, "/0/0/5")->value.as.bytes.len, 0);
    assert_int_equal(a->key_len, 3);
    assert_int_equal(a->device_id.len, 1);
    assert_int_equal(a->device_id.bytes[0], 0xd1);
    assert_false(a->server_id.given);
    assert_int_equal(a->salt.len, 2);
    assert_true(a->id_context.given && a->id_context.len == 0);
    assert_int_equal(a->aead, 10);
    bs_profile_free(p);
    free(p);
    refused(OSCORE "\"device_id\":\"d1\"}]}", "psk and oscore need `key`");
    refused(OSCORE "\"key\":\"00\"}]}", "are the same");
    refused(OSCORE "\"key\":\"00\",\"device_id\":\"d1\",\"server_id\":\"D1\"}]}", "are the same");
    refused(OSCORE "\"key\":\"00\",\"device_id\":\"0102030405060708\"}]}", "at most 7 bytes");
    refused(OSCORE "\"key\":\"00\",\"device_id\":\"d\"}]}", "hexadecimal digits");
    refused(OSCORE "\"key\":\"00\",\"device_id\":1}]}", "hexadecimal digits");
    refused(OSCORE "\"key\":\"00\",\"device_id\":\"d1\",\"aead\":256}]}", "from 1 to 255");
    refused(OSCORE "\"generate\":true,\"device_id\":\"d1\"}]}", "leave them out");
    refused(OSCORE "\"generate\":true,\"key\":\"00\"}]}", "without `generate`");
    refused(OSCORE "\"generate\":true,\"identity\":\"d\"}]}", "`identity` is for psk");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\",\"device_id\":\"d1\"}]}", "are for oscore");
    refused("{\"servers\":[{\"uri\":\"coaps://a\",\"security\":\"oscore\",\"short_server_id\":1,"
            "\"generate\":true}]}", "begins with coap://");
}

static void test_profile_refuses_by_member_cause_and_remedy(void **state)
{
    (void)state;
    refused("[", "JSON object");
    refused("{\"server\":[]}", "no member \"server\"");
    refused("{\"discover\":1}", "`discover` must be true or false");
    refused("{\"delete\":[\"/1\"]}", "without a server");
    refused("{\"delete\":[\"/3/0/1\"]}", "delete[0]: only");
    refused("{\"delete\":[\"3\"]}", "delete[0]: it must be a path");
    refused("{\"read\":[\"/0\"]}", "read[0]: only /1 and /2");
    refused("{\"write\":\"all\"}", "`write` must be");
    refused("{\"servers\":[{\"uri\":\"coaps://a\"}]}", "servers[0]: `security`");
    refused("{\"servers\":[{" SERVER "}]}", "`generate`: true");
    refused("{\"servers\":[{" SERVER ",\"key\":\"0g\"}]}", "hexadecimal");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\",\"generate\":true}]}", "remove one");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\",\"lifetime\":\"x\"}]}", "/1/0/1 holds");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\",\"binding\":\"UU\"}]}", "`binding`");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\",\"liftime\":1}]}", "no member \"liftime\"");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\"},{" SERVER ",\"key\":\"00\"}]}",
            "servers[1]: `short_server_id` 1 is there twice");
    refused("{\"servers\":[{\"uri\":\"coap://a\",\"security\":\"psk\",\"short_server_id\":1,"
            "\"key\":\"00\"}]}",
            "begins with coaps://");
    refused("{\"servers\":[{\"uri\":\"coaps://a\",\"security\":\"nosec\",\"short_server_id\":1}]}",
            "begins with coap://");
    refused("{\"servers\":[{\"uri\":\"coaps://a\",\"security\":\"x509\",\"short_server_id\":1}]}",
            "`certificate` and `private_key`");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\",\"resources\":[{\"path\":\"/0/0/5\","
            "\"value\":\"\"}]}]}",
            "member of its own");
    refused("{\"servers\":[{\"bootstrap\":true,\"uri\":\"coap://a\",\"security\":\"nosec\","
            "\"lifetime\":5}]}",
            "a bootstrap server has not");
    refused("{\"servers\":[{" SERVER ",\"key\":\"00\"}],\"access_control\":[{\"object\":3,"
            "\"owner\":9}]}",
            "short server id 9");
    refused("{\"writes\":[{\"path\":\"/1/0/1\",\"value\":5}]}", "written by `servers`");
    refused("{\"writes\":[{\"path\":\"/3/0\",\"value\":5}]}", "takes `values`");
    refused("{\"writes\":[{\"path\":\"/3/0/15\",\"value\":\"a\"},{\"path\":\"/3/0/15\","
            "\"value\":\"b\"}]}",
            "same place");
}

static void test_profile_gives_no_secret_and_keeps_keys(void **state)
{
    static const char stored[] =
        "{\"servers\":[{" SERVER ",\"key\":\"00112233\"}],"
        "\"writes\":[{\"path\":\"/21/0/0\",\"value\":\"c2VjcmV0\"}]}";
    tsr_buf shown = { 0 }, kept = { 0 };
    bs_profile *p = calloc(1, sizeof *p);

    (void)state;
    bs_profile_put(&shown, tsr_text(stored));
    tsr_put_u8(&shown, 0);
    assert_null(strstr((char *)shown.ptr, "00112233"));
    assert_null(strstr((char *)shown.ptr, "c2VjcmV0"));
    assert_non_null(strstr((char *)shown.ptr, "\"key_bytes\":4"));
    assert_non_null(strstr((char *)shown.ptr, "\"secret\":true"));
    free(shown.ptr);

    assert_int_equal(bs_profile_keep_keys(tsr_text("{\"servers\":[{" SERVER ",\"key_bytes\":4}]}"),
                                          tsr_text(stored), &kept),
                     TSR_OK);
    assert_int_equal(bs_profile_read(tsr_buf_view(&kept), p, why, sizeof why), TSR_OK);
    assert_memory_equal(p->servers[0].key, "\0\x11\x22\x33", 4);
    bs_profile_free(p);
    free(kept.ptr);
    free(p);
}

static void test_pattern_matches_and_ranks(void **state)
{
    (void)state;
    assert_true(rest_pattern_matches("*", ""));
    assert_true(rest_pattern_matches("urn:*:7", "urn:dev:7"));
    assert_true(rest_pattern_matches("a*b*c", "axxbybc"));
    assert_false(rest_pattern_matches("a*b*c", "axxbybcd"));
    assert_false(rest_pattern_matches("urn:*", "ur"));
    assert_true(rest_pattern_matches("dev1", "dev1"));
    assert_int_equal(rest_pattern_rank("dev1"), 0);
    assert_true(rest_pattern_rank("urn:dev:*") > rest_pattern_rank("urn:*"));
    assert_true(rest_pattern_rank("*") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_makes_typed_records),
        cmocka_unit_test(test_profile_has_accounts_under_oscore),
        cmocka_unit_test(test_profile_refuses_by_member_cause_and_remedy),
        cmocka_unit_test(test_profile_gives_no_secret_and_keeps_keys),
        cmocka_unit_test(test_pattern_matches_and_ranks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
