/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "tessera/base/hex.h"

/* The host of "host", "host:port" or "[v6]:port". */
static tsr_bytes host_of(const char *host)
{
    tsr_bytes all = tsr_text(host);

    if (all.len > 0 && all.ptr[0] == '[') {
        const uint8_t *end = memchr(all.ptr, ']', all.len);

        return end == NULL ? tsr_view(all.ptr, 0)
                           : tsr_view(all.ptr + 1, (size_t)(end - all.ptr) - 1);
    }
    return tsr_first(all, strcspn(host, ":"));
}

bool rest_host_is_local(const char *host)
{
    char text[64];
    struct in_addr v4;
    struct in6_addr v6;

    if (host == NULL)
        return false;
    tsr_bytes name = host_of(host);

    if (name.len == 0 || name.len >= sizeof text)
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (strcasecmp(text, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool rest_origin_is_ours(const char *origin, const char *host)
{
    if (origin == NULL)
        return true;
    if (host == NULL)
        return false;
    if (strncasecmp(origin, "http://", 7) == 0)
        return strcasecmp(origin + 7, host) == 0;
    return strncasecmp(origin, "https://", 8) == 0 && strcasecmp(origin + 8, host) == 0;
}

static bool digest_of(tsr_bytes token, uint8_t digest[REST_DIGEST])
{
    size_t len;

    return psa_crypto_init() == PSA_SUCCESS &&
           psa_hash_compute(PSA_ALG_SHA_256, token.ptr, token.len, digest, REST_DIGEST, &len) == PSA_SUCCESS;
}

const rest_operator *rest_operator_of(const rest_operators *all, const uint8_t digest[REST_DIGEST])
{
    const rest_operator *found = NULL;

    for (size_t i = 0; i < all->count; i++)
        if (tsr_same_secret(tsr_view(digest, REST_DIGEST), tsr_view(all->of[i].digest, REST_DIGEST)))
            found = &all->of[i];
    return found;
}

const rest_operator *rest_operator_find(const rest_operators *all, const char *authorization)
{
    uint8_t digest[REST_DIGEST];
    tsr_bytes token;

    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    token = tsr_text(authorization + 7 + strspn(authorization + 7, " "));
    return token.len <= REST_TOKEN_MAX && digest_of(token, digest) ? rest_operator_of(all, digest) : NULL;
}

/* --- the token file --------------------------------------------------------------------- */

enum { FILE_MAX = 64 * 1024, WORDS = 4 }; /* one word more than a line may have */

#define NEW_TOKEN "tessera operators new"

static bool blank(int c) { return c == ' ' || c == '\t' || c == '\r'; }

/* The words of a line. */
static size_t split(tsr_bytes line, tsr_bytes words[WORDS])
{
    size_t n = 0;

    while (n < WORDS) {
        size_t len = 0;

        while (line.len > 0 && blank(line.ptr[0]))
            line = tsr_skip(line, 1);
        while (len < line.len && !blank(line.ptr[len]))
            len++;
        if (len == 0)
            break;
        words[n++] = tsr_first(line, len);
        line = tsr_skip(line, len);
    }
    return n;
}

/* A token by itself may begin with #. */
static bool is_comment(const tsr_bytes *words, size_t n)
{
    return words[0].ptr[0] == '#' && (n > 1 || words[0].len < REST_TOKEN_MIN);
}

static const char *take_digest(rest_operator *o, tsr_bytes digits)
{
    tsr_buf out = tsr_buf_over(o->digest, sizeof o->digest);

    return tsr_hex_get(digits, &out) == TSR_OK && out.len == sizeof o->digest
               ? NULL
               : "behind sha256: stand the 64 hexadecimal digits of a token's digest, as " NEW_TOKEN " writes them";
}

static const char *take_clear(rest_operator *o, tsr_bytes token)
{
    bool visible = true;

    for (size_t i = 0; i < token.len; i++)
        visible = visible && token.ptr[i] > 0x20 && token.ptr[i] < 0x7f;
    if (!visible || token.len < REST_TOKEN_MIN || token.len > REST_TOKEN_MAX)
        return "a token has 16 to 512 visible ASCII characters; make one with: " NEW_TOKEN;
    return digest_of(token, o->digest) ? NULL : "the digest of the token failed inside the cryptography";
}

static const char *take_token(const rest_operators *all, rest_operator *o, tsr_bytes token)
{
    static const char mark[] = "sha256:";
    size_t n = sizeof mark - 1;
    const char *wrong = tsr_same(tsr_first(token, n), tsr_text(mark)) ? take_digest(o, tsr_skip(token, n))
                                                                      : take_clear(o, token);

    if (wrong == NULL && rest_operator_of(all, o->digest) != NULL)
        wrong = "this token stands there before: each operator needs one of their own";
    return wrong;
}

static const char *take_name(rest_operator *o, tsr_bytes name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";

    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == 0 || strchr(good, name.ptr[i]) == NULL)
            return "a name has letters, digits and ._@- alone";
    if (name.len > REST_NAME_MAX)
        return "a name has 32 characters at most";
    memcpy(o->name, name.ptr, name.len);
    return NULL;
}

/* NULL, or what is wrong with it. */
static const char *take_line(rest_operators *all, const tsr_bytes *words, size_t n)
{
    rest_operator *o = &all->of[all->count];
    const char *wrong = NULL;
    bool one = all->count > 0 && all->of[0].name[0] == 0; /* which names nobody, so it is alone */

    if (all->count == REST_TOKENS_MAX)
        return "there are more than 64 tokens";
    if ((n != 1 && n != 3) || one || (n == 1 && all->count > 0))
        return "write one token and nothing else, or lines of NAME ROLE TOKEN";
    *o = (rest_operator){ 0 };
    if (n == 3) {
        wrong = take_name(o, words[0]);
        o->reads_only = tsr_same(words[1], tsr_text("read"));
        if (wrong == NULL && !o->reads_only && !tsr_same(words[1], tsr_text("full")))
            wrong = "a ROLE is full or read";
    }
    if (wrong == NULL)
        wrong = take_token(all, o, words[n - 1]);
    if (wrong == NULL)
        all->count++;
    return wrong;
}

static tsr_err take_lines(const char *file, tsr_bytes text, rest_operators *out, char *why, size_t why_cap)
{
    rest_operators read = { .count = 0 }, *all = &read;
    tsr_bytes words[WORDS];
    const char *wrong = NULL;
    unsigned line = 0;

    while (wrong == NULL && text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
        size_t n = split(tsr_first(text, len), words);

        line++;
        if (n > 0 && !is_comment(words, n))
            wrong = take_line(all, words, n);
        text = tsr_skip(text, end != NULL ? len + 1 : len);
    }
    if (wrong == NULL && all->count > 0) {
        *out = read;
        return TSR_OK;
    }
    if (wrong == NULL)
        (void)snprintf(why, why_cap, "the token file %s has no token; make one with: " NEW_TOKEN, file);
    else
        (void)snprintf(why, why_cap, "the token file %s, line %u: %s", file, line, wrong);
    return TSR_E_ARGUMENT;
}

tsr_err rest_operators_read(const char *file, rest_operators *all, char *why, size_t why_cap)
{
    uint8_t *text = malloc(FILE_MAX + 1);
    FILE *in = text != NULL ? fopen(file, "re") : NULL;
    size_t len = 0;
    tsr_err err = TSR_E_IO;

    if (in != NULL) {
        (void)setvbuf(in, NULL, _IONBF, 0); /* no second copy of tokens in a buffer */
        len = fread(text, 1, FILE_MAX + 1, in);
    }
    if (in == NULL || ferror(in) != 0) {
        (void)snprintf(why, why_cap, "the token file %s cannot be read: %s", file, strerror(errno));
    } else if (len > FILE_MAX) {
        (void)snprintf(why, why_cap, "the token file %s is longer than 64 KiB", file);
        err = TSR_E_ARGUMENT;
    } else {
        err = take_lines(file, tsr_view(text, len), all, why, why_cap);
    }
    if (in != NULL)
        (void)fclose(in);
    if (text != NULL)
        tsr_wipe(text, FILE_MAX + 1);
    free(text);
    return err;
}
