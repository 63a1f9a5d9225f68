/* SPDX-License-Identifier: Apache-2.0
 *
 * https: TLS 1.2 below the requests of fetch.h, with its secrets behind PSA.
 *
 *     tsr_fetch_secure_init(&tls, &trust)
 *     tsr_fetch_use(&fetch, &tsr_fetch_secure_layer, &tls) */
#ifndef PORTS_LINUX_HTTP_SECURE_H
#define PORTS_LINUX_HTTP_SECURE_H

#include "ports/linux/http/layer.h"
#include "ports/linux/host/udp.h"
#include "tessera/net/tls.h"
#include "tessera/net/web.h"

enum {
    TSR_FETCH_HAS_CLOCK = 1704067200, /* 2024-01-01: a clock that says less was never set */
    TSR_FETCH_HASH = 64,
};

/** Whom to believe, as in tessera/net/web.h: hashes before anchors; neither, and no `anyone`: nobody.
 *  The name or address is that of the URL; with hashes an address is not looked for. */
typedef struct {
    const tsr_bytes *anchors;
    size_t anchor_count;
    tsr_web_hash server, ca;
    bool anyone; /* when there is none of the above */
} tsr_fetch_trust;

typedef struct {
    const char *cause; /* after an error */
    /* private */
    tsr_fetch_trust trust;
    tsr_web web;
    tsr_dtls_config config;
    tsr_tls tls;
    char name[TSR_UDP_HOST_LEN + 1];
    uint8_t address[16];
} tsr_fetch_secure;

/** owner  what `trust` points to outlives the connections; trust itself is copied */
void tsr_fetch_secure_init(tsr_fetch_secure *s, const tsr_fetch_trust *trust);

/** For the connections that come. */
void tsr_fetch_secure_trust(tsr_fetch_secure *s, const tsr_fetch_trust *trust);

/** Its self is a tsr_fetch_secure. */
extern const tsr_fetch_layer tsr_fetch_secure_layer;

#endif
