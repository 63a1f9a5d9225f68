/* SPDX-License-Identifier: Apache-2.0
 *
 * What we send and what ends it: RFC 7252 §4.2 and RFC 7252 §5.2, one rule per test. The test
 * plays the other side by hand. */
#include "tests/coap/alone.h"

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

/* RFC 7252 §4.8 */
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

/* RFC 7252 §4.4 */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_con_is_retransmitted_with_doubling_timeout),
        ALONE(test_con_first_timeout_varies),
        ALONE(test_con_parameters_are_the_callers),
        ALONE(test_con_empty_ack_ends_retransmission),
        ALONE(test_con_response_that_never_comes_times_out),
        ALONE(test_con_response_overtakes_its_ack),
        ALONE(test_con_reset_ends_a_request),
        ALONE(test_piggybacked_response_with_wrong_token_is_ignored),
        ALONE(test_stray_acks_and_resets_are_ignored),
        ALONE(test_unmatched_responses_are_reset),
        ALONE(test_nstart_queues_in_order),
        ALONE(test_nstart_is_freed_by_cancel),
        ALONE(test_non_request_is_sent_once),
        ALONE(test_message_ids_count_up_per_peer),
        ALONE(test_tokens_differ_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
