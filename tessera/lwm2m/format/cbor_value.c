/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/json/number.h"
#include "tessera/lwm2m/format/cbor_value.h"
#include "tessera/lwm2m/format/datetime.h"

enum {
    TAG_DATE = 0, TAG_EPOCH = 1, TAG_DECIMAL = 4, MOST_TAGS = 4,
    SIMPLE_FALSE = 20, SIMPLE_TRUE = 21, SIMPLE_NULL = 22, SIMPLE_UNDEFINED = 23,
};

tsr_err tsr_lwm2m_cbor_put(tsr_buf *out, const tsr_lwm2m_value *value)
{
    uint8_t room[12];
    tsr_buf text = tsr_buf_over(room, sizeof room);

    switch (value->type) {
    case TSR_LWM2M_NONE:     tsr_cbor_put_null(out); return TSR_OK;
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:  tsr_cbor_put_text(out, value->as.bytes); return TSR_OK;
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:     tsr_cbor_put_int(out, value->as.i); return TSR_OK;
    case TSR_LWM2M_UNSIGNED: tsr_cbor_put_uint(out, value->as.u); return TSR_OK;
    case TSR_LWM2M_FLOAT:    tsr_cbor_put_float(out, value->as.f); return TSR_OK;
    case TSR_LWM2M_BOOLEAN:  tsr_cbor_put_bool(out, value->as.b); return TSR_OK;
    case TSR_LWM2M_OPAQUE:   tsr_cbor_put_bytes(out, value->as.bytes); return TSR_OK;
    case TSR_LWM2M_OBJLNK:
        tsr_put_dec(&text, value->as.link.object);
        tsr_put_u8(&text, ':');
        tsr_put_dec(&text, value->as.link.instance);
        tsr_cbor_put_text(out, tsr_buf_view(&text));
        return TSR_OK;
    case TSR_LWM2M_RAW_TEXT:
    case TSR_LWM2M_RAW_BYTES: break;
    }
    return TSR_E_TYPE;
}

static tsr_lwm2m_value negative(uint64_t n)
{
    if (n <= INT64_MAX)
        return tsr_lwm2m_int(-1 - (int64_t)n);
    return tsr_lwm2m_float(-1.0 - (double)n);
}

static tsr_lwm2m_value positive(uint64_t n)
{
    return n <= INT64_MAX ? tsr_lwm2m_int((int64_t)n) : tsr_lwm2m_uint(n);
}

static tsr_err simple(uint64_t n, tsr_lwm2m_value *value)
{
    if (n == SIMPLE_NULL || n == SIMPLE_UNDEFINED)
        value->type = TSR_LWM2M_NONE;
    else if (n == SIMPLE_FALSE || n == SIMPLE_TRUE)
        *value = tsr_lwm2m_bool(n == SIMPLE_TRUE);
    else
        return TSR_E_TYPE;
    return TSR_OK;
}

/* RFC 8949 §3.4.4: [exponent, mantissa]; through decimal text, so that it is rounded once. */
static tsr_err take_decimal(tsr_bytes *in, tsr_lwm2m_value *value)
{
    uint8_t room[48];
    tsr_buf text = tsr_buf_over(room, sizeof room);
    tsr_cbor_walk walk;
    int64_t exponent, mantissa;
    bool is_negative;
    uint64_t size;
    double f;

    if (tsr_cbor_enter(in, TSR_CBOR_ARRAY, &walk) != TSR_OK
        || tsr_cbor_more(in, &walk) != TSR_OK || tsr_cbor_get_int(in, &exponent) != TSR_OK
        || tsr_cbor_more(in, &walk) != TSR_OK || tsr_cbor_get_int(in, &mantissa) != TSR_OK
        || tsr_cbor_more(in, &walk) != TSR_END)
        return TSR_E_MALFORMED;
    tsr_put_sdec(&text, mantissa);
    tsr_put_u8(&text, 'e');
    tsr_put_sdec(&text, exponent);
    if (tsr_number_get_whole(tsr_buf_view(&text), &is_negative, &size) == TSR_OK) {
        *value = is_negative ? negative(size - 1) : positive(size);
        return TSR_OK;
    }
    if (tsr_number_get(tsr_buf_view(&text), &f) != TSR_OK)
        return TSR_E_TYPE;
    *value = tsr_lwm2m_float(f);
    return TSR_OK;
}

static tsr_err take_plain(tsr_bytes *in, tsr_buf *scratch, tsr_lwm2m_value *value)
{
    tsr_bytes at = *in;
    tsr_cbor_item item;
    tsr_err err = TSR_OK;

    if (tsr_cbor_next(&at, &item) != TSR_OK)
        return TSR_E_MALFORMED;
    switch (item.kind) {
    case TSR_CBOR_UINT:   *value = positive(item.n); break;
    case TSR_CBOR_NINT:   *value = negative(item.n); break;
    case TSR_CBOR_FLOAT:  *value = tsr_lwm2m_float(tsr_cbor_float(&item)); break;
    case TSR_CBOR_SIMPLE: err = simple(item.n, value); break;
    case TSR_CBOR_TEXT:
    case TSR_CBOR_BYTES: {
        tsr_bytes bytes;

        err = tsr_cbor_get_string(in, item.kind, scratch, &bytes);
        if (err == TSR_OK)
            *value = item.kind == TSR_CBOR_TEXT ? tsr_lwm2m_text(bytes) : tsr_lwm2m_opaque(bytes);
        return err;
    }
    case TSR_CBOR_BREAK: return TSR_E_MALFORMED;
    default:             return TSR_E_TYPE;
    }
    if (err == TSR_OK)
        *in = at;
    return err;
}

tsr_err tsr_lwm2m_cbor_get(tsr_bytes *in, tsr_buf *scratch, tsr_lwm2m_value *value)
{
    uint64_t tag = UINT64_MAX;
    tsr_lwm2m_value got;

    for (int n = 0; in->len != 0 && in->ptr[0] >> 5 == TSR_CBOR_TAG; n++) {
        if (n == MOST_TAGS)
            return TSR_E_TYPE;
        if (tsr_cbor_get_tag(in, &tag) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    if (tag == TAG_DECIMAL)
        return take_decimal(in, value);

    tsr_err err = take_plain(in, scratch, &got);

    if (err != TSR_OK)
        return err;
    if (tag == TAG_DATE) {
        int64_t unix_s;

        if (got.type != TSR_LWM2M_STRING || tsr_lwm2m_datetime(got.as.bytes, &unix_s) != TSR_OK)
            return TSR_E_TYPE;
        got = tsr_lwm2m_time(unix_s);
    } else if (tag == TAG_EPOCH && tsr_lwm2m_value_convert(&got, TSR_LWM2M_TIME, &got) != TSR_OK) {
        return TSR_E_TYPE;
    }
    *value = got;
    return TSR_OK;
}
