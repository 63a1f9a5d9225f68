/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "tessera/base/date.h"

static void test_known_days(void **state)
{
    (void)state;
    assert_int_equal(tsr_date_days(1970, 1, 1), 0);
    assert_int_equal(tsr_date_days(1969, 12, 31), -1);
    assert_int_equal(tsr_date_days(2000, 2, 29), 11016);
    assert_int_equal(tsr_date_days(2000, 3, 1), 11017);
    assert_int_equal(tsr_date_days(0, 1, 1), -719528);
    assert_int_equal(tsr_date_days(9999, 12, 31), 2932896);
    assert_int_equal(tsr_date_days(2026, 2, 30), tsr_date_days(2026, 3, 2));
}

/* libc's calendar is the peer: a day of each month of each year. */
static void test_every_month_as_libc_has_it(void **state)
{
    (void)state;
    for (int year = 0; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1 + (year + month) % 28 };

            assert_int_equal((int64_t)tsr_date_days(year, month, tm.tm_mday) * 86400, timegm(&tm));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_days),
        cmocka_unit_test(test_every_month_as_libc_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
