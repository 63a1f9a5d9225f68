/* SPDX-License-Identifier: Apache-2.0
 *
 * Block-wise transfer, RFC 7959: two engines carry bodies of every length; one engine has room
 * for none. */
#include "tests/coap/alone.h"

typedef struct {
    size_t len;
    unsigned done;
} both;

static void mirror(void *user, tsr_coap *server, const tsr_coap_event *e, uint64_t now_ms)
{
    (void)user;
    if (e->kind != TSR_COAP_REQUEST)
        return;
    assert_int_equal(
        tsr_coap_respond(server, e->id,
                         &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = e->body },
                         now_ms),
        TSR_OK);
}

static void compare(void *user, tsr_coap *client, const tsr_coap_event *e, uint64_t now_ms)
{
    both *b = user;

    (void)client;
    (void)now_ms;
    assert_int_equal(e->kind, TSR_COAP_RESPONSE);
    assert_true(tsr_same(e->body, tsr_view(body, b->len)));
    b->done++;
}

/* RFC 7959 §2 */
static void test_both_directions_with_every_size(void **state)
{
    link_path *l = malloc(sizeof *l);
    both b = { 0 };
    unsigned n = 0;

    (void)state;
    for (uint8_t ours = 0; ours <= 6; ours += 3) {
        for (uint8_t theirs = 0; theirs <= 6; theirs += 2) {
            tsr_coap_config config = link_config(n + 1);

            config.params.szx = ours;
            config.peer_bodies = 3;
            tsr_coap *client = link_engine(&config);

            config.params.szx = theirs;
            tsr_coap *server = link_engine(&config);

            link_init(l, client, server, n);
            l->on_event[0] = compare;
            l->on_event[1] = mirror;
            l->user = &b;
            for (size_t len = 0; len <= 8192; len += len < 70 ? 1 : len / 3 * 2 + 7) {
                b.len = len;
                assert_int_equal(
                    tsr_coap_request_send(client, 0,
                                          &(tsr_coap_request){ .method = TSR_COAP_POST,
                                                               .path = "/mirror",
                                                               .payload = tsr_view(body, len) },
                                          l->now_ms, NULL),
                    TSR_OK);
                link_run(l, l->now_ms + 1000000);
                n++;
                assert_int_equal(b.done, n);
            }
            link_free(client);
            link_free(server);
        }
    }
    free(l);
}

/* Each upload is answered with itself. */
static void compare_each(void *user, tsr_coap *client, const tsr_coap_event *e, uint64_t now_ms)
{
    both *b = user;

    (void)client;
    (void)now_ms;
    assert_int_equal(e->kind, TSR_COAP_RESPONSE);
    assert_true(tsr_same(e->body, tsr_view(body + e->user, b->len)));
    b->done++;
}

/* RFC 9175 §3.5.2, RFC 9175 §3.3: uploads to one resource at the same time, with answers in blocks, come
 * whole, over a path that loses, copies and reorders. */
static void test_both_carry_uploads_at_the_same_time(void **state)
{
    link_path *l = malloc(sizeof *l);
    both b = { .len = 3000 };
    tsr_coap_config config = link_config(7);

    (void)state;
    config.params.nstart = 4;
    config.bodies = 16;
    config.exchanges = 32;
    tsr_coap *client = link_engine(&config), *server = link_engine(&config);

    link_init(l, client, server, 3);
    l->jitter_ms = 300;
    l->loss = 50;
    l->twice = 100;
    l->on_event[0] = compare_each;
    l->on_event[1] = mirror;
    l->user = &b;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(
                tsr_coap_request_send(client, 0,
                                      &(tsr_coap_request){ .method = TSR_COAP_POST,
                                                           .path = "/mirror",
                                                           .payload = tsr_view(body + 700 * i, b.len),
                                                           .user = 700 * i },
                                      l->now_ms, NULL),
                TSR_OK);
        link_run(l, l->now_ms + 1000000);
        assert_int_equal(b.done, 4 * (round + 1));
    }
    link_free(client);
    link_free(server);
    free(l);
}

/* ---- an engine without bodies ---- */

static void *small_engine(tsr_coap *s)
{
    tsr_coap_config config = link_config(77);
    size_t len = tsr_coap_memory(&config);
    void *memory = malloc(len);

    assert_int_equal(tsr_coap_init_small(s, &config, memory, len), TSR_OK);
    return memory;
}

/* RFC 7959 §2.4: each block of a GET can be cut from an answer of its own. */
static void test_small_engine_cuts_answers_and_refuses_bodies(void **state)
{
    tsr_coap s;
    tsr_coap_event e;
    tsr_coap_msg m;

    (void)state;
    void *memory = small_engine(&s);

    for (uint32_t n = 0; n < 3; n++) {
        LINK_FEED(&s, NOW, .type = TSR_COAP_CON, .code = TSR_COAP_GET, .mid = next_mid++,
                  .token = "t", .path = "/x", .block2 = BLOCK(n, false, 6));
        e = link_event(&s, TSR_COAP_REQUEST);
        assert_int_equal(tsr_coap_respond(&s, e.id,
                                          &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                                .payload = tsr_view(body, 2500) },
                                          NOW),
                         TSR_OK);
        m = link_next(&s, NOW);
        assert_int_equal(m.code, TSR_COAP_CONTENT);
        is_block2(&m, n, n < 2, 6, n < 2 ? 1024 : 452);
        assert_memory_equal(m.payload.ptr, body + n * 1024, m.payload.len);
    }
    LINK_FEED(&s, NOW, .type = TSR_COAP_CON, .code = TSR_COAP_PUT, .mid = next_mid++, .token = "t",
              .path = "/x", .block1 = BLOCK(0, true, 4), .payload = tsr_view(body, 256));
    m = link_next(&s, NOW);
    assert_int_equal(m.code, TSR_COAP_TOO_LARGE);
    link_no_event(&s);
    free(memory);
}

/* What does not fit is said, and nothing is half sent. */
static void test_small_engine_sends_and_takes_what_fits(void **state)
{
    tsr_coap s;
    tsr_coap_id id;
    tsr_coap_event e;
    tsr_coap_msg m;
    tsr_coap_request request = { .method = TSR_COAP_POST, .path = "/rd",
                                 .payload = tsr_view(body, 5000) };

    (void)state;
    void *memory = small_engine(&s);

    assert_int_equal(tsr_coap_request_send(&s, 0, &request, NOW, &id), TSR_E_SPACE);
    request.payload.len = 200;
    assert_int_equal(tsr_coap_request_send(&s, 0, &request, NOW, &id), TSR_OK);
    m = link_next(&s, NOW);
    assert_int_equal(m.payload.len, 200);
    LINK_FEED(&s, NOW, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT, .mid = m.mid,
              .same_token = m.token, .block2 = BLOCK(0, true, 4), .payload = tsr_view(body, 256));
    e = link_event(&s, TSR_COAP_FAILED);
    assert_true(e.id == id);
    assert_int_equal(e.err, TSR_E_SPACE);
    tsr_coap_peer_gone(&s, 0);
    link_no_event(&s);
    link_silent(&s, NOW + 1000000);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_small_engine_cuts_answers_and_refuses_bodies),
        ALONE(test_small_engine_sends_and_takes_what_fits),
    };
    /* bodies in blocks, or observing others */
    const struct CMUnitTest whole[] = {
        ALONE(test_both_directions_with_every_size),
        ALONE(test_both_carry_uploads_at_the_same_time),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (!link_small)
        failed += cmocka_run_group_tests(whole, NULL, NULL);
    return failed;
}
