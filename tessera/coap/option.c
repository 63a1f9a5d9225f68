/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/option.h"

#include "tessera/coap/option_in.h"

tsr_err tsr_coap_opt_next(tsr_coap_opts *it, tsr_coap_opt *opt)
{
    tsr_bytes in = it->rest;
    uint32_t number = it->number;
    tsr_bytes value;

    if (in.len == 0)
        return TSR_END;
    if (in.ptr[0] == 0xff) {
        if (in.len == 1)
            return TSR_E_MALFORMED;
        it->payload = tsr_skip(in, 1);
        it->rest.len = 0;
        return TSR_END;
    }
    if (tsr_coap_option_step(&in, &number, &value) != TSR_OK || number > UINT16_MAX)
        return TSR_E_MALFORMED;

    it->number = number;
    it->rest = in;
    *opt = (tsr_coap_opt){ (uint16_t)number, value };
    return TSR_OK;
}

tsr_err tsr_coap_opt_find(tsr_coap_opts *it, uint16_t number, tsr_bytes *value)
{
    tsr_coap_opt opt;
    tsr_err err;

    while ((err = tsr_coap_opt_next(it, &opt)) == TSR_OK) {
        if (opt.number == number) {
            *value = opt.value;
            return TSR_OK;
        }
    }
    return err;
}

tsr_err tsr_coap_opt_uint(tsr_bytes value, uint32_t *v)
{
    uint32_t sum = 0;

    if (value.len > 4)
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < value.len; i++)
        sum = sum << 8 | value.ptr[i];
    *v = sum;
    return TSR_OK;
}

/* The nibble for a delta or a length. RFC 7252 §3.1 */
static unsigned nibble(size_t v)
{
    return v < 13 ? (unsigned)v : v < 269 ? 13u : 14u;
}

/* What follows the first byte for one of 13 or more. */
static uint8_t *put_extended(uint8_t *at, size_t v)
{
    if (v >= 269) {
        *at++ = (uint8_t)((v - 269) >> 8);
        *at++ = (uint8_t)(v - 269);
    } else if (v >= 13) {
        *at++ = (uint8_t)(v - 13);
    }
    return at;
}

/* Every option that is not both near its predecessor and short, and every failure. Kept apart, so that
 * the common case saves no registers. */
__attribute__((noinline)) static void put_long_opt(tsr_buf *out, uint16_t *last, uint16_t number, tsr_bytes value)
{
    if (out->err == TSR_OK && (number < *last || value.len > 65804))
        out->err = TSR_E_ARGUMENT;

    size_t delta = (size_t)number - *last;
    unsigned d = nibble(delta), l = nibble(value.len);
    size_t head = 1u + (d == 13 ? 1u : d == 14 ? 2u : 0u) + (l == 13 ? 1u : l == 14 ? 2u : 0u);
    uint8_t *at = tsr_buf_claim(out, head + value.len);

    if (at == NULL)
        return;
    *last = number;
    *at++ = (uint8_t)(d << 4 | l);
    at = put_extended(at, delta);
    at = put_extended(at, value.len);
    if (value.len != 0)
        memcpy(at, value.ptr, value.len);
}

void tsr_coap_put_opt(tsr_buf *out, uint16_t *last, uint16_t number, tsr_bytes value)
{
    size_t delta = (size_t)number - *last; /* wraps, to a great number, when it descends */

    if (delta >= 13 || value.len >= 13 || value.len >= out->cap - out->len || out->err != TSR_OK) {
        put_long_opt(out, last, number, value);
        return;
    }

    uint8_t *at = out->ptr + out->len;

    *last = number;
    out->len += 1 + value.len;
    *at = (uint8_t)(delta << 4 | value.len);
    for (size_t i = 0; i < value.len; i++)
        at[1 + i] = value.ptr[i];
}

void tsr_coap_put_opt_uint(tsr_buf *out, uint16_t *last, uint16_t number, uint32_t v)
{
    uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    size_t zeros = 0;

    while (zeros < 4 && bytes[zeros] == 0)
        zeros++;
    tsr_coap_put_opt(out, last, number, tsr_view(bytes + zeros, 4 - zeros));
}

void tsr_coap_put_opt_text(tsr_buf *out, uint16_t *last, uint16_t number, const char *text,
                           char separator)
{
    if (*text == separator)
        text++;
    while (*text != '\0') {
        const char *end = text;

        while (*end != '\0' && *end != separator)
            end++;
        tsr_coap_put_opt(out, last, number, tsr_view(text, (size_t)(end - text)));
        if (*end == '\0')
            return;
        text = end + 1;
        if (*text == '\0') /* "/a/" ends with an empty segment */
            tsr_coap_put_opt(out, last, number, tsr_view(text, 0));
    }
}
