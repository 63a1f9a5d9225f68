/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/host/system.h"

static tsr_log_level the_level = TSR_LOG_INFO;
static tsr_log_sink the_sink;
static void *the_sink_user;

void tsr_host_log_level(tsr_log_level level)
{
    the_level = level;
}

void tsr_host_log_sink(tsr_log_sink sink, void *user)
{
    the_sink = sink;
    the_sink_user = user;
}

void tsr_host_log_clean(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

void tsr_host_log_time(uint64_t unix_ms, char text[TSR_LOG_TIME])
{
    time_t s = (time_t)(unix_ms / 1000);
    struct tm utc = { 0 };

    (void)gmtime_r(&s, &utc);
    (void)snprintf(text, TSR_LOG_TIME, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", (utc.tm_year + 1900) % 10000,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   (unsigned)(unix_ms % 1000));
}

static void put(tsr_log_level level, const char *event, const char *format, va_list args)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    char line[1200], words[1024], time[TSR_LOG_TIME];
    int n;

    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(words, sizeof words, format, args);
    tsr_host_log_clean(words);
    tsr_host_log_time(tsr_host_unix_ms(), time);
    n = snprintf(line, sizeof line, "%s level=%s event=%s%s%s\n", time, names[level], event,
                 words[0] != '\0' ? " " : "", words);
    (void)!write(STDERR_FILENO, line, (size_t)n);
    line[n - 1] = '\0';
    if (the_sink != NULL)
        the_sink(the_sink_user, level, event, line);
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
