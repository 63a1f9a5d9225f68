/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/pair.h"

/* ---- requests and responses ---- */

/* RFC 8323 §3.3: several at a time, answered in any order, both ways at once; told apart by token.
 */
static void test_stream_matches_by_token(void **state)
{
    end *e = pair_open_plain();
    tsr_coap_id id[3];
    uint8_t token[3][8];
    tsr_coap_event event;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        id[i] = pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/x", .user = i });
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
        assert_true(tsr_coap_msg_path_is(&e->msg, 0, "/x"));
        memcpy(token[i], e->msg.token.ptr, 8);
    }
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "peer", .path = "/y" }, 0);
    event = pair_event(e, TSR_COAP_REQUEST);
    assert_true(tsr_coap_msg_path_is(event.msg, 0, "/y"));
    for (unsigned i = 3; i-- > 0;) {
        e->msg.token = tsr_view(token[i], 8);
        pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .payload = tsr_view("012" + i, 1) }, 0);

        tsr_coap_event got = pair_event(e, TSR_COAP_RESPONSE);

        assert_true(got.id == id[i] && got.user == i);
        assert_true(tsr_same(got.body, tsr_view("012" + i, 1)));
    }
    pair_say(e, event.id,
             &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = tsr_text("yes") });
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_true(tsr_same(e->msg.token, tsr_text("peer")));
    assert_true(tsr_same(e->msg.payload, tsr_text("yes")));
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), UINT64_MAX);
    pair_free(e);
}

/* RFC 8323 §3.3: the initiator need not wait for the CSM, but for what needs it. */
static void test_stream_sends_before_the_csm(void **state)
{
    tsr_coap_stream_config config = pair_config();
    end *e = pair_end(&config);

    (void)state;
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/small" });
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_PUT,
                                     .path = "/large",
                                     .payload = tsr_view(pair_pattern, 1500) });
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    assert_int_equal(pair_next(e, 0), 0); /* above the base value */
    pair_csm(e, 2000, false);
    assert_int_equal(pair_next(e, 0), TSR_COAP_PUT);
    assert_int_equal(e->msg.payload.len, 1500);
    assert_false(e->msg.block1.set);
    pair_free(e);
}

static void test_stream_times_out(void **state)
{
    tsr_coap_stream_config config = pair_config();
    end *e;
    tsr_coap_id id;

    (void)state;
    config.response_wait_ms = 5000;
    e = pair_open(&config, 0, true);
    id = pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET, .user = 9 });
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), 5000);
    assert_int_equal(pair_next(e, 5000), 0);
    tsr_coap_event event = pair_event(e, TSR_COAP_TIMEOUT);
    assert_true(event.id == id && event.user == 9);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT }, 5001); /* too late is nothing */
    pair_no_event(e);
    assert_int_equal(e->c.stats.ignored, 1);
    pair_free(e);
}

static void test_stream_refuses_bad_arguments(void **state)
{
    static const uint8_t token[9];
    end *e = pair_open_plain();
    tsr_coap_request get = { .method = TSR_COAP_GET, .token = { token, 9 } };
    const tsr_coap_opt backwards[] = { { 2048, { 0 } }, { 2000, { 0 } } };

    (void)state;
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_E_ARGUMENT);
    get.token.len = 2;
    pair_ask(e, &get);
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_E_EXISTS);
    get = (tsr_coap_request){ .method = TSR_COAP_GET, .extra = backwards, .extra_count = 2 };
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_E_ARGUMENT);
    get = (tsr_coap_request){ .method = TSR_COAP_CONTENT };
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_E_ARGUMENT);
    get = (tsr_coap_request){ .method = TSR_COAP_PUT, .payload = tsr_view(pair_pattern, 20001) };
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_E_SPACE);
    get = (tsr_coap_request){ .method = TSR_COAP_GET };
    for (unsigned i = 1; i < 6; i++)
        pair_ask(e, &get);
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_E_SPACE);
    assert_int_equal(tsr_coap_stream_respond(&e->c, 77, &(tsr_coap_response){ .code = 0x45 }, 0),
                     TSR_E_NOT_FOUND);
    assert_int_equal(tsr_coap_stream_cancel(&e->c, 77), TSR_E_NOT_FOUND);
    pair_free(e);
}

static void test_stream_answers_what_it_cannot_hand_over(void **state)
{
    static const struct {
        uint8_t code, answer;
        uint16_t extra;
    } bad[] = {
        { 0x1f, TSR_COAP_METHOD_NOT_ALLOWED, 0 },                             /* RFC 7252 §5.8 */
        { TSR_COAP_GET, TSR_COAP_BAD_OPTION, 2049 },                          /* RFC 7252 §5.4.1 */
        { TSR_COAP_GET, TSR_COAP_PROXYING_NOT_SUPPORTED, TSR_COAP_PROXY_URI } /* RFC 7252 §5.10.2 */
    };
    end *e = pair_open_plain();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pair_send(e, &(raw){ .code = bad[i].code, .token = "t", .extra = bad[i].extra }, 0);
        pair_no_event(e);
        assert_int_equal(pair_next(e, 0), bad[i].answer);
        assert_true(tsr_same(e->msg.token, tsr_text("t")));
    }
    for (unsigned i = 0; i < 6; i++) {
        pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "t" }, 0);
        pair_event(e, TSR_COAP_REQUEST);
    }
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "u" }, 0);
    assert_int_equal(pair_next(e, 0), TSR_COAP_UNAVAILABLE);
    assert_int_equal(e->c.stats.refused, 1);
    pair_free(e);
}

/* RFC 7252 §5.4.1: an unknown critical option in a response; RFC 7959 §2.9.1: 2.31 out of place. */
static void test_stream_fails_bad_responses(void **state)
{
    end *e = pair_open_plain();

    (void)state;
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET });
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .extra = 2049 }, 0);
    assert_int_equal(pair_event(e, TSR_COAP_FAILED).err, TSR_E_UNSUPPORTED);
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET });
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTINUE }, 0);
    assert_int_equal(pair_event(e, TSR_COAP_FAILED).err, TSR_E_MALFORMED);
    pair_free(e);
}

/* RFC 9175 §2.3 */
static void test_stream_echoes_once(void **state)
{
    end *e = pair_open_plain();

    (void)state;
    pair_ask(e, &(tsr_coap_request){
                    .method = TSR_COAP_PUT, .path = "/x", .payload = tsr_view(pair_pattern, 500) });
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pair_next(e, 0), TSR_COAP_PUT);
        assert_int_equal(e->msg.payload.len, 500);
        assert_int_equal(e->msg.echo.len, i * 4);
        pair_send(e, &(raw){ .code = TSR_COAP_UNAUTHORIZED, .echo = tsr_text("now?") }, 0);
    }
    assert_int_equal(pair_event(e, TSR_COAP_RESPONSE).msg->code, TSR_COAP_UNAUTHORIZED);
    pair_free(e);
}

/* ---- observation ---- */

/* RFC 8323 §7.1: the value of Observe counts for nothing; RFC 8323 §7.4: cancelled by a request. */
static void test_stream_observes(void **state)
{
    static const uint32_t values[] = { 9, 3, 0, 3 };
    end *e = pair_open_plain();
    tsr_coap_event event;
    uint8_t token[8];

    (void)state;
    pair_ask(e, &(tsr_coap_request){
                    .method = TSR_COAP_GET, .path = "/t", .observe = { true, 0 }, .user = 4 });
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    assert_true(e->msg.observe.set && e->msg.observe.value == 0);
    memcpy(token, e->msg.token.ptr, 8);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .observe = { true, 7 } }, 0);
    assert_true(pair_event(e, TSR_COAP_RESPONSE).observing);
    for (unsigned i = 0; i < 4; i++) {
        e->msg.token = tsr_view(token, 8);
        pair_send(e,
                  &(raw){ .code = TSR_COAP_CONTENT,
                          .observe = { true, values[i] },
                          .payload = tsr_view("abcd" + i, 1) },
                  0);
        event = pair_event(e, TSR_COAP_NOTIFICATION);
        assert_true(event.observing && event.user == 4 && event.id == 0);
        assert_true(tsr_same(event.token, tsr_view(token, 8)));
        assert_true(tsr_same(event.body, tsr_view("abcd" + i, 1)));
    }
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET,
                                     .path = "/t",
                                     .observe = { true, 1 },
                                     .token = tsr_view(token, 8) });
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    assert_true(e->msg.observe.set && e->msg.observe.value == 1);
    assert_true(tsr_same(e->msg.token, tsr_view(token, 8)));
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT }, 0);
    assert_false(pair_event(e, TSR_COAP_RESPONSE).observing);
    e->msg.token = tsr_view(token, 8);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .observe = { true, 1 } }, 0);
    pair_no_event(e); /* RFC 8323 §7.2: an unknown one is no reason to abort */
    assert_int_equal(e->c.state, TSR_COAP_STREAM_OPEN);
    pair_free(e);
}

/* An observation ends with an error, a notification without Observe, a refusal or a timeout. */
static void test_stream_observation_ends(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        end *e = pair_open_plain();
        uint8_t token[8];

        pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET, .observe = { true, 0 } });
        assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
        memcpy(token, e->msg.token.ptr, 8);
        if (i == 3) {
            pair_next(e, 247000);
            pair_event(e, TSR_COAP_TIMEOUT);
        } else {
            pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .observe = { i != 2, 7 } }, 0);
            assert_int_equal(pair_event(e, TSR_COAP_RESPONSE).observing, i != 2);
        }
        for (unsigned n = 0; n < 2; n++) {
            e->msg.token = tsr_view(token, 8);
            pair_send(e, &(raw){ .code = i == 0 ? TSR_COAP_NOT_FOUND : TSR_COAP_CONTENT }, 0);
            if (i < 2 && n == 0)
                assert_false(pair_event(e, TSR_COAP_NOTIFICATION).observing);
            else
                pair_no_event(e);
        }
        pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET, .observe = { true, 0 } });
        pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET, .observe = { true, 0 } });
        pair_free(e);
    }
}

/* RFC 7959 §2.6, RFC 8323 §6: the rest of a long notification is fetched. */
static void test_stream_fetches_long_notifications(void **state)
{
    end *e = pair_open_bert();
    tsr_coap_event event;
    uint8_t token[8];

    (void)state;
    pair_ask(e,
             &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/t", .observe = { true, 0 } });
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    memcpy(token, e->msg.token.ptr, 8);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .observe = { true, 7 } }, 0);
    pair_event(e, TSR_COAP_RESPONSE);
    e->msg.token = tsr_view(token, 8);
    pair_send(e,
              &(raw){ .code = TSR_COAP_CONTENT,
                      .observe = { true, 8 },
                      .block2 = { true, true, 7, 0 },
                      .payload = tsr_view(pair_pattern, 4096) },
              0);
    pair_no_event(e);
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    assert_true(tsr_coap_msg_path_is(&e->msg, 0, "/t"));
    assert_false(e->msg.observe.set);
    assert_true(e->msg.block2.num == 4 && e->msg.block2.szx == 7);
    pair_send(e,
              &(raw){ .code = TSR_COAP_CONTENT,
                      .block2 = { true, false, 7, 4 },
                      .payload = tsr_view(pair_pattern + 4096, 100) },
              0);
    event = pair_event(e, TSR_COAP_NOTIFICATION);
    assert_true(event.observing && tsr_same(event.token, tsr_view(token, 8)));
    assert_true(tsr_same(event.body, tsr_view(pair_pattern, 4196)));
    pair_free(e);
}

/* One that is still being fetched when a newer one comes is out of date. */
static void test_stream_drops_outdated_notifications(void **state)
{
    end *e = pair_open_plain();
    uint8_t token[8], rest[8];

    (void)state;
    pair_ask(e,
             &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/t", .observe = { true, 0 } });
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    memcpy(token, e->msg.token.ptr, 8);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .observe = { true, 7 } }, 0);
    pair_event(e, TSR_COAP_RESPONSE);
    e->msg.token = tsr_view(token, 8);
    pair_send(e,
              &(raw){ .code = TSR_COAP_CONTENT,
                      .observe = { true, 8 },
                      .block2 = { true, true, 6, 0 },
                      .payload = tsr_view(pair_pattern, 1024) },
              0);
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    memcpy(rest, e->msg.token.ptr, 8);
    e->msg.token = tsr_view(token, 8);
    pair_send(
        e, &(raw){ .code = TSR_COAP_CONTENT, .observe = { true, 9 }, .payload = tsr_text("new") },
        0);
    assert_true(tsr_same(pair_event(e, TSR_COAP_NOTIFICATION).body, tsr_text("new")));
    e->msg.token = tsr_view(rest, 8);
    pair_send(e, &(raw){ .code = TSR_COAP_CONTENT, .block2 = { true, false, 6, 1 } }, 0);
    pair_no_event(e);
    pair_free(e);
}

/* RFC 8323 §7.2: a notification is acknowledged when the link has its last byte. */
static void test_stream_notifies(void **state)
{
    end *e = pair_open_plain();
    tsr_coap_response r = { .code = TSR_COAP_CONTENT,
                            .payload = tsr_view(pair_pattern, 300),
                            .user = 21 };
    tsr_coap_id id;
    tsr_coap_event event;
    uint8_t room[400];
    tsr_buf out;

    (void)state;
    assert_int_equal(tsr_coap_stream_notify(&e->c, tsr_text("tok"), 5, true, &r, 0, &id),
                     TSR_OK);
    out = tsr_buf_over(room, e->c.out_end - e->c.out_at - 1);
    assert_int_equal(tsr_coap_stream_poll(&e->c, &out, 0), TSR_OK);
    pair_no_event(e);
    out = tsr_buf_over(room, sizeof room);
    assert_int_equal(tsr_coap_stream_poll(&e->c, &out, 0), TSR_OK);
    event = pair_event(e, TSR_COAP_ACKED);
    assert_true(event.id == id && event.user == 21);
    assert_int_equal(tsr_coap_stream_notify(&e->c, tsr_text("tok"), 6, false, &r, 0, &id),
                     TSR_OK);
    assert_int_equal(id, 0);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_true(e->msg.observe.set && e->msg.observe.value == 6);
    assert_true(tsr_same(e->msg.token, tsr_text("tok")));
    r.code = TSR_COAP_NOT_FOUND; /* RFC 7641 §4.2 */
    assert_int_equal(tsr_coap_stream_notify(&e->c, tsr_text("tok"), 7, false, &r, 0, NULL),
                     TSR_OK);
    assert_int_equal(pair_next(e, 0), TSR_COAP_NOT_FOUND);
    assert_false(e->msg.observe.set);
    pair_no_event(e);
    pair_free(e);
}

/* RFC 7959 §2.6: the rest of a long one is served from the same bytes, named by the key. */
static void test_stream_serves_the_rest_of_a_notification(void **state)
{
    end *e = pair_open_plain();
    uint64_t key;
    tsr_coap_event event;

    (void)state;
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "o", .path = "/t", .observe = { true, 0 } },
              0);
    event = pair_event(e, TSR_COAP_REQUEST);
    key = event.key;
    pair_say(e, event.id, &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .observe = { true, 1 } });
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_int_equal(
        tsr_coap_stream_notify(&e->c, tsr_text("o"), 2, false,
                               &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                     .key = key,
                                                     .payload = { pair_pattern, 1500 } },
                               0, NULL),
        TSR_OK);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_true(e->msg.block2.more && e->msg.payload.len == 1024);
    pair_send(
        e,
        &(raw){ .code = TSR_COAP_GET, .token = "p", .path = "/t", .block2 = { true, false, 6, 1 } },
        0);
    pair_no_event(e);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_true(tsr_same(e->msg.payload, tsr_view(pair_pattern + 1024, 476)));
    pair_free(e);
}

static void test_stream_device_does_not_observe(void **state)
{
    tsr_coap_stream_config config = pair_config();
    size_t len = tsr_coap_stream_memory(&config);
    void *memory = malloc(len);
    tsr_coap_stream c;

    (void)state;
    assert_int_equal(tsr_coap_stream_init_device(&c, &config, memory, len - 1), TSR_E_SPACE);
    assert_int_equal(tsr_coap_stream_init_device(&c, &config, (uint8_t *)memory + 4, len),
                     TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_stream_init_device(&c, &config, memory, len), TSR_OK);
    assert_int_equal(tsr_coap_stream_open(&c, 0), TSR_OK);
    assert_int_equal(
        tsr_coap_stream_request(
            &c, &(tsr_coap_request){ .method = TSR_COAP_GET, .observe = { true, 0 } }, 0, NULL),
        TSR_E_UNSUPPORTED);
    config.out_len = config.exchange_len + 191;
    assert_int_equal(tsr_coap_stream_memory(&config), 0);
    free(memory);
}

/* ---- room for output ---- */

/* Answers and notifications keep their order while the link is full; nothing is lost. */
static void test_stream_keeps_what_finds_no_room(void **state)
{
    end *e = pair_open_plain();
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = tsr_view(pair_pattern, 900) };
    unsigned sent = 0;

    (void)state;
    while (tsr_coap_stream_notify(&e->c, tsr_text("o"), sent, false, &r, 0, NULL) == TSR_OK) {
        r.payload.ptr++;
        sent++;
    }
    assert_int_equal(sent, 5); /* two in the output, three in bodies */
    r.payload = tsr_view(pair_pattern, 100);
    while (tsr_coap_stream_notify(&e->c, tsr_text("o"), sent, false, &r, 0, NULL) == TSR_OK)
        sent++;
    assert_int_equal(sent, 8); /* and three more in their slots */
    for (unsigned i = 0; i < sent; i++) {
        assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
        assert_int_equal(e->msg.observe.value, i);
        assert_int_equal(e->msg.payload.len, i < 5 ? 900 : 100);
        assert_int_equal(e->msg.payload.ptr[0], pair_pattern[i < 5 ? i : 0]);
    }
    assert_int_equal(pair_next(e, 0), 0);
    pair_free(e);
}

/* A peer that asks and does not read is not read either, until it does. */
static void test_stream_stops_reading_when_output_is_full(void **state)
{
    end *e = pair_open_plain();
    const uint8_t ping[] = { 0x08, TSR_COAP_PING, 1, 2, 3, 4, 5, 6, 7, 8 };
    unsigned taken = 0, pongs = 0;
    tsr_bytes in = { ping, sizeof ping };

    (void)state;
    while (tsr_coap_stream_feed(&e->c, &in, 0) == TSR_OK) {
        assert_int_equal(in.len, 0);
        in = tsr_view(ping, sizeof ping);
        taken++;
        assert_true(taken < 1000);
    }
    assert_int_equal(in.len, 0); /* it is held */
    while (pair_next(e, 0) == TSR_COAP_PONG)
        pongs++;
    assert_int_equal(pongs, taken);
    assert_int_equal(tsr_coap_stream_feed(&e->c, &in, 0), TSR_OK);
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG);
    pair_free(e);
}

/* A link that takes nothing is given up. */
static void test_stream_gives_up_a_stalled_link(void **state)
{
    end *e = pair_open_plain();
    tsr_coap_id id = pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET });
    tsr_buf none = tsr_buf_over(e->room, 0);

    (void)state;
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), 120000);
    assert_int_equal(tsr_coap_stream_poll(&e->c, &none, 119999), TSR_END);
    assert_int_equal(e->c.state, TSR_COAP_STREAM_OPEN);
    assert_int_equal(tsr_coap_stream_poll(&e->c, &none, 120000), TSR_END);
    assert_true(tsr_coap_stream_over(&e->c));
    assert_int_equal(e->c.why, TSR_E_IO);
    assert_true(pair_event(e, TSR_COAP_GONE).id == id);
    pair_free(e);
}

/* ---- both ends ---- */

typedef struct {
    end *server;
    unsigned answered, notified, acked;
    uint8_t observer[8];
    size_t observer_len;
    uint64_t key;
} world;

/* GET /n answers n * 97 bytes of the pattern, PUT /n must bring them; /obs is observed. */
static void on_event(end *e, const tsr_coap_event *event, void *user)
{
    world *w = user;
    size_t len = 0;
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .content_format = { true, 42 } };

    if (event->kind == TSR_COAP_RESPONSE) {
        assert_true(tsr_coap_is_success(event->msg->code));
        len = (size_t)(event->user & 0xffff) * 97;
        if (event->user >> 16 == TSR_COAP_GET)
            assert_true(tsr_same(event->body, tsr_view(pair_pattern, len)));
        w->answered++;
    } else if (event->kind == TSR_COAP_NOTIFICATION) {
        assert_true(tsr_same(event->body, tsr_view(pair_pattern, 97u * 30)));
        w->notified++;
    } else if (event->kind == TSR_COAP_ACKED) {
        w->acked++;
    } else {
        uint16_t id;
        size_t count;

        assert_int_equal(event->kind, TSR_COAP_REQUEST);
        assert_int_equal(tsr_coap_msg_ids(event->msg, 0, &id, 1, &count), TSR_OK);
        len = (size_t)id * 97;
        if (event->msg->observe.set) {
            assert_ptr_equal(e, w->server);
            r.observe = (tsr_coap_num){ true, 1 };
            w->observer_len = event->token.len;
            memcpy(w->observer, event->token.ptr, event->token.len);
            w->key = event->key;
        }
        if (event->msg->code == TSR_COAP_GET)
            r.payload = tsr_view(pair_pattern, len);
        else
            assert_true(tsr_same(event->body, tsr_view(pair_pattern, len)));
        if (event->msg->code != TSR_COAP_GET)
            r = (tsr_coap_response){ .code = TSR_COAP_CHANGED };
        assert_int_equal(tsr_coap_stream_respond(&e->c, event->id, &r, 0), TSR_OK);
    }
}

static void ask_all(end *e, unsigned round, unsigned *asked)
{
    for (unsigned i = 0; i < 3; i++) {
        unsigned n = (round * 13 + i * 7) % 130;
        uint8_t method = (round + i) % 2 != 0 ? TSR_COAP_GET : TSR_COAP_PUT;
        char path[8] = { '/', (char)('0' + n / 100), (char)('0' + n / 10 % 10),
                         (char)('0' + n % 10) };
        char *first = path + 1;
        tsr_coap_request r = { .method = method, .user = (uint64_t)method << 16 | n };

        while (*first == '0' && first[1] != '\0')
            first++;
        r.path = first;
        if (method == TSR_COAP_PUT)
            r.payload = tsr_view(pair_pattern, (size_t)n * 97);
        if (tsr_coap_stream_request(&e->c, &r, 0, NULL) == TSR_OK)
            ++*asked;
    }
}

/* Both sides ask and answer at once, in sizes from nothing to several BERT blocks, over links that
 * take any number of bytes at a time. */
static void run_both(const tsr_coap_stream_config *ca, const tsr_coap_stream_config *cb,
                     size_t most)
{
    end *a = pair_end(ca), *b = pair_end(cb);
    world w = { .server = b };
    unsigned asked = 0, rounds = most == 1 ? 3 : most == 2 ? 6 : 30; /* single bytes take long */

    a->most = b->most = most;
    pair_free(pair_open(ca, 0, true)); /* fills the pattern */
    pair_ask(a, &(tsr_coap_request){ .method = TSR_COAP_GET,
                                     .path = "/30",
                                     .observe = { true, 0 },
                                     .user = (uint64_t)TSR_COAP_GET << 16 | 30 });
    asked++;
    for (unsigned round = 0; round < rounds; round++) {
        ask_all(a, round, &asked);
        ask_all(b, round + 5, &asked);
        pair_run(a, b, 0, on_event, &w);
        assert_int_equal(w.answered, asked);
        assert_int_equal(
            tsr_coap_stream_notify(&b->c, tsr_view(w.observer, w.observer_len), round, true,
                                   &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                         .key = w.key,
                                                         .payload = { pair_pattern, 97u * 30 } },
                                   0, NULL),
            TSR_OK);
        pair_run(a, b, 0, on_event, &w);
        assert_int_equal(w.notified, round + 1);
        assert_int_equal(w.acked, round + 1);
    }
    assert_true(asked > rounds * 4);
    assert_int_equal(a->c.stats.ignored + b->c.stats.ignored, 0);
    assert_int_equal(a->c.stats.in, b->c.stats.out);
    assert_int_equal(b->c.stats.in, a->c.stats.out);
    assert_int_equal(tsr_coap_stream_release(&a->c, NULL, (tsr_coap_num){ 0 }, 0), TSR_OK);
    pair_run(a, b, 0, on_event, &w);
    assert_true(tsr_coap_stream_over(&b->c));
    pair_free(a);
    pair_free(b);
}

/* RFC 8323 */
static void test_stream_both_roles_against_each_other(void **state)
{
    static const size_t mosts[] = { 1, 2, 7, 0, 0, SIZE_MAX };
    tsr_coap_stream_config plain = pair_config(), bert = pair_config(), narrow = pair_config();

    (void)state;
    srand(5);
    plain.bodies = bert.bodies = narrow.bodies = 14;
    plain.exchanges = bert.exchanges = narrow.exchanges = 12;
    bert.message_len = 5376;
    bert.out_len = 12000;
    narrow.message_len = 200;
    narrow.out_len = 500;
    for (size_t i = 0; i < sizeof mosts / sizeof mosts[0]; i++) {
        run_both(&plain, &plain, mosts[i]);
        run_both(&bert, &bert, mosts[i]);
        run_both(&bert, &plain, mosts[i]);
        run_both(&narrow, &bert, mosts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_matches_by_token),
        cmocka_unit_test(test_stream_sends_before_the_csm),
        cmocka_unit_test(test_stream_times_out),
        cmocka_unit_test(test_stream_refuses_bad_arguments),
        cmocka_unit_test(test_stream_answers_what_it_cannot_hand_over),
        cmocka_unit_test(test_stream_fails_bad_responses),
        cmocka_unit_test(test_stream_echoes_once),
        cmocka_unit_test(test_stream_observes),
        cmocka_unit_test(test_stream_observation_ends),
        cmocka_unit_test(test_stream_fetches_long_notifications),
        cmocka_unit_test(test_stream_drops_outdated_notifications),
        cmocka_unit_test(test_stream_notifies),
        cmocka_unit_test(test_stream_serves_the_rest_of_a_notification),
        cmocka_unit_test(test_stream_device_does_not_observe),
        cmocka_unit_test(test_stream_keeps_what_finds_no_room),
        cmocka_unit_test(test_stream_stops_reading_when_output_is_full),
        cmocka_unit_test(test_stream_gives_up_a_stalled_link),
        cmocka_unit_test(test_stream_both_roles_against_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
