/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/location.h"

#include "generated/lwm2m_objects.h"

enum { LATITUDE = 0, LONGITUDE = 1, ALTITUDE = 2, RADIUS = 3, TIMESTAMP = 5, SPEED = 6 };

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_6_R0, TSR_LWM2M_6_R1, TSR_LWM2M_6_R2, TSR_LWM2M_6_R3, TSR_LWM2M_6_R5, TSR_LWM2M_6_R6,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_6_INFO(resources);

static uint32_t next_instance(const void *state, uint32_t from)
{
    const tsr_lwm2m_location *l = state;

    return l->known && from == 0 ? 0 : TSR_LWM2M_NO_INSTANCE;
}

static tsr_err put(tsr_lwm2m_out *out, tsr_lwm2m_path at, bool has, double v)
{
    return has ? tsr_lwm2m_put_float(out, at, v) : TSR_E_NOT_FOUND;
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_location *l = state;

    switch (at.resource) {
    case LATITUDE:  return tsr_lwm2m_put_float(out, at, l->latitude);
    case LONGITUDE: return tsr_lwm2m_put_float(out, at, l->longitude);
    case ALTITUDE:  return put(out, at, l->has_altitude, l->altitude_m);
    case RADIUS:    return put(out, at, l->has_radius, l->radius_m);
    case TIMESTAMP: return tsr_lwm2m_put_time(out, at, l->unix_s);
    default:        return put(out, at, l->has_speed, l->speed_m_s);
    }
}

tsr_lwm2m_object tsr_lwm2m_location_object(tsr_lwm2m_location *location)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read };

    return (tsr_lwm2m_object){ &self, &handlers, location };
}
