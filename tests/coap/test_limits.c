/* SPDX-License-Identifier: Apache-2.0
 *
 * Where storage, writers and configurations end. The test plays the other side by hand. */
#include "tests/coap/alone.h"

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
                                     &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .user = 77 }, NOW,
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_without_a_free_exchange_requests_get_5_03),
        ALONE(test_forgotten_duplicates_are_counted),
        ALONE(test_log_overrun_is_counted_and_harmless),
        ALONE(test_answer_that_does_not_fit_leaves_the_ticket_open),
        ALONE(test_small_writer_is_reported),
        ALONE(test_feed_wants_its_events_read),
        ALONE(test_peer_gone_ends_everything_of_that_peer),
        ALONE(test_cancel_drops_a_ticket),
        ALONE(test_configuration_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
