/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/rest/moment.h"

static const char *text_of(int64_t unix_s)
{
    static char text[40];
    tsr_buf out = tsr_buf_over(text, sizeof text - 1);

    rest_put_moment_s(&out, unix_s);
    text[out.len] = '\0';
    return text;
}

static int64_t ms_of(const char *text)
{
    int64_t ms = -1;

    assert_int_equal(rest_get_moment_ms(tsr_text(text), &ms), TSR_OK);
    return ms;
}

static void test_moment_prints_known_days(void **state)
{
    (void)state;
    assert_string_equal(text_of(0), "1970-01-01T00:00:00Z");
    assert_string_equal(text_of(-1), "1969-12-31T23:59:59Z");
    assert_string_equal(text_of(951782400), "2000-02-29T00:00:00Z");
    assert_string_equal(text_of(1795355075), "2026-11-22T13:44:35Z");
    assert_string_equal(text_of(253402300799), "9999-12-31T23:59:59Z");
    assert_string_equal(text_of(-62167219200), "0000-01-01T00:00:00Z");
    assert_false(rest_moment_fits(253402300800));
    assert_false(rest_moment_fits(-62167219201));
}

/* RFC 3339 §5.8 has these examples. RFC 3339 §5.6 */
static void test_moment_reads_examples(void **state)
{
    (void)state;
    assert_int_equal(ms_of("1985-04-12T23:20:50.52Z"), 482196050520);
    assert_int_equal(ms_of("1996-12-19T16:39:57-08:00"), ms_of("1996-12-20T00:39:57Z"));
    assert_int_equal(ms_of("1990-12-31T23:59:60Z"), ms_of("1991-01-01T00:00:00Z"));
    assert_int_equal(ms_of("1990-12-31T15:59:60-08:00"), ms_of("1991-01-01T00:00:00Z"));
    assert_int_equal(ms_of("1937-01-01T12:00:27.87+00:20"), ms_of("1937-01-01T11:40:27.87Z"));
}

static void test_moment_reads_what_it_prints(void **state)
{
    (void)state;
    for (int64_t s = -62167219200; s <= 253402300799; s += 86400 * 17 + 12345) {
        int64_t ms = 0;

        assert_int_equal(rest_get_moment_ms(tsr_text(text_of(s)), &ms), TSR_OK);
        assert_int_equal(ms, s * 1000);
    }
}

static void test_moment_rejects_nonsense(void **state)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+1",
        "2026-01-01T00:00:00Zz",
        "2025-02-29T00:00:00Z",
        "-026-01-01T00:00:00Z",
        "2026-01-01T00:00:00+24:00",
    };
    int64_t ms = 77;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(rest_get_moment_ms(tsr_text(bad[i]), &ms), TSR_E_MALFORMED);
    assert_int_equal(ms, 77);
}

static void test_moment_clamps_milliseconds(void **state)
{
    char text[40];
    tsr_buf out = tsr_buf_over(text, sizeof text - 1);

    (void)state;
    rest_put_moment_ms(&out, INT64_MAX);
    text[out.len] = '\0';
    assert_string_equal(text, "9999-12-31T23:59:59.000Z");
    out.len = 0;
    rest_put_moment_ms(&out, -1);
    text[out.len] = '\0';
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moment_prints_known_days),
        cmocka_unit_test(test_moment_reads_examples),
        cmocka_unit_test(test_moment_reads_what_it_prints),
        cmocka_unit_test(test_moment_rejects_nonsense),
        cmocka_unit_test(test_moment_clamps_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
