/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/software/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/bundle/bundle.h"
#include "ports/linux/host/write.h"
#include "ports/linux/software/store.h"

enum {
    DEPTH = 16,         /* of directories; a package with more is none of ours */
    DEPTH_MEASURED = 64,
    NAME_TAKES = 4096,  /* at least, of the file system's own memory */
};

static const char start[] = "start";

static tsr_err failed(void)
{
    return errno == ENOSPC || errno == EDQUOT ? TSR_E_SPACE
           : errno == EEXIST || errno == ENOTDIR || errno == EISDIR ? TSR_E_MALFORMED
                                                                     : TSR_E_IO;
}

/* The directory that a file lies in, made on the way; *name becomes the last part. */
static tsr_err walk(int root, char **name, int *dir)
{
    char *part = *name, *slash;
    unsigned depth = 0;

    *dir = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (*dir >= 0 && (slash = strchr(part, '/')) != NULL) {
        int next;

        *slash = '\0';
        if (++depth > DEPTH || (mkdirat(*dir, part, 0755) != 0 && errno != EEXIST)) {
            (void)close(*dir);
            return depth > DEPTH ? TSR_E_MALFORMED : failed();
        }
        next = openat(*dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        (void)fsync(*dir);
        (void)close(*dir);
        *dir = next;
        part = slash + 1;
    }
    *name = part;
    return *dir >= 0 ? TSR_OK : failed();
}

static tsr_err fill(int fd, tsr_bytes content, uint32_t mode)
{
    return tsr_host_write_all(fd, content) && fchmod(fd, 0444 | (mode & 0111)) == 0 && fsync(fd) == 0
               ? TSR_OK
               : failed();
}

static tsr_err put_file(int root, tsr_bundle_file *f)
{
    char *name = f->name;
    int dir, fd;
    tsr_err err = walk(root, &name, &dir);

    if (err != TSR_OK)
        return err;
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    err = fd < 0 ? failed() : fill(fd, f->content, f->mode);
    if (fd >= 0)
        (void)close(fd);
    (void)fsync(dir);
    (void)close(dir);
    return err;
}

static tsr_err put_all(int root, tsr_bytes bundle)
{
    tsr_bundle walked = { bundle };
    tsr_bundle_file f;
    bool starts = false;
    unsigned count = 0;
    tsr_err err;

    while ((err = tsr_bundle_next(&walked, &f)) == TSR_OK) {
        starts |= strcmp(f.name, start) == 0 && (f.mode & 0100) != 0;
        if (++count > TSR_SOFTWARE_FILES)
            return TSR_E_MALFORMED;
        err = put_file(root, &f);
        if (err != TSR_OK)
            return err;
    }
    return err == TSR_END && starts ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err tsr_tree_unpack(int dir, const char *name, tsr_bytes bundle)
{
    int root = mkdirat(dir, name, 0755) == 0
                   ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                   : -1;
    tsr_err err;

    if (root < 0)
        return failed();
    err = put_all(root, bundle);
    if (err == TSR_OK && fsync(root) != 0)
        err = failed();
    (void)close(root);
    return err;
}

tsr_err tsr_tree_swap(int dir, const char *from, const char *to)
{
    int done = renameat2(dir, from, dir, to, RENAME_EXCHANGE);

    if (done != 0 && errno == ENOENT)
        done = renameat(dir, from, dir, to);
    return done == 0 && fsync(dir) == 0 ? TSR_OK : TSR_E_IO;
}

static void empty(int dir, unsigned depth);

static void remove_one(int dir, const char *name, unsigned depth)
{
    int fd;

    if (unlinkat(dir, name, 0) == 0 || (errno != EISDIR && errno != EPERM) || depth == 0)
        return;
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    empty(fd, depth - 1); /* closes it */
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

static void empty(int dir, unsigned depth)
{
    DIR *d = fdopendir(dir);
    const struct dirent *e;

    if (d == NULL) {
        (void)close(dir);
        return;
    }
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_one(dirfd(d), e->d_name, depth);
    }
    (void)closedir(d);
}

/* Software may have made more directories in its data than a package may have. */
void tsr_tree_remove(int dir, const char *name) { remove_one(dir, name, 256); }

/* ---- how much it is ---- */

static uint64_t measure(int dir, uint64_t left, unsigned depth);

/* It may be gone by now, or be something else. */
static bool is_gone(void) { return errno == ENOENT || errno == ENOTDIR || errno == ELOOP; }

static uint64_t measure_one(int dir, const char *name, uint64_t left, unsigned depth)
{
    struct stat st;
    uint64_t takes;
    int below;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return is_gone() ? left : 0;
    takes = (uint64_t)st.st_blocks * 512 > NAME_TAKES ? (uint64_t)st.st_blocks * 512 : NAME_TAKES;
    left -= takes < left ? takes : left;
    if (!S_ISDIR(st.st_mode) || left == 0 || depth == 0)
        return S_ISDIR(st.st_mode) ? 0 : left;
    below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return is_gone() ? left : 0;
    return measure(below, left, depth - 1);
}

/* Closes it. */
static uint64_t measure(int dir, uint64_t left, unsigned depth)
{
    DIR *d = fdopendir(dir);
    const struct dirent *e;

    if (d == NULL) {
        (void)close(dir);
        return 0;
    }
    while (left != 0 && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            left = measure_one(dirfd(d), e->d_name, left, depth);
    }
    (void)closedir(d);
    return left;
}

uint64_t tsr_tree_measure(int dir, uint64_t most)
{
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return again >= 0 ? measure(again, most, DEPTH_MEASURED) : 0;
}
