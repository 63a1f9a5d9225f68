/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. */
#ifndef TESSERA_OSCORE_INTERNAL_H
#define TESSERA_OSCORE_INTERNAL_H

#include "tessera/coap/message.h"
#include "tessera/oscore/oscore.h"

#define TSR_OSCORE_PIV_END ((uint64_t)1 << 40) /* RFC 8613 §7.2.1 */

enum {
    TSR_OSCORE_PIV_MAX = 5,
    TSR_OSCORE_AAD_MAX = 12 + 3 + 3 + 1 + TSR_OSCORE_ID_MAX + 1 + TSR_OSCORE_PIV_MAX + 1,
};

/** What stands in the option and, for a request, in the AAD. */
typedef struct {
    uint8_t bytes[TSR_OSCORE_PIV_MAX];
    uint8_t len;
} tsr_oscore_piv;

tsr_oscore_piv tsr_oscore_piv_of(uint64_t number, uint8_t len);
static inline uint64_t tsr_oscore_piv_number(tsr_bytes piv)
{
    uint64_t number = 0;

    for (size_t i = 0; i < piv.len; i++)
        number = number << 8 | piv.ptr[i];
    return number;
}

/** The bytes that a number takes; 0 takes one. RFC 8613 §5 */
uint8_t tsr_oscore_piv_len(uint64_t number);

/** Makes `margin` more numbers good to use, by a save. errors TSR_E_IO */
tsr_err tsr_oscore_extend(tsr_oscore *c);

/** Takes the next sequence number, saving first when that is due. errors TSR_E_STATE, TSR_E_IO */
tsr_err tsr_oscore_number(tsr_oscore *c, uint64_t *number);

/** One AEAD call's nonce and additional data, for exchange `x`. */
typedef struct {
    uint8_t nonce[TSR_OSCORE_NONCE_MAX];
    uint8_t aad[TSR_OSCORE_AAD_MAX];
    size_t aad_len;
} tsr_oscore_seal;

/** `piv` was made by us, or by the peer. RFC 8613 §5.2, RFC 8613 §5.4 */
void tsr_oscore_seal_make(tsr_oscore_seal *s, const tsr_oscore *c, const tsr_oscore_exchange *x,
                          uint64_t piv, bool by_us);

/** Class U, and no E: these alone are taken from outside. RFC 8613 §4.1 */
static inline bool tsr_oscore_is_outer(uint32_t number)
{
    const uint64_t outer = 1u << TSR_COAP_URI_HOST | 1u << TSR_COAP_URI_PORT |
                           (uint64_t)1 << TSR_COAP_PROXY_URI | (uint64_t)1 << TSR_COAP_PROXY_SCHEME;

    return number < 64 && (outer >> number & 1) != 0;
}

/** For tsr_oscore_opt_next; works on copies, so that its caller's stay in registers. */
static inline tsr_err tsr_oscore_opt_long(tsr_coap_opts *it, tsr_coap_opt *opt)
{
    tsr_coap_opts copy = *it;
    tsr_coap_opt found = { 0, { NULL, 0 } };
    tsr_err err = tsr_coap_opt_next(&copy, &found);

    *it = copy;
    *opt = found;
    return err;
}

/** tsr_coap_opt_next, with the short heads that nearly all options have read here. */
static inline tsr_err tsr_oscore_opt_next(tsr_coap_opts *it, tsr_coap_opt *opt)
{
    const uint8_t *in = it->rest.ptr;
    size_t left = it->rest.len, len;

    if (left == 0)
        return TSR_END;
    if (in[0] == 0xff && left > 1) {
        it->payload = (tsr_bytes){ in + 1, left - 1 };
        it->rest.len = 0;
        return TSR_END;
    }
    len = in[0] & 15u;
    if (len >= 13 || in[0] >= 0xd0 || len >= left || it->number > UINT16_MAX - 12)
        return tsr_oscore_opt_long(it, opt);
    it->number += in[0] >> 4;
    it->rest = (tsr_bytes){ in + 1 + len, left - 1 - len };
    opt->number = (uint16_t)it->number;
    opt->value = (tsr_bytes){ in + 1, len };
    return TSR_OK;
}

/** Writes an option's head and moves its value behind it, forward only: `at` must not be above the
 *  value's start minus the head. */
uint8_t *tsr_oscore_put_moved(uint8_t *at, uint16_t *last, uint16_t number, tsr_bytes value);

/** A context of that ID Context, of which `said_len` bytes go along; it is saved nowhere. */
tsr_err tsr_oscore_renew_make(tsr_oscore *c, const tsr_oscore_params *params, tsr_bytes id,
                              size_t said_len);

/** A protected answer with a code alone, to a request that `x` is of; mid as answer_datagram. */
tsr_err tsr_oscore_answer_bare(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t code,
                               tsr_bytes request, uint16_t mid, tsr_buf *out);

/** What a kid context of RFC 8613 §B.2 holds; ptr NULL: it is no CBOR byte string. */
tsr_bytes tsr_oscore_unwrap(tsr_bytes kid_context);

/** Appends the option itself. `piv` and `kid` may be absent. */
void tsr_oscore_option_put(tsr_buf *out, uint16_t *last, const tsr_oscore_option *option);

#endif
