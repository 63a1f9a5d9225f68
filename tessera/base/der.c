/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/der.h"

enum { SHORT_MAX = 0x7f, LONG_1 = 0x81, LONG_2 = 0x82 };

static tsr_err get_len(tsr_bytes *in, size_t *len)
{
    uint8_t first, low;
    uint16_t both;

    if (tsr_get_u8(in, &first) != TSR_OK)
        return TSR_E_MALFORMED;
    switch (first) {
    case LONG_1:
        if (tsr_get_u8(in, &low) != TSR_OK)
            return TSR_E_MALFORMED;
        *len = low;
        return TSR_OK;
    case LONG_2:
        if (tsr_get_u16(in, &both) != TSR_OK)
            return TSR_E_MALFORMED;
        *len = both;
        return TSR_OK;
    default:
        *len = first;
        return first <= SHORT_MAX ? TSR_OK : TSR_E_MALFORMED;
    }
}

tsr_err tsr_der_get(tsr_bytes *in, uint8_t tag, tsr_bytes *content)
{
    tsr_bytes rest = *in;
    uint8_t found;
    size_t len;

    if (tsr_get_u8(&rest, &found) != TSR_OK || found != tag || get_len(&rest, &len) != TSR_OK ||
        tsr_get_bytes(&rest, len, content) != TSR_OK)
        return TSR_E_MALFORMED;
    *in = rest;
    return TSR_OK;
}

tsr_err tsr_der_get_whole(tsr_bytes *in, uint8_t tag, tsr_bytes *element)
{
    tsr_bytes from = *in, content;

    if (tsr_der_get(in, tag, &content) != TSR_OK)
        return TSR_E_MALFORMED;
    *element = tsr_first(from, from.len - in->len);
    return TSR_OK;
}

void tsr_der_put_head(tsr_buf *out, uint8_t tag, size_t content_len)
{
    tsr_put_u8(out, tag);
    if (content_len <= SHORT_MAX) {
        tsr_put_u8(out, (uint8_t)content_len);
    } else if (content_len <= UINT8_MAX) {
        tsr_put_u8(out, LONG_1);
        tsr_put_u8(out, (uint8_t)content_len);
    } else {
        tsr_put_u8(out, LONG_2);
        tsr_put_u16(out, (uint16_t)content_len);
        if (content_len > UINT16_MAX && out->err == TSR_OK)
            out->err = TSR_E_SPACE;
    }
}

size_t tsr_der_len(size_t content_len)
{
    return content_len + (content_len <= SHORT_MAX ? 2u : content_len <= UINT8_MAX ? 3u : 4u);
}
