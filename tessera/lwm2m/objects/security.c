/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/security.h"

#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/model/slots.h"

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_0_R0, TSR_LWM2M_0_R1, TSR_LWM2M_0_R2, TSR_LWM2M_0_R3, TSR_LWM2M_0_R4,
    TSR_LWM2M_0_R5, TSR_LWM2M_0_R10, TSR_LWM2M_0_R13, TSR_LWM2M_0_R14, TSR_LWM2M_0_R15,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_0_INFO(resources);

TSR_LWM2M_SLOT(tsr_lwm2m_security);

static uint32_t next_instance(const void *state, uint32_t from)
{
    const tsr_lwm2m_securities *all = state;

    return tsr_lwm2m_slot_next(TSR_LWM2M_SLOTS(all, tsr_lwm2m_security), from);
}

/* Nothing in this object is readable, whoever asks (Core E.1). */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    (void)state;
    (void)at;
    (void)out;
    return TSR_E_DENIED;
}

tsr_lwm2m_object tsr_lwm2m_security_fixed(tsr_lwm2m_securities *securities)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read };

    return (tsr_lwm2m_object){ &self, &handlers, securities };
}
