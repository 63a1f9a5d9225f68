/* SPDX-License-Identifier: Apache-2.0
 *
 * What the object models say about a resource, in the words this room needs. Private to
 * server/rest. */
#ifndef SERVER_REST_NAMES_H
#define SERVER_REST_NAMES_H

#include "tessera/lwm2m/model/path.h"
#include "tessera/lwm2m/model/value.h"

typedef struct {
    const char *name, *units; /* "" when there are none */
    tsr_lwm2m_type type;
} rest_resource_name;

/** The resource that a path of depth 3 or 4 names, by the newest version of its object.
 *  owner   *found points to constant data
 *  errors  TSR_E_NOT_FOUND  no model, no such resource, or a path of another depth */
tsr_err rest_name_resource(tsr_lwm2m_path path, rest_resource_name *found);

/** The name of an object, or NULL. */
const char *rest_name_object(uint16_t object);

/** The name of whatever the path points at, or NULL. */
const char *rest_name(tsr_lwm2m_path path);

#endif
