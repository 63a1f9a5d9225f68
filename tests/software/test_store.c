/* SPDX-License-Identifier: Apache-2.0
 *
 * Packages and trees of files in a directory of the test's: what goes in comes out, what was cut off
 * leaves the old or nothing, and no name leads out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/linux/bundle/bundle.h"
#include "ports/linux/software/run.h"
#include "ports/linux/software/store.h"
#include "ports/linux/software/tree.h"

static char dir[64];
static tsr_software_store store;
static uint8_t room[65536];
static tsr_buf bundle;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/tessera-software-XXXXXX");
    if (mkdtemp(dir) == NULL || tsr_software_open(&store, dir, 20000) != TSR_OK)
        return -1;
    bundle = tsr_buf_over(room, sizeof room);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tsr_software_close(&store);
    tsr_tree_remove(AT_FDCWD, dir);
    return access(dir, F_OK) == 0 ? -1 : 0; /* the whole tree went */
}

static void put(const char *name, uint32_t mode, const char *content)
{
    size_t len = strlen(content);

    assert_int_equal(tsr_bundle_put_head(&bundle, name, mode, len), TSR_OK);
    tsr_put_text(&bundle, content);
    for (size_t i = 0; i < tsr_bundle_padding(len); i++)
        tsr_put_u8(&bundle, 0);
}

static tsr_bytes ended(void)
{
    for (size_t i = 0; i < (size_t)2 * TSR_BUNDLE_BLOCK; i++)
        tsr_put_u8(&bundle, 0);
    assert_int_equal(bundle.err, TSR_OK);
    return tsr_buf_view(&bundle);
}

static tsr_bytes good(const char *content)
{
    bundle.len = 0;
    put("start", 0755, "#!/bin/sh\n");
    put("lib/a/text", 0644, content);
    return ended();
}

static const char *path(const char *name)
{
    static char text[160];

    (void)snprintf(text, sizeof text, "%s/%s", dir, name);
    return text;
}

static bool is_there(const char *name) { return access(path(name), F_OK) == 0; }

static void assert_content(const char *name, const char *expected)
{
    char text[256] = "";
    FILE *f = fopen(path(name), "re");

    if (f == NULL)
        fail_msg("%s is not there", name);
    (void)!fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    assert_string_equal(text, expected);
}

static void test_store_takes_a_package_in_parts(void **state)
{
    tsr_software_stands stands;
    tsr_bytes content;

    (void)state;
    assert_int_equal(tsr_software_begin(&store, 3), TSR_OK);
    assert_int_equal(tsr_software_write(&store, 3, 0, tsr_text("abcd")), TSR_OK);
    assert_int_equal(tsr_software_write(&store, 3, 4, tsr_text("efg")), TSR_OK);
    tsr_software_look(&store, 3, &stands);
    assert_int_equal(stands.part, 7);
    assert_false(stands.package || stands.app);
    assert_int_equal(tsr_software_map(&store, 3, "package", &content), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_software_map(&store, 3, "part", &content), TSR_OK);
    assert_true(tsr_same(content, tsr_text("abcdefg")));
    tsr_software_unmap(content);
    assert_int_equal(tsr_software_keep(&store, 3), TSR_OK);
    tsr_software_look(&store, 3, &stands);
    assert_true(stands.package);
    assert_int_equal(stands.part, 0);
    assert_content("3/package", "abcdefg");
    assert_int_equal(tsr_software_begin(&store, 3), TSR_OK); /* the old one goes */
    tsr_software_look(&store, 3, &stands);
    assert_false(stands.package);
    tsr_software_look(&store, 9, &stands);
    assert_false(stands.package || stands.app || stands.part != 0);
}

static void test_store_bounds_a_package(void **state)
{
    static const uint8_t much[20001];
    tsr_bytes content;

    (void)state;
    assert_int_equal(tsr_software_begin(&store, 0), TSR_OK);
    assert_int_equal(tsr_software_write(&store, 0, 0, tsr_view(much, 20001)), TSR_E_SPACE);
    assert_int_equal(tsr_software_write(&store, 0, 20000, tsr_view(much, 1)), TSR_E_SPACE);
    assert_int_equal(tsr_software_write(&store, 0, UINT32_MAX, tsr_view(much, 1)), TSR_E_SPACE);
    assert_int_equal(tsr_software_write(&store, 0, 0, tsr_view(much, 20000)), TSR_OK);
    assert_int_equal(truncate(path("0/part"), 20001), 0);
    assert_int_equal(tsr_software_map(&store, 0, "part", &content), TSR_E_SPACE);
    assert_int_equal(tsr_software_write(&store, 1, 0, tsr_view(much, 1)), TSR_E_IO); /* not begun */
}

static void test_store_installs_and_replaces_as_a_whole(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(tsr_software_begin(&store, 1), TSR_OK);
    assert_int_equal(tsr_software_install(&store, 1, good("one")), TSR_OK);
    assert_content("1/app/lib/a/text", "one");
    assert_int_equal(stat(path("1/app/start"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0555);
    assert_int_equal(stat(path("1/app/lib/a/text"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0444);
    assert_int_equal(tsr_software_install(&store, 1, good("two")), TSR_OK);
    assert_content("1/app/lib/a/text", "two");
    assert_false(is_there("1/new"));
    /* what cannot be installed leaves what was there */
    bundle.len = 0;
    put("start", 0755, "x");
    put("start/below", 0644, "a file is no directory");
    assert_int_equal(tsr_software_install(&store, 1, ended()), TSR_E_MALFORMED);
    assert_content("1/app/lib/a/text", "two");
    assert_false(is_there("1/new"));
    assert_int_equal(tsr_software_drop(&store, 1, false), TSR_OK);
    assert_true(is_there("1/app"));
    assert_int_equal(tsr_software_drop(&store, 1, true), TSR_OK);
    assert_false(is_there("1"));
    assert_int_equal(tsr_software_drop(&store, 1, true), TSR_OK);
}

/* A disk's failure is told with its reason, whatever is removed after it. */
static void test_store_says_why_it_could_not_install(void **state)
{
    struct rlimit usual, one = { 1, 0 };

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    one.rlim_max = usual.rlim_max;
    assert_int_equal(tsr_software_begin(&store, 1), TSR_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &one), 0);
    errno = 0;
    assert_int_equal(tsr_software_install(&store, 1, good("one")), TSR_E_IO);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
    assert_false(is_there("1/new"));
}

static void test_store_refuses_what_is_no_software(void **state)
{
    (void)state;
    assert_int_equal(tsr_software_begin(&store, 1), TSR_OK);
    put("begin", 0755, "no start");
    assert_int_equal(tsr_software_install(&store, 1, ended()), TSR_E_MALFORMED);
    bundle.len = 0;
    put("start", 0644, "not to be run");
    assert_int_equal(tsr_software_install(&store, 1, ended()), TSR_E_MALFORMED);
    bundle.len = 0;
    put("start", 0755, "once");
    put("start", 0755, "twice");
    assert_int_equal(tsr_software_install(&store, 1, ended()), TSR_E_MALFORMED);
    bundle.len = 0;
    put("start", 0755, "x");
    put("a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", 0644, "too deep");
    assert_int_equal(tsr_software_install(&store, 1, ended()), TSR_E_MALFORMED);
    assert_int_equal(tsr_software_install(&store, 1, tsr_text("#!/bin/sh")), TSR_E_MALFORMED);
    assert_int_equal(tsr_software_install(&store, 1, tsr_first(good("cut"), 700)),
                     TSR_E_MALFORMED);
    assert_false(is_there("1/app"));
    assert_false(is_there("1/new"));
}

/* Heads of an archive made by hand, as no tool of ours makes them. */
static void rename_first(const char *name)
{
    unsigned sum = 0;

    memset(room, 0, 100);
    memcpy(room, name, strlen(name));
    memset(room + 148, ' ', 8);
    for (size_t i = 0; i < TSR_BUNDLE_BLOCK; i++)
        sum += room[i];
    (void)snprintf((char *)room + 148, 7, "%06o", sum);
}

static void test_store_lets_no_name_out(void **state)
{
    static const char *const names[] = { "../escaped", "/tmp/tessera-escaped", "a/../../escaped" };

    (void)state;
    assert_int_equal(tsr_software_begin(&store, 1), TSR_OK);
    for (size_t i = 0; i < 3; i++) {
        bundle.len = 0;
        put("file", 0755, "x");
        put("start", 0755, "x");
        (void)ended();
        rename_first(names[i]);
        assert_int_equal(tsr_software_install(&store, 1, tsr_buf_view(&bundle)), TSR_E_MALFORMED);
    }
    assert_false(is_there("escaped"));
    assert_false(is_there("1/escaped"));
    assert_int_not_equal(access("/tmp/tessera-escaped", F_OK), 0);
    /* nor a link that somebody put there */
    assert_int_equal(symlink("/tmp", path("5")), 0);
    assert_int_equal(tsr_software_begin(&store, 5), TSR_E_IO);
    assert_int_equal(tsr_software_drop(&store, 5, true), TSR_E_IO);
    assert_int_equal(symlink("/etc/hostname", path("1/package")), 0);
    assert_int_equal(tsr_software_map(&store, 1, "package", &(tsr_bytes){ 0 }), TSR_E_IO);
}

/* 1: the process has that file open; 0: it has not; -1: it is over. */
static int has_open(pid_t pid, ino_t inode)
{
    char name[64];
    struct dirent *e;
    struct stat st;
    int found = -1;
    DIR *d;

    (void)snprintf(name, sizeof name, "/proc/%d/fd", (int)pid);
    d = opendir(name);
    while (d != NULL && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        found = found < 0 ? 0 : found;
        if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && st.st_ino == inode)
            found = 1;
    }
    if (d != NULL)
        (void)closedir(d);
    return found;
}

/* A child unpacks, and holds nothing open that its parent may want to close. */
static void test_store_installs_in_a_child(void **state)
{
    int link[2], end, open_there;
    struct stat st;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(link), 0);
    assert_int_equal(fstat(link[1], &st), 0);
    assert_int_equal(tsr_software_begin(&store, 1), TSR_OK);
    bundle.len = 0;
    put("start", 0755, "#!/bin/sh\n");
    for (char name[8] = "aa"; name[0] <= 'f'; name[1] == 'h' ? (name[1] = 'a', name[0]++) : name[1]++)
        put(name, 0644, "x");
    assert_int_equal(tsr_software_install_begin(&store, 1, ended(), &child, &end), TSR_OK);
    while ((open_there = has_open(child, st.st_ino)) == 1)
        ;
    assert_int_equal(open_there, 0); /* and it lives */
    assert_int_equal(tsr_software_install_end(child, end), TSR_OK);
    assert_content("1/app/fh", "x");
    assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
    bundle.len = 0;
    put("begin", 0755, "no start");
    assert_int_equal(tsr_software_install_begin(&store, 1, ended(), &child, &end), TSR_OK);
    assert_int_equal(tsr_software_install_end(child, end), TSR_E_MALFORMED);
    assert_content("1/app/fh", "x");
    (void)close(link[0]);
    (void)close(link[1]);
}

/* A power cut leaves what a step had made so far. */
static void test_store_tidies_up_after_a_cut(void **state)
{
    tsr_software_stands stands;

    (void)state;
    assert_int_equal(tsr_software_begin(&store, 2), TSR_OK);
    assert_int_equal(tsr_software_install(&store, 2, good("one")), TSR_OK);
    assert_int_equal(mkdir(path("2/new"), 0755), 0);
    assert_int_equal(mkdir(path("2/new/half"), 0755), 0);
    assert_int_equal(mkdir(path("2/gone"), 0755), 0);
    tsr_software_look(&store, 2, &stands);
    assert_true(stands.app);
    assert_false(is_there("2/new"));
    assert_false(is_there("2/gone"));
    assert_content("2/app/lib/a/text", "one");
}

static void test_store_wants_a_directory_of_its_own(void **state)
{
    tsr_software_store other;

    (void)state;
    assert_int_equal(mkdir(path("open"), 0777), 0);
    assert_int_equal(chmod(path("open"), 0777), 0);
    assert_int_equal(tsr_software_open(&other, path("open"), 100), TSR_E_DENIED);
    assert_int_equal(tsr_software_open(&other, path("none/at/all"), 100), TSR_E_IO);
}

/* Makes and removes folders until it is ended. */
static pid_t churn(const char *in)
{
    pid_t child = fork();
    char name[96];

    for (unsigned i = 0; child == 0; i++) {
        (void)snprintf(name, sizeof name, "%s/%u", in, i % 4);
        if (mkdir(name, 0700) != 0)
            (void)rmdir(name);
    }
    assert_true(child > 0);
    return child;
}

/* Folders that go while they are measured hide nothing. */
static void test_tree_measures_what_comes_and_goes(void **state)
{
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool fits = true;
    pid_t child;

    (void)state;
    assert_true(folder >= 0);
    assert_int_equal(tsr_tree_measure(folder, 4096), 4096);
    assert_int_equal(mkdirat(folder, "a", 0700), 0);
    assert_int_equal(mkdirat(folder, "a/b", 0700), 0);
    assert_int_equal(symlinkat("/usr", folder, "a/b/link"), 0);
    assert_int_equal(tsr_tree_measure(folder, 3 * 4096 + 1), 1);
    assert_int_equal(tsr_tree_measure(folder, 3 * 4096), 0);
    child = churn(dir);
    for (unsigned i = 0; fits && i < 20000; i++)
        fits = tsr_tree_measure(folder, 100 * 4096) > 0;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    assert_true(fits);
    (void)close(folder);
}

/* In a child that has no rights but its own, as software without a user of its own and its daemon. */
static bool remove_as_nobody(const char *name)
{
    pid_t child = fork();
    int status = 1;

    if (child == 0) {
        if (geteuid() == 0 && (chown(dir, 65534, 65534) != 0 || setresgid(65534, 65534, 65534) != 0 ||
                               setresuid(65534, 65534, 65534) != 0))
            _exit(1);
        if (chdir(dir) != 0 || mkdir(name, 0700) != 0 || mkdir("t/closed", 0700) != 0 ||
            mkdir("t/closed/below", 0700) != 0 || chmod("t/closed/below", 0) != 0 || chmod("t/closed", 0500) != 0 ||
            chmod(name, 0) != 0)
            _exit(2);
        tsr_tree_remove(AT_FDCWD, name);
        _exit(access(name, F_OK) == 0 ? 3 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

/* Software that makes its folders deep, or closes them, leaves nothing behind. */
static void test_tree_removes_what_is_deep_or_closed(void **state)
{
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), at = -1;

    (void)state;
    assert_int_equal(mkdirat(folder, "deep", 0700), 0);
    at = openat(folder, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(at, ".0", 0700), 0); /* in the way */
    for (unsigned i = 0; i < 1000; i++) {
        int next;

        assert_int_equal(mkdirat(at, "d", 0700), 0);
        next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        (void)close(at);
        at = next;
    }
    (void)close(at);
    tsr_tree_remove(folder, "deep");
    assert_int_equal(faccessat(folder, "deep", F_OK, 0), -1);
    (void)close(folder);
    assert_true(remove_as_nobody("t"));
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_store_takes_a_package_in_parts),
        IN_DIRECTORY(test_store_bounds_a_package),
        IN_DIRECTORY(test_store_installs_and_replaces_as_a_whole),
        IN_DIRECTORY(test_store_says_why_it_could_not_install),
        IN_DIRECTORY(test_store_refuses_what_is_no_software),
        IN_DIRECTORY(test_store_lets_no_name_out),
        IN_DIRECTORY(test_store_installs_in_a_child),
        IN_DIRECTORY(test_store_tidies_up_after_a_cut),
        IN_DIRECTORY(test_store_wants_a_directory_of_its_own),
        IN_DIRECTORY(test_tree_measures_what_comes_and_goes),
        IN_DIRECTORY(test_tree_removes_what_is_deep_or_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
