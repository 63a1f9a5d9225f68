/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/hex.h"

int tsr_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

tsr_err tsr_hex_get(tsr_bytes text, tsr_buf *out)
{
    size_t before = out->len;

    if (text.len % 2 != 0)
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = tsr_hex_digit(text.ptr[i]), low = tsr_hex_digit(text.ptr[i + 1]);

        if (high < 0 || low < 0) {
            out->len = before;
            return TSR_E_MALFORMED;
        }
        tsr_put_u8(out, (uint8_t)(high << 4 | low));
    }
    return out->err;
}

void tsr_hex_put(tsr_buf *out, tsr_bytes in)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < in.len; i++) {
        tsr_put_u8(out, (uint8_t)digits[in.ptr[i] >> 4]);
        tsr_put_u8(out, (uint8_t)digits[in.ptr[i] & 15]);
    }
}
