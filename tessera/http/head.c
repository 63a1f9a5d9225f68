/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of an answer's head, and what they say about framing. */
#include "tessera/http/internal.h"

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* RFC 9112 §4. The reason may be missing, and its space with it. */
tsr_err tsr_http_status_line(tsr_http *h)
{
    tsr_bytes in = tsr_buf_view(&h->room);
    const uint8_t *c = in.ptr;

    if (in.len < 12 || memcmp(c, "HTTP/1.", 7) != 0 || !is_digit(c[7]) || c[8] != ' ' ||
        !is_digit(c[9]) || !is_digit(c[10]) || !is_digit(c[11]))
        return TSR_E_MALFORMED;
    if (in.len > 12 && (c[12] != ' ' || !tsr_http_printable(tsr_skip(in, 12))))
        return TSR_E_MALFORMED;
    h->minor = (uint8_t)(c[7] - '0');
    h->status = (uint16_t)((c[9] - '0') * 100 + (c[10] - '0') * 10 + (c[11] - '0'));
    h->persist = h->minor != 0;
    return h->status >= 100 && h->status < 600 ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_bytes trim(tsr_bytes in)
{
    while (in.len != 0 && (in.ptr[0] == ' ' || in.ptr[0] == '\t'))
        in = tsr_skip(in, 1);
    while (in.len != 0 && (in.ptr[in.len - 1] == ' ' || in.ptr[in.len - 1] == '\t'))
        in.len--;
    return in;
}

/* The next element of a list, RFC 9110 §5.6.1; false at its end. */
static bool next_of(tsr_bytes *list, tsr_bytes *element)
{
    size_t n = 0;

    if (list->ptr == NULL)
        return false;
    while (n < list->len && list->ptr[n] != ',')
        n++;
    *element = trim(tsr_first(*list, n));
    *list = n < list->len ? tsr_skip(*list, n + 1) : (tsr_bytes){ NULL, 0 };
    return true;
}

/* The same length twice is one, RFC 9112 §6.3. */
static tsr_err note_length(tsr_http *h, tsr_bytes value)
{
    tsr_bytes one;
    uint64_t v;

    while (next_of(&value, &one)) {
        if (tsr_dec(one, &v) != TSR_OK || v == UINT64_MAX || (h->has_length && v != h->length))
            return TSR_E_MALFORMED;
        h->has_length = true;
        h->length = v;
    }
    return TSR_OK;
}

static tsr_err note_coding(tsr_http *h, tsr_bytes value)
{
    if (!tsr_http_is(value, "chunked"))
        return TSR_E_UNSUPPORTED;
    if (h->chunked)
        return TSR_E_MALFORMED;
    h->chunked = true;
    return TSR_OK;
}

static void note_connection(tsr_http *h, tsr_bytes value)
{
    tsr_bytes one;

    while (next_of(&value, &one)) {
        if (tsr_http_is(one, "close"))
            h->close = true;
        else if (tsr_http_is(one, "keep-alive"))
            h->persist = true;
    }
}

/* RFC 9112 §5.1: no space before the colon. */
tsr_err tsr_http_field_line(tsr_http *h, tsr_http_field *field)
{
    tsr_bytes in = tsr_buf_view(&h->room);
    size_t n = 0;

    while (n < in.len && in.ptr[n] != ':')
        n++;
    field->name = tsr_first(in, n);
    field->value = trim(tsr_skip(in, n + 1));
    if (n == in.len || !tsr_http_token(field->name) || !tsr_http_printable(field->value))
        return TSR_E_MALFORMED;
    if (h->state == HTTP_TRAILER || h->status < 200)
        return TSR_OK;
    if (tsr_http_is(field->name, "content-length"))
        return note_length(h, field->value);
    if (tsr_http_is(field->name, "transfer-encoding"))
        return note_coding(h, field->value);
    if (tsr_http_is(field->name, "connection"))
        note_connection(h, field->value);
    return TSR_OK;
}
