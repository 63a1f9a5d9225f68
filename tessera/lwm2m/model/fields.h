/* SPDX-License-Identifier: Apache-2.0
 *
 * Resources that stand in an object's state as they are: a table says where, and one walk over it
 * reads a whole instance. */
#ifndef TESSERA_LWM2M_MODEL_FIELDS_H
#define TESSERA_LWM2M_MODEL_FIELDS_H

#include "tessera/lwm2m/model/object.h"

/** How a resource is kept. */
enum {
    TSR_LWM2M_FIELD_TEXT,  /* char[], ends with 0; "" is none */
    TSR_LWM2M_FIELD_SHORT, /* int16_t; below 0 is none */
    TSR_LWM2M_FIELD_LONG,  /* int64_t; below 0 is none */
    TSR_LWM2M_FIELD_LIST,  /* a multiple one; place is its index in `lists` */
    TSR_LWM2M_FIELD_OWN,   /* in another way, which the object's read knows */
};

typedef struct {
    uint8_t resource, kind;
    uint16_t place; /* in the state */
} tsr_lwm2m_field;

/** An int32_t in each element of an array; instance 0 is that of the first. */
typedef struct {
    uint16_t count, first; /* where: how many elements as uint8_t, and the number in the first */
    uint32_t stride;
    int32_t least;         /* below is none */
} tsr_lwm2m_field_list;

/** Every readable resource of an object, ascending. */
typedef struct {
    const tsr_lwm2m_field *items;
    size_t count;
    const tsr_lwm2m_field_list *lists;
    tsr_err (*own)(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out);
} tsr_lwm2m_fields;

/** As tsr_lwm2m_handlers.read; `state` is that of the instance.
 *  source  Core 6.3.1 */
tsr_err tsr_lwm2m_fields_read(const tsr_lwm2m_fields *fields, const void *state, tsr_lwm2m_path at,
                              tsr_lwm2m_out *out);

/** As tsr_lwm2m_handlers.read_all; `at` is the instance. */
tsr_err tsr_lwm2m_fields_read_all(const tsr_lwm2m_fields *fields, const void *state,
                                  tsr_lwm2m_path at, tsr_lwm2m_out *out);

#endif
