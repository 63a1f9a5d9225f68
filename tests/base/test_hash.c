/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/base/hash.h"

#define KEY UINT64_C(0x0706050403020100)

/* The first results of the designers' list for HalfSipHash-2-4 with 64 bits: key 00..07, inputs of
 * 0 and 1 byte (00). Read as little-endian numbers. */
static void test_hash_gives_the_designers_results(void **state)
{
    (void)state;
    assert_true(tsr_hash(KEY, tsr_view("", 0)) == UINT64_C(0xc83cb8b9591f8d21));
    assert_true(tsr_hash(KEY, tsr_view("\0", 1)) == UINT64_C(0x157338f8122455be));
}

static void test_hash_of_a_number_is_that_of_its_bytes(void **state)
{
    (void)state;
    assert_true(tsr_hash_u64(KEY, UINT64_C(0x0706050403020100)) ==
                tsr_hash(KEY, tsr_view("\0\1\2\3\4\5\6\7", 8)));
}

static void test_hash_depends_on_the_key_and_every_byte(void **state)
{
    uint8_t in[13] = { 0 };
    uint64_t base = tsr_hash(KEY, tsr_view(in, sizeof in));

    (void)state;
    assert_true(base != tsr_hash(KEY + 1, tsr_view(in, sizeof in)));
    for (size_t i = 0; i < sizeof in; i++) {
        in[i] = 1;
        assert_true(base != tsr_hash(KEY, tsr_view(in, sizeof in)));
        in[i] = 0;
    }
}

static void test_hash_spreads_neighbours_evenly(void **state)
{
    unsigned buckets[64] = { 0 };

    (void)state;
    for (uint64_t i = 0; i < 64 * 256; i++)
        buckets[tsr_hash_u64(KEY, i) & 63]++;
    for (size_t i = 0; i < 64; i++)
        assert_in_range(buckets[i], 180, 340); /* 256 expected, more than 4 sigma wide */
}

static void test_index_wants_a_power_of_two(void **state)
{
    uint32_t heads[4];
    tsr_index index;

    (void)state;
    assert_int_equal(tsr_index_init(&index, heads, 0), TSR_E_ARGUMENT);
    assert_int_equal(tsr_index_init(&index, heads, 3), TSR_E_ARGUMENT);
    assert_int_equal(tsr_index_init(&index, heads, 4), TSR_OK);
    for (uint64_t h = 0; h < 8; h++)
        assert_int_equal(*tsr_index_head(&index, h), TSR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_gives_the_designers_results),
        cmocka_unit_test(test_hash_of_a_number_is_that_of_its_bytes),
        cmocka_unit_test(test_hash_depends_on_the_key_and_every_byte),
        cmocka_unit_test(test_hash_spreads_neighbours_evenly),
        cmocka_unit_test(test_index_wants_a_power_of_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
