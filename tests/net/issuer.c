/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mbedtls/x509_crt.h"
#include "psa/crypto.h"
#include "tests/net/issuer.h"

static int rng(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

uint32_t issuer_key(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    assert_int_equal(psa_generate_key(&attributes, &key), PSA_SUCCESS);
    return key;
}

size_t issuer_sign(mbedtls_pk_context *subject, const char *name, mbedtls_pk_context *issuer,
                   bool is_ca, uint8_t out[ISSUER_DER])
{
    mbedtls_x509write_cert crt;
    unsigned char serial[] = { 1, is_ca };
    uint8_t room[ISSUER_DER];
    int len;

    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, subject);
    mbedtls_x509write_crt_set_issuer_key(&crt, issuer);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&crt, name), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&crt, "CN=authority"), 0);
    assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&crt, serial, sizeof serial), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(&crt, "20200101000000", "20210101000000"),
                     0); /* over: the dates are not the device's affair here */
    assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&crt, is_ca, -1), 0);
    len = mbedtls_x509write_crt_der(&crt, room, sizeof room, rng, NULL);
    mbedtls_x509write_crt_free(&crt);
    assert_true(len > 0);
    memcpy(out, room + sizeof room - len, (size_t)len);
    return (size_t)len;
}

void issuer_pk(mbedtls_pk_context *pk, uint32_t key)
{
    mbedtls_pk_init(pk);
    assert_int_equal(mbedtls_pk_setup_opaque(pk, key), 0);
}
