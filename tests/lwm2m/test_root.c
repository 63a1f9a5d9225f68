/* SPDX-License-Identifier: Apache-2.0
 *
 * A client whose objects stand below an alternate path (Core 6.2.1, Transport 6.4.1). */
#include "tests/lwm2m/rig.h"

enum { LINKS = 40, JSON = 110, CBOR = 112, ETCH_JSON = 320 };

static const char root[] = "/app/lwm2m";

static void move(rig *r) { r->client.config.root = tsr_text(root); }

static rig *moved(void)
{
    rig *r;

    rig_attach = move;
    r = rig_new(1);
    rig_register(r);
    return r;
}

static void end(rig *r)
{
    rig_attach = NULL;
    rig_free(r);
}

/* Core 6.2.1, Transport 6.4.1 */
static void test_root_is_told(void **state)
{
    rig *r = moved();
    const char *links = r->server[0].got[0].text;

    (void)state;
    assert_string_equal(r->server[0].got[0].path, "/rd");
    assert_memory_equal(links, "</app/lwm2m>;rt=\"oma.lwm2m\";ct=", 31);
    assert_non_null(strstr(links, ",</app/lwm2m/3/0>,"));
    assert_null(strstr(links, "</3"));
    end(r);
}

/* Transport 6.4.1: requests come below it. Others are understood, too, as long as they name an object. */
static void test_root_is_where_requests_go(void **state)
{
    static const char *const others[] = { "/app", "/app/3/0/9", "/lwm2m/3/0/9", "/app/lwm2mm/3", "/app/lwm2m/app/lwm2m/3",
                                          "/3/app/lwm2m", "/app/lwm2m/3/0/9/0/0" };
    rig *r = moved();

    (void)state;
    assert_text(rig_get(r, "/app/lwm2m/3/0/9", 0), "100");
    assert_text(rig_get(r, "/3/0/9", 0), "100");
    assert_code(rig_put(r, "/app/lwm2m/1/0/2", 0, "7"), 2, 04);
    assert_text(rig_get(r, "/app/lwm2m/1/0/2", 0), "7");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_code(rig_get(r, others[i], -1), 4, 04);
    end(r);
}

/* RFC 6690 §2: a target is a path of this host. */
static void test_root_stands_in_links(void **state)
{
    rig *r = moved();
    const rig_message *m = rig_get(r, "/app/lwm2m/3/0/9", LINKS);

    (void)state;
    assert_text(m, "</app/lwm2m/3/0/9>");
    m = rig_get(r, "/app/lwm2m/3/0", LINKS);
    assert_memory_equal(m->text, "</app/lwm2m/3/0>,</app/lwm2m/3/0/0>,", 36);
    assert_null(strstr(m->text, "</3"));
    end(r);
}

/* RFC 8428 §4.5.1: so is a name. What comes in may have it or not. */
static void test_root_stands_in_names(void **state)
{
    rig *r = moved();
    const rig_message *m;

    (void)state;
    assert_text(rig_get(r, "/app/lwm2m/3/0/9", JSON), "[{\"n\":\"/app/lwm2m/3/0/9\",\"v\":100}]");
    m = rig_get(r, "/app/lwm2m/1/0", JSON);
    assert_memory_equal(m->text, "[{\"bn\":\"/app/lwm2m/1/0/\",\"n\":\"0\",", 33);
    m = rig_get(r, "/app/lwm2m/1/0", CBOR);
    assert_memory_equal(m->text + 1, "\xa3\x21\x6f/app/lwm2m/1/0/\x00\x61\x30", 21);
    assert_code(rig_post(r, "/app/lwm2m/1/0", JSON, "[{\"bn\":\"/app/lwm2m/1/0/\",\"n\":\"2\",\"v\":8}]"), 2, 04);
    assert_text(rig_get(r, "/app/lwm2m/1/0/2", 0), "8");
    assert_code(rig_post(r, "/app/lwm2m/1/0", JSON, "[{\"n\":\"/1/0/2\",\"v\":9}]"), 2, 04);
    assert_text(rig_get(r, "/app/lwm2m/1/0/2", 0), "9");
    assert_code(rig_post(r, "/app/lwm2m/1/0", JSON, "[{\"n\":\"/lwm2m/1/0/2\",\"v\":9}]"), 4, 00);
    end(r);
}

static const rig_message *composite(rig *r, uint8_t method, const char *path, int observe, const char *names)
{
    return rig_send(r, 0, &(rig_request){ method, path, JSON, ETCH_JSON, observe, tsr_text(names), tsr_text("t") });
}

/* Core 6.3.8, Core 6.3.9, Core 6.4.4 */
static void test_root_of_composite_operations(void **state)
{
    static const char names[] = "[{\"n\":\"/app/lwm2m/3/0/9\"},{\"n\":\"/1/0/2\"}]";
    static const char want[] = "[{\"bn\":\"/app/lwm2m/\",\"n\":\"3/0/9\",\"v\":100},{\"n\":\"1/0/2\",\"v\":6}]";
    rig *r = moved();

    (void)state;
    assert_code(composite(r, TSR_COAP_IPATCH, "/app/lwm2m", -1, "[{\"n\":\"/app/lwm2m/1/0/2\",\"v\":6}]"), 2, 04);
    assert_text(composite(r, TSR_COAP_FETCH, "/app/lwm2m", -1, names), want);
    assert_text(composite(r, TSR_COAP_FETCH, "/", -1, names), want);
    assert_code(composite(r, TSR_COAP_FETCH, "/app/lwm2m", -1, "[{\"n\":\"/app/lwm2m\"}]"), 2, 05);
    assert_text(composite(r, TSR_COAP_FETCH, "/app/lwm2m", 0, names), want);
    r->device.battery_percent = 50;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
    rig_wait(r, 6000); /* /1/0/2 */
    assert_int_equal(r->server[0].note_count, 1);
    assert_non_null(strstr(r->server[0].note[0].text, "[{\"bn\":\"/app/lwm2m/\",\"n\":\"3/0/9\",\"v\":50}"));
    end(r);
}

/* Core 6.4.6 */
static void test_root_of_send(void **state)
{
    static const tsr_lwm2m_path battery = { 3, 0, 9, 0, 3 };
    rig *r = moved();
    const rig_message *m;

    (void)state;
    tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_MUTE_SEND, 0);
    r->outbox.format = TSR_LWM2M_FORMAT_SENML_JSON;
    assert_int_equal(tsr_lwm2m_send(&r->client, 0, &battery, 1, true, 0), TSR_OK);
    rig_run(r);
    m = rig_last(r, 0);
    assert_string_equal(m->path, "/dp");
    assert_text(m, "[{\"bn\":\"/app/lwm2m/\",\"n\":\"3/0/9\",\"v\":100}]");
    end(r);
}

/* Core 6.3.6 */
static void test_root_stands_in_a_location(void **state)
{
    rig *r = moved();
    const rig_message *m = rig_post(r, "/app/lwm2m/16", JSON, "[{\"n\":\"/app/lwm2m/16/1/0/0\",\"vs\":\"x\"}]");

    (void)state;
    assert_code(m, 2, 01);
    assert_string_equal(m->path, "/app/lwm2m/16/1");
    assert_code(rig_delete(r, "/app/lwm2m/16/1"), 2, 02);
    end(r);
}

static void test_root_that_is_no_good_is_refused(void **state)
{
    rig *r = rig_new(1);
    tsr_lwm2m_client_config config = r->client.config;
    tsr_lwm2m_client other;

    (void)state;
    config.root = tsr_text("/lwm2m/3");
    assert_int_equal(tsr_lwm2m_client_init(&other, &config), TSR_E_ARGUMENT);
    config.root = tsr_text("/lwm2m");
    assert_int_equal(tsr_lwm2m_client_init(&other, &config), TSR_OK);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root_is_told),
        cmocka_unit_test(test_root_is_where_requests_go),
        cmocka_unit_test(test_root_stands_in_links),
        cmocka_unit_test(test_root_stands_in_names),
        cmocka_unit_test(test_root_of_composite_operations),
        cmocka_unit_test(test_root_of_send),
        cmocka_unit_test(test_root_stands_in_a_location),
        cmocka_unit_test(test_root_that_is_no_good_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
