/* SPDX-License-Identifier: Apache-2.0
 *
 * The message layer: RFC 7252 §4 and RFC 7252 §5.2, one rule per test. The test plays the other
 * side by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/link.h"

enum { NOW = 5000000 };

static tsr_coap *c;

static int setup(void **state)
{
    tsr_coap_config config = link_config(0x1234567890abcdef);

    (void)state;
    c = link_engine(&config);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    link_free(c);
    return 0;
}

static void with(const tsr_coap_config *config)
{
    link_free(c);
    c = link_engine(config);
}

static tsr_coap_id get(const char *path)
{
    tsr_coap_id id = 0;

    assert_int_equal(tsr_coap_request_send(
                         c, 0,
                         &(tsr_coap_request){ .method = TSR_COAP_GET, .path = path, .user = 42 },
                         NOW, &id),
                     TSR_OK);
    return id;
}

static void respond(tsr_coap_id ticket, const char *text)
{
    assert_int_equal(tsr_coap_respond(c, ticket,
                                      &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                            .payload = tsr_text(text) },
                                      NOW),
                     TSR_OK);
}

/* ---- sending ---- */

/* RFC 7252 §4.2: the first timeout lies between ACK_TIMEOUT and 1.5 times that and doubles; §4.8:
 * four retransmissions. */
static void test_con_is_retransmitted_with_doubling_timeout(void **state)
{
    tsr_coap_id id = get("/a");
    tsr_coap_msg first = link_next(c, NOW);
    uint16_t mid = first.mid;
    uint64_t at = NOW, span = 0;

    (void)state;
    assert_int_equal(first.type, TSR_COAP_CON);
    assert_int_equal(first.token.len, 8);
    for (unsigned n = 0; n < 5; n++) {
        uint64_t due = tsr_coap_due_ms(c);

        if (n == 0) {
            span = due - at;
            assert_in_range(span, 2000, 3000);
        } else {
            assert_int_equal(due - at, span << n);
        }
        link_silent(c, due - 1);
        at = due;
        if (n < 4) {
            assert_int_equal(link_next(c, due).mid, mid);
            link_no_event(c);
        }
    }
    link_silent(c, at);

    tsr_coap_event e = link_event(c, TSR_COAP_TIMEOUT);

    assert_true(e.id == id && e.user == 42);
    assert_true(tsr_coap_due_ms(c) == UINT64_MAX);
    assert_int_equal(c->stats.retransmitted, 4);
}

static void test_con_first_timeout_varies(void **state)
{
    uint64_t least = UINT64_MAX, most = 0;

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        tsr_coap_id id = get("/a");

        (void)link_next(c, NOW);
        uint64_t span = tsr_coap_due_ms(c) - NOW;

        assert_in_range(span, 2000, 3000);
        least = span < least ? span : least;
        most = span > most ? span : most;
        assert_int_equal(tsr_coap_cancel(c, id), TSR_OK);
    }
    assert_true(least < 2200 && most > 2800);
}

static void test_con_parameters_are_the_callers(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.params.ack_timeout_ms = 300000;
    config.params.ack_random_permille = 1000;
    config.params.max_retransmit = 0;
    with(&config);
    (void)get("/a");
    (void)link_next(c, NOW);
    assert_int_equal(tsr_coap_due_ms(c), NOW + 300000);
    link_silent(c, NOW + 300000);
    (void)link_event(c, TSR_COAP_TIMEOUT);
}

static void test_con_empty_ack_ends_retransmission(void **state)
{
    tsr_coap_id id = get("/a");
    tsr_coap_msg m = link_next(c, NOW);
    uint64_t token;

    (void)state;
    memcpy(&token, m.token.ptr, 8);
    LINK_FEED(c, NOW + 10, .type = TSR_COAP_ACK, .mid = m.mid);
    link_no_event(c);
    link_silent(c, NOW + 100000);

    /* RFC 7252 §5.2.2: the response comes in a CON of its own and is acknowledged */
    uint8_t raw[16] = { 0x48, TSR_COAP_CONTENT, 0x77, 0x01 };

    memcpy(raw + 4, &token, 8);
    memcpy(raw + 12, "\xffyes", 4);
    link_feed(c, tsr_view(raw, 16), NOW + 100000);

    tsr_coap_event e = link_event(c, TSR_COAP_RESPONSE);

    assert_true(e.id == id && e.user == 42);
    assert_true(tsr_same(e.body, TEXT("yes")));
    m = link_next(c, NOW + 100000);
    assert_true(m.type == TSR_COAP_ACK && m.code == TSR_COAP_EMPTY && m.mid == 0x7701);
    assert_true(tsr_coap_due_ms(c) == UINT64_MAX);

    /* its duplicate is acknowledged again and not delivered again, RFC 7252 §4.5 */
    link_feed(c, tsr_view(raw, 16), NOW + 101000);
    link_no_event(c);
    m = link_next(c, NOW + 101000);
    assert_true(m.type == TSR_COAP_ACK && m.mid == 0x7701);
}

static void test_con_response_that_never_comes_times_out(void **state)
{
    (void)get("/a");
    tsr_coap_msg m = link_next(c, NOW);

    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = m.mid);
    link_silent(c, NOW + 246999);
    link_no_event(c);
    link_silent(c, NOW + 247000);
    (void)link_event(c, TSR_COAP_TIMEOUT);
}

/* RFC 7252 §5.2.2: a response may overtake the empty ACK and replaces it. */
static void test_con_response_overtakes_its_ack(void **state)
{
    (void)get("/a");
    tsr_coap_msg m = link_next(c, NOW);
    uint8_t raw[12] = { 0x58, TSR_COAP_CONTENT, 0x77, 0x02 };

    (void)state;
    memcpy(raw + 4, m.token.ptr, 8);

    uint16_t mid = m.mid;

    link_feed(c, tsr_view(raw, 12), NOW + 5);
    (void)link_event(c, TSR_COAP_RESPONSE);
    link_silent(c, NOW + 5); /* a NON needs no ACK */
    LINK_FEED(c, NOW + 6, .type = TSR_COAP_ACK, .mid = mid);
    link_no_event(c);
    assert_int_equal(c->stats.ignored, 1);
    link_silent(c, NOW + 300000);
}

static void test_con_reset_ends_a_request(void **state)
{
    tsr_coap_id id = get("/a");
    tsr_coap_msg m = link_next(c, NOW);

    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .mid = m.mid);
    assert_true(link_event(c, TSR_COAP_RESET).id == id);
    assert_int_equal(tsr_coap_cancel(c, id), TSR_E_NOT_FOUND);
    link_silent(c, NOW + 300000);
}

/* RFC 7252 §5.3.2: a piggybacked response matches by Message ID and token. */
static void test_piggybacked_response_with_wrong_token_is_ignored(void **state)
{
    (void)get("/a");
    tsr_coap_msg m = link_next(c, NOW);

    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .token = "wrong");
    link_no_event(c);
    assert_int_equal(c->stats.ignored, 1);
    assert_int_equal(link_next(c, NOW + 3000).type, TSR_COAP_CON);
}

static void test_stray_acks_and_resets_are_ignored(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = 1);
    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .mid = 1);
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .code = TSR_COAP_CONTENT, .mid = 1);
    LINK_FEED(c, NOW, .type = TSR_COAP_NON);
    link_no_event(c);
    link_silent(c, NOW);
    assert_int_equal(c->stats.ignored, 5);
}

static void test_unmatched_responses_are_reset(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_CON, .code = TSR_COAP_CONTENT, .mid = 7, .token = "t");
    assert_true(link_next(c, NOW).type == TSR_COAP_RST);
    LINK_FEED(c, NOW, .type = TSR_COAP_NON, .code = TSR_COAP_CONTENT, .mid = 8, .token = "t");
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.type == TSR_COAP_RST && m.mid == 8 && m.code == TSR_COAP_EMPTY);
    link_no_event(c);
}

/* RFC 7252 §4.7: one open interaction per peer; other peers are not held up. */
static void test_nstart_queues_in_order(void **state)
{
    (void)state;
    (void)get("/1");
    (void)get("/2");
    (void)get("/3");
    assert_int_equal(
        tsr_coap_request_send(c, 1, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/x" },
                              NOW, NULL),
        TSR_OK);

    tsr_coap_msg m = link_next(c, NOW);
    uint16_t first = m.mid;

    assert_true(tsr_coap_msg_path_is(&m, 0, "/1"));
    m = link_next(c, NOW);
    assert_true(tsr_coap_msg_path_is(&m, 0, "/x"));
    link_silent(c, NOW);
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = first); /* an ACK closes the interaction */
    m = link_next(c, NOW);
    assert_true(tsr_coap_msg_path_is(&m, 0, "/2"));
    link_silent(c, NOW);
    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .mid = m.mid);
    (void)link_event(c, TSR_COAP_RESET);
    m = link_next(c, NOW);
    assert_true(tsr_coap_msg_path_is(&m, 0, "/3"));
}

static void test_nstart_is_freed_by_cancel(void **state)
{
    tsr_coap_id first = get("/1");

    (void)state;
    (void)get("/2");
    (void)link_next(c, NOW);
    link_silent(c, NOW);
    assert_int_equal(tsr_coap_cancel(c, first), TSR_OK);

    tsr_coap_msg m = link_next(c, NOW);

    assert_true(tsr_coap_msg_path_is(&m, 0, "/2"));
}

static void test_non_request_is_sent_once(void **state)
{
    (void)state;
    assert_int_equal(
        tsr_coap_request_send(c, 0, &(tsr_coap_request){ .method = TSR_COAP_GET, .non = true }, NOW,
                              NULL),
        TSR_OK);
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_NON);
    link_silent(c, NOW + 246999);
    link_silent(c, NOW + 247000);
    (void)link_event(c, TSR_COAP_TIMEOUT);
}

static void test_message_ids_count_up_per_peer(void **state)
{
    uint16_t mids[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        tsr_coap_id id = get("/a");

        mids[i] = link_next(c, NOW).mid;
        assert_int_equal(tsr_coap_cancel(c, id), TSR_OK);
    }
    assert_int_equal((uint16_t)(mids[0] + 1), mids[1]);
    assert_int_equal((uint16_t)(mids[1] + 1), mids[2]);
}

/* RFC 7252 §5.3.1: tokens are hard to guess: no byte of them stays the same. */
static void test_tokens_differ_everywhere(void **state)
{
    uint8_t constant[8], first[8];

    (void)state;
    memset(constant, 1, 8);
    for (unsigned i = 0; i < 20; i++) {
        tsr_coap_id id = get("/a");
        tsr_coap_msg m = link_next(c, NOW);

        for (unsigned k = 0; k < 8; k++) {
            if (i == 0)
                first[k] = m.token.ptr[k];
            constant[k] &= m.token.ptr[k] == first[k];
        }
        assert_int_equal(tsr_coap_cancel(c, id), TSR_OK);
    }
    for (unsigned k = 0; k < 8; k++)
        assert_int_equal(constant[k], 0);
}

/* ---- receiving ---- */

/* RFC 7252 §4.3: an Empty CON is a ping; the pong is a RST. */
static void test_ping_is_answered_with_reset(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_CON, .mid = 0xabcd);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.type == TSR_COAP_RST && m.mid == 0xabcd);
}

static void test_ping_of_ours_ends_with_reset(void **state)
{
    tsr_coap_id id;

    (void)state;
    assert_int_equal(tsr_coap_ping(c, 0, NOW, 9, &id), TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.type == TSR_COAP_CON && m.code == TSR_COAP_EMPTY && m.token.len == 0);
    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .mid = m.mid);
    tsr_coap_event e = link_event(c, TSR_COAP_RESET);

    assert_true(e.id == id && e.user == 9);
}

static void test_malformed_con_is_reset_and_malformed_non_dropped(void **state)
{
    static const char *const tails[] = {
        "\x09\x01", "\x0f\x01",             /* token length 9 and 15, RFC 8974 is not offered */
        "\x08\x01",                         /* token cut off */
        "\x00\x20", "\x00\xc5", "\x00\xff", /* reserved classes */
        "\x01\x00",                         /* Empty with a token */
    };

    (void)state;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        uint8_t raw[5] = { (uint8_t)(0x40 | tails[i][0]), (uint8_t)tails[i][1], 0x12, (uint8_t)i,
                           0 };

        link_feed(c, tsr_view(raw, 5), NOW);
        tsr_coap_msg m = link_next(c, NOW);

        assert_true(m.type == TSR_COAP_RST && m.mid == (0x1200 | i));
        for (unsigned type = 1; type < 4; type++) {
            raw[0] = (uint8_t)(raw[0] & 0xcf) | (uint8_t)(type << 4);
            link_feed(c, tsr_view(raw, 5), NOW);
            link_silent(c, NOW);
        }
        link_no_event(c);
    }
    link_feed(c, tsr_view("\x40\x01\x12\x34\xff", 5), NOW); /* marker without payload */
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_RST);
    link_feed(c, tsr_view("\x40\x01\x12\x34\xf1\x00", 6), NOW); /* reserved nibble */
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_RST);
    assert_int_equal(c->stats.rejected, 9);
}

static void test_other_versions_and_crumbs_are_ignored(void **state)
{
    (void)state;
    link_feed(c, tsr_view("\x00\x01\x12\x34", 4), NOW);
    link_feed(c, tsr_view("\x80\x01\x12\x34", 4), NOW);
    link_feed(c, tsr_view("\xc0\x01\x12\x34", 4), NOW);
    link_feed(c, tsr_view("\x40\x01\x12", 3), NOW);
    link_feed(c, tsr_view("", 0), NOW);
    link_silent(c, NOW);
    link_no_event(c);
    assert_int_equal(c->stats.ignored, 5);
}

/* RFC 7252 §5.4.1 */
static void test_unknown_critical_option_in_con_request_gives_4_02(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 5, .token = "tok", .path = "/a", .extra = 2049);
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.type == TSR_COAP_ACK && m.code == TSR_COAP_BAD_OPTION && m.mid == 5);
    assert_true(tsr_same(m.token, TEXT("tok")));
    assert_true(tsr_same(m.payload, TEXT("2049")));
    LINK_FEED(c, NOW, .type = TSR_COAP_NON, .code = TSR_COAP_GET, .mid = 6, .path = "/a",
              .extra = 2049);
    link_no_event(c);
    link_silent(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 7, .path = "/a", .extra = 2050); /* elective */
    respond(link_event(c, TSR_COAP_REQUEST).id, "fine");
}

static void test_critical_options_of_the_application_pass(void **state)
{
    static const uint16_t critical[] = { TSR_COAP_OSCORE, 2049 };
    tsr_coap_config config = link_config(1);

    (void)state;
    config.critical = critical;
    config.critical_count = 2;
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 5, .path = "/a", .extra = 2049);
    respond(link_event(c, TSR_COAP_REQUEST).id, "fine");
    (void)link_next(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 6, .path = "/a", .extra = 2051);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_OPTION);
    link_feed(c, tsr_view("\x40\x01\x00\x07\x90\xd0\x03", 7),
              NOW); /* 9, and 25, which nobody knows */
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_OPTION);
}

static void test_unknown_critical_option_in_response_is_rejected(void **state)
{
    (void)get("/a");
    tsr_coap_msg m = link_next(c, NOW);
    uint8_t raw[16] = { 0x48, TSR_COAP_CONTENT, 0x77, 0x02 };

    (void)state;
    memcpy(raw + 4, m.token.ptr, 8);
    raw[12] = 0xd0;
    raw[13] = 19 - 13; /* 19: unknown, critical */
    link_feed(c, tsr_view(raw, 14), NOW);
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_RST);
    assert_int_equal(link_event(c, TSR_COAP_FAILED).err, TSR_E_UNSUPPORTED);

    (void)get("/b");
    m = link_next(c, NOW);
    raw[0] = 0x68;
    raw[2] = (uint8_t)(m.mid >> 8);
    raw[3] = (uint8_t)m.mid;
    memcpy(raw + 4, m.token.ptr, 8);
    link_feed(c, tsr_view(raw, 14), NOW);
    assert_int_equal(link_event(c, TSR_COAP_FAILED).err, TSR_E_UNSUPPORTED);
    link_silent(c, NOW + 300000);

    (void)get("/c"); /* but a 4.02 may repeat the option it refuses */
    m = link_next(c, NOW);
    raw[1] = TSR_COAP_BAD_OPTION;
    raw[2] = (uint8_t)(m.mid >> 8);
    raw[3] = (uint8_t)m.mid;
    memcpy(raw + 4, m.token.ptr, 8);
    link_feed(c, tsr_view(raw, 14), NOW);
    assert_int_equal(link_event(c, TSR_COAP_RESPONSE).msg->code, TSR_COAP_BAD_OPTION);
}

static void test_unknown_method_gives_4_05(void **state)
{
    (void)state;
    for (uint8_t method = 8; method < 32; method++) {
        LINK_FEED(c, NOW, .code = method, .mid = method, .path = "/a");
        assert_int_equal(link_next(c, NOW).code, TSR_COAP_METHOD_NOT_ALLOWED);
    }
    for (uint8_t method = 1; method < 8;
         method++) { /* RFC 8132: FETCH, PATCH and iPATCH are known */
        LINK_FEED(c, NOW, .code = method, .mid = method, .path = "/a");
        respond(link_event(c, TSR_COAP_REQUEST).id, "ok");
        assert_int_equal(link_next(c, NOW).code, TSR_COAP_CONTENT);
    }
}

static void test_proxy_options_give_5_05(void **state)
{
    (void)state;
    link_feed(c, tsr_view("\x40\x01\x00\x07\xd3\x16uri", 9), NOW);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_PROXYING_NOT_SUPPORTED);
    link_feed(c,
              tsr_view("\x40\x01\x00\x08\xd4\x1a"
                       "coap",
                       10),
              NOW);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_PROXYING_NOT_SUPPORTED);
    link_no_event(c);
}

/* RFC 7252 §4.5: a duplicate is answered as before and not handled twice. */
static void test_duplicate_request_gets_the_same_answer(void **state)
{
    uint8_t before[64];

    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = 5, .token = "tok", .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "once");
    tsr_bytes out = link_poll(c, NOW);
    size_t len = out.len;

    memcpy(before, out.ptr, len);
    for (unsigned i = 1; i < 5; i++) {
        LINK_FEED(c, NOW + i * 1000, .code = TSR_COAP_POST, .mid = 5, .token = "tok", .path = "/a");
        link_no_event(c);
        assert_true(tsr_same(link_poll(c, NOW + i * 1000), tsr_view(before, len)));
        link_silent(c, NOW + i * 1000);
    }
    assert_int_equal(c->stats.duplicates, 4);

    /* other peer, same Message ID: another message */
    assert_int_equal(
        tsr_coap_feed(c, 1, link_build(&(link_raw){ .code = TSR_COAP_POST, .mid = 5 }), NOW),
        TSR_OK);
    respond(link_event(c, TSR_COAP_REQUEST).id, "other");
    (void)link_next(c, NOW);

    /* after EXCHANGE_LIFETIME it is a new one */
    LINK_FEED(c, NOW + 249000, .code = TSR_COAP_POST, .mid = 5, .token = "tok", .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "twice");
}

static void test_duplicate_of_an_open_request_is_not_handled_twice(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    LINK_FEED(c, NOW + 10, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    link_no_event(c);
    link_silent(c, NOW + 10); /* the answer will come */
    assert_int_equal(tsr_coap_defer(c, e.id), TSR_OK);
    assert_int_equal(link_next(c, NOW + 20).type, TSR_COAP_ACK);
    LINK_FEED(c, NOW + 30, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW + 30);

    assert_true(m.type == TSR_COAP_ACK && m.code == TSR_COAP_EMPTY);
    respond(e.id, "done");
    assert_int_equal(link_next(c, NOW + 40).type, TSR_COAP_CON);
}

static void test_duplicate_non_is_dropped(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_NON, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "once");
    tsr_coap_msg m = link_next(c, NOW);

    assert_int_equal(m.type, TSR_COAP_NON);
    LINK_FEED(c, NOW + 100, .type = TSR_COAP_NON, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    link_no_event(c);
    link_silent(c, NOW + 100);
    /* RFC 7252 §4.8.2: NON_LIFETIME is 145 s */
    LINK_FEED(c, NOW + 148000, .type = TSR_COAP_NON, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "twice");
}

/* ---- answers ---- */

/* RFC 7252 §5.2.2: the empty ACK goes by itself, then a separate CON is retransmitted until its
 * ACK. */
static void test_late_answer_is_separate_and_reliable(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 5, .token = "tok", .path = "/a");
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    link_silent(c, NOW + 499);
    assert_int_equal(tsr_coap_due_ms(c), NOW + 500);
    tsr_coap_msg m = link_next(c, NOW + 500);

    assert_true(m.type == TSR_COAP_ACK && m.code == TSR_COAP_EMPTY && m.mid == 5);
    assert_int_equal(
        tsr_coap_respond(
            c, e.id,
            &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .user = 7, .payload = TEXT("late") },
            NOW + 900),
        TSR_OK);
    m = link_next(c, NOW + 900);
    assert_true(m.type == TSR_COAP_CON && m.code == TSR_COAP_CONTENT);
    assert_true(tsr_same(m.token, TEXT("tok")) && tsr_same(m.payload, TEXT("late")));
    uint16_t mid = m.mid;

    m = link_next(c, tsr_coap_due_ms(c));
    assert_int_equal(m.mid, mid);
    LINK_FEED(c, NOW + 5000, .type = TSR_COAP_ACK, .mid = mid);
    e = link_event(c, TSR_COAP_ACKED);
    assert_int_equal(e.user, 7);
    assert_true(tsr_coap_due_ms(c) == UINT64_MAX);
}

static void test_late_answer_may_be_reset_or_time_out(void **state)
{
    (void)state;
    for (uint16_t mid = 1; mid < 3; mid++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = mid, .path = "/a");
        tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

        assert_int_equal(tsr_coap_defer(c, id), TSR_OK);
        (void)link_next(c, NOW);
        respond(id, "late");
    }
    tsr_coap_msg m = link_next(c, NOW);

    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .mid = m.mid);
    (void)link_event(c, TSR_COAP_RESET);
    for (unsigned i = 0; i < 5; i++)
        (void)link_next(c, NOW + 100000 * (i + 1));
    link_silent(c, NOW + 900000);
    (void)link_event(c, TSR_COAP_TIMEOUT);
}

static void test_late_answer_may_be_non(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    assert_int_equal(tsr_coap_defer(c, id), TSR_OK);
    (void)link_next(c, NOW);
    assert_int_equal(
        tsr_coap_respond(c, id, &(tsr_coap_response){ .code = TSR_COAP_CHANGED, .non = true }, NOW),
        TSR_OK);
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_NON);
    assert_true(tsr_coap_due_ms(c) == UINT64_MAX);
}

/* A separate response does not wait for the requests that fill NSTART. */
static void test_late_answer_does_not_queue_behind_requests(void **state)
{
    (void)state;
    (void)get("/mine");
    (void)link_next(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    assert_int_equal(tsr_coap_defer(c, id), TSR_OK);
    (void)link_next(c, NOW);
    respond(id, "late");
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_CONTENT);
}

static void test_answers_carry_what_the_application_says(void **state)
{
    const tsr_coap_opt extra[] = { { TSR_COAP_LOCATION_QUERY, TEXT("q=1") }, { 2050, TEXT("x") } };

    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = 1, .path = "/rd");
    assert_int_equal(tsr_coap_respond(c, link_event(c, TSR_COAP_REQUEST).id,
                                      &(tsr_coap_response){ .code = TSR_COAP_CREATED,
                                                            .location = "/rd/5a3f",
                                                            .content_format = { true, 40 },
                                                            .max_age = { true, 0 },
                                                            .etag = TEXT("e1"),
                                                            .extra = extra,
                                                            .extra_count = 2 },
                                      NOW),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);
    tsr_coap_opts it = { .rest = m.options };
    tsr_bytes value;

    assert_int_equal(m.code, TSR_COAP_CREATED);
    assert_true(m.content_format.set && m.content_format.value == 40);
    assert_true(m.max_age.set && m.max_age.value == 0);
    assert_true(tsr_same(m.etag, TEXT("e1")));
    assert_int_equal(tsr_coap_opt_find(&it, TSR_COAP_LOCATION_PATH, &value), TSR_OK);
    assert_true(tsr_same(value, TEXT("rd")));
    assert_int_equal(tsr_coap_opt_find(&it, TSR_COAP_LOCATION_PATH, &value), TSR_OK);
    assert_true(tsr_same(value, TEXT("5a3f")));
    assert_int_equal(tsr_coap_opt_find(&it, TSR_COAP_LOCATION_QUERY, &value), TSR_OK);
    assert_int_equal(tsr_coap_opt_find(&it, 2050, &value), TSR_OK);
}

static void test_answers_in_bad_order_are_refused_and_the_ticket_stays(void **state)
{
    const tsr_coap_opt extra[] = { { 2050, TEXT("x") }, { 20, TEXT("q=1") } };

    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = 1, .path = "/rd");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    assert_int_equal(
        tsr_coap_respond(
            c, id,
            &(tsr_coap_response){ .code = TSR_COAP_CREATED, .extra = extra, .extra_count = 2 },
            NOW),
        TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_respond(c, id, &(tsr_coap_response){ .code = TSR_COAP_GET }, NOW),
                     TSR_E_ARGUMENT);
    respond(id, "fine");
    assert_int_equal(tsr_coap_respond(c, id, &(tsr_coap_response){ .code = TSR_COAP_CREATED }, NOW),
                     TSR_E_NOT_FOUND);
    assert_int_equal(tsr_coap_defer(c, id), TSR_E_NOT_FOUND);
}

static void test_request_carries_what_the_application_says(void **state)
{
    const tsr_bytes queries[] = { TEXT("ep=dev1"), TEXT("lt=60") };
    const tsr_bytes segments[] = { TEXT("a/b"), TEXT("c") };
    const tsr_coap_opt extra[] = { { TSR_COAP_URI_HOST, TEXT("h") }, { 2050, TEXT("x") } };

    (void)state;
    assert_int_equal(tsr_coap_request_send(c, 0,
                                           &(tsr_coap_request){ .method = TSR_COAP_FETCH,
                                                                .segments = segments,
                                                                .segment_count = 2,
                                                                .queries = queries,
                                                                .query_count = 2,
                                                                .content_format = { true, 110 },
                                                                .accept = { true, 112 },
                                                                .etag = TEXT("e"),
                                                                .if_match = tsr_view("", 0),
                                                                .if_none_match = true,
                                                                .token = TEXT("mytoken"),
                                                                .extra = extra,
                                                                .extra_count = 2,
                                                                .payload = TEXT("body") },
                                           NOW, NULL),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);
    tsr_coap_opts it = { .rest = m.options };
    tsr_bytes value;

    assert_int_equal(m.code, TSR_COAP_FETCH);
    assert_int_equal(m.path_count, 2);
    assert_true(tsr_same(m.path[0], TEXT("a/b")) && tsr_same(m.path[1], TEXT("c")));
    assert_int_equal(m.content_format.value, 110);
    assert_int_equal(m.accept.value, 112);
    assert_true(m.if_match && m.if_none_match && tsr_same(m.etag, TEXT("e")));
    assert_true(tsr_same(m.token, TEXT("mytoken")) && tsr_same(m.payload, TEXT("body")));
    assert_int_equal(tsr_coap_opt_find(&it, TSR_COAP_URI_HOST, &value), TSR_OK);
    assert_int_equal(tsr_coap_query_next(&it, &value), TSR_OK);
    assert_int_equal(tsr_coap_query_next(&it, &value), TSR_OK);
    assert_true(tsr_same(value, TEXT("lt=60")));
    assert_int_equal(tsr_coap_opt_find(&it, 2050, &value), TSR_OK);
}

static void test_request_arguments_are_checked(void **state)
{
    tsr_coap_request ok = { .method = TSR_COAP_GET, .token = TEXT("t1") };
    tsr_coap_request bad = ok;
    static char path[2000];

    (void)state;
    assert_int_equal(tsr_coap_request_send(c, 4, &ok, NOW, NULL), TSR_E_ARGUMENT);
    bad.method = 0;
    assert_int_equal(tsr_coap_request_send(c, 0, &bad, NOW, NULL), TSR_E_ARGUMENT);
    bad.method = 8;
    assert_int_equal(tsr_coap_request_send(c, 0, &bad, NOW, NULL), TSR_E_ARGUMENT);
    bad = ok;
    bad.token = TEXT("123456789");
    assert_int_equal(tsr_coap_request_send(c, 0, &bad, NOW, NULL), TSR_E_ARGUMENT);
    memset(path, 'p', sizeof path - 1);
    bad = ok;
    bad.path = path;
    assert_int_equal(tsr_coap_request_send(c, 0, &bad, NOW, NULL), TSR_E_SPACE);
    assert_int_equal(tsr_coap_request_send(c, 0, &ok, NOW, NULL), TSR_OK);
    assert_int_equal(tsr_coap_request_send(c, 0, &ok, NOW, NULL), TSR_E_EXISTS);
    assert_int_equal(tsr_coap_request_send(c, 1, &ok, NOW, NULL), TSR_OK);
}

/* ---- limits ---- */

static void test_without_a_free_exchange_requests_get_5_03(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.exchanges = 1;
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 2, .path = "/a");
    link_no_event(c);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_UNAVAILABLE);
    assert_int_equal(c->stats.refused, 1);
    assert_int_equal(
        tsr_coap_request_send(c, 0, &(tsr_coap_request){ .method = TSR_COAP_GET }, NOW, NULL),
        TSR_E_SPACE);
    respond(id, "ok");
    (void)get("/now");
}

static void test_forgotten_duplicates_are_counted(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.seen = 3;
    with(&config);
    for (uint16_t mid = 1; mid <= 5; mid++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = mid, .path = "/a");
        respond(link_event(c, TSR_COAP_REQUEST).id, "ok");
        (void)link_next(c, NOW);
    }
    assert_int_equal(c->stats.seen_early, 2);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 5, .path = "/a");
    link_no_event(c);
    (void)link_next(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "again");
}

/* A log that is too short loses answers, never memory; the counter tells. */
static void test_log_overrun_is_counted_and_harmless(void **state)
{
    tsr_coap_config config = link_config(1);
    unsigned out = 0;

    (void)state;
    config.log_len = 256;
    with(&config);
    for (uint16_t mid = 1; mid <= 40; mid++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = mid, .path = "/a");
        respond(link_event(c, TSR_COAP_REQUEST).id,
                mid % 3 == 0 ? "a rather longer answer" : "short");
    }
    while (link_poll(c, NOW).len != 0)
        out++;
    assert_true(out >= 3 && out < 40);
    assert_int_equal(out + c->stats.unsent, 40);
    for (uint16_t mid = 1; mid <= 40; mid++) { /* replays: all that is left, nothing else */
        LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = mid, .path = "/a");
        link_no_event(c);
        tsr_bytes again = link_poll(c, NOW);
        tsr_coap_msg m;

        if (again.len == 0)
            continue;
        assert_int_equal(tsr_coap_msg_parse(again, &m), TSR_OK);
        assert_int_equal(m.mid, mid);
        assert_true(tsr_same(m.payload, TEXT("short")) ||
                    tsr_same(m.payload, TEXT("a rather longer answer")));
    }
}

static void test_answer_that_does_not_fit_leaves_the_ticket_open(void **state)
{
    tsr_coap_config config = link_config(1);
    static uint8_t big[1000];

    (void)state;
    config.log_len = 256;
    config.bodies = 0;
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = 1, .token = "t", .path = "/a");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    assert_int_equal(tsr_coap_respond(c, id,
                                      &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                            .payload = tsr_view(big, sizeof big) },
                                      NOW),
                     TSR_E_SPACE);
    assert_int_equal(
        tsr_coap_respond(c, id, &(tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR }, NOW),
        TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.code == TSR_COAP_INTERNAL_ERROR && tsr_same(m.token, TEXT("t")));
}

static void test_small_writer_is_reported(void **state)
{
    uint8_t room[8];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_peer peer;

    (void)state;
    (void)get("/a/long/path");
    assert_int_equal(tsr_coap_poll(c, &peer, &out, NOW), TSR_E_SPACE);
    assert_int_equal(link_next(c, NOW + 3000).code, TSR_COAP_GET); /* the retransmission comes */
}

static void test_feed_wants_its_events_read(void **state)
{
    tsr_coap_event e;

    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    assert_int_equal(tsr_coap_feed(c, 0, TEXT("xxxx"), NOW), TSR_E_STATE);
    assert_int_equal(tsr_coap_feed(c, 4, TEXT("xxxx"), NOW), TSR_E_ARGUMENT);
    assert_true(tsr_coap_event_next(c, &e));
    assert_int_equal(tsr_coap_feed(c, 0, TEXT("xxxx"), NOW), TSR_OK);
}

static void test_peer_gone_ends_everything_of_that_peer(void **state)
{
    (void)state;
    (void)get("/1");
    (void)get("/2");
    assert_int_equal(
        tsr_coap_request_send(c, 1, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/x" },
                              NOW, NULL),
        TSR_OK);
    assert_int_equal(tsr_coap_notify(c, 0, TEXT("obs"), 1, true,
                                     &(tsr_coap_response){ .code = TSR_COAP_CONTENT }, NOW, 77,
                                     NULL),
                     TSR_OK);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    tsr_coap_id ticket = link_event(c, TSR_COAP_REQUEST).id;

    LINK_FEED(c, NOW, .type = TSR_COAP_CON, .mid = 3); /* a RST waits in the log */
    tsr_coap_peer_gone(c, 0);
    assert_int_equal(link_event(c, TSR_COAP_GONE).user, 42);
    assert_int_equal(link_event(c, TSR_COAP_GONE).user, 42);
    assert_int_equal(link_event(c, TSR_COAP_GONE).user, 77);
    link_no_event(c);
    assert_int_equal(
        tsr_coap_respond(c, ticket, &(tsr_coap_response){ .code = TSR_COAP_CONTENT }, NOW),
        TSR_E_NOT_FOUND);
    tsr_coap_msg m = link_next(c, NOW); /* only the other peer's request is left */

    assert_true(tsr_coap_msg_path_is(&m, 0, "/x"));
    link_silent(c, NOW + 1000);

    /* the number is given to somebody else, whose Message ID 1 is no duplicate */
    LINK_FEED(c, NOW + 1000, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "new");
    (void)get("/3");
    (void)link_next(c, NOW + 1000);
    m = link_next(c, NOW + 1000);
    assert_true(tsr_coap_msg_path_is(&m, 0, "/3"));
}

static void test_cancel_drops_a_ticket(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/a");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    assert_int_equal(tsr_coap_cancel(c, id), TSR_OK);
    assert_int_equal(tsr_coap_cancel(c, id), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_coap_cancel(c, 0), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_coap_cancel(c, UINT64_MAX), TSR_E_NOT_FOUND);
    link_silent(c, NOW + 100000);
}

static void test_configuration_is_checked(void **state)
{
    tsr_coap_config config = link_config(1);
    size_t len = tsr_coap_memory(&config);
    uint64_t *memory = malloc(len + 8);
    tsr_coap engine;

    (void)state;
    assert_int_equal(link_place(&engine, &config, memory, len - 1), TSR_E_SPACE);
    assert_int_equal(link_place(&engine, &config, (uint8_t *)memory + 1, len), TSR_E_ARGUMENT);
    assert_int_equal(link_place(&engine, &config, memory, len), TSR_OK);
    config.peers = 0;
    assert_int_equal(tsr_coap_memory(&config), 0);
    assert_int_equal(link_place(&engine, &config, memory, len), TSR_E_ARGUMENT);
    config = link_config(1);
    config.params.szx = 7;
    assert_int_equal(tsr_coap_memory(&config), 0);
    config = link_config(1);
    config.log_len = 255;
    assert_int_equal(tsr_coap_memory(&config), 0);
    config = link_config(1);
    config.exchange_len = 63;
    assert_int_equal(tsr_coap_memory(&config), 0);
    config = link_config(1);
    config.params = (tsr_coap_params){ 0 };
    assert_int_equal(link_place(&engine, &config, memory, len), TSR_OK);
    assert_int_equal(engine.config.params.ack_timeout_ms, 2000);
    free(memory);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_con_is_retransmitted_with_doubling_timeout),
        T(test_con_first_timeout_varies),
        T(test_con_parameters_are_the_callers),
        T(test_con_empty_ack_ends_retransmission),
        T(test_con_response_that_never_comes_times_out),
        T(test_con_response_overtakes_its_ack),
        T(test_con_reset_ends_a_request),
        T(test_piggybacked_response_with_wrong_token_is_ignored),
        T(test_stray_acks_and_resets_are_ignored),
        T(test_unmatched_responses_are_reset),
        T(test_nstart_queues_in_order),
        T(test_nstart_is_freed_by_cancel),
        T(test_non_request_is_sent_once),
        T(test_message_ids_count_up_per_peer),
        T(test_tokens_differ_everywhere),
        T(test_ping_is_answered_with_reset),
        T(test_ping_of_ours_ends_with_reset),
        T(test_malformed_con_is_reset_and_malformed_non_dropped),
        T(test_other_versions_and_crumbs_are_ignored),
        T(test_unknown_critical_option_in_con_request_gives_4_02),
        T(test_critical_options_of_the_application_pass),
        T(test_unknown_critical_option_in_response_is_rejected),
        T(test_unknown_method_gives_4_05),
        T(test_proxy_options_give_5_05),
        T(test_duplicate_request_gets_the_same_answer),
        T(test_duplicate_of_an_open_request_is_not_handled_twice),
        T(test_duplicate_non_is_dropped),
        T(test_late_answer_is_separate_and_reliable),
        T(test_late_answer_may_be_reset_or_time_out),
        T(test_late_answer_may_be_non),
        T(test_late_answer_does_not_queue_behind_requests),
        T(test_answers_carry_what_the_application_says),
        T(test_answers_in_bad_order_are_refused_and_the_ticket_stays),
        T(test_request_carries_what_the_application_says),
        T(test_request_arguments_are_checked),
        T(test_without_a_free_exchange_requests_get_5_03),
        T(test_forgotten_duplicates_are_counted),
        T(test_log_overrun_is_counted_and_harmless),
        T(test_answer_that_does_not_fit_leaves_the_ticket_open),
        T(test_small_writer_is_reported),
        T(test_feed_wants_its_events_read),
        T(test_peer_gone_ends_everything_of_that_peer),
        T(test_cancel_drops_a_ticket),
        T(test_configuration_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
