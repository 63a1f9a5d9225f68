/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/engine/connection.h"

#include "server/engine/shard_in.h"
#include "tessera/coap/streams.h"
#include "tessera/net/tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCH = 64,          /* descriptors, and new connections, in one go */
    CHUNK = 16384,       /* bytes read or written at a time */
    READS = 4,           /* of one connection before others have their turn */
    EXCHANGES = 16,
    BODIES = 2,
    MESSAGE = 8192 + 256, /* blocks of 8 KiB, RFC 8323 §5.3.2 */
    TLS_MESSAGE = 1152,   /* so that a record of theirs fits ours (tessera/net/tls.h) */
    ANSWER_MS = 93000,    /* as long as one may take over UDP: MAX_TRANSMIT_WAIT */
    KEEP_S = 60,          /* a silent link is asked after so long, */
    DEAD_MS = 120000,     /* and is over when nothing came back for so long */
    LISTENER = 1 << 30,   /* epoll's mark of a listening socket, */
    SECURE = 1 << 29,     /* and of one for TLS */
    HANDSHAKES_MOST = 4096,
};

struct tsr_connection {
    int fd;
    bool dirty, writable_wanted, stuck;
    tsr_tls *tls;  /* NULL: none */
    uint8_t *raw;  /* bytes that came, and wait behind */
    size_t raw_len;
    uint8_t *rest; /* what of CoAP finds no room yet */
    size_t rest_len;
    uint8_t *out; /* bytes that the link did not take yet */
    size_t out_len;
    void *memory;
    tsr_coap_stream stream;
};

struct tsr_connections {
    int epoll;
    bool paused; /* no descriptors left: nothing is accepted for a moment */
    tsr_coap_streams streams;
    uint32_t *dirty; /* peers */
    uint32_t dirty_count;
    uint8_t chunk[CHUNK];
};

/* ---- listening ---- */

static int listen_one(const tsr_address *address, bool first)
{
    int fd = tsr_socket_bound(address, SOCK_STREAM, first);

    if (fd >= 0 && listen(fd, SOMAXCONN) != 0) {
        tsr_socket_close(fd);
        return -1;
    }
    return fd;
}

tsr_err tsr_listeners_open(tsr_address *address, unsigned count, int fds[], char *why,
                           size_t why_cap)
{
    for (unsigned i = 0; i < count; i++) {
        fds[i] = listen_one(address, i == 0);
        if (fds[i] < 0) {
            tsr_err err = tsr_socket_error(address, "TCP", errno, why, why_cap);

            while (i)
                (void)close(fds[--i]);
            return err;
        }
        tsr_socket_port(fds[i], address);
    }
    return TSR_OK;
}

/* ---- who has something to say ---- */

static void mark(tsr_shard *s, tsr_peer *p)
{
    tsr_connections *all = s->connections;

    if (p->connection->dirty)
        return;
    p->connection->dirty = true;
    all->dirty[all->dirty_count++] = p->index;
}

/* Whoever looks for a stream may be about to speak to it. */
static tsr_coap_stream *stream_at(void *user, tsr_coap_peer index)
{
    tsr_shard *s = user;
    tsr_peer *p = &s->peers[index];

    if (!p->connection)
        return NULL;
    mark(s, p);
    return &p->connection->stream;
}

static void watch(tsr_shard *s, tsr_peer *p, bool writable)
{
    tsr_connection *c = p->connection;
    struct epoll_event e = { .events = (c->stuck ? 0u : (uint32_t)EPOLLIN) |
                                       (writable ? (uint32_t)EPOLLOUT : 0u),
                             .data.u32 = p->index };

    c->writable_wanted = writable;
    (void)epoll_ctl(s->connections->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

/* ---- bytes out ---- */

/* False: the link broke. */
static bool put(tsr_shard *s, tsr_peer *p, tsr_bytes bytes)
{
    tsr_connection *c = p->connection;
    ssize_t n;

    do
        n = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    if (n > 0)
        bytes = tsr_skip(bytes, (size_t)n);
    if (bytes.len == 0)
        return true;
    c->out = malloc(bytes.len);
    if (!c->out)
        return false;
    memcpy(c->out, bytes.ptr, bytes.len);
    c->out_len = bytes.len;
    watch(s, p, true);
    return true;
}

static bool put_rest(tsr_shard *s, tsr_peer *p)
{
    tsr_connection *c = p->connection;
    uint8_t *kept = c->out;
    bool good;

    if (!kept)
        return true;
    c->out = NULL;
    good = put(s, p, tsr_view(kept, c->out_len));
    free(kept);
    if (!c->out && c->writable_wanted)
        watch(s, p, false);
    return good;
}

static void secured(tsr_shard *s, tsr_peer *p);

/* TLS: its own bytes first, then those of CoAP in records. */
static tsr_err poll_secured(tsr_shard *s, tsr_peer *p, tsr_buf *out)
{
    tsr_connection *c = p->connection;
    uint8_t room[TSR_TLS_SEND_MAX];
    tsr_buf plain = tsr_buf_over(room, out->cap ? sizeof room : 0);
    tsr_err err;

    s->current = p; /* a ticket may be asked for */
    err = out->cap ? tsr_tls_poll(c->tls, out, s->now_ms) : TSR_END;
    s->current = NULL;
    if (!p->connected && tsr_tls_connected(c->tls)) /* its last flight was too long for `take` */
        secured(s, p);
    if (err != TSR_END) {
        if (err != TSR_OK) /* its time is over */
            tsr_shard_close_peer(s, p);
        return err;
    }
    if (!p->connected)
        return TSR_END;
    err = tsr_coap_streams_poll(&s->coap, p->index, &plain, s->now_ms);
    shard_events(s);
    if (err == TSR_OK && tsr_tls_send(c->tls, tsr_buf_view(&plain), out) != TSR_OK)
        tsr_shard_close_peer(s, p);
    return err;
}

static tsr_err poll(tsr_shard *s, tsr_peer *p, tsr_buf *out)
{
    tsr_err err;

    if (p->connection->tls)
        return poll_secured(s, p, out);
    err = tsr_coap_streams_poll(&s->coap, p->index, out, s->now_ms);
    shard_events(s);
    return err;
}

static void send_all(tsr_shard *s, tsr_peer *p)
{
    tsr_connection *c = p->connection;

    while (!p->dying) {
        uint8_t room[CHUNK];
        tsr_buf out = tsr_buf_over(room, c->out ? 0 : sizeof room); /* none: time goes on all the same */

        if (poll(s, p, &out) != TSR_OK || p->dying)
            break;
        atomic_fetch_add_explicit(&s->count_out, 1, memory_order_relaxed);
        if (!put(s, p, tsr_buf_view(&out)))
            tsr_shard_close_peer(s, p);
    }
    if (!p->dying && tsr_coap_stream_over(&c->stream) && (!c->out || c->stream.why == TSR_E_IO))
        tsr_shard_close_peer(s, p);
}

static void arm(tsr_shard *s, tsr_peer *p)
{
    tsr_connection *c = p->connection;
    uint64_t due = p->connected ? tsr_coap_stream_due_ms(&c->stream) : tsr_tls_due_ms(c->tls);

    if (c->out && due < s->now_ms + 1000)
        due = s->now_ms + 1000; /* nothing can be said before the link takes it */
    if (due == UINT64_MAX)
        tsr_shard_timer_stop(s, &p->timer);
    else
        (void)tsr_shard_timer_set(s, &p->timer, due);
}

/* ---- bytes in ---- */

static uint8_t *copy_of(tsr_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);

    if (copy && bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return copy;
}

static void keep_rest(tsr_shard *s, tsr_peer *p, tsr_bytes rest)
{
    tsr_connection *c = p->connection;

    free(c->rest);
    c->rest = copy_of(rest);
    c->rest_len = rest.len;
    if (!c->rest) {
        tsr_shard_close_peer(s, p);
        return;
    }
    if (!c->stuck) {
        c->stuck = true;
        watch(s, p, c->writable_wanted);
    }
}

/* What finds no room for its answer waits, and nothing more is read, so that the peer feels it. */
static void take_plain(tsr_shard *s, tsr_peer *p, tsr_bytes bytes)
{
    tsr_connection *c = p->connection;

    while (!p->dying && (bytes.len || c->stream.held)) {
        tsr_err err = tsr_coap_streams_feed(&s->coap, p->index, &bytes, s->now_ms);

        shard_events(s);
        if (err != TSR_E_SPACE)
            continue;
        send_all(s, p);
        if (!p->dying && c->out) {
            keep_rest(s, p, bytes);
            return;
        }
    }
}

/* The handshake is over: from here on it is a peer like any other. */
static void secured(tsr_shard *s, tsr_peer *p)
{
    tsr_connection *c = p->connection;

    session_forget_key(p);
    s->handshakes--;
    p->connected = true;
    atomic_fetch_add_explicit(&s->sessions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->handshakes_done, 1, memory_order_relaxed);
    if (session_name(p, tsr_tls_peer_identity(c->tls), tsr_tls_peer_certificate(c->tls)) != TSR_OK ||
        tsr_coap_streams_open(&s->coap, p->index, s->now_ms) != TSR_OK)
        tsr_shard_close_peer(s, p);
}

/* An alert may say why. */
static void unsecured(tsr_shard *s, tsr_peer *p, tsr_err err)
{
    tsr_connection *c = p->connection;
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (!p->connected && err == TSR_E_DENIED)
        session_refused(s, p, tsr_tls_reason(c->tls), tsr_tls_alert(c->tls));
    if (!c->out && tsr_tls_poll(c->tls, &out, s->now_ms) == TSR_OK)
        (void)put(s, p, tsr_buf_view(&out));
    tsr_shard_close_peer(s, p);
}

static tsr_err open_some(tsr_shard *s, tsr_peer *p, tsr_bytes *bytes, tsr_buf *plain)
{
    tsr_connection *c = p->connection;
    tsr_err err;

    s->current = p;
    s->refusal[0] = 0;
    err = tsr_tls_take(c->tls, bytes, plain, s->now_ms);
    if (!p->connected && tsr_tls_connected(c->tls))
        secured(s, p);
    else if (err != TSR_END && err != TSR_OK)
        unsecured(s, p, err);
    s->current = NULL;
    return err;
}

static void take(tsr_shard *s, tsr_peer *p, tsr_bytes bytes)
{
    tsr_connection *c = p->connection;
    bool more = true;

    if (!c->tls) {
        take_plain(s, p, bytes);
        return;
    }
    while (more && !p->dying && !c->stuck) {
        uint8_t room[2048];
        tsr_buf plain = tsr_buf_over(room, sizeof room);
        size_t before = bytes.len;
        bool was = p->connected;

        (void)open_some(s, p, &bytes, &plain);
        if (!p->connected && !p->dying)
            send_all(s, p); /* its flight, before it can go on */
        if (plain.len && !p->dying)
            take_plain(s, p, tsr_buf_view(&plain));
        tsr_wipe(room, plain.len);
        more = plain.len || was != p->connected || bytes.len != before;
    }
    if (bytes.len && !p->dying) {
        c->raw = copy_of(bytes);
        c->raw_len = bytes.len;
        if (!c->raw)
            tsr_shard_close_peer(s, p);
    }
}

static void go_on(tsr_shard *s, tsr_peer *p)
{
    tsr_connection *c = p->connection;
    uint8_t *rest = c->rest, *raw = c->raw;

    if (!c->stuck || c->out)
        return;
    c->rest = c->raw = NULL;
    c->stuck = false;
    take_plain(s, p, tsr_view(rest, c->rest_len));
    if (c->stuck)
        c->raw = raw;
    else if (!p->dying && c->tls)
        take(s, p, tsr_view(raw, raw ? c->raw_len : 0));
    free(rest);
    if (raw != c->raw)
        free(raw);
    if (!p->dying && !c->stuck)
        watch(s, p, c->writable_wanted);
}

static void readable(tsr_shard *s, tsr_peer *p)
{
    tsr_connection *c = p->connection;

    for (int i = 0; i < READS && !p->dying && !c->stuck; i++) {
        ssize_t n = recv(c->fd, s->connections->chunk, CHUNK, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            break;
        if (n <= 0) {
            tsr_shard_close_peer(s, p);
            break;
        }
        atomic_fetch_add_explicit(&s->count_in, 1, memory_order_relaxed);
        peer_touch(s, p);
        if (p->connected)
            s->hooks->seen(s->hooks->user, s, p);
        take(s, p, tsr_view(s->connections->chunk, (size_t)n));
        if (n < CHUNK)
            break;
    }
    mark(s, p);
}

static void writable(tsr_shard *s, tsr_peer *p)
{
    if (!put_rest(s, p))
        tsr_shard_close_peer(s, p);
    mark(s, p);
}

void connections_flush(tsr_shard *s)
{
    tsr_connections *all = s->connections;

    if (!all)
        return;
    while (all->dirty_count) {
        tsr_peer *p = &s->peers[all->dirty[--all->dirty_count]];

        if (!p->used || !p->connection || !p->connection->dirty)
            continue; /* its successor at that index is not, or is in the list itself */
        send_all(s, p);
        if (!p->dying && p->connection->stuck) {
            go_on(s, p);
            send_all(s, p);
        }
        if (!p->dying)
            arm(s, p);
        p->connection->dirty = false; /* what was said on the way is out */
    }
}

void connection_timer(tsr_shard *s, tsr_peer *p)
{
    mark(s, p);
}

/* ---- coming and going ---- */

static tsr_err connection_secure(tsr_shard *s, tsr_connection *c)
{
    c->tls = calloc(1, sizeof *c->tls);
    return c->tls ? tsr_tls_begin(c->tls, &s->tls, s->now_ms) : TSR_E_SPACE;
}

static void connection_free(tsr_connection *c)
{
    if (c->tls)
        tsr_tls_free(c->tls);
    free(c->tls);
    (void)close(c->fd);
    free(c->memory);
    free(c->raw);
    free(c->rest);
    free(c->out);
    free(c);
}

static tsr_connection *connection_new(tsr_shard *s, tsr_peer *p, int fd)
{
    tsr_coap_stream_config config = { .peer = p->index,
                                      .exchanges = EXCHANGES,
                                      .exchange_len = 1280,
                                      .bodies = BODIES,
                                      .body_len = s->config->body_len ? s->config->body_len : 65536,
                                      .message_len = p->secure ? TLS_MESSAGE : MESSAGE,
                                      .out_len = 2 * MESSAGE,
                                      .watches = 64,
                                      .watch_len = 64,
                                      .response_wait_ms = ANSWER_MS };
    size_t len = tsr_coap_stream_memory(&config);
    tsr_connection *c = calloc(1, sizeof *c);

    if (!c) {
        (void)close(fd);
        return NULL;
    }
    c->fd = fd;
    c->memory = calloc(1, len);
    if (!c->memory || getrandom(&config.seed, sizeof config.seed, 0) != sizeof config.seed ||
        tsr_coap_stream_init(&c->stream, &config, c->memory, len) != TSR_OK ||
        (p->secure && connection_secure(s, c) != TSR_OK)) {
        connection_free(c); /* and its descriptor */
        return NULL;
    }
    return c;
}

void connection_release(tsr_shard *s, tsr_peer *p)
{
    if (!p->connection)
        return;
    if (p->connection->tls && p->connected && !p->connection->out) {
        uint8_t room[TSR_TLS_MORE];
        tsr_buf out = tsr_buf_over(room, sizeof room);

        tsr_tls_close(p->connection->tls, &out);
        if (out.len)
            (void)put(s, p, tsr_buf_view(&out));
    }
    if (p->secure && !p->connected)
        s->handshakes--;
    tsr_shard_timer_stop(s, &p->timer);
    tsr_coap_streams_forget(&s->coap, &p->connection->stream);
    connection_free(p->connection);
    p->connection = NULL;
}

static void keep_alive(int fd)
{
    int one = 1, idle = KEEP_S, every = KEEP_S / 4, dead = DEAD_MS;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof dead);
}

static uint8_t service_of(const tsr_shard *s, unsigned listener, bool secure)
{
    const tsr_engine_config *c = s->config;

    return secure ? listener + c->coaps_tcp_second >= c->coaps_tcp_count
                  : listener + c->coap_tcp_second >= c->coap_tcp_count;
}

static void refuse(tsr_shard *s, int fd)
{
    (void)close(fd);
    atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed);
}

/* Whoever is to prove who it is is no peer for CoAP before it has. */
static void welcome(tsr_shard *s, unsigned listener, bool secure, int fd, const tsr_address *from)
{
    tsr_peer *p = secure && s->handshakes >= HANDSHAKES_MOST ? NULL : peer_new(s, from, 0, secure);
    struct epoll_event e = { .events = EPOLLIN };

    if (!p) {
        refuse(s, fd);
        return;
    }
    p->service = service_of(s, listener, secure);
    p->connection = connection_new(s, p, fd);
    if (!p->connection) {
        p->secure = false; /* no handshake of its is counted */
        tsr_shard_close_peer(s, p);
        return;
    }
    keep_alive(fd);
    peer_relist(s, p);
    s->handshakes += secure;
    p->connected = !secure;
    e.data.u32 = p->index;
    if (epoll_ctl(s->connections->epoll, EPOLL_CTL_ADD, fd, &e) != 0 ||
        (!secure && tsr_coap_streams_open(&s->coap, p->index, s->now_ms) != TSR_OK))
        tsr_shard_close_peer(s, p);
    if (secure)
        mark(s, p); /* its handshake has a time */
}

/* Listening sockets by number, those of TLS last; gives epoll's mark of one. */
static uint32_t listener_at(const tsr_shard *s, unsigned n, int *fd)
{
    bool secure = n >= s->config->coap_tcp_count;
    unsigned i = secure ? n - s->config->coap_tcp_count : n;

    *fd = s->listeners[secure ? TSR_ENGINE_LISTEN_MAX + i : i];
    return (uint32_t)LISTENER | (secure ? (uint32_t)SECURE : 0u) | i;
}

static unsigned listener_count(const tsr_shard *s)
{
    return s->config->coap_tcp_count + s->config->coaps_tcp_count;
}

static void listen_for(tsr_shard *s, bool on)
{
    tsr_connections *all = s->connections;

    all->paused = !on;
    for (unsigned i = 0; i < listener_count(s); i++) {
        int fd;
        struct epoll_event e = { .events = on ? EPOLLIN : 0, .data.u32 = listener_at(s, i, &fd) };

        (void)epoll_ctl(all->epoll, EPOLL_CTL_MOD, fd, &e);
    }
}

static bool accept_some(tsr_shard *s, unsigned listener, bool secure)
{
    int listening = s->listeners[secure ? TSR_ENGINE_LISTEN_MAX + listener : listener];

    for (int i = 0; i < BATCH; i++) {
        struct sockaddr_storage at;
        socklen_t len = sizeof at;
        tsr_address from;
        int fd = accept4(listening, (struct sockaddr *)&at, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            listen_for(s, false); /* until the next second: others may have gone by then */
        if (fd < 0)
            return false;
        if (tsr_address_from(&at, &from) != TSR_OK) {
            (void)close(fd);
            continue;
        }
        from.stream = 1;
        welcome(s, listener, secure, fd, &from);
    }
    return true;
}

int connections_fd(const tsr_shard *s) { return s->connections->epoll; }

bool connections_step(tsr_shard *s)
{
    struct epoll_event ready[BATCH];
    bool more = false;
    int n = s->connections ? epoll_wait(s->connections->epoll, ready, BATCH, 0) : 0;

    for (int i = 0; i < n; i++) {
        uint32_t who = ready[i].data.u32;
        tsr_peer *p;

        if (who & LISTENER) {
            more = accept_some(s, who & ~(uint32_t)(LISTENER | SECURE), (who & SECURE) != 0) || more;
            continue;
        }
        p = &s->peers[who];
        if (!p->used || p->dying || !p->connection)
            continue;
        if (ready[i].events & EPOLLOUT)
            writable(s, p);
        if (!p->dying && (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
            readable(s, p);
    }
    return more || n == BATCH;
}

void connections_house(tsr_shard *s)
{
    if (s->connections && s->connections->paused)
        listen_for(s, true);
}

tsr_err connections_init(tsr_shard *s)
{
    tsr_connections *all;

    if (!listener_count(s))
        return TSR_OK;
    all = calloc(1, sizeof *all);
    if (!all)
        return TSR_E_SPACE;
    s->connections = all;
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    all->dirty = malloc(s->peer_cap * sizeof *all->dirty);
    if (!all->dirty)
        return TSR_E_SPACE;
    for (unsigned i = 0; i < listener_count(s); i++) {
        int fd;
        struct epoll_event e = { .events = EPOLLIN, .data.u32 = listener_at(s, i, &fd) };

        if (all->epoll < 0 || epoll_ctl(all->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
            return TSR_E_IO;
    }
    all->streams.at = stream_at;
    all->streams.user = s;
    return tsr_coap_streams_set(&s->coap, &all->streams);
}

void connections_free(tsr_shard *s)
{
    tsr_connections *all = s->connections;

    if (!all)
        return;
    for (uint32_t i = 0; s->peers && i < s->peer_fresh; i++)
        if (s->peers[i].connection)
            connection_release(s, &s->peers[i]);
    if (all->epoll >= 0)
        (void)close(all->epoll);
    free(all->dirty);
    free(all);
    s->connections = NULL;
}
