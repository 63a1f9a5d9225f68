/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS and the PSA core in one process: the server, whose credentials live in its own database, and tests
 * that play the peer. Shards are threads, so the core is built thread-safe. */
#ifndef TESSERA_FULL_CONFIG_H
#define TESSERA_FULL_CONFIG_H

#include "tessera_tls.h"
#include "tessera_core.h"

#define MBEDTLS_HAVE_TIME_DATE
#define MBEDTLS_THREADING_C
#define MBEDTLS_THREADING_PTHREAD
#define MBEDTLS_FS_IO
/* Every live session holds two record keys: the key store grows with them, and its cost per key does not. */
#define MBEDTLS_PSA_KEY_STORE_DYNAMIC
#define MBEDTLS_X509_CRT_WRITE_C
#define MBEDTLS_X509_CSR_PARSE_C
#define MBEDTLS_PEM_WRITE_C

#endif
