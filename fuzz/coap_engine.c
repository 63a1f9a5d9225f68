/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine in both roles under a stream of steps: datagrams of any bytes, replies made to fit what
 * it sent last, time, and an application that asks, answers, defers, notifies, forgets and drops
 * peers. Everything it sends must parse; every exchange ends in exactly one event; nothing is open
 * for ever. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "tessera/coap/engine.h"

enum { PEERS = 3, OPEN = 64, TICKETS = 16 };

typedef struct {
    tsr_bytes in;
    tsr_coap *c;
    uint64_t now_ms;
    uint8_t last[1400]; /* sent last, to peer last_peer */
    size_t last_len;
    tsr_coap_peer last_peer;
    tsr_coap_id ticket[TICKETS];
    unsigned tickets;
    tsr_coap_id held[4]; /* notifications that are not settled yet */
    uint64_t open[OPEN]; /* ids that wait for their event */
    uint64_t key;
    uint8_t token[8];
    uint32_t sequence;
} run;

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
    static uint8_t body[3000];
    uint8_t b = take(&r->in);
    tsr_coap_response out = { .code = codes[b & 7], .user = b };

    out.payload = tsr_view(body, (size_t)(b >> 3) * (b >> 3) * 3u);
    out.non = (b & 0x11) == 0x11;
    out.observe = (tsr_coap_num){ (b & 0x20) != 0, b };
    if ((b & 0xc0) == 0x40)
        out.etag = tsr_view(body, b & 7);
    if ((b & 0xc0) == 0x80)
        out.location = "/rd/x";
    return out;
}

static void answer(run *r, tsr_coap_id id)
{
    tsr_coap_response out = response(r);

    if (tsr_coap_respond(r->c, id, &out, r->now_ms) == TSR_OK)
        return;
    out = (tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR };
    must(tsr_coap_respond(r->c, id, &out, r->now_ms) == TSR_OK);
}

static void request_came(run *r, const tsr_coap_event *e)
{
    volatile uint8_t sum = 0;

    r->key = e->key;
    for (size_t i = 0; i < e->body.len; i++)
        sum = (uint8_t)(sum + e->body.ptr[i]);
    memcpy(r->token, e->token.ptr, e->token.len);
    switch (take(&r->in) & 3) {
    case 0: must(tsr_coap_cancel(r->c, e->id) == TSR_OK); break;
    case 1:
        if (r->tickets < TICKETS) {
            r->ticket[r->tickets++] = e->id;
            break;
        }
        /* fall through */
    default: answer(r, e->id);
    }
}

static void settle(run *r, unsigned place, bool kept)
{
    if (r->held[place] != 0)
        (void)tsr_coap_observe_settle(r->c, r->held[place], kept); /* its peer may be gone */
    r->held[place] = 0;
}

/* Settled at once, or when another one takes its place. */
static void notification_came(run *r, const tsr_coap_event *e)
{
    uint8_t b = take(&r->in);

    must(e->msg != NULL);
    settle(r, b & 3, (b & 4) != 0);
    r->held[b & 3] = e->id;
    if ((b & 8) != 0)
        settle(r, b & 3, (b & 16) != 0);
}

static void events(run *r)
{
    tsr_coap_event e;

    while (tsr_coap_event_next(r->c, &e)) {
        must(e.peer < PEERS && e.token.len <= 8);
        switch (e.kind) {
        case TSR_COAP_REQUEST: request_came(r, &e); break;
        case TSR_COAP_NOTIFICATION: notification_came(r, &e); break;
        case TSR_COAP_RESPONSE:
            must(e.msg != NULL && tsr_coap_is_response(e.msg->code));
            ended(r, e.id);
            break;
        default:
            if (e.id != 0 && e.user != 0xffff) /* 0xffff: separate responses are not noted */
                ended(r, e.id);
        }
    }
}

static void poll(run *r)
{
    for (unsigned n = 0; n < 200; n++) {
        tsr_buf out = tsr_buf_over(r->last, sizeof r->last);
        tsr_coap_peer peer;
        tsr_coap_msg msg;
        tsr_err err = tsr_coap_poll(r->c, &peer, &out, r->now_ms);

        events(r);
        if (err == TSR_END)
            return;
        must(err == TSR_OK && peer < PEERS);
        must(tsr_coap_msg_parse(tsr_buf_view(&out), &msg) == TSR_OK);
        must(msg.bad_option == 0 || msg.bad_option > 2000);
        r->last_len = out.len;
        r->last_peer = peer;
    }
}

static void feed(run *r, tsr_coap_peer peer, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len != 0 ? len : 1); /* exact, so that a byte too far is seen */

    if (len != 0)
        memcpy(copy, bytes, len);
    must(tsr_coap_feed(r->c, peer, tsr_view(copy, len), r->now_ms) == TSR_OK);
    events(r);
    free(copy);
}

static void feed_raw(run *r)
{
    uint8_t len = take(&r->in);
    tsr_coap_peer peer = take(&r->in) % PEERS;
    tsr_bytes some = take_some(&r->in, len);

    feed(r, peer, some.ptr, some.len);
}

/* A reply that fits what was sent last: its Message ID and token, options and payload from the
 * input. */
static void feed_fitting(run *r)
{
    static const uint8_t codes[] = { 0x00, 0x45, 0x5f, 0x44, 0x8d, 0x81, 0x45, 0x84 };
    uint8_t bytes[1400], how = take(&r->in);
    tsr_buf out = tsr_buf_over(bytes, sizeof bytes);
    uint16_t last = 0;
    tsr_coap_msg msg;
    static uint8_t body[1024];

    if (r->last_len == 0 || tsr_coap_msg_parse(tsr_view(r->last, r->last_len), &msg) != TSR_OK)
        return;

    uint8_t type = how & 3, code = codes[how >> 2 & 7], more = take(&r->in);
    tsr_coap_block b1 = msg.block1, b2 = { true, (more & 1) != 0, more >> 1 & 7, msg.block2.num };
    unsigned ours = type >= TSR_COAP_ACK ? 0 : (unsigned)take(&r->in) << 8 | r->sequence++;
    uint16_t mid = type >= TSR_COAP_ACK ? msg.mid : (uint16_t)ours;

    tsr_coap_put_header(&out, type, type == TSR_COAP_RST ? 0 : code, mid,
                        code == 0 || type == TSR_COAP_RST ? tsr_view(NULL, 0) : msg.token);
    if (code != 0 && type != TSR_COAP_RST) {
        if ((how & 0x20) != 0)
            tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, take(&r->in));
        if ((more & 0x10) != 0)
            tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK2, b2);
        if ((more & 0x20) != 0 && b1.set) {
            b1.szx = more & 0x40 ? 0 : b1.szx;
            tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK1, b1);
        }
        if ((more & 0x80) != 0)
            tsr_coap_put_opt(&out, &last, TSR_COAP_ECHO, tsr_text("echo"));
        tsr_coap_put_payload(&out, tsr_view(body, (more & 0x10) != 0 && b2.szx < 7
                                                      ? tsr_coap_block_len(b2.szx)
                                                      : (size_t)how >> 6));
    }
    if (out.err == TSR_OK)
        feed(r, r->last_peer, bytes, out.len);
}

static void ask(run *r)
{
    static const char *const paths[] = { "/3/0", "/rd", "/", "/a/b/c/d/e/f/g/h/i" };
    static uint8_t body[4100];
    uint8_t b = take(&r->in), how = take(&r->in);
    tsr_coap_id id;
    tsr_coap_request q = { .method = (uint8_t)(1 + b % 7),
                           .path = paths[b >> 3 & 3],
                           .non = (b & 0x20) != 0 };

    if ((how & 1) != 0)
        q.payload = tsr_view(body, (size_t)how * how / 16);
    q.observe = (tsr_coap_num){ (how & 2) != 0, how >> 2 & 1 };
    if ((how & 8) != 0)
        q.token = tsr_view(r->token, how >> 4 & 7);
    if (tsr_coap_request_send(r->c, take(&r->in) % PEERS, &q, r->now_ms, &id) == TSR_OK)
        note(r, id);
}

static void other(run *r)
{
    uint8_t b = take(&r->in);
    tsr_coap_peer peer = b >> 3 & 1;
    tsr_coap_id id = 0;
    tsr_coap_response out;

    switch (b & 7) {
    case 0:
    case 1:
        out = response(r);
        out.key = (b & 0x20) != 0 ? r->key : 0;
        if (tsr_coap_notify(r->c, peer, tsr_view(r->token, 4), r->sequence++, (b & 0x10) != 0, &out,
                            r->now_ms, &id) == TSR_OK &&
            id != 0)
            note(r, id);
        break;
    case 2:
        if (tsr_coap_ping(r->c, peer, r->now_ms, 0, &id) == TSR_OK)
            note(r, id);
        break;
    case 3:
        if (b > 0xe0)
            tsr_coap_peer_gone(r->c, peer);
        break;
    case 4: (void)tsr_coap_observe_forget(r->c, peer, tsr_view(r->token, b >> 4 & 7)); break;
    case 5:
        (void)tsr_coap_observe_adopt(
            r->c, peer, tsr_view(r->token, 4),
            (b & 0x10) != 0 ? &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/3" } : NULL,
            b);
        break;
    case 6:
        id = r->open[b >> 3 & 7];
        if (id != 0 && tsr_coap_cancel(r->c, id) == TSR_OK)
            r->open[b >> 3 & 7] = 0;
        break;
    default:
        if (r->tickets == 0)
            break;
        id = r->ticket[--r->tickets];
        if ((b & 8) != 0)
            (void)tsr_coap_defer(r->c, id);
        out = response(r);
        out.user = 0xffff;
        if (tsr_coap_respond(r->c, id, &out, r->now_ms) == TSR_E_SPACE)
            (void)tsr_coap_cancel(r->c, id);
    }
}

static void step(run *r)
{
    uint8_t op = take(&r->in);

    switch (op & 7) {
    case 0:
    case 1: feed_raw(r); break;
    case 2:
    case 3: feed_fitting(r); break;
    case 4: ask(r); break;
    case 5: other(r); break;
    default: r->now_ms += (uint64_t)(op >> 3) * (op >> 3) * (op & 1 ? 300u : 5u);
    }
    events(r);
    if ((op & 0x80) == 0)
        poll(r);
}

/* What is still open must end by itself, and the engine come to rest. */
static void finish(run *r)
{
    while (r->tickets > 0)
        (void)tsr_coap_cancel(r->c, r->ticket[--r->tickets]);
    for (unsigned i = 0; i < 4; i++)
        settle(r, i, (i & 1) != 0);
    for (unsigned n = 0; tsr_coap_due_ms(r->c) != UINT64_MAX; n++) {
        must(n < 3000);
        if (tsr_coap_due_ms(r->c) > r->now_ms)
            r->now_ms = tsr_coap_due_ms(r->c);
        poll(r);
    }
    for (unsigned i = 0; i < OPEN; i++)
        must(r->open[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tsr_coap engine;
    static uint64_t memory[16384];
    uint8_t b = size != 0 ? data[0] : 0;
    tsr_coap_config config = { .peers = PEERS,
                               .exchanges = 1 + (b & 15),
                               .exchange_len = b & 16 ? 128 : 1300,
                               .bodies = b >> 5 & 3,
                               .body_len = 4096,
                               .peer_bodies = b & 128 ? 1 : 0,
                               .seen = 20,
                               .log_len = b & 8 ? 300 : 5000,
                               .watches = 4,
                               .watch_len = 40,
                               .hold = (b & 64) != 0,
                               .seed = 7,
                               .params = tsr_coap_params_default() };
    run r = { .in = tsr_view(data, size), .c = &engine, .now_ms = 1000 };

    config.params.szx = (uint8_t)((b * 7u >> 2) % 7);
    if (tsr_coap_init(&engine, &config, memory, sizeof memory) != TSR_OK)
        abort();
    while (r.in.len > 0)
        step(&r);
    poll(&r);
    finish(&r);
    return 0;
}
