/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects a program places itself. An operation in progress lives in the secure world, or in
 * the client library; the program's object holds its number, and zero means idle.
 *
 * Layouts equal those of Mbed TLS 3.6 built as a PSA client, so that code compiled with its headers
 * and code compiled with these meet in one program (psa/api/layout.c proves it in every build).
 * source  PSA Crypto API 1.2; 1.3 for the cipher suite of a PAKE */
#ifndef PSA_CRYPTO_STRUCT_H
#define PSA_CRYPTO_STRUCT_H

#include "psa/crypto_sizes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fields below are private: programs use the functions. */

typedef struct psa_hash_operation_s {
    mbedtls_psa_client_handle_t handle;
} psa_hash_operation_t;

typedef struct psa_mac_operation_s {
    mbedtls_psa_client_handle_t handle;
} psa_mac_operation_t;

typedef struct psa_cipher_operation_s {
    mbedtls_psa_client_handle_t handle;
} psa_cipher_operation_t;

typedef struct psa_aead_operation_s {
    mbedtls_psa_client_handle_t handle;
} psa_aead_operation_t;

typedef struct psa_key_derivation_s {
    mbedtls_psa_client_handle_t handle;
} psa_key_derivation_operation_t;

typedef struct psa_pake_operation_s {
    mbedtls_psa_client_handle_t handle;
} psa_pake_operation_t;

typedef struct psa_sign_hash_interruptible_operation_s {
    mbedtls_psa_client_handle_t handle;
} psa_sign_hash_interruptible_operation_t;

typedef struct psa_verify_hash_interruptible_operation_s {
    mbedtls_psa_client_handle_t handle;
} psa_verify_hash_interruptible_operation_t;

#define TSR_PSA_IDLE                                                                               \
    {                                                                                              \
        0                                                                                          \
    }

#define PSA_HASH_OPERATION_INIT                      TSR_PSA_IDLE
#define PSA_MAC_OPERATION_INIT                       TSR_PSA_IDLE
#define PSA_CIPHER_OPERATION_INIT                    TSR_PSA_IDLE
#define PSA_AEAD_OPERATION_INIT                      TSR_PSA_IDLE
#define PSA_KEY_DERIVATION_OPERATION_INIT            TSR_PSA_IDLE
#define PSA_PAKE_OPERATION_INIT                      TSR_PSA_IDLE
#define PSA_SIGN_HASH_INTERRUPTIBLE_OPERATION_INIT   TSR_PSA_IDLE
#define PSA_VERIFY_HASH_INTERRUPTIBLE_OPERATION_INIT TSR_PSA_IDLE

static inline psa_hash_operation_t psa_hash_operation_init(void)
{
    const psa_hash_operation_t idle = PSA_HASH_OPERATION_INIT;
    return idle;
}

static inline psa_mac_operation_t psa_mac_operation_init(void)
{
    const psa_mac_operation_t idle = PSA_MAC_OPERATION_INIT;
    return idle;
}

static inline psa_cipher_operation_t psa_cipher_operation_init(void)
{
    const psa_cipher_operation_t idle = PSA_CIPHER_OPERATION_INIT;
    return idle;
}

static inline psa_aead_operation_t psa_aead_operation_init(void)
{
    const psa_aead_operation_t idle = PSA_AEAD_OPERATION_INIT;
    return idle;
}

static inline psa_key_derivation_operation_t psa_key_derivation_operation_init(void)
{
    const psa_key_derivation_operation_t idle = PSA_KEY_DERIVATION_OPERATION_INIT;
    return idle;
}

static inline psa_pake_operation_t psa_pake_operation_init(void)
{
    const psa_pake_operation_t idle = PSA_PAKE_OPERATION_INIT;
    return idle;
}

static inline psa_sign_hash_interruptible_operation_t
psa_sign_hash_interruptible_operation_init(void)
{
    const psa_sign_hash_interruptible_operation_t idle = PSA_SIGN_HASH_INTERRUPTIBLE_OPERATION_INIT;
    return idle;
}

static inline psa_verify_hash_interruptible_operation_t
psa_verify_hash_interruptible_operation_init(void)
{
    const psa_verify_hash_interruptible_operation_t idle =
        PSA_VERIFY_HASH_INTERRUPTIBLE_OPERATION_INIT;
    return idle;
}

/* ---- how a key is made ---- */

typedef struct psa_custom_key_parameters_s {
    uint32_t flags;
} psa_custom_key_parameters_t;

#define PSA_CUSTOM_KEY_PARAMETERS_INIT                                                             \
    {                                                                                              \
        0                                                                                          \
    }

/* ---- attributes ---- */

typedef struct psa_key_policy_s {
    psa_key_usage_t usage;
    psa_algorithm_t alg, alg2;
} psa_key_policy_t;

typedef struct psa_key_attributes_s {
    psa_key_type_t type;
    psa_key_bits_t bits;
    psa_key_lifetime_t lifetime;
    psa_key_policy_t policy;
    psa_key_id_t id;
} psa_key_attributes_t;

#define PSA_KEY_BITS_TOO_LARGE ((psa_key_bits_t)0xffff)
#define PSA_MAX_KEY_BITS       0xfff8
#define PSA_KEY_ATTRIBUTES_INIT                                                                    \
    {                                                                                              \
        0, 0, 0, { 0, 0, 0 }, 0                                                                    \
    }

static inline psa_key_attributes_t psa_key_attributes_init(void)
{
    const psa_key_attributes_t fresh = PSA_KEY_ATTRIBUTES_INIT;
    return fresh;
}

static inline void psa_reset_key_attributes(psa_key_attributes_t *attributes)
{
    *attributes = psa_key_attributes_init();
}

/** Also makes a volatile lifetime persistent, at the same location. */
static inline void psa_set_key_id(psa_key_attributes_t *attributes, psa_key_id_t key)
{
    attributes->id = key;
    if (PSA_KEY_LIFETIME_IS_VOLATILE(attributes->lifetime))
        attributes->lifetime |= PSA_KEY_PERSISTENCE_DEFAULT;
}

static inline psa_key_id_t psa_get_key_id(const psa_key_attributes_t *attributes)
{
    return attributes->id;
}

/** A volatile lifetime also forgets the identifier. */
static inline void psa_set_key_lifetime(psa_key_attributes_t *attributes,
                                        psa_key_lifetime_t lifetime)
{
    attributes->lifetime = lifetime;
    if (PSA_KEY_LIFETIME_IS_VOLATILE(lifetime))
        attributes->id = PSA_KEY_ID_NULL;
}

static inline psa_key_lifetime_t psa_get_key_lifetime(const psa_key_attributes_t *attributes)
{
    return attributes->lifetime;
}

/** Who may sign or verify a hash may sign or verify a message too. */
static inline void psa_set_key_usage_flags(psa_key_attributes_t *attributes,
                                           psa_key_usage_t usage_flags)
{
    if ((usage_flags & PSA_KEY_USAGE_SIGN_HASH) != 0)
        usage_flags |= PSA_KEY_USAGE_SIGN_MESSAGE;
    if ((usage_flags & PSA_KEY_USAGE_VERIFY_HASH) != 0)
        usage_flags |= PSA_KEY_USAGE_VERIFY_MESSAGE;
    attributes->policy.usage = usage_flags;
}

static inline psa_key_usage_t psa_get_key_usage_flags(const psa_key_attributes_t *attributes)
{
    return attributes->policy.usage;
}

static inline void psa_set_key_algorithm(psa_key_attributes_t *attributes, psa_algorithm_t alg)
{
    attributes->policy.alg = alg;
}

static inline psa_algorithm_t psa_get_key_algorithm(const psa_key_attributes_t *attributes)
{
    return attributes->policy.alg;
}

static inline void psa_set_key_type(psa_key_attributes_t *attributes, psa_key_type_t type)
{
    attributes->type = type;
}

static inline psa_key_type_t psa_get_key_type(const psa_key_attributes_t *attributes)
{
    return attributes->type;
}

/** units   bits; above PSA_MAX_KEY_BITS every later use of the attributes fails */
static inline void psa_set_key_bits(psa_key_attributes_t *attributes, size_t bits)
{
    attributes->bits = bits > PSA_MAX_KEY_BITS ? PSA_KEY_BITS_TOO_LARGE : (psa_key_bits_t)bits;
}

static inline size_t psa_get_key_bits(const psa_key_attributes_t *attributes)
{
    return attributes->bits;
}

/* ---- what a PAKE is made of ---- */

typedef struct psa_pake_cipher_suite_s {
    psa_algorithm_t algorithm;
    psa_pake_primitive_t primitive;
    uint32_t key_confirmation;
} psa_pake_cipher_suite_t;

#define PSA_PAKE_CIPHER_SUITE_INIT                                                                 \
    {                                                                                              \
        0, 0, 0                                                                                    \
    }

static inline psa_pake_cipher_suite_t psa_pake_cipher_suite_init(void)
{
    const psa_pake_cipher_suite_t fresh = PSA_PAKE_CIPHER_SUITE_INIT;
    return fresh;
}

static inline psa_algorithm_t psa_pake_cs_get_algorithm(const psa_pake_cipher_suite_t *cipher_suite)
{
    return cipher_suite->algorithm;
}

static inline void psa_pake_cs_set_algorithm(psa_pake_cipher_suite_t *cipher_suite,
                                             psa_algorithm_t alg)
{
    cipher_suite->algorithm = alg;
}

static inline psa_pake_primitive_t
psa_pake_cs_get_primitive(const psa_pake_cipher_suite_t *cipher_suite)
{
    return cipher_suite->primitive;
}

static inline void psa_pake_cs_set_primitive(psa_pake_cipher_suite_t *cipher_suite,
                                             psa_pake_primitive_t primitive)
{
    cipher_suite->primitive = primitive;
}

static inline uint32_t psa_pake_cs_get_key_confirmation(const psa_pake_cipher_suite_t *cipher_suite)
{
    return cipher_suite->key_confirmation;
}

static inline void psa_pake_cs_set_key_confirmation(psa_pake_cipher_suite_t *cipher_suite,
                                                    uint32_t key_confirmation)
{
    cipher_suite->key_confirmation = key_confirmation;
}

#ifdef __cplusplus
}
#endif

#endif
