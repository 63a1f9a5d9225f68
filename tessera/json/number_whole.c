/* SPDX-License-Identifier: Apache-2.0
 *
 * number.h for a device without a Float resource: whole numbers only. A program that links the
 * room number_whole before json gets this file instead of number.c, and saves 3.5 KB of flash. */
#include "tessera/json/number.h"

tsr_err tsr_number_get_whole(tsr_bytes text, bool *negative, uint64_t *size)
{
    static const char number[] = "0123456789.eE+-";
    bool minus = text.len != 0 && text.ptr[0] == '-';
    uint64_t sum;

    if (tsr_dec(tsr_skip(text, minus ? 1 : 0), &sum) != TSR_OK) {
        for (size_t i = minus ? 1 : 0; i < text.len; i++)
            if (memchr(number, text.ptr[i], sizeof number - 1) == NULL)
                return TSR_E_MALFORMED;
        return text.len > (minus ? 1 : 0) ? TSR_E_TYPE : TSR_E_MALFORMED;
    }
    *negative = minus && sum != 0;
    *size = sum;
    return TSR_OK;
}

tsr_err tsr_number_get(tsr_bytes text, double *v)
{
    bool negative;
    uint64_t size;
    tsr_err err = tsr_number_get_whole(text, &negative, &size);

    if (err == TSR_OK)
        *v = negative ? -(double)size : (double)size;
    return err;
}

void tsr_number_put(tsr_buf *out, double v)
{
    int64_t whole = v > -9e18 && v < 9e18 ? (int64_t)v : 0;

    if ((double)whole == v)
        tsr_put_sdec(out, whole);
    else if (out->err == TSR_OK)
        out->err = TSR_E_TYPE;
}
