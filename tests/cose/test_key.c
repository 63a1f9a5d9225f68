/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tessera/cose/key.h"
#include "tests/vectors.h"

/* The example keys of RFC 9052 §C.7 (kid "11" as the examples of the working group have it). */
#define X11 "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
#define Y11 "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"
#define D11 "57c92077664146e876760c9520d054aa93c3afb04e306705db6090308507b4d3"

static int set_up(void **state)
{
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static tsr_err read_hex(const char *hex, uint8_t *room, size_t cap, tsr_cose_key *k)
{
    return tsr_cose_key_read(from_hex(hex, room, cap), k);
}

/* RFC 9052 §7, RFC 9053 §7.1.1 */
static void test_key_reads_and_writes_ec2(void **state)
{
    uint8_t room[256], again[256];
    tsr_buf out = tsr_buf_over(again, sizeof again);
    tsr_cose_key k;

    (void)state;
    assert_int_equal(
        read_hex("a601020242313120 01 215820" X11 "225820" Y11 "235820" D11, room, sizeof room, &k),
        TSR_OK);
    assert_int_equal(k.kty, TSR_COSE_EC2);
    assert_int_equal(k.crv, TSR_COSE_P256);
    assert_memory_equal(k.kid.ptr, "11", 2);
    tsr_cose_key_write(&out, &k);
    assert_int_equal(out.err, TSR_OK);
    assert_int_equal(out.len, 114);
    assert_memory_equal(again, room, out.len);
}

/* RFC 9053 §7 */
static void test_key_reads_and_writes_symmetric(void **state)
{
    uint8_t room[64], again[64];
    tsr_buf out = tsr_buf_over(again, sizeof again);
    tsr_cose_key k;

    (void)state;
    assert_int_equal(read_hex("a401040305 0482090a 2050 00112233445566778899aabbccddeeff", room,
                              sizeof room, &k),
                     TSR_OK);
    assert_int_equal(k.alg, TSR_COSE_HMAC_256);
    assert_int_equal(k.ops & ~1u, TSR_COSE_OP_MAC_CREATE | TSR_COSE_OP_MAC_VERIFY);
    tsr_cose_key_write(&out, &k);
    assert_int_equal(out.len, 27);
    assert_memory_equal(again, room, out.len);
}

static void test_key_refuses_what_is_no_key(void **state)
{
    static const struct {
        const char *hex;
        tsr_err err;
    } cases[] = {
        { "", TSR_E_MALFORMED },
        { "80", TSR_E_MALFORMED },
        { "a0", TSR_E_MALFORMED },                 /* no kty */
        { "a10104", TSR_E_MALFORMED },             /* no k */
        { "a201042040", TSR_E_MALFORMED },         /* k of no bytes */
        { "a20104204100 00", TSR_E_MALFORMED },    /* trailing byte */
        { "a3010401042041 00", TSR_E_MALFORMED },  /* kty twice */
        { "a30104204100204101", TSR_E_MALFORMED }, /* k twice */
        { "a2010120 06", TSR_E_UNSUPPORTED },      /* OKP */
        { "a2010120 07", TSR_E_UNSUPPORTED },
        { "a20161412041 00", TSR_E_UNSUPPORTED },                 /* kty as text */
        { "a301040363414243204100", TSR_E_UNSUPPORTED },          /* alg as text */
        { "a3010404802041 00", TSR_E_MALFORMED },                 /* key_ops empty */
        { "a301042041000 4 01", TSR_E_MALFORMED },                /* key_ops no array */
        { "a2010220 03", TSR_E_UNSUPPORTED },                     /* P-521 */
        { "a2010220 01", TSR_E_MALFORMED },                       /* neither point nor d */
        { "a40102200121 5820" X11 "22f5", TSR_E_UNSUPPORTED },    /* compressed */
        { "a301022001215820" X11, TSR_E_MALFORMED },              /* x alone */
        { "a401022001214101224102", TSR_E_MALFORMED },            /* coordinates too short */
        { "a401022002215820" X11 "225820" Y11, TSR_E_MALFORMED }, /* P-384 with 32 bytes */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t room[256];
        tsr_cose_key k;
        char text[512];
        size_t n = 0;
        tsr_err err;

        for (const char *c = cases[i].hex; *c != '\0'; c++)
            if (*c != ' ')
                text[n++] = *c;
        text[n] = '\0';
        err = read_hex(text, room, sizeof room, &k);
        if (err != cases[i].err)
            fail_msg("%s: %s", cases[i].hex, tsr_err_name(err));
    }
}

static tsr_cose_key key11(uint8_t room[96])
{
    tsr_bytes all = from_hex(X11 Y11 D11, room, 96);

    return (tsr_cose_key){ .kty = TSR_COSE_EC2,
                           .crv = TSR_COSE_P256,
                           .x = { all.ptr, 32 },
                           .y = { all.ptr + 32, 32 },
                           .d = { all.ptr + 64, 32 } };
}

/* RFC 9052 §7.1 */
static void test_import_checks_key_against_algorithm(void **state)
{
    uint8_t room[96], secret[16] = { 1 };
    tsr_cose_key k = key11(room), s = { .kty = TSR_COSE_SYMMETRIC, .k = { secret, 16 } };
    psa_key_id_t id;

    (void)state;
    assert_int_equal(tsr_cose_key_import(&k, TSR_COSE_ES384, TSR_COSE_OP_SIGN, &id), TSR_E_TYPE);
    assert_int_equal(tsr_cose_key_import(&k, TSR_COSE_HMAC_256, TSR_COSE_OP_MAC_CREATE, &id),
                     TSR_E_TYPE);
    assert_int_equal(tsr_cose_key_import(&k, -8, TSR_COSE_OP_SIGN, &id), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_cose_key_import(&s, TSR_COSE_ES256, TSR_COSE_OP_SIGN, &id), TSR_E_TYPE);
    assert_int_equal(tsr_cose_key_import(&s, TSR_COSE_A256GCM, TSR_COSE_OP_ENCRYPT, &id),
                     TSR_E_TYPE);
    s.alg = TSR_COSE_CCM_16_64_128;
    assert_int_equal(tsr_cose_key_import(&s, TSR_COSE_A128GCM, TSR_COSE_OP_ENCRYPT, &id),
                     TSR_E_TYPE);
    s.ops = TSR_COSE_OP_DECRYPT;
    assert_int_equal(tsr_cose_key_import(&s, TSR_COSE_CCM_16_64_128, TSR_COSE_OP_ENCRYPT, &id),
                     TSR_E_DENIED);
    assert_int_equal(tsr_cose_key_import(&s, TSR_COSE_CCM_16_64_128, TSR_COSE_OP_DECRYPT, &id),
                     TSR_OK);
    (void)psa_destroy_key(id);
    k.d.ptr = NULL;
    assert_int_equal(tsr_cose_key_import(&k, TSR_COSE_ES256, TSR_COSE_OP_SIGN, &id), TSR_E_DENIED);
    assert_int_equal(tsr_cose_key_import(&k, TSR_COSE_ES256, TSR_COSE_OP_VERIFY, &id), TSR_OK);
    (void)psa_destroy_key(id);
}

static void test_import_refuses_points_that_are_not_on_the_curve(void **state)
{
    uint8_t room[96], other[96];
    tsr_cose_key k = key11(room), k2;
    psa_key_id_t id;

    (void)state;
    room[63] ^= 1;
    assert_int_equal(tsr_cose_key_import(&k, TSR_COSE_ES256, TSR_COSE_OP_VERIFY, &id),
                     TSR_E_CRYPTO);
    /* the private half of another public half */
    assert_int_equal(tsr_cose_key_import(&k, TSR_COSE_ES256, TSR_COSE_OP_SIGN, &id), TSR_E_CRYPTO);
    k2 = key11(other);
    memset(other + 64, 0, 32); /* d = 0 */
    assert_int_equal(tsr_cose_key_import(&k2, TSR_COSE_ES256, TSR_COSE_OP_SIGN, &id), TSR_E_CRYPTO);
    memset(other + 64, 0xff, 32); /* d above the order */
    assert_int_equal(tsr_cose_key_import(&k2, TSR_COSE_ES256, TSR_COSE_OP_SIGN, &id), TSR_E_CRYPTO);
}

static void test_public_half_of_a_pair(void **state)
{
    uint8_t room[96], out_room[97], point[65];
    tsr_buf out = tsr_buf_over(out_room, sizeof out_room);
    tsr_cose_key k = key11(room), public_key;
    psa_key_id_t id, verifier;

    (void)state;
    assert_int_equal(tsr_cose_key_import(&k, TSR_COSE_ES256, TSR_COSE_OP_SIGN, &id), TSR_OK);
    assert_int_equal(tsr_cose_key_public(id, &out, &public_key), TSR_OK);
    assert_true(tsr_same(public_key.x, k.x) && tsr_same(public_key.y, k.y));
    assert_null(public_key.d.ptr);
    point[0] = 4;
    memcpy(point + 1, room, 64);
    assert_int_equal(tsr_cose_point_import(tsr_view(point, 65), TSR_COSE_ES256, &verifier), TSR_OK);
    (void)psa_destroy_key(verifier);
    assert_int_equal(tsr_cose_point_import(tsr_view(point, 64), TSR_COSE_ES256, &verifier),
                     TSR_E_TYPE);
    point[0] = 2;
    assert_int_equal(tsr_cose_point_import(tsr_view(point, 65), TSR_COSE_ES256, &verifier),
                     TSR_E_TYPE);
    (void)psa_destroy_key(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_reads_and_writes_ec2),
        cmocka_unit_test(test_key_reads_and_writes_symmetric),
        cmocka_unit_test(test_key_refuses_what_is_no_key),
        cmocka_unit_test(test_import_checks_key_against_algorithm),
        cmocka_unit_test(test_import_refuses_points_that_are_not_on_the_curve),
        cmocka_unit_test(test_public_half_of_a_pair),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
