/* SPDX-License-Identifier: Apache-2.0
 *
 * Block-wise transfer, RFC 7959, in both directions and both roles. The test plays the other side
 * by hand, except at the end, where two engines carry bodies of every length. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/link.h"

enum { NOW = 5000000 };

#define BLOCK(n, m, s)                                                                             \
    {                                                                                              \
        .set = true, .num = (n), .more = (m), .szx = (s)                                           \
    }

static tsr_coap *c;
static uint8_t body[9000];
static uint16_t mid;

static int setup(void **state)
{
    tsr_coap_config config = link_config(0x1234567890abcdef);

    (void)state;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 31 + i / 251);
    c = link_engine(&config);
    mid = 100;
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

static size_t answered;

static void answer(tsr_coap_id ticket, size_t len)
{
    answered = len;
    assert_int_equal(tsr_coap_respond(c, ticket,
                                      &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                            .content_format = { true, 42 },
                                                            .payload = tsr_view(body, len) },
                                      NOW),
                     TSR_OK);
}

static void is_block2(const tsr_coap_msg *m, uint32_t num, bool more, uint8_t szx, size_t len)
{
    assert_int_equal(m->code, TSR_COAP_CONTENT);
    assert_true(m->block2.set);
    assert_int_equal(m->block2.num, num);
    assert_int_equal(m->block2.more, more);
    assert_int_equal(m->block2.szx, szx);
    assert_int_equal(m->payload.len, len);
    assert_memory_equal(m->payload.ptr, body + ((size_t)num << (szx + 4)), len);
}

/* Later blocks are served from the body that was kept, or else each from an answer of its own. */
static tsr_coap_msg ask(const char *path, tsr_coap_block block2)
{
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = mid++, .token = "t", .path = path,
              .block2 = block2);
    if (link_small)
        answer(link_event(c, TSR_COAP_REQUEST).id, answered);
    link_no_event(c);
    return link_next(c, NOW);
}

/* ---- we serve, Block2 ---- */

/* RFC 7959 §3.1, Figure 2: a body of 2.x blocks of 128, the application is asked once. */
static void test_block2_is_served_from_the_kept_body(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.params.szx = 3;
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .token = "t", .path = "/status");
    answer(link_event(c, TSR_COAP_REQUEST).id, 300);
    tsr_coap_msg m = link_next(c, NOW);
    uint8_t etag[8];
    size_t etag_len = m.etag.len;

    is_block2(&m, 0, true, 3, 128);
    assert_true(etag_len >= 4);
    memcpy(etag, m.etag.ptr, etag_len);
    m = ask("/status", (tsr_coap_block)BLOCK(1, false, 3));
    is_block2(&m, 1, true, 3, 128);
    assert_true(tsr_same(m.etag, tsr_view(etag, etag_len)));
    assert_int_equal(m.content_format.value, 42);
    m = ask("/status", (tsr_coap_block)BLOCK(2, false, 3));
    is_block2(&m, 2, false, 3, 44);
    m = ask("/status", (tsr_coap_block)BLOCK(1, false, 3)); /* once more, in any order */
    is_block2(&m, 1, true, 3, 128);
}

/* Figure 3: early negotiation; Figure 4: late negotiation. */
static void test_block2_takes_the_smaller_size(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/status",
              .block2 = BLOCK(0, false, 2));
    answer(link_event(c, TSR_COAP_REQUEST).id, 300);
    tsr_coap_msg m = link_next(c, NOW);

    is_block2(&m, 0, true, 2, 64);
    m = ask("/status", (tsr_coap_block)BLOCK(1, false, 2));
    is_block2(&m, 1, true, 2, 64);
    m = ask("/status", (tsr_coap_block)BLOCK(8, false, 1)); /* smaller still, in mid-transfer */
    is_block2(&m, 8, true, 1, 32);
}

static void test_block2_is_left_out_when_all_fits(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/small",
              .block2 = BLOCK(0, false, 2));
    answer(link_event(c, TSR_COAP_REQUEST).id, 20);
    tsr_coap_msg m = link_next(c, NOW);

    assert_false(m.block2.set || m.etag.ptr != NULL);
    assert_int_equal(m.payload.len, 20);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 2, .path = "/small");
    answer(link_event(c, TSR_COAP_REQUEST).id, 20);
    m = link_next(c, NOW);
    assert_false(m.block2.set || m.etag.ptr != NULL);
}

static void test_block2_larger_than_ours_is_cut(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.params.szx = 2;
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/status",
              .block2 = BLOCK(0, false, 6));
    answer(link_event(c, TSR_COAP_REQUEST).id, 300);
    tsr_coap_msg m = link_next(c, NOW);

    is_block2(&m, 0, true, 2, 64);
    m = ask("/status", (tsr_coap_block)BLOCK(1, false, 3)); /* byte 128 on, whatever the size */
    is_block2(&m, 2, true, 2, 64);
}

static void test_block2_size2_only_when_asked(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/b", .block2 = BLOCK(0, false, 6),
              .size2 = { true, 0 });
    answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.size2.set && m.size2.value == 3000);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 2, .path = "/b", .block2 = BLOCK(1, false, 6),
              .size2 = { true, 0 });
    m = link_next(c, NOW);
    assert_true(m.size2.set && m.size2.value == 3000);
    m = ask("/b", (tsr_coap_block)BLOCK(2, false, 6));
    assert_false(m.size2.set);
}

/* When the kept body is gone, the application is asked again and the block is cut out of its
 * answer. */
static void test_block2_after_expiry_asks_the_application(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/b");
    answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
    tsr_coap_msg m = link_next(c, NOW);
    uint8_t etag[8];
    size_t etag_len = m.etag.len;

    memcpy(etag, m.etag.ptr, etag_len);
    link_silent(c, NOW + 247000);
    assert_true(tsr_coap_due_ms(c) == UINT64_MAX);
    LINK_FEED(c, NOW + 247000, .code = TSR_COAP_GET, .mid = 2, .path = "/b",
              .block2 = BLOCK(2, false, 6));
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    assert_int_equal(e.msg->block2.num, 2);
    answer(e.id, 3000);
    m = link_next(c, NOW + 247000);
    is_block2(&m, 2, false, 6, 952);
    assert_true(tsr_same(m.etag, tsr_view(etag, etag_len))); /* the same bytes, the same tag */
}

static void test_block2_without_bodies_still_serves_gets(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.bodies = 0;
    with(&config);
    for (uint32_t num = 0; num < 3; num++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = mid++, .path = "/b",
                  .block2 = BLOCK(num, false, 6));
        answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
        tsr_coap_msg m = link_next(c, NOW);

        is_block2(&m, num, num < 2, 6, num < 2 ? 1024 : 952);
    }
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = mid++, .path = "/b");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    assert_int_equal(tsr_coap_respond(c, id,
                                      &(tsr_coap_response){ .code = TSR_COAP_CHANGED,
                                                            .payload = tsr_view(body, 3000) },
                                      NOW),
                     TSR_E_SPACE);
}

static void test_block2_beyond_the_end_is_a_bad_request(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/b", .block2 = BLOCK(3, false, 6));
    answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_REQUEST);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 2, .path = "/b",
              .block2 = BLOCK(0xfffff, false, 6));
    answer(link_event(c, TSR_COAP_REQUEST).id, 0);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_REQUEST);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 3, .path = "/none",
              .block2 = BLOCK(3, false, 6));
    assert_int_equal(tsr_coap_respond(c, link_event(c, TSR_COAP_REQUEST).id,
                                      &(tsr_coap_response){ .code = TSR_COAP_NOT_FOUND }, NOW),
                     TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.code == TSR_COAP_NOT_FOUND && !m.block2.set);
}

/* RFC 7959 §2.2: size exponent 7 is reserved. */
static void test_block_size_7_is_a_bad_request(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/b", .block2 = BLOCK(0, false, 7));
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_REQUEST);
    LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = 2, .path = "/b", .block1 = BLOCK(0, true, 7),
              .payload = TEXT("x"));
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_REQUEST);
    link_no_event(c);
}

static void test_block2_of_another_resource_or_fetch_is_not_mixed_up(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/b", .query = "q=1");
    answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
    (void)link_next(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 2, .path = "/b", .query = "q=2",
              .block2 = BLOCK(1, false, 6));
    answer(link_event(c, TSR_COAP_REQUEST).id, 100);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_REQUEST);

    LINK_FEED(c, NOW, .code = TSR_COAP_FETCH, .mid = 3, .path = "/b", .payload = TEXT("one"));
    answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
    (void)link_next(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_FETCH, .mid = 4, .path = "/b", .payload = TEXT("one"),
              .block2 = BLOCK(1, false, 6));
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW);

    is_block2(&m, 1, true, 6, 1024);
    LINK_FEED(c, NOW, .code = TSR_COAP_FETCH, .mid = 5, .path = "/b", .payload = TEXT("two"),
              .block2 = BLOCK(1, false, 6));
    assert_true(tsr_same(link_event(c, TSR_COAP_REQUEST).body, TEXT("two")));
}

static void test_block2_in_a_separate_response(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.exchange_len = 160; /* a block of 1024 does not fit: a smaller one is chosen */
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .token = "t", .path = "/b");
    tsr_coap_id id = link_event(c, TSR_COAP_REQUEST).id;

    assert_int_equal(tsr_coap_defer(c, id), TSR_OK);
    (void)link_next(c, NOW);
    answer(id, 300);
    tsr_coap_msg m = link_next(c, NOW);

    assert_int_equal(m.type, TSR_COAP_CON);
    is_block2(&m, 0, true, 3, 128);
    LINK_FEED(c, NOW, .type = TSR_COAP_ACK, .mid = m.mid);
    (void)link_event(c, TSR_COAP_ACKED);
    m = ask("/b", (tsr_coap_block)BLOCK(1, false, 3));
    is_block2(&m, 1, true, 3, 128);
}

/* ---- we serve, Block1 ---- */

static void put_block(uint32_t num, bool more, uint8_t szx, size_t len)
{
    LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = mid++, .token = "t", .path = "/w",
              .format = { true, 42 }, .block1 = BLOCK(num, more, szx),
              .payload = tsr_view(body + ((size_t)num << (szx + 4)), len));
}

static void continues(uint32_t num, uint8_t szx)
{
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW);

    assert_int_equal(m.code, TSR_COAP_CONTINUE);
    assert_true(m.block1.set && m.block1.more && m.block1.num == num && m.block1.szx == szx);
}

static void refuses(uint8_t code)
{
    link_no_event(c);
    assert_int_equal(link_next(c, NOW).code, code);
}

/* RFC 7959 §3.2, Figure 7: nothing reaches the application before the last block. */
static void test_block1_is_handed_over_whole(void **state)
{
    (void)state;
    put_block(0, true, 3, 128);
    continues(0, 3);
    put_block(1, true, 3, 128);
    continues(1, 3);
    put_block(2, false, 3, 77);
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    assert_true(tsr_same(e.body, tsr_view(body, 333)));
    assert_int_equal(e.msg->code, TSR_COAP_PUT);
    link_silent(c, NOW); /* the body lives on until the answer, poll or not */
    assert_true(tsr_same(e.body, tsr_view(body, 333)));
    assert_int_equal(
        tsr_coap_respond(c, e.id, &(tsr_coap_response){ .code = TSR_COAP_CHANGED }, NOW), TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_int_equal(m.code, TSR_COAP_CHANGED);
    assert_true(m.block1.set && !m.block1.more && m.block1.num == 2 && m.block1.szx == 3);
}

/* Figure 9: the server wants smaller blocks. */
static void test_block1_size_is_negotiated_down(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.params.szx = 1;
    with(&config);
    put_block(0, true, 3, 128);
    continues(0, 1);
    put_block(4, true, 1, 32);
    continues(4, 1);
    put_block(5, false, 1, 3);
    assert_int_equal(link_event(c, TSR_COAP_REQUEST).body.len, 163);
}

static void test_block1_single_block_is_a_plain_request(void **state)
{
    (void)state;
    put_block(0, false, 6, 500);
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    assert_true(tsr_same(e.body, tsr_view(body, 500)));
    answer(e.id, 0);
    assert_true(link_next(c, NOW).block1.set);
}

/* RFC 7959 §2.9.2 */
static void test_block1_gaps_give_4_08(void **state)
{
    (void)state;
    put_block(1, true, 3, 128); /* no first one */
    refuses(TSR_COAP_INCOMPLETE);
    put_block(0, true, 3, 128);
    continues(0, 3);
    put_block(2, true, 3, 128); /* one left out */
    refuses(TSR_COAP_INCOMPLETE);
    put_block(1, true, 3, 128); /* what is there is still good */
    continues(1, 3);
    LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = mid++, .path = "/w", .format = { true, 43 },
              .block1 = BLOCK(2, false, 3), .payload = tsr_view(body, 10));
    refuses(TSR_COAP_INCOMPLETE); /* another Content-Format: another body */
    LINK_FEED(c, NOW + 247000, .code = TSR_COAP_PUT, .mid = mid++, .path = "/w",
              .format = { true, 42 }, .block1 = BLOCK(2, false, 3), .payload = tsr_view(body, 10));
    (void)link_poll(c, NOW + 247000); /* the time is up: this poll forgets */
    (void)link_event(c, TSR_COAP_REQUEST);
}

static void test_block1_is_forgotten_after_its_time(void **state)
{
    (void)state;
    put_block(0, true, 3, 128);
    continues(0, 3);
    link_silent(c, NOW + 247000);
    put_block(1, true, 3, 128);
    refuses(TSR_COAP_INCOMPLETE);
}

static void test_block1_starts_over_at_block_0(void **state)
{
    (void)state;
    put_block(0, true, 3, 128);
    continues(0, 3);
    put_block(1, true, 3, 128);
    continues(1, 3);
    put_block(0, true, 3, 128);
    continues(0, 3);
    put_block(1, false, 3, 1);
    assert_int_equal(link_event(c, TSR_COAP_REQUEST).body.len, 129);
}

/* RFC 7959 §2.9.3 and RFC 7959 §4: too large, with the limit in Size1. */
static void test_block1_too_large_gives_4_13(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = mid++, .path = "/w", .block1 = BLOCK(0, true, 6),
              .size1 = { true, 8193 }, .payload = tsr_view(body, 1024));
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW);

    assert_int_equal(m.code, TSR_COAP_TOO_LARGE);
    assert_true(m.size1.set && m.size1.value == 8192);
    for (uint32_t num = 0; num < 8; num++) {
        put_block(num, true, 6, 1024);
        continues(num, 6);
    }
    put_block(8, false, 6, 1);
    refuses(TSR_COAP_TOO_LARGE);
    put_block(8, false, 6, 1); /* and the rest is gone */
    refuses(TSR_COAP_TOO_LARGE);
    put_block(0, false, 6, 1);
    (void)link_event(c, TSR_COAP_REQUEST);
}

static void test_block1_payload_must_fill_its_block(void **state)
{
    (void)state;
    put_block(0, true, 3, 127);
    refuses(TSR_COAP_BAD_REQUEST);
    put_block(0, true, 3, 129);
    refuses(TSR_COAP_BAD_REQUEST);
    put_block(0, true, 3, 0);
    refuses(TSR_COAP_BAD_REQUEST);
}

static void test_block1_duplicate_gets_the_same_2_31(void **state)
{
    (void)state;
    put_block(0, true, 3, 128);
    continues(0, 3);
    mid--;
    put_block(0, true, 3, 128);
    continues(0, 3);
    put_block(1, false, 3, 5);
    assert_int_equal(link_event(c, TSR_COAP_REQUEST).body.len, 133);
}

static void test_block1_bodies_are_limited(void **state)
{
    tsr_coap_config config = link_config(1);
    char path[3] = "/0";

    (void)state;
    config.bodies = 4;
    config.peer_bodies = 3;
    with(&config);
    for (unsigned i = 0; i < 5; i++) {
        path[1] = (char)('0' + i);
        LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = mid++, .path = path,
                  .block1 = BLOCK(0, true, 0), .payload = tsr_view(body, 16));
        assert_int_equal(link_next(c, NOW).code, i < 3 ? TSR_COAP_CONTINUE : TSR_COAP_UNAVAILABLE);
    }
    assert_int_equal(c->stats.refused, 2);
}

/* A body that is only offered makes room for one that comes in. */
static void test_block1_takes_the_place_of_an_offered_body(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.bodies = 1;
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 1, .path = "/b");
    answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
    (void)link_next(c, NOW);
    put_block(0, true, 3, 128);
    continues(0, 3);
}

/* RFC 7959 §3.3, Figure 12: both directions; the application may answer out of the very body. */
static void test_block1_and_block2_in_one_exchange(void **state)
{
    (void)state;
    for (uint32_t num = 0; num < 2; num++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = mid++, .path = "/soap",
                  .block1 = BLOCK(num, true, 6), .payload = tsr_view(body + 1024 * num, 1024));
        continues(num, 6);
    }
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = mid++, .path = "/soap",
              .block1 = BLOCK(2, false, 6), .payload = tsr_view(body + 2048, 500));
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    assert_int_equal(
        tsr_coap_respond(c, e.id,
                         &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = e.body }, NOW),
        TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    is_block2(&m, 0, true, 6, 1024);
    assert_true(m.block1.set && m.block1.num == 2 && !m.block1.more);
    for (uint32_t num = 1; num < 3; num++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = mid++, .path = "/soap",
                  .block2 = BLOCK(num, false, 6));
        link_no_event(c);
        m = link_next(c, NOW);
        is_block2(&m, num, num < 2, 6, num < 2 ? 1024 : 500);
    }
}

/* ---- we ask ---- */

static tsr_coap_id request(uint8_t method, const char *path, size_t len)
{
    tsr_coap_id id;

    assert_int_equal(
        tsr_coap_request_send(
            c, 0,
            &(tsr_coap_request){ .method = method, .path = path, .payload = tsr_view(body, len) },
            NOW, &id),
        TSR_OK);
    return id;
}

/* Answers the request `m` by a piggybacked response. */
static void reply(tsr_coap_msg m, link_raw raw)
{
    raw.type = TSR_COAP_ACK;
    raw.mid = m.mid;
    raw.same_token = m.token;
    link_feed(c, link_build(&raw), NOW);
}

static tsr_coap_msg fresh(void) { return link_next(c, NOW); }

static void test_client_collects_block2(void **state)
{
    tsr_coap_id id = request(TSR_COAP_GET, "/b", 0);

    (void)state;
    for (uint32_t num = 0; num < 4; num++) {
        tsr_coap_msg m = fresh();

        assert_true(m.block2.set == (num != 0));
        assert_int_equal(m.block2.num, num);
        assert_true(tsr_coap_msg_path_is(&m, 0, "/b"));
        reply(m, (link_raw){ .code = TSR_COAP_CONTENT,
                             .etag = TEXT("e"),
                             .block2 = BLOCK(num, num < 3, 6),
                             .payload = tsr_view(body + 1024 * num, num < 3 ? 1024 : 9) });
        if (num < 3)
            link_no_event(c);
    }
    tsr_coap_event e = link_event(c, TSR_COAP_RESPONSE);

    assert_true(e.id == id && tsr_same(e.body, tsr_view(body, 3081)));
    link_silent(c, NOW + 900000);
}

static void test_client_asks_for_its_own_size_when_theirs_is_larger(void **state)
{
    tsr_coap_config config = link_config(1);

    (void)state;
    config.params.szx = 4;
    with(&config);
    (void)request(TSR_COAP_GET, "/b", 0);
    tsr_coap_msg m = fresh();

    assert_true(m.block2.set && m.block2.num == 0 && m.block2.szx == 4); /* early negotiation */
    reply(m, (link_raw){ .code = TSR_COAP_CONTENT,
                         .block2 = BLOCK(0, true, 6),
                         .payload = tsr_view(body, 1024) });
    m = fresh();
    assert_true(m.block2.num == 4 && m.block2.szx == 4);
    reply(m, (link_raw){ .code = TSR_COAP_CONTENT,
                         .block2 = BLOCK(4, false, 4),
                         .payload = tsr_view(body + 1024, 256) });
    assert_int_equal(link_event(c, TSR_COAP_RESPONSE).body.len, 1280);
}

static void test_client_starts_anew_once_when_the_etag_changes(void **state)
{
    (void)state;
    for (unsigned changes = 1; changes <= 2; changes++) {
        (void)request(TSR_COAP_GET, "/b", 0);
        reply(fresh(), (link_raw){ .code = TSR_COAP_CONTENT,
                                   .etag = TEXT("1"),
                                   .block2 = BLOCK(0, true, 6),
                                   .payload = tsr_view(body, 1024) });
        reply(fresh(), (link_raw){ .code = TSR_COAP_CONTENT,
                                   .etag = TEXT("2"),
                                   .block2 = BLOCK(1, true, 6),
                                   .payload = tsr_view(body, 1024) });
        tsr_coap_msg m = fresh();

        assert_int_equal(m.block2.num, 0);
        reply(m, (link_raw){ .code = TSR_COAP_CONTENT,
                             .etag = TEXT("2"),
                             .block2 = BLOCK(0, true, 6),
                             .payload = tsr_view(body, 1024) });
        reply(fresh(), (link_raw){ .code = TSR_COAP_CONTENT,
                                   .etag = changes == 1 ? TEXT("2") : TEXT("3"),
                                   .block2 = BLOCK(1, false, 6),
                                   .payload = tsr_view(body + 1024, 5) });
        if (changes == 1)
            assert_true(tsr_same(link_event(c, TSR_COAP_RESPONSE).body, tsr_view(body, 1029)));
        else
            assert_int_equal(link_event(c, TSR_COAP_FAILED).err, TSR_E_MALFORMED);
    }
}

static void test_client_rejects_blocks_that_do_not_fit(void **state)
{
    const link_raw bad[] = {
        { .code = TSR_COAP_CONTENT, .block2 = BLOCK(2, true, 6), .payload = tsr_view(body, 1024) },
        { .code = TSR_COAP_CONTENT, .block2 = BLOCK(1, true, 6), .payload = tsr_view(body, 1000) },
        { .code = TSR_COAP_CONTENT, .block2 = BLOCK(1, true, 7), .payload = tsr_view(body, 1024) },
        { .code = TSR_COAP_CONTENT, .block2 = BLOCK(64, false, 0), .payload = tsr_view(body, 17) },
        { .code = TSR_COAP_CONTINUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)request(TSR_COAP_GET, "/b", 0);
        reply(fresh(), (link_raw){ .code = TSR_COAP_CONTENT,
                                   .block2 = BLOCK(0, true, 6),
                                   .payload = tsr_view(body, 1024) });
        reply(fresh(), bad[i]);
        assert_int_equal(link_event(c, TSR_COAP_FAILED).err, TSR_E_MALFORMED);
        link_silent(c, NOW + 900000);
    }
}

static void test_client_says_when_a_body_is_too_long(void **state)
{
    (void)state;
    (void)request(TSR_COAP_GET, "/b", 0);
    for (uint32_t num = 0; num < 9; num++)
        reply(fresh(), (link_raw){ .code = TSR_COAP_CONTENT,
                                   .block2 = BLOCK(num, true, 6),
                                   .payload = tsr_view(body, 1024) });
    assert_int_equal(link_event(c, TSR_COAP_FAILED).err, TSR_E_SPACE);
}

static void test_client_passes_on_an_error_in_mid_transfer(void **state)
{
    (void)state;
    (void)request(TSR_COAP_GET, "/b", 0);
    reply(fresh(), (link_raw){ .code = TSR_COAP_CONTENT,
                               .block2 = BLOCK(0, true, 6),
                               .payload = tsr_view(body, 1024) });
    reply(fresh(), (link_raw){ .code = TSR_COAP_NOT_FOUND, .payload = TEXT("gone") });
    tsr_coap_event e = link_event(c, TSR_COAP_RESPONSE);

    assert_int_equal(e.msg->code, TSR_COAP_NOT_FOUND);
    assert_true(tsr_same(e.body, TEXT("gone")));
}

static void test_client_sends_block1_and_follows_the_servers_size(void **state)
{
    (void)state;
    (void)request(TSR_COAP_PUT, "/w", 2100);
    tsr_coap_msg m = fresh();

    assert_true(m.block1.set && m.block1.num == 0 && m.block1.more && m.block1.szx == 6);
    assert_true(m.size1.set && m.size1.value == 2100);
    assert_true(tsr_same(m.payload, tsr_view(body, 1024)));
    reply(m, (link_raw){ .code = TSR_COAP_CONTINUE, .block1 = BLOCK(0, true, 5) });
    m = fresh();
    assert_true(m.block1.num == 2 && m.block1.szx == 5 && m.block1.more && !m.size1.set);
    assert_true(tsr_same(m.payload, tsr_view(body + 1024, 512)));
    reply(m, (link_raw){ .code = TSR_COAP_CONTINUE, .block1 = BLOCK(2, true, 5) });
    m = fresh();
    reply(m, (link_raw){ .code = TSR_COAP_CONTINUE, .block1 = BLOCK(3, true, 5) });
    m = fresh();
    assert_true(m.block1.num == 4 && !m.block1.more);
    assert_true(tsr_same(m.payload, tsr_view(body + 2048, 52)));
    reply(m, (link_raw){ .code = TSR_COAP_CHANGED, .block1 = BLOCK(4, false, 5) });
    assert_int_equal(link_event(c, TSR_COAP_RESPONSE).msg->code, TSR_COAP_CHANGED);
}

/* RFC 7959 §2.9.3: 4.13 with a smaller size is an invitation to try that. */
static void test_client_tries_smaller_blocks_after_4_13(void **state)
{
    (void)state;
    (void)request(TSR_COAP_PUT, "/w", 2100);
    reply(fresh(), (link_raw){ .code = TSR_COAP_TOO_LARGE, .block1 = BLOCK(0, true, 2) });
    tsr_coap_msg m = fresh();

    assert_true(m.block1.num == 0 && m.block1.szx == 2 && m.payload.len == 64);
    reply(m, (link_raw){ .code = TSR_COAP_TOO_LARGE, .block1 = BLOCK(0, true, 2) });
    assert_int_equal(link_event(c, TSR_COAP_RESPONSE).msg->code, TSR_COAP_TOO_LARGE);
}

static void test_client_stops_uploading_at_an_error(void **state)
{
    (void)state;
    (void)request(TSR_COAP_PUT, "/w", 2100);
    reply(fresh(), (link_raw){ .code = TSR_COAP_INCOMPLETE });
    assert_int_equal(link_event(c, TSR_COAP_RESPONSE).msg->code, TSR_COAP_INCOMPLETE);
    link_silent(c, NOW + 900000);
}

/* RFC 7959 §3.3: later blocks of the answer to a POST are asked for without the payload; a FETCH
 * keeps it. */
static void test_client_repeats_the_payload_for_fetch_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        (void)request(i == 0 ? TSR_COAP_FETCH : TSR_COAP_POST, "/b", 10);
        tsr_coap_msg m = fresh();

        assert_int_equal(m.payload.len, 10);
        reply(m, (link_raw){ .code = TSR_COAP_CONTENT,
                             .block2 = BLOCK(0, true, 6),
                             .payload = tsr_view(body, 1024) });
        m = fresh();
        assert_int_equal(m.payload.len, i == 0 ? 10 : 0);
        reply(m, (link_raw){ .code = TSR_COAP_CONTENT,
                             .block2 = BLOCK(1, false, 6),
                             .payload = tsr_view(body + 1024, 1) });
        assert_int_equal(link_event(c, TSR_COAP_RESPONSE).body.len, 1025);
    }
}

static void test_client_refuses_a_payload_above_its_bodies(void **state)
{
    (void)state;
    assert_int_equal(tsr_coap_request_send(c, 0,
                                           &(tsr_coap_request){ .method = TSR_COAP_PUT,
                                                                .payload = tsr_view(body, 8193) },
                                           NOW, NULL),
                     TSR_E_SPACE);
    (void)request(TSR_COAP_PUT, "/w", 8192);
}

/* RFC 9175 §2.3: a 4.01 with Echo is answered with the same request and that Echo, once. */
static void test_client_echoes(void **state)
{
    (void)state;
    (void)request(TSR_COAP_POST, "/w", 10);
    reply(fresh(), (link_raw){ .code = TSR_COAP_UNAUTHORIZED, .echo = TEXT("challenge") });
    tsr_coap_msg m = fresh();

    assert_true(tsr_same(m.echo, TEXT("challenge")));
    assert_true(m.code == TSR_COAP_POST && m.payload.len == 10);
    reply(m, (link_raw){ .code = TSR_COAP_UNAUTHORIZED, .echo = TEXT("again") });
    assert_int_equal(link_event(c, TSR_COAP_RESPONSE).msg->code, TSR_COAP_UNAUTHORIZED);
}

/* ---- two engines, every length ---- */

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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        LINK_FEED(&s, NOW, .type = TSR_COAP_CON, .code = TSR_COAP_GET, .mid = mid++, .token = "t",
                  .path = "/x", .block2 = BLOCK(n, false, 6));
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
    LINK_FEED(&s, NOW, .type = TSR_COAP_CON, .code = TSR_COAP_PUT, .mid = mid++, .token = "t",
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
        T(test_small_engine_cuts_answers_and_refuses_bodies),
        T(test_small_engine_sends_and_takes_what_fits),
        T(test_block2_is_served_from_the_kept_body),
        T(test_block2_takes_the_smaller_size),
        T(test_block2_is_left_out_when_all_fits),
        T(test_block2_larger_than_ours_is_cut),
        T(test_block2_after_expiry_asks_the_application),
        T(test_block2_without_bodies_still_serves_gets),
        T(test_block2_beyond_the_end_is_a_bad_request),
        T(test_block_size_7_is_a_bad_request),
        T(test_block2_in_a_separate_response),
        T(test_block1_single_block_is_a_plain_request),
        T(test_client_echoes),
    };
    /* bodies in blocks, or observing others */
    const struct CMUnitTest whole[] = {
        T(test_block2_size2_only_when_asked),
        T(test_block2_of_another_resource_or_fetch_is_not_mixed_up),
        T(test_block1_is_handed_over_whole),
        T(test_block1_size_is_negotiated_down),
        T(test_block1_gaps_give_4_08),
        T(test_block1_is_forgotten_after_its_time),
        T(test_block1_starts_over_at_block_0),
        T(test_block1_too_large_gives_4_13),
        T(test_block1_payload_must_fill_its_block),
        T(test_block1_duplicate_gets_the_same_2_31),
        T(test_block1_bodies_are_limited),
        T(test_block1_takes_the_place_of_an_offered_body),
        T(test_block1_and_block2_in_one_exchange),
        T(test_client_collects_block2),
        T(test_client_asks_for_its_own_size_when_theirs_is_larger),
        T(test_client_starts_anew_once_when_the_etag_changes),
        T(test_client_rejects_blocks_that_do_not_fit),
        T(test_client_says_when_a_body_is_too_long),
        T(test_client_passes_on_an_error_in_mid_transfer),
        T(test_client_sends_block1_and_follows_the_servers_size),
        T(test_client_tries_smaller_blocks_after_4_13),
        T(test_client_stops_uploading_at_an_error),
        T(test_client_repeats_the_payload_for_fetch_only),
        T(test_client_refuses_a_payload_above_its_bodies),
        T(test_both_directions_with_every_size),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (!link_small)
        failed += cmocka_run_group_tests(whole, NULL, NULL);
    return failed;
}
