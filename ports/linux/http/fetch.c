/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/http/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

void tsr_fetch_init(tsr_fetch *f, uint32_t wait_ms)
{
    memset(f, 0, sizeof *f);
    f->pipe.tcp.link.fd = -1;
    f->cause = f->pipe.cause = "";
    tsr_http_init(&f->http, f->room, sizeof f->room, wait_ms);
}

void tsr_fetch_use(tsr_fetch *f, const tsr_fetch_layer *layer, void *self)
{
    f->pipe.layer = layer;
    f->pipe.layer_self = self;
}

void tsr_fetch_end(tsr_fetch *f)
{
    tsr_pipe_close(&f->pipe);
    f->live = false;
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
    return tsr_pipe_connect(&f->pipe, &f->at, f->secure, now_ms);
}

static tsr_err send_request(tsr_fetch *f, uint64_t now_ms)
{
    tsr_err err = tsr_http_begin(&f->http, &f->request, now_ms);

    f->pipe.cause = "no such request can be made";
    if (err == TSR_OK && f->body.len != 0)
        err = tsr_http_body(&f->http, f->body);
    f->live = err == TSR_OK;
    return err;
}

static bool serves(const tsr_fetch *f, const tsr_http_url *url)
{
    return f->pipe.tcp.link.fd >= 0 && !f->live && f->http.keep && url->port == f->at.port &&
           url->secure == f->secure && tsr_same(url->host, tsr_text(f->at.host)) &&
           f->pipe.in_at == f->pipe.in_len;
}

/* The request is there; where it goes may be another place than that of the one before. */
static tsr_err go_to(tsr_fetch *f, const tsr_http_url *url, uint64_t now_ms)
{
    tsr_err err = TSR_OK;

    f->reused = serves(f, url);
    f->secure = url->secure;
    f->location_len = 0;
    memset(&f->at, 0, sizeof f->at);
    memcpy(f->at.host, url->host.ptr, url->host.len);
    f->at.port = url->port;
    if (!f->reused)
        err = connect_anew(f, now_ms);
    if (err == TSR_OK)
        err = send_request(f, now_ms);
    if (err != TSR_OK) {
        f->cause = f->pipe.cause;
        tsr_fetch_end(f);
    }
    return err;
}

tsr_err tsr_fetch_begin(tsr_fetch *f, const tsr_http_url *url, const tsr_http_request *request,
                        const tsr_bytes *body, uint64_t now_ms)
{
    tsr_err err = url->host.len < sizeof f->at.host ? copy_request(f, url, request, body) : TSR_E_SPACE;

    f->cause = "";
    f->hops = 0;
    if (err == TSR_OK)
        return go_to(f, url, now_ms);
    f->cause = "no such request can be made";
    tsr_fetch_end(f);
    return err;
}

/* ---- redirections ---- */

static tsr_err fail(tsr_fetch *f, tsr_err err, const char *cause)
{
    f->cause = cause;
    tsr_fetch_end(f);
    return err;
}

static bool is_redirection(const tsr_fetch *f)
{
    unsigned status = f->http.status;

    return f->follow && !f->request.has_body &&
           ((status >= 301 && status <= 303) || status == 307 || status == 308);
}

static tsr_err note_location(tsr_fetch *f, const tsr_http_field *field)
{
    if (!tsr_http_is(field->name, "location") || f->location_len != 0)
        return TSR_OK;
    if (field->value.len >= sizeof f->location)
        return TSR_E_SPACE;
    memcpy(f->location, field->value.ptr, field->value.len);
    f->location_len = field->value.len;
    return TSR_OK;
}

/* RFC 9110 §10.2.2. The connection that it came over is given up: what follows there is of no use. */
static tsr_err redirect(tsr_fetch *f, uint64_t now_ms)
{
    const tsr_http_url base = { .secure = f->secure, .authority = f->request.host,
                                .target = f->request.target };
    uint8_t room[TSR_FETCH_URL];
    tsr_buf text = tsr_buf_over(room, sizeof room);
    tsr_http_url url;
    tsr_buf authority = tsr_buf_over(f->authority, sizeof f->authority);
    tsr_buf target = tsr_buf_over(f->target, sizeof f->target);

    if (f->hops == TSR_FETCH_HOPS)
        return fail(f, TSR_E_DENIED, "more than five redirections");
    if (tsr_http_url_resolve(&base, tsr_view((const uint8_t *)f->location, f->location_len), &text) != TSR_OK ||
        tsr_http_url_parse(tsr_buf_view(&text), &url) != TSR_OK || url.host.len >= sizeof f->at.host)
        return fail(f, TSR_E_DENIED, "a redirection to no URL of HTTP");
    if (f->secure && !url.secure)
        return fail(f, TSR_E_DENIED, "a redirection from https to http");
    f->hops++;
    f->request.host = keep(&authority, url.authority);
    f->request.target = keep(&target, url.target);
    if (authority.err != TSR_OK || target.err != TSR_OK)
        return fail(f, TSR_E_SPACE, "a redirection to a URL that is too long");
    tsr_fetch_end(f);
    return go_to(f, &url, now_ms);
}

/* TSR_END: the event was one of a redirection, and is not shown. */
static tsr_err pass(tsr_fetch *f, const tsr_http_event *event, uint64_t now_ms)
{
    tsr_err err = TSR_OK;

    if (!is_redirection(f))
        return TSR_OK;
    if (event->kind == TSR_HTTP_FIELD)
        err = note_location(f, &event->field);
    if (err != TSR_OK)
        return fail(f, TSR_E_SPACE, "a redirection to a URL that is too long");
    if (event->kind != TSR_HTTP_HEAD)
        return TSR_END;
    if (f->location_len == 0)
        return fail(f, TSR_E_DENIED, "a redirection that does not say where to");
    err = redirect(f, now_ms);
    return err == TSR_OK ? TSR_END : err;
}

/* ---- its life ---- */

static tsr_err step_connecting(tsr_fetch *f, uint64_t now_ms)
{
    tsr_tcp *tcp = &f->pipe.tcp;
    struct pollfd fd = { tcp->link.fd, POLLOUT, 0 };
    tsr_err err;

    if (poll(&fd, 1, 0) == 0 && now_ms < tcp->give_up_ms)
        return TSR_END;
    err = tsr_tcp_finish(tcp, now_ms);
    if (err == TSR_E_IO)
        return fail(f, err, strerror(errno));
    return err == TSR_OK ? send_request(f, now_ms) : err; /* its time begins now */
}

/* A kept connection may have been given up by the peer meanwhile: RFC 9112 §9.3.1 */
static tsr_err over(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms)
{
    tsr_err err = tsr_http_closed(&f->http, event);
    bool again = err == TSR_E_IO && f->reused && !f->once;

    if (err == TSR_OK && f->pipe.cut)
        return fail(f, TSR_E_MALFORMED, "the answer is cut off, or its end is not proved");
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
    return err == TSR_OK ? TSR_END : fail(f, TSR_E_IO, f->pipe.cause);
}

static tsr_err hear(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms)
{
    tsr_pipe *p = &f->pipe;
    tsr_bytes in = tsr_view(p->in + p->in_at, p->in_len - p->in_at);
    tsr_err err = tsr_http_feed(&f->http, &in, event, now_ms);

    p->in_at = p->in_len - in.len;
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

/* What the connection cannot take any more may be an answer that says so: it is heard first. */
static tsr_err push(tsr_fetch *f, uint64_t now_ms)
{
    tsr_err err = tsr_pipe_push(&f->pipe, &f->http, now_ms);

    return err == TSR_E_DENIED ? fail(f, TSR_E_IO, f->pipe.cause) : TSR_END;
}

/* TSR_END: ask again, if `again`. */
static tsr_err step(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms, bool *again)
{
    tsr_err err = hear(f, event, now_ms);

    *again = true;
    if (err == TSR_OK)
        err = pass(f, event, now_ms);
    if (err != TSR_END || f->pipe.in_at != f->pipe.in_len || f->pipe.tcp.connecting) {
        *again = !f->pipe.tcp.connecting;
        return err;
    }
    if (f->pipe.closed)
        return over(f, event, now_ms);
    err = tsr_pipe_pull(&f->pipe, now_ms);
    *again = err == TSR_OK;
    if (err == TSR_E_IO)
        return fail(f, err, f->pipe.cause);
    return err == TSR_OK ? TSR_END : err;
}

tsr_err tsr_fetch_next(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms)
{
    tsr_err err = TSR_OK;
    bool again = true;

    if (!f->live || f->pipe.tcp.link.fd < 0)
        return f->live ? fail(f, TSR_E_IO, "no connection") : TSR_END;
    if (f->pipe.tcp.connecting)
        err = step_connecting(f, now_ms);
    if (err != TSR_OK)
        return err;
    err = push(f, now_ms);
    while (err == TSR_END && again)
        err = step(f, event, now_ms, &again);
    /* A handshake may be over now. */
    return err == TSR_END && f->live && !f->pipe.tcp.connecting ? push(f, now_ms) : err;
}

int tsr_fetch_fd(const tsr_fetch *f) { return f->pipe.tcp.link.fd; }

short tsr_fetch_watches(const tsr_fetch *f)
{
    return f->pipe.tcp.link.fd < 0 || !f->live ? 0 : tsr_pipe_watches(&f->pipe);
}

uint64_t tsr_fetch_due_ms(const tsr_fetch *f)
{
    uint64_t pipe_ms = tsr_pipe_due_ms(&f->pipe), http_ms = tsr_http_due_ms(&f->http);

    if (!f->live)
        return UINT64_MAX;
    return f->pipe.tcp.connecting || pipe_ms < http_ms ? pipe_ms : http_ms;
}
