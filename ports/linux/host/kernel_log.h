/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's log, record by record, as lines of the daemon's own form. */
#ifndef PORTS_LINUX_HOST_KERNEL_LOG_H
#define PORTS_LINUX_HOST_KERNEL_LOG_H

#include "tessera/base/bytes.h"

enum { TSR_KERNEL_LINE = 1200 };

typedef struct {
    unsigned level;             /* 0 emergency to 7 debug */
    char text[TSR_KERNEL_LINE]; /* TIME level=LEVEL event=kernel text="..." */
} tsr_kernel_line;

/** /dev/kmsg, from the oldest record that the kernel still has. Poll it for reading.
 *  returns  a descriptor, or -1: it is not there, or not ours to read */
int tsr_host_kernel_log_open(void);

/** The next record.
 *  errors  TSR_END        none at the moment
 *          TSR_E_SPACE    records went before they were read; the next call goes on
 *          TSR_E_IO       the log is gone: close it */
tsr_err tsr_host_kernel_log_next(int fd, tsr_kernel_line *line);

/** One record as /dev/kmsg gives it.
 *
 *  boot_unix_ms  the time since 1970 at which the kernel's clock was 0
 *  errors        TSR_E_MALFORMED */
tsr_err tsr_host_kernel_log_parse(tsr_bytes record, uint64_t boot_unix_ms, tsr_kernel_line *line);

#endif
