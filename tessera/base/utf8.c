/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/utf8.h"

/* RFC 3629 §4: how many bytes follow `lead`, and the limits of the first of them. */
static size_t tail_of(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0)
            *low = 0xa0;
        if (lead == 0xed)
            *high = 0x9f;
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0)
            *low = 0x90;
        if (lead == 0xf4)
            *high = 0x8f;
        return 3;
    }
    return 0;
}

bool tsr_utf8_valid(tsr_bytes text)
{
    size_t i = 0;

    while (i < text.len) {
        uint8_t low, high;
        uint8_t lead = text.ptr[i++];

        if (lead < 0x80)
            continue;

        size_t tail = tail_of(lead, &low, &high);

        if (tail == 0 || tail > text.len - i)
            return false;
        if (text.ptr[i] < low || text.ptr[i] > high)
            return false;
        for (size_t n = 1; n < tail; n++)
            if ((text.ptr[i + n] & 0xc0) != 0x80)
                return false;
        i += tail;
    }
    return true;
}

void tsr_put_utf8(tsr_buf *out, uint32_t code_point)
{
    uint32_t c = code_point;

    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    if (c < 0x80) {
        tsr_put_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        tsr_put_u16(out, (uint16_t)(0xc080 | (c >> 6) << 8 | (c & 0x3f)));
    } else if (c < 0x10000) {
        tsr_put_u8(out, (uint8_t)(0xe0 | c >> 12));
        tsr_put_u16(out, (uint16_t)(0x8080 | (c >> 6 & 0x3f) << 8 | (c & 0x3f)));
    } else {
        tsr_put_u32(out, 0xf0808080 | (c >> 18) << 24 | (c >> 12 & 0x3f) << 16
                             | (c >> 6 & 0x3f) << 8 | (c & 0x3f));
    }
}
