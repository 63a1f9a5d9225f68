/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces of writing certificates that every authority here needs. Private to server. */
#ifndef SERVER_PKI_WRITE_H
#define SERVER_PKI_WRITE_H

#include <mbedtls/x509_crt.h>

#include "tessera/base/bytes.h"

enum { TSR_PKI_TIME = 15 };

/** Appends a name part for part as it is encoded: an issuer has to be its certificate's subject to
 *  the byte. Returns 0, or an error of Mbed TLS. */
int tsr_pki_copy_name(mbedtls_asn1_named_data **to, const mbedtls_x509_name *from);

/** "YYYYMMDDhhmmss" */
void tsr_pki_put_time(int64_t unix_s, char text[TSR_PKI_TIME]);

/** For Mbed TLS's f_rng, from PSA. */
int tsr_pki_random(void *unused, unsigned char *out, size_t len);

/** The signature of a request by its own key, ECDSA or RSA with SHA-2. `request` is a
 *  mbedtls_x509_csr. */
struct mbedtls_x509_csr;
bool tsr_pki_proves_possession(struct mbedtls_x509_csr *request);

#endif
