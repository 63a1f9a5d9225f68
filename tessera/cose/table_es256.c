/* SPDX-License-Identifier: Apache-2.0
 *
 * In place of table.c where attestation and update are all that COSE is for: ES256 alone. */
#include "tessera/cose/internal.h"

/* RFC 9053 §2.1 */
static const tsr_cose_alg es256 = {
    .id = TSR_COSE_ES256,
    .kind = TSR_COSE_SIGN1,
    .psa = PSA_ALG_ECDSA(PSA_ALG_SHA_256),
    .type = PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1),
    .bits = 256,
    .proof = 64,
};

const tsr_cose_alg *tsr_cose_alg_find(int64_t id) { return id == es256.id ? &es256 : NULL; }
