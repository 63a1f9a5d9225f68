/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/json/number.h"

static void test_whole_reads_whole_numbers_only(void **state)
{
    static const struct {
        const char *text;
        tsr_err err;
        double v;
    } cases[] = {
        { "0", TSR_OK, 0 },          { "-17", TSR_OK, -17 },        { "1.5", TSR_E_TYPE, 0 },
        { "1e3", TSR_E_TYPE, 0 },    { "", TSR_E_MALFORMED, 0 },    { "-", TSR_E_MALFORMED, 0 },
        { "1x", TSR_E_MALFORMED, 0 }, { "18446744073709551616", TSR_E_TYPE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double v = 0;

        assert_int_equal(tsr_number_get(tsr_text(cases[i].text), &v), cases[i].err);
        assert_true(v == cases[i].v);
    }
}

static void test_whole_prints_whole_numbers_only(void **state)
{
    uint8_t room[32];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    static const double none[] = { 0.5, NAN, INFINITY, -1e19 };

    (void)state;
    tsr_number_put(&out, -1367491215);
    assert_true(tsr_same(tsr_buf_view(&out), tsr_text("-1367491215")));
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        out = tsr_buf_over(room, sizeof room);
        tsr_number_put(&out, none[i]);
        assert_int_equal(out.err, TSR_E_TYPE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_reads_whole_numbers_only),
        cmocka_unit_test(test_whole_prints_whole_numbers_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
