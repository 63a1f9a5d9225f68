/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/rest/guard.h"

static void test_host_takes_loopback_only(void **state)
{
    static const char *const good[] = { "localhost",      "LOCALHOST:8080", "127.0.0.1",
                                        "127.0.0.1:8080", "127.5.6.7:1",    "[::1]",
                                        "[::1]:8080" };
    static const char *const bad[] = { "",           "evil.example",       "127.0.0.1.evil.example",
                                       "localhost.", "localhost.evil.com", "[::2]",
                                       "[::1",       "10.0.0.1:8080",      "0.0.0.0" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(rest_host_is_local(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(rest_host_is_local(bad[i]));
    assert_false(rest_host_is_local(NULL));
}

/* RFC 6454 §7 */
static void test_origin_must_be_the_host(void **state)
{
    (void)state;
    assert_true(rest_origin_is_ours(NULL, "localhost:8080"));
    assert_true(rest_origin_is_ours("http://localhost:8080", "localhost:8080"));
    assert_true(rest_origin_is_ours("https://fleet.example", "fleet.example"));
    assert_false(rest_origin_is_ours("http://evil.example", "localhost:8080"));
    assert_false(rest_origin_is_ours("http://localhost:8081", "localhost:8080"));
    assert_false(rest_origin_is_ours("null", "localhost:8080"));
    assert_false(rest_origin_is_ours("ftp://localhost:8080", "localhost:8080"));
    assert_false(rest_origin_is_ours("http://localhost:8080", NULL));
}

/* RFC 6750 §2.1 */
static void test_token_must_fit_exactly(void **state)
{
    tsr_bytes token = tsr_text("0123456789abcdef");

    (void)state;
    assert_true(rest_token_fits("Bearer 0123456789abcdef", token));
    assert_true(rest_token_fits("bearer  0123456789abcdef", token));
    assert_false(rest_token_fits("Bearer 0123456789abcdeg", token));
    assert_false(rest_token_fits("Bearer 0123456789abcde", token));
    assert_false(rest_token_fits("Bearer 0123456789abcdef0", token));
    assert_false(rest_token_fits("Bearer", token));
    assert_false(rest_token_fits("Basic 0123456789abcdef", token));
    assert_false(rest_token_fits("0123456789abcdef", token));
    assert_false(rest_token_fits(NULL, token));
}

static tsr_err read_token(const char *content, uint8_t *token, size_t *len)
{
    char name[] = "/tmp/tessera-token-XXXXXX", why[300];
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    tsr_err err = rest_token_read(name, token, 512, len, why, sizeof why);

    unlink(name);
    if (err != TSR_OK)
        assert_non_null(strstr(why, name));
    return err;
}

static void test_token_file_is_checked(void **state)
{
    uint8_t token[512];
    char text[600], why[300];
    size_t len = 0;

    (void)state;
    assert_int_equal(read_token("  0123456789abcdef\r\n", token, &len), TSR_OK);
    assert_int_equal(len, 16);
    assert_int_equal(read_token("", token, &len), TSR_E_ARGUMENT);
    assert_int_equal(read_token("0123456789abcde\n", token, &len), TSR_E_ARGUMENT);
    assert_int_equal(read_token("0123456789 abcdef\n", token, &len), TSR_E_ARGUMENT);
    assert_int_equal(read_token("0123456789abcdef\nsecond line\n", token, &len), TSR_E_ARGUMENT);
    memset(text, 'x', sizeof text);
    text[513] = '\0';
    assert_int_equal(read_token(text, token, &len), TSR_E_ARGUMENT);
    text[512] = '\0';
    assert_int_equal(read_token(text, token, &len), TSR_OK);
    assert_int_equal(len, 512);
    assert_int_equal(rest_token_read("/nonexistent/token", token, 512, &len, why, sizeof why),
                     TSR_E_IO);
    assert_non_null(strstr(why, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_takes_loopback_only),
        cmocka_unit_test(test_origin_must_be_the_host),
        cmocka_unit_test(test_token_must_fit_exactly),
        cmocka_unit_test(test_token_file_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
