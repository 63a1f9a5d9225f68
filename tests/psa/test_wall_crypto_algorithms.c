/* SPDX-License-Identifier: Apache-2.0
 *
 * One known answer for each algorithm that the service has beyond those of test_wall_crypto.c, and
 * what its functions refuse. Answers without a mark were computed with OpenSSL 3.0 and Python's
 * cryptography package.
 * source  Crypto 1.2 §10 */
#include "tests/psa/wall.h"

#define ENC (PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT)
#define SIG (PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH)

#define AES_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define PLAIN   "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
#define COUNTED "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

typedef struct {
    const char *name;
    psa_key_type_t type;
    psa_algorithm_t alg;
    const char *key, *iv;
    size_t plain_len;
    const char *want;
} cipher_case;

static const cipher_case ciphers[] = {
    { "CFB", PSA_KEY_TYPE_AES, PSA_ALG_CFB, AES_KEY, "000102030405060708090a0b0c0d0e0f", 20,
      "3b3fd92eb72dad20333449f8e83cfb4ac8a64537" },
    { "OFB", PSA_KEY_TYPE_AES, PSA_ALG_OFB, AES_KEY, "000102030405060708090a0b0c0d0e0f", 20,
      "3b3fd92eb72dad20333449f8e83cfb4a7789508d" },
    { "CTR", PSA_KEY_TYPE_AES, PSA_ALG_CTR, AES_KEY, "000102030405060708090a0b0c0d0e0f", 20,
      "3b3fd92eb72dad20333449f8e83cfb4a010c0419" },
    { "CBC", PSA_KEY_TYPE_AES, PSA_ALG_CBC_NO_PADDING, AES_KEY, "000102030405060708090a0b0c0d0e0f",
      32, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2" },
    { "ECB", PSA_KEY_TYPE_AES, PSA_ALG_ECB_NO_PADDING, AES_KEY, "", 32,
      "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf" },
    { "CCM*", PSA_KEY_TYPE_AES, PSA_ALG_CCM_STAR_NO_TAG, AES_KEY, "000102030405060708090a0b0c", 32,
      "4eb67073f44d26886642218dbfa92f2218b122637a50b00ecf272878cae15f87" },
    { "Camellia", PSA_KEY_TYPE_CAMELLIA, PSA_ALG_ECB_NO_PADDING, AES_KEY, "", 32,
      "432fc5dcd628115b7c388d770b270c960be1f14023782a22e8384c5abb7fab2b" },
    { "ARIA", PSA_KEY_TYPE_ARIA, PSA_ALG_ECB_NO_PADDING, AES_KEY, "", 16,
      "baf07d1f1c72b4926a29a5e2f536e47a" },
    { "DES", PSA_KEY_TYPE_DES, PSA_ALG_ECB_NO_PADDING,
      "0123456789abcdef23456789abcdef01456789abcdef0123", "", 8, "714772f339841d34" },
    { "ChaCha20", PSA_KEY_TYPE_CHACHA20, PSA_ALG_STREAM_CIPHER, COUNTED, "000102030405060708090a0b",
      32, "7bfb4ff3efcbcb0bd019f1a10ef3d5b03bfc51dfc6915b2831c7f5f391d5101a" },
};

static void in_steps(psa_cipher_operation_t *op, const cipher_case *c, const uint8_t *in,
                     size_t len, uint8_t *out, size_t *out_len)
{
    hex_bytes iv = hex(c->iv);
    size_t more;

    if (iv.len > 0)
        OK(psa_cipher_set_iv(op, iv.at, iv.len));
    OK(psa_cipher_update(op, in, 5, out, 80, out_len));
    OK(psa_cipher_update(op, in + 5, len - 5, out + *out_len, 80 - *out_len, &more));
    *out_len += more;
    OK(psa_cipher_finish(op, out + *out_len, 80 - *out_len, &more));
    *out_len += more;
}

static void test_cipher_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
        const cipher_case *c = &ciphers[i];
        psa_key_id_t key = wall_import_hex(c->type, ENC, c->alg, c->key);
        psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
        hex_bytes plain = hex(PLAIN);
        uint8_t out[80], back[80];
        size_t len, back_len;

        OK(psa_cipher_encrypt_setup(&op, key, c->alg));
        in_steps(&op, c, plain.at, c->plain_len, out, &len);
        wall_same(out, len, c->want);
        OK(psa_cipher_decrypt_setup(&op, key, c->alg));
        in_steps(&op, c, out, len, back, &back_len);
        assert_int_equal(back_len, c->plain_len);
        assert_memory_equal(back, plain.at, back_len);
        OK(psa_cipher_encrypt(key, c->alg, plain.at, c->plain_len, out, sizeof out, &len));
        OK(psa_cipher_decrypt(key, c->alg, out, len, back, sizeof back, &back_len));
        assert_int_equal(back_len, c->plain_len);
        assert_memory_equal(back, plain.at, back_len);
        OK(psa_destroy_key(key));
    }
}

static void test_cipher_refuses(void **state)
{
    psa_key_id_t key =
        wall_import_hex(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT, PSA_ALG_CBC_NO_PADDING, AES_KEY);
    psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
    uint8_t out[64], iv[16] = { 0 };
    size_t len = 1;

    (void)state;
    WANT(PSA_ERROR_NOT_PERMITTED, psa_cipher_decrypt_setup(&op, key, PSA_ALG_CBC_NO_PADDING));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_cipher_encrypt_setup(&op, key, PSA_ALG_CTR));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_cipher_encrypt_setup(&op, key, PSA_ALG_GCM));
    WANT(PSA_ERROR_INVALID_HANDLE, psa_cipher_encrypt_setup(&op, 4711, PSA_ALG_CTR));
    WANT(PSA_ERROR_BAD_STATE, psa_cipher_set_iv(&op, iv, 16));
    OK(psa_cipher_encrypt_setup(&op, key, PSA_ALG_CBC_NO_PADDING));
    WANT(PSA_ERROR_BAD_STATE, psa_cipher_update(&op, iv, 16, out, sizeof out, &len)); /* no IV */
    assert_int_equal(len, 0);
    WANT(PSA_ERROR_BAD_STATE, psa_cipher_set_iv(&op, iv, 16)); /* in its error state */
    OK(psa_cipher_abort(&op));
    OK(psa_cipher_encrypt_setup(&op, key, PSA_ALG_CBC_NO_PADDING));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_cipher_set_iv(&op, iv, 15));
    OK(psa_cipher_abort(&op));
    OK(psa_cipher_encrypt_setup(&op, key, PSA_ALG_CBC_NO_PADDING));
    OK(psa_cipher_set_iv(&op, iv, 16));
    OK(psa_cipher_update(&op, iv, 15, out, sizeof out, &len));
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_cipher_finish(&op, out, sizeof out, &len)); /* half a block */
    OK(psa_cipher_abort(&op));
    WANT(PSA_ERROR_BUFFER_TOO_SMALL,
         psa_cipher_encrypt(key, PSA_ALG_CBC_NO_PADDING, iv, 16, out, 31, &len));
    assert_int_equal(len, 0);
    OK(psa_destroy_key(key));
}

static void test_aead_chacha20_poly1305(void **state)
{
    psa_algorithm_t alg = PSA_ALG_CHACHA20_POLY1305;
    psa_key_id_t key = wall_import_hex(PSA_KEY_TYPE_CHACHA20, ENC, alg, COUNTED);
    hex_bytes nonce = hex("000102030405060708090a0b"), plain = hex(PLAIN);
    psa_aead_operation_t op = PSA_AEAD_OPERATION_INIT;
    uint8_t out[80], tag[16];
    size_t len, more, tag_len;

    (void)state;
    OK(psa_aead_encrypt(key, alg, nonce.at, 12, TEXT("ad"), plain.at, plain.len, out, sizeof out,
                        &len));
    wall_same(out, len,
              "e23ab6e207573ad65ebe41e2eb8e1949675d38b04f77012578204069306f286d"
              "ef32f71f60e9d19b08c6892d500e979c");
    OK(psa_aead_decrypt_setup(&op, key, alg));
    OK(psa_aead_set_nonce(&op, nonce.at, 12));
    OK(psa_aead_update_ad(&op, TEXT("ad")));
    memcpy(tag, out + 32, 16);
    OK(psa_aead_update(&op, out, 32, out, sizeof out, &len));
    OK(psa_aead_verify(&op, out + len, sizeof out - len, &more, tag, 16));
    assert_memory_equal(out, plain.at, 32);

    OK(psa_aead_decrypt_setup(&op, key, alg)); /* a wrong tag */
    OK(psa_aead_set_nonce(&op, nonce.at, 12));
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_aead_verify(&op, out, sizeof out, &more, tag, 16));
    WANT(PSA_ERROR_BAD_STATE, psa_aead_update_ad(&op, TEXT("ad")));
    OK(psa_aead_abort(&op));
    OK(psa_aead_encrypt_setup(&op, key, alg)); /* a finish of the other direction */
    OK(psa_aead_set_nonce(&op, nonce.at, 12));
    WANT(PSA_ERROR_BAD_STATE, psa_aead_verify(&op, out, sizeof out, &more, tag, 16));
    OK(psa_aead_abort(&op));
    OK(psa_aead_encrypt_setup(&op, key, alg));
    OK(psa_aead_set_lengths(&op, 2, 0));
    OK(psa_aead_set_nonce(&op, nonce.at, 12));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_aead_update_ad(&op, TEXT("more than was said")));
    OK(psa_aead_abort(&op));
    OK(psa_aead_encrypt_setup(&op, key, alg));
    OK(psa_aead_set_nonce(&op, nonce.at, 12));
    WANT(PSA_ERROR_BUFFER_TOO_SMALL,
         psa_aead_finish(&op, out, sizeof out, &len, tag, 15, &tag_len));
    OK(psa_aead_abort(&op));
    OK(psa_destroy_key(key));
}

/* Nonces of GCM may be long (SP 800-38D, 5.2.1.1). */
static void test_aead_gcm_takes_a_long_nonce(void **state)
{
    psa_key_id_t key = wall_import_hex(PSA_KEY_TYPE_AES, ENC, PSA_ALG_GCM, AES_KEY);
    uint8_t nonce[128], out[32], back[16];
    size_t len, back_len;

    (void)state;
    memset(nonce, 0x3c, sizeof nonce);
    OK(psa_aead_encrypt(key, PSA_ALG_GCM, nonce, 128, NULL, 0, TEXT("text"), out, 32, &len));
    OK(psa_aead_decrypt(key, PSA_ALG_GCM, nonce, 128, NULL, 0, out, len, back, 16, &back_len));
    assert_int_equal(back_len, 4);
    assert_memory_equal(back, "text", 4);
    nonce[127] ^= 1;
    WANT(PSA_ERROR_INVALID_SIGNATURE,
         psa_aead_decrypt(key, PSA_ALG_GCM, nonce, 128, NULL, 0, out, len, back, 16, &back_len));
    OK(psa_destroy_key(key));
}

/* ---- hashes ---- */

static const struct {
    psa_algorithm_t alg;
    const char *abc; /* FIPS 180-4, FIPS 202, RFC 1321 §A.5: the hash of "abc" */
} hashes[] = {
    { PSA_ALG_MD5, "900150983cd24fb0d6963f7d28e17f72" },
    { PSA_ALG_RIPEMD160, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc" },
    { PSA_ALG_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { PSA_ALG_SHA_224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
    { PSA_ALG_SHA_256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { PSA_ALG_SHA_384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                       "8086072ba1e7cc2358baeca134c825a7" },
    { PSA_ALG_SHA_512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
    { PSA_ALG_SHA3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf" },
    { PSA_ALG_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
    { PSA_ALG_SHA3_384, "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2"
                        "98d88cea927ac7f539f1edf228376d25" },
    { PSA_ALG_SHA3_512, "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
                        "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0" },
};

static void test_hash_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        psa_hash_operation_t op = PSA_HASH_OPERATION_INIT, copy = PSA_HASH_OPERATION_INIT;
        psa_algorithm_t alg = hashes[i].alg;
        hex_bytes want = hex(hashes[i].abc);
        uint8_t out[64];
        size_t len;

        assert_int_equal(psa_can_do_hash(alg), 1);
        OK(psa_hash_compute(alg, TEXT("abc"), out, sizeof out, &len));
        wall_same(out, len, hashes[i].abc);
        OK(psa_hash_compare(alg, TEXT("abc"), want.at, want.len));
        WANT(PSA_ERROR_INVALID_SIGNATURE, psa_hash_compare(alg, TEXT("abd"), want.at, want.len));
        WANT(PSA_ERROR_INVALID_SIGNATURE,
             psa_hash_compare(alg, TEXT("abc"), want.at, want.len - 1));
        WANT(PSA_ERROR_BUFFER_TOO_SMALL,
             psa_hash_compute(alg, TEXT("abc"), out, want.len - 1, &len));
        assert_int_equal(len, 0);

        OK(psa_hash_setup(&op, alg));
        WANT(PSA_ERROR_BAD_STATE, psa_hash_setup(&op, alg));
        OK(psa_hash_update(&op, TEXT("a")));
        OK(psa_hash_clone(&op, &copy));
        WANT(PSA_ERROR_BAD_STATE, psa_hash_clone(&op, &copy));
        OK(psa_hash_update(&op, TEXT("bc")));
        OK(psa_hash_finish(&op, out, sizeof out, &len));
        wall_same(out, len, hashes[i].abc);
        WANT(PSA_ERROR_BAD_STATE, psa_hash_finish(&op, out, sizeof out, &len));
        OK(psa_hash_update(&copy, TEXT("bc")));
        OK(psa_hash_verify(&copy, want.at, want.len));
        OK(psa_hash_setup(&op, alg));
        WANT(PSA_ERROR_INVALID_SIGNATURE, psa_hash_verify(&op, want.at, want.len));
        WANT(PSA_ERROR_BAD_STATE, psa_hash_update(&op, TEXT("a")));
        OK(psa_hash_abort(&op));
        OK(psa_hash_abort(&op));
    }
    assert_int_equal(psa_can_do_hash(PSA_ALG_SHA_512_256), 0);
}

/* A message longer than any one call carries */
static void test_hash_of_a_long_message(void **state)
{
    static uint8_t big[100000];
    uint8_t whole[20], parts[20];
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
    size_t len;

    (void)state;
    memset(big, 'x', sizeof big);
    OK(psa_hash_compute(PSA_ALG_SHA_1, big, sizeof big, whole, 20, &len));
    OK(psa_hash_setup(&op, PSA_ALG_SHA_1));
    for (size_t at = 0; at < sizeof big; at += 1000)
        OK(psa_hash_update(&op, big + at, 1000));
    OK(psa_hash_finish(&op, parts, 20, &len));
    assert_memory_equal(whole, parts, 20);
}

/* Operations in steps take input of any length, and agree with the same in small parts. */
static void test_steps_take_long_input(void **state)
{
    static uint8_t big[100001], one[100001], two[100001];
    psa_key_id_t aes = wall_import_hex(PSA_KEY_TYPE_AES, ENC, PSA_ALG_CTR, AES_KEY);
    psa_key_id_t gcm = wall_import_hex(PSA_KEY_TYPE_AES, ENC, PSA_ALG_GCM, AES_KEY);
    psa_key_id_t mac =
        wall_import_hex(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_CMAC, AES_KEY);
    psa_cipher_operation_t c = PSA_CIPHER_OPERATION_INIT;
    psa_aead_operation_t a = PSA_AEAD_OPERATION_INIT;
    psa_mac_operation_t m = PSA_MAC_OPERATION_INIT;
    uint8_t iv[16] = { 0 }, tags[2][16], macs[2][16];
    size_t len, more, tag_len;

    (void)state;
    memset(big, 0x77, sizeof big);
    for (int way = 0; way < 2; way++) {
        size_t step = way == 0 ? sizeof big : 999;
        uint8_t *out = way == 0 ? one : two;

        OK(psa_cipher_encrypt_setup(&c, aes, PSA_ALG_CTR));
        OK(psa_cipher_set_iv(&c, iv, 16));
        OK(psa_mac_sign_setup(&m, mac, PSA_ALG_CMAC));
        for (size_t at = 0; at < sizeof big; at += len) {
            size_t n = sizeof big - at < step ? sizeof big - at : step;

            OK(psa_cipher_update(&c, big + at, n, out + at, sizeof one - at, &len));
            assert_int_equal(len, n);
            OK(psa_mac_update(&m, big + at, n));
        }
        OK(psa_cipher_finish(&c, NULL, 0, &len));
        OK(psa_mac_sign_finish(&m, macs[way], 16, &len));
    }
    assert_memory_equal(one, two, sizeof one);
    assert_memory_equal(macs[0], macs[1], 16);
    for (int way = 0; way < 2; way++) {
        size_t step = way == 0 ? sizeof big : 1000, at, total = 0;
        uint8_t *out = way == 0 ? one : two;

        OK(psa_aead_encrypt_setup(&a, gcm, PSA_ALG_GCM));
        OK(psa_aead_set_nonce(&a, iv, 12));
        OK(psa_aead_update_ad(&a, big, sizeof big));
        for (at = 0; at < sizeof big; at += step) {
            size_t n = sizeof big - at < step ? sizeof big - at : step;

            OK(psa_aead_update(&a, big + at, n, out + total, sizeof one - total, &len));
            total += len;
        }
        OK(psa_aead_finish(&a, out + total, sizeof one - total, &more, tags[way], 16, &tag_len));
        assert_int_equal(total + more, sizeof big);
    }
    assert_memory_equal(one, two, sizeof one);
    assert_memory_equal(tags[0], tags[1], 16);
    OK(psa_cipher_encrypt_setup(&c, aes, PSA_ALG_CTR)); /* room for a part of the output */
    OK(psa_cipher_set_iv(&c, iv, 16));
    WANT(PSA_ERROR_BUFFER_TOO_SMALL, psa_cipher_update(&c, big, sizeof big, one, 20000, &len));
    assert_int_equal(len, 0);
    WANT(PSA_ERROR_BAD_STATE, psa_cipher_update(&c, big, 1, one, 20000, &len));
    OK(psa_cipher_abort(&c));
    OK(psa_destroy_key(aes));
    OK(psa_destroy_key(gcm));
    OK(psa_destroy_key(mac));
}

/* PSA Crypto API 1.2, "Hash suspend state": the format, and going on from it */
static void test_hash_suspend_and_resume(void **state)
{
    const psa_algorithm_t near_side[] = { PSA_ALG_SHA_224, PSA_ALG_SHA_256, PSA_ALG_SHA_384,
                                          PSA_ALG_SHA_512 };
    uint8_t text[300], saved[PSA_HASH_SUSPEND_OUTPUT_MAX_SIZE], out[64], want[64];
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
    size_t len, n, saved_len;

    (void)state;
    memset(text, 0x61, sizeof text);
    for (size_t i = 0; i < 4; i++) {
        psa_algorithm_t alg = near_side[i];

        OK(psa_hash_compute(alg, text, 300, want, 64, &n));
        for (size_t cut = 0; cut <= 300; cut += 25) {
            OK(psa_hash_setup(&op, alg));
            OK(psa_hash_update(&op, text, cut));
            OK(psa_hash_suspend(&op, saved, sizeof saved, &saved_len));
            assert_int_equal(saved_len, 4 + PSA_HASH_SUSPEND_INPUT_LENGTH_FIELD_LENGTH(alg) +
                                            PSA_HASH_SUSPEND_HASH_STATE_FIELD_LENGTH(alg) +
                                            cut % PSA_HASH_BLOCK_LENGTH(alg));
            WANT(PSA_ERROR_BAD_STATE, psa_hash_update(&op, text, 1)); /* it is over */
            OK(psa_hash_resume(&op, saved, saved_len));
            OK(psa_hash_update(&op, text + cut, 300 - cut));
            OK(psa_hash_finish(&op, out, 64, &len));
            assert_memory_equal(out, want, n);
        }
    }
    OK(psa_hash_setup(&op, PSA_ALG_SHA_256));
    OK(psa_hash_suspend(&op, saved, sizeof saved, &saved_len));
    wall_same(saved, saved_len,
              "02000009 0000000000000000 "
              "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19");
    for (size_t bad = 0; bad < saved_len; bad++)
        WANT(PSA_ERROR_INVALID_ARGUMENT, psa_hash_resume(&op, saved, bad));
    saved[11] = 1; /* one byte of input, which is not there */
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_hash_resume(&op, saved, saved_len));
    saved[3] = 5; /* SHA-1 */
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_hash_resume(&op, saved, saved_len));
    OK(psa_hash_setup(&op, PSA_ALG_SHA_256));
    WANT(PSA_ERROR_BUFFER_TOO_SMALL, psa_hash_suspend(&op, saved, 43, &saved_len));
    WANT(PSA_ERROR_BAD_STATE, psa_hash_update(&op, text, 1));
    OK(psa_hash_abort(&op));
    OK(psa_hash_setup(&op, PSA_ALG_SHA3_256));
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_hash_suspend(&op, saved, sizeof saved, &saved_len));
    OK(psa_hash_abort(&op));
}

/* ---- RSA ---- */

static const char rsa_pair[] =
    "308204a3020100028201010093cdd82272a35858de23f7057c438a022026f963f34079b87048529411540fe4"
    "99f1b82e55be1146c1a828606026cd3ea9e097121d90869324ebcc74f3514d25fe12a305c5171e19a329f82e"
    "db8e84ce6b62d81f6c9e10ab889ecd8d837b29d20f0d407e71a5725a4cf13317f0d144484265382963e0474a"
    "ef252b82b90f73195ea4713c9004279d1c9ef23c93b7c0b26d36eae802f492fa7b04c8ee46065574e85e7bda"
    "6b2b41515b940616972920bbd0854bdde382540dd1bbc82628d59a28dbc6b01cbee6cbeef587b412bfe13757"
    "bb58bd497363c47864dfcafe9221b12151f732e260b47efd181b7f6221c386ea06a8366d18a6489548812341"
    "4f2785ef0203010001028201002f2e780eb30a9aa2afb2ca617963f3f3aec0d23e8a41ac3968ba6585f7ac1e"
    "70aa85c376230fcbe30ae1bb95dc4bb69c08cd755c268ce2b0a90a0e97ccae48d2d672ab90a574363b17df47"
    "66e9d66a659c590ec5a53e25f323e71195d98160fdb9a950cbac4a94a0e7cbdd3408bf3cad56688a4f881ee9"
    "932d98ef7548cefa3e0428f66dab80669dc8e79b3a4875d7b239d20ff1d28fe97c0c7b41cbbfe555379c1101"
    "f4a1f41f32ca273d80433ef8714206e45ef84e06b4026e4e996ff048289b5f64e076b3b7cc6cd003486a32be"
    "186cb2b91f7271ab794864d7b5a05d9413856fa0c7b9002f9f535a6458e645c82ccab62fdbae0eea2bd0f8ce"
    "106b60e15d02818100cbe4a75f1a4923b3be8b008c970214a7b12889c064a0a9b3f14e1e56de9eb3ccca587f"
    "2e8707201d9415c27d250745f2da0cc810e6cfa9e9af82606fdcca3bb823dfb9b6abf80f979dc0be8cac7a51"
    "c0862bbc065e1f5bfa50fd7301b28d823e400f538b930916cb02eafedc959e2ff69bc1da7e5bbdbc5ea9743e"
    "5f0007eacb02818100b993a95b3c9895e9a7a0e7806d3054f216e79f5020d94791129d7938d2c68e9c5f6283"
    "eabf22494442083cfc4146226a9c7de1c66219244072b087af121cdaa6bcc29c2a9250c0a271e42aca9a23b1"
    "e1cb25f24cebaf6541a5d96bfbac58d2b96bfdc2ebc22fba688fb20e8522d3de1faf83083a75d46be636261e"
    "ab68cc78ed028181008b4cd9c8d0e59d5dc555a477690843e259d80f5d01a2feae70b365690649b91fb63306"
    "195ca95298c2bea714e7027418ba3eb7454cdc1e030924f30c19f5951d766cf8adc40a03651ba33ecc4f5e76"
    "922958a1ea5bcde3023ee919f4d3ef78475d6edb2e65b374fe182d4318a3a3e2b302b14bbcbea2ff9a50fd99"
    "4b4073284702818015f3696ce95603258836782bb0beaecd93f801d8308a82f49e071277ae36de5790d0ce59"
    "ce11f828a2c6e6afcfe8c3d968795b6363e7256a9a26576655f623c6e53cffcbe952b3f68312421d84ee03f4"
    "795b1bb60d8ac9a7623ebd8f1f6bc2413c8cdfa99366a1de0c613b6674202b7e03fcb3d4766b91f7c11ff130"
    "c54caa610281803f8d788755f6c841106807b05140cc0a7291acb74ac93ccc2a7958a3402b1f98d2309195f7"
    "77011ff3211c9c61845caec000f3137069c4afc54d1a82c04cd5c9f0ad0f872d401f5e8dfba359c9f770fd07"
    "748d4e3f3154517b52075255f9f6eeef7a5c9ed16dde85e9f773e3d43810035525e266f02e7f65c368db86d8"
    "26b26e";
static const char rsa_public[] =
    "3082010a028201010093cdd82272a35858de23f7057c438a022026f963f34079b87048529411540fe499f1b8"
    "2e55be1146c1a828606026cd3ea9e097121d90869324ebcc74f3514d25fe12a305c5171e19a329f82edb8e84"
    "ce6b62d81f6c9e10ab889ecd8d837b29d20f0d407e71a5725a4cf13317f0d144484265382963e0474aef252b"
    "82b90f73195ea4713c9004279d1c9ef23c93b7c0b26d36eae802f492fa7b04c8ee46065574e85e7bda6b2b41"
    "515b940616972920bbd0854bdde382540dd1bbc82628d59a28dbc6b01cbee6cbeef587b412bfe13757bb58bd"
    "497363c47864dfcafe9221b12151f732e260b47efd181b7f6221c386ea06a8366d18a64895488123414f2785"
    "ef0203010001";
static const char rsa_signature_v15[] = /* of "Tessera", SHA-256 */
    "55838140836f4874f8a92571b6c2bb7a24c9ad7187ba670248345231dc0c90bfb5e22dcdc413cde4700c399a"
    "f10945aa3443907b77179d2056ae54d97f51b01262c8d4df7374e356380c3bb2b97311b53f6ca197fc2df104"
    "8376a1e1cf207ab143e10cac2c60841afec7aac660259886a69931a29063b5d040d14656babe8e807ba82270"
    "fc734e2f7e00475b32f747907d785e24d8ec13eeebd7647a2e9e28b8629d6d5b123684c3261687951362f4cd"
    "a53cf5f7f1ed8429597b28036de75f5df6ee31caffe7ebe2b5fc5875ed94468311942feaad79634ff616f091"
    "6c87c874126c92481358bbb1a6fbd457ad7e1201d65d4c2f7d4b7e6c5e293e6c8df4669d";
static const char rsa_signature_pss[] = /* the same, 32 bytes of salt */
    "5cc32b06e3a0f7846747147ecbebe360c07613a3f71b7d822d9bc5d48dd851fb7961acfaefaa18b9cb35e45f"
    "02fbb4af5346200fc6fc7d3f5b10af3d79324051da3a5f11505e2e2c0ffe8357a02889791c185b8104f91800"
    "f249399b9efc92fca7be0b470a1164fbff8fa9e3aa54c884bf1017457c6ef740649e9f0008528184857908a3"
    "ab247a38c17ad1e44394b903b5d36a332aa690092cf7675b681d2eff1645284ad1867f57a2f585526e2f21c6"
    "e1d4d13d42da318a7ba5f42c8489224abe426f76342744af51c8bf1bb259a0638d4fc233d30c7fe3f8893e72"
    "5916cb46b622e28310fd0dd13ac573f38135ec0223aed26baefd26c0979cbd8849ad4ae9";
static const char rsa_oaep[] = /* "Tessera" under OAEP with SHA-256 and the label "label" */
    "55a8a875f1421558834160bb78454c4bdca12a63f4759cd3d7e6caded56910fcb0954220b675298fb3bfff8e"
    "0278090dfb40f8062540b7af6d876971f10f5cc4a9c57fc8e26cff8522e13b929ab56f2174cf0d01a061360e"
    "de624f9940892ea39a4fdde35a21f7d3cd31090e09caeadcec5390229a5a1fd83a44c12d6145222f339796ce"
    "3eacad7dcde28d20c7b1669b9caab15ed8dfcd434023c38bc7adad149bc505c083b6fdae37f559668a62ed04"
    "d1cc2cf77f35ba66f8bbf12bdffbd75d559f2e6afebf7c139366bad4633a462811aee733f13cb26270ecb8e9"
    "8e0ed9c974f3817b006eb39c108e059983d00901a8c2b3e9ad27c0f882a352132929f1d9";
static const char rsa_v15[] = /* "Tessera" under PKCS#1 v1.5 */
    "3adf3700b6c4828ae137d587e2d926fd9235d5fab3521fefb824988e27ce77eb31c5ff93a8447e87de2be866"
    "251e6ca02fe7552bcc03549044e26ef9621575ea9370bae3828635b93389ad0f4541993c9a855337758dd62d"
    "2ed26b162221827d43b0032f81cadeaef25a26526059679067501318652358e4ea1be7201bd3515226dd5e74"
    "943bfae24dd1fd1a7f33b2bbb69b9cf6a1675e530e5f97378c7576c992163e85c76a0482c2bfdf9642b35127"
    "cdfcd3c1908e000df38017f5f76b643dac3f58571bac4a6916f81c76e5720886196b72041bf16a640b129079"
    "30e765dad862306915eebc1c4db58169180d46f70dbc6f0af1b5cc9b193b9dbf0ae5a790";

static size_t unhex(const char *text, uint8_t *out)
{
    size_t n = strlen(text) / 2;

    for (size_t i = 0; i < n; i++) {
        char pair[3] = { text[2 * i], text[2 * i + 1], 0 };

        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static psa_key_id_t rsa(const char *text, psa_key_usage_t usage, psa_algorithm_t alg)
{
    uint8_t der[1300];
    size_t len = unhex(text, der);

    return wall_import(text == rsa_pair ? PSA_KEY_TYPE_RSA_KEY_PAIR : PSA_KEY_TYPE_RSA_PUBLIC_KEY,
                       usage, alg, der, len);
}

static void test_rsa_pkcs1_v15_signature(void **state)
{
    psa_algorithm_t alg = PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256);
    psa_key_id_t pair = rsa(rsa_pair, SIG, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH));
    psa_key_id_t pub = rsa(rsa_public, SIG, alg);
    uint8_t out[256], want[256], hash[32], der[300], der_want[300];
    size_t len, n;

    (void)state;
    OK(psa_sign_message(pair, alg, TEXT("Tessera"), out, sizeof out, &len));
    assert_int_equal(unhex(rsa_signature_v15, want), len);
    assert_memory_equal(out, want, len);
    OK(psa_verify_message(pub, alg, TEXT("Tessera"), out, len));
    OK(psa_hash_compute(PSA_ALG_SHA_256, TEXT("Tessera"), hash, 32, &n));
    OK(psa_sign_hash(pair, alg, hash, 32, out, sizeof out, &len));
    assert_memory_equal(out, want, len);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_sign_hash(pair, alg, hash, 31, out, sizeof out, &len));
    WANT(PSA_ERROR_BUFFER_TOO_SMALL, psa_sign_hash(pair, alg, hash, 32, out, 255, &len));
    assert_int_equal(len, 0);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_sign_hash(pub, alg, hash, 32, out, sizeof out, &len));
    want[100] ^= 1;
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_verify_hash(pub, alg, hash, 32, want, 256));
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_verify_hash(pub, alg, hash, 32, want, 255));
    OK(psa_export_public_key(pair, der, sizeof der, &len));
    assert_int_equal(unhex(rsa_public, der_want), len);
    assert_memory_equal(der, der_want, len);
    OK(psa_destroy_key(pair));
    OK(psa_destroy_key(pub));
}

static void test_rsa_pss_signature(void **state)
{
    psa_algorithm_t alg = PSA_ALG_RSA_PSS(PSA_ALG_SHA_256);
    psa_key_id_t pair = rsa(rsa_pair, SIG, alg), pub = rsa(rsa_public, SIG, alg);
    uint8_t out[256], known[256];
    size_t len;

    (void)state;
    (void)unhex(rsa_signature_pss, known);
    OK(psa_verify_message(pub, alg, TEXT("Tessera"), known, 256));
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_verify_message(pub, alg, TEXT("tessera"), known, 256));
    OK(psa_sign_message(pair, alg, TEXT("Tessera"), out, sizeof out, &len));
    assert_memory_not_equal(out, known, 256); /* salted */
    OK(psa_verify_message(pub, alg, TEXT("Tessera"), out, len));
    WANT(PSA_ERROR_NOT_PERMITTED, psa_sign_message(pair, PSA_ALG_RSA_PSS(PSA_ALG_SHA_512),
                                                   TEXT("Tessera"), out, sizeof out, &len));
    OK(psa_destroy_key(pair));
    OK(psa_destroy_key(pub));
}

static void test_rsa_encryption(void **state)
{
    const struct {
        psa_algorithm_t alg;
        const char *known, *label;
    } cases[] = { { PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256), rsa_oaep, "label" },
                  { PSA_ALG_RSA_PKCS1V15_CRYPT, rsa_v15, "" } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        psa_algorithm_t alg = cases[i].alg;
        psa_key_id_t pair = rsa(rsa_pair, ENC, alg), pub = rsa(rsa_public, ENC, alg);
        const uint8_t *label = (const uint8_t *)cases[i].label;
        size_t label_len = strlen(cases[i].label), len, n;
        uint8_t known[256], out[256], back[256];

        (void)unhex(cases[i].known, known);
        OK(psa_asymmetric_decrypt(pair, alg, known, 256, label, label_len, back, 256, &len));
        assert_int_equal(len, 7);
        assert_memory_equal(back, "Tessera", 7);
        OK(psa_asymmetric_encrypt(pub, alg, TEXT("again"), label, label_len, out, 256, &n));
        OK(psa_asymmetric_decrypt(pair, alg, out, n, label, label_len, back, 256, &len));
        assert_int_equal(len, 5);
        WANT(PSA_ERROR_INVALID_ARGUMENT,
             psa_asymmetric_decrypt(pub, alg, out, n, label, label_len, back, 256, &len));
        assert_int_equal(len, 0);
        WANT(PSA_ERROR_INVALID_HANDLE,
             psa_asymmetric_encrypt(4711, alg, TEXT("again"), NULL, 0, out, 256, &n));
        if (i == 0) {
            WANT(PSA_ERROR_INVALID_PADDING,
                 psa_asymmetric_decrypt(pair, alg, known, 256, TEXT("other"), back, 256, &len));
            WANT(PSA_ERROR_NOT_PERMITTED, psa_asymmetric_encrypt(pub, PSA_ALG_RSA_PKCS1V15_CRYPT,
                                                                 TEXT("x"), NULL, 0, out, 256, &n));
        } else {
            WANT(PSA_ERROR_INVALID_ARGUMENT,
                 psa_asymmetric_encrypt(pub, alg, TEXT("x"), TEXT("label"), out, 256, &n));
        }
        OK(psa_destroy_key(pair));
        OK(psa_destroy_key(pub));
    }
}

/* The longest text: RFC 8017 §7.1.1 and RFC 8017 §7.2.1. One byte more is refused. */
static void test_rsa_encryption_has_its_room(void **state)
{
    static const struct {
        psa_algorithm_t alg;
        size_t most;
    } cases[] = { { PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256), 256 - 2 * 32 - 2 },
                  { PSA_ALG_RSA_OAEP(PSA_ALG_SHA_512), 256 - 2 * 64 - 2 },
                  { PSA_ALG_RSA_PKCS1V15_CRYPT, 256 - 11 } };
    uint8_t text[256], out[256], back[256];
    size_t n, len;

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        psa_algorithm_t alg = cases[i].alg;
        psa_key_id_t pair = rsa(rsa_pair, ENC, alg);
        const size_t room =
            PSA_ASYMMETRIC_DECRYPT_OUTPUT_SIZE(PSA_KEY_TYPE_RSA_KEY_PAIR, 2048, alg);

        assert_int_equal(room, cases[i].most);
        OK(psa_asymmetric_encrypt(pair, alg, text, room, NULL, 0, out, 256, &n));
        assert_int_equal(n, PSA_ASYMMETRIC_ENCRYPT_OUTPUT_SIZE(PSA_KEY_TYPE_RSA_KEY_PAIR, 2048, alg));
        OK(psa_asymmetric_decrypt(pair, alg, out, n, NULL, 0, back, room, &len));
        assert_int_equal(len, room);
        WANT(PSA_ERROR_INVALID_ARGUMENT,
             psa_asymmetric_encrypt(pair, alg, text, room + 1, NULL, 0, out, 256, &n));
        OK(psa_destroy_key(pair));
    }
}

/* RFC 8017 §A.1: both kinds of keys fit where the macros say so, and waste little. */
static void test_rsa_keys_fit_where_they_are_put(void **state)
{
    static const size_t sizes[] = { 1024, 2048 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        psa_key_attributes_t a =
            wall_attributes(PSA_KEY_TYPE_RSA_KEY_PAIR, sizes[i],
                            PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT,
                            PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256));
        uint8_t der[PSA_KEY_EXPORT_RSA_KEY_PAIR_MAX_SIZE(2048)];
        const size_t pair_max = PSA_KEY_EXPORT_RSA_KEY_PAIR_MAX_SIZE(sizes[i]);
        const size_t public_max = PSA_KEY_EXPORT_RSA_PUBLIC_KEY_MAX_SIZE(sizes[i]);
        psa_key_id_t key;
        size_t len;

        OK(psa_generate_key(&a, &key));
        OK(psa_export_key(key, der, pair_max, &len));
        assert_in_range(len, pair_max - 64, pair_max);
        OK(psa_export_public_key(key, der, public_max, &len));
        assert_in_range(len, public_max - 16, public_max);
        OK(psa_destroy_key(key));
    }
}

/* ---- elliptic curves ---- */

static const struct {
    psa_ecc_family_t family;
    size_t bits;
    psa_algorithm_t hash;
} curves[] = {
    { PSA_ECC_FAMILY_SECP_R1, 192, PSA_ALG_SHA_1 },
    { PSA_ECC_FAMILY_SECP_R1, 224, PSA_ALG_SHA_224 },
    { PSA_ECC_FAMILY_SECP_R1, 256, PSA_ALG_SHA_256 },
    { PSA_ECC_FAMILY_SECP_R1, 384, PSA_ALG_SHA_384 },
    { PSA_ECC_FAMILY_SECP_R1, 521, PSA_ALG_SHA_512 },
    { PSA_ECC_FAMILY_SECP_K1, 192, PSA_ALG_SHA_1 },
    { PSA_ECC_FAMILY_SECP_K1, 256, PSA_ALG_SHA_256 },
    { PSA_ECC_FAMILY_BRAINPOOL_P_R1, 256, PSA_ALG_SHA_256 },
    { PSA_ECC_FAMILY_BRAINPOOL_P_R1, 384, PSA_ALG_SHA_384 },
    { PSA_ECC_FAMILY_BRAINPOOL_P_R1, 512, PSA_ALG_SHA3_512 },
};

static void test_ecdsa_on_every_curve(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        psa_algorithm_t alg = PSA_ALG_ECDSA(curves[i].hash);
        psa_key_id_t pair = wall_generate(PSA_KEY_TYPE_ECC_KEY_PAIR(curves[i].family),
                                          curves[i].bits, SIG, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
        uint8_t point[133], sig[132], one[66], two[66];
        size_t len, n;
        psa_key_id_t pub, ecdh, peer;

        OK(psa_export_public_key(pair, point, sizeof point, &n));
        assert_int_equal(n, PSA_EXPORT_PUBLIC_KEY_OUTPUT_SIZE(
                                PSA_KEY_TYPE_ECC_KEY_PAIR(curves[i].family), curves[i].bits));
        pub = wall_import(PSA_KEY_TYPE_ECC_PUBLIC_KEY(curves[i].family), SIG, alg, point, n);
        OK(psa_sign_message(pair, alg, TEXT("Tessera"), sig, sizeof sig, &len));
        assert_int_equal(len, PSA_ECDSA_SIGNATURE_SIZE(curves[i].bits));
        OK(psa_verify_message(pub, alg, TEXT("Tessera"), sig, len));
        WANT(PSA_ERROR_INVALID_SIGNATURE, psa_verify_message(pub, alg, TEXT("Tesserb"), sig, len));
        point[n - 1] ^= 1; /* off the curve */

        psa_key_attributes_t a =
            wall_attributes(PSA_KEY_TYPE_ECC_PUBLIC_KEY(curves[i].family), 0, SIG, alg);
        psa_key_id_t bad = 1;

        WANT(PSA_ERROR_INVALID_ARGUMENT, psa_import_key(&a, point, n, &bad));
        assert_int_equal(bad, PSA_KEY_ID_NULL);
        OK(psa_destroy_key(pair));
        OK(psa_destroy_key(pub));

        ecdh = wall_generate(PSA_KEY_TYPE_ECC_KEY_PAIR(curves[i].family), curves[i].bits,
                             PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH);
        peer = wall_generate(PSA_KEY_TYPE_ECC_KEY_PAIR(curves[i].family), curves[i].bits,
                             PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH);
        OK(psa_export_public_key(peer, point, sizeof point, &n));
        OK(psa_raw_key_agreement(PSA_ALG_ECDH, ecdh, point, n, one, sizeof one, &len));
        OK(psa_export_public_key(ecdh, point, sizeof point, &n));
        OK(psa_raw_key_agreement(PSA_ALG_ECDH, peer, point, n, two, sizeof two, &len));
        assert_memory_equal(one, two, len);
        OK(psa_destroy_key(ecdh));
        OK(psa_destroy_key(peer));
    }
}

#define EDWARDS PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_TWISTED_EDWARDS)

/* What Mbed TLS 3.6 has nothing for is answered so, never otherwise. */
static void test_what_the_back_end_has_not(void **state)
{
    const struct {
        psa_key_type_t type;
        size_t bits;
        psa_algorithm_t alg;
    } kinds[] = {
        { EDWARDS, 255, PSA_ALG_PURE_EDDSA },
        { EDWARDS, 448, PSA_ALG_ED448PH },
        { PSA_KEY_TYPE_XCHACHA20, 256, PSA_ALG_XCHACHA20_POLY1305 },
        { PSA_KEY_TYPE_SM4, 128, PSA_ALG_CTR },
        { PSA_KEY_TYPE_ARC4, 128, PSA_ALG_STREAM_CIPHER },
        { PSA_KEY_TYPE_PEPPER, 128, PSA_ALG_PBKDF2_HMAC(PSA_ALG_SHA_256) },
        { PSA_KEY_TYPE_SPAKE2P_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
          PSA_ALG_SPAKE2P_HMAC(PSA_ALG_SHA_256) },
    };
    const psa_algorithm_t no_hash[] = { PSA_ALG_MD2,           PSA_ALG_MD4, PSA_ALG_SHA_512_224,
                                        PSA_ALG_SHA_512_256,   PSA_ALG_SM3, PSA_ALG_SHAKE256_512,
                                        PSA_ALG_AES_MMO_ZIGBEE };
    psa_key_id_t key = 1;
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    psa_key_derivation_operation_t kdf = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[64];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        psa_key_attributes_t a = wall_attributes(kinds[i].type, kinds[i].bits, 0, kinds[i].alg);

        WANT(PSA_ERROR_NOT_SUPPORTED, psa_generate_key(&a, &key));
        assert_int_equal(key, PSA_KEY_ID_NULL);
    }
    for (size_t i = 0; i < sizeof no_hash / sizeof no_hash[0]; i++) {
        WANT(PSA_ERROR_NOT_SUPPORTED, psa_hash_setup(&hash, no_hash[i]));
        WANT(PSA_ERROR_NOT_SUPPORTED, psa_hash_compute(no_hash[i], TEXT("x"), out, 64, &len));
    }
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_key_derivation_setup(&kdf, PSA_ALG_SP800_108_COUNTER_HMAC(PSA_ALG_SHA_256)));
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_key_derivation_setup(&kdf, PSA_ALG_SP800_108_COUNTER_CMAC));

    psa_key_id_t aes =
        wall_generate(PSA_KEY_TYPE_AES, 128, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_CBC_MAC);

    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_mac_compute(aes, PSA_ALG_CBC_MAC, TEXT("x"), out, sizeof out, &len));
    OK(psa_destroy_key(aes));
}

/* ---- signatures in steps ---- */

static psa_status_t sign_in_steps(psa_sign_hash_interruptible_operation_t *op, uint8_t *sig,
                                  size_t *len, int *steps)
{
    psa_status_t status;

    for (*steps = 1;
         (status = psa_sign_hash_complete(op, sig, 64, len)) == PSA_OPERATION_INCOMPLETE; ++*steps)
        assert_true(*steps < 100000);
    return status;
}

static void test_signature_in_steps(void **state)
{
    psa_algorithm_t alg = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    psa_key_id_t pair =
        wall_generate(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256, SIG, alg);
    psa_sign_hash_interruptible_operation_t sign = PSA_SIGN_HASH_INTERRUPTIBLE_OPERATION_INIT;
    psa_verify_hash_interruptible_operation_t verify = PSA_VERIFY_HASH_INTERRUPTIBLE_OPERATION_INIT;
    uint8_t hash[32] = { 1 }, sig[64];
    uint32_t work;
    size_t len;
    int steps;

    (void)state;
    assert_int_equal(psa_interruptible_get_max_ops(), PSA_INTERRUPTIBLE_MAX_OPS_UNLIMITED);
    WANT(PSA_ERROR_BAD_STATE, psa_sign_hash_complete(&sign, sig, 64, &len));
    OK(psa_sign_hash_abort(&sign));
    OK(psa_sign_hash_start(&sign, pair, alg, hash, 32));
    WANT(PSA_ERROR_BAD_STATE, psa_sign_hash_start(&sign, pair, alg, hash, 32));
    OK(sign_in_steps(&sign, sig, &len, &steps));
    assert_int_equal(steps, 1);
    OK(psa_verify_hash(pair, alg, hash, 32, sig, len));
    work = psa_sign_hash_get_num_ops(&sign);
    assert_true(work > 0);

    psa_interruptible_set_max_ops(100);
    assert_int_equal(psa_interruptible_get_max_ops(), 100);
    OK(psa_sign_hash_start(&sign, pair, alg, hash, 32)); /* a finished one may start again */
    WANT(PSA_OPERATION_INCOMPLETE, psa_sign_hash_complete(&sign, sig, 64, &len));
    assert_int_equal(len, 0);
    assert_true(psa_sign_hash_get_num_ops(&sign) > 0);
    OK(sign_in_steps(&sign, sig, &len, &steps));
    assert_true(steps > 3);
    OK(psa_verify_hash(pair, alg, hash, 32, sig, len));
    OK(psa_sign_hash_abort(&sign));
    assert_int_equal(psa_sign_hash_get_num_ops(&sign), 0);

    OK(psa_verify_hash_start(&verify, pair, alg, hash, 32, sig, len));
    for (steps = 1;; steps++) {
        psa_status_t status = psa_verify_hash_complete(&verify);

        if (status != PSA_OPERATION_INCOMPLETE) {
            OK(status);
            break;
        }
        assert_true(psa_verify_hash_get_num_ops(&verify) > 0);
    }
    assert_true(steps > 3);
    assert_true(psa_verify_hash_get_num_ops(&verify) > 0);
    OK(psa_verify_hash_abort(&verify));

    sig[40] ^= 1;
    psa_interruptible_set_max_ops(PSA_INTERRUPTIBLE_MAX_OPS_UNLIMITED);
    OK(psa_verify_hash_start(&verify, pair, alg, hash, 32, sig, len));
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_verify_hash_complete(&verify));
    WANT(PSA_ERROR_BAD_STATE, psa_verify_hash_complete(&verify));
    WANT(PSA_ERROR_BAD_STATE, psa_verify_hash_start(&verify, pair, alg, hash, 32, sig, len));
    OK(psa_verify_hash_abort(&verify));
    OK(psa_verify_hash_abort(&verify));
    WANT(PSA_ERROR_NOT_PERMITTED,
         psa_sign_hash_start(&sign, pair, PSA_ALG_ECDSA(PSA_ALG_SHA_384), hash, 32));
    OK(psa_sign_hash_abort(&sign));
    OK(psa_sign_hash_start(&sign, pair, alg, hash, 32)); /* abandoned half way */
    OK(psa_sign_hash_abort(&sign));
    OK(psa_destroy_key(pair));
}

static void test_signature_in_steps_is_for_curves_alone(void **state)
{
    psa_algorithm_t alg = PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256);
    psa_key_id_t pair = rsa(rsa_pair, SIG, alg);
    psa_sign_hash_interruptible_operation_t sign = PSA_SIGN_HASH_INTERRUPTIBLE_OPERATION_INIT;
    uint8_t hash[32] = { 1 };

    (void)state;
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_sign_hash_start(&sign, pair, alg, hash, 32));
    OK(psa_sign_hash_abort(&sign));
    OK(psa_destroy_key(pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cipher_known_answers),
        cmocka_unit_test(test_cipher_refuses),
        cmocka_unit_test(test_aead_chacha20_poly1305),
        cmocka_unit_test(test_aead_gcm_takes_a_long_nonce),
        cmocka_unit_test(test_hash_known_answers),
        cmocka_unit_test(test_hash_of_a_long_message),
        cmocka_unit_test(test_steps_take_long_input),
        cmocka_unit_test(test_hash_suspend_and_resume),
        cmocka_unit_test(test_rsa_pkcs1_v15_signature),
        cmocka_unit_test(test_rsa_pss_signature),
        cmocka_unit_test(test_rsa_encryption),
        cmocka_unit_test(test_rsa_encryption_has_its_room),
        cmocka_unit_test(test_rsa_keys_fit_where_they_are_put),
        cmocka_unit_test(test_ecdsa_on_every_curve),
        cmocka_unit_test(test_what_the_back_end_has_not),
        cmocka_unit_test(test_signature_in_steps),
        cmocka_unit_test(test_signature_in_steps_is_for_curves_alone),
        cmocka_unit_test(wall_left_nothing),
    };

    return cmocka_run_group_tests(tests, wall_open, wall_close);
}
