/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile clients on shared memory: every word and byte of it is theirs to write at any time. The
 * service answers PSA_ERROR_PROGRAMMER_ERROR or closes that client, and goes on serving others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/wire/params.h"
#include "tests/psa/raw.h"
#include "tests/psa/secured.h"

static secured service;
static const char *const extra[] = { "--connections", "64", "--rate", "0", NULL };

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    tsr_gate_use(TSR_GATE_SHARED);
    return secured_start(&service, extra) && psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

/* The good client is served over shared memory, by the same process as before. */
static void still_serves(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint32_t generation = tsr_gate_generation();
    uint8_t out[32];
    psa_key_id_t key;
    size_t len;

    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&a, (const uint8_t *)"key", 3, &key), PSA_SUCCESS);
    assert_int_equal(psa_mac_compute(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), out, 0, out, 32, &len),
                     PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    assert_int_equal(tsr_gate_generation(), generation);
    assert_int_equal(tsr_gate_used(), TSR_GATE_SHARED);
}

static size_t empty_call(uint8_t *frame)
{
    const size_t block[1] = { TSR_WIRE_PARAMS };

    return raw_request(frame, TSR_CRYPTO_INIT, 1, block, 0, NULL);
}

static size_t random_call(uint8_t *frame, size_t bytes)
{
    const size_t block[1] = { TSR_WIRE_PARAMS };

    return raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, &bytes);
}

/* Answered -129 and closed. */
static void closes(const void *bytes, size_t len, uint32_t length_word)
{
    raw_channel r = raw_shared(service.socket);
    uint8_t byte;

    raw_put(&r, bytes, len, length_word);
    assert_int_equal(raw_answered(&r), 1);
    assert_int_equal(raw_status(&r), PSA_ERROR_PROGRAMMER_ERROR);
    assert_in_range(raw_hear(r.fd, &byte, 1) + 1, 0, 1);
    raw_leave(&r);
}

/* docs/WIRE.md: the memory is the service's, sealed in size; nobody can pull it away. */
static void test_memory_is_sealed(void **state)
{
    uint8_t frame[64], reply[64];
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec iov = { reply, sizeof reply };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    tsr_buf out = tsr_buf_over(frame, sizeof frame);
    int fd = raw_greeted(service.socket), fds[2];

    (void)state;
    tsr_wire_request_head(&out, TSR_GATE_HANDLE, TSR_GATE_SHARE, NULL, 0, NULL, 0);
    assert_int_equal(send(fd, frame, out.len, 0), (ssize_t)out.len);
    assert_int_equal(recvmsg(fd, &msg, 0), 8);
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fds);
    assert_int_equal(lseek(fds[0], 0, SEEK_END), sizeof(tsr_channel));
    assert_int_equal(fcntl(fds[0], F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_int_equal(ftruncate(fds[0], 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fds[0], 1 << 20), -1);
    assert_int_equal(fcntl(fds[0], F_ADD_SEALS, F_SEAL_WRITE), -1);

    /* Pages that are punched out come back as zeros, under a call too. */
    assert_int_equal(
        fallocate(fds[0], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, sizeof(tsr_channel)), 0);
    uint64_t one = 1;

    assert_int_equal(write(fds[1], &one, sizeof one), sizeof one);
    still_serves();

    /* Once per connection; other calls of the gate's are unknown; the connection stays. */
    for (int i = 0; i < 3; i++) {
        out = tsr_buf_over(frame, sizeof frame);
        tsr_wire_request_head(&out, TSR_GATE_HANDLE, TSR_GATE_SHARE + i, NULL, 0, NULL, 0);
        assert_int_equal(send(fd, frame, out.len, 0), (ssize_t)out.len);
        assert_int_equal(raw_hear(fd, reply, sizeof reply), 8);
        assert_memory_equal(reply + 4, "\xff\xff\xff\x7f", 4); /* -129 */
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(fd);
    still_serves();
}

static void test_wrong_lengths_and_rubbish(void **state)
{
    static uint8_t big[TSR_WIRE_MAX];
    const uint32_t lengths[] = { TSR_WIRE_MAX + 1, 1u << 31, UINT32_MAX, 65536, 45056 };
    uint8_t frame[256], bad[256];
    size_t len = empty_call(frame);

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        closes(frame, len, lengths[i]);
    closes(frame, len, 0);
    closes(frame, len, 1);
    closes(big, sizeof big, sizeof big);
    memset(big, 0xff, sizeof big);
    closes(big, sizeof big, sizeof big);
    for (size_t at = 0; at < 12; at++)
        for (unsigned bit = 0; bit < 8; bit += 3) {
            memcpy(bad, frame, len);
            bad[at] ^= (uint8_t)(1u << bit);
            if (at < 2 || at >= 8)
                closes(bad, len, (uint32_t)len);
        }
    for (uint32_t cut = 1; cut < len; cut += 5)
        closes(frame, len, cut);
    still_serves();
}

/* Numbers that stand still, go back, jump and wrap: each change is one request, no more. */
static void test_numbers_of_any_kind(void **state)
{
    const uint32_t numbers[] = { 5, 4, 0, UINT32_MAX, 0, 1u << 31, 7, 7, 7 };
    uint8_t frame[256];
    size_t len = empty_call(frame);
    raw_channel r = raw_shared(service.socket);

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        r.c.number = numbers[i] - 1;
        raw_put(&r, frame, len, (uint32_t)len);
        assert_int_equal(raw_answered(&r), 1);
        assert_int_equal(raw_status(&r), PSA_SUCCESS);
        for (int j = 0; j < 20; j++)
            raw_ring(&r); /* for nothing */
    }
    raw_leave(&r);
    still_serves();
}

static void test_keys_of_others_are_out_of_reach(void **state)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t frame[256];
    const size_t block[1] = { TSR_WIRE_PARAMS }, room[1] = { 64 };
    size_t len = raw_request(frame, TSR_CRYPTO_EXPORT_KEY, 1, block, 1, room);
    raw_channel r = raw_shared(service.socket);
    psa_key_id_t key;

    (void)state;
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_EXPORT);
    assert_int_equal(psa_import_key(&a, (const uint8_t *)"0123456789abcdef", 16, &key),
                     PSA_SUCCESS);
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t guess = key - 100 + i;

        for (unsigned b = 0; b < 4; b++) /* behind the head: one input, one output */
            frame[20 + b] = (uint8_t)(guess >> (24 - 8 * b));
        raw_put(&r, frame, len, (uint32_t)len);
        assert_int_equal(raw_answered(&r), 1);
        assert_int_equal(raw_status(&r), PSA_ERROR_INVALID_HANDLE);
    }
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    raw_leave(&r);
}

typedef struct {
    tsr_channel *channel;
    _Atomic bool stop;
    bool words; /* flips the words as well as the frames */
} flipper;

static void *flip(void *arg)
{
    flipper *f = arg;
    uint8_t *bytes = (uint8_t *)f->channel;
    unsigned seed = 11;

    while (!atomic_load_explicit(&f->stop, memory_order_relaxed)) {
        size_t at = (size_t)rand_r(&seed) % 220;

        if (!f->words || rand_r(&seed) % 4 != 0)
            bytes[4096 + at] ^= (uint8_t)rand_r(&seed);
        else
            bytes[(size_t)rand_r(&seed) % 80] ^= (uint8_t)rand_r(&seed);
    }
    return NULL;
}

/* Bytes change while calls run: what was checked is what is used, whatever the memory says by
 * then. Keys, operations and derivations are made and used under it. */
static void flipping(bool words)
{
    static const int32_t types[] = { TSR_CRYPTO_IMPORT_KEY,   TSR_CRYPTO_GENERATE_KEY,
                                     TSR_CRYPTO_AEAD_ENCRYPT, TSR_CRYPTO_DERIVE_ONCE,
                                     TSR_CRYPTO_MAC_SETUP,    TSR_CRYPTO_RANDOM };
    uint8_t frame[512];
    unsigned answered = 0, again = 0;
    raw_channel r = raw_shared(service.socket);
    flipper f = { r.c.channel, false, words };
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
    for (int i = 0; i < 3000; i++) {
        const size_t in[3] = { TSR_WIRE_PARAMS, 32, 64 }, out[1] = { 64 };
        size_t n_in = 1 + (size_t)i % 3;
        size_t len = raw_request(frame, types[i % 6], n_in, in, 1, out);
        struct timespec nap = { 0, 20000 };

        raw_put(&r, frame, len, (uint32_t)len);
        (void)nanosleep(&nap, NULL);
        answered += atomic_load(&r.c.channel->answered) != 0;
        uint8_t byte;

        if (recv(r.fd, &byte, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            f.stop = true; /* it was thrown out: come again */
            (void)pthread_join(thread, NULL);
            raw_leave(&r);
            r = raw_shared(service.socket);
            f = (flipper){ r.c.channel, false, words };
            assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
            again++;
        }
        if (i % 500 == 0)
            still_serves();
    }
    f.stop = true;
    (void)pthread_join(thread, NULL);
    raw_leave(&r);
    print_message("%u calls under flipping bytes, thrown out %u times\n", answered, again);
    assert_true(answered > 100);
    still_serves();
    assert_int_equal(secured_figure(&service, "keys="), 0);
    assert_int_equal(secured_figure(&service, "operations="), 0);
}

static void test_request_bytes_change_during_calls(void **state)
{
    (void)state;
    flipping(false);
}

static void test_words_change_during_calls(void **state)
{
    (void)state;
    flipping(true);
}

/* The words are used as every other kind of futex, and hold what they never should. */
static void test_futex_words_are_abused(void **state)
{
    uint8_t frame[256];
    size_t len = empty_call(frame);
    struct timespec soon = { 0, 1000000 };
    raw_channel r = raw_shared(service.socket);
    tsr_channel *ch = r.c.channel;

    (void)state;
    for (int i = 0; i < 200; i++) {
        atomic_store(&ch->sleeping, i % 3 == 0 ? UINT32_MAX : 1u); /* nobody sleeps */
        (void)syscall(SYS_futex, &ch->answered, FUTEX_LOCK_PI, 0, &soon, NULL, 0);
        raw_put(&r, frame, len, (uint32_t)len);
        (void)syscall(SYS_futex, &ch->answered, FUTEX_CMP_REQUEUE, 1, 1L, &ch->asked, r.c.number);
        (void)syscall(SYS_futex, &ch->answered, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
        assert_int_equal(raw_answered(&r), 1);
        atomic_store(&ch->answered, (uint32_t)random());
        atomic_store(&ch->answered_len, UINT32_MAX);
        atomic_store(&ch->taken, 0);
    }
    raw_leave(&r);
    still_serves();
}

/* Requests and no look at the answer, from as many clients as may be. */
static void test_clients_that_never_wake(void **state)
{
    enum { N = 50 };
    static raw_channel r[N];
    uint8_t frame[256];
    size_t len = random_call(frame, 16000);

    (void)state;
    for (size_t i = 0; i < N; i++) {
        r[i] = raw_shared(service.socket);
        atomic_store(&r[i].c.channel->sleeping, 1);
    }
    assert_int_equal(secured_figure(&service, "channels="), N + 1);
    for (int turn = 0; turn < 20; turn++)
        for (size_t i = 0; i < N; i++)
            raw_put(&r[i], frame, len, (uint32_t)len);
    still_serves();
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(raw_answered(&r[i]), 1); /* the newest one; earlier ones it gave up */
        raw_leave(&r[i]);
    }
    still_serves();
}

/* Gone with the memory asked for, had, rung, answered and unread; and the bell rung afterwards. */
static void test_disconnect_in_every_state(void **state)
{
    uint8_t frame[256], ask[64];
    size_t len = random_call(frame, 64);
    tsr_buf out = tsr_buf_over(ask, sizeof ask);
    long files;

    (void)state;
    tsr_wire_request_head(&out, TSR_GATE_HANDLE, TSR_GATE_SHARE, NULL, 0, NULL, 0);
    still_serves();
    files = secured_descriptors(&service);
    for (int i = 0; i < 40; i++) {
        int fd = raw_greeted(service.socket);
        raw_channel r;

        (void)send(fd, ask, out.len, MSG_NOSIGNAL);
        (void)close(fd);
        fd = raw_greeted(service.socket);
        (void)shutdown(fd, SHUT_RD);
        (void)send(fd, ask, out.len, MSG_NOSIGNAL); /* its descriptors cannot be delivered */
        (void)close(fd);
        r = raw_shared(service.socket);
        raw_leave(&r);
        r = raw_shared(service.socket);
        raw_put(&r, frame, len, (uint32_t)len);
        raw_leave(&r);
        r = raw_shared(service.socket);
        raw_put(&r, frame, len, (uint32_t)len);
        assert_int_equal(raw_answered(&r), 1);
        raw_leave(&r);
        r = raw_shared(service.socket);
        (void)close(r.fd); /* only the socket: the memory and the bell are held */
        for (int j = 0; j < 10; j++)
            raw_put(&r, frame, len, (uint32_t)len);
        tsr_channel_leave(&r.c);
    }
    still_serves();
    assert_int_equal(secured_figure(&service, "connections="), 1);
    assert_int_equal(secured_figure(&service, "channels="), 1);
    if (files >= 0)
        assert_int_equal(secured_descriptors(&service), files);
}

/* Files sent to the service are dropped by the kernel, whatever they are. */
static void test_descriptors_are_not_taken(void **state)
{
    enum { EACH = 100 };
    uint8_t frame[256];
    size_t len = empty_call(frame);
    int memory = memfd_create("rubbish", 0); /* neither sealed nor as long as it should be */
    int fd = raw_greeted(service.socket), fds[EACH];
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof fds)];
    } control = { .room = { 0 } };
    long files = secured_descriptors(&service);

    (void)state;
    assert_true(memory >= 0);
    for (size_t i = 0; i < EACH; i++)
        fds[i] = memory;
    for (int i = 0; i < 30; i++) {
        struct iovec iov = { frame, len };
        struct msghdr msg = { .msg_iov = &iov,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control.room };
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        uint8_t answer[64];

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fds);
        memcpy(CMSG_DATA(c), fds, sizeof fds);
        assert_int_equal(sendmsg(fd, &msg, MSG_NOSIGNAL), (ssize_t)len);
        assert_int_equal(raw_hear(fd, answer, sizeof answer), 8);
    }
    if (files >= 0)
        assert_int_equal(secured_descriptors(&service), files);
    (void)close(fd);
    (void)close(memory);
    still_serves();
}

/* The application's own vectors may lie on each other: inputs leave before outputs come. */
static void test_overlapping_vectors_of_the_application(void **state)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    const psa_algorithm_t alg = PSA_ALG_GCM;
    const uint8_t nonce[12] = { 1 };
    uint8_t apart[64], plain[48], place[64];
    psa_key_id_t key;
    size_t len;

    (void)state;
    memset(plain, 0x5a, sizeof plain);
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&a, 128);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&a, alg);
    assert_int_equal(psa_generate_key(&a, &key), PSA_SUCCESS);
    assert_int_equal(psa_aead_encrypt(key, alg, nonce, 12, NULL, 0, plain, sizeof plain, apart,
                                      sizeof apart, &len),
                     PSA_SUCCESS);
    memcpy(place + 7, plain, sizeof plain);
    assert_int_equal(psa_aead_encrypt(key, alg, nonce, 12, place + 7, 0, place + 7, sizeof plain,
                                      place, sizeof place, &len),
                     PSA_SUCCESS);
    assert_memory_equal(place, apart, sizeof apart);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* A service that is killed in a call, and one that is started again between calls. */
static void test_service_dies_under_its_clients(void **state)
{
    uint8_t frame[256];
    size_t len = random_call(frame, 64);
    raw_channel r = raw_shared(service.socket);

    (void)state;
    secured_kill(&service);
    raw_put(&r, frame, len, (uint32_t)len);
    assert_int_equal(raw_answered(&r), 0);
    raw_leave(&r);
    assert_int_equal(psa_crypto_init(), PSA_ERROR_COMMUNICATION_FAILURE);
    assert_true(secured_start(&service, extra));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    secured_kill(&service);
    assert_true(secured_start(&service, extra));
    /* The request was never taken by the dead one, so it is sent again to the living. */
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    still_serves();
}

/* In one round of the service: a client is thrown out, another one gets its place, and then the
 * first one's end is seen. That end is not the second one's. */
static void test_end_of_one_client_is_not_that_of_the_next(void **state)
{
    static const size_t block[1] = { TSR_WIRE_PARAMS }, room[1] = { 16 };
    uint8_t frame[512], heard[512];
    size_t len = raw_request(frame, TSR_CRYPTO_RANDOM, 1, block, 1, room);
    raw_channel first = raw_shared(service.socket);
    int next;

    (void)state;
    assert_int_equal(kill(service.pid, SIGSTOP), 0);
    usleep(50000);
    raw_put(&first, "", 0, 0); /* no frame at all */
    next = raw_dial(service.socket);
    raw_leave(&first);
    assert_int_equal(kill(service.pid, SIGCONT), 0);
    assert_true(raw_hear(next, heard, sizeof heard) > 0); /* welcome */
    usleep(50000);
    assert_int_equal(send(next, frame, len, MSG_NOSIGNAL), (ssize_t)len);
    assert_true(raw_hear(next, heard, sizeof heard) > 0);
    assert_int_equal(close(next), 0);
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    assert_int_equal(secured_figure(&service, "keys="), 0);
    assert_int_equal(secured_figure(&service, "operations="), 0);
    assert_int_equal(secured_figure(&service, "connections="), 1);
    assert_int_equal(secured_figure(&service, "channels="), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_sealed),
        cmocka_unit_test(test_wrong_lengths_and_rubbish),
        cmocka_unit_test(test_numbers_of_any_kind),
        cmocka_unit_test(test_keys_of_others_are_out_of_reach),
        cmocka_unit_test(test_request_bytes_change_during_calls),
        cmocka_unit_test(test_words_change_during_calls),
        cmocka_unit_test(test_futex_words_are_abused),
        cmocka_unit_test(test_clients_that_never_wake),
        cmocka_unit_test(test_disconnect_in_every_state),
        cmocka_unit_test(test_end_of_one_client_is_not_that_of_the_next),
        cmocka_unit_test(test_descriptors_are_not_taken),
        cmocka_unit_test(test_overlapping_vectors_of_the_application),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_service_dies_under_its_clients),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
