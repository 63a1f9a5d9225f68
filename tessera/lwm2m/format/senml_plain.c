/* SPDX-License-Identifier: Apache-2.0
 *
 * SenML CBOR (RFC 8428 §6, Core 7.5) for small devices: see tsr_lwm2m_codec_senml_cbor_plain. */
#include "tessera/base/utf8.h"
#include "tessera/cbor/cbor.h"
#include "tessera/lwm2m/format/senml.h"

/* RFC 8428 §6, table 4; the base values have negative labels, -1 - n, here 16 + n */
enum {
    LABEL_NAME = 0, LABEL_VALUE = 2, LABEL_STRING = 3, LABEL_BOOLEAN = 4, LABEL_SUM = 5,
    LABEL_TIME = 6, LABEL_DATA = 8, LABELS = 15,
    BASE_VERSION = 16, BASE_NAME = 17, BASE_TIME = 18, BASE_VALUE = 20, BASE_SUM = 21,
    BASE_NAME_CODE = 0x21, MOST_VALUES = 255, FALSE_ = 20, TRUE_ = 21, NULL_ = 22,
};

/* ---- writing ------------------------------------------------------------------------------- */

static tsr_err put_value(tsr_buf *out, const tsr_lwm2m_value *value)
{
    switch (value->type) {
    case TSR_LWM2M_NONE: break;
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:
        tsr_put_u8(out, LABEL_VALUE);
        tsr_cbor_put_int(out, value->as.i);
        break;
    case TSR_LWM2M_UNSIGNED:
        tsr_put_u8(out, LABEL_VALUE);
        tsr_cbor_put_uint(out, value->as.u);
        break;
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
        tsr_put_u8(out, LABEL_STRING);
        tsr_cbor_put_text(out, value->as.bytes);
        break;
    case TSR_LWM2M_OPAQUE:
        tsr_put_u8(out, LABEL_DATA);
        tsr_cbor_put_bytes(out, value->as.bytes);
        break;
    case TSR_LWM2M_BOOLEAN:
        tsr_put_u8(out, LABEL_BOOLEAN);
        tsr_cbor_put_bool(out, value->as.b);
        break;
    default: return TSR_E_UNSUPPORTED;
    }
    return TSR_OK;
}

/* A base name is said when it changes; "/3/0/7" is split after what the base has of it. */
static tsr_err plain_put(tsr_lwm2m_out *out, tsr_lwm2m_path path, const tsr_lwm2m_value *value)
{
    uint8_t room[2 * TSR_LWM2M_PATH_TEXT];
    tsr_buf text = tsr_buf_over(room, sizeof room), base = text, *body = out->body;
    bool below = path.depth > out->base.depth, says_base = below != out->based;
    size_t split = 0;

    tsr_lwm2m_path_put(&base, out->base);
    if (below)
        split = out->base.depth == 0 ? 1 : base.len + 1;
    tsr_lwm2m_path_put(&text, path); /* over the base, which is its start */
    if (out->count++ == 0)
        tsr_put_u8(body, 0x80); /* the array's head, until its size is known */
    tsr_put_u8(body, (uint8_t)(0xa1 + says_base + (value->type != TSR_LWM2M_NONE)));
    if (says_base) {
        tsr_put_u8(body, BASE_NAME_CODE);
        tsr_cbor_put_text(body, tsr_first(tsr_buf_view(&text), split));
        out->based = below;
    }
    tsr_put_u8(body, LABEL_NAME);
    tsr_cbor_put_text(body, tsr_skip(tsr_buf_view(&text), split));
    return put_value(body, value);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* null is allowed as any value (RFC 8790 §3). */
static tsr_err take_value(const tsr_cbor_item *item, uint64_t label, bool *taken,
                          tsr_lwm2m_value *value)
{
    unsigned fits = LABEL_VALUE;

    if (*taken)
        return TSR_E_MALFORMED;
    *taken = true;
    if (item->kind == TSR_CBOR_SIMPLE && item->n == NULL_)
        return TSR_OK;
    if (item->kind == TSR_CBOR_UINT) {
        *value = item->n > INT64_MAX ? tsr_lwm2m_uint(item->n) : tsr_lwm2m_int((int64_t)item->n);
    } else if (item->kind == TSR_CBOR_NINT && item->n <= INT64_MAX) {
        *value = tsr_lwm2m_int(-1 - (int64_t)item->n);
    } else if (item->kind == TSR_CBOR_TEXT) {
        fits = LABEL_STRING;
        *value = tsr_lwm2m_text(item->bytes);
    } else if (item->kind == TSR_CBOR_BYTES) {
        fits = LABEL_DATA;
        *value = tsr_lwm2m_opaque(item->bytes);
    } else if (item->kind == TSR_CBOR_SIMPLE && (item->n == FALSE_ || item->n == TRUE_)) {
        fits = LABEL_BOOLEAN;
        *value = tsr_lwm2m_bool(item->n == TRUE_);
    } else {
        return TSR_E_UNSUPPORTED;
    }
    return fits == label ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_text(const tsr_cbor_item *item, tsr_bytes *text)
{
    if (item->kind != TSR_CBOR_TEXT)
        return TSR_E_MALFORMED;
    *text = item->bytes;
    return TSR_OK;
}

static bool is_whole(const tsr_cbor_item *item)
{
    return item->kind <= TSR_CBOR_NINT && item->n <= INT64_MAX;
}

/* The next label, or what it labels: one item that holds no others. */
static tsr_err take_item(tsr_bytes *in, tsr_cbor_item *item)
{
    if (tsr_cbor_next(in, item) != TSR_OK || item->kind == TSR_CBOR_BREAK)
        return TSR_E_MALFORMED;
    if (item->indefinite || (item->kind >= TSR_CBOR_ARRAY && item->kind <= TSR_CBOR_TAG))
        return TSR_E_UNSUPPORTED;
    if (item->kind == TSR_CBOR_TEXT && !tsr_utf8_valid(item->bytes))
        return TSR_E_MALFORMED;
    return TSR_OK;
}

/* Labels that are texts are for the JSON form, but "vlo"; and a label that ends in _ has to be
 * understood (RFC 8428 §4.4). Units say nothing about the value, and one that is written has no
 * time. */
static tsr_err take_field(tsr_lwm2m_in *in, tsr_bytes *name, bool *taken, tsr_lwm2m_value *value)
{
    tsr_cbor_item label, item;
    tsr_err err = take_item(&in->rest, &label);

    if (err == TSR_OK)
        err = take_item(&in->rest, &item);
    if (err != TSR_OK)
        return err;
    if (label.kind == TSR_CBOR_TEXT)
        return tsr_senml_is_critical(label.bytes) || label.bytes.len == 3 ? TSR_E_UNSUPPORTED
                                                                          : TSR_OK;
    if (!is_whole(&label))
        return TSR_E_MALFORMED;
    switch (label.n > LABELS ? LABELS : (unsigned)label.n | (unsigned)label.kind << 4) {
    case LABEL_NAME:     return take_text(&item, name);
    case BASE_NAME:      return take_text(&item, &in->base_name);
    case LABEL_VALUE:
    case LABEL_STRING:
    case LABEL_BOOLEAN:
    case LABEL_DATA:     return take_value(&item, label.n, taken, value);
    case BASE_TIME:
    case LABEL_TIME:     return is_whole(&item) ? TSR_OK : TSR_E_UNSUPPORTED;
    case LABEL_SUM:
    case BASE_VALUE:
    case BASE_SUM:       return TSR_E_UNSUPPORTED;
    case BASE_VERSION:
        if (!is_whole(&item))
            return TSR_E_MALFORMED;
        return item.kind == TSR_CBOR_NINT || item.n <= TSR_SENML_VERSION ? TSR_OK
                                                                         : TSR_E_UNSUPPORTED;
    default:             return TSR_OK;
    }
}

static tsr_err join(tsr_bytes base, tsr_bytes name, tsr_lwm2m_path *path)
{
    uint8_t room[TSR_LWM2M_PATH_TEXT + 2];
    tsr_buf text = tsr_buf_over(room, sizeof room);

    tsr_put_bytes(&text, base);
    tsr_put_bytes(&text, name);
    if (text.err != TSR_OK || text.len == 0)
        return TSR_E_MALFORMED;
    return tsr_lwm2m_path_parse(tsr_buf_view(&text), path);
}

static tsr_err plain_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_bytes name = { NULL, 0 };
    tsr_cbor_walk records, fields;
    tsr_err err = TSR_OK;
    bool taken = false; /* a value, which may be null */

    records.left = in->left[0];
    if (!in->started) {
        in->started = true;
        err = tsr_cbor_enter(&in->rest, TSR_CBOR_ARRAY, &records);
    }
    if (err == TSR_OK)
        err = tsr_cbor_more(&in->rest, &records);
    in->left[0] = records.left;
    if (err == TSR_END)
        return in->rest.len == 0 ? TSR_END : TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_cbor_enter(&in->rest, TSR_CBOR_MAP, &fields);
    while (err == TSR_OK && (err = tsr_cbor_more(&in->rest, &fields)) == TSR_OK)
        err = take_field(in, &name, &taken, value);
    if (err != TSR_END)
        return err == TSR_E_TYPE ? TSR_E_MALFORMED : err;
    return join(in->base_name, name, path);
}

/* The values before are read again; a small device has few of them at a time. */
static tsr_err plain_unique(tsr_lwm2m_in *in, tsr_lwm2m_path path)
{
    tsr_lwm2m_in before = *in;
    tsr_lwm2m_value value;
    tsr_err err = in->seen > MOST_VALUES ? TSR_E_UNSUPPORTED : TSR_OK;

    if (path.depth == 0) /* the root has no value */
        return TSR_E_MALFORMED;
    before.rest = in->payload;
    before.base_name.len = 0;
    before.started = false;
    for (uint32_t i = 0; err == TSR_OK && i < in->seen; i++) {
        tsr_lwm2m_path other;

        value.type = TSR_LWM2M_NONE;
        err = plain_next(&before, &other, &value);
        if (err == TSR_OK && tsr_lwm2m_path_same(other, path))
            return TSR_E_MALFORMED;
    }
    return err;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_senml_cbor_plain = {
    .format = TSR_LWM2M_FORMAT_SENML_CBOR,
    .put = plain_put,
    .end = tsr_senml_cbor_end,
    .next = plain_next,
    .unique = plain_unique,
    .typed = tsr_lwm2m_value_plain,
};
