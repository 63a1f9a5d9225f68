/* SPDX-License-Identifier: Apache-2.0 */
#include "benches/fdo_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 60000 };

void fdo_wire_init(fdo_wire *w, int epoll, uint32_t number)
{
    *w = (fdo_wire){ .fd = -1, .epoll = epoll, .number = number };
    tsr_http_init(&w->http, w->room, sizeof w->room, WAIT_MS);
}

void fdo_wire_close(fdo_wire *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
    w->in_at = w->in_len = 0;
}

static bool connect_to(fdo_wire *w, uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct epoll_event e = { .events = EPOLLIN, .data.u32 = w->number };
    int one = 1;

    fdo_wire_close(w);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (w->fd < 0 || setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        return false;
    w->port = port;
    if (connect(w->fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        return false;
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->fd, &e) == 0;
}

/* What does not go out at once goes when the socket takes more. */
static bool push(fdo_wire *w)
{
    for (;;) {
        if (w->out_at == w->out_len) {
            tsr_buf out = tsr_buf_over(w->out, sizeof w->out);

            if (tsr_http_poll(&w->http, &out, 0) != TSR_OK)
                break;
            w->out_at = 0;
            w->out_len = out.len;
        }
        ssize_t n = send(w->fd, w->out + w->out_at, w->out_len - w->out_at, MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
            return false;
        if (n <= 0)
            break;
        w->out_at += (size_t)n;
    }
    struct epoll_event e = { .events = EPOLLIN | (w->out_at < w->out_len ? EPOLLOUT : 0),
                             .data.u32 = w->number };

    return epoll_ctl(w->epoll, EPOLL_CTL_MOD, w->fd, &e) == 0;
}

static bool request(fdo_wire *w)
{
    char path[32], host[32];
    const tsr_http_field fields[] = { { tsr_text("Content-Type"), tsr_text("application/cbor") },
                                      { tsr_text("Authorization"), tsr_text(w->token) } };
    tsr_http_request r = { .method = "POST", .fields = fields, .has_body = true,
                           .body_len = w->sending.len, .field_count = w->token[0] != 0 ? 2 : 1 };

    (void)snprintf(path, sizeof path, "/fdo/101/msg/%u", w->sent);
    (void)snprintf(host, sizeof host, "127.0.0.1:%u", w->port);
    r.target = tsr_text(path);
    r.host = tsr_text(host);
    w->type = 0;
    w->len = 0;
    w->out_at = w->out_len = 0;
    return tsr_http_begin(&w->http, &r, 0) == TSR_OK &&
           tsr_http_body(&w->http, w->sending) == TSR_OK && push(w);
}

bool fdo_wire_send(fdo_wire *w, uint16_t port, uint8_t type, bool first, tsr_bytes body)
{
    if (first)
        w->token[0] = 0;
    w->sent = type;
    w->sending = body;
    w->kept = w->fd >= 0 && w->port == port && w->http.keep;
    w->awaits = true;
    return (w->kept || connect_to(w, port)) && request(w);
}

/* RFC 9112 §9.3.1: not a byte of an answer on a connection that was kept */
static bool once_more(fdo_wire *w)
{
    if (!w->kept || w->type != 0 || w->len != 0)
        return false;
    w->kept = false;
    return connect_to(w, w->port) && request(w);
}

static bool take_field(fdo_wire *w, const tsr_http_field *f)
{
    uint32_t type = 0;

    if (tsr_http_is(f->name, "message-type")) {
        if (tsr_dec_upto(f->value, UINT8_MAX, &type) != TSR_OK)
            return false;
        w->type = (uint8_t)type;
    }
    if (tsr_http_is(f->name, "authorization")) {
        if (f->value.len >= sizeof w->token)
            return false;
        memcpy(w->token, f->value.ptr, f->value.len);
        w->token[f->value.len] = 0;
    }
    return true;
}

static fdo_wire_state hear(fdo_wire *w)
{
    tsr_bytes in = tsr_view(w->in + w->in_at, w->in_len - w->in_at);
    tsr_http_event e;
    tsr_err err;

    while ((err = tsr_http_feed(&w->http, &in, &e, 0)) == TSR_OK) {
        w->in_at = w->in_len - in.len;
        if (e.kind == TSR_HTTP_DONE)
            return w->type != 0 ? FDO_WIRE_ANSWERED : FDO_WIRE_BROKEN;
        if (e.kind == TSR_HTTP_FIELD && !take_field(w, &e.field))
            return FDO_WIRE_BROKEN;
        if (e.kind != TSR_HTTP_BODY)
            continue;
        if (e.body.len > sizeof w->body - w->len)
            return FDO_WIRE_BROKEN;
        memcpy(w->body + w->len, e.body.ptr, e.body.len);
        w->len += e.body.len;
    }
    w->in_at = w->in_len = 0;
    return err == TSR_END ? FDO_WIRE_WAITS : FDO_WIRE_BROKEN;
}

fdo_wire_state fdo_wire_next(fdo_wire *w)
{
    if (!w->awaits) { /* the peer has closed what was kept */
        fdo_wire_close(w);
        return FDO_WIRE_WAITS;
    }
    if (!push(w))
        return once_more(w) ? FDO_WIRE_WAITS : FDO_WIRE_BROKEN;
    for (;;) {
        fdo_wire_state state = w->in_at < w->in_len ? hear(w) : FDO_WIRE_WAITS;
        ssize_t n;

        w->awaits = state == FDO_WIRE_WAITS;
        if (!w->awaits)
            return state;
        n = recv(w->fd, w->in, sizeof w->in, 0);
        if (n < 0 && errno == EAGAIN)
            return FDO_WIRE_WAITS;
        if (n <= 0)
            return once_more(w) ? FDO_WIRE_WAITS : FDO_WIRE_BROKEN;
        w->in_at = 0;
        w->in_len = (size_t)n;
    }
}
