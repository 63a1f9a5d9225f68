/* SPDX-License-Identifier: Apache-2.0
 *
 * Keepers and what runs below them. This program is its own keeper, as tesserad is. The software are
 * scripts, which write down in their data folder what they may and may not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/software/run.h"
#include "ports/linux/software/tree.h"

enum { LONG_MS = 20000 };

static char dir[64], secret[80];
static tsr_software_how how;
static pid_t keeper;
static int end;
static bool too_much;

static const char *path(const char *name)
{
    static char text[160];

    (void)snprintf(text, sizeof text, "%s/%s", dir, name);
    return text;
}

static void put(const char *name, mode_t mode, const char *content)
{
    FILE *f = fopen(name, "we");

    assert_non_null(f);
    (void)fputs(content, f);
    (void)fclose(f);
    assert_int_equal(chmod(name, mode), 0);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/tessera-run-XXXXXX");
    if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0 || mkdir(path("app"), 0755) != 0)
        return -1;
    (void)snprintf(secret, sizeof secret, "%s.secret", dir);
    put(secret, 0644, "secret\n");
    how = (tsr_software_how){ .folder = dir, .user = "", .memory_mb = 512, .data_mb = 8 };
    too_much = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(secret);
    tsr_tree_remove(AT_FDCWD, dir);
    return 0;
}

static void begin(const char *script)
{
    put(path("app/start"), 0755, script);
    assert_int_equal(tsr_software_start(&how, &keeper, &end), TSR_OK);
}

/* Its exit code, once it has ended by itself. */
static int code(void)
{
    struct pollfd over = { end, POLLIN, 0 };
    int status;

    assert_int_equal(poll(&over, 1, LONG_MS), 1);
    status = tsr_software_ended(keeper, end, &too_much);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_file(const char *name, char *text, size_t cap)
{
    FILE *f = fopen(path(name), "re");
    size_t n = f != NULL ? fread(text, 1, cap - 1, f) : 0;

    if (f != NULL)
        (void)fclose(f);
    text[n] = '\0';
}

/* A number that the software wrote, with a line's end. */
static pid_t number(const char *name)
{
    char text[32];

    for (unsigned i = 0; i < LONG_MS / 20; i++) {
        read_file(name, text, sizeof text);
        if (strchr(text, '\n') != NULL)
            return (pid_t)strtol(text, NULL, 10);
        (void)usleep(20000);
    }
    fail_msg("%s was not written", name);
    return 0;
}

static bool lives(pid_t pid)
{
    char text[256] = "", stat[64];
    FILE *f;

    (void)snprintf(stat, sizeof stat, "/proc/%d/stat", (int)pid);
    f = fopen(stat, "re");
    if (f == NULL)
        return false;
    (void)!fgets(text, sizeof text, f);
    (void)fclose(f);
    return strstr(text, ") Z ") == NULL;
}

static bool dies(pid_t pid)
{
    for (unsigned i = 0; i < LONG_MS / 20; i++) {
        if (!lives(pid))
            return true;
        (void)usleep(20000);
    }
    return false;
}

static void test_run_says_how_it_ended(void **state)
{
    (void)state;
    begin("#!/bin/sh\nexit 7\n");
    assert_int_equal(code(), 7);
    begin("#!/bin/sh\nkill -9 $$\n");
    assert_int_equal(code(), 128 + SIGKILL);
    begin("no program\n");
    assert_int_equal(code(), 126);
    how.user = "no-such-user-anywhere";
    begin("#!/bin/sh\nexit 0\n");
    assert_int_equal(code(), 126);
}

static void test_run_gives_a_folder_of_its_own(void **state)
{
    char text[256], expected[160];

    (void)state;
    begin("#!/bin/sh\npwd > where; echo $HOME > home; ls / > /dev/null 2>&1; exit 0\n");
    assert_int_equal(code(), 0);
    (void)snprintf(expected, sizeof expected, "%s/data\n", dir);
    read_file("data/where", text, sizeof text);
    assert_string_equal(text, expected);
    read_file("data/home", text, sizeof text);
    assert_string_equal(text, expected);
    assert_null(getenv("TESSERA_NOTHING"));
}

/* One letter for each attempt: y when it went well. */
static void test_run_closes_the_rest(void **state)
{
    char script[2048], text[64];

    (void)state;
    (void)snprintf(script, sizeof script,
                   "#!/bin/sh\n"
                   "try() { if \"$@\" >/dev/null 2>&1; then printf y >> out; else printf n >> out; fi; }\n"
                   "try cat ../app/start\n"
                   "try sh -c 'echo x > own'\n"
                   "try sh -c 'echo x > ../app/more'\n"
                   "try sh -c 'echo x >> ../app/start'\n"
                   "try cat %s\n"
                   "try cat /etc/passwd\n"
                   "try sh -c 'echo x > /tmp/tessera-run-escaped'\n"
                   "try ls ..\n"
                   "try setsid true\n"
                   "try unshare -r true\n"
                   "try kill -0 %d\n"
                   "echo >> out\n",
                   secret, (int)getpid());
    begin(script);
    assert_int_equal(code(), 0);
    read_file("data/out", text, sizeof text);
    /* whether a signal reaches others is up to the kernel's Landlock, from version 6 on */
    text[10] = '?';
    assert_string_equal(text, "yynnnnnnnn?\n");
    assert_int_not_equal(access("/tmp/tessera-run-escaped", F_OK), 0);
}

/* A folder that it shares is open, its neighbour is not. */
static void test_run_opens_what_it_shares(void **state)
{
    char script[512], text[16];
    const char *shared[2] = { NULL, NULL };
    char open_to_it[96], closed[96];

    (void)state;
    (void)snprintf(open_to_it, sizeof open_to_it, "%s/open", dir);
    (void)snprintf(closed, sizeof closed, "%s/closed", dir);
    assert_int_equal(mkdir(open_to_it, 0777) | mkdir(closed, 0777), 0);
    shared[0] = open_to_it;
    how.shared = shared;
    (void)snprintf(script, sizeof script,
                   "#!/bin/sh\ncd %s && echo x > t && mv t 0 && cat 0 > $HOME/out && ls > /dev/null || exit 1\n"
                   "echo x > %s/t && exit 2\nexit 0\n", open_to_it, closed);
    begin(script);
    assert_int_equal(code(), 0);
    read_file("data/out", text, sizeof text);
    assert_string_equal(text, "x\n");
    how.shared = NULL;
    begin(script);
    assert_int_equal(code(), 1);
}

static const char sockets[] =
    "#!/usr/bin/python3\n"
    "import socket\n"
    "def can(*how):\n"
    "    try:\n"
    "        socket.socket(*how).close()\n"
    "        return 'y'\n"
    "    except OSError:\n"
    "        return 'n'\n"
    "open('out', 'w').write(can(socket.AF_INET, socket.SOCK_STREAM) + can(socket.AF_INET6, socket.SOCK_DGRAM)\n"
    "                       + can(socket.AF_UNIX, socket.SOCK_STREAM) + can(socket.AF_NETLINK, socket.SOCK_RAW))\n";

static void test_run_opens_the_internet_or_nothing(void **state)
{
    char text[16];

    (void)state;
    begin(sockets);
    assert_int_equal(code(), 0);
    read_file("data/out", text, sizeof text);
    assert_string_equal(text, "nnnn");
    how.network = true;
    begin(sockets);
    assert_int_equal(code(), 0);
    read_file("data/out", text, sizeof text);
    assert_string_equal(text, "yynn");
}

static void test_run_bounds_memory(void **state)
{
    (void)state;
    how.memory_mb = 64;
    begin("#!/usr/bin/python3\ntry:\n    bytes(100 << 20)\n    exit(0)\nexcept MemoryError:\n    exit(3)\n");
    assert_int_equal(code(), 3);
}

/* One file ends where the kernel bounds it; many, when they are measured. */
static void test_run_bounds_data(void **state)
{
    char text[32];

    (void)state;
    how.data_mb = 2;
    begin("#!/usr/bin/python3\nimport signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
          "try:\n    open('one', 'wb').write(bytes(3 << 20))\nexcept OSError as e:\n    open('out', 'w').write(e.strerror)\n"
          "import os\nos.unlink('one')\n");
    assert_int_equal(code(), 0);
    assert_false(too_much);
    read_file("data/out", text, sizeof text);
    assert_string_equal(text, "File too large");

    begin("#!/bin/sh\nfor i in 1 2 3; do head -c 1000000 /dev/zero > $i; done\necho $$ > self\nsleep 1000\n");
    assert_int_equal(code(), 128 + SIGTERM);
    assert_true(too_much);
    assert_true(dies(number("data/self")));
    begin("#!/bin/sh\nexit 0\n"); /* it is not even started */
    assert_int_equal(code(), 126);
    assert_true(too_much);
}

/* What it shares it could fill as well. */
static void test_run_bounds_what_it_shares(void **state)
{
    const char *shared[2] = { NULL, NULL };
    char open_to_it[96], script[256];

    (void)state;
    (void)snprintf(open_to_it, sizeof open_to_it, "%s/open", dir);
    assert_int_equal(mkdir(open_to_it, 0777), 0);
    shared[0] = open_to_it;
    how.shared = shared;
    how.data_mb = 2;
    (void)snprintf(script, sizeof script, "#!/bin/sh\nhead -c 1000000 /dev/zero > own\ncd %s\n"
                   "for i in 1 2; do head -c 1000000 /dev/zero > $i; done\nsleep 1000\n", open_to_it);
    begin(script);
    assert_int_equal(code(), 128 + SIGTERM);
    assert_true(too_much);
}

/* Who reads of it must not have to wait for software that does not want to end. */
static void test_run_says_last_that_it_was_too_much(void **state)
{
    struct pollfd over;
    struct timespec from, to;

    (void)state;
    how.data_mb = 1;
    begin("#!/bin/sh\ntrap '' TERM\nfor i in 1 2; do head -c 1000000 /dev/zero > $i; done\nwhile :; do sleep 1000; done\n");
    over = (struct pollfd){ end, POLLIN, 0 };
    assert_int_equal(poll(&over, 1, LONG_MS), 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(WEXITSTATUS(tsr_software_ended(keeper, end, &too_much)), 128 + SIGKILL);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(too_much);
    assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < TSR_SOFTWARE_END_MS / 2);
}

/* Empty files are not for nothing, nor is what hides in a closed folder, nor a deep one. */
static void test_run_counts_names(void **state)
{
    static const char *const scripts[] = {
        "#!/bin/sh\ni=0; while [ $i -lt 600 ]; do : > $i; i=$((i+1)); done\nsleep 1000\n",
        "#!/bin/sh\ni=0; while [ $i -lt 600 ]; do : > $i; i=$((i+1)); done\nwhile :; do (: &); done\n",
        "#!/bin/sh\nmkdir hidden && chmod 0 hidden\nsleep 1000\n",
        "#!/bin/sh\nmkdir hidden && : > hidden/name && chmod 0400 hidden\nsleep 1000\n",
        "#!/usr/bin/python3\nimport os, time\nfor i in range(100):\n    os.mkdir('d'); os.chdir('d')\ntime.sleep(1000)\n",
    };

    (void)state;
    how.data_mb = 2;
    how.user = geteuid() == 0 ? "nobody" : ""; /* nothing hides from root */
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        begin(scripts[i]);
        assert_int_equal(code(), 128 + SIGTERM);
        assert_true(too_much);
        (void)chmod(path("data/hidden"), 0700);
        tsr_tree_remove(AT_FDCWD, path("data"));
    }
}

/* Who spins and forks takes no more than is left over, and ends. */
static void test_run_bounds_processes(void **state)
{
    char text[32];

    (void)state;
    if (geteuid() != 0)
        skip(); /* the bound is one of a user */
    how.user = "nobody";
    begin("#!/usr/bin/python3\nimport os, time\nn = 0\ntry:\n    while n < 1000:\n        if os.fork() == 0:\n"
          "            time.sleep(1000)\n        n += 1\nexcept OSError:\n    pass\n"
          "open('out', 'w').write(f'{n < 130} {os.nice(0)}\\n')\n");
    assert_int_equal(code(), 0);
    read_file("data/out", text, sizeof text);
    assert_string_equal(text, "True 10\n");
}

static const char family[] = "#!/bin/sh\n"
                             "trap '' TERM\n"
                             "(trap '' TERM; sleep 1000) & echo $! > child\n"
                             "echo $$ > self\n"
                             "while :; do sleep 1000; done\n";

static void test_run_stops_all_of_it(void **state)
{
    pid_t self, child;

    (void)state;
    begin(family);
    self = number("data/self");
    child = number("data/child");
    assert_true(lives(self) && lives(child));
    tsr_software_stop(keeper, end);
    assert_false(lives(self) || lives(child) || lives(keeper));
}

static void test_run_lets_it_end_in_order(void **state)
{
    char text[16];

    (void)state;
    begin("#!/bin/sh\ntrap 'echo bye > out; exit 0' TERM\necho $$ > self\nwhile :; do sleep 0.1; done\n");
    (void)number("data/self");
    tsr_software_stop(keeper, end);
    read_file("data/out", text, sizeof text);
    assert_string_equal(text, "bye\n");
}

static void test_run_leaves_nothing_when_its_first_process_ends(void **state)
{
    pid_t child;

    (void)state;
    begin("#!/bin/sh\n(trap '' TERM; sleep 1000) & echo $! > child\nexit 5\n");
    child = number("data/child");
    assert_int_equal(code(), 5);
    assert_false(lives(child));
}

/* kill -9 of whoever started it. */
static void test_run_dies_with_its_parent(void **state)
{
    pid_t parent, self, child;

    (void)state;
    put(path("app/start"), 0755, family);
    parent = fork();
    if (parent == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* with a test that fails */
        if (tsr_software_start(&how, &keeper, &end) != TSR_OK)
            _exit(1);
        for (;;)
            (void)pause();
    }
    self = number("data/self");
    child = number("data/child");
    assert_true(lives(self) && lives(child));
    assert_int_equal(kill(parent, SIGKILL), 0);
    (void)waitpid(parent, NULL, 0);
    assert_true(dies(self));
    assert_true(dies(child));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_run_says_how_it_ended),
        IN_FOLDER(test_run_gives_a_folder_of_its_own),
        IN_FOLDER(test_run_closes_the_rest),
        IN_FOLDER(test_run_opens_what_it_shares),
        IN_FOLDER(test_run_opens_the_internet_or_nothing),
        IN_FOLDER(test_run_bounds_memory),
        IN_FOLDER(test_run_bounds_data),
        IN_FOLDER(test_run_bounds_what_it_shares),
        IN_FOLDER(test_run_says_last_that_it_was_too_much),
        IN_FOLDER(test_run_counts_names),
        IN_FOLDER(test_run_bounds_processes),
        IN_FOLDER(test_run_stops_all_of_it),
        IN_FOLDER(test_run_lets_it_end_in_order),
        IN_FOLDER(test_run_leaves_nothing_when_its_first_process_ends),
        IN_FOLDER(test_run_dies_with_its_parent),
    };

    if (argc > 1 && strcmp(argv[1], TSR_SOFTWARE_WORD) == 0)
        return tsr_software_keeper(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
