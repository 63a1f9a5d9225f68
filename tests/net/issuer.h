/* SPDX-License-Identifier: Apache-2.0
 *
 * An authority for tests: keys behind PSA, and certificates that are over, since their dates are not
 * what these tests are about. cmocka. */
#ifndef TESTS_NET_ISSUER_H
#define TESTS_NET_ISSUER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mbedtls/pk.h"

enum { ISSUER_DER = 1024 };

/** A volatile key pair on P-256 that signs. */
uint32_t issuer_key(void);

/** The key as Mbed TLS takes it; freed by the caller. */
void issuer_pk(mbedtls_pk_context *pk, uint32_t key);

/** Signs a certificate by CN=authority; its length. */
size_t issuer_sign(mbedtls_pk_context *subject, const char *name, mbedtls_pk_context *issuer,
                   bool is_ca, uint8_t out[ISSUER_DER]);

#endif
