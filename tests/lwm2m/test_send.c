/* SPDX-License-Identifier: Apache-2.0
 *
 * Send: values that no server asked for (Core 6.4.6). */
#include <stdio.h>

#include "tests/lwm2m/rig.h"

static const tsr_lwm2m_path battery = { 3, 0, 9, 0, 3 };

static void unmute(rig *r, size_t server)
{
    tsr_lwm2m_server_set(&r->server_item[server], TSR_LWM2M_S_MUTE_SEND, 0);
}

static rig *sending_rig(size_t servers)
{
    rig *r = rig_new(servers);

    rig_register(r);
    for (size_t i = 0; i < servers; i++)
        unmute(r, i);
    return r;
}

static tsr_err send_battery(rig *r, size_t server, bool con, uint64_t unix_ms)
{
    return tsr_lwm2m_send(&r->client, server, &battery, 1, con, unix_ms);
}

static size_t sends(const rig *r, size_t server)
{
    size_t n = 0;

    for (size_t i = 0; i < r->server[server].got_count; i++)
        n += strcmp(r->server[server].got[i].path, "/dp") == 0;
    return n;
}

static const rig_message *last_send(const rig *r, size_t server)
{
    const rig_message *m = NULL;

    for (size_t i = 0; i < r->server[server].got_count; i++) {
        if (strcmp(r->server[server].got[i].path, "/dp") == 0)
            m = &r->server[server].got[i];
    }
    assert_non_null(m);
    return m;
}

static void test_int_306_send(void **state)
{
    static const tsr_lwm2m_path two[] = { { 3, 0, 9, 0, 3 }, { 3303, 0, 5700, 0, 3 } };
    rig *r = sending_rig(1);
    const rig_message *m;

    (void)state;
    r->outbox.format = TSR_LWM2M_FORMAT_SENML_JSON;
    assert_int_equal(tsr_lwm2m_send(&r->client, 0, two, 2, true, 1700000000000), TSR_OK);
    rig_run(r);
    m = last_send(r, 0);
    assert_string_equal(m->path, "/dp");
    assert_int_equal(m->code, TSR_COAP_POST);
    assert_true(m->con);
    assert_int_equal(m->content_format.value, 110);
    assert_text(m, "[{\"bn\":\"/\",\"bt\":1700000000,\"n\":\"3/0/9\",\"v\":100},{\"n\":\"3303/0/5700\",\"v\":20}]");
    assert_int_equal(r->outbox.used, 0);
    assert_int_equal(r->events[TSR_LWM2M_E_SENT], 1);
    rig_free(r);
}

/* LwM2M-1.1-int-311: resources of several objects, multiple ones too, here as NON and in LwM2M CBOR. */
static void test_int_311_send_of_several_objects(void **state)
{
    static const tsr_lwm2m_path two[] = { { 1, 0, 1, 0, 3 }, { 3, 0, 11, 0, 4 } };
    rig *r = sending_rig(1);
    const rig_message *m;

    (void)state;
    r->outbox.format = TSR_LWM2M_FORMAT_LWM2M_CBOR;
    assert_int_equal(tsr_lwm2m_send(&r->client, 0, two, 2, false, 0), TSR_OK);
    rig_run(r);
    m = last_send(r, 0);
    assert_string_equal(m->path, "/dp");
    assert_false(m->con);
    assert_int_equal(m->content_format.value, 11544);
    assert_int_equal(m->len, 15);
    assert_memory_equal(m->text, "\xa2\x83\x01\x00\x01\x19\x01\x2c\x83\x03\x00\x0b\xa1\x00\x00", 15);
    rig_free(r);
}

/* LwM2M-1.1-int-307: Mute Send, and that being absent is the same. */
static void test_int_307_mute_send(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_int_equal(send_battery(r, 0, true, 0), TSR_E_DENIED);
    assert_code(rig_put(r, "/1/0/23", 0, "0"), 2, 04);
    assert_int_equal(send_battery(r, 0, true, 0), TSR_OK);
    rig_run(r);
    assert_int_equal(sends(r, 0), 1);
    assert_code(rig_put(r, "/1/0/23", 0, "1"), 2, 04);
    assert_int_equal(send_battery(r, 0, true, 0), TSR_E_DENIED);
    rig_wait(r, 60000);
    assert_int_equal(sends(r, 0), 1);
    rig_free(r);
}

/* What lies in the outbox when a server mutes us stays there until it wants it again. */
static void test_muted_values_wait(void **state)
{
    rig *r = sending_rig(1);

    (void)state;
    assert_int_equal(send_battery(r, 0, true, 0), TSR_OK);
    tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_MUTE_SEND, 1);
    rig_wait(r, 400000);
    assert_int_equal(sends(r, 0), 0);
    unmute(r, 0);
    rig_wait(r, 1000);
    assert_int_equal(sends(r, 0), 1);
    rig_free(r);
}

static void test_send_leaves_out_what_may_not_be_told(void **state)
{
    static const tsr_lwm2m_path none[] = { { 0, 0, 5, 0, 3 }, { 1, 1, 1, 0, 3 }, { 3, 0, 4, 0, 3 },
                                           { 9, 0, 0, 0, 3 }, { 3, 7, 9, 0, 3 }, { 0, 0, 0, 0, 0 } };
    static const tsr_lwm2m_path some[] = { { 1, 1, 1, 0, 3 }, { 3, 0, 4, 0, 3 }, { 3, 0, 9, 0, 3 } };
    rig *r = sending_rig(2);

    (void)state;
    r->outbox.format = TSR_LWM2M_FORMAT_SENML_JSON;
    assert_int_equal(tsr_lwm2m_send(&r->client, 0, none, 6, true, 0), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_lwm2m_send(&r->client, 7, some, 3, true, 0), TSR_E_ARGUMENT);
    assert_int_equal(r->outbox.used, 0);
    assert_int_equal(tsr_lwm2m_send(&r->client, 0, some, 3, true, 0), TSR_OK);
    rig_run(r);
    assert_text(last_send(r, 0), "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":100}]");
    assert_int_equal(sends(r, 1), 0);
    rig_free(r);
}

/* While the server is silent values gather, and come with their times when it is back; nothing is lost
 * or doubled. */
static void test_values_wait_while_the_server_is_out_of_reach(void **state)
{
    rig *r = sending_rig(1);
    unsigned seen = 0;

    (void)state;
    r->outbox.format = TSR_LWM2M_FORMAT_SENML_JSON;
    r->server[0].silent = true;
    for (unsigned i = 0; i < 10; i++) {
        r->device.battery_percent = (int8_t)(90 - i);
        assert_int_equal(send_battery(r, 0, true, 1700000000000 + i * 60000), TSR_OK);
        rig_wait(r, 60000);
    }
    assert_int_equal(sends(r, 0), 0);
    assert_true(r->events[TSR_LWM2M_E_SEND_FAILED] >= 1);
    r->server[0].silent = false;
    rig_wait(r, 900000);
    for (size_t i = 0; i < r->server[0].got_count; i++) {
        const char *at = r->server[0].got[i].text;

        if (strcmp(r->server[0].got[i].path, "/dp") != 0)
            continue;
        for (; (at = strstr(at, "\"v\":")) != NULL; at++)
            assert_int_equal(atoi(at + 4), 90 - (int)seen++);
    }
    assert_int_equal(seen, 10);
    assert_int_equal(r->outbox.used, 0);
    rig_free(r);
}

static void test_full_outbox_drops_the_oldest(void **state)
{
    rig *r = sending_rig(1);

    (void)state;
    r->outbox.format = TSR_LWM2M_FORMAT_SENML_JSON;
    r->server[0].silent = true;
    rig_wait(r, 1000);
    for (unsigned i = 0; i < 100; i++) {
        r->device.battery_percent = (int8_t)i;
        assert_int_equal(send_battery(r, 0, true, 1700000000000 + i * 1000), TSR_OK);
    }
    assert_true(r->outbox.used <= sizeof r->outbox_memory);
    assert_int_not_equal(r->outbox.dropped, 0);
    r->server[0].silent = false;
    rig_wait(r, 900000);
    assert_int_equal(r->outbox.used, 0);
    assert_non_null(strstr(last_send(r, 0)->text, "\"v\":99"));
    rig_free(r);
}

/* The newest are refused, and whoever calls is told. */
static void test_full_outbox_pushes_back(void **state)
{
    rig *r = sending_rig(1);
    unsigned kept = 0;

    (void)state;
    r->outbox.keep_oldest = true;
    r->server[0].silent = true;
    while (send_battery(r, 0, true, 1700000000000) == TSR_OK)
        kept++;
    assert_int_equal(send_battery(r, 0, true, 0), TSR_E_SPACE);
    assert_true(kept >= 15);
    assert_true(r->outbox.dropped >= 1);
    r->server[0].silent = false;
    rig_wait(r, 60000);
    assert_int_equal(send_battery(r, 0, true, 0), TSR_OK);
    rig_free(r);
}

/* One value too long for the outbox drops nobody else's for nothing. */
static void test_value_that_never_fits(void **state)
{
    rig *r = sending_rig(1);
    static char text[600];
    tsr_lwm2m_value value = { TSR_LWM2M_STRING, { .bytes = { (const uint8_t *)text, sizeof text } } };

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(tsr_lwm2m_send_value(&r->client, 0, tsr_lwm2m_at_resource(3, 0, 0), &value, true, 0),
                     TSR_E_SPACE);
    value.as.bytes.len = 300;
    assert_int_equal(tsr_lwm2m_send_value(&r->client, 0, tsr_lwm2m_at_resource(3, 0, 0), &value, true, 0), TSR_OK);
    assert_int_equal(tsr_lwm2m_send_value(&r->client, 0, tsr_lwm2m_at_resource(3, 0, 4), &value, true, 0),
                     TSR_E_NOT_FOUND);
    assert_int_equal(tsr_lwm2m_send_value(&r->client, 0, tsr_lwm2m_at_resource(0, 0, 5), &value, true, 0),
                     TSR_E_NOT_FOUND);
    assert_int_equal(tsr_lwm2m_send_value(&r->client, 0, tsr_lwm2m_at_resource(3, 0, 6), &value, true, 0),
                     TSR_E_NOT_FOUND);
    rig_run(r);
    assert_int_equal(sends(r, 0), 1);
    rig_free(r);
}

/* Each server has its own, and one that is silent holds up nobody. */
static void test_servers_do_not_wait_for_each_other(void **state)
{
    rig *r = sending_rig(2);

    (void)state;
    r->server[0].silent = true;
    assert_int_equal(send_battery(r, 0, true, 0), TSR_OK);
    assert_int_equal(send_battery(r, 1, true, 0), TSR_OK);
    rig_run(r);
    assert_int_equal(sends(r, 1), 1);
    assert_int_not_equal(r->outbox.used, 0);
    r->server[0].silent = false;
    rig_wait(r, 200000);
    assert_int_equal(sends(r, 0), 1);
    rig_free(r);
}

/* A server that refuses gets it no more; one that fails, later. */
static void test_send_that_is_refused(void **state)
{
    rig *r = sending_rig(1);

    (void)state;
    r->server[0].update_code = TSR_COAP_BAD_REQUEST;
    assert_int_equal(send_battery(r, 0, true, 0), TSR_OK);
    rig_run(r);
    assert_int_equal(r->outbox.used, 0);
    assert_int_equal(r->events[TSR_LWM2M_E_SEND_FAILED], 1);
    r->server[0].update_code = TSR_COAP_UNAVAILABLE;
    assert_int_equal(send_battery(r, 0, true, 0), TSR_OK);
    rig_run(r);
    assert_int_not_equal(r->outbox.used, 0);
    r->server[0].update_code = 0;
    rig_wait(r, 10000);
    assert_int_equal(r->outbox.used, 0);
    assert_int_equal(sends(r, 0), 3);
    rig_free(r);
}

/* 4.04: the server has forgotten us. The Update shows it, the client registers anew, and then sends. */
static void test_send_to_a_server_that_forgot_us(void **state)
{
    rig *r = sending_rig(1);

    (void)state;
    r->server[0].update_code = TSR_COAP_NOT_FOUND;
    assert_int_equal(send_battery(r, 0, true, 0), TSR_OK);
    rig_run(r);
    assert_int_equal(r->server[0].number, 2);
    r->server[0].update_code = 0;
    rig_wait(r, 20000);
    assert_int_equal(r->outbox.used, 0);
    assert_int_equal(sends(r, 0), 2);
    assert_int_equal(r->events[TSR_LWM2M_E_SENT], 1);
    rig_free(r);
}

/* What a host kept is sent after the restart, with the times it had. */
static void test_outbox_survives_a_restart(void **state)
{
    uint8_t kept[512];
    size_t len;
    rig *r = sending_rig(1);

    (void)state;
    r->outbox.format = TSR_LWM2M_FORMAT_SENML_JSON;
    r->server[0].silent = true;
    assert_int_equal(send_battery(r, 0, true, 1700000000000), TSR_OK);
    rig_wait(r, 1000);
    assert_int_equal(send_battery(r, 0, true, 1700000060000), TSR_OK);
    len = r->outbox.used;
    memcpy(kept, r->outbox_memory, len);
    r->server[0].silent = false;
    rig_restart(r);
    unmute(r, 0);
    assert_int_equal(tsr_lwm2m_outbox_restore(&r->client, tsr_view(kept, len)), TSR_OK);
    rig_register(r);
    rig_run(r);
    assert_text(last_send(r, 0), "[{\"bn\":\"/\",\"bt\":1700000000,\"n\":\"3/0/9\",\"v\":100},"
                                "{\"bt\":1700000060,\"n\":\"3/0/9\",\"v\":100}]");
    assert_int_equal(r->outbox.used, 0);
    rig_free(r);
}

static void test_damaged_outbox_is_empty(void **state)
{
    uint8_t kept[512], bad[512];
    rig *r = sending_rig(1);
    size_t len;

    (void)state;
    r->server[0].silent = true;
    assert_int_equal(send_battery(r, 0, true, 1700000000000), TSR_OK);
    assert_int_equal(send_battery(r, 0, true, 1700000060000), TSR_OK);
    len = r->outbox.used;
    memcpy(kept, r->outbox_memory, len);
    for (size_t cut = 1; cut < len; cut++) {
        if (cut == len / 2)
            continue; /* just the first */
        assert_int_equal(tsr_lwm2m_outbox_restore(&r->client, tsr_view(kept, cut)), TSR_E_MALFORMED);
        assert_int_equal(r->outbox.used, 0);
    }
    for (size_t i = 0; i < len * 8; i++) {
        memcpy(bad, kept, len);
        bad[i / 8] ^= (uint8_t)(1u << i % 8);
        (void)tsr_lwm2m_outbox_restore(&r->client, tsr_view(bad, len));
        assert_true(r->outbox.used <= len);
        rig_run(r);
    }
    assert_int_equal(tsr_lwm2m_outbox_restore(&r->client, tsr_view(NULL, 0)), TSR_OK);
    rig_free(r);
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        T(test_int_306_send),
        T(test_int_307_mute_send),
        T(test_int_311_send_of_several_objects),
        T(test_muted_values_wait),
        T(test_send_leaves_out_what_may_not_be_told),
        T(test_values_wait_while_the_server_is_out_of_reach),
        T(test_full_outbox_drops_the_oldest),
        T(test_full_outbox_pushes_back),
        T(test_value_that_never_fits),
        T(test_servers_do_not_wait_for_each_other),
        T(test_send_that_is_refused),
        T(test_send_to_a_server_that_forgot_us),
        T(test_outbox_survives_a_restart),
        T(test_damaged_outbox_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
