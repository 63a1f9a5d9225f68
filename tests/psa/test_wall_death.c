/* SPDX-License-Identifier: Apache-2.0
 *
 * The service absent, dying in mid-call, killed a hundred times; its store damaged, open to others,
 * in use, or on a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/internal_trusted_storage.h"
#include "psa/wire/frame.h"
#include "tests/psa/secured.h"

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

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

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

static void test_absent_service_is_reported_at_once(void **state)
{
    int64_t begun = now_ms();
    uint8_t out[4];

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_ERROR_COMMUNICATION_FAILURE);
    assert_int_equal(psa_generate_random(out, 4), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_its_remove(1), PSA_ERROR_COMMUNICATION_FAILURE);
    assert_true(now_ms() - begun < 5000); /* and not after the 30 s of one that is silent */
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_generate_random(out, 4), PSA_SUCCESS);
}

static int fake_listener(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, service.socket, strlen(service.socket));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Something listens there and never says a word. */
static void test_silent_service_is_given_up(void **state)
{
    int fd = fake_listener();
    int64_t begun = now_ms();

    (void)state;
    tsr_gate_timeout_ms(300);
    assert_int_equal(psa_crypto_init(), PSA_ERROR_COMMUNICATION_FAILURE);
    assert_in_range(now_ms() - begun, 250, 10000);
    tsr_gate_timeout_ms(30000);
    (void)close(fd);
}

typedef struct {
    int listener;
    const void *answer;
    size_t answer_len;
} impostor;

/* Greets, takes one request, answers as told (0 bytes: not at all) and hangs up. */
static void *play_service(void *arg)
{
    const impostor *im = arg;
    uint8_t memory[TSR_WIRE_MAX];
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    tsr_wire_hello hello = { PSA_SUCCESS, -1, TSR_WIRE_MAX };
    int fd = accept(im->listener, NULL, NULL);

    tsr_wire_hello_write(&out, &hello);
    (void)!send(fd, memory, out.len, MSG_NOSIGNAL);
    (void)!recv(fd, memory, sizeof memory, 0);
    if (im->answer_len > 0)
        (void)!send(fd, im->answer, im->answer_len, MSG_NOSIGNAL);
    (void)close(fd);
    return NULL;
}

/* A service that dies in mid-call, or answers rubbish: an error, no hang, no bytes taken. */
static void test_death_in_mid_call(void **state)
{
    static const uint8_t no_frame[] = { 1, 2, 3 };
    static const uint8_t too_much[] = { 't', 1, 1, 0, 0, 0, 0, 0, 0, 0, 0,
                                        9,   1, 2, 3, 4, 5, 6, 7, 8, 9 };
    static const uint8_t other_count[] = { 't', 1, 0, 0, 0, 0, 0, 0 };
    impostor cases[] = { { 0, NULL, 0 },
                         { 0, no_frame, sizeof no_frame },
                         { 0, too_much, sizeof too_much },
                         { 0, other_count, sizeof other_count } };
    int fd = fake_listener();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[9] = { 0 };
        size_t len = 99;
        pthread_t t;

        cases[i].listener = fd;
        tsr_gate_close();
        assert_int_equal(pthread_create(&t, NULL, play_service, &cases[i]), 0);
        assert_int_equal(psa_its_get(1, 0, 8, out, &len), PSA_ERROR_COMMUNICATION_FAILURE);
        assert_int_equal(len, 0);
        assert_memory_equal(out, "\0\0\0\0\0\0\0\0\0", 9);
        assert_int_equal(pthread_join(t, NULL), 0);
    }
    (void)close(fd);
}

static void test_restart_loses_volatile_keys_and_keeps_persistent_ones(void **state)
{
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_key_id_t gone, kept, fresh;
    uint8_t out[32], zero[16] = { 0 };
    size_t len;

    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(make_key(0, "volatile", &gone), PSA_SUCCESS);
    assert_int_equal(make_key(11, "persistent", &kept), PSA_SUCCESS);
    assert_int_equal(psa_mac_sign_setup(&op, gone, PSA_ALG_HMAC(PSA_ALG_SHA_256)), PSA_SUCCESS);
    secured_kill(&service);
    assert_int_equal(psa_mac_compute(11, PSA_ALG_HMAC(PSA_ALG_SHA_256), zero, 1, out, 32, &len),
                     PSA_ERROR_COMMUNICATION_FAILURE);
    assert_true(secured_start(&service, NULL));

    /* no call in between: the next one connects again by itself */
    assert_int_equal(psa_mac_compute(11, PSA_ALG_HMAC(PSA_ALG_SHA_256), zero, 1, out, 32, &len),
                     PSA_SUCCESS);
    for (int i = 0; i < 64; i++) /* a new key never takes an old one's number */
        assert_int_equal(make_key(0, "fresh", &fresh), PSA_SUCCESS);
    assert_int_equal(psa_export_key(gone, out, sizeof out, &len), PSA_ERROR_INVALID_HANDLE);
    assert_int_equal(psa_mac_update(&op, zero, 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_mac_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_export_key(kept, out, sizeof out, &len), PSA_SUCCESS);
    assert_memory_equal(out, "persistent", 10);

    /* the service goes away unnoticed between two calls: one connects again and is carried out */
    secured_kill(&service);
    assert_true(secured_start(&service, NULL));
    for (int i = 0; i < 40; i++) {
        assert_int_equal(psa_generate_random(out, 16), PSA_SUCCESS);
        assert_memory_not_equal(out, zero, 16);
    }
    secured_kill(&service);
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_generate_random(out, 16), PSA_SUCCESS);
    assert_int_equal(psa_export_key(kept, out, sizeof out, &len), PSA_SUCCESS);
}

typedef struct {
    atomic_uint acknowledged; /* the last key that was answered with success */
    atomic_uint tried;
    atomic_bool stop;
} writer;

static void *write_keys(void *arg)
{
    writer *w = arg;

    while (!atomic_load(&w->stop)) {
        unsigned id = atomic_load(&w->tried) + 1;
        char material[24];
        psa_key_id_t key;

        (void)snprintf(material, sizeof material, "key number %u", id);
        atomic_store(&w->tried, id);
        if (make_key(id, material, &key) != PSA_SUCCESS)
            return NULL; /* it was killed under us */
        atomic_store(&w->acknowledged, id);
    }
    return NULL;
}

/* Destroys every key after looking at it, so that the next round starts with none. */
static void check_keys(unsigned acknowledged, unsigned tried)
{
    for (unsigned id = 1; id <= tried; id++) {
        char material[24];
        uint8_t out[64];
        size_t len;
        psa_status_t status = psa_export_key(id, out, sizeof out, &len);

        (void)snprintf(material, sizeof material, "key number %u", id);
        if (id <= acknowledged)
            assert_int_equal(status, PSA_SUCCESS);
        else if (status != PSA_SUCCESS) /* the one in flight: there or not, but never half */
            assert_int_equal(status, PSA_ERROR_INVALID_HANDLE);
        if (status == PSA_SUCCESS) {
            assert_int_equal(len, strlen(material));
            assert_memory_equal(out, material, len);
            assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
        }
    }
}

static void test_kill_100_times_loses_no_acknowledged_key(void **state)
{
    unsigned total = 0;

    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    for (int round = 0; round < 100; round++) {
        writer w = { 0 };
        pthread_t t;
        struct timespec pause = { 0, (long)(round * 37 % 40) * 250000 };

        assert_int_equal(pthread_create(&t, NULL, write_keys, &w), 0);
        (void)nanosleep(&pause, NULL);
        secured_kill(&service);
        atomic_store(&w.stop, true);
        assert_int_equal(pthread_join(t, NULL), 0);
        assert_true(secured_start(&service, NULL));
        check_keys(w.acknowledged, w.tried);
        total += w.acknowledged;
    }
    print_message("100 kills, %u keys acknowledged, all found\n", total);
    assert_true(total > 20); /* or the kills came before there was anything to lose */
}

static char *store_file(void)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/store.tsr", service.store);
    return path;
}

static void test_store_open_to_others_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(service.store, 0755), 0);
    assert_int_equal(chmod(service.store, 0755), 0);
    assert_false(secured_start(&service, NULL));
    assert_true(secured_log_has(&service, "others have permissions on it"));
    assert_true(secured_log_has(&service, "chmod 700"));
    assert_int_equal(chmod(service.store, 0700), 0);
    assert_true(secured_start(&service, NULL));
    assert_int_equal(secured_stop(&service), 0);
    assert_int_equal(chmod(store_file(), 0640), 0);
    assert_false(secured_start(&service, NULL));
    assert_true(secured_log_has(&service, "chmod 600"));
    assert_int_equal(chmod(store_file(), 0600), 0);
    assert_true(secured_start(&service, NULL));
}

static void test_second_service_is_refused(void **state)
{
    secured other;

    (void)state;
    assert_true(secured_start(&service, NULL));
    other = service;
    other.pid = 0;
    assert_false(secured_start(&other, NULL)); /* the socket is in use */
    assert_true(secured_log_has(&service, "something else is there or listens there"));
    (void)snprintf(other.socket, sizeof other.socket, "%s/t", service.dir);
    assert_false(secured_start(&other, NULL)); /* the store is in use */
    assert_true(secured_log_has(&service, "end the other process"));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
}

/* Overwrites some bytes with records behind and before them, wherever the log has got to. */
static void damage_store(void)
{
    static uint8_t block[16384];
    uint8_t rubbish[64];
    int fd = open(store_file(), O_RDWR);
    off_t at = 0, found = -1;

    assert_true(fd >= 0);
    memset(rubbish, 0x5a, sizeof rubbish);
    for (; pread(fd, block, sizeof block, at) == (ssize_t)sizeof block; at += (off_t)sizeof block)
        if (block[3000] != 0xff || block[3001] != 0xff)
            found = at;
    assert_true(found >= 0);
    assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, found + 1000), sizeof rubbish);
    (void)close(fd);
}

/* Damage in the middle of the written part: named with file, cause and remedy; --repair-store
 * helps. */
static void test_damaged_store_is_named(void **state)
{
    static const char *const repair[] = { "--repair-store", NULL };
    psa_key_id_t key;

    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    for (psa_key_id_t id = 1; id <= 50; id++)
        assert_int_equal(make_key(id, "some key material of some length", &key), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);

    damage_store();
    assert_false(secured_start(&service, NULL));
    assert_true(secured_log_has(&service, "event=store.damaged"));
    assert_true(secured_log_has(&service, store_file()));
    assert_true(secured_log_has(&service, "cause="));
    assert_true(secured_log_has(&service, "--repair-store"));

    assert_true(secured_start(&service, repair));
    assert_true(secured_log_has(&service, "event=store.repaired"));
    unsigned left = 0;

    for (psa_key_id_t id = 1; id <= 50; id++) {
        psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

        left += psa_get_key_attributes(id, &a) == PSA_SUCCESS;
    }
    assert_in_range(left, 10, 49);
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_start(&service, NULL)); /* and it stays repaired */
}

static void test_cut_store_is_named(void **state)
{
    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_int_equal(secured_stop(&service), 0);
    assert_int_equal(truncate(store_file(), 5000), 0);
    assert_false(secured_start(&service, NULL));
    assert_true(secured_log_has(&service, "event=store.refused"));
    assert_true(secured_log_has(&service, "restore a copy"));
}

static void test_full_disk_is_named(void **state)
{
    (void)state;
    assert_int_equal(mkdir(service.store, 0700), 0);
    if (mount("tmpfs", service.store, "tmpfs", 0, "size=64k,mode=0700") != 0) {
        print_message("skipped: this process may not mount a small file system\n");
        skip();
    }
    bool up = secured_start(&service, NULL);
    bool named = secured_log_has(&service, "make room on the disk");
    bool left = access(store_file(), F_OK) == 0;

    (void)secured_stop(&service);
    assert_int_equal(umount(service.store), 0);
    assert_false(up);
    assert_true(named);
    assert_false(left);
}

static bool status_has(const char *line)
{
    char path[64], text[4096];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)service.pid);
    f = fopen(path, "r");
    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = 0;
    return strstr(text, line) != NULL;
}

static void test_service_is_shut_in(void **state)
{
    char path[64];

    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_true(status_has("Seccomp:\t2"));
    assert_true(status_has("NoNewPrivs:\t1"));
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)service.pid);
    if (geteuid() != 0)
        assert_int_equal(open(path, O_RDONLY), -1);
    else
        print_message("root may read any memory: the check of /proc/PID/mem is left out\n");
}

/* A value that is damaged while the service runs: the call says so, the log names the file. */
static void test_damage_at_run_time_is_named(void **state)
{
    static const uint8_t big[2000] = { 1 };
    uint8_t out[2000];
    size_t len = 7;

    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_its_set(1, sizeof big, big, 0), PSA_SUCCESS);
    assert_int_equal(psa_its_set(2, sizeof big, big, 0), PSA_SUCCESS);
    damage_store();
    assert_int_equal(psa_its_get(1, 0, sizeof out, out, &len), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(len, 0);
    assert_true(secured_log_has(&service, "event=store.damaged"));
    assert_true(secured_log_has(&service, store_file()));
    assert_int_equal(psa_its_get(2, 0, sizeof out, out, &len), PSA_SUCCESS);
}

static void test_termination_is_clean(void **state)
{
    (void)state;
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_log_has(&service, "event=stopped"));
}

static void test_bad_command_lines_are_refused(void **state)
{
    static const char *const bad[][3] = {
        { "--client", "x", NULL },          { "--client", "5=5", NULL },
        { "--keys", "many", NULL },         { "--socket-mode", "9", NULL },
        { "--no-such-option", NULL, NULL }, { "word", NULL, NULL }
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(secured_start(&service, bad[i]));
    assert_true(secured_log_has(&service, "--client x: write UID=NUMBER"));
    assert_true(secured_log_has(&service, "--client 5=5: the client's number must be negative"));
    assert_true(secured_log_has(&service, "--keys many:"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_absent_service_is_reported_at_once),
        CASE(test_silent_service_is_given_up),
        CASE(test_death_in_mid_call),
        CASE(test_restart_loses_volatile_keys_and_keeps_persistent_ones),
        CASE(test_kill_100_times_loses_no_acknowledged_key),
        CASE(test_store_open_to_others_is_refused),
        CASE(test_second_service_is_refused),
        CASE(test_damaged_store_is_named),
        CASE(test_cut_store_is_named),
        CASE(test_full_disk_is_named),
        CASE(test_service_is_shut_in),
        CASE(test_damage_at_run_time_is_named),
        CASE(test_termination_is_clean),
        CASE(test_bad_command_lines_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
