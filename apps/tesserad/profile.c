/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/profile.h"

#include "psa/crypto.h"

static tsr_err sha256(tsr_bytes list, uint8_t digest[32])
{
    size_t len;
    psa_status_t status = psa_crypto_init(); /* nobody else does where there are no keys */

    if (status == PSA_SUCCESS)
        status = psa_hash_compute(PSA_ALG_SHA_256, list.ptr, list.len, digest, 32, &len);
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_IO;
}

const tsr_lwm2m_profile *profile_of(const config *c, tsr_lwm2m_profile *profile)
{
    bool made = strcmp(c->profile, "auto") == 0;

    *profile = (tsr_lwm2m_profile){ .id = made ? NULL : c->profile, .sha256 = sha256 };
    if (c->profile_covers[0] != '\0')
        profile->covers = c->profile_covers;
    return c->profile[0] != '\0' ? profile : NULL;
}
