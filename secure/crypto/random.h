/* SPDX-License-Identifier: Apache-2.0
 *
 * The random numbers of a core without an entropy collector (a microcontroller's): CTR_DRBG with
 * AES-128 (NIST SP 800-90A §10.2, with the derivation function), seeded from one source of the
 * board's and seeded anew from it every 10,000 calls. */
#ifndef SECURE_CRYPTO_RANDOM_H
#define SECURE_CRYPTO_RANDOM_H

#include "mbedtls/ctr_drbg.h"
#include "psa/crypto.h"
#include "tessera/base/bytes.h"

typedef struct {
    /** Fills `seed` from the true source: at least 4 bits of entropy in each byte, and its health
     *  tests passed (NIST SP 800-90B §4). Another status than PSA_SUCCESS: no seed, no numbers. */
    psa_status_t (*seed)(void *self, uint8_t *seed, size_t len);
    void *self;
    /* private, zeroed by the caller */
    mbedtls_ctr_drbg_context drbg;
    bool ready;
} tsr_random;

/** Fills `out`.
 *  errors  PSA_ERROR_INSUFFICIENT_ENTROPY  the source failed, at first or when it was asked again
 */
psa_status_t tsr_random_bytes(tsr_random *r, uint8_t *out, size_t len);

/** The generator of this world: one named object, placed and owned by the port, because the core
 *  asks for numbers without a context. Defined by ports whose core has no entropy collector. */
tsr_random *tsr_random_here(void);

#endif
