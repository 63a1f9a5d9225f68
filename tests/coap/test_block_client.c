/* SPDX-License-Identifier: Apache-2.0
 *
 * Block-wise transfer, RFC 7959, of what we ask for and send. The test plays the other side by
 * hand. */
#include "tests/coap/alone.h"

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

/* RFC 9175 §2.3: a 4.01 with Echo is answered with the same request and that Echo, once.
 * RFC 9175 §2.2 */
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

/* Uploads two blocks, of which each goes out once, and is answered by two; all of it under `tags`. */
static void upload_under(const char *tags)
{
    (void)request(TSR_COAP_POST, "/w", 1500);
    for (uint32_t num = 0; num < 2; num++) {
        tsr_coap_msg m = fresh();

        assert_true(m.block1.set && m.block1.num == num);
        assert_string_equal(link_tags(&m), tags);
        reply(m, (link_raw){ .code = num == 0 ? TSR_COAP_CONTINUE : TSR_COAP_CHANGED,
                             .block1 = BLOCK(num, num == 0, 6),
                             .block2 = { num == 1, true, 6, 0 },
                             .payload = tsr_view(body, num == 0 ? 0 : 1024) });
        link_no_event(c);
    }
    tsr_coap_msg m = fresh();

    assert_true(m.block2.set && m.block2.num == 1 && !m.block1.set);
    assert_string_equal(link_tags(&m), tags); /* RFC 9175 §3.4 */
    reply(m, (link_raw){ .code = TSR_COAP_CHANGED, .block2 = BLOCK(1, false, 6), .payload = TEXT("x") });
    (void)link_event(c, TSR_COAP_RESPONSE);
}

/* RFC 9175 §3.5.1: the absent Request-Tag serves again while each message of the last upload under it
 * went out once and was answered. What is in one message has none. */
static void test_client_recycles_the_absent_request_tag(void **state)
{
    (void)state;
    upload_under("0:");
    upload_under("0:");
    (void)request(TSR_COAP_PUT, "/w", 10);
    tsr_coap_msg m = fresh();

    assert_string_equal(link_tags(&m), "0:");
    reply(m, (link_raw){ .code = TSR_COAP_CHANGED });
    (void)link_event(c, TSR_COAP_RESPONSE);
    (void)request(TSR_COAP_PUT, "/w", 2100);
    reply(fresh(), (link_raw){ .code = TSR_COAP_INCOMPLETE }); /* an error concludes it too */
    (void)link_event(c, TSR_COAP_RESPONSE);
    upload_under("0:");
}

/* RFC 9175 §3.5.1: blocks of an upload that was given up may still come to the server, and a copy of one
 * that was retransmitted: each later upload has a tag of its own. Whose tag was used never does harm. */
static void test_client_tags_uploads_after_one_that_may_still_be_heard(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        with(&(tsr_coap_config[]){ link_config(1) }[0]);
        tsr_coap_id id = request(TSR_COAP_PUT, "/w", 2100);
        tsr_coap_msg m = fresh();

        assert_string_equal(link_tags(&m), "0:");
        if (how == 0) {
            assert_int_equal(tsr_coap_cancel(c, id), TSR_OK);
        } else if (how == 1) {
            for (uint64_t ms = 0; ms < 100000; ms += 500)
                (void)link_poll(c, NOW + ms);
            (void)link_event(c, TSR_COAP_TIMEOUT);
        } else {
            m = link_next(c, NOW + 3000); /* once more */
            reply(m, (link_raw){ .code = TSR_COAP_INCOMPLETE });
            (void)link_event(c, TSR_COAP_RESPONSE);
        }
        upload_under("1:\2");
        upload_under("1:\3");
    }
}

/* RFC 9175 §3.5.2: uploads at the same time differ. */
static void test_client_tags_concurrent_uploads(void **state)
{
    static const char *const tags[] = { "0:", "1:\2", "1:\3" };
    tsr_coap_config config = link_config(1);

    (void)state;
    config.params.nstart = 3;
    with(&config);
    for (unsigned i = 0; i < 3; i++)
        (void)request(TSR_COAP_PUT, "/w", 2100);
    for (unsigned i = 0; i < 3; i++) {
        tsr_coap_msg m = fresh();

        assert_string_equal(link_tags(&m), tags[i]);
    }
    tsr_coap_peer_gone(c, 0);
    for (unsigned i = 0; i < 3; i++)
        (void)link_event(c, TSR_COAP_GONE);
    upload_under("1:\4"); /* who keeps the keys may still hear the others */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_client_echoes),
    };
    /* bodies in blocks, or observing others */
    const struct CMUnitTest whole[] = {
        ALONE(test_client_collects_block2),
        ALONE(test_client_asks_for_its_own_size_when_theirs_is_larger),
        ALONE(test_client_starts_anew_once_when_the_etag_changes),
        ALONE(test_client_rejects_blocks_that_do_not_fit),
        ALONE(test_client_says_when_a_body_is_too_long),
        ALONE(test_client_passes_on_an_error_in_mid_transfer),
        ALONE(test_client_sends_block1_and_follows_the_servers_size),
        ALONE(test_client_tries_smaller_blocks_after_4_13),
        ALONE(test_client_stops_uploading_at_an_error),
        ALONE(test_client_repeats_the_payload_for_fetch_only),
        ALONE(test_client_refuses_a_payload_above_its_bodies),
        ALONE(test_client_recycles_the_absent_request_tag),
        ALONE(test_client_tags_uploads_after_one_that_may_still_be_heard),
        ALONE(test_client_tags_concurrent_uploads),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (!link_small)
        failed += cmocka_run_group_tests(whole, NULL, NULL);
    return failed;
}
