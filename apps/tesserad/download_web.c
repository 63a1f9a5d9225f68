/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "apps/tesserad/download.h"
#include "ports/linux/host/log.h"
#include "ports/linux/http/anchors.h"
#include "ports/linux/http/fetch.h"
#include "ports/linux/http/secure.h"
#include "psa/crypto.h"
#include "tessera/http/download.h"

enum {
    WAIT_MS = 1000, WAIT_MOST_MS = 60000, /* between failures, as over coap */
    PIECE_MS = 60000,                     /* 1,024 bytes may take so long */
    EVENTS = 16,                          /* of 4 KB at most, then the daemon's other work has its turn */
};

struct download_web {
    tsr_http_download engine;
    tsr_http_url url;
    tsr_fetch fetch;
    tsr_fetch_secure tls;
    tsr_anchors anchors;
    bool more; /* not all that came was heard */
};

/* ---- its beginning ---- */

/* Nobody is believed where they cannot be read. */
static void read_anchors(struct download_web *w, const config *c)
{
    const char *path = c->update_trust[0] != '\0' ? c->update_trust : TSR_ANCHORS_SYSTEM;
    tsr_err err = tsr_anchors_read(&w->anchors, path);

    if (err != TSR_OK)
        tsr_host_log(c->update_trust[0] != '\0' ? TSR_LOG_ERROR : TSR_LOG_WARNING, "download-trust",
                     "path=\"%s\" cause=\"%s\" remedy=\"name a file of CA certificates: trust in [update]\"", path,
                     err == TSR_E_IO ? strerror(errno) : "no certificates, or too many");
}

static struct download_web *make(const config *c)
{
    struct download_web *w = calloc(1, sizeof *w);
    tsr_fetch_trust trust = { .anyone = false };

    if (w == NULL)
        return NULL;
    read_anchors(w, c);
    trust.anchors = w->anchors.list;
    trust.anchor_count = w->anchors.count;
    tsr_fetch_init(&w->fetch, PIECE_MS);
    w->fetch.follow = true;
    tsr_fetch_secure_init(&w->tls, &trust);
    tsr_fetch_use(&w->fetch, &tsr_fetch_secure_layer, &w->tls);
    return w;
}

void download_web_end(struct download_web *w)
{
    tsr_fetch_end(&w->fetch);
    tsr_anchors_free(&w->anchors);
    tsr_wipe(w, sizeof *w);
    free(w);
}

void download_web_begin(download *d, uint32_t offset, tsr_bytes etag, const config *c, uint64_t now_ms)
{
    const tsr_http_download_config how = { .offset = offset, .etag = etag, .tries = (uint8_t)c->pull_tries,
                                           .wait_ms = WAIT_MS, .wait_most_ms = WAIT_MOST_MS,
                                           .piece_ms = PIECE_MS };
    struct download_web *w = make(c);

    if (w == NULL) {
        d->taker.fail(d->taker.user, DOWNLOAD_LOST);
        return;
    }
    if (tsr_http_url_parse(tsr_text(d->uri), &w->url) != TSR_OK ||
        tsr_http_download_begin(&w->engine, &how, now_ms) != TSR_OK) {
        download_web_end(w);
        d->taker.fail(d->taker.user, DOWNLOAD_BAD_URI);
        return;
    }
    d->web = w;
}

/* ---- its life ---- */

static void take_events(download *d)
{
    const download_taker *t = &d->taker;
    struct download_web *w = d->web;
    tsr_http_download_event e;

    if (!tsr_http_download_event_next(&w->engine, &e))
        return;
    if (e.kind != TSR_HTTP_DOWNLOAD_PART)
        tsr_host_log(TSR_LOG_WARNING, "download-failed", "uri=\"%s\" status=%u", d->uri, e.status);
    switch (e.kind) {
    case TSR_HTTP_DOWNLOAD_PART:
        t->part(t->user, &(download_part){ e.offset, e.part, e.last, e.etag });
        break;
    case TSR_HTTP_DOWNLOAD_LOST:     t->fail(t->user, DOWNLOAD_LOST); break;
    case TSR_HTTP_DOWNLOAD_REFUSED:  t->fail(t->user, DOWNLOAD_BAD_URI); break;
    case TSR_HTTP_DOWNLOAD_TOO_LONG: t->fail(t->user, DOWNLOAD_TOO_LONG); break;
    }
}

static void failed(download *d, tsr_err err, uint64_t now_ms)
{
    struct download_web *w = d->web;

    tsr_host_log(TSR_LOG_WARNING, "download-cut", "uri=\"%s\" cause=\"%s\"", d->uri, w->fetch.cause);
    if (err == TSR_E_DENIED)
        tsr_http_download_refuse(&w->engine, w->fetch.http.status);
    else
        tsr_http_download_cut(&w->engine, now_ms);
}

static void ask(download *d, uint64_t now_ms)
{
    struct download_web *w = d->web;
    tsr_http_field fields[TSR_HTTP_DOWNLOAD_FIELDS];
    tsr_http_request get = { .method = "GET", .fields = fields, .close = true };
    bool heard = tsr_http_download_hears(&w->engine);
    tsr_err err = tsr_http_download_poll(&w->engine, fields, now_ms);

    if (heard && !tsr_http_download_hears(&w->engine))
        tsr_host_log(TSR_LOG_WARNING, "download-cut", "uri=\"%s\" cause=\"it is too slow\"", d->uri);
    if (err != TSR_OK)
        return;
    while (get.field_count < TSR_HTTP_DOWNLOAD_FIELDS && fields[get.field_count].value.len != 0)
        get.field_count++;
    (void)psa_crypto_init(); /* nobody else does where there are no keys; without it TLS says why */
    err = tsr_fetch_begin(&w->fetch, &w->url, &get, NULL, now_ms);
    if (err != TSR_OK)
        failed(d, err, now_ms);
}

static void hear(download *d, tsr_http_event *e, uint64_t now_ms)
{
    struct download_web *w = d->web;

    do {
        tsr_http_download_feed(&w->engine, w->fetch.http.status, e, now_ms);
        take_events(d);
    } while (e->kind == TSR_HTTP_BODY && e->body.len != 0 && tsr_http_download_hears(&w->engine));
}

void download_web_step(download *d, uint64_t now_ms)
{
    struct download_web *w = d->web;
    tsr_err err = TSR_OK;
    tsr_http_event e;
    int n = 0;

    ask(d, now_ms);
    take_events(d);
    while (n++ < EVENTS && err == TSR_OK && tsr_http_download_hears(&w->engine)) {
        err = tsr_fetch_next(&w->fetch, &e, now_ms);
        if (err == TSR_OK)
            hear(d, &e, now_ms);
        else if (err != TSR_END)
            failed(d, err, now_ms);
    }
    take_events(d);
    w->more = err == TSR_OK;
    if (!tsr_http_download_hears(&w->engine)) {
        w->more = false;
        tsr_fetch_end(&w->fetch);
    }
}

uint64_t download_web_due_ms(const struct download_web *w)
{
    uint64_t fetch_ms = tsr_fetch_due_ms(&w->fetch), own_ms = tsr_http_download_due_ms(&w->engine);

    if (w->more)
        return 0;
    return fetch_ms < own_ms ? fetch_ms : own_ms;
}

struct pollfd download_web_watch(const struct download_web *w)
{
    return (struct pollfd){ tsr_fetch_fd(&w->fetch), tsr_fetch_watches(&w->fetch), 0 };
}
