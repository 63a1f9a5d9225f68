/* SPDX-License-Identifier: Apache-2.0
 *
 * The claims of a token and their labels. One profile is linked into a build: TSR_ATTEST_PROFILE
 * in the build picks profile_rfc9783.c or profile_iot1.c. */
#ifndef SECURE_ATTEST_CLAIMS_H
#define SECURE_ATTEST_CLAIMS_H

#include "secure/attest/attest.h"

typedef enum {
    TSR_CLAIM_NONCE,
    TSR_CLAIM_INSTANCE,
    TSR_CLAIM_PROFILE,
    TSR_CLAIM_SEED,
    TSR_CLAIM_CLIENT,
    TSR_CLAIM_LIFECYCLE,
    TSR_CLAIM_IMPLEMENTATION,
    TSR_CLAIM_CERTIFICATION,
    TSR_CLAIM_COMPONENTS,
    TSR_CLAIM_VERIFICATION,
    TSR_CLAIMS,
} tsr_claim;

typedef struct {
    const char *name;            /* the profile claim */
    int32_t label[TSR_CLAIMS];   /* all of one sign */
    tsr_claim order[TSR_CLAIMS]; /* as RFC 8949 §4.2.1 sorts the labels */
    size_t certification_len;    /* bytes of the certification reference that are told */
} tsr_attest_profile;

extern const tsr_attest_profile tsr_attest_profile_here;

/** Appends the map of claims; out NULL: only counts. *total: bytes of the map.
 *  The lifecycle, the settings and the key of `a` must be there. */
void tsr_claims_write(const tsr_attest *a, int32_t client, tsr_bytes challenge, tsr_buf *out,
                      size_t *total);

#endif
