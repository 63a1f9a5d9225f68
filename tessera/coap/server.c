/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/engine_in.h"

/* Room in the log for an answer of up to `most` bytes, and for what the guard puts around it. */
static tsr_err begin(tsr_coap *c, size_t most, tsr_buf *out)
{
    return tsr_coap_log_begin(c, most + c->guard_more, out);
}

/* The answer of ticket `s`, or one by the engine itself (NULL), is complete. */
static void commit(tsr_coap *c, tsr_coap_peer peer, tsr_coap_slot *s, tsr_buf *out, uint32_t seen)
{
    if (c->guarding == NULL || c->guarding->seal(c, peer, s, out) == TSR_OK)
        tsr_coap_log_commit(c, peer, out, seen);
}

/* Whether a request may be done again to see more of its answer. */
static bool repeatable(uint8_t method)
{
    return method == TSR_COAP_GET || method == TSR_COAP_FETCH;
}

/* ---- answers that the engine gives by itself ---- */

/* Type and Message ID of an answer that goes at once: piggybacked to a CON, a new NON otherwise. */
static void put_answer_header(tsr_coap *c, tsr_coap_peer peer, uint8_t code, tsr_buf *out)
{
    bool con = c->msg.type == TSR_COAP_CON;

    tsr_coap_put_header(out, con ? TSR_COAP_ACK : TSR_COAP_NON, code,
                        con ? c->msg.mid : tsr_coap_next_mid(c, peer), c->msg.token);
}

/* RFC 7959 §2.5: a smaller size is offered in the answer. */
static tsr_coap_block offered_block1(const tsr_coap *c)
{
    tsr_coap_block b = c->msg.block1;

    if (b.szx > c->config.params.szx)
        b.szx = c->config.params.szx;
    return b;
}

/* With Block1 when `block1`, Size1 when the body was too large, and the number of a bad option as
 * diagnostic payload (RFC 7252 §5.5.2). */
static void answer(tsr_coap *c, tsr_coap_peer peer, uint32_t seen, uint8_t code, bool block1)
{
    uint16_t last = 0;
    tsr_buf out;

    if (begin(c, 40, &out) != TSR_OK)
        return;
    put_answer_header(c, peer, code, &out);
    if (block1)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK1, offered_block1(c));
    if (code == TSR_COAP_TOO_LARGE)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_SIZE1, c->config.body_len);
    if (code == TSR_COAP_BAD_OPTION) {
        tsr_put_u8(&out, 0xff);
        tsr_put_dec(&out, c->msg.bad_option);
    }
    if (code == TSR_COAP_UNAVAILABLE)
        c->stats.refused++;
    commit(c, peer, NULL, &out, c->msg.type == TSR_COAP_CON ? seen : TSR_NONE);
}

/* ---- Block2 going out ---- */

static uint8_t least(uint8_t a, uint8_t b) { return a < b ? a : b; }

/* ---- requests ---- */

/* The code for what cannot be handed to the application; TSR_COAP_EMPTY: it can. */
static uint8_t request_fault(const tsr_coap *c)
{
    const tsr_coap_msg *msg = &c->msg;

    if (msg->code > TSR_COAP_IPATCH)
        return TSR_COAP_METHOD_NOT_ALLOWED; /* RFC 7252 §5.8 */
    if (msg->bad_count != 0 && tsr_coap_refused(c))
        return msg->bad_option == TSR_COAP_PROXY_URI || msg->bad_option == TSR_COAP_PROXY_SCHEME
                   ? TSR_COAP_PROXYING_NOT_SUPPORTED /* RFC 7252 §5.10.2 */
                   : TSR_COAP_BAD_OPTION;
    if (msg->block1.szx == 7 || msg->block2.szx == 7)
        return TSR_COAP_BAD_REQUEST; /* RFC 7959 §2.2 */
    return TSR_COAP_EMPTY;
}

tsr_coap_slot *tsr_coap_open_ticket(tsr_coap *c, tsr_coap_peer peer, uint32_t seen)
{
    tsr_coap_slot *s = tsr_coap_slot_take(c, peer, SLOT_TICKET);

    if (s == NULL)
        return NULL;
    s->state = SLOT_AWAITING;
    s->u.seen = seen;
    s->mid = c->msg.mid;
    s->code = c->msg.code;
    s->block1 = c->msg.block1;
    s->block2 = c->msg.block2;
    tsr_coap_slot_name(s, c->msg.token);
    s->flags = c->msg.size2.set ? F_SIZE2 : 0;
    if (c->guarding != NULL)
        c->guarding->opened(c, s);
    if (c->msg.type == TSR_COAP_CON) {
        s->flags |= F_CON;
        tsr_coap_wake(c, &s->timer, c->config.params.ack_delay_ms);
    }
    return s;
}

/* Without block-wise transfer only the block size counts. */
static uint32_t key_of(const tsr_coap *c)
{
    if (c->blocks != NULL)
        return c->blocks->key(&c->msg);
    return 8u | (c->msg.block2.set ? c->msg.block2.szx : 7u);
}

static void hand_over(tsr_coap *c, tsr_coap_slot *s, uint32_t key)
{
    tsr_coap_event *e = tsr_coap_event_start(c, TSR_COAP_REQUEST, s->peer, c->msg.token);

    s->key = key;
    if (c->blocks != NULL)
        s->hash = c->blocks->fetch_hash(&c->msg);
    e->id = tsr_coap_slot_id(s);
    e->msg = &c->msg;
    e->key = key;
    e->body = c->msg.payload;
    if (s->body != TSR_NONE)
        e->body = tsr_view(tsr_coap_body_bytes(c, s->body), c->bodies[s->body].len);
}

/* A later block of an answer that is no longer kept: handing the request over would do again what was
 * done, and without its payload (RFC 7959 §3.3). */
static bool asks_again(const tsr_coap *c)
{
    return c->msg.block2.num != 0 && !repeatable(c->msg.code);
}

void tsr_coap_take_request(tsr_coap *c, tsr_coap_peer peer)
{
    bool con = c->msg.type == TSR_COAP_CON;
    uint32_t seen = tsr_coap_seen_add(c, peer, c->msg.mid, con ? 0 : SEEN_NON);
    uint8_t code = request_fault(c);
    uint32_t body = TSR_NONE, key;
    bool in_blocks = false;
    tsr_coap_slot *s;

    if (code == TSR_COAP_BAD_OPTION && !con) {
        c->stats.ignored++; /* RFC 7252 §5.4.1: a NON with one is rejected, silently */
        return;
    }
    if (code == TSR_COAP_EMPTY) {
        key = key_of(c);
        if (c->msg.block2.num != 0 && c->blocks != NULL && c->blocks->serve(c, peer, seen, key))
            return;
        if (asks_again(c)) {
            code = TSR_COAP_INCOMPLETE;
        } else if (c->msg.block1.more || c->msg.block1.num != 0) {
            in_blocks = true;
            code = c->blocks != NULL ? c->blocks->store(c, peer, key, &body) : TSR_COAP_TOO_LARGE;
        }
        if (code == TSR_COAP_EMPTY) {
            s = tsr_coap_open_ticket(c, peer, seen);
            if (s != NULL) {
                s->body = body;
                hand_over(c, s, key);
                return;
            }
            if (body != TSR_NONE)
                c->blocks->free(c, body);
            code = TSR_COAP_UNAVAILABLE;
        }
    }
    answer(c, peer, seen, code, in_blocks);
}

/* ---- responses and notifications ---- */

enum {
    HEADERS = 64, /* header, token and our own options at most, and the head of a log record */
};

/* Makes the slot's options, its Block2 and the part of the payload to send. `later`: that part has
 * to fit into the slot's own bytes, else into the log. On failure only the slot's bytes have
 * changed. */
static tsr_err prepare(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_response *r, bool later,
                       tsr_bytes *part)
{
    const tsr_coap_block block = tsr_coap_is_success(r->code) ? s->block2 : (tsr_coap_block){ 0 };
    size_t offset = (size_t)block.num << (block.szx + 4);
    bool beyond = offset != 0 && offset >= r->payload.len; /* RFC 7959 §2.2: a bad request */
    uint8_t szx = block.set ? least(block.szx, c->config.params.szx) : c->config.params.szx;
    bool blocks = r->payload.len > tsr_coap_block_len(szx) || offset != 0 ||
                  (later && r->payload.len + HEADERS > c->config.exchange_len);
    uint32_t hash = blocks ? tsr_coap_hash(r->payload) : 0;
    tsr_bytes etag = r->etag;
    tsr_err err;

    if (blocks && etag.ptr == NULL)
        etag = tsr_view(&hash, sizeof hash);
    err = tsr_coap_write_response(c, s, r, etag);
    if (err != TSR_OK)
        return err;
    if (beyond)
        s->options_len = 0;

    size_t room = later ? c->config.exchange_len - s->options_len : c->config.log_len;

    while (blocks && szx > 0 && tsr_coap_block_len(szx) > room)
        szx--;

    tsr_bytes rest = tsr_skip(r->payload, offset);
    bool more;

    *part = blocks ? tsr_first(rest, tsr_coap_block_len(szx)) : rest;
    more = part->len < rest.len;
    if (later ? tsr_coap_write_payload(c, s, *part) != TSR_OK
              : s->options_len + part->len + HEADERS > room)
        return TSR_E_SPACE;

    if (more && s->key != 0 &&
        (c->blocks == NULL || c->blocks->offer(c, s, r, etag) != TSR_OK) && !repeatable(s->code))
        return TSR_E_SPACE; /* asking again would do it again */
    /* a Block2 that says nothing makes libcoap stumble */
    s->block2 = (tsr_coap_block){ (more || offset != 0) && !beyond, more, szx,
                                  (uint32_t)(offset >> (szx + 4)) };
    s->size2 = (uint32_t)r->payload.len;
    if (!s->block2.set)
        s->flags &= (uint16_t)~F_SIZE2;
    s->block1.more = false;
    s->code = beyond ? TSR_COAP_BAD_REQUEST : r->code;
    s->observe = r->observe;
    s->user = r->user;
    return TSR_OK;
}

static void respond_now(tsr_coap *c, tsr_coap_slot *s, tsr_bytes part)
{
    bool con = (s->flags & F_CON) != 0;
    tsr_buf out;

    if (!con)
        s->mid = tsr_coap_next_mid(c, s->peer);
    if (begin(c, s->options_len + part.len + HEADERS - 8, &out) == TSR_OK) {
        tsr_coap_write_message(c, s, con ? TSR_COAP_ACK : TSR_COAP_NON, part, &out);
        commit(c, s->peer, s, &out, con ? tsr_coap_seen_of(c, s) : TSR_NONE);
    }
    tsr_coap_slot_free(c, s);
}

static void respond_later(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_response *r)
{
    if (s->body != TSR_NONE)
        c->blocks->free(c, s->body);
    s->body = TSR_NONE;
    s->kind = SLOT_RESPONSE;
    s->flags = (s->flags & F_SIZE2) | (r->non ? 0 : F_CON);
    tsr_coap_launch(c, s);
}

tsr_err tsr_coap_respond(tsr_coap *c, tsr_coap_id ticket, const tsr_coap_response *response,
                         uint64_t now_ms)
{
    tsr_coap_slot *s = tsr_coap_slot_of(c, ticket);
    tsr_bytes part;

    c->now_ms = now_ms;
    if (s == NULL && c->streams != NULL)
        return c->streams->calls->respond(ticket, c, response);
    if (s == NULL || s->kind != SLOT_TICKET)
        return TSR_E_NOT_FOUND;
    if (!tsr_coap_is_response(response->code))
        return TSR_E_ARGUMENT;

    bool later = (s->flags & F_ACKED) != 0;
    tsr_err err = prepare(c, s, response, later, &part);

    if (err == TSR_OK && later)
        respond_later(c, s, response);
    else if (err == TSR_OK)
        respond_now(c, s, part);
    return err;
}

tsr_err tsr_coap_defer(tsr_coap *c, tsr_coap_id ticket)
{
    tsr_coap_slot *s = tsr_coap_slot_of(c, ticket);

    if (s == NULL || s->kind != SLOT_TICKET)
        return TSR_E_NOT_FOUND;
    tsr_coap_ack(c, s);
    return TSR_OK;
}

tsr_err tsr_coap_notify(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token, uint32_t sequence,
                        bool con, const tsr_coap_response *response, uint64_t now_ms, tsr_coap_id *id)
{
    c->now_ms = now_ms;
    if (peer >= c->config.peers || token.len > TSR_COAP_TOKEN_MAX ||
        !tsr_coap_is_response(response->code))
        return TSR_E_ARGUMENT;
    if (c->lines[peer].stream)
        return c->streams->calls->notify(c, peer, token, sequence, con, response, id);

    tsr_coap_slot *s = tsr_coap_slot_take(c, peer, SLOT_NOTICE);
    tsr_bytes part;

    if (s == NULL)
        return TSR_E_SPACE;
    s->key = (uint32_t)response->key;
    s->code = TSR_COAP_GET;
    s->block2.szx = s->key & 7u;
    s->block2.set = s->key != 0 && s->block2.szx != 7;

    tsr_err err = prepare(c, s, response, true, &part);

    if (err != TSR_OK) {
        tsr_coap_slot_free(c, s);
        return err;
    }
    tsr_coap_slot_name(s, token);
    /* RFC 7641 §4.2: an error ends the observation */
    s->observe = (tsr_coap_num){ tsr_coap_is_success(response->code), sequence & 0xffffffu };
    s->flags = con ? F_CON : 0;
    if (c->guarding != NULL)
        c->guarding->notice(c, s);
    tsr_coap_launch(c, s);
    if (id != NULL)
        *id = con ? tsr_coap_slot_id(s) : 0;
    return TSR_OK;
}
