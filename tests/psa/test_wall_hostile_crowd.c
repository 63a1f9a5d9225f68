/* SPDX-License-Identifier: Apache-2.0
 *
 * Many at once: a thousand connections, floods of calls, bells and connects by other users, over
 * both gates. A good client is served all the while, within a bound; what a flooding client gets is
 * delayed and never refused. Needs root to play other users; otherwise skipped, with a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/wire/params.h"
#include "tests/psa/raw.h"
#include "tests/psa/secured.h"

#define MALLORY 1001 /* floods with calls */
#define TRUDY   1002 /* rings and connects */

static secured service;

static int set_up(void **state)
{
    struct rlimit files;

    (void)state;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 2048) {
        files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    secured_prepare(&service);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

/* Children that attack until they are ended, each as a user. */
static pid_t attackers[32];
static size_t attacker_count;

static void attack(uid_t uid, void (*fn)(void))
{
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(100); /* should this program die */
        if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
            _exit(1);
        fn();
        _exit(0);
    }
    attackers[attacker_count++] = pid;
}

static void end_attacks(void)
{
    for (size_t i = 0; i < attacker_count; i++) {
        int status;

        (void)kill(attackers[i], SIGKILL);
        (void)waitpid(attackers[i], &status, 0);
        assert_true(WIFSIGNALED(status)); /* it had not given up */
    }
    attacker_count = 0;
}

static void call_for_ever(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t digest[32] = { 1 }, out[64];
    psa_key_id_t key;
    size_t len;

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    if (psa_crypto_init() != PSA_SUCCESS || psa_generate_key(&a, &key) != PSA_SUCCESS)
        return;
    while (psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, out, 64, &len) ==
           PSA_SUCCESS)
        ;
}

static void call_over_socket(void)
{
    tsr_gate_use(TSR_GATE_SOCKET);
    call_for_ever();
}

static void call_over_memory(void)
{
    tsr_gate_use(TSR_GATE_SHARED);
    call_for_ever();
}

static void ring_for_ever(void)
{
    raw_channel r = raw_shared(service.socket);
    uint8_t frame[256];
    const size_t block[1] = { TSR_WIRE_PARAMS };
    size_t len = raw_request(frame, TSR_CRYPTO_INIT, 1, block, 0, NULL);

    for (unsigned i = 0;; i++) {
        if (i % 16 == 0)
            raw_put(&r, frame, len, (uint32_t)len);
        else
            raw_ring(&r);
    }
}

static void connect_for_ever(void)
{
    for (;;) {
        int fd[64];

        for (size_t i = 0; i < 64; i++)
            fd[i] = raw_dial(service.socket);
        for (size_t i = 0; i < 64; i++)
            (void)close(fd[i]);
    }
}

/* Sends as much as the socket takes, and reads the answers only to make room. */
static void pipeline_for_ever(void)
{
    static uint8_t frame[TSR_WIRE_MAX], answer[TSR_WIRE_MAX];
    const size_t block[1] = { TSR_WIRE_PARAMS }, room[1] = { 16000 };
    size_t len = raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, room);
    int fd = raw_greeted(service.socket);

    for (;;) {
        if (send(fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
            recv(fd, answer, sizeof answer, 0) <= 0) {
            (void)close(fd);
            fd = raw_greeted(service.socket);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* 200 calls of the good client. The bounds are generous: this machine may do much else. */
static void served_within_bounds(const char *when, tsr_gate_way way)
{
    enum { CALLS = 200 };
    static uint64_t took[CALLS];

    tsr_gate_close();
    tsr_gate_use(way);
    for (size_t i = 0; i < CALLS; i++) {
        uint64_t begun = raw_now_us();

        assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
        took[i] = raw_now_us() - begun;
    }
    assert_int_equal(tsr_gate_used(), way);
    qsort(took, CALLS, sizeof took[0], by_value);
    print_message("%s, %s: a good call took %u us (middle), %u us (worst of %u)\n", when,
                  way == TSR_GATE_SHARED ? "shared memory" : "socket", (unsigned)took[CALLS / 2],
                  (unsigned)took[CALLS - 1], (unsigned)CALLS);
    assert_true(took[CALLS / 2] < 100000);
    assert_true(took[CALLS - 1] < 2000000);
}

static void served_both_ways(const char *when)
{
    served_within_bounds(when, TSR_GATE_SOCKET);
    served_within_bounds(when, TSR_GATE_SHARED);
}

static void need_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("skipped: this process may not become other users\n");
    skip();
}

/* Of one user's thousand connections 40 are held, half of them with shared memory; the others are
 * told, and those who are in are served. */
static void test_a_thousand_connections(void **state)
{
    enum { N = 1000, IN = 40 };
    static const char *const words[] = { "--connections", "40", NULL };
    static int fd[N];
    static tsr_channel_client channel[IN];
    uint8_t frame[256], answer[64];
    const size_t block[1] = { TSR_WIRE_PARAMS };
    size_t len = raw_request(frame, TSR_CRYPTO_INIT, 1, block, 0, NULL), in = 0, busy = 0;
    long files;

    (void)state;
    assert_true(secured_start(&service, words));
    (void)usleep(100000);
    files = secured_descriptors(&service);
    for (size_t i = 0; i < N; i++) {
        tsr_wire_hello h;

        fd[i] = raw_dial(service.socket);
        assert_int_equal(raw_hear(fd[i], answer, sizeof answer), TSR_WIRE_HELLO);
        assert_int_equal(tsr_wire_hello_read(tsr_view(answer, TSR_WIRE_HELLO), &h), TSR_OK);
        in += h.status == PSA_SUCCESS;
        busy += h.status == PSA_ERROR_CONNECTION_BUSY;
    }
    assert_int_equal(in, IN);
    assert_int_equal(busy, N - IN);
    for (size_t i = 0; i < IN; i += 2)
        assert_int_equal(tsr_channel_request(&channel[i], fd[i]), PSA_SUCCESS);
    assert_int_equal(secured_figure(&service, "channels="), IN / 2);
    for (size_t i = 0; i < IN; i++) {
        assert_int_equal(send(fd[i], frame, len, MSG_NOSIGNAL), (ssize_t)len);
        assert_int_equal(raw_hear(fd[i], answer, sizeof answer), 8);
    }
    for (size_t i = 0; i < N; i++)
        (void)close(fd[i]);
    for (size_t i = 0; i < IN; i += 2)
        tsr_channel_leave(&channel[i]);
    for (int i = 0; i < 100 && secured_figure(&service, "connections=") != 0; i++)
        (void)usleep(20000);
    assert_int_equal(secured_figure(&service, "connections="), 0);
    assert_int_equal(secured_figure(&service, "channels="), 0);
    if (files >= 0)
        assert_int_equal(secured_descriptors(&service), files);
    assert_int_equal(secured_stop(&service), 0);
}

static void test_good_client_is_served_during_floods(void **state)
{
    static const char *const words[] = { "--rate", "0", NULL };
    long files;

    (void)state;
    need_root();
    assert_true(secured_start(&service, words));
    served_both_ways("alone");
    files = secured_descriptors(&service);
    for (int i = 0; i < 6; i++)
        attack(MALLORY, i % 2 == 0 ? call_over_socket : call_over_memory);
    served_both_ways("while one user calls on six connections");
    for (int i = 0; i < 2; i++) {
        attack(TRUDY, ring_for_ever);
        attack(TRUDY, connect_for_ever);
        attack(TRUDY, pipeline_for_ever);
    }
    served_both_ways("while another rings, connects and pipelines too");
    end_attacks();
    served_both_ways("afterwards");
    for (int i = 0; i < 100 && secured_figure(&service, "connections=") != 1; i++)
        (void)usleep(20000);
    assert_int_equal(secured_figure(&service, "connections="), 1);
    assert_int_equal(secured_figure(&service, "channels="), 1);
    assert_int_equal(secured_figure(&service, "keys="), 0);
    if (files >= 0)
        assert_int_equal(secured_descriptors(&service), files);
    tsr_gate_close();
    assert_int_equal(secured_stop(&service), 0);
}

/* How many empty calls go through in `ms`; -1: one failed. */
static int calls_in(uint32_t ms)
{
    uint64_t end = raw_now_us() + ms * 1000u;
    int calls = 0;

    while (raw_now_us() < end)
        if (psa_crypto_init() == PSA_SUCCESS)
            calls++;
        else
            return -1;
    return calls;
}

static void test_rate_delays_and_does_not_refuse(void **state)
{
    static const char *const words[] = { "--rate", "200", NULL };
    const tsr_gate_way ways[] = { TSR_GATE_SOCKET, TSR_GATE_SHARED };

    (void)state;
    assert_true(secured_start(&service, words));
    for (size_t i = 0; i < 2; i++) {
        tsr_gate_close();
        tsr_gate_use(ways[i]);

        int first = calls_in(500); /* the second's worth that it had in store, and what comes in */
        int then = calls_in(2000);

        print_message("%s: %d calls in the first 0.5 s, %d in the next 2 s at 200 a second\n",
                      i == 0 ? "socket" : "shared memory", first, then);
        assert_in_range(then, 250, 450);
        assert_in_range(first, i == 0 ? 150 : 40, 350);
    }
    assert_true(secured_figure(&service, "delayed=") > 0);
    assert_true(secured_log_has(&service, "event=client.delayed"));
    tsr_gate_close();
    assert_int_equal(secured_stop(&service), 0);
}

static void test_rate_of_one_delays_nobody_else(void **state)
{
    static const char *const words[] = { "--rate", "300", NULL };

    (void)state;
    need_root();
    assert_true(secured_start(&service, words));
    for (int i = 0; i < 4; i++)
        attack(MALLORY, i % 2 == 0 ? ring_for_ever : pipeline_for_ever);
    (void)sleep(2); /* Mallory's tokens are spent, and our own have come */
    served_within_bounds("while a user is held to its rate", TSR_GATE_SOCKET);
    (void)sleep(1);
    served_within_bounds("while a user is held to its rate", TSR_GATE_SHARED);
    end_attacks();
    for (int i = 0; i < 100 && secured_figure(&service, "connections=") != 1; i++)
        (void)usleep(20000); /* also of a client that waits its end is seen */
    assert_int_equal(secured_figure(&service, "connections="), 1);
    tsr_gate_close();
    assert_int_equal(secured_stop(&service), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_connections),
        cmocka_unit_test(test_good_client_is_served_during_floods),
        cmocka_unit_test(test_rate_delays_and_does_not_refuse),
        cmocka_unit_test(test_rate_of_one_delays_nobody_else),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
