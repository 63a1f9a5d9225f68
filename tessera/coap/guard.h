/* SPDX-License-Identifier: Apache-2.0
 *
 * A place in the engine for what protects single messages end to end: OSCORE (RFC 8613), as
 * tessera/oscore/guard.h has it. It stands behind the detection of duplicates and before the
 * requests: what is repeated is repeated byte for byte, what comes in is opened once, and blocks are
 * cut and put together inside. An engine without a guard tests one pointer a message.
 *
 * A guard keeps what it has to know of an exchange under a *place*:
 *
 *   0 .. exchanges-1          an open exchange; a later one may take the same place
 *   exchanges + watch         an observation of ours on others, `watch` below config.watches
 *   exchanges + watches       the request that was opened last and has no exchange yet */
#ifndef TESSERA_COAP_GUARD_H
#define TESSERA_COAP_GUARD_H

#include "tessera/coap/engine.h"

typedef struct tsr_coap_guard_calls {
    size_t more; /* bytes that `seal` adds to a message at most */

    /** A request that is no duplicate.
     *  units   *inside: the datagram to go on with: `datagram` itself when it is not protected and
     *          may come in so; else in memory of the guard's, until the next call of open_*
     *  errors  any: not to be taken; `refuse` gives the answer */
    tsr_err (*open_request)(void *guard, tsr_coap_peer peer, tsr_bytes datagram, tsr_bytes *inside);

    /** Appends the datagram that answers a request which open_request refused with `why`; a NON gets
     *  the Message ID `mid`.
     *  errors  TSR_END  no answer */
    tsr_err (*refuse)(void *guard, tsr_coap_peer peer, tsr_err why, tsr_bytes datagram,
                      uint16_t mid, tsr_buf *out);

    /** A response to the request, or a notification of the observation, at `place`.
     *  errors  TSR_END  the request is to be sent again: `seal` has other keys for it now
     *          TSR_E_NOT_FOUND  it is not protected and ought to be
     *          any other: it is to be ignored */
    tsr_err (*open_response)(void *guard, tsr_coap_peer peer, size_t place, tsr_bytes datagram,
                             tsr_bytes *inside);

    /** Protects a message in the place of itself: a request, which thereby takes `place`; or a
     *  response to what has `place`. `again`: keep a copy, it may have to be repeated.
     *  units   datagram: `more` bytes of room
     *  errors  any: it cannot be sent now */
    tsr_err (*seal)(void *guard, tsr_coap_peer peer, size_t place, bool again, tsr_buf *datagram);

    /** Appends the copy. errors TSR_E_NOT_FOUND: none was sealed there */
    tsr_err (*repeat)(void *guard, size_t place, tsr_buf *datagram);

    /** What `from` has, `to` has as well. */
    void (*copy)(void *guard, size_t from, size_t to);

    /** `place` begins anew: nothing is known of it. */
    void (*clear)(void *guard, size_t place);

    /** The request opened last observes with that token, or (not `on`) does so no more. */
    void (*observed)(void *guard, tsr_coap_peer peer, tsr_bytes token, bool on);

    /** `place` is about to notify the observer with that token. */
    void (*notice)(void *guard, tsr_coap_peer peer, tsr_bytes token, size_t place);
} tsr_coap_guard_calls;

/** Sets the guard of an engine, before the first message; calls and guard outlive it. */
void tsr_coap_guard_set(tsr_coap *c, const tsr_coap_guard_calls *calls, void *guard);

#endif
