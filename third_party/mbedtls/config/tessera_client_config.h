/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's half: TLS and X.509 call psa_*, and psa/client carries the calls across the wall.
 * SHA-2 stays on the near side: transcripts are public, and hashing them here saves 27 crossings
 * of a PSK handshake's 66. */
#ifndef TESSERA_CLIENT_CONFIG_H
#define TESSERA_CLIENT_CONFIG_H

#include "tessera_tls.h"

#define MBEDTLS_PSA_CRYPTO_CLIENT
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C

#endif
