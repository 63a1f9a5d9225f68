/* SPDX-License-Identifier: Apache-2.0
 *
 * CoAP over a reliable stream (TCP, TLS): one connection, both roles, without I/O, clock or heap
 * (RFC 8323; RFC 7252, 7641, 7959 and 8132 where they hold for streams).
 *
 *     tsr_coap_stream_open(c, now)              the link is up, whoever connected
 *     tsr_coap_stream_feed(c, &bytes, now)      bytes came in; takes them off the front
 *     tsr_coap_stream_event_next(c, &event)     what happened, as in tessera/coap/engine.h
 *     tsr_coap_stream_poll(c, &bytes, now)      what to send; TSR_END: nothing now
 *     tsr_coap_stream_due_ms(c)                 poll again by then
 *
 * A host's loop:
 *
 *     while there is input: feed, all events (answering requests on the way)
 *     poll until TSR_END or until the link is full, all events again
 *     tsr_coap_stream_over(c): close the link; when it breaks or is closed: tsr_coap_stream_closed
 *     sleep until due_ms, input or, after a full link, room for output
 *
 * Requests, responses and events are those of the engine for datagrams, so that a layer above can
 * have either below it. There are no retransmissions, and nothing is confirmable: `non` counts for
 * nothing, and a notification is ACKED when the link has taken its last byte (RFC 8323 §7.2). A
 * connection is one context; its number, config.peer, is in every event.
 *
 * A message that the peer cannot take whole goes in blocks, larger than 1024 bytes if it can take
 * those (BERT, RFC 8323 §6), smaller or not at all according to what its CSM said. */
#ifndef TESSERA_COAP_STREAM_H
#define TESSERA_COAP_STREAM_H

#include "tessera/coap/engine.h"
#include "tessera/coap/frame.h"

/** How much of everything; tsr_coap_stream_memory() says what that costs. */
typedef struct {
    tsr_coap_peer peer;    /* comes back in the events */
    uint32_t exchanges;    /* open at a time, both directions together; 1 to 65535 */
    uint32_t exchange_len; /* bytes for one's options and short payload; 64 to 65535 */
    uint32_t bodies;       /* payloads beyond that, and bodies in blocks, at a time */
    uint32_t body_len;     /* bytes of one body */
    /* the largest message to receive, 64 at least: our Max-Message-Size. Above 1152, and with
     * bodies, it offers BERT to the peer: n * 1024 + 256 suits it (RFC 8323 §5.3.2) */
    uint32_t message_len;
    uint32_t out_len; /* bytes on their way to the link; exchange_len + 192 at least. Also the most
                         that one message of ours may have */
    uint32_t watches; /* observations of ours on the peer; 0 on a device */
    uint32_t watch_len;       /* as in tsr_coap_config */
    uint64_t seed;            /* from a good random source, new at every start: tokens */
    const uint16_t *critical; /* further critical options the application processes */
    size_t critical_count;
    uint32_t response_wait_ms; /* for a response; 0: 247000 */
    uint32_t body_ms;          /* a half-received or offered body is kept so long; 0: 247000 */
    uint32_t csm_ms;           /* for the peer's first message; 0: 30000 */
    uint32_t stall_ms; /* bytes wait and the link takes none; or the peer does not close what
                          we released; then it is given up; 0: 120000 */
} tsr_coap_stream_config;

typedef enum {
    TSR_COAP_STREAM_IDLE,    /* no link */
    TSR_COAP_STREAM_OPENING, /* the peer's CSM is to come; requests may be made already */
    TSR_COAP_STREAM_OPEN,
    TSR_COAP_STREAM_RELEASING, /* one of both sent Release: what is open ends, nothing new begins */
    TSR_COAP_STREAM_CLOSING,   /* poll until TSR_END, then close the link */
} tsr_coap_stream_state;

/** Counters since init, modulo 2^32. */
typedef struct {
    uint32_t in, out; /* messages */
    uint32_t ignored; /* Empty ones, unknown signals, responses that nobody waits for */
    uint32_t refused; /* requests answered 5.03 for want of an exchange or body */
} tsr_coap_stream_stats;

/* Storage, laid out by tsr_coap_stream_init in the caller's memory; private. */
typedef struct tsr_coap_stream_slot tsr_coap_stream_slot;
typedef struct tsr_coap_stream_body tsr_coap_stream_body;
typedef struct tsr_coap_stream_watch tsr_coap_stream_watch;
typedef struct tsr_coap_stream_observing tsr_coap_stream_observing;

typedef struct {
    /* public, read only */
    tsr_coap_stream_state state;
    tsr_err why; /* CLOSING: TSR_END after a Release; TSR_E_MALFORMED what the peer sent;
                    TSR_E_SPACE a message above message_len; TSR_E_DENIED the peer aborted;
                    TSR_E_IO no CSM, or a link that takes nothing */
    /* of the peer's Release or Abort (RFC 8323 §5.5, RFC 8323 §5.6): views live until the next
     * feed. RFC 8323 §10.1: trust in this peer is no trust in the alternative address */
    tsr_coap_num hold_off_s;
    tsr_bytes alternative, diagnostic;
    uint32_t peer_message_len; /* its Max-Message-Size */
    bool peer_blocks;          /* it said that it can do block-wise transfer, or did it */
    tsr_coap_stream_stats stats;
    /* private */
    bool csm_seen, bert_said, event_ready, held, custody;
    uint8_t custody_len;
    uint8_t custody_token[TSR_COAP_TOKEN_MAX];
    uint32_t custody_before; /* generation of the ticket after those the Ping asks about */
    tsr_coap_stream_slot *slots;
    tsr_coap_stream_body *bodies;
    tsr_coap_stream_watch *watches;
    const tsr_coap_stream_observing *observing;
    uint8_t *slot_bytes, *body_bytes, *watch_bytes, *in, *out;
    size_t out_at, out_end;
    uint32_t out_count; /* bytes ever polled, modulo 2^32 */
    uint32_t free_slot, wait_first, wait_last, done_first, done_last;
    uint32_t event_body, lent_body, body_hand;
    uint32_t generation, notices;
    uint64_t draws, now_ms;
    tsr_timers timers;
    tsr_timer csm_timer, stall_timer;
    tsr_coap_deframer deframer;
    tsr_coap_frame frame;
    tsr_coap_msg msg;
    tsr_coap_event event;
    uint8_t event_token[TSR_COAP_TOKEN_MAX];
    tsr_coap_stream_config config;
} tsr_coap_stream;

/** How much memory a configuration needs, in bytes; 0 when it is out of range. */
size_t tsr_coap_stream_memory(const tsr_coap_stream_config *config);

/** Places an engine in the caller's memory, without a link.
 *
 *  units   memory_len at least tsr_coap_stream_memory(config); aligned for uint64_t and pointers
 *  owner   memory and config->critical stay the caller's, and must outlive the context
 *  errors  TSR_E_ARGUMENT  a value out of range, or memory misaligned
 *          TSR_E_SPACE     memory_len too small */
tsr_err tsr_coap_stream_init(tsr_coap_stream *c, const tsr_coap_stream_config *config, void *memory,
                             size_t memory_len);

/** The same for an endpoint that observes nobody, such as an LwM2M device: requests with .observe
 *  give TSR_E_UNSUPPORTED, and the linker leaves out what only observers need. */
tsr_err tsr_coap_stream_init_device(tsr_coap_stream *c, const tsr_coap_stream_config *config,
                                    void *memory, size_t memory_len);

/** A link is up: begins with our CSM, which is what poll gives first. RFC 8323 §3.3, RFC 8323 §5.3
 *  errors  TSR_E_STATE  there is a link already: tsr_coap_stream_closed first */
tsr_err tsr_coap_stream_open(tsr_coap_stream *c, uint64_t now_ms);

/** The link is down, whoever closed it: requests, notifications and pings get GONE events, tickets,
 *  bodies, observations and output go silently (RFC 8323 §3.4, RFC 8323 §7.4). */
void tsr_coap_stream_closed(tsr_coap_stream *c);

/** Takes bytes off the front of `in`, up to the end of the first message that makes an event or
 *  changes the state; so feed again while in->len is not 0. What breaks the protocol is answered
 *  with Abort and is no error here: see state and why.
 *
 *  source  RFC 8323 §3.2 to RFC 8323 §3.4, RFC 8323 §5, RFC 8323 §6
 *  owner   the bytes are copied
 *  errors  TSR_E_STATE  an event is unread: call tsr_coap_stream_event_next until false
 *          TSR_E_SPACE  what has to be answered finds no room for output: poll, then feed the rest
 *                       (even when in->len is 0 by now). Meanwhile read nothing from the link, so
 *                       that the peer feels it too */
tsr_err tsr_coap_stream_feed(tsr_coap_stream *c, tsr_bytes *in, uint64_t now_ms);

/** Adds bytes to send to a writer, as many as it has room for.
 *  owner   they are the caller's now: what the link does not take has to be kept
 *  errors  TSR_END  nothing to send now */
tsr_err tsr_coap_stream_poll(tsr_coap_stream *c, tsr_buf *bytes, uint64_t now_ms);

/** Takes the next event; false when there is none. Views live until the next feed, with one
 *  exception: the body of a REQUEST that came in blocks lives until its respond or cancel. */
bool tsr_coap_stream_event_next(tsr_coap_stream *c, tsr_coap_event *event);

/** Forgets what came in and was taken: a key may have been among it. Views of the last event end.
 *  Does nothing while an event is unread, or a message waits for room. */
void tsr_coap_stream_wipe(tsr_coap_stream *c);

/** Whether there are bytes to poll. */
static inline bool tsr_coap_stream_waits(const tsr_coap_stream *c)
{
    return c->out_end != c->out_at;
}

/** Whether all is said and the link is to be closed. */
static inline bool tsr_coap_stream_over(const tsr_coap_stream *c)
{
    return c->state == TSR_COAP_STREAM_CLOSING && c->out_end == c->out_at;
}

/** When to poll again at the latest, for the sake of time alone; UINT64_MAX: never. */
uint64_t tsr_coap_stream_due_ms(const tsr_coap_stream *c);

/** Sends a request; exactly one RESPONSE, TIMEOUT, GONE or FAILED event with this id follows.
 *
 *  source  RFC 8323 §3.3, RFC 8323 §6, RFC 8323 §7.4; RFC 7959 §2.4 and RFC 7959 §2.5
 *  owner   everything is copied
 *  note    to end an observation send observe 1 with its token (RFC 8323 §7.4)
 *  errors  TSR_E_SPACE     no exchange, body or observation free, or it does not fit
 *          TSR_E_ARGUMENT  bad method, token length or option order
 *          TSR_E_EXISTS    a request with that token is open
 *          TSR_E_STATE     no link, or it is being released */
tsr_err tsr_coap_stream_request(tsr_coap_stream *c, const tsr_coap_request *request,
                                uint64_t now_ms, tsr_coap_id *id);

/** Answers a request. Every ticket must be answered or cancelled.
 *
 *  owner   everything is copied
 *  errors  TSR_E_NOT_FOUND  the ticket is over
 *          TSR_E_SPACE      it does not fit, or the peer does no blocks: answer 5.00 or 4.13
 *          TSR_E_ARGUMENT   code that is no response, bad option order */
tsr_err tsr_coap_stream_respond(tsr_coap_stream *c, tsr_coap_id ticket,
                                const tsr_coap_response *response, uint64_t now_ms);

/** Sends a notification to an observer; the caller keeps the list of observers. `acked`: ACKED (the
 *  link has it) or GONE follows with response->user and *id; else nothing does.
 *
 *  source  RFC 8323 §7.1 and RFC 8323 §7.2
 *  units   sequence: 24 bits; peers ignore it, proxies to datagrams may not
 *  errors  TSR_E_SPACE, TSR_E_ARGUMENT, TSR_E_STATE as for a request */
tsr_err tsr_coap_stream_notify(tsr_coap_stream *c, tsr_bytes token, uint32_t sequence, bool acked,
                               const tsr_coap_response *response, uint64_t now_ms, tsr_coap_id *id);

/** Gives up an exchange of any kind, without an event. A ticket is dropped unanswered.
 *  errors  TSR_E_NOT_FOUND  it is over already */
tsr_err tsr_coap_stream_cancel(tsr_coap_stream *c, tsr_coap_id id);

/** Sends a Ping: RESET (the Pong, as with datagrams), ACKED (a Pong with Custody: the peer has
 *  processed all that came before), TIMEOUT or GONE follows with `user`.
 *
 *  source  RFC 8323 §5.4
 *  errors  TSR_E_SPACE, TSR_E_STATE */
tsr_err tsr_coap_stream_ping(tsr_coap_stream *c, bool custody, uint64_t now_ms, uint64_t user,
                             tsr_coap_id *id);

/** Asks the peer to close once all is answered. `alternative` (NULL: none): where to go instead;
 *  `hold_off`: not before so many seconds (24 bits).
 *
 *  source  RFC 8323 §5.5
 *  errors  TSR_E_SPACE     no room for output now: try again after poll
 *          TSR_E_STATE     no link, or it is being released
 *          TSR_E_ARGUMENT  alternative empty or above 64 bytes */
tsr_err tsr_coap_stream_release(tsr_coap_stream *c, const char *alternative, tsr_coap_num hold_off,
                                uint64_t now_ms);

/** Forgets an observation of ours without a word; what still comes is ignored.
 *  errors  TSR_E_NOT_FOUND */
tsr_err tsr_coap_stream_observe_forget(tsr_coap_stream *c, tsr_bytes token);

#endif
