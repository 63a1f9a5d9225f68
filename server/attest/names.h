/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and labels of both profiles. Shared by the sources of the verifier only. */
#ifndef SERVER_ATTEST_NAMES_H
#define SERVER_ATTEST_NAMES_H

#include "tessera/base/bytes.h"

enum { TSR_ATTEST_PROFILES = 2, TSR_ATTEST_STATES = 7, TSR_ATTEST_SECURED = 3 };

/* In the order in which they are reported. */
typedef enum {
    CLAIM_PROFILE,
    CLAIM_INSTANCE,
    CLAIM_NONCE,
    CLAIM_IMPLEMENTATION,
    CLAIM_LIFECYCLE,
    CLAIM_CLIENT,
    CLAIM_SEED,
    CLAIM_CERTIFICATION,
    CLAIM_VERIFICATION,
    CLAIM_COMPONENTS,
    CLAIM_COUNT,
} tsr_attest_claim;

typedef struct {
    const char *name;
    int64_t label[CLAIM_COUNT];
    bool required[CLAIM_COUNT];
    size_t seed_min; /* bytes; 32 at most */
    bool short_certification;
} tsr_attest_profile_labels;

extern const tsr_attest_profile_labels tsr_attest_profiles[TSR_ATTEST_PROFILES];
extern const char *const tsr_attest_claim_names[CLAIM_COUNT];

/** Of a lifecycle claim's upper four bits, 0 to TSR_ATTEST_STATES - 1. */
const char *tsr_attest_state_name(unsigned state);

#endif
