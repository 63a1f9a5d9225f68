/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/tessera-boot/child.h"
#include "apps/tessera-boot/memfile.h"

enum { LEFT_OPEN = 57 };

static char said[4096];

/* What a shell script says that is started as the launcher starts programs. */
static const char *run(const char *script)
{
    child_plan plan = { .name = "sh", .last_signal = SIGKILL };
    int ends[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    plan.program = memfile_load("sh", true, "/bin/sh");
    assert_true(plan.program >= 0);
    child_argument(&plan, "sh");
    child_argument(&plan, "-c");
    child_argument(&plan, "exec >&%d; %s", ends[1], script);
    child_keep(&plan, ends[1]);
    pid = child_start(&plan);
    assert_true(pid > 0);
    assert_int_equal(close(ends[1]), 0);
    while (len < sizeof said - 1 && (n = read(ends[0], said + len, sizeof said - 1 - len)) > 0)
        len += (size_t)n;
    said[len] = '\0';
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(plan.program), 0);
    child_forget(&plan);
    return said;
}

static void test_child_inherits_no_other_descriptor(void **state)
{
    (void)state;
    assert_int_equal(dup2(STDERR_FILENO, LEFT_OPEN), LEFT_OPEN); /* without close-on-exec */
    assert_string_equal(run("test -e /proc/$$/fd/57 && echo open || echo closed"), "closed\n");
    assert_int_equal(close(LEFT_OPEN), 0);
}

static void test_child_files_are_its_own(void **state)
{
    mode_t before = umask(0);

    (void)state;
    assert_string_equal(run("umask"), "0077\n");
    (void)umask(before);
}

static void test_child_loads_no_other_code(void **state)
{
    (void)state;
    assert_int_equal(setenv("LD_LIBRARY_PATH", "/nowhere", 1), 0);
    assert_int_equal(setenv("LD_PROFILE_OUTPUT", "/nowhere", 1), 0);
    assert_int_equal(setenv("GCONV_PATH", "/nowhere", 1), 0);
    assert_int_equal(setenv("TESSERA_BOOT_COMPONENT", "0", 1), 0);
    assert_string_equal(
        run("echo \"$LD_LIBRARY_PATH$LD_PROFILE_OUTPUT$GCONV_PATH$TESSERA_BOOT_COMPONENT\""),
        "0\n");
    assert_non_null(getenv("GCONV_PATH")); /* the launcher's own is as it was */
    (void)unsetenv("LD_LIBRARY_PATH");
    (void)unsetenv("LD_PROFILE_OUTPUT");
    (void)unsetenv("GCONV_PATH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child_inherits_no_other_descriptor),
        cmocka_unit_test(test_child_files_are_its_own),
        cmocka_unit_test(test_child_loads_no_other_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
