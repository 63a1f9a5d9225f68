/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that wait durably: Core 6.2.1 (queue mode), Transport 6.5. */
#include "tests/server/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

typedef struct {
    tsr_server_queued q;
    char endpoint[64], detail[300], paths[200];
    int64_t value;
    size_t count;
    uint64_t ids[16];
} seen;

static void see(void *arg, const tsr_server_queued *q)
{
    seen *s = arg;

    s->q = *q;
    snprintf(s->endpoint, sizeof s->endpoint, "%s", q->endpoint);
    snprintf(s->detail, sizeof s->detail, "%s", q->result.diagnostic);
    if (q->result.record_count)
        s->value = q->result.records[0].value.as.i;
    tsr_buf paths = tsr_buf_over(s->paths, sizeof s->paths - 1);

    for (size_t i = 0; i < q->path_count; i++) {
        tsr_lwm2m_path_put(&paths, q->paths[i]);
        tsr_put_u8(&paths, ' ');
    }
    s->paths[paths.len] = 0;
    if (s->count < 16)
        s->ids[s->count] = q->id;
    s->count++;
}

static tsr_server_queue_state state_of(house *h, uint64_t id, seen *s)
{
    seen mine = { .count = 0 };

    s = s ? s : &mine;
    *s = (seen){ .count = 0 };
    assert_int_equal(tsr_server_queue_get(h->server, id, see, s), TSR_OK);
    return s->q.state;
}

/* Runs the device until the request is in that state. */
static void expect_state(house *h, test_peer *p, uint64_t id, tsr_server_queue_state state, seen *s)
{
    for (int i = 0; i < 1000 && state_of(h, id, s) != state; i++)
        peer_run(p, 10, NULL);
    assert_int_equal(state_of(h, id, s), state);
}

static tsr_err put(house *h, tsr_server_kind kind, const char *path, const char *text,
                   uint32_t lifetime_s, uint64_t *id)
{
    tsr_server_record record = { at("/1/0/1"), tsr_lwm2m_int(120), 0 };
    tsr_server_request r = { .kind = kind,
                             .endpoint = "dev1",
                             .path = at(path),
                             .text = text,
                             .format = TSR_SERVER_FORMAT_AUTO,
                             .depth = -1 };
    const char *why = "";

    if (kind == TSR_SERVER_WRITE_REPLACE) {
        r.records = &record;
        r.record_count = 1;
    }
    return tsr_server_queue_put(h->server, &r, lifetime_s, id, &why);
}

static uint64_t queue(house *h, tsr_server_kind kind, const char *path, const char *text)
{
    uint64_t id = 0;

    assert_int_equal(put(h, kind, path, text, 0, &id), TSR_OK);
    assert_true(id > 0);
    return id;
}

static char location[64]; /* of its last registration: each answer takes the peer's own */

static void register_it(test_peer *p)
{
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1&b=U&Q"), TSR_COAP_CREATED);
    memcpy(location, p->location, sizeof location);
}

static test_peer *sleeper(house *h)
{
    test_peer *p = peer_open(h->coap, NULL, NULL);

    register_it(p);
    house_expect(h, p, "dev1", TSR_SERVER_EV_OFFLINE, 0);
    return p;
}

/* Also of one that was awake a moment ago: on a busy machine it may sleep by now. */
static void wake(test_peer *p)
{
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
}

static int sleepy_house(void **state)
{
    house *h;

    house_up(state);
    h = *state;
    house_stop(h);
    h->config.awake_ms = 300;
    house_start(h);
    return 0;
}

/* Nothing goes to a device that sleeps; all of it, in order, after what it says next. */
static void test_queued_waits_for_the_device(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    unsigned before = p->requests;
    uint64_t read = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    uint64_t write = queue(h, TSR_SERVER_WRITE_REPLACE, "/1/0/1", NULL);
    uint64_t links = queue(h, TSR_SERVER_DISCOVER, "/3/0", NULL);
    seen s;

    peer_run(p, 200, NULL);
    assert_int_equal(p->requests, before);
    assert_int_equal(state_of(h, read, &s), TSR_SERVER_QUEUED);
    assert_string_equal(s.endpoint, "dev1");
    assert_int_equal(s.q.attempts, 0);
    assert_int_equal(s.q.sent_unix_ms, 0);
    assert_true(s.q.expires_unix_ms == s.q.created_unix_ms + 86400000);
    wake(p);
    expect_state(h, p, links, TSR_SERVER_DONE, &s);
    assert_int_equal(s.q.result.link_count, 3);
    assert_int_equal(state_of(h, write, &s), TSR_SERVER_DONE);
    assert_int_equal(s.q.result.code, TSR_COAP_CHANGED);
    assert_int_equal(p->lifetime, 120);
    assert_int_equal(state_of(h, read, &s), TSR_SERVER_DONE);
    assert_int_equal(s.value, 100);
    assert_int_equal(s.q.attempts, 1);
    assert_true(s.q.finished_unix_ms >= s.q.sent_unix_ms && s.q.sent_unix_ms > 0);
    peer_close(p);
}

/* One that is submitted and waited for keeps its place among those that are queued. */
static void test_queued_and_waited_for_keep_their_order(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t first = queue(h, TSR_SERVER_EXECUTE, "/3/0/4", "1");
    uint64_t last;

    wake(p);
    assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(p->executed, 1);
    expect_state(h, p, first, TSR_SERVER_DONE, NULL);
    last = queue(h, TSR_SERVER_EXECUTE, "/3/0/4", "2");
    wake(p);
    expect_state(h, p, last, TSR_SERVER_DONE, NULL);
    assert_string_equal(p->arguments, "2");
    assert_true(last > first);
    peer_close(p);
}

static void test_queued_survives_the_server_and_new_registrations(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t ids[3], later;
    seen s = { .count = 0 };

    ids[0] = queue(h, TSR_SERVER_EXECUTE, "/3/0/4", "0");
    ids[1] = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    ids[2] = queue(h, TSR_SERVER_EXECUTE, "/3/0/4", "2");
    house_stop(h);
    house_start(h);
    assert_int_equal(tsr_server_queue_list(h->server, "dev1", true, 0, 0, see, &s), TSR_OK);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.ids[0], ids[2]);
    assert_int_equal(s.ids[2], ids[0]);
    peer_run(p, 100, NULL);
    assert_int_equal(p->executed, 0);
    peer_rebind(p);
    register_it(p);
    expect_state(h, p, ids[2], TSR_SERVER_DONE, NULL);
    assert_int_equal(state_of(h, ids[0], NULL), TSR_SERVER_DONE);
    assert_int_equal(state_of(h, ids[1], NULL), TSR_SERVER_DONE);
    assert_int_equal(p->executed, 2);
    assert_string_equal(p->arguments, "2");
    house_stop(h);
    house_start(h);
    later = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    assert_true(later > ids[2]);
    wake(p);
    expect_state(h, p, later, TSR_SERVER_DONE, NULL);
    assert_int_equal(p->executed, 2); /* what was answered is not asked again */
    peer_close(p);
}

/* What was under way when the server ended: a Read is asked again, an Execute is not. */
static void test_queued_in_flight_at_the_end_of_the_server(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t read, execute;
    unsigned executed;
    seen s;

    read = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    p->silent = true;
    wake(p);
    expect_state(h, p, read, TSR_SERVER_SENT, NULL);
    house_stop(h);
    peer_run(p, 50, NULL);
    p->silent = false;
    house_start(h);
    assert_int_equal(state_of(h, read, &s), TSR_SERVER_QUEUED);
    assert_int_equal(s.q.attempts, 1);
    wake(p);
    expect_state(h, p, read, TSR_SERVER_DONE, &s);
    assert_int_equal(s.q.attempts, 2);

    execute = queue(h, TSR_SERVER_EXECUTE, "/3/0/4", "x");
    p->silent = true;
    wake(p);
    expect_state(h, p, execute, TSR_SERVER_SENT, NULL);
    house_stop(h);
    peer_run(p, 50, NULL); /* what is still in its socket is not heard either */
    p->silent = false;
    executed = p->executed;
    house_start(h);
    expect_state(h, p, execute, TSR_SERVER_FAILED, &s);
    assert_non_null(strstr(s.detail, "may have been carried out"));
    wake(p);
    peer_run(p, 300, NULL);
    assert_int_equal(p->executed, executed);
    peer_close(p);
}

static uint64_t queue_composite(house *h, tsr_server_kind kind, const tsr_lwm2m_path *paths,
                                const tsr_server_record *records, size_t count)
{
    tsr_server_request r = { .kind = kind, .endpoint = "dev1", .paths = paths, .records = records,
                             .path_count = paths ? count : 0, .record_count = records ? count : 0,
                             .format = TSR_SERVER_FORMAT_AUTO, .depth = -1 };
    const char *why = "";
    uint64_t id = 0;

    assert_int_equal(tsr_server_queue_put(h->server, &r, 0, &id, &why), TSR_OK);
    return id;
}

static void expect_paths(house *h, uint64_t id, const char *paths)
{
    seen s;

    (void)state_of(h, id, &s);
    assert_int_equal(s.q.path.depth, 0);
    assert_string_equal(s.paths, paths);
}

/* Core 6.3.8, Core 6.3.9, Core 6.4.4: composite requests wait like all others, and over a restart. What they name is
 * told before, after and when they are over. */
static void test_queued_composite_requests(void **state)
{
    static const tsr_lwm2m_path paths[] = { { 3, 0, 9, 0, 3 }, { 1, 0, 1, 0, 3 } };
    static const tsr_lwm2m_path root = { .depth = 0 };
    const tsr_server_record write = { at("/1/0/1"), tsr_lwm2m_int(240), 0 };
    const tsr_server_request bad = { .kind = TSR_SERVER_READ_COMPOSITE, .endpoint = "dev1" };
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t ids[5], none;
    const char *why = "";
    seen s;

    ids[0] = queue_composite(h, TSR_SERVER_WRITE_COMPOSITE, NULL, &write, 1);
    ids[1] = queue_composite(h, TSR_SERVER_READ_COMPOSITE, paths, NULL, 2);
    ids[2] = queue_composite(h, TSR_SERVER_OBSERVE_COMPOSITE, paths, NULL, 2);
    ids[3] = queue_composite(h, TSR_SERVER_CANCEL_COMPOSITE, paths, NULL, 2);
    ids[4] = queue_composite(h, TSR_SERVER_READ_COMPOSITE, &root, NULL, 1);
    expect_paths(h, ids[0], "/1/0/1 ");
    expect_paths(h, ids[1], "/3/0/9 /1/0/1 ");
    expect_paths(h, ids[4], "/ ");
    assert_int_equal(tsr_server_queue_cancel(h->server, ids[4]), TSR_OK);
    assert_int_equal(tsr_server_queue_put(h->server, &bad, 0, &none, &why), TSR_E_ARGUMENT);
    assert_non_null(strstr(why, "a list of paths"));
    house_stop(h);
    house_start(h);
    assert_int_equal(state_of(h, ids[3], &s), TSR_SERVER_QUEUED);
    peer_rebind(p);
    register_it(p);
    expect_state(h, p, ids[3], TSR_SERVER_DONE, &s);
    assert_int_equal(p->lifetime, 240);
    assert_int_equal(state_of(h, ids[1], &s), TSR_SERVER_DONE);
    assert_int_equal(s.q.kind, TSR_SERVER_READ_COMPOSITE);
    assert_int_equal(s.q.result.record_count, 2);
    assert_int_equal(state_of(h, ids[2], &s), TSR_SERVER_DONE);
    assert_int_equal(s.q.result.record_count, 2);
    assert_int_equal(s.q.attempts, 1);
    expect_paths(h, ids[0], "/1/0/1 ");
    expect_paths(h, ids[3], "/3/0/9 /1/0/1 ");
    expect_paths(h, ids[4], "/ ");
    (void)state_of(h, queue(h, TSR_SERVER_READ, "/3/0/9", NULL), &s);
    assert_int_equal(s.q.path_count, 0); /* its path says it */
    assert_int_equal(s.q.path.depth, 3);
    peer_close(p);
}

static void test_queued_is_refused_by_the_device(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t read = queue(h, TSR_SERVER_READ, "/4/0", NULL);
    seen s;

    wake(p);
    expect_state(h, p, read, TSR_SERVER_FAILED, &s);
    assert_int_equal(s.q.result.outcome, TSR_SERVER_ANSWERED);
    assert_int_equal(s.q.result.code, TSR_COAP_NOT_FOUND);
    assert_null(strstr(s.detail, "may have been"));
    peer_close(p);
}

static void test_queued_expires_unsent(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t id, other = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    seen s;

    assert_int_equal(put(h, TSR_SERVER_EXECUTE, "/3/0/4", NULL, 1, &id), TSR_OK);
    expect_state(h, p, id, TSR_SERVER_EXPIRED, &s);
    assert_non_null(strstr(s.detail, "nothing was sent"));
    assert_true(s.q.finished_unix_ms >= s.q.expires_unix_ms);
    wake(p);
    expect_state(h, p, other, TSR_SERVER_DONE, NULL);
    assert_int_equal(p->executed, 0);
    peer_close(p);
}

static void test_queued_is_cancelled(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t waiting = queue(h, TSR_SERVER_EXECUTE, "/3/0/4", "1");
    uint64_t sent = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    uint64_t after = queue(h, TSR_SERVER_DISCOVER, "/3/0", NULL);
    seen s;

    assert_int_equal(tsr_server_queue_cancel(h->server, waiting), TSR_OK);
    assert_int_equal(state_of(h, waiting, &s), TSR_SERVER_CANCELLED);
    assert_int_equal(s.q.attempts, 0);
    assert_int_equal(tsr_server_queue_cancel(h->server, waiting), TSR_E_STATE);
    assert_int_equal(tsr_server_queue_cancel(h->server, 999), TSR_E_NOT_FOUND);
    p->silent = true;
    wake(p);
    expect_state(h, p, sent, TSR_SERVER_SENT, NULL);
    assert_int_equal(tsr_server_queue_cancel(h->server, sent), TSR_OK);
    assert_int_equal(state_of(h, sent, &s), TSR_SERVER_CANCELLED);
    p->silent = false;
    wake(p);
    expect_state(h, p, after, TSR_SERVER_DONE, NULL);
    assert_int_equal(p->executed, 0);
    assert_int_equal(tsr_server_queue_cancel(h->server, after), TSR_E_STATE);
    peer_close(p);
}

static void test_queue_is_bounded(void **state)
{
    house *h = *state;
    test_peer *p;
    uint64_t first, id;

    house_stop(h);
    h->config.queue_device = 2;
    h->config.queue_all = 3;
    house_start(h);
    p = sleeper(h);
    first = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    (void)queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    assert_int_equal(put(h, TSR_SERVER_READ, "/3/0", NULL, 0, &id), TSR_E_SPACE);
    assert_int_equal(tsr_server_queue_cancel(h->server, first), TSR_OK);
    id = queue(h, TSR_SERVER_READ, "/3/0", NULL);
    assert_int_equal(put(h, TSR_SERVER_EXECUTE, "/3/0", NULL, 0, &first), TSR_E_ARGUMENT);
    assert_int_equal(put(h, TSR_SERVER_READ, "/3/0", NULL, 0, &first), TSR_E_SPACE);
    wake(p);
    expect_state(h, p, id, TSR_SERVER_DONE, NULL);
    (void)queue(h, TSR_SERVER_READ, "/3/0/9", NULL);
    peer_close(p);
}

static void test_queue_takes_registered_devices_only(void **state)
{
    house *h = *state;
    uint64_t id;

    assert_int_equal(put(h, TSR_SERVER_READ, "/3/0", NULL, 0, &id), TSR_E_NOT_FOUND);
}

/* A device that answers nothing: a Read goes again at its next sign of life, an Execute never. */
static void test_queued_after_silence(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t read = queue(h, TSR_SERVER_READ, "/3/0/9", NULL), execute;
    seen s;

    p->silent = true;
    wake(p);
    expect_state(h, p, read, TSR_SERVER_SENT, NULL);
    /* Its registration ends, and with it the exchange. */
    assert_int_equal(tsr_server_drop(h->server, "dev1"), TSR_OK);
    assert_int_equal(state_of(h, read, NULL), TSR_SERVER_QUEUED);
    p->silent = false;
    register_it(p);
    expect_state(h, p, read, TSR_SERVER_DONE, NULL);
    execute = queue(h, TSR_SERVER_EXECUTE, "/3/0/4", NULL);
    p->silent = true;
    wake(p);
    expect_state(h, p, execute, TSR_SERVER_SENT, NULL);
    assert_int_equal(tsr_server_drop(h->server, "dev1"), TSR_OK);
    expect_state(h, p, execute, TSR_SERVER_FAILED, &s);
    assert_non_null(strstr(s.detail, "may have been carried out"));
    peer_close(p);
}

static void test_queued_tells_its_states(void **state)
{
    house *h = *state;
    test_peer *p = sleeper(h);
    uint64_t id = queue(h, TSR_SERVER_READ, "/3/0/9", NULL);

    wake(p);
    expect_state(h, p, id, TSR_SERVER_DONE, NULL);
    for (int i = 0; i < 1000 && house_count_events(h, "dev1", TSR_SERVER_EV_REQUEST) < 3; i++)
        peer_run(p, 10, NULL);
    assert_int_equal(house_count_events(h, "dev1", TSR_SERVER_EV_REQUEST), 3);
    assert_string_equal(tsr_server_event_name(TSR_SERVER_EV_REQUEST), "request");
    peer_close(p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, sleepy_house, house_down)
    const struct CMUnitTest tests[] = {
        T(test_queued_waits_for_the_device),
        T(test_queued_and_waited_for_keep_their_order),
        T(test_queued_survives_the_server_and_new_registrations),
        T(test_queued_in_flight_at_the_end_of_the_server),
        T(test_queued_composite_requests),
        T(test_queued_is_refused_by_the_device),
        T(test_queued_expires_unsent),
        T(test_queued_is_cancelled),
        T(test_queue_is_bounded),
        T(test_queue_takes_registered_devices_only),
        T(test_queued_after_silence),
        T(test_queued_tells_its_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
