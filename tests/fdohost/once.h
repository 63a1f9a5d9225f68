/* SPDX-License-Identifier: Apache-2.0
 *
 * A server on loopback that hears one request, says one thing, and ends. cmocka. */
#ifndef TESTS_FDOHOST_ONCE_H
#define TESTS_FDOHOST_ONCE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    int fd;
    uint16_t port;
    const char *answer;
    size_t answer_len;
    char request[4096]; /* after once_end() */
    pthread_t thread;
} once;

static inline void *once_serve(void *arg)
{
    once *s = arg;
    char rest[256];
    int peer = accept(s->fd, NULL, NULL);
    ssize_t n = peer >= 0 ? read(peer, s->request, sizeof s->request - 1) : 0;

    s->request[n > 0 ? n : 0] = '\0';
    for (size_t at = 0; peer >= 0 && at < s->answer_len;) {
        n = send(peer, s->answer + at, s->answer_len - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    (void)shutdown(peer, SHUT_WR);
    while (peer >= 0 && read(peer, rest, sizeof rest) > 0)
        ;
    (void)close(peer);
    return NULL;
}

static inline void once_begin(once *s, const char *answer, size_t answer_len)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t at_len = sizeof at;

    *s = (once){ .fd = socket(AF_INET, SOCK_STREAM, 0), .answer = answer, .answer_len = answer_len };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->fd, 1), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &at_len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, once_serve, s), 0);
}

/* The client has closed by now. */
static inline void once_end(once *s)
{
    (void)shutdown(s->fd, SHUT_RDWR); /* in case that it was never asked */
    (void)pthread_join(s->thread, NULL);
    (void)close(s->fd);
}

#endif
