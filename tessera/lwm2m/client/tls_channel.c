/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/tls_channel.h"

#include "psa/crypto.h"
#include "tessera/lwm2m/client/dtls_channel.h"

tsr_err tsr_lwm2m_tls_from(tsr_lwm2m_tls *tls, const tsr_lwm2m_security *s)
{
    tls->options = (tsr_dtls_options){ .role = TSR_DTLS_CLIENT, .stream = true };
    return tsr_lwm2m_dtls_credentials(&tls->options, s);
}

/* A session whose handshake came to nothing is not offered again. */
static void end(tsr_lwm2m_tls *tls)
{
    if (tls->live && !tls->up)
        tsr_tls_forget(&tls->kept);
    if (tls->live)
        tsr_tls_free(&tls->session);
    tls->live = tls->closed = tls->up = false;
}

/* RFC 5246 §7.2.2: what ended with a fatal alert is over for good. */
static tsr_err settle(tsr_lwm2m_tls *tls, tsr_err err, uint64_t now_ms)
{
    if (tls->live && !tls->up && tsr_tls_connected(&tls->session)) {
        tls->up = true;
        tsr_tls_keep(&tls->session, &tls->kept, now_ms);
    }
    if (err == TSR_E_DENIED)
        tsr_tls_forget(&tls->kept);
    return err;
}

static tsr_err open(void *state, uint64_t now_ms)
{
    tsr_lwm2m_tls *tls = state;
    tsr_err err;

    end(tls);
    if (psa_crypto_init() != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    if (!tls->configured) {
        err = tsr_dtls_config_init(&tls->config, &tls->options);
        if (err != TSR_OK)
            return err;
        tls->configured = true;
    }
    err = tsr_tls_begin(&tls->session, &tls->config, now_ms);
    tls->live = err == TSR_OK;
    if (tls->live)
        (void)tsr_tls_offer(&tls->session, &tls->kept, now_ms);
    return err;
}

static tsr_err take(void *state, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms)
{
    tsr_lwm2m_tls *tls = state;
    tsr_err err = tls->live ? tsr_tls_take(&tls->session, in, plain, now_ms) : TSR_END;

    tls->closed = tls->closed || err == TSR_E_STATE;
    return settle(tls, err, now_ms);
}

static bool is_up(const void *state)
{
    const tsr_lwm2m_tls *tls = state;

    return tls->live && tsr_tls_connected(&tls->session);
}

static tsr_err poll(void *state, tsr_buf *out, uint64_t now_ms)
{
    tsr_lwm2m_tls *tls = state;

    return settle(tls, tls->live ? tsr_tls_poll(&tls->session, out, now_ms) : TSR_END, now_ms);
}

static tsr_err seal(void *state, tsr_bytes plain, tsr_buf *out)
{
    tsr_lwm2m_tls *tls = state;

    return tls->live ? tsr_tls_send(&tls->session, plain, out) : TSR_E_STATE;
}

static void close(void *state, tsr_buf *out)
{
    tsr_lwm2m_tls *tls = state;

    if (tls->live && out != NULL && out->cap - out->len >= TSR_TLS_MORE)
        tsr_tls_close(&tls->session, out);
    end(tls);
}

/* As a DTLS session that is over would say it. */
static void down(const void *state, tsr_lwm2m_channel_event *event)
{
    const tsr_lwm2m_tls *tls = state;
    tsr_dtls_reason reason = tls->live ? tsr_tls_reason(&tls->session) : TSR_DTLS_R_NONE;

    if (reason == TSR_DTLS_R_NONE) {
        event->peer_closed = event->peer_closed || tls->closed;
        if (tls->closed)
            event->reason = "closed";
        return;
    }
    event->peer_closed = false;
    event->reason = tsr_dtls_reason_name(reason);
    event->local = reason == TSR_DTLS_R_CRYPTO || reason == TSR_DTLS_R_MEMORY;
    if (reason == TSR_DTLS_R_ALERT) {
        event->alert = tsr_tls_alert(&tls->session);
        event->final = tsr_dtls_alert_class(event->alert) == TSR_DTLS_FAIL;
    }
}

static uint64_t due_ms(const void *state)
{
    const tsr_lwm2m_tls *tls = state;

    return tls->live ? tsr_tls_due_ms(&tls->session) : UINT64_MAX;
}

const tsr_lwm2m_tcp_layer tsr_lwm2m_tls_layer = { .open = open, .take = take, .is_up = is_up,
                                                  .poll = poll, .seal = seal, .more = TSR_TLS_MORE,
                                                  .close = close, .down = down, .due_ms = due_ms };

bool tsr_lwm2m_tls_is_resumed(const tsr_lwm2m_tls *tls)
{
    return tls->live && tsr_tls_resumed(&tls->session);
}

void tsr_lwm2m_tls_free(tsr_lwm2m_tls *tls)
{
    end(tls);
    tsr_tls_forget(&tls->kept);
    if (tls->configured)
        tsr_dtls_config_free(&tls->config);
    tls->configured = false;
}
