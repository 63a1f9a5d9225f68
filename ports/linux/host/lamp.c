/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "ports/linux/host/data.h"
#include "ports/linux/host/system.h"

static tsr_err write_text(const char *path, int flags, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
    ssize_t n;
    int saved;

    if (fd < 0)
        return TSR_E_IO;
    n = write(fd, text, strlen(text));
    saved = errno;
    (void)close(fd);
    errno = saved;
    return n == (ssize_t)strlen(text) ? TSR_OK : TSR_E_IO;
}

static tsr_err set_led(const char *led, const tsr_lwm2m_light *light)
{
    char path[PATH_MAX], text[32];
    int64_t most = 255;

    (void)tsr_host_read_number(led, "/max_brightness", &most);
    (void)snprintf(path, sizeof path, "%s/brightness", led);
    (void)snprintf(text, sizeof text, "%lld\n", light->on ? (long long)most * light->dimmer / 100 : 0);
    return write_text(path, 0, text);
}

/* Whoever reads the file sees a whole line: written beside it and renamed. */
static tsr_err set_file(const char *file, const tsr_lwm2m_light *light)
{
    char beside[PATH_MAX], text[16];

    if (snprintf(beside, sizeof beside, "%s.new", file) >= (int)sizeof beside) {
        errno = ENAMETOOLONG;
        return TSR_E_IO;
    }
    (void)snprintf(text, sizeof text, "%s %u\n", light->on ? "on" : "off", light->dimmer);
    if (write_text(beside, O_CREAT | O_TRUNC, text) != TSR_OK)
        return TSR_E_IO;
    return rename(beside, file) == 0 ? TSR_OK : TSR_E_IO;
}

tsr_err tsr_host_lamp_set(const char *led, const char *file, const tsr_lwm2m_light *light)
{
    tsr_err err = TSR_OK;

    if (led[0] != '\0')
        err = set_led(led, light);
    if (file[0] != '\0' && set_file(file, light) != TSR_OK)
        err = TSR_E_IO;
    return err;
}
