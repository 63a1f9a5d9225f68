/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ports/linux/gate/meter.h"

#define S 1000000u

static void test_meter_gives_a_second_then_the_rate(void **state)
{
    tsr_meter meters[2] = { { 0 } };
    tsr_meter *m = tsr_meter_join(meters, 2, -5, 100, 7 * S);
    unsigned taken = 0;

    (void)state;
    while (tsr_meter_take(m, 100, 7 * S))
        taken++;
    assert_int_equal(taken, 100);
    assert_in_range(m->due_us, 7 * S + 9999, 7 * S + 10000); /* one hundredth of 100 */
    assert_false(tsr_meter_take(m, 100, m->due_us - 2));
    assert_true(tsr_meter_take(m, 100, m->due_us));
    taken = 0;
    for (uint64_t t = 8 * S; t < 18 * S; t += 1000)
        taken += tsr_meter_take(m, 100, t);
    assert_in_range(taken, 1090, 1101); /* ten seconds' worth and what was in store */
}

static void test_meter_never_holds_more_than_a_second(void **state)
{
    tsr_meter meters[1] = { { 0 } };
    tsr_meter *m = tsr_meter_join(meters, 1, -5, 1000000, 0);
    unsigned taken = 0;

    (void)state;
    while (tsr_meter_take(m, 1000000, UINT64_MAX / 2))
        taken++;
    assert_int_equal(taken, 1000000);
}

static void test_meter_without_rate_has_no_end(void **state)
{
    tsr_meter m = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(tsr_meter_take(&m, 0, 0));
}

/* Leaving and coming again does not fill the bucket. */
static void test_meter_is_kept_for_a_client_that_comes_again(void **state)
{
    tsr_meter meters[2] = { { 0 } };
    tsr_meter *m = tsr_meter_join(meters, 2, -5, 10, 0);

    (void)state;
    while (tsr_meter_take(m, 10, 1))
        ;
    assert_ptr_equal(tsr_meter_join(meters, 2, -5, 10, 2), m);
    assert_false(tsr_meter_take(m, 10, 2));
}

static void test_meter_in_use_is_nobody_elses(void **state)
{
    tsr_meter meters[2] = { { 0 } };
    tsr_meter *a = tsr_meter_join(meters, 2, -1, 10, 1);
    tsr_meter *b;

    (void)state;
    a->connections = 1;
    b = tsr_meter_join(meters, 2, -2, 10, 2);
    assert_ptr_not_equal(a, b);
    b->waiting = true; /* gone, and still to be woken */
    assert_null(tsr_meter_join(meters, 2, -3, 10, 3));
    a->connections = 0;
    assert_ptr_equal(tsr_meter_join(meters, 2, -3, 10, 3), a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meter_gives_a_second_then_the_rate),
        cmocka_unit_test(test_meter_never_holds_more_than_a_second),
        cmocka_unit_test(test_meter_without_rate_has_no_end),
        cmocka_unit_test(test_meter_is_kept_for_a_client_that_comes_again),
        cmocka_unit_test(test_meter_in_use_is_nobody_elses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
