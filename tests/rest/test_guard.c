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
static tsr_err read_file(const char *content, rest_operators *all, char why[300])
{
    char name[] = "/tmp/tessera-token-XXXXXX";
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    tsr_err err = rest_operators_read(name, all, why, 300);

    unlink(name);
    if (err != TSR_OK)
        assert_non_null(strstr(why, name));
    return err;
}

/* RFC 6750 §2.1 */
static void test_token_must_fit_exactly(void **state)
{
    static rest_operators all;
    char why[300];

    (void)state;
    assert_int_equal(read_file("0123456789abcdef", &all, why), TSR_OK);
    assert_ptr_equal(rest_operator_find(&all, "Bearer 0123456789abcdef"), &all.of[0]);
    assert_ptr_equal(rest_operator_find(&all, "bearer  0123456789abcdef"), &all.of[0]);
    assert_null(rest_operator_find(&all, "Bearer 0123456789abcdeg"));
    assert_null(rest_operator_find(&all, "Bearer 0123456789abcde"));
    assert_null(rest_operator_find(&all, "Bearer 0123456789abcdef0"));
    assert_null(rest_operator_find(&all, "Bearer"));
    assert_null(rest_operator_find(&all, "Bearer "));
    assert_null(rest_operator_find(&all, "Basic 0123456789abcdef"));
    assert_null(rest_operator_find(&all, "0123456789abcdef"));
    assert_null(rest_operator_find(&all, NULL));
}

static void test_file_of_one_token_names_nobody(void **state)
{
    static rest_operators all;
    char text[600], why[300];

    (void)state;
    assert_int_equal(read_file("  0123456789abcdef\r\n", &all, why), TSR_OK);
    assert_int_equal(all.count, 1);
    assert_string_equal(all.of[0].name, "");
    assert_false(all.of[0].reads_only);
    assert_int_equal(read_file("#123456789abcdef", &all, why), TSR_OK);
    memset(text, 'x', sizeof text);
    text[513] = '\0';
    assert_int_equal(read_file(text, &all, why), TSR_E_ARGUMENT);
    text[512] = '\0';
    assert_int_equal(read_file(text, &all, why), TSR_OK);
    assert_int_equal(rest_operators_read("/nonexistent/token", &all, why, sizeof why), TSR_E_IO);
    assert_non_null(strstr(why, "No such file"));
}

static void test_file_of_operators_gives_names_and_roles(void **state)
{
    static rest_operators all;
    char why[300];

    (void)state;
    assert_int_equal(read_file("# who may do what\n\nanna  full\t0123456789abcdef\r\n  b@x.y-z_1 read 0123456789abcdeg\n"
                               "anna full 0123456789abcdeh", &all, why), TSR_OK);
    assert_int_equal(all.count, 3);
    assert_ptr_equal(rest_operator_find(&all, "Bearer 0123456789abcdef"), &all.of[0]);
    assert_string_equal(all.of[0].name, "anna");
    assert_false(all.of[0].reads_only);
    assert_ptr_equal(rest_operator_find(&all, "Bearer 0123456789abcdeg"), &all.of[1]);
    assert_string_equal(all.of[1].name, "b@x.y-z_1");
    assert_true(all.of[1].reads_only);
    assert_string_equal(rest_operator_find(&all, "Bearer 0123456789abcdeh")->name, "anna");
    assert_null(rest_operator_find(&all, "Bearer anna"));
}

/* SHA-256 of 0123456789abcdef, by sha256sum. */
#define DIGEST "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"

static void test_file_of_digests_knows_their_tokens(void **state)
{
    static rest_operators all;
    char why[300];

    (void)state;
    assert_int_equal(read_file("anna full sha256:" DIGEST "\nbert read 0123456789abcdeg\n", &all, why), TSR_OK);
    assert_ptr_equal(rest_operator_find(&all, "Bearer 0123456789abcdef"), &all.of[0]);
    assert_ptr_equal(rest_operator_find(&all, "Bearer 0123456789abcdeg"), &all.of[1]);
    assert_ptr_equal(rest_operator_of(&all, all.of[1].digest), &all.of[1]);
    assert_null(rest_operator_find(&all, "Bearer " DIGEST)); /* whoever reads the file has no token */
    assert_null(rest_operator_find(&all, "Bearer sha256:" DIGEST));
    assert_null(rest_operator_find(&all, "Bearer 0123456789abcde"));
    assert_int_equal(read_file("sha256:9F9F5111F7B27A781F1F1DDDE5EBC2DD2B796BFC7365C9C28B548E564176929F", &all, why),
                     TSR_OK);
    assert_ptr_equal(rest_operator_find(&all, "Bearer 0123456789abcdef"), &all.of[0]);
    assert_string_equal(all.of[0].name, "");
}

/* What is wrong leaves the operators that were there. */
static void test_wrong_file_changes_nothing(void **state)
{
    static rest_operators all;
    char why[300];

    (void)state;
    assert_int_equal(read_file("anna full 0123456789abcdef\n", &all, why), TSR_OK);
    assert_int_equal(read_file("bert full 0123456789abcdeg\ncarl all 0123456789abcdeh\n", &all, why), TSR_E_ARGUMENT);
    assert_int_equal(read_file("", &all, why), TSR_E_ARGUMENT);
    assert_int_equal(rest_operators_read("/nonexistent/token", &all, why, sizeof why), TSR_E_IO);
    assert_int_equal(all.count, 1);
    assert_string_equal(rest_operator_find(&all, "Bearer 0123456789abcdef")->name, "anna");
    assert_null(rest_operator_find(&all, "Bearer 0123456789abcdeg"));
}

static void test_token_file_is_checked(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        { "", "has no token" },
        { "# 0123456789abcdef\n", "has no token" },
        { "0123456789abcde\n", "line 1: a token has 16" },
        { "0123456789abcd\xc3\xa9\n", "line 1: a token has 16" },
        { "0123456789 abcdef\n", "line 1: write one token" },
        { "0123456789abcdef\nsecond line\n", "line 2: write one token" },
        { "0123456789abcdef\n0123456789abcdeg\n", "line 2: write one token" },
        { "0123456789abcdef\nanna full 0123456789abcdeg\n", "line 2: write one token" },
        { "anna full 0123456789abcdef\n0123456789abcdeg\n", "line 2: write one token" },
        { "anna full 0123456789abcdef more\n", "line 1: write one token" },
        { "\nanna all 0123456789abcdef\n", "line 2: a ROLE is" },
        { "an/na full 0123456789abcdef\n", "line 1: a name has letters" },
        { "annaannaannaannaannaannaannaannaa full 0123456789abcdef\n", "line 1: a name has 32" },
        { "anna full 0123456789abcde\n", "line 1: a token has 16" },
        { "anna full 0123456789abcdef\nbert read 0123456789abcdef\n", "line 2: this token" },
        { "anna full 0123456789abcdef\nbert read sha256:" DIGEST "\n", "line 2: this token" },
        { "anna full sha256:\n", "line 1: behind sha256:" },
        { "anna full sha256:9f9f\n", "line 1: behind sha256:" },
        { "anna full sha256:" DIGEST "00\n", "line 1: behind sha256:" },
        { "anna full sha256:x" DIGEST "\n", "line 1: behind sha256:" },
    };
    static rest_operators all;
    char why[300], many[65 * 32] = "";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why[0] = 0;
        assert_int_equal(read_file(bad[i].text, &all, why), TSR_E_ARGUMENT);
        if (strstr(why, bad[i].why) == NULL || strstr(why, "0123456789abcde") != NULL)
            fail_msg("%s: %s", bad[i].text, why);
    }
    for (int i = 0; i < 65; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), "o%d read 0123456789abcd%02d\n", i, i);
    assert_int_equal(read_file(many, &all, why), TSR_E_ARGUMENT);
    assert_non_null(strstr(why, "line 65: there are more than 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_takes_loopback_only),
        cmocka_unit_test(test_origin_must_be_the_host),
        cmocka_unit_test(test_token_must_fit_exactly),
        cmocka_unit_test(test_file_of_one_token_names_nobody),
        cmocka_unit_test(test_file_of_operators_gives_names_and_roles),
        cmocka_unit_test(test_file_of_digests_knows_their_tokens),
        cmocka_unit_test(test_wrong_file_changes_nothing),
        cmocka_unit_test(test_token_file_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
