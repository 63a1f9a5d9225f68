/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's own figures, for the states of the objects. `root` is put before every path of /proc,
 * /sys and /etc, so that a test can show another host; "" is this one. What is not there stays
 * absent: nothing is made up. */
#ifndef PORTS_LINUX_HOST_DATA_H
#define PORTS_LINUX_HOST_DATA_H

#include "tessera/lwm2m/objects/connectivity.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/light.h"
#include "tessera/lwm2m/objects/location.h"
#include "tessera/lwm2m/objects/sensor.h"

/** What does not change while we run: maker, model, serial number (DMI, device tree, or
 *  /etc/machine-id), versions, memory, time zone. Fills only what is "" or negative, so that a
 *  configuration may come first. */
void tsr_host_device_identify(const char *root, tsr_lwm2m_device *device);

/** What does: free memory, time, power sources and battery. */
void tsr_host_device_refresh(const char *root, tsr_lwm2m_device *device);

/** Bearers, addresses, routers; `interface` names the one in use, "" takes that of the default
 *  route. Utilisation needs two calls: `before` keeps the counters in between; zero it first. */
typedef struct {
    uint64_t bytes, at_ms;
    bool known;
} tsr_host_counters;

void tsr_host_monitoring_refresh(const char *root, const char *interface, uint64_t now_ms,
                                 tsr_host_counters *before, tsr_lwm2m_monitoring *monitoring);

/** The counters of all interfaces but the loopback, from /proc/net/dev; those of the loopback when
 *  there is no other, as in a network namespace of its own.
 *  errors  TSR_E_NOT_FOUND  the kernel shows none */
tsr_err tsr_host_traffic(const char *root, tsr_lwm2m_traffic *traffic);

/** Generic sensors: 0 load average over one minute, 1 memory in use in percent. */
enum { TSR_HOST_SENSORS = 2, TSR_HOST_TEMPERATURES = 8 };
void tsr_host_sensors_init(tsr_lwm2m_sensor sensors[TSR_HOST_SENSORS]);

/** Measures; a bit per sensor whose value is another one. */
unsigned tsr_host_sensors_refresh(const char *root, tsr_lwm2m_sensor sensors[TSR_HOST_SENSORS],
                                  int64_t unix_s);

/** Where a temperature is read: a thermal zone or a hwmon input, in thousandths of a degree. */
typedef struct {
    char path[96];
} tsr_host_thermometer;

/** Finds the host's thermometers; returns how many. Thermal zones first; hwmon only without them,
 *  since it shows the same sensors again. */
size_t tsr_host_thermometers_find(const char *root, tsr_host_thermometer found[TSR_HOST_TEMPERATURES],
                                  tsr_lwm2m_sensor sensors[TSR_HOST_TEMPERATURES]);
unsigned tsr_host_thermometers_refresh(const char *root, const tsr_host_thermometer *found,
                                       tsr_lwm2m_sensor *sensors, size_t count, int64_t unix_s);

/** Shows a light in the world: `led` names a directory of class leds ("" for none; brightness as
 *  dimmer), `file` a text file ("" for none) that gets "on 80" or "off 80".
 *  errors  TSR_E_IO  errno says why */
tsr_err tsr_host_lamp_set(const char *led, const char *file, const tsr_lwm2m_light *light);

/** The newest position in a file of reports as gpsd writes them: a line of JSON each, of which those
 *  of class TPV with a fix, a time and a place count. Only the last 8 KB are looked at.
 *  errors  TSR_E_NOT_FOUND  no such file, or no such report; `location` is unchanged */
tsr_err tsr_host_location_read(const char *path, tsr_lwm2m_location *location);

#endif
