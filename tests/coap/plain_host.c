/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/coap/plain_host.h"

#include "tests/coap/link.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t plain_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void give_up(const char *what)
{
    perror(what);
    exit(2);
}

void plain_open(plain_host *h, uint16_t port, uint8_t szx)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
    tsr_coap_config config = { .peers = HOST_PEERS,
                               .exchanges = 32,
                               .exchange_len = 1300,
                               .bodies = 8,
                               .body_len = 65536,
                               .seen = 2048,
                               .log_len = 1 << 18,
                               .watches = 8,
                               .watch_len = 128,
                               .seed =
                                   (uint64_t)time(NULL) * 0x9e3779b97f4a7c15u + (uint64_t)getpid(),
                               .params = tsr_coap_params_default() };
    size_t len;

    config.params.szx = szx;
    config.params.nstart = 3; /* uploads at the same time */
    len = tsr_coap_memory(&config);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (h->fd < 0 || bind(h->fd, (const struct sockaddr *)&here, sizeof here) != 0)
        give_up("socket on 127.0.0.1");
    if (link_place(&h->coap, &config, malloc(len), len) != TSR_OK)
        give_up("engine");
}

uint16_t plain_port(const plain_host *h)
{
    struct sockaddr_in here;
    socklen_t len = sizeof here;

    if (getsockname(h->fd, (struct sockaddr *)&here, &len) != 0)
        give_up("getsockname");
    return ntohs(here.sin_port);
}

tsr_coap_peer plain_peer(plain_host *h, uint16_t port)
{
    tsr_coap_peer free_one = 0;

    for (tsr_coap_peer i = 0; i < HOST_PEERS; i++) {
        if (ntohs(h->peer[i].sin_port) == port)
            return i;
        if (h->peer[i].sin_port == 0)
            free_one = i;
    }
    if (h->peer[free_one].sin_port != 0) /* all taken: the first one is forgotten */
        tsr_coap_peer_gone(&h->coap, free_one);
    h->peer[free_one] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    h->peer[free_one].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return free_one;
}

static void events(plain_host *h)
{
    tsr_coap_event event;

    while (tsr_coap_event_next(&h->coap, &event))
        h->on_event(h->user, &event, plain_now_ms());
}

static void send_all(plain_host *h)
{
    uint8_t room[1400];

    for (;;) {
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_coap_peer peer;
        tsr_err err = tsr_coap_poll(&h->coap, &peer, &out, plain_now_ms());

        events(h);
        if (err == TSR_END)
            return;
        if (err != TSR_OK)
            give_up("poll");
        if ((unsigned)rand() % 100 < h->loss_percent)
            continue;
        (void)sendto(h->fd, room, out.len, 0, (const struct sockaddr *)&h->peer[peer],
                     sizeof h->peer[peer]);
    }
}

void plain_turn(plain_host *h, uint64_t until_ms)
{
    uint64_t now_ms, due_ms;
    struct pollfd p = { .fd = h->fd, .events = POLLIN };
    static uint8_t room[65536];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;

    send_all(h);
    now_ms = plain_now_ms();
    due_ms = tsr_coap_due_ms(&h->coap);
    due_ms = due_ms < until_ms ? due_ms : until_ms;
    if (poll(&p, 1, due_ms > now_ms ? (int)(due_ms - now_ms) : 0) > 0) {
        ssize_t n = recvfrom(h->fd, room, sizeof room, 0, (struct sockaddr *)&from, &from_len);

        if (n >= 0)
            (void)tsr_coap_feed(&h->coap, plain_peer(h, ntohs(from.sin_port)),
                                tsr_view(room, (size_t)n), plain_now_ms());
        events(h);
    }
    send_all(h);
}
