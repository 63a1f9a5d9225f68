/* SPDX-License-Identifier: Apache-2.0
 *
 * The credentials of both ends of a session: a pre-shared key, and the tests' certificates. */
#ifndef FUZZ_SESSIONS_H
#define FUZZ_SESSIONS_H

#include "fuzz/keys.h"
#include "tessera/net/dtls.h"

static inline tsr_err fuzz_find_psk(void *user, tsr_bytes identity, uint32_t *key_id)
{
    (void)identity;
    *key_id = *(const uint32_t *)user;
    return TSR_OK;
}

/** Both kinds, for either role; once in a process. */
static inline void fuzz_credentials(tsr_dtls_options *o)
{
    static uint8_t ca[2048], own[2048];
    static tsr_bytes anchors[1];
    static uint32_t psk;

    must(psa_crypto_init() == PSA_SUCCESS);
    psk = fuzz_psk("0123456789abcdef");
    anchors[0] = fuzz_file("dtls/ca.der", ca, sizeof ca);
    o->certificate = fuzz_file("dtls/device.der", own, sizeof own);
    o->certificate_key_id = fuzz_device_key();
    o->anchors = anchors;
    o->anchor_count = 1;
    o->usage = TSR_DTLS_CERT_ANCHOR;
    o->psk_identity = tsr_text("fuzz");
    o->psk_key_id = psk;
    o->psk_find = fuzz_find_psk;
    o->user = &psk;
}

#endif
