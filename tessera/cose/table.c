/* SPDX-License-Identifier: Apache-2.0
 *
 * Which PSA algorithm a COSE algorithm is, and what key it wants. */
#include "tessera/cose/internal.h"

#define EC                 PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1)
#define MAC                PSA_KEY_TYPE_HMAC
#define AES                PSA_KEY_TYPE_AES
#define SHORT_MAC(hash, n) PSA_ALG_TRUNCATED_MAC(PSA_ALG_HMAC(hash), n)
#define SHORT_CCM          PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8)

/* RFC 9053 §2.1 (ECDSA), §3.1 (HMAC), §4.1 (GCM), §4.2 (CCM). CCM's nonce has 15 - L bytes. */
static const tsr_cose_alg algorithms[] = {
    { TSR_COSE_ES256, TSR_COSE_SIGN1, PSA_ALG_ECDSA(PSA_ALG_SHA_256), EC, 256, 64, 0 },
    { TSR_COSE_ES384, TSR_COSE_SIGN1, PSA_ALG_ECDSA(PSA_ALG_SHA_384), EC, 384, 96, 0 },
    { TSR_COSE_HMAC_256_64, TSR_COSE_MAC0, SHORT_MAC(PSA_ALG_SHA_256, 8), MAC, 0, 8, 0 },
    { TSR_COSE_HMAC_256, TSR_COSE_MAC0, PSA_ALG_HMAC(PSA_ALG_SHA_256), MAC, 0, 32, 0 },
    { TSR_COSE_HMAC_384, TSR_COSE_MAC0, PSA_ALG_HMAC(PSA_ALG_SHA_384), MAC, 0, 48, 0 },
    { TSR_COSE_HMAC_512, TSR_COSE_MAC0, PSA_ALG_HMAC(PSA_ALG_SHA_512), MAC, 0, 64, 0 },
    { TSR_COSE_A128GCM, TSR_COSE_ENCRYPT0, PSA_ALG_GCM, AES, 128, 16, 12 },
    { TSR_COSE_A192GCM, TSR_COSE_ENCRYPT0, PSA_ALG_GCM, AES, 192, 16, 12 },
    { TSR_COSE_A256GCM, TSR_COSE_ENCRYPT0, PSA_ALG_GCM, AES, 256, 16, 12 },
    { TSR_COSE_CCM_16_64_128, TSR_COSE_ENCRYPT0, SHORT_CCM, AES, 128, 8, 13 },
    { TSR_COSE_CCM_16_64_256, TSR_COSE_ENCRYPT0, SHORT_CCM, AES, 256, 8, 13 },
    { TSR_COSE_CCM_64_64_128, TSR_COSE_ENCRYPT0, SHORT_CCM, AES, 128, 8, 7 },
    { TSR_COSE_CCM_64_64_256, TSR_COSE_ENCRYPT0, SHORT_CCM, AES, 256, 8, 7 },
    { TSR_COSE_CCM_16_128_128, TSR_COSE_ENCRYPT0, PSA_ALG_CCM, AES, 128, 16, 13 },
    { TSR_COSE_CCM_16_128_256, TSR_COSE_ENCRYPT0, PSA_ALG_CCM, AES, 256, 16, 13 },
    { TSR_COSE_CCM_64_128_128, TSR_COSE_ENCRYPT0, PSA_ALG_CCM, AES, 128, 16, 7 },
    { TSR_COSE_CCM_64_128_256, TSR_COSE_ENCRYPT0, PSA_ALG_CCM, AES, 256, 16, 7 },
};

const tsr_cose_alg *tsr_cose_alg_find(int64_t id)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (algorithms[i].id == id)
            return &algorithms[i];
    return NULL;
}
