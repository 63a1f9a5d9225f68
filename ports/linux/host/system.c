/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/system.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t tsr_host_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t tsr_host_unix_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int64_t tsr_host_unix_s(void)
{
    return (int64_t)(tsr_host_unix_ms() / 1000);
}

uint64_t tsr_host_random(void)
{
    uint64_t v = 0;

    while (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v) {
        if (errno != EINTR)
            abort(); /* a kernel without randomness: nothing here may go on */
    }
    return v;
}

tsr_err tsr_host_read_text(const char *root, const char *path, char *text, size_t cap)
{
    char whole[PATH_MAX];
    size_t len = 0;
    int fd;

    if (snprintf(whole, sizeof whole, "%s%s", root, path) >= (int)sizeof whole)
        return TSR_E_NOT_FOUND;
    fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return TSR_E_NOT_FOUND;
    while (len < cap) {
        ssize_t n = read(fd, text + len, cap - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    (void)close(fd);
    if (len == cap)
        return TSR_E_SPACE;
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    text[len] = '\0';
    return TSR_OK;
}

tsr_err tsr_host_read_number(const char *root, const char *path, int64_t *v)
{
    char text[32];
    tsr_err err = tsr_host_read_text(root, path, text, sizeof text);

    return err == TSR_OK ? tsr_sdec(tsr_text(text), v) : err;
}

/* "MemTotal:  4030420 kB" */
int64_t tsr_host_meminfo(const char *root, const char *key)
{
    char path[PATH_MAX], line[128], *end;
    int64_t kb = -1;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/proc/meminfo", root);
    f = fopen(path, "re");
    while (f != NULL && kb < 0 && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        kb = strtoll(line + strlen(key), &end, 10);
        if (end == line + strlen(key))
            kb = -1;
    }
    if (f != NULL)
        (void)fclose(f);
    return kb;
}
