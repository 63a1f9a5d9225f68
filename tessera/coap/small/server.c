/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/small/small.h"

/* ---- answers ---- */

enum { HEAD = 4 + TSR_COAP_TOKEN_MAX };

/* Type and Message ID of an answer that goes at once: piggybacked to a CON, a new NON otherwise. */
static tsr_err respond_now(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_response *r)
{
    uint16_t mid = s->mid, *next_mid = &c->lines[s->peer].mid;
    uint8_t type = TSR_COAP_ACK, flags = SEEN_REPLY, code;
    tsr_buf out;
    tsr_err err;

    if ((s->flags & F_CON) == 0) {
        type = TSR_COAP_NON;
        flags = SEEN_REPLY | SEEN_NON;
        s->mid = (*next_mid)++;
    }
    do {
        out = tsr_buf_over(c->log + c->log_head, c->config.log_len - c->log_head);
        tsr_small_put_header(&out, type, TSR_COAP_EMPTY, s);
        err = tsr_small_put_response(c, s, r, r->observe, c->config.log_len - HEAD, &out,
                                     &code);
    } while (out.err == TSR_E_SPACE && tsr_small_log_shorten(c));
    s->mid = mid;
    if (err != TSR_OK)
        return err;
    out.ptr[1] = code;

    tsr_coap_seen *e = tsr_small_reply(c, s->peer, mid, flags);

    e->u.place = c->log_head;
    e->len = (uint16_t)out.len;
    c->log_head += e->len;
    s->kind = SLOT_FREE;
    return TSR_OK;
}

/* Into the exchange's own bytes. */
static tsr_err respond_later(const tsr_coap *c, tsr_coap_slot *s, const tsr_coap_response *r,
                             tsr_coap_num observe, bool con)
{
    tsr_buf out = tsr_buf_over(tsr_small_slot_bytes(c, s), c->config.exchange_len);
    tsr_err err = tsr_small_put_response(c, s, r, observe, out.cap, &out, &s->code);

    s->len = (uint16_t)out.len;
    s->flags = con;
    s->user = r->user;
    return err;
}

tsr_err tsr_coap_respond(tsr_coap *c, tsr_coap_id ticket, const tsr_coap_response *response,
                         uint64_t now_ms)
{
    tsr_coap_slot *s = tsr_small_slot_of(c, ticket);

    if (s == NULL || s->kind != SLOT_TICKET)
        return TSR_E_NOT_FOUND;
    if (!tsr_coap_is_response(response->code))
        return TSR_E_ARGUMENT;
    c->now_ms = now_ms;
    if ((s->flags & F_ACKED) == 0)
        return respond_now(c, s, response);

    tsr_err err = respond_later(c, s, response, response->observe, !response->non);

    if (err == TSR_OK) {
        s->kind = SLOT_RESPONSE;
        tsr_small_launch(s);
    } else {
        s->flags = F_ACKED;
    }
    return err;
}

tsr_err tsr_coap_defer(tsr_coap *c, tsr_coap_id ticket)
{
    tsr_coap_slot *s = tsr_small_slot_of(c, ticket);

    if (s == NULL || s->kind != SLOT_TICKET)
        return TSR_E_NOT_FOUND;
    tsr_small_ack(c, s);
    return TSR_OK;
}

tsr_err tsr_coap_notify(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token, uint32_t sequence,
                        bool con, const tsr_coap_response *response, uint64_t now_ms, tsr_coap_id *id)
{
    c->now_ms = now_ms;
    if (peer >= c->config.peers || token.len > TSR_COAP_TOKEN_MAX ||
        !tsr_coap_is_response(response->code))
        return TSR_E_ARGUMENT;

    tsr_coap_slot *s = tsr_small_slot_take(c, peer, SLOT_NOTICE);
    uint8_t szx = response->key & 7; /* with 8: see hand_over() */

    if (s == NULL)
        return TSR_E_SPACE;
    s->code = TSR_COAP_GET;
    s->block2.set = response->key != 0 && szx != 7;
    s->block2.szx = szx;
    tsr_small_slot_name(s, token);

    /* RFC 7641 §4.2: an error ends the observation */
    tsr_coap_num observe = { tsr_coap_is_success(response->code), sequence & 0xffffffu };
    tsr_err err = respond_later(c, s, response, observe, con);

    tsr_small_slot_id(c, s, id);
    if (!con && id != NULL)
        *id = 0;
    if (err != TSR_OK)
        s->kind = SLOT_FREE;
    return err;
}

/* ---- requests ---- */

/* The code for what cannot be handed to the application; TSR_COAP_EMPTY: it can. */
static uint8_t request_fault(const tsr_coap *c)
{
    const tsr_coap_msg *msg = &c->msg;

    if (msg->code > TSR_COAP_IPATCH)
        return TSR_COAP_METHOD_NOT_ALLOWED; /* RFC 7252 §5.8 */
    if (tsr_small_refused(c))
        return msg->bad_option == TSR_COAP_PROXY_URI || msg->bad_option == TSR_COAP_PROXY_SCHEME
                   ? TSR_COAP_PROXYING_NOT_SUPPORTED /* RFC 7252 §5.10.2 */
                   : TSR_COAP_BAD_OPTION;
    if (msg->block1.szx == 7 || msg->block2.szx == 7)
        return TSR_COAP_BAD_REQUEST; /* RFC 7959 §2.2 */
    if (msg->block1.more || msg->block1.num != 0)
        return TSR_COAP_TOO_LARGE; /* RFC 7959 §2.9.3 */
    return TSR_COAP_EMPTY;
}

/* With the number of a bad option as diagnostic payload (RFC 7252 §5.5.2). */
static void answer(tsr_coap *c, tsr_coap_slot *s, uint8_t code)
{
    uint8_t number[5];
    tsr_buf text = tsr_buf_over(number, sizeof number);

    if (code == TSR_COAP_BAD_OPTION)
        tsr_put_dec(&text, c->msg.bad_option);
    (void)respond_now(
        c, s, &(tsr_coap_response){ .code = code, .payload = tsr_buf_view(&text) });
    s->kind = SLOT_FREE;
}

static tsr_coap_slot *open_ticket(tsr_coap *c, tsr_coap_peer peer)
{
    tsr_coap_slot *s = tsr_small_slot_take(c, peer, SLOT_TICKET);

    s->state = SLOT_AWAITING;
    s->mid = c->msg.mid;
    s->code = c->msg.code;
    s->block1 = c->msg.block1;
    s->block2 = c->msg.block2;
    tsr_small_slot_name(s, c->msg.token);
    s->at_ms = UINT64_MAX;
    if (c->msg.type == TSR_COAP_CON) {
        s->flags = F_CON;
        s->at_ms = c->now_ms + c->config.params.ack_delay_ms;
    }
    return s;
}

static void hand_over(tsr_coap *c, const tsr_coap_slot *s)
{
    tsr_coap_event *e = tsr_small_event(c, TSR_COAP_REQUEST, s);

    e->msg = &c->msg;
    e->body = c->msg.payload;
    e->key = 8u | (c->msg.block2.set ? c->msg.block2.szx : 7u);
}

void tsr_small_take_request(tsr_coap *c, tsr_coap_peer peer)
{
    bool con = c->msg.type == TSR_COAP_CON;
    uint8_t code = request_fault(c);
    tsr_coap_slot *s;

    (void)tsr_small_seen_add(c, peer, c->msg.mid, con ? 0 : SEEN_NON);
    if (code == TSR_COAP_BAD_OPTION && !con) {
        c->stats.ignored++; /* RFC 7252 §5.4.1: a NON with one is rejected, silently */
        return;
    }
    s = open_ticket(c, peer);
    if (code == TSR_COAP_EMPTY && s == c->slots + c->config.exchanges) {
        code = TSR_COAP_UNAVAILABLE;
        c->stats.refused++;
    }
    if (code != TSR_COAP_EMPTY)
        answer(c, s, code);
    else
        hand_over(c, s);
}
