/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/device_basic.h"

#include "generated/lwm2m_objects.h"

enum { FIRMWARE = 3, ERROR_CODE = 11 };

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_3_R0, TSR_LWM2M_3_R1, TSR_LWM2M_3_R2, TSR_LWM2M_3_R3,
    TSR_LWM2M_3_R4, TSR_LWM2M_3_R11, TSR_LWM2M_3_R16,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_3_INFO(resources);

/* Core 6.3.1. The one error is instance 0 of its resource. */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_device_basic *d = state;
    const char *text = at.resource <= FIRMWARE ? d->text[at.resource] : "U";

    if (at.resource == ERROR_CODE) {
        if (!tsr_lwm2m_wanted(at, 0))
            return TSR_E_NOT_FOUND;
        at.depth = 4;
        at.resource_instance = 0;
        return tsr_lwm2m_put_int(out, at, d->error);
    }
    return text != NULL ? tsr_lwm2m_put_text(out, at, tsr_text(text)) : TSR_E_NOT_FOUND;
}

/* Reboot is the one that can be executed. */
static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    tsr_lwm2m_device_basic *d = state;

    (void)at;
    if (arguments.len != 0)
        return TSR_E_ARGUMENT;
    d->reboot = true;
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_device_basic_object(tsr_lwm2m_device_basic *device)
{
    static const tsr_lwm2m_handlers handlers = { .read = read, .execute = execute };

    return (tsr_lwm2m_object){ &self, &handlers, device };
}
