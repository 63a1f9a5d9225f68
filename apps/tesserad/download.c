/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/download.h"

#include <errno.h>
#include <stdio.h>

#include "ports/linux/host/system.h"

enum { COAP_PORT = 5683, COAPS_PORT = 5684, WAIT_MS = 1000, WAIT_MOST_MS = 60000, OPEN_MS = 1000, ROUNDS = 64 };

void download_init(download *d) { *d = (download){ .udp = { .fd = -1 } }; }

void download_end(download *d)
{
    if (d->secure != NULL)
        download_secure_end(d);
    if (d->udp.fd >= 0)
        tsr_udp_close(&d->udp);
    if (d->web != NULL)
        download_web_end(d->web);
    download_init(d);
}

static uint8_t szx_of(uint32_t block_size)
{
    uint8_t szx = 0;

    while ((16u << szx) < block_size)
        szx++;
    return szx;
}

static void begin_coap(download *d, uint32_t offset, tsr_bytes etag, const download_place *place, uint64_t now_ms)
{
    const config *c = place->config;
    bool secure = tsr_lwm2m_protocol_of(d->uri) == TSR_LWM2M_PROTOCOL_COAPS;
    tsr_coap_download_config how = { .offset = offset, .etag = etag, .seed = tsr_host_random(),
                                     .ack_timeout_ms = c->ack_timeout_ms,
                                     .max_retransmit = (uint8_t)c->max_retransmit,
                                     .szx = szx_of(c->block_size), .tries = (uint8_t)c->pull_tries,
                                     .wait_ms = WAIT_MS, .wait_most_ms = WAIT_MOST_MS };

    if (tsr_coap_uri_parse(tsr_text(d->uri), &how.uri) != TSR_OK ||
        tsr_coap_download_begin(&d->engine, &how, now_ms) != TSR_OK) {
        d->taker.fail(d->taker.user, DOWNLOAD_BAD_URI);
        return;
    }
    d->host.secure = secure;
    d->host.port = how.uri.port != 0 ? how.uri.port : secure ? COAPS_PORT : COAP_PORT;
    (void)snprintf(d->host.host, sizeof d->host.host, "%.*s", (int)how.uri.host.len,
                   (const char *)how.uri.host.ptr);
    if (secure && download_secure_begin(d, place) != TSR_OK) {
        d->engine = (tsr_coap_download){ .state = 0 }; /* nothing goes in the clear */
        d->taker.fail(d->taker.user, DOWNLOAD_BAD_URI);
    }
}

static bool is_web(const char *uri)
{
    int protocol = tsr_lwm2m_protocol_of(uri);

    return protocol == TSR_LWM2M_PROTOCOL_HTTP || protocol == TSR_LWM2M_PROTOCOL_HTTPS;
}

void download_begin(download *d, const char *uri, uint32_t offset, tsr_bytes etag,
                    const download_taker *taker, const download_place *place, uint64_t now_ms)
{
    download_end(d);
    d->uri = uri;
    d->taker = *taker;
    tsr_host_log(TSR_LOG_INFO, "download", "uri=\"%s\" offset=%lu", uri, (unsigned long)offset);
    if (is_web(uri))
        download_web_begin(d, offset, etag, place->config, now_ms);
    else
        begin_coap(d, offset, etag, place, now_ms);
}

/* Nobody answers where the address is not ours any more. */
static void look_for_move(download *d)
{
    if (d->heard || !tsr_udp_is_stale(&d->udp))
        return;
    tsr_udp_close(&d->udp);
    if (d->secure != NULL)
        download_secure_moved(d);
}

/* What the engine sends while there is no socket is lost, as on a network. */
static bool is_open(download *d, uint64_t now_ms)
{
    if (d->udp.fd >= 0)
        look_for_move(d);
    if (d->udp.fd >= 0)
        return true;
    if (now_ms < d->open_at_ms)
        return false;
    d->open_at_ms = now_ms + OPEN_MS;
    if (tsr_udp_open(&d->udp, &d->host) == TSR_OK)
        return true;
    d->udp.fd = -1;
    tsr_host_log(TSR_LOG_WARNING, "download-no-socket", "host=\"%s\" cause=\"%s\"", d->host.host,
                 strerror(errno));
    return false;
}

static void send_one(download *d, tsr_bytes message, uint64_t now_ms)
{
    if (!is_open(d, now_ms))
        return;
    d->heard = false;
    if (d->secure != NULL)
        download_secure_send(d, message, now_ms);
    else
        (void)tsr_udp_send(&d->udp, message);
}

static void send_all(download *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];

    for (;;) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_coap_download_poll(&d->engine, &out, now_ms) != TSR_OK)
            break;
        send_one(d, tsr_buf_view(&out), now_ms);
    }
    if (d->secure != NULL)
        download_secure_flush(d, now_ms);
}

static void take_event(download *d)
{
    const download_taker *t = &d->taker;
    tsr_coap_download_event e;

    if (!tsr_coap_download_event_next(&d->engine, &e))
        return;
    if (e.kind != TSR_COAP_DOWNLOAD_PART)
        tsr_host_log(TSR_LOG_WARNING, "download-failed", "uri=\"%s\" code=%u.%02u", d->uri,
                     e.code >> 5, e.code & 31u);
    switch (e.kind) {
    case TSR_COAP_DOWNLOAD_PART:
        t->part(t->user, &(download_part){ e.offset, e.part, e.last, e.etag });
        break;
    case TSR_COAP_DOWNLOAD_LOST:     t->fail(t->user, DOWNLOAD_LOST); break;
    case TSR_COAP_DOWNLOAD_TOO_LONG: t->fail(t->user, DOWNLOAD_TOO_LONG); break;
    default:                         t->fail(t->user, DOWNLOAD_BAD_URI); break;
    }
}

static void take_message(download *d, tsr_bytes message, uint64_t now_ms)
{
    tsr_coap_download_feed(&d->engine, message, now_ms);
    take_event(d);
    send_all(d, now_ms);
}

static void take_messages(download *d, uint64_t now_ms)
{
    tsr_bytes message;

    while (download_secure_next(d, &message, now_ms))
        take_message(d, message, now_ms);
    download_secure_flush(d, now_ms);
}

void download_step(download *d, bool wanted, uint64_t now_ms)
{
    if (!wanted) {
        if (d->udp.fd >= 0 || d->web != NULL || tsr_coap_download_runs(&d->engine))
            download_end(d);
        return;
    }
    if (d->web != NULL) {
        download_web_step(d, now_ms);
        return;
    }
    send_all(d, now_ms);
    take_event(d); /* time may have run out */
    if (d->secure != NULL)
        take_messages(d, now_ms); /* as that of a handshake */
}

uint64_t download_due_ms(const download *d)
{
    uint64_t due_ms = tsr_coap_download_due_ms(&d->engine), secure_ms;

    if (d->web != NULL)
        return download_web_due_ms(d->web);
    secure_ms = d->secure != NULL ? download_secure_due_ms(d) : UINT64_MAX;
    return secure_ms < due_ms ? secure_ms : due_ms;
}

struct pollfd download_watch(const download *d)
{
    return d->web != NULL ? download_web_watch(d->web) : (struct pollfd){ d->udp.fd, POLLIN, 0 };
}

void download_receive(download *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf in = tsr_buf_over(room, sizeof room);

    for (int n = 0; n < ROUNDS && d->udp.fd >= 0 && tsr_udp_receive(&d->udp, &in) == TSR_OK; n++) {
        d->heard = true;
        if (d->secure != NULL) {
            download_secure_feed(d, tsr_buf_view(&in), now_ms);
            take_messages(d, now_ms);
        } else {
            take_message(d, tsr_buf_view(&in), now_ms);
        }
        in.len = 0;
    }
}
