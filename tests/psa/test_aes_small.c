/* SPDX-License-Identifier: Apache-2.0
 *
 * The small AES (aes_renamed.c) beside the core's own one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mbedtls/aes.h"

int small_setkey_enc(mbedtls_aes_context *ctx, const unsigned char *key, unsigned int keybits);
int small_encrypt(mbedtls_aes_context *ctx, const unsigned char input[16],
                  unsigned char output[16]);

static const unsigned sizes[] = { 128, 192, 256 };

/* FIPS 197 appendix C: the keys are 00 01 02 ..., the block is 00 11 22 ... */
static void test_aes_small_gives_the_examples_of_the_standard(void **state)
{
    static const uint8_t want[3][16] = {
        { 0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5,
          0x5a },
        { 0xdd, 0xa9, 0x7c, 0xa4, 0x86, 0x4c, 0xdf, 0xe0, 0x6e, 0xaf, 0x70, 0xa0, 0xec, 0x0d, 0x71,
          0x91 },
        { 0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60,
          0x89 },
    };
    uint8_t key[32], block[16];
    mbedtls_aes_context c;

    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i;
    for (size_t k = 0; k < 3; k++) {
        for (uint8_t i = 0; i < 16; i++)
            block[i] = (uint8_t)(17 * i);
        assert_int_equal(small_setkey_enc(&c, key, sizes[k]), 0);
        assert_int_equal(small_encrypt(&c, block, block), 0); /* in place */
        assert_memory_equal(block, want[k], 16);
    }
}

/* Each output is the next block, and keys come from outputs, so any difference spreads. */
static void test_aes_small_agrees_with_the_core(void **state)
{
    uint8_t key[48] = { 1 }, ours[16] = { 0 }, theirs[16] = { 0 };
    mbedtls_aes_context small, core;

    (void)state;
    mbedtls_aes_init(&core);
    for (unsigned turn = 0; turn < 6000; turn++) {
        unsigned bits = sizes[turn % 3];

        assert_int_equal(small_setkey_enc(&small, key, bits), 0);
        assert_int_equal(mbedtls_aes_setkey_enc(&core, key, bits), 0);
        for (unsigned i = 0; i < 10; i++) {
            assert_int_equal(small_encrypt(&small, ours, ours), 0);
            assert_int_equal(mbedtls_aes_crypt_ecb(&core, MBEDTLS_AES_ENCRYPT, theirs, theirs), 0);
            assert_memory_equal(ours, theirs, 16);
        }
        memmove(key + 16, key, 32);
        memcpy(key, theirs, 16);
    }
    mbedtls_aes_free(&core);
}

static void test_aes_small_refuses_other_keys(void **state)
{
    static const unsigned other[] = { 0, 8, 64, 127, 129, 160, 224, 255, 257, 320, 512 };
    mbedtls_aes_context c;

    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_int_equal(small_setkey_enc(&c, (const uint8_t *)"", other[i]),
                         MBEDTLS_ERR_AES_INVALID_KEY_LENGTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aes_small_gives_the_examples_of_the_standard),
        cmocka_unit_test(test_aes_small_agrees_with_the_core),
        cmocka_unit_test(test_aes_small_refuses_other_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
