/* SPDX-License-Identifier: Apache-2.0
 *
 * The device daemon's log: one line per event on standard error, `key=value` words. */
#ifndef PORTS_LINUX_HOST_LOG_H
#define PORTS_LINUX_HOST_LOG_H

#include <stdint.h>

typedef enum { TSR_LOG_ERROR, TSR_LOG_WARNING, TSR_LOG_INFO, TSR_LOG_DEBUG } tsr_log_level;

/** Lines above this level are not written; TSR_LOG_INFO unless told. */
void tsr_host_log_level(tsr_log_level level);

/** Writes TIME level=LEVEL event=EVENT and the words that `format` makes, in one write. Values with
 *  blanks belong into quotes. Secrets never go in. */
void tsr_host_log(tsr_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Every line that is written goes here, too, without its end; it must not log. NULL: nowhere. */
typedef void (*tsr_log_sink)(void *user, tsr_log_level level, const char *event, const char *line);
void tsr_host_log_sink(tsr_log_sink sink, void *user);

/** Milliseconds since 1970 as a line begins: 2026-01-31T23:59:59.999Z. */
enum { TSR_LOG_TIME = 40 };
void tsr_host_log_time(uint64_t unix_ms, char text[TSR_LOG_TIME]);

/** Puts '?' for control characters, which would break the line, whoever they came from. */
void tsr_host_log_clean(char *text);

#endif
