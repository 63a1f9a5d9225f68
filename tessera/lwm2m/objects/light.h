/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 3311, Light Control 1.0: the actuator. */
#ifndef TESSERA_LWM2M_OBJECTS_LIGHT_H
#define TESSERA_LWM2M_OBJECTS_LIGHT_H

#include "tessera/lwm2m/model/object.h"

enum { TSR_LWM2M_LIGHT_TEXT = 32 };

/** One light. */
typedef struct {
    uint16_t id;
    bool on;
    uint8_t dimmer; /* percent */
    bool changed;   /* the host has to set the lamp; it clears this */
    char application[TSR_LWM2M_LIGHT_TEXT];
    uint64_t on_s;  /* how long it was on, without the present time */
    uint64_t now_s, since_s; /* monotonic; now_s from the host, before every use */
} tsr_lwm2m_light;

typedef struct {
    tsr_lwm2m_light *items; /* ascending by id */
    size_t count;
} tsr_lwm2m_lights;

/** Switches it from the device's side, as a Write does. */
void tsr_lwm2m_light_turn(tsr_lwm2m_light *light, bool on);

tsr_lwm2m_object tsr_lwm2m_light_object(tsr_lwm2m_lights *lights);

#endif
