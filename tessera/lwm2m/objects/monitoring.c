/* SPDX-License-Identifier: Apache-2.0 */
#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/objects/connectivity.h"

enum {
    BEARER = 0, AVAILABLE_BEARERS = 1, SIGNAL = 2, QUALITY = 3, ADDRESSES = 4, ROUTERS = 5,
    UTILIZATION = 6,
};

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_4_R0, TSR_LWM2M_4_R1, TSR_LWM2M_4_R2, TSR_LWM2M_4_R3, TSR_LWM2M_4_R4,
    TSR_LWM2M_4_R5, TSR_LWM2M_4_R6,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_4_INFO(resources);

static tsr_err put_bearers(const tsr_lwm2m_monitoring *m, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    tsr_err err = TSR_E_NOT_FOUND;
    tsr_lwm2m_path each = at;

    each.depth = 4;
    for (uint8_t i = 0; i < m->bearer_count; i++) {
        each.resource_instance = i;
        if (tsr_lwm2m_wanted(at, i))
            err = tsr_lwm2m_put_int(out, each, m->bearers[i]);
    }
    return err;
}

static tsr_err put_addresses(const char (*list)[TSR_LWM2M_ADDRESS_LEN], uint8_t count,
                             tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    tsr_err err = TSR_E_NOT_FOUND;
    tsr_lwm2m_path each = at;

    each.depth = 4;
    for (uint8_t i = 0; i < count; i++) {
        each.resource_instance = i;
        if (tsr_lwm2m_wanted(at, i))
            err = tsr_lwm2m_put_text(out, each, tsr_text(list[i]));
    }
    return err;
}

static tsr_err put_known(tsr_lwm2m_out *out, tsr_lwm2m_path at, int32_t v)
{
    return v < 0 ? TSR_E_NOT_FOUND : tsr_lwm2m_put_int(out, at, v);
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_monitoring *m = state;

    switch (at.resource) {
    case BEARER:            return tsr_lwm2m_put_int(out, at, m->bearer);
    case AVAILABLE_BEARERS: return put_bearers(m, at, out);
    case SIGNAL:            return tsr_lwm2m_put_int(out, at, m->signal_dbm);
    case QUALITY:           return put_known(out, at, m->link_quality);
    case ADDRESSES:         return put_addresses(m->addresses, m->address_count, at, out);
    case ROUTERS:           return put_addresses(m->routers, m->router_count, at, out);
    case UTILIZATION:       return put_known(out, at, m->utilization_percent);
    default:                return TSR_E_NOT_FOUND;
    }
}

tsr_lwm2m_object tsr_lwm2m_monitoring_object(tsr_lwm2m_monitoring *monitoring)
{
    static const tsr_lwm2m_handlers handlers = { .read = read };

    return (tsr_lwm2m_object){ &self, &handlers, monitoring };
}
