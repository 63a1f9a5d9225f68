/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers of one engine, one of datagrams and two that are streams (tessera/coap/streams.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tessera/coap/streams.h"

enum { STREAMS = 2, DATAGRAMS = 2, PEERS = 3 }; /* peers 0 and 1 are streams */

static struct {
    tsr_coap coap;
    tsr_coap_streams streams;
    tsr_coap_stream stream[STREAMS], far[STREAMS];
    void *memory, *stream_memory[STREAMS], *far_memory[STREAMS];
    uint64_t now_ms;
    tsr_coap_event event;
} t;

static tsr_coap_stream *at(void *user, tsr_coap_peer peer)
{
    (void)user;
    return peer < STREAMS ? &t.stream[peer] : NULL;
}

static void *place(tsr_coap_stream *s, tsr_coap_peer peer)
{
    tsr_coap_stream_config c = { .peer = peer, .exchanges = 8, .exchange_len = 256, .bodies = 2,
                                 .body_len = 2048, .message_len = 1152, .out_len = 4096,
                                 .watches = 2, .watch_len = 64, .seed = 3 + peer };
    size_t len = tsr_coap_stream_memory(&c);
    void *memory = calloc(1, len);

    assert_int_equal(tsr_coap_stream_init(s, &c, memory, len), TSR_OK);
    return memory;
}

static int set_up(void **state)
{
    tsr_coap_config c = { .peers = PEERS, .exchanges = 8, .exchange_len = 256, .bodies = 2,
                          .body_len = 2048, .seen = 16, .log_len = 2048, .watches = 2, .seed = 5 };
    size_t len = tsr_coap_memory(&c);

    (void)state;
    memset(&t, 0, sizeof t);
    t.memory = calloc(1, len);
    assert_int_equal(tsr_coap_init(&t.coap, &c, t.memory, len), TSR_OK);
    t.streams.at = at;
    assert_int_equal(tsr_coap_streams_set(&t.coap, &t.streams), TSR_OK);
    for (size_t i = 0; i < STREAMS; i++) {
        t.stream_memory[i] = place(&t.stream[i], (tsr_coap_peer)i);
        t.far_memory[i] = place(&t.far[i], 0);
        assert_int_equal(tsr_coap_streams_open(&t.coap, (tsr_coap_peer)i, 0), TSR_OK);
        assert_int_equal(tsr_coap_stream_open(&t.far[i], 0), TSR_OK);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAMS; i++) {
        free(t.stream_memory[i]);
        free(t.far_memory[i]);
    }
    free(t.memory);
    return 0;
}

/* Bytes of the far end of a stream to the engine; true: an event waits in t.event. */
static bool to_near(tsr_coap_peer peer)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes in;

    (void)tsr_coap_stream_poll(&t.far[peer], &out, t.now_ms);
    in = tsr_buf_view(&out);
    while (in.len != 0) {
        assert_int_equal(tsr_coap_streams_feed(&t.coap, peer, &in, t.now_ms), TSR_OK);
        if (tsr_coap_event_next(&t.coap, &t.event)) {
            assert_int_equal(in.len, 0);
            return true;
        }
    }
    return false;
}

/* And back; true: the far end has an event in t.event. */
static bool to_far(tsr_coap_peer peer)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes in;

    (void)tsr_coap_streams_poll(&t.coap, peer, &out, t.now_ms);
    in = tsr_buf_view(&out);
    while (in.len != 0)
        assert_int_equal(tsr_coap_stream_feed(&t.far[peer], &in, t.now_ms), TSR_OK);
    return tsr_coap_stream_event_next(&t.far[peer], &t.event);
}

static void begin(void)
{
    for (tsr_coap_peer i = 0; i < STREAMS; i++) {
        assert_false(to_near(i));
        assert_false(to_far(i));
    }
}

static tsr_coap_id ask(tsr_coap_peer peer, uint64_t user)
{
    tsr_coap_request r = { .method = TSR_COAP_GET, .path = "/a", .user = user };
    tsr_coap_id id;

    assert_int_equal(tsr_coap_request_send(&t.coap, peer, &r, t.now_ms, &id), TSR_OK);
    return id;
}

static void far_answers(tsr_coap_peer peer, const char *text)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = tsr_text(text) };

    assert_true(to_far(peer));
    assert_int_equal(t.event.kind, TSR_COAP_REQUEST);
    assert_int_equal(tsr_coap_stream_respond(&t.far[peer], t.event.id, &r, t.now_ms), TSR_OK);
}

static void test_streams_tell_their_exchanges_apart(void **state)
{
    tsr_coap_id a, b, c;

    (void)state;
    begin();
    a = ask(0, 10);
    b = ask(1, 11);
    c = ask(DATAGRAMS, 12);
    assert_true(a != b && b != c && a != c);
    far_answers(1, "one");
    far_answers(0, "nil");
    assert_true(to_near(0));
    assert_int_equal(t.event.id, a);
    assert_int_equal(t.event.peer, 0);
    assert_int_equal(t.event.user, 10);
    assert_memory_equal(t.event.body.ptr, "nil", 3);
    assert_true(to_near(1));
    assert_int_equal(t.event.id, b);
    assert_int_equal(t.event.peer, 1);
    assert_int_equal(tsr_coap_cancel(&t.coap, a), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_coap_cancel(&t.coap, c), TSR_OK);
}

static tsr_coap_id asked_by(tsr_coap_peer peer)
{
    tsr_coap_request r = { .method = TSR_COAP_GET, .path = "/b" };

    assert_int_equal(tsr_coap_stream_request(&t.far[peer], &r, t.now_ms, NULL), TSR_OK);
    assert_true(to_near(peer));
    assert_int_equal(t.event.kind, TSR_COAP_REQUEST);
    return t.event.id;
}

static void test_streams_answer_by_ticket(void **state)
{
    tsr_coap_response r = { .code = TSR_COAP_CHANGED };
    tsr_coap_id a, b;

    (void)state;
    begin();
    a = asked_by(0);
    b = asked_by(1);
    assert_int_equal(tsr_coap_respond(&t.coap, b, &r, 0), TSR_OK);
    assert_int_equal(tsr_coap_respond(&t.coap, b, &r, 0), TSR_E_NOT_FOUND);
    assert_false(to_far(0));
    assert_true(to_far(1));
    assert_int_equal(t.event.msg->code, TSR_COAP_CHANGED);
    assert_int_equal(tsr_coap_cancel(&t.coap, a), TSR_OK);
    assert_int_equal(tsr_coap_respond(&t.coap, a, &r, 0), TSR_E_NOT_FOUND);
}

/* An answer to a request of an earlier connection must not reach a later one, whose memory may be
 * new. */
static void test_streams_never_answer_over_a_later_connection(void **state)
{
    tsr_coap_response r = { .code = TSR_COAP_CHANGED };
    tsr_coap_id old;

    (void)state;
    begin();
    old = asked_by(0);
    tsr_coap_peer_gone(&t.coap, 0);
    tsr_coap_streams_forget(&t.coap, &t.stream[0]);
    free(t.stream_memory[0]);
    t.stream_memory[0] = place(&t.stream[0], 0);
    tsr_coap_stream_closed(&t.far[0]);
    assert_true(tsr_coap_stream_event_next(&t.far[0], &t.event));
    assert_int_equal(tsr_coap_streams_open(&t.coap, 0, 0), TSR_OK);
    assert_int_equal(tsr_coap_stream_open(&t.far[0], 0), TSR_OK);
    assert_false(to_near(0));
    assert_false(to_far(0));
    assert_true(asked_by(0) != old);
    assert_int_equal(tsr_coap_respond(&t.coap, old, &r, 0), TSR_E_NOT_FOUND);
}

/* Several events at once come one after the other, whichever loop reads them. */
static void test_streams_tell_all_that_a_broken_link_ends(void **state)
{
    tsr_coap_id ids[3];

    (void)state;
    begin();
    for (size_t i = 0; i < 3; i++)
        ids[i] = ask(1, i);
    tsr_coap_peer_gone(&t.coap, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_true(tsr_coap_event_next(&t.coap, &t.event));
        assert_int_equal(t.event.kind, TSR_COAP_GONE);
        assert_int_equal(t.event.id, ids[t.event.user]);
    }
    assert_false(tsr_coap_event_next(&t.coap, &t.event));
    assert_int_equal(ask(DATAGRAMS, 9) >> 63, 0);
}

/* RFC 8323 §7.2: a notification is there when the link has taken it. */
static void test_streams_notify(void **state)
{
    tsr_coap_request watch = { .method = TSR_COAP_GET, .path = "/b", .observe = { true, 0 } };
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .observe = { true, 1 } };
    tsr_coap_id id;
    uint8_t token[TSR_COAP_TOKEN_MAX];
    size_t len;

    (void)state;
    begin();
    assert_int_equal(tsr_coap_stream_request(&t.far[0], &watch, 0, NULL), TSR_OK);
    assert_true(to_near(0));
    len = t.event.token.len;
    memcpy(token, t.event.token.ptr, len);
    assert_int_equal(tsr_coap_respond(&t.coap, t.event.id, &r, 0), TSR_OK);
    assert_true(to_far(0));
    r.user = 77;
    assert_int_equal(tsr_coap_notify(&t.coap, 0, tsr_view(token, len), 2, true, &r, 0, &id), TSR_OK);
    assert_true(to_far(0));
    assert_int_equal(t.event.kind, TSR_COAP_NOTIFICATION);
    assert_true(tsr_coap_event_next(&t.coap, &t.event));
    assert_int_equal(t.event.kind, TSR_COAP_ACKED);
    assert_int_equal(t.event.id, id);
    assert_int_equal(t.event.user, 77);
    assert_int_equal(tsr_coap_notify(&t.coap, 0, tsr_view(token, len), 3, false, &r, 0, &id), TSR_OK);
    assert_int_equal(id, 0);
    assert_true(to_far(0));
}

static void test_streams_ping(void **state)
{
    tsr_coap_id id;

    (void)state;
    begin();
    assert_int_equal(tsr_coap_ping(&t.coap, 1, 0, 5, &id), TSR_OK);
    assert_false(to_far(1));
    assert_true(to_near(1));
    assert_int_equal(t.event.kind, TSR_COAP_RESET);
    assert_int_equal(t.event.id, id);
}

static void test_streams_observe_and_forget(void **state)
{
    static const uint8_t token[] = { 7, 7 };
    tsr_coap_request watch = { .method = TSR_COAP_GET, .path = "/b", .observe = { true, 0 },
                               .token = tsr_view(token, sizeof token) };

    (void)state;
    begin();
    assert_int_equal(tsr_coap_observe_adopt(&t.coap, 0, watch.token, NULL, 1), TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_observe_forget(&t.coap, 0, watch.token), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_coap_request_send(&t.coap, 0, &watch, 0, NULL), TSR_OK);
    assert_int_equal(tsr_coap_observe_forget(&t.coap, 0, watch.token), TSR_OK);
}

static void test_streams_refuse_what_is_no_stream(void **state)
{
    (void)state;
    assert_int_equal(tsr_coap_streams_open(&t.coap, DATAGRAMS, 0), TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_streams_open(&t.coap, PEERS, 0), TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_streams_open(&t.coap, 0, 0), TSR_E_STATE);
    t.stream[0].config.peer = 1;
    assert_int_equal(tsr_coap_streams_open(&t.coap, 0, 0), TSR_E_ARGUMENT);
    t.stream[0].config.peer = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_streams_tell_their_exchanges_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_answer_by_ticket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_never_answer_over_a_later_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_streams_tell_all_that_a_broken_link_ends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_streams_notify, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_ping, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_observe_and_forget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_refuse_what_is_no_stream, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
