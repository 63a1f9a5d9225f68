/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure world: the PSA core alone. A key id carries its owner, so that one client's ids never meet
 * another's; persistent keys go through psa_its_*, which the secure world answers from its own store. */
#ifndef TESSERA_SERVICE_CONFIG_H
#define TESSERA_SERVICE_CONFIG_H

#include "tessera_core.h"

#define MBEDTLS_PSA_CRYPTO_STORAGE_C
#define MBEDTLS_PSA_CRYPTO_KEY_ID_ENCODES_OWNER
#define MBEDTLS_PSA_KEY_STORE_DYNAMIC /* volatile keys: found and made in constant time */
#define MBEDTLS_PSA_KEY_SLOT_COUNT 64  /* persistent keys kept loaded */
#define MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS /* a message was copied off the wire before anyone reads it */
#define MBEDTLS_ECP_RESTARTABLE /* signing in steps: psa_sign_hash_start() and its like */

#endif
