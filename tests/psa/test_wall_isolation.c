/* SPDX-License-Identifier: Apache-2.0
 *
 * One client and another: what they cannot see of each other, and what a dead one leaves behind.
 * Needs root to become two other users; otherwise these tests are skipped and say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/internal_trusted_storage.h"
#include "psa/wire/params.h"
#include "tests/psa/secured.h"

#define ALICE 1001
#define BOB   1002
#define CAROL 1003 /* named to be the same client as Alice */

static secured service;
static const char *const extra[] = { "--client", "1003=-1002", "--client", "1001=-1002", NULL };

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    return secured_start(&service, extra) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

static void as_user(uid_t uid, int (*fn)(void *), void *arg)
{
    int result = secured_as_user(uid, fn, arg);

    if (result < 0) {
        print_message("skipped: this process may not become user %d\n", (int)uid);
        skip();
    }
    assert_int_equal(result, 0);
}

/* In a child: the number of the line that failed, to 253. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "child: line %d: %s\n", __LINE__, #condition);                   \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static psa_status_t make_key(psa_key_id_t id, const char *material, psa_key_id_t *key)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    if (id != 0)
        psa_set_key_id(&a, id);
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    return psa_import_key(&a, (const uint8_t *)material, strlen(material), key);
}

static bool key_is(psa_key_id_t key, const char *material)
{
    uint8_t out[64];
    size_t len;

    return psa_export_key(key, out, sizeof out, &len) == PSA_SUCCESS && len == strlen(material) &&
           memcmp(out, material, len) == 0;
}

static int alice_provisions(void *arg)
{
    psa_key_id_t key;

    (void)arg;
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    CHECK(make_key(7, "alice's key", &key) == PSA_SUCCESS);
    CHECK(psa_its_set(1, 5, "alice", PSA_STORAGE_FLAG_NONE) == PSA_SUCCESS);
    return 0;
}

static int bob_sees_nothing(void *arg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    struct psa_storage_info_t info;
    uint8_t out[64];
    size_t len;
    psa_key_id_t key;

    (void)arg;
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    CHECK(psa_get_key_attributes(7, &a) == PSA_ERROR_INVALID_HANDLE);
    CHECK(psa_export_key(7, out, sizeof out, &len) == PSA_ERROR_INVALID_HANDLE);
    CHECK(psa_mac_compute(7, PSA_ALG_HMAC(PSA_ALG_SHA_256), out, 1, out, 32, &len) ==
          PSA_ERROR_INVALID_HANDLE);
    CHECK(psa_destroy_key(7) == PSA_ERROR_INVALID_HANDLE);
    CHECK(psa_purge_key(7) == PSA_ERROR_INVALID_HANDLE);
    CHECK(psa_its_get_info(1, &info) == PSA_ERROR_DOES_NOT_EXIST);
    CHECK(psa_its_get(1, 0, 5, out, &len) == PSA_ERROR_DOES_NOT_EXIST);
    CHECK(psa_its_remove(1) == PSA_ERROR_DOES_NOT_EXIST);
    /* the same names are free for him */
    CHECK(make_key(7, "bob's key", &key) == PSA_SUCCESS);
    CHECK(psa_its_set(1, 3, "bob", PSA_STORAGE_FLAG_NONE) == PSA_SUCCESS);
    CHECK(key_is(7, "bob's key"));
    return 0;
}

static int alice_still_has_hers(void *arg)
{
    uint8_t out[8];
    size_t len;

    (void)arg;
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    CHECK(key_is(7, "alice's key"));
    CHECK(psa_its_get(1, 0, 8, out, &len) == PSA_SUCCESS && len == 5 &&
          memcmp(out, "alice", 5) == 0);
    return 0;
}

static void test_persistent_things_belong_to_their_client(void **state)
{
    (void)state;
    as_user(ALICE, alice_provisions, NULL);
    as_user(BOB, bob_sees_nothing, NULL);
    as_user(ALICE, alice_still_has_hers, NULL);
    as_user(CAROL, alice_still_has_hers, NULL); /* by --client */
}

static void test_owners_survive_a_restart(void **state)
{
    (void)state;
    as_user(ALICE, alice_still_has_hers, NULL);
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_start(&service, extra));
    as_user(ALICE, alice_still_has_hers, NULL);
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_start(&service, extra));
}

typedef struct {
    psa_key_id_t key;
    uint32_t operation;
} handles;

/* With the true numbers of the other's key and operation. */
static int bob_tries_handles(void *arg)
{
    const handles *h = arg;
    psa_mac_operation_t op = { h->operation };
    uint8_t out[64];
    size_t len;

    CHECK(psa_crypto_init() == PSA_SUCCESS);
    CHECK(psa_export_key(h->key, out, sizeof out, &len) == PSA_ERROR_INVALID_HANDLE);
    CHECK(psa_destroy_key(h->key) == PSA_ERROR_INVALID_HANDLE);
    CHECK(psa_mac_update(&op, (const uint8_t *)"x", 1) == PSA_ERROR_BAD_STATE);
    op.handle = h->operation;
    CHECK(psa_mac_sign_finish(&op, out, sizeof out, &len) == PSA_ERROR_BAD_STATE);
    op.handle = h->operation;
    CHECK(psa_mac_abort(&op) == PSA_SUCCESS); /* which aborts nothing of the other's */
    return 0;
}

static void test_volatile_handles_belong_to_a_connection(void **state)
{
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_key_id_t key;
    uint8_t out[32];
    size_t len;
    int status;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(make_key(0, "volatile", &key), PSA_SUCCESS);
    assert_int_equal(psa_mac_sign_setup(&op, key, PSA_ALG_HMAC(PSA_ALG_SHA_256)), PSA_SUCCESS);

    handles h = { key, op.handle };
    pid_t pid = fork(); /* the same user, another process */

    if (pid == 0)
        _exit(bob_tries_handles(&h));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    if (geteuid() == 0)
        as_user(BOB, bob_tries_handles, &h);
    assert_int_equal(psa_mac_update(&op, (const uint8_t *)"x", 1), PSA_SUCCESS);
    assert_int_equal(psa_mac_sign_finish(&op, out, sizeof out, &len), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static int holds_much(void *arg)
{
    int *ready = arg;
    psa_mac_operation_t op[4];
    psa_key_id_t key = 0;

    memset(op, 0, sizeof op);
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    for (int i = 0; i < 20; i++)
        CHECK(make_key(0, "left behind", &key) == PSA_SUCCESS);
    for (int i = 0; i < 4; i++)
        CHECK(psa_mac_sign_setup(&op[i], key, PSA_ALG_HMAC(PSA_ALG_SHA_256)) == PSA_SUCCESS);
    CHECK(write(ready[1], "x", 1) == 1);
    for (;;)
        (void)pause();
}

static void test_dead_client_leaves_nothing(void **state)
{
    int ready[2];
    char byte;

    (void)state;
    long keys = secured_figure(&service, "keys="), ops = secured_figure(&service, "operations=");
    long files = secured_descriptors(&service);

    for (int round = 0; round < 5; round++) {
        assert_int_equal(pipe(ready), 0);

        pid_t pid = fork();

        if (pid == 0)
            _exit(holds_much(ready));
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_int_equal(secured_figure(&service, "keys="), keys + 20);
        assert_int_equal(secured_figure(&service, "operations="), ops + 4);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        (void)close(ready[0]);
        (void)close(ready[1]);
    }
    assert_int_equal(secured_figure(&service, "keys="), keys);
    assert_int_equal(secured_figure(&service, "operations="), ops);
    if (files >= 0)
        assert_int_equal(secured_descriptors(&service), files);
}

static int is_refused(void *arg)
{
    (void)arg;
    CHECK(psa_crypto_init() == PSA_ERROR_CONNECTION_REFUSED);
    return 0;
}

/* User 65534 may be anybody from another user namespace. */
static void test_nobody_is_refused(void **state)
{
    (void)state;
    as_user(65534, is_refused, NULL);
    assert_true(secured_log_has(&service, "event=client.refused uid=65534"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_persistent_things_belong_to_their_client),
        cmocka_unit_test(test_owners_survive_a_restart),
        cmocka_unit_test(test_volatile_handles_belong_to_a_connection),
        cmocka_unit_test(test_dead_client_leaves_nothing),
        cmocka_unit_test(test_nobody_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
