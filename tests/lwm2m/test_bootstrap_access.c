/* SPDX-License-Identifier: Apache-2.0
 *
 * Access Control that comes from a bootstrap server, and what becomes of it when accounts go. */
#include "tests/lwm2m/boot_rig.h"

#include <string.h>

static const boot_account_values one = { .instance = 1, .short_id = 101, .uri = "coap://one",
                                         .mode = TSR_LWM2M_MODE_NOSEC };
static const boot_account_values two = { .instance = 2, .short_id = 102, .uri = "coap://two",
                                         .mode = TSR_LWM2M_MODE_NOSEC };

static int put_json(boot_rig *r, const char *path, const char *json)
{
    const boot_message *m = boot_send(r, BS, TSR_COAP_PUT, path, -1, TSR_LWM2M_FORMAT_SENML_JSON,
                                      tsr_text(json));

    return (m->code >> 5) * 100 + (m->code & 31);
}

static int get(boot_rig *r, int far, const char *path)
{
    const boot_message *m = boot_get(r, far, path, -1);

    return (m->code >> 5) * 100 + (m->code & 31);
}

static int create(boot_rig *r, int far, const char *json)
{
    const boot_message *m = boot_send(r, far, TSR_COAP_POST, "/16", -1, TSR_LWM2M_FORMAT_SENML_JSON,
                                      tsr_text(json));

    return (m->code >> 5) * 100 + (m->code & 31);
}

/* Device belongs to 101, which gives 102 nothing; both may read the sensor; 102 alone may create. */
static void write_rights(boot_rig *r)
{
    assert_int_equal(put_json(r, "/2/0", "[{\"bn\":\"/2/0/\",\"n\":\"0\",\"v\":3},{\"n\":\"1\",\"v\":0},"
                                         "{\"n\":\"3\",\"v\":101}]"), 204);
    assert_int_equal(put_json(r, "/2/1", "[{\"bn\":\"/2/1/\",\"n\":\"0\",\"v\":3303},{\"n\":\"1\",\"v\":0},"
                                         "{\"n\":\"2/0\",\"v\":1},{\"n\":\"3\",\"v\":65535}]"), 204);
    assert_int_equal(put_json(r, "/2", "[{\"bn\":\"/2/7/\",\"n\":\"0\",\"v\":16},{\"n\":\"1\",\"v\":65535},"
                                       "{\"n\":\"2/102\",\"v\":16},{\"n\":\"3\",\"v\":65535}]"), 204);
}

static boot_rig *two_servers(void)
{
    boot_rig *r = boot_new();

    r->has_access = true;
    boot_start(r);
    boot_run(r);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    boot_write_account(r, &two, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    write_rights(r);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(boot_of(r, 102)->standing, TSR_LWM2M_REGISTERED);
    return r;
}

static void assert_rights(boot_rig *r)
{
    assert_int_equal(get(r, ONE, "/3/0/0"), 205);
    assert_int_equal(get(r, TWO, "/3/0/0"), 401);
    assert_int_equal(get(r, ONE, "/3303/0/5701"), 205);
    assert_int_equal(get(r, TWO, "/3303/0/5701"), 205);
    assert_int_equal(create(r, ONE, "[{\"bn\":\"/16/4/0/\",\"n\":\"0\",\"vs\":\"a\"}]"), 401);
    assert_int_equal(get(r, ONE, "/2/0"), 205);
    assert_int_equal(get(r, TWO, "/2/0"), 401);
}

/* Core 8.1.3: a second server comes with the instances of Access Control that tell the two apart */
static void test_bootstrap_gives_rights(void **state)
{
    boot_rig *r = two_servers();

    (void)state;
    assert_rights(r);
    boot_restart(r);
    boot_run(r);
    assert_rights(r);
    boot_free(r);
}

/* A bootstrap that is not finished has changed nothing, nor opened anything meanwhile. */
static void test_bootstrap_rights_are_taken_back(void **state)
{
    boot_rig *r = two_servers();

    (void)state;
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_delete(r, "/2"), 2, 02);
    assert_int_equal(get(r, TWO, "/3/0/0"), 401);
    boot_wait(r, 600000); /* nobody goes on */
    assert_rights(r);
    boot_free(r);
}

static void test_bootstrap_without_rights_opens(void **state)
{
    boot_rig *r = two_servers();

    (void)state;
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_delete(r, "/2"), 2, 02);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(get(r, TWO, "/3/0/0"), 205);
    boot_free(r);
}

static void test_bootstrap_refuses_half_an_instance(void **state)
{
    boot_rig *r = two_servers();

    (void)state;
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_int_equal(put_json(r, "/2/9", "[{\"bn\":\"/2/9/\",\"n\":\"3\",\"v\":101}]"), 204);
    assert_code(boot_finish(r), 4, 06);
    assert_code(boot_delete(r, "/2/9"), 2, 02);
    assert_code(boot_finish(r), 2, 04);
    boot_free(r);
}

/* Core E.1.3: what 101 owned goes to 102, its ACLs go, and what was its alone is deleted.
 * Transport 5.2.5, all of its steps, from the Delete of an instance of Security alone. */
static void test_bootstrap_removes_a_server(void **state)
{
    boot_rig *r = two_servers();
    const tsr_lwm2m_access *a;

    (void)state;
    assert_int_equal(create(r, TWO, "[{\"bn\":\"/16/4/0/\",\"n\":\"0\",\"vs\":\"a\"}]"), 201);
    assert_int_equal(tsr_lwm2m_access_find(&r->accesses, 16, 4)->owner, 102);
    assert_code(boot_send(r, ONE, TSR_COAP_PUT, "/2/0/2", -1, TSR_LWM2M_FORMAT_SENML_JSON,
                          tsr_text("[{\"bn\":\"/2/0/2/\",\"n\":\"102\",\"v\":1},{\"n\":\"101\",\"v\":7}]")),
                2, 04);
    assert_int_equal(get(r, TWO, "/3/0/0"), 205);
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_delete(r, "/0/2"), 2, 02);
    assert_code(boot_finish(r), 2, 04);
    assert_null(tsr_lwm2m_server_find(r->client.config.servers, 102));
    assert_null(tsr_lwm2m_access_find(&r->accesses, 16, 4));
    assert_int_equal(get(r, ONE, "/16/4"), 404);
    a = tsr_lwm2m_access_find(&r->accesses, 3, 0);
    assert_int_equal(a->owner, 101);
    assert_int_equal(a->count, 1);
    assert_int_equal(get(r, ONE, "/3303/0"), 205); /* alone again */
    boot_restart(r);
    boot_run(r);
    assert_null(tsr_lwm2m_access_find(&r->accesses, 16, 4));
    assert_int_equal(get(r, ONE, "/2/7"), 205);
    boot_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bootstrap_gives_rights),
        cmocka_unit_test(test_bootstrap_rights_are_taken_back),
        cmocka_unit_test(test_bootstrap_without_rights_opens),
        cmocka_unit_test(test_bootstrap_refuses_half_an_instance),
        cmocka_unit_test(test_bootstrap_removes_a_server),
    };

    return cmocka_run_group_tests_name("lwm2m_bootstrap_access", tests, NULL, NULL);
}
