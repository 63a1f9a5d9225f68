/* SPDX-License-Identifier: Apache-2.0
 *
 * The number types of PSA Crypto. A program includes "psa/crypto.h".
 * source  PSA Crypto API 1.2 */
#ifndef PSA_CRYPTO_TYPES_H
#define PSA_CRYPTO_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "psa/error.h"

typedef uint32_t psa_key_id_t; /* 0 is no key */
typedef uint16_t psa_key_type_t;
typedef uint16_t psa_key_bits_t; /* a key's size, as attributes hold it */
typedef uint8_t psa_ecc_family_t;
typedef uint8_t psa_dh_family_t;
typedef uint32_t psa_key_lifetime_t; /* location << 8 | persistence */
typedef uint8_t psa_key_persistence_t;
typedef uint32_t psa_key_location_t;
typedef uint32_t psa_key_usage_t;
typedef uint32_t psa_algorithm_t;
typedef uint16_t psa_key_derivation_step_t;

typedef uint32_t psa_pake_primitive_t; /* type << 24 | family << 16 | bits */
typedef uint8_t psa_pake_primitive_type_t;
typedef uint8_t psa_pake_family_t;
typedef uint8_t psa_pake_role_t;
typedef uint8_t psa_pake_step_t;

/* Mbed TLS writes key ids with this name; on the application's side of a wall it is the same type.
 */
typedef psa_key_id_t mbedtls_svc_key_id_t;
typedef uint32_t mbedtls_psa_client_handle_t;

#endif
