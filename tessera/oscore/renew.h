/* SPDX-License-Identifier: Apache-2.0
 *
 * New keys from the same master secret (RFC 8613 §B.2): both ends give random bytes, which become
 * the ID Context. R1, R2 and R3 are those of the RFC:
 *
 *     client                                    server
 *     ask           keys of R1
 *                   request #1 (R1)       ->    offer         verifies with the keys of R1
 *     answered      verifies, has R3      <-    4.01 (R2)     with the keys of R2 || R1
 *                   request #2 (R2 || R3) ->    accept        R2 is its own; keys of R2 || R3
 *     keep          they are proven       <-    response #2   they are proven
 *
 * A server that lost its state begins with `offer` to a request under whatever ID Context the client
 * has. Nobody's keys in use change before the others are proven: what is made here is another
 * context, in the caller's memory. None of it is saved but what `keep` and `accept` leave. */
#ifndef TESSERA_OSCORE_RENEW_H
#define TESSERA_OSCORE_RENEW_H

#include "tessera/oscore/oscore.h"

enum {
    TSR_OSCORE_R_LEN = 8,     /* R1 and R3 of ours, in bytes */
    TSR_OSCORE_R2_LEN = 16,   /* R2 of ours: random bytes and their proof */
    TSR_OSCORE_R2_RANDOM = 8, /* the random ones, which stand first */
};

/* All functions below take the parameters of tsr_oscore_init, but for id_context and save, which they do
 * not look at where nothing else is said. */

/** Client, step 1: a context of a random ID Context, whose first request is request #1.
 *  errors  TSR_E_CRYPTO, TSR_E_ARGUMENT, TSR_E_UNSUPPORTED; then nothing is held */
tsr_err tsr_oscore_renew_ask(tsr_oscore *c, const tsr_oscore_params *params);

/** Client, step 3: `datagram` answers request `x`, which went out under `c`. If it is response #1,
 *  `next` becomes the context for request #2; sending that is the caller's.
 *
 *  owner   next: zeroed or a context, which is freed then; may be `c`. As it was after any error
 *          scratch: an empty writer of datagram.len at least, which is wiped
 *  errors  TSR_E_NOT_FOUND    no response #1: it brings no R2
 *          TSR_E_UNSUPPORTED  an R2 longer than 56 bytes, or with the ID Context more than 64
 *          TSR_E_STATE        the keys of `c` are not those of the request any more
 *          TSR_E_CRYPTO       not by that server, not to that request, or PSA failed
 *          TSR_E_MALFORMED    an answer other than 4.01, or as unprotect_response */
tsr_err tsr_oscore_renew_answered(const tsr_oscore *c, const tsr_oscore_exchange *x,
                                  const tsr_oscore_params *params, tsr_bytes datagram,
                                  tsr_buf *scratch, tsr_oscore *next);

/** Client, step 5: the peer has proved that it has the keys of `c`, which are saved by way of
 *  params->save and need not be said any more. The saved state takes the place of the old keys'.
 *  errors  TSR_E_IO  they are not durable, so the old ones must stay: try again with the next
 *                    message that proves them */
tsr_err tsr_oscore_renew_keep(tsr_oscore *c, const tsr_oscore_params *params);

/** What a kid context holds that §B.2 put there; ptr NULL: it is no CBOR byte string. */
tsr_bytes tsr_oscore_renew_said(tsr_bytes kid_context);

/** Server, step 2: verifies a request with the keys of `id1` and, if it is genuine, appends
 *  response #1. It may be a replay, which costs nothing but this.
 *
 *  units   id1: what the kid context said, or the ID Context that the peer has (ptr NULL: none)
 *          r2: never used before (tsr_oscore_renew_r2); mid: as tsr_oscore_answer_datagram
 *          scratch: as above
 *  errors  those of tsr_oscore_unprotect_request: no response #1 is due;  TSR_E_SPACE */
tsr_err tsr_oscore_renew_offer(const tsr_oscore_params *params, tsr_bytes id1, tsr_bytes r2,
                               tsr_bytes request, uint16_t mid, tsr_buf *scratch, tsr_buf *out);

/** Server, step 4: verifies a request whose kid context says `id3`, which begins with an R2 of ours.
 *  On TSR_OK `next` is a context with these keys, saved by way of params->save; the request is still
 *  to be taken by it, once, and params->challenge holds for it.
 *  owner   next: set on TSR_OK only;  scratch: as above
 *  errors  those of tsr_oscore_unprotect_request;  TSR_E_IO  also: not durable */
tsr_err tsr_oscore_renew_accept(tsr_oscore *next, const tsr_oscore_params *params, tsr_bytes id3,
                                tsr_bytes request, tsr_buf *scratch);

/* ---- R2 of a server that keeps nothing of a run but one key: RFC 8613 §B.2.1 ---- */

/** A fresh R2 under `key`, which makes HMAC-SHA-256.
 *  errors  TSR_E_CRYPTO */
tsr_err tsr_oscore_renew_r2(psa_key_id_t key, uint8_t r2[TSR_OSCORE_R2_LEN]);

/** Whether `id3` begins with an R2 that was made under `key`, and goes on behind it. */
bool tsr_oscore_renew_is_r2(psa_key_id_t key, tsr_bytes id3);

#endif
