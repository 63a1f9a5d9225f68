/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate signing requests (PKCS #10, RFC 2986) for keys behind the wall: how a device asks for the
 * certificate that it shows in DTLS.
 */
#ifndef TESSERA_NET_CSR_H
#define TESSERA_NET_CSR_H

#include "tessera/base/bytes.h"

enum {
    TSR_CSR_MAX = 768,        /* bytes of PEM for the longest common name */
    TSR_CSR_NAME_MAX = 64,    /* RFC 5280, ub-common-name */
    TSR_CSR_SUBJECT_MAX = 4 + 2 * TSR_CSR_NAME_MAX,
};

/** Writes a request for a P-256 key, with the common name as its only subject and the key usage
 *  digitalSignature, as PEM; signed with SHA-256 by the key itself.
 *
 *  units   common_name: 1 to TSR_CSR_NAME_MAX bytes of printable ASCII or UTF-8
 *  owner   uses Mbed TLS's calloc while it runs
 *  errors  TSR_E_ARGUMENT  the name is empty or has control characters
 *          TSR_E_SPACE     the name is too long, or `pem` too small
 *          TSR_E_CRYPTO    no such key, or it may not sign with ECDSA
 */
tsr_err tsr_csr_write(uint32_t key_id, const char *common_name, tsr_buf *pem);

/** The subject with that common name alone, as Mbed TLS takes names: zero-terminated, and escaped.
 *  errors  TSR_E_ARGUMENT, TSR_E_SPACE as above */
tsr_err tsr_csr_subject(const char *common_name, tsr_buf *out);

/** The same as DER, which is shorter: for CoAP (Content-Format 286). */
tsr_err tsr_csr_write_der(uint32_t key_id, const char *common_name, tsr_buf *der);

#endif
