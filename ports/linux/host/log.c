/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static tsr_log_level the_level = TSR_LOG_INFO;

void tsr_host_log_level(tsr_log_level level)
{
    the_level = level;
}

/* Control characters would break the line, whoever they came from. */
static void clean(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

static void put(tsr_log_level level, const char *event, const char *format, va_list args)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    char line[1200], words[1024];
    struct timespec now;
    struct tm utc;
    int n;

    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(words, sizeof words, format, args);
    clean(words);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    n = snprintf(line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s event=%s%s%s\n",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, now.tv_nsec / 1000000, names[level], event,
                 words[0] != '\0' ? " " : "", words);
    (void)!write(STDERR_FILENO, line, (size_t)n);
}

void tsr_host_log(tsr_log_level level, const char *event, const char *format, ...)
{
    va_list args;

    if (level > the_level)
        return;
    va_start(args, format);
    put(level, event, format, args);
    va_end(args);
}
