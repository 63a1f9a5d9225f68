/* SPDX-License-Identifier: Apache-2.0
 *
 * The authority that devices enrol with: its key is in PSA, and signs certificates for requests that
 * prove the possession of theirs. */
#ifndef SERVER_BOOTSTRAP_AUTHORITY_H
#define SERVER_BOOTSTRAP_AUTHORITY_H

#include "tessera/base/bytes.h"

enum {
    BS_SERIAL_LEN = 16,
    BS_CERTIFICATE_MAX = 2048,
    BS_REQUEST_MAX = 2048,
};

typedef struct bs_authority bs_authority;

/** Reads the authority's certificate and key from files.
 *  errors  TSR_E_ARGUMENT  not to be read, not a CA, or not a pair; `why` has cause and remedy
 *          TSR_E_SPACE */
tsr_err bs_authority_open(const char *certificate, const char *key, bs_authority **out, char *why,
                          size_t why_cap);
void bs_authority_close(bs_authority *a);

/** Its own certificate, DER. */
tsr_bytes bs_authority_certificate(const bs_authority *a);

/** What is wrong with a request for a certificate of that endpoint; NULL: nothing. It must be signed by
 *  its own key (RFC 7030 §4.2.1), for P-256 or a longer curve, and say no other name than that
 *  endpoint's: as the one common name, and as subject alternative names if there are any. Endpoint NULL:
 *  its common name does not matter, but it has none of the latter, which are copied. */
const char *bs_authority_wrong(tsr_bytes request, const char *endpoint);

typedef struct {
    uint8_t serial[BS_SERIAL_LEN];
    int64_t from_s, to_s; /* to_s: asked for; at most the authority's own */
    uint8_t der[BS_CERTIFICATE_MAX];
    size_t der_len;
} bs_issued;

/** Signs a certificate for the request, which bs_authority_wrong() found nothing wrong with; any
 *  thread.
 *  errors  TSR_E_CRYPTO  PSA failed, or the authority's own certificate has ended
 *          TSR_E_SPACE */
tsr_err bs_authority_issue(bs_authority *a, tsr_bytes request, const char *endpoint, bs_issued *out);

#endif
