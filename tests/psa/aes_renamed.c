/* SPDX-License-Identifier: Apache-2.0
 *
 * The small AES under names that can stand beside the core's. */
#define mbedtls_aes_setkey_enc       small_setkey_enc
#define mbedtls_internal_aes_encrypt small_encrypt
#include "secure/crypto/aes_small.c"
