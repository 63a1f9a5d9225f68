/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/tessera-boot/config.h"

static const char good[] = "[boot]\nstore = /s\nslots = /u\n[secured]\nprogram = /bin/tessera-secured\n"
                           "[daemon]\nconfig = /etc/d.conf\n";
static char path[] = "/tmp/tessera-boot-test-XXXXXX";
static boot_config config;
static char error[512];

static tsr_err load(const char *text, const char *more)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    (void)fprintf(f, "%s%s", text, more);
    (void)fclose(f);
    return boot_config_load(path, &config, error, sizeof error);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void test_config_has_defaults(void **state)
{
    (void)state;
    assert_int_equal(load(good, ""), TSR_OK);
    assert_string_equal(config.store, "/s");
    assert_string_equal(config.entry, "bin/tesserad");
    assert_string_equal(config.socket, "/run/tessera/secured.sock");
    assert_int_equal(config.trial_s, 300);
    assert_int_equal(config.secured.option_count, 0);
}

static void test_config_takes_every_key(void **state)
{
    (void)state;
    assert_int_equal(load(good, "option = --a\noption = --b=c d\nuser = me\nentry = bin/x\n"
                                "[boot]\ntrial = 7\nstart = 8\nstop = 9\nbackoff_ms = 10\n"
                                "backoff_max_ms = 11\n# comment\n; comment\n\n"
                                "[secured]\nuser = other\nsocket = /x\noption = --verbose\n"),
                     TSR_OK);
    assert_int_equal(config.daemon.option_count, 2);
    assert_string_equal(config.daemon.option[1], "--b=c d");
    assert_string_equal(config.daemon.user, "me");
    assert_string_equal(config.secured.user, "other");
    assert_string_equal(config.secured.option[0], "--verbose");
    assert_string_equal(config.entry, "bin/x");
    assert_int_equal(config.trial_s + config.start_s + config.stop_s, 24);
    assert_int_equal(config.backoff_ms + config.backoff_max_ms, 21);
}

static void test_config_says_the_line_the_cause_and_the_remedy(void **state)
{
    static const struct {
        const char *more, *said;
    } wrong[] = {
        { "colour = red\n", ":8: unknown key 'colour' in [daemon]; known are: entry, config" },
        { "[kitchen]\n", "unknown section [kitchen]; known are: boot, secured, daemon" },
        { "[boot\n", "closing bracket" },
        { "nonsense\n", "write [section] or key = value" },
        { "[boot]\ntrial = 0\n", ":9: '0' is no whole number from 1 to 86400" },
        { "[boot]\ntrial = soon\n", "'soon' is no whole number" },
        { "[boot]\nbackoff_ms = 5000\nbackoff_max_ms = 100\n", "backoff_max_ms is less" },
        { "[secured]\nprogram = tessera-secured\n", "absolute path" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(load(good, wrong[i].more), TSR_E_MALFORMED);
        if (strstr(error, wrong[i].said) == NULL)
            fail_msg("'%s' does not say '%s'", error, wrong[i].said);
    }
    assert_int_equal(load("store = /s\n", ""), TSR_E_MALFORMED);
    assert_non_null(strstr(error, "before the first section"));
    assert_int_equal(load("[boot]\nstore = /s\n", ""), TSR_E_MALFORMED);
    assert_int_equal(boot_config_load("/nonexistent/boot.conf", &config, error, sizeof error),
                     TSR_E_NOT_FOUND);
}

static void test_config_refuses_what_others_wrote(void **state)
{
    static const mode_t open_to_others[] = { 0620, 0602, 0666 };

    (void)state;
    assert_int_equal(load(good, ""), TSR_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chmod(path, open_to_others[i]), 0);
        assert_int_equal(boot_config_load(path, &config, error, sizeof error), TSR_E_DENIED);
        assert_non_null(strstr(error, "others may write to it; chmod go-w"));
    }
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(boot_config_load(path, &config, error, sizeof error), TSR_OK);
    assert_int_equal(boot_config_load("/dev/null", &config, error, sizeof error), TSR_E_DENIED);
    assert_non_null(strstr(error, "no plain file"));
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(boot_config_load(path, &config, error, sizeof error), TSR_E_DENIED);
    assert_non_null(strstr(error, "belongs to another user"));
    assert_int_equal(chown(path, 0, 0), 0);
}

static void test_config_refuses_what_does_not_fit(void **state)
{
    char line[BOOT_PATH + 64];

    (void)state;
    memset(line, 'x', sizeof line);
    memcpy(line, "option = ", 9);
    line[sizeof line - 2] = '\n';
    line[sizeof line - 1] = '\0';
    assert_int_equal(load(good, line), TSR_E_MALFORMED);
    assert_non_null(strstr(error, "longer than"));

    char many[(BOOT_OPTIONS + 1) * 12 + 1] = "";

    for (size_t i = 0; i <= BOOT_OPTIONS; i++)
        strcat(many, "option = -x\n");
    assert_int_equal(load(good, many), TSR_E_MALFORMED);
    assert_non_null(strstr(error, "more than 16 lines"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_has_defaults),
        cmocka_unit_test(test_config_takes_every_key),
        cmocka_unit_test(test_config_says_the_line_the_cause_and_the_remedy),
        cmocka_unit_test(test_config_refuses_what_others_wrote),
        cmocka_unit_test(test_config_refuses_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
