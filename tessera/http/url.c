/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/http/url.h"

#include "tessera/http/http.h"

static bool begins(tsr_bytes in, const char *lower_case)
{
    return in.len >= strlen(lower_case) && tsr_http_is(tsr_first(in, strlen(lower_case)), lower_case);
}

static size_t find(tsr_bytes in, const char *any)
{
    size_t n = 0;

    while (n < in.len && strchr(any, in.ptr[n]) == NULL)
        n++;
    return n;
}

static bool is_clean(tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        if (in.ptr[i] <= ' ' || in.ptr[i] == 0x7f || in.ptr[i] == '\\')
            return false;
    }
    return true;
}

static tsr_err take_port(tsr_bytes in, uint16_t *port)
{
    uint32_t v;

    if (in.len == 0)
        return TSR_OK;
    if (in.ptr[0] != ':')
        return TSR_E_MALFORMED;
    if (in.len == 1) /* RFC 3986 §3.2.3: an empty port is the default */
        return TSR_OK;
    if (tsr_dec_upto(tsr_skip(in, 1), UINT16_MAX, &v) != TSR_OK || v == 0)
        return TSR_E_MALFORMED;
    *port = (uint16_t)v;
    return TSR_OK;
}

static tsr_err take_authority(tsr_http_url *u)
{
    tsr_bytes in = u->authority;
    size_t n;

    if (find(in, "@") < in.len)
        return TSR_E_MALFORMED;
    if (in.len != 0 && in.ptr[0] == '[') {
        n = find(in, "]");
        if (n == in.len)
            return TSR_E_MALFORMED;
        u->host = tsr_first(tsr_skip(in, 1), n - 1);
        in = tsr_skip(in, n + 1);
    } else {
        n = find(in, ":");
        u->host = tsr_first(in, n);
        in = tsr_skip(in, n);
    }
    return u->host.len == 0 ? TSR_E_MALFORMED : take_port(in, &u->port);
}

tsr_err tsr_http_url_parse(tsr_bytes text, tsr_http_url *url)
{
    tsr_http_url u = { .secure = begins(text, "https://") };
    size_t n;
    tsr_err err;

    if (!u.secure && !begins(text, "http://"))
        return TSR_E_UNSUPPORTED;
    if (!is_clean(text))
        return TSR_E_MALFORMED;
    u.port = u.secure ? 443 : 80;
    text = tsr_skip(text, u.secure ? 8 : 7);
    n = find(text, "/?#");
    u.authority = tsr_first(text, n);
    text = tsr_skip(text, n);
    u.target = tsr_first(text, find(text, "#"));
    err = take_authority(&u);
    if (err == TSR_OK)
        *url = u;
    return err;
}
