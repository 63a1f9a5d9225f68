/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 3, Device 1.2. The host fills the state and keeps it fresh; "" and negative numbers mean
 * that there is no such thing, and then the resource is not there. */
#ifndef TESSERA_LWM2M_OBJECTS_DEVICE_H
#define TESSERA_LWM2M_OBJECTS_DEVICE_H

#include "tessera/lwm2m/model/object.h"

enum { TSR_LWM2M_POWER_SOURCES = 4, TSR_LWM2M_ERRORS = 8, TSR_LWM2M_DEVICE_TEXT = 64 };

typedef struct {
    int32_t kind;       /* /3/0/6: 0 DC, 1 internal battery, 2 external battery, 4 PoE, 5 USB, 6 AC, 7 solar */
    int32_t voltage_mv; /* below 0: not known */
    int32_t current_ma; /* INT32_MIN: not known */
} tsr_lwm2m_power;

typedef struct {
    /* from the host */
    char manufacturer[TSR_LWM2M_DEVICE_TEXT], model[TSR_LWM2M_DEVICE_TEXT];
    char serial[TSR_LWM2M_DEVICE_TEXT], firmware[TSR_LWM2M_DEVICE_TEXT];
    char hardware[TSR_LWM2M_DEVICE_TEXT], software[TSR_LWM2M_DEVICE_TEXT];
    char type[TSR_LWM2M_DEVICE_TEXT];
    char binding[8];
    char host_offset[8], host_timezone[40]; /* "+02:00", "Europe/Paris" */
    tsr_lwm2m_power power[TSR_LWM2M_POWER_SOURCES];
    uint8_t power_count;
    int16_t battery_percent, battery_status;
    int64_t memory_free_kb, memory_total_kb;
    int64_t host_unix_s;
    /* from servers; kept over restarts */
    int64_t shift_s; /* Current Time as written, minus the host's */
    char utc_offset[8], timezone[40];
    /* from the host, taken back by servers */
    uint8_t errors[TSR_LWM2M_ERRORS]; /* Core E.4, 1 to 32; without one the first is 0 */
    uint8_t error_count;
    /* for the host */
    bool reboot; /* a server asked for it */
} tsr_lwm2m_device;

/** Nothing known yet. */
void tsr_lwm2m_device_init(tsr_lwm2m_device *device);

/** Reports an error; a code that is there already is not repeated, and a full list drops its
 *  oldest. True if it is new. */
bool tsr_lwm2m_device_error(tsr_lwm2m_device *device, uint8_t code);

tsr_lwm2m_object tsr_lwm2m_device_object(tsr_lwm2m_device *device);

/** The same for a device that keeps nothing: what servers write is gone after a restart. */
tsr_lwm2m_object tsr_lwm2m_device_volatile(tsr_lwm2m_device *device);

#endif
