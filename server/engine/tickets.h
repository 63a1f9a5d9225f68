/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of session tickets (RFC 5077), one set for all shards: made in the PSA core of this process
 * and gone with it. A key seals for TICKET_LIFETIME_S and opens what it sealed for as long again, so no
 * ticket outlives TICKET_LIFETIME_S, and no key twice that.
 *
 * A ticket: name of the key (8 bytes), how many seconds old the key was (4), nonce (12), then the
 * session under AES-256-GCM, with the first two and `bound` authenticated. RFC 5116 §3.1: no nonce comes
 * twice under a key; they are random, and a key is replaced long before it has sealed 2^32 times. */
#ifndef SERVER_ENGINE_TICKETS_H
#define SERVER_ENGINE_TICKETS_H

#include "tessera/base/bytes.h"

enum {
    TICKET_LIFETIME_S = 12 * 3600,
    TICKET_HEAD = 8 + 4 + 12,
    TICKET_TAG = 16,
    TICKET_BOUND_MAX = 64,
    TICKETS_PER_KEY = 1 << 28,
};

typedef struct ticket_keys ticket_keys;

/** NULL: no memory. Calls below are for any thread; time is one that never goes back. */
ticket_keys *ticket_keys_new(void);
void ticket_keys_free(ticket_keys *keys);

/** errors  TSR_E_SPACE, TSR_E_CRYPTO */
tsr_err ticket_seal(ticket_keys *keys, uint64_t now_ms, tsr_bytes bound, tsr_bytes plain,
                    tsr_buf *ticket);

/** errors  TSR_E_NOT_FOUND  no such key (any more); TSR_E_DENIED  too old
 *          TSR_E_CRYPTO     not what was sealed, or for something else; TSR_E_SPACE */
tsr_err ticket_open(ticket_keys *keys, uint64_t now_ms, tsr_bytes bound, tsr_bytes ticket,
                    tsr_buf *plain);

/** Destroys keys that open nothing any more. */
void ticket_keys_expire(ticket_keys *keys, uint64_t now_ms);

#endif
