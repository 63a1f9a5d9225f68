/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

static void put_path(tsr_lwm2m_path at, char text[TSR_LWM2M_PATH_TEXT + 1])
{
    tsr_buf out = tsr_buf_over(text, TSR_LWM2M_PATH_TEXT);

    tsr_lwm2m_path_put(&out, at);
    text[out.len] = '\0';
}

static void log_request(const tesserad *d, const tsr_lwm2m_client_event *e, const char *path)
{
    tsr_host_log(TSR_LOG_INFO, "request", "server=%u operation=%s path=%s code=%u.%02u",
                 d->links[e->account].short_id, tsr_lwm2m_operation_name(e->operation), path,
                 e->code >> 5, e->code & 31u);
}

static bool is_resumed(const uplink *l)
{
    if (l->stream.used)
        return tsr_lwm2m_tls_is_resumed(&l->stream.tls);
    return tsr_lwm2m_dtls_is_restored(&l->dtls) || tsr_lwm2m_dtls_is_resumed(&l->dtls);
}

void log_event(const tesserad *d, const tsr_lwm2m_client_event *e)
{
    const tsr_lwm2m_account *a = &d->accounts[e->account];
    unsigned server = d->links[e->account].short_id;
    char path[TSR_LWM2M_PATH_TEXT + 1];

    put_path(e->at, path);
    switch (e->kind) {
    case TSR_LWM2M_E_CONNECTED:
        tsr_host_log(TSR_LOG_INFO, "connected", "server=%u peer=%s session=%s", server,
                     link_socket(&d->links[e->account])->peer,
                     is_resumed(&d->links[e->account]) ? "resumed" : "new");
        break;
    case TSR_LWM2M_E_DISCONNECTED:
        tsr_host_log(TSR_LOG_WARNING, "disconnected", "server=%u cause=\"%s\" alert=%u", server,
                     e->reason, e->code);
        break;
    case TSR_LWM2M_E_REGISTERED:
    case TSR_LWM2M_E_UPDATED:
        tsr_host_log(TSR_LOG_INFO, e->kind == TSR_LWM2M_E_REGISTERED ? "registered" : "updated",
                     "server=%u endpoint=\"%s\" location=%s lwm2m=1.%u lifetime=%u", server,
                     d->config->endpoint, a->location, a->version_minor, a->told.lifetime_s);
        break;
    case TSR_LWM2M_E_DEREGISTERED:
        tsr_host_log(TSR_LOG_INFO, "deregistered", "server=%u", server);
        break;
    case TSR_LWM2M_E_REGISTER_FAILED:
        tsr_host_log(TSR_LOG_WARNING, "register-failed", "server=%u code=%u.%02u cause=\"%s\"",
                     server, e->code >> 5, e->code & 31u, e->reason);
        break;
    case TSR_LWM2M_E_STOPPED:
        tsr_host_log(TSR_LOG_ERROR, "stopped", "server=%u cause=\"%s\" remedy=\"correct the "
                     "credentials and send SIGHUP\"", server, e->reason);
        break;
    case TSR_LWM2M_E_REQUEST: log_request(d, e, path); break;
    case TSR_LWM2M_E_NOTIFIED:
        tsr_host_log(TSR_LOG_DEBUG, "notified", "server=%u path=%s code=%u.%02u", server, path,
                     e->code >> 5, e->code & 31u);
        break;
    case TSR_LWM2M_E_KEPT:
        tsr_host_log(TSR_LOG_DEBUG, "kept", "server=%u path=%s bytes=%zu", server, path, d->history.used);
        break;
    case TSR_LWM2M_E_OBSERVE_END:
        tsr_host_log(TSR_LOG_INFO, "observe-end", "server=%u path=%s cause=\"%s\"", server, path,
                     e->reason);
        break;
    case TSR_LWM2M_E_BOOTSTRAPPING:
        tsr_host_log(TSR_LOG_INFO, "bootstrapping", "cause=\"%s\"", e->reason);
        break;
    case TSR_LWM2M_E_BOOTSTRAPPED: tsr_host_log(TSR_LOG_INFO, "bootstrapped", "%s", ""); break;
    case TSR_LWM2M_E_BOOTSTRAP_FAILED:
        tsr_host_log(TSR_LOG_WARNING, "bootstrap-failed", "code=%u.%02u cause=\"%s\"", e->code >> 5,
                     e->code & 31u, e->reason);
        break;
    case TSR_LWM2M_E_BOOTSTRAP_END:
        tsr_host_log(TSR_LOG_INFO, "bootstrap-account-gone", "cause=\"%s\"", e->reason);
        break;
    case TSR_LWM2M_E_SAVE_FAILED:
        tsr_host_log(TSR_LOG_ERROR, "state-not-saved", "cause=\"%s\"", e->reason);
        break;
    case TSR_LWM2M_E_SENT:
        tsr_host_log(TSR_LOG_DEBUG, "sent", "server=%u code=%u.%02u", server, e->code >> 5,
                     e->code & 31u);
        break;
    case TSR_LWM2M_E_SEND_FAILED:
        tsr_host_log(TSR_LOG_WARNING, "send-failed", "server=%u code=%u.%02u cause=\"%s\"", server,
                     e->code >> 5, e->code & 31u, e->reason);
        break;
    }
}
