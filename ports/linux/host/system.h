/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks, randomness and small files of the system. */
#ifndef PORTS_LINUX_HOST_SYSTEM_H
#define PORTS_LINUX_HOST_SYSTEM_H

#include "tessera/base/bytes.h"

/** Milliseconds since boot, sleep included; never goes back. */
uint64_t tsr_host_now_ms(void);

/** Seconds and milliseconds since 1970. */
int64_t tsr_host_unix_s(void);
uint64_t tsr_host_unix_ms(void);

/** 64 bits from the kernel's generator. */
uint64_t tsr_host_random(void);

/** Reads a small text file below `root` ("" is the system) as zero-terminated text without its
 *  trailing white space.
 *  errors  TSR_E_NOT_FOUND  it is not there or not readable; TSR_E_SPACE  longer than cap - 1 */
tsr_err tsr_host_read_text(const char *root, const char *path, char *text, size_t cap);

/** The same as a number. TSR_E_MALFORMED if it is none. */
tsr_err tsr_host_read_number(const char *root, const char *path, int64_t *v);

/** A line of /proc/meminfo, such as "MemTotal:", in kB; -1: it is not there. */
int64_t tsr_host_meminfo(const char *root, const char *key);

#endif
