/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/net/issued.h"

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "tessera/net/certs_only.h"

static int random_bytes(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

static bool is_for_key(mbedtls_x509_crt *crt, uint32_t key_id)
{
    mbedtls_pk_context key;
    bool same = false;

    mbedtls_pk_init(&key);
    if (mbedtls_pk_setup_opaque(&key, mbedtls_svc_key_id_make(0, key_id)) == 0)
        same = mbedtls_pk_check_pair(&crt->pk, &key, random_bytes, NULL) == 0;
    mbedtls_pk_free(&key);
    return same;
}

static bool is_vouched_for(mbedtls_x509_crt *crt, tsr_bytes authorities)
{
    mbedtls_x509_crt list;
    tsr_bytes der;
    uint32_t flags = 0;
    bool good = true;

    mbedtls_x509_crt_init(&list);
    while (good && tsr_certs_only_next(&authorities, &der) == TSR_OK)
        good = mbedtls_x509_crt_parse_der_nocopy(&list, der.ptr, der.len) == 0;
    if (good && mbedtls_x509_crt_verify(crt, &list, NULL, NULL, &flags, NULL, NULL) != 0)
        good = flags != 0 && (flags & ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED |
                                                  MBEDTLS_X509_BADCERT_FUTURE)) == 0;
    mbedtls_x509_crt_free(&list);
    return good;
}

tsr_err tsr_issued_judge(tsr_bytes der, uint32_t key_id, tsr_bytes authorities)
{
    mbedtls_x509_crt crt;
    tsr_err err = TSR_OK;

    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_der_nocopy(&crt, der.ptr, der.len) != 0)
        err = TSR_E_MALFORMED;
    else if (!is_for_key(&crt, key_id))
        err = TSR_E_DENIED;
    else if (!is_vouched_for(&crt, authorities))
        err = TSR_E_CRYPTO;
    mbedtls_x509_crt_free(&crt);
    return err;
}
