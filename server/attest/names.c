/* SPDX-License-Identifier: Apache-2.0 */
#include "server/attest/names.h"

const char *const tsr_attest_claim_names[CLAIM_COUNT] = {
    [CLAIM_PROFILE] = "profile",
    [CLAIM_INSTANCE] = "instance id",
    [CLAIM_NONCE] = "nonce",
    [CLAIM_IMPLEMENTATION] = "implementation id",
    [CLAIM_LIFECYCLE] = "security lifecycle",
    [CLAIM_CLIENT] = "client id",
    [CLAIM_SEED] = "boot seed",
    [CLAIM_CERTIFICATION] = "certification reference",
    [CLAIM_VERIFICATION] = "verification service",
    [CLAIM_COMPONENTS] = "software components",
};

/* RFC 9783 §5.2 (the first), and the profile before it (RFC 9783 §4.6). */
const tsr_attest_profile_labels tsr_attest_profiles[TSR_ATTEST_PROFILES] = {
    {
        .name = "tag:psacertified.org,2023:psa#tfm",
        .label = { [CLAIM_PROFILE] = 265,
                   [CLAIM_INSTANCE] = 256,
                   [CLAIM_NONCE] = 10,
                   [CLAIM_IMPLEMENTATION] = 2396,
                   [CLAIM_LIFECYCLE] = 2395,
                   [CLAIM_CLIENT] = 2394,
                   [CLAIM_SEED] = 268,
                   [CLAIM_CERTIFICATION] = 2398,
                   [CLAIM_VERIFICATION] = 2400,
                   [CLAIM_COMPONENTS] = 2399 },
        .required = { [CLAIM_PROFILE] = true,
                      [CLAIM_INSTANCE] = true,
                      [CLAIM_NONCE] = true,
                      [CLAIM_IMPLEMENTATION] = true,
                      [CLAIM_LIFECYCLE] = true,
                      [CLAIM_CLIENT] = true,
                      [CLAIM_COMPONENTS] = true },
        .seed_min = 8,
    },
    {
        .name = "PSA_IOT_PROFILE_1",
        .label = { [CLAIM_PROFILE] = -75000,
                   [CLAIM_INSTANCE] = -75009,
                   [CLAIM_NONCE] = -75008,
                   [CLAIM_IMPLEMENTATION] = -75003,
                   [CLAIM_LIFECYCLE] = -75002,
                   [CLAIM_CLIENT] = -75001,
                   [CLAIM_SEED] = -75004,
                   [CLAIM_CERTIFICATION] = -75005,
                   [CLAIM_VERIFICATION] = -75010,
                   [CLAIM_COMPONENTS] = -75006 },
        .required = { [CLAIM_INSTANCE] = true,
                      [CLAIM_NONCE] = true,
                      [CLAIM_IMPLEMENTATION] = true,
                      [CLAIM_LIFECYCLE] = true,
                      [CLAIM_CLIENT] = true,
                      [CLAIM_SEED] = true,
                      [CLAIM_COMPONENTS] = true },
        .seed_min = 32,
        .short_certification = true,
    },
};

const char *tsr_attest_state_name(unsigned state)
{
    static const char *const names[TSR_ATTEST_STATES] = {
        "unknown",           "assembly-and-test",         "psa-rot-provisioning", "secured",
        "non-psa-rot-debug", "recoverable-psa-rot-debug", "decommissioned",
    };

    return state < TSR_ATTEST_STATES ? names[state] : "unknown";
}
