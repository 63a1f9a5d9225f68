/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-boot/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/host/write.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { PIECE = 65536 };

int memfile_new(const char *name, bool program)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create(name, flags | (program ? MFD_EXEC : MFD_NOEXEC_SEAL));

    if (fd < 0 && errno == EINVAL) /* Linux before 6.3 */
        fd = memfd_create(name, flags);
    return fd;
}

bool memfile_seal(int fd)
{
    return lseek(fd, 0, SEEK_SET) == 0 &&
           fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
}

/* Seals what was written well; else gives it up, and keeps why. */
static int sealed(int fd, bool good)
{
    int cause;

    if (good && memfile_seal(fd))
        return fd;
    cause = errno;
    (void)close(fd);
    errno = cause;
    return -1;
}

/* One piece; 0: the end. -1: errno. */
static ssize_t fill(int to, int from, uint64_t at, uint64_t len)
{
    uint8_t piece[PIECE];
    ssize_t n;

    do
        n = pread(from, piece, len < sizeof piece ? (size_t)len : sizeof piece, (off_t)at);
    while (n < 0 && errno == EINTR);
    return n > 0 && !tsr_host_write_all(to, tsr_view(piece, (size_t)n)) ? -1 : n;
}

bool memfile_fill(int fd, int from, uint64_t at, uint64_t len)
{
    while (len > 0) {
        ssize_t n = fill(fd, from, at, len);

        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return false;
        at += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return true;
}

int memfile_load(const char *name, bool program, const char *path)
{
    int from = open(path, O_RDONLY | O_CLOEXEC), to = -1, cause;
    uint64_t at = 0;
    ssize_t n = -1;

    if (from >= 0)
        to = memfile_new(name, program);
    while (to >= 0 && (n = fill(to, from, at, UINT64_MAX)) > 0)
        at += (uint64_t)n;
    if (to >= 0)
        to = sealed(to, n == 0);
    cause = errno;
    if (from >= 0)
        (void)close(from);
    errno = cause;
    return to;
}

int memfile_of(const char *name, bool program, tsr_bytes content)
{
    int fd = memfile_new(name, program);

    return fd < 0 ? -1 : sealed(fd, tsr_host_write_all(fd, content));
}

tsr_bytes memfile_map(int fd)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) != 0 || st.st_size <= 0)
        return (tsr_bytes){ 0 };
    at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return (tsr_bytes){ 0 };
    return tsr_view(at, (size_t)st.st_size);
}
