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
#define WRAPPED   "TsrRoot2"
#define MAGIC_LEN 8u
#define EXTRA     (MAGIC_LEN + 4u) /* around the secret, or what wraps it */
#define FILE_MAX  (EXTRA + TSR_ROOT_WRAPPED_MAX)

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

static tsr_err encode(tsr_root_sealed *s, const uint8_t huk[TSR_ROOT_BYTES], tsr_buf *out)
{
    tsr_err err = TSR_OK;

    tsr_put_text(out, s->wrap != NULL ? WRAPPED : MAGIC);
    if (s->wrap != NULL)
        err = s->wrap->wrap(s->wrap->self, huk, out, &s->cause, &s->remedy);
    else
        tsr_put_bytes(out, tsr_view(huk, TSR_ROOT_BYTES));
    tsr_put_u32(out, tsr_crc32(0, out->ptr, out->len));
    return err == TSR_OK ? out->err : err;
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

/* Whether it is a file of this kind, or of the other one, undamaged. */
static bool is_kind(tsr_bytes file, const char *magic)
{
    tsr_bytes crc = tsr_skip(file, file.len - 4);
    uint32_t want;

    return tsr_same(tsr_first(file, MAGIC_LEN), tsr_text(magic)) &&
           tsr_get_u32(&crc, &want) == TSR_OK && want == tsr_crc32(0, file.ptr, file.len - 4);
}

static tsr_err parse(tsr_root_sealed *s, tsr_bytes file, uint8_t huk[TSR_ROOT_BYTES])
{
    tsr_bytes inside = { file.ptr + MAGIC_LEN, file.len - EXTRA };

    if (is_kind(file, s->wrap != NULL ? MAGIC : WRAPPED))
        return s->wrap != NULL
                   ? fail(s, TSR_E_DENIED, "the root key's file is not sealed to a TPM",
                          "start without --tpm, or provision the device anew with its TPM")
                   : fail(s, TSR_E_DENIED, "the root key's file is sealed to a TPM",
                          "name the TPM with --tpm");
    if (!is_kind(file, s->wrap != NULL ? WRAPPED : MAGIC))
        return TSR_E_MALFORMED;
    if (s->wrap != NULL)
        return s->wrap->unwrap(s->wrap->self, inside, huk, &s->cause, &s->remedy);
    if (inside.len != TSR_ROOT_BYTES)
        return TSR_E_MALFORMED;
    memcpy(huk, inside.ptr, TSR_ROOT_BYTES);
    return TSR_OK;
}

static tsr_err decode(tsr_root_sealed *s, uint8_t huk[TSR_ROOT_BYTES])
{
    uint8_t file[FILE_MAX];
    tsr_err err = TSR_E_MALFORMED;

    if (s->len > EXTRA && s->len <= sizeof file)
        err = read_at(s->fd, file, s->len) ? parse(s, tsr_view(file, s->len), huk) : TSR_E_IO;
    tsr_wipe(file, sizeof file);
    return err;
}

static tsr_err sealed_unseal(void *self, uint8_t huk[TSR_ROOT_BYTES])
{
    tsr_root_sealed *s = self;

    return s->fd >= 0 ? decode(s, huk) : TSR_E_NOT_FOUND;
}

/* Inside the sandbox a name cannot be removed, bytes can be overwritten; it is they that count. */
static tsr_err sealed_destroy(void *self)
{
    static const uint8_t zeros[FILE_MAX];
    tsr_root_sealed *s = self;

    if (s->fd < 0)
        return TSR_OK;
    if (!write_at(s->fd, zeros, s->len) || fdatasync(s->fd) != 0)
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
    s->len = st.st_size <= (off_t)FILE_MAX ? (size_t)st.st_size : 0;
    err = decode(s, huk);
    tsr_wipe(huk, sizeof huk);
    if (err != TSR_OK && s->cause != NULL)
        return err;
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
    uint8_t file[FILE_MAX];
    tsr_buf out = tsr_buf_over(file, sizeof file);
    tsr_err err = encode(s, huk, &out);

    s->len = out.len;
    if (err == TSR_OK && (!write_at(s->fd, file, out.len) || fsync(s->fd) != 0))
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

static void begin(tsr_root_sealed *s, const tsr_root_wrap *wrap)
{
    *s = (tsr_root_sealed){ .dir = -1, .fd = -1, .wrap = wrap };
    s->source = (tsr_root_source){ s, sealed_unseal, sealed_destroy, s->path };
}

tsr_err tsr_root_sealed_open_wrapped(tsr_root_sealed *s, const char *path, bool make,
                                     const tsr_root_wrap *wrap)
{
    tsr_err err;

    begin(s, wrap);
    err = enter(s, path);
    if (err == TSR_OK)
        err = existing(s);
    if (err == TSR_E_NOT_FOUND && make)
        err = make_fresh(s);
    if (err != TSR_OK)
        tsr_root_sealed_close(s);
    return err;
}

tsr_err tsr_root_sealed_make_wrapped(tsr_root_sealed *s, const char *path,
                                     const uint8_t huk[TSR_ROOT_BYTES], const tsr_root_wrap *wrap)
{
    tsr_err err;

    begin(s, wrap);
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

tsr_err tsr_root_sealed_open(tsr_root_sealed *s, const char *path, bool make)
{
    return tsr_root_sealed_open_wrapped(s, path, make, NULL);
}

tsr_err tsr_root_sealed_make(tsr_root_sealed *s, const char *path,
                             const uint8_t huk[TSR_ROOT_BYTES])
{
    return tsr_root_sealed_make_wrapped(s, path, huk, NULL);
}

void tsr_root_sealed_close(tsr_root_sealed *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->dir >= 0)
        (void)close(s->dir);
    s->fd = s->dir = -1;
}
