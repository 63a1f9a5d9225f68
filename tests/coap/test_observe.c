/* SPDX-License-Identifier: Apache-2.0
 *
 * Observation, RFC 7641, in both roles. The test plays the other side by hand. */
#include "tests/coap/alone.h"

/* ---- we are observed ---- */

static tsr_coap_id notify(uint32_t sequence, bool con, size_t len, uint64_t key)
{
    tsr_coap_id id = 99;

    assert_int_equal(tsr_coap_notify(c, 0, TEXT("obs"), sequence, con,
                                     &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                           .key = key,
                                                           .payload = tsr_view(body, len), .user = 7 },
                                     NOW, &id),
                     TSR_OK);
    return id;
}

/* RFC 7641 §3.1 and RFC 7641 §4.1 */
static void test_observe_request_is_the_applications(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .token = "obs", .path = "/t",
              .observe = { true, 0 });
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    assert_true(e.msg->observe.set && e.msg->observe.value == 0);
    assert_true(tsr_same(e.token, TEXT("obs")));
    assert_true(e.key != 0);
    assert_int_equal(tsr_coap_respond(c, e.id,
                                      &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                            .observe = { true, 12 },
                                                            .payload = TEXT("22.9") },
                                      NOW),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.observe.set && m.observe.value == 12);
}

static void test_con_notification_is_acknowledged(void **state)
{
    tsr_coap_id id = notify(0x1000005, true, 4, 0);
    tsr_coap_msg m = link_next(c, NOW);

    (void)state;
    assert_true(m.type == TSR_COAP_CON && m.code == TSR_COAP_CONTENT &&
                tsr_same(m.token, TEXT("obs")));
    assert_true(m.observe.set && m.observe.value == 5); /* 24 bits */
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = m.mid);
    tsr_coap_event e = link_event(c, TSR_COAP_ACKED);

    assert_true(e.id == id && e.user == 7 && tsr_same(e.token, TEXT("obs")));
    assert_true(tsr_coap_due_ms(c) == UINT64_MAX);
}

/* RFC 7641 §3.6 and RFC 7641 §4.5: RST or no ACK at all: the observer is gone. */
static void test_con_notification_is_rejected_or_times_out(void **state)
{
    (void)notify(1, true, 4, 0);
    tsr_coap_msg m = link_next(c, NOW);

    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .mid = m.mid);
    assert_int_equal(link_event(c, TSR_COAP_RESET).user, 7);
    (void)notify(2, true, 4, 0);
    for (unsigned i = 0; i < 5; i++)
        assert_true(link_next(c, NOW + i * 100000).observe.set);
    link_silent(c, NOW + 900000);
    assert_int_equal(link_event(c, TSR_COAP_TIMEOUT).user, 7);
}

static void test_non_notification_may_be_rejected(void **state)
{
    assert_int_equal(notify(1, false, 4, 0), 0);
    tsr_coap_msg m = link_next(c, NOW);

    (void)state;
    assert_int_equal(m.type, TSR_COAP_NON);
    assert_true(tsr_coap_due_ms(c) == UINT64_MAX);
    LINK_FEED(c, NOW + 1000, .type = TSR_COAP_RST, .mid = (uint16_t)(m.mid + 1));
    link_no_event(c);
    LINK_FEED(c, NOW + 1000, .type = TSR_COAP_RST, .mid = m.mid);
    assert_int_equal(link_event(c, TSR_COAP_RESET).user, 7);
    LINK_FEED(c, NOW + 1000, .type = TSR_COAP_RST, .mid = m.mid); /* its duplicate */
    link_no_event(c);
}

static void test_notifications_of_a_peer_keep_their_order(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 4; i++)
        (void)notify(i, true, 1, 0);
    for (uint32_t i = 1; i <= 4; i++) {
        tsr_coap_msg m = link_next(c, NOW);

        assert_int_equal(m.observe.value, i);
        link_silent(c, NOW);
        LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = m.mid);
        (void)link_event(c, TSR_COAP_ACKED);
    }
    for (uint32_t i = 5; i <= 9; i++)
        (void)notify(i, false, 1, 0);
    for (uint32_t i = 5; i <= 9; i++)
        assert_int_equal(link_next(c, NOW).observe.value, i);
}

/* RFC 7641 §4.2: an error response ends the observation and carries no Observe. */
static void test_error_notification_has_no_observe(void **state)
{
    (void)state;
    assert_int_equal(tsr_coap_notify(c, 0, TEXT("obs"), 3, true,
                                     &(tsr_coap_response){ .code = TSR_COAP_NOT_FOUND, .user = 7 }, NOW,
                                     NULL),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.code == TSR_COAP_NOT_FOUND && !m.observe.set);
}

/* RFC 7959 §3.4, Figure 13: only the first block is pushed; the rest is fetched from the same
 * bytes. */
static void test_long_notification_sends_its_first_block(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .token = "obs", .path = "/t",
              .observe = { true, 0 }, .accept = { true, 112 }, .block2 = BLOCK(0, false, 5));
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);
    uint64_t key = e.key;

    assert_int_equal(tsr_coap_respond(c, e.id,
                                      &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                            .observe = { true, 1 },
                                                            .payload = TEXT("x") },
                                      NOW),
                     TSR_OK);
    (void)link_next(c, NOW);
    (void)notify(2, true, 1300, key);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.block2.set && m.block2.more && m.block2.num == 0 && m.block2.szx == 5);
    assert_true(tsr_same(m.payload, tsr_view(body, 512)));
    assert_true(m.observe.set && m.etag.len >= 4);
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = m.mid);
    (void)link_event(c, TSR_COAP_ACKED);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 2, .token = "other", .path = "/t",
              .accept = { true, 112 }, .block2 = BLOCK(1, false, 5));
    link_no_event(c);
    m = link_next(c, NOW);
    assert_true(m.block2.num == 1 && m.block2.more && !m.observe.set);
    assert_true(tsr_same(m.payload, tsr_view(body + 512, 512)));
}

static void test_long_notification_without_key_asks_the_application(void **state)
{
    (void)state;
    (void)notify(2, true, 1300, 0);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.block2.set && m.block2.more && m.block2.szx == 6);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 2, .path = "/t", .block2 = BLOCK(1, false, 6));
    assert_int_equal(link_event(c, TSR_COAP_REQUEST).msg->block2.num, 1);
}

static void test_notify_checks_its_arguments(void **state)
{
    const tsr_coap_response ok = { .code = TSR_COAP_CONTENT }, bad = { .code = TSR_COAP_GET };

    (void)state;
    assert_int_equal(tsr_coap_notify(c, 4, TEXT("t"), 1, true, &ok, NOW, NULL), TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_notify(c, 0, TEXT("123456789"), 1, true, &ok, NOW, NULL),
                     TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_notify(c, 0, TEXT("t"), 1, true, &bad, NOW, NULL), TSR_E_ARGUMENT);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(tsr_coap_notify(c, 0, tsr_view(NULL, 0), 1, true, &ok, NOW, NULL),
                         TSR_OK);
    assert_int_equal(tsr_coap_notify(c, 0, TEXT("t"), 1, true, &ok, NOW, NULL), TSR_E_SPACE);
}

/* ---- we observe ---- */

static uint8_t token[8];

static tsr_coap_msg observe(void)
{
    assert_int_equal(tsr_coap_request_send(c, 0,
                                           &(tsr_coap_request){ .method = TSR_COAP_GET,
                                                                .path = "/t",
                                                                .observe = { true, 0 },
                                                                .user = 5 },
                                           NOW, NULL),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.observe.set && m.observe.value == 0);
    memcpy(token, m.token.ptr, 8);
    return m;
}

static void accepted(uint32_t sequence)
{
    tsr_coap_msg m = observe();

    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = tsr_view(token, 8), .observe = { true, sequence },
              .payload = TEXT("first"));
    tsr_coap_event e = link_event(c, TSR_COAP_RESPONSE);

    assert_true(e.observing && e.user == 5 && tsr_same(e.token, tsr_view(token, 8)));
}

static void push(uint8_t type, uint32_t sequence, uint64_t now_ms)
{
    LINK_FEED(c, now_ms, .type = type, .code = TSR_COAP_CONTENT, .mid = next_mid++,
              .same_token = tsr_view(token, 8), .observe = { true, sequence },
              .payload = TEXT("new"));
}

static void arrives(void)
{
    tsr_coap_event e = link_event(c, TSR_COAP_NOTIFICATION);

    assert_true(e.observing && !e.partial && e.user == 5);
    assert_true(tsr_same(e.token, tsr_view(token, 8)) && tsr_same(e.body, TEXT("new")));
}

static void rejected(void)
{
    link_no_event(c);
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_RST);
}

static void test_notifications_arrive(void **state)
{
    (void)state;
    accepted(10);
    push(TSR_COAP_CON, 11, NOW);
    arrives();
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_ACK);
    push(TSR_COAP_NON, 12, NOW);
    arrives();
    link_silent(c, NOW);
    next_mid--;
    push(TSR_COAP_NON, 12, NOW); /* a duplicate */
    link_no_event(c);
    link_silent(c, NOW);
}

/* RFC 7641 §3.4, with its three conditions. */
static void test_notifications_out_of_order_are_dropped(void **state)
{
    (void)state;
    accepted(10);
    push(TSR_COAP_NON, 12, NOW + 1);
    arrives();
    push(TSR_COAP_NON, 11, NOW + 2);
    link_no_event(c);
    push(TSR_COAP_CON, 12,
         NOW + 3); /* the same number is not newer; it is acknowledged all the same */
    link_no_event(c);
    assert_int_equal(link_next(c, NOW + 3).type, TSR_COAP_ACK);
    push(TSR_COAP_NON, 12 + (1 << 23), NOW + 4); /* half way round: older */
    link_no_event(c);
    push(TSR_COAP_NON, 11 + (1 << 23), NOW + 5);
    arrives();
    push(TSR_COAP_NON, 0xfffffe, NOW + 6);
    arrives();
    push(TSR_COAP_NON, 1, NOW + 7); /* across the end */
    arrives();
    push(TSR_COAP_NON, 0xffffff, NOW + 128007);
    link_no_event(c);
    push(TSR_COAP_NON, 0xffffff, NOW + 128008); /* 128 s later everything is newer */
    arrives();
}

static void test_observation_that_was_not_accepted_is_forgotten(void **state)
{
    tsr_coap_msg m = observe();

    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = tsr_view(token, 8));
    assert_false(link_event(c, TSR_COAP_RESPONSE).observing);
    push(TSR_COAP_CON, 11, NOW);
    rejected();

    m = observe();
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_NOT_FOUND, .mid = m.mid,
              .same_token = tsr_view(token, 8), .observe = { true, 1 });
    assert_false(link_event(c, TSR_COAP_RESPONSE).observing);
    push(TSR_COAP_CON, 12, NOW);
    rejected();

    (void)observe();
    for (unsigned i = 0; i < 4; i++)
        (void)link_next(c, NOW + 100000 * (i + 1));
    link_silent(c, NOW + 900000);
    (void)link_event(c, TSR_COAP_TIMEOUT);
    push(TSR_COAP_CON, 13, NOW + 900000);
    rejected();
}

/* RFC 7641 §3.2 and RFC 7641 §4.2: an error, or a response without Observe, is the last. */
static void test_observation_ends_with_an_error(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        accepted(1);
        LINK_FEED(c, NOW, .type = TSR_COAP_CON,
                  .code = i == 0 ? TSR_COAP_NOT_FOUND : TSR_COAP_CONTENT, .mid = next_mid++,
                  .same_token = tsr_view(token, 8));
        tsr_coap_event e = link_event(c, TSR_COAP_NOTIFICATION);

        assert_false(e.observing);
        assert_true(tsr_same(e.token, tsr_view(token, 8)));
        assert_int_equal(link_next(c, NOW).type, TSR_COAP_ACK);
        push(TSR_COAP_CON, 11, NOW);
        rejected();
    }
}

/* RFC 7641 §3.6: forgetting is enough; the next notification is rejected. */
static void test_observation_is_forgotten(void **state)
{
    (void)state;
    accepted(1);
    assert_int_equal(tsr_coap_observe_forget(c, 0, tsr_view(token, 8)), TSR_OK);
    assert_int_equal(tsr_coap_observe_forget(c, 0, tsr_view(token, 8)), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_coap_observe_forget(c, 9, tsr_view(token, 8)), TSR_E_NOT_FOUND);
    push(TSR_COAP_CON, 2, NOW);
    rejected();
    push(TSR_COAP_NON, 3, NOW);
    rejected();
}

static void test_observation_is_cancelled_with_its_token(void **state)
{
    (void)state;
    accepted(1);
    assert_int_equal(tsr_coap_request_send(c, 0,
                                           &(tsr_coap_request){ .method = TSR_COAP_GET,
                                                                .path = "/t",
                                                                .observe = { true, 1 },
                                                                .token = tsr_view(token, 8) },
                                           NOW, NULL),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.observe.set && m.observe.value == 1 && tsr_same(m.token, tsr_view(token, 8)));
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = tsr_view(token, 8));
    assert_false(link_event(c, TSR_COAP_RESPONSE).observing);
    push(TSR_COAP_CON, 2, NOW);
    rejected();
}

static void test_observation_is_renewed_with_its_token(void **state)
{
    (void)state;
    accepted(100);
    assert_int_equal(tsr_coap_request_send(c, 0,
                                           &(tsr_coap_request){ .method = TSR_COAP_GET,
                                                                .path = "/t",
                                                                .observe = { true, 0 },
                                                                .token = tsr_view(token, 8),
                                                                .user = 5 },
                                           NOW, NULL),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = tsr_view(token, 8), .observe = { true, 3 });
    assert_true(link_event(c, TSR_COAP_RESPONSE).observing);
    push(TSR_COAP_NON, 4, NOW);
    arrives();
}

/* After a restart the engine knows what the application remembered. */
static void test_observation_is_adopted(void **state)
{
    (void)state;
    memcpy(token, "remember", 8);
    assert_int_equal(tsr_coap_observe_adopt(c, 0, tsr_view(token, 8), NULL, 5), TSR_OK);
    assert_int_equal(tsr_coap_observe_adopt(c, 0, tsr_view(token, 8), NULL, 5), TSR_E_EXISTS);
    assert_int_equal(tsr_coap_observe_adopt(c, 4, tsr_view(token, 8), NULL, 5), TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_observe_adopt(c, 0, TEXT("123456789"), NULL, 5), TSR_E_ARGUMENT);
    push(TSR_COAP_NON, 900, NOW); /* any number is fresh at first */
    arrives();
    push(TSR_COAP_NON, 899, NOW);
    link_no_event(c);
    for (char i = '1'; i < '8'; i++)
        assert_int_equal(tsr_coap_observe_adopt(c, 1, tsr_view(&i, 1), NULL, 5), TSR_OK);
    assert_int_equal(tsr_coap_observe_adopt(c, 1, TEXT("one more"), NULL, 5), TSR_E_SPACE);
}

static void test_observation_of_another_peer_is_another(void **state)
{
    (void)state;
    accepted(1);
    assert_int_equal(tsr_coap_feed(c, 1,
                                   link_build(&(link_raw){ .type = TSR_COAP_CON,
                                                           .code = TSR_COAP_CONTENT,
                                                           .mid = 5,
                                                           .same_token = tsr_view(token, 8),
                                                           .observe = { true, 2 } }),
                                   NOW),
                     TSR_OK);
    rejected();
    push(TSR_COAP_NON, 2, NOW);
    arrives();
}

static void test_observation_goes_with_its_peer(void **state)
{
    (void)state;
    accepted(1);
    tsr_coap_peer_gone(c, 0);
    link_no_event(c);
    push(TSR_COAP_CON, 2, NOW);
    rejected();
}

static void first_block(uint32_t sequence, const char *etag)
{
    LINK_FEED(c, NOW, .type = TSR_COAP_NON, .code = TSR_COAP_CONTENT, .mid = next_mid++,
              .same_token = tsr_view(token, 8), .observe = { true, sequence },
              .etag = tsr_text(etag), .block2 = BLOCK(0, true, 6), .payload = tsr_view(body, 1024));
}

static void next_block(tsr_coap_msg m, uint32_t num, bool more, const char *etag)
{
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = m.token, .etag = tsr_text(etag), .block2 = BLOCK(num, more, 6),
              .payload = tsr_view(body + 1024 * num, more ? 1024 : 100));
}

/* RFC 7959 §3.4: the rest is fetched with GETs of other tokens and without Observe. */
static void test_long_notification_is_fetched(void **state)
{
    (void)state;
    accepted(1);
    first_block(2, "a");
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.code == TSR_COAP_GET && tsr_coap_msg_path_is(&m, 0, "/t") && !m.observe.set);
    assert_true(m.block2.num == 1 && !tsr_same(m.token, tsr_view(token, 8)));
    next_block(m, 1, true, "a");
    m = link_next(c, NOW);
    assert_int_equal(m.block2.num, 2);
    next_block(m, 2, false, "a");
    tsr_coap_event e = link_event(c, TSR_COAP_NOTIFICATION);

    assert_true(e.observing && !e.partial && e.user == 5 && e.id == 0);
    assert_true(tsr_same(e.token, tsr_view(token, 8)));
    assert_true(tsr_same(e.body, tsr_view(body, 2148)));
    push(TSR_COAP_NON, 3, NOW);
    arrives();
}

static void test_newer_notification_calls_off_the_fetch(void **state)
{
    (void)state;
    accepted(1);
    first_block(2, "a");
    tsr_coap_msg m = link_next(c, NOW);
    uint16_t old = m.mid;

    first_block(3, "b");
    m = link_next(c, NOW);
    assert_int_not_equal(m.mid, old);
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = old);
    next_block(m, 1, false, "b");
    assert_int_equal(link_event(c, TSR_COAP_NOTIFICATION).body.len, 1124);
    link_no_event(c);

    first_block(4, "c");
    (void)link_next(c, NOW);
    push(TSR_COAP_NON, 5, NOW); /* a short one overtakes as well */
    arrives();
    link_silent(c, NOW + 900000);
    link_no_event(c);
}

static void test_forgetting_calls_off_the_fetch(void **state)
{
    (void)state;
    accepted(1);
    first_block(2, "a");
    (void)link_next(c, NOW);
    assert_int_equal(tsr_coap_observe_forget(c, 0, tsr_view(token, 8)), TSR_OK);
    link_silent(c, NOW + 900000);
    link_no_event(c);
    accepted(1); /* and NSTART is free again */
}

static void test_fetch_that_fails_is_told(void **state)
{
    (void)state;
    accepted(1);
    first_block(2, "a");
    for (unsigned i = 0; i < 5; i++)
        (void)link_next(c, NOW + i * 100000);
    link_silent(c, NOW + 900000);
    tsr_coap_event e = link_event(c, TSR_COAP_TIMEOUT);

    assert_true(e.id == 0 && e.user == 5 && tsr_same(e.token, tsr_view(token, 8)));
    push(TSR_COAP_NON, 3, NOW + 900000); /* the observation itself goes on */
    arrives();
}

static void test_long_notification_is_partial_when_it_cannot_be_fetched(void **state)
{
    (void)state;
    memcpy(token, "remember", 8);
    assert_int_equal(tsr_coap_observe_adopt(c, 0, tsr_view(token, 8), NULL, 5), TSR_OK);
    first_block(1, "a");
    tsr_coap_event e = link_event(c, TSR_COAP_NOTIFICATION);

    assert_true(e.partial && e.body.len == 1024);
    assert_int_equal(tsr_coap_observe_forget(c, 0, tsr_view(token, 8)), TSR_OK);
    assert_int_equal(
        tsr_coap_observe_adopt(c, 0, tsr_view(token, 8),
                               &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/t" }, 5),
        TSR_OK);
    first_block(2, "a");
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(tsr_coap_msg_path_is(&m, 0, "/t"));
}

/* ---- acknowledged when it is kept ---- */

static void with_hold(uint32_t exchanges)
{
    tsr_coap_config config = link_config(3);

    config.hold = true;
    config.exchanges = exchanges;
    with(&config);
    accepted(10);
}

static tsr_coap_id held(void)
{
    tsr_coap_event e = link_event(c, TSR_COAP_NOTIFICATION);

    assert_true(e.id != 0 && e.observing);
    return e.id;
}

static void acknowledged(uint16_t mid, uint64_t now_ms)
{
    tsr_coap_msg m = link_next(c, now_ms);

    assert_true(m.type == TSR_COAP_ACK && m.code == TSR_COAP_EMPTY && m.mid == mid);
}

static void again(uint32_t sequence, uint64_t now_ms)
{
    next_mid--;
    push(TSR_COAP_CON, sequence, now_ms);
}

/* RFC 7252 §4.5: duplicates get nothing while it is open, and the same ACK afterwards. */
static void test_held_notification_is_acknowledged_when_kept(void **state)
{
    tsr_coap_id id;

    (void)state;
    with_hold(16);
    push(TSR_COAP_CON, 11, NOW);
    id = held();
    link_silent(c, NOW);
    again(11, NOW + 2500);
    link_no_event(c);
    link_silent(c, NOW + 2500);
    assert_int_equal(tsr_coap_observe_settle(c, id, true), TSR_OK);
    acknowledged((uint16_t)(next_mid - 1), NOW + 2600);
    again(11, NOW + 5000);
    link_no_event(c);
    acknowledged((uint16_t)(next_mid - 1), NOW + 5000);
    assert_int_equal(tsr_coap_observe_settle(c, id, true), TSR_E_NOT_FOUND);
    push(TSR_COAP_NON, 12, NOW);
    assert_int_equal(link_event(c, TSR_COAP_NOTIFICATION).id, 0);
    link_silent(c, NOW);
}

static void test_held_notification_that_is_not_kept_comes_again(void **state)
{
    tsr_coap_id id;

    (void)state;
    with_hold(16);
    push(TSR_COAP_CON, 11, NOW);
    assert_int_equal(tsr_coap_observe_settle(c, held(), false), TSR_OK);
    link_silent(c, NOW);
    again(11, NOW + 2500);
    id = held();
    push(TSR_COAP_CON, 12, NOW + 2600); /* a newer one: the older is not taken any more */
    assert_int_equal(tsr_coap_observe_settle(c, held(), true), TSR_OK);
    acknowledged((uint16_t)(next_mid - 1), NOW + 2600);
    assert_int_equal(tsr_coap_observe_settle(c, id, false), TSR_OK);
    next_mid--;
    again(11, NOW + 7000);
    link_no_event(c);
    acknowledged((uint16_t)(next_mid - 1), NOW + 7000);
}

/* What nobody is told of has nobody to settle it. */
static void test_notifications_that_are_not_told_are_not_held(void **state)
{
    (void)state;
    with_hold(16);
    push(TSR_COAP_CON, 9, NOW);
    link_no_event(c);
    acknowledged((uint16_t)(next_mid - 1), NOW);
    LINK_FEED(c, NOW, .type = TSR_COAP_CON, .code = TSR_COAP_CONTENT, .mid = next_mid++,
              .same_token = tsr_view(token, 8), .observe = { true, 12 }, .block2 = BLOCK(0, true, 6),
              .payload = tsr_view(body, 1024));
    link_no_event(c);
    acknowledged((uint16_t)(next_mid - 1), NOW);
    assert_int_equal(link_next(c, NOW).block2.num, 1);
}

static void test_held_notification_goes_with_its_peer(void **state)
{
    tsr_coap_id id;

    (void)state;
    with_hold(16);
    push(TSR_COAP_CON, 11, NOW);
    id = held();
    tsr_coap_peer_gone(c, 0);
    assert_int_equal(tsr_coap_observe_settle(c, id, true), TSR_E_NOT_FOUND);
    link_silent(c, NOW + 900000);
}

static void test_held_notification_outlives_its_observation(void **state)
{
    tsr_coap_id id;

    (void)state;
    with_hold(16);
    push(TSR_COAP_CON, 11, NOW);
    id = held();
    assert_int_equal(tsr_coap_observe_forget(c, 0, tsr_view(token, 8)), TSR_OK);
    assert_int_equal(tsr_coap_observe_settle(c, id, false), TSR_OK);
    again(11, NOW + 2500);
    rejected();
}

static void test_notification_without_room_to_be_held_is_as_if_lost(void **state)
{
    tsr_coap_id id;

    (void)state;
    with_hold(1);
    push(TSR_COAP_CON, 11, NOW);
    id = held();
    push(TSR_COAP_CON, 12, NOW);
    link_no_event(c);
    link_silent(c, NOW);
    assert_int_equal(c->stats.refused, 1);
    assert_int_equal(tsr_coap_observe_settle(c, id, true), TSR_OK);
    acknowledged((uint16_t)(next_mid - 2), NOW);
    again(12, NOW + 2500);
    assert_int_equal(tsr_coap_observe_settle(c, held(), true), TSR_OK);
    acknowledged((uint16_t)(next_mid - 1), NOW + 2500);
}

/* RFC 8132 §2.1: FETCH may be observed; the payload is part of what is observed. */
static void test_observed_fetch_repeats_its_payload(void **state)
{
    (void)state;
    assert_int_equal(tsr_coap_request_send(c, 0,
                                           &(tsr_coap_request){ .method = TSR_COAP_FETCH,
                                                                .path = "/",
                                                                .observe = { true, 0 },
                                                                .payload = TEXT("paths"),
                                                                .user = 5 },
                                           NOW, NULL),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    memcpy(token, m.token.ptr, 8);
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = m.token, .observe = { true, 1 });
    assert_true(link_event(c, TSR_COAP_RESPONSE).observing);
    first_block(2, "a");
    m = link_next(c, NOW);
    assert_true(m.code == TSR_COAP_FETCH && tsr_same(m.payload, TEXT("paths")));
}

/* An observation whose first answer is long is accepted by its first block. */
static void test_long_first_answer_starts_the_observation(void **state)
{
    tsr_coap_msg m = observe();

    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = m.token, .observe = { true, 1 }, .block2 = BLOCK(0, true, 6),
              .payload = tsr_view(body, 1024));
    m = link_next(c, NOW);
    assert_false(m.observe.set || tsr_same(m.token, tsr_view(token, 8)));
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = m.token, .block2 = BLOCK(1, false, 6),
              .payload = tsr_view(body + 1024, 3));
    tsr_coap_event e = link_event(c, TSR_COAP_RESPONSE);

    assert_true(e.observing && tsr_same(e.token, tsr_view(token, 8)));
    assert_true(tsr_same(e.body, tsr_view(body, 1027)));
    push(TSR_COAP_NON, 2, NOW);
    arrives();
}

static void test_critical_option_in_a_notification_is_rejected(void **state)
{
    (void)state;
    accepted(1);
    LINK_FEED(c, NOW, .type = TSR_COAP_CON, .code = TSR_COAP_CONTENT, .mid = next_mid++,
              .same_token = tsr_view(token, 8), .observe = { true, 2 }, .extra = 2049);
    rejected();
}

/* Many observations: a notification finds its own, and the chains stay short (a second at most for
 * all). */
static void test_many_observations_are_found(void **state)
{
    enum { PEERS = 1000, EACH = 20 };
    tsr_coap_config config = { .peers = PEERS,
                               .exchanges = 4,
                               .exchange_len = 128,
                               .seen = 64,
                               .log_len = 1024,
                               .watches = PEERS * EACH,
                               .seed = 3 };
    uint8_t raw[10] = { 0x54, TSR_COAP_CONTENT, 0, 0 };

    (void)state;
    with(&config);
    for (uint32_t i = 0; i < PEERS * EACH; i++)
        assert_int_equal(tsr_coap_observe_adopt(c, i % PEERS, tsr_view(&i, 4), NULL, i), TSR_OK);
    raw[8] = 0x61; /* Observe of one byte */
    for (uint32_t i = 0; i < PEERS * EACH; i++) {
        tsr_coap_event e;

        raw[2] = (uint8_t)(i >> 8);
        raw[3] = (uint8_t)i;
        memcpy(raw + 4, &i, 4);
        assert_int_equal(tsr_coap_feed(c, i % PEERS, tsr_view(raw, 10), NOW), TSR_OK);
        assert_true(tsr_coap_event_next(c, &e));
        assert_true(e.kind == TSR_COAP_NOTIFICATION && e.user == i && e.peer == i % PEERS);
    }
    tsr_coap_peer_gone(c, 7);
    for (uint32_t i = 0; i < PEERS * EACH; i++)
        assert_int_equal(tsr_coap_observe_forget(c, i % PEERS, tsr_view(&i, 4)),
                         i % PEERS == 7 ? TSR_E_NOT_FOUND : TSR_OK);
}

/* A device observes nobody: no request for it goes out, and notifications are rejected. */
static void test_device_observes_nobody(void **state)
{
    tsr_coap_config config = link_config(1);
    size_t len = tsr_coap_memory(&config);
    void *memory = malloc(len);
    tsr_coap device, *saved = c;

    (void)state;
    assert_int_equal(link_place_device(&device, &config, memory, len), TSR_OK);
    c = &device;
    assert_int_equal(tsr_coap_request_send(c, 0,
                                           &(tsr_coap_request){ .method = TSR_COAP_GET,
                                                                .observe = { true, 0 } },
                                           NOW, NULL),
                     TSR_E_UNSUPPORTED);
    push(TSR_COAP_CON, 2, NOW);
    rejected();
    (void)notify(1, true, 4, 0); /* but it is observed */
    assert_true(link_next(c, NOW).observe.set);
    tsr_coap_peer_gone(c, 0);
    (void)link_event(c, TSR_COAP_GONE);
    c = saved;
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_observe_request_is_the_applications),
        ALONE(test_con_notification_is_acknowledged),
        ALONE(test_con_notification_is_rejected_or_times_out),
        ALONE(test_non_notification_may_be_rejected),
        ALONE(test_notifications_of_a_peer_keep_their_order),
        ALONE(test_error_notification_has_no_observe),
        ALONE(test_long_notification_without_key_asks_the_application),
        ALONE(test_notify_checks_its_arguments),
        ALONE(test_device_observes_nobody),
    };
    /* bodies in blocks, or observing others */
    const struct CMUnitTest whole[] = {
        ALONE(test_long_notification_sends_its_first_block),
        ALONE(test_notifications_arrive),
        ALONE(test_notifications_out_of_order_are_dropped),
        ALONE(test_observation_that_was_not_accepted_is_forgotten),
        ALONE(test_observation_ends_with_an_error),
        ALONE(test_observation_is_forgotten),
        ALONE(test_observation_is_cancelled_with_its_token),
        ALONE(test_observation_is_renewed_with_its_token),
        ALONE(test_observation_is_adopted),
        ALONE(test_observation_of_another_peer_is_another),
        ALONE(test_observation_goes_with_its_peer),
        ALONE(test_long_notification_is_fetched),
        ALONE(test_newer_notification_calls_off_the_fetch),
        ALONE(test_forgetting_calls_off_the_fetch),
        ALONE(test_fetch_that_fails_is_told),
        ALONE(test_long_notification_is_partial_when_it_cannot_be_fetched),
        ALONE(test_observed_fetch_repeats_its_payload),
        ALONE(test_long_first_answer_starts_the_observation),
        ALONE(test_critical_option_in_a_notification_is_rejected),
        ALONE(test_many_observations_are_found),
        ALONE(test_held_notification_is_acknowledged_when_kept),
        ALONE(test_held_notification_that_is_not_kept_comes_again),
        ALONE(test_notifications_that_are_not_told_are_not_held),
        ALONE(test_held_notification_goes_with_its_peer),
        ALONE(test_held_notification_outlives_its_observation),
        ALONE(test_notification_without_room_to_be_held_is_as_if_lost),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (!link_small)
        failed += cmocka_run_group_tests(whole, NULL, NULL);
    return failed;
}
