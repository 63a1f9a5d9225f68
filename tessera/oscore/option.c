/* SPDX-License-Identifier: Apache-2.0
 *
 * The OSCORE option, and options on the move between inside and outside. */
#include "tessera/oscore/internal.h"

enum { PIV_BITS = 0x07, KID = 0x08, KID_CONTEXT = 0x10, RESERVED = 0xe0 }; /* RFC 8613 §6.1 */

uint8_t tsr_oscore_piv_len(uint64_t number)
{
    uint8_t len = 1;

    while (len < TSR_OSCORE_PIV_MAX && number >> (8u * len) != 0)
        len++;
    return len;
}

tsr_oscore_piv tsr_oscore_piv_of(uint64_t number, uint8_t len)
{
    tsr_oscore_piv piv = { { 0 }, len };

    for (uint8_t i = len; i > 0; i--, number >>= 8)
        piv.bytes[i - 1] = (uint8_t)number;
    return piv;
}

tsr_err tsr_oscore_option_read(tsr_bytes value, tsr_oscore_option *option)
{
    tsr_bytes piv = { NULL, 0 }, kid = { NULL, 0 }, kid_context = { NULL, 0 };
    uint8_t flags = value.len > 0 ? value.ptr[0] : 0;
    size_t piv_len = flags & PIV_BITS;

    value = tsr_skip(value, 1);
    if ((flags & RESERVED) != 0 || piv_len > TSR_OSCORE_PIV_MAX || piv_len > value.len)
        return TSR_E_MALFORMED;
    if (piv_len > 0)
        piv = tsr_first(value, piv_len);
    value = tsr_skip(value, piv_len);
    if ((flags & KID_CONTEXT) != 0) {
        if (value.len == 0 || value.ptr[0] > value.len - 1)
            return TSR_E_MALFORMED;
        kid_context = tsr_view(value.ptr + 1, value.ptr[0]);
        value = tsr_skip(value, 1 + kid_context.len);
    }
    if ((flags & KID) != 0)
        kid = value;
    else if (value.len > 0)
        return TSR_E_MALFORMED;
    *option = (tsr_oscore_option){ piv, kid, kid_context };
    return TSR_OK;
}

/* Few bytes: a call of memcpy would cost more than they do. */
static uint8_t *put_short(uint8_t *at, tsr_bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        *at++ = value.ptr[i];
    return at;
}

void tsr_oscore_option_put(tsr_buf *out, uint16_t *last, const tsr_oscore_option *o)
{
    uint8_t room[1 + TSR_OSCORE_PIV_MAX + 1 + 2 + TSR_OSCORE_ID_CONTEXT_MAX + TSR_OSCORE_ID_MAX];
    uint8_t *at = room;

    if (o->piv.len > 0 || o->kid.ptr != NULL || o->kid_context.ptr != NULL) {
        *at++ = (uint8_t)(o->piv.len | (o->kid.ptr != NULL ? KID : 0u) |
                          (o->kid_context.ptr != NULL ? KID_CONTEXT : 0u));
        at = put_short(at, o->piv);
        if (o->kid_context.ptr != NULL) {
            *at++ = (uint8_t)o->kid_context.len;
            at = put_short(at, o->kid_context);
        }
        at = put_short(at, o->kid);
    }
    tsr_coap_put_opt(out, last, TSR_COAP_OSCORE, tsr_view(room, (size_t)(at - room)));
}

tsr_err tsr_oscore_option_find(tsr_bytes body, tsr_oscore_option *option)
{
    tsr_coap_opts it = { .rest = body };
    tsr_bytes value, again;
    tsr_err err = tsr_coap_opt_find(&it, TSR_COAP_OSCORE, &value);

    if (err == TSR_END)
        return TSR_E_NOT_FOUND;
    if (err != TSR_OK || tsr_coap_opt_find(&it, TSR_COAP_OSCORE, &again) != TSR_END)
        return TSR_E_MALFORMED;
    return tsr_oscore_option_read(value, option);
}

tsr_bytes tsr_oscore_unwrap(tsr_bytes in)
{
    size_t head = in.len > 1 && in.ptr[0] == 0x58 ? 2 : 1;

    if (in.len < head || (head == 1 ? in.ptr[0] != 0x40 + in.len - 1 || in.len > 24
                                    : in.ptr[1] != in.len - 2))
        return (tsr_bytes){ NULL, 0 };
    return tsr_skip(in, head);
}

bool tsr_oscore_is_for(const tsr_oscore *c, const tsr_oscore_option *option)
{
    if (option->kid.ptr == NULL || option->kid.len != c->recipient_id_len)
        return false;
    for (size_t i = 0; i < option->kid.len; i++) /* short, and no secret */
        if (option->kid.ptr[i] != c->recipient_id[i])
            return false;
    tsr_bytes id = tsr_view(c->id_context, c->id_context_len);

    return option->kid_context.ptr == NULL ||
           (c->has_id_context && (tsr_same(option->kid_context, id) ||
                                  tsr_same(tsr_oscore_unwrap(option->kid_context), id)));
}

/* RFC 7252 §3.1 */
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

static unsigned nibble(size_t v) { return v < 13 ? (unsigned)v : v < 269 ? 13u : 14u; }

uint8_t *tsr_oscore_put_moved(uint8_t *at, uint16_t *last, uint16_t number, tsr_bytes value)
{
    size_t delta = (size_t)number - *last;

    *last = number;
    *at++ = (uint8_t)(nibble(delta) << 4 | nibble(value.len));
    at = put_extended(at, delta);
    at = put_extended(at, value.len);
    if (value.len > 0)
        memmove(at, value.ptr, value.len);
    return at + value.len;
}
