/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may say what may be installed: DIR/update.conf and the keys beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/fwu/slots.h"

#define OTHER 12345

static char dir[] = "/tmp/tessera-configure-XXXXXX";
static tsr_slots slots;

static const char *in_dir(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(in_dir(name), 0644), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    /* the public key of RFC 6979, appendix A.2.5 */
    write_file("owner.pem",
               "-----BEGIN PUBLIC KEY-----\n"
               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVan/TJY1vuYXDJbbwfSSmG\n"
               "vbv3hTjHN2Rfy2J5A/53n+1RlwOZI8E7lfsGnr0InijoUdSXfHnOmUYilQ==\n"
               "-----END PUBLIC KEY-----\n");
    write_file("update.conf", "component c\nvendor c1f3d3a26d3f5c6b9d5e0d3c0f6c5d11\n"
                              "class 0b6f5f261f0a5c258a3d3cc19d5b8a41\nanchor owner.pem\n");
    return 0;
}

static int tear_down(void **state)
{
    char command[160];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command); /* NOLINT(cert-env33-c): a name of ours */
}

static tsr_err open_slots(void)
{
    tsr_err err = tsr_slots_open(&slots, dir);

    tsr_slots_close(&slots);
    return err;
}

static void test_configuration_of_another_user_is_refused(void **state)
{
    static const char *const names[] = { "update.conf", "owner.pem" };

    (void)state;
    assert_int_equal(open_slots(), TSR_OK);
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(chown(in_dir(names[i]), OTHER, OTHER), 0);
        assert_int_equal(open_slots(), TSR_E_DENIED);
        assert_non_null(strstr(slots.error, "belongs to another user"));
        assert_int_equal(chown(in_dir(names[i]), 0, 0), 0);
    }
    assert_int_equal(open_slots(), TSR_OK);
}

static void test_configuration_that_others_write_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(in_dir("owner.pem"), 0664), 0);
    assert_int_equal(open_slots(), TSR_E_DENIED);
    assert_int_equal(chmod(in_dir("owner.pem"), 0644), 0);
    assert_int_equal(open_slots(), TSR_OK);
}

/* A pipe would keep the launcher waiting for ever. */
static void test_configuration_is_a_plain_file(void **state)
{
    char kept[128];

    (void)state;
    (void)snprintf(kept, sizeof kept, "%s", in_dir("kept"));
    assert_int_equal(rename(in_dir("update.conf"), kept), 0);
    assert_int_equal(mkfifo(in_dir("update.conf"), 0600), 0);
    (void)alarm(10);
    assert_int_equal(open_slots(), TSR_E_DENIED);
    (void)alarm(0);
    assert_int_equal(unlink(in_dir("update.conf")), 0);
    assert_int_equal(rename(kept, in_dir("update.conf")), 0);
}

/* Each of them decides what is started: the directories by what can be put into them. */
static void test_slots_of_others_are_refused(void **state)
{
    static const char *const names[] = { ".", "slots", "slots/c", "slots/c/a.img", "slots/c/b.img" };

    (void)state;
    assert_int_equal(open_slots(), TSR_OK); /* which makes them */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        mode_t mode = i < 3 ? 0755 : 0600;

        for (mode_t bit = 002; bit <= 020; bit *= 8) {
            assert_int_equal(chmod(in_dir(names[i]), mode | bit), 0);
            assert_int_equal(open_slots(), TSR_E_DENIED);
            assert_non_null(strstr(slots.error, "others may write to it"));
        }
        assert_int_equal(chmod(in_dir(names[i]), mode), 0);
        if (geteuid() != 0)
            continue;
        assert_int_equal(chown(in_dir(names[i]), OTHER, OTHER), 0);
        assert_int_equal(open_slots(), TSR_E_DENIED);
        assert_non_null(strstr(slots.error, "belongs to another user"));
        assert_int_equal(chown(in_dir(names[i]), 0, 0), 0);
    }
    assert_int_equal(open_slots(), TSR_OK);
}

/* A pipe in a slot's place would keep the launcher waiting, too. */
static void test_slot_is_a_plain_file(void **state)
{
    (void)state;
    assert_int_equal(open_slots(), TSR_OK);
    assert_int_equal(unlink(in_dir("slots/c/b.img")), 0);
    assert_int_equal(mkfifo(in_dir("slots/c/b.img"), 0600), 0);
    (void)alarm(10);
    assert_int_equal(open_slots(), TSR_E_DENIED);
    (void)alarm(0);
    assert_non_null(strstr(slots.error, "no plain file"));
    assert_int_equal(unlink(in_dir("slots/c/b.img")), 0);
    assert_int_equal(open_slots(), TSR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration_of_another_user_is_refused),
        cmocka_unit_test(test_configuration_that_others_write_is_refused),
        cmocka_unit_test(test_configuration_is_a_plain_file),
        cmocka_unit_test(test_slots_of_others_are_refused),
        cmocka_unit_test(test_slot_is_a_plain_file),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
