/* SPDX-License-Identifier: Apache-2.0
 *
 * A value of a Write-Composite (Core 6.3.9). */
#include "tessera/lwm2m/model/set.h"

tsr_err tsr_lwm2m_object_set(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                             const tsr_lwm2m_value *value, tsr_lwm2m_phase phase,
                             const tsr_lwm2m_in *in)
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, at.resource);
    const unsigned both = TSR_LWM2M_WRITE | TSR_LWM2M_MULTIPLE;

    if (value->type == TSR_LWM2M_NONE && at.depth == 4 && info != NULL &&
        (info->flags & both) == both && object->handlers->write != NULL)
        return object->handlers->write(object->state, at, NULL, phase);
    return object_set(object, info, at, value, phase, in);
}
