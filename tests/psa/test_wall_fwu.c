/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware update across the wall: the API's functions against a real service with slot files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/client.h"
#include "psa/crypto.h"
#include "psa/update.h"
#include "psa/wire/fwu.h"
#include "tests/psa/secured.h"
#include "tests/secure/fwu_package.h"

static secured service;
static char slots[96];

static void write_file(const char *name, const void *data, size_t len)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", slots, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void write_uuid(char *out, const uint8_t id[16])
{
    for (size_t i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static void write_anchor(const char *name, unsigned key)
{
    uint8_t der[91] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                        0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

    memcpy(der + 26, package_point(key), 65);
    write_file(name, der, sizeof der);
}

/* A directory with two components, and version 1 of the first one as the factory leaves it. */
static void factory(const char *clients)
{
    static packed image;
    package p = { .sequence = 1, .version = "1.0.0", .seed = 1, .len = 5000 };
    char conf[1024], v[33], c[33], path[200];

    snprintf(slots, sizeof slots, "%s/fw", service.dir);
    assert_int_equal(mkdir(slots, 0755), 0);
    snprintf(path, sizeof path, "%s/slots", slots);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/slots/c0", slots);
    assert_int_equal(mkdir(path, 0700), 0);
    package_make(&p, &image);
    write_file("slots/c0/a.img", image.bytes, image.len);
    write_anchor("owner.der", 0);
    write_anchor("other.der", 1);
    write_uuid(v, package_vendor);
    write_uuid(c, package_class);
    snprintf(conf, sizeof conf,
             "# what may be updated here\n"
             "component c0\nvendor %s\nclass %s\nsize 1048576\nanchor owner.der\n\n"
             "component = c1   # and its data\nvendor = %s\nclass = %s\n"
             "options = no-reboot no-trial\nanchor owner.der\nanchor other.der\n%s",
             v, c, v, c, clients);
    write_file("update.conf", conf, strlen(conf));
}

static void start(const char *const *more)
{
    const char *words[8] = { "--slots", slots };
    size_t n = 2;

    while (more != NULL && *more != NULL)
        words[n++] = *more++;
    if (!secured_start(&service, words)) {
        char line[300];
        FILE *f = fopen(service.log, "r");

        while (f != NULL && fgets(line, sizeof line, f) != NULL)
            print_error("%s", line);
        fail_msg("the service did not start");
    }
}

/* Keys for packages are keys behind the wall, too; made once the service runs for the first time.
 */
static void begin(const char *clients, const char *const *more)
{
    secured_prepare(&service);
    assert_true(secured_start(&service, NULL));
    package_world();
    factory(clients);
    assert_int_equal(secured_stop(&service), 0);
    start(more);
}

static void end(void) { secured_clean(&service); }

static psa_fwu_component_info_t info_of(psa_fwu_component_t id)
{
    psa_fwu_component_info_t info;

    assert_int_equal(psa_fwu_query(id, &info), PSA_SUCCESS);
    return info;
}

static void send(psa_fwu_component_t id, const packed *image)
{
    assert_int_equal(
        psa_fwu_start(id, image->manifest_len > 0 ? image->manifest : NULL, image->manifest_len),
        PSA_SUCCESS);
    for (size_t at = 0; at < image->len; at += PSA_FWU_MAX_WRITE_SIZE) {
        size_t left = image->len - at;

        assert_int_equal(
            psa_fwu_write(id, at, image->bytes + at,
                          left < PSA_FWU_MAX_WRITE_SIZE ? left : PSA_FWU_MAX_WRITE_SIZE),
            PSA_SUCCESS);
    }
}

static packed second, data, foreign, detached;

static void make_packages(void)
{
    package a = { .sequence = 2, .version = "2.0.0", .seed = 2, .len = 9000 };
    package b = { .component = 1, .sequence = 7, .version = "0.7.0", .following = true, .key = 1 };
    package c = { .sequence = 2, .key = 1 };
    package e = { .sequence = 3, .version = "3.0.0", .detached = true };

    package_make(&a, &second);
    package_make(&b, &data);
    package_make(&c, &foreign);
    package_make(&e, &detached);
}

static void begin_with_packages(const char *clients, const char *const *more)
{
    secured_prepare(&service);
    assert_true(secured_start(&service, NULL));
    package_world();
    make_packages();
    factory(clients);
    assert_int_equal(secured_stop(&service), 0);
    start(more);
}

static void test_wall_update_from_version_1_to_2(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    begin_with_packages("", NULL);
    info = info_of(0);
    assert_int_equal(info.state, PSA_FWU_READY);
    assert_int_equal(info.version.major, 1);
    assert_int_equal(info.max_size, 1048576 - 65536);
    send(0, &second);
    assert_int_equal(info_of(0).impl.written, second.len);
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(psa_fwu_request_reboot(), PSA_ERROR_NOT_SUPPORTED); /* no launcher here */
    assert_int_equal(secured_stop(&service), 0);
    start(NULL); /* which is the reboot, without a launcher */
    info = info_of(0);
    assert_int_equal(info.state, PSA_FWU_TRIAL);
    assert_int_equal(info.version.major, 2);
    assert_int_equal(info.location, 1);
    assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
    info = info_of(0);
    assert_int_equal(info.state, PSA_FWU_UPDATED);
    assert_int_equal(info.impl.sequence, 2);
    assert_int_equal(psa_fwu_clean(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_BAD_STATE);
    end();
}

static void test_wall_trial_that_dies_goes_back(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    begin_with_packages("", NULL);
    send(0, &second);
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    secured_kill(&service);
    start(NULL);
    assert_int_equal(info_of(0).state, PSA_FWU_TRIAL);
    secured_kill(&service);
    start(NULL);
    info = info_of(0);
    assert_int_equal(info.state, PSA_FWU_FAILED);
    assert_int_equal(info.impl.why, TSR_FWU_WHY_TRIAL);
    assert_int_equal(info.version.major, 1);
    end();
}

static void test_wall_killed_while_writing_goes_on(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    begin_with_packages("", NULL);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(0, 0, second.bytes, 4096), PSA_SUCCESS);
    secured_kill(&service);
    start(NULL);
    info = info_of(0);
    assert_int_equal(info.state, PSA_FWU_WRITING);
    assert_int_equal(info.impl.written, 0); /* less than one step of progress */
    assert_int_equal(psa_fwu_write(0, 0, second.bytes, second.len), PSA_SUCCESS);
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    end();
}

static void test_wall_component_without_reboot_or_trial(void **state)
{
    (void)state;
    begin_with_packages("", NULL);
    send(1, &data);
    assert_int_equal(psa_fwu_finish(1), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS);
    assert_int_equal(info_of(1).state, PSA_FWU_UPDATED);
    assert_int_equal(info_of(1).version.minor, 7);
    assert_int_equal(info_of(1).impl.sequence, 7);
    assert_int_equal(psa_fwu_clean(1), PSA_SUCCESS);
    end();
}

static void test_wall_detached_manifest(void **state)
{
    (void)state;
    begin_with_packages("", NULL);
    assert_int_equal(psa_fwu_start(0, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_start(0, NULL, 1), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_start(1, detached.manifest, detached.manifest_len),
                     PSA_ERROR_INVALID_ARGUMENT); /* it is for the other component */
    send(0, &detached);
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(secured_stop(&service), 0);
    start(NULL);
    assert_int_equal(info_of(0).state, PSA_FWU_TRIAL);
    assert_int_equal(info_of(0).version.major, 3);
    assert_int_equal(psa_fwu_reject(-31), PSA_SUCCESS_REBOOT);
    assert_int_equal(info_of(0).error, -31);
    end();
}

static void test_wall_refuses_a_foreign_signer(void **state)
{
    (void)state;
    begin_with_packages("", NULL);
    send(0, &foreign);
    assert_int_equal(psa_fwu_finish(0), PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(info_of(0).impl.why, TSR_FWU_WHY_SIGNER);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_reject(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_cancel(0), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_clean(0), PSA_SUCCESS);
    end();
}

static void test_wall_writes_that_cannot_cross(void **state)
{
    static uint8_t big[PSA_FWU_MAX_WRITE_SIZE + 16];

    (void)state;
    begin("", NULL);
    assert_int_equal(psa_fwu_write(0, 0, big, sizeof big), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_fwu_write(9, 0, big, 16), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(0, 0, big, sizeof big), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(0, (size_t)1 << 33, big, 16), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(0, 8, big, 16), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(0, 0, NULL, 16), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_query(0, NULL), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(0, 0, big, PSA_FWU_MAX_WRITE_SIZE), PSA_SUCCESS);
    end();
}

/* A launcher is there: it has decided, and is told. */
static void test_wall_reboot_reaches_the_launcher(void **state)
{
    static const char *const words[] = { "--reboot-fd", "10", NULL };
    int pipes[2];
    char word[16] = { 0 };

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    service.give = 0;
    secured_prepare(&service);
    assert_true(secured_start(&service, NULL));
    package_world();
    make_packages();
    factory("");
    assert_int_equal(secured_stop(&service), 0);
    service.give = pipes[1];
    start(words);
    send(0, &second);
    assert_int_equal(psa_fwu_finish(0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(psa_fwu_request_reboot(), PSA_SUCCESS);
    assert_int_equal(read(pipes[0], word, sizeof word), 7);
    assert_string_equal(word, "reboot\n");
    assert_int_equal(secured_stop(&service), 0);
    start(words); /* the service alone decides nothing */
    assert_int_equal(info_of(0).state, PSA_FWU_STAGED);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    end();
}

static void test_wall_only_named_clients_may_update(void **state)
{
    psa_fwu_component_info_t info;

    (void)state;
    begin("client -4242\n", NULL); /* somebody else */
    assert_int_equal(psa_fwu_query(0, &info), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_fwu_start(0, NULL, 0), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_fwu_reject(0), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_fwu_request_reboot(), PSA_ERROR_NOT_PERMITTED);
    end();
}

#define STRANGER 12345 /* a user; its client is -12346 */

/* 0: may do everything; 1: nothing; 2: something of it. */
static int try_all(void *arg)
{
    psa_fwu_component_info_t info;
    psa_status_t got[] = {
        psa_fwu_query(0, &info), psa_fwu_start(0, NULL, 0), psa_fwu_write(0, 0, arg, 16),
        psa_fwu_cancel(0),       psa_fwu_finish(0),         psa_fwu_clean(0),
        psa_fwu_install(),       psa_fwu_accept(),          psa_fwu_reject(0),
        psa_fwu_request_reboot()
    };
    size_t refused = 0, count = sizeof got / sizeof *got;

    for (size_t i = 0; i < count; i++)
        refused += got[i] == PSA_ERROR_NOT_PERMITTED;
    return refused == 0 ? 0 : refused == count ? 1 : 2;
}

/* With no client named: root and the service's own user, who are this process. */
static void test_wall_strangers_may_not_update_unless_named(void **state)
{
    static uint8_t block[16];
    int result;

    (void)state;
    for (int named = 0; named < 2; named++) {
        begin(named ? "client -12346\n" : "", NULL);
        result = secured_as_user(STRANGER, try_all, block);
        if (result < 0) {
            end();
            skip();
        }
        assert_int_equal(result, named ? 0 : 1);
        assert_int_equal(try_all(block), named ? 1 : 0);
        end();
    }
}

/* Vectors that no psa_fwu_* function makes. */
static void test_wall_refuses_broken_calls(void **state)
{
    uint8_t block[16] = { 0 }, answer[TSR_WIRE_FWU_INFO - 1];
    psa_invec in[2] = { { block, TSR_WIRE_FWU }, { block, 16 } };
    psa_outvec out = { answer, sizeof answer };

    (void)state;
    begin("", NULL);
    assert_int_equal(psa_call(TSR_PSA_FWU_HANDLE, TSR_FWU_QUERY, in, 1, &out, 1),
                     PSA_ERROR_PROGRAMMER_ERROR); /* no room */
    assert_int_equal(psa_call(TSR_PSA_FWU_HANDLE, TSR_FWU_QUERY, in, 1, NULL, 0),
                     PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(TSR_PSA_FWU_HANDLE, TSR_FWU_START, in, 1, NULL, 0),
                     PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(TSR_PSA_FWU_HANDLE, TSR_FWU_FINISH, in, 2, NULL, 0),
                     PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(TSR_PSA_FWU_HANDLE, 99, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    in[0].len = TSR_WIRE_FWU - 1;
    assert_int_equal(psa_call(TSR_PSA_FWU_HANDLE, TSR_FWU_INSTALL, in, 1, NULL, 0),
                     PSA_ERROR_PROGRAMMER_ERROR);
    in[0].len = TSR_WIRE_FWU;
    block[2] = 1; /* component 256: not number 0 */
    assert_int_equal(psa_call(TSR_PSA_FWU_HANDLE, TSR_FWU_FINISH, in, 1, NULL, 0),
                     PSA_ERROR_DOES_NOT_EXIST);
    end();
}

static void refuses_configuration(const char *conf, const char *why)
{
    const char *const words[] = { "--slots", slots, NULL };

    write_file("update.conf", conf, strlen(conf));
    if (secured_start(&service, words))
        fail_msg("taken: %s", conf);
    assert_true(secured_log_has(&service, why));
}

static void test_wall_wrong_configurations_say_why(void **state)
{
    const char *const words[] = { "--slots", slots, NULL };
    char path[200];

    (void)state;
    begin("", NULL);
    assert_int_equal(secured_stop(&service), 0);
    refuses_configuration("", "no component is named");
    refuses_configuration("vendor 00\n", "update.conf:1: a component has to be named first");
    refuses_configuration("component a\ncolour red\n", "update.conf:2: words are");
    refuses_configuration("component ../a\n", "a name has letters");
    refuses_configuration("component a\nvendor 12\n", "UUID");
    refuses_configuration("component a\nsize 5\n", "a size in bytes");
    refuses_configuration("component a\nanchor nothing.pem\n", "nothing.pem: cannot be read");
    refuses_configuration("component a\nanchor update.conf\n", "no public key of P-256");
    refuses_configuration("component a\n", "wants vendor, class and an anchor");
    snprintf(path, sizeof path, "%s/update.conf", slots);
    assert_int_equal(chmod(path, 0666), 0);
    assert_false(secured_start(&service, words));
    assert_true(secured_log_has(&service, "others may write to it"));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wall_update_from_version_1_to_2),
        cmocka_unit_test(test_wall_trial_that_dies_goes_back),
        cmocka_unit_test(test_wall_killed_while_writing_goes_on),
        cmocka_unit_test(test_wall_component_without_reboot_or_trial),
        cmocka_unit_test(test_wall_detached_manifest),
        cmocka_unit_test(test_wall_refuses_a_foreign_signer),
        cmocka_unit_test(test_wall_writes_that_cannot_cross),
        cmocka_unit_test(test_wall_reboot_reaches_the_launcher),
        cmocka_unit_test(test_wall_only_named_clients_may_update),
        cmocka_unit_test(test_wall_strangers_may_not_update_unless_named),
        cmocka_unit_test(test_wall_refuses_broken_calls),
        cmocka_unit_test(test_wall_wrong_configurations_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
