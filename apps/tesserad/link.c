/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

#include <errno.h>
#include <stdio.h>

#include "psa/internal_trusted_storage.h"

enum {
    SOCKET_MIN_MS = 500, SOCKET_MAX_MS = 30000,
    HEARD_MS = 3000, /* RFC 7252 §4.8: a server whose answer was lost asks again in this time */
};

/* The session's image in Internal Trusted Storage, one asset per server. */
static psa_storage_uid_t session_uid(const uplink *l)
{
    return 0x5453520000000000u | l->short_id;
}

static tsr_err session_load(void *user, tsr_buf *image)
{
    const uplink *l = user;
    psa_status_t status = psa_its_get(session_uid(l), 0, image->cap, image->ptr, &image->len);

    if (status != PSA_SUCCESS)
        image->len = 0;
    return status == PSA_SUCCESS && image->len != 0 ? TSR_OK : TSR_E_NOT_FOUND;
}

static tsr_err session_save(void *user, tsr_bytes image)
{
    const uplink *l = user;
    psa_status_t status = image.len != 0
                              ? psa_its_set(session_uid(l), image.len, image.ptr, PSA_STORAGE_FLAG_NONE)
                              : psa_its_remove(session_uid(l));

    if (status == PSA_SUCCESS || (image.len == 0 && status == PSA_ERROR_DOES_NOT_EXIST))
        return TSR_OK;
    tsr_host_log(TSR_LOG_WARNING, "session-not-kept", "server=%u status=%d", l->short_id,
                 (int)status);
    return TSR_E_IO;
}

static void trust_paths(const tsr_bytes *trust, tsr_dtls_options *o)
{
    if (trust->len == 0 || (o->usage != TSR_DTLS_CERT_CA && o->usage != TSR_DTLS_CERT_SERVICE))
        return;
    o->anchors = trust;
    o->anchor_count = 1;
}

static tsr_err link_stream(tesserad *d, size_t i, const tsr_lwm2m_security *security)
{
    uplink *l = &d->links[i];
    tsr_err err;

    if (security->oscore)
        return TSR_E_UNSUPPORTED;
    err = stream_begin(&l->stream, &d->client, i, &l->uri, security, BODY);
    trust_paths(&d->trust, &l->stream.tls.options);
    d->accounts[i].channel = &tsr_lwm2m_tcp_channel;
    d->accounts[i].channel_state = &l->stream.channel;
    return err;
}

tsr_err link_credentials(tsr_lwm2m_dtls *dtls, const tsr_lwm2m_security *security, const char *host,
                         const tsr_bytes *trust, uint8_t *plain, size_t plain_len)
{
    if (tsr_lwm2m_dtls_from(dtls, security, plain, plain_len) != TSR_OK)
        return TSR_E_UNSUPPORTED;
    if (security->mode != TSR_LWM2M_MODE_PSK && security->server_name[0] == '\0')
        dtls->options.server_name = host;
    trust_paths(trust, &dtls->options);
    return TSR_OK;
}

static tsr_err link_dtls(tesserad *d, size_t i, const tsr_lwm2m_security *security)
{
    uplink *l = &d->links[i];

    if (security->mode == TSR_LWM2M_MODE_NOSEC)
        return TSR_OK;
    if (link_credentials(&l->dtls, security, l->uri.host, &d->trust, l->plain, sizeof l->plain) != TSR_OK)
        return TSR_E_UNSUPPORTED;
    l->dtls.options.retry_ms = d->config->handshake_ms;
    l->dtls.store = (tsr_lwm2m_session_store){ l, session_load, session_save };
    l->dtls.image = l->image;
    l->dtls.image_len = sizeof l->image;
    l->dtls.kept = (tsr_tls_kept){ .room = l->kept, .cap = sizeof l->kept };
    d->accounts[i].channel = &tsr_lwm2m_dtls_channel;
    if (security->mode == TSR_LWM2M_MODE_ENROL) {
        d->accounts[i].channel = &d->enrol.channel;
        enrol_hurry(&d->enrol);
    }
    d->accounts[i].channel_state = &l->dtls;
    return TSR_OK;
}

static void link_end(tesserad *d, size_t i)
{
    uplink *l = &d->links[i];

    tsr_lwm2m_dtls_free(&l->dtls);
    tsr_udp_close(&l->udp);
    stream_end(&l->stream);
    tsr_wipe(l, sizeof *l);
    l->stream.tcp.link.fd = -1;
    l->udp.fd = -1;
    oscore_use(&d->oscore, i, NULL, &d->device);
    d->accounts[i].channel = NULL;
    d->accounts[i].channel_state = NULL;
}

static void say_no_suite(const uplink *l)
{
    tsr_host_log(TSR_LOG_ERROR, "no-ciphersuite", "server=%u cause=\"none of its ciphersuites is there for its "
                 "mode\" remedy=\"list one of: psk 0xc0a8 0xc0a4 0x00a8 0xc0a9 0xc0a5, certificate 0xc0ae 0xc0ac "
                 "0xc02b 0xc0af 0xc0ad\"", l->short_id);
}

static bool has_suite(const tsr_lwm2m_security *security)
{
    tsr_dtls_options options = { 0 };

    return security->mode == TSR_LWM2M_MODE_NOSEC ||
           tsr_lwm2m_dtls_credentials(&options, security) == TSR_OK;
}

/* The same credentials do for DTLS and TLS, but OSCORE over TCP and enrolment over TLS are not there. */
static bool link_can(void *user, uint16_t short_id, char binding)
{
    const tesserad *d = user;
    const tsr_lwm2m_security *s = tsr_lwm2m_security_find(&d->device.securities, short_id);

    return s != NULL && (binding == 'U' ||
                         (binding == 'T' && !s->oscore && s->mode != TSR_LWM2M_MODE_ENROL));
}

static char binding_of(const uplink *l)
{
    return l->uri.stream ? 'T' : 'U';
}

/* The socket is opened by the loop. The port is the URI's over either binding, as the defaults are
 * alike (RFC 8323 §8). `binding`: 0: the one that the server prefers, or that of the URI. */
static tsr_err link_init(tesserad *d, size_t i, const tsr_lwm2m_security *security, char binding)
{
    uplink *l = &d->links[i];

    link_end(d, i);
    l->used = true;
    l->short_id = security->bootstrap ? 0 : security->short_id;
    (void)snprintf(l->name, sizeof l->name, "%s", security->uri);
    if (tsr_udp_uri_parse(tsr_text(security->uri), &l->uri) != TSR_OK)
        return TSR_E_UNSUPPORTED;
    l->named = binding_of(l);
    if (binding == 0 && l->short_id != 0)
        binding = tsr_lwm2m_server_preferred(&d->device.servers, l->short_id);
    if (binding != 0)
        l->uri.stream = binding == 'T';
    if (!has_suite(security)) {
        say_no_suite(l);
        return TSR_E_UNSUPPORTED;
    }
    oscore_use(&d->oscore, i, security, &d->device);
    return l->uri.stream ? link_stream(d, i, security) : link_dtls(d, i, security);
}

static tsr_err link_place(tesserad *d, size_t account, const tsr_lwm2m_security *security, char binding)
{
    uplink *l = &d->links[account];
    tsr_err err = link_init(d, account, security, binding);

    if (err != TSR_OK) {
        link_end(d, account); /* else a socket would be opened for an account whose keys have no channel */
        return err;
    }
    if (!l->stream.used && tsr_udp_open(&l->udp, &l->uri) == TSR_OK)
        tsr_host_log(TSR_LOG_INFO, "socket", "server=%u local=%s peer=%s", l->short_id,
                     l->udp.local, l->udp.peer);
    return err;
}

tsr_err link_attach(void *user, size_t account, const tsr_lwm2m_security *security)
{
    tesserad *d = user;

    if (security != NULL)
        return link_place(d, account, security, 0);
    link_end(d, account);
    return TSR_OK;
}

bool link_is_usable(void *user, const tsr_lwm2m_security *security)
{
    tsr_udp_uri uri;

    (void)user;
    return has_suite(security) && tsr_udp_uri_parse(tsr_text(security->uri), &uri) == TSR_OK &&
           uri.secure == (security->mode != TSR_LWM2M_MODE_NOSEC) &&
           !(uri.stream && security->oscore);
}

tsr_err links_begin(tesserad *d)
{
    tsr_err err = TSR_OK;

    d->device.servers.can = link_can;
    d->device.servers.user = d;
    for (size_t i = 0; i < CONFIG_ACCOUNTS; i++)
        d->links[i].udp.fd = d->links[i].stream.tcp.link.fd = -1;
    d->link_count = d->config->has_bootstrap ? (size_t)CONFIG_ACCOUNTS : d->config->server_count;
    for (size_t i = 0; err == TSR_OK && !d->config->has_bootstrap && i < d->link_count; i++) {
        d->accounts[i].short_id = d->config->servers[i].short_id;
        err = link_init(d, i, &d->device.security[i], 0);
    }
    return err;
}

void links_prefer(tesserad *d)
{
    for (size_t i = 0; i < d->link_count; i++) {
        const uplink *l = &d->links[i];
        char wanted = l->used ? tsr_lwm2m_server_preferred(&d->device.servers, l->short_id) : 0;

        if (wanted != 0 && wanted != binding_of(l))
            (void)link_place(d, i, tsr_lwm2m_security_find(&d->device.securities, l->short_id), 0);
    }
}

static void rebind(tesserad *d, size_t i, char binding, const char *cause, uint64_t now_ms)
{
    const tsr_lwm2m_security *s = tsr_lwm2m_security_find(&d->device.securities, d->links[i].short_id);

    if (s == NULL)
        return;
    tsr_host_log(TSR_LOG_INFO, "rebound", "server=%u binding=%c cause=\"%s\"", d->links[i].short_id, binding,
                 cause);
    tsr_lwm2m_client_rebind(&d->client, i, now_ms);
    if (link_place(d, i, s, binding) != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "rebind-failed", "server=%u remedy=\"restart\"", s->short_id);
}

static void rebind_when_due(tesserad *d, size_t i, uint64_t now_ms)
{
    uplink *l = &d->links[i];
    char wanted = tsr_lwm2m_client_binding(&d->client, i);

    if (wanted == 0 || wanted == binding_of(l)) {
        l->rebind_at_ms = 0;
        if (wanted != 0)
            tsr_lwm2m_client_update(&d->client, i);
        return;
    }
    if (l->rebind_at_ms == 0)
        l->rebind_at_ms = l->uri.stream ? now_ms : now_ms + HEARD_MS;
    if (now_ms >= l->rebind_at_ms && !(l->stream.used && l->stream.tcp.out_len != 0))
        rebind(d, i, wanted, "asked for by the server", now_ms);
}

void links_rebind(tesserad *d, uint64_t now_ms)
{
    for (size_t i = 0; i < d->link_count; i++) {
        if (d->links[i].used && d->links[i].short_id != 0)
            rebind_when_due(d, i, now_ms);
    }
}

/* A binding that worked gets one more try, since a server may have been started anew. */
void links_judge(tesserad *d, const tsr_lwm2m_client_event *e, uint64_t now_ms)
{
    uplink *l = &d->links[e->account];
    bool failed = e->kind == TSR_LWM2M_E_DISCONNECTED ||
                  (e->kind == TSR_LWM2M_E_REGISTER_FAILED && e->code == 0);

    if (e->kind == TSR_LWM2M_E_REGISTERED || e->kind == TSR_LWM2M_E_UPDATED)
        l->proved = true;
    if (!failed || !l->used || d->stop_by_ms != 0 || l->named == binding_of(l))
        return;
    if (l->proved)
        l->proved = false;
    else
        rebind(d, e->account, l->named, "the one that the server wants does not work", now_ms);
}

void link_reopen(tesserad *d, size_t i, uint64_t now_ms)
{
    uplink *l = &d->links[i];
    bool was_open = l->udp.fd >= 0;
    tsr_err err;

    if (l->stream.used) { /* its channel asks for a connection when it wants one */
        tsr_lwm2m_client_moved(&d->client, i, now_ms);
        return;
    }
    err = tsr_udp_open(&l->udp, &l->uri);
    if (err == TSR_OK) {
        l->open_wait_ms = 0;
        tsr_host_log(TSR_LOG_INFO, "socket", "server=%u local=%s peer=%s", l->short_id,
                     l->udp.local, l->udp.peer);
        tsr_lwm2m_client_moved(&d->client, i, now_ms);
        return;
    }
    l->open_wait_ms = l->open_wait_ms == 0 ? SOCKET_MIN_MS : l->open_wait_ms * 2;
    if (l->open_wait_ms > SOCKET_MAX_MS)
        l->open_wait_ms = SOCKET_MAX_MS;
    l->open_at_ms = now_ms + l->open_wait_ms;
    if (was_open || l->open_wait_ms == SOCKET_MIN_MS)
        tsr_host_log(TSR_LOG_WARNING, "socket-failed", "server=%u uri=%s cause=\"%s\" remedy=\"trying "
                     "again; check name and route\"", l->short_id, l->name,
                     err == TSR_E_NOT_FOUND ? "the name does not resolve" : strerror(errno));
}

/* A session under the old certificate ends, and is not taken up again. */
static void link_renew(tesserad *d, size_t i, tsr_lwm2m_security *s, tsr_bytes certificate,
                       uint64_t now_ms)
{
    bool was_open = s->certificate.len != 0;

    d->accounts[i].channel->close(&d->links[i].dtls, false);
    tsr_lwm2m_dtls_free(&d->links[i].dtls);
    (void)tsr_lwm2m_security_enrolled(&d->device.securities, s, certificate);
    (void)link_dtls(d, i, s);
    (void)tsr_lwm2m_client_save(&d->client); /* says itself what is wrong */
    if (was_open)
        tsr_lwm2m_client_moved(&d->client, i, now_ms);
    else if (d->accounts[i].standing == TSR_LWM2M_CONNECTING)
        (void)d->enrol.channel.open(&d->links[i].dtls, now_ms);
}

void links_renew(tesserad *d, const enrol_news *news, uint64_t now_ms)
{
    tsr_lwm2m_security *s = tsr_lwm2m_security_find(&d->device.securities, news->short_id);

    for (size_t i = 0; news->short_id != 0 && s != NULL && i < d->link_count; i++) {
        if (d->links[i].used && d->links[i].short_id == news->short_id)
            link_renew(d, i, s, news->certificate, now_ms);
    }
}

void links_check(tesserad *d, bool network_changed, uint64_t now_ms)
{
    for (size_t i = 0; i < d->link_count; i++) {
        uplink *l = &d->links[i];

        if (!l->used)
            continue;
        if (l->stream.used) {
            if (network_changed && tsr_udp_is_stale(&l->stream.tcp.link))
                link_reopen(d, i, now_ms);
            continue;
        }
        if (l->udp.fd < 0 ? now_ms >= l->open_at_ms || network_changed
                          : network_changed && tsr_udp_is_stale(&l->udp))
            link_reopen(d, i, now_ms);
    }
}

uint64_t links_due_ms(const tesserad *d)
{
    uint64_t due_ms = UINT64_MAX;

    for (size_t i = 0; i < d->link_count; i++) {
        const uplink *l = &d->links[i];

        if (l->stream.used && stream_due_ms(&l->stream) < due_ms)
            due_ms = stream_due_ms(&l->stream);
        if (l->used && !l->stream.used && l->udp.fd < 0 && l->open_at_ms < due_ms)
            due_ms = l->open_at_ms;
        if (l->rebind_at_ms != 0 && l->stream.tcp.out_len == 0 && l->rebind_at_ms < due_ms)
            due_ms = l->rebind_at_ms;
    }
    return due_ms;
}

const tsr_udp *link_socket(const uplink *l)
{
    return l->stream.used ? &l->stream.tcp.link : &l->udp;
}

void links_end(tesserad *d)
{
    for (size_t i = 0; i < d->link_count; i++) {
        tsr_lwm2m_dtls_free(&d->links[i].dtls);
        tsr_udp_close(&d->links[i].udp);
        stream_end(&d->links[i].stream);
    }
}

struct pollfd link_watch(const tesserad *d, size_t i)
{
    const uplink *l = &d->links[i];
    if (l->stream.used && stream_watches(&l->stream) != 0)
        return (struct pollfd){ d->asleep ? -1 : l->stream.tcp.link.fd, stream_watches(&l->stream), 0 };
    return (struct pollfd){ d->asleep || l->stream.used ? -1 : l->udp.fd, POLLIN, 0 };
}
