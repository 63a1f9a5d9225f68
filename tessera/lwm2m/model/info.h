/* SPDX-License-Identifier: Apache-2.0
 *
 * What an object consists of, as constant tables. tools/objects makes them from the OMA XML
 * at build time: #include "generated/lwm2m_objects.h" declares tsr_lwm2m_object_<id> for each
 * object with all of its resources, an enum of them, TSR_LWM2M_<id>_<RESOURCE_NAME>, and what an
 * implementation makes a table of its own from: TSR_LWM2M_<id>_R<resource>, and the head over
 * that table, TSR_LWM2M_<id>_INFO(table). */
#ifndef TESSERA_LWM2M_MODEL_INFO_H
#define TESSERA_LWM2M_MODEL_INFO_H

#include "tessera/lwm2m/model/value.h"

enum {
    TSR_LWM2M_READ = 1,       /* resource: Read, Observe, Discover's value */
    TSR_LWM2M_WRITE = 2,      /* resource: Write */
    TSR_LWM2M_EXECUTE = 4,    /* resource: Execute */
    TSR_LWM2M_MULTIPLE = 8,   /* resource or object: may have several instances */
    TSR_LWM2M_MANDATORY = 16, /* resource or object: must be there */
};

/** One resource: four bytes of flash. An operation of 0 means Bootstrap-only. */
typedef struct {
    uint16_t id;
    uint8_t type;  /* a tsr_lwm2m_type; NONE for executables */
    uint8_t flags; /* TSR_LWM2M_READ ... TSR_LWM2M_MANDATORY */
} tsr_lwm2m_resource_info;

/** One object; `resources` is ordered by id. */
typedef struct {
    uint16_t id;
    uint8_t version_major, version_minor;
    uint8_t flags; /* TSR_LWM2M_MULTIPLE, TSR_LWM2M_MANDATORY */
    uint8_t resource_count;
    const tsr_lwm2m_resource_info *resources;
} tsr_lwm2m_object_info;

/** The resource of that id, or NULL. Binary search. */
const tsr_lwm2m_resource_info *tsr_lwm2m_resource_find(const tsr_lwm2m_object_info *object,
                                                       uint16_t resource);

#endif
