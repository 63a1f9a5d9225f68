/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/net/csr.h"

#include <string.h>

#include "mbedtls/pk.h"
#include "mbedtls/x509_csr.h"

/* RFC 4514 §2.4: what has a meaning of its own in a distinguished name gets a backslash. */
tsr_err tsr_csr_subject(const char *common_name, tsr_buf *out)
{
    size_t len = strlen(common_name);

    if (len > TSR_CSR_NAME_MAX)
        return TSR_E_SPACE;
    tsr_put_text(out, "CN=");
    for (size_t i = 0; i < len; i++) {
        uint8_t ch = (uint8_t)common_name[i];

        if (ch < 0x20 || ch == 0x7f)
            return TSR_E_ARGUMENT;
        if (strchr(",+\"\\<>;=", ch) != NULL || (i == 0 && (ch == '#' || ch == ' ')) ||
            (i + 1 == len && ch == ' '))
            tsr_put_u8(out, '\\');
        tsr_put_u8(out, ch);
    }
    tsr_put_u8(out, 0);
    return len == 0 ? TSR_E_ARGUMENT : out->err;
}

typedef tsr_err writer(mbedtls_x509write_csr *csr, tsr_buf *out);

/* With PSA the signature's random numbers are the service's own. */
static tsr_err write_pem(mbedtls_x509write_csr *csr, tsr_buf *pem)
{
    unsigned char room[TSR_CSR_MAX + 1];

    if (mbedtls_x509write_csr_pem(csr, room, sizeof room, NULL, NULL) != 0)
        return TSR_E_CRYPTO;
    tsr_put_text(pem, (const char *)room);
    return pem->err;
}

/* Mbed TLS writes it at the end of the room. */
static tsr_err write_der(mbedtls_x509write_csr *csr, tsr_buf *der)
{
    unsigned char room[TSR_CSR_MAX];
    int len = mbedtls_x509write_csr_der(csr, room, sizeof room, NULL, NULL);

    if (len <= 0)
        return TSR_E_CRYPTO;
    tsr_put_bytes(der, tsr_view(room + sizeof room - (size_t)len, (size_t)len));
    return der->err;
}

static tsr_err write_with(mbedtls_x509write_csr *csr, mbedtls_pk_context *key, const char *name,
                          writer *write, tsr_buf *out)
{
    if (mbedtls_x509write_csr_set_subject_name(csr, name) != 0)
        return TSR_E_ARGUMENT;
    mbedtls_x509write_csr_set_key(csr, key);
    mbedtls_x509write_csr_set_md_alg(csr, MBEDTLS_MD_SHA256);
    if (mbedtls_x509write_csr_set_key_usage(csr, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
        return TSR_E_CRYPTO;
    return write(csr, out);
}

static tsr_err request(uint32_t key_id, const char *common_name, writer *write, tsr_buf *out)
{
    char room[TSR_CSR_SUBJECT_MAX];
    tsr_buf name = tsr_buf_over(room, sizeof room);
    mbedtls_pk_context key;
    mbedtls_x509write_csr csr;
    tsr_err err = tsr_csr_subject(common_name, &name);

    if (err != TSR_OK)
        return err;
    mbedtls_pk_init(&key);
    mbedtls_x509write_csr_init(&csr);
    err = TSR_E_CRYPTO;
    if (mbedtls_pk_setup_opaque(&key, mbedtls_svc_key_id_make(0, key_id)) == 0)
        err = write_with(&csr, &key, room, write, out);
    mbedtls_x509write_csr_free(&csr);
    mbedtls_pk_free(&key);
    return err;
}

tsr_err tsr_csr_write(uint32_t key_id, const char *common_name, tsr_buf *pem)
{
    return request(key_id, common_name, write_pem, pem);
}

tsr_err tsr_csr_write_der(uint32_t key_id, const char *common_name, tsr_buf *der)
{
    return request(key_id, common_name, write_der, der);
}
