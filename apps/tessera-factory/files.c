/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/tessera-factory/device.h"
#include "ports/linux/host/write.h"

#define HEX_MAX 2048u

tsr_err factory_read(const char *file, uint8_t *out, size_t cap, size_t *len)
{
    bool standard = strcmp(file, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    uint8_t more;
    ssize_t n = 0;

    *len = 0;
    if (fd < 0)
        return factory_complain(TSR_E_IO, file, strerror(errno));
    while (*len < cap && ((n = read(fd, out + *len, cap - *len)) > 0 || (n < 0 && errno == EINTR)))
        *len += n > 0 ? (size_t)n : 0;
    if (n > 0 && read(fd, &more, 1) != 0)
        n = -2;
    if (!standard)
        (void)close(fd);
    if (n < 0)
        return factory_complain(n == -2 ? TSR_E_SPACE : TSR_E_IO, file,
                                n == -2 ? "too long" : strerror(errno));
    return TSR_OK;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

tsr_err factory_hex(tsr_bytes text, uint8_t *out, size_t cap, size_t *len)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        int d = digit(c);

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        if (d < 0)
            return TSR_E_MALFORMED;
        if (digits / 2 == cap)
            return TSR_E_SPACE;
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? d << 4 : out[digits / 2] | d);
        digits++;
    }
    *len = digits / 2;
    return digits % 2 == 0 && digits > 0 ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err factory_read_hex(const char *file, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t text[HEX_MAX];
    size_t n = 0;
    tsr_err err = factory_read(file, text, sizeof text, &n);

    if (err == TSR_OK && (err = factory_hex(tsr_view(text, n), out, cap, len)) != TSR_OK)
        (void)factory_complain(err, file,
                               err == TSR_E_SPACE ? "too long" : "hexadecimal digits are wanted");
    tsr_wipe(text, sizeof text);
    return err;
}

static bool sync_directory(const char *file)
{
    char dir[4096];
    const char *slash = strrchr(file, '/');
    const char *rest = slash == file ? "/" : slash == NULL ? "." : "";
    size_t len = slash != NULL ? (size_t)(slash - file) : 0;
    int fd;

    memcpy(dir, file, len);
    memcpy(dir + len, rest, strlen(rest) + 1);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = fsync(fd) == 0;
    (void)close(fd);
    return good;
}

tsr_err factory_write(const char *file, tsr_bytes data, unsigned mode)
{
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.new", file), fd;

    if (n < 0 || (size_t)n >= sizeof temporary)
        return factory_complain(TSR_E_ARGUMENT, file, "the path is too long");
    (void)unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return factory_complain(TSR_E_IO, temporary, strerror(errno));
    bool good = tsr_host_write_all(fd, data) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    good = close(fd) == 0 && good && rename(temporary, file) == 0 && sync_directory(file);
    if (good)
        return TSR_OK;
    (void)factory_complain(TSR_E_IO, file, strerror(errno));
    (void)unlink(temporary);
    return TSR_E_IO;
}
