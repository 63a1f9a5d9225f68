/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/fdo/place.h"

#include <arpa/inet.h>

/* Takes "[host]" or "host"; *rest is what follows. */
static tsr_err take_host(const char *text, fdo_place *p, const char **rest)
{
    bool bracket = *text == '[';
    size_t len = strcspn(text + bracket, bracket ? "]" : ":/");

    if (len == 0 || len > FDO_HOST_MAX || (bracket && text[1 + len] != ']'))
        return TSR_E_ARGUMENT;
    memcpy(p->host, text + bracket, len);
    p->host[len] = 0;
    *rest = text + len + 2 * (size_t)bracket;
    if (inet_pton(AF_INET, p->host, p->ip) == 1)
        p->ip_len = 4;
    else if (inet_pton(AF_INET6, p->host, p->ip) == 1)
        p->ip_len = 16;
    return bracket && p->ip_len != 16 ? TSR_E_ARGUMENT : TSR_OK;
}

tsr_err fdo_place_read(const char *url, fdo_place *p)
{
    uint32_t port = 0;
    const char *at = url;

    *p = (fdo_place){ 0 };
    p->tls = strncmp(url, "https://", 8) == 0;
    if (!p->tls && strncmp(url, "http://", 7) != 0)
        return TSR_E_ARGUMENT;
    if (take_host(url + (p->tls ? 8 : 7), p, &at) != TSR_OK)
        return TSR_E_ARGUMENT;
    port = p->tls ? 443 : 80;
    if (*at == ':') {
        size_t len = strcspn(at + 1, "/");

        if (tsr_dec_upto(tsr_view(at + 1, len), UINT16_MAX, &port) != TSR_OK || port == 0)
            return TSR_E_ARGUMENT;
        at += 1 + len;
    }
    p->port = (uint16_t)port;
    return *at == 0 || strcmp(at, "/") == 0 ? TSR_OK : TSR_E_ARGUMENT;
}

static tsr_bytes ip_of(const fdo_place *p)
{
    return p->ip_len != 0 ? tsr_view(p->ip, p->ip_len) : tsr_view(NULL, 0);
}

static tsr_bytes dns_of(const fdo_place *p)
{
    return p->ip_len == 0 ? tsr_text(p->host) : tsr_view(NULL, 0);
}

tsr_fdo_directive fdo_place_directive(const fdo_place *p)
{
    return (tsr_fdo_directive){
        .medium = TSR_FDO_RV_NONE,
        .protocol = p->tls ? TSR_FDO_RV_HTTPS : TSR_FDO_RV_HTTP,
        .dev_port = p->port,
        .owner_port = p->port,
        .ip = ip_of(p),
        .dns = dns_of(p),
    };
}

tsr_fdo_addr fdo_place_addr(const fdo_place *p)
{
    return (tsr_fdo_addr){ .ip = ip_of(p), .dns = dns_of(p), .port = p->port,
                           .transport = p->tls ? TSR_FDO_OVER_HTTPS : TSR_FDO_OVER_HTTP };
}
