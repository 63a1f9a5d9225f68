/* SPDX-License-Identifier: Apache-2.0
 *
 * coap_load PORT TOTAL WINDOW SOCKETS [con|non|echo] [PATH]: asks a CoAP server on loopback, at
 * most TOTAL times, with WINDOW requests outstanding, in turn from SOCKETS ports. Every request has
 * a fresh Message ID and a token of 4 bytes with its number; an answer counts when its number is
 * outstanding and it is a 2.05 (echo: anything). After a second without progress the window is
 * issued again and counted as lost. Prints "answered N lost N bad N other N seconds S"; exit code 1
 * unless all were answered well. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, LEN = 1500, SLOTS = 4096, BUFFER = 1 << 20 };

typedef struct {
    int *fd;
    unsigned sockets, at; /* the socket whose turn it is */
    int epoll;
    unsigned long total, window, issued, open, answered, lost, bad, other;
    unsigned long slot[SLOTS]; /* number + 1 of the request outstanding there */
    int echo;
    unsigned char request[256];
    size_t len;
} load;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void give_up(const char *what)
{
    perror(what);
    exit(2);
}

static void connect_all(load *l, unsigned short port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct rlimit files = { l->sockets + 64, l->sockets + 64 };
    int buffer = BUFFER;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setrlimit(RLIMIT_NOFILE, &files); /* when refused, use several processes */
    l->fd = calloc(l->sockets, sizeof *l->fd);
    l->epoll = epoll_create1(0);
    for (unsigned i = 0; i < l->sockets; i++) {
        struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

        l->fd[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (l->fd[i] < 0 || connect(l->fd[i], (const struct sockaddr *)&to, sizeof to) != 0)
            give_up("socket");
        if (l->sockets < 8)
            setsockopt(l->fd[i], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->fd[i], &e) != 0)
            give_up("epoll_ctl");
    }
}

/* GET with room for Message ID and token. */
static void make_request(load *l, int non, const char *path)
{
    unsigned char *m = l->request;
    unsigned last = 0;

    m[0] = (unsigned char)(non ? 0x54 : 0x44);
    m[1] = 1;
    l->len = 8;
    while (*path != '\0') {
        size_t n = strcspn(path, "/");

        if (n != 0 && n < 13 && l->len + n + 1 < sizeof l->request) {
            m[l->len++] = (unsigned char)((11 - last) << 4 | n);
            memcpy(m + l->len, path, n);
            l->len += n;
            last = 11;
        }
        path += n + (path[n] == '/');
    }
}

/* The next `n` requests from one socket. */
static void issue(load *l, int fd, unsigned n)
{
    static unsigned char bytes[BATCH][256];
    struct iovec part[BATCH];
    struct mmsghdr message[BATCH];

    for (unsigned i = 0; i < n; i++) {
        unsigned long number = l->issued++;
        unsigned char *m = bytes[i];

        memcpy(m, l->request, l->len);
        m[2] = (unsigned char)(number >> 8);
        m[3] = (unsigned char)number;
        for (unsigned k = 0; k < 4; k++)
            m[4 + k] = (unsigned char)(number >> (24 - 8 * k));
        l->slot[number % SLOTS] = number + 1;
        l->open++;
        part[i] = (struct iovec){ m, l->len };
        memset(&message[i], 0, sizeof message[i]);
        message[i].msg_hdr.msg_iov = &part[i];
        message[i].msg_hdr.msg_iovlen = 1;
    }
    (void)sendmmsg(fd, message, n, 0); /* what does not go is lost, and counted so */
}

static void fill_window(load *l)
{
    while (l->open < l->window && l->issued - l->lost < l->total) {
        unsigned long n = l->window - l->open, left = l->total - (l->issued - l->lost);

        n = n < left ? n : left;
        n = l->sockets > 1 ? 1 : n < BATCH ? n : BATCH; /* in turn over all sockets */
        issue(l, l->fd[l->at], (unsigned)n);
        l->at = l->at + 1 < l->sockets ? l->at + 1 : 0;
    }
}

static void take(load *l, const unsigned char *m, size_t len)
{
    unsigned long number = 0;

    if (len < 8 || (m[0] & 0xcf) != 0x44) {
        l->bad++;
        return;
    }
    for (unsigned k = 0; k < 4; k++)
        number = number << 8 | m[4 + k];
    if (l->slot[number % SLOTS] != number + 1) {
        l->bad++;
        return;
    }
    l->slot[number % SLOTS] = 0;
    l->open--;
    if (l->echo || m[1] == 0x45)
        l->answered++;
    else
        l->other++;
}

static void receive(load *l, int fd)
{
    static unsigned char bytes[BATCH][LEN];
    struct iovec part[BATCH];
    struct mmsghdr message[BATCH];
    int n;

    for (unsigned i = 0; i < BATCH; i++) {
        part[i] = (struct iovec){ bytes[i], LEN };
        memset(&message[i], 0, sizeof message[i]);
        message[i].msg_hdr.msg_iov = &part[i];
        message[i].msg_hdr.msg_iovlen = 1;
    }
    n = recvmmsg(fd, message, l->sockets > 1 ? 4 : BATCH, 0, NULL);
    for (int i = 0; i < n; i++)
        take(l, bytes[i], message[i].msg_len);
}

static void run(load *l)
{
    struct epoll_event ready[BATCH];
    double progress = seconds();

    while (l->answered + l->other < l->total) {
        unsigned long before = l->answered + l->other;

        fill_window(l);

        int n = epoll_wait(l->epoll, ready, BATCH, 200);

        for (int i = 0; i < n; i++)
            receive(l, l->fd[ready[i].data.u32]);
        if (l->answered + l->other != before) {
            progress = seconds();
        } else if (seconds() - progress > 1.0) {
            l->lost += l->open;
            l->open = 0;
            memset(l->slot, 0, sizeof l->slot);
            progress = seconds();
            if (l->lost > 10 * l->window)
                return;
        }
    }
}

int main(int argc, char **argv)
{
    static load l;
    const char *how = argc > 5 ? argv[5] : "con";
    double start;

    if (argc < 5)
        return 2;
    l.total = strtoul(argv[2], NULL, 10);
    l.window = strtoul(argv[3], NULL, 10);
    l.sockets = (unsigned)strtoul(argv[4], NULL, 10);
    l.echo = strcmp(how, "echo") == 0;
    if (l.window == 0 || l.window > SLOTS / 2 || l.sockets == 0)
        return 2;
    make_request(&l, strcmp(how, "non") == 0, argc > 6 ? argv[6] : "/");
    connect_all(&l, (unsigned short)strtoul(argv[1], NULL, 10));
    start = seconds();
    run(&l);
    printf("answered %lu lost %lu bad %lu other %lu seconds %.3f\n", l.answered, l.lost, l.bad,
           l.other, seconds() - start);
    return l.answered == l.total && l.lost == 0 && l.bad == 0 && l.other == 0 ? 0 : 1;
}
