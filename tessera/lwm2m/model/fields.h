/* SPDX-License-Identifier: Apache-2.0
 *
 * Resources that stand in an object's state as they are: a table says where, and one walk over it
 * reads a whole instance. */
#ifndef TESSERA_LWM2M_MODEL_FIELDS_H
#define TESSERA_LWM2M_MODEL_FIELDS_H

#include "tessera/lwm2m/model/object.h"

/** How a resource is kept. */
enum {
    TSR_LWM2M_FIELD_TEXT,     /* char[], ends with 0; "" is none */
    TSR_LWM2M_FIELD_OWN_TEXT, /* the same, wherever the object's `text` says */
    TSR_LWM2M_FIELD_SHORT,    /* int16_t; below 0 is none */
    TSR_LWM2M_FIELD_LONG,     /* int64_t; below 0 is none */
    TSR_LWM2M_FIELD_OWN_TIME, /* what the object's `time` says */
    TSR_LWM2M_FIELD_LIST,     /* a multiple one; place is its index in `lists` */
};

typedef struct {
    uint8_t resource, kind;
    uint16_t place; /* in the state */
} tsr_lwm2m_field;

/** A number in each element of an array; instance 0 is that of the first. */
typedef struct {
    uint16_t count, first; /* where: how many elements as uint8_t, and the number in the first */
    uint8_t at_least;      /* so many elements are there even where the count is less */
    bool narrow;           /* uint8_t, else int32_t */
    uint16_t stride;
    int32_t least;         /* below is none */
} tsr_lwm2m_field_list;

/** Every readable resource of an object, ascending. */
typedef struct tsr_lwm2m_fields {
    const tsr_lwm2m_field *items;
    size_t count;
    const tsr_lwm2m_field_list *lists;
    const char *(*text)(const void *state, uint8_t resource);
    int64_t (*time)(const void *state);
} tsr_lwm2m_fields;

/** As tsr_lwm2m_handlers.read; `state` is that of the instance.
 *  source  Core 6.3.1 */
tsr_err tsr_lwm2m_fields_read(const tsr_lwm2m_fields *fields, const void *state, tsr_lwm2m_path at,
                              tsr_lwm2m_out *out);

/** As tsr_lwm2m_handlers.read_all; `at` is the instance. */
tsr_err tsr_lwm2m_fields_read_all(const tsr_lwm2m_fields *fields, const void *state,
                                  tsr_lwm2m_path at, tsr_lwm2m_out *out);

/* What stands there, for a field of that kind; inline, because formats read many. */

static inline const char *tsr_lwm2m_field_text(const tsr_lwm2m_fields *fields,
                                               const tsr_lwm2m_field *f, const void *state)
{
    return f->kind == TSR_LWM2M_FIELD_TEXT ? (const char *)state + f->place
                                           : fields->text(state, f->resource);
}

static inline int64_t tsr_lwm2m_field_number(const tsr_lwm2m_fields *fields,
                                             const tsr_lwm2m_field *f, const void *state)
{
    const void *place = (const uint8_t *)state + f->place;

    if (f->kind == TSR_LWM2M_FIELD_OWN_TIME)
        return fields->time(state);
    return f->kind == TSR_LWM2M_FIELD_SHORT ? *(const int16_t *)place : *(const int64_t *)place;
}

static inline int tsr_lwm2m_field_count(const tsr_lwm2m_field_list *list, const void *state)
{
    uint8_t count = ((const uint8_t *)state)[list->count];

    return count > list->at_least ? count : list->at_least;
}

static inline int32_t tsr_lwm2m_field_item(const tsr_lwm2m_field_list *list, const void *state,
                                           unsigned i)
{
    const uint8_t *at = (const uint8_t *)state + list->first + i * list->stride;

    return list->narrow ? *at : *(const int32_t *)(const void *)at;
}

#endif
