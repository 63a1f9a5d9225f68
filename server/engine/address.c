/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/engine/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

tsr_err tsr_address_parse(const char *text, tsr_address *out)
{
    tsr_address a = { { 0 }, 0, 0, 0, 0 };
    const char *colon = strrchr(text, ':');
    tsr_bytes digits = tsr_text(colon ? colon + 1 : "");
    char host[64];
    uint64_t port;

    if (digits.len > 4 && memcmp(digits.ptr + digits.len - 4, "/tcp", 4) == 0) {
        digits.len -= 4;
        a.stream = 1;
    }
    if (!colon || tsr_dec(digits, &port) != TSR_OK || port > UINT16_MAX)
        return TSR_E_MALFORMED;

    size_t len = (size_t)(colon - text);

    if (len == 0 || len >= sizeof host)
        return TSR_E_MALFORMED;
    memcpy(host, text, len);
    host[len] = 0;
    a.port = (uint16_t)port;
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = 0;
        a.v6 = 1;
        if (inet_pton(AF_INET6, host + 1, a.ip) != 1)
            return TSR_E_MALFORMED;
    } else if (strcmp(host, "*") != 0 && inet_pton(AF_INET, host, a.ip) != 1) {
        return TSR_E_MALFORMED;
    }
    *out = a;
    return TSR_OK;
}

void tsr_address_print(const tsr_address *a, char out[TSR_ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";

    inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->ip, host, sizeof host);
    (void)snprintf(out, TSR_ADDRESS_TEXT, a->v6 ? "[%s]:%u%s" : "%s:%u%s", host, a->port,
                   a->stream ? "/tcp" : "");
}

tsr_err tsr_address_from(const struct sockaddr_storage *from, tsr_address *out)
{
    tsr_address a = { { 0 }, 0, 0, 0, 0 };

    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;

        memcpy(a.ip, &in->sin_addr, 4);
        a.port = ntohs(in->sin_port);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

        memcpy(a.ip, &in6->sin6_addr, 16);
        a.port = ntohs(in6->sin6_port);
        a.scope = in6->sin6_scope_id;
        a.v6 = 1;
    } else {
        return TSR_E_UNSUPPORTED;
    }
    *out = a;
    return TSR_OK;
}

unsigned tsr_address_to(const tsr_address *a, struct sockaddr_storage *to)
{
    memset(to, 0, sizeof *to);
    if (a->v6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a->port);
        in6->sin6_scope_id = a->scope;
        memcpy(&in6->sin6_addr, a->ip, 16);
        return sizeof *in6;
    }

    struct sockaddr_in *in = (struct sockaddr_in *)to;

    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    memcpy(&in->sin_addr, a->ip, 4);
    return sizeof *in;
}

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint32_t tsr_address_spread(const tsr_address *a)
{
    uint32_t x = word(a->ip);

    if (a->v6)
        x ^= word(a->ip + 4) ^ word(a->ip + 8) ^ word(a->ip + 12);
    x = (x ^ a->port) * 0x9e3779b1u;
    return x ^ x >> 16;
}
