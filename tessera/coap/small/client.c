/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/small/small.h"

/* ---- requests ---- */

static void fresh_token(tsr_coap *c, tsr_coap_slot *s)
{
    uint64_t token = tsr_small_draw(c);

    tsr_small_slot_name(s, tsr_view(&token, sizeof token));
}

/* An open request with this token. */
static tsr_coap_slot *find_request(const tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    for (tsr_coap_slot *s = c->slots, *end = s + c->config.exchanges; s != end; s++)
        if (s->kind == SLOT_REQUEST && s->state != SLOT_DONE && s->peer == peer &&
            tsr_same(token, tsr_small_token(s)))
            return s;
    return NULL;
}

tsr_err tsr_coap_request_send(tsr_coap *c, tsr_coap_peer peer, const tsr_coap_request *request,
                              uint64_t now_ms, tsr_coap_id *id)
{
    c->now_ms = now_ms;
    if (peer >= c->config.peers || request->method == TSR_COAP_EMPTY ||
        request->method > TSR_COAP_IPATCH || request->token.len > TSR_COAP_TOKEN_MAX)
        return TSR_E_ARGUMENT;
    if (request->observe.set)
        return TSR_E_UNSUPPORTED;
    if (request->token.ptr != NULL && find_request(c, peer, request->token) != NULL)
        return TSR_E_EXISTS;

    tsr_coap_slot *s = tsr_small_slot_take(c, peer, SLOT_REQUEST);

    if (s == NULL)
        return TSR_E_SPACE;
    if (request->token.ptr != NULL)
        tsr_small_slot_name(s, request->token);
    else
        fresh_token(c, s);
    s->code = request->method;
    s->user = request->user;
    s->flags = request->non ? 0 : F_CON;

    tsr_err err = tsr_small_put_request(c, s, request);

    tsr_small_slot_id(c, s, id);
    if (err != TSR_OK)
        s->kind = SLOT_FREE;
    return err;
}

tsr_err tsr_coap_ping(tsr_coap *c, tsr_coap_peer peer, uint64_t now_ms, uint64_t user,
                      tsr_coap_id *id)
{
    c->now_ms = now_ms;
    if (peer >= c->config.peers)
        return TSR_E_ARGUMENT;

    tsr_coap_slot *s = tsr_small_slot_take(c, peer, SLOT_PING);

    if (s == NULL)
        return TSR_E_SPACE;
    s->user = user;
    s->flags = F_CON;
    tsr_small_slot_id(c, s, id);
    return TSR_OK;
}

/* We observe nobody. */
tsr_err tsr_coap_observe_forget(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    (void)c;
    (void)peer;
    (void)token;
    return TSR_E_NOT_FOUND;
}

tsr_err tsr_coap_observe_settle(tsr_coap *c, tsr_coap_id held, bool kept)
{
    (void)c;
    (void)held;
    (void)kept;
    return TSR_E_NOT_FOUND;
}

tsr_err tsr_coap_observe_adopt(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token,
                               const tsr_coap_request *request, uint64_t user)
{
    (void)c;
    (void)peer;
    (void)token;
    (void)request;
    (void)user;
    return TSR_E_SPACE;
}

/* ---- responses ---- */

/* A 4.02 may repeat the very option that it complains about, as libcoap does. */
static bool refuses_response(const tsr_coap *c)
{
    return c->msg.code != TSR_COAP_BAD_OPTION && tsr_small_refused(c);
}

/* RFC 9175 §2.3: the server wants to see that we are where we say we are. */
static bool echo_back(tsr_coap *c, tsr_coap_slot *s)
{
    uint8_t room[48];
    tsr_buf echo = tsr_buf_over(room, sizeof room);
    uint8_t *bytes = tsr_small_slot_bytes(c, s);
    tsr_coap_opts it = { .rest = tsr_view(bytes, s->options_len) };
    tsr_bytes other;
    uint16_t last;

    if (c->msg.code != TSR_COAP_UNAUTHORIZED || c->msg.echo.ptr == NULL ||
        (s->flags & F_ECHOED) != 0)
        return false;
    if (tsr_coap_opt_find(&it, TSR_COAP_ECHO, &other) == TSR_OK)
        return false;
    last = (uint16_t)it.number;
    tsr_coap_put_opt(&echo, &last, TSR_COAP_ECHO, c->msg.echo);
    if (echo.err != TSR_OK || echo.len > c->config.exchange_len - s->len)
        return false;
    bytes += s->options_len;
    memmove(bytes + echo.len, bytes, (size_t)s->len - s->options_len);
    memcpy(bytes, room, echo.len);
    s->len = (uint16_t)(s->len + echo.len);
    s->flags |= F_ECHOED | F_CON;
    tsr_small_launch(s);
    return true;
}

void tsr_small_take_response(tsr_coap *c, tsr_coap_slot *s)
{
    const tsr_coap_msg *msg = &c->msg;
    tsr_err err = TSR_OK;

    if (refuses_response(c))
        err = TSR_E_UNSUPPORTED;
    else if (msg->block1.szx == 7 || msg->block2.szx == 7 || msg->code == TSR_COAP_CONTINUE)
        err = TSR_E_MALFORMED;
    else if (tsr_coap_is_success(msg->code) && msg->block2.more)
        err = TSR_E_SPACE;
    else if (echo_back(c, s))
        return;
    if (err != TSR_OK) {
        tsr_small_finish(c, s, TSR_COAP_FAILED, err);
        return;
    }

    tsr_coap_event *e = tsr_small_event(c, TSR_COAP_RESPONSE, s);

    e->msg = msg;
    e->body = msg->payload;
    s->kind = SLOT_FREE;
}

/* A response in a message of its own. RFC 7252 §5.2.2 */
void tsr_small_take_separate(tsr_coap *c, tsr_coap_peer peer)
{
    bool con = c->msg.type == TSR_COAP_CON;
    tsr_coap_slot *s = find_request(c, peer, c->msg.token);

    if (s != NULL && s->tries == 0)
        s = NULL; /* nothing was sent yet that this could answer */
    if (s == NULL || refuses_response(c))
        tsr_small_reset(c, peer);
    else if (con)
        (void)tsr_small_reply(c, peer, c->msg.mid, SEEN_ACK);
    else
        (void)tsr_small_seen_add(c, peer, c->msg.mid, SEEN_NON);
    if (s != NULL)
        tsr_small_take_response(c, s);
}
