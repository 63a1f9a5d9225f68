/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include "ports/linux/flash/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static tsr_err fail(tsr_flash_file *file, const char *cause)
{
    file->cause_errno = errno;
    file->cause = cause;
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return TSR_E_SPACE;
    case EACCES:
    case EPERM:
    case EROFS: return TSR_E_DENIED;
    default: return TSR_E_IO;
    }
}

static tsr_err write_at(tsr_flash_file *file, uint32_t at, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = pwrite(file->fd, data, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(file, "the file cannot be written");
        data += n;
        at += (uint32_t)n;
        len -= (size_t)n;
    }
    return TSR_OK;
}

/* What was read ahead holds no longer, and may hold what is about to be overwritten. */
static void forget_ahead(tsr_flash_file *file)
{
    tsr_wipe(file->ahead, file->ahead_len);
    file->ahead_len = 0;
}

static tsr_err read_at(tsr_flash_file *file, uint32_t at, uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t n = pread(file->fd, out, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* somebody cut the file short */
        if (n <= 0) {
            (void)fail(file, "the file cannot be read");
            return TSR_E_IO;
        }
        out += n;
        at += (uint32_t)n;
        len -= (size_t)n;
    }
    return TSR_OK;
}

static void read_ahead(tsr_flash_file *file, uint32_t at)
{
    uint32_t left = file->flash.size - at;
    uint32_t len = left < sizeof file->ahead ? left : (uint32_t)sizeof file->ahead;

    forget_ahead(file);
    if (read_at(file, at, file->ahead, len) != TSR_OK)
        return; /* the read that follows says why */
    file->ahead_at = at;
    file->ahead_len = len;
}

/* Mounting reads everything in order and in small pieces; a system call for each would take most
 * of the time. */
static tsr_err file_read(void *self, uint32_t at, void *data, size_t len)
{
    tsr_flash_file *file = self;
    bool inside = at >= file->ahead_at && len <= file->ahead_len &&
                  at - file->ahead_at <= file->ahead_len - len;

    if (!inside && at == file->last_end && len < sizeof file->ahead) {
        read_ahead(file, at);
        inside = len <= file->ahead_len;
    }
    file->last_end = at + (uint32_t)len;
    if (!inside)
        return read_at(file, at, data, len);
    memcpy(data, file->ahead + (at - file->ahead_at), len);
    return TSR_OK;
}

static tsr_err file_program(void *self, uint32_t at, const void *data, size_t len)
{
    tsr_err err;

    forget_ahead(self);
    err = write_at(self, at, data, len);
    return err == TSR_E_DENIED ? TSR_E_IO : err;
}

static tsr_err fill(tsr_flash_file *file, uint32_t at, uint32_t len)
{
    uint8_t erased[4096];
    tsr_err err = TSR_OK;

    memset(erased, 0xff, sizeof erased);
    for (uint32_t done = 0; done < len && err == TSR_OK;) {
        uint32_t n = len - done < sizeof erased ? len - done : (uint32_t)sizeof erased;

        err = write_at(file, at + done, erased, n);
        done += n;
    }
    return err;
}

static tsr_err file_erase(void *self, uint32_t at)
{
    tsr_flash_file *file = self;
    tsr_err err;

    forget_ahead(file);
    err = fill(file, at, file->flash.block);

    return err == TSR_E_DENIED ? TSR_E_IO : err;
}

/* The length never changes, so fdatasync covers all that a reader needs. */
static tsr_err file_sync(void *self)
{
    tsr_flash_file *file = self;

    if (fdatasync(file->fd) == 0)
        return TSR_OK;
    return fail(file, "the file cannot be synced") == TSR_E_SPACE ? TSR_E_SPACE : TSR_E_IO;
}

static tsr_err lock(tsr_flash_file *file)
{
    if (flock(file->fd, LOCK_EX | LOCK_NB) == 0)
        return TSR_OK;
    if (errno != EWOULDBLOCK)
        return fail(file, "the file cannot be locked");
    file->cause_errno = errno;
    file->cause = "another process uses the file";
    return TSR_E_STATE;
}

static tsr_err sync_directory(tsr_flash_file *file, const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    tsr_err err = TSR_OK;
    int fd;

    if (len + 2 > sizeof dir) {
        errno = ENAMETOOLONG;
        return fail(file, "the path is too long");
    }
    memcpy(dir, path, len);
    memcpy(dir + len, ".", 2);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(file, "the file's directory cannot be opened");
    if (fsync(fd) != 0)
        err = fail(file, "the file's directory cannot be synced");
    (void)close(fd);
    return err;
}

/* Everything under the temporary name first: a file under the real name is always whole. */
static tsr_err write_new(tsr_flash_file *file, const char *path, const char *temporary)
{
    tsr_err err = lock(file);

    if (err != TSR_OK)
        return err;
    if (ftruncate(file->fd, 0) != 0)
        err = fail(file, "the new file cannot be emptied");
    if (err == TSR_OK)
        err = fill(file, 0, file->flash.size);
    if (err == TSR_OK && fsync(file->fd) != 0)
        err = fail(file, "the new file cannot be synced");
    if (err == TSR_OK && rename(temporary, path) != 0)
        err = fail(file, "the new file cannot be given its name");
    if (err != TSR_OK) {
        (void)unlink(temporary);
        return err;
    }
    return sync_directory(file, path);
}

static tsr_err make(tsr_flash_file *file, const char *path)
{
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof temporary, "%s.new", path);
    tsr_err err;

    if (len < 0 || (size_t)len >= sizeof temporary) {
        errno = ENAMETOOLONG;
        return fail(file, "the path is too long");
    }
    file->fd = open(temporary, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0)
        return fail(file, "the file cannot be made");
    err = write_new(file, path, temporary);
    if (err != TSR_OK)
        tsr_flash_file_close(file);
    return err;
}

static tsr_err check(tsr_flash_file *file)
{
    struct stat st;
    tsr_err err = lock(file);

    if (err != TSR_OK)
        return err;
    if (fstat(file->fd, &st) != 0)
        return fail(file, "the file cannot be examined");
    if (!S_ISREG(st.st_mode) || st.st_size != (off_t)file->flash.size) {
        file->cause = "the file's length is not that of a store with this geometry";
        return TSR_E_TYPE;
    }
    return TSR_OK;
}

tsr_err tsr_flash_file_open(tsr_flash_file *file, const char *path, tsr_flash_geometry geometry)
{
    tsr_err err;

    *file = (tsr_flash_file){
        .flash = { file_read, file_program, file_erase, file_sync, file, path,
                   geometry.size != 0 ? geometry.size : 1024u * 1024u,
                   geometry.block != 0 ? geometry.block : 16u * 1024u,
                   geometry.unit != 0 ? geometry.unit : 8u, true },
        .fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW),
    };
    if (file->fd < 0 && errno == ENOENT)
        return make(file, path);
    if (file->fd < 0)
        return fail(file, "the file cannot be opened");
    err = check(file);
    if (err == TSR_OK)
        err = sync_directory(file, path); /* its maker may have died before it got there */
    if (err != TSR_OK)
        tsr_flash_file_close(file);
    return err;
}

void tsr_flash_file_close(tsr_flash_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    tsr_wipe(file->ahead, sizeof file->ahead);
    file->fd = -1;
}
