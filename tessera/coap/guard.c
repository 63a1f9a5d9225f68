/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the engine asks its guard. Reached through a table only, so that an engine without one is
 * linked without it. */
#include "tessera/coap/engine_in.h"

static size_t watch_place(const tsr_coap *c, uint32_t watch) { return c->config.exchanges + watch; }

static size_t request_place(const tsr_coap *c)
{
    return (size_t)c->config.exchanges + c->config.watches;
}

/* What was inside is parsed like any datagram; header and token are those of the outside. */
static bool take_inside(tsr_coap *c, tsr_err err, tsr_bytes inside)
{
    if (err == TSR_OK && tsr_coap_msg_parse(inside, &c->msg) == TSR_OK)
        return true;
    c->stats.ignored++;
    return false;
}

static void refuse(tsr_coap *c, tsr_coap_peer peer, tsr_err why, tsr_bytes datagram)
{
    bool con = c->msg.type == TSR_COAP_CON;
    uint16_t mid = con ? c->msg.mid : tsr_coap_next_mid(c, peer);
    tsr_buf out;

    if (tsr_coap_log_begin(c, 64 + c->guard_more, &out) == TSR_OK &&
        c->guard->refuse(c->guard_state, peer, why, datagram, mid, &out) == TSR_OK)
        tsr_coap_log_commit(c, peer, &out, TSR_NONE);
}

/* What is refused is not remembered: a stranger's message must not stand for one that is to come
 * with the same Message ID. */
static bool open_request(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram)
{
    tsr_bytes inside = datagram;
    tsr_err err = c->guard->open_request(c->guard_state, peer, datagram, &inside);

    if (err != TSR_OK) {
        refuse(c, peer, err, datagram);
        return false;
    }
    if (!take_inside(c, err, inside))
        return false;
    if (c->msg.observe.set)
        c->guard->observed(c->guard_state, peer, c->msg.token, c->msg.observe.value == 0);
    return true;
}

/* A request that observes is bound to its observation when it goes out, since a notification may be
 * faster than the answer, and again when the answer came. */
static void bind(tsr_coap *c, const tsr_coap_slot *s)
{
    if (s->observe.set && s->watch != TSR_NONE && (s->flags & (F_REST | F_COLLECT)) == 0)
        c->guard->copy(c->guard_state, s->timer.id, watch_place(c, s->watch));
}

/* RFC 8613 §B.2: the same request in a message of its own. What a body was collected of by now is not
 * the server's any more. */
static void again(tsr_coap *c, tsr_coap_peer peer, tsr_coap_slot *s)
{
    if (c->msg.type != TSR_COAP_ACK)
        tsr_coap_confirm(c, peer);
    if ((s->flags & F_COLLECT) != 0) {
        tsr_coap_finish(c, s, TSR_COAP_FAILED, TSR_E_DENIED);
        return;
    }
    if ((s->flags & F_UPLOAD) != 0)
        c->blocks->upload_again(c, s);
    tsr_coap_send_again(c, s, s->watch != TSR_NONE);
}

/* RFC 8613 §8.4: what does not verify is as if it had not come, and is not acknowledged. But an
 * error that is not protected may say that the peer has lost the keys: it ends the request, as
 * nothing that anybody answered. */
static bool open_response(tsr_coap *c, tsr_coap_peer peer, tsr_coap_slot *s, uint32_t watch,
                          tsr_bytes datagram)
{
    size_t place = s != NULL ? s->timer.id : watch_place(c, watch);
    tsr_bytes inside = datagram;
    tsr_err err = c->guard->open_response(c->guard_state, peer, place, datagram, &inside);

    if (err == TSR_END && s != NULL) {
        again(c, peer, s);
        return false;
    }
    if (err == TSR_E_NOT_FOUND && s != NULL && !tsr_coap_is_success(c->msg.code)) {
        tsr_coap_finish(c, s, TSR_COAP_FAILED, TSR_E_DENIED);
        return false;
    }
    if (!take_inside(c, err, inside))
        return false;
    if (s != NULL)
        bind(c, s);
    return true;
}

static void opened(tsr_coap *c, const tsr_coap_slot *ticket)
{
    c->guard->copy(c->guard_state, request_place(c), ticket->timer.id);
}

static void watching(tsr_coap *c, uint32_t watch)
{
    c->guard->clear(c->guard_state, watch_place(c, watch));
}

static void notice(tsr_coap *c, const tsr_coap_slot *s)
{
    c->guard->notice(c->guard_state, s->peer, tsr_coap_slot_token(s), s->timer.id);
}

static tsr_err seal(tsr_coap *c, tsr_coap_peer peer, const tsr_coap_slot *ticket, tsr_buf *out)
{
    size_t place = ticket != NULL ? ticket->timer.id : request_place(c);

    return c->guard->seal(c->guard_state, peer, place, false, out);
}

static tsr_err write_slot(tsr_coap *c, const tsr_coap_slot *s, tsr_buf *out)
{
    tsr_err err;

    if (s->tries > 0 && c->guard->repeat(c->guard_state, s->timer.id, out) == TSR_OK)
        return TSR_OK;
    tsr_coap_write_slot(c, s, out);
    if (out->err != TSR_OK || s->kind == SLOT_PING)
        return out->err;
    err = c->guard->seal(c->guard_state, s->peer, s->timer.id, true, out);
    if (err != TSR_OK)
        out->len = 0;
    else
        bind(c, s);
    return err;
}

void tsr_coap_guard_set(tsr_coap *c, const tsr_coap_guard_calls *calls, void *guard)
{
    static const tsr_coap_guarding guarding = {
        .request = open_request,
        .response = open_response,
        .opened = opened,
        .notice = notice,
        .watching = watching,
        .seal = seal,
        .write = write_slot,
    };

    c->guarding = &guarding;
    c->guard = calls;
    c->guard_more = calls->more;
    c->guard_state = guard;
}
