/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/http/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

void tsr_fetch_init(tsr_fetch *f, uint32_t wait_ms)
{
    memset(f, 0, sizeof *f);
    f->tcp.link.fd = -1;
    f->cause = "";
    tsr_http_init(&f->http, f->room, sizeof f->room, wait_ms);
}

void tsr_fetch_end(tsr_fetch *f)
{
    tsr_tcp_close(&f->tcp);
    f->live = false;
    f->in_at = f->in_len = 0;
    f->closed = false;
}

/* ---- the request, kept so that it can be sent again ---- */

static tsr_bytes keep(tsr_buf *text, tsr_bytes in)
{
    size_t at = text->len;

    tsr_put_bytes(text, in);
    return tsr_view(text->ptr + at, text->len - at);
}

static tsr_err copy_request(tsr_fetch *f, const tsr_http_url *url, const tsr_http_request *r,
                            const tsr_bytes *body)
{
    tsr_buf text = tsr_buf_over(f->field_text, sizeof f->field_text);
    tsr_buf authority = tsr_buf_over(f->authority, sizeof f->authority);
    tsr_buf target = tsr_buf_over(f->target, sizeof f->target);

    if (r->field_count > sizeof f->fields / sizeof *f->fields)
        return TSR_E_SPACE;
    for (size_t i = 0; i < r->field_count; i++) {
        f->fields[i].name = keep(&text, r->fields[i].name);
        f->fields[i].value = keep(&text, r->fields[i].value);
    }
    f->request = (tsr_http_request){ .method = r->method,
                                     .target = keep(&target, url->target),
                                     .host = keep(&authority, url->authority),
                                     .fields = f->fields,
                                     .field_count = r->field_count,
                                     .has_body = body != NULL,
                                     .body_len = body != NULL ? body->len : 0,
                                     .close = r->close };
    f->body = body != NULL ? *body : tsr_view(NULL, 0);
    return text.err != TSR_OK || authority.err != TSR_OK || target.err != TSR_OK ? TSR_E_SPACE
                                                                                  : TSR_OK;
}

static tsr_err connect_anew(tsr_fetch *f, uint64_t now_ms)
{
    tsr_fetch_end(f);
    f->reused = false;
    return tsr_tcp_connect(&f->tcp, &f->at, now_ms);
}

static tsr_err send_request(tsr_fetch *f, uint64_t now_ms)
{
    tsr_err err = tsr_http_begin(&f->http, &f->request, now_ms);

    if (err == TSR_OK && f->body.len != 0)
        err = tsr_http_body(&f->http, f->body);
    f->live = err == TSR_OK;
    return err;
}

tsr_err tsr_fetch_begin(tsr_fetch *f, const tsr_http_url *url, const tsr_http_request *request,
                        const tsr_bytes *body, uint64_t now_ms)
{
    bool same = url->port == f->at.port && tsr_same(url->host, tsr_text(f->at.host));
    tsr_err err;

    f->cause = "";
    f->reused = f->tcp.link.fd >= 0 && !f->live && f->http.keep && same && f->in_at == f->in_len;
    if (url->secure)
        return TSR_E_UNSUPPORTED;
    if (url->host.len >= sizeof f->at.host)
        return TSR_E_SPACE;
    memset(&f->at, 0, sizeof f->at);
    memcpy(f->at.host, url->host.ptr, url->host.len);
    f->at.port = url->port;
    err = copy_request(f, url, request, body);
    if (err == TSR_OK && !f->reused)
        err = connect_anew(f, now_ms);
    if (err == TSR_OK)
        err = send_request(f, now_ms);
    if (err != TSR_OK) {
        f->cause = err == TSR_E_NOT_FOUND ? "the name does not resolve"
                   : err == TSR_E_IO      ? strerror(errno)
                                          : "no such request can be made";
        tsr_fetch_end(f);
    }
    return err;
}

/* ---- its life ---- */

static tsr_err fail(tsr_fetch *f, tsr_err err, const char *cause)
{
    f->cause = cause;
    tsr_fetch_end(f);
    return err;
}

static tsr_err step_connecting(tsr_fetch *f, uint64_t now_ms)
{
    struct pollfd fd = { f->tcp.link.fd, POLLOUT, 0 };
    tsr_err err;

    if (poll(&fd, 1, 0) == 0 && now_ms < f->tcp.give_up_ms)
        return TSR_END;
    err = tsr_tcp_finish(&f->tcp, now_ms);
    if (err == TSR_E_IO)
        return fail(f, err, strerror(errno));
    return err == TSR_OK ? send_request(f, now_ms) : err; /* its time begins now */
}

static tsr_err push(tsr_fetch *f, uint64_t now_ms)
{
    uint8_t room[TSR_TCP_OUT];
    tsr_err err = TSR_OK;

    if (f->tcp.out_len != 0 && tsr_tcp_flush(&f->tcp) != TSR_OK)
        return TSR_E_IO;
    while (err == TSR_OK && f->tcp.out_len == 0) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        err = tsr_http_poll(&f->http, &out, now_ms);
        if (err == TSR_OK && tsr_tcp_send(&f->tcp, tsr_buf_view(&out)) != TSR_OK)
            return TSR_E_IO;
    }
    return err == TSR_E_IO ? TSR_E_DENIED : TSR_OK;
}

/* A kept connection may have been given up by the peer meanwhile: RFC 9112 §9.3.1 */
static tsr_err over(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms)
{
    tsr_err err = tsr_http_closed(&f->http, event);
    bool again = err == TSR_E_IO && f->reused;

    if (err == TSR_OK) {
        tsr_fetch_end(f);
        return TSR_OK;
    }
    if (!again)
        return fail(f, err, err == TSR_E_IO ? "the peer closed without an answer"
                                            : "the answer is cut off");
    err = connect_anew(f, now_ms);
    if (err == TSR_OK)
        err = send_request(f, now_ms);
    return err == TSR_OK ? TSR_END : fail(f, TSR_E_IO, strerror(errno));
}

static tsr_err pull(tsr_fetch *f)
{
    tsr_buf in = tsr_buf_over(f->in, sizeof f->in);
    tsr_err err = tsr_tcp_receive(&f->tcp, &in);

    f->in_at = 0;
    f->in_len = in.len;
    f->closed = err == TSR_E_NOT_FOUND || err == TSR_E_IO;
    return f->closed ? TSR_OK : err;
}

static tsr_err hear(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms)
{
    tsr_bytes in = tsr_view(f->in + f->in_at, f->in_len - f->in_at);
    tsr_err err = tsr_http_feed(&f->http, &in, event, now_ms);

    f->in_at = f->in_len - in.len;
    if (err == TSR_OK && event->kind == TSR_HTTP_DONE) {
        f->live = false;
        if (!f->http.keep)
            tsr_fetch_end(f);
    }
    if (err == TSR_OK || err == TSR_END)
        return err;
    return fail(f, err, err == TSR_E_SPACE         ? "a head or a line is too long"
                        : err == TSR_E_UNSUPPORTED ? "a transfer coding or protocol we do not know"
                                                   : "not the answer of a HTTP/1.1 server");
}

tsr_err tsr_fetch_next(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms)
{
    tsr_err err = TSR_OK;

    if (!f->live || f->tcp.link.fd < 0)
        return f->live ? fail(f, TSR_E_IO, "no connection") : TSR_END;
    if (f->tcp.connecting)
        err = step_connecting(f, now_ms);
    if (err != TSR_OK)
        return err;
    err = push(f, now_ms);
    if (err == TSR_E_DENIED)
        return fail(f, TSR_E_IO, "no answer in time");
    /* What it cannot take any more may be an answer that says so: it is heard first. */
    while ((err = hear(f, event, now_ms)) == TSR_END) {
        if (f->closed)
            return over(f, event, now_ms);
        err = pull(f);
        if (err != TSR_OK)
            return err;
    }
    return err;
}

int tsr_fetch_fd(const tsr_fetch *f) { return f->tcp.link.fd; }

short tsr_fetch_watches(const tsr_fetch *f)
{
    if (f->tcp.link.fd < 0 || !f->live)
        return 0;
    if (f->tcp.connecting)
        return POLLOUT;
    return (short)(f->tcp.out_len != 0 ? POLLIN | POLLOUT : POLLIN);
}

uint64_t tsr_fetch_due_ms(const tsr_fetch *f)
{
    if (!f->live)
        return UINT64_MAX;
    return f->tcp.connecting ? f->tcp.give_up_ms : tsr_http_due_ms(&f->http);
}
