/* SPDX-License-Identifier: Apache-2.0
 *
 * Who this host is, and what it runs on. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/host/data.h"
#include "ports/linux/host/system.h"

/* The first of several files that says something; boards leave placeholders in their DMI. */
static void take_first(const char *root, const char *const *paths, char *text, size_t cap)
{
    static const char *const hollow[] = { "", "None", "Default string", "To be filled by O.E.M.",
                                          "Not Specified", "System Product Name" };

    for (; text[0] == '\0' && *paths != NULL; paths++) {
        if (tsr_host_read_text(root, *paths, text, cap) != TSR_OK)
            text[0] = '\0';
        for (size_t i = 0; i < sizeof hollow / sizeof *hollow; i++) {
            if (strcmp(text, hollow[i]) == 0)
                text[0] = '\0';
        }
    }
}

/* VERSION_ID or PRETTY_NAME of os-release, without its quotes. */
static void os_release(const char *root, const char *key, char *text, size_t cap)
{
    char path[PATH_MAX], line[256];
    size_t len = strlen(key);
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/etc/os-release", root);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        char *value = line + len;

        if (strncmp(line, key, len) != 0)
            continue;
        value += *value == '"';
        value[strcspn(value, "\"\r\n")] = '\0';
        (void)snprintf(text, cap, "%.*s", (int)cap - 1, value);
        break;
    }
    if (f != NULL)
        (void)fclose(f);
}

/* The host's zone: TZ, /etc/timezone, or where /etc/localtime points. */
static void timezone_of(const char *root, tsr_lwm2m_device *d)
{
    char path[PATH_MAX], target[PATH_MAX];
    const char *zone = getenv("TZ");
    ssize_t n;

    if (root[0] == '\0' && zone != NULL && zone[0] != '\0') {
        (void)snprintf(d->host_timezone, sizeof d->host_timezone, "%s", zone + (zone[0] == ':'));
        return;
    }
    if (tsr_host_read_text(root, "/etc/timezone", d->host_timezone, sizeof d->host_timezone) == TSR_OK)
        return;
    d->host_timezone[0] = '\0';
    (void)snprintf(path, sizeof path, "%s/etc/localtime", root);
    n = readlink(path, target, sizeof target - 1);
    if (n <= 0)
        return;
    target[n] = '\0';
    zone = strstr(target, "zoneinfo/");
    if (zone != NULL)
        (void)snprintf(d->host_timezone, sizeof d->host_timezone, "%.*s",
                       (int)sizeof d->host_timezone - 1, zone + strlen("zoneinfo/"));
}

static void offset_of(tsr_lwm2m_device *d)
{
    time_t now = time(NULL);
    struct tm local;
    long minutes;

    if (localtime_r(&now, &local) == NULL)
        return;
    minutes = local.tm_gmtoff / 60;
    (void)snprintf(d->host_offset, sizeof d->host_offset, "%c%02u:%02u", minutes < 0 ? '-' : '+',
                   (unsigned)labs(minutes) / 60 % 24, (unsigned)labs(minutes) % 60);
}


static void versions(const char *root, tsr_lwm2m_device *d)
{
    struct utsname kernel;

    if (d->firmware[0] == '\0')
        os_release(root, "VERSION_ID=", d->firmware, sizeof d->firmware);
    if (d->software[0] == '\0' && uname(&kernel) == 0)
        (void)snprintf(d->software, sizeof d->software, "%.20s %.40s", kernel.sysname, kernel.release);
    if (d->type[0] == '\0')
        os_release(root, "PRETTY_NAME=", d->type, sizeof d->type);
}

void tsr_host_device_identify(const char *root, tsr_lwm2m_device *d)
{
    static const char *const maker[] = { "/sys/class/dmi/id/sys_vendor",
                                         "/sys/class/dmi/id/board_vendor", NULL };
    static const char *const model[] = { "/sys/class/dmi/id/product_name",
                                         "/proc/device-tree/model",
                                         "/sys/class/dmi/id/board_name", NULL };
    static const char *const serial[] = { "/sys/class/dmi/id/product_serial",
                                          "/proc/device-tree/serial-number",
                                          "/etc/machine-id", NULL };
    static const char *const hardware[] = { "/sys/class/dmi/id/product_version",
                                            "/sys/class/dmi/id/board_version", NULL };

    take_first(root, maker, d->manufacturer, sizeof d->manufacturer);
    take_first(root, model, d->model, sizeof d->model);
    take_first(root, serial, d->serial, sizeof d->serial);
    take_first(root, hardware, d->hardware, sizeof d->hardware);
    versions(root, d);
    timezone_of(root, d);
    d->memory_total_kb = tsr_host_meminfo(root, "MemTotal:");
    tsr_host_device_refresh(root, d);
}

static int64_t supply_number(const char *root, const char *name, const char *what)
{
    char path[PATH_MAX];
    int64_t v;

    (void)snprintf(path, sizeof path, "/sys/class/power_supply/%s/%s", name, what);
    return tsr_host_read_number(root, path, &v) == TSR_OK ? v : INT64_MIN;
}

static bool supply_text(const char *root, const char *name, const char *what, char *text, size_t cap)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "/sys/class/power_supply/%s/%s", name, what);
    return tsr_host_read_text(root, path, text, cap) == TSR_OK;
}

/* /3/0/20: 0 normal, 1 charging, 2 charge complete, 3 damaged, 4 low, 5 not installed, 6 unknown */
static int16_t battery_status(const char *status, int64_t percent)
{
    if (strcmp(status, "Charging") == 0)
        return 1;
    if (strcmp(status, "Full") == 0)
        return 2;
    if (strcmp(status, "Discharging") == 0 || strcmp(status, "Not charging") == 0)
        return percent >= 0 && percent < 15 ? 4 : 0;
    return 6;
}

static void take_supply(const char *root, const char *name, tsr_lwm2m_device *d)
{
    char kind[16], status[24] = "";
    int64_t uv = supply_number(root, name, "voltage_now");
    int64_t ua = supply_number(root, name, "current_now");
    int64_t percent = supply_number(root, name, "capacity");
    tsr_lwm2m_power *p = &d->power[d->power_count];

    if (d->power_count == TSR_LWM2M_POWER_SOURCES || !supply_text(root, name, "type", kind, sizeof kind))
        return;
    if (supply_number(root, name, "online") == 0 || supply_number(root, name, "present") == 0)
        return;
    if (strcmp(kind, "Battery") == 0)
        p->kind = 1;
    else if (strcmp(kind, "Mains") == 0)
        p->kind = 6;
    else if (strncmp(kind, "USB", 3) == 0)
        p->kind = 5;
    else
        return;
    p->voltage_mv = uv >= 0 && uv / 1000 <= INT32_MAX ? (int32_t)(uv / 1000) : -1;
    p->current_ma = ua != INT64_MIN && ua / 1000 >= -INT32_MAX && ua / 1000 <= INT32_MAX
                        ? (int32_t)(ua / 1000)
                        : INT32_MIN;
    d->power_count++;
    if (p->kind != 1 || percent < 0 || percent > 100)
        return;
    d->battery_percent = (int16_t)percent;
    (void)supply_text(root, name, "status", status, sizeof status);
    d->battery_status = battery_status(status, percent);
}

void tsr_host_device_refresh(const char *root, tsr_lwm2m_device *d)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    d->host_unix_s = tsr_host_unix_s();
    d->memory_free_kb = tsr_host_meminfo(root, "MemAvailable:");
    offset_of(d);
    d->power_count = 0;
    d->battery_percent = d->battery_status = -1;
    (void)snprintf(path, sizeof path, "%s/sys/class/power_supply", root);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            take_supply(root, entry->d_name, d);
    }
    if (dir != NULL)
        (void)closedir(dir);
}
