/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/message.h"

#include "tessera/coap/option_in.h"

/* RFC 7252 §5.4.1: odd numbers are critical. The first one found is the one to report. */
static void refuse(tsr_coap_msg *msg, uint32_t number)
{
    if ((number & 1) == 0)
        return;
    if (msg->bad_count++ == 0)
        msg->bad_option = (uint16_t)number;
}

/* RFC 7252 §5.4.3 and §5.4.5: one too long, or more than one, is treated as unrecognised. */
static void take_num(tsr_coap_msg *msg, uint32_t number, tsr_bytes value, size_t max,
                     tsr_coap_num *num)
{
    if (value.len > max || num->set) {
        refuse(msg, number);
        return;
    }

    uint32_t v = 0;

    for (size_t i = 0; i < value.len; i++)
        v = v << 8 | value.ptr[i];
    *num = (tsr_coap_num){ true, v };
}

static void take_block(tsr_coap_msg *msg, uint32_t number, tsr_bytes value, tsr_coap_block *block)
{
    tsr_coap_num num = { block->set, 0 };

    take_num(msg, number, value, 3, &num);
    if (block->set || !num.set)
        return;
    block->set = true;
    block->more = (num.value & 8) != 0;
    block->szx = num.value & 7;
    block->num = num.value >> 4;
}

static void take_view(tsr_coap_msg *msg, uint32_t number, tsr_bytes value, size_t max,
                      tsr_bytes *view)
{
    if (value.len == 0 || value.len > max)
        refuse(msg, number);
    else if (view->ptr == NULL)
        *view = value;
}

static void take_segment(tsr_coap_msg *msg, tsr_bytes value)
{
    unsigned at = msg->path_count++;

    if (value.len > 255)
        refuse(msg, TSR_COAP_URI_PATH);
    if (at < TSR_COAP_SEGMENTS)
        msg->path[at] = value;
}

static void check_length(tsr_coap_msg *msg, uint32_t number, tsr_bytes value, size_t min, size_t max)
{
    if (value.len < min || value.len > max)
        refuse(msg, number);
}

/* Lengths: RFC 7252 §5.10 (its table), RFC 7641 §2, RFC 7959 §2.1 and §4, RFC 9175 §2.2.1. */
static void take_option(tsr_coap_msg *msg, uint32_t number, tsr_bytes value)
{
    switch (number) {
    case TSR_COAP_OBSERVE:        take_num(msg, number, value, 3, &msg->observe); break;
    case TSR_COAP_CONTENT_FORMAT: take_num(msg, number, value, 2, &msg->content_format); break;
    case TSR_COAP_ACCEPT:         take_num(msg, number, value, 2, &msg->accept); break;
    case TSR_COAP_MAX_AGE:        take_num(msg, number, value, 4, &msg->max_age); break;
    case TSR_COAP_SIZE1:          take_num(msg, number, value, 4, &msg->size1); break;
    case TSR_COAP_SIZE2:          take_num(msg, number, value, 4, &msg->size2); break;
    case TSR_COAP_BLOCK1:         take_block(msg, number, value, &msg->block1); break;
    case TSR_COAP_BLOCK2:         take_block(msg, number, value, &msg->block2); break;
    case TSR_COAP_ETAG:           take_view(msg, number, value, 8, &msg->etag); break;
    case TSR_COAP_ECHO:           take_view(msg, number, value, 40, &msg->echo); break;
    case TSR_COAP_URI_QUERY:      check_length(msg, number, value, 0, 255); break;
    case TSR_COAP_URI_PORT:       check_length(msg, number, value, 0, 2); break;
    case TSR_COAP_URI_HOST:       check_length(msg, number, value, 1, 255); break;
    case TSR_COAP_IF_MATCH:
        check_length(msg, number, value, 0, 8);
        msg->if_match = true;
        break;
    case TSR_COAP_IF_NONE_MATCH:
        check_length(msg, number, value, 0, 0);
        msg->if_none_match = true;
        break;
    default:
        refuse(msg, number);
    }
}

static tsr_err parse_options(tsr_bytes in, tsr_coap_msg *msg)
{
    tsr_bytes whole = in;
    uint32_t number = 0;
    tsr_bytes value;

    while (in.len != 0 && in.ptr[0] != 0xff) {
        if (tsr_coap_option_step(&in, &number, &value) != TSR_OK)
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

/* All but what every message has and `path`; field by field, which costs half of a memset. */
static void clear(tsr_coap_msg *msg)
{
    const tsr_coap_num none = { false, 0 };
    const tsr_coap_block no_block = { false, false, 0, 0 };

    msg->bad_option = msg->bad_count = 0;
    msg->path_count = 0;
    msg->if_match = msg->if_none_match = false;
    msg->observe = msg->content_format = msg->accept = none;
    msg->max_age = msg->size1 = msg->size2 = none;
    msg->block1 = msg->block2 = no_block;
    msg->etag = msg->echo = (tsr_bytes){ NULL, 0 };
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

tsr_err tsr_coap_msg_ids(const tsr_coap_msg *msg, size_t from, uint16_t *ids, size_t cap, size_t *count)
{
    size_t n = 0;

    if (msg->path_count > TSR_COAP_SEGMENTS || (msg->path_count > from && msg->path_count - from > cap))
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

tsr_err tsr_coap_query_next(tsr_coap_opts *it, tsr_bytes *query)
{
    return tsr_coap_opt_find(it, TSR_COAP_URI_QUERY, query);
}

void tsr_coap_put_header(tsr_buf *out, uint8_t type, uint8_t code, uint16_t mid, tsr_bytes token)
{
    if (token.len > TSR_COAP_TOKEN_MAX) {
        if (out->err == TSR_OK)
            out->err = TSR_E_ARGUMENT;
        return;
    }

    uint8_t *at = tsr_buf_claim(out, 4 + token.len);

    if (at == NULL)
        return;
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
