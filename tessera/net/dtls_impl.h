/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the DTLS engine share. Mbed TLS 3.6 LTS is pinned; those of its fields that have
 * no accessor are read or written here (cur_out_ctr, in_msg), by dtls.c (handshake, in_window_top), and
 * read by tls_kept.c and tls_tickets.c (of a session; in_msg, in_hslen, session_negotiate).
 */
#ifndef TESSERA_NET_DTLS_IMPL_H
#define TESSERA_NET_DTLS_IMPL_H

#include <psa/crypto.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "tessera/net/tls.h"

enum {
    ST_IDLE, /* never started, or freed */
    ST_HANDSHAKE,
    ST_CONNECTED,
    ST_MOVED, /* saved away: the image is the session now */
    ST_OVER,  /* closed or failed */
};

enum {
    REC_ALERT = 21,
    REC_HANDSHAKE = 22,
    REC_CID = 25,
    REC_HEADER = 13, /* without the CID */
    HS_CLIENT_HELLO = 1,
    HS_HELLO_VERIFY = 3,
};

typedef struct {
    mbedtls_ssl_config ssl;
    mbedtls_x509_crt own, anchors;
    mbedtls_pk_context key;
    int suites[TSR_DTLS_SUITES + 1]; /* ends with 0 */
    int only[2]; /* the suite of a session that is being resumed, 0 */
    bool on_path; /* the pinned CA was met on the path being verified */
} dtls_config_room;

/* A handshake that is going on, for callbacks that are told of its config alone. */
typedef struct tsr_turn {
    mbedtls_ssl_context *ssl;
    tsr_dtls_config *config;
    tsr_dtls_name *identity;
    tsr_resumption *again;
} tsr_turn;

static inline dtls_config_room *config_room(tsr_dtls_config *config)
{
    return (dtls_config_room *)(void *)config->room;
}

static inline mbedtls_ssl_context *session_ssl(const tsr_dtls *s)
{
    return (mbedtls_ssl_context *)(uintptr_t)s->room;
}

static inline mbedtls_ssl_context *stream_ssl(const tsr_tls *s)
{
    return (mbedtls_ssl_context *)(uintptr_t)s->room;
}

/* The 48-bit number that the next record in the current epoch will carry. */
static inline uint64_t dtls_out_next(const tsr_dtls *s)
{
    const unsigned char *counter = session_ssl(s)->MBEDTLS_PRIVATE(cur_out_ctr);
    uint64_t n = 0;

    for (size_t i = 2; i < 8; i++)
        n = n << 8 | counter[i];
    return n;
}

static inline void dtls_out_set(tsr_dtls *s, uint64_t next)
{
    unsigned char *counter = session_ssl(s)->MBEDTLS_PRIVATE(cur_out_ctr);

    for (size_t i = 8; i > 2; i--, next >>= 8)
        counter[i - 1] = (unsigned char)next;
}

static inline uint8_t dtls_alert_received(const tsr_dtls *s)
{
    return session_ssl(s)->MBEDTLS_PRIVATE(in_msg)[1];
}

/* One record of a datagram: its header, read as far as the header goes. */
typedef struct {
    uint8_t type;
    uint64_t number; /* epoch << 48 | sequence number */
    tsr_bytes cid;
    size_t len; /* with the header */
} dtls_record;

/* TSR_E_MALFORMED: no DTLS record, or one that ends after the datagram does. */
tsr_err tsr_dtls_record_read(tsr_bytes datagram, size_t cid_len, dtls_record *record);

/* dtls_cert.c */
tsr_err tsr_dtls_cert_setup(tsr_dtls_config *config);
void tsr_dtls_cert_teardown(tsr_dtls_config *config);
bool tsr_dtls_pin_matches(tsr_dtls_pin_type type, tsr_bytes pin, tsr_bytes der);

/* dtls_hello.c */
tsr_err tsr_dtls_cookie_setup(tsr_dtls_config *config);
void tsr_dtls_cookie_teardown(tsr_dtls_config *config);

/* dtls.c */
tsr_err tsr_dtls_prepare(tsr_dtls *s, tsr_dtls_config *config, uint64_t now_ms);
void tsr_dtls_fail(tsr_dtls *s, tsr_dtls_reason reason, int detail);

/* dtls_alert.c: how a code of Mbed TLS reads in our words. */
tsr_err tsr_dtls_error(int code);
tsr_dtls_reason tsr_dtls_reason_of(int code);

#endif
