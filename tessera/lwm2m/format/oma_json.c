/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON of LwM2M 1.0, for reading (Core 6.4.4 of version 1.0): {"bn":"/3/0/","e":[{"n":"9","v":5}]}.
 * Texts come without a type, since opaque bytes (base64) are written as texts too. */
#include "tessera/json/json.h"
#include "tessera/lwm2m/format/senml.h"

static tsr_err refuse_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    (void)out;
    (void)at;
    (void)value;
    return TSR_E_UNSUPPORTED;
}

static tsr_err refuse_end(tsr_lwm2m_out *out)
{
    (void)out;
    return TSR_E_UNSUPPORTED;
}

static tsr_err find_name(const tsr_json *object, const char *label, tsr_bytes *quoted)
{
    tsr_json found;
    tsr_err err = tsr_json_find(object, label, &found);

    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (err != TSR_OK || found.kind != TSR_JSON_STRING)
        return TSR_E_MALFORMED;
    *quoted = found.text;
    return TSR_OK;
}

static tsr_err find_time(const tsr_json *object, const char *label, double *time_s)
{
    tsr_err err = tsr_json_find_double(object, label, time_s);

    return err == TSR_OK || err == TSR_E_NOT_FOUND ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err start(tsr_lwm2m_in *in)
{
    tsr_json root = { TSR_JSON_OBJECT, in->payload }, entries;

    in->started = true;
    if (!in->names_only && (tsr_json_parse(in->payload, &root, NULL) != TSR_OK ||
                            root.kind != TSR_JSON_OBJECT))
        return TSR_E_MALFORMED;
    in->payload = root.text; /* a second reading need not check it again */
    if (tsr_json_find(&root, "e", &entries) != TSR_OK || entries.kind != TSR_JSON_ARRAY ||
        find_name(&root, "bn", &in->base_name) != TSR_OK ||
        find_time(&root, "bt", &in->base_time_s) != TSR_OK)
        return TSR_E_MALFORMED;
    in->rest = tsr_json_items(&entries).rest;
    return TSR_OK;
}

static tsr_err take_number(const tsr_json *item, tsr_lwm2m_value *value)
{
    int64_t i;
    double f;

    if (item->kind != TSR_JSON_NUMBER)
        return TSR_E_MALFORMED;
    if (tsr_json_int(item, &i) == TSR_OK) {
        *value = tsr_lwm2m_int(i);
        return TSR_OK;
    }
    if (tsr_json_double(item, &f) != TSR_OK)
        return TSR_E_MALFORMED;
    *value = tsr_lwm2m_float(f);
    return TSR_OK;
}

static tsr_err take_text(const tsr_json *item, tsr_buf *scratch, tsr_lwm2m_value *value)
{
    tsr_err err = tsr_json_string(item, scratch, &value->as.bytes);

    if (err != TSR_OK)
        return err == TSR_E_SPACE ? err : TSR_E_MALFORMED;
    value->type = TSR_LWM2M_RAW_TEXT;
    return TSR_OK;
}

/* One of v, bv, ov and sv; they are counted, because two make no sense. */
static tsr_err take_value(tsr_lwm2m_in *in, const tsr_json *entry, tsr_senml_record *record)
{
    static const char *const labels[] = { "v", "bv", "ov", "sv" };

    for (unsigned i = 0; i < 4; i++) {
        tsr_json item;
        tsr_err err;

        if (tsr_json_find(entry, labels[i], &item) != TSR_OK)
            continue;
        record->values++;
        if (in->names_only)
            continue;
        err = i == 0   ? take_number(&item, &record->value)
              : i == 1 ? tsr_senml_json_bool(&item, &record->value)
              : i == 2 ? tsr_senml_json_link(&item, &record->value)
                       : take_text(&item, in->scratch, &record->value);
        if (err != TSR_OK)
            return err;
    }
    return record->values == 1 ? TSR_OK : TSR_E_MALFORMED;
}

static bool add_quoted(tsr_senml_record *record, tsr_bytes quoted)
{
    tsr_json string = { TSR_JSON_STRING, quoted };
    uint8_t room[TSR_SENML_NAME];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_bytes text;

    return quoted.len == 0 || (tsr_json_string(&string, &scratch, &text) == TSR_OK &&
                               tsr_senml_name_add(record, text));
}

/* Without a base name, names are relative to the request. A slash that is missing between both is
 * put in: old clients write "/3/0" as well as "/3/0/". */
static bool join(const tsr_lwm2m_in *in, tsr_bytes name, tsr_senml_record *record)
{
    uint8_t room[TSR_LWM2M_PATH_TEXT];
    tsr_buf base = tsr_buf_over(room, sizeof room);
    bool good;

    tsr_lwm2m_path_put(&base, in->base);
    good = in->base_name.len != 0 ? add_quoted(record, in->base_name)
                                  : tsr_senml_name_add(record, tsr_buf_view(&base));
    if (good && name.len > 2 && name.ptr[1] != '/' &&
        (record->name_len == 0 || record->name[record->name_len - 1] != '/'))
        good = tsr_senml_name_add(record, tsr_text("/"));
    return good && add_quoted(record, name);
}

static tsr_err oma_json_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_senml_record record;
    tsr_err err = in->started ? TSR_OK : start(in);
    tsr_json_walk entries = { in->rest, false };
    tsr_bytes name = { NULL, 0 };
    tsr_json entry;

    tsr_senml_record_begin(&record);
    if (err != TSR_OK)
        return err;
    if (!tsr_json_next(&entries, NULL, &entry))
        return TSR_END;
    in->rest = entries.rest;
    if (entry.kind != TSR_JSON_OBJECT || find_name(&entry, "n", &name) != TSR_OK ||
        find_time(&entry, "t", &record.time_s) != TSR_OK || !join(in, name, &record))
        return TSR_E_MALFORMED;
    err = take_value(in, &entry, &record);
    return err == TSR_OK ? tsr_senml_resolve(in, &record, path, value) : err;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_oma_json = {
    .format = TSR_LWM2M_FORMAT_OMA_JSON,
    .put = refuse_put,
    .end = refuse_end,
    .next = oma_json_next,
    .unique = tsr_lwm2m_in_unique,
    .parsed = tsr_lwm2m_value_as,
};
