/* SPDX-License-Identifier: Apache-2.0
 *
 * References that are seen from a URL: RFC 3986 §5.2 */
#include "tessera/http/url.h"

static bool is_clean(tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++)
        if (in.ptr[i] <= ' ' || in.ptr[i] == 0x7f)
            return false;
    return true;
}

/* RFC 3986 §3.1 */
static bool has_scheme(tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (c == ':')
            return i != 0;
        if (!alpha && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return false;
}

/* How much of it is path. */
static size_t path_len(tsr_bytes in)
{
    size_t n = 0;

    while (n < in.len && in.ptr[n] != '?' && in.ptr[n] != '#')
        n++;
    return n;
}

static bool is_dots(tsr_bytes segment, size_t dots)
{
    return segment.len == dots && memcmp(segment.ptr, "..", dots) == 0;
}

/* The segment before goes, as far as there is one; its slash stays. */
static void drop_last(tsr_buf *out, size_t root)
{
    if (out->len > root + 1)
        out->len--;
    while (out->len > root + 1 && out->ptr[out->len - 1] != '/')
        out->len--;
}

/* Appends segments behind a slash: RFC 3986 §5.2.4 */
static void put_path(tsr_buf *out, size_t root, tsr_bytes path)
{
    while (path.len != 0 && out->err == TSR_OK) {
        tsr_bytes segment;
        bool more;
        size_t n = 0;

        while (n < path.len && path.ptr[n] != '/')
            n++;
        segment = tsr_first(path, n);
        more = n < path.len;
        path = tsr_skip(path, more ? n + 1 : n);
        if (is_dots(segment, 2))
            drop_last(out, root);
        else if (!is_dots(segment, 1)) {
            tsr_put_bytes(out, segment);
            if (more)
                tsr_put_u8(out, '/');
        }
    }
}

static void put_target(tsr_buf *out, tsr_bytes base, tsr_bytes reference)
{
    size_t root = out->len, of_base = path_len(base), n = path_len(reference);

    tsr_put_u8(out, '/');
    if (reference.len == 0 || reference.ptr[0] != '/') {
        tsr_bytes path = tsr_first(base, of_base);

        while (n != 0 && path.len != 0 && path.ptr[path.len - 1] != '/')
            path.len--;
        put_path(out, root, path.len != 0 && path.ptr[0] == '/' ? tsr_skip(path, 1) : path);
        put_path(out, root, tsr_first(reference, n));
    } else {
        put_path(out, root, tsr_first(tsr_skip(reference, 1), n - 1));
    }
    if (n == 0 && (reference.len == 0 || reference.ptr[0] == '#'))
        tsr_put_bytes(out, tsr_skip(base, of_base));
    tsr_put_bytes(out, tsr_skip(reference, n));
}

tsr_err tsr_http_url_resolve(const tsr_http_url *base, tsr_bytes reference, tsr_buf *url)
{
    bool network = reference.len > 1 && reference.ptr[0] == '/' && reference.ptr[1] == '/';

    if (!is_clean(reference))
        return TSR_E_MALFORMED;
    if (has_scheme(reference)) {
        tsr_put_bytes(url, reference);
        return url->err;
    }
    tsr_put_text(url, base->secure ? "https:" : "http:");
    if (network) {
        tsr_put_bytes(url, reference);
        return url->err;
    }
    tsr_put_text(url, "//");
    tsr_put_bytes(url, base->authority);
    put_target(url, base->target, reference);
    return url->err;
}
