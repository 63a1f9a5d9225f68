/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to this room: the engine's tables, and what its files offer each other.
 *
 *   store.c    memory layout, slots and their lists, remembered messages, the log
 *   write.c    requests and responses into options, slots into datagrams
 *   send.c     NSTART, transmission, retransmission, timeouts, poll
 *   engine.c   feed, events, cancelling
 *   server.c   incoming requests, answers and notifications
 *   client.c   our requests, their responses
 *   blocks.c   bodies, Block1 and Block2 in both directions
 *   observe.c  observations of ours on others
 *   guard.c    messages protected one by one (OSCORE)
 *   streams.c  peers that are streams */
#ifndef TESSERA_COAP_ENGINE_IN_H
#define TESSERA_COAP_ENGINE_IN_H

#include "tessera/coap/engine.h"
#include "tessera/coap/guard.h"
#include "tessera/coap/key.h"
#include "tessera/coap/streams.h"

/* One per peer. */
struct tsr_coap_line {
    uint32_t slots, bodies, watches; /* heads of this peer's lists */
    uint16_t mid;                    /* next Message ID, once `known` */
    uint16_t epoch;                  /* grows when the number is given to another peer */
    uint8_t open;                    /* interactions that count against NSTART */
    bool known;
    bool stream; /* from tsr_coap_streams_open until it is forgotten */
    bool tagged; /* an upload without Request-Tag may still be heard: the next one needs a tag */
};

typedef enum {
    SLOT_FREE,
    SLOT_TICKET,
    SLOT_REQUEST,
    SLOT_RESPONSE,
    SLOT_NOTICE,
    SLOT_PING
} slot_kind;

typedef enum {
    SLOT_WAITING,  /* for NSTART */
    SLOT_SENDING,  /* to send, or sent and not acknowledged */
    SLOT_AWAITING, /* acknowledged or NON: the response is to come; a ticket: the application's
                      answer */
    SLOT_DONE,     /* only its event is left */
} slot_state;

enum {
    F_CON = 1,         /* confirmable; a ticket: the request was */
    F_COUNTED = 2,     /* counts against NSTART */
    F_ACKED = 4,       /* a ticket: its empty ACK is out */
    F_UPLOAD = 8,      /* payload goes by Block1 out of the body */
    F_COLLECT = 16,    /* response comes by Block2 into the body */
    F_REST = 32,       /* fetches the rest of a notification; `watch` names the observation */
    F_OBSERVED = 64,   /* the first response carried Observe */
    F_ECHOED = 128,    /* sent again with the Echo option of a 4.01 */
    F_RESTARTED = 256, /* the representation changed once while we collected it */
    F_SIZE2 = 512,     /* a ticket: the size was asked for; then: it is told */
    F_BARE = 1024,     /* uploads without Request-Tag, and each message went out once */
    F_TAGGED = 2048,   /* has a Request-Tag */
};

/* One exchange, in either direction. Its size, and that of a body, is a power of two on a Cortex-M,
 * where an index then costs a shift. */
struct tsr_coap_slot {
    uint8_t kind, state, code, tries; /* small and often used: where short instructions reach */
    uint16_t mid, flags;
    uint16_t options_len, payload_len, echo_len; /* in this order in the slot's bytes */
    uint8_t token_len;
    int8_t err;
    tsr_coap_block block1, block2; /* to send; a ticket: as received */
    tsr_timer timer;
    uint64_t user;
    uint32_t generation;
    tsr_coap_peer peer;
    uint32_t next, prev; /* in the list of the peer; next also in the free list and the done list */
    uint32_t body, watch;
    uint32_t timeout_ms;
    union {
        uint32_t seen; /* ticket: the place of its duplicate entry */
        uint32_t sent; /* upload: bytes the peer has */
    } u;
    uint32_t key; /* ticket: cache key of the request; ours: with F_TAGGED its Request-Tag */
    /* ticket: of the payload of a FETCH; collecting: of the ETag of the first block */
    uint32_t hash;
    uint32_t size2; /* with F_SIZE2 */
    tsr_coap_num observe;
    uint8_t token[TSR_COAP_TOKEN_MAX];
};

typedef enum { BODY_FREE, BODY_IN, BODY_OUT, BODY_HELD } body_kind;

/* One body in blocks: coming in, offered, or held by a slot (or by the event that the caller
 * reads). */
struct tsr_coap_body {
    uint8_t kind, code, etag_len;
    bool has_format;
    uint16_t content_format;
    tsr_coap_peer peer;
    uint32_t key;
    uint32_t next; /* of the peer, or free */
    uint32_t len;
    uint32_t payload_hash; /* offered: the FETCH it answers; 0: any */
    tsr_timer timer;
    uint8_t etag[8];
};

enum { SEEN_USED = 1, SEEN_OUT = 2, SEEN_ACK = 4, SEEN_REPLY = 8, SEEN_NON = 16 };

/* One message remembered: a duplicate to detect, or (SEEN_OUT) a NON of ours that may be reset. */
struct tsr_coap_seen {
    uint32_t next; /* in its chain */
    tsr_coap_peer peer;
    uint32_t at; /* now_ms >> 10 */
    union {
        struct {
            uint32_t place, lap; /* of the answer in the log */
        } reply;
        uint64_t user;
    } u;
    uint16_t mid, epoch;
    uint8_t flags;
};

/* One observation of ours. */
struct tsr_coap_watch {
    uint64_t user;
    uint64_t last_ms; /* when `sequence` came */
    uint32_t next;    /* in its chain, or free */
    tsr_coap_peer peer;
    uint32_t line_next, line_prev;
    uint32_t sequence;
    uint16_t options_len, payload_len;
    bool started; /* `sequence` is set */
    uint8_t method, token_len;
    uint8_t token[TSR_COAP_TOKEN_MAX];
};

/* What a watch takes beside its watch_len bytes: itself, and two heads at most of the power of two
 * of them. */
#define TSR_COAP_WATCH_SPACE (sizeof(tsr_coap_watch) + 2 * sizeof(uint32_t))

/* store.c */
uint32_t tsr_coap_power_of_two(uint32_t n);
uint64_t tsr_coap_draw(tsr_coap *c);
uint32_t tsr_coap_mix(const tsr_coap *c, uint64_t x);
uint16_t tsr_coap_next_mid(tsr_coap *c, tsr_coap_peer peer);

tsr_coap_slot *tsr_coap_slot_take(tsr_coap *c, tsr_coap_peer peer, slot_kind kind);
/* The next slot of a peer, oldest first; after NULL the first; NULL: no more. */
tsr_coap_slot *tsr_coap_slot_after(const tsr_coap *c, tsr_coap_peer peer, const tsr_coap_slot *s);
void tsr_coap_slot_unlink(tsr_coap *c, tsr_coap_slot *s);
void tsr_coap_slot_free(tsr_coap *c, tsr_coap_slot *s);
tsr_coap_slot *tsr_coap_slot_of(tsr_coap *c, tsr_coap_id id);
uint8_t *tsr_coap_slot_bytes(const tsr_coap *c, const tsr_coap_slot *s);

uint8_t *tsr_coap_body_bytes(const tsr_coap *c, uint32_t i);

uint32_t tsr_coap_seen_find(const tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t out);
uint32_t tsr_coap_seen_add(tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t flags);

/* The entry of a ticket's request, unless the ring has gone over it. */
uint32_t tsr_coap_seen_of(const tsr_coap *c, const tsr_coap_slot *ticket);

/* Answers wait in the log until they are polled, and stay for duplicates until they are
 * overwritten. */
tsr_err tsr_coap_log_begin(tsr_coap *c, size_t most, tsr_buf *out);
void tsr_coap_log_commit(tsr_coap *c, tsr_coap_peer peer, const tsr_buf *out, uint32_t seen);
void tsr_coap_log_bare(tsr_coap *c, tsr_coap_peer peer, uint8_t type, uint16_t mid);
void tsr_coap_log_replay(tsr_coap *c, uint32_t seen);
bool tsr_coap_log_waits(const tsr_coap *c);
tsr_err tsr_coap_log_next(tsr_coap *c, tsr_coap_peer *peer, tsr_buf *datagram);

/* observe.c: reached through a table only, so that a device, which is observed but does not
 * observe, is linked without it */
struct tsr_coap_observing {
    uint32_t (*find)(const tsr_coap *c, tsr_coap_peer peer, tsr_bytes token);
    tsr_bytes (*token)(const tsr_coap *c, uint32_t watch);
    void (*drop)(tsr_coap *c, uint32_t watch);
    tsr_err (*request)(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r);
    void (*accepted)(tsr_coap *c, tsr_coap_slot *s);
    void (*notification)(tsr_coap *c, uint32_t watch); /* acknowledged by it too */
};

/* write.c */
tsr_err tsr_coap_write_request(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r);
tsr_err tsr_coap_write_response(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_response *r,
                                tsr_bytes etag);
tsr_err tsr_coap_write_payload(tsr_coap *c, tsr_coap_slot *s, tsr_bytes payload);
tsr_err tsr_coap_write_echo(tsr_coap *c, tsr_coap_slot *s, tsr_bytes echo);
void tsr_coap_write_message(const tsr_coap *c, const tsr_coap_slot *s, uint8_t type,
                            tsr_bytes payload, tsr_buf *out);
void tsr_coap_write_slot(const tsr_coap *c, const tsr_coap_slot *s, tsr_buf *out);

/* send.c */
void tsr_coap_wake(tsr_coap *c, tsr_timer *timer, uint32_t after_ms);
void tsr_coap_launch(tsr_coap *c, tsr_coap_slot *s);
void tsr_coap_uncount(tsr_coap *c, tsr_coap_slot *s);
void tsr_coap_ack(tsr_coap *c, tsr_coap_slot *ticket);
void tsr_coap_finish(tsr_coap *c, tsr_coap_slot *s, tsr_coap_event_kind kind, tsr_err err);

/* engine.c */
void tsr_coap_release(tsr_coap *c);
tsr_coap_event *tsr_coap_event_start(tsr_coap *c, tsr_coap_event_kind kind, tsr_coap_peer peer,
                                     tsr_bytes token);

/* server.c, client.c: c->msg has been parsed */
void tsr_coap_take_request(tsr_coap *c, tsr_coap_peer peer);
void tsr_coap_take_response(tsr_coap *c, tsr_coap_slot *s);
void tsr_coap_take_separate(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram);
void tsr_coap_confirm(tsr_coap *c, tsr_coap_peer peer);
tsr_coap_slot *tsr_coap_open_ticket(tsr_coap *c, tsr_coap_peer peer, uint32_t seen);
void tsr_coap_send_again(tsr_coap *c, tsr_coap_slot *s, bool same_token);
void tsr_coap_deliver(tsr_coap *c, tsr_coap_slot *s);

/* blocks.c: reached through a table only, so that a small device is linked without it. Where there
 * is no table there is no body. */
struct tsr_coap_blocks {
    uint32_t (*key)(const tsr_coap_msg *msg);
    uint32_t (*fetch_hash)(const tsr_coap_msg *msg); /* 0: no FETCH with a payload */
    void (*free)(tsr_coap *c, uint32_t body);
    uint8_t (*store)(tsr_coap *c, tsr_coap_peer peer, uint32_t key, uint32_t *body);
    bool (*serve)(tsr_coap *c, tsr_coap_peer peer, uint32_t seen, uint32_t key);
    tsr_err (*offer)(tsr_coap *c, const tsr_coap_slot *s, const tsr_coap_response *r,
                     tsr_bytes etag);
    tsr_err (*upload)(tsr_coap *c, tsr_coap_slot *s, tsr_bytes payload);
    void (*upload_again)(const tsr_coap *c, tsr_coap_slot *s);
    bool (*upload_next)(tsr_coap *c, tsr_coap_slot *s);
    void (*take_block2)(tsr_coap *c, tsr_coap_slot *s);
    tsr_err (*collect)(tsr_coap *c, tsr_coap_slot *s); /* adds a block; TSR_END: the last */
    void (*ask_next)(tsr_coap *c, tsr_coap_slot *s);
};

/* guard.c: reached through a table only, so that an engine without a guard is linked without it */
struct tsr_coap_guarding {
    /* c->msg becomes what was inside; false: it is not to be taken, and answered if need be */
    bool (*request)(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram);
    bool (*response)(tsr_coap *c, tsr_coap_peer peer, tsr_coap_slot *s, uint32_t watch,
                     tsr_bytes datagram);
    void (*opened)(tsr_coap *c, const tsr_coap_slot *ticket);
    void (*notice)(tsr_coap *c, const tsr_coap_slot *s);
    void (*watching)(tsr_coap *c, uint32_t watch);
    /* an answer at once; NULL: to the request that has no ticket */
    tsr_err (*seal)(tsr_coap *c, tsr_coap_peer peer, const tsr_coap_slot *ticket, tsr_buf *out);
    /* a message of a slot, once more if it was sent before */
    tsr_err (*write)(tsr_coap *c, const tsr_coap_slot *s, tsr_buf *out);
};

/* streams.c: reached through a table only, so that an engine without streams is linked without them.
 * The time of the call is in now_ms; the ticket comes first, so that all fits into registers. */
struct tsr_coap_streaming {
    /* of a peer whose line says `stream` */
    tsr_err (*request)(tsr_coap *c, tsr_coap_peer peer, const tsr_coap_request *r, tsr_coap_id *id);
    tsr_err (*notify)(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token, uint32_t sequence, bool acked,
                      const tsr_coap_response *r, tsr_coap_id *id);
    tsr_err (*ping)(tsr_coap *c, tsr_coap_peer peer, uint64_t user, tsr_coap_id *id);
    tsr_err (*forget)(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token);
    void (*gone)(tsr_coap *c, tsr_coap_peer peer);
    /* of any exchange */
    tsr_err (*respond)(tsr_coap_id ticket, tsr_coap *c, const tsr_coap_response *r);
    tsr_err (*cancel)(tsr_coap *c, tsr_coap_id id);
    bool (*next)(tsr_coap *c); /* makes an event of a stream the next one */
};

static inline tsr_coap_id tsr_coap_slot_id(const tsr_coap_slot *s)
{
    return (uint64_t)s->generation << 32 | s->timer.id;
}

static inline tsr_bytes tsr_coap_slot_token(const tsr_coap_slot *s)
{
    return (tsr_bytes){ s->token, s->token_len };
}

static inline void tsr_coap_slot_name(tsr_coap_slot *s, tsr_bytes token)
{
    s->token_len = (uint8_t)token.len;
    if (token.len != 0)
        memcpy(s->token, token.ptr, token.len);
}

/* Whether a critical option came that nobody here can process. RFC 7252 §5.4.1 */
static inline bool tsr_coap_refused(const tsr_coap *c)
{
    return tsr_coap_msg_refused(&c->msg, c->config.critical, c->config.critical_count);
}

#endif
