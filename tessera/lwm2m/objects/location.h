/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 6, Location 1.0: where the device is, as far as somebody told it. */
#ifndef TESSERA_LWM2M_OBJECTS_LOCATION_H
#define TESSERA_LWM2M_OBJECTS_LOCATION_H

#include "tessera/lwm2m/model/object.h"

/** Zeroed, there is no instance; the host fills it, or leaves it alone. */
typedef struct {
    bool known;
    bool has_altitude, has_radius, has_speed;
    double latitude, longitude; /* degrees, WGS 84 */
    double altitude_m, radius_m;
    double speed_m_s;
    int64_t unix_s; /* when it was measured */
} tsr_lwm2m_location;

tsr_lwm2m_object tsr_lwm2m_location_object(tsr_lwm2m_location *location);

#endif
