/* SPDX-License-Identifier: Apache-2.0
 *
 * The cryptography of updates on PSA Crypto: SHA-256, and ECDSA P-256 with public keys. */
#ifndef SECURE_FWU_CRYPTO_H
#define SECURE_FWU_CRYPTO_H

#include "psa/crypto.h"
#include "secure/fwu/fwu.h"

typedef struct {
    tsr_fwu_crypto crypto; /* give this to tsr_fwu.crypto */
    /* private */
    psa_hash_operation_t hash;
} tsr_fwu_psa;

/** psa_crypto_init() has to have run. The struct must not move. */
void tsr_fwu_psa_open(tsr_fwu_psa *c);

#endif
