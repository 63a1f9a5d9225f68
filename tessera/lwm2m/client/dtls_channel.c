/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/dtls_channel.h"

#include "psa/crypto.h"

enum {
    RESERVE = 65536,   /* record numbers between two images */
    TYPE_CID = 25,     /* RFC 9146 §4: a record that carries a Connection ID */
};

tsr_err tsr_lwm2m_dtls_from(tsr_lwm2m_dtls *channel, const tsr_lwm2m_security *s, uint8_t *plain,
                            size_t plain_len)
{
    channel->options = (tsr_dtls_options){ .role = TSR_DTLS_CLIENT, .plain = plain,
                                           .plain_cap = plain_len, .cid = true };
    return tsr_lwm2m_dtls_credentials(&channel->options, s);
}

/* Transport 5.2.2: /0/x/16 without a suite that we have leaves none to offer. */
static tsr_err take_suites(tsr_dtls_options *o, const tsr_lwm2m_security *s)
{
    bool has = false;

    if (!tsr_lwm2m_security_says_suites(s))
        return TSR_OK;
    o->suites = s->suites;
    o->suite_count = TSR_LWM2M_SUITES;
    for (size_t i = 0; i < TSR_LWM2M_SUITES; i++)
        has |= tsr_dtls_has_suite(s->mode == TSR_LWM2M_MODE_PSK, s->suites[i]);
    return has ? TSR_OK : TSR_E_UNSUPPORTED;
}

tsr_err tsr_lwm2m_dtls_credentials(tsr_dtls_options *o, const tsr_lwm2m_security *s)
{
    switch (s->mode) {
    case TSR_LWM2M_MODE_PSK:
        o->psk_identity = tsr_view(s->identity, s->identity_len);
        o->psk_key_id = s->key_id;
        return take_suites(o, s);
    case TSR_LWM2M_MODE_CERTIFICATE:
    case TSR_LWM2M_MODE_ENROL: /* once there is a certificate */
        o->certificate = s->certificate;
        o->certificate_key_id = s->key_id;
        o->usage = (tsr_dtls_cert_usage)s->certificate_usage;
        o->pin_type = (tsr_dtls_pin_type)s->matching_type;
        o->server_name = s->server_name[0] != '\0' ? s->server_name : NULL;
        if (o->usage == TSR_DTLS_CERT_ANCHOR) {
            o->anchors = &s->server_certificate;
            o->anchor_count = 1;
        } else {
            o->pin = s->server_certificate;
        }
        return take_suites(o, s);
    default:
        return TSR_E_UNSUPPORTED;
    }
}

static void end_session(tsr_lwm2m_dtls *ch)
{
    if (ch->live)
        tsr_dtls_free(&ch->session);
    ch->live = ch->tell_up = ch->proved = ch->saved = ch->sends_cid = false;
}

/* What is stored is of a session that the server has no more. */
static void forget(tsr_lwm2m_dtls *ch)
{
    if (ch->image != NULL && ch->store.save != NULL)
        ch->dead = ch->store.save(ch->store.user, (tsr_bytes){ NULL, 0 }) != TSR_OK;
    ch->older = false;
}

/* Transport 5.2.1: a session outlives sleep and restarts. One taken from the store may send once its
 * moved-on image is durable, not before. */
static tsr_err resume(tsr_lwm2m_dtls *ch, uint64_t now_ms)
{
    tsr_buf image = tsr_buf_over(ch->image, ch->image_len);
    tsr_err err;

    if (ch->image == NULL || ch->store.load == NULL || ch->store.save == NULL)
        return TSR_E_NOT_FOUND;
    if (ch->dead) {
        forget(ch);
        return TSR_E_NOT_FOUND;
    }
    err = ch->store.load(ch->store.user, &image);
    ch->older = err != TSR_E_NOT_FOUND;
    if (err == TSR_OK)
        err = tsr_dtls_load(&ch->session, &ch->config, &image, now_ms);
    if (err == TSR_OK) {
        ch->live = true;
        if (!tsr_dtls_offers(&ch->config, tsr_dtls_suite(&ch->session)))
            err = TSR_E_UNSUPPORTED;
    }
    if (err == TSR_OK) {
        err = ch->store.save(ch->store.user, tsr_buf_view(&image));
    }
    tsr_wipe(ch->image, ch->image_len);
    if (err != TSR_OK) {
        end_session(ch);
        return err;
    }
    tsr_dtls_stored(&ch->session);
    ch->saved = ch->proved = ch->tell_up = true;
    ch->older = false;
    return TSR_OK;
}

static tsr_err open(void *state, uint64_t now_ms)
{
    tsr_lwm2m_dtls *ch = state;
    tsr_err err;

    end_session(ch);
    if (psa_crypto_init() != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    if (!ch->configured) {
        err = tsr_dtls_config_init(&ch->config, &ch->options);
        if (err != TSR_OK)
            return err;
        ch->configured = true;
    }
    if (resume(ch, now_ms) == TSR_OK)
        return TSR_OK;
    err = tsr_dtls_start(&ch->session, &ch->config, NULL, now_ms);
    ch->live = err == TSR_OK;
    if (ch->live)
        (void)tsr_dtls_offer(&ch->session, &ch->kept);
    return err;
}

static tsr_err feed(void *state, tsr_bytes datagram, uint64_t now_ms)
{
    tsr_lwm2m_dtls *ch = state;

    return ch->live ? tsr_dtls_feed(&ch->session, datagram, now_ms) : TSR_E_STATE;
}

/* A crypto failure is the secure service's, not the session's: the image may serve again. */
static void down(tsr_lwm2m_dtls *ch, const tsr_dtls_event *from, tsr_lwm2m_channel_event *event)
{
    *event = (tsr_lwm2m_channel_event){ .kind = TSR_LWM2M_CHANNEL_DOWN, .reason = "closed" };
    event->peer_closed = from->type == TSR_DTLS_CLOSED;
    if (!event->peer_closed) {
        event->reason = tsr_dtls_reason_name(from->reason);
        if (from->reason == TSR_DTLS_R_ALERT) {
            event->alert = from->alert;
            event->final = tsr_dtls_alert_class(from->alert) == TSR_DTLS_FAIL;
        }
    }
    event->local = !event->peer_closed && (from->reason == TSR_DTLS_R_CRYPTO ||
                                           from->reason == TSR_DTLS_R_MEMORY);
    if (!event->local)
        forget(ch);
    /* RFC 5246 §7.2.2: no session goes on after a fatal alert; nor is one that came to nothing offered
     * again. */
    if (!event->local && !event->peer_closed)
        tsr_tls_forget(&ch->kept);
    ch->proved = ch->saved = false;
}

static bool next(void *state, tsr_lwm2m_channel_event *event)
{
    tsr_lwm2m_dtls *ch = state;
    tsr_dtls_event from;

    if (ch->tell_up) {
        ch->tell_up = false;
        *event = (tsr_lwm2m_channel_event){ .kind = TSR_LWM2M_CHANNEL_UP };
        return true;
    }
    if (!ch->live || !tsr_dtls_event_next(&ch->session, &from))
        return false;
    switch (from.type) {
    case TSR_DTLS_CONNECTED: /* Transport 6.4.3: a new security context, a new registration */
        tsr_dtls_keep(&ch->session, &ch->kept);
        if (ch->older) /* the new one took its place at the server, and may not live to be stored */
            forget(ch);
        *event = (tsr_lwm2m_channel_event){ .kind = TSR_LWM2M_CHANNEL_UP, .anew = true };
        return true;
    case TSR_DTLS_DATA:
        ch->proved = true;
        *event = (tsr_lwm2m_channel_event){ .kind = TSR_LWM2M_CHANNEL_DATA, .data = from.data,
                                            .doubted = tsr_dtls_doubts(&ch->session) };
        return true;
    default:
        down(ch, &from, event);
        return true;
    }
}

/* The first record of the peer ends the handshake for good; from then on the session is worth
 * keeping. Failing to store it costs a handshake later, nothing now. */
static void keep(tsr_lwm2m_dtls *ch)
{
    tsr_buf image = tsr_buf_over(ch->image, ch->image_len);

    if (ch->image == NULL || ch->store.save == NULL || !ch->proved)
        return;
    if (ch->saved && !tsr_dtls_save_due(&ch->session))
        return;
    if (tsr_dtls_save(&ch->session, RESERVE, &image) != TSR_OK)
        return;
    if (ch->store.save(ch->store.user, tsr_buf_view(&image)) == TSR_OK) {
        tsr_dtls_stored(&ch->session);
        ch->saved = true;
        ch->dead = false;
    }
    tsr_wipe(ch->image, ch->image_len);
}

static tsr_err poll(void *state, tsr_buf *datagram, uint64_t now_ms)
{
    tsr_lwm2m_dtls *ch = state;

    if (!ch->live)
        return TSR_END;
    keep(ch);
    return tsr_dtls_poll(&ch->session, datagram, now_ms);
}

static uint64_t due_ms(const void *state)
{
    const tsr_lwm2m_dtls *ch = state;

    if (ch->tell_up)
        return 0;
    return ch->live ? tsr_dtls_due_ms(&ch->session) : UINT64_MAX;
}

static tsr_err send(void *state, tsr_bytes message, tsr_buf *datagram)
{
    tsr_lwm2m_dtls *ch = state;
    size_t start = datagram->len;
    tsr_err err;

    if (!ch->live)
        return TSR_E_STATE;
    keep(ch);
    err = tsr_dtls_send(&ch->session, message, datagram);
    if (err == TSR_OK && datagram->len > start)
        ch->sends_cid = datagram->ptr[start] == TYPE_CID;
    return err;
}

static void close(void *state, bool polite)
{
    tsr_lwm2m_dtls *ch = state;

    forget(ch);
    if (polite && ch->live)
        tsr_dtls_close(&ch->session);
    else
        end_session(ch);
}

/* Only records with the server's CID lead it to the session from another address. */
static bool moved(void *state)
{
    const tsr_lwm2m_dtls *ch = state;

    return ch->live && ch->sends_cid;
}

static void fresh(void *state)
{
    tsr_lwm2m_dtls *ch = state;

    tsr_dtls_fresh(&ch->session);
}

const tsr_lwm2m_channel tsr_lwm2m_dtls_channel = { .open = open, .feed = feed, .next = next,
                                                   .poll = poll, .due_ms = due_ms, .send = send,
                                                   .close = close, .moved = moved, .fresh = fresh };

void tsr_lwm2m_dtls_free(tsr_lwm2m_dtls *channel)
{
    end_session(channel);
    tsr_tls_forget(&channel->kept);
    if (channel->configured)
        tsr_dtls_config_free(&channel->config);
    channel->configured = false;
}

bool tsr_lwm2m_dtls_is_resumed(const tsr_lwm2m_dtls *channel)
{
    return channel->live && tsr_dtls_resumed(&channel->session);
}

bool tsr_lwm2m_dtls_is_restored(const tsr_lwm2m_dtls *channel)
{
    return channel->live && tsr_dtls_restored(&channel->session);
}
