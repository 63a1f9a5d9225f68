/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/download.h"

#include <errno.h>
#include <stdio.h>

#include "ports/linux/host/system.h"

enum { COAP_PORT = 5683, WAIT_MS = 1000, WAIT_MOST_MS = 60000, OPEN_MS = 1000, ROUNDS = 64 };

void download_init(download *d) { *d = (download){ .udp = { .fd = -1 } }; }

void download_end(download *d)
{
    if (d->udp.fd >= 0)
        tsr_udp_close(&d->udp);
    download_init(d);
}

static bool is_wanted(const tsr_lwm2m_firmware *f)
{
    return f->state == TSR_LWM2M_FIRMWARE_DOWNLOADING && !f->pushed;
}

static uint8_t szx_of(uint32_t block_size)
{
    uint8_t szx = 0;

    while ((16u << szx) < block_size)
        szx++;
    return szx;
}

static tsr_err begin(download *d, const tsr_lwm2m_firmware *f, const config *c, uint64_t now_ms)
{
    tsr_coap_download_config how = { .offset = f->offset, .etag = { f->etag, f->etag_len },
                                     .seed = tsr_host_random(),
                                     .ack_timeout_ms = c->ack_timeout_ms,
                                     .max_retransmit = (uint8_t)c->max_retransmit,
                                     .szx = szx_of(c->block_size), .tries = (uint8_t)c->pull_tries,
                                     .wait_ms = WAIT_MS, .wait_most_ms = WAIT_MOST_MS };
    tsr_err err = tsr_coap_uri_parse(tsr_text(f->uri), &how.uri);

    if (err != TSR_OK)
        return err;
    d->host.port = how.uri.port != 0 ? how.uri.port : COAP_PORT;
    (void)snprintf(d->host.host, sizeof d->host.host, "%.*s", (int)how.uri.host.len,
                   (const char *)how.uri.host.ptr);
    tsr_host_log(TSR_LOG_INFO, "download", "uri=\"%s\" offset=%lu", f->uri,
                 (unsigned long)f->offset);
    return tsr_coap_download_begin(&d->engine, &how, now_ms);
}

/* What the engine sends while there is no socket is lost, as on a network. */
static bool is_open(download *d, uint64_t now_ms)
{
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

static void send_all(download *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];

    for (;;) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_coap_download_poll(&d->engine, &out, now_ms) != TSR_OK)
            return;
        if (is_open(d, now_ms))
            (void)tsr_udp_send(&d->udp, tsr_buf_view(&out));
    }
}

/* The ETag is there before the first byte is stored, and saved with the state. */
static void take_part(tsr_lwm2m_firmware *f, const tsr_coap_download_event *e)
{
    if (e->offset == 0) {
        f->etag_len = (uint8_t)e->etag.len;
        if (e->etag.len != 0)
            memcpy(f->etag, e->etag.ptr, e->etag.len);
        f->changed = true;
    }
    (void)tsr_lwm2m_firmware_pull(f, e->offset, e->part, e->last); /* `state` says how it went */
}

static void take_event(download *d, tsr_lwm2m_firmware *f)
{
    tsr_coap_download_event e;

    if (!tsr_coap_download_event_next(&d->engine, &e))
        return;
    switch (e.kind) {
    case TSR_COAP_DOWNLOAD_PART: take_part(f, &e); return;
    case TSR_COAP_DOWNLOAD_LOST:
        tsr_lwm2m_firmware_fail(f, TSR_LWM2M_FIRMWARE_CONNECTION_LOST);
        break;
    case TSR_COAP_DOWNLOAD_TOO_LONG:
        tsr_lwm2m_firmware_fail(f, TSR_LWM2M_FIRMWARE_NO_FLASH);
        break;
    default: tsr_lwm2m_firmware_fail(f, TSR_LWM2M_FIRMWARE_BAD_URI); break;
    }
    tsr_host_log(TSR_LOG_WARNING, "download-failed", "uri=\"%s\" code=%u.%02u", f->uri, e.code >> 5,
                 e.code & 31u);
}

void download_step(download *d, tsr_lwm2m_firmware *f, const config *c, uint64_t now_ms)
{
    if (f->fetch) {
        f->fetch = false;
        download_end(d);
        if (begin(d, f, c, now_ms) != TSR_OK)
            tsr_lwm2m_firmware_fail(f, TSR_LWM2M_FIRMWARE_BAD_URI);
    }
    if (!is_wanted(f)) {
        if (d->udp.fd >= 0 || tsr_coap_download_runs(&d->engine))
            download_end(d);
        return;
    }
    send_all(d, now_ms);
    take_event(d, f); /* time may have run out */
}

uint64_t download_due_ms(const download *d, const tsr_lwm2m_firmware *f)
{
    return f->fetch ? 0 : tsr_coap_download_due_ms(&d->engine);
}

void download_receive(download *d, tsr_lwm2m_firmware *f, const config *c, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf in = tsr_buf_over(room, sizeof room);

    for (int n = 0; n < ROUNDS && d->udp.fd >= 0 && tsr_udp_receive(&d->udp, &in) == TSR_OK; n++) {
        tsr_coap_download_feed(&d->engine, tsr_buf_view(&in), now_ms);
        take_event(d, f);
        download_step(d, f, c, now_ms);
        in.len = 0;
    }
}
