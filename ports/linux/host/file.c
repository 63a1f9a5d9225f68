/* SPDX-License-Identifier: Apache-2.0
 *
 * A file is "TSF1", the length and the CRC-32 of its content, and the content. */
#include "ports/linux/host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/host/write.h"

enum { MAGIC = 0x54534631, HEAD_LEN = 12 };

/* CRC-32 of IEEE 802.3, without a table: some kilobytes now and then. */
static uint32_t crc32(tsr_bytes in)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < in.len; i++) {
        crc ^= in.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

tsr_err tsr_host_directory(const char *path)
{
    struct stat st;

    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return TSR_E_IO;
    if (stat(path, &st) != 0)
        return TSR_E_IO;
    if (!S_ISDIR(st.st_mode) || (st.st_mode & 022) != 0)
        return TSR_E_DENIED;
    return access(path, W_OK | X_OK) == 0 ? TSR_OK : TSR_E_IO;
}

static tsr_err write_file(int at, const char *name, tsr_bytes content)
{
    uint8_t head[HEAD_LEN];
    tsr_buf out = tsr_buf_over(head, sizeof head);
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    tsr_err err;
    int saved;

    if (fd < 0)
        return TSR_E_IO;
    tsr_put_u32(&out, MAGIC);
    tsr_put_u32(&out, (uint32_t)content.len);
    tsr_put_u32(&out, crc32(content));
    err = tsr_host_write_all(fd, tsr_buf_view(&out)) && tsr_host_write_all(fd, content) && fsync(fd) == 0
              ? TSR_OK
              : TSR_E_IO;
    saved = errno;
    if (close(fd) != 0 && err == TSR_OK)
        err = TSR_E_IO;
    else
        errno = saved;
    return err;
}

tsr_err tsr_host_store(const char *directory, const char *name, tsr_bytes content)
{
    char beside[NAME_MAX];
    int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tsr_err err;
    int saved;

    if (at < 0)
        return TSR_E_IO;
    (void)snprintf(beside, sizeof beside, "%s.new", name);
    err = write_file(at, beside, content);
    if (err == TSR_OK && (renameat(at, beside, at, name) != 0 || fsync(at) != 0))
        err = TSR_E_IO;
    saved = errno;
    if (err != TSR_OK)
        (void)unlinkat(at, beside, 0);
    (void)close(at);
    errno = saved;
    return err;
}

static tsr_err read_all(int fd, void *to, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, (uint8_t *)to + at, len - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return TSR_E_IO;
        if (n == 0)
            return TSR_E_MALFORMED;
        at += (size_t)n;
    }
    return TSR_OK;
}

static tsr_err load(int fd, tsr_buf *content)
{
    uint8_t head[HEAD_LEN];
    tsr_bytes in;
    uint32_t magic, len, crc;
    struct stat file;
    tsr_err err = read_all(fd, head, sizeof head);

    if (err == TSR_OK && fstat(fd, &file) != 0)
        err = TSR_E_IO;
    if (err != TSR_OK)
        return err;
    in = tsr_view(head, sizeof head);
    if (tsr_get_u32(&in, &magic) != TSR_OK || magic != MAGIC || tsr_get_u32(&in, &len) != TSR_OK ||
        tsr_get_u32(&in, &crc) != TSR_OK || (uint64_t)file.st_size != HEAD_LEN + (uint64_t)len)
        return TSR_E_MALFORMED;
    if (len > content->cap)
        return TSR_E_SPACE;
    err = read_all(fd, content->ptr, len);
    if (err == TSR_OK && crc != crc32(tsr_view(content->ptr, len)))
        err = TSR_E_MALFORMED;
    content->len = err == TSR_OK ? len : 0;
    return err;
}

tsr_err tsr_host_load(const char *directory, const char *name, tsr_buf *content)
{
    char path[PATH_MAX];
    tsr_err err;
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? TSR_E_NOT_FOUND : TSR_E_IO;
    err = load(fd, content);
    (void)close(fd);
    return err;
}

void tsr_host_set_aside(const char *directory, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX];

    (void)snprintf(from, sizeof from, "%s/%s", directory, name);
    (void)snprintf(to, sizeof to, "%s/%s.damaged", directory, name);
    (void)rename(from, to);
}
