/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "secure/crypto/pool.h"

enum { UNITS = 100, UNIT = 8, ROOM = (UNITS - 1) * UNIT };

static tsr_pool_unit memory[UNITS + 1];
static tsr_pool pool;

/* The core's hooks are linked with the rest of the file. */
tsr_pool *tsr_pool_here(void) { return &pool; }

static int fresh(void **state)
{
    (void)state;
    memset(memory, 0x5a, sizeof memory);
    tsr_pool_open(&pool, memory, UNITS);
    return 0;
}

static int unharmed(void **state)
{
    static const uint8_t guard[UNIT] = { 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a };

    (void)state;
    return memcmp(&memory[UNITS], guard, sizeof guard);
}

static void assert_zero(const void *piece, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(((const uint8_t *)piece)[i], 0);
}

static void assert_whole(void)
{
    void *all = tsr_pool_take(&pool, 1, ROOM);

    assert_non_null(all);
    tsr_pool_give(&pool, all);
}

static void test_pool_gives_zeroed_and_aligned_pieces(void **state)
{
    void *piece[8];

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        piece[i] = tsr_pool_take(&pool, i + 1, 3);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % 8, 0);
        assert_zero(piece[i], 3 * (i + 1));
        memset(piece[i], 0xff, 3 * (i + 1));
    }
    for (size_t i = 0; i < 8; i++)
        tsr_pool_give(&pool, piece[i]);
    assert_whole();
}

static void test_pool_gives_all_it_has_and_no_more(void **state)
{
    void *all;

    (void)state;
    assert_null(tsr_pool_take(&pool, 1, ROOM + 1));
    all = tsr_pool_take(&pool, ROOM, 1);
    assert_non_null(all);
    assert_null(tsr_pool_take(&pool, 1, 1));
    tsr_pool_give(&pool, all);
    assert_whole();
}

static void test_pool_refuses_nothing_and_what_overflows(void **state)
{
    (void)state;
    assert_null(tsr_pool_take(&pool, 0, 8));
    assert_null(tsr_pool_take(&pool, 8, 0));
    assert_null(tsr_pool_take(&pool, SIZE_MAX, SIZE_MAX));
    assert_null(tsr_pool_take(&pool, SIZE_MAX / 2 + 2, 2)); /* 2 when it wraps */
    assert_null(tsr_pool_take(&pool, 2, SIZE_MAX / 2 + 2));
    assert_null(tsr_pool_take(&pool, 1, SIZE_MAX));
    assert_null(tsr_pool_take(&pool, 1, SIZE_MAX - 7));
    assert_whole();
}

static void test_pool_wipes_what_comes_back(void **state)
{
    uint8_t *piece = tsr_pool_take(&pool, 1, 40);

    (void)state;
    memset(piece, 0xee, 40);
    tsr_pool_give(&pool, piece);
    assert_zero(piece, 40);
}

static void test_pool_ignores_what_is_no_piece(void **state)
{
    uint8_t *piece = tsr_pool_take(&pool, 1, 40);
    int other = 7;

    (void)state;
    memset(piece, 0xee, 40);
    tsr_pool_give(&pool, NULL);
    tsr_pool_give(&pool, piece + 8);
    tsr_pool_give(&pool, &other);
    assert_int_equal(other, 7);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(piece[i], 0xee);
    tsr_pool_give(&pool, piece);
    tsr_pool_give(&pool, piece); /* once more */
    assert_whole();
}

static void test_pool_joins_neighbours(void **state)
{
    void *a = tsr_pool_take(&pool, 1, 200), *b = tsr_pool_take(&pool, 1, 200),
         *c = tsr_pool_take(&pool, 1, 200);

    (void)state;
    assert_null(tsr_pool_take(&pool, 1, 200));
    tsr_pool_give(&pool, a);
    tsr_pool_give(&pool, c);
    assert_null(tsr_pool_take(&pool, 1, 408)); /* a and c are no neighbours */
    tsr_pool_give(&pool, b);
    a = tsr_pool_take(&pool, 1, 408);
    assert_non_null(a);
    assert_zero(a, 408);
    tsr_pool_give(&pool, a);
    assert_whole();
}

/* Any order of calls: pieces keep their bytes, none overlaps another, nothing is lost. */
static void test_pool_keeps_what_it_holds_in_any_order(void **state)
{
    struct {
        uint8_t *at;
        size_t len;
        uint8_t fill;
    } held[24] = { 0 };
    uint32_t random = 1;
    unsigned full = 0;

    (void)state;
    for (unsigned turn = 0; turn < 200000; turn++) {
        size_t i;

        random = random * 1664525u + 1013904223u;
        i = (random >> 24) % 24;
        if (held[i].at != NULL) {
            for (size_t k = 0; k < held[i].len; k++)
                assert_int_equal(held[i].at[k], held[i].fill);
            tsr_pool_give(&pool, held[i].at);
            held[i].at = NULL;
            continue;
        }
        held[i].len = 1 + (random >> 8) % 90;
        held[i].at = tsr_pool_take(&pool, 1, held[i].len);
        full += held[i].at == NULL;
        if (held[i].at == NULL)
            continue;
        assert_zero(held[i].at, held[i].len);
        held[i].fill = (uint8_t)(turn % 255 + 1);
        memset(held[i].at, held[i].fill, held[i].len);
    }
    assert_in_range(full, 100, 150000); /* it was full at times, and not always */
    for (size_t i = 0; i < 24; i++)
        tsr_pool_give(&pool, held[i].at);
    assert_whole();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pool_gives_zeroed_and_aligned_pieces, fresh, unharmed),
        cmocka_unit_test_setup_teardown(test_pool_gives_all_it_has_and_no_more, fresh, unharmed),
        cmocka_unit_test_setup_teardown(test_pool_refuses_nothing_and_what_overflows, fresh,
                                        unharmed),
        cmocka_unit_test_setup_teardown(test_pool_wipes_what_comes_back, fresh, unharmed),
        cmocka_unit_test_setup_teardown(test_pool_ignores_what_is_no_piece, fresh, unharmed),
        cmocka_unit_test_setup_teardown(test_pool_joins_neighbours, fresh, unharmed),
        cmocka_unit_test_setup_teardown(test_pool_keeps_what_it_holds_in_any_order, fresh,
                                        unharmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
