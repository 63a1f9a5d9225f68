/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and their policies across the wall. source  Crypto 1.2 §9 */
#include "tests/psa/wall.h"

#define HMAC256 PSA_ALG_HMAC(PSA_ALG_SHA_256)
#define P256    PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1)
#define AES_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define SIGN    PSA_KEY_USAGE_SIGN_MESSAGE
#define VERIFY  PSA_KEY_USAGE_VERIFY_MESSAGE
#define ENC     (PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT)

static psa_status_t import_as(psa_key_attributes_t *a, psa_key_id_t *key)
{
    *key = 1;
    return psa_import_key(a, TEXT("0123456789abcdef"), key);
}

static void test_attributes_start_empty_and_are_reset(void **state)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(psa_get_key_type(&a), PSA_KEY_TYPE_NONE);
        assert_int_equal(psa_get_key_bits(&a), 0);
        assert_int_equal(psa_get_key_lifetime(&a), PSA_KEY_LIFETIME_VOLATILE);
        assert_int_equal(psa_get_key_id(&a), PSA_KEY_ID_NULL);
        assert_int_equal(psa_get_key_usage_flags(&a), 0);
        assert_int_equal(psa_get_key_algorithm(&a), PSA_ALG_NONE);
        a = wall_attributes(PSA_KEY_TYPE_AES, 128, ENC, PSA_ALG_CTR);
        psa_set_key_id(&a, 77);
        assert_int_equal(psa_get_key_lifetime(&a), PSA_KEY_LIFETIME_PERSISTENT);
        psa_reset_key_attributes(&a);
    }
}

static void test_no_key_and_unknown_keys(void **state)
{
    psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_AES, 128, ENC, PSA_ALG_CTR);
    const psa_key_id_t none[] = { 4711, PSA_KEY_ID_VENDOR_MIN + 5, PSA_KEY_ID_VENDOR_MAX,
                                  0xdeadbeef };
    uint8_t out[32];
    psa_key_id_t copy;
    size_t len;

    (void)state;
    OK(psa_destroy_key(PSA_KEY_ID_NULL));
    WANT(PSA_ERROR_INVALID_HANDLE, psa_get_key_attributes(PSA_KEY_ID_NULL, &a));
    assert_int_equal(psa_get_key_type(&a), PSA_KEY_TYPE_NONE); /* as if it had been reset */
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        WANT(PSA_ERROR_INVALID_HANDLE, psa_get_key_attributes(none[i], &a));
        WANT(PSA_ERROR_INVALID_HANDLE, psa_destroy_key(none[i]));
        WANT(PSA_ERROR_INVALID_HANDLE, psa_purge_key(none[i]));
        WANT(PSA_ERROR_INVALID_HANDLE, psa_export_key(none[i], out, sizeof out, &len));
        assert_int_equal(len, 0);
        WANT(PSA_ERROR_INVALID_HANDLE, psa_export_public_key(none[i], out, sizeof out, &len));
        WANT(PSA_ERROR_INVALID_HANDLE, psa_copy_key(none[i], &a, &copy));
        assert_int_equal(copy, PSA_KEY_ID_NULL);
        WANT(PSA_ERROR_INVALID_HANDLE,
             psa_mac_compute(none[i], HMAC256, TEXT("x"), out, sizeof out, &len));
    }
}

static void test_import_checks_material_and_attributes(void **state)
{
    const struct {
        psa_key_type_t type;
        size_t bits;
        psa_key_usage_t usage;
        psa_algorithm_t alg;
        const char *material;
        psa_status_t want;
    } cases[] = {
        { PSA_KEY_TYPE_AES, 128, ENC, PSA_ALG_CTR, AES_KEY, PSA_SUCCESS },
        { PSA_KEY_TYPE_AES, 0, 0, 0, AES_KEY, PSA_SUCCESS }, /* a key for nothing is a key */
        { PSA_KEY_TYPE_AES, 192, ENC, PSA_ALG_CTR, AES_KEY, PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_AES, 0, ENC, PSA_ALG_CTR, AES_KEY "00", PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_AES, 0, ENC, PSA_ALG_CTR, "", PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_HMAC, 0, SIGN, HMAC256, "", PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_NONE, 0, ENC, PSA_ALG_CTR, AES_KEY, PSA_ERROR_NOT_SUPPORTED },
        { PSA_KEY_TYPE_AES, 128, 0x80000000, PSA_ALG_CTR, AES_KEY, PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_AES, 128, ENC, 0x80545352, AES_KEY, PSA_ERROR_INVALID_ARGUMENT },
        { P256, 0, 0, 0, /* zero, and the order of the group */
          "0000000000000000000000000000000000000000000000000000000000000000",
          PSA_ERROR_INVALID_ARGUMENT },
        { P256, 0, 0, 0, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
          PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_RSA_KEY_PAIR, 0, 0, 0, "3000", PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_DES, 0, ENC, PSA_ALG_ECB_NO_PADDING, "0123456789",
          PSA_ERROR_INVALID_ARGUMENT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psa_key_attributes_t a =
            wall_attributes(cases[i].type, cases[i].bits, cases[i].usage, cases[i].alg);
        hex_bytes m = hex(cases[i].material);
        psa_key_id_t key = 1;

        WANT(cases[i].want, psa_import_key(&a, m.at, m.len, &key));
        if (cases[i].want == PSA_SUCCESS)
            OK(psa_destroy_key(key));
        else
            assert_int_equal(key, PSA_KEY_ID_NULL);
    }
}

/* Crypto 1.2 §9.3 */
static void test_lifetimes_and_locations(void **state)
{
    const struct {
        psa_key_lifetime_t lifetime;
        psa_key_id_t id;
        psa_status_t want;
    } cases[] = {
        { PSA_KEY_LIFETIME_PERSISTENT, 50, PSA_SUCCESS },
        { PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(5, 0), 51, PSA_SUCCESS },
        { PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(PSA_KEY_PERSISTENCE_READ_ONLY, 0), 52,
          PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(1, 1), 53, PSA_ERROR_NOT_SUPPORTED },
        { PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(1, 0x800000), 53,
          PSA_ERROR_NOT_SUPPORTED },
        { PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(0, 1), 0, PSA_ERROR_NOT_SUPPORTED },
        { PSA_KEY_LIFETIME_PERSISTENT, 0, PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_LIFETIME_PERSISTENT, PSA_KEY_ID_USER_MIN, PSA_SUCCESS },
        { PSA_KEY_LIFETIME_PERSISTENT, PSA_KEY_ID_USER_MAX, PSA_SUCCESS },
        { PSA_KEY_LIFETIME_PERSISTENT, PSA_KEY_ID_VENDOR_MIN, PSA_ERROR_INVALID_ARGUMENT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_AES, 128, ENC, PSA_ALG_CTR);
        psa_key_id_t key;

        psa_set_key_id(&a, cases[i].id);
        psa_set_key_lifetime(&a, cases[i].lifetime);
        WANT(cases[i].want, import_as(&a, &key));
        assert_int_equal(key, cases[i].want == PSA_SUCCESS ? cases[i].id : PSA_KEY_ID_NULL);
        if (cases[i].want == PSA_SUCCESS) {
            OK(psa_get_key_attributes(key, &a));
            assert_int_equal(psa_get_key_lifetime(&a), cases[i].lifetime);
            assert_int_equal(psa_get_key_id(&a), cases[i].id);
            WANT(PSA_ERROR_ALREADY_EXISTS, import_as(&a, &key));
            OK(psa_purge_key(cases[i].id));
            OK(psa_purge_key(cases[i].id));
            OK(psa_destroy_key(cases[i].id));
        }
    }
    psa_key_id_t volatile_key = wall_generate(PSA_KEY_TYPE_AES, 128, ENC, PSA_ALG_CTR);

    OK(psa_purge_key(volatile_key)); /* it stays */
    OK(psa_destroy_key(volatile_key));
}

/* PSA_KEY_USAGE_CACHE is kept with the key, and a restart does not lose it. */
static void test_cache_flag_lasts(void **state)
{
    psa_key_usage_t usage = ENC | PSA_KEY_USAGE_CACHE | PSA_KEY_USAGE_COPY;
    psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_AES, 128, usage, PSA_ALG_CTR), got;
    psa_key_id_t plain, cached, copy;

    (void)state;
    got = psa_key_attributes_init();
    OK(import_as(&a, &cached));
    OK(psa_get_key_attributes(cached, &got));
    assert_int_equal(psa_get_key_usage_flags(&got), usage);
    OK(psa_destroy_key(cached));
    for (psa_key_id_t id = 60; id < 62; id++) {
        psa_set_key_id(&a, id);
        psa_set_key_usage_flags(&a, id == 60 ? usage : ENC | PSA_KEY_USAGE_COPY);
        OK(import_as(&a, &plain));
    }
    assert_int_equal(secured_stop(&wall_service), 0);
    assert_true(secured_start(&wall_service, NULL));
    OK(psa_get_key_attributes(60, &got));
    assert_int_equal(psa_get_key_usage_flags(&got), usage);
    OK(psa_get_key_attributes(61, &got));
    assert_int_equal(psa_get_key_usage_flags(&got), ENC | PSA_KEY_USAGE_COPY);
    for (psa_key_id_t id = 60; id < 62; id++) { /* a copy has what both permit */
        a = wall_attributes(PSA_KEY_TYPE_AES, 128, usage, PSA_ALG_CTR);
        OK(psa_copy_key(id, &a, &copy));
        OK(psa_get_key_attributes(copy, &got));
        assert_int_equal(psa_get_key_usage_flags(&got) & PSA_KEY_USAGE_CACHE,
                         id == 60 ? PSA_KEY_USAGE_CACHE : 0);
        OK(psa_destroy_key(copy));
        OK(psa_destroy_key(id));
    }
}

static void test_policy_hash_wildcard(void **state)
{
    psa_key_usage_t usage = PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH;
    psa_key_id_t key = wall_generate(P256, 256, usage, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    psa_key_id_t message = wall_generate(P256, 256, SIGN, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    uint8_t sig[64], hash[48] = { 1 };
    size_t len;

    (void)state;
    OK(psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, sig, 64, &len));
    OK(psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_384), hash, 48, sig, 64, &len));
    OK(psa_sign_message(key, PSA_ALG_ECDSA(PSA_ALG_SHA3_256), TEXT("m"), sig, 64, &len));
    WANT(PSA_ERROR_INVALID_ARGUMENT, /* no wildcard in an operation */
         psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH), hash, 32, sig, 64, &len));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_sign_hash(key, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256), hash, 32, sig, 64, &len));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_sign_hash(message, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, sig, 64, &len));
    OK(psa_sign_message(message, PSA_ALG_ECDSA(PSA_ALG_SHA_256), TEXT("m"), sig, 64, &len));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_verify_message(message, PSA_ALG_ECDSA(PSA_ALG_SHA_256), TEXT("m"), sig, len));
    OK(psa_destroy_key(key));
    OK(psa_destroy_key(message));
}

/* Crypto 1.2 §9.5 */
static void test_policy_mac_lengths(void **state)
{
    const struct {
        psa_algorithm_t policy, alg;
        psa_status_t want;
    } cases[] = {
        { HMAC256, HMAC256, PSA_SUCCESS },
        { HMAC256, PSA_ALG_TRUNCATED_MAC(HMAC256, 32), PSA_SUCCESS },
        { HMAC256, PSA_ALG_TRUNCATED_MAC(HMAC256, 16), PSA_ERROR_NOT_PERMITTED },
        { PSA_ALG_TRUNCATED_MAC(HMAC256, 16), PSA_ALG_TRUNCATED_MAC(HMAC256, 16), PSA_SUCCESS },
        { PSA_ALG_TRUNCATED_MAC(HMAC256, 16), HMAC256, PSA_ERROR_NOT_PERMITTED },
        { PSA_ALG_AT_LEAST_THIS_LENGTH_MAC(HMAC256, 16), HMAC256, PSA_SUCCESS },
        { PSA_ALG_AT_LEAST_THIS_LENGTH_MAC(HMAC256, 16), PSA_ALG_TRUNCATED_MAC(HMAC256, 16),
          PSA_SUCCESS },
        { PSA_ALG_AT_LEAST_THIS_LENGTH_MAC(HMAC256, 16), PSA_ALG_TRUNCATED_MAC(HMAC256, 12),
          PSA_ERROR_NOT_PERMITTED },
        { PSA_ALG_AT_LEAST_THIS_LENGTH_MAC(HMAC256, 16),
          PSA_ALG_AT_LEAST_THIS_LENGTH_MAC(HMAC256, 16), PSA_ERROR_INVALID_ARGUMENT },
        { HMAC256, PSA_ALG_HMAC(PSA_ALG_SHA_512), PSA_ERROR_NOT_PERMITTED },
        { HMAC256, PSA_ALG_CMAC, PSA_ERROR_NOT_PERMITTED },
        { PSA_ALG_TRUNCATED_MAC(HMAC256, 3), PSA_ALG_TRUNCATED_MAC(HMAC256, 3),
          PSA_ERROR_NOT_SUPPORTED },
    };
    uint8_t out[64];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psa_key_id_t key =
            wall_import(PSA_KEY_TYPE_HMAC, SIGN | VERIFY, cases[i].policy, TEXT("key"));
        psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;

        WANT(cases[i].want, psa_mac_compute(key, cases[i].alg, TEXT("m"), out, sizeof out, &len));
        WANT(cases[i].want, psa_mac_sign_setup(&op, key, cases[i].alg));
        OK(psa_mac_abort(&op));
        OK(psa_destroy_key(key));
    }
}

static void test_policy_aead_tags_and_ccm_star(void **state)
{
    const psa_algorithm_t ccm8 = PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8);
    const psa_algorithm_t ccm4 = PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 4);
    const psa_algorithm_t least8 = PSA_ALG_AEAD_WITH_AT_LEAST_THIS_LENGTH_TAG(PSA_ALG_CCM, 8);
    psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
    psa_key_id_t least = wall_import_hex(PSA_KEY_TYPE_AES, ENC, least8, AES_KEY);
    psa_key_id_t star = wall_import_hex(PSA_KEY_TYPE_AES, ENC, PSA_ALG_CCM_STAR_ANY_TAG, AES_KEY);
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t nonce[13] = { 0 }, out[32];
    size_t len;

    (void)state;
    OK(psa_aead_encrypt(least, PSA_ALG_CCM, nonce, 13, NULL, 0, TEXT("m"), out, 32, &len));
    OK(psa_aead_encrypt(least, ccm8, nonce, 13, NULL, 0, TEXT("m"), out, 32, &len));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_aead_encrypt(least, ccm4, nonce, 13, NULL, 0, TEXT("m"), out, 32, &len));
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_aead_encrypt(least, least8, nonce, 13, NULL, 0, TEXT("m"), out, 32, &len));
    OK(psa_destroy_key(least));

    /* 1.2: CCM* without a tag, and CCM with any */
    OK(psa_get_key_attributes(star, &a));
    assert_int_equal(psa_get_key_algorithm(&a), PSA_ALG_CCM_STAR_ANY_TAG);
    assert_int_equal(psa_get_key_enrollment_algorithm(&a), 0);
    OK(psa_aead_encrypt(star, PSA_ALG_CCM, nonce, 13, NULL, 0, TEXT("m"), out, 32, &len));
    OK(psa_aead_encrypt(star, ccm4, nonce, 13, NULL, 0, TEXT("m"), out, 32, &len));
    OK(psa_cipher_encrypt_setup(&op, star, PSA_ALG_CCM_STAR_NO_TAG));
    OK(psa_cipher_abort(&op));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_aead_encrypt(star, PSA_ALG_GCM, nonce, 12, NULL, 0, TEXT("m"), out, 32, &len));
    OK(psa_destroy_key(star));
}

static void test_copy_restricts(void **state)
{
    psa_key_usage_t usage = SIGN | VERIFY | PSA_KEY_USAGE_COPY;
    psa_key_id_t source = wall_import(PSA_KEY_TYPE_HMAC, usage, HMAC256, TEXT("key"));
    psa_key_id_t stuck = wall_import(PSA_KEY_TYPE_HMAC, SIGN, HMAC256, TEXT("key"));
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_HMAC, 0, SIGN | PSA_KEY_USAGE_EXPORT, HMAC256);
    psa_key_attributes_t got = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t copy, second = 1;
    uint8_t out[32];
    size_t len;

    (void)state;
    OK(psa_copy_key(source, &a, &copy));
    OK(psa_get_key_attributes(copy, &got));
    assert_int_equal(psa_get_key_usage_flags(&got), SIGN); /* what both have */
    WANT(PSA_ERROR_NOT_PERMITTED, psa_export_key(copy, out, 32, &len));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_copy_key(copy, &a, &second));
    assert_int_equal(second, PSA_KEY_ID_NULL);
    OK(psa_mac_compute(copy, HMAC256, TEXT("m"), out, 32, &len));
    OK(psa_destroy_key(copy));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_copy_key(stuck, &a, &copy));

    psa_set_key_type(&a, PSA_KEY_TYPE_RAW_DATA);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_copy_key(source, &a, &copy));
    psa_set_key_type(&a, PSA_KEY_TYPE_NONE); /* as the source's */
    psa_set_key_bits(&a, 25);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_copy_key(source, &a, &copy));
    psa_set_key_bits(&a, 0);
    psa_set_key_algorithm(&a, PSA_ALG_CMAC);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_copy_key(source, &a, &copy));
    psa_set_key_algorithm(&a, HMAC256);
    psa_set_key_id(&a, 70); /* volatile to persistent */
    OK(psa_copy_key(source, &a, &copy));
    assert_int_equal(copy, 70);
    OK(psa_destroy_key(70));
    psa_set_key_lifetime(&a, 0x00000101);
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_copy_key(source, &a, &copy));
    OK(psa_destroy_key(source));
    OK(psa_destroy_key(stuck));
}

static void test_export_rules(void **state)
{
    psa_key_id_t pair = wall_generate(P256, 256, PSA_KEY_USAGE_EXPORT, PSA_ALG_ECDH);
    psa_key_id_t sealed = wall_generate(P256, 256, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH);
    psa_key_id_t aes = wall_generate(PSA_KEY_TYPE_AES, 256, PSA_KEY_USAGE_EXPORT, PSA_ALG_CTR);
    uint8_t out[65];
    size_t len;

    (void)state;
    OK(psa_export_key(pair, out, sizeof out, &len));
    assert_int_equal(len, 32);
    WANT(PSA_ERROR_BUFFER_TOO_SMALL, psa_export_key(pair, out, 31, &len));
    assert_int_equal(len, 0);
    OK(psa_export_public_key(sealed, out, sizeof out, &len)); /* needs no permission */
    assert_int_equal(len, 65);
    WANT(PSA_ERROR_BUFFER_TOO_SMALL, psa_export_public_key(sealed, out, 64, &len));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_export_key(sealed, out, sizeof out, &len));
    OK(psa_export_key(aes, out, sizeof out, &len));
    assert_int_equal(len, 32);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_export_public_key(aes, out, sizeof out, &len));
    psa_key_id_t pub = wall_import(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), 0, 0, out,
                                   (psa_export_public_key(pair, out, sizeof out, &len), len));

    OK(psa_export_key(pub, out, sizeof out, &len)); /* a public key is public */
    OK(psa_export_public_key(pub, out, sizeof out, &len));
    OK(psa_destroy_key(pub));
    OK(psa_destroy_key(pair));
    OK(psa_destroy_key(sealed));
    OK(psa_destroy_key(aes));
}

static void test_generate_rules(void **state)
{
    const struct {
        psa_key_type_t type;
        size_t bits;
        psa_status_t want;
    } cases[] = {
        { PSA_KEY_TYPE_AES, 128, PSA_SUCCESS },
        { PSA_KEY_TYPE_AES, 129, PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_AES, 0, PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_HMAC, 12, PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), 256, PSA_ERROR_INVALID_ARGUMENT },
        { P256, 257, PSA_ERROR_NOT_SUPPORTED },
        { PSA_KEY_TYPE_DES, 64, PSA_SUCCESS },
        { PSA_KEY_TYPE_PASSWORD_HASH, 256, PSA_SUCCESS },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psa_key_attributes_t a = wall_attributes(cases[i].type, cases[i].bits, 0, 0);
        psa_key_id_t key = 1;

        WANT(cases[i].want, psa_generate_key(&a, &key));
        if (cases[i].want == PSA_SUCCESS)
            OK(psa_destroy_key(key));
        else
            assert_int_equal(key, PSA_KEY_ID_NULL);
    }
}

/* psa_generate_key_custom(): an RSA exponent other than 65537 (1.3). RFC 8017 §3.1 */
static void test_generate_custom_exponent(void **state)
{
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_RSA_KEY_PAIR, 1024, PSA_KEY_USAGE_SIGN_HASH,
                        PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256));
    psa_custom_key_parameters_t custom = PSA_CUSTOM_KEY_PARAMETERS_INIT;
    const uint8_t one[] = { 1 }, three[] = { 3 }, even[] = { 4 };
    uint8_t der[200];
    psa_key_id_t key = 1;
    size_t len;

    (void)state;
    OK(psa_generate_key_custom(&a, &custom, three, 1, &key));
    OK(psa_export_public_key(key, der, sizeof der, &len));
    wall_same(der + len - 3, 3, "020103"); /* RFC 8017 §A.1.1: the exponent comes last */
    OK(psa_destroy_key(key));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_generate_key_custom(&a, &custom, even, 1, &key));
    assert_int_equal(key, PSA_KEY_ID_NULL);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_generate_key_custom(&a, &custom, one, 1, &key));
    custom.flags = 1;
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_generate_key_custom(&a, &custom, NULL, 0, &key));
    custom.flags = 0;
    a = wall_attributes(PSA_KEY_TYPE_AES, 128, 0, 0);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_generate_key_custom(&a, &custom, three, 1, &key));
    OK(psa_generate_key_custom(&a, &custom, NULL, 0, &key));
    OK(psa_destroy_key(key));
}

static void test_mac_in_steps_and_its_errors(void **state)
{
    psa_key_id_t key = wall_import_hex(PSA_KEY_TYPE_AES, SIGN | VERIFY, PSA_ALG_CMAC, AES_KEY);
    hex_bytes m = hex("6bc1bee22e409f96e93d7e117393172a");
    hex_bytes want = hex("070a16b46b4d4144f79bdd9dd04a287c"); /* RFC 4493 §4, example 2 */
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    uint8_t out[16];
    size_t len;

    (void)state;
    OK(psa_mac_sign_setup(&op, key, PSA_ALG_CMAC));
    OK(psa_mac_update(&op, m.at, 7));
    OK(psa_mac_update(&op, m.at + 7, 9));
    WANT(PSA_ERROR_BAD_STATE, psa_mac_verify_finish(&op, want.at, want.len));
    OK(psa_mac_abort(&op));
    OK(psa_mac_verify_setup(&op, key, PSA_ALG_CMAC));
    OK(psa_mac_update(&op, m.at, 16));
    WANT(PSA_ERROR_BAD_STATE, psa_mac_sign_finish(&op, out, 16, &len));
    OK(psa_mac_abort(&op));
    OK(psa_mac_verify_setup(&op, key, PSA_ALG_CMAC));
    OK(psa_mac_update(&op, m.at, 16));
    OK(psa_mac_verify_finish(&op, want.at, 16));
    WANT(PSA_ERROR_BAD_STATE, psa_mac_update(&op, m.at, 16));
    OK(psa_mac_verify_setup(&op, key, PSA_ALG_CMAC));
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_mac_verify_finish(&op, want.at, 16));
    OK(psa_mac_abort(&op));
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_mac_verify(key, PSA_ALG_CMAC, m.at, 16, want.at, 15));
    OK(psa_destroy_key(key));
}

/* An operation outlives its key (PSA Crypto API 1.2, psa_destroy_key): it goes on or says so. */
static void test_operation_survives_its_key_or_fails(void **state)
{
    psa_key_id_t key = wall_import_hex(PSA_KEY_TYPE_AES, SIGN, PSA_ALG_CMAC, AES_KEY);
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_status_t status;
    uint8_t out[16];
    size_t len;

    (void)state;
    OK(psa_mac_sign_setup(&op, key, PSA_ALG_CMAC));
    OK(psa_destroy_key(key));
    status = psa_mac_sign_finish(&op, out, 16, &len);
    assert_true(status == PSA_SUCCESS || status == PSA_ERROR_BAD_STATE);
    OK(psa_mac_abort(&op));
}

static void test_free_forgets_volatile_things(void **state)
{
    psa_key_id_t key = wall_import_hex(PSA_KEY_TYPE_AES, SIGN, PSA_ALG_CMAC, AES_KEY);
    psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_AES, 0, SIGN, PSA_ALG_CMAC);
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    uint8_t random[4];
    psa_key_id_t kept;

    (void)state;
    psa_set_key_id(&a, 80);
    OK(import_as(&a, &kept));
    OK(psa_mac_sign_setup(&op, key, PSA_ALG_CMAC));
    OK(psa_hash_setup(&hash, PSA_ALG_SHA_1));
    mbedtls_psa_crypto_free();
    assert_int_equal(secured_figure(&wall_service, "keys="), 0);
    assert_int_equal(secured_figure(&wall_service, "operations="), 0);
    WANT(PSA_ERROR_BAD_STATE, psa_generate_random(random, 4));
    OK(psa_crypto_init());
    WANT(PSA_ERROR_INVALID_HANDLE, psa_get_key_attributes(key, &a));
    WANT(PSA_ERROR_BAD_STATE, psa_mac_update(&op, random, 4));
    WANT(PSA_ERROR_BAD_STATE, psa_hash_update(&hash, random, 4));
    OK(psa_mac_abort(&op));
    OK(psa_hash_abort(&hash));
    OK(psa_destroy_key(80)); /* a persistent key stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_start_empty_and_are_reset),
        cmocka_unit_test(test_no_key_and_unknown_keys),
        cmocka_unit_test(test_import_checks_material_and_attributes),
        cmocka_unit_test(test_lifetimes_and_locations),
        cmocka_unit_test(test_cache_flag_lasts),
        cmocka_unit_test(test_policy_hash_wildcard),
        cmocka_unit_test(test_policy_mac_lengths),
        cmocka_unit_test(test_policy_aead_tags_and_ccm_star),
        cmocka_unit_test(test_copy_restricts),
        cmocka_unit_test(test_export_rules),
        cmocka_unit_test(test_generate_rules),
        cmocka_unit_test(test_generate_custom_exponent),
        cmocka_unit_test(test_mac_in_steps_and_its_errors),
        cmocka_unit_test(test_operation_survives_its_key_or_fails),
        cmocka_unit_test(test_free_forgets_volatile_things),
        cmocka_unit_test(wall_left_nothing),
    };

    return cmocka_run_group_tests(tests, wall_open, wall_close);
}
