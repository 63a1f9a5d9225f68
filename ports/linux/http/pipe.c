/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/http/pipe.h"

#include <errno.h>
#include <poll.h>

void tsr_pipe_close(tsr_pipe *p)
{
    uint8_t room[TSR_FETCH_PROTECTED];
    tsr_buf last = tsr_buf_over(room, sizeof room);

    if (p->secure)
        p->layer->end(p->layer_self, &last);
    if (last.len != 0 && p->tcp.link.fd >= 0 && !p->tcp.connecting && p->tcp.out_len == 0)
        (void)tsr_tcp_send(&p->tcp, tsr_buf_view(&last));
    tsr_tcp_close(&p->tcp);
    p->secure = p->closed = p->cut = false;
    p->in_at = p->in_len = p->raw_at = p->raw_len = 0;
}

static tsr_err fail(tsr_pipe *p, tsr_err err, const char *cause)
{
    p->cause = cause;
    return err;
}

tsr_err tsr_pipe_connect(tsr_pipe *p, const tsr_udp_uri *at, bool secure, uint64_t now_ms)
{
    tsr_err err;

    tsr_pipe_close(p);
    if (secure && p->layer == NULL)
        return fail(p, TSR_E_UNSUPPORTED, "https is not set up here");
    err = tsr_tcp_connect(&p->tcp, at, now_ms);
    if (err != TSR_OK)
        return fail(p, err, err == TSR_E_NOT_FOUND ? "the name does not resolve" : strerror(errno));
    if (!secure)
        return TSR_OK;
    err = p->layer->begin(p->layer_self, tsr_text(at->host), now_ms);
    if (err != TSR_OK)
        return fail(p, err, p->layer->cause(p->layer_self));
    p->secure = true;
    return TSR_OK;
}

/* ---- out ---- */

/* What the layer has to say comes first: a flight of the handshake, an alert. */
static tsr_err push_layer(tsr_pipe *p, uint64_t now_ms)
{
    uint8_t room[TSR_TCP_OUT];
    tsr_err err = TSR_OK;

    while (err == TSR_OK && p->tcp.out_len == 0) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        err = p->layer->poll(p->layer_self, &out, now_ms);
        if (err == TSR_OK && tsr_tcp_send(&p->tcp, tsr_buf_view(&out)) != TSR_OK)
            return fail(p, TSR_E_IO, strerror(errno));
    }
    return err == TSR_E_DENIED ? fail(p, err, p->layer->cause(p->layer_self)) : TSR_OK;
}

static tsr_err send_one(tsr_pipe *p, tsr_bytes plain)
{
    uint8_t room[TSR_FETCH_PROTECTED];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (p->secure) {
        if (p->layer->send(p->layer_self, plain, &out) != TSR_OK)
            return fail(p, TSR_E_DENIED, p->layer->cause(p->layer_self));
        plain = tsr_buf_view(&out);
    }
    return tsr_tcp_send(&p->tcp, plain) == TSR_OK ? TSR_OK : fail(p, TSR_E_IO, strerror(errno));
}

tsr_err tsr_pipe_push(tsr_pipe *p, tsr_http *http, uint64_t now_ms)
{
    uint8_t room[TSR_FETCH_PLAIN];
    tsr_err err = TSR_OK;

    if (p->tcp.out_len != 0 && tsr_tcp_flush(&p->tcp) != TSR_OK)
        return fail(p, TSR_E_IO, strerror(errno));
    if (p->secure)
        err = push_layer(p, now_ms);
    if (err != TSR_OK)
        return err;
    if (p->secure && !p->layer->is_up(p->layer_self))
        return now_ms < tsr_http_due_ms(http) ? TSR_OK : fail(p, TSR_E_DENIED, "no answer in time");
    while (err == TSR_OK && p->tcp.out_len == 0) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        err = tsr_http_poll(http, &out, now_ms);
        if (err == TSR_E_IO)
            return fail(p, TSR_E_DENIED, "no answer in time");
        if (err == TSR_OK)
            err = send_one(p, tsr_buf_view(&out));
    }
    return err == TSR_END ? TSR_OK : err;
}

/* ---- in ---- */

static tsr_err receive(tsr_pipe *p, uint8_t *room, size_t cap, size_t *len)
{
    tsr_buf in = tsr_buf_over(room, cap);
    tsr_err err = tsr_tcp_receive(&p->tcp, &in);

    *len = in.len;
    p->closed = err == TSR_E_NOT_FOUND || err == TSR_E_IO;
    p->cut = p->secure || err == TSR_E_IO;
    return p->closed ? TSR_OK : err;
}

/* RFC 9112 §9.8: without close_notify it was cut. */
static tsr_err take_layer(tsr_pipe *p, uint64_t now_ms)
{
    tsr_bytes raw = tsr_view(p->raw + p->raw_at, p->raw_len - p->raw_at);
    tsr_buf in = tsr_buf_over(p->in, sizeof p->in);
    tsr_err err = p->layer->take(p->layer_self, &raw, &in, now_ms);

    p->raw_at = p->raw_len - raw.len;
    p->in_len = in.len;
    if (err == TSR_E_DENIED) {
        const char *cause = p->layer->cause(p->layer_self);

        (void)push_layer(p, now_ms); /* an alert */
        return fail(p, TSR_E_IO, cause);
    }
    if (err == TSR_E_STATE && in.len == 0) {
        p->closed = true;
        p->cut = false;
    }
    if (in.len != 0 || p->closed)
        return TSR_OK;
    return push_layer(p, now_ms) == TSR_OK ? TSR_END : TSR_E_IO;
}

tsr_err tsr_pipe_pull(tsr_pipe *p, uint64_t now_ms)
{
    tsr_err err = TSR_END;

    p->in_at = p->in_len = 0;
    if (!p->secure)
        return receive(p, p->in, sizeof p->in, &p->in_len);
    for (;;) {
        err = take_layer(p, now_ms);
        if (err != TSR_END)
            return err;
        if (p->raw_at != p->raw_len && p->tcp.out_len != 0)
            return TSR_END; /* what it has to say goes first */
        if (p->raw_at != p->raw_len)
            continue;
        p->raw_at = 0;
        err = receive(p, p->raw, sizeof p->raw, &p->raw_len);
        if (err != TSR_OK || p->closed)
            return err;
    }
}

/* ---- waiting ---- */

short tsr_pipe_watches(const tsr_pipe *p)
{
    if (p->tcp.connecting)
        return POLLOUT;
    return (short)(p->tcp.out_len != 0 ? POLLIN | POLLOUT : POLLIN);
}

uint64_t tsr_pipe_due_ms(const tsr_pipe *p)
{
    if (p->tcp.connecting)
        return p->tcp.give_up_ms;
    return p->secure && p->tcp.out_len == 0 ? p->layer->due_ms(p->layer_self) : UINT64_MAX;
}
