/* SPDX-License-Identifier: Apache-2.0
 *
 * Published vectors of signatures, asymmetric encryption and key agreement through the wall.
 * source  NIST CAVP, Wycheproof, RFC 6979, RFC 7027, RFC 7748, RFC 7919
 *         (tests/vectors/psa/README.md) */
#include "tests/psa/vectors.h"

static uint8_t out[1u << 13];

/* ---- signatures ---- */

typedef struct {
    psa_key_id_t key;
    psa_algorithm_t alg, hash;
    tsr_bytes msg, sig;
} signature;

static psa_status_t verify(const vector *v, const signature *s)
{
    psa_status_t status =
        psa_verify_message(s->key, s->alg, s->msg.ptr, s->msg.len, s->sig.ptr, s->sig.len);
    size_t len;

    VOK(v, psa_hash_compute(s->hash, s->msg.ptr, s->msg.len, out, PSA_HASH_MAX_SIZE, &len));
    vector_want(v, status, psa_verify_hash(s->key, s->alg, out, len, s->sig.ptr, s->sig.len),
                "psa_verify_hash and psa_verify_message differ");
    return status;
}

static void verify_case(const vector *v, psa_key_type_t type, psa_algorithm_t alg)
{
    signature s = { .alg = alg,
                    .hash = vector_hash(v),
                    .msg = vector_bytes(v, "msg"),
                    .sig = vector_bytes(v, "sig") };
    psa_status_t status;

    s.key = vector_key(type, PSA_KEY_USAGE_VERIFY_MESSAGE | PSA_KEY_USAGE_VERIFY_HASH, alg,
                       vector_bytes(v, "pub"), &status);
    if (vector_is(v, "rejected")) { /* a public key that may not even be a point */
        if (status == PSA_SUCCESS)
            status = verify(v, &s);
        vector_want_either(v, PSA_ERROR_INVALID_SIGNATURE, PSA_ERROR_INVALID_ARGUMENT, status,
                           "another public key");
    } else {
        vector_want(v, PSA_SUCCESS, status, "psa_import_key");
        vector_want(v, vector_is(v, "forged") ? PSA_ERROR_INVALID_SIGNATURE : PSA_SUCCESS,
                    verify(v, &s), "psa_verify_message");
    }
    VOK(v, psa_destroy_key(s.key));
}

static void sign_case(const vector *v, psa_key_type_t type, psa_algorithm_t alg)
{
    tsr_bytes msg = vector_bytes(v, "msg"), sig = vector_bytes(v, "sig");
    psa_status_t status;
    psa_key_id_t key = vector_key(type, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_SIGN_HASH, alg,
                                  vector_bytes(v, "key"), &status);
    uint8_t hash[PSA_HASH_MAX_SIZE];
    size_t len = msg.len;

    vector_want(v, PSA_SUCCESS, status, "psa_import_key");
    if (vector_has(v, "digest")) { /* the message is the hash */
        memcpy(hash, msg.ptr, len);
    } else {
        VOK(v, psa_sign_message(key, alg, msg.ptr, msg.len, out, sizeof out, &len));
        vector_same(v, sig, out, len, "psa_sign_message");
        VOK(v, psa_hash_compute(vector_hash(v), msg.ptr, msg.len, hash, sizeof hash, &len));
    }
    VOK(v, psa_sign_hash(key, alg, hash, len, out, sizeof out, &len));
    vector_same(v, sig, out, len, "psa_sign_hash");
    VOK(v, psa_destroy_key(key));
}

/* Crypto 1.2 §10.7 */
static void test_ecdsa(void **state)
{
    vector v = vector_open("ecdsa.txt");

    (void)state;
    while (vector_next(&v)) {
        psa_key_type_t pair;
        size_t bits;

        vector_curve(&v, &pair, &bits);
        if (strcmp(v.op, "verify") == 0)
            verify_case(&v, PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(pair),
                        PSA_ALG_ECDSA(vector_hash(&v)));
        else
            sign_case(&v, pair, PSA_ALG_DETERMINISTIC_ECDSA(vector_hash(&v)));
    }
}

/* ---- RSA ---- */

static void decrypt_case(const vector *v, psa_algorithm_t alg)
{
    tsr_bytes ct = vector_bytes(v, "ct"), label = vector_bytes(v, "label");
    psa_status_t status;
    psa_key_id_t key = vector_key(PSA_KEY_TYPE_RSA_KEY_PAIR, PSA_KEY_USAGE_DECRYPT, alg,
                                  vector_bytes(v, "key"), &status);
    size_t len = 0;

    vector_want(v, PSA_SUCCESS, status, "psa_import_key");
    status = psa_asymmetric_decrypt(key, alg, ct.ptr, ct.len, label.len > 0 ? label.ptr : NULL,
                                    label.len, out, sizeof out, &len);
    if (vector_is(v, "padding")) {
        vector_want_either(v, PSA_ERROR_INVALID_PADDING, PSA_ERROR_INVALID_ARGUMENT, status,
                           "bad padding or length");
    } else {
        vector_want(v, PSA_SUCCESS, status, "psa_asymmetric_decrypt");
        vector_same(v, vector_bytes(v, "pt"), out, len, "decrypted");
    }
    VOK(v, psa_destroy_key(key));
}

static psa_algorithm_t rsa_algorithm(const vector *v)
{
    const char *name = vector_text(v, "alg");

    if (strcmp(v->op, "decrypt") == 0)
        return strcmp(name, "oaep") == 0 ? PSA_ALG_RSA_OAEP(vector_hash(v))
                                         : PSA_ALG_RSA_PKCS1V15_CRYPT;
    if (strcmp(name, "pkcs1") == 0)
        return PSA_ALG_RSA_PKCS1V15_SIGN(vector_hash(v));
    return strcmp(name, "pss-std") == 0 ? PSA_ALG_RSA_PSS(vector_hash(v))
                                        : PSA_ALG_RSA_PSS_ANY_SALT(vector_hash(v));
}

/* Crypto 1.2 §10.8 */
static void test_rsa(void **state)
{
    vector v = vector_open("rsa.txt");

    (void)state;
    while (vector_next(&v)) {
        psa_algorithm_t alg = rsa_algorithm(&v);

        if (strcmp(v.op, "verify") == 0)
            verify_case(&v, PSA_KEY_TYPE_RSA_PUBLIC_KEY, alg);
        else if (strcmp(v.op, "sign") == 0)
            sign_case(&v, PSA_KEY_TYPE_RSA_KEY_PAIR, alg);
        else
            decrypt_case(&v, alg);
    }
}

/* ---- key agreement ---- */

static psa_status_t agree_as_key(psa_key_id_t key, psa_algorithm_t alg, tsr_bytes peer, size_t *len)
{
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_RAW_DATA, 0, PSA_KEY_USAGE_EXPORT, PSA_ALG_NONE);
    psa_key_id_t secret = 0;
    psa_status_t status = psa_key_agreement(key, peer.ptr, peer.len, alg, &a, &secret);

    if (status != PSA_SUCCESS) {
        assert_int_equal(secret, PSA_KEY_ID_NULL);
        return status;
    }
    OK(psa_export_key(secret, out, sizeof out, len));
    OK(psa_destroy_key(secret));
    return PSA_SUCCESS;
}

static void agree_case(const vector *v)
{
    tsr_bytes peer = vector_bytes(v, "peer"), want = vector_bytes(v, "out");
    psa_key_type_t pair;
    psa_status_t status, twice;
    psa_key_id_t key;
    size_t bits, len = 0;

    vector_curve(v, &pair, &bits);

    psa_algorithm_t alg = PSA_KEY_TYPE_IS_ECC(pair) ? PSA_ALG_ECDH : PSA_ALG_FFDH;

    key = vector_key(pair, PSA_KEY_USAGE_DERIVE, alg, vector_bytes(v, "key"), &status);
    vector_want(v, PSA_SUCCESS, status, "psa_import_key");
    status = psa_raw_key_agreement(alg, key, peer.ptr, peer.len, out, sizeof out, &len);
    if (status == PSA_SUCCESS)
        vector_same(v, want, out, len, "psa_raw_key_agreement");
    twice = agree_as_key(key, alg, peer, &len);
    vector_want(v, status, twice, "psa_key_agreement");
    if (twice == PSA_SUCCESS)
        vector_same(v, want, out, len, "psa_key_agreement");
    if (vector_is(v, "ok"))
        vector_want(v, PSA_SUCCESS, status, "psa_raw_key_agreement");
    else if (vector_is(v, "refused") || status != PSA_SUCCESS)
        vector_want_either(v, PSA_ERROR_INVALID_ARGUMENT, PSA_ERROR_NOT_SUPPORTED, status,
                           "a peer's key that is none");
    VOK(v, psa_destroy_key(key));
}

static void test_agreement(void **state)
{
    vector v = vector_open("agree.txt");

    (void)state;
    while (vector_next(&v))
        agree_case(&v);
}

/* ---- what the service does not offer says so ---- */

static void test_not_offered_key_types(void **state)
{
    static const struct {
        psa_key_type_t type;
        size_t bits;
        psa_algorithm_t alg;
    } absent[] = {
        { PSA_KEY_TYPE_XCHACHA20, 256, PSA_ALG_XCHACHA20_POLY1305 },
        { PSA_KEY_TYPE_SM4, 128, PSA_ALG_CTR },
        { PSA_KEY_TYPE_ARC4, 128, PSA_ALG_STREAM_CIPHER },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_TWISTED_EDWARDS), 255, PSA_ALG_PURE_EDDSA },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_TWISTED_EDWARDS), 448, PSA_ALG_ED448PH },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R2), 160, PSA_ALG_ECDH },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECT_K1), 233, PSA_ALG_ECDH },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECT_R1), 233, PSA_ALG_ECDH },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_FRP), 256, PSA_ALG_ECDH },
        { PSA_KEY_TYPE_SPAKE2P_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
          PSA_ALG_SPAKE2P_HMAC(PSA_ALG_SHA_256) },
        { PSA_KEY_TYPE_DSA_KEY_PAIR, 2048, PSA_ALG_DSA(PSA_ALG_SHA_256) },
    };

    (void)state;
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        psa_key_attributes_t a =
            wall_attributes(absent[i].type, absent[i].bits, PSA_KEY_USAGE_EXPORT, absent[i].alg);
        psa_key_id_t key = 1;

        if (psa_generate_key(&a, &key) != PSA_ERROR_NOT_SUPPORTED)
            fail_msg("key type %04x is not refused as unsupported", absent[i].type);
        assert_int_equal(key, PSA_KEY_ID_NULL);
        memset(out, 1, sizeof out);

        psa_status_t status = psa_import_key(&a, out, PSA_BITS_TO_BYTES(absent[i].bits), &key);

        if (status != PSA_ERROR_NOT_SUPPORTED && status != PSA_ERROR_INVALID_ARGUMENT)
            fail_msg("import of key type %04x: %d", absent[i].type, (int)status);
        assert_int_equal(key, PSA_KEY_ID_NULL);
    }
}

static void test_not_offered_algorithms(void **state)
{
    static const psa_algorithm_t hashes[] = {
        PSA_ALG_MD2,         PSA_ALG_MD4,         PSA_ALG_AES_MMO_ZIGBEE,
        PSA_ALG_SHA_512_224, PSA_ALG_SHA_512_256, PSA_ALG_SHAKE256_512,
        PSA_ALG_SM3,
    };
    static const psa_algorithm_t derivations[] = {
        PSA_ALG_SP800_108_COUNTER_HMAC(PSA_ALG_SHA_256),
        PSA_ALG_SP800_108_COUNTER_CMAC,
        PSA_ALG_HKDF(PSA_ALG_SM3),
    };
    psa_key_id_t aes = wall_generate(
        PSA_KEY_TYPE_AES, 128, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_XTS);
    psa_cipher_operation_t cipher = PSA_CIPHER_OPERATION_INIT;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;

        WANT(PSA_ERROR_NOT_SUPPORTED, psa_hash_setup(&op, hashes[i]));
        WANT(PSA_ERROR_NOT_SUPPORTED,
             psa_hash_compute(hashes[i], TEXT("abc"), out, sizeof out, &len));
    }
    for (size_t i = 0; i < sizeof derivations / sizeof *derivations; i++) {
        psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;

        WANT(PSA_ERROR_NOT_SUPPORTED, psa_key_derivation_setup(&op, derivations[i]));
    }
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_cipher_encrypt_setup(&cipher, aes, PSA_ALG_XTS));
    OK(psa_destroy_key(aes));
    aes = wall_generate(PSA_KEY_TYPE_AES, 128, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_CBC_MAC);
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_mac_compute(aes, PSA_ALG_CBC_MAC, TEXT("abc"), out, sizeof out, &len));
    OK(psa_destroy_key(aes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecdsa),
        cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_not_offered_key_types),
        cmocka_unit_test(test_not_offered_algorithms),
        cmocka_unit_test(wall_left_nothing),
    };

    return cmocka_run_group_tests(tests, wall_open, wall_close);
}
