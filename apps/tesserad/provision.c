/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/tesserad/daemon.h"
#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "tessera/base/hex.h"
#include "tessera/json/base64.h"
#include "tessera/lwm2m/objects/oscore.h"
#include "tessera/lwm2m/objects/security.h"

enum { INPUT_LEN = 512 };

static int complain(const char *cause, const char *remedy)
{
    (void)fprintf(stderr, "tesserad provision: %s; %s\n", cause, remedy);
    return 1;
}

static ssize_t read_all(int fd, uint8_t *room, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, room + len, cap - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static tsr_bytes trim(tsr_bytes text)
{
    while (text.len != 0 && isspace(text.ptr[text.len - 1]))
        text.len--;
    while (text.len != 0 && isspace(text.ptr[0]))
        text = tsr_skip(text, 1);
    return text;
}

static tsr_err decode(const char *format, tsr_bytes input, tsr_buf *key)
{
    if (strcmp(format, "raw") == 0) {
        tsr_put_bytes(key, input);
        return key->err;
    }
    if (strcmp(format, "base64") == 0)
        return tsr_base64_get(trim(input), key);
    return tsr_hex_get(trim(input), key);
}

/* Overwrites and removes the file: what a disk keeps of it besides is beyond a program's reach. */
static void remove_file(const char *path)
{
    static const uint8_t zeros[INPUT_LEN];
    struct stat st;
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &st) == 0) {
        for (off_t left = st.st_size; left > 0; left -= (off_t)sizeof zeros)
            (void)!write(fd, zeros, left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros);
        (void)fsync(fd);
    }
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(path);
}

/* PSA cannot exchange a key in one step, so an existing one is only given up when it is asked for. */
static bool is_there(uint32_t key_id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    return psa_get_key_attributes(key_id, &attributes) == PSA_SUCCESS;
}

static int import(const config_server *server, uint8_t *key, size_t key_len, bool oscore,
                  bool replace)
{
    uint32_t key_id = oscore ? server->oscore_key : server->key;
    tsr_err err;

    if (psa_crypto_init() != PSA_SUCCESS) {
        tsr_wipe(key, key_len);
        return complain("the secure service does not answer",
                        "start tessera-secured, or name its socket under [secured]");
    }
    if (!replace && is_there(key_id)) {
        tsr_wipe(key, key_len);
        return complain("a key with this number is there already, and was left as it is",
                        "add --replace to put the new one in its place");
    }
    err = oscore ? tsr_lwm2m_oscore_import(&key_id, key, key_len)
                 : tsr_lwm2m_security_import(&key_id, key, key_len);
    if (err == TSR_E_TYPE)
        return complain("the key is empty or longer than 64 bytes", "give 16 to 64 bytes");
    if (err != TSR_OK)
        return complain("the secure service refused the key", "see its log");
    if (oscore)
        (void)fprintf(stderr, "provisioned server=%u oscore_key=%u\n", server->short_id, key_id);
    else
        (void)fprintf(stderr, "provisioned server=%u identity=\"%s\" key=%u\n", server->short_id,
                      server->identity, server->key);
    return 0;
}

int daemon_provision(const config *c, uint32_t short_id, const char *key_file, const char *format,
                     bool oscore, bool replace)
{
    const config_server *server = config_find(c, short_id);
    uint8_t input[INPUT_LEN], room[INPUT_LEN];
    tsr_buf key = tsr_buf_over(room, sizeof room);
    int fd, result;
    ssize_t n;
    tsr_err err;

    if (server == NULL || (oscore ? server->oscore_key : server->key) == 0)
        return complain("no such server, or it has no key",
                        oscore ? "add oscore_key = ID to its section" : "add key = ID to its section");
    if (!oscore && server->mode == TSR_LWM2M_MODE_CERTIFICATE)
        return complain("this server uses a certificate, whose key is born behind the wall",
                        "use tesserad request");
    fd = key_file != NULL ? open(key_file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    n = fd >= 0 ? read_all(fd, input, sizeof input) : -1;
    if (fd > STDIN_FILENO)
        (void)close(fd);
    if (n < 0)
        return complain(strerror(errno), "name a readable file with --key-file");
    err = decode(format, tsr_view(input, (size_t)n), &key);
    tsr_wipe(input, sizeof input);
    if (err != TSR_OK) {
        tsr_wipe(room, sizeof room);
        return complain("the key does not have the format that --format says",
                        "use hex, base64 or raw");
    }
    if (c->secured[0] != '\0')
        (void)tsr_gate_socket(c->secured);
    result = import(server, room, key.len, oscore, replace);
    tsr_wipe(room, sizeof room);
    if (result == 0 && key_file != NULL)
        remove_file(key_file);
    return result;
}
