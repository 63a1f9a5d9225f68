/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/engine_in.h"

/* ---- requests ---- */

static void fresh_token(tsr_coap *c, tsr_coap_slot *s)
{
    uint64_t token = tsr_coap_draw(c);

    tsr_coap_slot_name(s, tsr_view(&token, sizeof token));
}

/* The next block, or the same request once more: a new message with a new token. An observation
 * keeps its token while its first request is repeated. RFC 7252 §5.3.1, RFC 7959 §3.4 */
void tsr_coap_send_again(tsr_coap *c, tsr_coap_slot *s, bool same_token)
{
    if (!same_token)
        fresh_token(c, s);
    s->flags |= F_CON;
    tsr_coap_launch(c, s);
}

/* Puts the payload into the slot when one message can carry it, else into a body. */
static tsr_err load(tsr_coap *c, tsr_coap_slot *s, tsr_bytes payload)
{
    if (payload.len <= tsr_coap_block_len(c->config.params.szx) &&
        tsr_coap_write_payload(c, s, payload) == TSR_OK)
        return TSR_OK;
    return c->blocks != NULL ? c->blocks->upload(c, s, payload) : TSR_E_SPACE;
}

static tsr_err fill(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r)
{
    tsr_err err = tsr_coap_write_request(c, s, r);

    if (err != TSR_OK)
        return err;
    s->code = r->method;
    s->user = r->user;
    s->observe = r->observe;
    s->flags = r->non ? 0 : F_CON;
    if (c->config.params.szx < 6) /* RFC 7959 §2.4: early negotiation */
        s->block2 = (tsr_coap_block){ .set = true, .szx = c->config.params.szx };
    err = load(c, s, r->payload);
    if (err == TSR_OK && r->observe.set)
        err = c->observing != NULL ? c->observing->request(c, s, r) : TSR_E_UNSUPPORTED;
    return err;
}

/* An open request with this token. */
static tsr_coap_slot *find_request(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    tsr_coap_slot *s = NULL;

    while ((s = tsr_coap_slot_after(c, peer, s)) != NULL &&
           (s->kind != SLOT_REQUEST || !tsr_same(token, tsr_coap_slot_token(s)))) {
    }
    return s;
}

tsr_err tsr_coap_request_send(tsr_coap *c, tsr_coap_peer peer, const tsr_coap_request *request,
                              uint64_t now_ms, tsr_coap_id *id)
{
    c->now_ms = now_ms;
    if (peer >= c->config.peers || request->method == TSR_COAP_EMPTY ||
        request->method > TSR_COAP_IPATCH || request->token.len > TSR_COAP_TOKEN_MAX)
        return TSR_E_ARGUMENT;
    if (c->lines[peer].stream)
        return c->streams->calls->request(c, peer, request, id);
    if (request->token.ptr != NULL && find_request(c, peer, request->token) != NULL)
        return TSR_E_EXISTS;

    tsr_coap_slot *s = tsr_coap_slot_take(c, peer, SLOT_REQUEST);

    if (s == NULL)
        return TSR_E_SPACE;
    if (request->token.ptr != NULL)
        tsr_coap_slot_name(s, request->token);
    else
        fresh_token(c, s);

    tsr_err err = fill(c, s, request);

    if (err != TSR_OK) {
        tsr_coap_slot_free(c, s);
        return err;
    }
    tsr_coap_launch(c, s);
    if (id != NULL)
        *id = tsr_coap_slot_id(s);
    return TSR_OK;
}

tsr_err tsr_coap_ping(tsr_coap *c, tsr_coap_peer peer, uint64_t now_ms, uint64_t user,
                      tsr_coap_id *id)
{
    c->now_ms = now_ms;
    if (peer >= c->config.peers)
        return TSR_E_ARGUMENT;
    if (c->lines[peer].stream)
        return c->streams->calls->ping(c, peer, user, id);

    tsr_coap_slot *s = tsr_coap_slot_take(c, peer, SLOT_PING);

    if (s == NULL)
        return TSR_E_SPACE;
    s->user = user;
    s->flags = F_CON;
    tsr_coap_launch(c, s);
    if (id != NULL)
        *id = tsr_coap_slot_id(s);
    return TSR_OK;
}

/* ---- responses ---- */

/* A 4.02 may repeat the very option that it complains about, as libcoap does. */
static bool refuses_response(const tsr_coap *c)
{
    return tsr_coap_refused(c) && c->msg.code != TSR_COAP_BAD_OPTION;
}

void tsr_coap_deliver(tsr_coap *c, tsr_coap_slot *s)
{
    bool rest = (s->flags & F_REST) != 0, going = false;
    tsr_bytes token = tsr_coap_slot_token(s);

    if (s->watch != TSR_NONE) {
        token = c->observing->token(c, s->watch);
        going = tsr_coap_is_success(c->msg.code) && (rest || (s->flags & F_OBSERVED) != 0);
    }

    tsr_coap_event *e =
        tsr_coap_event_start(c, rest ? TSR_COAP_NOTIFICATION : TSR_COAP_RESPONSE, s->peer, token);

    e->id = rest ? 0 : tsr_coap_slot_id(s);
    e->user = s->user;
    e->msg = &c->msg;
    e->body = c->msg.payload;
    e->observing = going;
    if ((s->flags & F_COLLECT) != 0) {
        c->event_body = s->body;
        e->body = tsr_view(tsr_coap_body_bytes(c, s->body), c->bodies[s->body].len);
        s->body = TSR_NONE;
    }
    if (!going && s->watch != TSR_NONE && !rest)
        c->observing->drop(c, s->watch);
    if ((s->flags & F_BARE) != 0)
        c->lines[s->peer].tagged = false;
    tsr_coap_uncount(c, s);
    tsr_coap_slot_free(c, s);
}

/* RFC 9175 §2.3: the server wants to see that we are where we say we are. */
static bool echo_back(tsr_coap *c, tsr_coap_slot *s)
{
    if (c->msg.code != TSR_COAP_UNAUTHORIZED || c->msg.echo.ptr == NULL ||
        (s->flags & F_ECHOED) != 0 || (s->flags & F_COLLECT) != 0 ||
        tsr_coap_write_echo(c, s, c->msg.echo) != TSR_OK)
        return false;
    s->flags |= F_ECHOED;
    if ((s->flags & F_UPLOAD) != 0) {
        c->blocks->upload_again(c, s);
    }
    tsr_coap_send_again(c, s, s->watch != TSR_NONE);
    return true;
}

void tsr_coap_take_response(tsr_coap *c, tsr_coap_slot *s)
{
    if (refuses_response(c)) {
        tsr_coap_finish(c, s, TSR_COAP_FAILED, TSR_E_UNSUPPORTED);
        return;
    }
    if (c->msg.block1.szx == 7 || c->msg.block2.szx == 7) {
        tsr_coap_finish(c, s, TSR_COAP_FAILED, TSR_E_MALFORMED);
        return;
    }
    if (echo_back(c, s) || ((s->flags & F_UPLOAD) != 0 && c->blocks->upload_next(c, s)))
        return;
    if (c->msg.code == TSR_COAP_CONTINUE) { /* although there was nothing to continue with */
        tsr_coap_finish(c, s, TSR_COAP_FAILED, TSR_E_MALFORMED);
        return;
    }
    if (s->watch != TSR_NONE && (s->flags & F_REST) == 0 && c->msg.observe.set)
        c->observing->accepted(c, s);
    if (tsr_coap_is_success(c->msg.code) && c->msg.block2.set &&
        (c->msg.block2.more || (s->flags & F_COLLECT) != 0)) {
        if (c->blocks != NULL)
            c->blocks->take_block2(c, s);
        else
            tsr_coap_finish(c, s, TSR_COAP_FAILED, TSR_E_SPACE);
        return;
    }
    if ((s->flags & F_COLLECT) != 0) {
        /* an error, or the whole at once: what was collected is void */
        c->blocks->free(c, s->body);
        s->body = TSR_NONE;
        s->flags &= (uint16_t)~F_COLLECT;
    }
    tsr_coap_deliver(c, s);
}

/* What came is remembered, and acknowledged if it wants to be. */
void tsr_coap_confirm(tsr_coap *c, tsr_coap_peer peer)
{
    bool con = c->msg.type == TSR_COAP_CON;

    (void)tsr_coap_seen_add(c, peer, c->msg.mid, con ? SEEN_ACK : SEEN_NON);
    if (con)
        tsr_coap_log_bare(c, peer, TSR_COAP_ACK, c->msg.mid);
}

/* A response in a message of its own. RFC 7252 §5.2.2, RFC 7641 §3.2 and RFC 7641 §3.6 */
void tsr_coap_take_separate(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram)
{
    tsr_coap_slot *s = find_request(c, peer, c->msg.token);
    uint32_t watch = TSR_NONE;

    if (s != NULL && s->tries == 0)
        s = NULL; /* nothing was sent yet that this could answer */
    if (s == NULL && c->observing != NULL)
        watch = c->observing->find(c, peer, c->msg.token);
    if (c->guarding != NULL && (s != NULL || watch != TSR_NONE) &&
        !c->guarding->response(c, peer, s, watch, datagram))
        return;
    if ((s == NULL && watch == TSR_NONE) || refuses_response(c)) {
        tsr_coap_log_bare(c, peer, TSR_COAP_RST, c->msg.mid);
        watch = TSR_NONE;
    } else if (s != NULL) {
        tsr_coap_confirm(c, peer);
    }
    if (s != NULL)
        tsr_coap_take_response(c, s);
    else if (watch != TSR_NONE)
        c->observing->notification(c, watch);
}
