/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/stream_in.h"

/* ---- requests ---- */

/* ptr NULL: a fresh one */
void tsr_coap_st_name(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_bytes token)
{
    uint64_t fresh;

    if (token.ptr == NULL) {
        fresh = tsr_hash_u64(c->config.seed, ++c->draws);
        token = tsr_view(&fresh, sizeof fresh);
    }
    s->token_len = (uint8_t)token.len;
    if (token.len != 0)
        memcpy(s->token, token.ptr, token.len);
}

/* The next block, or the same request once more. An observation keeps its token while its first
 * request is repeated. RFC 7252 §5.3.1, RFC 7959 §3.4 */
static void send_again(tsr_coap_stream *c, tsr_coap_stream_slot *s, bool same_token)
{
    if (!same_token)
        tsr_coap_st_name(c, s, tsr_view(NULL, 0));
    s->flags &= (uint16_t)~S_SENT;
    tsr_coap_st_wake(c, &s->timer, c->config.response_wait_ms);
    tsr_coap_st_launch(c, s);
}

/* Puts the payload into the slot, else into a body. */
static tsr_err load(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_bytes payload)
{
    if (tsr_coap_st_append(c, s, payload) == TSR_OK) {
        s->payload_len = (uint16_t)payload.len;
        return TSR_OK;
    }
    if (payload.len > c->config.body_len)
        return TSR_E_SPACE;
    s->body = tsr_coap_st_body_take(c, STREAM_BODY_HELD);
    if (s->body == TSR_NONE)
        return TSR_E_SPACE;
    return tsr_coap_st_body_append(c, s->body, payload);
}

static tsr_err fill(tsr_coap_stream *c, tsr_coap_stream_slot *s, const tsr_coap_request *r)
{
    tsr_buf out = tsr_buf_over(tsr_coap_st_bytes(c, s), c->config.exchange_len);
    tsr_err err = tsr_coap_put_request(&out, r);

    if (err != TSR_OK)
        return err;
    s->options_len = (uint16_t)out.len;
    s->code = r->method;
    s->user = r->user;
    s->observe = r->observe;
    err = load(c, s, r->payload);
    if (err == TSR_OK && r->observe.set)
        err = c->observing != NULL ? c->observing->request(c, s, r) : TSR_E_UNSUPPORTED;
    return err;
}

/* An open request with this token. */
static tsr_coap_stream_slot *find_request(tsr_coap_stream *c, tsr_bytes token)
{
    tsr_coap_stream_slot *s = NULL;

    while ((s = tsr_coap_st_after(c, s, STREAM_REQUEST)) != NULL &&
           !tsr_same(token, tsr_coap_st_token(s))) {
    }
    return s;
}

tsr_err tsr_coap_stream_request(tsr_coap_stream *c, const tsr_coap_request *request,
                                uint64_t now_ms, tsr_coap_id *id)
{
    tsr_coap_stream_slot *s;
    tsr_err err;

    c->now_ms = now_ms;
    if (request->method == TSR_COAP_EMPTY || request->method > TSR_COAP_IPATCH ||
        request->token.len > TSR_COAP_TOKEN_MAX)
        return TSR_E_ARGUMENT;
    if (c->state != TSR_COAP_STREAM_OPENING && c->state != TSR_COAP_STREAM_OPEN)
        return TSR_E_STATE;
    if (request->token.ptr != NULL && find_request(c, request->token) != NULL)
        return TSR_E_EXISTS;
    s = tsr_coap_st_take(c, STREAM_REQUEST);
    if (s == NULL)
        return TSR_E_SPACE;
    tsr_coap_st_name(c, s, request->token);
    err = fill(c, s, request);
    if (err != TSR_OK) {
        tsr_coap_st_free(c, s);
        return err;
    }
    if (id != NULL)
        *id = tsr_coap_st_id(s);
    tsr_coap_st_wake(c, &s->timer, c->config.response_wait_ms);
    tsr_coap_st_launch(c, s);
    return TSR_OK;
}

/* ---- responses ---- */

static void fail(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_err err)
{
    tsr_coap_st_finish(c, s, TSR_COAP_FAILED, err);
}

static void drop_body(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    if (s->body != TSR_NONE)
        tsr_coap_st_body_free(c, s->body);
    s->body = TSR_NONE;
    s->flags &= (uint16_t)~S_COLLECT;
}

static void deliver(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    bool rest = (s->flags & S_REST) != 0, going = false;
    tsr_bytes token = tsr_coap_st_token(s);
    uint32_t watch = s->watch;

    if (watch != TSR_NONE) {
        token = c->observing->token(c, watch);
        going = tsr_coap_is_success(c->msg.code) && (rest || (s->flags & S_OBSERVED) != 0);
    }

    tsr_coap_event *e =
        tsr_coap_st_event(c, rest ? TSR_COAP_NOTIFICATION : TSR_COAP_RESPONSE, token);

    e->id = rest ? 0 : tsr_coap_st_id(s);
    e->user = s->user;
    e->msg = &c->msg;
    e->body = c->msg.payload;
    e->observing = going;
    if ((s->flags & S_COLLECT) != 0) {
        c->event_body = s->body;
        e->body = tsr_coap_st_body_view(c, s->body);
        s->body = TSR_NONE;
    }
    s->watch = TSR_NONE;
    if (!going && watch != TSR_NONE && !rest)
        c->observing->drop(c, watch);
    tsr_coap_st_free(c, s);
}

/* RFC 9175 §2.3: the server wants to see that the request is fresh. */
static bool echo_back(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    if (c->msg.code != TSR_COAP_UNAUTHORIZED || c->msg.echo.ptr == NULL ||
        (s->flags & (S_ECHOED | S_COLLECT)) != 0 || tsr_coap_st_append(c, s, c->msg.echo) != TSR_OK)
        return false;
    s->echo_len = (uint16_t)c->msg.echo.len;
    s->flags |= S_ECHOED;
    s->sent = 0;
    send_again(c, s, s->watch != TSR_NONE);
    return true;
}

/* Goes on with an upload when the response is not the final one; a smaller size that the server
 * wants is taken. RFC 7959 §2.5, RFC 7959 §2.9.3, RFC 8323 §6.2 */
static bool upload_next(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    const tsr_coap_block b = c->msg.block1;
    uint8_t szx = b.set && b.szx < s->block1.szx ? b.szx : s->block1.szx;

    if (c->msg.code == TSR_COAP_TOO_LARGE && s->sent == 0 && szx < s->block1.szx) {
        s->block1.szx = szx;
        send_again(c, s, s->watch != TSR_NONE);
        return true;
    }
    if (!tsr_coap_is_success(c->msg.code) || !s->block1.more || !b.set || b.num != s->block1.num)
        return false;
    s->sent += s->chunk;
    s->block1.szx = szx;
    send_again(c, s, s->watch != TSR_NONE);
    return true;
}

static uint32_t etag_hash(tsr_bytes etag)
{
    return etag.ptr == NULL ? 0 : (uint32_t)tsr_hash(0, etag);
}

/* RFC 7959 §2.4: the representation changed under us. Once more from the start, but only once. */
static void collect_anew(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    if ((s->flags & S_RESTARTED) != 0) {
        fail(c, s, TSR_E_MALFORMED);
        return;
    }
    s->flags |= S_RESTARTED;
    c->bodies[s->body].len = 0;
    s->block2 = (tsr_coap_block){ .set = true, .szx = s->block2.szx };
    send_again(c, s, false);
}

/* Asks for the block after what is in the body. RFC 7959 §2.4, RFC 8323 §6.1 */
void tsr_coap_st_ask_next(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    uint8_t szx = c->msg.block2.szx;

    s->flags = (uint16_t)((s->flags & ~S_UPLOAD) | S_COLLECT);
    s->observe.set = s->block1.set = false;
    s->block2 =
        (tsr_coap_block){ true, false, szx, c->bodies[s->body].len >> tsr_coap_st_shift(szx) };
    send_again(c, s, false);
}

/* Adds a block to the body. TSR_END: it was the last. RFC 8323 §6 */
tsr_err tsr_coap_st_collect(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    const tsr_coap_block b = c->msg.block2;
    const size_t size = (size_t)1 << tsr_coap_st_shift(b.szx), len = c->msg.payload.len;

    if ((s->flags & S_COLLECT) == 0) {
        drop_body(c, s); /* what was uploaded has done its service */
        s->body = tsr_coap_st_body_take(c, STREAM_BODY_HELD);
        if (s->body == TSR_NONE)
            return TSR_E_SPACE;
        s->flags |= S_COLLECT;
    }
    if (c->bodies[s->body].len == 0)
        s->hash = etag_hash(c->msg.etag);
    if ((uint64_t)b.num * size != c->bodies[s->body].len || (b.szx != 7 && len > size) ||
        (b.more && (len == 0 || len % size != 0)))
        return TSR_E_MALFORMED;
    if (tsr_coap_st_body_append(c, s->body, c->msg.payload) != TSR_OK)
        return TSR_E_SPACE;
    return b.more ? TSR_OK : TSR_END;
}

static void take_block2(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    tsr_err err;

    if ((s->flags & S_COLLECT) != 0 && c->bodies[s->body].len != 0 &&
        etag_hash(c->msg.etag) != s->hash) {
        collect_anew(c, s);
        return;
    }
    err = tsr_coap_st_collect(c, s);
    if (err == TSR_END)
        deliver(c, s);
    else if (err == TSR_OK)
        tsr_coap_st_ask_next(c, s);
    else
        fail(c, s, err);
}

static void take_answer(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    /* a 4.02 may repeat the very option that it complains about, as libcoap does */
    if (tsr_coap_st_refused(c) && c->msg.code != TSR_COAP_BAD_OPTION) {
        fail(c, s, TSR_E_UNSUPPORTED);
        return;
    }
    if (echo_back(c, s) || ((s->flags & S_UPLOAD) != 0 && upload_next(c, s)))
        return;
    if (c->msg.code == TSR_COAP_CONTINUE) { /* although there was nothing to continue with */
        fail(c, s, TSR_E_MALFORMED);
        return;
    }
    if (s->watch != TSR_NONE && (s->flags & S_REST) == 0 && c->msg.observe.set)
        s->flags |= S_OBSERVED; /* RFC 7641 §3.1 */
    if (tsr_coap_is_success(c->msg.code) && c->msg.block2.set &&
        (c->msg.block2.more || (s->flags & S_COLLECT) != 0)) {
        take_block2(c, s);
        return;
    }
    if ((s->flags & S_COLLECT) != 0)
        drop_body(c, s); /* an error, or the whole at once: what was collected is void */
    deliver(c, s);
}

/* RFC 8323 §3.3: responses come in any order, and are told apart by their tokens. */
void tsr_coap_st_take_response(tsr_coap_stream *c)
{
    tsr_coap_stream_slot *s = find_request(c, c->msg.token);
    uint32_t watch = TSR_NONE;

    if (s != NULL && (s->flags & S_SENT) != 0) {
        take_answer(c, s);
        return;
    }
    if (c->observing != NULL)
        watch = c->observing->find(c, c->msg.token);
    if (watch != TSR_NONE && !tsr_coap_st_refused(c))
        c->observing->notification(c, watch);
    else
        c->stats.ignored++; /* RFC 8323 §7.2: no need to abort for it */
}
