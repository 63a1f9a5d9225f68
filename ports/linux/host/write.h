/* SPDX-License-Identifier: Apache-2.0
 *
 * A file's content, whatever write(2) takes of it at a time. */
#ifndef PORTS_LINUX_HOST_WRITE_H
#define PORTS_LINUX_HOST_WRITE_H

#include <errno.h>
#include <unistd.h>

#include "tessera/base/bytes.h"

/** Writes all of it. False: errno says why, and some of it may be written. */
static inline bool tsr_host_write_all(int fd, tsr_bytes content)
{
    while (content.len != 0) {
        ssize_t n = write(fd, content.ptr, content.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        content = tsr_skip(content, (size_t)n);
    }
    return true;
}

#endif
