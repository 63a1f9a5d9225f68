/* SPDX-License-Identifier: Apache-2.0
 *
 * Names that climb, links, and files that appear whole or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ports/linux/fdo/beneath.h"
#include "tests/fdohost/folder.h"

static folder here;

static const char *const climbing[] = {
    "../secret", "..", ".", "", "/etc/passwd", "sub/../../secret", "sub/..", "sub/./x", "sub//x", "./x",
    "/", "sub/", "../root/x",
};

static int make(void **state)
{
    char path[256], to[256];

    (void)state;
    if (psa_crypto_init() != PSA_SUCCESS)
        return -1;
    folder_make(&here);
    folder_path(&here, "root/link", path);
    folder_path(&here, "secret", to);
    if (symlink(to, path) != 0)
        return -1;
    folder_path(&here, "root/way", path);
    if (symlink("..", path) != 0)
        return -1;
    folder_path(&here, "root/pipe", path);
    return mkfifo(path, 0600);
}

static int clean(void **state)
{
    (void)state;
    folder_remove(&here);
    return 0;
}

static tsr_err reads(const char *name)
{
    uint64_t len;
    int fd;
    tsr_err err = tsr_beneath_read(here.root, tsr_text(name), &fd, &len);

    if (err == TSR_OK)
        (void)close(fd);
    return err;
}

static tsr_err begins(const char *name)
{
    tsr_beneath_file f;
    tsr_err err;

    tsr_beneath_init(&f);
    err = tsr_beneath_begin(&f, here.root, tsr_text(name), 100);
    tsr_beneath_drop(&f);
    return err;
}

static void test_names_that_climb_are_denied(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof climbing / sizeof *climbing; i++) {
        assert_int_equal(reads(climbing[i]), TSR_E_DENIED);
        assert_int_equal(begins(climbing[i]), TSR_E_DENIED);
    }
    assert_int_equal(tsr_beneath_read(here.root, tsr_view("a\0b", 3), &(int){ 0 }, &(uint64_t){ 0 }),
                     TSR_E_DENIED);
}

static void test_links_and_special_files_are_denied(void **state)
{
    (void)state;
    assert_int_equal(reads("link"), TSR_E_DENIED);
    assert_int_equal(begins("link"), TSR_E_DENIED);
    assert_int_equal(reads("way/secret"), TSR_E_DENIED);
    assert_int_equal(begins("way/secret"), TSR_E_DENIED);
    assert_int_equal(reads("pipe"), TSR_E_DENIED);
    assert_int_equal(begins("pipe"), TSR_E_DENIED);
    assert_int_equal(reads("sub"), TSR_E_DENIED);
    assert_int_equal(begins("sub"), TSR_E_DENIED);
    assert_int_equal(reads("none"), TSR_E_NOT_FOUND);
    assert_int_equal(begins("none/x"), TSR_E_NOT_FOUND);
    assert_true(folder_holds(&here, "secret", "secret"));
}

static void test_names_are_bounded(void **state)
{
    char name[TSR_BENEATH_NAME + 1];

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(reads(name), TSR_E_SPACE);
    assert_int_equal(begins(name), TSR_E_SPACE);
}

static void test_file_appears_whole(void **state)
{
    tsr_beneath_file f;

    (void)state;
    tsr_beneath_init(&f);
    folder_write(&here, "root/sub/a", "old");
    assert_int_equal(tsr_beneath_begin(&f, here.root, tsr_text("sub/a"), 6), TSR_OK);
    assert_int_equal(tsr_beneath_write(&f, tsr_text("one")), TSR_OK);
    assert_true(folder_holds(&here, "root/sub/a", "old"));
    assert_int_equal(tsr_beneath_write(&f, tsr_text("two!")), TSR_E_SPACE);
    assert_int_equal(tsr_beneath_write(&f, tsr_text("two")), TSR_OK);
    assert_int_equal(tsr_beneath_commit(&f, tsr_view(NULL, 0)), TSR_OK);
    assert_true(folder_holds(&here, "root/sub/a", "onetwo"));
    assert_int_equal(tsr_beneath_commit(&f, tsr_view(NULL, 0)), TSR_E_STATE);
    assert_int_equal(tsr_beneath_write(&f, tsr_text("x")), TSR_E_STATE);
}

/* SHA-384 of "abc", FIPS 180-4's example */
static void test_file_with_another_hash_never_appears(void **state)
{
    static const uint8_t abc[TSR_BENEATH_SHA384] = {
        0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3, 0x5e, 0x8b, 0xb5, 0xa0, 0x3d, 0x69, 0x9a, 0xc6, 0x50, 0x07,
        0x27, 0x2c, 0x32, 0xab, 0x0e, 0xde, 0xd1, 0x63, 0x1a, 0x8b, 0x60, 0x5a, 0x43, 0xff, 0x5b, 0xed,
        0x80, 0x86, 0x07, 0x2b, 0xa1, 0xe7, 0xcc, 0x23, 0x58, 0xba, 0xec, 0xa1, 0x34, 0xc8, 0x25, 0xa7,
    };
    int before = folder_count(&here);
    tsr_beneath_file f;

    (void)state;
    tsr_beneath_init(&f);
    assert_int_equal(tsr_beneath_begin(&f, here.root, tsr_text("b"), 100), TSR_OK);
    assert_int_equal(tsr_beneath_write(&f, tsr_text("abd")), TSR_OK);
    assert_int_equal(tsr_beneath_commit(&f, tsr_view(abc, sizeof abc)), TSR_E_CRYPTO);
    assert_int_equal(tsr_beneath_begin(&f, here.root, tsr_text("c"), 100), TSR_OK);
    assert_int_equal(tsr_beneath_write(&f, tsr_text("abc")), TSR_OK);
    tsr_beneath_drop(&f); /* given up */
    assert_int_equal(folder_count(&here), before);
    assert_int_equal(tsr_beneath_begin(&f, here.root, tsr_text("d"), 100), TSR_OK);
    assert_int_equal(tsr_beneath_write(&f, tsr_text("abc")), TSR_OK);
    assert_int_equal(tsr_beneath_commit(&f, tsr_view(abc, sizeof abc)), TSR_OK);
    assert_true(folder_holds(&here, "root/d", "abc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_climb_are_denied),
        cmocka_unit_test(test_links_and_special_files_are_denied),
        cmocka_unit_test(test_names_are_bounded),
        cmocka_unit_test(test_file_appears_whole),
        cmocka_unit_test(test_file_with_another_hash_never_appears),
    };

    return cmocka_run_group_tests(tests, make, clean);
}
