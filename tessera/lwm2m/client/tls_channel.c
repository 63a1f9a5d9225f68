/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/tls_channel.h"

#include "psa/crypto.h"
#include "tessera/lwm2m/client/dtls_channel.h"

tsr_err tsr_lwm2m_tls_from(tsr_lwm2m_tls *tls, const tsr_lwm2m_security *s)
{
    tls->options = (tsr_dtls_options){ .role = TSR_DTLS_CLIENT, .stream = true };
    return tsr_lwm2m_dtls_credentials(&tls->options, s);
}

static void end(tsr_lwm2m_tls *tls)
{
    if (tls->live)
        tsr_tls_free(&tls->session);
    tls->live = tls->closed = false;
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
    return err;
}

static tsr_err take(void *state, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms)
{
    tsr_lwm2m_tls *tls = state;
    tsr_err err = tls->live ? tsr_tls_take(&tls->session, in, plain, now_ms) : TSR_END;

    tls->closed = tls->closed || err == TSR_E_STATE;
    return err;
}

static bool is_up(const void *state)
{
    const tsr_lwm2m_tls *tls = state;

    return tls->live && tsr_tls_connected(&tls->session);
}

static tsr_err poll(void *state, tsr_buf *out, uint64_t now_ms)
{
    tsr_lwm2m_tls *tls = state;

    return tls->live ? tsr_tls_poll(&tls->session, out, now_ms) : TSR_END;
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

void tsr_lwm2m_tls_free(tsr_lwm2m_tls *tls)
{
    end(tls);
    if (tls->configured)
        tsr_dtls_config_free(&tls->config);
    tls->configured = false;
}
