/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates in a CMS SignedData that signs nothing ("certs-only"): how enrolment carries one or
 * several of them (CoAP Content-Format 281). */
#ifndef TESSERA_NET_CERTS_ONLY_H
#define TESSERA_NET_CERTS_ONLY_H

#include "tessera/base/bytes.h"

/** Finds the certificates of a message, which must be DER.
 *
 *  source  RFC 5652 §3, RFC 5652 §5.1; RFC 5272 §4.1 (what is signed is absent)
 *  owner   *certificates points into `message`: whole certificates one after the other; take them
 *          with tsr_certs_only_next
 *  errors  TSR_E_MALFORMED  no SignedData, or none without a certificate */
tsr_err tsr_certs_only_open(tsr_bytes message, tsr_bytes *certificates);

/** Takes the next certificate.
 *  errors  TSR_END  none is left;  TSR_E_MALFORMED */
tsr_err tsr_certs_only_next(tsr_bytes *certificates, tsr_bytes *der);

/** Writes such a message.
 *  errors  (in out->err) TSR_E_SPACE */
void tsr_certs_only_put(tsr_buf *out, const tsr_bytes *certificates, size_t count);

#endif
