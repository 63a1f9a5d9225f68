/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's half: TLS and X.509 call psa_*, and psa/client carries the calls across the wall.
 * SHA-2 stays on the near side: transcripts are public, and hashing them here saves 27 crossings
 * of a PSK handshake's 66. */
#ifndef TESSERA_CLIENT_CONFIG_H
#define TESSERA_CLIENT_CONFIG_H

#include "tessera_tls.h"

#define MBEDTLS_PSA_CRYPTO_CLIENT
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C

/* Mbed TLS 3.6 sets this from its own ECC code alone (config_adjust_ssl.h) and forgets that PSA may have
 * it: without it a ClientHello has no supported_groups, and servers find no suite in common. */
#define MBEDTLS_SSL_TLS1_2_SOME_ECC

#endif
