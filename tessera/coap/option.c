/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/option.h"

#include "tessera/coap/key.h"

/* ---- reading options ---- */

/* RFC 7252 §3.1: 13 takes one byte more, 14 two, 15 is reserved. */
static inline tsr_err read_extended(tsr_bytes *in, uint32_t *v)
{
    if (*v < 13)
        return TSR_OK;
    if (*v == 13 && in->len >= 1) {
        *v = 13u + in->ptr[0];
        *in = tsr_skip(*in, 1);
        return TSR_OK;
    }
    if (*v == 14 && in->len >= 2) {
        *v = 269u + ((uint32_t)in->ptr[0] << 8 | in->ptr[1]);
        *in = tsr_skip(*in, 2);
        return TSR_OK;
    }
    return TSR_E_MALFORMED;
}

/* `in` starts with an option (it is neither empty nor at the payload marker) and moves past it. The
 * caller checks that *number stays within 16 bits: here it would cost something for every option.
 * Not a part of tsr_coap_opt_next, so that a message is parsed with all of this in registers. */
static inline tsr_err step(tsr_bytes *in, uint32_t *number, tsr_bytes *value)
{
    const unsigned head = in->ptr[0];
    tsr_bytes rest = { in->ptr + 1, in->len - 1 };
    uint32_t delta = head >> 4;
    uint32_t length = head & 15u;

    if (delta >= 13 || length >= 13) {
        if (read_extended(&rest, &delta) != TSR_OK || read_extended(&rest, &length) != TSR_OK ||
            *number + delta > UINT16_MAX)
            return TSR_E_MALFORMED;
    }
    if (length > rest.len)
        return TSR_E_MALFORMED;

    *number += delta;
    *value = (tsr_bytes){ rest.ptr, length };
    *in = (tsr_bytes){ rest.ptr + length, rest.len - length };
    return TSR_OK;
}

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
    if (step(&in, &number, &value) != TSR_OK || number > UINT16_MAX)
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

/* ---- reading all options of a message in one pass ---- */

/* RFC 7252 §5.4.1: odd numbers are critical. The first one found is the one to report. */
__attribute__((cold)) static void refuse(tsr_coap_msg *msg, uint32_t number)
{
    if ((number & 1) == 0)
        return;
    if (msg->bad_count++ == 0)
        msg->bad_option = (uint16_t)number;
}

static uint32_t number_of(tsr_bytes value)
{
    uint32_t v = 0;

    for (size_t i = 0; i < value.len; i++)
        v = v << 8 | value.ptr[i];
    return v;
}

/* RFC 7959 §2.2 */
static tsr_coap_block block_of(uint32_t v)
{
    return (tsr_coap_block){ true, (v & 8) != 0, v & 7, v >> 4 };
}

static void take_segment(tsr_coap_msg *msg, tsr_bytes value)
{
    unsigned at = msg->path_count++;

    if (value.len > 255)
        refuse(msg, TSR_COAP_URI_PATH);
    if (at < TSR_COAP_SEGMENTS)
        msg->path[at] = value;
}

/* What becomes of an option: it is kept at `place`, as a number, a block, what it says, or that it is
 * there; or nothing. What is VIEW or NAME must not be empty. */
enum { NUMBER, BLOCK, VIEW, NAME, FLAG, PASSED };

typedef struct {
    uint8_t number, kind, most, place;
} known_option;

/* Lengths: RFC 7252 §5.10 (its table), RFC 7641 §2, RFC 7959 §2.1, RFC 7959 §4, RFC 9175 §2.2.1.
 * Those that come most stand first. */
#define KEPT(number, kind, most, member) { number, kind, most, offsetof(tsr_coap_msg, member) }
static const known_option known[] = {
    KEPT(TSR_COAP_OBSERVE, NUMBER, 3, observe),
    KEPT(TSR_COAP_ACCEPT, NUMBER, 2, accept),
    KEPT(TSR_COAP_CONTENT_FORMAT, NUMBER, 2, content_format),
    { TSR_COAP_URI_QUERY, PASSED, 255, 0 },
    KEPT(TSR_COAP_BLOCK1, BLOCK, 3, block1),
    KEPT(TSR_COAP_BLOCK2, BLOCK, 3, block2),
    KEPT(TSR_COAP_SIZE1, NUMBER, 4, size1),
    KEPT(TSR_COAP_SIZE2, NUMBER, 4, size2),
    KEPT(TSR_COAP_MAX_AGE, NUMBER, 4, max_age),
    KEPT(TSR_COAP_ETAG, VIEW, 8, etag),
    KEPT(TSR_COAP_ECHO, VIEW, 40, echo),
    { TSR_COAP_URI_PORT, PASSED, 2, 0 },
    { TSR_COAP_URI_HOST, NAME, 255, 0 },
    KEPT(TSR_COAP_IF_MATCH, FLAG, 8, if_match),
    KEPT(TSR_COAP_IF_NONE_MATCH, FLAG, 0, if_none_match),
    { 0, PASSED, 0, 0 }, /* the end; there is no option 0 to be refused */
};
#undef KEPT

_Static_assert(offsetof(tsr_coap_msg, token) <= UINT8_MAX, "a place is one byte");

/* One that is too long or short (RFC 7252 §5.4.3), or that must not be repeated and is (RFC 7252
 * §5.4.5), counts as unrecognised. */
static void take_option(tsr_coap_msg *msg, uint32_t number, tsr_bytes value)
{
    const known_option *k = known;
    bool *at;

    for (; k->number != number; k++)
        if (k->number == 0) {
            refuse(msg, number);
            return;
        }
    at = (bool *)msg + k->place;
    if (k->kind == NUMBER && value.len <= k->most && !*at) {
        *(tsr_coap_num *)(void *)at = (tsr_coap_num){ true, number_of(value) };
        return;
    }
    if (k->kind == FLAG)
        *at = true;
    if (value.len > k->most || (k->kind <= BLOCK && *at) ||
        (value.len == 0 && (k->kind == VIEW || k->kind == NAME)))
        refuse(msg, number);
    else if (k->kind == BLOCK)
        *(tsr_coap_block *)(void *)at = block_of(number_of(value));
    else if (k->kind == VIEW && ((tsr_bytes *)(void *)at)->ptr == NULL)
        *(tsr_bytes *)(void *)at = value;
}

static tsr_err parse_options(tsr_bytes in, tsr_coap_msg *msg)
{
    tsr_bytes whole = in;
    uint32_t number = 0;
    tsr_bytes value;

    while (in.len != 0 && in.ptr[0] != 0xff) {
        if (step(&in, &number, &value) != TSR_OK)
            return TSR_E_MALFORMED;
        if (number == TSR_COAP_URI_PATH)
            take_segment(msg, value);
        else
            take_option(msg, number, value);
    }
    msg->options = tsr_first(whole, whole.len - in.len);
    msg->payload = tsr_skip(in, 1);
    if (in.len == 1 || number > UINT16_MAX) /* a marker without payload */
        return TSR_E_MALFORMED;
    return TSR_OK;
}

/* All but what every message has, and `path`; in pieces that become a few wide stores. */
static void clear(tsr_coap_msg *msg)
{
    const size_t observe = offsetof(tsr_coap_msg, observe), block1 = offsetof(tsr_coap_msg, block1);
    const size_t etag = offsetof(tsr_coap_msg, etag);
    uint8_t *at = (uint8_t *)msg;

    msg->bad_option = msg->bad_count = msg->path_count = 0;
    msg->if_match = msg->if_none_match = false;
    memset(at + observe, 0, offsetof(tsr_coap_msg, block1) - observe);
    memset(at + block1, 0, offsetof(tsr_coap_msg, etag) - block1);
    memset(at + etag, 0, offsetof(tsr_coap_msg, token) - etag);
}

tsr_err tsr_coap_msg_parse(tsr_bytes datagram, tsr_coap_msg *msg)
{
    const uint8_t *in = datagram.ptr;

    if (datagram.len < 4)
        return TSR_E_MALFORMED;
    clear(msg);
    msg->type = (in[0] >> 4) & 3u;
    msg->code = in[1];
    msg->mid = (uint16_t)(in[2] << 8 | in[3]);
    if (in[0] >> 6 != 1)
        return TSR_E_UNSUPPORTED;

    size_t token_len = in[0] & 15u;
    unsigned class = msg->code >> 5;

    if (token_len > TSR_COAP_TOKEN_MAX || token_len > datagram.len - 4)
        return TSR_E_MALFORMED;
    if ((0xc2u >> class & 1) != 0) /* RFC 7252 §3: classes 1, 6 and 7 are reserved */
        return TSR_E_MALFORMED;
    if (msg->code == TSR_COAP_EMPTY && datagram.len != 4) /* RFC 7252 §4.1 */
        return TSR_E_MALFORMED;
    msg->token = (tsr_bytes){ in + 4, token_len };
    return parse_options((tsr_bytes){ in + 4 + token_len, datagram.len - 4 - token_len }, msg);
}

/* ---- what makes two requests the same ---- */

/* FNV-1a */
#define MIX UINT32_C(0x811c9dc5)

static uint32_t mix_byte(uint32_t h, uint32_t v) { return (h ^ v) * 0x01000193u; }

static uint32_t mix_bytes(uint32_t h, tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++)
        h = mix_byte(h, in.ptr[i]);
    return h;
}

uint32_t tsr_coap_hash(tsr_bytes in) { return mix_bytes(MIX, in) | 1u; }

/* RFC 7252 §5.4.2: Cache-Key, NoCacheKey; block-wise transfers of the same: RFC 7959 §2.4 */
static bool in_key(uint32_t number)
{
    const uint32_t outside = 1u << TSR_COAP_ETAG | 1u << TSR_COAP_OBSERVE |
                             1u << TSR_COAP_CONTENT_FORMAT | 1u << TSR_COAP_BLOCK1 |
                             1u << TSR_COAP_BLOCK2 | 3u << 28; /* and what is no key by its number */

    return number < 32 ? (outside >> number & 1) == 0 : (number & 0x1e) != 0x1c;
}

/* read_extended() where the bytes are known to be good */
static inline uint32_t extended(const uint8_t **at, uint32_t v)
{
    if (v < 13)
        return v;
    if (v == 13)
        return 13u + *(*at)++;
    *at += 2;
    return 269u + ((uint32_t)(*at)[-2] << 8 | (*at)[-1]);
}

/* FNV-1a. Keys are compared within one peer only: a collision harms nobody but its maker. The
 * options were parsed before, so every step is good. */
uint32_t tsr_coap_msg_key(const tsr_coap_msg *msg)
{
    uint32_t h = mix_byte(MIX, msg->code), number = 0;
    const uint8_t *at = msg->options.ptr, *end = at + msg->options.len;

    while (at != end) {
        uint32_t head = *at++, delta = extended(&at, head >> 4), len = extended(&at, head & 15u);

        number += delta;
        if (in_key(number))
            h = mix_bytes(mix_byte(h, number | 0x10000u), tsr_view(at, len));
        at += len;
    }
    return h << 3 | (msg->block2.set ? msg->block2.szx : 7u);
}

/* ---- writing options ---- */

/* The nibble for a delta or a length; what it takes more than that goes to head + *len.
 * RFC 7252 §3.1. Not inlined: twice is too much. */
__attribute__((noinline)) static unsigned put_extended(uint8_t *head, size_t *len, size_t v)
{
    if (v < 13)
        return (unsigned)v;
    if (v < 269) {
        head[(*len)++] = (uint8_t)(v - 13);
        return 13;
    }
    head[(*len)++] = (uint8_t)((v - 269) >> 8);
    head[(*len)++] = (uint8_t)(v - 269);
    return 14;
}

/* Every option that is not both near its predecessor and short, and every failure. Kept apart, so
 * that the common case saves no registers. */
__attribute__((noinline)) static void put_long_opt(tsr_buf *out, uint16_t *last, uint16_t number,
                                                   tsr_bytes value)
{
    uint8_t head[5];
    size_t len = 1;
    unsigned nibble;

    if (out->err == TSR_OK && (number < *last || value.len > 65804))
        out->err = TSR_E_ARGUMENT;
    nibble = put_extended(head, &len, (size_t)number - *last);
    head[0] = (uint8_t)(nibble << 4 | put_extended(head, &len, value.len));

    uint8_t *at = tsr_buf_claim(out, len + value.len);

    if (at == NULL)
        return;
    *last = number;
    memcpy(at, head, len);
    if (value.len != 0)
        memcpy(at + len, value.ptr, value.len);
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
