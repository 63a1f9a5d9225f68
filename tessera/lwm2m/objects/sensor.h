/* SPDX-License-Identifier: Apache-2.0
 *
 * Sensors of one number: object 3300, Generic Sensor 1.1, and object 3303, Temperature 1.1. They
 * share their resources, so they share this code. */
#ifndef TESSERA_LWM2M_OBJECTS_SENSOR_H
#define TESSERA_LWM2M_OBJECTS_SENSOR_H

#include "tessera/lwm2m/model/object.h"

enum { TSR_LWM2M_SENSOR_TEXT = 32 };

/** One instance. */
typedef struct {
    uint16_t id;
    double value, min, max; /* min and max since the start or a reset */
    bool measured;          /* no value is read before the first measurement */
    bool has_range;
    double range_min, range_max;
    const char *units;                  /* SenML unit; NULL: none */
    const char *type;                   /* 3300: what is measured; NULL: none */
    char application[TSR_LWM2M_SENSOR_TEXT]; /* written by servers; "": none */
    int64_t unix_s;                     /* of the measurement; 0: not known */
} tsr_lwm2m_sensor;

typedef struct {
    tsr_lwm2m_sensor *items; /* ascending by id */
    size_t count;
} tsr_lwm2m_sensors;

/** A new measurement. True if the value is another one. */
bool tsr_lwm2m_sensor_measure(tsr_lwm2m_sensor *sensor, double value, int64_t unix_s);

/** The registry entry as object 3300 or 3303. */
tsr_lwm2m_object tsr_lwm2m_generic_sensor_object(tsr_lwm2m_sensors *sensors);
tsr_lwm2m_object tsr_lwm2m_temperature_object(tsr_lwm2m_sensors *sensors);

#endif
