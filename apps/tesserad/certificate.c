/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "ports/linux/host/pem.h"
#include "psa/crypto.h"
#include "tessera/json/base64.h"
#include "tessera/lwm2m/objects/security.h"
#include "tessera/net/csr.h"

tsr_err certificate_read(const char *path, uint8_t room[CERTIFICATE_MAX], tsr_bytes *der)
{
    uint8_t text[8 * CERTIFICATE_MAX]; /* openssl writes the fields in words before the PEM */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    tsr_err err = TSR_OK;

    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        return TSR_E_IO;
    *der = tsr_view(text, (size_t)n);
    if (n == 0)
        return TSR_E_MALFORMED;
    if (text[0] != 0x30) /* DER begins with a SEQUENCE */
        err = tsr_host_pem(text, (size_t)n, "CERTIFICATE", der);
    if (err == TSR_OK && der->len > CERTIFICATE_MAX)
        err = TSR_E_SPACE;
    if (err != TSR_OK)
        return err;
    memcpy(room, der->ptr, der->len);
    *der = tsr_view(room, der->len);
    return TSR_OK;
}

static int complain(const char *cause, const char *remedy)
{
    (void)fprintf(stderr, "tesserad request: %s; %s\n", cause, remedy);
    return 1;
}

static psa_status_t make_key(uint32_t key_id)
{
    return tsr_lwm2m_security_generate(&key_id) == TSR_OK ? PSA_SUCCESS : PSA_ERROR_GENERIC_ERROR;
}

/* A key that is there is asked for again: a certificate that ends is renewed for the same key. */
static psa_status_t prepare_key(uint32_t key_id, bool replace)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(key_id, &attributes);

    if (status == PSA_SUCCESS && !replace)
        return PSA_KEY_TYPE_IS_ECC_KEY_PAIR(psa_get_key_type(&attributes)) ? PSA_SUCCESS
                                                                          : PSA_ERROR_ALREADY_EXISTS;
    if (status == PSA_SUCCESS)
        status = psa_destroy_key(key_id);
    return status == PSA_SUCCESS || status == PSA_ERROR_INVALID_HANDLE ||
                   status == PSA_ERROR_DOES_NOT_EXIST
               ? make_key(key_id)
               : status;
}

static int put(const char *path, tsr_bytes pem)
{
    FILE *out = path != NULL ? fopen(path, "we") : stdout;
    bool good = out != NULL && fwrite(pem.ptr, 1, pem.len, out) == pem.len && fflush(out) == 0;

    if (path != NULL && out != NULL)
        good = fclose(out) == 0 && good;
    return good ? 0 : complain(strerror(errno), "name a file that can be written with --out");
}

int certificate_request(const config *c, uint32_t short_id, const char *path, bool replace)
{
    const config_server *server = config_find(c, short_id);
    char room[TSR_CSR_MAX];
    tsr_buf pem = tsr_buf_over(room, sizeof room);

    if (server == NULL || server->mode != TSR_LWM2M_MODE_CERTIFICATE)
        return complain("no such server, or it does not use certificates",
                        "write mode = certificate into its section");
    if (c->secured[0] != '\0')
        (void)tsr_gate_socket(c->secured);
    if (psa_crypto_init() != PSA_SUCCESS)
        return complain("the secure service does not answer",
                        "start tessera-secured, or name its socket under [secured]");
    switch (prepare_key(server->key, replace)) {
    case PSA_SUCCESS: break;
    case PSA_ERROR_ALREADY_EXISTS:
        return complain("another kind of key has this number",
                        "choose another `key`, or add --replace to give that one up");
    default: return complain("the secure service refused to make the key", "see its log");
    }
    switch (tsr_csr_write(server->key, c->endpoint, &pem)) {
    case TSR_OK: break;
    case TSR_E_SPACE:
        return complain("the endpoint is longer than a common name may be (64 bytes)",
                        "choose a shorter endpoint");
    case TSR_E_ARGUMENT: return complain("the endpoint cannot be a common name", "use plain text");
    default:             return complain("the key cannot sign the request", "see the service's log");
    }
    if (put(path, tsr_buf_view(&pem)) != 0)
        return 1;
    (void)fprintf(stderr, "requested server=%u common_name=\"%s\" key=%u\n", server->short_id,
                  c->endpoint, server->key);
    return 0;
}
