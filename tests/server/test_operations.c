/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on a device, observations and events, over plain CoAP. */
#include "tests/server/house.h"
#include "tessera/lwm2m/format/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

static test_peer *device(house *h, const char *version)
{
    test_peer *p = peer_open(h->coap, NULL, NULL);
    char queries[64];

    snprintf(queries, sizeof queries, "ep=dev1&lt=300&lwm2m=%s&b=U", version);
    assert_int_equal(peer_register(p, queries), TSR_COAP_CREATED);
    return p;
}

static tsr_server_request request(tsr_server_kind kind, const char *path)
{
    return (tsr_server_request){ .kind = kind,
                                 .endpoint = "dev1",
                                 .path = at(path),
                                 .format = TSR_SERVER_FORMAT_AUTO,
                                 .depth = -1 };
}

/* LwM2M-1.1-int-223, -224, -232: Read of an instance and a resource in SenML CBOR. Core 6.3.1 */
static void test_read_instance_and_resource(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");

    assert_int_equal(house_read(h, p, "dev1", "/3/0"), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CONTENT);
    assert_int_equal(h->format, 112);
    assert_int_equal(h->record_count, 2);
    assert_true(tsr_lwm2m_path_same(h->first.path, at("/3/0/0")));
    assert_int_equal(h->first.value.type, TSR_LWM2M_STRING);
    assert_memory_equal(h->bytes, "Tessera", 7);
    assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(h->first.value.type, TSR_LWM2M_INTEGER);
    assert_int_equal(h->first.value.as.i, 100);
    peer_close(p);
}

/* LwM2M-1.1-int-203: a 1.0 device is asked for TLV, whose types the model supplies. */
static void test_read_1_0_in_tlv(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.0");

    assert_int_equal(house_read(h, p, "dev1", "/3/0"), TSR_SERVER_ANSWERED);
    assert_int_equal(h->format, 11542);
    assert_int_equal(h->record_count, 2);
    assert_int_equal(h->first.value.type, TSR_LWM2M_STRING);
    peer_close(p);
}

static bool answer_in_text(test_peer *p, const tsr_coap_event *e)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = tsr_text("Tessera") };

    assert_int_equal(tsr_coap_respond(&p->coap, e->id, &r, 0), TSR_OK);
    return true;
}

/* Text is one value, so it says nothing of an instance; without a Content-Format it is text. */
static void test_text_is_no_instance(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");

    p->on_request = answer_in_text;
    assert_int_equal(house_read(h, p, "dev1", "/3/0"), TSR_SERVER_UNDECODABLE);
    assert_int_equal(h->record_count, 0);
    assert_int_equal(house_read(h, p, "dev1", "/3/0/0"), TSR_SERVER_ANSWERED);
    assert_memory_equal(h->bytes, "Tessera", 7);
    peer_close(p);
}

/* LwM2M-1.1-int-201, -231: a format that is asked for; and one that only the device can. */
static void test_read_formats_chosen_and_found(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_request r = request(TSR_SERVER_READ, "/3/0/9");

    r.format = 110;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->format, 110);
    p->only_format = 11542;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_NOT_ACCEPTABLE); /* it was asked for: no other is tried */
    r.format = TSR_SERVER_FORMAT_AUTO;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CONTENT);
    assert_int_equal(h->format, 11542);
    assert_int_equal(h->first.value.as.i, 100);
    peer_close(p);
}

static void test_read_of_what_is_not_there(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");

    assert_int_equal(house_read(h, p, "dev1", "/4/0"), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_NOT_FOUND);
    assert_int_equal(h->record_count, 0);
    assert_int_equal(house_read(h, p, "nobody", "/3/0"), TSR_SERVER_NOT_REGISTERED);
    peer_close(p);
}

/* LwM2M-1.1-int-260: Discover, with attributes. Core 6.3.2 */
static void test_discover_gives_links_and_attributes(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");

    assert_int_equal(house_operate(h, p, request(TSR_SERVER_DISCOVER, "/3/0")),
                     TSR_SERVER_ANSWERED);
    assert_string_equal(h->links, "/3/0;pmin=10 /3/0/0 /3/0/9;pmax=60;dim=2 ");
    peer_close(p);
}

/* LwM2M-1.1-int-226, -227, -256: Write of an instance and a resource; a refusal. Core 6.3.3 */
static void test_write_instance_and_resource(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_record record = { at("/1/0/1"), tsr_lwm2m_int(120), 0 };
    tsr_server_request r = request(TSR_SERVER_WRITE_UPDATE, "/1/0");

    r.records = &record;
    r.record_count = 1;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CHANGED);
    assert_int_equal(p->lifetime, 120);
    r = request(TSR_SERVER_WRITE_REPLACE, "/1/0/1");
    record.value = tsr_lwm2m_int(60);
    r.records = &record;
    r.record_count = 1;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(p->lifetime, 60);
    r.path = record.path = at("/3/0/0");
    record.value = tsr_lwm2m_text(tsr_text("x"));
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_METHOD_NOT_ALLOWED);
    peer_close(p);
}

static void test_write_in_every_format(void **state)
{
    static const uint16_t formats[] = { 0, 60, 110, 112, 11542, 11544 };
    house *h = *state;
    test_peer *p = device(h, "1.2");

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        tsr_server_record record = { at("/1/0/1"), tsr_lwm2m_int(100 + (int64_t)i), 0 };
        tsr_server_request r = request(TSR_SERVER_WRITE_REPLACE, "/1/0/1");

        r.records = &record;
        r.record_count = 1;
        r.format = formats[i];
        h->done = false;
        house_operate(h, p, r);
        assert_int_equal(h->outcome, TSR_SERVER_ANSWERED);
        assert_int_equal(h->code, TSR_COAP_CHANGED);
        assert_int_equal(p->lifetime, 100 + i);
    }
    peer_close(p);
}

/* LwM2M-1.1-int-1630, -1635: Create and Delete; Core 6.3.6, 6.3.7. Without an instance id the
 * server names the first that is free. */
static void test_create_and_delete(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_record record = { at("/3/0/13"), tsr_lwm2m_time(1), 0 };
    tsr_server_request r = request(TSR_SERVER_CREATE, "/3");

    record.path.instance = TSR_LWM2M_NO_ID;
    r.records = &record;
    r.record_count = 1;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CREATED);
    assert_string_equal(h->location, "/3/1"); /* /3/0 was announced */
    assert_int_equal(house_operate(h, p, request(TSR_SERVER_DELETE, "/3/1")), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_DELETED);
    assert_int_equal(house_operate(h, p, request(TSR_SERVER_DELETE, "/3/1/0")),
                     TSR_SERVER_BAD_REQUEST);
    peer_close(p);
}

/* LwM2M-1.1-int-241 (the request): Execute with arguments. Core 6.3.5 */
static void test_execute_with_arguments(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_request r = request(TSR_SERVER_EXECUTE, "/3/0/4");

    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CHANGED);
    assert_string_equal(p->arguments, "");
    r.text = "0='a',1";
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_string_equal(p->arguments, "0='a',1");
    assert_int_equal(p->executed, 2);
    r.path = at("/3/0");
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_BAD_REQUEST);
    peer_close(p);
}

static void test_write_attributes_go_as_queries(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_request r = request(TSR_SERVER_WRITE_ATTRIBUTES, "/3/0/9");

    r.text = "pmin=5&pmax=60&gt";
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CHANGED);
    assert_string_equal(p->attributes, "pmin=5;pmax=60;gt;");
    peer_close(p);
}

static void test_silent_device_times_out(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_request r = request(TSR_SERVER_READ, "/3/0");
    tsr_server_registration *d;

    p->silent = true;
    r.timeout_ms = 300;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_TIMEOUT);
    p->silent = false;
    assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(tsr_server_find(h->server, "dev1", &d), TSR_OK);
    assert_true(d->online);
    tsr_server_registration_free(d);
    peer_close(p);
}

typedef struct {
    int answers, order[40];
} many;

static void count_answer(void *arg, const tsr_server_result *r)
{
    many *m = arg;

    m->order[m->answers] = (int)r->outcome;
    __atomic_add_fetch(&m->answers, 1, __ATOMIC_RELEASE);
}

/* RFC 7252 §4.7: one request at a time; the others wait, and too many are turned away. */
static void test_requests_queue_one_by_one(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_request r = request(TSR_SERVER_READ, "/3/0/9");
    many m = { 0 };
    int busy = 0;

    for (int i = 0; i < 40; i++)
        assert_int_equal(tsr_server_submit(h->server, &r, count_answer, &m), TSR_OK);
    for (int i = 0; i < 3000 && __atomic_load_n(&m.answers, __ATOMIC_ACQUIRE) < 40; i++)
        peer_run(p, 10, NULL);
    assert_int_equal(m.answers, 40);
    for (int i = 0; i < 40; i++)
        busy += m.order[i] == TSR_SERVER_BUSY;
    assert_in_range(busy, 1, 8);
    assert_int_equal(p->requests, 40 - busy);
    peer_close(p);
}

/* LwM2M-1.1-int-109: requests for a sleeping device wait until it speaks. Transport 6.5 */
static void test_queue_mode_holds_requests(void **state)
{
    house *h = *state;
    test_peer *p;
    tsr_server_request r = request(TSR_SERVER_READ, "/3/0/9");
    uint64_t offline;
    char location[64];
    many m = { 0 };

    house_stop(h);
    h->config.awake_ms = 300;
    house_start(h);
    p = peer_open(h->coap, NULL, NULL);
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1&b=U&Q"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    offline = house_expect(h, p, "dev1", TSR_SERVER_EV_OFFLINE, 0);
    assert_int_equal(tsr_server_submit(h->server, &r, count_answer, &m), TSR_OK);
    peer_run(p, 400, NULL);
    assert_int_equal(p->requests, 0);
    assert_int_equal(m.answers, 0);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
    for (int i = 0; i < 1000 && !__atomic_load_n(&m.answers, __ATOMIC_ACQUIRE); i++)
        peer_run(p, 10, NULL);
    assert_int_equal(m.answers, 1);
    assert_int_equal(m.order[0], TSR_SERVER_ANSWERED);
    house_expect(h, p, "dev1", TSR_SERVER_EV_ONLINE, offline);
    peer_close(p);
}

static void test_request_ends_with_the_registration(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    tsr_server_request r = request(TSR_SERVER_READ, "/3/0/9");
    many m = { 0 };

    p->silent = true;
    assert_int_equal(tsr_server_submit(h->server, &r, count_answer, &m), TSR_OK);
    assert_int_equal(tsr_server_submit(h->server, &r, count_answer, &m), TSR_OK);
    peer_run(p, 50, NULL);
    assert_int_equal(peer_request(p, TSR_COAP_DELETE, p->location, "", NULL), TSR_COAP_DELETED);
    for (int i = 0; i < 1000 && __atomic_load_n(&m.answers, __ATOMIC_ACQUIRE) < 2; i++)
        peer_run(p, 10, NULL);
    assert_int_equal(m.answers, 2);
    assert_int_equal(m.order[0], TSR_SERVER_GONE);
    assert_int_equal(m.order[1], TSR_SERVER_GONE);
    peer_close(p);
}

/* --- observation ------------------------------------------------------------------------ */

static void observe(house *h, test_peer *p)
{
    assert_int_equal(house_operate(h, p, request(TSR_SERVER_OBSERVE, "/3/0/9")),
                     TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_CONTENT);
}

typedef struct {
    int count;
    tsr_server_observation last;
} seen_observations;

static void see_observation(void *arg, const tsr_server_observation *o)
{
    seen_observations *s = arg;

    s->count++;
    s->last = *o;
}

typedef struct {
    unsigned count;
    int64_t values[32];
} seen_values;

static void see_value(void *arg, const tsr_server_record *r, int64_t received)
{
    seen_values *s = arg;

    assert_true(received > 0);
    s->values[s->count++ % 32] = r->value.as.i;
}

static void see_notification(void *arg, const tsr_server_event *e)
{
    seen_values *s = arg;

    if (e->type != TSR_SERVER_EV_NOTIFICATION)
        return;
    assert_true(e->has_path);
    assert_true(tsr_lwm2m_path_same(e->path, at("/3/0/9")));
    assert_int_equal(e->record_count, 1);
    s->values[s->count++ % 32] = e->records[0].value.as.i;
}

/* LwM2M-1.1-int-301: Observe and Notify; LwM2M-1.1-int-302: Cancel. Core 6.4 */
static void test_observe_notify_cancel(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    seen_observations o = { 0 };
    seen_values e = { 0 }, v = { 0 }, last = { 0 };
    uint64_t after;

    observe(h, p);
    assert_int_equal(tsr_server_observations(h->server, "dev1", see_observation, &o), TSR_OK);
    assert_int_equal(o.count, 1);
    assert_true(o.last.active);
    after = tsr_server_event_last(h->server);
    for (int i = 0; i < 3; i++) {
        p->battery = 90 - i;
        peer_notify(p, i == 1);
        peer_run(p, 50, NULL);
    }
    for (int i = 0; i < 1000 && e.count < 3; i++) {
        e.count = 0;
        peer_run(p, 10, NULL);
        tsr_server_events(h->server, after, 100, "dev1", see_notification, &e, NULL);
    }
    assert_int_equal(e.count, 3);
    assert_int_equal(e.values[0], 90);
    assert_int_equal(e.values[2], 88);
    assert_int_equal(tsr_server_values(h->server, "dev1", at("/3"), see_value, &last), TSR_OK);
    assert_int_equal(last.count, 1);
    assert_int_equal(last.values[0], 88);
    assert_int_equal(tsr_server_history(h->server, "dev1", at("/3/0/9"), 0, 0, see_value, &v),
                     TSR_OK);
    assert_int_equal(v.count, 4); /* the answer to Observe, and three notifications */
    assert_int_equal(v.values[0], 100);
    assert_int_equal(v.values[3], 88);

    assert_int_equal(house_operate(h, p, request(TSR_SERVER_CANCEL_OBSERVE, "/3/0/9")),
                     TSR_SERVER_ANSWERED);
    assert_int_equal(p->observe_token_len, 0);
    o.count = 0;
    assert_int_equal(tsr_server_observations(h->server, "dev1", see_observation, &o), TSR_OK);
    assert_int_equal(o.count, 0);
    house_expect(h, p, "dev1", TSR_SERVER_EV_OBSERVE_ENDED, after);
    assert_int_equal(house_operate(h, p, request(TSR_SERVER_CANCEL_OBSERVE, "/3/0/9")),
                     TSR_SERVER_BAD_REQUEST);
    peer_close(p);
}

static void test_observe_of_what_is_not_there_leaves_nothing(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    seen_observations o = { 0 };

    assert_int_equal(house_operate(h, p, request(TSR_SERVER_OBSERVE, "/4/0")), TSR_SERVER_ANSWERED);
    assert_int_equal(h->code, TSR_COAP_NOT_FOUND);
    assert_int_equal(tsr_server_observations(h->server, "dev1", see_observation, &o), TSR_OK);
    assert_int_equal(o.count, 0);
    p->silent = true;

    tsr_server_request r = request(TSR_SERVER_OBSERVE, "/3/0");

    r.timeout_ms = 200;
    assert_int_equal(house_operate(h, p, r), TSR_SERVER_TIMEOUT);
    assert_int_equal(tsr_server_observations(h->server, "dev1", see_observation, &o), TSR_OK);
    assert_int_equal(o.count, 0);
    peer_close(p);
}

/* A server's restart is not seen by the device: its notifications find the same token. */
static void test_observation_survives_restart(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    seen_values e = { 0 };
    uint64_t after;

    observe(h, p);
    house_stop(h);
    house_start(h);
    after = tsr_server_event_last(h->server);
    p->battery = 55;
    peer_notify(p, true);
    house_expect(h, p, "dev1", TSR_SERVER_EV_NOTIFICATION, after);
    tsr_server_events(h->server, after, 100, "dev1", see_notification, &e, NULL);
    assert_int_equal(e.values[0], 55);
    assert_int_equal(p->notify_rejected, 0);
    assert_int_equal(p->observe_requests, 1);
    peer_close(p);
}

/* Keeps the store's only thread from committing. */
typedef struct {
    pthread_mutex_t lock;
    atomic_bool stuck;
} stopper;

static void wait_here(void *arg, tsr_err err)
{
    stopper *s = arg;

    (void)err;
    atomic_store(&s->stuck, true);
    pthread_mutex_lock(&s->lock);
    pthread_mutex_unlock(&s->lock);
}

static void stop_store(house *h, stopper *s)
{
    const tsr_store_event row = { .endpoint = "", .body = tsr_text("") };

    pthread_mutex_lock(&s->lock);
    assert_int_equal(tsr_store_put_event(tsr_server_store(h->server), &row, wait_here, s), TSR_OK);
    while (!atomic_load(&s->stuck))
        sched_yield();
}

/* What a device holds for delivered is on the disk: RFC 7252 §4.2 lets the ACK be late, and what comes
 * meanwhile again (after ACK_TIMEOUT) gets nothing. */
static void test_notification_is_acknowledged_when_it_is_stored(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    stopper s = { .lock = PTHREAD_MUTEX_INITIALIZER };
    uint64_t after;

    observe(h, p);
    after = tsr_server_event_last(h->server);
    p->coap.config.params.ack_timeout_ms = 300;
    stop_store(h, &s);
    p->battery = 42;
    peer_notify(p, true);
    peer_run(p, 1200, NULL);
    assert_true(p->coap.stats.retransmitted >= 1);
    assert_false(p->notify_acked);
    pthread_mutex_unlock(&s.lock);
    peer_run(p, PEER_PATIENCE_MS, &p->notify_acked);
    assert_true(p->notify_acked);
    (void)house_expect(h, p, "dev1", TSR_SERVER_EV_NOTIFICATION, after);
    assert_int_equal(house_count_events(h, "dev1", TSR_SERVER_EV_NOTIFICATION), 1);
    peer_close(p);
}

/* Core 6.2.1: a new Register ends observations on the device; the server asks for them anew,
 * also when the device came to another shard. */
static void test_observation_is_renewed_after_register(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");

    observe(h, p);
    house_expect(h, p, "dev1", TSR_SERVER_EV_OBSERVING, 0);
    for (int i = 0; i < 6; i++) {
        uint64_t after = tsr_server_event_last(h->server);
        seen_observations o = { 0 };

        peer_rebind(p);
        p->observe_token_len = 0;
        assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
        house_expect(h, p, "dev1", TSR_SERVER_EV_OBSERVING, after);
        assert_int_equal(tsr_server_observations(h->server, "dev1", see_observation, &o), TSR_OK);
        assert_int_equal(o.count, 1);
        assert_true(o.last.active);
        assert_int_equal(p->observe_token_len, 8);
        p->battery--;
        peer_notify(p, true);
        house_expect(h, p, "dev1", TSR_SERVER_EV_NOTIFICATION, after);
        peer_run(p, PEER_PATIENCE_MS, &p->notify_acked);
    }
    assert_int_equal(p->observe_requests, 7);
    peer_close(p);
}

static void test_observations_end_when_told_to_forget(void **state)
{
    house *h = *state;
    test_peer *p;
    seen_observations o = { 0 };

    house_stop(h);
    h->config.forget_observations = true;
    house_start(h);
    p = device(h, "1.1");
    observe(h, p);
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    peer_run(p, 100, NULL);
    assert_int_equal(tsr_server_observations(h->server, "dev1", see_observation, &o), TSR_OK);
    assert_int_equal(o.count, 0);
    assert_int_equal(p->observe_requests, 1);
    p->observe_token_len = 8;
    peer_notify(p, true); /* of the old token: rejected, RFC 7641 §3.6 */
    house_run_until(p, &p->notify_rejected, 1);
    peer_close(p);
}

static void test_observation_moves_with_the_device(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    char location[64];

    snprintf(location, sizeof location, "%s", p->location);
    observe(h, p);
    for (int i = 0; i < 6; i++) {
        uint64_t after = tsr_server_event_last(h->server);

        peer_rebind(p);
        assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
        p->battery--;
        peer_notify(p, true);
        house_expect(h, p, "dev1", TSR_SERVER_EV_NOTIFICATION, after);
        peer_run(p, PEER_PATIENCE_MS, &p->notify_acked); /* or it would be repeated from elsewhere */
        assert_int_equal(p->notify_rejected, 0);
    }
    peer_close(p);
}

/* --- events ----------------------------------------------------------------------------- */

static void see_ids(void *arg, const tsr_server_event *e)
{
    uint64_t *last = arg;

    assert_true(e->id > *last);
    *last = e->id;
}

static void count_wake(void *arg) { __atomic_add_fetch((int *)arg, 1, __ATOMIC_RELEASE); }

static void test_events_resume_over_a_restart(void **state)
{
    house *h = *state;
    test_peer *p = device(h, "1.1");
    uint64_t last = 0, next = 0, before;
    tsr_server_subscription *sub;
    int wakes = 0;

    house_expect(h, p, "dev1", TSR_SERVER_EV_REGISTERED, 0);
    sub = tsr_server_subscribe(h->server, count_wake, &wakes);
    assert_int_equal(house_read(h, p, "dev1", "/3/0"), TSR_SERVER_ANSWERED);
    house_expect(h, p, "dev1", TSR_SERVER_EV_RESPONSE, 0);
    assert_true(__atomic_load_n(&wakes, __ATOMIC_ACQUIRE) > 0);
    tsr_server_unsubscribe(sub);
    before = tsr_server_event_last(h->server);
    assert_int_equal(tsr_server_events(h->server, 0, 1, NULL, see_ids, &last, &next), TSR_OK);
    assert_int_equal(last, 1);
    assert_int_equal(next, 1);
    assert_int_equal(tsr_server_events(h->server, next, 100, "nobody", see_ids, &last, &next),
                     TSR_OK);
    assert_int_equal(next, before); /* nothing for that reader, and no need to look there again */
    assert_int_equal(tsr_server_events_wait(h->server, before, 20), TSR_END);
    assert_int_equal(tsr_server_events_wait(h->server, before - 1, 20), TSR_OK);
    house_stop(h);
    house_start(h);
    assert_true(tsr_server_event_last(h->server) >= before);
    last = 0;
    assert_int_equal(tsr_server_events(h->server, 0, 100, NULL, see_ids, &last, NULL), TSR_OK);
    assert_true(last >= before);
    assert_int_equal(house_read(h, p, "dev1", "/3/0"), TSR_SERVER_ANSWERED);
    house_expect(h, p, "dev1", TSR_SERVER_EV_RESPONSE, before);
    peer_close(p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, house_up, house_down)
    const struct CMUnitTest tests[] = {
        T(test_read_instance_and_resource),
        T(test_read_1_0_in_tlv),
        T(test_read_formats_chosen_and_found),
        T(test_text_is_no_instance),
        T(test_read_of_what_is_not_there),
        T(test_discover_gives_links_and_attributes),
        T(test_write_instance_and_resource),
        T(test_write_in_every_format),
        T(test_create_and_delete),
        T(test_execute_with_arguments),
        T(test_write_attributes_go_as_queries),
        T(test_silent_device_times_out),
        T(test_requests_queue_one_by_one),
        T(test_queue_mode_holds_requests),
        T(test_request_ends_with_the_registration),
        T(test_observe_notify_cancel),
        T(test_observe_of_what_is_not_there_leaves_nothing),
        T(test_observation_survives_restart),
        T(test_notification_is_acknowledged_when_it_is_stored),
        T(test_observation_is_renewed_after_register),
        T(test_observations_end_when_told_to_forget),
        T(test_observation_moves_with_the_device),
        T(test_events_resume_over_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
