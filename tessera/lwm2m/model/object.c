/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into objects: find, walk, read, probe. */
#include "tessera/lwm2m/format/codec.h"
#include "tessera/lwm2m/model/object.h"

const tsr_lwm2m_object *tsr_lwm2m_object_find(const tsr_lwm2m_registry *registry, uint16_t id)
{
    for (size_t i = 0; i < registry->count; i++) {
        if (registry->objects[i].info->id == id)
            return &registry->objects[i];
    }
    return NULL;
}

uint32_t tsr_lwm2m_object_next(const tsr_lwm2m_object *object, uint32_t from)
{
    if (from >= TSR_LWM2M_NO_ID)
        return TSR_LWM2M_NO_INSTANCE;
    if (object->handlers->next_instance == NULL)
        return from == 0 ? 0 : TSR_LWM2M_NO_INSTANCE;
    return object->handlers->next_instance(object->state, from);
}

const tsr_lwm2m_resource_info *tsr_lwm2m_object_resource(const tsr_lwm2m_object *object,
                                                         uint16_t resource)
{
    return tsr_lwm2m_resource_find(object->info, resource);
}

static tsr_err read_resource(const tsr_lwm2m_object *object, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, at.resource);

    if (info == NULL || (at.depth == 4 && !(info->flags & TSR_LWM2M_MULTIPLE)))
        return TSR_E_NOT_FOUND;
    if (!(info->flags & TSR_LWM2M_READ))
        return TSR_E_DENIED;
    return object->handlers->read(object->state, at, out);
}

static tsr_err read_instance(const tsr_lwm2m_object *object, uint16_t instance, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_object_info *info = object->info;
    tsr_err (*read)(const void *, tsr_lwm2m_path, tsr_lwm2m_out *) = object->handlers->read;
    tsr_lwm2m_path at = tsr_lwm2m_at_instance(info->id, instance);
    tsr_err err = tsr_lwm2m_put_instance(out, at);

    if (err != TSR_OK)
        return err;
    if (object->handlers->read_all != NULL)
        return object->handlers->read_all(object->state, at, out);
    at.depth = 3;
    for (const tsr_lwm2m_resource_info *r = info->resources, *end = r + info->resource_count;
         r != end; r++) {
        if (!(r->flags & TSR_LWM2M_READ))
            continue;
        at.resource = r->id;
        err = read(object->state, at, out);
        if (err != TSR_OK && err != TSR_E_NOT_FOUND)
            return err;
    }
    return TSR_OK;
}

tsr_err tsr_lwm2m_object_read(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                              tsr_lwm2m_out *out)
{
    if (!tsr_lwm2m_object_instance(object, at.instance))
        return TSR_E_NOT_FOUND;
    return at.depth >= 3 ? read_resource(object, at, out)
                         : read_instance(object, at.instance, out);
}

/* A format of no bytes: it counts. */
static tsr_err count_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    (void)at;
    (void)value;
    out->count++;
    return TSR_OK;
}

/* How many values a read of `at` (3 or 4 deep) gives. */
static size_t values_at(const tsr_lwm2m_object *object, tsr_lwm2m_path at)
{
    static const tsr_lwm2m_codec counter = { .format = TSR_LWM2M_FORMAT_LINK, .put = count_put };
    tsr_buf nowhere = tsr_buf_over(NULL, 0);
    tsr_lwm2m_out out;

    tsr_lwm2m_out_begin_as(&out, &counter, at, &nowhere);
    (void)object->handlers->read(object->state, at, &out);
    return out.count;
}

bool tsr_lwm2m_object_has(const tsr_lwm2m_object *object, tsr_lwm2m_path at)
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, at.resource);

    if (info == NULL || !tsr_lwm2m_object_instance(object, at.instance))
        return false;
    if (at.depth == 4 && !(info->flags & TSR_LWM2M_MULTIPLE))
        return false;
    return !(info->flags & TSR_LWM2M_READ) || values_at(object, at) != 0;
}

bool tsr_lwm2m_object_exists(const tsr_lwm2m_object *object, const tsr_lwm2m_path *at)
{
    if (at->depth < 2)
        return true;
    return at->depth == 2 ? tsr_lwm2m_object_instance(object, at->instance)
                          : tsr_lwm2m_object_has(object, *at);
}

size_t tsr_lwm2m_object_dim(const tsr_lwm2m_object *object, tsr_lwm2m_path at)
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, at.resource);

    if (info == NULL || (~info->flags & (TSR_LWM2M_MULTIPLE | TSR_LWM2M_READ)) != 0)
        return 0;
    return values_at(object, at);
}
