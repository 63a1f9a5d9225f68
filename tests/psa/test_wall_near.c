/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared memory between two cores: the service looks for the next request of a client that it
 * expects to ask again, and that client need not ring (docs/WIRE.md, "The shared-memory gate"). It
 * is lost neither when the service looks away meanwhile nor when others are to be served, and the
 * words that say so do a hostile client no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/wire/params.h"
#include "tests/psa/raw.h"
#include "tests/psa/secured.h"

#define ELSEWHERE 10000u /* a core that the service is never on */

static secured service;
static const char *const extra[] = { "--rate", "0", NULL };

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

static size_t empty_call(uint8_t *frame)
{
    const size_t block[1] = { TSR_WIRE_PARAMS };

    return raw_request(frame, TSR_CRYPTO_INIT, 1, block, 0, NULL);
}

/* As a client does it: rings unless the service looks. Returns whether it rang. */
static bool ask(raw_channel *r, const uint8_t *frame, size_t len)
{
    tsr_channel *ch = r->c.channel;

    memcpy(ch->request, frame, len);
    atomic_store(&ch->asked_len, (uint32_t)len);
    atomic_store(&ch->asked_on, ELSEWHERE);
    atomic_store(&ch->asked, ++r->c.number);
    if (atomic_load(&ch->watching) != 0)
        return false;
    raw_ring(r);
    return true;
}

/* Looks for the answer without sleep first, so that the next request comes soon. */
static int answered(const raw_channel *r)
{
    for (int i = 0; i < 2000; i++)
        if (atomic_load(&r->c.channel->answered) == r->c.number)
            return 1;
    return raw_answered(r);
}

/* Calls until `wanted` of them were answered without a ring, or for 20 s. */
static int unrung_calls(raw_channel *r, int wanted)
{
    uint8_t frame[256];
    size_t len = empty_call(frame);
    uint64_t end = raw_now_us() + 20000000u;
    int unrung = 0;

    while (unrung < wanted && raw_now_us() < end) {
        unrung += !ask(r, frame, len);
        assert_int_equal(answered(r), 1);
        assert_int_equal(raw_status(r), PSA_SUCCESS);
    }
    return unrung;
}

static void needs_two_cores(void)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) >= 2)
        return;
    print_message("skipped: with one core the service never looks while a client runs\n");
    skip();
}

static void test_next_request_is_found_without_a_ring(void **state)
{
    raw_channel r = raw_shared(service.socket);

    (void)state;
    needs_two_cores();
    assert_in_range(unrung_calls(&r, 50), 1, 50); /* few where both cores are busy */
    raw_leave(&r);
}

/* At every delay around the time that the service looks, a request is found or rung for. */
static void test_no_request_is_lost_when_it_looks_away(void **state)
{
    raw_channel r = raw_shared(service.socket);
    uint8_t frame[256];
    size_t len = empty_call(frame);

    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        uint64_t until;

        (void)ask(&r, frame, len);
        assert_int_equal(answered(&r), 1);
        (void)ask(&r, frame, len); /* soon after the first: now it looks */
        assert_int_equal(answered(&r), 1);
        until = raw_now_us() + i % 120;
        while (raw_now_us() < until)
            ;
    }
    raw_leave(&r);
}

typedef struct {
    raw_channel r;
    _Atomic bool stop;
    unsigned calls;
} greedy;

static void *ask_without_end(void *arg)
{
    greedy *g = arg;
    uint8_t frame[256];
    size_t len = empty_call(frame);

    while (!atomic_load(&g->stop)) {
        (void)ask(&g->r, frame, len);
        if (answered(&g->r) != 1)
            break;
        g->calls++;
    }
    return NULL;
}

/* Two that never pause, and a third over the socket: each gets its turns. */
static void test_others_are_served_beside_it(void **state)
{
    greedy g[2];
    pthread_t thread[2];
    uint8_t frame[256], reply[256];
    size_t len = empty_call(frame);
    int fd = raw_greeted(service.socket);

    (void)state;
    for (int i = 0; i < 2; i++) {
        g[i] = (greedy){ .r = raw_shared(service.socket) };
        assert_int_equal(pthread_create(&thread[i], NULL, ask_without_end, &g[i]), 0);
    }
    for (int i = 0; i < 500; i++) {
        assert_int_equal(send(fd, frame, len, MSG_NOSIGNAL), (ssize_t)len);
        assert_true(raw_hear(fd, reply, sizeof reply) > 0);
        assert_int_equal(psa_crypto_init(), PSA_SUCCESS); /* this process's own shared memory */
    }
    for (int i = 0; i < 2; i++) {
        atomic_store(&g[i].stop, true);
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(raw_answered(&g[i].r), 1);
        assert_true(g[i].calls > 0);
        raw_leave(&g[i].r);
    }
    (void)close(fd);
}

/* Gone while the service looks at its memory, with and without a request in it. */
static void test_clients_leave_while_it_looks(void **state)
{
    uint8_t frame[256];
    size_t len = empty_call(frame);
    long files;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    files = secured_descriptors(&service);
    for (int i = 0; i < 200; i++) {
        raw_channel r = raw_shared(service.socket);

        for (int j = 0; j < 3; j++) {
            (void)ask(&r, frame, len);
            assert_int_equal(answered(&r), 1);
        }
        if (i % 2 == 0)
            (void)ask(&r, frame, len);
        raw_leave(&r);
    }
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(secured_figure(&service, "connections="), 1);
    if (files >= 0)
        assert_int_equal(secured_descriptors(&service), files);
}

/* A client that writes the service's words fools itself: what it does not ring for may wait, and is
 * answered when it rings. */
static void test_forged_words_hurt_their_client_only(void **state)
{
    raw_channel r = raw_shared(service.socket);
    tsr_channel *ch = r.c.channel;
    uint8_t frame[256];
    size_t len = empty_call(frame);

    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        atomic_store(&ch->watching, i % 2 == 0 ? 1u : UINT32_MAX);
        atomic_store(&ch->answered_on, (uint32_t)random());
        (void)ask(&r, frame, len);
        raw_ring(&r);
        assert_int_equal(answered(&r), 1);
        assert_int_equal(raw_status(&r), PSA_SUCCESS);
        assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    }
    raw_leave(&r);
}

/* It looks for 50 us and then sleeps, whatever the client claims. */
static void test_it_does_not_look_for_ever(void **state)
{
    raw_channel r = raw_shared(service.socket);
    uint64_t end = raw_now_us() + 5000000u;

    (void)state;
    (void)unrung_calls(&r, 1);
    while (atomic_load(&r.c.channel->watching) != 0 && raw_now_us() < end)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&r.c.channel->watching), 0);
    raw_leave(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_request_is_found_without_a_ring),
        cmocka_unit_test(test_no_request_is_lost_when_it_looks_away),
        cmocka_unit_test(test_others_are_served_beside_it),
        cmocka_unit_test(test_clients_leave_while_it_looks),
        cmocka_unit_test(test_forged_words_hurt_their_client_only),
        cmocka_unit_test(test_it_does_not_look_for_ever),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
