/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/model/fields.h"

#include "tessera/base/hot.h"
#include "tessera/lwm2m/format/codec.h"

/* With the path in registers, as far as it goes. */
static inline tsr_err put_text(tsr_lwm2m_out *out, uint64_t word, const char *text)
{
    if (text[0] == '\0')
        return TSR_E_NOT_FOUND;
    if (out->quick_from <= 3)
        return out->codec->quick_text(out, word, 3, tsr_text(text));
    return tsr_lwm2m_put_value_text(out, tsr_lwm2m_path_of(word, 3), tsr_text(text));
}

static inline tsr_err put_number(tsr_lwm2m_out *out, uint64_t word, int64_t v)
{
    if (v < 0)
        return TSR_E_NOT_FOUND;
    if (out->quick_from <= 3)
        return out->codec->quick_int(out, word, 3, v);
    return tsr_lwm2m_put_value_int(out, tsr_lwm2m_path_of(word, 3), v);
}

/* `word` ends with the resource instance: that one, or from it to the end. */
static tsr_err put_list(const tsr_lwm2m_field_list *list, const uint8_t *state, uint64_t word,
                        bool one, tsr_lwm2m_out *out)
{
    tsr_err err = TSR_E_NOT_FOUND;
    unsigned i = (unsigned)(word >> 48), end = state[list->count];

    if (one && i < end)
        end = i + 1;
    for (; i < end; i++, word += UINT64_C(1) << 48) {
        const void *at = state + list->first + i * list->stride;
        int32_t v = *(const int32_t *)at;

        if (v >= list->least)
            err = tsr_lwm2m_put_int_at(out, word, 4, v);
    }
    return err;
}

TSR_HOT tsr_err put_field(const tsr_lwm2m_fields *fields, const tsr_lwm2m_field *f,
                          const void *state, uint64_t word, tsr_lwm2m_out *out)
{
    const void *place = (const uint8_t *)state + f->place;

    if (f->kind == TSR_LWM2M_FIELD_TEXT)
        return put_text(out, word, place);
    if (f->kind == TSR_LWM2M_FIELD_LIST)
        return put_list(&fields->lists[f->place], state, word, false, out);
    if (f->kind == TSR_LWM2M_FIELD_OWN)
        return fields->own(state, tsr_lwm2m_path_of(word, 3), out);
    return put_number(out, word, f->kind == TSR_LWM2M_FIELD_SHORT ? *(const int16_t *)place
                                                                  : *(const int64_t *)place);
}

tsr_err tsr_lwm2m_fields_read(const tsr_lwm2m_fields *fields, const void *state, tsr_lwm2m_path at,
                              tsr_lwm2m_out *out)
{
    for (const tsr_lwm2m_field *f = fields->items, *end = f + fields->count; f != end; f++) {
        if (f->resource != at.resource)
            continue;
        if (f->kind == TSR_LWM2M_FIELD_OWN)
            return fields->own(state, at, out); /* which may be one instance of it */
        if (at.depth == 4) /* so it is multiple */
            return put_list(&fields->lists[f->place], state, tsr_lwm2m_path_word(at), true, out);
        at.resource_instance = 0;
        return put_field(fields, f, state, tsr_lwm2m_path_word(at), out);
    }
    return TSR_E_NOT_FOUND;
}

tsr_err tsr_lwm2m_fields_read_all(const tsr_lwm2m_fields *fields, const void *state,
                                  tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    uint64_t base = tsr_lwm2m_path_word(at);

    for (const tsr_lwm2m_field *f = fields->items, *end = f + fields->count; f != end; f++) {
        tsr_err err = put_field(fields, f, state, base | (uint64_t)f->resource << 32, out);

        if (err != TSR_OK && err != TSR_E_NOT_FOUND)
            return err;
    }
    return TSR_OK;
}
