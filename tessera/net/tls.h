/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS 1.2 as an engine, for CoAP over TCP (RFC 8323 §8.2): bytes in, bytes out, no socket, no clock.
 * Credentials and their judgement are those of dtls.h: a tsr_dtls_config whose options say `stream`
 * makes sessions of this kind, with the same keys behind PSA.
 *
 *     tsr_tls_begin(s, config, now)        a link is up, whoever connected
 *     tsr_tls_take(s, &in, plain, now)     bytes came in; what was inside
 *     tsr_tls_poll(s, out, now)            bytes of its own to send
 *     tsr_tls_send(s, plain, out)          protects bytes
 *     tsr_tls_due_ms(s)                    poll by then
 *
 * Take until TSR_END and poll until TSR_END, after each other as long as bytes move. Any other error
 * is the end: tsr_tls_reason() and tsr_tls_alert() say why, poll once more (an alert may wait), free.
 *
 * A record of the peer's has room for what Mbed TLS was built with: 1,536 bytes, and 16 KB on a device with Linux.
 * As a client we ask for 1,024 at most (RFC 6066 §4);
 * as a server, what is told as Max-Message-Size keeps messages, and so records, short. */
#ifndef TESSERA_NET_TLS_H
#define TESSERA_NET_TLS_H

#include "tessera/net/dtls.h"

enum {
    TSR_TLS_SEND_MAX = 1024, /* plaintext that tsr_tls_send takes */
    TSR_TLS_MORE = 256,      /* what it adds at most: two records, or three */
    TSR_TLS_HANDSHAKE_MS = 30000,
};

/** One connection. Must not be moved while it is in use: Mbed TLS keeps pointers into it. */
typedef struct tsr_tls {
    /* private */
    tsr_dtls_config *config;
    tsr_bytes in;
    tsr_buf *out;
    uint64_t give_up_ms;
    uint8_t state, alert, outbox_len;
    bool poke;
    tsr_resumption again;
    tsr_dtls_reason reason;
    tsr_dtls_name identity;
    uint8_t outbox[128]; /* what found nobody to take it: alerts, the end of a flight */
    uint64_t room[16 + 6 * sizeof(void *)];
} tsr_tls;

/** errors  TSR_E_ARGUMENT  a config without `stream`; TSR_E_SPACE no memory */
tsr_err tsr_tls_begin(tsr_tls *s, tsr_dtls_config *config, uint64_t now_ms);

/** Takes bytes off the front of `in` and appends plaintext, up to the writer's room.
 *
 *  source  RFC 5246 §6.2, RFC 5246 §7
 *  owner   bytes that are not taken are the caller's to keep
 *  errors  TSR_END       nothing more without more bytes, or without a poll
 *          TSR_E_STATE   the peer closed it in good order (RFC 5246 §7.2.1), or it is over already
 *          TSR_E_DENIED  it failed */
tsr_err tsr_tls_take(tsr_tls *s, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms);

/** Appends bytes to send, as many as there is room for.
 *  errors  TSR_END  none now; TSR_E_DENIED  it failed (time too) */
tsr_err tsr_tls_poll(tsr_tls *s, tsr_buf *out, uint64_t now_ms);

/** Protects all of `plain`, up to TSR_TLS_SEND_MAX bytes.
 *  errors  TSR_E_STATE   not connected, or poll has something to send first
 *          TSR_E_SPACE   `plain` is too long, or `out` has not room for it and TSR_TLS_MORE
 *          TSR_E_DENIED  it failed */
tsr_err tsr_tls_send(tsr_tls *s, tsr_bytes plain, tsr_buf *out);

/** Appends close_notify, when connected; nothing more can be sent then. */
void tsr_tls_close(tsr_tls *s, tsr_buf *out);

/** Frees and wipes; sends nothing. Harmless on a zeroed one and twice. */
void tsr_tls_free(tsr_tls *s);

uint64_t tsr_tls_due_ms(const tsr_tls *s);
bool tsr_tls_connected(const tsr_tls *s);

/** Why it failed; the alert that came, or that we sent; 0: none. */
tsr_dtls_reason tsr_tls_reason(const tsr_tls *s);
uint8_t tsr_tls_alert(const tsr_tls *s);

/** Whether it went on with an earlier session (RFC 5246 §7.3): told by tls_tickets.h on a server, and
 *  on a client once tsr_tls_keep() was called. */
bool tsr_tls_resumed(const tsr_tls *s);

/** As those of dtls.h. */
tsr_bytes tsr_tls_peer_identity(const tsr_tls *s);
tsr_bytes tsr_tls_peer_certificate(const tsr_tls *s);

/** The protocol that was agreed on: "coap", or NULL when the client offered none. RFC 7301 §3.1 */
const char *tsr_tls_protocol(const tsr_tls *s);

#endif
