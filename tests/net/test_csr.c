/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate signing requests; what OpenSSL makes of them is seen in tests/e2e/test_certificate.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "mbedtls/x509_csr.h"
#include "psa/crypto.h"
#include "tessera/net/csr.h"

static psa_key_id_t make_key(psa_key_usage_t usage)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, usage);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    assert_int_equal(psa_generate_key(&attributes, &id), PSA_SUCCESS);
    return id;
}

static int set_up(void **state)
{
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

/* RFC 4514 §2.4: each of these has a meaning in a name, and none may end or change it.
 * RFC 2986 */
static void test_csr_keeps_every_character_of_the_name(void **state)
{
    static const char *const names[] = { "a", "urn:dev:os:1", "a,b+c=d;e<f>g\"h\\i", "#first", " x ",
                                         "CN=x,O=y" };
    psa_key_id_t id = make_key(PSA_KEY_USAGE_SIGN_HASH);

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char room[TSR_CSR_MAX + 1];
        tsr_buf pem = tsr_buf_over(room, TSR_CSR_MAX);
        mbedtls_x509_csr csr;

        assert_int_equal(tsr_csr_write(id, names[i], &pem), TSR_OK);
        room[pem.len] = 0;
        mbedtls_x509_csr_init(&csr);
        assert_int_equal(mbedtls_x509_csr_parse(&csr, pem.ptr, pem.len + 1), 0);
        assert_null(csr.subject.next);
        assert_int_equal(csr.subject.val.len, strlen(names[i]));
        assert_memory_equal(csr.subject.val.p, names[i], strlen(names[i]));
        mbedtls_x509_csr_free(&csr);
    }
    psa_destroy_key(id);
}

/* RFC 5280 */
static void test_csr_has_room_for_the_longest_name(void **state)
{
    char name[TSR_CSR_NAME_MAX + 2], room[TSR_CSR_MAX];
    tsr_buf pem = tsr_buf_over(room, sizeof room);
    psa_key_id_t id = make_key(PSA_KEY_USAGE_SIGN_HASH);

    (void)state;
    memset(name, ',', sizeof name);
    name[TSR_CSR_NAME_MAX] = 0;
    assert_int_equal(tsr_csr_write(id, name, &pem), TSR_OK);
    name[TSR_CSR_NAME_MAX] = ',';
    name[TSR_CSR_NAME_MAX + 1] = 0;
    pem = tsr_buf_over(room, sizeof room);
    assert_int_equal(tsr_csr_write(id, name, &pem), TSR_E_SPACE);
    pem = tsr_buf_over(room, 100);
    assert_int_equal(tsr_csr_write(id, "a", &pem), TSR_E_SPACE);
    psa_destroy_key(id);
}

static void test_csr_refuses_names_and_keys_it_cannot_use(void **state)
{
    char room[TSR_CSR_MAX];
    tsr_buf pem = tsr_buf_over(room, sizeof room);
    psa_key_id_t id = make_key(PSA_KEY_USAGE_SIGN_HASH), mute = make_key(PSA_KEY_USAGE_VERIFY_HASH);

    (void)state;
    assert_int_equal(tsr_csr_write(id, "", &pem), TSR_E_ARGUMENT);
    assert_int_equal(tsr_csr_write(id, "a\nb", &pem), TSR_E_ARGUMENT);
    assert_int_equal(tsr_csr_write(mute, "a", &pem), TSR_E_CRYPTO);
    assert_int_equal(tsr_csr_write(0x1234567, "a", &pem), TSR_E_CRYPTO);
    assert_int_equal(pem.len, 0);
    psa_destroy_key(id);
    psa_destroy_key(mute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csr_keeps_every_character_of_the_name),
        cmocka_unit_test(test_csr_has_room_for_the_longest_name),
        cmocka_unit_test(test_csr_refuses_names_and_keys_it_cannot_use),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
