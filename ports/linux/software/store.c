/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/software/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/host/file.h"
#include "ports/linux/software/tree.h"

static tsr_err failed(void) { return errno == ENOSPC || errno == EDQUOT ? TSR_E_SPACE : TSR_E_IO; }

tsr_err tsr_software_open(tsr_software_store *s, const char *path, uint32_t most)
{
    tsr_err err = tsr_host_directory(path);

    *s = (tsr_software_store){ .most = most, .fd = -1 };
    if (err != TSR_OK)
        return err;
    (void)snprintf(s->path, sizeof s->path, "%s", path);
    s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->fd < 0)
        return TSR_E_IO;
    (void)fchmod(s->fd, 0711); /* software that runs as another user goes through it */
    return TSR_OK;
}

void tsr_software_close(tsr_software_store *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

/* The folder of a number; -1: errno says why. */
static int folder(const tsr_software_store *s, uint16_t id, bool make)
{
    char name[8];
    int fd;

    (void)snprintf(name, sizeof name, "%u", id);
    if (make && mkdirat(s->fd, name, 0711) == 0)
        (void)fsync(s->fd);
    fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

tsr_err tsr_software_begin(const tsr_software_store *s, uint16_t id)
{
    int dir = folder(s, id, true), fd;
    tsr_err err = TSR_OK;

    if (dir < 0)
        return failed();
    (void)unlinkat(dir, "package", 0);
    fd = openat(dir, "part", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        err = failed();
    else
        (void)close(fd);
    (void)close(dir);
    return err;
}

static tsr_err write_all(int fd, tsr_bytes bytes, off_t at)
{
    while (bytes.len != 0) {
        ssize_t n = pwrite(fd, bytes.ptr, bytes.len, at);

        if (n <= 0)
            return failed();
        bytes = tsr_skip(bytes, (size_t)n);
        at += n;
    }
    return TSR_OK;
}

tsr_err tsr_software_write(const tsr_software_store *s, uint16_t id, uint32_t offset,
                           tsr_bytes part)
{
    int dir, fd;
    tsr_err err;

    if (offset > s->most || part.len > s->most - offset)
        return TSR_E_SPACE;
    dir = folder(s, id, false);
    fd = dir < 0 ? -1 : openat(dir, "part", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    err = fd < 0 ? failed() : write_all(fd, part, (off_t)offset);
    if (fd >= 0)
        (void)close(fd);
    if (dir >= 0)
        (void)close(dir);
    return err;
}

static tsr_err map_file(int fd, uint32_t most, tsr_bytes *content)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return TSR_E_IO;
    if (st.st_size > (off_t)most)
        return TSR_E_SPACE;
    if (st.st_size == 0) {
        *content = tsr_view(NULL, 0);
        return TSR_OK;
    }
    at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return TSR_E_IO;
    *content = tsr_view(at, (size_t)st.st_size);
    return TSR_OK;
}

tsr_err tsr_software_map(const tsr_software_store *s, uint16_t id, const char *name,
                         tsr_bytes *content)
{
    int dir = folder(s, id, false);
    int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    tsr_err err = fd < 0 ? errno == ENOENT ? TSR_E_NOT_FOUND : TSR_E_IO
                         : map_file(fd, s->most, content);

    if (fd >= 0)
        (void)close(fd);
    if (dir >= 0)
        (void)close(dir);
    return err;
}

void tsr_software_unmap(tsr_bytes content)
{
    if (content.len != 0)
        (void)munmap((void *)(uintptr_t)content.ptr, content.len);
}

static tsr_err sync_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    tsr_err err = fd >= 0 && fsync(fd) == 0 ? TSR_OK : failed();

    if (fd >= 0)
        (void)close(fd);
    return err;
}

tsr_err tsr_software_keep(const tsr_software_store *s, uint16_t id)
{
    int dir = folder(s, id, false);
    tsr_err err = dir < 0 ? failed() : sync_file(dir, "part");

    if (err == TSR_OK && (renameat(dir, "part", dir, "package") != 0 || fsync(dir) != 0))
        err = failed();
    if (dir >= 0)
        (void)close(dir);
    return err;
}

tsr_err tsr_software_install(const tsr_software_store *s, uint16_t id, tsr_bytes bundle)
{
    int dir = folder(s, id, false);
    tsr_err err;
    int saved;

    if (dir < 0)
        return failed();
    tsr_tree_remove(dir, "new");
    err = tsr_tree_unpack(dir, "new", bundle);
    if (err == TSR_OK && tsr_tree_swap(dir, "new", "app") != TSR_OK)
        err = failed();
    saved = errno;
    tsr_tree_remove(dir, "new"); /* what was there before, or half of what was to come */
    (void)close(dir);
    errno = saved;
    return err;
}

tsr_err tsr_software_drop(const tsr_software_store *s, uint16_t id, bool app)
{
    int dir = folder(s, id, false);
    char name[8];

    if (dir < 0)
        return errno == ENOENT ? TSR_OK : TSR_E_IO;
    (void)unlinkat(dir, "part", 0);
    (void)unlinkat(dir, "package", 0);
    /* one step, and `app` is no more; the rest may be cut off */
    if (app && renameat(dir, "app", dir, "gone") != 0 && errno != ENOENT) {
        (void)close(dir);
        return TSR_E_IO;
    }
    (void)fsync(dir);
    (void)close(dir);
    if (!app)
        return TSR_OK;
    (void)snprintf(name, sizeof name, "%u", id);
    tsr_tree_remove(s->fd, name);
    (void)fsync(s->fd);
    return TSR_OK;
}

void tsr_software_look(const tsr_software_store *s, uint16_t id, tsr_software_stands *stands)
{
    int dir = folder(s, id, false);
    struct stat st;

    *stands = (tsr_software_stands){ 0 };
    if (dir < 0)
        return;
    tsr_tree_remove(dir, "new");
    tsr_tree_remove(dir, "gone");
    if (fstatat(dir, "part", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_size <= (off_t)s->most)
        stands->part = (uint32_t)st.st_size;
    stands->package = fstatat(dir, "package", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    stands->app = fstatat(dir, "app", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    (void)close(dir);
}
