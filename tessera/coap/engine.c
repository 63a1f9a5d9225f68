/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/engine_in.h"

/* The body of the event that was read goes back. */
void tsr_coap_release(tsr_coap *c)
{
    if (c->lent_body != TSR_NONE)
        c->blocks->free(c, c->lent_body);
    c->lent_body = TSR_NONE;
}

tsr_coap_event *tsr_coap_event_start(tsr_coap *c, tsr_coap_event_kind kind, tsr_coap_peer peer,
                                     tsr_bytes token)
{
    if (token.len != 0)
        memcpy(c->event_token, token.ptr, token.len);
    c->event = (tsr_coap_event){ .kind = kind, .peer = peer };
    c->event.token = tsr_view(c->event_token, token.len);
    c->event_ready = true;
    return &c->event;
}

__attribute__((noinline)) static void next_done(tsr_coap *c)
{
    tsr_coap_slot *s = &c->slots[c->done_first];
    bool rest = (s->flags & F_REST) != 0;
    tsr_bytes token = tsr_coap_slot_token(s);

    if (rest && s->watch != TSR_NONE)
        token = c->observing->token(c, s->watch);

    tsr_coap_event *e = tsr_coap_event_start(c, (tsr_coap_event_kind)s->code, s->peer, token);

    e->id = rest ? 0 : tsr_coap_slot_id(s);
    e->user = s->user;
    e->err = (tsr_err)s->err;
    c->done_first = s->next;
    tsr_coap_slot_free(c, s);
}

const tsr_coap_event *tsr_coap_event_take(tsr_coap *c)
{
    tsr_coap_release(c);
    if (!c->event_ready) {
        if (c->done_first != TSR_NONE)
            next_done(c);
        else if (c->streams == NULL || !c->streams->calls->next(c))
            return NULL;
    }
    c->event_ready = false;
    c->lent_body = c->event_body;
    c->event_body = TSR_NONE;
    return &c->event;
}

/* What of ours carries this Message ID and may still be acknowledged or reset. */
static tsr_coap_slot *find_sent(tsr_coap *c, tsr_coap_peer peer, uint16_t mid)
{
    tsr_coap_slot *s = NULL;

    while ((s = tsr_coap_slot_after(c, peer, s)) != NULL &&
           (s->kind == SLOT_TICKET || s->mid != mid || s->tries == 0 ||
            (s->state != SLOT_SENDING && (s->flags & F_CON) != 0))) {
    }
    return s;
}

static void take_empty_ack(tsr_coap *c, tsr_coap_slot *s)
{
    if (s->kind == SLOT_PING || (s->flags & F_CON) == 0) {
        c->stats.ignored++;
    } else if (s->kind == SLOT_REQUEST) {
        s->state = SLOT_AWAITING;
        tsr_coap_wake(c, &s->timer, c->config.params.response_wait_ms);
        tsr_coap_uncount(c, s);
    } else {
        tsr_coap_finish(c, s, TSR_COAP_ACKED, TSR_OK);
    }
}

static void take_piggybacked(tsr_coap *c, tsr_coap_slot *s, tsr_bytes datagram)
{
    if (c->guarding == NULL || c->guarding->response(c, s->peer, s, TSR_NONE, datagram))
        tsr_coap_take_response(c, s);
}

/* RFC 7252 §4.2, RFC 7252 §5.3.2: an ACK matches by peer and Message ID, a piggybacked response by
 * token too. */
static void take_ack(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram)
{
    tsr_coap_slot *s = find_sent(c, peer, c->msg.mid);

    if (s != NULL && c->msg.code == TSR_COAP_EMPTY)
        take_empty_ack(c, s);
    else if (s != NULL && s->kind == SLOT_REQUEST && (s->flags & F_CON) != 0 &&
             tsr_coap_is_response(c->msg.code) && tsr_same(c->msg.token, tsr_coap_slot_token(s)))
        take_piggybacked(c, s, datagram);
    else
        c->stats.ignored++;
}

static void take_rst(tsr_coap *c, tsr_coap_peer peer)
{
    tsr_coap_slot *s = find_sent(c, peer, c->msg.mid);

    if (c->msg.code != TSR_COAP_EMPTY) {
        c->stats.ignored++;
        return;
    }
    if (s != NULL) {
        tsr_coap_finish(c, s, TSR_COAP_RESET, TSR_OK);
        return;
    }

    uint32_t i = tsr_coap_seen_find(c, peer, c->msg.mid, SEEN_OUT);

    if (i == TSR_NONE || (c->seen[i].flags & SEEN_REPLY) != 0) {
        c->stats.ignored++;
        return;
    }
    c->seen[i].flags |= SEEN_REPLY; /* tell it once */
    tsr_coap_event_start(c, TSR_COAP_RESET, peer, tsr_view(NULL, 0))->user = c->seen[i].u.user;
}

/* A message seen before is answered as it was then, and never handled again. RFC 7252 §4.5 */
static bool take_duplicate(tsr_coap *c, tsr_coap_peer peer)
{
    uint32_t i = tsr_coap_seen_find(c, peer, c->msg.mid, 0);

    if (i == TSR_NONE)
        return false;
    c->stats.duplicates++;
    if (c->msg.type != TSR_COAP_CON)
        return true;
    if ((c->seen[i].flags & SEEN_REPLY) != 0)
        tsr_coap_log_replay(c, i);
    else if ((c->seen[i].flags & SEEN_ACK) != 0)
        tsr_coap_log_bare(c, peer, TSR_COAP_ACK, c->msg.mid);
    return true;
}

/* RFC 7252 §4.2 and RFC 7252 §4.3: a CON is rejected with RST, a NON silently. */
static void reject(tsr_coap *c, tsr_coap_peer peer)
{
    if (c->msg.type == TSR_COAP_CON)
        tsr_coap_log_bare(c, peer, TSR_COAP_RST, c->msg.mid);
    else
        c->stats.ignored++;
}

tsr_err tsr_coap_feed(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram, uint64_t now_ms)
{
    if (peer >= c->config.peers)
        return TSR_E_ARGUMENT;
    if (c->event_ready)
        return TSR_E_STATE;
    tsr_coap_release(c);
    c->now_ms = now_ms;
    c->stats.in++;

    tsr_err err = tsr_coap_msg_parse(datagram, &c->msg);

    if (err == TSR_E_UNSUPPORTED || datagram.len < 4)
        c->stats.ignored++;
    else if (err != TSR_OK)
        reject(c, peer);
    else if (c->msg.type == TSR_COAP_ACK)
        take_ack(c, peer, datagram);
    else if (c->msg.type == TSR_COAP_RST)
        take_rst(c, peer);
    else if (c->msg.code == TSR_COAP_EMPTY) /* a ping, RFC 7252 §4.3 */
        reject(c, peer);
    else if (take_duplicate(c, peer))
        return TSR_OK;
    else if (!tsr_coap_is_request(c->msg.code))
        tsr_coap_take_separate(c, peer, datagram);
    else if (c->guarding == NULL || c->guarding->request(c, peer, datagram))
        tsr_coap_take_request(c, peer);
    return TSR_OK;
}

tsr_err tsr_coap_cancel(tsr_coap *c, tsr_coap_id id)
{
    tsr_coap_slot *s = tsr_coap_slot_of(c, id);

    if (s == NULL)
        return c->streams != NULL ? c->streams->calls->cancel(c, id) : TSR_E_NOT_FOUND;
    if (s->kind != SLOT_TICKET && (s->flags & F_REST) == 0 && s->watch != TSR_NONE) {
        uint32_t watch = s->watch;

        s->watch = TSR_NONE;
        c->observing->drop(c, watch);
    }
    tsr_coap_uncount(c, s);
    tsr_coap_slot_free(c, s);
    return TSR_OK;
}

void tsr_coap_peer_gone(tsr_coap *c, tsr_coap_peer peer)
{
    if (peer >= c->config.peers)
        return;
    if (c->lines[peer].stream) {
        c->streams->calls->gone(c, peer);
        return;
    }

    tsr_coap_line *line = &c->lines[peer];

    while (line->watches != TSR_NONE)
        c->observing->drop(c, line->watches);
    while (line->slots != TSR_NONE) {
        tsr_coap_slot *s = &c->slots[line->slots];

        s->flags &= (uint16_t)~F_COUNTED; /* nothing that waits shall start */
        if (s->kind == SLOT_TICKET || s->kind == SLOT_RESPONSE ||
            (s->kind == SLOT_NOTICE && (s->flags & F_CON) == 0))
            tsr_coap_slot_free(c, s);
        else
            tsr_coap_finish(c, s, TSR_COAP_GONE, TSR_OK);
    }
    if (c->event_ready && c->event.peer == peer && c->event.kind == TSR_COAP_REQUEST)
        c->event_ready = false; /* its ticket is gone */
    while (line->bodies != TSR_NONE) {
        if (line->bodies == c->event_body) {
            c->event_body = TSR_NONE;
            c->event.body.len = 0;
        }
        if (line->bodies == c->lent_body)
            c->lent_body = TSR_NONE;
        c->blocks->free(c, line->bodies);
    }
    line->open = 0;
    line->epoch++;
}
