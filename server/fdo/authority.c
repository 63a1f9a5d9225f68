/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/fdo/authority.h"

#include <mbedtls/x509_csr.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/pki/write.h"

enum { CERTIFICATE_MAX = 4096, SERIAL = 16 };

/* RFC 5280 §4.1.2.5: without an end that would be known. */
static const char never[] = "99991231235959";

struct fdo_authority {
    mbedtls_x509_crt crt;
    mbedtls_pk_context key;
    pthread_mutex_t lock; /* Mbed TLS's contexts are for one thread at a time */
};

static const char *wrong(fdo_authority *a, const char *certificate, const char *key)
{
    if (mbedtls_x509_crt_parse_file(&a->crt, certificate) != 0)
        return "no certificate can be read from it: give a PEM or DER file";
    if (!mbedtls_x509_crt_get_ca_istrue(&a->crt))
        return "it is no CA certificate: give one with basicConstraints CA:TRUE";
    if (mbedtls_pk_parse_keyfile(&a->key, key, NULL, tsr_pki_random, NULL) != 0)
        return "its key cannot be read: give a PEM or DER file, not encrypted";
    if (mbedtls_pk_check_pair(&a->crt.pk, &a->key, tsr_pki_random, NULL) != 0)
        return "its key is another: give the one that belongs to it";
    return NULL;
}

tsr_err fdo_authority_open(const char *certificate, const char *key, fdo_authority **out, char *why,
                           size_t why_cap)
{
    fdo_authority *a = calloc(1, sizeof *a);
    const char *cause;

    if (a == NULL)
        return TSR_E_SPACE;
    (void)pthread_mutex_init(&a->lock, NULL);
    mbedtls_x509_crt_init(&a->crt);
    mbedtls_pk_init(&a->key);
    cause = wrong(a, certificate, key);
    if (cause == NULL) {
        *out = a;
        return TSR_OK;
    }
    (void)snprintf(why, why_cap, "%s: %s", certificate, cause);
    fdo_authority_close(a);
    return TSR_E_ARGUMENT;
}

void fdo_authority_close(fdo_authority *a)
{
    if (a == NULL)
        return;
    mbedtls_pk_free(&a->key);
    mbedtls_x509_crt_free(&a->crt);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

tsr_bytes fdo_authority_certificate(const fdo_authority *a)
{
    return tsr_view(a->crt.raw.p, a->crt.raw.len);
}

static bool good_key(const mbedtls_pk_context *pk)
{
    size_t bits = mbedtls_pk_get_bitlen(pk);

    if (mbedtls_pk_can_do(pk, MBEDTLS_PK_ECDSA))
        return bits == 256 || bits == 384;
    return mbedtls_pk_get_type(pk) == MBEDTLS_PK_RSA && (bits == 2048 || bits == 3072);
}

static int set_subject(mbedtls_x509write_cert *crt, const mbedtls_x509_csr *csr, const char *name)
{
    char subject[160];

    if (csr->subject.oid.p != NULL)
        return tsr_pki_copy_name(&crt->MBEDTLS_PRIVATE(subject), &csr->subject);
    (void)snprintf(subject, sizeof subject, "CN=%.100s", name);
    return mbedtls_x509write_crt_set_subject_name(crt, subject);
}

static int fill(mbedtls_x509write_cert *crt, fdo_authority *a, mbedtls_x509_csr *csr,
                const char *name, int64_t unix_s)
{
    uint8_t serial[SERIAL];
    char from[TSR_PKI_TIME];
    bool long_hash = mbedtls_pk_get_bitlen(&a->key) == 384;
    int ret = tsr_pki_random(NULL, serial, sizeof serial);

    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    tsr_pki_put_time(unix_s - 86400, from); /* clocks of readers differ */
    mbedtls_x509write_crt_set_version(crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(crt, long_hash ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(crt, &csr->pk);
    mbedtls_x509write_crt_set_issuer_key(crt, &a->key);
    if (ret == 0)
        ret = mbedtls_x509write_crt_set_serial_raw(crt, serial, sizeof serial);
    if (ret == 0)
        ret = mbedtls_x509write_crt_set_validity(crt, from, never);
    if (ret == 0)
        ret = set_subject(crt, csr, name);
    if (ret == 0)
        ret = tsr_pki_copy_name(&crt->MBEDTLS_PRIVATE(issuer), &a->crt.subject);
    if (ret == 0)
        ret = mbedtls_x509write_crt_set_basic_constraints(crt, 0, -1);
    return ret == 0 ? mbedtls_x509write_crt_set_key_usage(crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE)
                    : ret;
}

static tsr_err sign(fdo_authority *a, mbedtls_x509_csr *csr, const char *name, int64_t unix_s,
                    tsr_buf *der)
{
    mbedtls_x509write_cert crt;
    uint8_t room[CERTIFICATE_MAX];
    int len;

    if (!good_key(&csr->pk))
        return TSR_E_UNSUPPORTED;
    if (!tsr_pki_proves_possession(csr))
        return TSR_E_CRYPTO;
    mbedtls_x509write_crt_init(&crt);
    len = fill(&crt, a, csr, name, unix_s);
    if (len == 0)
        len = mbedtls_x509write_crt_der(&crt, room, sizeof room, tsr_pki_random, NULL);
    mbedtls_x509write_crt_free(&crt);
    if (len <= 0)
        return TSR_E_CRYPTO;
    tsr_put_bytes(der, tsr_view(room + sizeof room - (size_t)len, (size_t)len));
    return der->err;
}

tsr_err fdo_authority_issue(fdo_authority *a, tsr_bytes request, const char *name, int64_t unix_s,
                            tsr_buf *der)
{
    mbedtls_x509_csr csr;
    tsr_err err = TSR_E_MALFORMED;

    mbedtls_x509_csr_init(&csr);
    pthread_mutex_lock(&a->lock);
    if (mbedtls_x509_csr_parse_der(&csr, request.ptr, request.len) == 0)
        err = sign(a, &csr, name, unix_s, der);
    pthread_mutex_unlock(&a->lock);
    mbedtls_x509_csr_free(&csr);
    return err;
}
