/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/engine_in.h"

void tsr_coap_wake(tsr_coap *c, tsr_timer *timer, uint32_t after_ms)
{
    /* cannot fail: the heap has a place for every slot and body */
    (void)tsr_timer_set(&c->timers, timer, c->now_ms + after_ms);
}

void tsr_coap_launch(tsr_coap *c, tsr_coap_slot *s)
{
    tsr_coap_line *line = &c->lines[s->peer];

    s->tries = 0;
    /* RFC 7252 §4.7 is for what we start; a separate response must not wait behind a request */
    if ((s->flags & (F_CON | F_COUNTED)) == F_CON && s->kind != SLOT_RESPONSE) {
        if (line->open >= c->config.params.nstart) {
            s->state = SLOT_WAITING;
            tsr_timer_stop(&c->timers, &s->timer);
            return;
        }
        line->open++;
        s->flags |= F_COUNTED;
    }
    s->state = SLOT_SENDING;
    (void)tsr_timer_set(&c->timers, &s->timer, 0); /* at once */
}

void tsr_coap_uncount(tsr_coap *c, tsr_coap_slot *s)
{
    tsr_coap_line *line = &c->lines[s->peer];

    if ((s->flags & F_COUNTED) == 0)
        return;
    s->flags &= (uint16_t)~F_COUNTED;
    line->open--;
    for (tsr_coap_slot *w = NULL; (w = tsr_coap_slot_after(c, s->peer, w)) != NULL;) {
        if (w->kind != SLOT_TICKET && w->state == SLOT_WAITING) {
            tsr_coap_launch(c, w);
            return;
        }
    }
}

void tsr_coap_finish(tsr_coap *c, tsr_coap_slot *s, tsr_coap_event_kind kind, tsr_err err)
{
    uint32_t i = s->timer.id;

    tsr_coap_slot_unlink(c, s);
    s->state = SLOT_DONE;
    tsr_coap_uncount(c, s);
    if ((s->flags & F_REST) == 0 && s->watch != TSR_NONE) {
        c->observing->drop(c, s->watch);
        s->watch = TSR_NONE;
    }
    s->code = (uint8_t)kind;
    s->err = (int8_t)err;
    s->next = TSR_NONE;
    if (c->done_first == TSR_NONE)
        c->done_first = i;
    else
        c->slots[c->done_last].next = i;
    c->done_last = i;
}

void tsr_coap_ack(tsr_coap *c, tsr_coap_slot *ticket)
{
    tsr_timer_stop(&c->timers, &ticket->timer);
    if ((ticket->flags & (F_CON | F_ACKED)) != F_CON)
        return;
    ticket->flags |= F_ACKED;
    tsr_coap_log_bare(c, ticket->peer, TSR_COAP_ACK, ticket->mid);
    if (tsr_coap_seen_of(c, ticket) != TSR_NONE)
        c->seen[ticket->u.seen].flags |= SEEN_ACK;
}

/* RFC 7252 §4.2: a random first timeout, doubled every time. */
static uint32_t first_timeout(tsr_coap *c)
{
    const tsr_coap_params *p = &c->config.params;
    uint32_t more = p->ack_random_permille > 1000 ? p->ack_random_permille - 1000 : 0;
    uint32_t span = (uint32_t)((uint64_t)p->ack_timeout_ms * more / 1000u);

    return p->ack_timeout_ms + (uint32_t)(((uint64_t)span * (uint32_t)tsr_coap_draw(c)) >> 32);
}

static void sent_con(tsr_coap *c, tsr_coap_slot *s)
{
    if (s->tries++ == 0) {
        s->timeout_ms = first_timeout(c);
    } else {
        s->timeout_ms *= 2;
        s->flags &= (uint16_t)~F_BARE; /* over DTLS the first one may still come */
        c->stats.retransmitted++;
    }
    tsr_coap_wake(c, &s->timer, s->timeout_ms);
}

static void sent_non(tsr_coap *c, tsr_coap_slot *s)
{
    if (s->kind == SLOT_REQUEST) {
        s->tries = 1;
        s->state = SLOT_AWAITING;
        tsr_coap_wake(c, &s->timer, c->config.params.response_wait_ms);
        return;
    }

    /* RFC 7641 §3.6: a RST may still tell that the observer is gone */
    uint32_t i = tsr_coap_seen_add(c, s->peer, s->mid, SEEN_OUT | SEEN_NON);

    c->seen[i].u.user = s->user;
    tsr_coap_slot_free(c, s);
}

/* A slot's timer ran out. TSR_END: nothing to send. */
static tsr_err slot_due(tsr_coap *c, tsr_coap_slot *s, tsr_buf *datagram)
{
    tsr_err err = TSR_OK;

    if (s->kind == SLOT_TICKET) {
        tsr_coap_ack(c, s);
        return TSR_END;
    }
    if (s->state == SLOT_AWAITING || s->tries > c->config.params.max_retransmit) {
        tsr_coap_finish(c, s, TSR_COAP_TIMEOUT, TSR_OK);
        return TSR_END;
    }
    if (s->tries == 0)
        s->mid = tsr_coap_next_mid(c, s->peer);
    if (c->guarding == NULL)
        tsr_coap_write_slot(c, s, datagram);
    else if (c->guarding->write(c, s, datagram) != TSR_OK && datagram->err == TSR_OK)
        err = TSR_END; /* as if it were lost on the way */
    if ((s->flags & F_CON) != 0)
        sent_con(c, s);
    else
        sent_non(c, s);
    return err == TSR_OK ? datagram->err : err;
}

static tsr_err next_datagram(tsr_coap *c, tsr_coap_peer *peer, tsr_buf *datagram)
{
    for (;;) {
        tsr_err err = tsr_coap_log_next(c, peer, datagram);

        if (err != TSR_END)
            return err;

        const tsr_timer *t = tsr_timers_take(&c->timers, c->now_ms);

        if (t == NULL)
            return TSR_END;
        if (t->id >= c->config.exchanges) {
            c->blocks->free(c, t->id - c->config.exchanges);
            continue;
        }
        *peer = c->slots[t->id].peer;
        err = slot_due(c, &c->slots[t->id], datagram);
        if (err != TSR_END)
            return err;
    }
}

tsr_err tsr_coap_poll(tsr_coap *c, tsr_coap_peer *peer, tsr_buf *datagram, uint64_t now_ms)
{
    tsr_err err;

    tsr_coap_release(c);
    c->now_ms = now_ms;
    err = next_datagram(c, peer, datagram);
    if (err == TSR_OK)
        c->stats.out++;
    return err;
}

uint64_t tsr_coap_due_ms(const tsr_coap *c)
{
    return tsr_coap_log_waits(c) ? 0 : tsr_timers_due(&c->timers);
}
