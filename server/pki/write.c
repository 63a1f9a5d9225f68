/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/pki/write.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/x509_csr.h>
#include <psa/crypto.h>
#include <time.h>

int tsr_pki_copy_name(mbedtls_asn1_named_data **to, const mbedtls_x509_name *from)
{
    for (; from != NULL && from->oid.p != NULL; from = from->next) {
        mbedtls_asn1_named_data *n = mbedtls_asn1_store_named_data(
            to, (const char *)from->oid.p, from->oid.len, from->val.p, from->val.len);

        if (n == NULL)
            return MBEDTLS_ERR_X509_ALLOC_FAILED;
        n->val.tag = from->val.tag;
    }
    return 0;
}

void tsr_pki_put_time(int64_t unix_s, char text[TSR_PKI_TIME])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(text, TSR_PKI_TIME, "%Y%m%d%H%M%S", &tm);
}

int tsr_pki_random(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

/* Mbed TLS reads a request and checks none of it: what it found of the signature is private, and
 * there is no accessor for it. */
bool tsr_pki_proves_possession(mbedtls_x509_csr *csr)
{
    mbedtls_md_type_t md = csr->MBEDTLS_PRIVATE(sig_md);
    mbedtls_pk_type_t pk = csr->MBEDTLS_PRIVATE(sig_pk);
    const mbedtls_x509_buf *sig = &csr->MBEDTLS_PRIVATE(sig);
    const mbedtls_md_info_t *hash = mbedtls_md_info_from_type(md);
    uint8_t digest[MBEDTLS_MD_MAX_SIZE];

    if (md != MBEDTLS_MD_SHA256 && md != MBEDTLS_MD_SHA384 && md != MBEDTLS_MD_SHA512)
        return false;
    return hash != NULL && (pk == MBEDTLS_PK_ECDSA || pk == MBEDTLS_PK_RSA) &&
           mbedtls_pk_can_do(&csr->pk, pk) != 0 &&
           mbedtls_md(hash, csr->cri.p, csr->cri.len, digest) == 0 &&
           mbedtls_pk_verify(&csr->pk, md, digest, mbedtls_md_get_size(hash), sig->p, sig->len) ==
               0;
}
