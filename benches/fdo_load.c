/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices of FDO, many in one thread, each an engine with buffers of its own and a connection that is kept:
 *     bench_fdo_load 256|384 COUNT            keys in the process
 *     bench_fdo_device 256|384 COUNT SOCKET   keys behind the wall of tessera-secured
 * Reads orders from its standard input and answers each with a line when all devices are that far:
 *     di PORT    all are made by the manufacturer there
 *     to1        all know where their owner is, and go no further
 *     until N    all have the answer N, which they have not looked at yet (N odd), or would send N next (N even)
 *     until 0    all are onboarded
 * The line has what it took: seconds=, bytes= of the answers; and of one device engine=, the bytes of its context,
 * stack=, the deepest that the engine's calls came (of a single device only), used= of its buffers at most.
 * All devices share one attestation key and one secret. `di_turn` and `onboard_turn` are what callgrind counts. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <ucontext.h>

#include "benches/fdo_wire.h"
#include "tests/fdohost/plain_device.h"

#ifdef OVER_THE_WALL
#include "ports/linux/gate/gate.h"
#endif

enum { SMALL = 512, LARGE = 1536, PAINT = 96 * 1024, PATTERN = 0xa5 };

typedef struct {
    tsr_fdo_device engine;
    uint8_t credential[SMALL], next[SMALL], redirect[SMALL], message[LARGE], in[LARGE], out[LARGE];
    fdo_wire wire;
    tsr_fdo_send send;
    bool begins, has_send, made, onboarded;
} device;

static struct {
    device *all;
    size_t count, reached;
    uint16_t di_port;
    uint8_t until; /* where all stop; 0: at the end of the protocol */
    int epoll;
    tsr_fdo_device_config config;
    uint64_t bytes;
    size_t stack, used;
} here;

_Noreturn static void give_up(const char *what)
{
    (void)fprintf(stderr, "fdo_load: %s\n", what);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t now_ms(void) { return (uint64_t)(seconds() * 1000); }

/* --- keys and engines ------------------------------------------------------------------- */

static void configure(bool large)
{
    static const tsr_fdo_kex_method *const kex[] = { &tsr_fdo_ecdh256, &tsr_fdo_ecdh384 };

    if (!plain_device(&here.config, large))
        give_up("its keys could not be made");
    here.config.kex = kex + large;
    here.config.kex_count = 1;
    here.config.cipher = large ? &tsr_fdo_a256gcm : &tsr_fdo_a128gcm;
}

static void make_device(device *d, uint32_t number)
{
    const tsr_fdo_buffers b = {
        tsr_buf_over(d->credential, sizeof d->credential), tsr_buf_over(d->next, sizeof d->next),
        tsr_buf_over(d->redirect, sizeof d->redirect),     tsr_buf_over(d->message, sizeof d->message),
        tsr_buf_over(d->in, sizeof d->in),                 tsr_buf_over(d->out, sizeof d->out),
        { .len = 0 },
    };

    fdo_wire_init(&d->wire, here.epoll, number);
    if (tsr_fdo_device_init(&d->engine, &here.config, &b, tsr_view(NULL, 0)) != TSR_OK)
        give_up("an engine could not be made");
}

/* --- the engine's turn ------------------------------------------------------------------ */

/* A protocol begins, or there is an answer; and what is to be sent next. */
static void turn(device *d, bool di)
{
    tsr_err err = TSR_OK;

    if (d->begins)
        err = di ? tsr_fdo_device_begin_di(&d->engine) : tsr_fdo_device_begin(&d->engine, now_ms());
    else if (d->wire.type != 0)
        (void)tsr_fdo_device_feed(&d->engine, d->wire.type, tsr_view(d->wire.body, d->wire.len),
                                  now_ms());
    if (err != TSR_OK)
        give_up("a protocol could not begin");
    d->begins = false;
    d->wire.type = 0;
    d->has_send = tsr_fdo_device_poll(&d->engine, now_ms(), &d->send) == TSR_OK;
}

void di_turn(device *d);
void onboard_turn(device *d);
__attribute__((noinline)) void di_turn(device *d) { turn(d, true); }
__attribute__((noinline)) void onboard_turn(device *d) { turn(d, false); }

/* The same on a stack that was painted before: gives how much of it is painted over. */
static struct {
    ucontext_t here, there;
    uint8_t room[PAINT];
    device *d;
    bool di;
} painted;

static void on_painted(void)
{
    if (painted.di)
        di_turn(painted.d);
    else
        onboard_turn(painted.d);
}

static size_t turn_on_painted(device *d, bool di)
{
    size_t i = 0;

    memset(painted.room, PATTERN, sizeof painted.room);
    painted.d = d;
    painted.di = di;
    (void)getcontext(&painted.there);
    painted.there.uc_stack.ss_sp = painted.room;
    painted.there.uc_stack.ss_size = sizeof painted.room;
    painted.there.uc_link = &painted.here;
    makecontext(&painted.there, on_painted, 0);
    (void)swapcontext(&painted.here, &painted.there);
    while (i < sizeof painted.room && painted.room[i] == PATTERN)
        i++;
    return sizeof painted.room - i;
}

static void note_buffers(const device *d)
{
    const tsr_fdo_buffers *b = &d->engine.b;
    size_t used = b->credential.len + b->next.len + b->redirect.len + b->message.len + b->in.len +
                  b->out.len;

    here.used = used > here.used ? used : here.used;
}

static void take_turn(device *d, bool di)
{
    tsr_fdo_event e;
    size_t stack = 0;

    if (here.count == 1) /* it takes time */
        stack = turn_on_painted(d, di);
    else if (di)
        di_turn(d);
    else
        onboard_turn(d);
    here.stack = stack > here.stack ? stack : here.stack;
    note_buffers(d);
    while (tsr_fdo_device_event(&d->engine, &e)) {
        if (e.kind == TSR_FDO_EV_FAILED) {
            (void)fprintf(stderr, "fdo_load: message %u, code %u: %s\n", e.message, e.code, e.what);
            give_up("a device failed");
        }
        d->made |= e.kind == TSR_FDO_EV_MADE;
        d->onboarded |= e.kind == TSR_FDO_EV_ONBOARDED;
    }
}

/* --- a phase ---------------------------------------------------------------------------- */

static void send_or_stop(device *d, bool di)
{
    uint16_t port = di ? here.di_port : 0;

    if (!d->has_send && (here.until != 0 || !(di ? d->made : d->onboarded)))
        give_up("a device has nothing to send");
    if (!d->has_send || d->send.type == here.until) {
        here.reached++;
        return;
    }
    if (d->send.to != NULL)
        port = d->send.to->port;
    d->has_send = false;
    if (!fdo_wire_send(&d->wire, port, d->send.type, d->send.first, d->send.body))
        give_up("a message could not be sent");
}

static void answered(device *d, bool di)
{
    here.bytes += d->wire.len;
    if (d->wire.type == here.until) {
        here.reached++;
        return;
    }
    take_turn(d, di);
    send_or_stop(d, di);
}

static void serve(bool di)
{
    struct epoll_event events[64];
    int n = epoll_wait(here.epoll, events, 64, 120000);

    if (n <= 0)
        give_up("no answer for two minutes");
    for (int i = 0; i < n; i++) {
        device *d = &here.all[events[i].data.u32];
        fdo_wire_state state = fdo_wire_next(&d->wire);

        if (state == FDO_WIRE_BROKEN)
            give_up("a connection broke, or an answer was none of FDO");
        if (state == FDO_WIRE_ANSWERED)
            answered(d, di);
    }
}

static void run(bool di, uint8_t until)
{
    double begun = seconds();

    here.until = until;
    here.reached = 0;
    here.bytes = 0;
    for (size_t i = 0; i < here.count; i++) {
        device *d = &here.all[i];

        if (!d->has_send)
            take_turn(d, di);
        send_or_stop(d, di);
    }
    while (here.reached < here.count)
        serve(di);
    (void)printf("devices=%zu seconds=%.6f bytes=%llu engine=%zu stack=%zu used=%zu\n", here.count,
                 seconds() - begun, (unsigned long long)here.bytes, sizeof(tsr_fdo_device),
                 here.stack, here.used);
    (void)fflush(stdout);
}

static void begin_all(void)
{
    for (size_t i = 0; i < here.count; i++) {
        here.all[i].begins = true;
        here.all[i].has_send = false;
    }
}

static void obey(const char *line)
{
    unsigned n = 0;

    if (sscanf(line, "di %u", &n) == 1) {
        here.di_port = (uint16_t)n;
        begin_all();
        run(true, 0);
    } else if (strcmp(line, "to1\n") == 0) {
        begin_all();
        run(false, TSR_FDO_TO2_HELLO_DEVICE);
    } else if (sscanf(line, "until %u", &n) == 1) {
        run(false, (uint8_t)n);
    } else {
        give_up("an order that is none");
    }
}

int main(int argc, char **argv)
{
    char line[64];
    struct rlimit files;

    if (argc < 3)
        give_up("usage: 256|384 COUNT");
#ifdef OVER_THE_WALL
    if (argc < 4 || tsr_gate_socket(argv[3]) != PSA_SUCCESS)
        give_up("usage: 256|384 COUNT SOCKET");
#endif
    here.count = (size_t)atoi(argv[2]);
    here.all = calloc(here.count, sizeof *here.all);
    here.epoll = epoll_create1(0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (here.all == NULL || here.epoll < 0 || psa_crypto_init() != PSA_SUCCESS)
        give_up("no memory, no descriptors, or no PSA");
    configure(strcmp(argv[1], "384") == 0);
    for (size_t i = 0; i < here.count; i++)
        make_device(&here.all[i], (uint32_t)i);
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(line);
    return 0;
}
