/* SPDX-License-Identifier: Apache-2.0 */
#include "server/model.h"
#include "server/model/table.h"

const tsr_model_object *tsr_model_find(uint16_t object)
{
    size_t from = 0, to = tsr_model_table_len;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (tsr_model_table[middle].id == object)
            return &tsr_model_table[middle];
        if (tsr_model_table[middle].id < object)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

const tsr_model_resource *tsr_model_resource_find(const tsr_model_object *object, uint16_t resource)
{
    size_t from = 0, to = object == NULL ? 0 : object->resource_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (object->resources[middle].id == resource)
            return &object->resources[middle];
        if (object->resources[middle].id < resource)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

const tsr_model_resource *tsr_model_at(tsr_lwm2m_path path)
{
    if (path.depth < 3)
        return NULL;
    return tsr_model_resource_find(tsr_model_find(path.object), path.resource);
}

size_t tsr_model_objects(const tsr_model_object **first)
{
    *first = tsr_model_table;
    return tsr_model_table_len;
}
