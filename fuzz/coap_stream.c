/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine for streams in both roles under a list of steps: bytes of any kind in pieces of any
 * size, whole frames made to fit what it sent last, time, full links, and an application that asks,
 * answers, notifies, pings, releases, closes and opens again. All that it sends must be frames that
 * parse and are no longer than the peer may take; every exchange ends in exactly one event; it
 * comes to rest. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "tessera/coap/stream.h"

enum { OPEN = 64, TICKETS = 16 };

typedef struct {
    tsr_bytes in;
    tsr_coap_stream *c;
    uint64_t now_ms;
    tsr_coap_deframer reader; /* of what it sends */
    bool read_any;            /* of this connection */
    uint8_t last_code;        /* of the request that it sent last */
    uint8_t token[8], asked[8];
    size_t token_len, asked_len;
    tsr_coap_block block1, block2; /* of that */
    tsr_coap_id ticket[TICKETS], open[OPEN];
    unsigned tickets;
    uint64_t key;
    uint8_t body[5000];
    bool blocked;   /* feed has more to take, once there is room */
    uint64_t limit; /* the largest that the peer said it takes */
} run;

static uint8_t room[1 << 15];

static void note(run *r, tsr_coap_id id)
{
    for (unsigned i = 0; i < OPEN; i++) {
        must(r->open[i] != id || id == 0);
        if (r->open[i] == 0) {
            r->open[i] = id;
            return;
        }
    }
}

static void ended(run *r, tsr_coap_id id)
{
    for (unsigned i = 0; i < OPEN; i++) {
        if (r->open[i] == id) {
            r->open[i] = 0;
            return;
        }
    }
    abort(); /* an event for something that is over */
}

static tsr_coap_response response(run *r)
{
    static const uint8_t codes[] = { 0x45, 0x44, 0x41, 0x84, 0xa0, 0x45, 0x45, 0x43 };
    uint8_t b = take(&r->in);
    tsr_coap_response out = { .code = codes[b & 7], .user = b };

    out.payload = tsr_view(r->body, (size_t)(b >> 3) * (b >> 3) * 5u);
    out.observe = (tsr_coap_num){ (b & 0x20) != 0, b };
    if ((b & 0xc0) == 0x40)
        out.etag = tsr_view(r->body, b & 7);
    if ((b & 0xc0) == 0x80)
        out.location = "/rd/x";
    return out;
}

static void answer(run *r, tsr_coap_id id)
{
    tsr_coap_response out = response(r);
    tsr_err err = tsr_coap_stream_respond(r->c, id, &out, r->now_ms);

    if (err == TSR_OK || err == TSR_E_NOT_FOUND) /* not found: the connection is gone */
        return;
    out = (tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR };
    must(tsr_coap_stream_respond(r->c, id, &out, r->now_ms) == TSR_OK);
}

static void request_came(run *r, const tsr_coap_event *e)
{
    volatile uint8_t sum = 0;

    r->key = e->key;
    for (size_t i = 0; i < e->body.len; i++)
        sum = (uint8_t)(sum + e->body.ptr[i]);
    r->token_len = e->token.len;
    memcpy(r->token, e->token.ptr, e->token.len);
    switch (take(&r->in) & 3) {
    case 0: must(tsr_coap_stream_cancel(r->c, e->id) == TSR_OK); break;
    case 1:
        if (r->tickets < TICKETS) {
            r->ticket[r->tickets++] = e->id;
            break;
        }
        /* fall through */
    default: answer(r, e->id);
    }
}

static void events(run *r)
{
    tsr_coap_event e;

    while (tsr_coap_stream_event_next(r->c, &e)) {
        must(e.peer == 5 && e.token.len <= 8);
        switch (e.kind) {
        case TSR_COAP_REQUEST: request_came(r, &e); break;
        case TSR_COAP_NOTIFICATION: must(e.msg != NULL && e.id == 0); break;
        case TSR_COAP_RESPONSE:
            must(e.msg != NULL && tsr_coap_is_response(e.msg->code));
            ended(r, e.id);
            break;
        default:
            if (e.id != 0)
                ended(r, e.id);
        }
    }
}

/* What the engine sends has to be frames, the first a CSM, none above the peer's limit. */
static void read_sent(run *r, tsr_bytes sent)
{
    tsr_coap_frame f;
    tsr_coap_msg msg;
    tsr_err err;

    while ((err = tsr_coap_deframe(&r->reader, &sent, &f)) == TSR_OK) {
        must(r->read_any || f.code == TSR_COAP_CSM);
        must(f.datagram.len <= r->limit + TSR_COAP_FRAME_SPARE);
        r->read_any = true;
        if (tsr_coap_is_signal(f.code))
            continue;
        must(tsr_coap_msg_parse(f.datagram, &msg) == TSR_OK);
        must(msg.bad_option == 0);
        if (!tsr_coap_is_request(f.code))
            continue;
        r->last_code = f.code;
        r->asked_len = f.token.len;
        memcpy(r->asked, f.token.ptr, f.token.len);
        r->block1 = msg.block1;
        r->block2 = msg.block2;
    }
    must(err == TSR_END && sent.len == 0);
}

static void poll(run *r, size_t most)
{
    for (unsigned n = 0; n < 300; n++) {
        tsr_buf out = tsr_buf_over(room, most < sizeof room ? most : sizeof room);
        tsr_err err = tsr_coap_stream_poll(r->c, &out, r->now_ms);

        events(r);
        if (err == TSR_END)
            return;
        must(err == TSR_OK && out.len != 0);
        read_sent(r, tsr_buf_view(&out));
        if (most < sizeof room)
            return;
    }
}

static void feed(run *r, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len != 0 ? len : 1); /* exact, so that a byte too far is seen */
    tsr_bytes in = { copy, len };

    if (len != 0)
        memcpy(copy, bytes, len);
    for (unsigned n = 0; in.len != 0 || r->blocked; n++) {
        size_t before = in.len;
        tsr_err err = tsr_coap_stream_feed(r->c, &in, r->now_ms);

        must(err == TSR_OK || err == TSR_E_SPACE);
        r->blocked = err == TSR_E_SPACE;
        if (r->c->peer_message_len > r->limit)
            r->limit = r->c->peer_message_len;
        events(r);
        if (r->blocked) {
            must(tsr_coap_stream_waits(r->c)); /* or it would be stuck for ever */
            poll(r, sizeof room);
        }
        must(in.len <= before && n < 1000);
    }
    free(copy);
}

static void feed_raw(run *r)
{
    uint8_t len = take(&r->in);
    tsr_bytes some = take_some(&r->in, len); /* what their events take comes after them */

    feed(r, some.ptr, some.len);
}

static void put_frame(run *r, uint8_t code, tsr_bytes token, uint8_t how, uint8_t more, size_t len)
{
    static uint8_t bytes[8192];
    tsr_buf out = tsr_buf_over(bytes, sizeof bytes);
    size_t at = tsr_coap_frame_begin(&out, code, token);
    uint16_t last = 0;
    tsr_coap_block b2 = { true, (more & 1) != 0, more >> 1 & 7, r->block2.num }, b1 = r->block1;

    if ((how & 1) != 0)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, take(&r->in) & 1u);
    if (tsr_coap_is_request(code))
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, (how & 2) != 0 ? "/3/0" : "/a", '/');
    if ((how & 4) != 0)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK2, b2);
    if ((how & 8) != 0) {
        if ((how & 16) != 0)
            b1 = b2;
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK1, b1);
        if ((how & 16) != 0)
            r->block1.num = b1.num + (uint32_t)(len >> (b1.szx == 7 ? 10 : b1.szx + 4));
    }
    if ((how & 32) != 0)
        tsr_coap_put_opt(&out, &last, TSR_COAP_ECHO, tsr_text("echo"));
    tsr_coap_frame_end(&out, at, tsr_view(r->body, len));
    if (out.err == TSR_OK)
        feed(r, bytes, out.len);
}

/* A response to what was asked last, or a request in blocks, with options from the input. */
static void feed_fitting(run *r)
{
    static const uint8_t codes[] = { 0x45, 0x5f, 0x44, 0x8d, 0x81, 0x45, 0x84, 0x45 };
    uint8_t what = take(&r->in), how = take(&r->in), more = take(&r->in);
    uint8_t szx = more >> 1 & 7;
    size_t len = szx == 7 ? 1024u * (what >> 6) : (size_t)16 << szx;

    if ((how & 64) != 0)
        len = what >> 4;
    if ((how & 12) == 0)
        len = (size_t)what * 4;
    r->block2.num = (how & 128) != 0 ? r->block2.num : (uint32_t)(more >> 4);
    if ((what & 8) != 0)
        put_frame(r, (uint8_t)(1 + (what & 7)), tsr_view("tok", 3), how, more, len);
    else
        put_frame(r, codes[what & 7], tsr_view(r->asked, r->asked_len), how, more, len);
}

static void feed_signal(run *r)
{
    static const uint8_t csms[][6] = { { 0x00, 0xe1 },
                                       { 0x40, 0xe1, 0x22, 0x20, 0x00, 0x20 },
                                       { 0x30, 0xe1, 0x21, 0x80, 0x20 },
                                       { 0x11, 0xe2, 0x42, 0x20 },
                                       { 0x00, 0xe4 },
                                       { 0x08, 0xe3 },
                                       { 0x00, 0x00 },
                                       { 0x30, 0xe1, 0x22, 0x07, 0x00 } };
    static const uint8_t lens[] = { 2, 6, 5, 4, 2, 2, 2, 5 };
    uint8_t b = take(&r->in) & 7;

    feed(r, csms[b], lens[b]);
    if (b == 5)
        feed(r, r->asked, 8); /* the token of a Ping, perhaps */
}

static void ask(run *r)
{
    static const char *const paths[] = { "/3/0", "/rd", "/", "/a/b/c/d/e/f/g/h/i" };
    uint8_t b = take(&r->in), how = take(&r->in);
    tsr_coap_id id;
    tsr_coap_request q = { .method = (uint8_t)(1 + b % 7), .path = paths[b >> 3 & 3] };

    if ((how & 1) != 0)
        q.payload = tsr_view(r->body, (size_t)how * how / 14);
    q.observe = (tsr_coap_num){ (how & 2) != 0, how >> 2 & 1 };
    if ((how & 8) != 0)
        q.token = tsr_view(r->token, how >> 4 & 7);
    if (tsr_coap_stream_request(r->c, &q, r->now_ms, &id) == TSR_OK)
        note(r, id);
}

static void link_down(run *r)
{
    tsr_coap_stream_closed(r->c);
    events(r);
    must(tsr_coap_stream_due_ms(r->c) == UINT64_MAX);
    r->tickets = 0;
    r->blocked = r->read_any = false;
    must(tsr_coap_deframer_init(&r->reader, room + sizeof room / 2, sizeof room / 2) == TSR_OK);
    must(tsr_coap_stream_open(r->c, r->now_ms) == TSR_OK);
}

static void other(run *r)
{
    uint8_t b = take(&r->in);
    tsr_coap_id id = 0;
    tsr_coap_response out;

    switch (b & 7) {
    case 0:
    case 1:
        out = response(r);
        out.key = (b & 0x20) != 0 ? r->key : 0;
        if (tsr_coap_stream_notify(r->c, tsr_view(r->token, r->token_len), b, (b & 0x10) != 0, &out,
                                   r->now_ms, &id) == TSR_OK &&
            id != 0)
            note(r, id);
        break;
    case 2:
        if (tsr_coap_stream_ping(r->c, (b & 8) != 0, r->now_ms, 0, &id) == TSR_OK)
            note(r, id);
        break;
    case 3:
        if (b > 0xe0)
            link_down(r);
        else if (b > 0xc0)
            (void)tsr_coap_stream_release(r->c, (b & 8) != 0 ? "h" : NULL,
                                          (tsr_coap_num){ (b & 16) != 0, b }, r->now_ms);
        break;
    case 4: (void)tsr_coap_stream_observe_forget(r->c, tsr_view(r->asked, r->asked_len)); break;
    case 5: poll(r, b >> 3); break; /* a link that takes a little */
    case 6:
        id = r->open[b >> 3 & 7];
        if (id != 0 && tsr_coap_stream_cancel(r->c, id) == TSR_OK)
            r->open[b >> 3 & 7] = 0;
        break;
    default:
        if (r->tickets != 0)
            answer(r, r->ticket[--r->tickets]);
    }
}

static void step(run *r)
{
    uint8_t op = take(&r->in);

    switch (op & 7) {
    case 0: feed_raw(r); break;
    case 1: feed_signal(r); break;
    case 2:
    case 3: feed_fitting(r); break;
    case 4: ask(r); break;
    case 5:
    case 6: other(r); break;
    default: r->now_ms += (uint64_t)(op >> 3 & 15) * (op >> 3 & 15) * 1500u;
    }
    events(r);
    if ((op & 0x80) == 0)
        poll(r, sizeof room);
    if (tsr_coap_stream_over(r->c))
        link_down(r);
}

/* What is still open must end by itself, and the engine come to rest. */
static void finish(run *r)
{
    while (r->tickets > 0)
        (void)tsr_coap_stream_cancel(r->c, r->ticket[--r->tickets]);
    poll(r, sizeof room);
    for (unsigned n = 0; tsr_coap_stream_due_ms(r->c) != UINT64_MAX; n++) {
        must(n < 1000);
        if (tsr_coap_stream_due_ms(r->c) > r->now_ms)
            r->now_ms = tsr_coap_stream_due_ms(r->c);
        poll(r, sizeof room);
    }
    for (unsigned i = 0; i < OPEN; i++)
        must(r->open[i] == 0);
    tsr_coap_stream_closed(r->c);
    events(r);
    for (uint32_t i = 0; i < r->c->config.exchanges; i++) /* all came back */
        must(tsr_coap_stream_open(r->c, r->now_ms) == (i == 0 ? TSR_OK : TSR_E_STATE) &&
             tsr_coap_stream_request(r->c, &(tsr_coap_request){ .method = TSR_COAP_GET }, r->now_ms,
                                     NULL) == TSR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tsr_coap_stream engine;
    static run r;
    uint8_t b = size != 0 ? data[0] : 0;
    tsr_coap_stream_config config = { .peer = 5,
                                      .exchanges = 1 + (b & 7),
                                      .exchange_len = b & 8 ? 64 : 700,
                                      .bodies = b >> 4 & 3,
                                      .body_len = 4200,
                                      .message_len = b & 64 ? 64 : 3000,
                                      .out_len = b & 128 ? 900 : 5000,
                                      .watches = 2,
                                      .watch_len = 40,
                                      .seed = 7 };
    size_t len = tsr_coap_stream_memory(&config);
    void *memory = malloc(len); /* exact, so that a table too long is seen */

    r = (run){ .in = tsr_view(data, size), .c = &engine, .now_ms = 1000 };
    r.limit = TSR_COAP_MESSAGE_BASE;
    must(len != 0 && memory != NULL);
    must(tsr_coap_stream_init(&engine, &config, memory, len) == TSR_OK);
    must(tsr_coap_deframer_init(&r.reader, room + sizeof room / 2, sizeof room / 2) == TSR_OK);
    must(tsr_coap_stream_open(&engine, r.now_ms) == TSR_OK);
    while (r.in.len > 0)
        step(&r);
    finish(&r);
    free(memory);
    return 0;
}
