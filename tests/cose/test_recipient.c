/* SPDX-License-Identifier: Apache-2.0
 *
 * Key wrap against the vectors of RFC 3394 §4.1 to §4.6, and COSE_Encrypt for several recipients
 * (RFC 9052 §5.1, RFC 9053 §6.2.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tessera/cose/recipient.h"

static const uint8_t wrapped_128[] = { 0x1f, 0xa6, 0x8b, 0x0a, 0x81, 0x12, 0xb4, 0x47,
                                       0xae, 0xf3, 0x4b, 0xd8, 0xfb, 0x5a, 0x7b, 0x82,
                                       0x9d, 0x3e, 0x86, 0x23, 0x71, 0xd2, 0xcf, 0xe5 };
static const uint8_t wrapped_128_192[] = { 0x96, 0x77, 0x8b, 0x25, 0xae, 0x6c, 0xa4, 0x35,
                                           0xf9, 0x2b, 0x5b, 0x97, 0xc0, 0x50, 0xae, 0xd2,
                                           0x46, 0x8a, 0xb8, 0xa1, 0x7a, 0xd8, 0x4e, 0x5d };
static const uint8_t wrapped_128_256[] = { 0x64, 0xe8, 0xc3, 0xf9, 0xce, 0x0f, 0x5b, 0xa2,
                                           0x63, 0xe9, 0x77, 0x79, 0x05, 0x81, 0x8a, 0x2a,
                                           0x93, 0xc8, 0x19, 0x1e, 0x7d, 0x6e, 0x8a, 0xe7 };
static const uint8_t wrapped_256[] = { 0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4,
                                       0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26,
                                       0x3f, 0x57, 0x86, 0xe2, 0xd8, 0x0e, 0xd3, 0x26,
                                       0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99, 0xf4, 0x3b,
                                       0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21 };

/* The RFC's keys: 00 01 02 ... and 00 11 22 ... ff 00 01 ... 0f. */
static psa_key_id_t kek_of(size_t len, uint8_t first)
{
    psa_key_attributes_t a = tsr_cose_kek_attributes();
    uint8_t key[32];
    psa_key_id_t id;

    for (size_t i = 0; i < len; i++)
        key[i] = (uint8_t)(first + i);
    psa_set_key_bits(&a, 8 * len);
    assert_int_equal(psa_import_key(&a, key, len, &id), PSA_SUCCESS);
    return id;
}

static void data_of(size_t len, uint8_t *data)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i < 16 ? 0x11 * i : i - 16);
}

/* RFC 3394 §4.1, §4.2, §4.3, §4.6. RFC 3394 §2.2, RFC 3394 §2.2.1 */
static void test_wrap_matches_the_vectors(void **state)
{
    static const struct {
        size_t kek, data;
        const uint8_t *wrapped;
    } vectors[] = { { 16, 16, wrapped_128 },
                    { 24, 16, wrapped_128_192 },
                    { 32, 16, wrapped_128_256 },
                    { 32, 32, wrapped_256 } };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        psa_key_id_t kek = kek_of(vectors[i].kek, 0);
        uint8_t data[32], room[40], back[32];
        tsr_buf out = tsr_buf_over(room, sizeof room);

        data_of(vectors[i].data, data);
        assert_int_equal(tsr_cose_wrap(kek, tsr_view(data, vectors[i].data), &out), TSR_OK);
        assert_int_equal(out.len, vectors[i].data + 8);
        assert_memory_equal(room, vectors[i].wrapped, out.len);
        assert_int_equal(tsr_cose_unwrap(kek, tsr_buf_view(&out), back), TSR_OK);
        assert_memory_equal(back, data, vectors[i].data);
        assert_int_equal(psa_destroy_key(kek), PSA_SUCCESS);
    }
}

/* RFC 3394 §2.2.3 */
static void test_unwrap_refuses_every_flipped_bit_and_the_wrong_key(void **state)
{
    psa_key_id_t kek = kek_of(16, 0), other = kek_of(16, 1);
    uint8_t wrapped[24], back[16] = { 0 };
    static const uint8_t untouched[16];

    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof wrapped; bit++) {
        memcpy(wrapped, wrapped_128, sizeof wrapped);
        wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(tsr_cose_unwrap(kek, tsr_view(wrapped, 24), back), TSR_E_CRYPTO);
    }
    assert_int_equal(tsr_cose_unwrap(other, tsr_view(wrapped_128, 24), back), TSR_E_CRYPTO);
    for (size_t len = 0; len < 24; len++)
        assert_int_equal(tsr_cose_unwrap(kek, tsr_view(wrapped_128, len), back), TSR_E_ARGUMENT);
    assert_memory_equal(back, untouched, 16);
    (void)psa_destroy_key(kek);
    (void)psa_destroy_key(other);
}

static void test_each_recipient_gets_the_content_key(void **state)
{
    static const uint8_t iv[12] = { 9 }, cek[16] = { 7 }, text[5] = "plain";
    psa_key_id_t keks[3] = { kek_of(16, 0), kek_of(16, 1), kek_of(16, 2) }, key, stranger;
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t room[512], aad_room[64], sealed[21], back[5];
    tsr_buf out = tsr_buf_over(room, sizeof room), aad = tsr_buf_over(aad_room, sizeof aad_room);
    tsr_cose_encrypted e;
    tsr_cose_message r;
    size_t len;

    (void)state;
    assert_int_equal(tsr_cose_put_encrypted(&out, iv, cek, keks, 3), TSR_OK);
    assert_int_equal(tsr_cose_encrypted_read(tsr_buf_view(&out), &e), TSR_OK);
    assert_int_equal(e.count, 3);
    tsr_cose_encrypted_aad(&aad, &e);
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_GCM);
    assert_int_equal(psa_import_key(&a, cek, 16, &key), PSA_SUCCESS);
    assert_int_equal(psa_aead_encrypt(key, PSA_ALG_GCM, iv, 12, aad.ptr, aad.len, text, 5, sealed,
                                      sizeof sealed, &len),
                     PSA_SUCCESS);
    (void)psa_destroy_key(key);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tsr_cose_encrypted_key(&e, &keks[i], 1, &key), TSR_OK);
        assert_int_equal(psa_aead_decrypt(key, PSA_ALG_GCM, e.body.iv.ptr, 12, aad.ptr, aad.len,
                                          sealed, len, back, sizeof back, &(size_t){ 0 }),
                         PSA_SUCCESS);
        assert_memory_equal(back, text, 5);
        assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    }
    stranger = kek_of(16, 3);
    assert_int_equal(tsr_cose_encrypted_key(&e, &stranger, 1, &key), TSR_E_NOT_FOUND);
    for (size_t i = 0; i < 3; i++) {
        uint8_t name[TSR_COSE_KEK_NAME];

        assert_int_equal(tsr_cose_recipient_next(&e, &r), TSR_OK);
        assert_int_equal(r.alg, TSR_COSE_A128KW);
        assert_int_equal(tsr_cose_kek_name(keks[i], name), TSR_OK);
        assert_true(tsr_same(r.kid, tsr_view(name, sizeof name)));
        (void)psa_destroy_key(keks[i]);
    }
    assert_int_equal(tsr_cose_recipient_next(&e, &r), TSR_END);
    (void)psa_destroy_key(stranger);
}

static void test_read_refuses_what_is_cut_off_or_another_message(void **state)
{
    static const uint8_t iv[12], cek[16];
    psa_key_id_t kek = kek_of(16, 0);
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_encrypted e;

    (void)state;
    assert_int_equal(tsr_cose_put_encrypted(&out, iv, cek, &kek, 1), TSR_OK);
    for (size_t len = 0; len < out.len; len++)
        assert_int_not_equal(tsr_cose_encrypted_read(tsr_first(tsr_buf_view(&out), len), &e),
                             TSR_OK);
    room[1] = 16; /* COSE_Encrypt0 */
    assert_int_equal(tsr_cose_encrypted_read(tsr_buf_view(&out), &e), TSR_E_TYPE);
    room[1] = 96;
    room[6] = 3; /* A256GCM */
    assert_int_equal(tsr_cose_encrypted_read(tsr_buf_view(&out), &e), TSR_E_UNSUPPORTED);
    (void)psa_destroy_key(kek);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap_matches_the_vectors),
        cmocka_unit_test(test_unwrap_refuses_every_flipped_bit_and_the_wrong_key),
        cmocka_unit_test(test_each_recipient_gets_the_content_key),
        cmocka_unit_test(test_read_refuses_what_is_cut_off_or_another_message),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
