/* SPDX-License-Identifier: Apache-2.0
 *
 * The manufacturer's authority: signs the certificates that devices have for life. Private to
 * server/fdo. */
#ifndef SERVER_FDO_AUTHORITY_H
#define SERVER_FDO_AUTHORITY_H

#include "tessera/base/bytes.h"

typedef struct fdo_authority fdo_authority;

/** Reads a CA certificate and its key (PEM or DER).
 *  errors  TSR_E_ARGUMENT  `why` names cause and remedy;  TSR_E_SPACE */
tsr_err fdo_authority_open(const char *certificate, const char *key, fdo_authority **out, char *why,
                           size_t why_cap);
void fdo_authority_close(fdo_authority *a);

/** Its certificate, DER. */
tsr_bytes fdo_authority_certificate(const fdo_authority *a);

/** Signs a certificate for a request (PKCS #10, DER) that its own key signed: P-256, P-384, RSA 2048
 *  or 3072. Its subject is the request's, or the name given when that is empty. Any thread.
 *  errors  TSR_E_MALFORMED (no request), TSR_E_CRYPTO (not signed by its key), TSR_E_UNSUPPORTED (the
 *          key), TSR_E_SPACE */
tsr_err fdo_authority_issue(fdo_authority *a, tsr_bytes request, const char *name, int64_t unix_s,
                            tsr_buf *der);

#endif
