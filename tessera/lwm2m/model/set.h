/* SPDX-License-Identifier: Apache-2.0
 *
 * One value into one resource. Inline, so that a device without composite operations pays no call. */
#ifndef TESSERA_LWM2M_MODEL_SET_H
#define TESSERA_LWM2M_MODEL_SET_H

#include "tessera/lwm2m/model/object.h"

/* `info` is the table entry; NULL: there is none. */
/* Core 7.1: a value is checked against the type of its resource before anything is changed. */
static inline tsr_err object_set(const tsr_lwm2m_object *object,
                                 const tsr_lwm2m_resource_info *info, tsr_lwm2m_path at,
                                 const tsr_lwm2m_value *value, tsr_lwm2m_phase phase,
                                 const tsr_lwm2m_in *in)
{
    bool multiple;
    tsr_lwm2m_value typed;

    if (info == NULL)
        return TSR_E_NOT_FOUND;
    if (!(info->flags & TSR_LWM2M_WRITE) || object->handlers->write == NULL)
        return TSR_E_DENIED;
    multiple = (info->flags & TSR_LWM2M_MULTIPLE) != 0;
    if (multiple && at.depth == 3 && value->type == TSR_LWM2M_NONE)
        return object->handlers->write(object->state, at, NULL, phase);
    if (multiple != (at.depth == 4))
        return TSR_E_TYPE;

    tsr_err err = tsr_lwm2m_in_typed(in, value, (tsr_lwm2m_type)info->type, &typed);

    if (err != TSR_OK)
        return err;
    return object->handlers->write(object->state, at, &typed, phase);
}

#endif
