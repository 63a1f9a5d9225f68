/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tests/vectors.h"

static const tsr_bytes none = { NULL, 0 };

static psa_key_id_t make_key(psa_key_type_t type, size_t bits, psa_algorithm_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH |
                                    PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE |
                                    PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    if (!PSA_KEY_TYPE_IS_ECC_KEY_PAIR(type) && type != PSA_KEY_TYPE_AES)
        psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE);
    assert_int_equal(psa_generate_key(&a, &id), PSA_SUCCESS);
    return id;
}

#define PAIR PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1)

static psa_key_id_t p256(void) { return make_key(PAIR, 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256)); }
static psa_key_id_t hmac(void)
{
    return make_key(PSA_KEY_TYPE_HMAC, 256, PSA_ALG_HMAC(PSA_ALG_SHA_256));
}

static int set_up(void **state)
{
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static void expect_read(const char *hex, tsr_cose_kind kind, tsr_err expected)
{
    uint8_t room[512];
    tsr_cose_message m = { .kid = { (const uint8_t *)"before", 6 } };
    tsr_err err = tsr_cose_read(from_hex(hex, room, sizeof room), kind, &m);

    if (err != expected)
        fail_msg("%s: %s, not %s", hex, tsr_err_name(err), tsr_err_name(expected));
    if (err != TSR_OK)
        assert_int_equal(m.kid.len, 6); /* untouched on failure */
}

/* RFC 9052 §2 */
static void test_read_takes_tagged_and_untagged(void **state)
{
    uint8_t room[64];
    tsr_cose_message m;

    (void)state;
    assert_int_equal(tsr_cose_read(from_hex("d28443a10126a10442313141aa41bb", room, sizeof room),
                                   TSR_COSE_SIGN1, &m),
                     TSR_OK);
    assert_true(m.tagged && m.alg_protected && !m.detached);
    assert_int_equal(m.alg, TSR_COSE_ES256);
    assert_memory_equal(m.kid.ptr, "11", 2);
    assert_int_equal(m.payload.ptr[0], 0xaa);
    assert_int_equal(m.proof.ptr[0], 0xbb);
    assert_int_equal(tsr_cose_read(from_hex("8440a0f641bb", room, sizeof room), TSR_COSE_SIGN1, &m),
                     TSR_OK);
    assert_true(!m.tagged && m.detached);
    assert_int_equal(m.alg, TSR_COSE_ALG_NONE);
    assert_null(m.kid.ptr);
}

/* RFC 9052 §3: h'' and h'a0' are the same bucket. */
static void test_read_makes_both_empty_buckets_alike(void **state)
{
    uint8_t room[64];
    tsr_cose_message m;

    (void)state;
    assert_int_equal(
        tsr_cose_read(from_hex("8441a0a041aa41bb", room, sizeof room), TSR_COSE_SIGN1, &m), TSR_OK);
    assert_int_equal(m.protected_map.len, 0);
}

static void test_read_refuses_other_kinds(void **state)
{
    (void)state;
    expect_read("d18443a10126a041aa41bb", TSR_COSE_SIGN1, TSR_E_TYPE);
    expect_read("d28443a10105a041aa41bb", TSR_COSE_MAC0, TSR_E_TYPE);
    expect_read("d08340a041aa", TSR_COSE_SIGN1, TSR_E_TYPE);
    expect_read("d83d8440a041aa41bb", TSR_COSE_SIGN1, TSR_E_TYPE);
}

/* RFC 9052 §4.2 */
static void test_read_refuses_malformed_frames(void **state)
{
    (void)state;
    expect_read("", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("d2", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("a0", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("8340a041aa", TSR_COSE_SIGN1, TSR_E_MALFORMED);       /* three items */
    expect_read("8540a041aa41bb00", TSR_COSE_SIGN1, TSR_E_MALFORMED); /* five */
    expect_read("8440a041aa41bb00", TSR_COSE_SIGN1, TSR_E_MALFORMED); /* trailing byte */
    expect_read("8440a041aaf6", TSR_COSE_SIGN1, TSR_E_MALFORMED);     /* no signature */
    expect_read("844000 41aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);  /* bucket is no map */
    expect_read("84a0a041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);   /* bucket not wrapped */
    expect_read("8440a061aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);   /* payload is text */
    expect_read("9f40a041aa41bbff", TSR_COSE_SIGN1, TSR_E_MALFORMED); /* indefinite */
    expect_read("845f4100ffa041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("8442a101a041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);     /* bucket cut short */
    expect_read("8444a1012600a041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED); /* and too long */
    expect_read("8440a0 5bffffffffffffffff aa 41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
}

/* RFC 9052 §3: a label once, and in one bucket. Other spellings of the same number count.
 * RFC 9052 §1.5 */
static void test_read_refuses_labels_twice(void **state)
{
    (void)state;
    expect_read("8445a201260126a041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("8443a10126a1012641aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("8440a20441010441 0241aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("8440a2044101180441 0241aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("8440a2616b01616b0241aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
    expect_read("8440a2616b01616c0241aa41bb", TSR_COSE_SIGN1, TSR_OK);
    expect_read("8440a1f50141aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED); /* label: no int, no text */
}

static void test_read_refuses_wrong_values(void **state)
{
    (void)state;
    expect_read("8440a104613141aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);          /* kid as text */
    expect_read("8446a101634142 43a041aa41bb", TSR_COSE_SIGN1, TSR_E_UNSUPPORTED); /* alg as text */
    expect_read("8343a10101a2054c000000000000000000000000064101 41aa", TSR_COSE_ENCRYPT0,
                TSR_E_MALFORMED); /* IV and Partial IV */
}

/* RFC 9052 §3.1, crit. */
static void test_read_refuses_bad_crit(void **state)
{
    (void)state;
    expect_read("8440a1028103 41aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);      /* unprotected */
    expect_read("8445a201260280a041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);   /* empty */
    expect_read("8446a20126028103a041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED); /* not there */
    expect_read("8448a301260281030300a041aa41bb", TSR_COSE_SIGN1, TSR_OK);
    expect_read("8446a20126028103a1030041aa41bb", TSR_COSE_SIGN1, TSR_E_MALFORMED);
}

static void test_read_bounds_the_number_of_labels(void **state)
{
    uint8_t room[128];
    tsr_buf out;
    tsr_cose_message m;

    (void)state;
    for (uint64_t n = TSR_COSE_LABELS; n <= TSR_COSE_LABELS + 1u; n++) {
        out = tsr_buf_over(room, sizeof room);
        tsr_put_u8(&out, 0x84);
        tsr_put_u8(&out, 0x40);
        tsr_cbor_put_map(&out, n);
        for (uint64_t i = 0; i < n; i++) {
            tsr_cbor_put_uint(&out, 100 + i);
            tsr_cbor_put_uint(&out, i);
        }
        tsr_put_u8(&out, 0xf6);
        tsr_put_u8(&out, 0x40);
        assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_SIGN1, &m),
                         n == TSR_COSE_LABELS ? TSR_OK : TSR_E_UNSUPPORTED);
    }
}

static void test_find_gives_the_encoded_value(void **state)
{
    uint8_t room[64];
    tsr_bytes value, map = from_hex("a3012605820102 617802", room, sizeof room);

    (void)state;
    assert_int_equal(tsr_cose_find(map, 5, &value), TSR_OK);
    assert_int_equal(value.len, 3);
    assert_int_equal(value.ptr[0], 0x82);
    assert_int_equal(tsr_cose_find(map, 6, &value), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_cose_find(none, 6, &value), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_cose_find(tsr_first(map, 3), 5, &value), TSR_E_MALFORMED);
}

/* A message with crit naming label 200, which only some callers know. */
static void test_verify_refuses_crit_it_does_not_understand(void **state)
{
    static const int64_t ours[] = { 200 };
    uint8_t more_room[16], room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_params p = { .alg = TSR_COSE_ES256, .protected_count = 2 };
    tsr_cose_message m;
    psa_key_id_t key = p256();

    (void)state;
    p.protected_more = from_hex("028118c818c800", more_room, sizeof more_room);
    assert_int_equal(tsr_cose_sign1(&out, &p, key, tsr_text("x"), none), TSR_OK);
    assert_int_equal(out.len, tsr_cose_size(TSR_COSE_SIGN1, &p, 1));
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_SIGN1, &m), TSR_OK);
    assert_int_equal(tsr_cose_sign1_verify(&m, key, none, none), TSR_E_UNSUPPORTED);
    m.understood = ours;
    m.understood_count = 1;
    assert_int_equal(tsr_cose_sign1_verify(&m, key, none, none), TSR_OK);
    (void)psa_destroy_key(key);
}

static void test_sign1_detached_payload_comes_from_elsewhere(void **state)
{
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_params p = { .alg = TSR_COSE_ES256, .detached = true, .untagged = true };
    tsr_bytes payload = tsr_text("elsewhere");
    tsr_cose_message m;
    psa_key_id_t key = p256();

    (void)state;
    assert_int_equal(tsr_cose_sign1(&out, &p, key, payload, tsr_text("aad")), TSR_OK);
    assert_int_equal(out.len, tsr_cose_size(TSR_COSE_SIGN1, &p, payload.len));
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_SIGN1, &m), TSR_OK);
    assert_true(m.detached && !m.tagged);
    assert_int_equal(tsr_cose_sign1_verify(&m, key, payload, tsr_text("aad")), TSR_OK);
    assert_int_equal(tsr_cose_sign1_verify(&m, key, none, tsr_text("aad")), TSR_E_ARGUMENT);
    assert_int_equal(tsr_cose_sign1_verify(&m, key, payload, none), TSR_E_CRYPTO);
    assert_int_equal(tsr_cose_sign1_verify(&m, key, tsr_text("other"), tsr_text("aad")),
                     TSR_E_CRYPTO);
    assert_int_equal(tsr_cose_mac0_verify(&m, key, payload, none), TSR_E_ARGUMENT);
    (void)psa_destroy_key(key);
}

static void test_sign1_es384_and_deterministic_keys(void **state)
{
    static const struct {
        size_t bits;
        psa_algorithm_t psa;
        int32_t alg;
    } cases[] = {
        { 384, PSA_ALG_ECDSA(PSA_ALG_SHA_384), TSR_COSE_ES384 },
        { 256, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256), TSR_COSE_ES256 },
        { 256, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH), TSR_COSE_ES256 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t room[256];
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_cose_params p = { .alg = cases[i].alg };
        psa_key_id_t key = make_key(PAIR, cases[i].bits, cases[i].psa);
        tsr_cose_message m;

        assert_int_equal(tsr_cose_sign1(&out, &p, key, tsr_text("hello"), none), TSR_OK);
        assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_SIGN1, &m), TSR_OK);
        assert_int_equal(tsr_cose_sign1_verify(&m, key, none, none), TSR_OK);
        (void)psa_destroy_key(key);
    }
}

static void test_algorithm_must_fit_the_key(void **state)
{
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_params p = { .alg = TSR_COSE_ES384 };
    psa_key_id_t p256_key = p256(), mac_key = hmac();
    psa_key_id_t aes = make_key(PSA_KEY_TYPE_AES, 128, PSA_ALG_GCM);
    psa_key_id_t ecdh = make_key(PAIR, 256, PSA_ALG_ECDH);

    (void)state;
    assert_int_equal(tsr_cose_sign1(&out, &p, p256_key, tsr_text("x"), none), TSR_E_TYPE);
    assert_int_equal(out.len, 0);
    assert_int_equal(out.err, TSR_E_TYPE);
    out = tsr_buf_over(room, sizeof room);
    p.alg = TSR_COSE_ES256;
    assert_int_equal(tsr_cose_sign1(&out, &p, mac_key, tsr_text("x"), none), TSR_E_TYPE);
    out.err = TSR_OK;
    assert_int_equal(tsr_cose_sign1(&out, &p, ecdh, tsr_text("x"), none), TSR_E_TYPE);
    assert_int_equal(out.len, 0);
    out.err = TSR_OK;
    p.alg = TSR_COSE_HMAC_256;
    assert_int_equal(tsr_cose_mac0(&out, &p, p256_key, tsr_text("x"), none), TSR_E_TYPE);
    out.err = TSR_OK;
    assert_int_equal(tsr_cose_sign1(&out, &p, p256_key, tsr_text("x"), none), TSR_E_UNSUPPORTED);
    out.err = TSR_OK;
    p.alg = TSR_COSE_HMAC_384; /* the key's policy is SHA-256 */
    assert_int_equal(tsr_cose_mac0(&out, &p, mac_key, tsr_text("x"), none), TSR_E_TYPE);
    out.err = TSR_OK;
    p.alg = TSR_COSE_A256GCM;
    p.iv = tsr_view("123456789abc", 12);
    assert_int_equal(tsr_cose_encrypt0(&out, &p, aes, tsr_text("x"), none, NULL), TSR_E_TYPE);
    out.err = TSR_OK;
    p.alg = -999;
    assert_int_equal(tsr_cose_encrypt0(&out, &p, aes, tsr_text("x"), none, NULL),
                     TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_cose_size(TSR_COSE_ENCRYPT0, &p, 1), 0);
    (void)psa_destroy_key(p256_key);
    (void)psa_destroy_key(mac_key);
    (void)psa_destroy_key(aes);
    (void)psa_destroy_key(ecdh);
}

/* Short ones go to PSA in one call, long ones in pieces: both must agree with the other side. */
static void test_mac0_of_any_length(void **state)
{
    static uint8_t long_payload[3000], room[4096];
    psa_key_id_t key = hmac();
    tsr_cose_params p = { .alg = TSR_COSE_HMAC_256, .kid = tsr_text("k") };

    (void)state;
    for (size_t len = 0; len <= sizeof long_payload; len += 250) {
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_bytes aad = tsr_view(long_payload, len / 2), payload = tsr_view(long_payload, len);
        tsr_cose_message m;

        assert_int_equal(tsr_cose_mac0(&out, &p, key, payload, aad), TSR_OK);
        assert_int_equal(out.len, tsr_cose_size(TSR_COSE_MAC0, &p, len));
        assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_MAC0, &m), TSR_OK);
        assert_int_equal(tsr_cose_mac0_verify(&m, key, none, aad), TSR_OK);
        room[out.len - 1] ^= 1;
        assert_int_equal(tsr_cose_mac0_verify(&m, key, none, aad), TSR_E_CRYPTO);
    }
    (void)psa_destroy_key(key);
}

/* The MACed token of RFC 9783 §A.2 (as draft -24 has it), with the key that it names. */
static void test_mac0_of_rfc9783(void **state)
{
    static const char token_hex[] =
        "d18443a10105a0590100a8190100582101c557bd4fadc83f756fca2cd5ea2dcc8b82159bb4e7453d6a74"
        "4d4eecd6d0ac6019095c5820000000000000000000000000000000000000000000000000000000000000"
        "00000a5820010101010101010101010101010101010101010101010101010101010101010119095a1a7f"
        "ffffff19095b19300019010978217461673a7073616365727469666965642e6f72672c323032333a7073"
        "612374666d19010c48000000000000000019095f81a30558200404040404040404040404040404040404"
        "040404040404040404040404040404025820030303030303030303030303030303030303030303030303"
        "0303030303030303016450526f545820cf88d330e7a5366a95cf744a4dbf0d50304d405edd8b2530e243"
        "eddbd3177820";
    static const char key_hex[] =
        "de038b34aca125768c5e3357ab8d06b367b9ab0d7e8be124edca47fe033a5bb7a93d307ff229aa36ff24"
        "6c1295964facf71ab7aa6ec4fd6102b7b3983255ad92";
    uint8_t room[400], secret[64];
    tsr_cose_key k = { .kty = TSR_COSE_SYMMETRIC, .k = from_hex(key_hex, secret, sizeof secret) };
    tsr_cose_message m;
    psa_key_id_t key;
    tsr_bytes token = from_hex(token_hex, room, sizeof room);

    (void)state;
    assert_int_equal(tsr_cose_read(token, TSR_COSE_MAC0, &m), TSR_OK);
    assert_true(m.tagged && m.alg == TSR_COSE_HMAC_256);
    assert_int_equal(tsr_cose_key_import(&k, m.alg, TSR_COSE_OP_MAC_VERIFY, &key), TSR_OK);
    assert_int_equal(tsr_cose_mac0_verify(&m, key, none, none), TSR_OK);
    room[100] ^= 1;
    assert_int_equal(tsr_cose_mac0_verify(&m, key, none, none), TSR_E_CRYPTO);
    (void)psa_destroy_key(key);
}

static void test_encrypt0_keeps_its_bounds(void **state)
{
    static uint8_t big[TSR_COSE_AAD_MAX];
    uint8_t room[256], plain_room[64];
    tsr_buf out = tsr_buf_over(room, sizeof room), plain, apart;
    psa_key_id_t key = make_key(PSA_KEY_TYPE_AES, 128, PSA_ALG_GCM);
    tsr_cose_params p = { .alg = TSR_COSE_A128GCM, .iv = tsr_view("123456789abc", 12) };
    tsr_cose_message m;

    (void)state;
    assert_int_equal(tsr_cose_encrypt0(&out, &p, key, tsr_text(""), none, NULL), TSR_OK);
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_ENCRYPT0, &m), TSR_OK);
    plain = tsr_buf_over(plain_room, 0);
    assert_int_equal(tsr_cose_encrypt0_open(&m, key, none, none, none, &plain), TSR_OK);

    out = tsr_buf_over(room, sizeof room);
    assert_int_equal(tsr_cose_encrypt0(&out, &p, key, tsr_text("secret"), none, NULL), TSR_OK);
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_ENCRYPT0, &m), TSR_OK);
    plain = tsr_buf_over(plain_room, 5);
    assert_int_equal(tsr_cose_encrypt0_open(&m, key, none, none, none, &plain), TSR_E_SPACE);
    assert_int_equal(plain.len, 0);
    assert_int_equal(plain.err, TSR_OK);
    plain = tsr_buf_over(plain_room, 6);
    assert_int_equal(
        tsr_cose_encrypt0_open(&m, key, none, none, tsr_view("123456789abc", 12), &plain),
        TSR_E_ARGUMENT);
    assert_int_equal(tsr_cose_encrypt0_open(&m, key, none, tsr_view(big, sizeof big), none, &plain),
                     TSR_E_SPACE);
    assert_int_equal(tsr_cose_encrypt0_open(&m, key, none, none, none, &plain), TSR_OK);
    assert_memory_equal(plain_room, "secret", 6);

    out = tsr_buf_over(room, sizeof room);
    p.iv.len = 11;
    assert_int_equal(tsr_cose_encrypt0(&out, &p, key, tsr_text("x"), none, NULL), TSR_E_ARGUMENT);

    out = tsr_buf_over(room, sizeof room);
    apart = tsr_buf_over(plain_room, sizeof plain_room);
    p.iv.len = 12;
    p.detached = true;
    assert_int_equal(tsr_cose_encrypt0(&out, &p, key, tsr_text("apart"), none, &apart), TSR_OK);
    assert_int_equal(out.len, tsr_cose_size(TSR_COSE_ENCRYPT0, &p, 5));
    assert_int_equal(apart.len, 5 + 16);
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_ENCRYPT0, &m), TSR_OK);
    plain = tsr_buf_over(room + out.len, 16);
    assert_int_equal(tsr_cose_encrypt0_open(&m, key, tsr_buf_view(&apart), none, none, &plain),
                     TSR_OK);
    assert_memory_equal(plain.ptr, "apart", 5);
    (void)psa_destroy_key(key);
}

/* A writer without room says so, keeps its length and never writes past its end. */
static void test_writers_stop_at_every_size(void **state)
{
    uint8_t room[256];
    tsr_cose_params p = { .alg = TSR_COSE_HMAC_256_64, .kid = tsr_text("kid") };
    psa_key_id_t key =
        make_key(PSA_KEY_TYPE_HMAC, 256, PSA_ALG_TRUNCATED_MAC(PSA_ALG_HMAC(PSA_ALG_SHA_256), 8));
    size_t need = tsr_cose_size(TSR_COSE_MAC0, &p, 5);

    (void)state;
    for (size_t cap = 0; cap <= need; cap++) {
        tsr_buf out = tsr_buf_over(room, cap);
        tsr_err err;

        memset(room, 0x55, sizeof room);
        err = tsr_cose_mac0(&out, &p, key, tsr_text("hello"), none);
        assert_int_equal(err, cap < need ? TSR_E_SPACE : TSR_OK);
        assert_int_equal(out.len, cap < need ? 0 : need);
        for (size_t i = cap; i < sizeof room; i++)
            assert_int_equal(room[i], 0x55);
    }
    (void)psa_destroy_key(key);
}

/* Every bit of a message counts, as far as it is authenticated. */
static void test_sign1_every_flipped_bit_is_seen(void **state)
{
    uint8_t room[256], changed[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_params p = { .alg = TSR_COSE_ES256 };
    psa_key_id_t key = p256();
    unsigned refused = 0;

    (void)state;
    assert_int_equal(tsr_cose_sign1(&out, &p, key, tsr_text("payload"), none), TSR_OK);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        tsr_cose_message m;
        tsr_err err;

        memcpy(changed, room, out.len);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err = tsr_cose_read(tsr_view(changed, out.len), TSR_COSE_SIGN1, &m);
        if (err == TSR_OK)
            err = tsr_cose_sign1_verify(&m, key, none, none);
        assert_int_not_equal(err, TSR_OK);
        refused++;
    }
    print_message("%u flipped bits refused\n", refused);
    (void)psa_destroy_key(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_takes_tagged_and_untagged),
        cmocka_unit_test(test_read_makes_both_empty_buckets_alike),
        cmocka_unit_test(test_read_refuses_other_kinds),
        cmocka_unit_test(test_read_refuses_malformed_frames),
        cmocka_unit_test(test_read_refuses_labels_twice),
        cmocka_unit_test(test_read_refuses_wrong_values),
        cmocka_unit_test(test_read_refuses_bad_crit),
        cmocka_unit_test(test_read_bounds_the_number_of_labels),
        cmocka_unit_test(test_find_gives_the_encoded_value),
        cmocka_unit_test(test_verify_refuses_crit_it_does_not_understand),
        cmocka_unit_test(test_sign1_detached_payload_comes_from_elsewhere),
        cmocka_unit_test(test_sign1_es384_and_deterministic_keys),
        cmocka_unit_test(test_algorithm_must_fit_the_key),
        cmocka_unit_test(test_mac0_of_any_length),
        cmocka_unit_test(test_mac0_of_rfc9783),
        cmocka_unit_test(test_encrypt0_keeps_its_bounds),
        cmocka_unit_test(test_writers_stop_at_every_size),
        cmocka_unit_test(test_sign1_every_flipped_bit_is_seen),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
