/* SPDX-License-Identifier: Apache-2.0
 *
 * Below https (RFC 9110 §4.2.2): a web server proves who it is by a certificate, and we show none. The
 * configuration made here is for sessions of tls.h; a device that makes none links nothing of this. */
#ifndef TESSERA_NET_WEB_H
#define TESSERA_NET_WEB_H

#include "tessera/net/dtls.h"

/** The hash of a certificate; no value: not asked for. */
typedef struct {
    tsr_dtls_pin_type type;
    tsr_bytes value;
} tsr_web_hash;

/** Whom to believe. The caller fills the first part; one of server, ca, anchors and anyone must be there.
 *
 *  server   that certificate and no other: no path, no name, no dates
 *  ca       a path to a CA certificate with that hash, which the server sends or which is an anchor; with
 *           `server`, both hold
 *  anchors  without a hash: a path to one of them. One that cannot be read is passed over
 *  anyone   for protocols that prove by themselves who answers; only without all of the above
 *
 *  With a path, dates must be right unless the time is unknown, and the name or address as well. */
typedef struct {
    tsr_web_hash server, ca;
    const tsr_bytes *anchors; /* DER */
    size_t anchor_count;
    bool anyone;
    const char *name;  /* DNS name: SNI, and in the certificate; NULL: none */
    tsr_bytes address; /* 4 or 16 bytes: in the certificate, RFC 6066 §3 has no SNI for it; empty: none */
    int64_t unix_s;    /* 0: unknown */
    /* private */
    struct tsr_dtls_extra extra;
    const char *cause;
    uint32_t above;
    bool met_ca;
} tsr_web;

/** Makes a client's configuration of it.
 *
 *  source  RFC 5246, RFC 9325 §4.2 (AEAD with ECDHE alone), RFC 6066 §3, RFC 9110 §4.3.4
 *  owner   `web` and all it points to outlive the configuration
 *  errors  TSR_E_ARGUMENT   nobody to believe, an address of another length
 *          TSR_E_MALFORMED  none of the anchors can be read; the rest as of tsr_dtls_config_init() */
tsr_err tsr_web_config(tsr_dtls_config *config, tsr_web *web);

/** Why the server's certificate was refused, in words; NULL: it was not. */
const char *tsr_web_cause(const tsr_web *web);

#endif
