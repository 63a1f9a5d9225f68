/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/host/log.h"
#include "ports/linux/host/system.h"

enum { RECORD = 8192 }; /* the kernel's own limit for one */

int tsr_host_kernel_log_open(void)
{
    return open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static tsr_err field(tsr_bytes *in, uint64_t *v)
{
    const uint8_t *comma = in->len != 0 ? memchr(in->ptr, ',', in->len) : NULL;

    if (comma == NULL || tsr_dec(tsr_first(*in, (size_t)(comma - in->ptr)), v) != TSR_OK)
        return TSR_E_MALFORMED;
    *in = tsr_skip(*in, (size_t)(comma - in->ptr) + 1);
    return TSR_OK;
}

/* "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];TEXT", then lines with further fields, which we leave
 * out. Quotes in the text would end it for a reader. */
tsr_err tsr_host_kernel_log_parse(tsr_bytes record, uint64_t boot_unix_ms, tsr_kernel_line *line)
{
    static const char *const names[] = { "emergency", "alert",  "critical", "error",
                                         "warning",   "notice", "info",     "debug" };
    const uint8_t *text = record.len != 0 ? memchr(record.ptr, ';', record.len) : NULL;
    char time[TSR_LOG_TIME], words[1024];
    uint64_t priority, sequence, us;
    const uint8_t *end;
    size_t len;

    if (text == NULL || field(&record, &priority) != TSR_OK || field(&record, &sequence) != TSR_OK ||
        field(&record, &us) != TSR_OK || record.ptr > text)
        return TSR_E_MALFORMED;
    record = tsr_skip(record, (size_t)(text - record.ptr) + 1);
    end = record.len != 0 ? memchr(record.ptr, '\n', record.len) : NULL;
    len = end != NULL ? (size_t)(end - record.ptr) : record.len;
    if (len >= sizeof words)
        len = sizeof words - 1;
    if (len != 0)
        memcpy(words, record.ptr, len);
    words[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (words[i] == '"' || words[i] == '\0')
            words[i] = '\'';
    }
    tsr_host_log_clean(words);
    tsr_host_log_time(boot_unix_ms + us / 1000, time);
    line->level = (unsigned)(priority & 7);
    (void)snprintf(line->text, sizeof line->text, "%s level=%s event=kernel text=\"%s\"", time,
                   names[line->level], words);
    return TSR_OK;
}

static uint64_t boot_unix_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return tsr_host_unix_ms() - ((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

tsr_err tsr_host_kernel_log_next(int fd, tsr_kernel_line *line)
{
    char record[RECORD];

    for (;;) {
        ssize_t n = read(fd, record, sizeof record);

        if (n > 0) {
            if (tsr_host_kernel_log_parse(tsr_view(record, (size_t)n), boot_unix_ms(), line) == TSR_OK)
                return TSR_OK;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return TSR_END;
        return n < 0 && (errno == EPIPE || errno == EINVAL) ? TSR_E_SPACE : TSR_E_IO;
    }
}
