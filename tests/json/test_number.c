/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tessera/json/number.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double random_double(void)
{
    double v;

    do {
        uint64_t bits = random64();

        memcpy(&v, &bits, sizeof v);
    } while (!isfinite(v));
    return v;
}

static const char *print(double v, char room[64])
{
    tsr_buf out = tsr_buf_over(room, 63);

    tsr_number_put(&out, v);
    assert_int_equal(out.err, TSR_OK);
    room[out.len] = '\0';
    return room;
}

static size_t significant(const char *text)
{
    size_t n = 0, zeros = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9')
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        if (n != 0 || *text != '0')
            n++;
        else
            zeros = 0;
    }
    return n - zeros;
}

/* Ours must read back exactly, and be as short as the shortest that printf finds. */
static void check_print(double v)
{
    char ours[64], theirs[64];
    double back;
    int precision = 1;

    print(v, ours);
    back = strtod(ours, NULL);
    if (memcmp(&back, &v, sizeof v) != 0)
        fail_msg("%.17g printed as %s", v, ours);
    do
        snprintf(theirs, sizeof theirs, "%.*e", precision - 1, v);
    while (strtod(theirs, NULL) != v && ++precision <= 17);
    if (v != 0 && significant(ours) > significant(theirs))
        fail_msg("%s is longer than %s", ours, theirs);
    if (v != 0 && significant(ours) == significant(theirs) && precision < 16) {
        long double d = strtold(ours, NULL) - (long double)v;
        long double e = strtold(theirs, NULL) - (long double)v;

        assert_true(fabsl(d) <= fabsl(e) * (1 + 1e-3L));
    }
}

static void check_read(const char *text)
{
    double want = strtod(text, NULL), got = 0;
    tsr_err err = tsr_number_get(tsr_text(text), &got);

    if (isinf(want)) {
        assert_int_equal(err, TSR_E_TYPE);
        return;
    }
    if (err != TSR_OK || memcmp(&want, &got, sizeof got) != 0)
        fail_msg("%s read as %.17g, not %.17g (%s)", text, got, want, tsr_err_name(err));
}

static void test_put_looks_as_expected(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        { 0.0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -22.5, "-22.5" }, { 0.1, "0.1" },
        { 1e21, "1e21" }, { 1e20, "100000000000000000000" }, { 123456789012, "123456789012" },
        { 0.000001, "0.000001" }, { 1e-7, "1e-7" }, { 1.5e300, "1.5e300" }, { 0.3, "0.3" },
        { 5e-324, "5e-324" }, { 1.7976931348623157e308, "1.7976931348623157e308" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" }, { 9007199254740992, "9007199254740992" },
        { 4.35, "4.35" }, { 100, "100" }, { 1e23, "1e23" }, { 0.1 + 0.2, "0.30000000000000004" },
    };
    char room[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(print(cases[i].v, room), cases[i].text);
}

static void test_put_is_exact_and_shortest(void **state)
{
    (void)state;
    for (int i = 0; i < 8000; i++)
        check_print(random_double());
    for (int i = 0; i < 4000; i++) { /* what sensors say */
        check_print((double)(int64_t)(random64() % 2000001 - 1000000) / 100.0);
        check_print((double)(random64() % 100000) / 1000.0);
        check_print((double)random64());
        check_print((double)(float)((double)(random64() % 100000) / 7.0));
    }
    for (int e = -1074; e < 1024; e++) {
        double power = ldexp(1, e);

        check_print(power);
        check_print(nextafter(power, 0));
        check_print(nextafter(power, INFINITY));
    }
    for (int e = -323; e < 309; e++) {
        char text[16];

        snprintf(text, sizeof text, "1e%d", e);
        check_print(strtod(text, NULL));
    }
}

static void test_put_refuses_what_is_not_finite(void **state)
{
    uint8_t room[32];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    tsr_number_put(&out, NAN);
    assert_int_equal(out.err, TSR_E_TYPE);
    out = tsr_buf_over(room, sizeof room);
    tsr_number_put(&out, -INFINITY);
    assert_int_equal(out.err, TSR_E_TYPE);
    assert_int_equal(out.len, 0);
}

static void test_get_agrees_with_strtod(void **state)
{
    char text[128];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "%.17g", random_double());
        check_read(text);
        snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)random64(),
                 (unsigned long long)random64(), (int)(random64() % 700) - 360);
        check_read(text);
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)(random64() >> (i % 64)),
                 (int)(random64() % 100) - 50);
        check_read(text);
    }
}

/* The middle between two neighbours, and a hair above and below it. */
static void test_get_rounds_ties_to_even(void **state)
{
    static char text[1400];

    (void)state;
    for (int i = 0; i < 1500; i++) {
        double v = fabs(random_double());

        if (i % 3 == 0)
            v = ldexp(v, -900); /* many of these are subnormal */
        if (!isfinite(nextafter(v, INFINITY)))
            continue;

        long double middle = ((long double)v + (long double)nextafter(v, INFINITY)) / 2;
        int n = snprintf(text, sizeof text, "%.1150Le", middle);
        char *e = strchr(text, 'e');

        assert_true(n < (int)sizeof text);
        check_read(text);
        e[-1] = '1';
        check_read(text);
        text[20]++;
        if (text[20] <= '9')
            check_read(text);
    }
}

static void test_get_takes_long_and_odd_forms(void **state)
{
    static const char *const good[] = {
        "0", "-0", "+1", "1.", ".5", "-.5e1", "00012", "1e0", "1E+2", "1e-2", "0e999999999999",
        "1e-99999999999999999999", "0.000000000000000000000000000000000000000000000001e48",
        "2.2250738585072012e-308", "2.2250738585072011e-308", "4.9406564584124654e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "1.7976931348623157e308",
        "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "9007199254740993",
        "9007199254740992.99999999999999999999999", "8.988465674311579e307",
        "100000000000000000000000000000000000000000000000000", "18446744073709551616",
    };
    static const char *const bad[] = { "", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1 ",
                                       " 1", "nan", "inf", "1,5", "--1", "1e5.0" };
    double v = 7;
    static char zeros[3000];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        check_read(good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tsr_number_get(tsr_text(bad[i]), &v), TSR_E_MALFORMED);
    assert_true(v == 7);

    memset(zeros, '0', sizeof zeros - 1);
    memcpy(zeros, "1.", 2);
    zeros[2900] = '1';
    check_read(zeros);
    memset(zeros, '9', sizeof zeros - 1);
    memcpy(zeros, "0.", 2);
    check_read(zeros);
}

static void test_get_whole_is_exact(void **state)
{
    static const struct {
        const char *text;
        tsr_err err;
        bool negative;
        uint64_t size;
    } cases[] = {
        { "0", TSR_OK, false, 0 },        { "-0", TSR_OK, false, 0 },
        { "5.0", TSR_OK, false, 5 },      { "1e3", TSR_OK, false, 1000 },
        { "1.5e1", TSR_OK, false, 15 },   { "-9223372036854775808", TSR_OK, true, 1ull << 63 },
        { "18446744073709551615", TSR_OK, false, UINT64_MAX },
        { "1844674407370955161.5e1", TSR_OK, false, UINT64_MAX },
        { "18446744073709551616", TSR_E_TYPE, false, 0 },
        { "1e20", TSR_E_TYPE, false, 0 }, { "1e400000000", TSR_E_TYPE, false, 0 },
        { "0e400000000", TSR_OK, false, 0 },
        { "0.5", TSR_E_TYPE, false, 0 },  { "1.0000000000000000000000001", TSR_E_TYPE, false, 0 },
        { "x", TSR_E_MALFORMED, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool negative = false;
        uint64_t size = 0;

        assert_int_equal(tsr_number_get_whole(tsr_text(cases[i].text), &negative, &size),
                         cases[i].err);
        assert_true(size == cases[i].size);
        assert_int_equal(negative, cases[i].negative);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_looks_as_expected),
        cmocka_unit_test(test_put_is_exact_and_shortest),
        cmocka_unit_test(test_put_refuses_what_is_not_finite),
        cmocka_unit_test(test_get_agrees_with_strtod),
        cmocka_unit_test(test_get_rounds_ties_to_even),
        cmocka_unit_test(test_get_takes_long_and_odd_forms),
        cmocka_unit_test(test_get_whole_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
