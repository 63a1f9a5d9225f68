/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to this room: the tables of the engine for streams, and what its files offer each other.
 *
 *   stream.c          opening, feed, poll, events, closing
 *   stream_store.c    memory layout, slots, bodies
 *   stream_send.c     slots into frames, what waits for room
 *   stream_signal.c   signalling in both directions
 *   stream_server.c   incoming requests, answers and notifications
 *   stream_client.c   our requests, their responses
 *   stream_observe.c  observations of ours on the peer */
#ifndef TESSERA_COAP_STREAM_IN_H
#define TESSERA_COAP_STREAM_IN_H

#include "tessera/coap/compose.h"
#include "tessera/coap/key.h"
#include "tessera/coap/stream.h"

typedef enum {
    STREAM_FREE,
    STREAM_TICKET,
    STREAM_REQUEST,
    STREAM_ANSWER, /* waits for room */
    STREAM_NOTICE,
    STREAM_PING,
    STREAM_DONE, /* only its event is left */
} stream_kind;

enum {
    S_WAITING = 1,     /* in the list of those that wait for room */
    S_SENT = 2,        /* a request or Ping: went out once; a notice: is in the output */
    S_UPLOAD = 4,      /* payload goes by Block1 */
    S_COLLECT = 8,     /* response comes by Block2 into the body */
    S_REST = 16,       /* fetches the rest of a notification; `watch` names the observation */
    S_OBSERVED = 32,   /* the first response carried Observe */
    S_ECHOED = 64,     /* sent again with the Echo option of a 4.01 */
    S_RESTARTED = 128, /* the representation changed once while we collected it */
    S_SIZE2 = 256,     /* a ticket: the size was asked for; then: it is told */
    S_LENT = 512,      /* the body is offered to the peer, and lent for this answer */
    S_ACKED = 1024,    /* a notice: ACKED is wanted; a Ping: with Custody */
    S_TAGGED = 2048,   /* has a Request-Tag */
};

struct tsr_coap_stream_slot {
    uint8_t kind, code, token_len;
    int8_t err;
    uint16_t flags;
    uint16_t options_len, payload_len, echo_len; /* in this order in the slot's bytes */
    tsr_timer timer;
    uint64_t user;
    uint32_t generation;
    uint32_t next; /* in the list of free, waiting or done ones */
    uint32_t body, watch;
    uint32_t sent;  /* upload: bytes the peer has; an answer out of a body: its place there */
    uint32_t chunk; /* of the body, at that place */
    uint32_t mark;  /* notice: count of output with its last byte */
    uint32_t key;   /* ticket: cache key of the request */
    uint32_t hash;  /* ticket: of the payload of a FETCH; collecting: of the first block's ETag */
    uint32_t size2;
    tsr_coap_num observe;
    tsr_coap_block block1, block2; /* to send; a ticket: as received */
    uint8_t token[TSR_COAP_TOKEN_MAX];
};

typedef enum {
    STREAM_BODY_FREE,
    STREAM_BODY_IN,
    STREAM_BODY_OUT,
    STREAM_BODY_HELD
} stream_body_kind;

struct tsr_coap_stream_body {
    tsr_timer timer;
    uint32_t key, len;
    uint32_t payload_hash; /* offered: the FETCH it answers; 0: any */
    uint32_t lent;         /* answers that wait with a part of it */
    uint16_t content_format;
    bool has_format;
    uint8_t etag_len, kind, code;
    uint8_t etag[8];
};

struct tsr_coap_stream_watch {
    uint64_t user;
    uint16_t options_len, payload_len;
    bool used;
    uint8_t method, token_len;
    uint8_t token[TSR_COAP_TOKEN_MAX];
};

/* stream_observe.c: reached through a table only, so that a device is linked without it */
struct tsr_coap_stream_observing {
    uint32_t (*find)(const tsr_coap_stream *c, tsr_bytes token);
    tsr_bytes (*token)(const tsr_coap_stream *c, uint32_t watch);
    void (*drop)(tsr_coap_stream *c, uint32_t watch);
    tsr_err (*request)(tsr_coap_stream *c, tsr_coap_stream_slot *s, const tsr_coap_request *r);
    void (*notification)(tsr_coap_stream *c, uint32_t watch);
};

/* Room kept free in the output, so that an Abort always finds some. */
#define STREAM_ABORT_ROOM 64u
/* What the engine answers by itself is never longer. */
#define STREAM_ANSWER_ROOM 64u
/* Of a message beside its own options, Echo and payload. */
#define STREAM_HEAD (TSR_COAP_FRAME_HEAD + TSR_COAP_OWN_MAX + 1u)

/* stream_store.c */
tsr_coap_stream_slot *tsr_coap_st_take(tsr_coap_stream *c, stream_kind kind);
void tsr_coap_st_free(tsr_coap_stream *c, tsr_coap_stream_slot *s);
tsr_coap_stream_slot *tsr_coap_st_of(tsr_coap_stream *c, tsr_coap_id id);
tsr_coap_stream_slot *tsr_coap_st_after(tsr_coap_stream *c, const tsr_coap_stream_slot *s,
                                        stream_kind kind);
void tsr_coap_st_finish(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_coap_event_kind kind,
                        tsr_err err);
uint8_t *tsr_coap_st_bytes(const tsr_coap_stream *c, const tsr_coap_stream_slot *s);
tsr_err tsr_coap_st_append(const tsr_coap_stream *c, const tsr_coap_stream_slot *s, tsr_bytes part);
void tsr_coap_st_wake(tsr_coap_stream *c, tsr_timer *timer, uint32_t after_ms);
uint32_t tsr_coap_st_body_take(tsr_coap_stream *c, stream_body_kind kind);
void tsr_coap_st_body_free(tsr_coap_stream *c, uint32_t body);
uint32_t tsr_coap_st_body_find(const tsr_coap_stream *c, stream_body_kind kind, uint32_t key);
tsr_bytes tsr_coap_st_body_view(const tsr_coap_stream *c, uint32_t body);
tsr_err tsr_coap_st_body_append(tsr_coap_stream *c, uint32_t body, tsr_bytes part);

/* stream_send.c */
size_t tsr_coap_st_limit(const tsr_coap_stream *c);
size_t tsr_coap_st_block(const tsr_coap_stream *c, size_t room, uint8_t *szx);
tsr_buf tsr_coap_st_out(tsr_coap_stream *c, size_t spare);
void tsr_coap_st_put(tsr_coap_stream *c, const tsr_buf *out);
bool tsr_coap_st_write(tsr_coap_stream *c, const tsr_coap_stream_slot *s, tsr_bytes payload);
void tsr_coap_st_launch(tsr_coap_stream *c, tsr_coap_stream_slot *s);
void tsr_coap_st_unwait(tsr_coap_stream *c, const tsr_coap_stream_slot *s);
void tsr_coap_st_pump(tsr_coap_stream *c);
void tsr_coap_st_polled(tsr_coap_stream *c);

/* stream_signal.c */
void tsr_coap_st_csm(tsr_coap_stream *c);
void tsr_coap_st_take_signal(tsr_coap_stream *c);
void tsr_coap_st_abort(tsr_coap_stream *c, tsr_err why, const char *text, tsr_coap_num bad_option);
void tsr_coap_st_settle(tsr_coap_stream *c);

/* stream.c */
tsr_coap_event *tsr_coap_st_event(tsr_coap_stream *c, tsr_coap_event_kind kind, tsr_bytes token);
void tsr_coap_st_end_all(tsr_coap_stream *c);

/* stream_server.c, stream_client.c: c->msg has been parsed */
void tsr_coap_st_take_request(tsr_coap_stream *c);
void tsr_coap_st_take_response(tsr_coap_stream *c);
tsr_err tsr_coap_st_collect(tsr_coap_stream *c, tsr_coap_stream_slot *s);
void tsr_coap_st_ask_next(tsr_coap_stream *c, tsr_coap_stream_slot *s);
void tsr_coap_st_name(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_bytes token);

static inline tsr_coap_id tsr_coap_st_id(const tsr_coap_stream_slot *s)
{
    return (uint64_t)s->generation << 32 | s->timer.id;
}

static inline tsr_bytes tsr_coap_st_token(const tsr_coap_stream_slot *s)
{
    return (tsr_bytes){ s->token, s->token_len };
}

/* Where a block begins: those of BERT count in 1024 bytes. RFC 8323 §6 */
static inline unsigned tsr_coap_st_shift(uint8_t szx) { return szx == 7 ? 10 : szx + 4u; }

/* Whether a critical option came that nobody here can process. RFC 7252 §5.4.1 */
static inline bool tsr_coap_st_refused(const tsr_coap_stream *c)
{
    return tsr_coap_msg_refused(&c->msg, c->config.critical, c->config.critical_count);
}

#endif
