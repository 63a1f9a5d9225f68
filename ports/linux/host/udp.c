/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool starts(tsr_bytes *text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (text->len < len || memcmp(text->ptr, prefix, len) != 0)
        return false;
    *text = tsr_skip(*text, len);
    return true;
}

/* Splits "host", "host:port" and "[v6]:port"; *host is without brackets. */
static tsr_err split(tsr_bytes authority, tsr_bytes *host, tsr_bytes *port)
{
    const uint8_t *end;

    *port = (tsr_bytes){ NULL, 0 };
    if (authority.len != 0 && authority.ptr[0] == '[') {
        authority = tsr_skip(authority, 1);
        end = memchr(authority.ptr, ']', authority.len);
        if (end == NULL)
            return TSR_E_MALFORMED;
        *host = tsr_first(authority, (size_t)(end - authority.ptr));
        authority = tsr_skip(authority, host->len + 1);
        if (authority.len != 0 && authority.ptr[0] != ':')
            return TSR_E_MALFORMED;
        *port = tsr_skip(authority, 1);
        return TSR_OK;
    }
    end = authority.len != 0 ? memchr(authority.ptr, ':', authority.len) : NULL;
    *host = end != NULL ? tsr_first(authority, (size_t)(end - authority.ptr)) : authority;
    if (end != NULL)
        *port = tsr_skip(authority, host->len + 1);
    return TSR_OK;
}

static tsr_err scheme(tsr_bytes *text, tsr_udp_uri *uri)
{
    static const struct {
        const char *name;
        bool secure, stream;
    } schemes[] = { { "coap://", false, false },
                    { "coaps://", true, false },
                    { "coap+tcp://", false, true },
                    { "coaps+tcp://", true, true } };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!starts(text, schemes[i].name))
            continue;
        uri->secure = schemes[i].secure;
        uri->stream = schemes[i].stream;
        uri->port = uri->secure ? 5684 : 5683;
        return TSR_OK;
    }
    return TSR_E_UNSUPPORTED;
}

tsr_err tsr_udp_uri_parse(tsr_bytes text, tsr_udp_uri *uri)
{
    tsr_udp_uri read = { 0 };
    tsr_bytes host, port;
    uint64_t number;

    if (scheme(&text, &read) != TSR_OK)
        return TSR_E_UNSUPPORTED;
    if (text.len != 0 && text.ptr[text.len - 1] == '/')
        text.len--;
    if (text.len == 0 || memchr(text.ptr, '/', text.len) != NULL ||
        split(text, &host, &port) != TSR_OK || host.len == 0 || host.len > TSR_UDP_HOST_LEN)
        return TSR_E_MALFORMED;
    if (port.len != 0) {
        if (tsr_dec(port, &number) != TSR_OK || number == 0 || number > UINT16_MAX)
            return TSR_E_MALFORMED;
        read.port = (uint16_t)number;
    }
    memcpy(read.host, host.ptr, host.len);
    *uri = read;
    return TSR_OK;
}

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

static void name_put(const address *a, char *name)
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (a->any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof text);
        (void)snprintf(name, TSR_UDP_NAME, "[%s]:%u", text, ntohs(a->v6.sin6_port));
    } else {
        (void)inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof text);
        (void)snprintf(name, TSR_UDP_NAME, "%s:%u", text, ntohs(a->v4.sin_port));
    }
}

void tsr_udp_names(tsr_udp *udp)
{
    address local, peer;
    socklen_t local_len = sizeof local, peer_len = sizeof peer;

    memset(&local, 0, sizeof local);
    memset(&peer, 0, sizeof peer);
    udp->local[0] = udp->peer[0] = '\0';
    if (getsockname(udp->fd, &local.any, &local_len) == 0)
        name_put(&local, udp->local);
    if (getpeername(udp->fd, &peer.any, &peer_len) == 0)
        name_put(&peer, udp->peer);
}

void tsr_udp_close(tsr_udp *udp)
{
    if (udp->fd >= 0)
        (void)close(udp->fd);
    udp->fd = -1;
}

static int connect_first(const struct addrinfo *list)
{
    int fd = -1, saved = EHOSTUNREACH;

    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            return fd;
        saved = errno;
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
    }
    errno = saved;
    return fd;
}

tsr_err tsr_udp_open(tsr_udp *udp, const tsr_udp_uri *uri)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list;
    char port[8];

    tsr_udp_close(udp);
    (void)snprintf(port, sizeof port, "%u", uri->port);
    if (getaddrinfo(uri->host, port, &hints, &list) != 0)
        return TSR_E_NOT_FOUND;
    udp->fd = connect_first(list);
    freeaddrinfo(list);
    if (udp->fd < 0)
        return TSR_E_IO;
    tsr_udp_names(udp);
    return TSR_OK;
}

tsr_err tsr_udp_send(const tsr_udp *udp, tsr_bytes datagram)
{
    ssize_t n;

    if (udp->fd < 0)
        return TSR_E_IO;
    /* A refusal by an earlier datagram is reported here; this one is sent all the same. */
    do
        n = send(udp->fd, datagram.ptr, datagram.len, MSG_NOSIGNAL);
    while (n < 0 && (errno == EINTR || errno == ECONNREFUSED));
    return n == (ssize_t)datagram.len ? TSR_OK : TSR_E_IO;
}

tsr_err tsr_udp_receive(const tsr_udp *udp, tsr_buf *datagram)
{
    for (int tries = 0; udp->fd >= 0 && tries < 16; tries++) {
        ssize_t n = recv(udp->fd, datagram->ptr, datagram->cap, MSG_TRUNC);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return TSR_END;
        if (n <= 0 || (size_t)n > datagram->cap)
            continue; /* refused, empty, or longer than any message of ours may be */
        datagram->len = (size_t)n;
        return TSR_OK;
    }
    return TSR_END;
}

static bool same_address(const address *a, const address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

/* Connecting a second socket makes the kernel choose a local address as of now. */
bool tsr_udp_is_stale(const tsr_udp *udp)
{
    address peer, was, is;
    socklen_t peer_len = sizeof peer, was_len = sizeof was, is_len = sizeof is;
    bool stale = false;
    int fd;

    memset(&peer, 0, sizeof peer);
    memset(&was, 0, sizeof was);
    memset(&is, 0, sizeof is);
    if (udp->fd < 0 || getpeername(udp->fd, &peer.any, &peer_len) != 0 ||
        getsockname(udp->fd, &was.any, &was_len) != 0)
        return udp->fd >= 0;
    fd = socket(peer.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect(fd, &peer.any, peer_len) == 0 && getsockname(fd, &is.any, &is_len) == 0)
        stale = !same_address(&was, &is);
    (void)close(fd);
    return stale;
}

int tsr_udp_watch(void)
{
    struct sockaddr_nl watched = { .nl_family = AF_NETLINK,
                                   .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                                RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                                RTMGRP_IPV6_ROUTE };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (void *)&watched, sizeof watched) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void tsr_udp_watch_drain(int fd)
{
    char dust[4096];
    ssize_t n;

    /* ENOBUFS: messages were lost, which is as good as one that came. */
    do
        n = recv(fd, dust, sizeof dust, 0);
    while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
}
