/* SPDX-License-Identifier: Apache-2.0
 *
 * The host as a sensor: load, memory in use, thermometers. */
#include <stdio.h>
#include <stdlib.h>

#include "ports/linux/host/data.h"
#include "ports/linux/host/system.h"

void tsr_host_sensors_init(tsr_lwm2m_sensor sensors[TSR_HOST_SENSORS])
{
    sensors[0] = (tsr_lwm2m_sensor){ .id = 0, .type = "system load, 1 minute" };
    sensors[1] = (tsr_lwm2m_sensor){ .id = 1, .type = "memory in use", .units = "%",
                                     .has_range = true, .range_min = 0, .range_max = 100 };
}

static bool load_average(const char *root, double *load)
{
    char text[64], *end;

    if (tsr_host_read_text(root, "/proc/loadavg", text, sizeof text) != TSR_OK)
        return false;
    *load = strtod(text, &end);
    return end != text;
}

/* To a tenth: the rest is noise, and every change is a notification. */
static bool memory_used(const char *root, double *percent)
{
    int64_t total = tsr_host_meminfo(root, "MemTotal:");
    int64_t available = tsr_host_meminfo(root, "MemAvailable:");
    int64_t tenths;

    if (total <= 0 || available < 0 || available > total)
        return false;
    tenths = (total - available) * 1000 / total;
    *percent = (double)tenths / 10;
    return true;
}

unsigned tsr_host_sensors_refresh(const char *root, tsr_lwm2m_sensor sensors[TSR_HOST_SENSORS],
                                  int64_t unix_s)
{
    unsigned changed = 0;
    double v;

    if (load_average(root, &v) && tsr_lwm2m_sensor_measure(&sensors[0], v, unix_s))
        changed |= 1;
    if (memory_used(root, &v) && tsr_lwm2m_sensor_measure(&sensors[1], v, unix_s))
        changed |= 2;
    return changed;
}

static bool celsius(const char *root, const char *path, double *v)
{
    int64_t thousandths;

    if (tsr_host_read_number(root, path, &thousandths) != TSR_OK || thousandths < -273150 ||
        thousandths > 1000000)
        return false;
    *v = (double)thousandths / 1000;
    return true;
}

static size_t add(const char *root, size_t count, const char *path, tsr_host_thermometer *found,
                  tsr_lwm2m_sensor *sensors)
{
    double v;

    if (count == TSR_HOST_TEMPERATURES || !celsius(root, path, &v))
        return count;
    (void)snprintf(found[count].path, sizeof found[count].path, "%s", path);
    sensors[count] = (tsr_lwm2m_sensor){ .id = (uint16_t)count, .units = "Cel" };
    return count + 1;
}

/* Asked for by number, so that an instance stays the same sensor from start to start. */
size_t tsr_host_thermometers_find(const char *root, tsr_host_thermometer found[TSR_HOST_TEMPERATURES],
                                  tsr_lwm2m_sensor sensors[TSR_HOST_TEMPERATURES])
{
    char path[sizeof found->path];
    size_t count = 0;

    for (int zone = 0; zone < 32; zone++) {
        (void)snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/temp", zone);
        count = add(root, count, path, found, sensors);
    }
    for (int chip = 0; count == 0 && chip < 32; chip++) {
        for (int input = 1; input < 8; input++) {
            (void)snprintf(path, sizeof path, "/sys/class/hwmon/hwmon%d/temp%d_input", chip, input);
            count = add(root, count, path, found, sensors);
        }
    }
    return count;
}

unsigned tsr_host_thermometers_refresh(const char *root, const tsr_host_thermometer *found,
                                       tsr_lwm2m_sensor *sensors, size_t count, int64_t unix_s)
{
    unsigned changed = 0;
    double v;

    for (size_t i = 0; i < count; i++) {
        if (celsius(root, found[i].path, &v) && tsr_lwm2m_sensor_measure(&sensors[i], v, unix_s))
            changed |= 1u << i;
    }
    return changed;
}
