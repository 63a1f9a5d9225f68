/* SPDX-License-Identifier: Apache-2.0
 *
 * Both ends of a DTLS or TLS session in one process, for programs that measure: their configurations,
 * with keys and certificates of tests/vectors/dtls, and the time that the process spends. What goes
 * wrong ends the program. */
#ifndef BENCHES_ENDS_H
#define BENCHES_ENDS_H

#include <time.h>

#include <psa/crypto.h>

#include "tessera/net/dtls.h"
#include "tests/net/material.h"

static inline double ends_cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The server finds its PSK in memory, not in a store. */
static inline tsr_err ends_find(void *psk, tsr_bytes identity, uint32_t *key_id)
{
    (void)identity;
    *key_id = *(const uint32_t *)psk;
    return TSR_OK;
}

/** Both with `o`, the server with Connection IDs of that length; certificates on both sides, or a pre-shared key. */
static inline void ends_configure(tsr_dtls_config *client, tsr_dtls_config *server, bool cert, tsr_dtls_options o,
                                  uint8_t server_cid_len)
{
    static uint8_t files[3][MATERIAL_MAX];
    static tsr_bytes anchors[1];
    static uint32_t psk;

    if (psa_crypto_init() != PSA_SUCCESS)
        material_die("psa_crypto_init");
    if (cert) {
        anchors[0] = material_file("ca.der", files[0]);
        o.anchors = anchors;
        o.anchor_count = 1;
        o.usage = TSR_DTLS_CERT_ANCHOR;
        o.server_name = "server.example";
        o.certificate = material_file("device.der", files[1]);
        o.certificate_key_id = material_ec("device.key");
    } else {
        psk = material_psk(tsr_text("0123456789abcdef"));
        o.psk_identity = tsr_text("device-1");
        o.psk_key_id = psk;
        o.psk_find = ends_find;
        o.user = &psk;
    }
    if (tsr_dtls_config_init(client, &o) != TSR_OK)
        material_die("the client's configuration");
    o.role = TSR_DTLS_SERVER;
    o.cid_len = server_cid_len;
    if (cert) {
        o.certificate = material_file("server.der", files[2]);
        o.certificate_key_id = material_ec("server.key");
    }
    if (tsr_dtls_config_init(server, &o) != TSR_OK)
        material_die("the server's configuration");
}

#endif
