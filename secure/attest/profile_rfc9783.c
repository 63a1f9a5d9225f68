/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9783 §5.2: the profile "TFM", with the labels of §4. */
#include "secure/attest/claims.h"

const tsr_attest_profile tsr_attest_profile_here = {
    .name = "tag:psacertified.org,2023:psa#tfm",
    .label = {
        [TSR_CLAIM_NONCE] = 10,
        [TSR_CLAIM_INSTANCE] = 256,
        [TSR_CLAIM_PROFILE] = 265,
        [TSR_CLAIM_SEED] = 268,
        [TSR_CLAIM_CLIENT] = 2394,
        [TSR_CLAIM_LIFECYCLE] = 2395,
        [TSR_CLAIM_IMPLEMENTATION] = 2396,
        [TSR_CLAIM_CERTIFICATION] = 2398,
        [TSR_CLAIM_COMPONENTS] = 2399,
        [TSR_CLAIM_VERIFICATION] = 2400,
    },
    .order = { TSR_CLAIM_NONCE, TSR_CLAIM_INSTANCE, TSR_CLAIM_PROFILE, TSR_CLAIM_SEED,
               TSR_CLAIM_CLIENT, TSR_CLAIM_LIFECYCLE, TSR_CLAIM_IMPLEMENTATION,
               TSR_CLAIM_CERTIFICATION, TSR_CLAIM_COMPONENTS, TSR_CLAIM_VERIFICATION },
    .certification_len = TSR_ATTEST_CERTIFICATION,
};
