/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines over a bad path: the cases of the ETSI plugtests (TD_COAP_CORE, BLOCK, OBS), then
 * thousands of exchanges at 20 % loss with duplication and reordering. The seed is fixed, so a
 * failure comes again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/link.h"

enum { LARGE = 1280, ENTRIES = 4096 };

/* The server's application: /test, /separate (late), /large, /large-update, /obs, /sum (counts
 * POSTs). */
typedef struct {
    uint8_t large[LARGE], update[8192];
    size_t update_len;
    char test[32];
    uint64_t posts;
    uint8_t handled[ENTRIES]; /* by the number in the query: how often */
    tsr_coap_id late;
    uint64_t late_at;
    uint8_t observer[8];
    size_t observer_len;
    bool observed;
    uint64_t observed_key;
    uint32_t sequence;
    unsigned acked, reset, timeout;
} server_app;

typedef struct {
    unsigned responses, timeouts, failures, notifications;
    uint8_t code;
    uint8_t body[8192];
    size_t len;
    bool observing;
    uint8_t token[8];
    uint32_t last_number;
    unsigned by_user[ENTRIES];
} client_app;

typedef struct {
    link_path link;
    tsr_coap *client, *server;
    client_app c;
    server_app s;
} world;

static uint32_t number_in_query(const tsr_coap_msg *msg)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_bytes query;
    uint64_t n = 0;

    if (tsr_coap_query_next(&it, &query) == TSR_OK)
        assert_int_equal(tsr_dec(tsr_skip(query, 2), &n), TSR_OK);
    return (uint32_t)n;
}

static void answer(tsr_coap *c, tsr_coap_id id, uint8_t code, tsr_bytes payload, uint64_t now_ms)
{
    assert_int_equal(
        tsr_coap_respond(c, id, &(tsr_coap_response){ .code = code, .payload = payload }, now_ms),
        TSR_OK);
}

static void serve_test(server_app *s, tsr_coap *c, const tsr_coap_event *e, uint64_t now_ms)
{
    switch (e->msg->code) {
    case TSR_COAP_GET: answer(c, e->id, TSR_COAP_CONTENT, tsr_text(s->test), now_ms); break;
    case TSR_COAP_DELETE: answer(c, e->id, TSR_COAP_DELETED, tsr_text(""), now_ms); break;
    default:
        assert_true(e->body.len < sizeof s->test);
        memcpy(s->test, e->body.ptr, e->body.len);
        s->test[e->body.len] = '\0';
        answer(c, e->id, e->msg->code == TSR_COAP_POST ? TSR_COAP_CREATED : TSR_COAP_CHANGED,
               tsr_text(""), now_ms);
    }
}

static void serve_observe(server_app *s, tsr_coap *c, const tsr_coap_event *e, uint64_t now_ms)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = tsr_text("state") };

    if (e->msg->observe.set) {
        s->observed = e->msg->observe.value == 0;
        r.observe = (tsr_coap_num){ s->observed, s->sequence };
        memcpy(s->observer, e->token.ptr, e->token.len);
        s->observer_len = e->token.len;
        s->observed_key = e->key;
    }
    assert_int_equal(tsr_coap_respond(c, e->id, &r, now_ms), TSR_OK);
}

static void serve(server_app *s, tsr_coap *c, const tsr_coap_event *e, uint64_t now_ms)
{
    uint32_t n = number_in_query(e->msg);

    s->handled[n % ENTRIES]++;
    if (tsr_coap_msg_path_is(e->msg, 0, "/test")) {
        serve_test(s, c, e, now_ms);
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/separate")) {
        s->late = e->id;
        s->late_at = now_ms + 3000;
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/large")) {
        answer(c, e->id, TSR_COAP_CONTENT, tsr_view(s->large, LARGE), now_ms);
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/large-update")) {
        memcpy(s->update, e->body.ptr, e->body.len);
        s->update_len = e->body.len;
        answer(c, e->id, TSR_COAP_CHANGED, tsr_text(""), now_ms);
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/obs")) {
        serve_observe(s, c, e, now_ms);
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/sum")) {
        s->posts++;
        answer(c, e->id, TSR_COAP_CHANGED, e->body, now_ms);
    } else {
        answer(c, e->id, TSR_COAP_NOT_FOUND, tsr_text("no such thing"), now_ms);
    }
}

static void on_server(void *user, tsr_coap *c, const tsr_coap_event *e, uint64_t now_ms)
{
    world *w = user;

    switch (e->kind) {
    case TSR_COAP_REQUEST: serve(&w->s, c, e, now_ms); break;
    case TSR_COAP_ACKED: w->s.acked++; break;
    case TSR_COAP_RESET:
        w->s.reset++;
        w->s.observed = false;
        break;
    case TSR_COAP_TIMEOUT: w->s.timeout++; break;
    default: fail_msg("the server has no such events");
    }
}

static void on_client(void *user, tsr_coap *c, const tsr_coap_event *e, uint64_t now_ms)
{
    world *w = user;
    client_app *a = &w->c;

    (void)c;
    (void)now_ms;
    if (e->user < ENTRIES)
        a->by_user[e->user]++;
    a->timeouts += e->kind == TSR_COAP_TIMEOUT;
    a->failures += e->kind == TSR_COAP_FAILED || e->kind == TSR_COAP_RESET;
    a->notifications += e->kind == TSR_COAP_NOTIFICATION;
    a->responses += e->kind == TSR_COAP_RESPONSE;
    if (e->msg == NULL)
        return;
    a->code = e->msg->code;
    a->len = e->body.len;
    if (e->body.len != 0)
        memcpy(a->body, e->body.ptr, e->body.len);
    a->observing = e->observing;
    memcpy(a->token, e->token.ptr, e->token.len);
}

static world *begin(uint32_t seed, uint32_t loss, uint32_t twice, uint32_t jitter_ms,
                    uint8_t retransmit)
{
    world *w = calloc(1, sizeof *w);
    tsr_coap_config config = link_config(seed * 77u + 1);

    config.params.szx = 2; /* blocks of 64 as the plugtest says */
    config.exchange_len = 256;
    config.params.max_retransmit = retransmit;
    config.params.exchange_lifetime_ms <<= retransmit - 4;
    config.params.body_ms <<= retransmit - 4;
    config.seen = link_small ? 1024 : 4096; /* walked from end to end there */
    config.log_len = 100000;
    w->client = link_engine(&config);
    config.seed += 1000;
    w->server = link_engine(&config);
    link_init(&w->link, w->client, w->server, seed);
    w->link.user = w;
    w->link.on_event[0] = on_client;
    w->link.on_event[1] = on_server;
    w->link.loss = loss;
    w->link.twice = twice;
    w->link.jitter_ms = jitter_ms;
    for (size_t i = 0; i < LARGE; i++)
        w->s.large[i] = (uint8_t)(i * 13 + i / 97);
    strcpy(w->s.test, "initial");
    return w;
}

static void end(world *w)
{
    link_free(w->client);
    link_free(w->server);
    free(w);
}

static void ask(world *w, const tsr_coap_request *r)
{
    unsigned before = w->c.responses;

    assert_int_equal(tsr_coap_request_send(w->client, 0, r, w->link.now_ms, NULL), TSR_OK);
    link_run(&w->link, w->link.now_ms + 5000000);
    assert_int_equal(w->c.responses, before + 1);
}

/* TD_COAP_CORE_01 to 08: GET, DELETE, PUT, POST as CON and as NON. */
static void test_plugtest_methods(void **state)
{
    world *w = begin(1, 0, 0, 0, 4);

    (void)state;
    for (unsigned non = 0; non < 2; non++) {
        ask(w, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/test", .non = non });
        assert_int_equal(w->c.code, TSR_COAP_CONTENT);
        ask(w, &(tsr_coap_request){ .method = TSR_COAP_DELETE, .path = "/test", .non = non });
        assert_int_equal(w->c.code, TSR_COAP_DELETED);
        ask(w,
            &(tsr_coap_request){
                .method = TSR_COAP_PUT, .path = "/test", .non = non, .payload = tsr_text("put") });
        assert_int_equal(w->c.code, TSR_COAP_CHANGED);
        ask(w, &(tsr_coap_request){ .method = TSR_COAP_POST,
                                    .path = "/test",
                                    .non = non,
                                    .payload = tsr_text("post") });
        assert_int_equal(w->c.code, TSR_COAP_CREATED);
        ask(w, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/test", .non = non });
        assert_true(tsr_same(tsr_view(w->c.body, w->c.len), tsr_text("post")));
    }
    assert_int_equal(w->link.sent, 20); /* one message each way, no more */
    end(w);
}

static void separate(world *w)
{
    unsigned before = w->c.responses;

    w->s.late = 0;
    assert_int_equal(
        tsr_coap_request_send(w->client, 0,
                              &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/separate" },
                              w->link.now_ms, NULL),
        TSR_OK);
    for (unsigned i = 0; i < 400 && w->s.late == 0; i++)
        link_run(&w->link, w->link.now_ms + 500);
    assert_true(w->s.late != 0);
    link_run(&w->link, w->s.late_at);
    answer(w->server, w->s.late, TSR_COAP_CONTENT, tsr_text("late"), w->link.now_ms);
    link_run(&w->link, w->link.now_ms + 5000000);
    assert_int_equal(w->c.responses, before + 1);
    assert_true(tsr_same(tsr_view(w->c.body, w->c.len), tsr_text("late")));
}

/* TD_COAP_CORE_09 and 16: separate responses, also over a lossy path; 15: lossy piggybacked
 * ones. */
static void test_plugtest_separate_and_lossy(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        world *w = begin(seed, seed == 1 ? 0 : 200, 100, 500, 8);

        separate(w);
        ask(w, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/test" });
        assert_int_equal(w->c.code, TSR_COAP_CONTENT);
        end(w);
    }
}

/* TD_COAP_BLOCK_01 to 06: large bodies both ways, early and late negotiation, lossy too. */
static void test_plugtest_blocks(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        world *w = begin(seed, seed == 1 ? 0 : 200, 100, 500, 8);

        ask(w, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/large" });
        assert_true(tsr_same(tsr_view(w->c.body, w->c.len), tsr_view(w->s.large, LARGE)));
        ask(w, &(tsr_coap_request){ .method = TSR_COAP_PUT,
                                    .path = "/large-update",
                                    .payload = tsr_view(w->s.large, LARGE) });
        assert_int_equal(w->c.code, TSR_COAP_CHANGED);
        assert_true(tsr_same(tsr_view(w->s.update, w->s.update_len), tsr_view(w->s.large, LARGE)));
        assert_int_equal(w->s.handled[0], 2); /* the application was asked once each */
        end(w);
    }
}

/* TD_COAP_OBS_01 to 10 */
static void test_plugtest_observe(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        world *w = begin(seed, seed == 1 ? 0 : 200, 100, 200, 8);
        unsigned arrived = 0;

        ask(w,
            &(tsr_coap_request){
                .method = TSR_COAP_GET, .path = "/obs", .observe = { true, 0 }, .user = ENTRIES });
        assert_true(w->c.observing && w->s.observed);
        for (uint32_t i = 1; i <= 20; i++) {
            char text[200];

            memset(text, 'a' + (int)(i % 26), sizeof text); /* two of them longer than a block */
            w->s.sequence++;
            assert_int_equal(
                tsr_coap_notify(
                    w->server, 0, tsr_view(w->s.observer, w->s.observer_len), w->s.sequence, true,
                    &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                          .key = w->s.observed_key,
                                          .payload = tsr_view(text, i % 10 == 0 ? 200 : 20) },
                    w->link.now_ms, NULL),
                TSR_OK);
            link_run(&w->link, w->link.now_ms + 5000000);
            arrived += w->c.len == (i % 10 == 0 ? 200u : 20u) && w->c.body[0] == text[0];
        }
        assert_int_equal(w->s.acked, 20);
        assert_int_equal(arrived, 20);

        /* the client forgets; the server learns it from a RST */
        assert_int_equal(tsr_coap_observe_forget(w->client, 0, tsr_view(w->c.token, 8)), TSR_OK);
        for (unsigned i = 0; i < 10 && w->s.observed; i++) {
            assert_int_equal(
                tsr_coap_notify(
                    w->server, 0, tsr_view(w->s.observer, w->s.observer_len), ++w->s.sequence, true,
                    &(tsr_coap_response){ .code = TSR_COAP_CONTENT }, w->link.now_ms, NULL),
                TSR_OK);
            link_run(&w->link, w->link.now_ms + 5000000);
        }
        assert_false(w->s.observed);
        end(w);
    }
}

/* Thousands of POSTs over the worst path: each is handled at most once, each ends in exactly one
 * event, and every one that was answered was handled. */
static void test_thousands_of_exchanges_are_handled_at_most_once(void **state)
{
    const size_t large = link_small ? 60 : 300; /* in blocks, where there are any */
    unsigned answered = 0, given_up = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 2; seed++) {
        world *w = begin(seed, 200, 200, 1500, 4);
        uint32_t next = 0;

        while (next < ENTRIES) {
            char query[16];
            tsr_buf out = tsr_buf_over(query, sizeof query);

            tsr_put_text(&out, "n=");
            tsr_put_dec(&out, next);

            tsr_bytes queries[] = { tsr_buf_view(&out) };
            tsr_err err = tsr_coap_request_send(
                w->client, 0,
                &(tsr_coap_request){ .method = TSR_COAP_POST,
                                     .path = "/sum",
                                     .queries = queries,
                                     .query_count = 1,
                                     .non = next % 7 == 0,
                                     .user = next,
                                     .payload = tsr_view(w->s.large, next % 9 == 0 ? large : 10) },
                w->link.now_ms, NULL);

            if (err == TSR_OK)
                next++;
            else
                link_run(&w->link, w->link.now_ms + 2000);
        }
        link_run(&w->link, w->link.now_ms + 20000000);
        for (uint32_t i = 0; i < ENTRIES; i++) {
            assert_int_equal(w->c.by_user[i], 1);
            assert_true(w->s.handled[i] <= 1);
        }
        assert_int_equal(w->c.failures, 0);
        assert_int_equal(w->c.responses + w->c.timeouts, ENTRIES);
        assert_true(w->s.posts >= w->c.responses);
        assert_true(w->server->stats.duplicates > 1000);
        assert_int_equal(w->server->stats.seen_early, 0);
        assert_int_equal(w->server->stats.unsent, 0);
        answered += w->c.responses;
        given_up += w->c.timeouts;
        end(w);
    }
    /* a CON fails only when five in a row are lost one way or the other: (1 - 0.64)^5 = 0.6 %; a
     * NON is lost in 36 of 100 */
    assert_in_range(given_up, 200, 2 * ENTRIES / 7 * 45 / 100 + 2 * ENTRIES / 20);
    assert_true(answered > 2 * ENTRIES * 8 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugtest_methods),
        cmocka_unit_test(test_plugtest_separate_and_lossy),
        cmocka_unit_test(test_thousands_of_exchanges_are_handled_at_most_once),
    };
    /* bodies in blocks, or observing others */
    const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_plugtest_blocks),
        cmocka_unit_test(test_plugtest_observe),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (!link_small)
        failed += cmocka_run_group_tests(whole, NULL, NULL);
    return failed;
}
