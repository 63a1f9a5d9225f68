/* SPDX-License-Identifier: Apache-2.0
 *
 * The CoAP engine: reliability, deduplication, block-wise transfer and observation for both roles,
 * without I/O, clock or heap (RFC 7252, 7641, 7959, 8132).
 *
 *     tsr_coap_feed(c, peer, datagram, now)     a datagram came in; then take its events at once
 *     tsr_coap_event_next(c, &event)            what happened
 *     tsr_coap_poll(c, &peer, &datagram, now)   what to send; TSR_END: nothing now
 *     tsr_coap_due_ms(c)                        poll again by then
 *
 * The order in a host's loop: feed, all events (answering requests on the way), poll until TSR_END,
 * all events again (poll makes TIMEOUT events), sleep until due_ms or input.
 *
 * A peer is a number below config.peers that the caller gives to an address; the engine never sees
 * addresses. The cost of a message does not depend on how many peers there are: look-ups are hashed
 * or walk that peer's own open exchanges, timers are a heap. */
#ifndef TESSERA_COAP_ENGINE_H
#define TESSERA_COAP_ENGINE_H

#include "tessera/base/hash.h"
#include "tessera/base/timer.h"
#include "tessera/coap/message.h"

typedef uint32_t tsr_coap_peer;

/** An open exchange: a request we sent, a request to answer (a ticket), or a notification. 0: none.
 *  A number is never used twice, so that a late call with an old one finds nothing. */
typedef uint64_t tsr_coap_id;

/** Transmission parameters. RFC 7252 §4.8; tsr_coap_params_default() gives the RFC's values, and so
 *  does a struct that is all zero. */
typedef struct {
    uint32_t ack_timeout_ms;      /* ACK_TIMEOUT, 2000 */
    uint32_t ack_random_permille; /* ACK_RANDOM_FACTOR, 1500 */
    uint8_t max_retransmit;       /* MAX_RETRANSMIT, 4; 0 sends once */
    uint8_t nstart;               /* NSTART, 1: open CON interactions per peer; more are queued */
    uint8_t szx; /* largest block we send or ask for: 16 << szx bytes; 0 to 6, default 6 */
    uint32_t exchange_lifetime_ms; /* EXCHANGE_LIFETIME, 247000 */
    uint32_t non_lifetime_ms;      /* NON_LIFETIME, 145000 */
    uint32_t ack_delay_ms;         /* a CON not answered by then gets an empty ACK; 500 */
    uint32_t response_wait_ms;     /* after the peer's empty ACK, or after a NON request; 247000 */
    uint32_t body_ms;              /* a half-received or offered body is kept so long; 247000 */
} tsr_coap_params;

tsr_coap_params tsr_coap_params_default(void);

/** How much of everything; tsr_coap_memory() says what that costs. */
typedef struct {
    uint32_t peers;     /* peer numbers 0 .. peers-1 */
    uint32_t exchanges; /* open at a time, both directions together */
    /* bytes for one's options and payload, 64 to 65535. Longer payloads go by blocks; a block of a
     * separate response or notification must fit too, so 16 << szx plus 128 is a good choice.
     * Piggybacked responses do not need it */
    uint32_t exchange_len;
    uint32_t bodies;      /* block-wise bodies at a time; 0: no block-wise transfer */
    uint32_t body_len;    /* bytes of one body */
    uint32_t peer_bodies; /* at most so many for one peer; 0: no such limit */
    uint32_t seen; /* messages remembered to detect duplicates: messages/s times 247 s, or fewer */
    uint32_t log_len; /* bytes of answers waiting to be sent or kept for duplicates; at least 256 */
    uint32_t watches; /* observations of ours on others; 0 on a device */
    /* bytes for the options of an observed request, to fetch a long notification block by block;
     * 0: such notifications arrive with .partial set */
    uint32_t watch_len;
    bool hold; /* a CON notification is acknowledged with tsr_coap_observe_settle only */
    uint64_t seed; /* from a good random source, new at every start: tokens, message ids, jitter */
    /* further critical options the application processes (as 9, OSCORE) */
    const uint16_t *critical;
    size_t critical_count;
    tsr_coap_params params;
} tsr_coap_config;

typedef enum {
    TSR_COAP_REQUEST,      /* answer with tsr_coap_respond(id): now, or later */
    TSR_COAP_RESPONSE,     /* the final answer, of any code, to a request of ours */
    TSR_COAP_NOTIFICATION, /* a fresh one, in order, for an observation of ours */
    TSR_COAP_ACKED,        /* the peer has our confirmable notification or separate response */
    TSR_COAP_RESET,        /* the peer rejected our message: an observer is gone (RFC 7641 §3.6) */
    TSR_COAP_TIMEOUT,      /* no ACK after all retransmissions, or no response in time */
    TSR_COAP_GONE,         /* tsr_coap_peer_gone ended this exchange */
    TSR_COAP_FAILED,       /* err: TSR_E_SPACE body longer than config.body_len or no body free,
                              TSR_E_MALFORMED blocks that do not fit together,
                              TSR_E_UNSUPPORTED critical option in the response */
} tsr_coap_event_kind;

/** What happened. Views live until the next call of feed, poll or event_next, with one exception:
 *  the body of a block-wise REQUEST lives until its respond, cancel or peer_gone. */
typedef struct {
    tsr_coap_event_kind kind;
    tsr_coap_peer peer;
    /* the ticket of a REQUEST; of a NOTIFICATION 0, or what is to be settled (config.hold); else what
     * request or notify gave (0 after a NON) */
    tsr_coap_id id;
    uint64_t user;  /* as given in the request or response, or to observe_adopt */
    /* REQUEST, RESPONSE, NOTIFICATION: the message (last block); else NULL */
    const tsr_coap_msg *msg;
    tsr_bytes body;  /* the whole body, whether it came in one datagram or in blocks */
    tsr_bytes token; /* of the exchange; for an observation, its lasting token */
    uint64_t key;    /* REQUEST: names method, path, queries (without block-wise transfer: the block
                        size only); see tsr_coap_response.key */
    tsr_err err;     /* FAILED */
    bool observing;  /* RESPONSE, NOTIFICATION: the observation goes on */
    bool partial;    /* NOTIFICATION: body is the first block only; GET the resource for the rest */
} tsr_coap_event;

typedef struct {
    uint8_t method;            /* TSR_COAP_GET ... TSR_COAP_IPATCH */
    bool non;                  /* send as NON; block-wise requests are CON all the same */
    const char *path;          /* "/rd/5a3f"; or NULL and: */
    const tsr_bytes *segments; /* Uri-Path segments */
    size_t segment_count;
    const tsr_bytes *queries; /* each "name=value" */
    size_t query_count;
    tsr_coap_num observe;        /* 0 registers (GET, FETCH); 1 cancels: give .token too */
    tsr_coap_num content_format; /* of the payload */
    tsr_coap_num accept;
    tsr_bytes etag;     /* ptr NULL: none */
    tsr_bytes if_match; /* ptr NULL: none; empty is allowed */
    bool if_none_match;
    tsr_bytes token;           /* ptr NULL: the engine makes a fresh one of 8 bytes */
    const tsr_coap_opt *extra; /* further options, numbers ascending */
    size_t extra_count;
    tsr_bytes payload; /* any length up to config.body_len; copied */
    uint64_t user;
} tsr_coap_request;

typedef struct {
    uint8_t code;
    bool non;             /* a separate response goes as NON */
    tsr_coap_num observe; /* in the first answer to an observe request that is accepted */
    tsr_coap_num content_format;
    tsr_coap_num max_age;
    tsr_bytes etag;            /* ptr NULL: none (a body in blocks gets one made from its bytes) */
    const char *location;      /* Location-Path as text, "/rd/5a3f"; NULL: none */
    const tsr_coap_opt *extra; /* further options, numbers ascending */
    size_t extra_count;
    tsr_bytes payload; /* any length up to config.body_len; copied */
    uint64_t key;      /* notify only: event.key of the observe request, so that the rest of a long
                          notification is served from the same bytes; 0: the follow-up requests
                          arrive as REQUEST events with msg->block2.num above 0 and are answered
                          with the whole body */
    uint64_t user;     /* comes back in ACKED, RESET and TIMEOUT of a separate response or notification */
} tsr_coap_response;

/** Counters since init, modulo 2^32. */
typedef struct {
    uint32_t in, out;    /* datagrams */
    uint32_t duplicates; /* detected and not handed to the application again */
    uint32_t retransmitted;
    uint32_t ignored;    /* dropped silently: version, stray ACK, malformed NON, ... */
    uint32_t rejected;   /* answered with RST */
    uint32_t seen_early; /* duplicates forgotten before their lifetime: config.seen is small */
    uint32_t unsent;     /* answers overwritten before they were polled: config.log_len is small */
    uint32_t refused;    /* requests answered 5.03 for want of an exchange or body */
} tsr_coap_stats;

/* Storage, laid out by tsr_coap_init in the caller's memory; private. */
typedef struct tsr_coap_slot tsr_coap_slot;
typedef struct tsr_coap_body tsr_coap_body;
typedef struct tsr_coap_seen tsr_coap_seen;
typedef struct tsr_coap_watch tsr_coap_watch;
typedef struct tsr_coap_line tsr_coap_line;
typedef struct tsr_coap_observing tsr_coap_observing;
typedef struct tsr_coap_blocks tsr_coap_blocks;
typedef struct tsr_coap_guarding tsr_coap_guarding;
typedef struct tsr_coap_streams tsr_coap_streams;

/** Takes some bodies block by block as they come, instead of whole: those too long to be held. */
typedef struct {
    /** One block of a request with Block1, of the right length for its place.
     *
     *  source   RFC 7959 §2.9.1, RFC 9175 §3.3
     *  units    key: names the request, but for its low 3 bits: blocks with another belong to another
     *  returns  the code to answer with, 2.31 as long as msg->block1.more; TSR_COAP_EMPTY: this
     *           body is not for the sink, and is collected as others are
     *  note     called from inside feed; blocks may be missing, or begin again */
    uint8_t (*block)(void *user, tsr_coap_peer peer, const tsr_coap_msg *msg, uint32_t key);
    void *user;
} tsr_coap_sink;

typedef struct {
    /* private but for `stats`; in an order that lets a Cortex-M reach most of it with short
     * instructions */
    bool event_ready;
    tsr_coap_line *lines;
    tsr_coap_slot *slots;
    tsr_coap_body *bodies;
    tsr_coap_seen *seen;
    const tsr_coap_observing *observing;
    const tsr_coap_blocks *blocks;
    const tsr_coap_guarding *guarding; /* NULL: no guard (tessera/coap/guard.h) */
    tsr_coap_streams *streams; /* NULL: every peer is one of datagrams (tessera/coap/streams.h) */
    size_t guard_more; /* what it adds to a message */
    uint8_t *log;
    uint32_t log_head, log_lap; /* write here; times wrapped */
    uint32_t free_slot, free_body;
    uint32_t done_first, done_last;
    uint32_t event_body, lent_body;
    tsr_coap_stats stats; /* public, read only */
    uint8_t *slot_bytes, *body_bytes;
    uint32_t log_end;                /* where the last lap ended */
    uint32_t log_sent, log_sent_lap; /* next to send */
    tsr_coap_watch *watches;
    uint8_t *watch_bytes;
    uint32_t free_watch;
    uint64_t now_ms; /* of the call that is running */
    tsr_timers timers;
    tsr_index seen_index, watch_index;
    tsr_coap_msg msg;
    tsr_coap_event event;
    uint32_t generation;
    uint32_t body_hand;
    uint32_t seen_at; /* the place in the ring to use next */
    uint32_t tags;    /* Request-Tags used */
    uint64_t draws;
    uint64_t mix; /* of hashes */
    uint8_t event_token[TSR_COAP_TOKEN_MAX];
    tsr_coap_config config;
    const struct tsr_coap_guard_calls *guard;
    void *guard_state;
    /* public: set it after init; NULL: every body is collected. The small engine has none */
    const tsr_coap_sink *sink;
} tsr_coap;

/** How much memory a configuration needs, in bytes; 0 when it is out of range. */
size_t tsr_coap_memory(const tsr_coap_config *config);

/** Places an engine in the caller's memory.
 *
 *  units   memory_len at least tsr_coap_memory(config); memory aligned for uint64_t and pointers
 *  owner   memory and config->critical stay the caller's, and must outlive the context
 *  errors  TSR_E_ARGUMENT  a value out of range (tsr_coap_memory gives 0), or memory misaligned
 *          TSR_E_SPACE     memory_len too small
 */
tsr_err tsr_coap_init(tsr_coap *c, const tsr_coap_config *config, void *memory, size_t memory_len);

/** The same for an endpoint that observes nobody, such as an LwM2M device: requests with .observe
 *  give TSR_E_UNSUPPORTED, and the linker leaves out what only observers need. */
tsr_err tsr_coap_init_device(tsr_coap *c, const tsr_coap_config *config, void *memory,
                             size_t memory_len);

/** The same without block-wise transfer, for a small device: a body has to fit into one message. A
 *  long answer to a GET still goes block by block, since each of its requests is answered anew
 *  (RFC 7959 §2.4); bodies that come in blocks are refused with 4.13. */
tsr_err tsr_coap_init_small(tsr_coap *c, const tsr_coap_config *config, void *memory,
                            size_t memory_len);

/** Takes one datagram from a peer. Bad datagrams are answered or dropped as the RFC says and are no
 *  error.
 *
 *  source  RFC 7252 §4 and RFC 7252 §5, RFC 7641 §3.4 to RFC 7641 §3.6, RFC 7959 §2
 *  owner   datagram must stay untouched until its event was handled
 *  errors  TSR_E_STATE     an event is unread: call tsr_coap_event_next until false
 *          TSR_E_ARGUMENT  peer not below config.peers
 */
tsr_err tsr_coap_feed(tsr_coap *c, tsr_coap_peer peer, tsr_bytes datagram, uint64_t now_ms);

/** Writes the next datagram to send.
 *
 *  units   datagram: an empty writer; exchange_len + 64, or the block size + exchange_len, is
 *          always enough
 *  errors  TSR_END      nothing to send now
 *          TSR_E_SPACE  the writer is too small; the datagram is dropped (retransmission may
 *                       follow)
 */
tsr_err tsr_coap_poll(tsr_coap *c, tsr_coap_peer *peer, tsr_buf *datagram, uint64_t now_ms);

/** Takes the next event; false when there is none. */
bool tsr_coap_event_next(tsr_coap *c, tsr_coap_event *event);

/** The same without a copy: it lives as long as its views do. NULL: none. */
const tsr_coap_event *tsr_coap_event_take(tsr_coap *c);

/** Whether there is an event. */
static inline bool tsr_coap_event_waits(const tsr_coap *c)
{
    return c->event_ready || c->done_first != TSR_NONE;
}

/** When to poll again at the latest; 0 when something waits to be sent; UINT64_MAX: never. Costs
 *  O(1). */
uint64_t tsr_coap_due_ms(const tsr_coap *c);

/** Sends a request. Long payloads go block by block (Block1), long answers are collected (Block2);
 *  exactly one RESPONSE, RESET, TIMEOUT, GONE or FAILED event with this id follows.
 *
 *  source  RFC 7252 §5.2, RFC 7959 §2.5 and RFC 7959 §2.4, RFC 7641 §3.1
 *  owner   everything is copied
 *  note    request->payload longer than a block is kept in a body until the last block is sent
 *  errors  TSR_E_SPACE     no exchange, body or observation free, or it does not fit: try again
 *                          later
 *          TSR_E_ARGUMENT  bad peer, method, token length or option order
 *          TSR_E_EXISTS    a request with that token is open
 *  note    observe 0 with the token of an observation renews it
 */
tsr_err tsr_coap_request_send(tsr_coap *c, tsr_coap_peer peer, const tsr_coap_request *request,
                              uint64_t now_ms, tsr_coap_id *id);

/** Gives up an exchange of any kind, without an event. A ticket is dropped unanswered.
 *  errors  TSR_E_NOT_FOUND  it is over already */
tsr_err tsr_coap_cancel(tsr_coap *c, tsr_coap_id id);

/** Answers a request: piggybacked when its ACK is not sent yet, else as a separate message with
 *  retransmission. Every ticket must be answered or cancelled.
 *
 *  source  RFC 7252 §5.2.1 and RFC 7252 §5.2.2, RFC 7959 §2.4
 *  owner   everything is copied
 *  errors  TSR_E_NOT_FOUND  the ticket is over
 *          TSR_E_SPACE      the answer does not fit; the ticket is still open: answer 5.00 or 4.13
 *          TSR_E_ARGUMENT   code that is no response, bad option order
 */
tsr_err tsr_coap_respond(tsr_coap *c, tsr_coap_id ticket, const tsr_coap_response *response,
                         uint64_t now_ms);

/** Sends the empty ACK of a request now, because the answer will take a while. RFC 7252 §5.2.2
 *  errors  TSR_E_NOT_FOUND  the ticket is over */
tsr_err tsr_coap_defer(tsr_coap *c, tsr_coap_id ticket);

/** Sends a notification to an observer; the caller keeps the list of observers (peer, token).
 *  CON: ACKED, RESET, TIMEOUT or GONE follows with response->user and *id.
 *  NON: RESET may follow, with response->user and id 0 (as *id), for as long as config.seen remembers it.
 *
 *  source  RFC 7641 §4.2 to RFC 7641 §4.5, RFC 7959 §2.6 (only the first block of a long body is
 *          sent)
 *  units   sequence: growing; 24 bits of it are told
 *  errors  TSR_E_SPACE      no exchange free: try again later
 *          TSR_E_ARGUMENT   bad peer, token or option order
 */
tsr_err tsr_coap_notify(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token, uint32_t sequence,
                        bool con, const tsr_coap_response *response, uint64_t now_ms, tsr_coap_id *id);

/** Forgets an observation of ours; the next notification is rejected with RST (RFC 7641 §3.6).
 *  errors  TSR_E_NOT_FOUND */
tsr_err tsr_coap_observe_forget(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token);

/** With config.hold: acknowledges a CON notification that the caller has kept; or not, and when it is
 *  repeated it is a new one. Until then nothing is answered to its duplicates. One that is told in part
 *  only at first, since the rest has to be fetched, is acknowledged at once, and so is one that is not
 *  told because it is old; one for which no exchange is free is as if it were lost.
 *
 *  source  RFC 7252 §4.2, RFC 7641 §4.5: the peer repeats it until it is acknowledged
 *  errors  TSR_E_NOT_FOUND  it is over, as after tsr_coap_peer_gone
 */
tsr_err tsr_coap_observe_settle(tsr_coap *c, tsr_coap_id held, bool kept);

/** Takes up an observation that was made before a restart. `request` (or NULL) is what was
 *  observed; it is needed only to fetch notifications longer than a block.
 *  errors  TSR_E_SPACE  no observation free;  TSR_E_EXISTS;  TSR_E_ARGUMENT */
tsr_err tsr_coap_observe_adopt(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token,
                               const tsr_coap_request *request, uint64_t user);

/** Ends everything of a peer: requests and notifications get GONE events, tickets, bodies and
 *  observations go silently. Cost: that peer's entries. The number can be given to another peer
 *  once the events are read. */
void tsr_coap_peer_gone(tsr_coap *c, tsr_coap_peer peer);

/** Message IDs to `peer` count up from `first`, not from where this engine would begin: for one who
 *  meets an endpoint through several engines, or anew under each address that it comes from. That
 *  endpoint takes what has an ID of the last EXCHANGE_LIFETIME for a duplicate.
 *
 *  source  RFC 7252 §4.4
 */
void tsr_coap_mids_from(tsr_coap *c, tsr_coap_peer peer, uint16_t first);

/** Sends an empty CON; RESET (the pong) or TIMEOUT follows with `user`. RFC 7252 §4.3
 *  errors  TSR_E_SPACE, TSR_E_ARGUMENT */
tsr_err tsr_coap_ping(tsr_coap *c, tsr_coap_peer peer, uint64_t now_ms, uint64_t user,
                      tsr_coap_id *id);

#endif
