/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of an instance that a table describes, straight into the body: one walk for the formats
 * that have a short way, with what they write for a value inlined. Not for others. */
#ifndef TESSERA_LWM2M_FORMAT_FIELDS_OUT_H
#define TESSERA_LWM2M_FORMAT_FIELDS_OUT_H

#include "tessera/base/hot.h"
#include "tessera/lwm2m/model/fields.h"

enum { TSR_LWM2M_SINGLE = -1 }; /* no resource instance */

/** What a format writes. Each gets where, and returns where it ends. */
typedef struct {
    size_t most; /* bytes of the longest value but for its text, and of what is around a list */
    uint8_t *(*number)(uint8_t *at, unsigned resource, int instance, int32_t v);
    uint8_t *(*text)(uint8_t *at, unsigned resource, tsr_bytes text); /* up to 255 bytes */
    uint8_t *(*open)(uint8_t *at); /* before and after a list */
    uint8_t *(*close)(uint8_t *open, uint8_t *at, unsigned resource);
} tsr_lwm2m_writer;

/** A list of which nothing is there leaves `at` as it is; NULL: there is no room for all of it. */
TSR_HOT uint8_t *tsr_lwm2m_list_out(const tsr_lwm2m_writer *w, const tsr_lwm2m_field_list *list,
                                    unsigned resource, const void *state, uint8_t *at, size_t room,
                                    uint32_t *count)
{
    int n = tsr_lwm2m_field_count(list, state);
    uint8_t *start = w->open(at), *end = start;

    if (room <= (unsigned)n * w->most)
        return NULL;
    for (int i = 0; i < n; i++) {
        int32_t v = tsr_lwm2m_field_item(list, state, (unsigned)i);

        if (v < list->least)
            continue;
        end = w->number(end, resource, i, v);
        ++*count;
    }
    return end == start ? at : w->close(at, end, resource);
}

/** From field `i` on; returns the first that has to go the long way, for want of room or because it
 *  is not as most are. */
TSR_HOT size_t tsr_lwm2m_fields_out(const tsr_lwm2m_writer *w, tsr_lwm2m_out *out,
                                    const tsr_lwm2m_fields *fields, size_t i, const void *state)
{
    const tsr_lwm2m_field *f = fields->items + i, *last = fields->items + fields->count;
    const uint8_t *const full = out->body->ptr + out->body->cap;
    uint8_t *at = out->body->ptr + out->body->len;
    uint32_t count = out->count;

    for (; f != last && (size_t)(full - at) >= w->most; f++) {
        if (f->kind <= TSR_LWM2M_FIELD_OWN_TEXT) {
            const char *text = tsr_lwm2m_field_text(fields, f, state);
            size_t len = text[0] != '\0' ? strlen(text) : 0;

            if (len == 0)
                continue;
            if (len > UINT8_MAX || (size_t)(full - at) - w->most < len)
                break;
            at = w->text(at, f->resource, tsr_view(text, len));
        } else if (f->kind == TSR_LWM2M_FIELD_LIST) {
            uint8_t *end = tsr_lwm2m_list_out(w, &fields->lists[f->place], f->resource, state, at,
                                              (size_t)(full - at), &count);

            if (end == NULL)
                break;
            at = end;
            continue;
        } else {
            int64_t v = tsr_lwm2m_field_number(fields, f, state);

            if (v < 0 && f->kind != TSR_LWM2M_FIELD_OWN_TIME)
                continue;
            if (v != (int32_t)v)
                break;
            at = w->number(at, f->resource, TSR_LWM2M_SINGLE, (int32_t)v);
        }
        count++;
    }
    out->body->len = (size_t)(at - out->body->ptr);
    out->count = count;
    return (size_t)(f - fields->items);
}

#endif
