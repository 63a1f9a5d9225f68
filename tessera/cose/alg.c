/* SPDX-License-Identifier: Apache-2.0
 *
 * What PSA says of algorithms and keys, in this room's words. */
#include "tessera/cose/internal.h"

tsr_err tsr_cose_status(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS: return TSR_OK;
    case PSA_ERROR_NOT_PERMITTED:
    case PSA_ERROR_INVALID_ARGUMENT: return TSR_E_TYPE; /* the key's policy, or its type */
    case PSA_ERROR_NOT_SUPPORTED: return TSR_E_UNSUPPORTED;
    case PSA_ERROR_BUFFER_TOO_SMALL: return TSR_E_SPACE;
    default: return TSR_E_CRYPTO;
    }
}

tsr_err tsr_cose_fits(const tsr_cose_alg *alg, tsr_cose_key_id key, psa_algorithm_t *policy)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(key, &a);
    psa_key_type_t type = psa_get_key_type(&a);
    size_t bits = psa_get_key_bits(&a);

    *policy = psa_get_key_algorithm(&a);
    psa_reset_key_attributes(&a);
    if (status != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    if (PSA_KEY_TYPE_IS_ECC_KEY_PAIR(type))
        type = PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_KEY_TYPE_ECC_GET_FAMILY(type));
    else if (type == PSA_KEY_TYPE_RSA_KEY_PAIR)
        type = PSA_KEY_TYPE_RSA_PUBLIC_KEY;
    return type == alg->type && (alg->bits == 0 || bits == alg->bits) ? TSR_OK : TSR_E_TYPE;
}
