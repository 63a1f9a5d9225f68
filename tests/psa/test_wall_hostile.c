/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that speaks raw bytes: the service answers PSA_ERROR_PROGRAMMER_ERROR or closes that
 * client, and goes on serving the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/wire/frame.h"
#include "psa/wire/params.h"
#include "tests/psa/raw.h"
#include "tests/psa/secured.h"

static secured service;
static const char *const extra[] = { "--connections", "40", NULL };

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    return secured_start(&service, extra) && psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

/* The good client is served, by the same process as before. */
static void still_serves(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint32_t generation = tsr_gate_generation();
    psa_key_id_t key;
    uint8_t out[32];
    size_t len;

    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&a, (const uint8_t *)"key", 3, &key), PSA_SUCCESS);
    assert_int_equal(psa_mac_compute(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), out, 0, out, 32, &len),
                     PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    assert_int_equal(tsr_gate_generation(), generation);
}

static int dial(void) { return raw_dial(service.socket); }

static int dial_and_greet(void) { return raw_greeted(service.socket); }

/* Sends `frame`; true when the answer is PROGRAMMER_ERROR and, if `closes`, the end follows. */
static void say_and_expect(const void *frame, size_t len, bool closes)
{
    static uint8_t answer[TSR_WIRE_MAX];
    int fd = dial_and_greet();
    ssize_t n;

    assert_int_equal(send(fd, frame, len, MSG_NOSIGNAL), (ssize_t)len);
    n = raw_hear(fd, answer, sizeof answer);
    if (n > 0) {
        assert_in_range(n, 8, 24);
        assert_memory_equal(answer + 4, "\xff\xff\xff\x7f", 4); /* -129 */
        n = closes ? raw_hear(fd, answer, sizeof answer) : 0;
    }
    assert_in_range(n + 1, 0, 1); /* an orderly or an abrupt end */
    (void)close(fd);
}

static void test_rubbish_closes_that_client_only(void **state)
{
    static uint8_t big[64 * 1024];
    static const char *const rubbish[] = { "x", "T", "T\1", "hello, service", "t\1\0\0\0\0\0\0" };

    (void)state;
    say_and_expect("", 1, true);
    for (size_t i = 0; i < sizeof rubbish / sizeof rubbish[0]; i++)
        say_and_expect(rubbish[i], strlen(rubbish[i]), true);
    say_and_expect(big, TSR_WIRE_MAX, true);
    say_and_expect(big, TSR_WIRE_MAX + 1, true); /* one byte too many */
    say_and_expect(big, sizeof big, true);
    still_serves();
}

static void test_wrong_counts_and_lengths(void **state)
{
    uint8_t frame[256];
    const size_t block[1] = { TSR_WIRE_PARAMS };
    size_t len = raw_request(frame, TSR_CRYPTO_INIT, 1, block, 0, NULL);

    (void)state;
    for (size_t at = 0; at < 16; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t bad[256];
            size_t expected = len;

            memcpy(bad, frame, len);
            bad[at] ^= (uint8_t)(1u << bit);
            if (at >= 2 && at < 8)
                continue; /* another function or service: well-formed, see below */
            say_and_expect(bad, expected, true);
        }
    for (size_t cut = 1; cut < len; cut++)
        say_and_expect(frame, cut, true);
    still_serves();
}

/* Well-formed frames whose vectors do not fit the function: refused, the connection stays. */
static void test_wrong_vectors_of_every_function(void **state)
{
    static uint8_t frame[TSR_WIRE_MAX], answer[TSR_WIRE_MAX];
    const size_t lens[3][4] = { { TSR_WIRE_PARAMS, 1, 1, 1 }, { 0, 0, 0, 0 }, { 69, 3, 0, 9 } };
    int fd = dial_and_greet();
    unsigned errors = 0;

    (void)state;
    for (int32_t type = 0; type < 80; type++)
        for (size_t n_in = 0; n_in <= 4; n_in++)
            for (size_t n_out = 0; n_in + n_out <= 4; n_out++)
                for (size_t l = 0; l < 3; l++) {
                    const size_t room[4] = { l, 0, 1, 2 };
                    size_t len = raw_request(frame, type, n_in, lens[l], n_out, room);
                    psa_status_t status;
                    tsr_bytes out[4];

                    assert_int_equal(send(fd, frame, len, MSG_NOSIGNAL), (ssize_t)len);
                    ssize_t n = raw_hear(fd, answer, sizeof answer);

                    assert_true(n > 0);
                    assert_int_equal(
                        tsr_wire_reply_read(tsr_view(answer, (size_t)n), n_out, &status, out),
                        TSR_OK);
                    errors += status == PSA_ERROR_PROGRAMMER_ERROR;
                }
    assert_true(errors > 3000);
    (void)close(fd);
    still_serves();
}

/* The largest answer that can be asked for is given; one byte more is no frame. */
static void test_huge_vectors(void **state)
{
    static uint8_t frame[TSR_WIRE_MAX], answer[TSR_WIRE_MAX + 1];
    const size_t block[1] = { TSR_WIRE_PARAMS };
    size_t room[1] = { TSR_WIRE_MAX - TSR_WIRE_HEAD };
    size_t len = raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, room);
    int fd = dial_and_greet();

    (void)state;
    assert_int_equal(send(fd, frame, len, MSG_NOSIGNAL), (ssize_t)len);
    assert_int_equal(raw_hear(fd, answer, sizeof answer), (ssize_t)(12 + room[0]));
    (void)close(fd);
    room[0]++;
    len = raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, room);
    say_and_expect(frame, len, true);
    room[0] = UINT32_MAX;
    len = raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, room);
    say_and_expect(frame, len, true);
    still_serves();
}

/* Gone before the greeting, after it, with a request sent, with half of the answer read. */
static void test_disconnect_in_every_state(void **state)
{
    uint8_t frame[256], few[3];
    const size_t block[1] = { TSR_WIRE_PARAMS };
    const size_t room[1] = { 64 };
    size_t len = raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, room);
    long files;
    int fd;

    (void)state;
    still_serves();
    files = secured_descriptors(&service);
    for (int i = 0; i < 50; i++) {
        (void)close(dial());
        (void)close(dial_and_greet());
        fd = dial_and_greet();
        (void)send(fd, frame, len, MSG_NOSIGNAL);
        (void)close(fd);
        fd = dial_and_greet();
        (void)send(fd, frame, len, MSG_NOSIGNAL);
        assert_int_equal(raw_hear(fd, few, sizeof few), 3); /* the rest of the datagram is lost */
        (void)close(fd);
        fd = dial_and_greet();
        (void)shutdown(fd, SHUT_RD);
        (void)send(fd, frame, len, MSG_NOSIGNAL);
        (void)close(fd);
    }
    still_serves();
    assert_int_equal(secured_figure(&service, "connections="), 1);
    if (files >= 0)
        assert_int_equal(secured_descriptors(&service), files);
}

/* Asks and asks and never listens: closed when its socket is full. */
static void test_deaf_client_is_closed(void **state)
{
    uint8_t frame[256];
    const size_t block[1] = { TSR_WIRE_PARAMS };
    const size_t room[1] = { 16000 };
    size_t len = raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, room);
    int fd = dial_and_greet();
    bool closed = false;

    (void)state;
    (void)sleep(1); /* the log takes only so many lines about clients in a second */
    for (int i = 0; i < 100000 && !closed; i++) {
        struct pollfd p = { fd, POLLOUT, 0 };

        (void)poll(&p, 1, 100);
        closed = (p.revents & (POLLHUP | POLLERR)) != 0 ||
                 (send(fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && poll(&p, 1, 0) >= 0 &&
                  (p.revents & POLLHUP) != 0);
    }
    assert_true(closed);
    assert_true(secured_log_has(&service, "event=client.deaf"));
    (void)close(fd);
    still_serves();
}

/* 200 connections of one user: 40 are held, the others are told, and those who are in are served.
 */
static void test_200_connections(void **state)
{
    int fd[200];
    uint8_t frame[256], answer[64];
    const size_t block[1] = { TSR_WIRE_PARAMS };
    size_t len = raw_request(frame, TSR_CRYPTO_INIT, 1, block, 0, NULL), in = 0, busy = 0;

    (void)state;
    still_serves();
    for (int i = 0; i < 200; i++) {
        tsr_wire_hello h;

        fd[i] = dial();
        assert_int_equal(raw_hear(fd[i], answer, sizeof answer), TSR_WIRE_HELLO);
        assert_int_equal(tsr_wire_hello_read(tsr_view(answer, TSR_WIRE_HELLO), &h), TSR_OK);
        in += h.status == PSA_SUCCESS;
        busy += h.status == PSA_ERROR_CONNECTION_BUSY;
    }
    assert_int_equal(in, 39); /* and the good client's */
    assert_int_equal(busy, 161);
    for (size_t i = 0; i < 39; i++) {
        assert_int_equal(send(fd[i], frame, len, MSG_NOSIGNAL), (ssize_t)len);
        assert_int_equal(raw_hear(fd[i], answer, sizeof answer), 8);
    }
    still_serves();
    for (int i = 0; i < 200; i++)
        (void)close(fd[i]);
    still_serves();
    assert_int_equal(secured_figure(&service, "connections="), 1);
}

/* A client whose user has too many connections is told so at once. */
static void test_busy_is_reported_to_applications(void **state)
{
    int fd[40];

    (void)state;
    tsr_gate_close();
    for (int i = 0; i < 40; i++)
        fd[i] = dial_and_greet();
    assert_int_equal(psa_crypto_init(), PSA_ERROR_CONNECTION_BUSY);
    for (int i = 0; i < 40; i++)
        (void)close(fd[i]);
    for (int i = 0; i < 100 && psa_crypto_init() != PSA_SUCCESS; i++)
        (void)usleep(20000);
    still_serves();
}

static void test_random_frames(void **state)
{
    static uint8_t frame[4096], answer[TSR_WIRE_MAX];
    unsigned answered = 0;
    int fd = dial_and_greet();

    (void)state;
    srandom(7);
    for (int i = 0; i < 4000; i++) {
        const size_t in[3] = { TSR_WIRE_PARAMS + (size_t)random() % 17, (size_t)random() % 64,
                               (size_t)random() % 64 };
        const size_t out[1] = { (size_t)random() % 128 };
        size_t len = raw_request(frame, (int32_t)(random() % 80), 1 + (size_t)random() % 3, in,
                                 (size_t)random() % 2, out);

        for (size_t j = 12; j < len; j++)
            if (j > 32 && random() % 3 == 0)
                frame[j] = (uint8_t)random();
        if (send(fd, frame, len, MSG_NOSIGNAL) < 0 || raw_hear(fd, answer, sizeof answer) <= 0) {
            (void)close(fd);
            fd = dial_and_greet();
        } else {
            answered++;
        }
    }
    assert_true(answered > 2000);
    (void)close(fd);
    still_serves();
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    assert_int_equal(secured_figure(&service, "keys="), 0);
    assert_int_equal(secured_figure(&service, "operations="), 0);
    assert_int_equal(secured_figure(&service, "connections="), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rubbish_closes_that_client_only),
        cmocka_unit_test(test_wrong_counts_and_lengths),
        cmocka_unit_test(test_wrong_vectors_of_every_function),
        cmocka_unit_test(test_huge_vectors),
        cmocka_unit_test(test_disconnect_in_every_state),
        cmocka_unit_test(test_deaf_client_is_closed),
        cmocka_unit_test(test_200_connections),
        cmocka_unit_test(test_busy_is_reported_to_applications),
        cmocka_unit_test(test_random_frames),
        cmocka_unit_test(test_nothing_is_left_behind),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
