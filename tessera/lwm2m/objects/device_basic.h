/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 3, Device, for a small device: who made it, Reboot, one error, and nothing to write. */
#ifndef TESSERA_LWM2M_OBJECTS_DEVICE_BASIC_H
#define TESSERA_LWM2M_OBJECTS_DEVICE_BASIC_H

#include "tessera/lwm2m/model/object.h"

/** The caller zeroes it. */
typedef struct {
    /** Manufacturer, model, serial number and firmware version (/3/0/0 to 3); NULL: it is not there.
     *  owner  must stay */
    const char *text[4];
    uint8_t error; /* /3/0/11, Core E.4; 0: none */
    bool reboot;   /* for the host: a server asked for it */
} tsr_lwm2m_device_basic;

/** Resources 0 to 4, 11 and 16; the binding is "U". */
tsr_lwm2m_object tsr_lwm2m_device_basic_object(tsr_lwm2m_device_basic *device);

#endif
