/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/secured/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ports/linux/secured/log.h"

/* Up to `cap` bytes until the end; -1: errno says why. */
static ssize_t read_all(int fd, uint8_t *data, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, data + len, cap - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

tsr_err tsr_secured_boot_read(tsr_secured_boot *b, int fd)
{
    ssize_t len;
    tsr_err err;

    (void)lseek(fd, 0, SEEK_SET); /* where the launcher left it; a pipe has no beginning */
    len = read_all(fd, b->room, sizeof b->room);
    if (len < 0) {
        tsr_log("error", "boot-record.failed", "fd=%d cause=\"%s\" remedy=\"%s\"", fd,
                strerror(errno), "let the launcher hand the descriptor over");
        return TSR_E_IO;
    }
    (void)close(fd);
    err = tsr_boot_record_read(tsr_view(b->room, (size_t)len), &b->record);
    if (err != TSR_OK)
        tsr_log("error", "boot-record.failed", "fd=%d bytes=%zd cause=\"%s\" remedy=\"%s\"", fd,
                len,
                err == TSR_E_UNSUPPORTED ? "another format, or too many components"
                                         : "these bytes are no boot record",
                "use the launcher of this version");
    return err;
}
