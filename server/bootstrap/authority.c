/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bootstrap/authority.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <psa/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/lwm2m/internal.h"
#include "server/pki/write.h"
#include "tessera/base/der.h"
#include "tessera/net/csr.h"

enum { KEY_ID_MAX = 64, CURVE_BITS = 255, /* Transport 5.2.3, Transport 5.2.9.3: none shorter */
       ALT_DNS = 0x82, ALT_URI = 0x86 };

struct bs_authority {
    mbedtls_x509_crt crt;
    mbedtls_pk_context key;
    uint32_t key_id;
    int64_t to_s;
    pthread_mutex_t lock; /* Mbed TLS's contexts are for one thread at a time */
};

static int64_t unix_of(const mbedtls_x509_time *t)
{
    struct tm tm = { .tm_year = t->year - 1900, .tm_mon = t->mon - 1, .tm_mday = t->day,
                     .tm_hour = t->hour, .tm_min = t->min, .tm_sec = t->sec };

    return (int64_t)timegm(&tm);
}

/* --- the authority itself --------------------------------------------------------------- */

static const char *wrong_pair(bs_authority *a)
{
    if (!mbedtls_x509_crt_get_ca_istrue(&a->crt))
        return "it is no CA certificate: give one with basicConstraints CA:TRUE";
    if (mbedtls_pk_setup_opaque(&a->key, mbedtls_svc_key_id_make(0, a->key_id)) != 0 ||
        mbedtls_pk_check_pair(&a->crt.pk, &a->key, tsr_pki_random, NULL) != 0)
        return "its key is another: give the P-256 key that belongs to it";
    return NULL;
}

tsr_err bs_authority_open(const char *certificate, const char *key, bs_authority **out, char *why,
                          size_t why_cap)
{
    bs_authority *a = calloc(1, sizeof *a);
    const char *wrong = "no certificate can be read from it: give a PEM or DER file";
    tsr_err err = TSR_E_ARGUMENT;

    if (!a)
        return TSR_E_SPACE;
    mbedtls_x509_crt_init(&a->crt);
    mbedtls_pk_init(&a->key);
    pthread_mutex_init(&a->lock, NULL);
    if (mbedtls_x509_crt_parse_file(&a->crt, certificate) == 0) {
        a->to_s = unix_of(&a->crt.valid_to);
        err = certificate_key_load(key, &a->key_id, why, why_cap);
        wrong = err == TSR_OK ? wrong_pair(a) : NULL;
    }
    if (wrong != NULL) {
        (void)snprintf(why, why_cap, "%s: %s", certificate, wrong);
        err = TSR_E_ARGUMENT;
    }
    if (err != TSR_OK) {
        bs_authority_close(a);
        return err;
    }
    *out = a;
    return TSR_OK;
}

void bs_authority_close(bs_authority *a)
{
    if (!a)
        return;
    mbedtls_x509_crt_free(&a->crt);
    mbedtls_pk_free(&a->key);
    if (a->key_id)
        psa_destroy_key(a->key_id);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

tsr_bytes bs_authority_certificate(const bs_authority *a)
{
    return tsr_view(a->crt.raw.p, a->crt.raw.len);
}

/* --- requests --------------------------------------------------------------------------- */

static bool is_common_name(const mbedtls_x509_name *n)
{
    return tsr_same(tsr_view(n->oid.p, n->oid.len),
                    tsr_view(MBEDTLS_OID_AT_CN, sizeof MBEDTLS_OID_AT_CN - 1));
}

static const char *wrong_names(const mbedtls_x509_csr *csr, const char *endpoint)
{
    size_t names = 0;

    if (endpoint == NULL)
        return csr->subject_alt_names.buf.p == NULL ? NULL : "it has subject alternative names";
    for (const mbedtls_x509_name *n = &csr->subject; n != NULL && n->oid.p != NULL; n = n->next) {
        if (!is_common_name(n))
            continue;
        names++;
        if (!tsr_same(tsr_view(n->val.p, n->val.len), tsr_text(endpoint)))
            return "the common name is not the endpoint's";
    }
    if (names != 1)
        return "the subject must have the endpoint as its one common name";
    for (const mbedtls_x509_sequence *s = &csr->subject_alt_names; s != NULL && s->buf.p != NULL;
         s = s->next) {
        if ((s->buf.tag != ALT_DNS && s->buf.tag != ALT_URI) ||
            !tsr_same(tsr_view(s->buf.p, s->buf.len), tsr_text(endpoint)))
            return "a subject alternative name is not the endpoint's";
    }
    return NULL;
}

static const char *wrong_request(mbedtls_x509_csr *csr, const char *endpoint)
{
    if (!mbedtls_pk_can_do(&csr->pk, MBEDTLS_PK_ECDSA) ||
        mbedtls_pk_get_bitlen(&csr->pk) < CURVE_BITS)
        return "the key is not on P-256 or a longer curve";
    if (!tsr_pki_proves_possession(csr))
        return "the request is not signed by its own key with ECDSA and SHA-2";
    return wrong_names(csr, endpoint);
}

const char *bs_authority_wrong(tsr_bytes request, const char *endpoint)
{
    mbedtls_x509_csr csr;
    const char *wrong = "the request is no PKCS #10 in DER";

    mbedtls_x509_csr_init(&csr);
    if (request.len <= BS_REQUEST_MAX &&
        mbedtls_x509_csr_parse_der(&csr, request.ptr, request.len) == 0)
        wrong = wrong_request(&csr, endpoint);
    mbedtls_x509_csr_free(&csr);
    return wrong;
}

/* --- certificates ----------------------------------------------------------------------- */

/* RFC 5280 §4.2.1.1: by which of its keys the authority signed. */
static int put_key_id(mbedtls_x509write_cert *crt, const mbedtls_x509_crt *ca)
{
    uint8_t room[KEY_ID_MAX + 8];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes id = tsr_view(ca->subject_key_id.p, ca->subject_key_id.len);

    if (id.len == 0 || id.len > KEY_ID_MAX)
        return 0;
    tsr_der_put_head(&out, TSR_DER_SEQUENCE, tsr_der_len(id.len));
    tsr_der_put_head(&out, 0x80, id.len);
    tsr_put_bytes(&out, id);
    return mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
                                               sizeof MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER - 1, 0,
                                               room, out.len);
}

/* RFC 7030 §4.2.2: a renewal has the names of what it renews, so those of the request are kept. */
static int put_alt_names(mbedtls_x509write_cert *crt, const mbedtls_x509_csr *csr)
{
    uint8_t room[2 * TSR_CSR_NAME_MAX + 16], names[2 * TSR_CSR_NAME_MAX + 8];
    tsr_buf list = tsr_buf_over(names, sizeof names), out = tsr_buf_over(room, sizeof room);

    for (const mbedtls_x509_sequence *s = &csr->subject_alt_names; s != NULL && s->buf.p != NULL;
         s = s->next) {
        tsr_der_put_head(&list, (uint8_t)s->buf.tag, s->buf.len);
        tsr_put_bytes(&list, tsr_view(s->buf.p, s->buf.len));
    }
    if (list.len == 0)
        return 0;
    tsr_der_put_head(&out, TSR_DER_SEQUENCE, list.len);
    tsr_put_bytes(&out, tsr_buf_view(&list));
    if (list.err != TSR_OK || out.err != TSR_OK)
        return MBEDTLS_ERR_X509_BUFFER_TOO_SMALL;
    return mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                               sizeof MBEDTLS_OID_SUBJECT_ALT_NAME - 1, 0, room,
                                               out.len);
}

/* RFC 7925 §4.4: for signatures, by a TLS client. */
static int put_purpose(mbedtls_x509write_cert *crt)
{
    static const mbedtls_asn1_sequence client = {
        .buf = { .tag = MBEDTLS_ASN1_OID, .len = sizeof MBEDTLS_OID_CLIENT_AUTH - 1,
                 .p = (unsigned char *)(uintptr_t)MBEDTLS_OID_CLIENT_AUTH },
    };
    int ret = mbedtls_x509write_crt_set_basic_constraints(crt, 0, -1);

    if (ret == 0)
        ret = mbedtls_x509write_crt_set_key_usage(crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    return ret == 0 ? mbedtls_x509write_crt_set_ext_key_usage(crt, &client) : ret;
}

static int fill(mbedtls_x509write_cert *crt, bs_authority *a, mbedtls_x509_csr *csr,
                const char *subject, const bs_issued *what)
{
    char from[TSR_PKI_TIME], to[TSR_PKI_TIME];
    int ret;

    tsr_pki_put_time(what->from_s, from);
    tsr_pki_put_time(what->to_s, to);
    mbedtls_x509write_crt_set_version(crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(crt, &csr->pk);
    mbedtls_x509write_crt_set_issuer_key(crt, &a->key);
    ret = mbedtls_x509write_crt_set_serial_raw(crt, (unsigned char *)(uintptr_t)what->serial,
                                               sizeof what->serial);
    if (ret == 0)
        ret = mbedtls_x509write_crt_set_validity(crt, from, to);
    if (ret == 0)
        ret = mbedtls_x509write_crt_set_subject_name(crt, subject);
    if (ret == 0)
        ret = tsr_pki_copy_name(&crt->MBEDTLS_PRIVATE(issuer), &a->crt.subject);
    if (ret == 0)
        ret = put_purpose(crt);
    if (ret == 0)
        ret = put_key_id(crt, &a->crt);
    return ret == 0 ? put_alt_names(crt, csr) : ret;
}

static tsr_err sign(bs_authority *a, mbedtls_x509_csr *csr, const char *subject, bs_issued *out)
{
    mbedtls_x509write_cert crt;
    uint8_t room[BS_CERTIFICATE_MAX];
    int len;

    mbedtls_x509write_crt_init(&crt);
    len = fill(&crt, a, csr, subject, out);
    if (len == 0)
        len = mbedtls_x509write_crt_der(&crt, room, sizeof room, tsr_pki_random, NULL);
    mbedtls_x509write_crt_free(&crt);
    if (len <= 0)
        return TSR_E_CRYPTO;
    memcpy(out->der, room + sizeof room - (size_t)len, (size_t)len);
    out->der_len = (size_t)len;
    return TSR_OK;
}

tsr_err bs_authority_issue(bs_authority *a, tsr_bytes request, const char *endpoint, bs_issued *out)
{
    char subject[TSR_CSR_SUBJECT_MAX];
    tsr_buf name = tsr_buf_over(subject, sizeof subject);
    mbedtls_x509_csr csr;
    tsr_err err = tsr_csr_subject(endpoint, &name);

    if (err == TSR_OK && (out->from_s >= a->to_s ||
                          psa_generate_random(out->serial, sizeof out->serial) != PSA_SUCCESS))
        err = TSR_E_CRYPTO;
    if (err != TSR_OK)
        return err;
    out->serial[0] = (uint8_t)((out->serial[0] & 0x7f) | 0x40); /* positive, and 16 bytes long */
    out->to_s = out->to_s < a->to_s ? out->to_s : a->to_s;
    mbedtls_x509_csr_init(&csr);
    pthread_mutex_lock(&a->lock);
    err = mbedtls_x509_csr_parse_der(&csr, request.ptr, request.len) == 0
              ? sign(a, &csr, subject, out)
              : TSR_E_CRYPTO;
    pthread_mutex_unlock(&a->lock);
    mbedtls_x509_csr_free(&csr);
    return err;
}
