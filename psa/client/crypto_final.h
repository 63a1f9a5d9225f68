/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA Crypto as an application of ours sees it: Mbed TLS 3.6's client-mode header with what the
 * final API has and 3.6 has not. Include it instead of "psa/crypto.h", and before it.
 * source  PSA Crypto API 1.2 and its PAKE extension; psa_generate_key_custom: 1.3 */
#ifndef PSA_CLIENT_CRYPTO_FINAL_H
#define PSA_CLIENT_CRYPTO_FINAL_H

#ifdef TSR_PSA_CRYPTO_API /* our own psa/crypto.h has it all */

#include "psa/crypto.h"

#else

/* The beta PAKE interface of 3.6 has the same names for other things: it is declared aside. */
#define psa_pake_cipher_suite_s    mbedtls_beta_pake_cipher_suite_s
#define psa_pake_cipher_suite_t    mbedtls_beta_pake_cipher_suite_t
#define psa_pake_cipher_suite_init mbedtls_beta_pake_cipher_suite_init
#define psa_pake_cs_get_algorithm  mbedtls_beta_pake_cs_get_algorithm
#define psa_pake_cs_set_algorithm  mbedtls_beta_pake_cs_set_algorithm
#define psa_pake_cs_get_primitive  mbedtls_beta_pake_cs_get_primitive
#define psa_pake_cs_set_primitive  mbedtls_beta_pake_cs_set_primitive
#define psa_pake_setup             mbedtls_beta_pake_setup

#include "psa/crypto.h"

#undef psa_pake_cipher_suite_s
#undef psa_pake_cipher_suite_t
#undef psa_pake_cipher_suite_init
#undef psa_pake_cs_get_algorithm
#undef psa_pake_cs_set_algorithm
#undef psa_pake_cs_get_primitive
#undef psa_pake_cs_set_primitive
#undef psa_pake_setup
#undef PSA_PAKE_CIPHER_SUITE_INIT
#undef PSA_ALG_JPAKE
#undef PSA_ALG_IS_JPAKE

#define PSA_ALG_JPAKE(hash_alg) ((psa_algorithm_t)(0x0a000100 | ((hash_alg)&0x000000ff)))
#define PSA_ALG_IS_JPAKE(alg)   (((alg) & ~0x000000ff) == 0x0a000100)

#define PSA_PAKE_STEP_CONFIRM    ((psa_pake_step_t)0x04)
#define PSA_PAKE_CONFIRMED_KEY   0
#define PSA_PAKE_UNCONFIRMED_KEY 1

#define PSA_PAKE_PRIMITIVE_GET_TYPE(p)   ((psa_pake_primitive_type_t)((p) >> 24))
#define PSA_PAKE_PRIMITIVE_GET_FAMILY(p) ((psa_pake_family_t)((p) >> 16))
#define PSA_PAKE_PRIMITIVE_GET_BITS(p)   ((size_t)((p)&0xffff))

/* Key shares are points, proofs are scalars, of an elliptic curve (J-PAKE). */
#undef PSA_PAKE_OUTPUT_SIZE
#undef PSA_PAKE_INPUT_SIZE
#define PSA_PAKE_OUTPUT_SIZE(alg, primitive, output_step)                                          \
    (!PSA_ALG_IS_JPAKE(alg) ? (size_t)0                                                            \
     : (output_step) == PSA_PAKE_STEP_ZK_PROOF                                                     \
         ? (PSA_PAKE_PRIMITIVE_GET_BITS(primitive) + 7) / 8                                        \
         : (PSA_PAKE_PRIMITIVE_GET_BITS(primitive) + 7) / 8 * 2 + 1)
#define PSA_PAKE_INPUT_SIZE(alg, primitive, input_step)                                            \
    PSA_PAKE_OUTPUT_SIZE(alg, primitive, input_step)

#define PSA_KEY_USAGE_CACHE      ((psa_key_usage_t)0x00000004)
#define PSA_ALG_CCM_STAR_ANY_TAG ((psa_algorithm_t)0x04c09300)

#define PSA_HASH_SUSPEND_ALGORITHM_FIELD_LENGTH ((size_t)4)
#define PSA_HASH_SUSPEND_OUTPUT_MAX_SIZE        ((size_t)(4 + 16 + 64 + 127))

typedef struct psa_pake_cipher_suite_s {
    psa_algorithm_t alg;
    psa_pake_primitive_t primitive;
    uint32_t confirmation;
} psa_pake_cipher_suite_t;

#define PSA_PAKE_CIPHER_SUITE_INIT                                                                 \
    {                                                                                              \
        0, 0, 0                                                                                    \
    }

static inline psa_pake_cipher_suite_t psa_pake_cipher_suite_init(void)
{
    return (psa_pake_cipher_suite_t)PSA_PAKE_CIPHER_SUITE_INIT;
}

static inline psa_algorithm_t psa_pake_cs_get_algorithm(const psa_pake_cipher_suite_t *suite)
{
    return suite->alg;
}

static inline void psa_pake_cs_set_algorithm(psa_pake_cipher_suite_t *suite, psa_algorithm_t alg)
{
    suite->alg = alg;
}

static inline psa_pake_primitive_t psa_pake_cs_get_primitive(const psa_pake_cipher_suite_t *suite)
{
    return suite->primitive;
}

static inline void psa_pake_cs_set_primitive(psa_pake_cipher_suite_t *suite,
                                             psa_pake_primitive_t primitive)
{
    suite->primitive = primitive;
}

static inline uint32_t psa_pake_cs_get_key_confirmation(const psa_pake_cipher_suite_t *suite)
{
    return suite->confirmation;
}

static inline void psa_pake_cs_set_key_confirmation(psa_pake_cipher_suite_t *suite,
                                                    uint32_t key_confirmation)
{
    suite->confirmation = key_confirmation;
}

psa_status_t psa_pake_setup(psa_pake_operation_t *operation, psa_key_id_t password_key,
                            const psa_pake_cipher_suite_t *cipher_suite);
psa_status_t psa_pake_set_context(psa_pake_operation_t *operation, const uint8_t *context,
                                  size_t context_len);
psa_status_t psa_pake_get_shared_key(psa_pake_operation_t *operation,
                                     const psa_key_attributes_t *attributes, psa_key_id_t *key);

psa_status_t psa_key_agreement(psa_key_id_t private_key, const uint8_t *peer_key,
                               size_t peer_key_length, psa_algorithm_t alg,
                               const psa_key_attributes_t *attributes, psa_key_id_t *key);

psa_status_t psa_hash_suspend(psa_hash_operation_t *operation, uint8_t *hash_state,
                              size_t hash_state_size, size_t *hash_state_length);
psa_status_t psa_hash_resume(psa_hash_operation_t *operation, const uint8_t *hash_state,
                             size_t hash_state_length);

#endif
#endif
