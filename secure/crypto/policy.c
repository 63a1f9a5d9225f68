/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a key's policy permits a use, where the core cannot be asked: keys at other locations,
 * password keys, and keys for verification alone.
 * source  Crypto 1.2 §9.5 (key policies) */
#include "secure/crypto/internal.h"

static bool covers(psa_algorithm_t policy, psa_algorithm_t alg)
{
    if (policy == alg)
        return true;
    if (PSA_ALG_IS_SIGN_HASH(alg) && PSA_ALG_SIGN_GET_HASH(policy) == PSA_ALG_ANY_HASH)
        return (policy & ~PSA_ALG_HASH_MASK) == (alg & ~PSA_ALG_HASH_MASK);
    if (PSA_ALG_IS_RAW_KEY_AGREEMENT(policy) && PSA_ALG_IS_KEY_AGREEMENT(alg))
        return PSA_ALG_KEY_AGREEMENT_GET_BASE(alg) == policy;
    return false;
}

psa_status_t tsr_policy_permits(const psa_key_attributes_t *a, psa_key_usage_t usage,
                                psa_algorithm_t alg)
{
    if (alg == 0 || PSA_ALG_IS_WILDCARD(alg))
        return PSA_ERROR_INVALID_ARGUMENT;
    if ((psa_get_key_usage_flags(a) & usage) != usage)
        return PSA_ERROR_NOT_PERMITTED;
    return covers(psa_get_key_algorithm(a), alg) || covers(psa_get_key_enrollment_algorithm(a), alg)
               ? PSA_SUCCESS
               : PSA_ERROR_NOT_PERMITTED;
}
