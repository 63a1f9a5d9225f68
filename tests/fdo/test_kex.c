/* SPDX-License-Identifier: Apache-2.0
 *
 * Key exchange: both halves of every method, and the derivations of the captured runs. */
#include "tests/fdo/kat.h"

static const tsr_fdo_kex_method *const methods[] = {
    &tsr_fdo_ecdh256,     &tsr_fdo_ecdh384, &tsr_fdo_asymkex2048,
    &tsr_fdo_asymkex3072, &tsr_fdo_dhkex14, &tsr_fdo_dhkex15,
};

/* FDO 1.1 KeyExchange: ShSe gives SEK and SVK as go-fdo recorded them */
static void test_kdf_gives_the_keys_of_the_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRACES; i++) {
        uint8_t got[64];
        kat k;

        kat_read(traces[i], &k);
        assert_true(k.sek_len >= 16);
        assert_int_equal(
            tsr_fdo_kdf(TSR_FDO_SHA256, &k.secret, got, k.sek_len + k.svk_len), TSR_OK);
        assert_memory_equal(got, k.sek, k.sek_len);
        assert_memory_equal(got + k.sek_len, k.svk, k.svk_len);
        k.secret.shse[0] ^= 1;
        assert_int_equal(tsr_fdo_kdf(TSR_FDO_SHA256, &k.secret, got, k.sek_len), TSR_OK);
        assert_memory_not_equal(got, k.sek, k.sek_len);
    }
}

/* The randoms at the end of ShSe are those of xB and of xA. */
static void test_kex_of_runs_ends_with_both_randoms(void **state)
{
    static const size_t random_len[] = { 16, 48 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        trace_body b61, b64;
        tsr_cose_message m;
        tsr_fdo_prove_ov p;
        tsr_fdo_eat eat;
        size_t n = random_len[i];
        kat k;

        kat_read(traces[i], &k);
        assert_int_equal(
            tsr_cose_read(trace_message(traces[i], 61, &b61), TSR_COSE_SIGN1, &m), TSR_OK);
        assert_int_equal(tsr_fdo_prove_ov_read(m.payload, &p), TSR_OK);
        assert_int_equal(
            tsr_cose_read(trace_message(traces[i], 64, &b64), TSR_COSE_SIGN1, &m), TSR_OK);
        assert_int_equal(tsr_fdo_eat_read(m.payload, &eat), TSR_OK);
        assert_memory_equal(k.secret.shse + k.secret.len - n, p.kex.ptr + p.kex.len - n, n);
        assert_memory_equal(k.secret.shse + k.secret.len - 2 * n, eat.kex.ptr + eat.kex.len - n,
                            n);
        assert_int_equal(k.secret.len - 2 * n, methods[i]->size / 8);
    }
}

/* ---- both halves -------------------------------------------------------------------------- */

typedef struct {
    tsr_cose_key_id id;
    uint8_t room[512];
    tsr_fdo_key public;
} owner_key;

static void make_owner(owner_key *o, bool rsa, size_t bits)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_buf out = tsr_buf_over(o->room, sizeof o->room);
    tsr_bytes in;

    psa_set_key_type(&a, rsa ? PSA_KEY_TYPE_RSA_KEY_PAIR
                             : PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256)
                                  : PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    if (rsa)
        psa_set_key_enrollment_algorithm(&a, PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_DECRYPT);
    assert_int_equal(psa_generate_key(&a, &o->id), PSA_SUCCESS);
    assert_int_equal(tsr_fdo_put_key(&out,
                                     rsa ? TSR_FDO_RSAPKCS
                                     : bits == 256 ? TSR_FDO_SECP256R1
                                                   : TSR_FDO_SECP384R1,
                                     TSR_FDO_X509, o->id),
                     TSR_OK);
    in = tsr_buf_view(&out);
    assert_int_equal(tsr_fdo_get_key(&in, &o->public), TSR_OK);
}

static owner_key owners[4]; /* P-256, P-384, RSA 2048, RSA 3072 */

static int set_up(void **state)
{
    (void)state;
    if (psa_crypto_init() != PSA_SUCCESS)
        return -1;
    make_owner(&owners[0], false, 256);
    make_owner(&owners[1], false, 384);
    make_owner(&owners[2], true, 2048);
    make_owner(&owners[3], true, 3072);
    return 0;
}

static const owner_key *owner_for(const tsr_fdo_kex_method *m)
{
    for (size_t i = 0; i < 4; i++)
        if (tsr_fdo_kex_fits(m, &owners[i].public))
            return &owners[i];
    abort();
}

static void test_kex_gives_both_the_same_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        const owner_key *owner = owner_for(methods[i]);
        uint8_t a[TSR_FDO_X_MAX], b[TSR_FDO_X_MAX];
        tsr_buf xa = tsr_buf_over(a, sizeof a), xb = tsr_buf_over(b, sizeof b);
        tsr_fdo_secret device, mine;
        tsr_fdo_kex k;

        assert_ptr_equal(tsr_fdo_kex_find(tsr_text(methods[i]->name)), methods[i]);
        assert_int_equal(tsr_fdo_kex_offer(&k, methods[i], &tsr_fdo_random_psa, &xa), TSR_OK);
        assert_int_equal(tsr_fdo_kex_answer(methods[i], &tsr_fdo_random_psa, tsr_buf_view(&xa),
                                            &owner->public, &xb, &device),
                         TSR_OK);
        assert_int_equal(tsr_fdo_kex_accept(&k, tsr_buf_view(&xb), owner->id, &mine), TSR_OK);
        assert_int_equal(mine.len, device.len);
        assert_memory_equal(mine.shse, device.shse, mine.len);
        assert_int_equal(mine.context_len, device.context_len);
        assert_memory_equal(mine.context, device.context, mine.context_len);
        /* over is over */
        assert_int_equal(tsr_fdo_kex_accept(&k, tsr_buf_view(&xb), owner->id, &mine),
                         TSR_E_STATE);
    }
    assert_null(tsr_fdo_kex_find(tsr_text("ECDH521")));
}

/* 2 to the power of this is shorter than the modulus of group 14 by 11 bits. */
static tsr_err fill_short(void *user, uint8_t *to, size_t len)
{
    (void)user;
    memset(to, 0, len);
    to[0] = 0x01;
    to[1] = 0xaf;
    return TSR_OK;
}

static void check_shortened(const tsr_fdo_random *owners_random,
                            const tsr_fdo_random *devices_random, size_t off_xa, size_t off_xb)
{
    const tsr_fdo_kex_method *m = &tsr_fdo_dhkex14;
    uint8_t a[TSR_FDO_X_MAX], b[TSR_FDO_X_MAX];
    tsr_buf xa = tsr_buf_over(a, sizeof a), xb = tsr_buf_over(b, sizeof b);
    tsr_fdo_secret device, mine;
    tsr_fdo_kex k;

    assert_int_equal(tsr_fdo_kex_offer(&k, m, owners_random, &xa), TSR_OK);
    assert_true(off_xa == 0 || a[0] == 0);
    assert_int_equal(tsr_fdo_kex_answer(m, devices_random, tsr_skip(tsr_buf_view(&xa), off_xa),
                                        &owner_for(m)->public, &xb, &device),
                     TSR_OK);
    assert_true(off_xb == 0 || b[0] == 0);
    assert_int_equal(tsr_fdo_kex_accept(&k, tsr_skip(tsr_buf_view(&xb), off_xb), 0, &mine), TSR_OK);
    assert_int_equal(mine.len, 256);
    assert_int_equal(device.len, 256);
    assert_memory_equal(mine.shse, device.shse, 256);
}

/* go-fdo writes such a number without the zeros in front. */
static void test_kex_takes_numbers_without_their_zeros(void **state)
{
    const tsr_fdo_random short_one = { fill_short, NULL };

    (void)state;
    check_shortened(&tsr_fdo_random_psa, &short_one, 0, 1);
    check_shortened(&short_one, &tsr_fdo_random_psa, 1, 0);
}

/* A pairing that is not allowed is refused before anything is computed. */
static void test_kex_refuses_another_kind_of_owner(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        for (size_t o = 0; o < 4; o++) {
            uint8_t room[TSR_FDO_X_MAX] = { 0 };
            tsr_buf xb = tsr_buf_over(room, sizeof room);
            tsr_fdo_secret s;

            if (&owners[o] == owner_for(methods[i]))
                continue;
            assert_int_equal(tsr_fdo_kex_answer(methods[i], &tsr_fdo_random_psa,
                                                tsr_view(room, 86), &owners[o].public, &xb, &s),
                             TSR_E_DENIED);
            assert_int_equal(xb.len, 0);
        }
}

static void refuses(size_t method, tsr_bytes xa, tsr_err err)
{
    uint8_t room[TSR_FDO_X_MAX];
    tsr_buf xb = tsr_buf_over(room, sizeof room);
    tsr_fdo_secret s;

    assert_int_equal(tsr_fdo_kex_answer(methods[method], &tsr_fdo_random_psa, xa,
                                        &owner_for(methods[method])->public, &xb, &s),
                     err);
    for (size_t i = 0; i < sizeof s.shse; i++)
        assert_int_equal(s.shse[i], 0);
}

/* A point off the curve, parts of other lengths, numbers that give away the secret */
static void test_kex_refuses_bad_offers(void **state)
{
    uint8_t x[TSR_FDO_X_MAX] = { 0 };
    tsr_buf xa = tsr_buf_over(x, sizeof x);
    tsr_fdo_kex k;

    (void)state;
    assert_int_equal(tsr_fdo_kex_offer(&k, methods[0], &tsr_fdo_random_psa, &xa), TSR_OK);
    for (size_t i = 0; i < xa.len; i++)
        refuses(0, tsr_view(x, i), TSR_E_MALFORMED);
    refuses(0, tsr_view(x, xa.len + 1), TSR_E_MALFORMED);
    x[20] ^= 1;
    refuses(0, tsr_view(x, xa.len), TSR_E_CRYPTO);
    tsr_fdo_kex_drop(&k);
    refuses(2, tsr_view(x, 31), TSR_E_MALFORMED);
    refuses(2, tsr_view(x, 33), TSR_E_MALFORMED);
    memset(x, 0, sizeof x);
    refuses(4, tsr_view(x, 256), TSR_E_MALFORMED); /* 0 */
    x[255] = 1;
    refuses(4, tsr_view(x, 256), TSR_E_MALFORMED);
    refuses(4, tsr_view(x, 255), TSR_E_MALFORMED);
    x[255] = 2;
    refuses(4, tsr_view(x, 257), TSR_E_MALFORMED);
    memset(x, 0xff, sizeof x);
    refuses(4, tsr_view(x, 256), TSR_E_MALFORMED); /* above the modulus */
    refuses(5, tsr_view(x, 384), TSR_E_MALFORMED);
}

/* OAEP of another key, or of other bytes */
static void test_kex_refuses_bad_answers(void **state)
{
    uint8_t a[TSR_FDO_X_MAX], b[TSR_FDO_X_MAX] = { 7 };
    tsr_buf xa = tsr_buf_over(a, sizeof a);
    tsr_fdo_secret s;
    tsr_fdo_kex k;

    (void)state;
    assert_int_equal(tsr_fdo_kex_offer(&k, methods[2], &tsr_fdo_random_psa, &xa), TSR_OK);
    assert_int_equal(tsr_fdo_kex_accept(&k, tsr_view(b, 256), owners[2].id, &s), TSR_E_CRYPTO);
    assert_int_equal(tsr_fdo_kex_offer(&k, methods[2], &tsr_fdo_random_psa, &xa), TSR_OK);
    assert_int_equal(tsr_fdo_kex_accept(&k, tsr_view(b, 255), owners[2].id, &s),
                     TSR_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kdf_gives_the_keys_of_the_runs),
        cmocka_unit_test(test_kex_of_runs_ends_with_both_randoms),
        cmocka_unit_test(test_kex_gives_both_the_same_secret),
        cmocka_unit_test(test_kex_takes_numbers_without_their_zeros),
        cmocka_unit_test(test_kex_refuses_another_kind_of_owner),
        cmocka_unit_test(test_kex_refuses_bad_offers),
        cmocka_unit_test(test_kex_refuses_bad_answers),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
