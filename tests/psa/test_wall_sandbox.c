/* SPDX-License-Identifier: Apache-2.0
 *
 * What a service could do once it is taken over, and what others can do to it: nothing.
 * Needs root to play other users; otherwise those tests are skipped and say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "tests/psa/probe.h"
#include "tests/psa/secured.h"

#define STRANGER 1001

static secured service;

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

static psa_status_t probe(int32_t what) { return psa_call(PROBE_HANDLE, what, NULL, 0, NULL, 0); }

/* The probe works at all: without the sandbox it comes back from every attempt that does not end
 * the process by itself. */
static void test_probe_reaches_the_kernel(void **state)
{
    static const char *const open[] = { "--no-sandbox", NULL };

    (void)state;
    assert_true(secured_start(&service, open));
    assert_int_equal(probe(PROBE_NOTHING), PSA_SUCCESS);
    assert_int_equal(probe(PROBE_OPEN), PSA_SUCCESS);
    assert_int_equal(probe(PROBE_SOCKET), PSA_SUCCESS);
    assert_int_equal(probe(PROBE_EXEC_MAP), PSA_SUCCESS);
    assert_int_equal(probe(PROBE_NAMELESS), PSA_SUCCESS);
    assert_int_equal(probe(PROBE_COUNT), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(secured_stop(&service), 0);
}

static void test_forbidden_calls_kill_the_service(void **state)
{
    (void)state;
    for (int32_t what = PROBE_OPEN; what < PROBE_COUNT; what++) {
        assert_true(secured_start(&service, NULL));
        assert_int_equal(probe(PROBE_NOTHING), PSA_SUCCESS);
        assert_int_equal(probe(PROBE_ALLOWED), PSA_SUCCESS);

        psa_status_t status = probe(what);
        int end = secured_stop(&service);

        if (status != PSA_ERROR_COMMUNICATION_FAILURE || end != 128 + SIGSYS)
            print_error("attempt %d: status %d, end %d\n", (int)what, (int)status, end);
        assert_int_equal(status, PSA_ERROR_COMMUNICATION_FAILURE);
        assert_int_equal(end, 128 + SIGSYS);
    }
}

/* A client's view of the same: the next service finds its store whole. */
static void test_store_survives_a_killed_service(void **state)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;

    (void)state;
    psa_set_key_id(&a, 7);
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_import_key(&a, (const uint8_t *)"key", 3, &key), PSA_SUCCESS);
    assert_int_equal(probe(PROBE_OPEN), PSA_ERROR_COMMUNICATION_FAILURE);
    assert_int_equal(secured_stop(&service), 128 + SIGSYS);
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_get_key_attributes(7, &a), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(7), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);
}

/* A value out of /proc/PID/status, such as "Seccomp:", in base `base`. */
static unsigned long long status_of(pid_t pid, const char *word, int base)
{
    char path[64], line[256];
    unsigned long long value = UINT64_MAX;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, word, strlen(word)) == 0)
            value = strtoull(line + strlen(word), NULL, base);
    if (f != NULL)
        (void)fclose(f);
    return value;
}

static bool limit_is_zero(pid_t pid, const char *limit)
{
    char path[64], line[256];
    bool zero = false;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, limit, strlen(limit)) == 0)
            zero = strtoull(line + strlen(limit), NULL, 10) == 0;
    if (f != NULL)
        (void)fclose(f);
    return zero;
}

static void test_what_the_kernel_says_of_it(void **state)
{
    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_int_equal(status_of(service.pid, "NoNewPrivs:", 10), 1);
    assert_int_equal(status_of(service.pid, "Seccomp:", 10), 2);
    assert_int_equal(status_of(service.pid, "CapEff:", 16), 0);
    assert_int_equal(status_of(service.pid, "CapPrm:", 16), 0);
    if (geteuid() == 0)
        assert_int_equal(status_of(service.pid, "CapBnd:", 16), 0);
    assert_true(limit_is_zero(service.pid, "Max core file size"));
    assert_true(secured_log_has(&service, "event=seccomp.closed"));
    assert_int_equal(secured_stop(&service), 0);
}

/* In a child: the number of attempts that got through. */
static int attack(void *arg)
{
    static const char *const files[] = { "mem", "maps", "environ", "auxv", "syscall", "stack" };
    const secured *s = arg;
    char path[256], byte;
    int through = 0;
    struct iovec here = { &byte, 1 }, there = { (void *)(uintptr_t)0x400000, 1 };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)s->pid, files[i]);

        int fd = open(path, O_RDONLY);
        bool got = fd >= 0 && read(fd, &byte, 1) == 1;

        if (got || (strcmp(files[i], "mem") == 0 && fd >= 0)) {
            (void)fprintf(stderr, "child: %s can be read\n", path);
            through++;
        }
        if (fd >= 0)
            (void)close(fd);
    }
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)s->pid);
    DIR *d = opendir(path);

    if (d != NULL && readdir(d) != NULL) {
        (void)fprintf(stderr, "child: %s can be listed\n", path);
        through++;
    }
    if (ptrace(PTRACE_ATTACH, s->pid, NULL, NULL) == 0 ||
        ptrace(PTRACE_SEIZE, s->pid, NULL, NULL) == 0) {
        (void)fprintf(stderr, "child: ptrace attached\n");
        through++;
    }
    errno = 0;
    if (process_vm_readv(s->pid, &here, 1, &there, 1, 0) >= 0 || errno != EPERM) {
        (void)fprintf(stderr, "child: process_vm_readv: %s\n", strerror(errno));
        through++;
    }
    return through;
}

static int attack_store(void *arg)
{
    const secured *s = arg;
    char path[256];
    int through = 0;

    through += access(s->store, R_OK) == 0;
    through += access(s->store, X_OK) == 0;
    (void)snprintf(path, sizeof path, "%s/store.tsr", s->store);
    through += open(path, O_RDONLY) >= 0;
    through += unlink(path) == 0;
    through += rename(s->store, "/tmp/stolen") == 0;
    return through;
}

static void refused(uid_t uid, int (*fn)(void *))
{
    int through = secured_as_user(uid, fn, &service);

    if (through < 0) {
        print_message("skipped: this process may not become user %d\n", (int)uid);
        skip();
    }
    assert_int_equal(through, 0);
}

static void test_another_user_sees_neither_memory_nor_store(void **state)
{
    (void)state;
    assert_true(secured_start(&service, NULL));
    refused(STRANGER, attack);
    refused(STRANGER, attack_store);
    assert_int_equal(probe(PROBE_NOTHING), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);
}

/* Even a process of the service's own user, which the service never should have, sees no memory. */
static void test_own_user_sees_no_memory(void **state)
{
    static const char *const own[] = { "--user", "daemon", NULL };
    const struct passwd *daemon = getpwnam("daemon");
    secured s;

    (void)state;
    if (geteuid() != 0 || daemon == NULL)
        skip();
    secured_prepare(&s);
    assert_int_equal(chown(s.dir, daemon->pw_uid, daemon->pw_gid), 0);
    assert_true(secured_start(&s, own));
    assert_int_equal(status_of(s.pid, "Uid:", 10), daemon->pw_uid);
    assert_int_equal(status_of(s.pid, "CapEff:", 16), 0);

    int through = secured_as_user(daemon->pw_uid, attack, &s);
    int stranger =
        secured_as_user(STRANGER, attack, &s) + secured_as_user(STRANGER, attack_store, &s);

    assert_int_equal(secured_stop(&s), 0);
    secured_clean(&s);
    assert_int_equal(tsr_gate_socket(service.socket), PSA_SUCCESS);
    assert_int_equal(through, 0);
    assert_int_equal(stranger, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_reaches_the_kernel),
        cmocka_unit_test(test_forbidden_calls_kill_the_service),
        cmocka_unit_test(test_store_survives_a_killed_service),
        cmocka_unit_test(test_what_the_kernel_says_of_it),
        cmocka_unit_test(test_another_user_sees_neither_memory_nor_store),
        cmocka_unit_test(test_own_user_sees_no_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
