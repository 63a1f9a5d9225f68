/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apps/tessera-boot/memfile.h"

static void test_memfile_cannot_be_changed_any_more(void **state)
{
    int fd = memfile_of("test", false, tsr_text("content"));
    char byte = 'x';

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 3), -1);
    assert_int_equal(ftruncate(fd, 100), -1);
    assert_ptr_equal(mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);

    /* who inherits it reads from its beginning */
    char text[8] = "";

    assert_int_equal(read(fd, text, sizeof text), 7);
    assert_memory_equal(text, "content", 7);
    tsr_bytes map = memfile_map(fd);

    assert_true(tsr_same(map, tsr_text("content")));
    (void)munmap((void *)(uintptr_t)map.ptr, map.len);
    (void)close(fd);
}

static void test_memfile_takes_a_part_of_a_file(void **state)
{
    int from = memfile_of("from", false, tsr_text("0123456789")), fd = memfile_new("to", false);

    (void)state;
    assert_true(memfile_fill(fd, from, 3, 4));
    assert_false(memfile_fill(fd, from, 8, 4)); /* the file is shorter */
    assert_int_equal(errno, EIO);
    assert_true(memfile_seal(fd));
    tsr_bytes map = memfile_map(fd);

    assert_true(tsr_same(tsr_first(map, 4), tsr_text("3456")));
    (void)munmap((void *)(uintptr_t)map.ptr, map.len);
    (void)close(from);
    (void)close(fd);
}

static void test_memfile_loads_a_whole_program(void **state)
{
    int fd = memfile_load("program", true, "/proc/self/exe"), exe = open("/proc/self/exe", O_RDONLY);
    tsr_bytes map = memfile_map(fd);
    off_t len = lseek(exe, 0, SEEK_END);

    (void)state;
    assert_int_equal(map.len, len);
    assert_memory_equal(map.ptr, "\x7f" "ELF", 4);
    (void)munmap((void *)(uintptr_t)map.ptr, map.len);
    (void)close(fd);
    (void)close(exe);
    assert_int_equal(memfile_load("none", true, "/nonexistent"), -1);
    assert_int_equal(errno, ENOENT);
}

static void test_memfile_map_of_nothing_is_nothing(void **state)
{
    int fd = memfile_of("empty", false, tsr_text(""));

    (void)state;
    assert_null(memfile_map(fd).ptr);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memfile_cannot_be_changed_any_more),
        cmocka_unit_test(test_memfile_takes_a_part_of_a_file),
        cmocka_unit_test(test_memfile_loads_a_whole_program),
        cmocka_unit_test(test_memfile_map_of_nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
