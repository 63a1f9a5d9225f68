/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/root/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secure/storage/crc32.h"

#define MAGIC     "TsrRoot1"
#define MAGIC_LEN 8u
#define FILE_LEN  (MAGIC_LEN + TSR_ROOT_BYTES + 4u)

static tsr_err fail(tsr_root_sealed *s, tsr_err err, const char *cause, const char *remedy)
{
    s->cause = cause;
    s->remedy = remedy;
    return err;
}

static tsr_err fail_errno(tsr_root_sealed *s, const char *cause)
{
    s->cause_errno = errno;
    switch (errno) {
    case ENOSPC:
    case EDQUOT: return fail(s, TSR_E_SPACE, cause, "make room on the disk");
    case EACCES:
    case EPERM:
    case EROFS: return fail(s, TSR_E_DENIED, cause, "check who owns the file and its directory");
    default: return fail(s, TSR_E_IO, cause, "check the path and the disk");
    }
}

static void encode(const uint8_t huk[TSR_ROOT_BYTES], uint8_t out[FILE_LEN])
{
    tsr_buf b = tsr_buf_over(out, FILE_LEN);

    tsr_put_text(&b, MAGIC);
    tsr_put_bytes(&b, tsr_view(huk, TSR_ROOT_BYTES));
    tsr_put_u32(&b, tsr_crc32(0, out, FILE_LEN - 4));
}

static bool read_at(int fd, uint8_t *out, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, out + done, len - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool write_at(int fd, const uint8_t *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, data + done, len - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static tsr_err decode(int fd, uint8_t huk[TSR_ROOT_BYTES])
{
    uint8_t file[FILE_LEN], again[FILE_LEN];
    tsr_err err = read_at(fd, file, sizeof file) ? TSR_OK : TSR_E_IO;

    if (err == TSR_OK) {
        encode(file + MAGIC_LEN, again);
        if (memcmp(file, again, sizeof file) != 0)
            err = TSR_E_MALFORMED;
        else
            memcpy(huk, file + MAGIC_LEN, TSR_ROOT_BYTES);
    }
    tsr_wipe(file, sizeof file);
    tsr_wipe(again, sizeof again);
    return err;
}

static tsr_err sealed_unseal(void *self, uint8_t huk[TSR_ROOT_BYTES])
{
    const tsr_root_sealed *s = self;

    return s->fd >= 0 ? decode(s->fd, huk) : TSR_E_NOT_FOUND;
}

/* Inside the sandbox a name cannot be removed, bytes can be overwritten; it is they that count. */
static tsr_err sealed_destroy(void *self)
{
    static const uint8_t zeros[FILE_LEN];
    tsr_root_sealed *s = self;

    if (s->fd < 0)
        return TSR_OK;
    if (!write_at(s->fd, zeros, sizeof zeros) || fdatasync(s->fd) != 0)
        return fail_errno(s, "the root key's file cannot be overwritten");
    return TSR_OK;
}

/* Splits the path and opens its directory, where every later step happens. */
static tsr_err enter(tsr_root_sealed *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    size_t dir_len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    struct stat st;

    if (*file == 0 || strlen(file) > 200 || strlen(path) >= sizeof s->path)
        return fail(s, TSR_E_ARGUMENT, "the path names no file, or is too long",
                    "name another file with --root-key");
    memcpy(s->path, slash != NULL ? path : ".", slash != NULL ? dir_len : 1);
    s->path[slash != NULL ? dir_len : 1] = 0;
    s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    memcpy(s->path, path, strlen(path) + 1);
    memcpy(s->file, file, strlen(file) + 1);
    if (s->dir < 0 || fstat(s->dir, &st) != 0)
        return fail_errno(s, "the root key's directory cannot be opened");
    if ((st.st_mode & 022) != 0 && (st.st_mode & S_ISVTX) == 0)
        return fail(s, TSR_E_DENIED, "others may write the root key's directory",
                    "chmod go-w the directory, or name another file with --root-key");
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return fail(s, TSR_E_DENIED, "the root key's directory belongs to another user",
                    "chown it to the user that the service runs as");
    return TSR_OK;
}

static tsr_err check(tsr_root_sealed *s)
{
    struct stat st;
    uint8_t huk[TSR_ROOT_BYTES];
    tsr_err err;

    if (fstat(s->fd, &st) != 0)
        return fail_errno(s, "the root key's file cannot be examined");
    if (!S_ISREG(st.st_mode))
        return fail(s, TSR_E_DENIED, "the root key is no plain file",
                    "name another file with --root-key");
    if (st.st_uid != geteuid())
        return fail(s, TSR_E_DENIED, "the root key's file belongs to another user",
                    "chown it to the user that the service runs as");
    if ((st.st_mode & 077) != 0)
        return fail(s, TSR_E_DENIED, "others have permissions on the root key's file",
                    "chmod 600; if others may have read it, provision the device anew");
    err = st.st_size == FILE_LEN ? decode(s->fd, huk) : TSR_E_MALFORMED;
    tsr_wipe(huk, sizeof huk);
    if (err == TSR_E_MALFORMED)
        return fail(s, err, "the root key's file is damaged, destroyed, or something else",
                    "restore a copy; without it what it protects is lost");
    return err == TSR_OK ? err : fail_errno(s, "the root key's file cannot be read");
}

static tsr_err existing(tsr_root_sealed *s)
{
    tsr_err err;

    s->fd = openat(s->dir, s->file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (s->fd < 0 && errno == ENOENT)
        return fail(s, TSR_E_NOT_FOUND, "there is no root key",
                    "restore a copy; a new device gets one from tessera-factory");
    if (s->fd < 0 && errno == ELOOP)
        return fail(s, TSR_E_DENIED, "the root key's file is a symbolic link",
                    "put the file itself there, or name it with --root-key");
    if (s->fd < 0)
        return fail_errno(s, "the root key's file cannot be opened");
    err = check(s);
    /* its maker may have died between renaming and syncing */
    if (err == TSR_OK && fsync(s->dir) != 0)
        err = fail_errno(s, "the root key's directory cannot be synced");
    return err;
}

static tsr_err write_new(tsr_root_sealed *s, const char *temporary,
                         const uint8_t huk[TSR_ROOT_BYTES])
{
    uint8_t file[FILE_LEN];
    tsr_err err = TSR_OK;

    encode(huk, file);
    if (!write_at(s->fd, file, sizeof file) || fsync(s->fd) != 0)
        err = fail_errno(s, "the root key's file cannot be written");
    tsr_wipe(file, sizeof file);
    if (err == TSR_OK && renameat(s->dir, temporary, s->dir, s->file) != 0)
        err = fail_errno(s, "the root key's file cannot be given its name");
    if (err == TSR_OK && fsync(s->dir) != 0)
        err = fail_errno(s, "the root key's directory cannot be synced");
    return err;
}

static tsr_err make_file(tsr_root_sealed *s, const uint8_t huk[TSR_ROOT_BYTES])
{
    char temporary[sizeof s->file + 8];
    tsr_err err;

    (void)snprintf(temporary, sizeof temporary, "%s.new", s->file);
    (void)unlinkat(s->dir, temporary, 0); /* what a power cut left */
    s->fd = openat(s->dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return fail_errno(s, "the root key's file cannot be made");
    err = write_new(s, temporary, huk);
    if (err != TSR_OK)
        (void)unlinkat(s->dir, temporary, 0);
    s->made = err == TSR_OK;
    return err;
}

static tsr_err make_fresh(tsr_root_sealed *s)
{
    uint8_t huk[TSR_ROOT_BYTES];
    tsr_err err = TSR_OK;

    if (getrandom(huk, sizeof huk, 0) != (ssize_t)sizeof huk)
        err = fail_errno(s, "the kernel gives no random bytes");
    if (err == TSR_OK)
        err = make_file(s, huk);
    tsr_wipe(huk, sizeof huk);
    return err;
}

static void begin(tsr_root_sealed *s)
{
    *s = (tsr_root_sealed){ .dir = -1, .fd = -1 };
    s->source = (tsr_root_source){ s, sealed_unseal, sealed_destroy, s->path };
}

tsr_err tsr_root_sealed_open(tsr_root_sealed *s, const char *path, bool make)
{
    tsr_err err;

    begin(s);
    err = enter(s, path);
    if (err == TSR_OK)
        err = existing(s);
    if (err == TSR_E_NOT_FOUND && make)
        err = make_fresh(s);
    if (err != TSR_OK)
        tsr_root_sealed_close(s);
    return err;
}

tsr_err tsr_root_sealed_make(tsr_root_sealed *s, const char *path,
                             const uint8_t huk[TSR_ROOT_BYTES])
{
    tsr_err err;

    begin(s);
    err = enter(s, path);
    if (err == TSR_OK)
        err = existing(s);
    if (err == TSR_OK)
        err = fail(s, TSR_E_EXISTS, "there is a root key", "leave it, or take another device");
    else if (err == TSR_E_NOT_FOUND)
        err = make_file(s, huk);
    if (err != TSR_OK)
        tsr_root_sealed_close(s);
    return err;
}

void tsr_root_sealed_close(tsr_root_sealed *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->dir >= 0)
        (void)close(s->dir);
    s->fd = s->dir = -1;
}
