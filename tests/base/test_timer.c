/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/base/timer.h"

enum { N = 500 };

static void test_timers_come_in_the_order_of_their_deadlines(void **state)
{
    static tsr_timer timer[N];
    static tsr_timer *heap[N];
    tsr_timers timers;
    uint32_t random = 1;

    (void)state;
    tsr_timers_init(&timers, heap, N);
    for (uint32_t i = 0; i < N; i++) {
        random = random * 1664525u + 1013904223u;
        timer[i] = (tsr_timer){ .id = i };
        assert_int_equal(tsr_timer_set(&timers, &timer[i], random >> 16), TSR_OK);
    }

    uint64_t last = 0;

    for (uint32_t i = 0; i < N; i++) {
        uint64_t due = tsr_timers_due(&timers);
        tsr_timer *t = tsr_timers_take(&timers, UINT64_MAX);

        assert_non_null(t);
        assert_true(t->due_ms == due && due >= last);
        assert_false(tsr_timer_is_set(t));
        last = due;
    }
    assert_null(tsr_timers_take(&timers, UINT64_MAX));
    assert_true(tsr_timers_due(&timers) == UINT64_MAX);
}

/* Against a plain array that is searched from end to end. */
static void test_timers_agree_with_a_plain_list(void **state)
{
    enum { M = 40 };
    tsr_timer timer[M];
    tsr_timer *heap[M];
    uint64_t plain[M];
    tsr_timers timers;
    uint32_t random = 7;

    (void)state;
    tsr_timers_init(&timers, heap, M);
    for (uint32_t i = 0; i < M; i++) {
        timer[i] = (tsr_timer){ .id = i };
        plain[i] = UINT64_MAX;
    }
    for (unsigned step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t i = (random >> 8) % M;
        uint64_t least = UINT64_MAX;

        switch (random >> 30) {
        case 0:
            tsr_timer_stop(&timers, &timer[i]);
            plain[i] = UINT64_MAX;
            break;
        case 1: {
            tsr_timer *t = tsr_timers_take(&timers, 500);

            for (uint32_t k = 0; k < M; k++)
                least = plain[k] < least ? plain[k] : least;
            assert_true((t != NULL) == (least <= 500));
            if (t != NULL) {
                assert_true(plain[t->id] == least);
                plain[t->id] = UINT64_MAX;
            }
            break;
        }
        default:
            plain[i] = (random >> 4) % 1000;
            assert_int_equal(tsr_timer_set(&timers, &timer[i], plain[i]), TSR_OK);
        }
        least = UINT64_MAX;
        for (uint32_t k = 0; k < M; k++)
            least = plain[k] < least ? plain[k] : least;
        assert_true(tsr_timers_due(&timers) == least);
    }
}

static void test_timers_say_when_they_are_full(void **state)
{
    tsr_timer a = { 0 }, b = { 0 };
    tsr_timer *heap[1];
    tsr_timers timers;

    (void)state;
    tsr_timers_init(&timers, heap, 1);
    assert_int_equal(tsr_timer_set(&timers, &a, 5), TSR_OK);
    assert_int_equal(tsr_timer_set(&timers, &b, 4), TSR_E_SPACE);
    assert_int_equal(tsr_timer_set(&timers, &a, 3), TSR_OK); /* moved, not added */
    tsr_timer_stop(&timers, &a);
    tsr_timer_stop(&timers, &a);
    assert_int_equal(tsr_timer_set(&timers, &b, 4), TSR_OK);
    assert_null(tsr_timers_take(&timers, 3));
    assert_ptr_equal(tsr_timers_take(&timers, 4), &b);
}

static void test_timers_keep_the_order_of_equal_deadlines(void **state)
{
    static tsr_timer timer[100];
    tsr_timer *heap[100];
    tsr_timers timers;

    (void)state;
    tsr_timers_init(&timers, heap, 100);
    timers.order = UINT32_MAX - 50; /* the counter wraps on the way */
    for (uint32_t i = 0; i < 100; i++) {
        timer[i] = (tsr_timer){ .id = i };
        assert_int_equal(tsr_timer_set(&timers, &timer[i], 5), TSR_OK);
    }
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(tsr_timers_take(&timers, 5)->id, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_come_in_the_order_of_their_deadlines),
        cmocka_unit_test(test_timers_agree_with_a_plain_list),
        cmocka_unit_test(test_timers_keep_the_order_of_equal_deadlines),
        cmocka_unit_test(test_timers_say_when_they_are_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
