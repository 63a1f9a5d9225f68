/* SPDX-License-Identifier: Apache-2.0
 *
 * Initial Attestation: a signed statement about this device, its life and its software.
 * source  PSA Attestation API 1.0.4 and 2.0.0; the token is that of RFC 9783 */
#ifndef PSA_INITIAL_ATTESTATION_H
#define PSA_INITIAL_ATTESTATION_H

#include <stddef.h>
#include <stdint.h>

#include "psa/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_INITIAL_ATTEST_API_VERSION_MAJOR 2
#define PSA_INITIAL_ATTEST_API_VERSION_MINOR 0

#define PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE 3328u

#define PSA_INITIAL_ATTEST_CHALLENGE_SIZE_32 32u
#define PSA_INITIAL_ATTEST_CHALLENGE_SIZE_48 48u
#define PSA_INITIAL_ATTEST_CHALLENGE_SIZE_64 64u

/** Makes a token over a challenge.
 *
 *  units   challenge_size 32, 48 or 64 bytes; *token_size: bytes written, 0 on failure
 *  errors  PSA_ERROR_INVALID_ARGUMENT   another challenge size, a buffer of no bytes, or NULL
 *          PSA_ERROR_BUFFER_TOO_SMALL   see psa_initial_attest_get_token_size()
 *          PSA_ERROR_SERVICE_FAILURE    no attestation key can be had, or the device is
 *                                       decommissioned
 *          PSA_ERROR_GENERIC_ERROR      anything else; also psa_call()'s own errors */
psa_status_t psa_initial_attest_get_token(const uint8_t *auth_challenge, size_t challenge_size,
                                          uint8_t *token_buf, size_t token_buf_size,
                                          size_t *token_size);

/** The exact size of a token for a challenge of this size.
 *  errors  as above, without PSA_ERROR_BUFFER_TOO_SMALL */
psa_status_t psa_initial_attest_get_token_size(size_t challenge_size, size_t *token_size);

#ifdef __cplusplus
}
#endif

#endif
