/* SPDX-License-Identifier: Apache-2.0
 *
 * SenML CBOR (RFC 8428 §6, Core 7.5). */
#include "tessera/cbor/head.h"
#include "tessera/lwm2m/format/cbor_value.h"
#include "tessera/lwm2m/format/senml.h"

/* RFC 8428 §6, table 4; those of a name, a value and a string are in senml.h */
enum {
    LABEL_BASE_VERSION = -1, LABEL_BASE_NAME = -2, LABEL_BASE_TIME = -3, LABEL_BASE_UNIT = -4,
    LABEL_BASE_VALUE = -5, LABEL_UNIT = 1, LABEL_BOOLEAN = 4, LABEL_TIME = 6, LABEL_DATA = 8,
    LABEL_OBJLNK = 100, LABEL_IGNORED = 101, /* the last two are ours */
};

enum { BASE_NAME_CODE = 0x21, BASE_TIME_CODE = 0x22, NULL_CODE = 0xf6 }; /* -2, -3, null */

/* ---- writing ------------------------------------------------------------------------------- */

static uint8_t *put_seconds(uint8_t *at, uint64_t ms)
{
    tsr_buf out = tsr_buf_over(at, TSR_CBOR_HEAD);

    if (ms % 1000 == 0)
        return tsr_cbor_head(at, TSR_CBOR_UINT, ms / 1000);
    tsr_cbor_put_float(&out, (double)ms / 1000);
    return at + out.len;
}

/* Text that was written one byte further on gets its head; two bytes if it needs them. */
static uint8_t *close_text(uint8_t *at, uint8_t *end)
{
    size_t len = (size_t)(end - at) - 1;

    if (len < 24) {
        *at = (uint8_t)(0x60 | len);
        return end;
    }
    memmove(at + 2, at + 1, len);
    at[0] = 0x78;
    at[1] = (uint8_t)len;
    return end + 1;
}

static uint8_t *put_fields(uint8_t *at, tsr_lwm2m_out *out, const tsr_lwm2m_path *path,
                           uint8_t map)
{
    uint8_t *head;

    if (out->count == 0)
        *at++ = 0x80; /* the array's head, until its size is known */
    head = at++;

    tsr_senml_fields says = tsr_senml_next(out, path->depth);

    if (says.has_base) {
        map++;
        *at++ = BASE_NAME_CODE;
        at = close_text(at, says.below ? tsr_senml_put_base(at + 1, out) : at + 1);
    }
    if (says.has_time) {
        map++;
        *at++ = BASE_TIME_CODE;
        at = put_seconds(at, out->base_ms);
    }
    *head = map;
    *at++ = TSR_SENML_LABEL_NAME;
    return close_text(at, tsr_senml_put_name(at + 1, out, path, says.below));
}

/* The value; of a string only its head, then its bytes are in `tail`. NULL: not in SenML. */
static uint8_t *put_value(uint8_t *at, const tsr_lwm2m_value *value, tsr_bytes *tail)
{
    static const uint8_t vlo[] = { 0x63, 'v', 'l', 'o' };
    tsr_buf rest;

    switch (value->type) {
    case TSR_LWM2M_NONE: return at;
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
        *at++ = TSR_SENML_LABEL_STRING;
        *tail = value->as.bytes;
        return tsr_cbor_head(at, TSR_CBOR_TEXT, tail->len);
    case TSR_LWM2M_OPAQUE:
        *at++ = LABEL_DATA;
        *tail = value->as.bytes;
        return tsr_cbor_head(at, TSR_CBOR_BYTES, tail->len);
    case TSR_LWM2M_OBJLNK:
        memcpy(at, vlo, sizeof vlo);
        at += sizeof vlo;
        break;
    case TSR_LWM2M_BOOLEAN: *at++ = LABEL_BOOLEAN; break;
    default:                *at++ = TSR_SENML_LABEL_VALUE; break;
    }
    rest = tsr_buf_over(at, 16);
    return tsr_lwm2m_cbor_put(&rest, value) == TSR_OK ? at + rest.len : NULL;
}

tsr_err tsr_senml_cbor_put(tsr_lwm2m_out *out, tsr_lwm2m_path path, const tsr_lwm2m_value *value)
{
    uint8_t room[TSR_SENML_PREFIXED];
    bool has_value = value->type != TSR_LWM2M_NONE || out->null;
    tsr_bytes tail = { NULL, 0 };
    uint8_t *end = put_fields(room, out, &path, has_value ? 0xa2 : 0xa1);

    if (out->null) {
        *end++ = TSR_SENML_LABEL_VALUE;
        *end++ = NULL_CODE;
    }
    end = put_value(end, value, &tail);
    if (end == NULL)
        return TSR_E_TYPE;
    tsr_put_bytes(out->body, tsr_view(room, (size_t)(end - room)));
    tsr_put_bytes(out->body, tail);
    return TSR_OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* A label is a number, or the text of the JSON form where there is no number. Fetch and Patch Packs
 * have no labels that must be understood (RFC 8790 §5). */
static tsr_err take_label(tsr_bytes *in, bool any, int *label)
{
    uint8_t room[8];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_bytes text;
    int64_t number;

    if (in->len != 0 && in->ptr[0] <= LABEL_DATA) {
        *label = in->ptr[0];
        *in = tsr_skip(*in, 1);
        return TSR_OK;
    }
    if (tsr_cbor_get_int(in, &number) == TSR_OK) {
        *label = number < -6 || number > LABEL_DATA ? LABEL_IGNORED : (int)number;
        return TSR_OK;
    }

    tsr_err err = tsr_cbor_get_string(in, TSR_CBOR_TEXT, &scratch, &text);

    if (err == TSR_E_SPACE && !any) {
        *label = LABEL_IGNORED;
        return tsr_cbor_skip(in);
    }
    if (err != TSR_OK)
        return err == TSR_E_SPACE ? TSR_E_UNSUPPORTED : TSR_E_MALFORMED;
    if (any && tsr_senml_is_critical(text))
        return TSR_E_UNSUPPORTED;
    *label = tsr_same(text, tsr_text("vlo")) ? LABEL_OBJLNK : LABEL_IGNORED;
    return TSR_OK;
}

static tsr_err take_number(tsr_bytes *in, double *number)
{
    tsr_lwm2m_value v, f;

    if (tsr_lwm2m_cbor_get(in, NULL, &v) != TSR_OK)
        return TSR_E_MALFORMED;
    if (tsr_lwm2m_value_convert(&v, TSR_LWM2M_FLOAT, &f) == TSR_OK)
        *number = f.as.f;
    else if (v.type == TSR_LWM2M_TIME)
        *number = (double)v.as.i;
    else
        return TSR_E_MALFORMED;
    return *number - *number == 0 ? TSR_OK : TSR_E_MALFORMED; /* finite */
}

static tsr_err check_version(tsr_bytes *in)
{
    int64_t version;

    if (tsr_cbor_get_int(in, &version) != TSR_OK)
        return TSR_E_MALFORMED;
    return version <= TSR_SENML_VERSION ? TSR_OK : TSR_E_UNSUPPORTED;
}

/* Which types a value field may have; null is allowed in each (RFC 8790 §3). */
static bool type_fits(int label, tsr_lwm2m_type type)
{
    switch (type) {
    case TSR_LWM2M_NONE:    return true;
    case TSR_LWM2M_STRING:  return label == TSR_SENML_LABEL_STRING || label == LABEL_OBJLNK;
    case TSR_LWM2M_BOOLEAN: return label == LABEL_BOOLEAN;
    case TSR_LWM2M_OPAQUE:  return label == LABEL_DATA;
    default:                return label == TSR_SENML_LABEL_VALUE;
    }
}

static tsr_err take_value(tsr_lwm2m_in *in, tsr_bytes *rest, int label, tsr_senml_record *record)
{
    record->values++;
    if (in->names_only)
        return tsr_cbor_skip(rest);

    tsr_err err = tsr_lwm2m_cbor_get(rest, in->scratch, &record->value);

    if (err != TSR_OK)
        return err == TSR_E_SPACE ? err : TSR_E_MALFORMED;
    if (!type_fits(label, record->value.type))
        return TSR_E_MALFORMED;
    if (label == LABEL_OBJLNK && record->value.type == TSR_LWM2M_STRING
        && tsr_lwm2m_value_convert(&record->value, TSR_LWM2M_OBJLNK, &record->value) != TSR_OK)
        return TSR_E_MALFORMED;
    return TSR_OK;
}

/* Remembers where a name stands; it may come in chunks, so it is taken apart later. */
static tsr_err note_name(tsr_bytes *in, tsr_bytes *name)
{
    tsr_bytes start = *in;

    if (start.len == 0 || start.ptr[0] >> 5 != TSR_CBOR_TEXT || tsr_cbor_skip(in) != TSR_OK)
        return TSR_E_MALFORMED;
    *name = tsr_first(start, start.len - in->len);
    return TSR_OK;
}

/* RFC 8790 §3.1 */
static bool may_fetch(int label)
{
    switch (label) {
    case TSR_SENML_LABEL_NAME:
    case LABEL_UNIT:
    case LABEL_TIME:
    case LABEL_BASE_NAME:
    case LABEL_BASE_TIME:
    case LABEL_BASE_UNIT: return true;
    default:              return false;
    }
}

static tsr_err take_field(tsr_lwm2m_in *in, tsr_bytes *rest, tsr_bytes *name,
                          tsr_senml_record *record)
{
    int label;
    tsr_err err = take_label(rest, in->pack == TSR_LWM2M_PACK_ANY, &label);

    if (err != TSR_OK)
        return err;
    if (in->pack == TSR_LWM2M_PACK_FETCH && !may_fetch(label))
        return TSR_E_MALFORMED;
    switch (label) {
    case LABEL_BASE_VERSION: return check_version(rest);
    case LABEL_BASE_NAME:    return note_name(rest, &in->base_name);
    case LABEL_BASE_TIME:    return take_number(rest, &in->base_time_s);
    case LABEL_BASE_VALUE:   return take_number(rest, &in->base_value);
    case TSR_SENML_LABEL_NAME:         return note_name(rest, name);
    case LABEL_TIME:         return take_number(rest, &record->time_s);
    case TSR_SENML_LABEL_VALUE:
    case TSR_SENML_LABEL_STRING:
    case LABEL_BOOLEAN:
    case LABEL_DATA:
    case LABEL_OBJLNK:       return take_value(in, rest, label, record);
    default:                 return tsr_cbor_skip(rest);
    }
}

static tsr_err add_name(tsr_senml_record *record, tsr_bytes encoded)
{
    uint8_t room[TSR_SENML_NAME];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_bytes text;

    if (encoded.len == 0)
        return TSR_OK;
    if (tsr_cbor_get_string(&encoded, TSR_CBOR_TEXT, &scratch, &text) != TSR_OK)
        return TSR_E_MALFORMED;
    return tsr_senml_name_add(record, text) ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_record(tsr_lwm2m_in *in, tsr_senml_record *record)
{
    tsr_bytes name = { NULL, 0 };
    tsr_cbor_walk fields;
    tsr_err err = tsr_cbor_enter(&in->rest, TSR_CBOR_MAP, &fields);

    while (err == TSR_OK && (err = tsr_cbor_more(&in->rest, &fields)) == TSR_OK)
        err = take_field(in, &in->rest, &name, record);
    if (err != TSR_END)
        return err == TSR_E_TYPE ? TSR_E_MALFORMED : err;
    err = add_name(record, in->base_name);
    return err == TSR_OK ? add_name(record, name) : err;
}

static tsr_err start(tsr_lwm2m_in *in)
{
    tsr_cbor_walk records;

    in->started = true;
    if (tsr_cbor_enter(&in->rest, TSR_CBOR_ARRAY, &records) != TSR_OK)
        return TSR_E_MALFORMED;
    in->left[0] = records.left;
    return TSR_OK;
}

tsr_err tsr_senml_cbor_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_senml_record record;
    tsr_err err = in->started ? TSR_OK : start(in);
    tsr_cbor_walk records = { in->left[0] };

    tsr_senml_record_begin(&record);
    if (err == TSR_OK)
        err = tsr_cbor_more(&in->rest, &records);
    in->left[0] = records.left;
    if (err == TSR_END)
        return in->rest.len == 0 ? TSR_END : TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = take_record(in, &record);
    return err == TSR_OK ? tsr_senml_resolve(in, &record, path, value) : err;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_senml_cbor = {
    .format = TSR_LWM2M_FORMAT_SENML_CBOR,
    .put = tsr_senml_cbor_put,
    .end = tsr_senml_cbor_end,
    .next = tsr_senml_cbor_next,
    .unique = tsr_lwm2m_in_unique,
    .typed = tsr_lwm2m_value_convert,
};
