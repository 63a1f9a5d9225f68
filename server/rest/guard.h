/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may call: the bearer token, and the checks that keep other web sites out of a server that
 * needs none. Private to server/rest. */
#ifndef SERVER_REST_GUARD_H
#define SERVER_REST_GUARD_H

#include "tessera/base/bytes.h"

/** True for "localhost", 127.0.0.0/8 and ::1, each with or without a port. Anything else in Host
 *  means that a name of somebody else was made to point here (DNS rebinding). NULL: false. */
bool rest_host_is_local(const char *host);

/** True when the page that asks comes from this server: no Origin at all (not a browser), or the
 *  one that Host names.
 *  source  RFC 6454 §7 */
bool rest_origin_is_ours(const char *origin, const char *host);

/** True when the header is "Bearer" and exactly this token; in constant time for its length.
 *  source  RFC 6750 §2.1 */
bool rest_token_fits(const char *authorization, tsr_bytes token);

/** Reads the token file: one line, white space around it is dropped.
 *  errors  TSR_E_IO        it cannot be read
 *          TSR_E_ARGUMENT  fewer than 16 or more than 512 characters, or one that is not visible
 *          `why` then says so in words */
tsr_err rest_token_read(const char *file, uint8_t *token, size_t cap, size_t *len, char *why,
                        size_t why_cap);

#endif
