/* SPDX-License-Identifier: Apache-2.0
 *
 * Key derivation and key agreement across the wall: what verifies, what makes keys, and who may.
 * source  Crypto 1.2 §10.6, Crypto 1.2 §10.9 */
#include "tests/psa/wall.h"

#define PBKDF2 PSA_ALG_PBKDF2_HMAC(PSA_ALG_SHA_256)
#define HKDF   PSA_ALG_HKDF(PSA_ALG_SHA_256)
#define SECRET PSA_KEY_DERIVATION_INPUT_SECRET

/* RFC 7914 §11: PBKDF2-HMAC-SHA256, "passwd", "salt", one iteration */
#define HASHED                                                                                     \
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77" \
    "ef317c71b845b1e30bd509112041d3a19783"

static psa_key_id_t password(psa_key_usage_t usage)
{
    return wall_import(PSA_KEY_TYPE_PASSWORD, usage, PBKDF2, TEXT("passwd"));
}

static void stretch(psa_key_derivation_operation_t *op, psa_algorithm_t alg, uint64_t cost,
                    psa_key_id_t key)
{
    OK(psa_key_derivation_setup(op, alg));
    OK(psa_key_derivation_input_integer(op, PSA_KEY_DERIVATION_INPUT_COST, cost));
    OK(psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_SALT, TEXT("salt")));
    OK(psa_key_derivation_input_key(op, PSA_KEY_DERIVATION_INPUT_PASSWORD, key));
}

static void test_derivation_pbkdf2_hmac(void **state)
{
    psa_key_id_t key = password(PSA_KEY_USAGE_DERIVE);
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[64];

    (void)state;
    stretch(&op, PBKDF2, 1, key);
    OK(psa_key_derivation_output_bytes(&op, out, 64));
    wall_same(out, 64, HASHED);
    OK(psa_key_derivation_abort(&op));
    OK(psa_key_derivation_setup(&op, PBKDF2));
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_key_derivation_input_integer(&op, PSA_KEY_DERIVATION_INPUT_COST, 0));
    WANT(PSA_ERROR_BAD_STATE,
         psa_key_derivation_input_integer(&op, PSA_KEY_DERIVATION_INPUT_COST, 1));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));
}

/* RFC 4615's PRF in RFC 8018 §5.2; computed with Python's cryptography package */
static void test_derivation_pbkdf2_cmac(void **state)
{
    psa_algorithm_t alg = PSA_ALG_PBKDF2_AES_CMAC_PRF_128;
    psa_key_id_t key =
        wall_import(PSA_KEY_TYPE_PASSWORD, PSA_KEY_USAGE_DERIVE, alg, TEXT("passwd"));
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[32];

    (void)state;
    stretch(&op, alg, 3, key);
    OK(psa_key_derivation_output_bytes(&op, out, 32));
    wall_same(out, 32, "1f134c0a5a7b7e3ecf8f0cb06eef7158c2440ac75055439978770bba3839f354");
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));
}

/* No client keeps the others waiting for hours. */
static void test_derivation_pbkdf2_has_a_bound(void **state)
{
    psa_key_id_t key = password(PSA_KEY_USAGE_DERIVE);
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[4096];

    (void)state;
    OK(psa_key_derivation_setup(&op, PBKDF2));
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_key_derivation_input_integer(&op, PSA_KEY_DERIVATION_INPUT_COST, 0xffffffff));
    OK(psa_key_derivation_abort(&op));
    OK(psa_key_derivation_setup(&op, PBKDF2)); /* four blocks of it are minutes for the others */
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_key_derivation_input_integer(&op, PSA_KEY_DERIVATION_INPUT_COST, 2000001));
    OK(psa_key_derivation_abort(&op));
    stretch(&op, PBKDF2, 1000000, key);
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_key_derivation_output_bytes(&op, out, sizeof out));
    OK(psa_key_derivation_abort(&op));
    stretch(&op, PBKDF2, 10000, key);
    OK(psa_key_derivation_output_bytes(&op, out, 64));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));
}

static void test_verify_bytes_right_and_wrong(void **state)
{
    psa_key_id_t key = password(PSA_KEY_USAGE_DERIVE);
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    hex_bytes want = hex(HASHED);
    uint8_t out[8];
    size_t left;

    (void)state;
    stretch(&op, PBKDF2, 1, key);
    OK(psa_key_derivation_verify_bytes(&op, want.at, 20)); /* in pieces, too */
    OK(psa_key_derivation_verify_bytes(&op, want.at + 20, 44));
    OK(psa_key_derivation_abort(&op));
    WANT(PSA_ERROR_BAD_STATE, psa_key_derivation_verify_bytes(&op, want.at, 1));

    /* a mismatch ends the operation (a rule of 1.2) */
    stretch(&op, PBKDF2, 1, key);
    want.at[63] ^= 1;
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_key_derivation_verify_bytes(&op, want.at, 64));
    WANT(PSA_ERROR_BAD_STATE, psa_key_derivation_output_bytes(&op, out, 8));
    OK(psa_key_derivation_abort(&op));

    /* more than there is: the rest is lost */
    stretch(&op, PBKDF2, 1, key);
    OK(psa_key_derivation_set_capacity(&op, 63));
    WANT(PSA_ERROR_INSUFFICIENT_DATA, psa_key_derivation_verify_bytes(&op, want.at, 64));
    OK(psa_key_derivation_get_capacity(&op, &left));
    assert_int_equal(left, 0);
    WANT(PSA_ERROR_INSUFFICIENT_DATA, psa_key_derivation_output_bytes(&op, out, 1));
    WANT(PSA_ERROR_INSUFFICIENT_DATA, psa_key_derivation_verify_bytes(&op, want.at, 1));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));
}

/* A key for verification alone lets nothing out. */
static void test_verify_only_key_gives_no_output(void **state)
{
    psa_key_id_t key = password(PSA_KEY_USAGE_VERIFY_DERIVATION), made = 1;
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_PASSWORD_HASH, 256, PSA_KEY_USAGE_EXPORT, PBKDF2);
    hex_bytes want = hex(HASHED);
    uint8_t out[64];

    (void)state;
    OK(psa_get_key_attributes(key, &a));
    assert_int_equal(psa_get_key_usage_flags(&a), PSA_KEY_USAGE_VERIFY_DERIVATION);
    stretch(&op, PBKDF2, 1, key);
    OK(psa_key_derivation_verify_bytes(&op, want.at, 64));
    OK(psa_key_derivation_abort(&op));

    stretch(&op, PBKDF2, 1, key);
    WANT(PSA_ERROR_NOT_PERMITTED, psa_key_derivation_output_bytes(&op, out, 64));
    WANT(PSA_ERROR_BAD_STATE, psa_key_derivation_output_bytes(&op, out, 64));
    OK(psa_key_derivation_abort(&op));

    a = wall_attributes(PSA_KEY_TYPE_PASSWORD_HASH, 256, PSA_KEY_USAGE_EXPORT, PBKDF2);
    stretch(&op, PBKDF2, 1, key);
    WANT(PSA_ERROR_NOT_PERMITTED, psa_key_derivation_output_key(&a, &op, &made));
    assert_int_equal(made, PSA_KEY_ID_NULL);
    OK(psa_key_derivation_abort(&op));

    /* neither flag; and the wrong algorithm */
    OK(psa_destroy_key(key));
    key = password(PSA_KEY_USAGE_EXPORT);
    OK(psa_key_derivation_setup(&op, PBKDF2));
    OK(psa_key_derivation_input_integer(&op, PSA_KEY_DERIVATION_INPUT_COST, 1));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SALT, TEXT("salt")));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_PASSWORD, key));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));
    key = wall_import(PSA_KEY_TYPE_PASSWORD, PSA_KEY_USAGE_VERIFY_DERIVATION,
                      PSA_ALG_PBKDF2_AES_CMAC_PRF_128, TEXT("passwd"));
    OK(psa_key_derivation_setup(&op, PBKDF2));
    OK(psa_key_derivation_input_integer(&op, PSA_KEY_DERIVATION_INPUT_COST, 1));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SALT, TEXT("salt")));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_PASSWORD, key));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));

    /* a key of a type that does not fit the step */
    key =
        wall_import(PSA_KEY_TYPE_RAW_DATA, PSA_KEY_USAGE_VERIFY_DERIVATION, PBKDF2, TEXT("passwd"));
    OK(psa_key_derivation_setup(&op, PBKDF2));
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_PASSWORD, key));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));
}

static void test_verify_key_needs_no_export(void **state)
{
    psa_key_id_t key = password(PSA_KEY_USAGE_VERIFY_DERIVATION);
    psa_key_id_t hash = wall_import_hex(PSA_KEY_TYPE_PASSWORD_HASH, PSA_KEY_USAGE_VERIFY_DERIVATION,
                                        PBKDF2, HASHED);
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_id_t bad;
    uint8_t out[64];
    size_t len;

    (void)state;
    WANT(PSA_ERROR_NOT_PERMITTED, psa_export_key(hash, out, sizeof out, &len));
    stretch(&op, PBKDF2, 1, key);
    OK(psa_key_derivation_verify_key(&op, hash));
    OK(psa_key_derivation_abort(&op));
    WANT(PSA_ERROR_BAD_STATE, psa_key_derivation_verify_key(&op, hash));

    stretch(&op, PBKDF2, 2, key); /* another hash comes out */
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_key_derivation_verify_key(&op, hash));
    WANT(PSA_ERROR_BAD_STATE, psa_key_derivation_verify_key(&op, hash));
    OK(psa_key_derivation_abort(&op));

    const struct {
        psa_key_type_t type;
        psa_key_usage_t usage;
        psa_algorithm_t alg;
        psa_status_t want;
    } cases[] = {
        { PSA_KEY_TYPE_RAW_DATA, PSA_KEY_USAGE_VERIFY_DERIVATION, PBKDF2,
          PSA_ERROR_INVALID_ARGUMENT },
        { PSA_KEY_TYPE_PASSWORD_HASH, PSA_KEY_USAGE_EXPORT, PBKDF2, PSA_ERROR_NOT_PERMITTED },
        { PSA_KEY_TYPE_PASSWORD_HASH, PSA_KEY_USAGE_VERIFY_DERIVATION,
          PSA_ALG_PBKDF2_AES_CMAC_PRF_128, PSA_ERROR_NOT_PERMITTED },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bad = wall_import_hex(cases[i].type, cases[i].usage, cases[i].alg, HASHED);
        stretch(&op, PBKDF2, 1, key);
        WANT(cases[i].want, psa_key_derivation_verify_key(&op, bad));
        OK(psa_key_derivation_abort(&op));
        OK(psa_destroy_key(bad));
    }
    stretch(&op, PBKDF2, 1, key);
    WANT(PSA_ERROR_INVALID_HANDLE, psa_key_derivation_verify_key(&op, 4711));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(hash));
    OK(psa_destroy_key(key));
}

/* A derived password hash is a key that compares equal to what it came from. */
static void test_output_key_makes_a_password_hash(void **state)
{
    psa_key_id_t key = password(PSA_KEY_USAGE_DERIVE | PSA_KEY_USAGE_VERIFY_DERIVATION), hash;
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_PASSWORD_HASH, 512, PSA_KEY_USAGE_VERIFY_DERIVATION, PBKDF2);

    (void)state;
    stretch(&op, PBKDF2, 5, key);
    OK(psa_key_derivation_output_key(&a, &op, &hash));
    OK(psa_key_derivation_abort(&op));
    stretch(&op, PBKDF2, 5, key);
    OK(psa_key_derivation_verify_key(&op, hash));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(hash));
    OK(psa_destroy_key(key));
}

static void test_output_key_needs_a_key_as_secret(void **state)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_AES, 128, PSA_KEY_USAGE_ENCRYPT, PSA_ALG_CTR);
    psa_key_id_t made = 1;
    uint8_t out[4];

    (void)state;
    OK(psa_key_derivation_setup(&op, HKDF));
    OK(psa_key_derivation_input_bytes(&op, SECRET, TEXT("secret")));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO, TEXT("info")));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_key_derivation_output_key(&a, &op, &made));
    assert_int_equal(made, PSA_KEY_ID_NULL);
    WANT(PSA_ERROR_BAD_STATE, psa_key_derivation_output_bytes(&op, out, 4));
    OK(psa_key_derivation_abort(&op));
}

static void test_output_key_custom_refuses_what_it_does_not_know(void **state)
{
    psa_key_id_t key = wall_import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, HKDF, TEXT("secret"));
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_custom_key_parameters_t custom = PSA_CUSTOM_KEY_PARAMETERS_INIT;
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_AES, 128, PSA_KEY_USAGE_ENCRYPT, PSA_ALG_CTR);
    psa_key_id_t made;

    (void)state;
    for (uint32_t flags = 0; flags < 2; flags++) {
        custom.flags = flags;
        OK(psa_key_derivation_setup(&op, HKDF));
        OK(psa_key_derivation_input_key(&op, SECRET, key));
        OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO, TEXT("info")));
        WANT(flags == 0 ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT,
             psa_key_derivation_output_key_custom(&a, &op, &custom, NULL, 0, &made));
        if (flags == 0)
            OK(psa_destroy_key(made));
        else
            assert_int_equal(made, PSA_KEY_ID_NULL);
        OK(psa_key_derivation_abort(&op));
    }
    OK(psa_destroy_key(key));
}

/* RFC 5869 §A.1 in its two halves */
static void test_derivation_hkdf_extract_then_expand(void **state)
{
    psa_key_id_t ikm = wall_import_hex(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE,
                                       PSA_ALG_HKDF_EXTRACT(PSA_ALG_SHA_256),
                                       "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_DERIVE, 256, PSA_KEY_USAGE_DERIVE,
                                             PSA_ALG_HKDF_EXPAND(PSA_ALG_SHA_256));
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    hex_bytes salt = hex("000102030405060708090a0b0c"), info = hex("f0f1f2f3f4f5f6f7f8f9");
    psa_key_id_t prk;
    uint8_t out[42];

    (void)state;
    OK(psa_key_derivation_setup(&op, PSA_ALG_HKDF_EXTRACT(PSA_ALG_SHA_256)));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SALT, salt.at, salt.len));
    OK(psa_key_derivation_input_key(&op, SECRET, ikm));
    OK(psa_key_derivation_output_key(&a, &op, &prk));
    OK(psa_key_derivation_abort(&op));
    OK(psa_key_derivation_setup(&op, PSA_ALG_HKDF_EXPAND(PSA_ALG_SHA_256)));
    OK(psa_key_derivation_input_key(&op, SECRET, prk));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO, info.at, info.len));
    OK(psa_key_derivation_output_bytes(&op, out, 42));
    wall_same(
        out, 42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(prk));
    OK(psa_destroy_key(ikm));
}

/* Computed with Python's cryptography package: RFC 7748 §5, both curves. */
static const struct {
    size_t bits;
    const char *own, *peer, *secret;
} montgomery[] = {
    { 255, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
      "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466",
      "26c2c17fdb82161cb21ad16e721315355b64d1763119b10bfc962530dc7cc163" },
    { 448,
      "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
      "2122232425262728292a2b2c2d2e2f303132333435363738",
      "ba3ff46a84ab42ed08cde0808595fa77a8659a758002a1e119e936ceaa820033"
      "b424ef8ec554ac9dd9eb9c06cde691b835f25a78fedd9ae2",
      "8d7b06fdfdd74c9fa1fb430f0e99a98cad3c6bccc9834d701aa06665c5bacd85"
      "6c35489d71c95db0a0ef6491e9eb554a560d2e2101e50748" },
};

#define X25519_PAIR PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY)

static void test_agreement_x25519_and_x448(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        psa_key_id_t own =
            wall_import_hex(X25519_PAIR, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH, montgomery[i].own);
        hex_bytes peer = hex(montgomery[i].peer);
        uint8_t out[56];
        size_t len;

        OK(psa_raw_key_agreement(PSA_ALG_ECDH, own, peer.at, peer.len, out, sizeof out, &len));
        wall_same(out, len, montgomery[i].secret);
        OK(psa_destroy_key(own));
    }
}

/* PSA Crypto API 1.2, psa_key_agreement(): the secret as a key, under the policies of both keys. */
static void test_key_agreement_makes_a_key(void **state)
{
    psa_key_id_t own =
        wall_import_hex(X25519_PAIR, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH, montgomery[0].own);
    hex_bytes peer = hex(montgomery[0].peer);
    psa_key_attributes_t a;
    psa_key_id_t key = 1;
    uint8_t out[32];
    size_t len;

    (void)state;
    const psa_key_type_t good[] = { PSA_KEY_TYPE_DERIVE, PSA_KEY_TYPE_RAW_DATA, PSA_KEY_TYPE_HMAC,
                                    PSA_KEY_TYPE_PASSWORD };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        a = wall_attributes(good[i], i == 1 ? 256 : 0, PSA_KEY_USAGE_EXPORT, HKDF);
        OK(psa_key_agreement(own, peer.at, peer.len, PSA_ALG_ECDH, &a, &key));
        OK(psa_export_key(key, out, sizeof out, &len));
        wall_same(out, len, montgomery[0].secret);
        OK(psa_get_key_attributes(key, &a));
        assert_int_equal(psa_get_key_type(&a), good[i]);
        assert_int_equal(psa_get_key_bits(&a), 256);
        OK(psa_destroy_key(key));
    }
    a = wall_attributes(PSA_KEY_TYPE_DERIVE, 0, PSA_KEY_USAGE_DERIVE, HKDF);
    OK(psa_key_agreement(own, peer.at, peer.len, PSA_ALG_ECDH, &a, &key));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_export_key(key, out, sizeof out, &len)); /* its own policy */
    OK(psa_destroy_key(key));
    OK(psa_destroy_key(own));
}

static void refuse(psa_status_t want, psa_key_id_t own, const hex_bytes *peer, psa_algorithm_t alg,
                   const psa_key_attributes_t *a)
{
    psa_key_id_t key = 1;

    WANT(want, psa_key_agreement(own, peer->at, peer->len, alg, a, &key));
    assert_int_equal(key, PSA_KEY_ID_NULL);
}

static void test_key_agreement_refuses(void **state)
{
    psa_key_id_t own =
        wall_import_hex(X25519_PAIR, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH, montgomery[0].own);
    psa_key_id_t idle =
        wall_import_hex(X25519_PAIR, PSA_KEY_USAGE_EXPORT, PSA_ALG_ECDH, montgomery[0].own);
    psa_key_id_t other =
        wall_import_hex(X25519_PAIR, PSA_KEY_USAGE_DERIVE,
                        PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, HKDF), montgomery[0].own);
    hex_bytes peer = hex(montgomery[0].peer), far = hex(montgomery[1].peer), none = hex("");
    psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_DERIVE, 0, PSA_KEY_USAGE_DERIVE, HKDF);
    psa_key_attributes_t aes = wall_attributes(PSA_KEY_TYPE_AES, 256, 0, PSA_ALG_CTR);
    psa_key_attributes_t small = wall_attributes(PSA_KEY_TYPE_DERIVE, 128, 0, HKDF);
    psa_key_attributes_t stray = a;

    (void)state;
    psa_set_key_lifetime(&stray, 0x00777701);
    psa_set_key_id(&stray, 9);
    refuse(PSA_ERROR_INVALID_HANDLE, 4711, &peer, PSA_ALG_ECDH, &a);
    refuse(PSA_ERROR_NOT_PERMITTED, idle, &peer, PSA_ALG_ECDH, &a);
    refuse(PSA_ERROR_NOT_PERMITTED, other, &peer, PSA_ALG_ECDH, &a);
    refuse(PSA_ERROR_NOT_PERMITTED, own, &peer, PSA_ALG_FFDH, &a);
    refuse(PSA_ERROR_INVALID_ARGUMENT, own, &peer, PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, HKDF), &a);
    refuse(PSA_ERROR_INVALID_ARGUMENT, own, &peer, PSA_ALG_SHA_256, &a);
    refuse(PSA_ERROR_INVALID_ARGUMENT, own, &far, PSA_ALG_ECDH, &a);
    refuse(PSA_ERROR_INVALID_ARGUMENT, own, &none, PSA_ALG_ECDH, &a);
    refuse(PSA_ERROR_INVALID_ARGUMENT, own, &peer, PSA_ALG_ECDH, &aes);
    refuse(PSA_ERROR_INVALID_ARGUMENT, own, &peer, PSA_ALG_ECDH, &small);
    refuse(PSA_ERROR_NOT_SUPPORTED, own, &peer, PSA_ALG_ECDH, &stray);
    OK(psa_destroy_key(own));
    OK(psa_destroy_key(idle));
    OK(psa_destroy_key(other));
}

static void test_raw_agreement_refuses_a_combined_algorithm(void **state)
{
    psa_key_id_t own =
        wall_import_hex(X25519_PAIR, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH, montgomery[0].own);
    hex_bytes peer = hex(montgomery[0].peer);
    uint8_t out[32];
    size_t len = 9;

    (void)state;
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_raw_key_agreement(PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, HKDF), own, peer.at, peer.len,
                               out, sizeof out, &len));
    assert_int_equal(len, 0);
    WANT(PSA_ERROR_BUFFER_TOO_SMALL,
         psa_raw_key_agreement(PSA_ALG_ECDH, own, peer.at, peer.len, out, 31, &len));
    OK(psa_destroy_key(own));
}

/* RFC 7919, group ffdhe2048: both sides come to the same secret. */
static void test_agreement_ffdh(void **state)
{
    psa_key_type_t type = PSA_KEY_TYPE_DH_KEY_PAIR(PSA_DH_FAMILY_RFC7919);
    psa_key_id_t a = wall_generate(type, 2048, PSA_KEY_USAGE_DERIVE, PSA_ALG_FFDH);
    psa_key_id_t b = wall_generate(type, 2048, PSA_KEY_USAGE_DERIVE, PSA_ALG_FFDH);
    uint8_t pub_a[256], pub_b[256], one[256], two[256];
    size_t len_a, len_b, len;

    (void)state;
    OK(psa_export_public_key(a, pub_a, sizeof pub_a, &len_a));
    OK(psa_export_public_key(b, pub_b, sizeof pub_b, &len_b));
    OK(psa_raw_key_agreement(PSA_ALG_FFDH, a, pub_b, len_b, one, sizeof one, &len));
    assert_int_equal(len, 256);
    OK(psa_raw_key_agreement(PSA_ALG_FFDH, b, pub_a, len_a, two, sizeof two, &len));
    assert_memory_equal(one, two, 256);
    OK(psa_destroy_key(a));
    OK(psa_destroy_key(b));
}

/* RFC 8236 in TLS: the premaster secret is the hash of the point's X. */
static void test_derivation_ecjpake_to_pms(void **state)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t point[65], out[32], want[32];
    size_t len;

    (void)state;
    memset(point, 0x42, sizeof point);
    point[0] = 4;
    OK(psa_key_derivation_setup(&op, PSA_ALG_TLS12_ECJPAKE_TO_PMS));
    OK(psa_key_derivation_input_bytes(&op, SECRET, point, 65));
    OK(psa_key_derivation_output_bytes(&op, out, 32));
    OK(psa_hash_compute(PSA_ALG_SHA_256, point + 1, 32, want, sizeof want, &len));
    assert_memory_equal(out, want, 32);
    OK(psa_key_derivation_abort(&op));
    OK(psa_key_derivation_setup(&op, PSA_ALG_TLS12_ECJPAKE_TO_PMS));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_key_derivation_input_bytes(&op, SECRET, point, 64));
    OK(psa_key_derivation_abort(&op));
}

/* Mbed TLS's two-algorithm enrolment. */
static void test_second_algorithm_of_a_key(void **state)
{
    psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_DERIVE, 0, PSA_KEY_USAGE_DERIVE, HKDF);
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_algorithm_t prf = PSA_ALG_TLS12_PRF(PSA_ALG_SHA_384);
    psa_key_id_t key;

    (void)state;
    psa_set_key_enrollment_algorithm(&a, prf);
    OK(psa_import_key(&a, TEXT("secret"), &key));
    OK(psa_key_derivation_setup(&op, HKDF));
    OK(psa_key_derivation_input_key(&op, SECRET, key));
    OK(psa_key_derivation_abort(&op));
    OK(psa_key_derivation_setup(&op, prf));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SEED, TEXT("seed")));
    OK(psa_key_derivation_input_key(&op, SECRET, key));
    OK(psa_key_derivation_abort(&op));
    OK(psa_key_derivation_setup(&op, PSA_ALG_TLS12_PRF(PSA_ALG_SHA_256)));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SEED, TEXT("seed")));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_key_derivation_input_key(&op, SECRET, key));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derivation_pbkdf2_hmac),
        cmocka_unit_test(test_derivation_pbkdf2_cmac),
        cmocka_unit_test(test_derivation_pbkdf2_has_a_bound),
        cmocka_unit_test(test_verify_bytes_right_and_wrong),
        cmocka_unit_test(test_verify_only_key_gives_no_output),
        cmocka_unit_test(test_verify_key_needs_no_export),
        cmocka_unit_test(test_output_key_makes_a_password_hash),
        cmocka_unit_test(test_output_key_needs_a_key_as_secret),
        cmocka_unit_test(test_output_key_custom_refuses_what_it_does_not_know),
        cmocka_unit_test(test_derivation_hkdf_extract_then_expand),
        cmocka_unit_test(test_agreement_x25519_and_x448),
        cmocka_unit_test(test_key_agreement_makes_a_key),
        cmocka_unit_test(test_key_agreement_refuses),
        cmocka_unit_test(test_raw_agreement_refuses_a_combined_algorithm),
        cmocka_unit_test(test_agreement_ffdh),
        cmocka_unit_test(test_derivation_ecjpake_to_pms),
        cmocka_unit_test(test_second_algorithm_of_a_key),
        cmocka_unit_test(wall_left_nothing),
    };

    return cmocka_run_group_tests(tests, wall_open, wall_close);
}
