/* SPDX-License-Identifier: Apache-2.0
 *
 * The last session of a TLS or DTLS client, offered when it connects again: by the server's session ID
 * (RFC 5246 §7.4.1.2) and by its ticket (RFC 5077 §3). A resumed handshake is one round trip shorter
 * and needs neither certificates nor the long-term key.
 *
 *     tsr_tls_begin(s, config, now); tsr_tls_offer(s, kept, now)     before the first poll
 *     tsr_tls_keep(s, kept, now)                                     once it is connected
 *     tsr_tls_forget(kept)                                           it failed, or credentials change
 *
 * Of DTLS, tsr_dtls_offer() and tsr_dtls_keep(), by the session ID alone: a ticket can be as long as a
 * datagram, and a ClientHello in pieces is no good for a server that asks for cookies (RFC 6347 §4.2.1).
 * For servers without Connection IDs, and those that have lost a saved session (dtls.h).
 *
 * What is kept has the master secret in it: it stays in memory, and is wiped when it is forgotten. */
#ifndef TESSERA_NET_TLS_KEPT_H
#define TESSERA_NET_TLS_KEPT_H

#include "tessera/net/tls.h"

enum {
    TSR_TLS_KEPT_PSK = 512,               /* room for a session under a shared key with our server */
    TSR_TLS_KEPT_MAX = 3072,              /* and for one with certificates and tickets of some size */
    TSR_TLS_KEPT_MS = 24 * 3600 * 1000,   /* RFC 5246 §F.1.4: no session lives longer */
};

/** The place for one session. Zero it, and set room and cap; cap 0: nothing is offered or kept. Of one
 *  account and its credentials: whoever changes those forgets it. */
typedef struct {
    uint8_t *room;
    size_t cap;
    /* private */
    size_t len;
    uint64_t until_ms;
} tsr_tls_kept;

/** Offers what is kept, if it is young enough, and asks for a ticket.
 *
 *  source  RFC 5246 §7.3, §F.1.4; RFC 5077 §3.1, §3.4
 *  units   false: nothing was offered, and the handshake will be a full one */
bool tsr_tls_offer(tsr_tls *s, tsr_tls_kept *kept, uint64_t now_ms);

/** Keeps the session of a connection that is up, once for each connection. A session lives from its
 *  full handshake, however often it is resumed. What does not fit is not kept. */
void tsr_tls_keep(tsr_tls *s, tsr_tls_kept *kept, uint64_t now_ms);

/** The same for DTLS, between tsr_dtls_start() and the first poll, and after CONNECTED. */
bool tsr_dtls_offer(tsr_dtls *s, tsr_tls_kept *kept);
void tsr_dtls_keep(tsr_dtls *s, tsr_tls_kept *kept);

/** Wipes it. Harmless twice. RFC 5246 §7.2.2: after a fatal alert no session may be resumed. */
void tsr_tls_forget(tsr_tls_kept *kept);

#endif
