/* SPDX-License-Identifier: Apache-2.0
 *
 * A lamp: object 3311, switched and dimmed by servers, and by a switch on the device.
 *
 *     example-actuator --server coap://127.0.0.1 [FILE]
 *
 * The lamp is FILE, "on 100" or "off 100"; SIGUSR1 is the switch. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "ports/linux/device/device.h"

static volatile sig_atomic_t pressed;

static void press(int number)
{
    (void)number;
    pressed = 1;
}

static void show(const tsr_lwm2m_light *light, const char *file)
{
    FILE *to = fopen(file, "we");

    if (to == NULL || fprintf(to, "%s %u\n", light->on ? "on" : "off", light->dimmer) < 0)
        perror(file);
    if (to != NULL && fclose(to) != 0)
        perror(file);
}

/* How long it was on counts seconds of a clock that never goes back. */
static void tick(tsr_lwm2m_light *light)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    light->now_s = (uint64_t)now.tv_sec;
}

int main(int argc, char *argv[])
{
    tsr_lwm2m_light light = { .dimmer = 100, .changed = true };
    tsr_lwm2m_lights lights = { &light, 1 };
    const tsr_lwm2m_object objects[] = { tsr_lwm2m_light_object(&lights) };
    tsr_linux_config config = { .endpoint = "example-actuator", .model = "Lamp" };
    int rest = tsr_linux_options(&config, argc, argv);
    const char *file = rest >= 0 && rest < argc ? argv[rest] : "lamp";
    tsr_linux_device *device = rest < 0 ? NULL : tsr_linux_open(&config, objects, 1);

    if (device == NULL || signal(SIGUSR1, press) == SIG_ERR)
        return tsr_linux_close(device);
    do {
        tick(&light);
        if (pressed) {
            pressed = 0;
            tsr_lwm2m_light_turn(&light, !light.on);
            tsr_lwm2m_client_changed(tsr_linux_client(device), tsr_lwm2m_at_instance(3311, 0));
        }
        if (light.changed)
            show(&light, file);
        light.changed = false;
    } while (tsr_linux_run(device, 1000));
    return tsr_linux_close(device);
}
