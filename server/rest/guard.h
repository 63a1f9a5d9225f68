/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may call: the bearer tokens, and the checks that keep other web sites out of a server that
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

enum { REST_TOKEN_MIN = 16, REST_TOKEN_MAX = 512, REST_TOKENS_MAX = 64, REST_NAME_MAX = 32, REST_DIGEST = 32 };

/** An operator. */
typedef struct rest_operator {
    char name[REST_NAME_MAX + 1]; /* "": the one token of a file that names nobody */
    bool reads_only;
    uint8_t digest[REST_DIGEST]; /* SHA-256 of the token, which is not kept */
} rest_operator;

typedef struct {
    rest_operator of[REST_TOKENS_MAX];
    size_t count; /* 0: nobody is asked for a token */
} rest_operators;

/** The operator whose token the header has: "Bearer" and exactly that. NULL: nobody's. The digests of all tokens are
 *  compared, each in constant time.
 *  source  RFC 6750 §2.1 */
const rest_operator *rest_operator_find(const rest_operators *all, const char *authorization);

/** The operator with this token's digest; NULL: there is none (any more). */
const rest_operator *rest_operator_of(const rest_operators *all, const uint8_t digest[REST_DIGEST]);

/** Reads the token file: one token, or lines of NAME ROLE TOKEN, with ROLE `full` or `read`; what begins with # is
 *  passed over. TOKEN is the token or, better, `sha256:` and its SHA-256 in hexadecimal digits. A name may stand there
 *  twice, while its token changes; no token may.
 *  errors  TSR_E_IO        it cannot be read;  TSR_E_CRYPTO
 *          TSR_E_ARGUMENT  a token of fewer than 16 or more than 512 characters, or with one that is not visible; a
 *                          digest that is none; a name that is not 1 to 32 letters, digits, or ._@-; no token, or
 *                          more than 64
 *          `why` then says so in words, with the line; `all` is as it was */
tsr_err rest_operators_read(const char *file, rest_operators *all, char *why, size_t why_cap);

#endif
