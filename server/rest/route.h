/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request's path to its handler. Private to server/rest. */
#ifndef SERVER_REST_ROUTE_H
#define SERVER_REST_ROUTE_H

#include "server/rest/exchange.h"

/** Everything below /api/v1, in the order of docs/openapi.yaml. */
extern const rest_route rest_routes[];
extern const size_t rest_route_count;

/** What a path names. */
typedef struct {
    const rest_route *route; /* the one with that method */
    const char *allow;       /* methods of the path when `route` is NULL, for Allow */
    char endpoint[256];      /* decoded, zero-terminated; "" when the pattern has none */
    bool has_endpoint;
    tsr_lwm2m_path path;
    uint64_t request; /* {request}; 0 when the pattern has none */
} rest_match;

/** Finds the route of a raw (still percent-encoded) path below /api/v1.
 *
 *  owner   *match; its `allow` points into `allow_room`
 *  errors  TSR_E_NOT_FOUND    no pattern fits
 *          TSR_E_UNSUPPORTED  the path fits, the method does not: match->allow is set
 *          TSR_E_MALFORMED    broken percent-encoding, a NUL, invalid UTF-8, or an endpoint name
 *                             of more than 255 bytes
 */
tsr_err rest_route_find(const char *method, const char *path, rest_match *match, char *allow_room,
                        size_t allow_cap);

/** Decodes percent-encoding in place of a copy; the result is valid UTF-8 without NUL.
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err rest_decode(tsr_bytes in, char *out, size_t cap);

#endif
