/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE as the guard of a CoAP engine (tessera/coap/guard.h): which message belongs to which
 * context and exchange. Contexts are the host's; it says who has one.
 *
 *     tsr_oscore_guard_init(&g, &config, memory, len);
 *     tsr_coap_guard_set(&coap, &tsr_oscore_guard_calls, &g);
 *
 * A response is protected if and only if its request was. A notification without a known
 * observation is not sent. */
#ifndef TESSERA_OSCORE_GUARD_H
#define TESSERA_OSCORE_GUARD_H

#include "tessera/coap/guard.h"
#include "tessera/oscore/oscore.h"

/** New keys on the way (RFC 8613 §B.2); any may be NULL. The first three are a client's, the others a
 *  server's. `scratch` is an empty writer as renew.h wants it. */
typedef struct {
    /** A response did not verify under the keys of its request.
     *  errors  TSR_OK  it was response #1: the request goes out again, under what `to` says now
     *          any other: it is dropped */
    tsr_err (*asked)(void *user, tsr_oscore *context, const tsr_oscore_exchange *x,
                     tsr_bytes datagram, tsr_buf *scratch);
    /** One did verify; any error: it is dropped for that. */
    tsr_err (*answered)(void *user, tsr_oscore *context);
    /** A 4.xx that is not protected: whoever sent it, the server may not have these keys.
     *  errors  TSR_OK  the request goes out again, under what `to` says now
     *          any other: it failed */
    tsr_err (*refused)(void *user, tsr_oscore *context);
    /** A request is not for that context or did not verify under it.
     *  errors  TSR_OK  it was request #2: the context has other keys now, by which it is taken
     *          any other: as before */
    tsr_err (*accept)(void *user, tsr_oscore *context, tsr_bytes datagram, tsr_buf *scratch);
    /** It is not taken, for that reason: appends response #1 if one is due.
     *  errors  TSR_END  none is;  any other: no answer at all */
    tsr_err (*offer)(void *user, tsr_oscore *context, tsr_err why, tsr_bytes datagram, uint16_t mid,
                     tsr_buf *scratch, tsr_buf *out);
} tsr_oscore_guard_renewal;

/** What the host tells. Called from inside feed and poll of the engine, into which it must not call
 *  back. */
typedef struct {
    void *user;

    /** The context for requests to a peer, ready for use.
     *  errors  TSR_END  none: they go as they are
     *          any other: there ought to be one, nothing is sent */
    tsr_err (*to)(void *user, tsr_coap_peer peer, tsr_oscore **context);

    /** The context that a request of a peer names; option NULL: it is not protected.
     *  errors  TSR_END        option NULL: it may come in so
     *          TSR_E_DENIED   option NULL: it may not, and is answered 4.01
     *          TSR_E_NOT_FOUND, and any other: not taken (tsr_oscore_refusal) */
    tsr_err (*from)(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                    tsr_oscore **context);

    /** A request of that peer was verified; any error: it is refused for that. May be NULL. */
    tsr_err (*proved)(void *user, tsr_coap_peer peer, tsr_oscore *context);

    /** A PSA call failed for want of a key or of the secure service: the context should be made
     *  anew from its saved state before it is given out again. May be NULL. */
    void (*broken)(void *user, tsr_oscore *context);

    /** Whether the application still knows that observer; room is made by forgetting others. */
    bool (*observes)(void *user, tsr_coap_peer peer, tsr_bytes token);

    /** Around each use of a context: `use` makes it anew if it has to be, and keeps other threads
     *  away until `done`. May be NULL.
     *  errors  of use: any; the message is not taken or not sent, and `done` not called */
    tsr_err (*use)(void *user, tsr_oscore *context);
    void (*done)(void *user, tsr_oscore *context);

    const tsr_oscore_guard_renewal *renewal; /* NULL: never; outlives the guard */
} tsr_oscore_guard_host;

typedef struct {
    const tsr_coap_config *coap; /* of the engine: exchanges, watches */
    size_t datagram_len;         /* longest message, 1,280 or so */
    size_t observers;            /* observations by others, as many as the application keeps */
    tsr_oscore_guard_host host;
} tsr_oscore_guard_config;

/** What is kept of one exchange or observation; private. */
typedef struct {
    tsr_oscore *context; /* NULL: not protected */
    tsr_oscore_exchange exchange;
    uint16_t sealed_len; /* bytes of the copy */
    bool lost;           /* nothing may be sent: what it belongs to is not known */
} tsr_oscore_guard_place;

typedef struct {
    tsr_oscore *context; /* NULL: free */
    tsr_oscore_exchange exchange;
    tsr_coap_peer peer;
    uint8_t token_len, token[TSR_COAP_TOKEN_MAX];
} tsr_oscore_guard_observer;

typedef struct {
    /* private */
    tsr_oscore_guard_config config;
    size_t exchanges, places;
    tsr_oscore_guard_place *place;
    tsr_oscore_guard_observer *observer;
    uint8_t *sealed, *in, *out;
    /* read only */
    uint32_t refused; /* requests that were not taken, modulo 2^32 */
    uint32_t dropped; /* responses that did not verify */
    uint32_t unsent;  /* messages that could not be protected */
} tsr_oscore_guard;

extern const tsr_coap_guard_calls tsr_oscore_guard_calls;

/** Bytes of memory for a configuration; 0: out of range. */
size_t tsr_oscore_guard_memory(const tsr_oscore_guard_config *config);

/** owner   memory, aligned for uint64_t and pointers, outlives the guard; config is copied
 *  errors  TSR_E_ARGUMENT  a value out of range;  TSR_E_SPACE  memory_len too small */
tsr_err tsr_oscore_guard_init(tsr_oscore_guard *g, const tsr_oscore_guard_config *config,
                              void *memory, size_t memory_len);

/** Bytes that observed_save appends for one observation at most. */
enum { TSR_OSCORE_OBSERVED_MAX = 14 };

/** Appends what an observation needs to go on after a restart, with the same keys.
 *  errors  TSR_E_NOT_FOUND  it is not protected, or not known;  TSR_E_SPACE */
tsr_err tsr_oscore_guard_observed_save(const tsr_oscore_guard *g, tsr_coap_peer peer,
                                       tsr_bytes token, tsr_buf *out);

/** Takes that back; context NULL: passes over it. The context need not be made yet.
 *  errors  TSR_E_MALFORMED;  TSR_E_SPACE  no room for one more */
tsr_err tsr_oscore_guard_observed_load(tsr_oscore_guard *g, tsr_coap_peer peer, tsr_bytes token,
                                       tsr_oscore *context, tsr_bytes *in);

/** Wipes the message that came in last: call it when nothing is done with it any more. */
void tsr_oscore_guard_wipe(tsr_oscore_guard *g);

/** What belongs to `from` belongs to `to` from now on: the same context in another place. */
void tsr_oscore_guard_move(tsr_oscore_guard *g, const tsr_oscore *from, tsr_oscore *to);

/** Forgets a context that is about to go. Costs a walk through all places. */
void tsr_oscore_guard_drop(tsr_oscore_guard *g, const tsr_oscore *context);

#endif
