/* SPDX-License-Identifier: Apache-2.0
 *
 * SenML JSON (RFC 8428 §5, Core 7.5). */
#include "tessera/json/base64.h"
#include "tessera/json/json.h"
#include "tessera/json/number.h"
#include "tessera/lwm2m/format/senml.h"

/* ---- writing ------------------------------------------------------------------------------- */

static void put_quoted(tsr_buf *body, tsr_bytes text)
{
    tsr_json_out j = tsr_json_to(body);

    tsr_json_put_string(&j, text);
}

static void put_value(tsr_buf *body, const tsr_lwm2m_value *value)
{
    switch (value->type) {
    case TSR_LWM2M_NONE: return;
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
        tsr_put_text(body, ",\"vs\":");
        put_quoted(body, value->as.bytes);
        return;
    case TSR_LWM2M_BOOLEAN:
        tsr_put_text(body, value->as.b ? ",\"vb\":true" : ",\"vb\":false");
        return;
    case TSR_LWM2M_OPAQUE:
        tsr_put_text(body, ",\"vd\":\"");
        tsr_base64url_put(body, value->as.bytes);
        tsr_put_u8(body, '"');
        return;
    case TSR_LWM2M_OBJLNK:
        tsr_put_text(body, ",\"vlo\":\"");
        tsr_lwm2m_value_put_text(body, value);
        tsr_put_u8(body, '"');
        return;
    default:
        tsr_put_text(body, ",\"v\":");
        tsr_lwm2m_value_put_text(body, value);
        return;
    }
}

static uint8_t *add(uint8_t *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

/* Everything but the value; what stands in names needs no escapes. */
static void put_fields(tsr_lwm2m_out *out, tsr_lwm2m_path path)
{
    uint8_t room[TSR_SENML_PREFIXED], *at = room;
    bool first = out->count == 0;
    tsr_senml_fields says = tsr_senml_next(out, path.depth);

    at = add(at, first ? "[{" : ",{", 2);
    if (says.has_base) {
        at = add(at, "\"bn\":\"", 6);
        if (says.below)
            at = tsr_senml_put_base(at, out);
        at = add(at, "\",", 2);
    }
    if (says.has_time) {
        tsr_put_bytes(out->body, tsr_view(room, (size_t)(at - room)));
        tsr_put_text(out->body, "\"bt\":");
        tsr_number_put(out->body, (double)out->base_ms / 1000);
        at = add(room, ",", 1);
    }
    at = add(at, "\"n\":\"", 5);
    at = tsr_senml_put_name(at, out, &path, says.below);
    at = add(at, "\"", 1);
    tsr_put_bytes(out->body, tsr_view(room, (size_t)(at - room)));
}

static tsr_err senml_json_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    if (value->type == TSR_LWM2M_RAW_TEXT || value->type == TSR_LWM2M_RAW_BYTES)
        return TSR_E_TYPE;
    put_fields(out, at);
    if (out->null)
        tsr_put_text(out->body, ",\"v\":null");
    put_value(out->body, value);
    tsr_put_u8(out->body, '}');
    return TSR_OK;
}

static tsr_err senml_json_end(tsr_lwm2m_out *out)
{
    tsr_put_text(out->body, out->count == 0 ? "[]" : "]");
    return TSR_OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Reads a string through `room`, which need not hold more than is of interest. */
static tsr_err add_name(tsr_senml_record *record, tsr_bytes quoted)
{
    tsr_json string = { TSR_JSON_STRING, quoted };
    uint8_t room[TSR_SENML_NAME];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_bytes text;

    if (quoted.len == 0)
        return TSR_OK;
    if (tsr_json_string(&string, &scratch, &text) != TSR_OK)
        return TSR_E_MALFORMED;
    return tsr_senml_name_add(record, text) ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_number(const tsr_json *item, tsr_lwm2m_value *value)
{
    bool negative;
    uint64_t size;
    double f;

    if (item->kind != TSR_JSON_NUMBER)
        return TSR_E_MALFORMED;
    if (tsr_number_get_whole(item->text, &negative, &size) == TSR_OK) {
        if (size <= INT64_MAX) {
            *value = tsr_lwm2m_int(negative ? -(int64_t)size : (int64_t)size);
            return TSR_OK;
        }
        if (!negative) {
            *value = tsr_lwm2m_uint(size);
            return TSR_OK;
        }
        if (size == (uint64_t)INT64_MAX + 1) {
            *value = tsr_lwm2m_int(INT64_MIN);
            return TSR_OK;
        }
    }
    if (tsr_number_get(item->text, &f) != TSR_OK)
        return TSR_E_MALFORMED;
    *value = tsr_lwm2m_float(f);
    return TSR_OK;
}

static tsr_err take_double(const tsr_json *item, double *number)
{
    return tsr_json_double(item, number) == TSR_OK ? TSR_OK : TSR_E_MALFORMED;
}

/* RFC 8428 §5: base64url. A text with escapes stands in scratch by then and makes room for its bytes, so that
 * scratch need not be larger than the payload. */
static tsr_err take_data(const tsr_json *item, tsr_buf *scratch, tsr_lwm2m_value *value)
{
    tsr_buf none = { NULL, 0, 0, TSR_OK };
    tsr_buf *room = scratch != NULL ? scratch : &none;
    size_t start = room->len;
    tsr_bytes text;
    tsr_err err = tsr_json_string(item, room, &text);

    room->len = start;
    if (err == TSR_OK)
        err = tsr_base64_get(text, room);
    if (err != TSR_OK)
        return err == TSR_E_SPACE ? err : TSR_E_MALFORMED;
    *value = tsr_lwm2m_opaque(tsr_view(room->ptr + start, room->len - start));
    return TSR_OK;
}

static tsr_err take_text(const tsr_json *item, tsr_buf *scratch, tsr_lwm2m_value *value)
{
    tsr_bytes text;
    tsr_err err = tsr_json_string(item, scratch, &text);

    if (err != TSR_OK)
        return err == TSR_E_SPACE ? err : TSR_E_MALFORMED;
    *value = tsr_lwm2m_text(text);
    return TSR_OK;
}

tsr_err tsr_senml_json_link(const tsr_json *item, tsr_lwm2m_value *value)
{
    uint8_t room[24];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_value text;

    if (take_text(item, &scratch, &text) != TSR_OK
        || tsr_lwm2m_value_as(&text, TSR_LWM2M_OBJLNK, NULL, value) != TSR_OK)
        return TSR_E_MALFORMED;
    return TSR_OK;
}

tsr_err tsr_senml_json_bool(const tsr_json *item, tsr_lwm2m_value *value)
{
    bool b;

    if (tsr_json_bool(item, &b) != TSR_OK)
        return TSR_E_MALFORMED;
    *value = tsr_lwm2m_bool(b);
    return TSR_OK;
}

static tsr_err check_version(const tsr_json *item)
{
    int64_t version;

    if (tsr_json_int(item, &version) != TSR_OK)
        return TSR_E_MALFORMED;
    return version <= TSR_SENML_VERSION ? TSR_OK : TSR_E_UNSUPPORTED;
}

static tsr_err note_name(const tsr_json *item, tsr_bytes *quoted)
{
    if (item->kind != TSR_JSON_STRING)
        return TSR_E_MALFORMED;
    *quoted = item->text;
    return TSR_OK;
}

typedef enum { NAME, TIME, BASE_NAME, BASE_TIME, UNIT, BASE_UNIT, BASE_VALUE, BASE_VERSION, VALUE,
               STRING, DATA, BOOLEAN, OBJLNK, OTHER } label_kind;

static label_kind label_of(tsr_bytes label)
{
    static const char *const labels[] = { "n",    "t", "bn", "bt", "u",  "bu", "bv",
                                          "bver", "v", "vs", "vd", "vb", "vlo" };

    for (size_t i = 0; i < OTHER; i++)
        if (tsr_same(label, tsr_text(labels[i])))
            return (label_kind)i;
    return OTHER;
}

static tsr_err take_value(tsr_lwm2m_in *in, label_kind which, const tsr_json *item,
                          tsr_senml_record *record)
{
    record->values++;
    if (in->names_only || item->kind == TSR_JSON_NULL)
        return TSR_OK;
    switch (which) {
    case STRING:  return take_text(item, in->scratch, &record->value);
    case DATA:    return take_data(item, in->scratch, &record->value);
    case BOOLEAN: return tsr_senml_json_bool(item, &record->value);
    case OBJLNK:  return tsr_senml_json_link(item, &record->value);
    default:      return take_number(item, &record->value);
    }
}

/* A label that does not fit in `room` is none that we know, but it might be critical. Fetch and
 * Patch Packs have no labels that must be understood (RFC 8790 §5). */
static tsr_err take_field(tsr_lwm2m_in *in, const tsr_json *key, const tsr_json *item,
                          tsr_bytes *name, tsr_senml_record *record)
{
    uint8_t room[32];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_bytes label = { NULL, 0 };
    bool any = in->pack == TSR_LWM2M_PACK_ANY;

    if (tsr_json_string(key, &scratch, &label) != TSR_OK && any)
        return TSR_E_UNSUPPORTED;

    label_kind which = label_of(label);

    if (in->pack == TSR_LWM2M_PACK_FETCH && which > BASE_UNIT)
        return TSR_E_MALFORMED;
    switch (which) {
    case NAME:         return note_name(item, name);
    case TIME:         return take_double(item, &record->time_s);
    case BASE_NAME:    return note_name(item, &in->base_name);
    case BASE_TIME:    return take_double(item, &in->base_time_s);
    case BASE_VALUE:   return take_double(item, &in->base_value);
    case BASE_VERSION: return check_version(item);
    case UNIT:
    case BASE_UNIT:    return TSR_OK;
    case OTHER:        return any && tsr_senml_is_critical(label) ? TSR_E_UNSUPPORTED : TSR_OK;
    default:           return take_value(in, which, item, record);
    }
}

static tsr_err start(tsr_lwm2m_in *in)
{
    tsr_json root = { TSR_JSON_ARRAY, in->payload };

    in->started = true;
    if (!in->names_only && (tsr_json_parse(in->payload, &root, NULL) != TSR_OK
                            || root.kind != TSR_JSON_ARRAY))
        return TSR_E_MALFORMED;
    in->payload = root.text; /* a second reading need not check it again */
    in->rest = tsr_json_items(&root).rest;
    return TSR_OK;
}

static tsr_err senml_json_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_senml_record record;
    tsr_err err = in->started ? TSR_OK : start(in);
    tsr_json_walk records = { in->rest, false }, fields;
    tsr_json item, key, field;
    tsr_bytes name = { NULL, 0 };

    tsr_senml_record_begin(&record);
    if (err != TSR_OK)
        return err;
    if (!tsr_json_next(&records, NULL, &item))
        return TSR_END;
    in->rest = records.rest;
    if (item.kind != TSR_JSON_OBJECT)
        return TSR_E_MALFORMED;
    fields = tsr_json_items(&item);
    while (err == TSR_OK && tsr_json_next(&fields, &key, &field))
        err = take_field(in, &key, &field, &name, &record);
    if (err == TSR_OK)
        err = add_name(&record, in->base_name);
    if (err == TSR_OK)
        err = add_name(&record, name);
    return err == TSR_OK ? tsr_senml_resolve(in, &record, path, value) : err;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_senml_json = {
    .format = TSR_LWM2M_FORMAT_SENML_JSON,
    .put = senml_json_put,
    .end = senml_json_end,
    .next = senml_json_next,
    .unique = tsr_lwm2m_in_unique,
    .typed = tsr_lwm2m_value_convert,
};
