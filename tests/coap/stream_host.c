/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/coap/stream_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t host_now_ms(void)
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

void host_start(stream_host *h, uint32_t message_len)
{
    h->listen_fd = -1;
    h->message_len = message_len;
    for (size_t i = 0; i < HOST_LINKS; i++)
        h->link[i].fd = -1;
}

/* ---- links ---- */

static host_link *take_fd(stream_host *h, int fd)
{
    tsr_coap_stream_config config = { .exchanges = 16,
                                      .exchange_len = 1300,
                                      .bodies = 8,
                                      .body_len = 65536,
                                      .message_len = h->message_len,
                                      .out_len = 20000,
                                      .watches = 4,
                                      .watch_len = 128,
                                      .seed = (uint64_t)time(NULL) * 0x9e3779b97f4a7c15u,
                                      .response_wait_ms = 60000 };
    size_t i = 0, len;
    void *memory;

    while (i < HOST_LINKS && h->link[i].fd >= 0)
        i++;
    if (i == HOST_LINKS || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        (void)close(fd);
        return NULL;
    }

    host_link *l = &h->link[i];

    config.peer = (tsr_coap_peer)i;
    config.seed += (uint64_t)getpid() << 32 | i;
    if (l->coap.slots == NULL) {
        len = tsr_coap_stream_memory(&config);
        memory = malloc(len);
        if (memory == NULL || tsr_coap_stream_init(&l->coap, &config, memory, len) != TSR_OK)
            give_up("engine");
    }
    l->fd = fd;
    l->in_len = l->out_len = 0;
    l->blocked = false;
    if (tsr_coap_stream_open(&l->coap, host_now_ms()) != TSR_OK)
        give_up("open");
    return l;
}

uint16_t host_listen(stream_host *h)
{
    struct sockaddr_in here = { .sin_family = AF_INET };
    socklen_t len = sizeof here;

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (h->listen_fd < 0 || bind(h->listen_fd, (const struct sockaddr *)&here, len) != 0 ||
        listen(h->listen_fd, 8) != 0 ||
        getsockname(h->listen_fd, (struct sockaddr *)&here, &len) != 0)
        give_up("socket on 127.0.0.1");
    return ntohs(here.sin_port);
}

host_link *host_connect(stream_host *h, uint16_t port)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&there, sizeof there) != 0)
        give_up("connect");

    host_link *l = take_fd(h, fd);

    if (l == NULL)
        give_up("no place for a connection");
    return l;
}

static void events(stream_host *h, host_link *l)
{
    tsr_coap_event event;

    while (tsr_coap_stream_event_next(&l->coap, &event))
        h->on_event(l, &event, host_now_ms());
}

static void shut(stream_host *h, host_link *l)
{
    (void)close(l->fd);
    tsr_coap_stream_closed(&l->coap);
    events(h, l);
    l->fd = -1;
    if (h->on_closed != NULL)
        h->on_closed(l);
}

/* ---- bytes ---- */

/* False: the link broke. */
static bool flush(stream_host *h, host_link *l)
{
    for (;;) {
        ssize_t n;

        if (l->out_len == 0) {
            tsr_buf out = tsr_buf_over(l->out, sizeof l->out);

            (void)tsr_coap_stream_poll(&l->coap, &out, host_now_ms());
            l->out_len = out.len;
            events(h, l);
        }
        if (l->out_len == 0)
            return true;
        n = send(l->fd, l->out, l->out_len, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        memmove(l->out, l->out + n, l->out_len - (size_t)n);
        l->out_len -= (size_t)n;
    }
}

static void feed(stream_host *h, host_link *l)
{
    tsr_bytes in = { l->in, l->in_len };

    do {
        l->blocked = tsr_coap_stream_feed(&l->coap, &in, host_now_ms()) == TSR_E_SPACE;
        events(h, l);
    } while (in.len != 0 && !l->blocked);
    memmove(l->in, in.ptr, in.len);
    l->in_len = in.len;
}

static bool read_some(stream_host *h, host_link *l)
{
    ssize_t n = recv(l->fd, l->in + l->in_len, sizeof l->in - l->in_len, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    if (n > 0) {
        l->in_len += (size_t)n;
        feed(h, l);
    }
    return true;
}

static void turn_link(stream_host *h, host_link *l, short ready)
{
    bool good = true;

    if (l->blocked)
        feed(h, l);
    if (!l->blocked && (ready & (POLLIN | POLLHUP | POLLERR)) != 0)
        good = read_some(h, l);
    good = flush(h, l) && good;
    if (!good || (tsr_coap_stream_over(&l->coap) && l->out_len == 0))
        shut(h, l);
}

void host_turn(stream_host *h, uint64_t until_ms)
{
    struct pollfd p[HOST_LINKS + 1] = { { .fd = h->listen_fd, .events = POLLIN } };
    uint64_t due_ms = until_ms, now_ms;
    int fd;

    for (size_t i = 0; i < HOST_LINKS; i++) { /* what was asked between the turns goes first */
        if (h->link[i].fd >= 0)
            turn_link(h, &h->link[i], 0);
    }
    for (size_t i = 0; i < HOST_LINKS; i++) {
        const host_link *l = &h->link[i];

        p[i + 1] = (struct pollfd){ .fd = l->fd };
        if (l->fd < 0)
            continue;
        p[i + 1].events =
            (short)((l->blocked ? 0 : POLLIN) | (l->out_len != 0 || l->blocked ? POLLOUT : 0));
        if (tsr_coap_stream_due_ms(&l->coap) < due_ms)
            due_ms = tsr_coap_stream_due_ms(&l->coap);
    }
    now_ms = host_now_ms();
    if (poll(p, HOST_LINKS + 1, due_ms > now_ms ? (int)(due_ms - now_ms) : 0) < 0)
        return;
    if (p[0].revents != 0 && (fd = accept(h->listen_fd, NULL, NULL)) >= 0)
        (void)take_fd(h, fd);
    for (size_t i = 0; i < HOST_LINKS; i++)
        if (p[i + 1].fd >= 0)
            turn_link(h, &h->link[i], p[i + 1].revents);
}
