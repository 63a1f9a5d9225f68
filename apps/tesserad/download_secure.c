/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <strings.h>

#include "apps/tesserad/tesserad.h"
#include "ports/linux/host/system.h"

enum { OPEN_MS = 1000, MESSAGE = 640 };

/* A session of its own for the download, under an account's credentials. */
struct download_secure {
    const download_place *place;
    tsr_lwm2m_dtls dtls;
    bool open, up;
    uint32_t unheard; /* messages since the peer was heard last */
    uint64_t open_at_ms;
    size_t waiting_len; /* of the last message that came before the session was there */
    uint8_t waiting[MESSAGE], plain[TSR_DTLS_PLAIN_MAX];
};

static bool has_keys(const tsr_lwm2m_security *s)
{
    tsr_dtls_options options = { 0 };

    return s->used && !s->bootstrap && tsr_lwm2m_dtls_credentials(&options, s) == TSR_OK;
}

/* That of the same host and port, else one of the same host: a server's files may have a port of their own. */
static const tsr_lwm2m_security *account_of(const tsr_lwm2m_securities *all, const tsr_udp_uri *to)
{
    const tsr_lwm2m_security *found = NULL;
    tsr_udp_uri uri;

    for (size_t i = 0; i < all->count; i++) {
        const tsr_lwm2m_security *s = &all->items[i];

        if (!has_keys(s) || tsr_udp_uri_parse(tsr_text(s->uri), &uri) != TSR_OK ||
            strcasecmp(uri.host, to->host) != 0)
            continue;
        if (uri.port == to->port && !uri.stream)
            return s;
        if (found == NULL)
            found = s;
    }
    return found;
}

static void end_session(struct download_secure *s)
{
    tsr_lwm2m_dtls_free(&s->dtls);
    s->open = s->up = false;
    s->unheard = 0;
}

tsr_err download_secure_begin(download *d, const download_place *place)
{
    struct download_secure *s;

    if (account_of(place->securities, &d->host) == NULL) {
        tsr_host_log(TSR_LOG_WARNING, "download-no-account", "host=\"%s\" cause=\"no account over DTLS is of this "
                     "host\" remedy=\"fetch from a server that the device has keys for\"", d->host.host);
        return TSR_E_NOT_FOUND;
    }
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return TSR_E_SPACE;
    s->place = place;
    d->secure = s;
    return TSR_OK;
}

/* ---- the session ---- */

/* Accounts and their keys may have changed since the last one. */
static void open_session(download *d, uint64_t now_ms)
{
    struct download_secure *s = d->secure;
    const tsr_lwm2m_security *account = account_of(s->place->securities, &d->host);
    tsr_err err = TSR_E_NOT_FOUND;

    if (now_ms < s->open_at_ms)
        return;
    s->open_at_ms = now_ms + OPEN_MS;
    end_session(s);
    s->dtls = (tsr_lwm2m_dtls){ .configured = false };
    if (account != NULL)
        err = link_credentials(&s->dtls, account, d->host.host, s->place->trust, s->plain, sizeof s->plain);
    s->dtls.options.retry_ms = s->place->config->handshake_ms;
    if (err == TSR_OK)
        err = tsr_lwm2m_dtls_channel.open(&s->dtls, now_ms);
    s->open = err == TSR_OK;
    if (!s->open) {
        end_session(s);
        tsr_host_log(TSR_LOG_WARNING, "download-no-session", "host=\"%s\" cause=%s", d->host.host, tsr_err_name(err));
    }
}

static void protect(download *d, tsr_bytes message)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (tsr_lwm2m_dtls_channel.send(&d->secure->dtls, message, &out) == TSR_OK)
        (void)tsr_udp_send(&d->udp, tsr_buf_view(&out));
    d->secure->unheard++;
}

/* A peer that answers none of a request's transmissions may have lost the session. */
void download_secure_send(download *d, tsr_bytes message, uint64_t now_ms)
{
    struct download_secure *s = d->secure;

    if (s->up && s->unheard > s->place->config->max_retransmit)
        end_session(s);
    if (!s->open)
        open_session(d, now_ms);
    if (s->up)
        protect(d, message);
    else if (message.len <= sizeof s->waiting) {
        memcpy(s->waiting, message.ptr, message.len);
        s->waiting_len = message.len;
    }
}

static void came_up(download *d)
{
    struct download_secure *s = d->secure;

    s->up = true;
    tsr_host_log(TSR_LOG_INFO, "download-connected", "peer=%s suite=0x%04x", d->udp.peer,
                 tsr_dtls_suite(&s->dtls.session));
    if (s->waiting_len != 0)
        protect(d, tsr_view(s->waiting, s->waiting_len));
    s->waiting_len = 0;
}

bool download_secure_next(download *d, tsr_bytes *message, uint64_t now_ms)
{
    struct download_secure *s = d->secure;
    tsr_lwm2m_channel_event event;

    while (s->open && tsr_lwm2m_dtls_channel.next(&s->dtls, &event)) {
        switch (event.kind) {
        case TSR_LWM2M_CHANNEL_UP: came_up(d); break;
        case TSR_LWM2M_CHANNEL_DATA:
            s->unheard = 0;
            *message = event.data;
            return true;
        case TSR_LWM2M_CHANNEL_COAP: break; /* of streams alone */
        case TSR_LWM2M_CHANNEL_DOWN:
            tsr_host_log(TSR_LOG_WARNING, "download-cut", "uri=\"%s\" cause=\"%s\"", d->uri, event.reason);
            download_secure_flush(d, now_ms); /* an alert */
            end_session(s);
            break;
        }
    }
    return false;
}

void download_secure_feed(download *d, tsr_bytes datagram, uint64_t now_ms)
{
    if (d->secure->open)
        (void)tsr_lwm2m_dtls_channel.feed(&d->secure->dtls, datagram, now_ms);
}

void download_secure_flush(download *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    while (d->secure->open && tsr_lwm2m_dtls_channel.poll(&d->secure->dtls, &out, now_ms) == TSR_OK) {
        if (d->udp.fd >= 0)
            (void)tsr_udp_send(&d->udp, tsr_buf_view(&out));
        out.len = 0;
    }
}

void download_secure_moved(download *d)
{
    if (d->secure->open && !tsr_lwm2m_dtls_channel.moved(&d->secure->dtls))
        end_session(d->secure);
}

uint64_t download_secure_due_ms(const download *d)
{
    return d->secure->open ? tsr_lwm2m_dtls_channel.due_ms(&d->secure->dtls) : UINT64_MAX;
}

void download_secure_end(download *d)
{
    if (d->secure->up) {
        tsr_lwm2m_dtls_channel.close(&d->secure->dtls, true);
        download_secure_flush(d, tsr_host_now_ms());
    }
    end_session(d->secure);
    tsr_wipe(d->secure, sizeof *d->secure);
    free(d->secure);
    d->secure = NULL;
}
