/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fdo/trace.h"

#include <mbedtls/pk.h>

#include "tessera/cbor/cbor.h"
#include "tessera/fdo/pubkey.h"

static uint8_t in_room[256];

static void test_hash_checks_number_and_length(void **state)
{
    static const struct {
        const char *head;
        size_t len;
        tsr_err err;
    } cases[] = {
        { "822f5820", 32, TSR_OK },          { "82382a5830", 48, TSR_OK },
        { "82055820", 32, TSR_OK },          { "82065830", 48, TSR_OK },
        { "822f5830", 48, TSR_E_MALFORMED }, { "82382a5820", 32, TSR_E_MALFORMED },
        { "8218585820", 32, TSR_E_UNSUPPORTED },  { "8238635820", 32, TSR_E_UNSUPPORTED },
        { "832f5820", 32, TSR_E_MALFORMED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tsr_bytes in = from_hex(cases[i].head, in_room, sizeof in_room);
        tsr_fdo_hash h;

        memset(in_room + in.len, 0, cases[i].len);
        in.len += cases[i].len;
        assert_int_equal(tsr_fdo_get_hash(&in, &h), cases[i].err);
    }
}

/* FIPS 180-4's "abc", in two slices */
static void test_hash_is_made_of_slices(void **state)
{
    const tsr_bytes parts[] = { tsr_text("a"), tsr_text("bc") };
    uint8_t room[TSR_FDO_HASH_MAX], want[48];
    tsr_fdo_hash h;

    (void)state;
    assert_int_equal(tsr_fdo_hash_make(TSR_FDO_SHA256, parts, 2, room, &h), TSR_OK);
    from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", want, 32);
    assert_memory_equal(h.value.ptr, want, 32);
    assert_int_equal(tsr_fdo_hash_check(&h, parts, 2), TSR_OK);
    assert_int_equal(tsr_fdo_hash_check(&h, parts, 1), TSR_E_CRYPTO);
    assert_int_equal(tsr_fdo_hash_make(TSR_FDO_HMAC256, parts, 2, room, &h), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_fdo_hash_make(TSR_FDO_SHA384, parts, 2, room, &h), TSR_OK);
    assert_int_equal(h.value.len, 48);
}

static tsr_cose_key_id generated(psa_key_type_t type, size_t bits, psa_algorithm_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_cose_key_id id;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH);
    assert_int_equal(psa_generate_key(&a, &id), PSA_SUCCESS);
    return id;
}

static void signs_and_verifies(tsr_fdo_key_type type, tsr_fdo_key_encoding encoding,
                               tsr_cose_key_id id, int32_t alg)
{
    uint8_t key_room[512], room[1024];
    tsr_buf key = tsr_buf_over(key_room, sizeof key_room), out = tsr_buf_over(room, sizeof room);
    const tsr_cose_params p = { .alg = alg };
    tsr_cose_message m;
    tsr_fdo_key k;
    tsr_bytes in;

    assert_int_equal(tsr_fdo_put_key(&key, type, encoding, id), TSR_OK);
    in = tsr_buf_view(&key);
    assert_int_equal(tsr_fdo_get_key(&in, &k), TSR_OK);
    assert_int_equal(in.len, 0);
    assert_int_equal(k.type, type);
    assert_int_equal(tsr_fdo_key_alg(k.type, k.bits), alg);
    assert_int_equal(tsr_cose_sign1(&out, &p, id, tsr_text("payload"), tsr_view(NULL, 0)), TSR_OK);
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_SIGN1, &m), TSR_OK);
    assert_int_equal(tsr_fdo_verify(&m, &k), TSR_OK);
    if (k.rsa.len != 0)
        assert_int_equal(m.proof.len, k.bits / 8); /* RFC 8017 §8.2.1: as long as the modulus */
    for (size_t i = out.len - 24; i < out.len; i += 3) {
        room[i] ^= 0x10;
        assert_int_equal(tsr_fdo_verify(&m, &k), TSR_E_CRYPTO);
        room[i] ^= 0x10;
    }
    for (size_t i = 0; i < key.len; i++) /* cut anywhere */ {
        in = tsr_view(key_room, i);
        assert_int_not_equal(tsr_fdo_get_key(&in, &k), TSR_OK);
    }
}

/* RFC 5480 §2.2, RFC 8230 §2, RFC 8812 §2 */
static void test_key_of_every_type_is_written_read_and_verifies(void **state)
{
    const psa_key_type_t ec = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);
    tsr_cose_key_id p256 = generated(ec, 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    tsr_cose_key_id p384 = generated(ec, 384, PSA_ALG_ECDSA(PSA_ALG_SHA_384));
    tsr_cose_key_id rsa = generated(PSA_KEY_TYPE_RSA_KEY_PAIR, 2048,
                                    PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256));
    tsr_cose_key_id pss =
        generated(PSA_KEY_TYPE_RSA_KEY_PAIR, 2048, PSA_ALG_RSA_PSS(PSA_ALG_SHA_256));
    uint8_t room[512];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    signs_and_verifies(TSR_FDO_SECP256R1, TSR_FDO_X509, p256, TSR_COSE_ES256);
    signs_and_verifies(TSR_FDO_SECP256R1, TSR_FDO_COSEKEY, p256, TSR_COSE_ES256);
    signs_and_verifies(TSR_FDO_SECP384R1, TSR_FDO_X509, p384, TSR_COSE_ES384);
    signs_and_verifies(TSR_FDO_SECP384R1, TSR_FDO_COSEKEY, p384, TSR_COSE_ES384);
    signs_and_verifies(TSR_FDO_RSA2048RESTR, TSR_FDO_X509, rsa, TSR_COSE_RS256);
    signs_and_verifies(TSR_FDO_RSAPSS, TSR_FDO_X509, pss, TSR_COSE_PS256);
    assert_int_equal(tsr_fdo_put_key(&out, TSR_FDO_SECP384R1, TSR_FDO_X509, p256), TSR_E_TYPE);
    out = tsr_buf_over(room, sizeof room);
    assert_int_equal(tsr_fdo_put_key(&out, TSR_FDO_RSAPKCS, TSR_FDO_COSEKEY, rsa),
                     TSR_E_UNSUPPORTED);
    psa_destroy_key(p256);
    psa_destroy_key(p384);
    psa_destroy_key(rsa);
    psa_destroy_key(pss);
}

/* RFC 5280 §4.1.2.7, RFC 3279 §2.3.1, RFC 5480 §2.1.1: Mbed TLS reads what is written; the algorithm
 * of RSA has NULL as its parameters, those of curves their name. */
static void test_key_in_der_is_read_by_others(void **state)
{
    static const struct {
        tsr_fdo_key_type type;
        psa_key_type_t psa;
        size_t bits;
        const char *algorithm;
    } cases[] = {
        { TSR_FDO_SECP256R1, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
          "301306072a8648ce3d020106082a8648ce3d030107" },
        { TSR_FDO_SECP384R1, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 384,
          "301006072a8648ce3d020106052b81040022" },
        { TSR_FDO_RSA2048RESTR, PSA_KEY_TYPE_RSA_KEY_PAIR, 2048,
          "300d06092a864886f70d0101010500" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool rsa = cases[i].psa == PSA_KEY_TYPE_RSA_KEY_PAIR;
        tsr_cose_key_id id = generated(cases[i].psa, cases[i].bits,
                                       rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256)
                                           : PSA_ALG_ECDSA(PSA_ALG_SHA_256));
        uint8_t room[512];
        tsr_buf der = tsr_buf_over(room, sizeof room);
        tsr_bytes algorithm = from_hex(cases[i].algorithm, in_room, sizeof in_room);
        mbedtls_pk_context pk;

        assert_int_equal(tsr_fdo_put_spki(&der, cases[i].type, id), TSR_OK);
        mbedtls_pk_init(&pk);
        assert_int_equal(mbedtls_pk_parse_public_key(&pk, der.ptr, der.len), 0);
        assert_int_equal(mbedtls_pk_get_bitlen(&pk), cases[i].bits);
        assert_true(mbedtls_pk_can_do(&pk, rsa ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECDSA));
        mbedtls_pk_free(&pk);
        assert_memory_equal(room + (rsa ? 4 : 2), algorithm.ptr,
                            algorithm.len);
        psa_destroy_key(id);
    }
}

/* The same key as X509 and as COSE_Key is one; another is not. */
static void test_key_is_the_same_in_each_encoding(void **state)
{
    const psa_key_type_t ec = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);
    tsr_cose_key_id ids[2] = { generated(ec, 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256)),
                               generated(ec, 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256)) };
    uint8_t room[3][128];
    tsr_fdo_key k[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tsr_buf out = tsr_buf_over(room[i], sizeof room[i]);
        tsr_bytes in;

        assert_int_equal(tsr_fdo_put_key(&out, TSR_FDO_SECP256R1,
                                         i == 1 ? TSR_FDO_COSEKEY : TSR_FDO_X509, ids[i / 2]),
                         TSR_OK);
        in = tsr_buf_view(&out);
        assert_int_equal(tsr_fdo_get_key(&in, &k[i]), TSR_OK);
    }
    assert_true(tsr_fdo_key_same(&k[0], &k[1]));
    assert_false(tsr_fdo_key_same(&k[0], &k[2]));
    psa_destroy_key(ids[0]);
    psa_destroy_key(ids[1]);
}

/* The key of a run in X5CHAIN: the leaf certificate's, which is read as a whole (RFC 5280 §4.1) */
static void test_key_is_taken_out_of_certificates(void **state)
{
    trace_body b;
    tsr_bytes in = trace_message(traces[1], 11, &b), header, rest;
    tsr_fdo_key k, bare;

    (void)state;
    assert_int_equal(tsr_fdo_get_array(&in, 1), TSR_OK);
    assert_int_equal(tsr_fdo_get_wrapped(&in, &header), TSR_OK);
    assert_int_equal(tsr_fdo_get_array(&header, 6), TSR_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(tsr_cbor_skip(&header), TSR_OK);
    rest = header;
    assert_int_equal(tsr_fdo_get_key(&rest, &k), TSR_OK);
    assert_int_equal(k.type, TSR_FDO_SECP384R1);
    assert_int_equal(k.encoding, TSR_FDO_X5CHAIN);
    assert_int_equal(k.x.len, 48);
    assert_true(k.encoded.ptr == header.ptr);
    rest = k.body;
    assert_int_equal(tsr_fdo_get_array(&rest, 1), TSR_OK);
    assert_int_equal(tsr_cbor_get_bytes(&rest, &in), TSR_OK);
    assert_int_equal(tsr_fdo_key_of_certificate(in, &bare), TSR_OK);
    assert_true(tsr_fdo_key_same(&k, &bare));
    for (size_t i = 0; i < in.len; i++)
        assert_int_equal(tsr_fdo_key_of_certificate(tsr_view(in.ptr, i), &bare), TSR_E_MALFORMED);
}

static void test_key_refuses_wrong_numbers(void **state)
{
    static const struct {
        const char *hex;
        tsr_err err;
    } cases[] = {
        { "83 0a 00 40", TSR_E_UNSUPPORTED },  /* encoding "Crypto" */
        { "83 0a 04 40", TSR_E_UNSUPPORTED },
        { "83 0a 01 f6", TSR_E_TYPE },
        { "83 0a 01 40", TSR_E_MALFORMED },
        { "83 0a 02 80", TSR_E_MALFORMED },    /* a chain of none */
        { "83 0a 02 8140", TSR_E_MALFORMED },
        { "83 0a 03 a0", TSR_E_MALFORMED },
        { "83 26 01 40", TSR_E_TYPE },         /* FDO 1.0: -7 */
        { "82 0a 01", TSR_E_MALFORMED },
    };
    tsr_fdo_key k;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tsr_bytes in = from_hex(cases[i].hex, in_room, sizeof in_room);

        assert_int_equal(tsr_fdo_get_key(&in, &k), cases[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_checks_number_and_length),
        cmocka_unit_test(test_hash_is_made_of_slices),
        cmocka_unit_test(test_key_of_every_type_is_written_read_and_verifies),
        cmocka_unit_test(test_key_in_der_is_read_by_others),
        cmocka_unit_test(test_key_is_the_same_in_each_encoding),
        cmocka_unit_test(test_key_is_taken_out_of_certificates),
        cmocka_unit_test(test_key_refuses_wrong_numbers),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
