/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in a file: making, locking, a full disk, damage, and kill -9. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/linux/flash/flash.h"
#include "secure/storage/store.h"

#define KEYS 64u

static tsr_store_entry index_memory[KEYS];
static char directory[64], path[96];
static const tsr_flash_geometry small = { 64 * 1024, 4096, 8 };

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/tsr-flash-XXXXXX");
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/store", directory);
    return 0;
}

static int teardown(void **state)
{
    char other[112];

    (void)state;
    (void)snprintf(other, sizeof other, "%s.new", path);
    (void)unlink(other);
    (void)unlink(path);
    return rmdir(directory);
}

static tsr_err open_and_mount(tsr_flash_file *file, tsr_store *store)
{
    tsr_err err = tsr_flash_file_open(file, path, small);

    if (err != TSR_OK)
        return err;
    err = tsr_store_mount(store, &file->flash, index_memory, KEYS, 512);
    if (err != TSR_E_NOT_FOUND)
        return err;
    err = tsr_store_format(&file->flash);
    return err != TSR_OK ? err : tsr_store_mount(store, &file->flash, index_memory, KEYS, 512);
}

static void test_content_survives_reopening(void **state)
{
    tsr_flash_file file;
    tsr_store store;
    struct stat st;
    char got[8];
    size_t len;

    (void)state;
    assert_int_equal(open_and_mount(&file, &store), TSR_OK);
    assert_int_equal(tsr_store_set(&store, (tsr_store_key){ 1, 2 }, 3, tsr_text("hello")), TSR_OK);
    tsr_flash_file_close(&file);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, small.size);
    assert_int_equal(open_and_mount(&file, &store), TSR_OK);
    assert_int_equal(tsr_store_get(&store, (tsr_store_key){ 1, 2 }, 0, got, 8, &len), TSR_OK);
    assert_int_equal(len, 5);
    assert_memory_equal(got, "hello", 5);
    tsr_flash_file_close(&file);
}

static void test_second_process_is_kept_out(void **state)
{
    tsr_flash_file file, other;

    (void)state;
    assert_int_equal(tsr_flash_file_open(&file, path, small), TSR_OK);
    assert_int_equal(tsr_flash_file_open(&other, path, small), TSR_E_STATE);
    assert_non_null(strstr(other.cause, "another process"));
    tsr_flash_file_close(&file);
    assert_int_equal(tsr_flash_file_open(&other, path, small), TSR_OK);
    tsr_flash_file_close(&other);
}

static void test_wrong_length_and_wrong_place_are_refused(void **state)
{
    tsr_flash_file file;

    (void)state;
    assert_int_equal(tsr_flash_file_open(&file, path, small), TSR_OK);
    tsr_flash_file_close(&file);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(tsr_flash_file_open(&file, path, small), TSR_E_TYPE);
    assert_int_equal(tsr_flash_file_open(&file, directory, small), TSR_E_IO);
    assert_int_equal(tsr_flash_file_open(&file, "/nonexistent-dir/store", small), TSR_E_IO);
    assert_int_equal(file.cause_errno, ENOENT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(tsr_flash_file_open(&file, path, small), TSR_E_IO); /* follows no link */
    assert_int_equal(file.cause_errno, ELOOP);
}

/* The disk is full when the store is to be made: said as such, and no partial file stays. */
static void test_full_disk_at_creation(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        tsr_flash_file file;

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 20000, 20000 });
        _exit(tsr_flash_file_open(&file, path, small) == TSR_E_SPACE && file.cause != NULL &&
                      access(path, F_OK) != 0
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Once made, a store needs no more of the disk: limits on growth do not touch it. */
static void test_full_disk_later_does_not_matter(void **state)
{
    tsr_flash_file file;
    tsr_store store;
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(open_and_mount(&file, &store), TSR_OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tsr_err err = TSR_OK;

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &(struct rlimit){ small.size, small.size });
        for (uint32_t i = 0; i < 300 && err == TSR_OK; i++)
            err = tsr_store_set(&store, (tsr_store_key){ 1, i % 7 }, i, tsr_text("rewritten"));
        _exit(err == TSR_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tsr_flash_file_close(&file);
}

/* And when the medium runs full under the store all the same, the old content stays. */
static void test_medium_that_refuses_keeps_old_content(void **state)
{
    tsr_flash_file file;
    tsr_store store;
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(open_and_mount(&file, &store), TSR_OK);
    assert_int_equal(tsr_store_set(&store, (tsr_store_key){ 1, 1 }, 0, tsr_text("old")), TSR_OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char got[8] = { 0 };
        size_t len = 0;

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 });
        bool refused =
            tsr_store_set(&store, (tsr_store_key){ 1, 1 }, 0, tsr_text("new")) == TSR_E_SPACE;
        bool kept = tsr_store_get(&store, (tsr_store_key){ 1, 1 }, 0, got, 8, &len) == TSR_OK &&
                    len == 3 && memcmp(got, "old", 3) == 0;
        _exit(refused && kept && strstr(store.report.cause, "full") != NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tsr_flash_file_close(&file);
    assert_int_equal(open_and_mount(&file, &store), TSR_OK);
    tsr_flash_file_close(&file);
}

static void test_damaged_file_is_named_with_offset(void **state)
{
    tsr_flash_file file;
    tsr_store store;
    uint32_t at;
    int fd;

    (void)state;
    assert_int_equal(open_and_mount(&file, &store), TSR_OK);
    assert_int_equal(tsr_store_set(&store, (tsr_store_key){ 1, 2 }, 3, tsr_text("hello")), TSR_OK);
    at = index_memory[0].at;
    tsr_flash_file_close(&file);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "J", 1, (off_t)at + 40), 1);
    (void)close(fd);
    assert_int_equal(open_and_mount(&file, &store), TSR_E_MALFORMED);
    assert_string_equal(store.report.name, path);
    assert_int_equal(store.report.at, at);
    assert_non_null(strstr(store.report.remedy, "repair"));
    tsr_flash_file_close(&file);
}

/* Writes numbered values, and tells each through the pipe once it is acknowledged. */
static void writer(int out, uint32_t from)
{
    tsr_flash_file file;
    tsr_store store;
    uint8_t value[200];

    if (open_and_mount(&file, &store) != TSR_OK)
        _exit(3);
    for (uint32_t i = from;; i++) {
        memset(value, (int)(i & 0xff), sizeof value);
        memcpy(value, &i, sizeof i);
        if (tsr_store_set(&store, (tsr_store_key){ 5, i % 10 }, i, tsr_view(value, 4 + i % 150)) !=
            TSR_OK)
            _exit(4);
        if (write(out, &i, sizeof i) != (ssize_t)sizeof i)
            _exit(5);
    }
}

static void check_acknowledged(const uint32_t *acknowledged, uint32_t last)
{
    tsr_flash_file file;
    tsr_store store;

    assert_int_equal(open_and_mount(&file, &store), TSR_OK);
    for (uint32_t key = 0; key < 10; key++) {
        tsr_store_info info = { 0 };
        tsr_err err = tsr_store_info_of(&store, (tsr_store_key){ 5, key }, &info);
        uint8_t got[200];
        uint32_t number = 0;
        size_t len = 0;

        if (acknowledged[key] == 0 && err == TSR_E_NOT_FOUND)
            continue;
        assert_int_equal(err, TSR_OK);
        assert_int_equal(tsr_store_get(&store, (tsr_store_key){ 5, key }, 0, got, 200, &len),
                         TSR_OK);
        memcpy(&number, got, 4);
        assert_int_equal(number, info.flags);
        assert_int_equal(len, 4 + number % 150);
        /* the acknowledged one, or the one that was in flight */
        assert_true(number == acknowledged[key] || number == last + 1);
    }
    tsr_flash_file_close(&file);
}

static void test_kill_9_loses_nothing_acknowledged(void **state)
{
    uint32_t acknowledged[10] = { 0 }, last = 0;
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 60; round++) {
        int ends[2], status;
        uint32_t i;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            writer(ends[1], last + 2); /* the one in flight before may be there or not */
        (void)close(ends[1]);
        (void)usleep(5000 + (unsigned)rand_r(&seed) % 40000);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        last++;
        while (read(ends[0], &i, sizeof i) == (ssize_t)sizeof i) {
            acknowledged[i % 10] = i;
            last = i;
        }
        (void)close(ends[0]);
        check_acknowledged(acknowledged, last);
        for (uint32_t key = 0; key < 10; key++) { /* what was in flight counts from now on */
            tsr_flash_file file;
            tsr_store store;
            tsr_store_info info;

            assert_int_equal(open_and_mount(&file, &store), TSR_OK);
            if (tsr_store_info_of(&store, (tsr_store_key){ 5, key }, &info) == TSR_OK)
                acknowledged[key] = info.flags;
            tsr_flash_file_close(&file);
        }
    }
    assert_true(last > 100);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_content_survives_reopening),
        FILE_TEST(test_second_process_is_kept_out),
        FILE_TEST(test_wrong_length_and_wrong_place_are_refused),
        FILE_TEST(test_full_disk_at_creation),
        FILE_TEST(test_full_disk_later_does_not_matter),
        FILE_TEST(test_medium_that_refuses_keeps_old_content),
        FILE_TEST(test_damaged_file_is_named_with_offset),
        FILE_TEST(test_kill_9_loses_nothing_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
