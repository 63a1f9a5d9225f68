/* SPDX-License-Identifier: Apache-2.0
 *
 * The CoAP engine for a device with few peers: the same calls as tessera/coap/engine.h behind a
 * fraction of the code. A device links it in place of the other one.
 *
 *     tables.c   memory layout, exchanges, remembered messages and the answers to them
 *     engine.c   feed, events, cancelling
 *     send.c     NSTART, transmission, retransmission, time-outs, poll
 *     server.c   incoming requests, answers and notifications
 *     client.c   our requests, their responses
 *     options.c  requests and responses as options
 *
 * Everything is a short table that is walked from end to end: exchanges have no lists and no heap
 * of timers, duplicates no hash, and an answer lies beside the message that it answers. There are
 * 255 peers and exchanges at most.
 *
 * It is placed by tsr_coap_init_small() alone. It has no bodies in blocks: what comes in blocks is
 * refused with 4.13, a long answer to a GET goes block by block, each asked for anew (RFC 7959
 * §2.4). It is observed, and observes nobody. config.bodies and config.watches cost nothing. */
#ifndef TESSERA_COAP_SMALL_SMALL_H
#define TESSERA_COAP_SMALL_SMALL_H

#include "tessera/coap/engine.h"

/* One per peer. */
struct tsr_coap_line {
    uint16_t mid; /* our next Message ID */
};

typedef enum {
    SLOT_FREE,
    SLOT_TICKET,
    SLOT_RESET, /* a RST to send; nothing is left of it then */
    SLOT_RESPONSE,
    SLOT_REQUEST, /* this and the following count against NSTART */
    SLOT_NOTICE,
    SLOT_PING,
} slot_kind;

typedef enum {
    SLOT_SENDING,  /* to send (no tries yet), or sent and not acknowledged */
    SLOT_AWAITING, /* the response is to come; a ticket: the application's answer */
    SLOT_DONE,     /* only its event is left */
} slot_state;

enum {
    F_CON = 1,    /* confirmable; a ticket: the request was */
    F_ACKED = 2,  /* a ticket: its empty ACK is out */
    F_ECHOED = 4, /* sent again with the Echo option of a 4.01 */
};

/* One exchange, in either direction; its bytes are what follows the token in its message. */
struct tsr_coap_slot {
    uint8_t kind, state, code, tries;
    uint8_t peer, flags, token_len;
    int8_t err;
    uint16_t mid, len;
    uint16_t options_len; /* requests */
    uint32_t generation, timeout_ms;
    uint64_t at_ms; /* next step; UINT64_MAX: none */
    uint64_t user;
    tsr_coap_block block1, block2; /* of the request */
    uint8_t token[TSR_COAP_TOKEN_MAX];
};

enum {
    SEEN_USED = 1,
    SEEN_OUT = 2,   /* a NON of ours that may be reset */
    SEEN_NON = 4,   /* lives for NON_LIFETIME */
    SEEN_ACK = 8,   /* answered by an empty ACK; SEEN_OUT: the reset was told */
    SEEN_REPLY = 16, /* answered by `len` bytes of the log */
    SEEN_SEND = 32, /* that answer is to be sent */
};

/* One message remembered. */
struct tsr_coap_seen {
    union {
        uint64_t user; /* SEEN_OUT */
        uint32_t place;
    } u;
    uint32_t at; /* now_ms >> 10 */
    uint16_t mid, len;
    uint8_t peer, flags;
};

/* tables.c */
uint64_t tsr_small_draw(tsr_coap *c);
/* NULL: none is free; a ticket then gets the spare one, which can be answered at once only. */
tsr_coap_slot *tsr_small_slot_take(tsr_coap *c, tsr_coap_peer peer, slot_kind kind);
tsr_coap_slot *tsr_small_slot_of(const tsr_coap *c, tsr_coap_id id);
void tsr_small_slot_id(const tsr_coap *c, const tsr_coap_slot *s, tsr_coap_id *id);
uint8_t *tsr_small_slot_bytes(const tsr_coap *c, const tsr_coap_slot *s);
void tsr_small_slot_name(tsr_coap_slot *s, tsr_bytes token);
tsr_coap_seen *tsr_small_seen_find(const tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t out);
tsr_coap_seen *tsr_small_seen_add(tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t flags);
/* Finds or adds the entry of a message and marks its answer to be sent. */
tsr_coap_seen *tsr_small_reply(tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t flags);
/* The oldest answer goes, to make room; false: there is none. */
bool tsr_small_log_shorten(tsr_coap *c);
void tsr_small_log_drop(tsr_coap *c, tsr_coap_seen *e);

static inline tsr_bytes tsr_small_token(const tsr_coap_slot *s)
{
    return tsr_view(s->token, s->token_len);
}

/* engine.c */
tsr_coap_event *tsr_small_event(tsr_coap *c, tsr_coap_event_kind kind, const tsr_coap_slot *s);
void tsr_small_finish(tsr_coap *c, tsr_coap_slot *s, tsr_coap_event_kind kind, tsr_err err);
void tsr_small_reset(tsr_coap *c, tsr_coap_peer peer); /* rejects c->msg */

/* send.c */
void tsr_small_put_header(tsr_buf *out, uint8_t type, uint8_t code, const tsr_coap_slot *s);
void tsr_small_launch(tsr_coap_slot *s);
void tsr_small_ack(tsr_coap *c, tsr_coap_slot *ticket);

/* server.c, client.c: c->msg has been parsed */
void tsr_small_take_request(tsr_coap *c, tsr_coap_peer peer);
void tsr_small_take_response(tsr_coap *c, tsr_coap_slot *s);
void tsr_small_take_separate(tsr_coap *c, tsr_coap_peer peer);

/* options.c */
tsr_err tsr_small_put_request(const tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r);
/* Options, and as much of the payload as goes into one message of `room` bytes; s->block1 and
 * s->block2 are those of the request, s->code its method. *code becomes that of the answer.
 * TSR_E_SPACE without out->err: more room is no help. */
tsr_err tsr_small_put_response(const tsr_coap *c, const tsr_coap_slot *s,
                               const tsr_coap_response *r, tsr_coap_num observe, size_t room,
                               tsr_buf *out, uint8_t *code);

/* Whether a critical option came that nobody here can process. RFC 7252 §5.4.1 */
static inline bool tsr_small_refused(const tsr_coap *c)
{
    return tsr_coap_msg_refused(&c->msg, c->config.critical, c->config.critical_count);
}

#endif
