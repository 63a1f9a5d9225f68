/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/fdo/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/host/system.h"
#include "ports/linux/host/write.h"

static tsr_err refused(void)
{
    return errno == ENOENT ? TSR_E_NOT_FOUND
           : errno == ELOOP || errno == ENOTDIR || errno == EISDIR ? TSR_E_DENIED
                                                                   : TSR_E_IO;
}

/* The next part of a path; false: none that may stand there. */
static bool next_part(const char **at, char part[TSR_BENEATH_NAME])
{
    size_t n = strcspn(*at, "/");

    if (n == 0 || n >= TSR_BENEATH_NAME)
        return false;
    memcpy(part, *at, n);
    part[n] = '\0';
    *at += n;
    return strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
}

/* Goes down folder by folder, so no part is a link and none leads up. */
static tsr_err walk(const char *root, const char *path, int *folder, char last[TSR_BENEATH_NAME])
{
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), next;
    tsr_err err;

    if (dir < 0)
        return TSR_E_IO;
    for (;;) {
        if (!next_part(&path, last)) {
            (void)close(dir);
            return TSR_E_DENIED;
        }
        if (*path == '\0') {
            *folder = dir;
            return TSR_OK;
        }
        path++;
        next = openat(dir, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        err = next < 0 ? refused() : TSR_OK;
        (void)close(dir);
        if (err != TSR_OK)
            return err;
        dir = next;
    }
}

static tsr_err reach(const char *root, tsr_bytes name, int *folder, char last[TSR_BENEATH_NAME])
{
    char path[TSR_BENEATH_NAME];

    if (name.len >= sizeof path)
        return TSR_E_SPACE;
    if (name.len == 0 || memchr(name.ptr, 0, name.len) != NULL)
        return TSR_E_DENIED;
    memcpy(path, name.ptr, name.len);
    path[name.len] = '\0';
    return walk(root, path, folder, last);
}

tsr_err tsr_beneath_read(const char *root, tsr_bytes name, int *fd, uint64_t *len)
{
    char last[TSR_BENEATH_NAME];
    struct stat st;
    int folder, file;
    tsr_err err = reach(root, name, &folder, last);

    if (err != TSR_OK)
        return err;
    file = openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    err = file < 0 ? refused() : TSR_OK;
    (void)close(folder);
    if (err == TSR_OK && fstat(file, &st) != 0)
        err = TSR_E_IO;
    else if (err == TSR_OK && !S_ISREG(st.st_mode))
        err = TSR_E_DENIED;
    if (err != TSR_OK) {
        if (file >= 0)
            (void)close(file);
        return err;
    }
    *fd = file;
    *len = (uint64_t)st.st_size;
    return TSR_OK;
}

void tsr_beneath_init(tsr_beneath_file *f)
{
    memset(f, 0, sizeof *f);
    f->fd = f->folder = -1;
    f->hash = psa_hash_operation_init();
}

void tsr_beneath_drop(tsr_beneath_file *f)
{
    if (f->fd >= 0) {
        (void)unlinkat(f->folder, f->temporary, 0);
        (void)close(f->fd);
        (void)close(f->folder);
        (void)psa_hash_abort(&f->hash);
    }
    tsr_beneath_init(f);
}

/* A name that nobody else writes to, readable as the file will be. */
static tsr_err make(tsr_beneath_file *f)
{
    struct stat st;

    if (fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        return TSR_E_DENIED;
    (void)snprintf(f->temporary, sizeof f->temporary, ".part-%016llx",
                   (unsigned long long)tsr_host_random());
    f->fd = openat(f->folder, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return f->fd < 0 ? refused() : TSR_OK;
}

tsr_err tsr_beneath_begin(tsr_beneath_file *f, const char *root, tsr_bytes name, uint64_t most)
{
    tsr_err err;

    tsr_beneath_drop(f);
    err = reach(root, name, &f->folder, f->name);
    if (err != TSR_OK)
        return err;
    f->most = most;
    err = make(f);
    if (err == TSR_OK && psa_hash_setup(&f->hash, PSA_ALG_SHA_384) != PSA_SUCCESS)
        err = TSR_E_CRYPTO;
    if (err != TSR_OK && f->fd < 0)
        (void)close(f->folder);
    if (err != TSR_OK)
        tsr_beneath_drop(f);
    return err;
}

tsr_err tsr_beneath_write(tsr_beneath_file *f, tsr_bytes data)
{
    if (f->fd < 0)
        return TSR_E_STATE;
    if (data.len > f->most - f->len)
        return TSR_E_SPACE;
    if (data.len != 0 && psa_hash_update(&f->hash, data.ptr, data.len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    f->len += data.len;
    return tsr_host_write_all(f->fd, data) ? TSR_OK : TSR_E_IO;
}

/* The folder is open by O_PATH, which cannot be synced itself. */
static bool sync_folder(int folder)
{
    int dir = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = dir >= 0 && fsync(dir) == 0;

    if (dir >= 0)
        (void)close(dir);
    return good;
}

tsr_err tsr_beneath_commit(tsr_beneath_file *f, tsr_bytes sha384)
{
    uint8_t hash[TSR_BENEATH_SHA384];
    size_t len = 0;
    tsr_err err = TSR_OK;

    if (f->fd < 0)
        return TSR_E_STATE;
    if (psa_hash_finish(&f->hash, hash, sizeof hash, &len) != PSA_SUCCESS ||
        (sha384.len != 0 && !tsr_same(sha384, tsr_view(hash, len))))
        err = TSR_E_CRYPTO;
    if (err == TSR_OK && (fsync(f->fd) != 0 ||
                          renameat(f->folder, f->temporary, f->folder, f->name) != 0 ||
                          !sync_folder(f->folder)))
        err = TSR_E_IO;
    tsr_beneath_drop(f); /* after a rename there is nothing of that name to remove */
    return err;
}
