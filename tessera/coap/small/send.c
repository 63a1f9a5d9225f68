/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/small/small.h"

/* ---- what is due ---- */

/* RFC 7252 §4.7 is for what we start; a separate response must not wait behind a request. */
static bool is_interaction(const tsr_coap_slot *s)
{
    return s->kind >= SLOT_REQUEST && s->state == SLOT_SENDING && (s->flags & F_CON) != 0;
}

static bool waits_for_others(const tsr_coap *c, const tsr_coap_slot *s)
{
    unsigned open = 0;

    if (!is_interaction(s) || s->tries != 0)
        return false;
    for (uint32_t i = 0; i < c->config.exchanges; i++) {
        const tsr_coap_slot *o = &c->slots[i];

        open += o->peer == s->peer && o->tries != 0 && is_interaction(o);
    }
    return open >= c->config.params.nstart;
}

/* The exchange whose step is next, the oldest of several; NULL: none. */
static tsr_coap_slot *earliest(const tsr_coap *c)
{
    tsr_coap_slot *first = NULL;

    for (uint32_t i = 0; i < c->config.exchanges; i++) {
        tsr_coap_slot *s = &c->slots[i];

        if (s->kind == SLOT_FREE || s->state == SLOT_DONE || s->at_ms == UINT64_MAX ||
            waits_for_others(c, s))
            continue;
        if (first == NULL || s->at_ms < first->at_ms ||
            (s->at_ms == first->at_ms && (int32_t)(s->generation - first->generation) < 0))
            first = s;
    }
    return first;
}

/* An answer to send, the oldest first. */
static tsr_coap_seen *next_reply(const tsr_coap *c)
{
    uint32_t i = c->seen_at;

    do {
        if ((c->seen[i].flags & SEEN_SEND) != 0)
            return &c->seen[i];
        i = i + 1 < c->config.seen ? i + 1 : 0;
    } while (i != c->seen_at);
    return NULL;
}

uint64_t tsr_coap_due_ms(const tsr_coap *c)
{
    const tsr_coap_slot *s = earliest(c);

    if (next_reply(c) != NULL)
        return 0;
    return s != NULL ? s->at_ms : UINT64_MAX;
}

/* ---- sending ---- */

void tsr_small_launch(tsr_coap_slot *s)
{
    s->tries = 0;
    s->state = SLOT_SENDING;
    s->at_ms = 0;
}

void tsr_small_ack(tsr_coap *c, tsr_coap_slot *ticket)
{
    ticket->at_ms = UINT64_MAX;
    if ((ticket->flags & (F_CON | F_ACKED)) != F_CON)
        return;
    ticket->flags |= F_ACKED;
    (void)tsr_small_reply(c, ticket->peer, ticket->mid, SEEN_ACK);
}

/* RFC 7252 §4.2: a random first timeout, doubled every time. */
static void sent_con(tsr_coap *c, tsr_coap_slot *s)
{
    const tsr_coap_params *p = &c->config.params;
    uint32_t more = p->ack_random_permille > 1000 ? p->ack_random_permille - 1000 : 0;

    if (s->tries++ == 0) {
        uint64_t span = (uint64_t)p->ack_timeout_ms * more / 1000;

        s->timeout_ms = p->ack_timeout_ms + (uint32_t)(span * (uint16_t)tsr_small_draw(c) >> 16);
    } else {
        s->timeout_ms *= 2;
        c->stats.retransmitted++;
    }
    s->at_ms = c->now_ms + s->timeout_ms;
}

static void sent_once(tsr_coap *c, tsr_coap_slot *s)
{
    if (s->kind == SLOT_REQUEST) {
        s->tries = 1;
        s->state = SLOT_AWAITING;
        s->at_ms = c->now_ms + c->config.params.response_wait_ms;
        return;
    }
    if (s->kind != SLOT_RESET) /* RFC 7641 §3.6: a RST may still tell that the observer is gone */
        tsr_small_seen_add(c, s->peer, s->mid, SEEN_OUT | SEEN_NON)->u.user = s->user;
    s->kind = SLOT_FREE;
}

void tsr_small_put_header(tsr_buf *out, uint8_t type, uint8_t code, const tsr_coap_slot *s)
{
    tsr_coap_put_header(out, type, code, s->mid, tsr_small_token(s));
}

/* Answers go before what we start. TSR_END: none. */
static tsr_err send_answer(tsr_coap *c, tsr_coap_peer *peer, tsr_buf *out)
{
    tsr_coap_seen *e = next_reply(c);

    if (e == NULL)
        return TSR_END;
    *peer = e->peer;
    e->flags &= (uint8_t)~SEEN_SEND;

    const uint8_t ack[4] = { 1u << 6 | TSR_COAP_ACK << 4, 0, (uint8_t)(e->mid >> 8),
                             (uint8_t)e->mid };
    bool kept = (e->flags & SEEN_REPLY) != 0;

    tsr_put_bytes(out, tsr_view(kept ? c->log + e->u.place : ack, kept ? e->len : sizeof ack));
    return out->err;
}

/* The time of an exchange has come. TSR_END: nothing to send. */
static tsr_err step(tsr_coap *c, tsr_coap_slot *s, tsr_buf *out)
{
    uint8_t type = (s->flags & F_CON) != 0 ? TSR_COAP_CON : TSR_COAP_NON;

    if (s->kind == SLOT_TICKET) {
        tsr_small_ack(c, s);
        return TSR_END;
    }
    if (s->state == SLOT_AWAITING || s->tries > c->config.params.max_retransmit) {
        tsr_small_finish(c, s, TSR_COAP_TIMEOUT, TSR_OK);
        return TSR_END;
    }
    if (s->kind == SLOT_RESET)
        type = TSR_COAP_RST;
    else if (s->tries == 0)
        s->mid = c->lines[s->peer].mid++;
    tsr_small_put_header(out, type, s->code, s);
    tsr_put_bytes(out, tsr_view(tsr_small_slot_bytes(c, s), s->len));
    if (type == TSR_COAP_CON)
        sent_con(c, s);
    else
        sent_once(c, s);
    return out->err;
}

tsr_err tsr_coap_poll(tsr_coap *c, tsr_coap_peer *peer, tsr_buf *datagram, uint64_t now_ms)
{
    c->now_ms = now_ms;
    for (;;) {
        tsr_err err = send_answer(c, peer, datagram);

        if (err == TSR_END) {
            tsr_coap_slot *s = earliest(c);

            if (s == NULL || s->at_ms > now_ms)
                return TSR_END;
            *peer = s->peer;
            err = step(c, s, datagram);
        }
        if (err == TSR_OK)
            c->stats.out++;
        if (err != TSR_END)
            return err;
    }
}
