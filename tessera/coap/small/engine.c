/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/small/small.h"

/* ---- events ---- */

/* `s` has what the event says of peer, token, id and user. */
tsr_coap_event *tsr_small_event(tsr_coap *c, tsr_coap_event_kind kind, const tsr_coap_slot *s)
{
    memcpy(c->event_token, s->token, sizeof c->event_token);
    c->event = (tsr_coap_event){ .kind = kind,
                                 .peer = s->peer,
                                 .user = s->user,
                                 .token = { c->event_token, s->token_len } };
    tsr_small_slot_id(c, s, &c->event.id);
    c->event_ready = true;
    return &c->event;
}

static void find_done(tsr_coap *c)
{
    c->done_first = TSR_NONE;
    for (uint32_t i = c->config.exchanges; i-- > 0;)
        if (c->slots[i].kind != SLOT_FREE && c->slots[i].state == SLOT_DONE)
            c->done_first = i;
}

void tsr_small_finish(tsr_coap *c, tsr_coap_slot *s, tsr_coap_event_kind kind, tsr_err err)
{
    s->state = SLOT_DONE;
    s->code = (uint8_t)kind;
    s->err = (int8_t)err;
    find_done(c);
}

const tsr_coap_event *tsr_coap_event_take(tsr_coap *c)
{
    if (!c->event_ready) {
        if (c->done_first == TSR_NONE)
            return NULL;

        tsr_coap_slot *s = &c->slots[c->done_first];

        tsr_small_event(c, (tsr_coap_event_kind)s->code, s)->err = (tsr_err)s->err;
        s->kind = SLOT_FREE;
        find_done(c);
    }
    c->event_ready = false;
    return &c->event;
}

/* ---- what comes in ---- */

/* What of ours carries this Message ID and may still be acknowledged or reset. */
static tsr_coap_slot *find_sent(const tsr_coap *c, tsr_coap_peer peer, uint16_t mid)
{
    for (tsr_coap_slot *s = c->slots, *end = s + c->config.exchanges; s != end; s++)
        if (s->mid == mid && s->peer == peer && s->kind > SLOT_TICKET && s->tries != 0 &&
            (s->state == SLOT_SENDING || (s->state == SLOT_AWAITING && (s->flags & F_CON) == 0)))
            return s;
    return NULL;
}

/* RFC 7252 §4.2, RFC 7252 §5.3.2: an ACK matches by peer and Message ID, a piggybacked response by
 * token too. */
static void take_ack(tsr_coap *c, tsr_coap_slot *s)
{
    if (s == NULL || s->kind == SLOT_PING || (s->flags & F_CON) == 0) {
        c->stats.ignored++;
    } else if (c->msg.code != TSR_COAP_EMPTY) {
        if (s->kind == SLOT_REQUEST && tsr_coap_is_response(c->msg.code) &&
            tsr_same(c->msg.token, tsr_small_token(s)))
            tsr_small_take_response(c, s);
        else
            c->stats.ignored++;
    } else if (s->kind == SLOT_REQUEST) {
        s->state = SLOT_AWAITING;
        s->at_ms = c->now_ms + c->config.params.response_wait_ms;
    } else {
        tsr_small_finish(c, s, TSR_COAP_ACKED, TSR_OK);
    }
}

/* RFC 7641 §3.6: a NON of ours that is gone may have been rejected; it is told once. */
static void take_late_rst(tsr_coap *c, tsr_coap_peer peer)
{
    tsr_coap_seen *e = tsr_small_seen_find(c, peer, c->msg.mid, SEEN_OUT);

    if (e == NULL || (e->flags & SEEN_ACK) != 0) {
        c->stats.ignored++;
        return;
    }
    e->flags |= SEEN_ACK;
    c->event = (tsr_coap_event){ .kind = TSR_COAP_RESET, .peer = peer, .user = e->u.user };
    c->event_ready = true;
}

/* A message seen before is answered as it was then, and never handled again. RFC 7252 §4.5 */
static bool is_duplicate(tsr_coap *c, tsr_coap_peer peer)
{
    tsr_coap_seen *e = tsr_small_seen_find(c, peer, c->msg.mid, 0);

    if (e == NULL)
        return false;
    c->stats.duplicates++;
    if (c->msg.type == TSR_COAP_CON && (e->flags & (SEEN_REPLY | SEEN_ACK)) != 0)
        e->flags |= SEEN_SEND;
    return true;
}

void tsr_small_reset(tsr_coap *c, tsr_coap_peer peer)
{
    tsr_coap_slot *s = tsr_small_slot_take(c, peer, SLOT_RESET);

    if (s == NULL)
        return; /* as if it were lost; it is asked for again */
    s->mid = c->msg.mid;
    c->stats.rejected++;
}

/* RFC 7252 §4.2 and RFC 7252 §4.3: a CON is rejected with RST, a NON silently. */
static void reject(tsr_coap *c, tsr_coap_peer peer)
{
    if (c->msg.type == TSR_COAP_CON)
        tsr_small_reset(c, peer);
    else
        c->stats.ignored++;
}

tsr_err tsr_coap_feed(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram, uint64_t now_ms)
{
    if (peer >= c->config.peers)
        return TSR_E_ARGUMENT;
    if (c->event_ready)
        return TSR_E_STATE;
    c->now_ms = now_ms;
    c->stats.in++;

    tsr_err err = tsr_coap_msg_parse(datagram, &c->msg);
    tsr_coap_slot *sent = find_sent(c, peer, c->msg.mid);

    if (err == TSR_E_UNSUPPORTED || datagram.len < 4)
        c->stats.ignored++;
    else if (err != TSR_OK)
        reject(c, peer);
    else if (c->msg.type == TSR_COAP_ACK)
        take_ack(c, sent);
    else if (c->msg.type == TSR_COAP_RST && c->msg.code != TSR_COAP_EMPTY)
        c->stats.ignored++;
    else if (c->msg.type == TSR_COAP_RST && sent != NULL)
        tsr_small_finish(c, sent, TSR_COAP_RESET, TSR_OK);
    else if (c->msg.type == TSR_COAP_RST)
        take_late_rst(c, peer);
    else if (c->msg.code == TSR_COAP_EMPTY) /* a ping, RFC 7252 §4.3 */
        reject(c, peer);
    else if (is_duplicate(c, peer))
        return TSR_OK;
    else if (tsr_coap_is_request(c->msg.code))
        tsr_small_take_request(c, peer);
    else
        tsr_small_take_separate(c, peer);
    return TSR_OK;
}

/* ---- endings ---- */

tsr_err tsr_coap_cancel(tsr_coap *c, tsr_coap_id id)
{
    tsr_coap_slot *s = tsr_small_slot_of(c, id);

    if (s == NULL)
        return TSR_E_NOT_FOUND;
    s->kind = SLOT_FREE;
    return TSR_OK;
}

void tsr_coap_peer_gone(tsr_coap *c, tsr_coap_peer peer)
{
    if (peer >= c->config.peers)
        return;
    for (tsr_coap_slot *s = c->slots, *end = s + c->config.exchanges; s != end; s++) {
        if (s->kind == SLOT_FREE || s->state == SLOT_DONE || s->peer != peer)
            continue;
        if (s->kind < SLOT_REQUEST || (s->kind == SLOT_NOTICE && (s->flags & F_CON) == 0))
            s->kind = SLOT_FREE;
        else
            tsr_small_finish(c, s, TSR_COAP_GONE, TSR_OK);
    }
    for (tsr_coap_seen *e = c->seen, *end = e + c->config.seen; e != end; e++) {
        if (e->peer != peer)
            continue;
        e->flags &= (uint8_t)~SEEN_SEND;
        tsr_small_log_drop(c, e);
        e->flags = 0;
    }
    if (c->event.peer == peer && c->event.kind == TSR_COAP_REQUEST)
        c->event_ready = false; /* its ticket is gone */
}
