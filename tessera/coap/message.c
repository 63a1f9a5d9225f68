/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/message.h"

static tsr_err segment_id(tsr_bytes segment, uint16_t *id)
{
    uint32_t sum = 0;

    if (segment.len == 0 || segment.len > 5 || (segment.len > 1 && segment.ptr[0] == '0'))
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < segment.len; i++) {
        uint32_t digit = (uint32_t)segment.ptr[i] - '0';

        if (digit > 9)
            return TSR_E_MALFORMED;
        sum = sum * 10 + digit;
    }
    if (sum > UINT16_MAX)
        return TSR_E_MALFORMED;
    *id = (uint16_t)sum;
    return TSR_OK;
}

tsr_err tsr_coap_msg_ids(const tsr_coap_msg *msg, size_t from, uint16_t *ids, size_t cap,
                         size_t *count)
{
    size_t n = 0;

    if (msg->path_count > TSR_COAP_SEGMENTS ||
        (msg->path_count > from && msg->path_count - from > cap))
        return TSR_E_SPACE;
    for (size_t i = from; i < msg->path_count; i++) {
        if (segment_id(msg->path[i], &ids[n]) != TSR_OK)
            return TSR_E_MALFORMED;
        n++;
    }
    *count = n;
    return TSR_OK;
}

bool tsr_coap_msg_path_is(const tsr_coap_msg *msg, size_t from, const char *text)
{
    if (msg->path_count > TSR_COAP_SEGMENTS || *text++ != '/')
        return false;
    if (*text == '\0')
        return from >= msg->path_count;
    for (size_t i = from; i < msg->path_count; i++) {
        tsr_bytes segment = msg->path[i];

        if (segment.len > strlen(text) || memcmp(text, segment.ptr, segment.len) != 0)
            return false;
        text += segment.len;
        if (*text == '\0')
            return i + 1u == msg->path_count;
        if (*text++ != '/')
            return false;
    }
    return false;
}

bool tsr_coap_msg_refused(const tsr_coap_msg *msg, const uint16_t *critical, size_t count)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_coap_opt opt;
    size_t taken = 0;

    if (msg->bad_count == 0)
        return false;
    while (tsr_coap_opt_next(&it, &opt) == TSR_OK)
        for (size_t i = 0; i < count; i++)
            taken += critical[i] == opt.number;
    return taken < msg->bad_count;
}

tsr_err tsr_coap_query_next(tsr_coap_opts *it, tsr_bytes *query)
{
    return tsr_coap_opt_find(it, TSR_COAP_URI_QUERY, query);
}

void tsr_coap_put_header(tsr_buf *out, uint8_t type, uint8_t code, uint16_t mid, tsr_bytes token)
{
    uint8_t *at;

    if (out->err != TSR_OK)
        return;
    if (token.len > TSR_COAP_TOKEN_MAX || token.len + 4 > out->cap - out->len) {
        out->err = token.len > TSR_COAP_TOKEN_MAX ? TSR_E_ARGUMENT : TSR_E_SPACE;
        return;
    }
    at = out->ptr + out->len;
    out->len += 4 + token.len;
    at[0] = (uint8_t)(1u << 6 | (type & 3u) << 4 | token.len);
    at[1] = code;
    at[2] = (uint8_t)(mid >> 8);
    at[3] = (uint8_t)mid;
    at += 4;
    for (size_t i = 0; i < token.len; i++)
        at[i] = token.ptr[i];
}

void tsr_coap_put_payload(tsr_buf *out, tsr_bytes payload)
{
    if (payload.len == 0)
        return;
    tsr_put_u8(out, 0xff);
    tsr_put_bytes(out, payload);
}

void tsr_coap_put_block(tsr_buf *out, uint16_t *last, uint16_t number, tsr_coap_block block)
{
    tsr_coap_put_opt_uint(out, last, number,
                          block.num << 4 | (block.more ? 8u : 0u) | (block.szx & 7u));
}
