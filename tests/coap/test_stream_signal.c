/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/pair.h"

static end *open_end(void)
{
    tsr_coap_stream_config config = pair_config();

    return pair_end(&config);
}

static tsr_bytes option(const end *e, uint16_t number)
{
    tsr_coap_opts it = { .rest = e->msg.options };
    tsr_bytes value = { 0 };

    return tsr_coap_opt_find(&it, number, &value) == TSR_OK ? value : tsr_view(NULL, 0);
}

static bool has_option(const end *e, uint16_t number)
{
    tsr_coap_opts it = { .rest = e->msg.options };
    tsr_bytes value;

    return tsr_coap_opt_find(&it, number, &value) == TSR_OK;
}

/* The engine has said Abort for this reason, and is done. */
static void aborted(end *e, tsr_err why)
{
    assert_int_equal(e->c.state, TSR_COAP_STREAM_CLOSING);
    assert_int_equal(e->c.why, why);
    assert_false(tsr_coap_stream_over(&e->c));
    assert_int_equal(pair_next(e, 0), TSR_COAP_ABORT);
    assert_int_not_equal(e->msg.payload.len, 0); /* RFC 8323 §5.6: diagnostic */
    assert_int_equal(pair_next(e, 0), 0);
    assert_true(tsr_coap_stream_over(&e->c));
    pair_feed(e, BYTES(0x01, 0xe2, 0x42), 0); /* nobody listens any more */
    assert_int_equal(pair_next(e, 0), 0);
    tsr_coap_stream_closed(&e->c);
    assert_int_equal(e->c.state, TSR_COAP_STREAM_IDLE);
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), UINT64_MAX);
    pair_free(e);
}

/* RFC 8323 §3.3 and RFC 8323 §5.3: a CSM is the first message, and waits for nobody.
 * RFC 8323 §5, RFC 8323 §11.1 */
static void test_stream_begins_with_csm(void **state)
{
    end *e = open_end();

    (void)state;
    assert_int_equal(e->c.state, TSR_COAP_STREAM_OPENING);
    assert_int_equal(tsr_coap_stream_open(&e->c, 0), TSR_E_STATE);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    assert_true(has_option(e, 4));
    assert_false(has_option(e, 2)); /* the base value goes without saying */
    assert_int_equal(pair_next(e, 0), 0);
    pair_csm(e, 0, false);
    assert_int_equal(e->c.state, TSR_COAP_STREAM_OPEN);
    assert_int_equal(e->c.peer_message_len, 1152);
    assert_false(e->c.peer_blocks);
    pair_free(e);
}

/* RFC 8323 §5.3.1 and RFC 8323 §5.3.2: values hold until they are replaced. */
static void test_stream_csm_is_cumulative(void **state)
{
    tsr_coap_stream_config config = pair_config();
    end *e;

    (void)state;
    config.message_len = 8448;
    config.bodies = 0;
    e = pair_end(&config);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    assert_true(tsr_same(option(e, 2), BYTES(0x21, 0x00)));
    assert_false(has_option(e, 4)); /* no bodies, no blocks */
    pair_csm(e, 8192, true);
    assert_int_equal(e->c.peer_message_len, 8192);
    assert_true(e->c.peer_blocks);
    pair_csm(e, 0, false);
    assert_int_equal(e->c.peer_message_len, 8192);
    assert_true(e->c.peer_blocks);
    pair_csm(e, 600, false);
    assert_int_equal(e->c.peer_message_len, 600);
    pair_free(e);
}

/* RFC 8323 §3.3: a missing CSM is a connection error; RFC 8323 §3.4: Empty messages are none. */
static void test_stream_refuses_other_first_messages(void **state)
{
    static const uint8_t first[] = { TSR_COAP_GET,  TSR_COAP_CONTENT, TSR_COAP_PING,
                                     TSR_COAP_PONG, TSR_COAP_RELEASE, 0xff };

    (void)state;
    for (size_t i = 0; i < sizeof first; i++) {
        end *e = open_end();
        uint8_t bytes[] = { 0x00, 0x00, 0x01, 0x00, 0x55, 0x00, first[i] };

        assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
        pair_feed(e, tsr_view(bytes, 5), 0);
        assert_int_equal(e->c.state, TSR_COAP_STREAM_OPENING);
        assert_int_equal(e->c.stats.ignored, 2);
        pair_feed(e, tsr_view(bytes + 5, 2), 0);
        aborted(e, TSR_E_MALFORMED);
    }
}

/* Nobody waits for ever for the first message. */
static void test_stream_waits_for_csm_with_a_limit(void **state)
{
    end *e = open_end();

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), 30000);
    assert_int_equal(pair_next(e, 29999), 0);
    assert_int_equal(pair_next(e, 30000), TSR_COAP_ABORT);
    assert_int_equal(e->c.why, TSR_E_IO);
    pair_free(e);
}

/* RFC 8323 §5.2 and RFC 8323 §5.6: unknown critical options abort, with Bad-CSM-Option for a CSM.
 * RFC 8323 §11.2 */
static void test_stream_aborts_for_unknown_critical_csm_option(void **state)
{
    end *e = open_end();

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_feed(e, BYTES(0x10, TSR_COAP_CSM, 0x50), 0); /* option 5 */
    assert_int_equal(pair_next(e, 0), TSR_COAP_ABORT);
    assert_true(tsr_same(option(e, 2), BYTES(5)));
    assert_int_not_equal(e->msg.payload.len, 0);
    pair_free(e);
}

/* RFC 8323 §5.6: as is one whose value cannot be. */
static void test_stream_aborts_for_impossible_message_size(void **state)
{
    const tsr_bytes sizes[] = { BYTES(0x20, TSR_COAP_CSM, 0x21, 0x3f),
                                BYTES(0x10, TSR_COAP_CSM, 0x20),
                                BYTES(0x60, TSR_COAP_CSM, 0x25, 1, 0, 0, 0, 0) };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        end *e = open_end();

        assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
        pair_feed(e, sizes[i], 0);
        assert_int_equal(pair_next(e, 0), TSR_COAP_ABORT);
        assert_true(tsr_same(option(e, 2), BYTES(2)));
        pair_free(e);
    }
}

/* RFC 8323 §5.2: unknown elective options and unknown signals are ignored. */
static void test_stream_ignores_unknown_elective_signals(void **state)
{
    end *e = open_end();

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_feed(e, BYTES(0x20, TSR_COAP_CSM, 0x61, 0x00), 0);
    assert_int_equal(e->c.state, TSR_COAP_STREAM_OPEN);
    pair_feed(e, BYTES(0x10, 0xff, 0x20), 0);
    pair_feed(e, BYTES(0x11, TSR_COAP_PING, 0x42, 0x60), 0);
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG);
    assert_int_equal(pair_next(e, 0), 0);
    pair_feed(e, BYTES(0x10, TSR_COAP_PING, 0x70), 0); /* and critical ones abort */
    aborted(e, TSR_E_MALFORMED);
}

/* RFC 8323 §5.4: a Pong with the Ping's token, at once. */
static void test_stream_answers_ping(void **state)
{
    end *e = open_end();

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 0, false);
    pair_feed(e, BYTES(0x01, 0xe2, 0x42, 0x00, 0xe2), 0);
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG);
    assert_true(tsr_same(e->msg.token, BYTES(0x42)));
    assert_false(has_option(e, 2));
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG);
    assert_int_equal(e->msg.token.len, 0);
    pair_free(e);
}

/* RFC 8323 §5.4.1: with Custody not before what came earlier is answered. */
static void test_stream_delays_pong_with_custody(void **state)
{
    const tsr_coap_response content = { .code = TSR_COAP_CONTENT };
    end *e = open_end();
    tsr_coap_event first, second;

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 0, false);
    pair_feed(e, BYTES(0x11, TSR_COAP_PING, 1, 0x20), 0); /* nothing before */
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG);
    assert_true(has_option(e, 2));
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "a", .path = "/a" }, 0);
    first = pair_event(e, TSR_COAP_REQUEST);
    pair_feed(e, BYTES(0x11, TSR_COAP_PING, 2, 0x20), 0);
    assert_int_equal(pair_next(e, 0), 0);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "b", .path = "/b" }, 0);
    second = pair_event(e, TSR_COAP_REQUEST);
    assert_int_equal(tsr_coap_stream_respond(&e->c, first.id, &content, 0), TSR_OK);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG); /* though /b, which came later, is open */
    assert_true(tsr_same(e->msg.token, BYTES(2)));
    assert_true(has_option(e, 2));
    pair_feed(e, BYTES(0x11, TSR_COAP_PING, 3, 0x20), 0);
    pair_feed(e, BYTES(0x11, TSR_COAP_PING, 4, 0x20),
              0); /* one waits: the older promises nothing */
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG);
    assert_true(tsr_same(e->msg.token, BYTES(3)));
    assert_false(has_option(e, 2));
    assert_int_equal(tsr_coap_stream_cancel(&e->c, second.id), TSR_OK);
    assert_int_equal(pair_next(e, 0), TSR_COAP_PONG);
    assert_true(tsr_same(e->msg.token, BYTES(4)));
    assert_true(has_option(e, 2));
    pair_free(e);
}

/* RFC 8323 §5.4: our own. */
static void test_stream_pings(void **state)
{
    end *e = open_end();
    tsr_coap_id id[3];
    tsr_coap_event event;

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 0, false);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(tsr_coap_stream_ping(&e->c, i == 1, 1000, 70 + i, &id[i]), TSR_OK);
    for (unsigned i = 0; i < 3; i++) { /* plain, with Custody, plain: the first has no token */
        uint8_t pong[12] = { i == 1 ? 0x18 : 0x00, TSR_COAP_PONG, 0, 0, 0, 0, 0, 0, 0, 0, 0x20 };
        size_t len = i == 1 ? 11 : 2;

        assert_int_equal(pair_next(e, 1000), TSR_COAP_PING);
        assert_int_equal(e->msg.token.len, i == 0 ? 0 : 8);
        assert_int_equal(has_option(e, 2), i == 1);
        if (e->msg.token.len != 0)
            memcpy(pong + 2, e->msg.token.ptr, 8);
        if (i == 2)
            continue;
        pair_feed(e, tsr_view(pong, len), 1100);
        event = pair_event(e, i == 1 ? TSR_COAP_ACKED : TSR_COAP_RESET);
        assert_true(event.id == id[i] && event.user == 70 + i);
        pair_feed(e, tsr_view(pong, len), 1100); /* once more is nothing */
        pair_no_event(e);
    }
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), 248000);
    assert_int_equal(pair_next(e, 248000), 0);
    assert_true(pair_event(e, TSR_COAP_TIMEOUT).id == id[2]);
    pair_free(e);
}

/* RFC 8323 §5.5: what is open ends, then the link is closed. RFC 8323 §10.1 */
static void test_stream_follows_release(void **state)
{
    const tsr_coap_response content = { .code = TSR_COAP_CONTENT };
    const tsr_coap_request get = { .method = TSR_COAP_GET, .path = "/x" };
    end *e = open_end();
    tsr_coap_event request;

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 0, false);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "a", .path = "/a" }, 0);
    request = pair_event(e, TSR_COAP_REQUEST);
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_OK);
    assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
    pair_feed(
        e,
        BYTES(0xb0, TSR_COAP_RELEASE, 0x21, 'h', 0x01, 'i', 0x22, 0x02, 0x58, 0xff, 'o', 'k', 'y'),
        0);
    assert_int_equal(e->c.state, TSR_COAP_STREAM_RELEASING);
    assert_true(tsr_same(e->c.alternative, tsr_text("h"))); /* the first of two */
    assert_true(e->c.hold_off_s.set && e->c.hold_off_s.value == 600);
    assert_true(tsr_same(e->c.diagnostic, tsr_text("oky")));
    assert_int_equal(tsr_coap_stream_request(&e->c, &get, 0, NULL), TSR_E_STATE);
    assert_int_equal(tsr_coap_stream_respond(&e->c, request.id, &content, 0), TSR_OK);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_int_equal(pair_next(e, 0), 0);
    assert_false(tsr_coap_stream_over(&e->c)); /* our own request waits */
    pair_next(e, 246000);
    assert_false(tsr_coap_stream_over(&e->c));
    pair_next(e, 247000);
    pair_event(e, TSR_COAP_TIMEOUT);
    assert_true(tsr_coap_stream_over(&e->c));
    assert_int_equal(e->c.why, TSR_END);
    pair_free(e);
}

static void test_stream_releases(void **state)
{
    end *e = open_end();
    tsr_coap_id id;

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 0, false);
    assert_int_equal(tsr_coap_stream_ping(&e->c, false, 1000, 5, &id), TSR_OK);
    assert_int_equal(pair_next(e, 1000), TSR_COAP_PING);
    assert_int_equal(tsr_coap_stream_release(&e->c, "", (tsr_coap_num){ 0 }, 1000), TSR_E_ARGUMENT);
    assert_int_equal(
        tsr_coap_stream_release(&e->c, "[::1]:5684", (tsr_coap_num){ true, 300 }, 1000), TSR_OK);
    assert_int_equal(pair_next(e, 1000), TSR_COAP_RELEASE);
    assert_true(tsr_same(option(e, 2), tsr_text("[::1]:5684")));
    assert_true(tsr_same(option(e, 4), BYTES(0x01, 0x2c)));
    assert_int_equal(tsr_coap_stream_release(&e->c, NULL, (tsr_coap_num){ 0 }, 1000), TSR_E_STATE);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "a" }, 1000); /* was under way */
    assert_int_equal(tsr_coap_stream_respond(&e->c, pair_event(e, TSR_COAP_REQUEST).id,
                                             &(tsr_coap_response){ .code = TSR_COAP_CONTENT },
                                             1000),
                     TSR_OK);
    assert_int_equal(pair_next(e, 1000), TSR_COAP_CONTENT);
    assert_int_equal(e->c.state, TSR_COAP_STREAM_RELEASING);
    assert_int_equal(pair_next(e, 120999), 0);
    assert_false(tsr_coap_stream_over(&e->c));
    assert_int_equal(pair_next(e, 121000), 0); /* the peer does not close: then we do */
    assert_true(tsr_coap_stream_over(&e->c));
    assert_true(pair_event(e, TSR_COAP_GONE).id == id);
    pair_free(e);
}

/* RFC 8323 §5.6 */
static void test_stream_takes_abort(void **state)
{
    end *e = open_end();
    tsr_coap_id id;

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 0, false);
    assert_int_equal(
        tsr_coap_stream_request(&e->c, &(tsr_coap_request){ .method = TSR_COAP_GET }, 0, &id),
        TSR_OK);
    pair_feed(e, BYTES(0x50, TSR_COAP_ABORT, 0x21, 0x04, 0xff, 'n', 'o'), 0);
    assert_int_equal(e->c.why, TSR_E_DENIED);
    assert_true(tsr_same(e->c.diagnostic, tsr_text("no")));
    assert_true(pair_event(e, TSR_COAP_GONE).id == id);
    assert_int_equal(pair_next(e, 0), 0); /* nobody reads it */
    assert_true(tsr_coap_stream_over(&e->c));
    pair_free(e);
}

/* RFC 8323 §5.6: syntax violations abort. RFC 8323 §3.2 and RFC 7252 §3 say what they are. */
static void test_stream_aborts_for_malformed_messages(void **state)
{
    const tsr_bytes bad[] = {
        BYTES(0x09, TSR_COAP_GET),           /* token length */
        BYTES(0x10, TSR_COAP_GET, 0xff),     /* marker without payload */
        BYTES(0x10, TSR_COAP_GET, 0xf0),     /* reserved nibble */
        BYTES(0x10, TSR_COAP_CONTENT, 0x05), /* option beyond the end */
        BYTES(0x00, 0x20),                   /* reserved class */
        BYTES(0x10, TSR_COAP_PING, 0xff),    /* the same in signals */
        BYTES(0x10, TSR_COAP_RELEASE, 0x0f),
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        end *e = open_end();

        assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
        pair_csm(e, 0, false);
        pair_feed(e, bad[i], 0);
        aborted(e, TSR_E_MALFORMED);
    }
}

/* RFC 8323 §5.3.1: what is longer than we said. */
static void test_stream_aborts_for_messages_too_long(void **state)
{
    end *e = open_end();

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 0, false);
    pair_feed(e, BYTES(0xe0, 0x03, 0x70, TSR_COAP_PUT), 0); /* 4 + 1149 bytes */
    aborted(e, TSR_E_SPACE);
}

/* RFC 8323 §3.4: a connection that is gone takes its exchanges with it, and a new one begins. */
static void test_stream_reopens(void **state)
{
    end *e = open_end();
    tsr_coap_event request;
    tsr_coap_id id;

    (void)state;
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, 5000, true);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "a", .path = "/a" }, 0);
    request = pair_event(e, TSR_COAP_REQUEST);
    assert_int_equal(
        tsr_coap_stream_request(&e->c, &(tsr_coap_request){ .method = TSR_COAP_GET }, 0, &id),
        TSR_OK);
    pair_feed(e, BYTES(0xe8, 0x01), 0); /* half a head */
    tsr_coap_stream_closed(&e->c);
    assert_true(pair_event(e, TSR_COAP_GONE).id == id);
    pair_no_event(e);
    assert_int_equal(pair_next(e, 0), 0);
    assert_int_equal(tsr_coap_stream_respond(&e->c, request.id,
                                             &(tsr_coap_response){ .code = TSR_COAP_CONTENT }, 0),
                     TSR_E_NOT_FOUND);
    assert_int_equal(
        tsr_coap_stream_request(&e->c, &(tsr_coap_request){ .method = TSR_COAP_GET }, 0, NULL),
        TSR_E_STATE);
    assert_int_equal(tsr_coap_stream_open(&e->c, 10), TSR_OK);
    assert_int_equal(pair_next(e, 10), TSR_COAP_CSM);
    assert_int_equal(e->c.peer_message_len, 1152);
    pair_csm(e, 0, false);
    assert_int_equal(e->c.state, TSR_COAP_STREAM_OPEN);
    pair_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_begins_with_csm),
        cmocka_unit_test(test_stream_csm_is_cumulative),
        cmocka_unit_test(test_stream_refuses_other_first_messages),
        cmocka_unit_test(test_stream_waits_for_csm_with_a_limit),
        cmocka_unit_test(test_stream_aborts_for_unknown_critical_csm_option),
        cmocka_unit_test(test_stream_aborts_for_impossible_message_size),
        cmocka_unit_test(test_stream_ignores_unknown_elective_signals),
        cmocka_unit_test(test_stream_answers_ping),
        cmocka_unit_test(test_stream_delays_pong_with_custody),
        cmocka_unit_test(test_stream_pings),
        cmocka_unit_test(test_stream_follows_release),
        cmocka_unit_test(test_stream_releases),
        cmocka_unit_test(test_stream_takes_abort),
        cmocka_unit_test(test_stream_aborts_for_malformed_messages),
        cmocka_unit_test(test_stream_aborts_for_messages_too_long),
        cmocka_unit_test(test_stream_reopens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
