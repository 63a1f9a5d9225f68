/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ports/linux/device/internal.h"
#include "ports/linux/host/log.h"
#include "tessera/base/hex.h"

/* White space may follow the digits. */
static tsr_err decode(const uint8_t *text, size_t len, tsr_buf *key)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
        len--;
    return len == 0 ? TSR_E_MALFORMED : tsr_hex_get(tsr_view(text, len), key);
}

static tsr_err read_key(const char *file, tsr_buf *key)
{
    uint8_t text[2 * TSR_LWM2M_PSK_MAX + 2];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    int saved = errno;
    tsr_err err = n < 0 ? TSR_E_IO : decode(text, (size_t)n, key);

    if (fd >= 0)
        (void)close(fd);
    tsr_wipe(text, sizeof text);
    errno = saved;
    return err;
}

tsr_err linux_key(const tsr_linux_config *config, uint32_t key)
{
    uint8_t bytes[TSR_LWM2M_PSK_MAX];
    tsr_buf room = tsr_buf_over(bytes, sizeof bytes);
    tsr_err err = read_key(config->key_file, &room);

    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "key", "file=\"%s\" cause=\"%s\" remedy=\"put the key there, as at "
                     "most %d pairs of hexadecimal digits\"", config->key_file,
                     err == TSR_E_IO ? strerror(errno) : "no such digits", TSR_LWM2M_PSK_MAX);
    else if ((err = tsr_lwm2m_security_import(&key, bytes, room.len)) != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "key", "cause=%s remedy=\"start tessera-secured, and name its "
                     "socket\"", tsr_err_name(err));
    tsr_wipe(bytes, sizeof bytes);
    return err;
}
