/* SPDX-License-Identifier: Apache-2.0
 *
 * Composite operations on a device, and what devices send unasked, over plain CoAP (Core 6.3.8, Core 6.3.9,
 * Core 6.4.4 to Core 6.4.6). */
#include "tests/server/house.h"
#include "tessera/lwm2m/format/format.h"
#include "tests/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

static test_peer *device(house *h, const char *version)
{
    test_peer *p = peer_open(h->coap, NULL, NULL);
    char queries[64];

    snprintf(queries, sizeof queries, "ep=dev1&lt=300&lwm2m=%s&b=U", version);
    assert_int_equal(peer_register(p, queries), TSR_COAP_CREATED);
    return p;
}

static tsr_server_request about(tsr_server_kind kind, const tsr_lwm2m_path *paths, size_t count)
{
    return (tsr_server_request){ .kind = kind, .endpoint = "dev1", .paths = paths, .path_count = count,
                                 .format = TSR_SERVER_FORMAT_AUTO, .depth = -1 };
}

static const tsr_lwm2m_path two[] = { { 3, 0, 9, 0, 3 }, { 1, 0, 1, 0, 3 }, { 3, 0, 9, 0, 3 } };

/* LwM2M-1.1-int-280, -281: Read-Composite; what is not there is left out. */
static void test_read_composite(void **state)
{
    static const tsr_lwm2m_path missing[] = { { 3, 0, 9, 0, 3 }, { 4, 0, 0, 0, 2 } };
    house *h = *state;
    test_peer *p = device(h, "1.1");

    assert_int_equal(house_operate(h, p, about(TSR_SERVER_READ_COMPOSITE, two, 3)), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CONTENT);
    assert_int_equal(h->format, 112);
    assert_int_equal(h->record_count, 2);
    assert_true(tsr_lwm2m_path_same(h->first.path, at("/1/0/1")));
    assert_int_equal(p->body_format, 112);
    assert_int_equal(house_operate(h, p, about(TSR_SERVER_READ_COMPOSITE, missing, 2)), TSR_SERVER_ANSWERED);
    assert_int_equal(h->record_count, 1);
    assert_int_equal(h->first.value.as.i, 100);
    peer_close(p);
}

/* 1.2 has one of the two SenML-ETCH; what a device cannot take is sent again in another way. */
static void test_composite_formats_are_found(void **state)
{
    static const uint16_t bodies[] = { 322, 320, 112, 110 };
    house *h = *state;
    test_peer *p = device(h, "1.2");

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        p->only_body = bodies[i];
        assert_int_equal(house_operate(h, p, about(TSR_SERVER_READ_COMPOSITE, two, 3)), TSR_SERVER_ANSWERED);
        assert_int_equal(h->code, TSR_COAP_CONTENT);
        assert_int_equal(p->body_format, bodies[i]);
        assert_int_equal(h->record_count, 2);
    }
    p->only_format = 110;
    assert_int_equal(house_operate(h, p, about(TSR_SERVER_READ_COMPOSITE, two, 3)), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CONTENT);
    assert_int_equal(h->format, 110);
    p->only_format = 60;
    assert_int_equal(house_operate(h, p, about(TSR_SERVER_READ_COMPOSITE, two, 3)), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_NOT_ACCEPTABLE);
    peer_close(p);
}

/* What the root link lists comes first. */
static void test_composite_formats_follow_the_root_link(void **state)
{
    house *h = *state;
    test_peer *p = peer_open(h->coap, NULL, NULL);

    assert_int_equal(peer_request(p, TSR_COAP_POST, "/rd", "ep=dev1&lt=300&lwm2m=1.1&b=U",
                                  "</>;ct=\"110 320\",</1/0>,</3/0>"), TSR_COAP_CREATED);
    assert_int_equal(house_operate(h, p, about(TSR_SERVER_READ_COMPOSITE, two, 3)), TSR_SERVER_ANSWERED);
    assert_int_equal(p->body_format, 320);
    assert_int_equal(h->format, 110);
    peer_close(p);
}

/* LwM2M-1.1-int-230: Write-Composite, whole or not at all; null deletes a resource instance. */
static void test_write_composite(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_record records[] = { { at("/1/0/1"), tsr_lwm2m_int(120), 0 },
                                    { at("/16/0/0/1"), { TSR_LWM2M_NONE, { .u = 0 } }, 0 } };
    tsr_server_request r = { .kind = TSR_SERVER_WRITE_COMPOSITE, .endpoint = "dev1", .records = records,
                             .record_count = 1, .format = TSR_SERVER_FORMAT_AUTO, .depth = -1 };

    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CHANGED);
    assert_int_equal(p->lifetime, 120);
    assert_int_equal(p->body_format, 112);
    records[0].value = tsr_lwm2m_int(130);
    r.record_count = 2;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(p->lifetime, 130);
    assert_int_equal(p->body_format, 322);
    assert_true(tsr_lwm2m_path_same(p->deleted, at("/16/0/0/1")));
    records[1] = (tsr_server_record){ at("/3/0/0"), tsr_lwm2m_text(tsr_text("x")), 0 };
    records[0].value = tsr_lwm2m_int(140);
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(p->lifetime, 130);
    peer_close(p);
}

static void never(void *arg, const tsr_server_result *result)
{
    (void)arg;
    (void)result;
    fail();
}

static void test_composite_requests_are_checked(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_request r = about(TSR_SERVER_READ_COMPOSITE, NULL, 0);
    tsr_lwm2m_path *many = calloc(TSR_SERVER_PATHS_MAX + 1, sizeof *many);

    assert_int_equal(house_operate(h, p, r), TSR_SERVER_BAD_REQUEST);
    r.kind = TSR_SERVER_WRITE_COMPOSITE;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_BAD_REQUEST);
    r = about(TSR_SERVER_CANCEL_COMPOSITE, two, 2);
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_BAD_REQUEST);
    r = about(TSR_SERVER_READ_COMPOSITE, many, TSR_SERVER_PATHS_MAX + 1);
    assert_int_equal(tsr_server_submit(h->server, &r, never, NULL), TSR_E_ARGUMENT);
    assert_int_equal(p->requests, 0);
    free(many);
    peer_close(p);
}

static void look_at_observation(void *arg, const tsr_server_observation *o)
{
    size_t *count = arg;

    if (o->path.depth == 0 && o->active)
        *count = o->path_count;
}

/* LwM2M-1.1-int-304, -305: Observe-Composite and its end; over a restart of the server in between. */
static void test_observe_composite_survives_restart(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    size_t count = 0;
    uint64_t seen;

    assert_int_equal(house_operate(h, p, about(TSR_SERVER_OBSERVE_COMPOSITE, two, 3)), TSR_SERVER_ANSWERED);
    assert_int_equal(h->record_count, 2);
    assert_int_equal(p->observe_requests, 1);
    p->battery = 50;
    peer_notify(p, true);
    seen = house_expect(h, p, "dev1", TSR_SERVER_EV_NOTIFICATION, 0);
    peer_run(p, PEER_PATIENCE_MS, &p->notify_acked); /* or it would be repeated, and nothing else sent */
    house_stop(h);
    house_start(h);
    assert_int_equal(tsr_server_observations(h->server, "dev1", look_at_observation, &count), TSR_OK);
    assert_int_equal(count, 2);
    peer_notify(p, true);
    (void)house_expect(h, p, "dev1", TSR_SERVER_EV_NOTIFICATION, seen);
    assert_int_equal(p->notify_rejected, 0);
    assert_int_equal(house_operate(h, p, about(TSR_SERVER_CANCEL_COMPOSITE, two, 2)), TSR_SERVER_ANSWERED);
    assert_int_equal(p->observe_token_len, 0);
    count = 0;
    assert_int_equal(tsr_server_observations(h->server, "dev1", look_at_observation, &count), TSR_OK);
    assert_int_equal(count, 0);
    peer_close(p);
}

/* A new Register ends observations on the device; the server asks for them again. */
static void test_observe_composite_is_renewed(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");

    assert_int_equal(house_operate(h, p, about(TSR_SERVER_OBSERVE_COMPOSITE, two, 3)), TSR_SERVER_ANSWERED);
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1&b=U"), TSR_COAP_CREATED);
    for (int i = 0; i < 500 && p->observe_requests < 2; i++)
        peer_run(p, 10, NULL);
    assert_int_equal(p->observe_requests, 2);
    assert_true(p->observes_composite);
    peer_close(p);
}

typedef struct {
    unsigned events, values;
    int64_t last, unix_ms;
} sent;

static void look_at_sent(void *arg, const tsr_server_event *e)
{
    sent *s = arg;

    if (e->type != TSR_SERVER_EV_SENT)
        return;
    s->events++;
    s->values += (unsigned)e->record_count;
    s->last = e->records[e->record_count - 1].value.as.i;
    s->unix_ms = e->records[e->record_count - 1].unix_ms;
}

static void keep_value(void *arg, const tsr_server_record *record, int64_t received_ms)
{
    (void)received_ms;
    *(int64_t *)arg = record->value.as.i;
}

/* LwM2M-1.1-int-306, -311: Send; acknowledged values are there after a restart, with their times. */
static void test_send_is_kept_before_it_is_acknowledged(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    sent s = { 0 };
    int64_t shown = 0;

    assert_int_equal(peer_dp(p, 110, tsr_text("[{\"bn\":\"/3/0/9\",\"bt\":1700000000,\"v\":80},"
                                              "{\"v\":70,\"t\":60}]"), false), TSR_COAP_CHANGED);
    assert_int_equal(peer_dp(p, 110, tsr_text("[{\"n\":\"/3/0/9\",\"v\":60},{\"n\":\"/1/0/1\",\"v\":300}]"), true),
                     TSR_COAP_CHANGED);
    house_stop(h);
    house_start(h);
    assert_int_equal(tsr_server_events(h->server, 0, 1000, "dev1", look_at_sent, &s, NULL), TSR_OK);
    assert_int_equal(s.events, 2);
    assert_int_equal(s.values, 4);
    assert_int_equal(s.last, 300);
    assert_int_equal(tsr_server_values(h->server, "dev1", at("/3/0/9"), keep_value, &shown), TSR_OK);
    assert_int_equal(shown, 60);
    peer_close(p);
}

static void test_send_keeps_the_times_of_values(void **state)
{
    uint8_t room[128];
    house *h = *state;
    test_peer *p = device(h, "1.2");
    sent s = { 0 };

    /* SenML CBOR: base time, then one five seconds before it */
    assert_int_equal(peer_dp(p, 112, from_hex("82a321662f332f302f39221a6553f1000218 50a202183c0624", room,
                                              sizeof room), false), TSR_COAP_CHANGED);
    assert_int_equal(tsr_server_events(h->server, 0, 1000, "dev1", look_at_sent, &s, NULL), TSR_OK);
    assert_int_equal(s.values, 2);
    assert_int_equal(s.unix_ms, 1699999995000);
    /* LwM2M CBOR has no times */
    assert_int_equal(peer_dp(p, 11544, from_hex("a1830300091828", room, sizeof room), false), TSR_COAP_CHANGED);
    s = (sent){ 0 };
    assert_int_equal(tsr_server_events(h->server, 0, 1000, "dev1", look_at_sent, &s, NULL), TSR_OK);
    assert_int_equal(s.last, 40);
    assert_int_equal(s.unix_ms, 0);
    peer_close(p);
}

static void test_send_that_is_no_good_is_refused(void **state)
{
    uint8_t room[8];
    house *h = *state;
    test_peer *stranger = peer_open(h->coap, NULL, NULL);
    test_peer *p = device(h, "1.1");

    assert_int_equal(peer_dp(stranger, 110, tsr_text("[{\"n\":\"/3/0/9\",\"v\":60}]"), false), TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_dp(p, 110, tsr_text("[{\"n\":\"/3/0/9\",\"v\":60"), false), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_dp(p, 110, tsr_text("[]"), false), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_dp(p, 110, tsr_text("[{\"n\":\"/3/0/9\"}]"), false), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_dp(p, 110, tsr_text("[{\"n\":\"/3/0\",\"v\":1}]"), false), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_dp(p, 110, tsr_text("[{\"n\":\"/4/0/1\",\"v\":1}]"), false), TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_dp(p, 110, tsr_text("[{\"n\":\"/0/0/1\",\"v\":1}]"), false), TSR_COAP_NOT_FOUND);
    /* Transport 6.4.5 */
    assert_int_equal(peer_dp(p, 0, tsr_text("60"), false), TSR_COAP_UNSUPPORTED_FORMAT);
    assert_int_equal(peer_dp(p, 11542, from_hex("c1093c", room, sizeof room), false), TSR_COAP_UNSUPPORTED_FORMAT);
    assert_int_equal(peer_request(p, TSR_COAP_PUT, "/dp", NULL, NULL), TSR_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(peer_request(p, TSR_COAP_GET, "/dp/1", NULL, NULL), TSR_COAP_NOT_FOUND);
    assert_int_equal(house_count_events(h, "dev1", TSR_SERVER_EV_SENT), 0);
    peer_close(stranger);
    peer_close(p);
}

/* More values than one event holds: they are in several, in order, and all there. */
static void test_send_of_many_values_is_several_events(void **state)
{
    static char text[8100];
    house *h = *state;
    test_peer *p = device(h, "1.1");
    size_t n = 0, count = 0;
    sent s = { 0 };

    n += (size_t)snprintf(text + n, sizeof text - n, "[{\"bn\":\"/3/0/9\",\"bt\":1700000000,\"v\":0}");
    while (n < sizeof text - 32) {
        count++;
        n += (size_t)snprintf(text + n, sizeof text - n, ",{\"v\":%zu,\"t\":%zu}", count % 101, count);
    }
    snprintf(text + n, sizeof text - n, "]");
    assert_int_equal(peer_dp(p, 110, tsr_text(text), false), TSR_COAP_CHANGED);
    assert_int_equal(tsr_server_events(h->server, 0, 1000, "dev1", look_at_sent, &s, NULL), TSR_OK);
    assert_int_equal(s.values, count + 1);
    assert_int_equal(s.last, count % 101);
    peer_close(p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, house_up, house_down)
    const struct CMUnitTest tests[] = {
        T(test_read_composite),
        T(test_composite_formats_are_found),
        T(test_composite_formats_follow_the_root_link),
        T(test_write_composite),
        T(test_composite_requests_are_checked),
        T(test_observe_composite_survives_restart),
        T(test_observe_composite_is_renewed),
        T(test_send_is_kept_before_it_is_acknowledged),
        T(test_send_keeps_the_times_of_values),
        T(test_send_that_is_no_good_is_refused),
        T(test_send_of_many_values_is_several_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
