/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/model/info.h"

const tsr_lwm2m_resource_info *tsr_lwm2m_resource_find(const tsr_lwm2m_object_info *object,
                                                       uint16_t resource)
{
    size_t from = 0, to = object->resource_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const tsr_lwm2m_resource_info *at = &object->resources[middle];

        if (at->id == resource)
            return at;
        if (at->id < resource)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}
