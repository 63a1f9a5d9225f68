/* SPDX-License-Identifier: Apache-2.0
 *
 * The device daemon's log: one line per event on standard error, `key=value` words. */
#ifndef PORTS_LINUX_HOST_LOG_H
#define PORTS_LINUX_HOST_LOG_H

typedef enum { TSR_LOG_ERROR, TSR_LOG_WARNING, TSR_LOG_INFO, TSR_LOG_DEBUG } tsr_log_level;

/** Lines above this level are not written; TSR_LOG_INFO unless told. */
void tsr_host_log_level(tsr_log_level level);

/** Writes TIME level=LEVEL event=EVENT and the words that `format` makes, in one write. Values with
 *  blanks belong into quotes. Secrets never go in. */
void tsr_host_log(tsr_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
