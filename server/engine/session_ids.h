/* SPDX-License-Identifier: Apache-2.0
 *
 * DTLS sessions that may be resumed, by their session IDs (RFC 5246 §7.4.1.2): one table for all shards,
 * since a client that comes from another address may come to another one. In memory alone, for
 * SESSION_ID_LIFETIME_S; when a place is needed, the oldest of eight goes. 1.4 MB and what is kept: some
 * 200 bytes under a shared key, at most 1,024 (tls_tickets.h) with a certificate. */
#ifndef SERVER_ENGINE_SESSION_IDS_H
#define SERVER_ENGINE_SESSION_IDS_H

#include "tessera/base/bytes.h"

enum {
    SESSION_IDS = 16384,
    SESSION_ID_LEN = 32, /* others are not kept */
    SESSION_ID_LIFETIME_S = 12 * 3600,
    SESSION_BOUND_MAX = 32,
};

typedef struct session_ids session_ids;

/** NULL: no memory. Calls below are for any thread; time is one that never goes back. */
session_ids *session_ids_new(void);
void session_ids_free(session_ids *ids);

/** What finds no memory is not kept. */
void session_ids_keep(session_ids *ids, uint64_t now_ms, tsr_bytes id, tsr_bytes bound, tsr_bytes plain);

/** errors  TSR_E_NOT_FOUND  none, too old, or of another `bound`;  TSR_E_SPACE */
tsr_err session_ids_find(session_ids *ids, uint64_t now_ms, tsr_bytes id, tsr_bytes bound, tsr_buf *plain);

#endif
