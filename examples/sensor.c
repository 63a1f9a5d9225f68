/* SPDX-License-Identifier: Apache-2.0
 *
 * A thermometer: object 3303, measured each second, observed by whoever wants it.
 *
 *     example-sensor --server coap://127.0.0.1 [FILE]
 *
 * FILE holds thousandths of a degree, as /sys/class/thermal/thermal_zone0/temp does. */
#include <stdio.h>
#include <time.h>

#include "ports/linux/device/device.h"

static bool measure(tsr_lwm2m_sensor *sensor, const char *file)
{
    FILE *from = fopen(file, "re");
    bool changed = false;
    long thousandths;

    if (from == NULL)
        return false; /* the last measurement stays, with its time */
    if (fscanf(from, "%ld", &thousandths) == 1)
        changed = tsr_lwm2m_sensor_measure(sensor, (double)thousandths / 1000, time(NULL));
    (void)fclose(from);
    return changed;
}

int main(int argc, char *argv[])
{
    tsr_lwm2m_sensor sensor = { .units = "Cel", .has_range = true, .range_min = -55, .range_max = 125 };
    tsr_lwm2m_sensors sensors = { &sensor, 1 };
    const tsr_lwm2m_object objects[] = { tsr_lwm2m_temperature_object(&sensors) };
    tsr_linux_config config = { .endpoint = "example-sensor", .model = "Thermometer" };
    const char *file = "/sys/class/thermal/thermal_zone0/temp";
    int rest = tsr_linux_options(&config, argc, argv);
    tsr_linux_device *device;

    if (rest < 0)
        return 2;
    if (rest < argc)
        file = argv[rest];
    device = tsr_linux_open(&config, objects, 1);
    if (device == NULL)
        return 1;
    do {
        if (measure(&sensor, file))
            tsr_lwm2m_client_changed(tsr_linux_client(device), tsr_lwm2m_at_instance(3303, 0));
    } while (tsr_linux_run(device, 1000));
    return tsr_linux_close(device);
}
