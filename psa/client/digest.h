/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-224, SHA-256, SHA-384 and SHA-512 on the near side of the wall. Contexts are plain values:
 * copying one copies the hash in progress. */
#ifndef PSA_CLIENT_DIGEST_H
#define PSA_CLIENT_DIGEST_H

#include "psa/client/state.h"

#define TSR_DIGEST_MAX 64u /* the longest hash, in bytes */

bool tsr_digest_known(psa_algorithm_t alg);

psa_status_t tsr_digest_start(tsr_psa_digest *d, psa_algorithm_t alg);
psa_status_t tsr_digest_update(tsr_psa_digest *d, psa_algorithm_t alg, const uint8_t *input,
                               size_t len);
/** errors  PSA_ERROR_BUFFER_TOO_SMALL */
psa_status_t tsr_digest_finish(tsr_psa_digest *d, psa_algorithm_t alg, uint8_t *out, size_t size,
                               size_t *len);

/** The state as PSA Crypto API 1.2 lays it out ("Hash suspend state"), its algorithm included.
 *  errors  PSA_ERROR_BUFFER_TOO_SMALL */
psa_status_t tsr_digest_save(const tsr_psa_digest *d, psa_algorithm_t alg, tsr_buf *out);

/** Takes up a saved state; `state` is what follows the algorithm.
 *  errors  PSA_ERROR_INVALID_ARGUMENT  a length that does not fit what it says of itself */
psa_status_t tsr_digest_load(tsr_psa_digest *d, psa_algorithm_t alg, tsr_bytes state);

#endif
