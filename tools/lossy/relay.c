/* SPDX-License-Identifier: Apache-2.0
 *
 * One socket towards all clients, and one per client towards the server, as a NAT has. Every
 * datagram is lost, doubled or delayed by the dice and waits in a heap until its time. */
#include "tools/lossy/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 1000, PENDING = 8192, DATAGRAM = 2048, REORDER_MS = 60 };

typedef struct {
    struct sockaddr_in from;
    int fd; /* towards the server */
    uint64_t born_ms, used_ms;
} client;

typedef struct {
    uint64_t at_ms, order;
    int fd; /* to send on */
    struct sockaddr_in to;
    size_t len;
    uint8_t bytes[DATAGRAM];
} datagram;

typedef struct {
    const relay_options *o;
    relay_counts *n;
    int fd; /* towards the clients */
    client clients[CLIENTS];
    size_t client_count;
    datagram *heap[PENDING];
    size_t heap_len;
    uint64_t order, random;
    struct pollfd fds[CLIENTS + 1];
} relay;

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* splitmix64 */
static uint64_t roll(relay *r)
{
    uint64_t z = r->random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool chance(relay *r, unsigned percent) { return roll(r) % 100 < percent; }

static bool before(const datagram *a, const datagram *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void heap_put(relay *r, datagram *d)
{
    size_t i = r->heap_len++;

    for (; i > 0 && before(d, r->heap[(i - 1) / 2]); i = (i - 1) / 2)
        r->heap[i] = r->heap[(i - 1) / 2];
    r->heap[i] = d;
}

static datagram *heap_take(relay *r)
{
    datagram *top = r->heap[0], *last = r->heap[--r->heap_len];
    size_t i = 0;

    for (size_t child = 1; child < r->heap_len; child = 2 * i + 1) {
        if (child + 1 < r->heap_len && before(r->heap[child + 1], r->heap[child]))
            child++;
        if (!before(r->heap[child], last))
            break;
        r->heap[i] = r->heap[child];
        i = child;
    }
    if (r->heap_len > 0)
        r->heap[i] = last;
    return top;
}

static void enqueue(relay *r, int fd, const struct sockaddr_in *to, const uint8_t *bytes,
                    size_t len)
{
    unsigned spread = r->o->delay_max_ms - r->o->delay_min_ms;
    uint64_t delay = r->o->delay_min_ms + (spread ? roll(r) % (spread + 1) : 0);
    datagram *d;

    if (r->heap_len == PENDING || (d = malloc(sizeof(*d))) == NULL) {
        r->n->lost++;
        return;
    }
    if (chance(r, r->o->reorder)) {
        delay += REORDER_MS; /* later than what follows it */
        r->n->late++;
    }
    d->at_ms = now_ms() + delay;
    d->order = r->order++;
    d->fd = fd;
    d->to = *to;
    d->len = len;
    memcpy(d->bytes, bytes, len);
    heap_put(r, d);
}

static void treat(relay *r, int fd, const struct sockaddr_in *to, const uint8_t *bytes, size_t len)
{
    r->n->received++;
    if (chance(r, r->o->loss)) {
        r->n->lost++;
        return;
    }
    enqueue(r, fd, to, bytes, len);
    if (chance(r, r->o->dup)) {
        r->n->doubled++;
        enqueue(r, fd, to, bytes, len);
    }
}

static int open_socket(const struct sockaddr_in *local)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && local && bind(fd, (const struct sockaddr *)local, sizeof(*local)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* What waits for a socket that is about to be closed is lost with it. */
static void forget_pending(relay *r, int fd)
{
    for (size_t i = 0; i < r->heap_len; i++)
        if (r->heap[i]->fd == fd)
            r->heap[i]->fd = -1;
}

static client *oldest(relay *r)
{
    client *c = &r->clients[0];

    for (size_t i = 1; i < r->client_count; i++)
        if (r->clients[i].used_ms < c->used_ms)
            c = &r->clients[i];
    return c;
}

static client *find_client(relay *r, const struct sockaddr_in *from)
{
    client *c = NULL;

    for (size_t i = 0; i < r->client_count && c == NULL; i++)
        if (r->clients[i].from.sin_port == from->sin_port &&
            r->clients[i].from.sin_addr.s_addr == from->sin_addr.s_addr)
            c = &r->clients[i];
    if (c == NULL) {
        if (r->client_count < CLIENTS) {
            c = &r->clients[r->client_count++];
        } else {
            c = oldest(r);
            forget_pending(r, c->fd);
            close(c->fd);
        }
        *c = (client){ .from = *from, .fd = open_socket(NULL), .born_ms = now_ms() };
    }
    c->used_ms = now_ms();
    return c;
}

/* The new socket is opened first, so that the port is sure to be another. */
static void rebind_old_ones(relay *r)
{
    uint64_t now = now_ms();

    for (size_t i = 0; r->o->rebind_s != 0 && i < r->client_count; i++) {
        client *c = &r->clients[i];
        int fd;

        if (now - c->born_ms < r->o->rebind_s * 1000u || (fd = open_socket(NULL)) < 0)
            continue;
        c->born_ms = now;
        forget_pending(r, c->fd);
        close(c->fd);
        c->fd = fd;
        r->n->rebinds++;
    }
}

static void from_clients(relay *r)
{
    uint8_t bytes[DATAGRAM];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t n;

    while ((n = recvfrom(r->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len)) >=
           0) {
        client *c = find_client(r, &from);

        if (c->fd >= 0)
            treat(r, c->fd, &r->o->to, bytes, (size_t)n);
        from_len = sizeof(from);
    }
}

static void from_server(relay *r, const client *c)
{
    uint8_t bytes[DATAGRAM];
    ssize_t n;

    while ((n = recv(c->fd, bytes, sizeof(bytes), 0)) >= 0)
        treat(r, r->fd, &c->from, bytes, (size_t)n);
}

static void deliver_due(relay *r)
{
    uint64_t now = now_ms();

    while (r->heap_len > 0 && r->heap[0]->at_ms <= now) {
        datagram *d = heap_take(r);

        if (d->fd >= 0 &&
            sendto(d->fd, d->bytes, d->len, 0, (struct sockaddr *)&d->to, sizeof(d->to)) >= 0)
            r->n->delivered++;
        free(d);
    }
}

static int wait_ms(const relay *r)
{
    uint64_t now = now_ms(), longest = 250;

    if (r->heap_len == 0)
        return (int)longest;
    if (r->heap[0]->at_ms <= now)
        return 0;
    return (int)(r->heap[0]->at_ms - now < longest ? r->heap[0]->at_ms - now : longest);
}

static void turn(relay *r)
{
    size_t count = r->client_count;

    r->fds[0] = (struct pollfd){ r->fd, POLLIN, 0 };
    for (size_t i = 0; i < count; i++)
        r->fds[i + 1] = (struct pollfd){ r->clients[i].fd, POLLIN, 0 };
    if (poll(r->fds, (nfds_t)(count + 1), wait_ms(r)) > 0) {
        for (size_t i = 0; i < count; i++)
            if (r->fds[i + 1].revents)
                from_server(r, &r->clients[i]);
        if (r->fds[0].revents)
            from_clients(r);
    }
    deliver_due(r);
    rebind_old_ones(r);
}

int relay_run(const relay_options *options, const volatile int *stop, void (*ready)(uint16_t port),
              relay_counts *counts)
{
    relay *r = calloc(1, sizeof(*r));
    struct sockaddr_in bound;
    socklen_t len = sizeof(bound);

    if (r == NULL)
        return -1;
    r->o = options;
    r->n = counts;
    r->random = options->seed;
    r->fd = open_socket(&options->listen);
    if (r->fd < 0 || getsockname(r->fd, (struct sockaddr *)&bound, &len) != 0) {
        free(r);
        return -1;
    }
    ready(ntohs(bound.sin_port));
    while (!*stop)
        turn(r);
    while (r->heap_len > 0)
        free(heap_take(r));
    for (size_t i = 0; i < r->client_count; i++)
        if (r->clients[i].fd >= 0)
            close(r->clients[i].fd);
    close(r->fd);
    free(r);
    return 0;
}
