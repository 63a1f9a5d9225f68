/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's half on Linux: that of a microcontroller, and what web servers make necessary. They send
 * records of 16 KB whatever they are asked for (RFC 5246 §6.2.1), and most paths have an RSA key
 * somewhere. The key is only parsed here; psa_verify_hash() is called across the wall, as for the others. */
#ifndef TESSERA_LINUX_CONFIG_H
#define TESSERA_LINUX_CONFIG_H

#include "tessera_client_config.h"

#undef MBEDTLS_SSL_IN_CONTENT_LEN
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384

#define MBEDTLS_BIGNUM_C
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED

#endif
