/* SPDX-License-Identifier: Apache-2.0
 *
 * Positions that a receiver reports, line by line. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/host/data.h"
#include "tessera/json/json.h"
#include "tessera/lwm2m/format/datetime.h"

enum { TAIL = 8192, MODE_2D = 2 };

/* A report without time, place or fix says nothing. Fields that are not there stay unknown. */
static tsr_err read_report(tsr_bytes line, tsr_lwm2m_location *location)
{
    tsr_lwm2m_location l = { .known = true };
    char class[8], time[40];
    tsr_json report;
    int64_t mode;

    if (tsr_json_parse(line, &report, NULL) != TSR_OK ||
        tsr_json_find_cstring(&report, "class", class, sizeof class) != TSR_OK ||
        strcmp(class, "TPV") != 0 || tsr_json_find_int(&report, "mode", &mode) != TSR_OK ||
        mode < MODE_2D || tsr_json_find_double(&report, "lat", &l.latitude) != TSR_OK ||
        tsr_json_find_double(&report, "lon", &l.longitude) != TSR_OK ||
        tsr_json_find_cstring(&report, "time", time, sizeof time) != TSR_OK ||
        tsr_lwm2m_datetime(tsr_text(time), &l.unix_s) != TSR_OK)
        return TSR_E_NOT_FOUND;
    if (l.latitude < -90 || l.latitude > 90 || l.longitude < -180 || l.longitude > 180)
        return TSR_E_NOT_FOUND;
    l.has_altitude = tsr_json_find_double(&report, "altMSL", &l.altitude_m) == TSR_OK ||
                     tsr_json_find_double(&report, "alt", &l.altitude_m) == TSR_OK;
    l.has_radius = tsr_json_find_double(&report, "eph", &l.radius_m) == TSR_OK;
    l.has_speed = tsr_json_find_double(&report, "speed", &l.speed_m_s) == TSR_OK;
    *location = l;
    return TSR_OK;
}

/* The last TAIL bytes. A line whose end is not written yet does not count. */
static size_t read_tail(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat s;
    ssize_t n = 0;

    if (fd < 0)
        return 0;
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode))
        n = pread(fd, text, TAIL, s.st_size > TAIL ? s.st_size - TAIL : 0);
    (void)close(fd);
    while (n > 0 && text[n - 1] != '\n')
        n--;
    return n > 0 ? (size_t)n : 0;
}

tsr_err tsr_host_location_read(const char *path, tsr_lwm2m_location *location)
{
    char text[TAIL];
    size_t end = read_tail(path, text);

    while (end != 0) {
        size_t from = --end; /* of the line that ends here */

        while (from != 0 && text[from - 1] != '\n')
            from--;
        if (read_report(tsr_view(text + from, end - from), location) == TSR_OK)
            return TSR_OK;
        end = from;
    }
    return TSR_E_NOT_FOUND;
}
