/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/frame.h"

/* ---- reading ---- */

enum { HEADER = 4 }; /* of a datagram, RFC 7252 §3 */

/* How many bytes of Extended Length follow the first byte. RFC 8323 §3.2 */
static inline size_t extension(uint8_t first)
{
    return first < 0xd0 ? 0 : (size_t)1 << ((first >> 4) - 13);
}

/* Of options and payload; in the longest form less 65805. RFC 8323 §3.2 */
static inline uint32_t length_of(const uint8_t *head)
{
    uint8_t first = head[0];

    if (first < 0xd0)
        return first >> 4;
    if (first < 0xe0)
        return 13u + head[1];
    if (first < 0xf0)
        return 269u + ((uint32_t)head[1] << 8 | head[2]);
    return (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4];
}

tsr_err tsr_coap_deframer_init(tsr_coap_deframer *d, uint8_t *room, size_t cap)
{
    if (cap < 32)
        return TSR_E_ARGUMENT;
    *d = (tsr_coap_deframer){ .room = room, .cap = cap };
    return TSR_OK;
}

/* The head is whole: what the message takes in `room`, and its header there as in a datagram. */
static inline tsr_err open_message(tsr_coap_deframer *d, const uint8_t *head)
{
    size_t more = extension(head[0]), token_len = head[0] & 15u;
    uint32_t length = length_of(head);
    size_t most = d->cap - TSR_COAP_FRAME_SPARE - 2 - more;

    if (token_len > TSR_COAP_TOKEN_MAX)
        return TSR_E_MALFORMED;
    most -= token_len;
    if (more == 4) {
        if (most < 65805 || length > most - 65805)
            return TSR_E_SPACE;
        length += 65805;
    }
    if (length > most)
        return TSR_E_SPACE;
    d->need = HEADER + token_len + length;
    d->have = HEADER;

    uint8_t *at = d->room;

    at[0] = (uint8_t)(1u << 6 | token_len); /* version 1, CON */
    at[1] = head[1 + more];
    at[2] = at[3] = 0;
    return TSR_OK;
}

/* The head in pieces. */
__attribute__((noinline)) static tsr_err take_head(tsr_coap_deframer *d, tsr_bytes *in)
{
    while (d->head_len < 2 || d->head_len < 2 + extension(d->head[0])) {
        if (tsr_get_u8(in, &d->head[d->head_len]) != TSR_OK)
            return TSR_END;
        d->head_len++;
    }
    return open_message(d, d->head);
}

tsr_err tsr_coap_deframe(tsr_coap_deframer *d, tsr_bytes *in, tsr_coap_frame *frame)
{
    const uint8_t *from = in->ptr;
    size_t left = in->len;

    if (d->have == 0) {
        tsr_err err;

        if (d->head_len == 0 && left >= sizeof d->head) { /* whole, as it mostly is */
            err = open_message(d, from);
            *in = tsr_skip(*in, 2 + extension(from[0]));
        } else {
            err = take_head(d, in);
        }
        if (err != TSR_OK)
            return err;
        from = in->ptr;
        left = in->len;
    }

    size_t have = d->have, need = d->need;
    size_t part = need - have < left ? need - have : left;
    uint8_t *room = d->room;

    if (part != 0) {
        memcpy(room + have, from, part);
        *in = (tsr_bytes){ from + part, left - part };
    }
    if (have + part < need) {
        d->have = have + part;
        return TSR_END;
    }
    d->have = d->head_len = 0;

    size_t token_len = room[0] & 15u;

    frame->code = room[1];
    frame->datagram = (tsr_bytes){ room, need };
    frame->token = (tsr_bytes){ room + HEADER, token_len };
    frame->rest = (tsr_bytes){ room + HEADER + token_len, need - HEADER - token_len };
    return TSR_OK;
}

/* ---- writing ---- */

size_t tsr_coap_frame_begin(tsr_buf *out, uint8_t code, tsr_bytes token)
{
    size_t start = out->len;

    if (token.len > TSR_COAP_TOKEN_MAX && out->err == TSR_OK)
        out->err = TSR_E_ARGUMENT;

    uint8_t *at = tsr_buf_claim(out, 2 + token.len);

    if (at == NULL)
        return start;
    at[0] = (uint8_t)token.len;
    at[1] = code;
    for (size_t i = 0; i < token.len; i++)
        at[2 + i] = token.ptr[i];
    return start;
}

/* Writes the Extended Length and gives the nibble for it. RFC 8323 §3.2 */
static unsigned put_length(uint8_t *at, size_t length)
{
    if (length < 13)
        return (unsigned)length;
    if (length < 269) {
        at[0] = (uint8_t)(length - 13);
        return 13;
    }
    if (length < 65805) {
        at[0] = (uint8_t)((length - 269) >> 8);
        at[1] = (uint8_t)(length - 269);
        return 14;
    }
    length -= 65805;
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(length >> (24 - 8 * i));
    return 15;
}

void tsr_coap_frame_end(tsr_buf *out, size_t at, tsr_bytes payload)
{
    if (out->err != TSR_OK)
        return;

    size_t token_len = out->ptr[at], written = out->len - at - 1;
    size_t length = written - 1 - token_len + (payload.len != 0) + payload.len;
    size_t more = length < 13 ? 0 : length < 269 ? 1 : length < 65805 ? 2 : 4;

    if (more != 0) { /* a gap after the first byte */
        if (tsr_buf_claim(out, more) == NULL)
            return;
        memmove(out->ptr + at + 1 + more, out->ptr + at + 1, written);
    }
    out->ptr[at] |= (uint8_t)(put_length(out->ptr + at + 1, length) << 4);
    tsr_coap_put_payload(out, payload);
}
