/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/bytes.h"

const char *tsr_err_name(tsr_err err)
{
    switch (err) {
    case TSR_OK:            return "ok";
    case TSR_END:           return "end";
    case TSR_E_MALFORMED:   return "malformed";
    case TSR_E_SPACE:       return "no space";
    case TSR_E_NOT_FOUND:   return "not found";
    case TSR_E_DENIED:      return "denied";
    case TSR_E_TYPE:        return "wrong type";
    case TSR_E_UNSUPPORTED: return "unsupported";
    case TSR_E_EXISTS:      return "exists";
    case TSR_E_STATE:       return "wrong state";
    case TSR_E_IO:          return "platform failure";
    case TSR_E_CRYPTO:      return "crypto failure";
    case TSR_E_ARGUMENT:    return "bad argument";
    }
    return "unknown";
}

bool tsr_same_secret(tsr_bytes a, tsr_bytes b)
{
    volatile uint8_t diff = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        diff = (uint8_t)(diff | (a.ptr[i] ^ b.ptr[i]));
    return diff == 0;
}

void tsr_wipe(void *ptr, size_t len)
{
    void *(*volatile set)(void *, int, size_t) = memset; /* the compiler cannot know what it does */

    if (len > 0)
        (void)set(ptr, 0, len);
}

uint8_t *tsr_buf_claim(tsr_buf *out, size_t n)
{
    if (out->err != TSR_OK)
        return NULL;
    if (n > out->cap - out->len) {
        out->err = TSR_E_SPACE;
        return NULL;
    }

    uint8_t *at = out->ptr + out->len;

    out->len += n;
    return at;
}

void tsr_put_bytes(tsr_buf *out, tsr_bytes in)
{
    uint8_t *at = tsr_buf_claim(out, in.len);

    if (at != NULL && in.len != 0)
        memcpy(at, in.ptr, in.len);
}

void tsr_put_text(tsr_buf *out, const char *zero_terminated)
{
    tsr_put_bytes(out, tsr_text(zero_terminated));
}

/* Compilers make one store, or load, of each of these. */
static void to_be32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
}

static uint32_t from_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void tsr_put_u8(tsr_buf *out, uint8_t v)
{
    uint8_t *at = tsr_buf_claim(out, 1);

    if (at != NULL)
        *at = v;
}

void tsr_put_u16(tsr_buf *out, uint16_t v)
{
    uint8_t *at = tsr_buf_claim(out, 2);

    if (at == NULL)
        return;
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

void tsr_put_u32(tsr_buf *out, uint32_t v)
{
    uint8_t *at = tsr_buf_claim(out, 4);

    if (at != NULL)
        to_be32(at, v);
}

void tsr_put_u64(tsr_buf *out, uint64_t v)
{
    uint8_t *at = tsr_buf_claim(out, 8);

    if (at == NULL)
        return;
    to_be32(at, (uint32_t)(v >> 32));
    to_be32(at + 4, (uint32_t)v);
}

void tsr_put_dec(tsr_buf *out, uint64_t v)
{
    uint8_t digits[20];
    size_t n = sizeof digits;

    do {
        digits[--n] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    tsr_put_bytes(out, tsr_view(digits + n, sizeof digits - n));
}

void tsr_put_sdec(tsr_buf *out, int64_t v)
{
    if (v < 0)
        tsr_put_u8(out, '-');
    tsr_put_dec(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* The next `n` bytes, or NULL. */
static const uint8_t *take(tsr_bytes *in, size_t n)
{
    const uint8_t *at = in->ptr;

    if (in->len < n)
        return NULL;
    *in = tsr_skip(*in, n);
    return at;
}

tsr_err tsr_get_u8(tsr_bytes *in, uint8_t *v)
{
    const uint8_t *at = take(in, 1);

    if (at == NULL)
        return TSR_E_MALFORMED;
    *v = *at;
    return TSR_OK;
}

tsr_err tsr_get_u16(tsr_bytes *in, uint16_t *v)
{
    const uint8_t *at = take(in, 2);

    if (at == NULL)
        return TSR_E_MALFORMED;
    *v = (uint16_t)(at[0] << 8 | at[1]);
    return TSR_OK;
}

tsr_err tsr_get_u32(tsr_bytes *in, uint32_t *v)
{
    const uint8_t *at = take(in, 4);

    if (at == NULL)
        return TSR_E_MALFORMED;
    *v = from_be32(at);
    return TSR_OK;
}

tsr_err tsr_get_u64(tsr_bytes *in, uint64_t *v)
{
    const uint8_t *at = take(in, 8);

    if (at == NULL)
        return TSR_E_MALFORMED;
    *v = (uint64_t)from_be32(at) << 32 | from_be32(at + 4);
    return TSR_OK;
}

tsr_err tsr_get_bytes(tsr_bytes *in, size_t n, tsr_bytes *v)
{
    if (in->len < n)
        return TSR_E_MALFORMED;
    *v = tsr_first(*in, n);
    *in = tsr_skip(*in, n);
    return TSR_OK;
}

tsr_err tsr_dec(tsr_bytes in, uint64_t *v)
{
    uint64_t sum = 0;

    if (in.len == 0)
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < in.len; i++) {
        unsigned digit = (unsigned)in.ptr[i] - '0';
        uint64_t more = sum * 10 + digit;

        /* ten times the greatest that is let through is five below the end: only the digit can
         * wrap */
        if (digit > 9 || sum > UINT64_MAX / 10 || more < digit)
            return TSR_E_MALFORMED;
        sum = more;
    }
    *v = sum;
    return TSR_OK;
}

tsr_err tsr_dec_upto(tsr_bytes in, uint32_t most, uint32_t *v)
{
    uint64_t sum = 0;

    if (in.len == 0)
        return TSR_E_MALFORMED;
    for (const uint8_t *at = in.ptr, *end = at + in.len; at != end; at++) {
        unsigned digit = *at - (unsigned)'0';

        sum = sum * 10 + digit;
        if (digit > 9 || sum > most)
            return TSR_E_MALFORMED;
    }
    *v = (uint32_t)sum;
    return TSR_OK;
}

tsr_err tsr_sdec(tsr_bytes in, int64_t *v)
{
    uint64_t size;
    bool negative = in.len != 0 && in.ptr[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1u : 0u);

    if (tsr_dec(tsr_skip(in, negative ? 1 : 0), &size) != TSR_OK || size > limit)
        return TSR_E_MALFORMED;
    if (size > (uint64_t)INT64_MAX)
        *v = INT64_MIN;
    else
        *v = negative ? -(int64_t)size : (int64_t)size;
    return TSR_OK;
}
