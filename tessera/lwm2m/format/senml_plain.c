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
    BASE_NAME_CODE = 0x21, MOST_VALUES = 255, FALSE_ = 20, TRUE_ = 21,
};

/* Sets of them */
#define VALUES  (1u << LABEL_VALUE | 1u << LABEL_STRING | 1u << LABEL_BOOLEAN | 1u << LABEL_DATA)
#define TIMES   (1u << LABEL_TIME | 1u << BASE_TIME)
#define REFUSED (1u << LABEL_SUM | 1u << BASE_VALUE | 1u << BASE_SUM)

/* ---- writing ------------------------------------------------------------------------------- */

static tsr_err put_value(tsr_buf *out, const tsr_lwm2m_value *value)
{
    /* by type: the label, and the kind of a string */
    static const uint8_t labels[] = {
        [TSR_LWM2M_STRING] = LABEL_STRING,  [TSR_LWM2M_CORELNK] = LABEL_STRING,
        [TSR_LWM2M_INTEGER] = LABEL_VALUE,  [TSR_LWM2M_TIME] = LABEL_VALUE,
        [TSR_LWM2M_UNSIGNED] = LABEL_VALUE, [TSR_LWM2M_BOOLEAN] = LABEL_BOOLEAN,
        [TSR_LWM2M_OPAQUE] = LABEL_DATA,
    };
    unsigned label = value->type < sizeof labels ? labels[value->type] : 0;

    if (value->type == TSR_LWM2M_NONE)
        return TSR_OK;
    if (label == 0)
        return TSR_E_UNSUPPORTED;
    tsr_put_u8(out, (uint8_t)label);
    if (label == LABEL_STRING)
        tsr_cbor_put_text(out, value->as.bytes);
    else if (label == LABEL_DATA)
        tsr_cbor_put_bytes(out, value->as.bytes);
    else if (label == LABEL_BOOLEAN)
        tsr_cbor_put_bool(out, value->as.b);
    else if (value->type == TSR_LWM2M_UNSIGNED)
        tsr_cbor_put_uint(out, value->as.u);
    else
        tsr_cbor_put_int(out, value->as.i);
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

static bool is_whole(const tsr_cbor_item *item)
{
    return item->kind <= TSR_CBOR_NINT && item->n <= INT64_MAX;
}

/* null, which deletes (RFC 8790 §3), is for those who read patches. */
static tsr_err take_value(const tsr_cbor_item *item, unsigned label, bool *taken,
                          tsr_lwm2m_value *value)
{
    unsigned fits, simple = (unsigned)item->n;

    if (*taken)
        return TSR_E_MALFORMED;
    *taken = true;
    if (item->kind == TSR_CBOR_SIMPLE) {
        if (simple - FALSE_ > 1)
            return TSR_E_UNSUPPORTED;
        fits = LABEL_BOOLEAN;
        value->type = TSR_LWM2M_BOOLEAN;
        value->as.b = simple != FALSE_;
    } else if (item->kind == TSR_CBOR_UINT || is_whole(item)) {
        fits = LABEL_VALUE;
        value->type = item->n > INT64_MAX ? TSR_LWM2M_UNSIGNED : TSR_LWM2M_INTEGER;
        value->as.u = item->kind == TSR_CBOR_UINT ? item->n : ~item->n; /* -1 - n */
    } else if (item->kind == TSR_CBOR_TEXT || item->kind == TSR_CBOR_BYTES) {
        bool text = item->kind == TSR_CBOR_TEXT;

        fits = text ? LABEL_STRING : LABEL_DATA;
        value->type = text ? TSR_LWM2M_STRING : TSR_LWM2M_OPAQUE;
        value->as.bytes = item->bytes;
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

static tsr_err check_version(const tsr_cbor_item *item)
{
    if (!is_whole(item))
        return TSR_E_MALFORMED;
    return item->kind == TSR_CBOR_NINT || item->n <= TSR_SENML_VERSION ? TSR_OK
                                                                       : TSR_E_UNSUPPORTED;
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
    if (label.n >= LABELS)
        return TSR_OK;

    const unsigned which = (unsigned)label.n | (unsigned)label.kind << 4, bit = 1u << which;

    if (which == LABEL_NAME || which == BASE_NAME)
        return take_text(&item, which == LABEL_NAME ? name : &in->base_name);
    if ((bit & VALUES) != 0)
        return take_value(&item, which, taken, value);
    if ((bit & REFUSED) != 0 || ((bit & TIMES) != 0 && !is_whole(&item)))
        return TSR_E_UNSUPPORTED;
    return which == BASE_VERSION ? check_version(&item) : TSR_OK;
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
        if (err == TSR_OK && tsr_lwm2m_path_is(&other, &path))
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
