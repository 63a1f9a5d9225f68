/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs of HTTP, taken apart in place. */
#ifndef TESSERA_HTTP_URL_H
#define TESSERA_HTTP_URL_H

#include "tessera/base/bytes.h"

typedef struct {
    bool secure;         /* https */
    tsr_bytes authority; /* "name:port", as it stands in the URL: for the field Host */
    tsr_bytes host;      /* a name or an address, without brackets */
    uint16_t port;       /* 80 or 443 unless told */
    tsr_bytes target;    /* path and query, without the fragment; empty: "/" */
} tsr_http_url;

/** Takes "http://host[:port][/path][?query][#fragment]" or https apart.
 *
 *  source  RFC 9110 §4.2; RFC 3986 §3.2
 *  owner   all slices point into `text`
 *  errors  TSR_E_UNSUPPORTED  another scheme
 *          TSR_E_MALFORMED    no host, no such port, user information (RFC 9110 §4.2.4), spaces or
 *                             control characters */
tsr_err tsr_http_url_parse(tsr_bytes text, tsr_http_url *url);

/** Puts what a reference means, seen from `base`, as a URL; the field Location has such ones.
 *
 *  source  RFC 3986 §5.2, RFC 9110 §10.2.2
 *  base    secure, authority and target count
 *  errors  TSR_E_MALFORMED  spaces or control characters; TSR_E_SPACE */
tsr_err tsr_http_url_resolve(const tsr_http_url *base, tsr_bytes reference, tsr_buf *url);

#endif
