/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/model/fields.h"

#include "tessera/base/hot.h"
#include "tessera/lwm2m/format/codec.h"

/* `at` is the resource, or one instance of it. */
static tsr_err put_list(const tsr_lwm2m_field_list *list, const void *state, tsr_lwm2m_path at,
                        tsr_lwm2m_out *out)
{
    int count = tsr_lwm2m_field_count(list, state);
    tsr_err err = TSR_E_NOT_FOUND;

    for (int i = 0; i < count; i++) {
        tsr_lwm2m_path each = at;
        int32_t v = tsr_lwm2m_field_item(list, state, (unsigned)i);

        each.resource_instance = (uint16_t)i;
        each.depth = 4;
        if (v >= list->least && tsr_lwm2m_wanted(at, (uint16_t)i))
            err = tsr_lwm2m_put_value_int(out, each, v);
    }
    return err;
}

TSR_HOT tsr_err put_field(const tsr_lwm2m_fields *fields, const tsr_lwm2m_field *f,
                          const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const char *text;
    int64_t v;

    if (f->kind == TSR_LWM2M_FIELD_LIST)
        return put_list(&fields->lists[f->place], state, at, out);
    if (f->kind <= TSR_LWM2M_FIELD_OWN_TEXT) {
        text = tsr_lwm2m_field_text(fields, f, state);
        if (text[0] == '\0')
            return TSR_E_NOT_FOUND;
        return tsr_lwm2m_put_value_text(out, at, tsr_text(text));
    }
    v = tsr_lwm2m_field_number(fields, f, state);
    if (f->kind == TSR_LWM2M_FIELD_OWN_TIME)
        return tsr_lwm2m_put_time(out, at, v);
    return v >= 0 ? tsr_lwm2m_put_value_int(out, at, v) : TSR_E_NOT_FOUND;
}

tsr_err tsr_lwm2m_fields_read(const tsr_lwm2m_fields *fields, const void *state, tsr_lwm2m_path at,
                              tsr_lwm2m_out *out)
{
    for (const tsr_lwm2m_field *f = fields->items, *end = f + fields->count; f != end; f++)
        if (f->resource == at.resource)
            return put_field(fields, f, state, at, out);
    return TSR_E_NOT_FOUND;
}

/* What the format has no short way for, or what does not go by it, is put one by one. */
tsr_err tsr_lwm2m_fields_read_all(const tsr_lwm2m_fields *fields, const void *state,
                                  tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    at.depth = 3;
    for (size_t i = 0; i < fields->count; i++) {
        tsr_err err;

        if (out->quick_from <= 3 && out->base.depth == 2 &&
            (uint32_t)tsr_lwm2m_path_word(at) == (uint32_t)out->base_word)
            i = out->codec->quick->fields(out, fields, i, state);
        if (i == fields->count)
            break;
        at.resource = fields->items[i].resource;
        err = put_field(fields, &fields->items[i], state, at, out);
        if (err != TSR_OK && err != TSR_E_NOT_FOUND)
            return err;
    }
    return TSR_OK;
}
