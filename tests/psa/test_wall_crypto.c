/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kind of PSA Crypto call through the real wall, with published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "tests/psa/hex.h"
#include "tests/psa/secured.h"

static secured service;

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    if (!secured_start(&service, NULL) || psa_crypto_init() != PSA_SUCCESS)
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

static psa_key_id_t import(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg,
                           const char *material)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;
    hex_bytes m = hex(material);

    psa_set_key_type(&a, type);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    assert_int_equal(psa_import_key(&a, m.at, m.len, &key), PSA_SUCCESS);
    assert_true(key >= PSA_KEY_ID_VENDOR_MIN);
    return key;
}

static void same(const uint8_t *got, size_t len, const char *want)
{
    hex_bytes w = hex(want);

    assert_int_equal(len, w.len);
    assert_memory_equal(got, w.at, w.len);
}

/* FIPS 180-4 examples ("abc", two blocks); RFC 6234 §8.5 has the same. */
static void test_hash_sha256_and_sha384(void **state)
{
    const char *two = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                      "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT, copy = PSA_HASH_OPERATION_INIT;
    uint8_t out[48];
    size_t len;
    uint64_t before = tsr_gate_crossings();

    (void)state;
    assert_int_equal(
        psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)"abc", 3, out, sizeof out, &len),
        PSA_SUCCESS);
    same(out, len, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(
        psa_hash_compute(PSA_ALG_SHA_384, (const uint8_t *)two, 112, out, sizeof out, &len),
        PSA_SUCCESS);
    same(out, len,
         "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
         "fcc7c71a557e2db966c3e9fa91746039");

    assert_int_equal(psa_hash_setup(&op, PSA_ALG_SHA_256), PSA_SUCCESS);
    assert_int_equal(psa_hash_update(&op, (const uint8_t *)"a", 1), PSA_SUCCESS);
    assert_int_equal(psa_hash_clone(&op, &copy), PSA_SUCCESS);
    assert_int_equal(psa_hash_update(&op, (const uint8_t *)"bc", 2), PSA_SUCCESS);
    assert_int_equal(psa_hash_finish(&op, out, sizeof out, &len), PSA_SUCCESS);
    same(out, len, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(psa_hash_update(&copy, (const uint8_t *)"bc", 2), PSA_SUCCESS);
    assert_int_equal(psa_hash_verify(&copy, out, len), PSA_SUCCESS);
    assert_int_equal(tsr_gate_crossings(), before); /* hashing never crosses */
}

/* RFC 4231 §4.2 and §4.3, whole and in parts */
static void test_mac_hmac_sha256(void **state)
{
    psa_key_id_t key =
        import(PSA_KEY_TYPE_HMAC, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE,
               PSA_ALG_HMAC(PSA_ALG_SHA_256), "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    uint8_t out[32];
    size_t len;

    (void)state;
    assert_int_equal(psa_mac_compute(key, PSA_ALG_HMAC(PSA_ALG_SHA_256),
                                     (const uint8_t *)"Hi There", 8, out, sizeof out, &len),
                     PSA_SUCCESS);
    same(out, len, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(psa_mac_verify(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), (const uint8_t *)"Hi There",
                                    8, out, len),
                     PSA_SUCCESS);
    out[0] ^= 1;
    assert_int_equal(psa_mac_verify(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), (const uint8_t *)"Hi There",
                                    8, out, len),
                     PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);

    key = import(PSA_KEY_TYPE_HMAC, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE,
                 PSA_ALG_HMAC(PSA_ALG_SHA_256), "4a656665");
    assert_int_equal(psa_mac_sign_setup(&op, key, PSA_ALG_HMAC(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(psa_mac_update(&op, (const uint8_t *)"what do ya want ", 16), PSA_SUCCESS);
    assert_int_equal(psa_mac_update(&op, (const uint8_t *)"for nothing?", 12), PSA_SUCCESS);
    assert_int_equal(psa_mac_sign_finish(&op, out, sizeof out, &len), PSA_SUCCESS);
    same(out, len, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(psa_mac_verify_setup(&op, key, PSA_ALG_HMAC(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(psa_mac_update(&op, (const uint8_t *)"what do ya want for nothing?", 28),
                     PSA_SUCCESS);
    assert_int_equal(psa_mac_verify_finish(&op, out, len), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* RFC 4493 §4, example 2 */
static void test_mac_cmac(void **state)
{
    psa_key_id_t key = import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_CMAC,
                              "2b7e151628aed2a6abf7158809cf4f3c");
    hex_bytes m = hex("6bc1bee22e409f96e93d7e117393172a");
    uint8_t out[16];
    size_t len;

    (void)state;
    assert_int_equal(psa_mac_compute(key, PSA_ALG_CMAC, m.at, m.len, out, sizeof out, &len),
                     PSA_SUCCESS);
    same(out, len, "070a16b46b4d4144f79bdd9dd04a287c");
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* NIST SP 800-38C, example 2 (tag of 6 bytes) and RFC 3610 §8, packet vector 1 (tag of 8) */
static void test_aead_ccm(void **state)
{
    psa_algorithm_t alg = PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 6);
    psa_key_id_t key = import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT, alg,
                              "404142434445464748494a4b4c4d4e4f");
    hex_bytes nonce = hex("1011121314151617"), ad = hex("000102030405060708090a0b0c0d0e0f");
    hex_bytes plain = hex("202122232425262728292a2b2c2d2e2f");
    uint8_t out[64], back[64];
    size_t len, back_len;

    (void)state;
    assert_int_equal(psa_aead_encrypt(key, alg, nonce.at, nonce.len, ad.at, ad.len, plain.at,
                                      plain.len, out, sizeof out, &len),
                     PSA_SUCCESS);
    same(out, len, "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd");
    assert_int_equal(psa_aead_decrypt(key, alg, nonce.at, nonce.len, ad.at, ad.len, out, len, back,
                                      sizeof back, &back_len),
                     PSA_SUCCESS);
    same(back, back_len, "202122232425262728292a2b2c2d2e2f");
    out[3] ^= 1;
    assert_int_equal(psa_aead_decrypt(key, alg, nonce.at, nonce.len, ad.at, ad.len, out, len, back,
                                      sizeof back, &back_len),
                     PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(back_len, 0);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);

    alg = PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8); /* the algorithm of TLS CCM_8 suites */
    key = import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT, alg,
                 "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf");
    nonce = hex("00000003020100a0a1a2a3a4a5");
    ad = hex("0001020304050607");
    plain = hex("08090a0b0c0d0e0f101112131415161718191a1b1c1d1e");
    assert_int_equal(psa_aead_encrypt(key, alg, nonce.at, nonce.len, ad.at, ad.len, plain.at,
                                      plain.len, out, sizeof out, &len),
                     PSA_SUCCESS);
    same(out, len, "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0");
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* The GCM specification's test case 4, whole and in parts */
static void test_aead_gcm(void **state)
{
    psa_key_id_t key = import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT,
                              PSA_ALG_GCM, "feffe9928665731c6d6a8f9467308308");
    hex_bytes nonce = hex("cafebabefacedbaddecaf888");
    hex_bytes ad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    hex_bytes plain = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    const char *sealed = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                         "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091";
    psa_aead_operation_t op = PSA_AEAD_OPERATION_INIT;
    uint8_t out[128], tag[16];
    size_t len, more, tag_len;

    (void)state;
    assert_int_equal(psa_aead_encrypt(key, PSA_ALG_GCM, nonce.at, nonce.len, ad.at, ad.len,
                                      plain.at, plain.len, out, sizeof out, &len),
                     PSA_SUCCESS);
    same(out, len - 16, sealed);
    same(out + len - 16, 16, "5bc94fbc3221a5db94fae95ae7121a47");

    assert_int_equal(psa_aead_encrypt_setup(&op, key, PSA_ALG_GCM), PSA_SUCCESS);
    assert_int_equal(psa_aead_set_lengths(&op, ad.len, plain.len), PSA_SUCCESS);
    assert_int_equal(psa_aead_set_nonce(&op, nonce.at, nonce.len), PSA_SUCCESS);
    assert_int_equal(psa_aead_update_ad(&op, ad.at, ad.len), PSA_SUCCESS);
    assert_int_equal(psa_aead_update(&op, plain.at, plain.len, out, sizeof out, &len), PSA_SUCCESS);
    assert_int_equal(
        psa_aead_finish(&op, out + len, sizeof out - len, &more, tag, sizeof tag, &tag_len),
        PSA_SUCCESS);
    same(out, len + more, sealed);
    same(tag, tag_len, "5bc94fbc3221a5db94fae95ae7121a47");

    hex_bytes cipher = hex(sealed);

    assert_int_equal(psa_aead_decrypt_setup(&op, key, PSA_ALG_GCM), PSA_SUCCESS);
    assert_int_equal(psa_aead_set_nonce(&op, nonce.at, nonce.len), PSA_SUCCESS);
    assert_int_equal(psa_aead_update_ad(&op, ad.at, ad.len), PSA_SUCCESS);
    assert_int_equal(psa_aead_update(&op, cipher.at, cipher.len, out, sizeof out, &len),
                     PSA_SUCCESS);
    assert_int_equal(psa_aead_verify(&op, out + len, sizeof out - len, &more, tag, tag_len),
                     PSA_SUCCESS);
    assert_int_equal(len + more, plain.len);
    assert_memory_equal(out, plain.at, plain.len);
    assert_int_equal(psa_aead_encrypt_setup(&op, key, PSA_ALG_GCM), PSA_SUCCESS);
    assert_int_equal(psa_aead_generate_nonce(&op, out, sizeof out, &len), PSA_SUCCESS);
    assert_int_equal(len, 12);
    assert_int_equal(psa_aead_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_aead_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* NIST SP 800-38A F.5.1 (CTR) in parts; CBC there and back */
static void test_cipher_ctr_and_cbc(void **state)
{
    psa_key_usage_t usage = PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT;
    psa_key_id_t key =
        import(PSA_KEY_TYPE_AES, usage, PSA_ALG_CTR, "2b7e151628aed2a6abf7158809cf4f3c");
    hex_bytes iv = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    hex_bytes plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
    uint8_t out[80], back[80];
    size_t len, more, back_len;

    (void)state;
    assert_int_equal(psa_cipher_encrypt_setup(&op, key, PSA_ALG_CTR), PSA_SUCCESS);
    assert_int_equal(psa_cipher_set_iv(&op, iv.at, iv.len), PSA_SUCCESS);
    assert_int_equal(psa_cipher_update(&op, plain.at, 20, out, sizeof out, &len), PSA_SUCCESS);
    assert_int_equal(
        psa_cipher_update(&op, plain.at + 20, plain.len - 20, out + len, sizeof out - len, &more),
        PSA_SUCCESS);
    len += more;
    assert_int_equal(psa_cipher_finish(&op, out + len, sizeof out - len, &more), PSA_SUCCESS);
    same(out, len + more, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);

    key = import(PSA_KEY_TYPE_AES, usage, PSA_ALG_CBC_PKCS7, "2b7e151628aed2a6abf7158809cf4f3c");
    assert_int_equal(
        psa_cipher_encrypt(key, PSA_ALG_CBC_PKCS7, plain.at, plain.len, out, sizeof out, &len),
        PSA_SUCCESS);
    assert_int_equal(len, 16 + 48);
    assert_int_equal(
        psa_cipher_decrypt(key, PSA_ALG_CBC_PKCS7, out, len, back, sizeof back, &back_len),
        PSA_SUCCESS);
    assert_int_equal(back_len, plain.len);
    assert_memory_equal(back, plain.at, plain.len);
    assert_int_equal(psa_cipher_encrypt_setup(&op, key, PSA_ALG_CBC_PKCS7), PSA_SUCCESS);
    assert_int_equal(psa_cipher_generate_iv(&op, out, sizeof out, &len), PSA_SUCCESS);
    assert_int_equal(len, 16);
    assert_int_equal(psa_cipher_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

#define P256_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define P256_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

/* RFC 6979 §A.2.5: P-256, SHA-256, "sample": the deterministic signature itself, and verification
 */
static void test_signature_ecdsa_p256(void **state)
{
    psa_algorithm_t alg = PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256);
    psa_key_id_t pair = import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                               PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_SIGN_HASH, alg,
                               "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    psa_key_id_t public_key = import(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1),
                                     PSA_KEY_USAGE_VERIFY_MESSAGE | PSA_KEY_USAGE_VERIFY_HASH,
                                     PSA_ALG_ECDSA(PSA_ALG_SHA_256), "04" P256_X P256_Y);
    const char *want = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                       "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    uint8_t sig[64], point[65], hash[32];
    size_t len, hash_len;

    (void)state;
    assert_int_equal(psa_export_public_key(pair, point, sizeof point, &len), PSA_SUCCESS);
    same(point, len, "04" P256_X P256_Y);
    assert_int_equal(
        psa_sign_message(pair, alg, (const uint8_t *)"sample", 6, sig, sizeof sig, &len),
        PSA_SUCCESS);
    same(sig, len, want);
    assert_int_equal(psa_verify_message(public_key, PSA_ALG_ECDSA(PSA_ALG_SHA_256),
                                        (const uint8_t *)"sample", 6, sig, len),
                     PSA_SUCCESS);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)"sample", 6, hash,
                                      sizeof hash, &hash_len),
                     PSA_SUCCESS);
    assert_int_equal(psa_sign_hash(pair, alg, hash, hash_len, sig, sizeof sig, &len), PSA_SUCCESS);
    same(sig, len, want);
    assert_int_equal(
        psa_verify_hash(public_key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, hash_len, sig, len),
        PSA_SUCCESS);
    sig[40] ^= 4;
    assert_int_equal(
        psa_verify_hash(public_key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, hash_len, sig, len),
        PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_destroy_key(pair), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(public_key), PSA_SUCCESS);
}

/* RFC 5903 §8.1: both sides of one exchange */
static void test_agreement_ecdh_p256(void **state)
{
    psa_key_id_t pair =
        import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_DERIVE,
               PSA_ALG_ECDH, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    hex_bytes peer = hex("04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                         "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    uint8_t out[32];
    size_t len;

    (void)state;
    assert_int_equal(
        psa_raw_key_agreement(PSA_ALG_ECDH, pair, peer.at, peer.len, out, sizeof out, &len),
        PSA_SUCCESS);
    same(out, len, "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
    peer.at[5] ^= 1; /* a point that is not on the curve */
    assert_int_equal(
        psa_raw_key_agreement(PSA_ALG_ECDH, pair, peer.at, peer.len, out, sizeof out, &len),
        PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_int_equal(psa_destroy_key(pair), PSA_SUCCESS);
}

static void prf_inputs(psa_key_derivation_operation_t *op, psa_key_id_t key)
{
    hex_bytes seed = hex("a0ba9f936cda311827a6f796ffd5198c");

    assert_int_equal(psa_key_derivation_setup(op, PSA_ALG_TLS12_PRF(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(
        psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_SEED, seed.at, seed.len),
        PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_key(op, PSA_KEY_DERIVATION_INPUT_SECRET, key),
                     PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_LABEL,
                                                    (const uint8_t *)"test label", 10),
                     PSA_SUCCESS);
}

#define PRF_OUT                                                                                    \
    "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14ba" \
    "f9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a51" \
    "10fff70187347b66"

/* The TLS 1.2 PRF vector for SHA-256 that went over the TLS working group's list (RFC 5246 §5):
 * in one crossing, and in pieces. */
static void test_derivation_tls12_prf(void **state)
{
    psa_key_id_t key =
        import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_TLS12_PRF(PSA_ALG_SHA_256),
               "9bbe436ba940f017b17652849a71db35");
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[100];
    size_t left;
    uint64_t before = tsr_gate_crossings();

    (void)state;
    prf_inputs(&op, key);
    assert_int_equal(psa_key_derivation_set_capacity(&op, 100), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 100), PSA_SUCCESS);
    same(out, 100, PRF_OUT);
    assert_int_equal(psa_key_derivation_get_capacity(&op, &left), PSA_SUCCESS);
    assert_int_equal(left, 0);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 1), PSA_ERROR_INSUFFICIENT_DATA);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(tsr_gate_crossings() - before, 1);

    prf_inputs(&op, key);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 37), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out + 37, 63), PSA_SUCCESS);
    same(out, 100, PRF_OUT);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* RFC 4279 §2 with RFC 5246 §8.1: the premaster secret of a PSK is built inside, so PSK-to-MS has
 * to equal the PRF over that premaster secret. */
static void test_derivation_psk_to_master_secret(void **state)
{
    psa_key_id_t psk =
        import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256),
               "00112233445566778899aabbccddeeff");
    psa_key_id_t pms =
        import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_TLS12_PRF(PSA_ALG_SHA_256),
               "0010 00000000000000000000000000000000 0010 00112233445566778899aabbccddeeff");
    psa_key_id_t keys[2] = { psk, pms };
    psa_algorithm_t algs[2] = { PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256),
                                PSA_ALG_TLS12_PRF(PSA_ALG_SHA_256) };
    uint8_t out[2][48];

    (void)state;
    for (int i = 0; i < 2; i++) {
        psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;

        assert_int_equal(psa_key_derivation_setup(&op, algs[i]), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SEED,
                                                        (const uint8_t *)"randoms", 7),
                         PSA_SUCCESS);
        assert_int_equal(
            psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_SECRET, keys[i]),
            PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_LABEL,
                                                        (const uint8_t *)"master secret", 13),
                         PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_set_capacity(&op, 48), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_output_bytes(&op, out[i], 48), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    }
    assert_memory_equal(out[0], out[1], 48);
    assert_int_equal(psa_destroy_key(psk), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(pms), PSA_SUCCESS);
}

static void hkdf_inputs(psa_key_derivation_operation_t *op, psa_key_id_t key)
{
    hex_bytes salt = hex("000102030405060708090a0b0c"), info = hex("f0f1f2f3f4f5f6f7f8f9");

    assert_int_equal(psa_key_derivation_setup(op, PSA_ALG_HKDF(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(
        psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_SALT, salt.at, salt.len),
        PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_key(op, PSA_KEY_DERIVATION_INPUT_SECRET, key),
                     PSA_SUCCESS);
    assert_int_equal(
        psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_INFO, info.at, info.len),
        PSA_SUCCESS);
}

#define HKDF_OUT                                                                                   \
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"

/* RFC 5869 §A.1: as bytes, and as a key that never leaves and then encrypts */
static void test_derivation_hkdf(void **state)
{
    psa_key_id_t key =
        import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_HKDF(PSA_ALG_SHA_256),
               "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t derived = 0;
    uint8_t out[42], one[16], two[16];
    size_t left, len;

    (void)state;
    hkdf_inputs(&op, key);
    assert_int_equal(psa_key_derivation_get_capacity(&op, &left), PSA_SUCCESS);
    assert_int_equal(left, 255 * 32);
    assert_int_equal(psa_key_derivation_set_capacity(&op, 255 * 32 + 1),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_key_derivation_set_capacity(&op, 42), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 42), PSA_SUCCESS);
    same(out, 42, HKDF_OUT);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);

    hkdf_inputs(&op, key);
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&a, 128);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_CMAC);
    assert_int_equal(psa_key_derivation_output_key(&a, &op, &derived), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_export_key(derived, out, sizeof out, &len), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_mac_compute(derived, PSA_ALG_CMAC, (const uint8_t *)"x", 1, one, 16, &len),
                     PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(derived), PSA_SUCCESS);

    derived = import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_CMAC,
                     "3cb25f25faacd57a90434f64d0362f2a");
    assert_int_equal(psa_mac_compute(derived, PSA_ALG_CMAC, (const uint8_t *)"x", 1, two, 16, &len),
                     PSA_SUCCESS);
    assert_memory_equal(one, two, 16);
    assert_int_equal(psa_destroy_key(derived), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static void test_derivation_with_agreement(void **state)
{
    psa_algorithm_t alg = PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    psa_key_id_t pair =
        import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_DERIVE, alg,
               "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    hex_bytes peer = hex("04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                         "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_id_t secret;
    uint8_t one[32], two[32];

    (void)state;
    assert_int_equal(psa_key_derivation_setup(&op, alg), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_key_agreement(&op, PSA_KEY_DERIVATION_INPUT_SECRET, pair,
                                                      peer.at, peer.len),
                     PSA_SUCCESS);
    assert_int_equal(
        psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO, (const uint8_t *)"i", 1),
        PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_output_bytes(&op, one, 32), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);

    secret = import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_HKDF(PSA_ALG_SHA_256),
                    "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
    assert_int_equal(psa_key_derivation_setup(&op, PSA_ALG_HKDF(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(
        psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO, (const uint8_t *)"i", 1),
        PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_SECRET, secret),
                     PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_output_bytes(&op, two, 32), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_memory_equal(one, two, 32);
    assert_int_equal(psa_destroy_key(pair), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

static void test_key_generate_copy_attributes(void **state)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT, got = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0, copy = 0;
    uint8_t raw[32];
    size_t len;

    (void)state;
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_COPY);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    psa_set_key_enrollment_algorithm(&a, PSA_ALG_ECDH);
    assert_int_equal(psa_generate_key(&a, &key), PSA_SUCCESS);
    assert_int_equal(psa_get_key_attributes(key, &got), PSA_SUCCESS);
    assert_int_equal(psa_get_key_type(&got), psa_get_key_type(&a));
    assert_int_equal(psa_get_key_bits(&got), 256);
    assert_int_equal(psa_get_key_usage_flags(&got), psa_get_key_usage_flags(&a));
    assert_int_equal(psa_get_key_algorithm(&got), PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    assert_int_equal(psa_get_key_enrollment_algorithm(&got), PSA_ALG_ECDH);
    assert_int_equal(psa_get_key_lifetime(&got), PSA_KEY_LIFETIME_VOLATILE);
    assert_int_equal(psa_export_key(key, raw, sizeof raw, &len), PSA_ERROR_NOT_PERMITTED);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    assert_int_equal(psa_copy_key(key, &a, &copy), PSA_SUCCESS);
    assert_int_not_equal(copy, key);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    assert_int_equal(psa_get_key_attributes(key, &got), PSA_ERROR_INVALID_HANDLE);
    assert_int_equal(psa_get_key_attributes(copy, &got), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(copy), PSA_SUCCESS);
}

static void test_random_is_not_repeated(void **state)
{
    uint8_t a[3000], b[3000], zero[16] = { 0 };
    uint64_t before = tsr_gate_crossings();

    (void)state;
    memset(a, 0, sizeof a);
    for (size_t i = 0; i < 2560; i += 16)
        assert_int_equal(psa_generate_random(a + i, 16), PSA_SUCCESS);
    assert_in_range(tsr_gate_crossings() - before, 9, 12); /* 160 draws, blocks of 256 bytes */
    for (size_t i = 0; i < 2560; i += 16) {
        assert_memory_not_equal(a + i, zero, 16);
        for (size_t j = i + 16; j < 2560; j += 16)
            assert_memory_not_equal(a + i, a + j, 16);
    }
    assert_int_equal(psa_generate_random(a, sizeof a), PSA_SUCCESS);
    assert_int_equal(psa_generate_random(b, sizeof b), PSA_SUCCESS);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(psa_generate_random(NULL, 0), PSA_SUCCESS);
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    assert_int_equal(secured_figure(&service, "keys="), 0);
    assert_int_equal(secured_figure(&service, "operations="), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_sha256_and_sha384),
        cmocka_unit_test(test_mac_hmac_sha256),
        cmocka_unit_test(test_mac_cmac),
        cmocka_unit_test(test_aead_ccm),
        cmocka_unit_test(test_aead_gcm),
        cmocka_unit_test(test_cipher_ctr_and_cbc),
        cmocka_unit_test(test_signature_ecdsa_p256),
        cmocka_unit_test(test_agreement_ecdh_p256),
        cmocka_unit_test(test_derivation_tls12_prf),
        cmocka_unit_test(test_derivation_psk_to_master_secret),
        cmocka_unit_test(test_derivation_hkdf),
        cmocka_unit_test(test_derivation_with_agreement),
        cmocka_unit_test(test_key_generate_copy_attributes),
        cmocka_unit_test(test_random_is_not_repeated),
        cmocka_unit_test(test_nothing_is_left_behind),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
