/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiled twice in every build: once with our PSA Crypto headers, once with those of Mbed TLS 3.6
 * as a PSA client. Both must agree with the numbers below, and so with each other: the TLS half,
 * which is compiled with the second, passes these objects to psa/client, which is compiled with the
 * first. It makes no code. */
#include "psa/crypto.h"

#define SAME(what, number) _Static_assert((what) == (number), #what " must be " #number)
#define AT(field, place)   SAME(offsetof(psa_key_attributes_t, field), place)
#define NUMBER(type)       _Static_assert(sizeof(type) == 4, #type " must be one 32-bit number")

SAME(sizeof(psa_status_t), 4);
SAME(sizeof(psa_key_id_t), 4);
SAME(sizeof(mbedtls_svc_key_id_t), 4);
SAME(sizeof(psa_algorithm_t), 4);
SAME(sizeof(psa_key_usage_t), 4);
SAME(sizeof(psa_key_lifetime_t), 4);
SAME(sizeof(psa_key_location_t), 4);
SAME(sizeof(psa_key_type_t), 2);
SAME(sizeof(psa_key_derivation_step_t), 2);
SAME(sizeof(psa_key_persistence_t), 1);
SAME(sizeof(psa_pake_step_t), 1);
SAME(sizeof(psa_pake_role_t), 1);

SAME(sizeof(psa_key_attributes_t), 24);
SAME(_Alignof(psa_key_attributes_t), 4);
AT(type, 0);
AT(bits, 2);
AT(lifetime, 4);
AT(policy.usage, 8);
AT(policy.alg, 12);
AT(policy.alg2, 16);
AT(id, 20);

NUMBER(psa_hash_operation_t);
NUMBER(psa_mac_operation_t);
NUMBER(psa_cipher_operation_t);
NUMBER(psa_aead_operation_t);
NUMBER(psa_key_derivation_operation_t);
NUMBER(psa_pake_operation_t);
NUMBER(psa_sign_hash_interruptible_operation_t);
NUMBER(psa_verify_hash_interruptible_operation_t);
SAME(sizeof(psa_custom_key_parameters_t), 4);

/* Names that travel in both directions; tests/psa/test_headers.py compares all the others. */
SAME(PSA_ERROR_INSUFFICIENT_ENTROPY, -148);
SAME(PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, PSA_ALG_HKDF(PSA_ALG_SHA_256)), 0x09020109);
SAME(PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8), 0x05480100);
SAME(PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256), 0x08000309);
SAME(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 0x7112);
