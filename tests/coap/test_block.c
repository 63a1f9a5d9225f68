/* SPDX-License-Identifier: Apache-2.0
 *
 * Block-wise transfer, RFC 7959, of what we serve, in both directions. The test plays the other
 * side by hand. */
#include "tests/coap/alone.h"

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

/* Later blocks are served from the body that was kept, or else each from an answer of its own. */
static tsr_coap_msg ask(const char *path, tsr_coap_block block2)
{
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = next_mid++, .token = "t", .path = path,
              .block2 = block2);
    if (link_small)
        answer(link_event(c, TSR_COAP_REQUEST).id, answered);
    link_no_event(c);
    return link_next(c, NOW);
}

/* ---- Block2 ---- */

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
        LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = next_mid++, .path = "/b",
                  .block2 = BLOCK(num, false, 6));
        answer(link_event(c, TSR_COAP_REQUEST).id, 3000);
        tsr_coap_msg m = link_next(c, NOW);

        is_block2(&m, num, num < 2, 6, num < 2 ? 1024 : 952);
    }
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = next_mid++, .path = "/b");
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

/* RFC 7252 §5.4.2, RFC 7252 §5.6 */
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

/* ---- Block1 ---- */

static void put_block(uint32_t num, bool more, uint8_t szx, size_t len)
{
    LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = next_mid++, .token = "t", .path = "/w",
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

/* Figure 9: the server wants smaller blocks. RFC 7959 §2.5 */
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
    LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = next_mid++, .path = "/w", .format = { true, 43 },
              .block1 = BLOCK(2, false, 3), .payload = tsr_view(body, 10));
    refuses(TSR_COAP_INCOMPLETE); /* another Content-Format: another body */
    LINK_FEED(c, NOW + 247000, .code = TSR_COAP_PUT, .mid = next_mid++, .path = "/w",
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
    LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = next_mid++, .path = "/w",
              .block1 = BLOCK(0, true, 6),
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
    next_mid--;
    put_block(0, true, 3, 128);
    continues(0, 3);
    put_block(1, false, 3, 5);
    assert_int_equal(link_event(c, TSR_COAP_REQUEST).body.len, 133);
}

/* RFC 9175 §3.3: uploads to one resource that differ in their lists of Request-Tags, none and an empty one
 * among them, are not mixed up, however their blocks come. */
static void test_block1_request_tags_tell_uploads_apart(void **state)
{
    static const char *const tag[][2] = { { NULL }, { "" }, { "a" }, { "ab" }, { "a", "b" },
                                          { "longer than they may be" } };
    enum { UPLOADS = sizeof tag / sizeof tag[0] };

    (void)state;
    for (uint32_t num = 0; num < 3; num++)
        for (unsigned i = 0; i < UPLOADS; i++) {
            LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = next_mid++, .token = "t", .path = "/w",
                      .tag = { tag[i][0], tag[i][1] }, .block1 = BLOCK(num, num < 2, 0),
                      .payload = tsr_view(body + 100 * i + 16 * num, num < 2 ? 16 : 7));
            if (num < 2) {
                continues(num, 0);
                continue;
            }
            tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

            assert_true(tsr_same(e.body, tsr_view(body + 100 * i, 39)));
            answer(e.id, 0);
            assert_string_equal(link_tags((tsr_coap_msg[]){ link_next(c, NOW) }), "0:");
        }
}

/* RFC 9175 §3.4: the later blocks of the answer are asked for with the Request-Tag of the upload. */
static void test_block2_after_an_upload_has_its_request_tag(void **state)
{
    static const char *const tag[] = { "a", "b", NULL };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = next_mid++, .path = "/soap", .tag = { tag[i] },
                  .block1 = BLOCK(0, false, 6), .payload = tsr_view(body, 10));
        tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

        assert_int_equal(tsr_coap_respond(c, e.id,
                                          &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                                .payload = tsr_view(body, 1100 + i) },
                                          NOW),
                         TSR_OK);
        assert_string_equal(link_tags((tsr_coap_msg[]){ link_next(c, NOW) }), "0:");
    }
    for (unsigned i = 0; i < 3; i++) {
        LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = next_mid++, .path = "/soap", .tag = { tag[i] },
                  .block2 = BLOCK(1, false, 6));
        link_no_event(c);
        tsr_coap_msg m = link_next(c, NOW);

        if (i < 2)
            is_block2(&m, 1, false, 6, 76 + i);
        else
            assert_int_equal(m.code, TSR_COAP_INCOMPLETE);
    }
}

/* RFC 9175 §3.3: where there is room for so many, a new upload takes the place of that which was not
 * touched for the longest, and the rest of that one gets 4.08. */
static void test_block1_new_upload_takes_the_place_of_a_stale_one(void **state)
{
    static const struct {
        const char *tag;
        uint32_t num;
        uint8_t code;
    } step[] = {
        { "a", 0, TSR_COAP_CONTINUE }, { "b", 0, TSR_COAP_CONTINUE }, { "a", 1, TSR_COAP_CONTINUE },
        { "c", 0, TSR_COAP_CONTINUE }, { "b", 1, TSR_COAP_INCOMPLETE }, { "a", 2, TSR_COAP_CONTINUE },
        { "c", 1, TSR_COAP_CONTINUE },
    };

    (void)state;
    for (unsigned round = 0; round < 2; round++) { /* few of all peers, or of this one */
        tsr_coap_config config = link_config(1);

        if (round == 0)
            config.bodies = 2;
        else
            config.peer_bodies = 2;
        with(&config);
        for (unsigned i = 0; i < sizeof step / sizeof step[0]; i++) {
            LINK_FEED(c, NOW + i, .code = TSR_COAP_PUT, .mid = next_mid++, .path = "/w",
                      .tag = { step[i].tag }, .block1 = BLOCK(step[i].num, true, 0),
                      .payload = tsr_view(body, 16));
            assert_int_equal(link_next(c, NOW + i).code, step[i].code);
        }
    }
}

/* What the application still has is nobody's to take. */
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
        LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = next_mid++, .path = path,
                  .block1 = BLOCK(0, true, 0), .payload = tsr_view(body, 16));
        assert_int_equal(link_next(c, NOW).code, i < 3 ? TSR_COAP_CONTINUE : TSR_COAP_UNAVAILABLE);
        if (i >= 3)
            continue;
        LINK_FEED(c, NOW, .code = TSR_COAP_PUT, .mid = next_mid++, .path = path,
                  .block1 = BLOCK(1, false, 0), .payload = tsr_view(body, 16));
        (void)link_event(c, TSR_COAP_REQUEST);
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
        LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = next_mid++, .path = "/soap",
                  .block1 = BLOCK(num, true, 6), .payload = tsr_view(body + 1024 * num, 1024));
        continues(num, 6);
    }
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = next_mid++, .path = "/soap",
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
        LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = next_mid++, .path = "/soap",
                  .block2 = BLOCK(num, false, 6));
        link_no_event(c);
        m = link_next(c, NOW);
        is_block2(&m, num, num < 2, 6, num < 2 ? 1024 : 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_block2_is_served_from_the_kept_body),
        ALONE(test_block2_takes_the_smaller_size),
        ALONE(test_block2_is_left_out_when_all_fits),
        ALONE(test_block2_larger_than_ours_is_cut),
        ALONE(test_block2_after_expiry_asks_the_application),
        ALONE(test_block2_without_bodies_still_serves_gets),
        ALONE(test_block2_beyond_the_end_is_a_bad_request),
        ALONE(test_block_size_7_is_a_bad_request),
        ALONE(test_block2_in_a_separate_response),
        ALONE(test_block1_single_block_is_a_plain_request),
    };
    /* bodies in blocks, or observing others */
    const struct CMUnitTest whole[] = {
        ALONE(test_block2_size2_only_when_asked),
        ALONE(test_block2_of_another_resource_or_fetch_is_not_mixed_up),
        ALONE(test_block1_is_handed_over_whole),
        ALONE(test_block1_size_is_negotiated_down),
        ALONE(test_block1_gaps_give_4_08),
        ALONE(test_block1_is_forgotten_after_its_time),
        ALONE(test_block1_starts_over_at_block_0),
        ALONE(test_block1_too_large_gives_4_13),
        ALONE(test_block1_payload_must_fill_its_block),
        ALONE(test_block1_duplicate_gets_the_same_2_31),
        ALONE(test_block1_request_tags_tell_uploads_apart),
        ALONE(test_block2_after_an_upload_has_its_request_tag),
        ALONE(test_block1_new_upload_takes_the_place_of_a_stale_one),
        ALONE(test_block1_bodies_are_limited),
        ALONE(test_block1_takes_the_place_of_an_offered_body),
        ALONE(test_block1_and_block2_in_one_exchange),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (!link_small)
        failed += cmocka_run_group_tests(whole, NULL, NULL);
    return failed;
}
