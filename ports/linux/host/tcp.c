/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void tsr_tcp_close(tsr_tcp *t)
{
    tsr_udp_close(&t->link);
    t->connecting = false;
    t->out_len = 0;
}

static tsr_err resolve(tsr_tcp *t, const tsr_udp_uri *uri)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list;
    char port[8];

    (void)snprintf(port, sizeof port, "%u", uri->port);
    if (getaddrinfo(uri->host, port, &hints, &list) != 0)
        return TSR_E_NOT_FOUND;
    t->address_count = t->address_next = 0;
    for (const struct addrinfo *a = list; a != NULL && t->address_count < TSR_TCP_ADDRESSES;
         a = a->ai_next) {
        if (a->ai_addrlen > sizeof t->address->bytes)
            continue;
        t->address[t->address_count].len = a->ai_addrlen;
        memcpy(t->address[t->address_count++].bytes, a->ai_addr, a->ai_addrlen);
    }
    freeaddrinfo(list);
    return TSR_OK;
}

static bool begin(tsr_tcp *t, const struct sockaddr *to, socklen_t len)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return false;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, to, len) != 0 && errno != EINPROGRESS) {
        int saved = errno;

        (void)close(fd);
        errno = saved;
        return false;
    }
    t->link.fd = fd;
    t->connecting = true;
    return true;
}

/* The next address that can be tried. */
static tsr_err go_on(tsr_tcp *t, uint64_t now_ms)
{
    t->give_up_ms = now_ms + TSR_TCP_CONNECT_MS;
    while (t->address_next < t->address_count) {
        size_t i = t->address_next++;

        if (begin(t, (const struct sockaddr *)(const void *)t->address[i].bytes,
                  (socklen_t)t->address[i].len))
            return TSR_OK;
    }
    return TSR_E_IO;
}

tsr_err tsr_tcp_connect(tsr_tcp *t, const tsr_udp_uri *uri, uint64_t now_ms)
{
    tsr_err err;

    tsr_tcp_close(t);
    err = resolve(t, uri);
    errno = EHOSTUNREACH;
    return err == TSR_OK ? go_on(t, now_ms) : err;
}

tsr_err tsr_tcp_finish(tsr_tcp *t, uint64_t now_ms)
{
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof peer, len = sizeof(int);
    int error = 0;

    if (getsockopt(t->link.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0 && getpeername(t->link.fd, (struct sockaddr *)&peer, &peer_len) == 0) {
        t->connecting = false;
        tsr_udp_names(&t->link);
        return TSR_OK;
    }
    if (error == 0 && now_ms < t->give_up_ms)
        return TSR_END;
    tsr_tcp_close(t);
    errno = error != 0 ? error : ETIMEDOUT;
    return go_on(t, now_ms) == TSR_OK ? TSR_END : TSR_E_IO;
}

tsr_err tsr_tcp_flush(tsr_tcp *t)
{
    size_t sent = 0;

    while (sent < t->out_len) {
        ssize_t n = send(t->link.fd, t->out + sent, t->out_len - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return TSR_E_IO;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    memmove(t->out, t->out + sent, t->out_len - sent);
    t->out_len -= sent;
    return TSR_OK;
}

tsr_err tsr_tcp_send(tsr_tcp *t, tsr_bytes bytes)
{
    if (t->link.fd < 0 || t->connecting || t->out_len != 0 || bytes.len > sizeof t->out)
        return TSR_E_IO;
    memcpy(t->out, bytes.ptr, bytes.len);
    t->out_len = bytes.len;
    return tsr_tcp_flush(t);
}

tsr_err tsr_tcp_receive(const tsr_tcp *t, tsr_buf *bytes)
{
    ssize_t n;

    if (bytes->len == bytes->cap)
        return TSR_END;
    do
        n = recv(t->link.fd, bytes->ptr + bytes->len, bytes->cap - bytes->len, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? TSR_END : TSR_E_IO;
    if (n == 0)
        return TSR_E_NOT_FOUND;
    bytes->len += (size_t)n;
    return TSR_OK;
}
