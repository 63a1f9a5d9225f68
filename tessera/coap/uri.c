/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/uri.h"

enum { OPTION_MOST = 255 };

/* What stands before the first of these characters; the rest stays in *in. */
static tsr_bytes until(tsr_bytes *in, const char *ends)
{
    tsr_bytes all = *in;
    size_t n = 0;

    while (n < all.len && strchr(ends, all.ptr[n]) == NULL)
        n++;
    *in = tsr_skip(all, n);
    return tsr_first(all, n);
}

static bool begins(tsr_bytes in, char with) { return in.len != 0 && in.ptr[0] == (uint8_t)with; }

static int nibble(uint8_t ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static uint8_t lower(uint8_t ch) { return ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch | 0x20) : ch; }

/* RFC 7252 §6.4, steps 8 and 9; and 5, for a host: its letters become small before it is decoded. */
static tsr_err decode(tsr_bytes in, bool is_host, tsr_buf *out)
{
    for (size_t i = 0; i < in.len; i++) {
        int high, low;

        if (in.ptr[i] != '%') {
            tsr_put_u8(out, is_host ? lower(in.ptr[i]) : in.ptr[i]);
            continue;
        }
        if (in.len - i < 3)
            return TSR_E_MALFORMED;
        high = nibble(in.ptr[i + 1]);
        low = nibble(in.ptr[i + 2]);
        if (high < 0 || low < 0)
            return TSR_E_MALFORMED;
        tsr_put_u8(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return out->err == TSR_OK ? TSR_OK : TSR_E_MALFORMED;
}

/* RFC 7252 §5.10.1: what a reference would have been resolved by is no segment. */
static bool is_dots(tsr_bytes piece)
{
    return tsr_same(piece, tsr_text(".")) || tsr_same(piece, tsr_text(".."));
}

/* One option for each piece; out NULL: only looks whether that can be done. */
static tsr_err put_pieces(tsr_buf *out, uint16_t *last, uint16_t number, tsr_bytes pieces,
                          const char *separator)
{
    for (;;) {
        uint8_t room[OPTION_MOST];
        tsr_buf piece = tsr_buf_over(room, sizeof room);

        if (decode(until(&pieces, separator), number == TSR_COAP_URI_HOST, &piece) != TSR_OK ||
            (number == TSR_COAP_URI_PATH && is_dots(tsr_buf_view(&piece))))
            return TSR_E_MALFORMED;
        if (out != NULL)
            tsr_coap_put_opt(out, last, number, tsr_buf_view(&piece));
        if (pieces.len == 0)
            return TSR_OK;
        pieces = tsr_skip(pieces, 1);
    }
}

static tsr_err put_uri(tsr_buf *out, uint16_t *last, const tsr_coap_uri *uri)
{
    tsr_err err = TSR_OK;

    if (!uri->literal)
        err = put_pieces(out, last, TSR_COAP_URI_HOST, uri->host, "");
    if (err == TSR_OK && uri->path.len > 1)
        err = put_pieces(out, last, TSR_COAP_URI_PATH, tsr_skip(uri->path, 1), "/");
    if (err == TSR_OK && uri->query.len != 0)
        err = put_pieces(out, last, TSR_COAP_URI_QUERY, uri->query, "&");
    return err;
}

static bool is_ipv4(tsr_bytes host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
            return false;
    }
    return true;
}

static tsr_err take_host(tsr_bytes *in, tsr_coap_uri *u)
{
    if (begins(*in, '[')) {
        *in = tsr_skip(*in, 1);
        u->host = until(in, "]");
        u->literal = true;
        if (in->len == 0)
            return TSR_E_MALFORMED;
        *in = tsr_skip(*in, 1);
    } else {
        u->host = until(in, ":/?#");
        u->literal = is_ipv4(u->host);
    }
    return u->host.len != 0 && memchr(u->host.ptr, '@', u->host.len) == NULL ? TSR_OK
                                                                             : TSR_E_MALFORMED;
}

static tsr_err take_port(tsr_bytes *in, tsr_coap_uri *u)
{
    uint64_t port;
    tsr_bytes digits;

    if (!begins(*in, ':'))
        return TSR_OK;
    *in = tsr_skip(*in, 1);
    digits = until(in, "/?#");
    if (digits.len == 0) /* RFC 3986 §3.2.3: as if it were not there */
        return TSR_OK;
    if (tsr_dec(digits, &port) != TSR_OK || port == 0 || port > UINT16_MAX)
        return TSR_E_MALFORMED;
    u->port = (uint16_t)port;
    return TSR_OK;
}

tsr_err tsr_coap_uri_parse(tsr_bytes text, tsr_coap_uri *uri)
{
    tsr_coap_uri u = { 0 };
    tsr_bytes in = text;

    if (in.len == 0 || memchr(in.ptr, 0, in.len) != NULL)
        return TSR_E_MALFORMED;
    u.scheme = until(&in, ":/?#");
    if (u.scheme.len == 0 || in.len < 3 || memcmp(in.ptr, "://", 3) != 0)
        return TSR_E_MALFORMED;
    in = tsr_skip(in, 3);
    if (take_host(&in, &u) != TSR_OK || take_port(&in, &u) != TSR_OK ||
        (in.len != 0 && !begins(in, '/') && !begins(in, '?')))
        return TSR_E_MALFORMED;
    u.path = until(&in, "?#");
    if (begins(in, '?')) {
        in = tsr_skip(in, 1);
        u.query = until(&in, "#");
    }
    if (in.len != 0 || put_uri(NULL, NULL, &u) != TSR_OK)
        return TSR_E_MALFORMED;
    *uri = u;
    return TSR_OK;
}

void tsr_coap_put_uri(tsr_buf *out, uint16_t *last, const tsr_coap_uri *uri)
{
    if (put_uri(out, last, uri) != TSR_OK && out->err == TSR_OK)
        out->err = TSR_E_MALFORMED;
}
