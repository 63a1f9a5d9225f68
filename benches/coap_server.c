/* SPDX-License-Identifier: Apache-2.0
 *
 * coap_server PORT PEERS [SEEN]: our engine behind recvmmsg and sendmmsg, as plain as a real server
 * can be: peers are numbered by a keyed hash of their address, GET is answered with 16 bytes,
 * everything else with 4.05. SEEN: how many messages are remembered for duplicates (32,768; above
 * 65,535 a load that runs through all Message IDs of one port in 247 s meets its own duplicates).
 * Port 0: any; prints the port. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tessera/coap/engine.h"

enum { BATCH = 64, LEN = 1500, BUFFER = 8 << 20 };

typedef struct { /* one cache line holds two */
    struct sockaddr_in address;
    uint32_t next, unused[3];
} peer;

typedef struct {
    peer *peer; /* by number */
    tsr_index index;
    uint32_t count, cap;
    uint64_t key;
} peers;

static uint8_t in[BATCH][LEN], out[BATCH][LEN];
static struct sockaddr_in from[BATCH];
static struct iovec in_part[BATCH], out_part[BATCH];
static struct mmsghdr in_message[BATCH], out_message[BATCH];
static tsr_coap coap;
static peers known;

static void *must(void *memory)
{
    if (memory == NULL)
        exit(3);
    return memory;
}

static uint32_t *head_of(const struct sockaddr_in *a)
{
    return tsr_index_head(&known.index,
                          tsr_hash_u64(known.key, (uint64_t)a->sin_addr.s_addr << 16 | a->sin_port));
}

static uint32_t peer_of(const struct sockaddr_in *a, uint32_t *head)
{
    for (uint32_t i = *head; i != TSR_NONE; i = known.peer[i].next)
        if (known.peer[i].address.sin_port == a->sin_port &&
            known.peer[i].address.sin_addr.s_addr == a->sin_addr.s_addr)
            return i;
    if (known.count == known.cap)
        return TSR_NONE;
    known.peer[known.count] = (peer){ .address = *a, .next = *head };
    *head = known.count;
    return known.count++;
}

static void open_engine(uint32_t peer_count, uint32_t seen)
{
    uint32_t heads = 1;
    tsr_coap_config config = { .peers = peer_count,
                               .exchanges = 1024,
                               .exchange_len = 1280,
                               .bodies = 64,
                               .body_len = 4096,
                               .seen = seen,
                               .log_len = seen * 48u,
                               .seed = 1 };
    size_t len;

    if (getentropy(&config.seed, sizeof config.seed) != 0)
        exit(3);
    len = tsr_coap_memory(&config);
    if (tsr_coap_init(&coap, &config, must(calloc(1, len)), len) != TSR_OK)
        exit(3);
    while (heads < peer_count)
        heads *= 2;
    known = (peers){ .peer = must(aligned_alloc(64, (peer_count + 1u) / 2u * 64u)),
                     .cap = peer_count,
                     .key = config.seed * 3 };
    (void)tsr_index_init(&known.index, must(calloc(heads, sizeof(uint32_t))), heads);
}

static int open_socket(uint16_t port)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = BUFFER;

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&here, sizeof here) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &len) != 0) {
        perror("socket on 127.0.0.1");
        exit(2);
    }
    printf("%u\n", (unsigned)ntohs(here.sin_port));
    fflush(stdout);
    return fd;
}

static uint64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void answer(uint64_t now_ms)
{
    static const tsr_coap_response content = { .code = TSR_COAP_CONTENT,
                                               .content_format = { true, 0 },
                                               .payload = { (const uint8_t *)"0123456789abcdef",
                                                            16 } };
    static const tsr_coap_response not_allowed = { .code = TSR_COAP_METHOD_NOT_ALLOWED };
    tsr_coap_event e;

    while (tsr_coap_event_next(&coap, &e))
        if (e.kind == TSR_COAP_REQUEST)
            (void)tsr_coap_respond(&coap, e.id,
                                   e.msg->code == TSR_COAP_GET ? &content : &not_allowed, now_ms);
}

static void send_all(int fd, uint64_t now_ms)
{
    for (;;) {
        unsigned n = 0;
        tsr_coap_peer to;

        for (; n < BATCH; n++) {
            tsr_buf datagram = tsr_buf_over(out[n], LEN);

            if (tsr_coap_poll(&coap, &to, &datagram, now_ms) != TSR_OK)
                break;
            out_part[n] = (struct iovec){ out[n], datagram.len };
            out_message[n].msg_hdr = (struct msghdr){ .msg_name = &known.peer[to].address,
                                                      .msg_namelen = sizeof known.peer[to].address,
                                                      .msg_iov = &out_part[n],
                                                      .msg_iovlen = 1 };
        }
        for (unsigned sent = 0; sent < n;) {
            int k = sendmmsg(fd, out_message + sent, n - sent, 0);

            if (k <= 0)
                exit(1);
            sent += (unsigned)k;
        }
        if (n < BATCH)
            return;
    }
}

static int receive(int fd)
{
    for (unsigned i = 0; i < BATCH; i++) {
        in_part[i] = (struct iovec){ in[i], LEN };
        in_message[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
                                                 .msg_namelen = sizeof from[i],
                                                 .msg_iov = &in_part[i],
                                                 .msg_iovlen = 1 };
    }
    return recvmmsg(fd, in_message, BATCH, MSG_WAITFORONE, NULL);
}

/* Waits only when the engine has a deadline; blocking in recvmmsg is enough otherwise. */
static void wait_for_input(int fd)
{
    uint64_t due_ms = tsr_coap_due_ms(&coap), now_ms = clock_ms();
    struct pollfd p = { .fd = fd, .events = POLLIN };

    if (due_ms == UINT64_MAX)
        return;
    if (poll(&p, 1, due_ms > now_ms ? (int)(due_ms - now_ms) : 0) == 0)
        send_all(fd, clock_ms());
}

/* Every datagram of a batch: all table look-ups are begun before the first answer is needed, so
 * that with many peers their cache misses overlap. */
static void take(int n, uint64_t now_ms)
{
    uint32_t *head[BATCH];

    for (int i = 0; i < n; i++)
        __builtin_prefetch(head[i] = head_of(&from[i]));
    for (int i = 0; i < n; i++)
        if (*head[i] != TSR_NONE)
            __builtin_prefetch(&known.peer[*head[i]]);
    for (int i = 0; i < n; i++) {
        uint32_t number = peer_of(&from[i], head[i]);

        if (number == TSR_NONE)
            continue;
        (void)tsr_coap_feed(&coap, number, tsr_view(in[i], in_message[i].msg_len), now_ms);
        answer(now_ms);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    open_engine((uint32_t)strtoul(argv[2], NULL, 10),
                argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 32768);

    int fd = open_socket((uint16_t)strtoul(argv[1], NULL, 10));

    for (;;) {
        wait_for_input(fd);

        int n = receive(fd);
        uint64_t now_ms = clock_ms();

        take(n, now_ms);
        send_all(fd, now_ms);
    }
}
