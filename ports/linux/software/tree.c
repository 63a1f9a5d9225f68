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
    DEPTH_REMOVED = 64, /* in one round: a descriptor for each */
    NAMES_TRIED = 1000,
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

/* ---- removing ---- */

typedef struct {
    int top;        /* the tree's own folder */
    unsigned moved; /* folders that were moved up there */
} removal;

/* Software may have closed its folders, also to itself, and then to us where we are its user. */
static int open_to_empty(int dir, const char *name)
{
    const int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir, name, how);

    if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
        fd = openat(dir, name, how);
    if (fd >= 0)
        (void)fchmod(fd, 0700);
    return fd;
}

/* True: it is a folder, and still there. */
static bool is_left_as_folder(int dir, const char *name)
{
    return unlinkat(dir, name, 0) != 0 && (errno == EISDIR || errno == EPERM);
}

/* What is deeper than we go down is removed from the top, in another round. */
static void move_up(removal *r, int dir, const char *name)
{
    char to[16];

    for (unsigned tries = 0; tries < NAMES_TRIED; tries++) {
        (void)snprintf(to, sizeof to, ".%u", r->moved + tries);
        if (renameat2(dir, name, r->top, to, RENAME_NOREPLACE) == 0) {
            r->moved++;
            return;
        }
    }
}

static void empty(removal *r, int dir, unsigned depth);

static void remove_one(removal *r, int dir, const char *name, unsigned depth)
{
    int fd;

    if (!is_left_as_folder(dir, name))
        return;
    fd = open_to_empty(dir, name);
    if (fd < 0)
        return;
    if (depth == 0) {
        (void)close(fd);
        move_up(r, dir, name);
        return;
    }
    empty(r, fd, depth - 1); /* closes it */
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

static void empty(removal *r, int dir, unsigned depth)
{
    DIR *d = fdopendir(dir);
    const struct dirent *e;

    if (d == NULL) {
        (void)close(dir);
        return;
    }
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_one(r, dirfd(d), e->d_name, depth);
    }
    (void)closedir(d);
}

/* Software may have made more directories in its data than a package may have. */
void tsr_tree_remove(int dir, const char *name)
{
    removal r = { .top = -1 };
    unsigned before;

    if (!is_left_as_folder(dir, name))
        return;
    r.top = open_to_empty(dir, name);
    if (r.top < 0)
        return;
    do {
        int again = openat(r.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        before = r.moved;
        if (again >= 0)
            empty(&r, again, DEPTH_REMOVED);
    } while (r.moved != before);
    (void)close(r.top);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

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
