/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA_IOT_PROFILE_1, the profile before (RFC 9783 §4.6): private labels, and the certification
 * reference is the EAN-13 alone. */
#include "secure/attest/claims.h"

const tsr_attest_profile tsr_attest_profile_here = {
    .name = "PSA_IOT_PROFILE_1",
    .label = {
        [TSR_CLAIM_NONCE] = -75008,
        [TSR_CLAIM_INSTANCE] = -75009,
        [TSR_CLAIM_PROFILE] = -75000,
        [TSR_CLAIM_SEED] = -75004,
        [TSR_CLAIM_CLIENT] = -75001,
        [TSR_CLAIM_LIFECYCLE] = -75002,
        [TSR_CLAIM_IMPLEMENTATION] = -75003,
        [TSR_CLAIM_CERTIFICATION] = -75005,
        [TSR_CLAIM_COMPONENTS] = -75006,
        [TSR_CLAIM_VERIFICATION] = -75010,
    },
    .order = { TSR_CLAIM_PROFILE, TSR_CLAIM_CLIENT, TSR_CLAIM_LIFECYCLE, TSR_CLAIM_IMPLEMENTATION,
               TSR_CLAIM_SEED, TSR_CLAIM_CERTIFICATION, TSR_CLAIM_COMPONENTS, TSR_CLAIM_NONCE,
               TSR_CLAIM_INSTANCE, TSR_CLAIM_VERIFICATION },
    .certification_len = 13,
};
