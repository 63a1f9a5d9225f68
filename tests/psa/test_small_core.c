/* SPDX-License-Identifier: Apache-2.0
 *
 * The core of a microcontroller (its AES, its P-256, memory from a pool) on the published vectors
 * of what it has; tests/vectors/psa/README.md has their format. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "secure/crypto/pool.h"
#include "tests/secure/core.h"
#include "tests/secure/flash_sim.h"

static sim flash;

static int power_on(void **state)
{
    (void)state;
    sim_open(&flash, 32 * 4096, 4096, 8, true, 1);
    return core_open(&flash.flash) == TSR_OK ? 0 : -1;
}

/* Whatever the core took, it gave back. */
static int power_off(void **state)
{
    tsr_pool *pool = tsr_pool_here();
    void *all;

    (void)state;
    core_close();
    sim_close(&flash);
    all = tsr_pool_take(pool, (size_t)(pool->end - pool->first) - 1, sizeof(tsr_pool_unit));
    tsr_pool_give(pool, all);
    return all != NULL ? 0 : -1;
}

/* ---- the cases ---- */

#define CASE_MAX 16384

typedef struct {
    FILE *file;
    const char *name, *begin;
    unsigned line, cases;
    char text[CASE_MAX];
    uint8_t bytes[CASE_MAX];
    size_t used;
} reader;

static reader r;

static void open_cases(const char *name, const char *begin)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/tests/vectors/psa/%s", TSR_SOURCE_DIR, name);
    r = (reader){ .file = fopen(path, "r"), .name = name, .begin = begin };
    assert_non_null(r.file);
}

/* The next line that begins as those we want; long values that have a name (@) are left out. */
static bool next_case(void)
{
    while (fgets(r.text, sizeof r.text, r.file) != NULL) {
        r.line++;
        r.used = 0;
        if (strncmp(r.text, r.begin, strlen(r.begin)) == 0 && strchr(r.text, '@') == NULL &&
            strchr(r.text, '\n') != NULL) {
            r.text[strcspn(r.text, "\n")] = 0;
            r.cases++;
            return true;
        }
    }
    (void)fclose(r.file);
    print_message("%s: %u cases of %s\n", r.name, r.cases, r.begin);
    return false;
}

static const char *value(const char *field)
{
    size_t len = strlen(field);

    for (const char *at = r.text; (at = strstr(at, field)) != NULL; at += len)
        if (at[-1] == ' ' && at[len] == '=')
            return at + len + 1;
    return "";
}

static tsr_bytes bytes(const char *field)
{
    const char *text = value(field);
    tsr_bytes out = { r.bytes + r.used, 0 };
    unsigned byte;

    for (; sscanf(text, "%2x", &byte) == 1 && text[0] != ' '; text += 2, out.len++)
        r.bytes[r.used++] = (uint8_t)byte;
    return out;
}

static bool result_is(const char *result)
{
    return strcmp(value("result"), result) == 0;
}

static psa_status_t import(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg,
                           tsr_bytes material, mbedtls_svc_key_id_t *key)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, type);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    *key = MBEDTLS_SVC_KEY_ID_INIT;
    return psa_import_key(&a, material.ptr, material.len, key);
}

#define WANT(want, got)                                                                            \
    do {                                                                                           \
        psa_status_t got_ = (got);                                                                 \
        if (got_ != (want))                                                                        \
            fail_msg("%s:%u: %d, not %d", r.name, r.line, (int)got_, (int)(want));                 \
    } while (0)

static void same(tsr_bytes want, const uint8_t *got, size_t len)
{
    if (!tsr_same(want, tsr_view(got, len)))
        fail_msg("%s:%u: other bytes", r.name, r.line);
}

/* ---- the algorithms ---- */

static void test_small_core_seals_as_published(void **state)
{
    static uint8_t out[CASE_MAX];

    (void)state;
    open_cases("aead.txt", "aead alg=ccm type=aes ");
    while (next_case()) {
        psa_algorithm_t alg =
            PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, strtoul(value("tag"), NULL, 10));
        tsr_bytes nonce = bytes("nonce"), ad = bytes("ad"), pt = bytes("pt"), ct = bytes("ct");
        mbedtls_svc_key_id_t key;
        size_t len = 0;

        WANT(PSA_SUCCESS, import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT,
                                 alg, bytes("key"), &key));
        if (result_is("")) {
            WANT(PSA_SUCCESS, psa_aead_encrypt(key, alg, nonce.ptr, nonce.len, ad.ptr, ad.len,
                                               pt.ptr, pt.len, out, sizeof out, &len));
            same(ct, out, len);
            WANT(PSA_SUCCESS, psa_aead_decrypt(key, alg, nonce.ptr, nonce.len, ad.ptr, ad.len,
                                               ct.ptr, ct.len, out, sizeof out, &len));
            same(pt, out, len);
        } else {
            psa_status_t got = psa_aead_decrypt(key, alg, nonce.ptr, nonce.len, ad.ptr, ad.len,
                                                ct.ptr, ct.len, out, sizeof out, &len);

            if (result_is("forged"))
                WANT(PSA_ERROR_INVALID_SIGNATURE, got);
            else if (got != PSA_ERROR_NOT_SUPPORTED)
                WANT(PSA_ERROR_INVALID_ARGUMENT, got);
        }
        WANT(PSA_SUCCESS, psa_destroy_key(key));
    }
    assert_in_range(r.cases, 200, 400);
}

static void test_small_core_authenticates_as_published(void **state)
{
    (void)state;
    open_cases("mac.txt", "mac alg=hmac hash=sha256 ");
    while (next_case()) {
        tsr_bytes msg = bytes("msg"), mac = bytes("mac");
        psa_algorithm_t alg = PSA_ALG_TRUNCATED_MAC(PSA_ALG_HMAC(PSA_ALG_SHA_256), mac.len);
        mbedtls_svc_key_id_t key;

        WANT(PSA_SUCCESS, import(PSA_KEY_TYPE_HMAC, PSA_KEY_USAGE_VERIFY_MESSAGE, alg,
                                 bytes("key"), &key));
        WANT(result_is("forged") ? PSA_ERROR_INVALID_SIGNATURE : PSA_SUCCESS,
             psa_mac_verify(key, alg, msg.ptr, msg.len, mac.ptr, mac.len));
        WANT(PSA_SUCCESS, psa_destroy_key(key));
    }
    assert_in_range(r.cases, 25, 400);
}

static void test_small_core_verifies_as_published(void **state)
{
    const psa_algorithm_t alg = PSA_ALG_ECDSA(PSA_ALG_SHA_256);

    (void)state;
    open_cases("ecdsa.txt", "verify curve=p-256 hash=sha256 ");
    while (next_case()) {
        tsr_bytes msg = bytes("msg"), sig = bytes("sig");
        mbedtls_svc_key_id_t key;
        psa_status_t got;

        WANT(PSA_SUCCESS, import(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1),
                                 PSA_KEY_USAGE_VERIFY_MESSAGE, alg, bytes("pub"), &key));
        got = psa_verify_message(key, alg, msg.ptr, msg.len, sig.ptr, sig.len);
        if (result_is(""))
            WANT(PSA_SUCCESS, got);
        else if (got != PSA_ERROR_INVALID_ARGUMENT)
            WANT(PSA_ERROR_INVALID_SIGNATURE, got);
        WANT(PSA_SUCCESS, psa_destroy_key(key));
    }
    assert_in_range(r.cases, 20, 400);
}

static void test_small_core_agrees_as_published(void **state)
{
    uint8_t out[32];

    (void)state;
    open_cases("agree.txt", "agree curve=p-256 ");
    while (next_case()) {
        tsr_bytes peer = bytes("peer"), want = bytes("out");
        mbedtls_svc_key_id_t key;
        size_t len = 0;
        psa_status_t got;

        WANT(PSA_SUCCESS, import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                                 PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH, bytes("key"), &key));
        got = psa_raw_key_agreement(PSA_ALG_ECDH, key, peer.ptr, peer.len, out, sizeof out, &len);
        if (result_is(""))
            WANT(PSA_SUCCESS, got);
        if (got == PSA_SUCCESS)
            same(want, out, len);
        else if (got != PSA_ERROR_NOT_SUPPORTED)
            WANT(PSA_ERROR_INVALID_ARGUMENT, got);
        WANT(PSA_SUCCESS, psa_destroy_key(key));
    }
    assert_in_range(r.cases, 10, 400);
}

static void test_small_core_derives_as_published(void **state)
{
    static uint8_t out[CASE_MAX];
    const psa_algorithm_t alg = PSA_ALG_HKDF(PSA_ALG_SHA_256);

    (void)state;
    open_cases("derive.txt", "hkdf hash=sha256 ");
    while (next_case()) {
        psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
        tsr_bytes salt = bytes("salt"), info = bytes("info"), want = bytes("out");
        mbedtls_svc_key_id_t key;

        if (!result_is(""))
            continue;
        WANT(PSA_SUCCESS,
             import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, alg, bytes("secret"), &key));
        WANT(PSA_SUCCESS, psa_key_derivation_setup(&op, alg));
        WANT(PSA_SUCCESS, psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SALT,
                                                         salt.ptr, salt.len));
        WANT(PSA_SUCCESS,
             psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_SECRET, key));
        WANT(PSA_SUCCESS, psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO,
                                                         info.ptr, info.len));
        WANT(PSA_SUCCESS, psa_key_derivation_output_bytes(&op, out, want.len));
        same(want, out, want.len);
        WANT(PSA_SUCCESS, psa_key_derivation_abort(&op));
        WANT(PSA_SUCCESS, psa_destroy_key(key));
    }
    assert_in_range(r.cases, 10, 400);
}

static void test_small_core_says_what_it_has_not(void **state)
{
    static const uint8_t key[32] = { 1 };
    mbedtls_svc_key_id_t id;
    uint8_t out[64];
    size_t len;

    (void)state;
    r = (reader){ .name = "absent" };
    WANT(PSA_SUCCESS, import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT, PSA_ALG_GCM,
                             tsr_view(key, 16), &id));
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_aead_encrypt(id, PSA_ALG_GCM, key, 12, NULL, 0, key, 16, out, sizeof out, &len));
    WANT(PSA_SUCCESS, psa_destroy_key(id));
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_hash_compute(PSA_ALG_SHA_512, key, sizeof key, out, sizeof out, &len));
}

static void test_small_core_refuses_without_memory_and_goes_on(void **state)
{
    static const uint8_t material[32] = { 9 };
    tsr_pool *pool = tsr_pool_here();
    void *taken[4096];
    mbedtls_svc_key_id_t id;
    size_t n = 0;

    (void)state;
    r = (reader){ .name = "pool" };
    for (size_t size = 1024; size > 0; size /= 2)
        while ((taken[n] = tsr_pool_take(pool, 1, size)) != NULL)
            n++;
    WANT(PSA_ERROR_INSUFFICIENT_MEMORY,
         import(PSA_KEY_TYPE_HMAC, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_HMAC(PSA_ALG_SHA_256),
                tsr_view(material, sizeof material), &id));
    while (n > 0)
        tsr_pool_give(pool, taken[--n]);
    WANT(PSA_SUCCESS,
         import(PSA_KEY_TYPE_HMAC, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_HMAC(PSA_ALG_SHA_256),
                tsr_view(material, sizeof material), &id));
    WANT(PSA_SUCCESS, psa_destroy_key(id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_small_core_seals_as_published, power_on, power_off),
        cmocka_unit_test_setup_teardown(test_small_core_authenticates_as_published, power_on,
                                        power_off),
        cmocka_unit_test_setup_teardown(test_small_core_verifies_as_published, power_on, power_off),
        cmocka_unit_test_setup_teardown(test_small_core_agrees_as_published, power_on, power_off),
        cmocka_unit_test_setup_teardown(test_small_core_derives_as_published, power_on, power_off),
        cmocka_unit_test_setup_teardown(test_small_core_says_what_it_has_not, power_on, power_off),
        cmocka_unit_test_setup_teardown(test_small_core_refuses_without_memory_and_goes_on,
                                        power_on, power_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
