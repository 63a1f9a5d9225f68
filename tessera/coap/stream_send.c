/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/stream_in.h"

/* ---- how long a message may be ---- */

/* RFC 8323 §3.3, RFC 8323 §5.3.1: before its CSM the peer takes the base value. */
size_t tsr_coap_st_limit(const tsr_coap_stream *c)
{
    size_t ours = c->config.out_len - STREAM_ABORT_ROOM;

    return c->peer_message_len < ours ? c->peer_message_len : ours;
}

/* BERT is indicated by both options together. RFC 8323 §5.3.2 leaves open whether who does not
 * receive it may send it; libcoap 4.3 does not understand that. */
static bool both_have_bert(const tsr_coap_stream *c)
{
    return c->bert_said && c->peer_message_len > TSR_COAP_MESSAGE_BASE && c->config.bodies != 0 &&
           c->config.message_len > TSR_COAP_MESSAGE_BASE;
}

/* The bytes of a block that fits into `room`, and its size exponent, *szx at most; 0: none does. */
size_t tsr_coap_st_block(const tsr_coap_stream *c, size_t room, uint8_t *szx)
{
    if (*szx == 7 && both_have_bert(c) && room >= 1024)
        return room & ~(size_t)1023;
    if (*szx > 6)
        *szx = 6;
    while (*szx > 0 && tsr_coap_block_len(*szx) > room)
        --*szx;
    return tsr_coap_block_len(*szx) <= room ? tsr_coap_block_len(*szx) : 0;
}

/* ---- output ---- */

/* The room for one more message, but for `spare` bytes. */
tsr_buf tsr_coap_st_out(tsr_coap_stream *c, size_t spare)
{
    size_t waiting = c->out_end - c->out_at, room = c->config.out_len - waiting;

    if (c->out_at != 0 && waiting != 0)
        memmove(c->out, c->out + c->out_at, waiting);
    c->out_at = 0;
    c->out_end = waiting;
    return tsr_buf_over(c->out + waiting, room > spare ? room - spare : 0);
}

/* What was written there goes out. */
void tsr_coap_st_put(tsr_coap_stream *c, const tsr_buf *out)
{
    if (c->out_end == c->out_at)
        tsr_coap_st_wake(c, &c->stall_timer, c->config.stall_ms);
    c->out_end += out->len;
    c->stats.out++;
}

static tsr_coap_own own_of(const tsr_coap_stream *c, const tsr_coap_stream_slot *s)
{
    tsr_coap_own own = { .observe = s->observe, .block1 = s->block1, .block2 = s->block2 };

    own.echo = tsr_view(tsr_coap_st_bytes(c, s) + s->options_len + s->payload_len, s->echo_len);
    own.size2 = (tsr_coap_num){ (s->flags & S_SIZE2) != 0, s->size2 };
    own.tag = (tsr_coap_num){ (s->flags & S_TAGGED) != 0, s->timer.id };
    if ((s->flags & S_UPLOAD) != 0 && s->sent == 0)
        own.size1 =
            (tsr_coap_num){ true, s->body != TSR_NONE ? c->bodies[s->body].len : s->payload_len };
    return own;
}

/* Writes a slot's message into the output; false when there is no room now. */
bool tsr_coap_st_write(tsr_coap_stream *c, const tsr_coap_stream_slot *s, tsr_bytes payload)
{
    tsr_buf out = tsr_coap_st_out(c, STREAM_ABORT_ROOM);
    tsr_coap_own own = own_of(c, s);
    size_t at = tsr_coap_frame_begin(&out, s->code, tsr_coap_st_token(s));

    tsr_coap_put_union(&out, tsr_view(tsr_coap_st_bytes(c, s), s->options_len), &own);
    tsr_coap_frame_end(&out, at, payload);
    if (out.err != TSR_OK)
        return false;
    tsr_coap_st_put(c, &out);
    return true;
}

/* ---- requests ---- */

static tsr_bytes kept_payload(const tsr_coap_stream *c, const tsr_coap_stream_slot *s)
{
    if (s->body != TSR_NONE)
        return tsr_coap_st_body_view(c, s->body);
    return tsr_view(tsr_coap_st_bytes(c, s) + s->options_len, s->payload_len);
}

/* RFC 9175 §3.5.1, RFC 9175 §3.5.2: where nothing overtakes, blocks are mixed up only with those of
 * another request that is open; the number of the slot is then a Request-Tag that no other one has. */
static void tag(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    const tsr_coap_stream_slot *first = tsr_coap_st_after(c, NULL, STREAM_REQUEST);

    if (first != s || tsr_coap_st_after(c, s, STREAM_REQUEST) != NULL)
        s->flags |= S_TAGGED;
}

/* What of the payload goes now. TSR_E_STATE: not before the peer's CSM; TSR_E_SPACE: never. */
static tsr_err aim(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_bytes *part)
{
    size_t limit = tsr_coap_st_limit(c), taken = STREAM_HEAD + 4u + s->options_len + s->echo_len;
    size_t room = limit > taken ? limit - taken : 0;
    tsr_bytes rest;

    if ((s->flags & S_COLLECT) != 0) { /* the body is for the response. RFC 7959 §3.3 */
        bool fetch = s->code == TSR_COAP_FETCH;

        *part = tsr_view(tsr_coap_st_bytes(c, s) + s->options_len, fetch ? s->payload_len : 0);
        return limit >= taken + part->len ? TSR_OK : TSR_E_SPACE;
    }
    *part = kept_payload(c, s);
    if ((s->flags & S_UPLOAD) == 0 && limit >= taken && part->len <= room)
        return TSR_OK;
    if (!c->csm_seen)
        return TSR_E_STATE;
    if ((s->flags & S_UPLOAD) == 0) {
        s->flags |= S_UPLOAD;
        s->block1.szx = 7;
        tag(c, s);
    }
    rest = tsr_skip(*part, s->sent);
    *part = tsr_first(rest, c->peer_blocks ? tsr_coap_st_block(c, room, &s->block1.szx) : 0);
    if (part->len == 0)
        return TSR_E_SPACE;
    s->chunk = (uint32_t)part->len;
    s->block1.set = true;
    s->block1.more = part->len < rest.len;
    s->block1.num = s->sent >> tsr_coap_st_shift(s->block1.szx);
    return TSR_OK;
}

static tsr_err emit_request(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    tsr_bytes part;
    tsr_err err = aim(c, s, &part);

    if (err != TSR_OK)
        return err;
    if (!tsr_coap_st_write(c, s, part))
        return TSR_E_STATE;
    s->flags |= S_SENT;
    tsr_coap_st_wake(c, &s->timer, c->config.response_wait_ms);
    return TSR_OK;
}

/* ---- answers, notifications, Pings ---- */

static tsr_err emit_answer(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    tsr_bytes part = tsr_view(tsr_coap_st_bytes(c, s) + s->options_len, s->payload_len);

    if (s->body != TSR_NONE)
        part = tsr_first(tsr_skip(tsr_coap_st_body_view(c, s->body), s->sent), s->chunk);
    if (!tsr_coap_st_write(c, s, part))
        return TSR_E_STATE;
    if (s->kind == STREAM_NOTICE && (s->flags & S_ACKED) != 0) {
        s->flags |= S_SENT;
        s->mark = c->out_count + (uint32_t)(c->out_end - c->out_at);
        c->notices++;
    } else {
        tsr_coap_st_free(c, s);
    }
    return TSR_OK;
}

/* RFC 8323 §5.4 and RFC 8323 §5.4.1 */
static tsr_err emit_ping(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    tsr_buf out = tsr_coap_st_out(c, STREAM_ABORT_ROOM);
    size_t at = tsr_coap_frame_begin(&out, TSR_COAP_PING, tsr_coap_st_token(s));
    uint16_t last = 0;

    if ((s->flags & S_ACKED) != 0)
        tsr_coap_put_opt(&out, &last, 2, tsr_view("", 0));
    tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
    if (out.err != TSR_OK)
        return TSR_E_STATE;
    tsr_coap_st_put(c, &out);
    s->flags |= S_SENT;
    tsr_coap_st_wake(c, &s->timer, c->config.response_wait_ms);
    return TSR_OK;
}

static tsr_err emit(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    switch (s->kind) {
    case STREAM_REQUEST: return emit_request(c, s);
    case STREAM_PING: return emit_ping(c, s);
    default: return emit_answer(c, s);
    }
}

/* ---- what waits ---- */

/* Sends what waits, in its order, while there is room. */
void tsr_coap_st_pump(tsr_coap_stream *c)
{
    while (c->wait_first != TSR_NONE) {
        tsr_coap_stream_slot *s = &c->slots[c->wait_first];
        uint32_t next = s->next;
        tsr_err err;

        s->flags &= (uint16_t)~S_WAITING;
        err = emit(c, s);
        if (err == TSR_E_STATE) {
            s->flags |= S_WAITING;
            return;
        }
        c->wait_first = next;
        if (next == TSR_NONE)
            c->wait_last = TSR_NONE;
        if (err != TSR_OK)
            tsr_coap_st_finish(c, s, TSR_COAP_FAILED, err);
    }
}

/* Sends a slot after those that wait. */
void tsr_coap_st_launch(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    s->flags |= S_WAITING;
    s->next = TSR_NONE;
    if (c->wait_first == TSR_NONE)
        c->wait_first = s->timer.id;
    else
        c->slots[c->wait_last].next = s->timer.id;
    c->wait_last = s->timer.id;
    tsr_coap_st_pump(c);
}

void tsr_coap_st_unwait(tsr_coap_stream *c, const tsr_coap_stream_slot *s)
{
    uint32_t *link = &c->wait_first, before = TSR_NONE;

    if ((s->flags & S_WAITING) == 0)
        return;
    while (*link != s->timer.id) {
        before = *link;
        link = &c->slots[*link].next;
    }
    *link = s->next;
    if (c->wait_last == s->timer.id)
        c->wait_last = before;
}

/* Bytes were taken: notifications that are all out are acknowledged. RFC 8323 §7.2 */
void tsr_coap_st_polled(tsr_coap_stream *c)
{
    tsr_coap_stream_slot *s = NULL;

    while (c->notices != 0 && (s = tsr_coap_st_after(c, s, STREAM_NOTICE)) != NULL)
        if ((s->flags & S_SENT) != 0 && (int32_t)(c->out_count - s->mark) >= 0)
            tsr_coap_st_finish(c, s, TSR_COAP_ACKED, TSR_OK);
}
