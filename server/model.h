/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server knows about objects: names, units, ranges and descriptions, made at build
 * time by tools/objects from third_party/oma. Constant; no device needs it. Link with
 * `server_model` (tsr_app / tsr_room DEPENDS). */
#ifndef TESSERA_SERVER_MODEL_H
#define TESSERA_SERVER_MODEL_H

#include "tessera/lwm2m/model/info.h"
#include "tessera/lwm2m/model/path.h"

/** One resource. Text is UTF-8, zero-terminated, never NULL; "" where the XML says nothing. */
typedef struct {
    uint16_t id;
    uint8_t type;  /* a tsr_lwm2m_type; NONE for executables */
    uint8_t flags; /* TSR_LWM2M_READ ... TSR_LWM2M_MANDATORY */
    const char *name, *units, *range, *description;
} tsr_model_resource;

typedef struct {
    uint16_t id;
    uint8_t version_major, version_minor;
    uint8_t flags; /* TSR_LWM2M_MULTIPLE, TSR_LWM2M_MANDATORY */
    uint16_t resource_count;
    const char *name, *urn, *description;
    const tsr_model_resource *resources; /* ordered by id */
} tsr_model_object;

/** The object of that id, or NULL. Binary search. */
const tsr_model_object *tsr_model_find(uint16_t object);

/** The resource of that id, or NULL; `object` may be NULL. Binary search. */
const tsr_model_resource *tsr_model_resource_find(const tsr_model_object *object,
                                                  uint16_t resource);

/** The resource that a path of depth 3 or 4 names, or NULL. */
const tsr_model_resource *tsr_model_at(tsr_lwm2m_path path);

/** All objects, ordered by id. */
size_t tsr_model_objects(const tsr_model_object **first);

#endif
