/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of ours, at once and late, and what messages carry: RFC 7252 §5.2, one rule per test.
 * The test plays the other side by hand. */
#include "tests/coap/alone.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_late_answer_is_separate_and_reliable),
        ALONE(test_late_answer_may_be_reset_or_time_out),
        ALONE(test_late_answer_may_be_non),
        ALONE(test_late_answer_does_not_queue_behind_requests),
        ALONE(test_answers_carry_what_the_application_says),
        ALONE(test_answers_in_bad_order_are_refused_and_the_ticket_stays),
        ALONE(test_request_carries_what_the_application_says),
        ALONE(test_request_arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
