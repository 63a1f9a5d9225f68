/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of `tessera package`, and the bundle of a directory. */
#include "apps/tessera/package.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/tessera/tessera.h"
#include "ports/linux/bundle/bundle.h"
#include "ports/linux/host/write.h"

int package_read(const char *path, package_bytes *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *out = (package_bytes){ 0 };
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        const char *cause = fd < 0 ? strerror(errno) : "it is no plain file";

        if (fd >= 0)
            (void)close(fd);
        return package_say(PACKAGE_FILE, "%s cannot be read: %s", path, cause);
    }
    if (st.st_size > PACKAGE_MAX) {
        (void)close(fd);
        return package_say(PACKAGE_FILE, "%s is larger than %d MiB", path, PACKAGE_MAX >> 20);
    }
    out->ptr = need(malloc((size_t)st.st_size + 1));
    while (out->len < (size_t)st.st_size) {
        ssize_t n = read(fd, out->ptr + out->len, (size_t)st.st_size - out->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        out->len += (size_t)n;
    }
    (void)close(fd);
    if (out->len == (size_t)st.st_size)
        return PACKAGE_DONE;
    free(out->ptr);
    *out = (package_bytes){ 0 };
    return package_say(PACKAGE_FILE, "%s could not be read to its end", path);
}

int package_write(const char *path, tsr_bytes content, bool secret)
{
    if (secret)
        return write_secret("package", path, content, "key") ? PACKAGE_DONE : PACKAGE_FILE;
    size_t cap = strlen(path) + 16;
    char *fresh = need(malloc(cap));

    (void)snprintf(fresh, cap, "%s.XXXXXX", path);
    int fd = mkostemp(fresh, O_CLOEXEC);
    bool good = fd >= 0 && tsr_host_write_all(fd, content) && fsync(fd) == 0 && fchmod(fd, 0644) == 0 &&
                rename(fresh, path) == 0;
    int cause = errno;

    if (fd >= 0)
        (void)close(fd);
    if (!good && fd >= 0)
        (void)unlink(fresh);
    free(fresh);
    return good ? PACKAGE_DONE
                : package_say(PACKAGE_FILE, "%s cannot be written: %s", path, strerror(cause));
}

/* --- the bundle of a directory ------------------------------------------------------------ */

typedef struct {
    const char *root;
    char **names; /* relative to it */
    size_t count;
} listing;

static int collect(listing *l, const char *below);

static char *join(const char *directory, const char *name)
{
    size_t cap = strlen(directory) + strlen(name) + 2;
    char *path = need(malloc(cap));

    (void)snprintf(path, cap, "%s%s%s", directory, directory[0] != '\0' ? "/" : "", name);
    return path;
}

static int collect_one(listing *l, char *name)
{
    char *path = join(l->root, name);
    struct stat st;
    int code = PACKAGE_DONE;

    if (lstat(path, &st) != 0)
        code = package_say(PACKAGE_FILE, "%s cannot be read: %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        code = collect(l, name);
    else if (!S_ISREG(st.st_mode))
        code = package_say(PACKAGE_FILE,
                           "%s is neither a file nor a directory; a bundle holds plain files, so "
                           "put a copy in its place", path);
    else {
        l->names = need(realloc(l->names, (l->count + 1) * sizeof *l->names));
        l->names[l->count++] = need(strdup(name));
    }
    free(path);
    return code;
}

static int collect(listing *l, const char *below)
{
    char *path = join(l->root, below);
    DIR *dir = opendir(below[0] != '\0' ? path : l->root);
    const struct dirent *entry;
    int code = PACKAGE_DONE;

    if (dir == NULL)
        code = package_say(PACKAGE_FILE, "%s cannot be read: %s", path, strerror(errno));
    while (dir != NULL && code == PACKAGE_DONE && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *name = join(below, entry->d_name);

        code = collect_one(l, name);
        free(name);
    }
    if (dir != NULL)
        (void)closedir(dir);
    free(path);
    return code;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint8_t *more(package_bytes *out, size_t len)
{
    out->ptr = need(realloc(out->ptr, out->len + len));
    uint8_t *at = out->ptr + out->len;

    memset(at, 0, len);
    out->len += len;
    return at;
}

static int add(package_bytes *out, const listing *l, const char *name)
{
    char *path = join(l->root, name);
    package_bytes content;
    struct stat st;
    int code = package_read(path, &content);

    if (code == PACKAGE_DONE && lstat(path, &st) != 0)
        code = package_say(PACKAGE_FILE, "%s: %s", path, strerror(errno));
    if (code == PACKAGE_DONE && out->len + content.len > PACKAGE_MAX)
        code = package_say(PACKAGE_FILE, "the bundle would be larger than %d MiB", PACKAGE_MAX >> 20);
    if (code == PACKAGE_DONE) {
        tsr_buf head = tsr_buf_over(more(out, TSR_BUNDLE_BLOCK), TSR_BUNDLE_BLOCK);

        if (tsr_bundle_put_head(&head, name, (st.st_mode & 0111) != 0 ? 0755 : 0644,
                                content.len) != TSR_OK)
            code = package_say(PACKAGE_FILE, "the name %s is too long for a bundle; shorten it", name);
    }
    if (code == PACKAGE_DONE && content.len > 0)
        memcpy(more(out, content.len + tsr_bundle_padding(content.len)), content.ptr, content.len);
    free(content.ptr);
    free(path);
    return code;
}

int package_bundle(const char *directory, package_bytes *out)
{
    listing l = { .root = directory };
    int code = collect(&l, "");

    *out = (package_bytes){ 0 };
    if (code == PACKAGE_DONE && l.count == 0)
        code = package_say(PACKAGE_FILE, "%s holds no file", directory);
    if (code == PACKAGE_DONE && l.names != NULL)
        qsort(l.names, l.count, sizeof *l.names, by_bytes);
    for (size_t i = 0; i < l.count && code == PACKAGE_DONE; i++)
        code = add(out, &l, l.names[i]);
    if (code == PACKAGE_DONE)
        (void)more(out, 2 * (size_t)TSR_BUNDLE_BLOCK);
    for (size_t i = 0; i < l.count; i++)
        free(l.names[i]);
    free(l.names);
    if (code != PACKAGE_DONE) {
        free(out->ptr);
        *out = (package_bytes){ 0 };
    }
    return code;
}
