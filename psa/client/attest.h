/* SPDX-License-Identifier: Apache-2.0
 *
 * What Tessera adds to psa/initial_attestation.h. */
#ifndef PSA_CLIENT_ATTEST_H
#define PSA_CLIENT_ATTEST_H

#include "psa/initial_attestation.h"

/** The public half of the attestation key, for whoever is to verify the tokens: an uncompressed
 *  point. The instance id of the tokens is 01 and its SHA-256.
 *
 *  units   *key_len: 65; 0 on failure
 *  errors  PSA_ERROR_BUFFER_TOO_SMALL, PSA_ERROR_SERVICE_FAILURE, psa_call()'s own */
psa_status_t tsr_attest_public_key(uint8_t *key, size_t key_size, size_t *key_len);

#endif
