/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "server/rest/daemon.h"

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

bool rest_token_fits(const char *authorization, tsr_bytes token)
{
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return false;
    return tsr_same_secret(tsr_text(authorization + 7 + strspn(authorization + 7, " ")), token);
}

static bool blank(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

tsr_err rest_token_read(const char *file, uint8_t *token, size_t cap, size_t *len, char *why,
                        size_t why_cap)
{
    uint8_t text[REST_TOKEN_MAX + 64];
    FILE *in = fopen(file, "re");
    size_t from = 0, to = in != NULL ? fread(text, 1, sizeof text, in) : 0;
    bool failed = in == NULL || ferror(in) != 0, visible = true;

    if (failed)
        (void)snprintf(why, why_cap, "the token file %s cannot be read: %s", file, strerror(errno));
    if (in != NULL)
        (void)fclose(in);
    if (failed)
        return TSR_E_IO;
    while (from < to && blank(text[from]))
        from++;
    while (to > from && blank(text[to - 1]))
        to--;
    for (size_t i = from; i < to; i++)
        visible = visible && text[i] > 0x20 && text[i] < 0x7f;
    bool good =
        visible && to - from >= REST_TOKEN_MIN && to - from <= REST_TOKEN_MAX && to - from <= cap;

    if (good) {
        memcpy(token, text + from, to - from);
        *len = to - from;
    } else {
        (void)snprintf(why, why_cap,
                       "the token file %s must hold one line of %d to %d visible ASCII characters, "
                       "e.g. made with: openssl rand -hex 32",
                       file, REST_TOKEN_MIN, REST_TOKEN_MAX);
    }
    tsr_wipe(text, sizeof text);
    return good ? TSR_OK : TSR_E_ARGUMENT;
}
