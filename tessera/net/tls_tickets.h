/* SPDX-License-Identifier: Apache-2.0
 *
 * Session tickets of a TLS server (RFC 5077): it keeps nothing, the client brings the session back, in
 * a form that only the server's ticket keys open. Those are the host's: sealing and opening are calls.
 *
 * In a ticket are the session, the PSK identity and a mark of the key that stood behind it. When one
 * comes back, the credential is looked at anew: the identity must be known and its key the same, a
 * certificate must be in time and pass `cert_check`. Whatever is wrong with a ticket, the handshake
 * goes on as a full one. A ticket without its master secret is worth nothing: Finished tells.
 *
 * Tickets are for sessions with the extended master secret alone (RFC 7627 §5.3), go with the suite
 * and the server name of their handshake, and are not renewed by a resumed one. */
#ifndef TESSERA_NET_TLS_TICKETS_H
#define TESSERA_NET_TLS_TICKETS_H

#include "tessera/net/tls.h"

enum {
    TSR_TLS_TICKET_MAX = 1024, /* a longer one (a long certificate) is not given */
    TSR_TLS_BOUND = 16,        /* bytes of `bound` */
};

/** What the host does with its ticket keys. The calls come from within tsr_tls_take and tsr_tls_poll.
 *  bound   TSR_TLS_BOUND bytes that are authenticated with the ticket and not in it
 *  errors  any but TSR_OK: no ticket is given, or the one that came is passed over */
typedef struct tsr_tls_tickets {
    uint32_t lifetime_s; /* told to the client; RFC 5077 §3.3 */
    void *user;
    tsr_err (*seal)(void *user, tsr_bytes bound, tsr_bytes plain, tsr_buf *ticket);
    tsr_err (*open)(void *user, tsr_bytes bound, tsr_bytes ticket, tsr_buf *plain);
} tsr_tls_tickets;

/** Gives and takes tickets in all sessions of `config` from here on. With certificates, usage ANCHOR
 *  alone: of a path only its end is in a ticket.
 *  owner   `tickets` outlives the config
 *  errors  TSR_E_ARGUMENT  a client's config, or one for datagrams */
tsr_err tsr_tls_tickets_use(tsr_dtls_config *config, const tsr_tls_tickets *tickets);

/** For DTLS, where a ticket would make a ClientHello too long for one datagram: what would be in it stays
 *  with the host, under the session ID (RFC 5246 §7.4.1.2), and is judged as a ticket is when the ID comes
 *  back. The calls come from within tsr_dtls_event_next and tsr_dtls_poll.
 *  id      up to 32 bytes, which the server chose at random
 *  bound   as of tickets: find gives nothing that was kept with another */
typedef struct tsr_dtls_cache {
    void *user;
    void (*keep)(void *user, tsr_bytes id, tsr_bytes bound, tsr_bytes plain);
    /** errors  TSR_E_NOT_FOUND  there is none, or it is too old;  TSR_E_SPACE */
    tsr_err (*find)(void *user, tsr_bytes id, tsr_bytes bound, tsr_buf *plain);
} tsr_dtls_cache;

/** Keeps and takes up sessions of `config` from here on, of the same kinds as with tickets.
 *  owner   `cache` outlives the config
 *  errors  TSR_E_ARGUMENT  a client's config, or one for streams */
tsr_err tsr_dtls_cache_use(tsr_dtls_config *config, const tsr_dtls_cache *cache);

#endif
