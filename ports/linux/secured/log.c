/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/secured/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PER_SECOND 50u
#define WORDS      768

static struct { /* the one log of the process */
    bool debug;
    time_t second;
    unsigned lines[2]; /* in this second: warnings; debug lines, which must not crowd them out */
    unsigned dropped;
} the_log;

/* One write() per line, so that lines of several processes do not mix. */
static void put(const char *level, const char *event, const char *words)
{
    char line[1024];
    struct timespec now;
    struct tm utc;
    int n;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    n = snprintf(line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s event=%s%s%s",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, now.tv_nsec / 1000000, level, event, words[0] != 0 ? " " : "", words);
    if (the_log.dropped > 0)
        n += snprintf(line + n, sizeof line - (size_t)n, " dropped=%u", the_log.dropped);
    the_log.dropped = 0;
    line[n] = '\n';
    (void)!write(STDERR_FILENO, line, (size_t)n + 1);
}

void tsr_log(const char *level, const char *event, const char *format, ...)
{
    char words[WORDS];
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    put(level, event, words);
}

static bool may_log(unsigned kind)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec != the_log.second) {
        the_log.second = now.tv_sec;
        the_log.lines[0] = the_log.lines[1] = 0;
    }
    if (the_log.lines[kind] >= PER_SECOND) {
        the_log.dropped++;
        return false;
    }
    the_log.lines[kind]++;
    return true;
}

void tsr_log_client(const char *level, const char *event, const char *format, ...)
{
    bool debug = strcmp(level, "debug") == 0;
    char words[WORDS];
    va_list args;

    if ((debug && !the_log.debug) || !may_log(debug))
        return;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    put(level, event, words);
}

void tsr_log_debug_on(bool on) { the_log.debug = on; }
