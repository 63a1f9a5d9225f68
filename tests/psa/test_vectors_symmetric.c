/* SPDX-License-Identifier: Apache-2.0
 *
 * Published vectors of hashes, MACs, ciphers and authenticated encryption, through the wall: each
 * case at once and in parts, in both directions.
 * source  NIST CAVP, Wycheproof, RFC 1321, RFC 2202, RFC 2286, RFC 3686, RFC 3713, RFC 4231,
 *         RFC 4493, RFC 7539, RFC 8439 (tests/vectors/psa/README.md) */
#include "tests/psa/vectors.h"

static uint8_t out[1u << 14], back[1u << 14];

static void hash_case(const vector *v)
{
    tsr_bytes msg = vector_bytes(v, "msg"), md = vector_bytes(v, "md");
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT, other = PSA_HASH_OPERATION_INIT;
    psa_algorithm_t alg = vector_hash(v);
    size_t len = 0, half = msg.len / 3;

    VOK(v, psa_hash_compute(alg, msg.ptr, msg.len, out, PSA_HASH_LENGTH(alg), &len));
    vector_same(v, md, out, len, "psa_hash_compute");
    VOK(v, psa_hash_compare(alg, msg.ptr, msg.len, md.ptr, md.len));
    VOK(v, psa_hash_setup(&op, alg));
    VOK(v, psa_hash_update(&op, msg.ptr, half));
    VOK(v, psa_hash_clone(&op, &other));
    VOK(v, psa_hash_update(&op, msg.ptr + half, msg.len - half));
    VOK(v, psa_hash_finish(&op, out, sizeof out, &len));
    vector_same(v, md, out, len, "in parts");
    VOK(v, psa_hash_update(&other, msg.ptr + half, msg.len - half));
    out[0] ^= 1;
    vector_want(v, PSA_ERROR_INVALID_SIGNATURE, psa_hash_verify(&other, out, len), "another hash");
    VOK(v, psa_hash_abort(&other));
}

/* Crypto 1.2 §10.2 */
static void test_hash(void **state)
{
    vector v = vector_open("hash.txt");

    (void)state;
    while (vector_next(&v))
        hash_case(&v);
}

static psa_algorithm_t mac_algorithm(const vector *v, psa_key_type_t type, size_t len)
{
    psa_algorithm_t alg =
        strcmp(vector_text(v, "alg"), "hmac") == 0 ? PSA_ALG_HMAC(vector_hash(v)) : PSA_ALG_CMAC;

    return len == PSA_MAC_LENGTH(type, 128u, alg) ? alg : PSA_ALG_TRUNCATED_MAC(alg, len);
}

static void mac_right(const vector *v, psa_key_id_t key, psa_algorithm_t alg, tsr_bytes msg,
                      tsr_bytes mac)
{
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    size_t len = 0, half = msg.len / 2;

    VOK(v, psa_mac_compute(key, alg, msg.ptr, msg.len, out, mac.len, &len));
    vector_same(v, mac, out, len, "psa_mac_compute");
    VOK(v, psa_mac_verify(key, alg, msg.ptr, msg.len, mac.ptr, mac.len));
    VOK(v, psa_mac_sign_setup(&op, key, alg));
    VOK(v, psa_mac_update(&op, msg.ptr, half));
    VOK(v, psa_mac_update(&op, msg.ptr + half, msg.len - half));
    VOK(v, psa_mac_sign_finish(&op, out, sizeof out, &len));
    vector_same(v, mac, out, len, "in parts");
    VOK(v, psa_mac_verify_setup(&op, key, alg));
    VOK(v, psa_mac_update(&op, msg.ptr, msg.len));
    VOK(v, psa_mac_verify_finish(&op, mac.ptr, mac.len));
}

static void mac_case(const vector *v)
{
    tsr_bytes msg = vector_bytes(v, "msg"), mac = vector_bytes(v, "mac");
    psa_key_type_t type = vector_type(v);
    psa_algorithm_t alg = mac_algorithm(v, type, mac.len);
    psa_status_t status;
    psa_key_id_t key = vector_key(type, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE,
                                  alg, vector_bytes(v, "key"), &status);
    size_t len;

    if (vector_is(v, "refused")) {
        vector_want_either(v, PSA_ERROR_INVALID_ARGUMENT, PSA_ERROR_NOT_SUPPORTED, status,
                           "a key of that size");
        return;
    }
    vector_want(v, PSA_SUCCESS, status, "psa_import_key");
    if (vector_is(v, "absent"))
        vector_want_either(v, PSA_ERROR_NOT_SUPPORTED, PSA_ERROR_INVALID_ARGUMENT,
                           psa_mac_compute(key, alg, msg.ptr, msg.len, out, sizeof out, &len),
                           "a MAC that is not offered");
    else if (vector_is(v, "forged"))
        vector_want(v, PSA_ERROR_INVALID_SIGNATURE,
                    psa_mac_verify(key, alg, msg.ptr, msg.len, mac.ptr, mac.len), "a forged MAC");
    else
        mac_right(v, key, alg, msg, mac);
    VOK(v, psa_destroy_key(key));
}

/* Crypto 1.2 §10.3 */
static void test_mac(void **state)
{
    vector v = vector_open("mac.txt");

    (void)state;
    while (vector_next(&v))
        mac_case(&v);
}

static psa_algorithm_t cipher_algorithm(const vector *v)
{
    static const struct {
        const char *name;
        psa_algorithm_t alg;
    } names[] = {
        { "ecb", PSA_ALG_ECB_NO_PADDING },
        { "cbc", PSA_ALG_CBC_NO_PADDING },
        { "cbc-pkcs7", PSA_ALG_CBC_PKCS7 },
        { "ctr", PSA_ALG_CTR },
        { "cfb", PSA_ALG_CFB },
        { "ofb", PSA_ALG_OFB },
        { "stream", PSA_ALG_STREAM_CIPHER },
        { "ccm-star", PSA_ALG_CCM_STAR_NO_TAG },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, vector_text(v, "alg")) == 0)
            return names[i].alg;
    fail_msg("%s:%u: unknown cipher", v->file, v->line);
    return 0;
}

/* In two parts; the status of the finish. */
static psa_status_t cipher_run(const vector *v, psa_key_id_t key, psa_algorithm_t alg, bool encrypt,
                               tsr_bytes in, uint8_t *to, size_t *total)
{
    psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
    tsr_bytes iv = vector_bytes(v, "iv");
    size_t len, half = in.len / 3;
    psa_status_t status;

    VOK(v, encrypt ? psa_cipher_encrypt_setup(&op, key, alg)
                   : psa_cipher_decrypt_setup(&op, key, alg));
    if (iv.len > 0)
        VOK(v, psa_cipher_set_iv(&op, iv.ptr, iv.len));
    VOK(v, psa_cipher_update(&op, in.ptr, half, to, sizeof out, &len));
    *total = len;
    VOK(v, psa_cipher_update(&op, in.ptr + half, in.len - half, to + *total, sizeof out - *total,
                             &len));
    *total += len;
    status = psa_cipher_finish(&op, to + *total, sizeof out - *total, &len);
    if (status == PSA_SUCCESS)
        *total += len;
    VOK(v, psa_cipher_abort(&op));
    return status;
}

/* IV and ciphertext in one. */
static psa_status_t cipher_open(const vector *v, psa_key_id_t key, psa_algorithm_t alg, size_t *len)
{
    tsr_bytes iv = vector_bytes(v, "iv"), ct = vector_bytes(v, "ct");

    memcpy(out, iv.ptr, iv.len);
    memcpy(out + iv.len, ct.ptr, ct.len);
    return psa_cipher_decrypt(key, alg, out, iv.len + ct.len, back, sizeof back, len);
}

static void cipher_case(const vector *v)
{
    tsr_bytes pt = vector_bytes(v, "pt"), ct = vector_bytes(v, "ct");
    psa_algorithm_t alg = cipher_algorithm(v);
    psa_status_t status;
    psa_key_id_t key = vector_key(vector_type(v), PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT,
                                  alg, vector_bytes(v, "key"), &status);
    size_t len = 0;

    vector_want(v, PSA_SUCCESS, status, "psa_import_key");
    if (vector_is(v, "absent")) {
        psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;

        vector_want(v, PSA_ERROR_NOT_SUPPORTED, psa_cipher_encrypt_setup(&op, key, alg),
                    "a cipher that is not offered");
        vector_want(v, PSA_ERROR_NOT_SUPPORTED, cipher_open(v, key, alg, &len), "the same");
    } else if (vector_is(v, "padding")) {
        vector_want_either(v, PSA_ERROR_INVALID_PADDING, PSA_ERROR_INVALID_ARGUMENT,
                           cipher_open(v, key, alg, &len), "bad padding");
        vector_want_either(v, PSA_ERROR_INVALID_PADDING, PSA_ERROR_INVALID_ARGUMENT,
                           cipher_run(v, key, alg, false, ct, back, &len), "bad padding in parts");
    } else {
        VOK(v, cipher_run(v, key, alg, true, pt, out, &len));
        vector_same(v, ct, out, len, "encrypted");
        VOK(v, cipher_run(v, key, alg, false, ct, back, &len));
        vector_same(v, pt, back, len, "decrypted");
        VOK(v, cipher_open(v, key, alg, &len));
        vector_same(v, pt, back, len, "psa_cipher_decrypt");
    }
    VOK(v, psa_destroy_key(key));
}

/* Crypto 1.2 §10.4 */
static void test_cipher(void **state)
{
    vector v = vector_open("cipher.txt");

    (void)state;
    while (vector_next(&v))
        cipher_case(&v);
}

typedef struct {
    psa_key_id_t key;
    psa_algorithm_t alg;
    tsr_bytes nonce, ad, pt, ct;
    size_t tag;
} aead;

static void aead_setup(const vector *v, const aead *a, bool encrypt, psa_aead_operation_t *op)
{
    size_t half = a->ad.len / 2;

    VOK(v, encrypt ? psa_aead_encrypt_setup(op, a->key, a->alg)
                   : psa_aead_decrypt_setup(op, a->key, a->alg));
    VOK(v, psa_aead_set_lengths(op, a->ad.len, a->ct.len - a->tag));
    VOK(v, psa_aead_set_nonce(op, a->nonce.ptr, a->nonce.len));
    VOK(v, psa_aead_update_ad(op, a->ad.ptr, half));
    VOK(v, psa_aead_update_ad(op, a->ad.ptr + half, a->ad.len - half));
}

static void aead_encrypt_in_parts(const vector *v, const aead *a)
{
    psa_aead_operation_t op = PSA_AEAD_OPERATION_INIT;
    size_t half = a->pt.len / 2, len, total, tag;

    aead_setup(v, a, true, &op);
    VOK(v, psa_aead_update(&op, a->pt.ptr, half, out, sizeof out, &total));
    VOK(v, psa_aead_update(&op, a->pt.ptr + half, a->pt.len - half, out + total, sizeof out - total,
                           &len));
    total += len;
    VOK(v, psa_aead_finish(&op, out + total, sizeof out - total, &len, back, sizeof back, &tag));
    total += len;
    memcpy(out + total, back, tag);
    vector_same(v, a->ct, out, total + tag, "encrypted in parts");
}

static psa_status_t aead_decrypt_in_parts(const vector *v, const aead *a, size_t *total)
{
    psa_aead_operation_t op = PSA_AEAD_OPERATION_INIT;
    size_t n = a->ct.len - a->tag, half = n / 2, len = 0;
    psa_status_t status;

    aead_setup(v, a, false, &op);
    VOK(v, psa_aead_update(&op, a->ct.ptr, half, back, sizeof back, total));
    VOK(v, psa_aead_update(&op, a->ct.ptr + half, n - half, back + *total, sizeof back - *total,
                           &len));
    *total += len;
    status = psa_aead_verify(&op, back + *total, sizeof back - *total, &len, a->ct.ptr + n, a->tag);
    *total += len;
    VOK(v, psa_aead_abort(&op));
    return status;
}

static psa_status_t aead_open(const aead *a, size_t *len)
{
    return psa_aead_decrypt(a->key, a->alg, a->nonce.ptr, a->nonce.len, a->ad.ptr, a->ad.len,
                            a->ct.ptr, a->ct.len, back, sizeof back, len);
}

static psa_status_t aead_close(const aead *a, size_t *len)
{
    return psa_aead_encrypt(a->key, a->alg, a->nonce.ptr, a->nonce.len, a->ad.ptr, a->ad.len,
                            a->pt.ptr, a->pt.len, out, sizeof out, len);
}

static void aead_right(const vector *v, const aead *a)
{
    size_t len = 0;

    VOK(v, aead_close(a, &len));
    vector_same(v, a->ct, out, len, "encrypted");
    VOK(v, aead_open(a, &len));
    vector_same(v, a->pt, back, len, "decrypted");
    aead_encrypt_in_parts(v, a);
    VOK(v, aead_decrypt_in_parts(v, a, &len));
    vector_same(v, a->pt, back, len, "decrypted in parts");
}

static void aead_forged(const vector *v, const aead *a)
{
    size_t len = 0;

    memset(back, 0xa5, a->ct.len);
    vector_want(v, PSA_ERROR_INVALID_SIGNATURE, aead_open(a, &len), "forged");
    for (size_t i = 0; a->pt.len >= 16 && i + 16 <= a->pt.len; i += 16)
        if (memcmp(back + i, a->pt.ptr + i, 16) == 0)
            fail_msg("%s:%u: plaintext was given out", v->file, v->line);
    vector_want(v, PSA_ERROR_INVALID_SIGNATURE, aead_decrypt_in_parts(v, a, &len),
                "forged, in parts");
}

static void aead_case(const vector *v)
{
    const char *name = vector_text(v, "alg");
    psa_algorithm_t base = strcmp(name, "gcm") == 0   ? PSA_ALG_GCM
                           : strcmp(name, "ccm") == 0 ? PSA_ALG_CCM
                                                      : PSA_ALG_CHACHA20_POLY1305;
    aead a = { .tag = vector_number(v, "tag"),
               .nonce = vector_bytes(v, "nonce"),
               .ad = vector_bytes(v, "ad"),
               .pt = vector_bytes(v, "pt"),
               .ct = vector_bytes(v, "ct") };
    psa_status_t status;
    size_t len = 0;

    a.alg = PSA_ALG_AEAD_WITH_SHORTENED_TAG(base, a.tag);
    a.key = vector_key(vector_type(v), PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT, a.alg,
                       vector_bytes(v, "key"), &status);
    if (vector_is(v, "refused")) {
        if (status == PSA_SUCCESS)
            vector_want_either(v, PSA_ERROR_INVALID_ARGUMENT, PSA_ERROR_NOT_SUPPORTED,
                               aead_close(&a, &len), "encryption with that nonce or tag");
        if (status == PSA_SUCCESS)
            status = aead_open(&a, &len);
        vector_want_either(v, PSA_ERROR_INVALID_ARGUMENT, PSA_ERROR_NOT_SUPPORTED, status,
                           "that nonce or tag");
    } else {
        vector_want(v, PSA_SUCCESS, status, "psa_import_key");
        if (vector_is(v, "forged"))
            aead_forged(v, &a);
        else
            aead_right(v, &a);
    }
    VOK(v, psa_destroy_key(a.key));
}

/* Crypto 1.2 §10.5 */
static void test_aead(void **state)
{
    vector v = vector_open("aead.txt");

    (void)state;
    while (vector_next(&v))
        aead_case(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),         cmocka_unit_test(test_mac),
        cmocka_unit_test(test_cipher),       cmocka_unit_test(test_aead),
        cmocka_unit_test(wall_left_nothing),
    };

    return cmocka_run_group_tests(tests, wall_open, wall_close);
}
