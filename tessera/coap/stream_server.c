/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/stream_in.h"

/* ---- answers that the engine gives by itself ---- */

/* With Block1 when it is set, Size1 when the body was too large, and the number of a bad option as
 * diagnostic payload (RFC 7252 §5.5.2). Feed has seen that there is room. */
static void answer(tsr_coap_stream *c, uint8_t code, tsr_coap_block block1)
{
    tsr_buf out = tsr_coap_st_out(c, STREAM_ABORT_ROOM);
    size_t at = tsr_coap_frame_begin(&out, code, c->msg.token);
    uint8_t digits[8];
    tsr_buf text = tsr_buf_over(digits, sizeof digits);
    uint16_t last = 0;

    if (block1.set)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK1, block1);
    if (code == TSR_COAP_TOO_LARGE)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_SIZE1, c->config.body_len);
    if (code == TSR_COAP_BAD_OPTION)
        tsr_put_dec(&text, c->msg.bad_option);
    tsr_coap_frame_end(&out, at, tsr_buf_view(&text));
    if (code == TSR_COAP_UNAVAILABLE)
        c->stats.refused++;
    if (out.err == TSR_OK)
        tsr_coap_st_put(c, &out);
}

/* ---- bodies coming in by Block1, going out by Block2 ---- */

static void keep_format(tsr_coap_stream_body *b, tsr_coap_num format)
{
    b->has_format = format.set;
    b->content_format = (uint16_t)format.value;
}

/* Whether the payload is as long as its Block option says. RFC 7959 §2.2, RFC 8323 §6 */
static bool block_fits(tsr_coap_block b, size_t len)
{
    size_t size = (size_t)1 << tsr_coap_st_shift(b.szx);

    if (b.szx == 7)
        return !b.more || (len != 0 && len % size == 0);
    return len <= size && (!b.more || len == size);
}

static uint32_t start_body(tsr_coap_stream *c, uint32_t i, uint32_t key)
{
    if (i == TSR_NONE)
        i = tsr_coap_st_body_take(c, STREAM_BODY_IN);
    if (i == TSR_NONE)
        return i;
    c->bodies[i].key = key;
    c->bodies[i].len = 0;
    keep_format(&c->bodies[i], c->msg.content_format);
    return i;
}

/* RFC 7959 §2.5, RFC 7959 §2.9, RFC 8323 §6.2: stores a block; the code to answer with, or
 * TSR_COAP_EMPTY when body *at is whole. */
static uint8_t store_block(tsr_coap_stream *c, uint32_t key, uint32_t *at)
{
    const tsr_coap_block b = c->msg.block1;
    uint64_t offset = (uint64_t)b.num << tsr_coap_st_shift(b.szx);
    uint32_t i = tsr_coap_st_body_find(c, STREAM_BODY_IN, key);

    if (!block_fits(b, c->msg.payload.len))
        return TSR_COAP_BAD_REQUEST;
    if (offset + c->msg.payload.len > c->config.body_len ||
        c->msg.size1.value > c->config.body_len || c->config.bodies == 0) {
        if (i != TSR_NONE)
            tsr_coap_st_body_free(c, i);
        return TSR_COAP_TOO_LARGE;
    }
    if (b.num == 0) {
        i = start_body(c, i, key);
        if (i == TSR_NONE)
            return TSR_COAP_UNAVAILABLE;
    }
    if (i == TSR_NONE || c->bodies[i].len != offset ||
        c->bodies[i].has_format != c->msg.content_format.set ||
        c->bodies[i].content_format != c->msg.content_format.value)
        return TSR_COAP_INCOMPLETE;
    (void)tsr_coap_st_body_append(c, i, c->msg.payload); /* checked above */
    *at = i;
    if (b.more) {
        tsr_coap_st_wake(c, &c->bodies[i].timer, c->config.body_ms);
        return TSR_COAP_CONTINUE;
    }
    tsr_timer_stop(&c->timers, &c->bodies[i].timer);
    c->bodies[i].kind = STREAM_BODY_HELD;
    return TSR_COAP_EMPTY;
}

/* Keeps a body so that the peer can fetch its later blocks; false: that cannot be done. */
static bool offer(tsr_coap_stream *c, const tsr_coap_stream_slot *s, const tsr_coap_response *r,
                  tsr_bytes etag)
{
    uint32_t i = tsr_coap_st_body_find(c, STREAM_BODY_OUT, s->key);

    if (r->payload.len > c->config.body_len)
        return false;
    if (i != TSR_NONE && tsr_coap_st_body_view(c, i).ptr == r->payload.ptr)
        return true; /* a later block out of this very body */
    if (i != TSR_NONE && c->bodies[i].lent != 0)
        return false;
    if (i == TSR_NONE)
        i = tsr_coap_st_body_take(c, STREAM_BODY_OUT);
    if (i == TSR_NONE)
        return false;

    tsr_coap_stream_body *b = &c->bodies[i];

    b->len = 0;
    b->key = s->key;
    b->payload_hash = s->hash;
    b->code = r->code;
    keep_format(b, r->content_format);
    b->etag_len = (uint8_t)etag.len;
    memcpy(b->etag, etag.ptr, etag.len);
    (void)tsr_coap_st_body_append(c, i, r->payload);
    tsr_coap_st_wake(c, &b->timer, c->config.body_ms);
    return true;
}

/* ---- requests ---- */

static tsr_coap_stream_slot *open_ticket(tsr_coap_stream *c, uint32_t key)
{
    tsr_coap_stream_slot *s = tsr_coap_st_take(c, STREAM_TICKET);

    if (s == NULL)
        return NULL;
    s->code = c->msg.code;
    s->block1 = c->msg.block1;
    s->block2 = c->msg.block2;
    s->flags = c->msg.size2.set ? S_SIZE2 : 0;
    s->key = key;
    s->hash = tsr_coap_fetch_hash(&c->msg);
    tsr_coap_st_name(c, s, c->msg.token);
    return s;
}

/* Answers a later block out of a body kept for that. False: there is none. RFC 7959 §2.4 */
static bool serve_block(tsr_coap_stream *c, uint32_t key)
{
    uint32_t i = tsr_coap_st_body_find(c, STREAM_BODY_OUT, key), hash = tsr_coap_fetch_hash(&c->msg);

    if (i == TSR_NONE)
        return false;

    tsr_coap_stream_body *b = &c->bodies[i];

    if (b->payload_hash != 0 && hash != 0 && hash != b->payload_hash)
        return false;

    tsr_coap_stream_slot *s = open_ticket(c, key);

    if (s == NULL)
        return false;

    const tsr_coap_response r = { .code = b->code,
                                  .content_format = { b->has_format, b->content_format },
                                  .etag = { b->etag, b->etag_len },
                                  .payload = tsr_coap_st_body_view(c, i) };
    tsr_coap_id ticket = tsr_coap_st_id(s);

    tsr_coap_st_wake(c, &b->timer, c->config.body_ms);
    if (tsr_coap_stream_respond(c, ticket, &r, c->now_ms) == TSR_OK)
        return true;
    tsr_coap_st_free(c, s);
    return false;
}

/* The code for what cannot be handed to the application; TSR_COAP_EMPTY: it can. */
static uint8_t request_fault(const tsr_coap_stream *c)
{
    const tsr_coap_msg *msg = &c->msg;

    if (msg->code > TSR_COAP_IPATCH)
        return TSR_COAP_METHOD_NOT_ALLOWED; /* RFC 7252 §5.8 */
    if (tsr_coap_st_refused(c))
        return msg->bad_option == TSR_COAP_PROXY_URI || msg->bad_option == TSR_COAP_PROXY_SCHEME
                   ? TSR_COAP_PROXYING_NOT_SUPPORTED /* RFC 7252 §5.10.2 */
                   : TSR_COAP_BAD_OPTION;
    return TSR_COAP_EMPTY;
}

static bool hand_over(tsr_coap_stream *c, uint32_t key, uint32_t body)
{
    tsr_coap_stream_slot *s = open_ticket(c, key);
    tsr_coap_event *e;

    if (s == NULL)
        return false;
    s->body = body;
    e = tsr_coap_st_event(c, TSR_COAP_REQUEST, c->msg.token);
    e->id = tsr_coap_st_id(s);
    e->msg = &c->msg;
    e->key = key;
    e->body = body != TSR_NONE ? tsr_coap_st_body_view(c, body) : c->msg.payload;
    return true;
}

void tsr_coap_st_take_request(tsr_coap_stream *c)
{
    uint8_t code = request_fault(c);
    tsr_coap_block block1 = { 0 };
    uint32_t body = TSR_NONE;

    if (code == TSR_COAP_EMPTY) {
        uint32_t key = tsr_coap_msg_key(&c->msg);

        if (c->msg.block2.num != 0 && serve_block(c, key))
            return;
        if (c->msg.block1.more || c->msg.block1.num != 0) {
            block1 = c->msg.block1;
            code = store_block(c, key, &body);
        }
        if (code == TSR_COAP_EMPTY) {
            if (hand_over(c, key, body))
                return;
            if (body != TSR_NONE)
                tsr_coap_st_body_free(c, body);
            code = TSR_COAP_UNAVAILABLE;
        }
    }
    answer(c, code, block1);
}

/* ---- responses and notifications ---- */

/* Writes the options that are kept; what is left for the payload in one message. */
static tsr_err put_options(const tsr_coap_stream *c, tsr_coap_stream_slot *s,
                           const tsr_coap_response *r, tsr_bytes etag, size_t *room)
{
    tsr_buf out = tsr_buf_over(tsr_coap_st_bytes(c, s), c->config.exchange_len);
    tsr_err err = tsr_coap_put_response(&out, r, etag);
    size_t taken = STREAM_HEAD + out.len, limit = tsr_coap_st_limit(c);

    if (err != TSR_OK)
        return err;
    if (taken > limit)
        return TSR_E_SPACE;
    s->options_len = (uint16_t)out.len;
    *room = limit - taken;
    return TSR_OK;
}

/* RFC 7959 §2.4, RFC 8323 §6.1: the block to send, when one message is too little for the payload
 * or the peer asked for a part. */
static tsr_err cut(tsr_coap_stream *c, tsr_coap_stream_slot *s, const tsr_coap_response *r,
                   tsr_bytes etag, size_t room, tsr_bytes *part)
{
    size_t offset = (size_t)s->block2.num << tsr_coap_st_shift(s->block2.szx);
    tsr_bytes rest = tsr_skip(r->payload, offset);
    uint8_t szx = s->block2.set ? s->block2.szx : 7;

    if (!c->peer_blocks)
        return TSR_E_SPACE;
    *part = tsr_first(rest, tsr_coap_st_block(c, room, &szx));
    if (part->len == 0)
        return TSR_E_SPACE;
    s->block2 = (tsr_coap_block){ true, part->len < rest.len, szx,
                                  (uint32_t)(offset >> tsr_coap_st_shift(szx)) };
    if (s->block2.more && (s->key == 0 || !offer(c, s, r, etag)) && s->code != TSR_COAP_GET &&
        s->code != TSR_COAP_FETCH)
        return TSR_E_SPACE; /* asking again would do it again */
    return TSR_OK;
}

/* RFC 7959 §2.2: a block beyond the end. */
static void beyond(tsr_coap_stream_slot *s, tsr_bytes *part)
{
    s->options_len = 0;
    s->code = TSR_COAP_BAD_REQUEST;
    s->block2.set = false;
    part->len = 0;
}

/* Makes the slot's message and the part of the payload to send. On failure the caller puts the slot
 * back. */
static tsr_err prepare(tsr_coap_stream *c, tsr_coap_stream_slot *s, const tsr_coap_response *r,
                       tsr_bytes *part)
{
    tsr_coap_block asked = tsr_coap_is_success(r->code) ? s->block2 : (tsr_coap_block){ 0 };
    size_t offset = (size_t)asked.num << tsr_coap_st_shift(asked.szx), room, len = r->payload.len;
    uint32_t hash = 0;
    tsr_bytes etag = r->etag;
    tsr_err err = put_options(c, s, r, etag, &room);
    bool blocks;

    if (err != TSR_OK)
        return err;
    blocks = offset != 0 || len > room ||
             (asked.set && asked.szx < 7 && len > tsr_coap_block_len(asked.szx));
    if (blocks && offset < len && etag.ptr == NULL) { /* so that blocks of two states do not mix */
        hash = tsr_coap_hash(r->payload);
        etag = tsr_view(&hash, sizeof hash);
        err = put_options(c, s, r, etag, &room);
    }
    s->block2 = asked;
    *part = r->payload;
    if (err == TSR_OK && blocks && offset < len)
        err = cut(c, s, r, etag, room, part);
    else
        s->block2.set = false;
    s->code = r->code;
    if (blocks && offset >= len)
        beyond(s, part);
    if (!s->block2.set)
        s->flags &= (uint16_t)~S_SIZE2;
    s->size2 = (uint32_t)len;
    s->block1.more = false;
    s->observe = r->observe;
    return err;
}

/* Keeps the part until there is room: in the slot, in the body that is offered anyway, or in one of
 * its own. */
static tsr_err keep(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_bytes whole, tsr_bytes part)
{
    uint32_t i;

    s->payload_len = s->echo_len = 0;
    if (tsr_coap_st_append(c, s, part) == TSR_OK) {
        s->payload_len = (uint16_t)part.len;
        return TSR_OK;
    }
    s->chunk = (uint32_t)part.len;
    i = s->block2.set && s->key != 0 ? tsr_coap_st_body_find(c, STREAM_BODY_OUT, s->key) : TSR_NONE;
    if (i != TSR_NONE && tsr_same(tsr_coap_st_body_view(c, i), whole)) {
        s->sent = s->block2.num << tsr_coap_st_shift(s->block2.szx);
        s->flags |= S_LENT;
        c->bodies[i].lent++;
    } else {
        i = part.len <= c->config.body_len ? tsr_coap_st_body_take(c, STREAM_BODY_HELD) : TSR_NONE;
        if (i == TSR_NONE)
            return TSR_E_SPACE;
        (void)tsr_coap_st_body_append(c, i, part);
    }
    s->body = i;
    return TSR_OK;
}

/* Sends it at once, or keeps it as a `kind` to be sent. The request's body goes when the answer,
 * which may be made of it, is copied. */
static tsr_err send(tsr_coap_stream *c, tsr_coap_stream_slot *s, const tsr_coap_response *r,
                    tsr_bytes part, stream_kind kind)
{
    uint32_t body = s->body;
    bool now =
        c->wait_first == TSR_NONE && (s->flags & S_ACKED) == 0 && tsr_coap_st_write(c, s, part);
    tsr_err err = TSR_OK;

    s->body = TSR_NONE;
    if (!now)
        err = keep(c, s, r->payload, part);
    if (err != TSR_OK) {
        s->body = body;
        return err;
    }
    if (body != TSR_NONE)
        tsr_coap_st_body_free(c, body);
    if (now) {
        tsr_coap_st_free(c, s);
        return TSR_OK;
    }
    s->kind = (uint8_t)kind;
    tsr_coap_st_launch(c, s);
    return TSR_OK;
}

tsr_err tsr_coap_stream_respond(tsr_coap_stream *c, tsr_coap_id ticket,
                                const tsr_coap_response *response, uint64_t now_ms)
{
    tsr_coap_stream_slot *s = tsr_coap_st_of(c, ticket), before;
    tsr_bytes part;
    tsr_err err;

    if (s == NULL || s->kind != STREAM_TICKET)
        return TSR_E_NOT_FOUND;
    if (!tsr_coap_is_response(response->code))
        return TSR_E_ARGUMENT;
    c->now_ms = now_ms;
    before = *s;
    err = prepare(c, s, response, &part);
    if (err == TSR_OK)
        err = send(c, s, response, part, STREAM_ANSWER);
    if (err != TSR_OK)
        *s = before;
    else
        tsr_coap_st_settle(c);
    return err;
}

tsr_err tsr_coap_stream_notify(tsr_coap_stream *c, tsr_bytes token, uint32_t sequence, bool acked,
                               const tsr_coap_response *response, uint64_t now_ms, tsr_coap_id *id)
{
    tsr_coap_stream_slot *s;
    tsr_bytes part;
    tsr_err err;

    c->now_ms = now_ms;
    if (token.len > TSR_COAP_TOKEN_MAX || !tsr_coap_is_response(response->code))
        return TSR_E_ARGUMENT;
    if (!c->csm_seen || c->state == TSR_COAP_STREAM_IDLE || c->state == TSR_COAP_STREAM_CLOSING)
        return TSR_E_STATE;
    s = tsr_coap_st_take(c, STREAM_NOTICE);
    if (s == NULL)
        return TSR_E_SPACE;
    s->key = (uint32_t)response->key;
    s->code = TSR_COAP_GET;
    s->user = response->user;
    s->flags = acked ? S_ACKED : 0;
    if (s->key != 0 && (s->key & 7u) != 7)
        s->block2 = (tsr_coap_block){ .set = true, .szx = s->key & 7u };
    if (token.len != 0)
        tsr_coap_st_name(c, s, token);
    err = prepare(c, s, response, &part);
    /* RFC 7641 §4.2: an error ends the observation */
    s->observe = (tsr_coap_num){ tsr_coap_is_success(response->code), sequence & 0xffffffu };

    tsr_coap_id made = tsr_coap_st_id(s);

    if (err == TSR_OK)
        err = send(c, s, response, part, STREAM_NOTICE);
    if (err != TSR_OK)
        tsr_coap_st_free(c, s);
    else if (id != NULL)
        *id = acked ? made : 0;
    return err;
}
