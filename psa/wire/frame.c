/* SPDX-License-Identifier: Apache-2.0 */
#include "psa/wire/frame.h"

#define MARK_REQUEST 0x54u /* 'T' */
#define MARK_REPLY   0x74u /* 't' */
#define MARK_HELLO   0x68u /* 'h' */

static tsr_err read_mark(tsr_bytes *in, uint8_t wanted)
{
    uint8_t mark, version;

    if (tsr_get_u8(in, &mark) != TSR_OK || tsr_get_u8(in, &version) != TSR_OK)
        return TSR_E_MALFORMED;
    return mark == wanted && version == TSR_WIRE_VERSION ? TSR_OK : TSR_E_MALFORMED;
}

void tsr_wire_request_head(tsr_buf *out, psa_handle_t handle, int32_t type, const psa_invec *in,
                           size_t in_len, const psa_outvec *outputs, size_t out_len)
{
    tsr_put_u8(out, MARK_REQUEST);
    tsr_put_u8(out, TSR_WIRE_VERSION);
    tsr_put_u16(out, (uint16_t)type);
    tsr_put_u32(out, (uint32_t)handle);
    tsr_put_u8(out, (uint8_t)in_len);
    tsr_put_u8(out, (uint8_t)out_len);
    tsr_put_u16(out, 0);
    for (size_t i = 0; i < in_len; i++)
        tsr_put_u32(out, (uint32_t)in[i].len);
    for (size_t i = 0; i < out_len; i++)
        tsr_put_u32(out, (uint32_t)outputs[i].len);
}

static tsr_err read_lengths(tsr_bytes *in, size_t *len, size_t n, size_t limit)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t one;

        if (tsr_get_u32(in, &one) != TSR_OK || one > limit || sum + one > limit)
            return TSR_E_MALFORMED;
        sum += one;
        len[i] = one;
    }
    return TSR_OK;
}

tsr_err tsr_wire_request_read(tsr_bytes frame, tsr_wire_request *req)
{
    tsr_wire_request r = { 0 };
    size_t len[PSA_MAX_IOVEC];
    uint16_t type, reserved;
    uint32_t handle;
    uint8_t in_len, out_len;

    if (frame.len > TSR_WIRE_MAX || read_mark(&frame, MARK_REQUEST) != TSR_OK)
        return TSR_E_MALFORMED;
    if (tsr_get_u16(&frame, &type) != TSR_OK || tsr_get_u32(&frame, &handle) != TSR_OK ||
        tsr_get_u8(&frame, &in_len) != TSR_OK || tsr_get_u8(&frame, &out_len) != TSR_OK ||
        tsr_get_u16(&frame, &reserved) != TSR_OK)
        return TSR_E_MALFORMED;
    if (type > PSA_CALL_TYPE_MAX || handle > INT32_MAX || reserved != 0 ||
        (size_t)in_len + out_len > PSA_MAX_IOVEC)
        return TSR_E_MALFORMED;
    if (read_lengths(&frame, len, in_len, TSR_WIRE_MAX) != TSR_OK ||
        read_lengths(&frame, r.room, out_len, TSR_WIRE_MAX - TSR_WIRE_HEAD) != TSR_OK)
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < in_len; i++)
        if (tsr_get_bytes(&frame, len[i], &r.in[i]) != TSR_OK)
            return TSR_E_MALFORMED;
    if (frame.len != 0)
        return TSR_E_MALFORMED;

    r.handle = (psa_handle_t)handle;
    r.type = type;
    r.in_len = in_len;
    r.out_len = out_len;
    *req = r;
    return TSR_OK;
}

static size_t reply_head(size_t out_len) { return 8 + 4 * out_len; }

tsr_err tsr_wire_reply_open(tsr_buf *reply, const tsr_wire_request *req, psa_outvec *outputs)
{
    size_t at = reply_head(req->out_len);

    for (size_t i = 0; i < req->out_len; i++) {
        if (at > reply->cap || req->room[i] > reply->cap - at)
            return TSR_E_SPACE;
        outputs[i] = (psa_outvec){ reply->ptr + at, req->room[i] };
        at += req->room[i];
    }
    return at <= reply->cap ? TSR_OK : TSR_E_SPACE;
}

static void put_reply_head(tsr_buf *reply, size_t out_len, psa_status_t status)
{
    tsr_put_u8(reply, MARK_REPLY);
    tsr_put_u8(reply, TSR_WIRE_VERSION);
    tsr_put_u8(reply, (uint8_t)out_len);
    tsr_put_u8(reply, 0);
    tsr_put_u32(reply, (uint32_t)status);
}

void tsr_wire_reply_close(tsr_buf *reply, const tsr_wire_request *req, psa_status_t status,
                          const psa_outvec *outputs)
{
    if (status != PSA_SUCCESS) {
        for (size_t i = 0; i < req->out_len; i++)
            tsr_wipe(outputs[i].base, req->room[i]);
        tsr_wire_reply_status(reply, req->out_len, status);
        return;
    }

    size_t written = 0; /* where the farthest output ends before it is moved */

    reply->len = 0;
    put_reply_head(reply, req->out_len, status);
    for (size_t i = 0; i < req->out_len; i++)
        tsr_put_u32(reply, (uint32_t)outputs[i].len);
    for (size_t i = 0; i < req->out_len; i++) {
        if (outputs[i].len > 0)
            memmove(reply->ptr + reply->len, outputs[i].base, outputs[i].len);
        reply->len += outputs[i].len;
        written = (size_t)((const uint8_t *)outputs[i].base - reply->ptr) + outputs[i].len;
    }
    if (written > reply->len)
        tsr_wipe(reply->ptr + reply->len, written - reply->len);
}

void tsr_wire_reply_status(tsr_buf *reply, size_t out_len, psa_status_t status)
{
    reply->len = 0;
    put_reply_head(reply, out_len, status);
    for (size_t i = 0; i < out_len; i++)
        tsr_put_u32(reply, 0);
}

tsr_err tsr_wire_reply_read(tsr_bytes frame, size_t out_len, psa_status_t *status, tsr_bytes *out)
{
    tsr_bytes found[PSA_MAX_IOVEC];
    size_t len[PSA_MAX_IOVEC];
    uint8_t count, reserved;
    uint32_t code;

    if (frame.len > TSR_WIRE_MAX || read_mark(&frame, MARK_REPLY) != TSR_OK ||
        tsr_get_u8(&frame, &count) != TSR_OK || tsr_get_u8(&frame, &reserved) != TSR_OK ||
        tsr_get_u32(&frame, &code) != TSR_OK)
        return TSR_E_MALFORMED;
    if (count != out_len || out_len > PSA_MAX_IOVEC || reserved != 0 ||
        read_lengths(&frame, len, count, TSR_WIRE_MAX) != TSR_OK)
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < out_len; i++)
        if (tsr_get_bytes(&frame, len[i], &found[i]) != TSR_OK)
            return TSR_E_MALFORMED;
    if (frame.len != 0)
        return TSR_E_MALFORMED;

    for (size_t i = 0; i < out_len; i++)
        out[i] = found[i];
    *status = (psa_status_t)code;
    return TSR_OK;
}

void tsr_wire_hello_write(tsr_buf *out, const tsr_wire_hello *hello)
{
    tsr_put_u8(out, MARK_HELLO);
    tsr_put_u8(out, TSR_WIRE_VERSION);
    tsr_put_u16(out, 0);
    tsr_put_u32(out, (uint32_t)hello->status);
    tsr_put_u32(out, (uint32_t)hello->client);
    tsr_put_u32(out, hello->frame_max);
}

tsr_err tsr_wire_hello_read(tsr_bytes frame, tsr_wire_hello *hello)
{
    uint16_t reserved;
    uint32_t status, client, frame_max;

    if (frame.len != TSR_WIRE_HELLO || read_mark(&frame, MARK_HELLO) != TSR_OK ||
        tsr_get_u16(&frame, &reserved) != TSR_OK || tsr_get_u32(&frame, &status) != TSR_OK ||
        tsr_get_u32(&frame, &client) != TSR_OK || tsr_get_u32(&frame, &frame_max) != TSR_OK)
        return TSR_E_MALFORMED;
    *hello = (tsr_wire_hello){ (psa_status_t)status, (int32_t)client, frame_max };
    return TSR_OK;
}
