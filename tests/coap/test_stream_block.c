/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/pair.h"

/* ---- block-wise transfer ---- */

/* A server that has the body sends it to us in BERT blocks: RFC 8323 §6.1, Figure 13. */
static void test_stream_collects_figure_13(void **state)
{
    static const struct {
        uint32_t num, len;
        bool more;
    } part[] = { { 0, 3072, true }, { 3, 5120, true }, { 8, 4711, false } };
    end *e = pair_open_bert();
    tsr_coap_event event;

    (void)state;
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/status" });
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
        assert_true(tsr_coap_msg_path_is(&e->msg, 0, "/status"));
        assert_int_equal(e->msg.block2.set, i != 0);
        if (i != 0)
            assert_true(e->msg.block2.num == part[i].num && e->msg.block2.szx == 7 &&
                        !e->msg.block2.more);
        pair_send(e,
                  &(raw){ .code = TSR_COAP_CONTENT,
                          .block2 = { true, part[i].more, 7, part[i].num },
                          .payload = tsr_view(pair_pattern + part[i].num * 1024u, part[i].len) },
                  0);
    }
    event = pair_event(e, TSR_COAP_RESPONSE);
    assert_true(tsr_same(event.body, tsr_view(pair_pattern, 12903)));
    pair_free(e);
}

/* And the same seen from the server, whose blocks are as long as the peer's messages may be. */
static void test_stream_serves_figure_13(void **state)
{
    end *e = pair_open_bert();
    size_t at = 0, rounds = 0;
    bool more = true;

    (void)state;
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "t", .path = "/status" }, 0);
    pair_say(
        e, pair_event(e, TSR_COAP_REQUEST).id,
        &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = tsr_view(pair_pattern, 12903) });
    while (more) {
        assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
        assert_true(e->msg.block2.set && e->msg.block2.szx == 7);
        assert_int_equal(e->msg.block2.num * 1024u, at);
        assert_memory_equal(e->msg.payload.ptr, pair_pattern + at, e->msg.payload.len);
        at += e->msg.payload.len;
        more = e->msg.block2.more;
        rounds++;
        if (more) {
            assert_int_equal(e->msg.payload.len, 8192);
            pair_send(e,
                      &(raw){ .code = TSR_COAP_GET,
                              .token = "t",
                              .path = "/status",
                              .block2 = { true, false, 7, e->msg.block2.num + 8 } },
                      0);
            pair_no_event(e);
        }
    }
    assert_int_equal(at, 12903);
    assert_int_equal(rounds, 2);
    pair_free(e);
}

/* RFC 8323 §6.2, Figure 14: a body comes in BERT blocks. */
static void test_stream_stores_figure_14(void **state)
{
    static const struct {
        uint32_t num, len;
        bool more;
    } part[] = { { 0, 8192, true }, { 8, 16384, true }, { 24, 5683, false } };
    tsr_coap_stream_config config = pair_config();
    end *e;

    (void)state;
    config.message_len = 17000;
    config.body_len = 40000;
    e = pair_open(&config, 17000, true);
    for (unsigned i = 0; i < 3; i++) {
        pair_send(e,
                  &(raw){ .code = TSR_COAP_PUT,
                          .token = "t",
                          .path = "/options",
                          .block1 = { true, part[i].more, 7, part[i].num },
                          .payload = tsr_view(pair_pattern + part[i].num * 1024u, part[i].len) },
                  0);
        if (part[i].more) {
            pair_no_event(e);
            assert_int_equal(pair_next(e, 0), TSR_COAP_CONTINUE);
        } else {
            tsr_coap_event event = pair_event(e, TSR_COAP_REQUEST);

            assert_true(tsr_same(event.body, tsr_view(pair_pattern, 30259)));
            pair_say(e, event.id, &(tsr_coap_response){ .code = TSR_COAP_CHANGED });
            assert_int_equal(pair_next(e, 0), TSR_COAP_CHANGED);
        }
        assert_true(e->msg.block1.set && e->msg.block1.szx == 7);
        assert_int_equal(e->msg.block1.num, part[i].num);
    }
    pair_free(e);
}

/* And the same sent by us, in blocks as long as the peer's messages may be. */
static void test_stream_uploads_figure_14(void **state)
{
    end *e = pair_open_bert();
    size_t at = 0;

    (void)state;
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_PUT,
                                     .path = "/options",
                                     .payload = tsr_view(pair_pattern, 30259) });
    for (;;) {
        tsr_coap_block b;

        assert_int_equal(pair_next(e, 0), TSR_COAP_PUT);
        b = e->msg.block1;
        assert_true(b.set && b.szx == 7 && b.num * 1024u == at);
        assert_int_equal(e->msg.size1.set, at == 0);
        assert_memory_equal(e->msg.payload.ptr, pair_pattern + at, e->msg.payload.len);
        at += e->msg.payload.len;
        pair_send(e, &(raw){ .code = b.more ? TSR_COAP_CONTINUE : TSR_COAP_CHANGED, .block1 = b },
                  0);
        if (!b.more)
            break;
        assert_int_equal(e->msg.payload.len, 8192);
    }
    assert_int_equal(at, 30259);
    assert_int_equal(pair_event(e, TSR_COAP_RESPONSE).msg->code, TSR_COAP_CHANGED);
    pair_free(e);
}

/* RFC 8323 §5.3.2: without BERT blocks have 1024 bytes at most; a server may want less, RFC 7959
 * §2.5. */
static void test_stream_uploads_without_bert(void **state)
{
    end *e = pair_open_plain();
    size_t at = 0;

    (void)state;
    pair_ask(
        e, &(tsr_coap_request){ .method = TSR_COAP_POST, .payload = tsr_view(pair_pattern, 2500) });
    for (;;) {
        tsr_coap_block b;

        assert_int_equal(pair_next(e, 0), TSR_COAP_POST);
        b = e->msg.block1;
        assert_int_equal(b.szx, at == 0 ? 6 : 2);
        assert_int_equal(b.num << (b.szx + 4), at);
        at += e->msg.payload.len;
        b.szx = 2;
        pair_send(e, &(raw){ .code = b.more ? TSR_COAP_CONTINUE : TSR_COAP_CHANGED, .block1 = b },
                  0);
        if (!b.more)
            break;
    }
    assert_int_equal(at, 2500);
    pair_event(e, TSR_COAP_RESPONSE);
    pair_free(e);
}

/* RFC 8323 §5.3.2: nothing in blocks for a peer that never said it can. */
static void test_stream_sends_no_blocks_unasked(void **state)
{
    tsr_coap_stream_config config = pair_config();
    end *e = pair_open(&config, 0, false);
    const tsr_coap_response big = { .code = TSR_COAP_CONTENT, .payload = { pair_pattern, 2500 } };
    tsr_coap_id id;

    (void)state;
    pair_ask(
        e, &(tsr_coap_request){ .method = TSR_COAP_POST, .payload = tsr_view(pair_pattern, 2500) });
    assert_int_equal(pair_event(e, TSR_COAP_FAILED).err, TSR_E_SPACE);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "t" }, 0);
    id = pair_event(e, TSR_COAP_REQUEST).id;
    assert_int_equal(tsr_coap_stream_respond(&e->c, id, &big, 0), TSR_E_SPACE);
    pair_say(e, id, &(tsr_coap_response){ .code = TSR_COAP_TOO_LARGE });
    assert_int_equal(pair_next(e, 0), TSR_COAP_TOO_LARGE);
    pair_send(e, /* but who asks for a block gets one */
              &(raw){ .code = TSR_COAP_GET, .token = "t", .block2 = { .set = true, .szx = 4 } }, 0);
    pair_say(e, pair_event(e, TSR_COAP_REQUEST).id, &big);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_true(e->msg.block2.set && e->msg.block2.more && e->msg.block2.szx == 4);
    assert_int_equal(e->msg.payload.len, 256);
    pair_free(e);
}

/* A device without bodies serves GET block by block all the same: each is asked for anew. */
static void test_stream_serves_blocks_without_bodies(void **state)
{
    tsr_coap_stream_config config = pair_config();
    end *e;
    size_t at = 0;

    (void)state;
    config.bodies = 0;
    e = pair_open(&config, 0, true);
    for (bool more = true; more;) {
        tsr_coap_event event;

        pair_send(e,
                  &(raw){ .code = TSR_COAP_GET,
                          .token = "t",
                          .path = "/x",
                          .block2 = { at != 0, false, 6, (uint32_t)(at / 1024) } },
                  0);
        event = pair_event(e, TSR_COAP_REQUEST);
        pair_say(e, event.id,
                 &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                       .payload = tsr_view(pair_pattern, 2500) });
        assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
        assert_int_equal(e->msg.etag.len, 4);
        assert_memory_equal(e->msg.payload.ptr, pair_pattern + at, e->msg.payload.len);
        at += e->msg.payload.len;
        more = e->msg.block2.more;
    }
    assert_int_equal(at, 2500);
    pair_send(e,
              &(raw){ .code = TSR_COAP_PUT,
                      .token = "t",
                      .block1 = { true, true, 6, 0 },
                      .payload = tsr_view(pair_pattern, 1024) },
              0);
    assert_int_equal(pair_next(e, 0), TSR_COAP_TOO_LARGE);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "t", .block2 = { true, false, 6, 3 } }, 0);
    pair_say(
        e, pair_event(e, TSR_COAP_REQUEST).id,
        &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = tsr_view(pair_pattern, 2500) });
    assert_int_equal(pair_next(e, 0), TSR_COAP_BAD_REQUEST); /* RFC 7959 §2.2: beyond the end */
    pair_free(e);
}

/* RFC 7959 §2.9: the codes for blocks that do not fit; RFC 8323 §6: multiples of 1024 in BERT. */
static void test_stream_refuses_blocks_that_do_not_fit(void **state)
{
    static const struct {
        tsr_coap_block block;
        size_t len;
        uint32_t size1;
        uint8_t code;
    } step[] = {
        { { true, true, 7, 0 }, 1000, 0, TSR_COAP_BAD_REQUEST },
        { { true, true, 7, 0 }, 0, 0, TSR_COAP_BAD_REQUEST },
        { { true, true, 6, 0 }, 2048, 0, TSR_COAP_BAD_REQUEST },
        { { true, true, 5, 0 }, 100, 0, TSR_COAP_BAD_REQUEST },
        { { true, false, 5, 0xfffff }, 512, 0, TSR_COAP_TOO_LARGE },
        { { true, true, 7, 0xfffff }, 1024, 0, TSR_COAP_TOO_LARGE },
        { { true, true, 6, 0 }, 1024, 40001, TSR_COAP_TOO_LARGE },
        { { true, true, 6, 1 }, 1024, 0, TSR_COAP_INCOMPLETE },
        { { true, true, 7, 0 }, 2048, 0, TSR_COAP_CONTINUE },
        { { true, true, 7, 3 }, 1024, 0, TSR_COAP_INCOMPLETE },
        { { true, true, 6, 2 }, 1024, 0, TSR_COAP_CONTINUE },
    };
    end *e = pair_open_bert();

    (void)state;
    for (size_t i = 0; i < sizeof step / sizeof step[0]; i++) {
        pair_send(e,
                  &(raw){ .code = TSR_COAP_PUT,
                          .token = "t",
                          .size1 = { step[i].size1 != 0, step[i].size1 },
                          .block1 = step[i].block,
                          .payload = tsr_view(pair_pattern, step[i].len) },
                  0);
        assert_int_equal(pair_next(e, 0), step[i].code);
    }
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), 247000);
    pair_next(e, 247000); /* half a body is not kept for ever */
    assert_int_equal(tsr_coap_stream_due_ms(&e->c), UINT64_MAX);
    pair_free(e);
}

static void test_stream_fails_blocks_that_do_not_fit(void **state)
{
    static const struct {
        tsr_coap_block first, second;
        size_t len;
        tsr_err err;
    } bad[] = {
        { { true, true, 6, 0 }, { true, true, 6, 2 }, 1024, TSR_E_MALFORMED },
        { { true, true, 6, 0 }, { true, true, 6, 1 }, 1000, TSR_E_MALFORMED },
        { { true, true, 7, 0 }, { true, true, 7, 1 }, 0, TSR_E_MALFORMED },
        { { true, true, 6, 0 }, { true, false, 5, 2 }, 513, TSR_E_MALFORMED },
    };
    tsr_coap_stream_config config = pair_config();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        end *e = pair_open_plain();

        pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET });
        assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
        pair_send(e,
                  &(raw){ .code = TSR_COAP_CONTENT,
                          .block2 = bad[i].first,
                          .payload = tsr_view(pair_pattern, 1024) },
                  0);
        assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
        pair_send(e,
                  &(raw){ .code = TSR_COAP_CONTENT,
                          .block2 = bad[i].second,
                          .payload = tsr_view(pair_pattern, bad[i].len) },
                  0);
        assert_int_equal(pair_event(e, TSR_COAP_FAILED).err, bad[i].err);
        pair_free(e);
    }

    config.body_len = 1500;
    end *e = pair_open(&config, 0, true);
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET });
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
        pair_send(e,
                  &(raw){ .code = TSR_COAP_CONTENT,
                          .block2 = { true, true, 6, i },
                          .payload = tsr_view(pair_pattern, 1024) },
                  0);
    }
    assert_int_equal(pair_event(e, TSR_COAP_FAILED).err, TSR_E_SPACE);
    pair_free(e);
}

/* RFC 7959 §2.4: blocks of two states are not mixed; it is asked once more. */
static void test_stream_collects_anew_when_the_etag_changes(void **state)
{
    end *e = pair_open_plain();

    (void)state;
    pair_ask(e, &(tsr_coap_request){ .method = TSR_COAP_GET });
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t num[] = { 0, 1, 0, 1 };

        assert_int_equal(pair_next(e, 0), TSR_COAP_GET);
        assert_int_equal(e->msg.block2.num, num[i]);
        pair_send(e,
                  &(raw){ .code = TSR_COAP_CONTENT,
                          .etag = i == 0 ? tsr_text("a") : tsr_text("b"),
                          .block2 = { true, i != 3, 6, num[i] },
                          .payload = tsr_view(pair_pattern, i == 3 ? 10 : 1024) },
                  0);
    }
    assert_int_equal(pair_event(e, TSR_COAP_RESPONSE).body.len, 1034);
    pair_free(e);
}

/* RFC 8323 §5.3.2: doing blocks is not yet doing BERT. */
static void test_stream_uses_bert_only_when_it_was_said(void **state)
{
    tsr_coap_stream_config config = pair_config();
    end *e;

    (void)state;
    config.message_len = config.out_len = 9000;
    e = pair_open(&config, 3000, false);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "t", .block2 = { .set = true, .szx = 6 } },
              0);
    pair_say(e, pair_event(e, TSR_COAP_REQUEST).id,
             &(tsr_coap_response){ .code = TSR_COAP_CONTENT });
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    pair_ask(
        e, &(tsr_coap_request){ .method = TSR_COAP_PUT, .payload = tsr_view(pair_pattern, 5000) });
    assert_int_equal(pair_next(e, 0), TSR_COAP_PUT);
    assert_true(e->msg.block1.szx == 6 && e->msg.payload.len == 1024);
    pair_free(e);
}

/* RFC 9175 §2.3: the whole once more, from its first block. */
static void test_stream_echoes_an_upload_from_its_start(void **state)
{
    static const uint32_t num[] = { 0, 1, 0, 1, 2 };
    end *e = pair_open_plain();

    (void)state;
    pair_ask(
        e, &(tsr_coap_request){ .method = TSR_COAP_PUT, .payload = tsr_view(pair_pattern, 2500) });
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(pair_next(e, 0), TSR_COAP_PUT);
        assert_int_equal(e->msg.block1.num, num[i]);
        assert_int_equal(e->msg.echo.len, i < 2 ? 0 : 4);
        if (i == 1)
            pair_send(e, &(raw){ .code = TSR_COAP_UNAUTHORIZED, .echo = tsr_text("now?") }, 0);
        else
            pair_send(e,
                      &(raw){ .code = i == 4 ? TSR_COAP_CHANGED : TSR_COAP_CONTINUE,
                              .block1 = e->msg.block1 },
                      0);
    }
    assert_int_equal(pair_event(e, TSR_COAP_RESPONSE).msg->code, TSR_COAP_CHANGED);
    pair_free(e);
}

/* The Request-Tag of e->msg as a number; -1: none. */
static int tag_of(const end *e)
{
    tsr_coap_opts it = { .rest = e->msg.options };
    uint32_t number;
    tsr_bytes value;

    if (tsr_coap_opt_find(&it, TSR_COAP_REQUEST_TAG, &value) != TSR_OK)
        return -1;
    assert_int_equal(tsr_coap_opt_uint(value, &number), TSR_OK);
    return (int)number;
}

/* RFC 9175 §3.5.1, RFC 9175 §3.5.2: of uploads over one stream only those need a Request-Tag that begin
 * while another request is open. */
static void test_stream_tags_uploads_at_the_same_time(void **state)
{
    tsr_coap_stream_config config = pair_config();
    const tsr_coap_request put = { .method = TSR_COAP_PUT, .payload = { pair_pattern, 2500 } };
    int tag[3];
    end *e;

    (void)state;
    config.out_len = 8000;
    e = pair_open(&config, 0, true);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3; i++)
            pair_ask(e, &put);
        for (uint32_t num = 0; num < 3; num++)
            for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(pair_next(e, 0), TSR_COAP_PUT);
                assert_int_equal(e->msg.block1.num, num);
                if (num == 0)
                    tag[i] = tag_of(e);
                assert_int_equal(tag_of(e), tag[i]);
                pair_send(e,
                          &(raw){ .code = num == 2 ? TSR_COAP_CHANGED : TSR_COAP_CONTINUE,
                                  .block1 = e->msg.block1 },
                          0);
                if (num == 2)
                    (void)pair_event(e, TSR_COAP_RESPONSE);
            }
        assert_true(tag[0] == -1 && tag[1] >= 0 && tag[2] >= 0 && tag[1] != tag[2]);
    }
    pair_free(e);
}

/* RFC 9175 §3.3: uploads with different Request-Tags are not mixed up, and a new one takes the place of that
 * which was not touched for the longest. */
static void test_stream_tells_uploads_apart_by_request_tag(void **state)
{
    static const struct {
        const char *tag;
        uint32_t num;
        uint8_t code; /* 0: handed over */
    } step[] = {
        { "a", 0, TSR_COAP_CONTINUE }, { NULL, 0, TSR_COAP_CONTINUE }, { "", 0, TSR_COAP_CONTINUE },
        { "a", 1, TSR_COAP_CONTINUE }, { "b", 0, TSR_COAP_CONTINUE }, { NULL, 1, TSR_COAP_INCOMPLETE },
        { "a", 2, 0 },                 { "", 1, TSR_COAP_CONTINUE },  { "", 2, 0 },
    };
    end *e = pair_open_plain(); /* with room for three */

    (void)state;
    for (unsigned i = 0; i < sizeof step / sizeof step[0]; i++) {
        const bool last = step[i].num == 2;
        const size_t at = (step[i].tag == NULL ? 0 : step[i].tag[0] == '\0' ? 100 : 200) + 16 * step[i].num;

        pair_send(e,
                  &(raw){ .code = TSR_COAP_PUT,
                          .token = "t",
                          .path = "/w",
                          .tag = step[i].tag,
                          .block1 = { true, !last, 0, step[i].num },
                          .payload = tsr_view(pair_pattern + at, last ? 5 : 16) },
                  i);
        if (last) {
            tsr_coap_event event = pair_event(e, TSR_COAP_REQUEST);

            assert_true(tsr_same(event.body, tsr_view(pair_pattern + at - 32, 37)));
            pair_say(e, event.id, &(tsr_coap_response){ .code = TSR_COAP_CHANGED });
        }
        assert_int_equal(pair_next(e, i), last ? TSR_COAP_CHANGED : step[i].code);
        assert_int_equal(tag_of(e), -1);
    }
    pair_free(e);
}

/* A block that waits for room lies in the offered body, which nobody may take away meanwhile. */
static void test_stream_lends_offered_bodies(void **state)
{
    static const uint8_t other[2500];
    tsr_coap_stream_config config = pair_config();
    tsr_coap_request put = { .method = TSR_COAP_PUT, .payload = { pair_pattern, 2500 } };
    const raw again = { .code = TSR_COAP_GET, .token = "t", .block2 = { true, false, 6, 1 } };
    end *e;
    tsr_coap_id id;

    (void)state;
    config.bodies = 1;
    e = pair_open(&config, 0, true);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "t" }, 0);
    pair_say(e, pair_event(e, TSR_COAP_REQUEST).id,
             &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = { pair_pattern, 2500 } });
    pair_send(e, &again, 0); /* the output has the first block: this one waits */
    pair_no_event(e);
    assert_int_equal(tsr_coap_stream_request(&e->c, &put, 0, NULL), TSR_E_SPACE);
    pair_send(e, &(raw){ .code = TSR_COAP_GET, .token = "t" }, 0);
    id = pair_event(e, TSR_COAP_REQUEST).id; /* another state of the same */
    (void)tsr_coap_stream_respond(
        &e->c, id, &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = { other, 2500 } }, 0);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CONTENT);
    assert_int_equal(e->msg.block2.num, 1);
    assert_true(tsr_same(e->msg.payload, tsr_view(pair_pattern + 1024, 1024)));
    (void)tsr_coap_stream_cancel(&e->c, id);
    while (pair_next(e, 0) != 0) {
    }
    assert_int_equal(tsr_coap_stream_request(&e->c, &put, 0, NULL), TSR_OK); /* now it may go */
    pair_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_echoes_an_upload_from_its_start),
        cmocka_unit_test(test_stream_collects_figure_13),
        cmocka_unit_test(test_stream_serves_figure_13),
        cmocka_unit_test(test_stream_stores_figure_14),
        cmocka_unit_test(test_stream_uploads_figure_14),
        cmocka_unit_test(test_stream_uploads_without_bert),
        cmocka_unit_test(test_stream_sends_no_blocks_unasked),
        cmocka_unit_test(test_stream_uses_bert_only_when_it_was_said),
        cmocka_unit_test(test_stream_serves_blocks_without_bodies),
        cmocka_unit_test(test_stream_tags_uploads_at_the_same_time),
        cmocka_unit_test(test_stream_tells_uploads_apart_by_request_tag),
        cmocka_unit_test(test_stream_lends_offered_bodies),
        cmocka_unit_test(test_stream_refuses_blocks_that_do_not_fit),
        cmocka_unit_test(test_stream_fails_blocks_that_do_not_fit),
        cmocka_unit_test(test_stream_collects_anew_when_the_etag_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
