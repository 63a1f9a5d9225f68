/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure service's log: one line per event on standard error, `key=value` words. */
#ifndef PORTS_LINUX_SECURED_LOG_H
#define PORTS_LINUX_SECURED_LOG_H

#include <stdbool.h>

/** Writes one line: level=LEVEL event=EVENT and then the words that `format` makes; for the
 *  service's own doings. Secrets never go in. */
void tsr_log(const char *level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The same for what a client did. A client must not be able to fill a disk: at most 50 of these
 *  lines a second are written, and the next one says how many were not. Level "debug" is written
 *  only if asked for. */
void tsr_log_client(const char *level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tsr_log_debug_on(bool on);

#endif
