/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure world on a microcontroller: the PSA core alone, small. P-256 is p256-m's (no bignum),
 * random numbers come from the board's source through CTR_DRBG, memory from one fixed pool. */
#ifndef TESSERA_MEDIUM_CONFIG_H
#define TESSERA_MEDIUM_CONFIG_H

#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS /* nothing of the C library's heap */
#include "secure/crypto/pool.h"
#define MBEDTLS_PLATFORM_CALLOC_MACRO tsr_pool_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO tsr_pool_free
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_CONFIG
#define MBEDTLS_PSA_CRYPTO_STORAGE_C
#define MBEDTLS_PSA_CRYPTO_KEY_ID_ENCODES_OWNER
#define MBEDTLS_PSA_KEY_SLOT_COUNT 16
#define MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS /* the veneer copies before anyone reads */
#define MBEDTLS_PSA_P256M_DRIVER_ENABLED
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG /* secure/crypto/random.h: CTR_DRBG without a collector */
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_CTR_DRBG_USE_128_BIT_KEY
#define MBEDTLS_AES_C
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_SETKEY_ENC_ALT /* secure/crypto/aes_small.c */
#define MBEDTLS_AES_ENCRYPT_ALT
#define MBEDTLS_BLOCK_CIPHER_NO_DECRYPT /* CCM and CTR encrypt only */
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA256_SMALLER

#endif
