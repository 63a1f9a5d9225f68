/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.wget: the device fetches a file over HTTP or HTTPS, and goes where redirections lead. */
#include <stdio.h>

#include "ports/linux/fdo/info.h"
#include "tessera/cbor/cbor.h"

static const char module[] = "fdo.wget";

static void wget_drop(void *self)
{
    tsr_info_wget *m = self;

    tsr_fetch_end(&m->fetch);
    tsr_beneath_drop(&m->file);
    m->running = m->answer = m->has_hash = false;
    m->name[0] = '\0';
    m->error = NULL;
}

/* The owner hears what went wrong in words that tell nothing of the device's network. */
static void fail(tsr_info_wget *m, const char *error, tsr_err err)
{
    tsr_info_log(module, "wget-failed", m->url, err);
    tsr_fetch_end(&m->fetch);
    tsr_beneath_drop(&m->file);
    m->running = false;
    m->answer = true;
    m->error = error;
}

/* The default is what stands behind the last slash of the path. */
static tsr_bytes name_of(const tsr_info_wget *m, const tsr_http_url *url)
{
    tsr_bytes target = url->target;
    size_t end = 0, begin;

    if (m->name[0] != '\0')
        return tsr_text(m->name);
    while (end < target.len && target.ptr[end] != '?')
        end++;
    for (begin = end; begin > 0 && target.ptr[begin - 1] != '/';)
        begin--;
    return tsr_view(target.ptr + begin, end - begin);
}

static tsr_err take_url(tsr_info_wget *m, tsr_bytes value, uint64_t now_ms)
{
    const tsr_http_request get = { .method = "GET", .close = true };
    tsr_http_url url;
    tsr_err err = tsr_info_text(value, m->url, sizeof m->url);

    if (err != TSR_OK)
        return err;
    if (m->running || m->answer) /* one answer for each */
        return TSR_E_STATE;
    err = tsr_http_url_parse(tsr_text(m->url), &url);
    if (err != TSR_OK) {
        fail(m, "no such URL", err);
        return TSR_OK;
    }
    err = tsr_beneath_begin(&m->file, m->bounds->root, name_of(m, &url), m->bounds->most_bytes);
    if (err != TSR_OK) {
        fail(m, "the file cannot be written", err);
        return TSR_OK;
    }
    m->give_up_ms = now_ms + m->bounds->wget_ms;
    m->running = true;
    err = tsr_fetch_begin(&m->fetch, &url, &get, NULL, now_ms);
    if (err != TSR_OK)
        fail(m, "cannot connect", err);
    return TSR_OK;
}

static tsr_err wget_take(void *self, tsr_bytes message, tsr_bytes value, uint64_t now_ms)
{
    tsr_info_wget *m = self;

    if (tsr_same(message, tsr_text("name")))
        return tsr_info_text(value, m->name, sizeof m->name);
    if (tsr_same(message, tsr_text("url")))
        return take_url(m, value, now_ms);
    if (tsr_same(message, tsr_text("sha-384"))) {
        m->has_hash = true;
        return tsr_info_sha384(value, m->sha384);
    }
    return TSR_E_UNSUPPORTED;
}

static void done(tsr_info_wget *m)
{
    tsr_err err;

    m->len = m->file.len;
    err = tsr_beneath_commit(&m->file, tsr_view(m->sha384, m->has_hash ? sizeof m->sha384 : 0));
    if (err != TSR_OK) {
        fail(m, err == TSR_E_CRYPTO ? "another hash" : "the file cannot be written", err);
        return;
    }
    tsr_info_log(module, "wget", m->url, TSR_OK);
    m->running = false;
    m->answer = true;
}

static void hear(tsr_info_wget *m, const tsr_http_event *e)
{
    tsr_err err = TSR_OK;

    if (e->kind == TSR_HTTP_HEAD && m->fetch.http.status != 200) {
        fail(m, "the server has no such file", TSR_E_NOT_FOUND);
        return;
    }
    if (e->kind == TSR_HTTP_BODY)
        err = tsr_beneath_write(&m->file, e->body);
    if (err != TSR_OK)
        fail(m, err == TSR_E_SPACE ? "too long" : "the file cannot be written", err);
    else if (e->kind == TSR_HTTP_DONE)
        done(m);
}

static void step(tsr_info_wget *m, uint64_t now_ms)
{
    tsr_http_event e;

    while (m->running) {
        tsr_err err = now_ms >= m->give_up_ms ? TSR_E_IO : tsr_fetch_next(&m->fetch, &e, now_ms);

        if (err == TSR_END)
            return;
        if (err != TSR_OK)
            fail(m, "the transfer failed", err);
        else
            hear(m, &e);
    }
}

static tsr_err wget_give(void *self, const char **message, tsr_buf *value, uint64_t now_ms)
{
    tsr_info_wget *m = self;

    step(m, now_ms);
    if (!m->answer)
        return TSR_END;
    *message = m->error != NULL ? "error" : "done";
    if (m->error != NULL)
        tsr_cbor_put_text(value, tsr_text(m->error));
    else
        tsr_cbor_put_uint(value, m->len);
    if (value->err == TSR_OK)
        wget_drop(m);
    return value->err;
}

static uint64_t wget_due(const void *self, int *fd, short *events, uint64_t now_ms)
{
    const tsr_info_wget *m = self;
    uint64_t due_ms = tsr_fetch_due_ms(&m->fetch);

    *fd = m->running ? tsr_fetch_fd(&m->fetch) : -1;
    *events = tsr_fetch_watches(&m->fetch);
    (void)now_ms;
    if (!m->running)
        return UINT64_MAX;
    return due_ms < m->give_up_ms ? due_ms : m->give_up_ms;
}

void tsr_info_wget_init(tsr_info_wget *m, const tsr_info_bounds *bounds, tsr_info *info)
{
    const tsr_fetch_trust trust = { .anchors = bounds->anchors, .anchor_count = bounds->anchor_count };

    memset(m, 0, sizeof *m);
    m->bounds = bounds;
    tsr_beneath_init(&m->file);
    tsr_fetch_init(&m->fetch, bounds->wget_ms);
    m->fetch.follow = true;
    tsr_fetch_secure_init(&m->tls, &trust);
    tsr_fetch_use(&m->fetch, &tsr_fetch_secure_layer, &m->tls);
    *info = (tsr_info){ module, NULL, wget_take, wget_give, wget_due, wget_drop, m };
}
