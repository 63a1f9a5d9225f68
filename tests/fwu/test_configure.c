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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration_of_another_user_is_refused),
        cmocka_unit_test(test_configuration_that_others_write_is_refused),
        cmocka_unit_test(test_configuration_is_a_plain_file),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
