/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/pair.h"

tsr_coap_stream_config pair_config(void)
{
    return (tsr_coap_stream_config){ .peer = 3,
                                     .exchanges = 6,
                                     .exchange_len = 256,
                                     .bodies = 3,
                                     .body_len = 20000,
                                     .message_len = 1152,
                                     .out_len = 2000,
                                     .watches = 2,
                                     .watch_len = 64,
                                     .seed = 7 };
}

end *pair_end(const tsr_coap_stream_config *config)
{
    end *e = calloc(1, sizeof *e);
    size_t len = tsr_coap_stream_memory(config);

    assert_non_null(e);
    assert_int_not_equal(len, 0);
    e->memory = malloc(len);
    e->most = SIZE_MAX;
    assert_int_equal(tsr_coap_stream_init(&e->c, config, e->memory, len), TSR_OK);
    assert_int_equal(tsr_coap_deframer_init(&e->reader, e->room, sizeof e->room), TSR_OK);
    assert_int_equal(tsr_coap_stream_open(&e->c, 0), TSR_OK);
    return e;
}

void pair_free(end *e)
{
    free(e->memory);
    free(e);
}

/* Feeds from a copy of exactly that size, so that a byte too far is seen. */
void pair_feed(end *e, tsr_bytes bytes, uint64_t now_ms)
{
    uint8_t *exact = malloc(bytes.len != 0 ? bytes.len : 1);
    tsr_bytes in = { exact, bytes.len };

    memcpy(exact, bytes.ptr, bytes.len);
    while (in.len != 0)
        assert_int_equal(tsr_coap_stream_feed(&e->c, &in, now_ms), TSR_OK);
    free(exact);
}

static void put_num(tsr_buf *out, uint16_t *last, uint16_t number, tsr_coap_num num)
{
    if (num.set)
        tsr_coap_put_opt_uint(out, last, number, num.value);
}

void pair_send(end *e, const raw *r, uint64_t now_ms)
{
    static uint8_t bytes[1 << 16];
    tsr_buf out = tsr_buf_over(bytes, sizeof bytes);
    tsr_bytes token = r->token != NULL ? tsr_text(r->token) : e->msg.token;
    size_t at = tsr_coap_frame_begin(&out, r->code, token);
    uint16_t last = 0;

    if (r->etag.ptr != NULL)
        tsr_coap_put_opt(&out, &last, TSR_COAP_ETAG, r->etag);
    put_num(&out, &last, TSR_COAP_OBSERVE, r->observe);
    if (r->path != NULL)
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, r->path, '/');
    put_num(&out, &last, TSR_COAP_CONTENT_FORMAT, r->format);
    if (r->block2.set)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK2, r->block2);
    if (r->block1.set)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK1, r->block1);
    put_num(&out, &last, TSR_COAP_SIZE1, r->size1);
    if (r->echo.ptr != NULL)
        tsr_coap_put_opt(&out, &last, TSR_COAP_ECHO, r->echo);
    if (r->tag != NULL)
        tsr_coap_put_opt(&out, &last, TSR_COAP_REQUEST_TAG, tsr_text(r->tag));
    if (r->extra != 0)
        tsr_coap_put_opt(&out, &last, r->extra, tsr_view("", 0));
    tsr_coap_frame_end(&out, at, r->payload);
    assert_int_equal(out.err, TSR_OK);
    pair_feed(e, tsr_buf_view(&out), now_ms);
}

void pair_csm(end *e, uint32_t max_message_size, bool blocks)
{
    uint8_t bytes[16];
    tsr_buf out = tsr_buf_over(bytes, sizeof bytes);
    size_t at = tsr_coap_frame_begin(&out, TSR_COAP_CSM, tsr_view(NULL, 0));
    uint16_t last = 0;

    if (max_message_size != 0)
        tsr_coap_put_opt_uint(&out, &last, 2, max_message_size);
    if (blocks)
        tsr_coap_put_opt(&out, &last, 4, tsr_view("", 0));
    tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
    pair_feed(e, tsr_buf_view(&out), 0);
}

uint8_t pair_next(end *e, uint64_t now_ms)
{
    tsr_coap_frame frame;

    for (;;) {
        tsr_bytes in = { e->sent, e->in_len };
        tsr_buf out;

        if (tsr_coap_deframe(&e->reader, &in, &frame) == TSR_OK) {
            memmove(e->sent, in.ptr, in.len);
            e->in_len = in.len;
            break;
        }
        e->in_len = 0;
        out = tsr_buf_over(e->sent, e->most < sizeof e->sent ? e->most : sizeof e->sent);
        if (tsr_coap_stream_poll(&e->c, &out, now_ms) != TSR_OK)
            return 0;
        e->in_len = out.len;
    }
    if (tsr_coap_is_signal(frame.code)) {
        tsr_coap_opts it = { .rest = frame.rest };
        tsr_coap_opt opt;

        while (tsr_coap_opt_next(&it, &opt) == TSR_OK) {
        }
        e->msg = (tsr_coap_msg){ .code = frame.code, .token = frame.token, .options = frame.rest };
        e->msg.options.len -= it.payload.len + (it.payload.len != 0);
        e->msg.payload = it.payload;
    } else {
        assert_int_equal(tsr_coap_msg_parse(frame.datagram, &e->msg), TSR_OK);
    }
    return frame.code;
}

tsr_coap_event pair_event(end *e, tsr_coap_event_kind kind)
{
    tsr_coap_event event;

    assert_true(tsr_coap_stream_event_next(&e->c, &event));
    assert_int_equal(event.kind, kind);
    assert_int_equal(event.peer, e->c.config.peer);
    return event;
}

void pair_no_event(end *e)
{
    tsr_coap_event event;

    assert_false(tsr_coap_stream_event_next(&e->c, &event));
}

/* ---- an end that is open ---- */

uint8_t pair_pattern[40000];

/* Opened on both sides: the peer takes messages of that size. */
end *pair_open(const tsr_coap_stream_config *config, uint32_t peer_max, bool peer_blocks)
{
    end *e = pair_end(config);

    for (size_t i = 0; i < sizeof pair_pattern; i++)
        pair_pattern[i] = (uint8_t)(i * 31 + i / 251);
    assert_int_equal(pair_next(e, 0), TSR_COAP_CSM);
    pair_csm(e, peer_max, peer_blocks);
    return e;
}

end *pair_open_plain(void)
{
    tsr_coap_stream_config config = pair_config();

    return pair_open(&config, 0, true);
}

/* Large messages both ways. */
end *pair_open_bert(void)
{
    tsr_coap_stream_config config = pair_config();

    config.message_len = config.out_len = 9000;
    config.body_len = 40000;
    return pair_open(&config, 9000, true);
}

tsr_coap_id pair_ask(end *e, const tsr_coap_request *r)
{
    tsr_coap_id id;

    assert_int_equal(tsr_coap_stream_request(&e->c, r, 0, &id), TSR_OK);
    return id;
}

void pair_say(end *e, tsr_coap_id id, const tsr_coap_response *r)
{
    assert_int_equal(tsr_coap_stream_respond(&e->c, id, r, 0), TSR_OK);
}

/* ---- two ends ---- */

static size_t piece(const end *e, size_t len)
{
    size_t n = e->most != 0 ? e->most : 1 + (size_t)rand() % 700;

    return n < len ? n : len;
}

static void events_of(end *e, pair_events *events, void *user)
{
    tsr_coap_event event;

    while (tsr_coap_stream_event_next(&e->c, &event))
        events(e, &event, user);
}

static bool deliver(end *e, uint64_t now_ms, pair_events *events, void *user)
{
    size_t n = piece(e, e->in_len);
    uint8_t *exact = malloc(n != 0 ? n : 1);
    tsr_bytes in = { exact, n };
    tsr_err err;

    memcpy(exact, e->in, n);
    do {
        err = tsr_coap_stream_feed(&e->c, &in, now_ms);
        events_of(e, events, user);
    } while (err == TSR_OK && in.len != 0);
    assert_true(err == TSR_OK || err == TSR_E_SPACE);
    n -= in.len;
    memmove(e->in, e->in + n, e->in_len - n);
    e->in_len -= n;
    free(exact);
    return n != 0;
}

static bool send_out(end *from, end *to, uint64_t now_ms, pair_events *events, void *user)
{
    size_t n = piece(from, sizeof to->in - to->in_len);
    tsr_buf out = tsr_buf_over(to->in + to->in_len, n);
    tsr_err err = tsr_coap_stream_poll(&from->c, &out, now_ms);

    to->in_len += out.len;
    events_of(from, events, user);
    return err == TSR_OK && out.len != 0;
}

void pair_run(end *a, end *b, uint64_t now_ms, pair_events *events, void *user)
{
    bool moved = true;

    for (unsigned n = 0; moved; n++) {
        assert_true(n < 100000);
        moved = send_out(a, b, now_ms, events, user);
        moved = send_out(b, a, now_ms, events, user) || moved;
        moved = deliver(a, now_ms, events, user) || moved;
        moved = deliver(b, now_ms, events, user) || moved;
    }
}
