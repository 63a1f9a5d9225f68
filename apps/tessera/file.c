/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that the tools read whole, and those that hold a secret. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/tessera/tessera.h"
#include "ports/linux/host/write.h"

enum { FILE_MAX = 1 << 20 };

uint8_t *read_file(const char *tool, const char *path, tsr_bytes *out)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    uint8_t *data = need(malloc(FILE_MAX + 1));
    size_t len = f != NULL ? fread(data, 1, FILE_MAX + 1, f) : 0;
    bool good = f != NULL && ferror(f) == 0;
    int why = errno;

    if (!standard && f != NULL)
        (void)fclose(f);
    *out = tsr_view(data, len);
    if (good && len <= FILE_MAX)
        return data;
    (void)fprintf(stderr, "tessera %s: %s: %s\n", tool, path,
                  good ? "longer than 1 MiB" : strerror(why));
    free(data);
    return NULL;
}

bool write_secret(const char *tool, const char *path, tsr_bytes content, const char *what)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    bool good = fd >= 0 && tsr_host_write_all(fd, content) && fsync(fd) == 0;
    int why = errno;

    if (fd >= 0)
        (void)close(fd);
    if (good)
        return true;
    if (fd >= 0)
        (void)unlink(path);
    (void)fprintf(stderr, "tessera %s: %s cannot be written: %s", tool, path, strerror(why));
    if (why == EEXIST)
        (void)fprintf(stderr, "; a %s is never replaced, name another file", what);
    (void)fputc('\n', stderr);
    return false;
}
