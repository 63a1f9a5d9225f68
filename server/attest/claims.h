/* SPDX-License-Identifier: Apache-2.0
 *
 * A token's map of claims, taken apart; and one software component of it. Shared by the sources of
 * the verifier only. */
#ifndef SERVER_ATTEST_CLAIMS_H
#define SERVER_ATTEST_CLAIMS_H

#include "server/attest/names.h"

typedef struct {
    const tsr_attest_profile_labels *profile;
    unsigned profile_index;
    bool profile_told;            /* the claim itself is there */
    tsr_bytes value[CLAIM_COUNT]; /* encoded; NULL: absent */
    unsigned unknown;             /* claims of other labels */
} tsr_attest_claims;

/** Takes the map apart; every slice points into `payload`.
 *  errors  TSR_E_MALFORMED, with *why: not one well-formed map of definite length, a label twice,
 *          no profile that we know */
tsr_err tsr_attest_claims_read(tsr_bytes payload, tsr_attest_claims *c, const char **why);

typedef struct {
    tsr_bytes type, measurement, version, signer, description; /* NULL: absent */
} tsr_attest_component;

/** Takes the next component off an array.
 *  errors  TSR_E_MALFORMED, with *why */
tsr_err tsr_attest_component_read(tsr_bytes *in, tsr_attest_component *c, const char **why);

/** One byte string, text or number, and nothing behind it. errors TSR_E_TYPE */
tsr_err tsr_attest_bytes(tsr_bytes value, tsr_bytes *out);
tsr_err tsr_attest_text(tsr_bytes value, tsr_bytes *out);
tsr_err tsr_attest_int(tsr_bytes value, int64_t *out);

#endif
