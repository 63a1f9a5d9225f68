/* SPDX-License-Identifier: Apache-2.0
 *
 * TLV (Core 7.5.5, table C-2) for small devices: see tsr_lwm2m_codec_tlv_plain. */
#include "tessera/base/utf8.h"
#include "tessera/lwm2m/format/tlv.h"

static bool is_text(unsigned type) { return type == TSR_LWM2M_STRING || type == TSR_LWM2M_CORELNK; }

static bool is_whole(unsigned type)
{
    return type == TSR_LWM2M_INTEGER || type == TSR_LWM2M_TIME || type == TSR_LWM2M_UNSIGNED;
}

static tsr_err plain_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    uint8_t room[TSR_TLV_WHOLE];
    tsr_bytes bytes = value->as.bytes;

    if (is_whole(value->type)) {
        if (value->type == TSR_LWM2M_UNSIGNED && value->as.u > INT64_MAX)
            return TSR_E_UNSUPPORTED;
        bytes = tsr_view(room, tsr_tlv_whole(room, value->as.i));
    } else if (value->type == TSR_LWM2M_BOOLEAN) {
        room[0] = value->as.b;
        bytes = tsr_view(room, 1);
    } else if (!is_text(value->type) && value->type != TSR_LWM2M_OPAQUE && at.depth != 2) {
        return TSR_E_UNSUPPORTED;
    }
    return tsr_tlv_put(out, at, bytes);
}

/* Any length up to 8 is understood. */
static tsr_err take_whole(tsr_bytes in, tsr_lwm2m_type type, tsr_lwm2m_value *typed)
{
    bool negative = (in.len != 0 && in.ptr[0] >= 0x80) && type != TSR_LWM2M_UNSIGNED;
    uint64_t v = negative ? UINT64_MAX : 0;

    if (in.len - 1 >= TSR_TLV_WHOLE)
        return TSR_E_TYPE;
    for (size_t i = 0; i < in.len; i++)
        v = v << 8 | in.ptr[i];
    if (type == TSR_LWM2M_BOOLEAN) {
        if (v > 1)
            return TSR_E_TYPE;
        typed->as.b = v != 0;
    } else {
        typed->as.u = v;
    }
    return TSR_OK;
}

static tsr_err plain_typed(const tsr_lwm2m_value *value, tsr_lwm2m_type type,
                           tsr_lwm2m_value *typed)
{
    tsr_bytes in = value->as.bytes;

    typed->type = type;
    if (is_whole(type) || type == TSR_LWM2M_BOOLEAN)
        return take_whole(in, type, typed);
    if (is_text(type) ? !tsr_utf8_valid(in) : type != TSR_LWM2M_OPAQUE)
        return TSR_E_TYPE;
    typed->as.bytes = in;
    return TSR_OK;
}

/* Who says something twice means the last one: a small device does not look for it. */
static tsr_err plain_unique(tsr_lwm2m_in *in, tsr_lwm2m_path path)
{
    (void)in;
    (void)path;
    return TSR_OK;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_tlv_plain = {
    .format = TSR_LWM2M_FORMAT_TLV,
    .nests = true,
    .put = plain_put,
    .end = tsr_tlv_end,
    .next = tsr_tlv_next,
    .unique = plain_unique,
    .typed = plain_typed,
};
