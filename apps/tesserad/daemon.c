/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/tesserad/certificate.h"
#include "apps/tesserad/device.h"
#include "apps/tesserad/enrol.h"
#include "apps/tesserad/firmware.h"
#include "apps/tesserad/oscore.h"
#include "apps/tesserad/report.h"
#include "apps/tesserad/software.h"
#include "apps/tesserad/stream.h"
#include "apps/tesserad/update.h"
#include "ports/linux/gate/gate.h"
#include "ports/linux/host/file.h"
#include "ports/linux/host/system.h"
#include "ports/linux/host/udp.h"
#include "psa/crypto.h"
#include "psa/internal_trusted_storage.h"
#include "tessera/base/hash.h"
#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/client/dtls_channel.h"
#include "tessera/lwm2m/client/queue.h"

enum {
    OBSERVATIONS = 64, ATTACHMENTS = 64, PATHS = 256, BODY = 49152, STATE = 131072,
    UNDO = 16384,
    EXCHANGES = 64, SEEN = 512, LOG = 65536, STATE_HEAD = 8,
    GATE_MS = 5000,   /* longest wait for tessera-secured */
    FRESH_MS = 500,   /* a request sees values no older than this */
    STOP_MS = 20000,  /* longest wait for De-register: four transmissions */
    SOCKET_MIN_MS = 500, SOCKET_MAX_MS = 30000,
};

static const char state_file[] = "client";

/* One server: its socket and, with keys, its DTLS session. */
typedef struct {
    bool used;
    uint16_t short_id; /* 0: the bootstrap server's */
    char name[CONFIG_PATH]; /* the URI */
    tsr_udp_uri uri;
    tsr_udp udp;   /* or */
    stream stream; /* when the URI says coap+tcp */
    uint64_t open_at_ms; /* when a socket that could not be opened is tried again */
    uint64_t open_wait_ms;
    tsr_lwm2m_dtls dtls;
    uint8_t plain[TSR_DTLS_PLAIN_MAX], image[TSR_DTLS_SAVED_MAX];
} uplink;

/* Certificates of one section. */
typedef struct {
    uint8_t room[2][CERTIFICATE_MAX];
    tsr_bytes own, server;
} papers;

typedef struct tesserad {
    const config *config;
    const char *path;
    device device;
    update update;
    firmware firmware;
    software software;
    oscore oscore;
    enrol enrol;
    size_t link_count;
    uplink links[CONFIG_ACCOUNTS];
    uint8_t trust_room[CERTIFICATE_MAX];
    tsr_bytes trust; /* for accounts that want a path, and have no anchor of their own */
    papers papers[CONFIG_ACCOUNTS]; /* of the sections, in their order; then the bootstrap server's */
    tsr_lwm2m_account accounts[CONFIG_ACCOUNTS];
    tsr_lwm2m_bootstrap bootstrap;
    uint8_t undo[UNDO];
    tsr_lwm2m_observation observations[OBSERVATIONS];
    tsr_lwm2m_attachment attachments[ATTACHMENTS];
    tsr_lwm2m_composite_path paths[PATHS];
    report report;
    uint8_t body[BODY], state[STATE], stored[STATE + STATE_HEAD], message[TSR_UDP_DATAGRAM];
    tsr_coap_config coap;
    void *coap_memory;
    tsr_lwm2m_client client;
    tsr_coap_streams streams;
    tsr_lwm2m_queue queue;
    bool asleep; /* nothing is sent, and nothing that comes is heard */
    int signals, watch;
    uint64_t stop_by_ms; /* 0: running */
    daemon_end end;
} tesserad;

static uint64_t mark_oscore(uint64_t mark, const config_server *s)
{
    if (s->oscore_key == 0)
        return mark;
    mark = tsr_hash_u64(mark, (uint64_t)s->oscore_aead << 32 | s->oscore_key);
    mark = tsr_hash(mark, tsr_view(s->oscore_sender.bytes, s->oscore_sender.len));
    mark = tsr_hash(mark, tsr_view(s->oscore_recipient.bytes, s->oscore_recipient.len));
    mark = tsr_hash(mark, tsr_view(s->oscore_salt.bytes, s->oscore_salt.len));
    return tsr_hash(mark, tsr_view(s->oscore_context.bytes, s->oscore_context.len));
}

/* What the configuration says about servers: if it is changed, it wins over what was written. */
static uint64_t config_mark(const config *c)
{
    const config_server *b = &c->bootstrap;
    uint64_t mark = 1;

    if (c->has_bootstrap) {
        mark = tsr_hash(mark, tsr_text(b->uri));
        mark = tsr_hash(mark, tsr_text(b->identity));
        mark = tsr_hash_u64(mark, (uint64_t)b->mode << 32 | b->key);
        mark = tsr_hash_u64(mark, (uint64_t)b->hold_off_s << 32 | b->account_timeout_s);
    }

    if (c->has_bootstrap)
        mark = mark_oscore(mark, &c->bootstrap);
    for (size_t i = 0; i < c->server_count; i++) {
        const config_server *s = &c->servers[i];

        mark = mark_oscore(mark, s);
        mark = tsr_hash(mark, tsr_text(s->uri));
        mark = tsr_hash(mark, tsr_view(s->number, sizeof s->number));
        mark = tsr_hash_u64(mark, (uint64_t)s->short_id << 32 | s->set);
        if (s->mode == TSR_LWM2M_MODE_ENROL)
            mark = tsr_hash_u64(mark, s->key);
        if (c->server_count > 1)
            mark = tsr_hash_u64(mark, (uint64_t)s->rights << 32 | s->owner);
    }
    return tsr_hash(mark, tsr_text(c->endpoint));
}

static tsr_err save_state(void *user, tsr_bytes state)
{
    tesserad *d = user;
    tsr_buf out = tsr_buf_over(d->stored, sizeof d->stored);
    tsr_err err;

    tsr_put_u64(&out, config_mark(d->config));
    tsr_put_bytes(&out, state);
    err = out.err != TSR_OK ? out.err : tsr_host_store(d->config->state, state_file, tsr_buf_view(&out));
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "save-failed", "directory=\"%s\" cause=\"%s\" remedy=\"%s\"",
                     d->config->state, strerror(errno),
                     errno == ENOSPC ? "free disk space; writes are refused until then"
                                     : "make the directory writable for this user");
    return err;
}

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

static tsr_err read_certificate(const char *path, uint8_t *room, tsr_bytes *der)
{
    tsr_err err = certificate_read(path, room, der);
    const char *cause = err == TSR_E_IO      ? strerror(errno)
                        : err == TSR_E_SPACE ? "too long"
                                             : "neither DER nor PEM with a certificate";

    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "certificate", "file=\"%s\" cause=\"%s\" remedy=\"name a "
                     "certificate of at most %d bytes, PEM or DER\"", path, cause, CERTIFICATE_MAX);
    return err;
}

static tsr_err papers_read(papers *p, const config_server *from)
{
    tsr_err err;

    if (from->mode != TSR_LWM2M_MODE_CERTIFICATE && from->mode != TSR_LWM2M_MODE_ENROL)
        return TSR_OK;
    err = from->mode == TSR_LWM2M_MODE_CERTIFICATE
              ? read_certificate(from->certificate, p->room[0], &p->own)
              : TSR_OK;
    return err == TSR_OK ? read_certificate(from->server_certificate, p->room[1], &p->server) : err;
}

static tsr_err papers_read_all(tesserad *d)
{
    size_t n = d->config->server_count;
    tsr_err err = d->config->trust[0] != '\0'
                      ? read_certificate(d->config->trust, d->trust_room, &d->trust)
                      : TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < n; i++)
        err = papers_read(&d->papers[i], &d->config->servers[i]);
    return err == TSR_OK && d->config->has_bootstrap
               ? papers_read(&d->papers[n], &d->config->bootstrap)
               : err;
}

/* Accounts as the configuration has them. */
static void configure_accounts(tesserad *d)
{
    device_configure_security(&d->device);
    device_configure_oscore(&d->device);
    device_configure_servers(&d->device);
    for (size_t i = 0; i < CONFIG_ACCOUNTS; i++) {
        d->device.security[i].certificate = d->papers[i].own;
        d->device.security[i].server_certificate = d->papers[i].server;
    }
}

static void trust_paths(const tesserad *d, tsr_dtls_options *o)
{
    if (d->trust.len == 0 || (o->usage != TSR_DTLS_CERT_CA && o->usage != TSR_DTLS_CERT_SERVICE))
        return;
    o->anchors = &d->trust;
    o->anchor_count = 1;
}

static tsr_err link_stream(tesserad *d, size_t i, const tsr_lwm2m_security *security)
{
    uplink *l = &d->links[i];
    tsr_err err;

    if (security->oscore)
        return TSR_E_UNSUPPORTED;
    err = stream_begin(&l->stream, &d->client, i, &l->uri, security, BODY);
    trust_paths(d, &l->stream.tls.options);
    d->accounts[i].channel = &tsr_lwm2m_tcp_channel;
    d->accounts[i].channel_state = &l->stream.channel;
    return err;
}

static tsr_err link_dtls(tesserad *d, size_t i, const tsr_lwm2m_security *security)
{
    uplink *l = &d->links[i];

    if (security->mode == TSR_LWM2M_MODE_NOSEC)
        return TSR_OK;
    if (tsr_lwm2m_dtls_from(&l->dtls, security, l->plain, sizeof l->plain) != TSR_OK)
        return TSR_E_UNSUPPORTED;
    if (security->mode != TSR_LWM2M_MODE_PSK && security->server_name[0] == '\0')
        l->dtls.options.server_name = l->uri.host;
    trust_paths(d, &l->dtls.options);
    l->dtls.options.retry_ms = d->config->handshake_ms;
    l->dtls.store = (tsr_lwm2m_session_store){ l, session_load, session_save };
    l->dtls.image = l->image;
    l->dtls.image_len = sizeof l->image;
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

/* The socket is opened by the loop. */
static tsr_err link_init(tesserad *d, size_t i, const tsr_lwm2m_security *security)
{
    uplink *l = &d->links[i];

    link_end(d, i);
    l->used = true;
    l->short_id = security->bootstrap ? 0 : security->short_id;
    (void)snprintf(l->name, sizeof l->name, "%s", security->uri);
    if (tsr_udp_uri_parse(tsr_text(security->uri), &l->uri) != TSR_OK)
        return TSR_E_UNSUPPORTED;
    oscore_use(&d->oscore, i, security, &d->device);
    return l->uri.stream ? link_stream(d, i, security) : link_dtls(d, i, security);
}

static tsr_err attach(void *user, size_t account, const tsr_lwm2m_security *security)
{
    tesserad *d = user;
    uplink *l = &d->links[account];
    tsr_err err;

    if (security == NULL) {
        link_end(d, account);
        return TSR_OK;
    }
    err = link_init(d, account, security);
    if (err == TSR_OK && !l->stream.used && tsr_udp_open(&l->udp, &l->uri) == TSR_OK)
        tsr_host_log(TSR_LOG_INFO, "socket", "server=%u local=%s peer=%s", l->short_id,
                     l->udp.local, l->udp.peer);
    return err;
}

static bool is_usable(void *user, const tsr_lwm2m_security *security)
{
    tsr_udp_uri uri;

    (void)user;
    return tsr_udp_uri_parse(tsr_text(security->uri), &uri) == TSR_OK &&
           uri.secure == (security->mode != TSR_LWM2M_MODE_NOSEC) &&
           !(uri.stream && security->oscore);
}

/* Without a bootstrap server, accounts are those of the sections. */
static tsr_err links_init(tesserad *d)
{
    tsr_err err = TSR_OK;

    d->link_count = d->config->has_bootstrap ? (size_t)CONFIG_ACCOUNTS : d->config->server_count;
    for (size_t i = 0; err == TSR_OK && !d->config->has_bootstrap && i < d->link_count; i++) {
        d->accounts[i].short_id = d->config->servers[i].short_id;
        err = link_init(d, i, &d->device.security[i]);
    }
    return err;
}

static tsr_err bootstrap_init(tesserad *d, const tsr_lwm2m_client_config *c)
{
    const config_server *from = &d->config->bootstrap;

    d->bootstrap = (tsr_lwm2m_bootstrap){
        .securities = &d->device.securities,
        .staged_securities = d->device.staged_security,
        .staged_servers = d->device.staged_server,
        .staged_certificates = d->device.staged_certificates,
        .oscore = &tsr_lwm2m_boot_oscore,
        .oscores = &d->device.oscores,
        .staged_oscores = d->device.staged_oscore,
        .undo = d->undo,
        .undo_len = sizeof d->undo,
        .account = CONFIG_SERVERS,
        .pack = from->pack != 0,
        .retry_count = (uint8_t)from->number[TSR_LWM2M_S_RETRY_COUNT],
        .retry_timer_s = from->number[TSR_LWM2M_S_RETRY_TIMER],
        .sequence_delay_s = from->number[TSR_LWM2M_S_SEQUENCE_DELAY],
        .hooks = { d, is_usable, attach },
    };
    return tsr_lwm2m_client_init_bootstrap(&d->client, c, &tsr_lwm2m_whole, &d->bootstrap);
}

/* Without a bootstrap server only what servers wrote goes: accounts are those of the sections. */
static void reset_accounts(tesserad *d)
{
    device_configure_access(&d->device, true);
    if (!d->config->has_bootstrap) {
        device_configure_servers(&d->device);
        return;
    }
    configure_accounts(d);
    (void)tsr_lwm2m_bootstrap_reset(&d->client);
}

/* A damaged state costs a new registration, not the device. */
static void restore_state(tesserad *d)
{
    tsr_buf in = tsr_buf_over(d->stored, sizeof d->stored);
    tsr_err err = tsr_host_load(d->config->state, state_file, &in);
    tsr_bytes bytes = tsr_buf_view(&in);
    uint64_t mark = 0;

    if (err == TSR_E_NOT_FOUND)
        return;
    if (err == TSR_OK)
        err = tsr_get_u64(&bytes, &mark);
    if (err == TSR_OK)
        err = tsr_lwm2m_client_restore(&d->client, bytes);
    if (err != TSR_OK) {
        tsr_host_set_aside(d->config->state, state_file);
        tsr_host_log(TSR_LOG_ERROR, "state-damaged", "file=\"%s/%s\" cause=%s remedy=\"registering "
                     "anew; the file is kept as %s.damaged\"", d->config->state, state_file,
                     tsr_err_name(err), state_file);
        reset_accounts(d);
        return;
    }
    if (mark != config_mark(d->config)) {
        reset_accounts(d);
        tsr_host_log(TSR_LOG_INFO, "config-wins", "cause=\"the server sections were changed\"");
    }
    if (!d->config->has_bootstrap)
        device_configure_access(&d->device, false);
    tsr_host_log(TSR_LOG_INFO, "restored", "bytes=%zu", in.len);
}

static uint8_t szx_of(uint32_t block_size)
{
    uint8_t szx = 0;

    while ((16u << szx) < block_size)
        szx++;
    return szx;
}

static tsr_err client_init(tesserad *d)
{
    tsr_lwm2m_client_config c = {
        .endpoint = d->config->endpoint,
        .registry = &d->device.registry,
        .servers = &d->device.servers,
        .accounts = d->accounts,
        .account_count = d->link_count,
        .observations = d->observations,
        .observation_count = OBSERVATIONS,
        .attachments = d->attachments,
        .attachment_count = ATTACHMENTS,
        .paths = d->paths,
        .path_count = PATHS,
        .outbox = &d->report.outbox,
        .accesses = &d->device.accesses,
        .body = d->body,
        .body_len = sizeof d->body,
        .state = d->state,
        .state_len = sizeof d->state,
        .datagram = d->message,
        .datagram_len = sizeof d->message,
        .coap = &d->coap,
        .version_minor = (uint8_t)d->config->version,
        .hooks = { d, save_state },
        .queue = d->config->queue == 1 ? &d->queue : NULL,
    };

    tsr_err err;

    d->queue.awake_ms = d->config->awake_s * 1000;

    d->coap = (tsr_coap_config){ .peers = (uint32_t)d->link_count, .exchanges = EXCHANGES,
                                 .exchange_len = 1280, .bodies = 8, .body_len = BODY,
                                 .peer_bodies = 4, .seen = SEEN, .log_len = LOG,
                                 .seed = tsr_host_random(), .params = tsr_coap_params_default() };
    d->coap.params.ack_timeout_ms = d->config->ack_timeout_ms;
    d->coap.params.max_retransmit = (uint8_t)d->config->max_retransmit;
    d->coap.params.szx = szx_of(d->config->block_size);
    c.coap_memory_len = tsr_coap_memory(&d->coap);
    d->coap_memory = calloc(1, c.coap_memory_len);
    c.coap_memory = d->coap_memory;
    if (d->coap_memory == NULL)
        return TSR_E_SPACE;
    err = d->config->has_bootstrap ? bootstrap_init(d, &c) : tsr_lwm2m_client_init(&d->client, &c);
    return err == TSR_OK ? tsr_lwm2m_tcp_use(&d->client, &d->streams) : err;
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

static void step_enrol(tesserad *d, uint64_t now_ms)
{
    enrol_news news = enrol_step(&d->enrol, now_ms);
    tsr_lwm2m_security *s = tsr_lwm2m_security_find(&d->device.securities, news.short_id);

    for (size_t i = 0; news.short_id != 0 && s != NULL && i < d->link_count; i++) {
        if (d->links[i].used && d->links[i].short_id == news.short_id)
            link_renew(d, i, s, news.certificate, now_ms);
    }
}

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

static void log_event(const tesserad *d, const tsr_lwm2m_client_event *e)
{
    const tsr_lwm2m_account *a = &d->accounts[e->account];
    unsigned server = d->links[e->account].short_id;
    char path[TSR_LWM2M_PATH_TEXT + 1];

    put_path(e->at, path);
    switch (e->kind) {
    case TSR_LWM2M_E_CONNECTED:
        tsr_host_log(TSR_LOG_INFO, "connected", "server=%u peer=%s session=%s", server,
                     (d->links[e->account].stream.used ? &d->links[e->account].stream.tcp.link
                                                       : &d->links[e->account].udp)->peer,
                     tsr_lwm2m_dtls_is_restored(&d->links[e->account].dtls) ? "resumed" : "new");
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

/* A socket that cannot be had (no route, no name) is tried again, ever more slowly. */
static void link_open(tesserad *d, size_t i, uint64_t now_ms)
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

/* What came while nobody listened was not heard. */
static void wake(tesserad *d)
{
    uint8_t room[TSR_UDP_DATAGRAM];

    d->asleep = false;
    for (size_t i = 0; i < d->link_count; i++) {
        tsr_buf in = tsr_buf_over(room, sizeof room);

        while (d->links[i].udp.fd >= 0 && tsr_udp_receive(&d->links[i].udp, &in) == TSR_OK)
            in.len = 0;
    }
    tsr_host_log(TSR_LOG_INFO, "awake", "for=%u", d->config->awake_s);
}

static void fall_asleep(tesserad *d, uint64_t now_ms)
{
    uint64_t until_ms;

    if (d->asleep || d->stop_by_ms != 0 ||
        !tsr_lwm2m_queue_sleeps(&d->client, now_ms, &until_ms))
        return;
    d->asleep = true;
    tsr_host_log(TSR_LOG_INFO, "asleep", "until=%llu",
                 until_ms == UINT64_MAX ? 0ull : (unsigned long long)((until_ms - now_ms) / 1000));
}

/* True: a connection came or went, which the client has something to say to. */
static bool step_streams(tesserad *d, const struct pollfd *fds, uint64_t now_ms)
{
    bool again = false;

    for (size_t i = 0; i < d->link_count; i++)
        again |= stream_step(&d->links[i].stream, fds != NULL ? fds[i].revents : 0, now_ms);
    return again;
}

static void send_all(tesserad *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    size_t account;

    for (;;) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_lwm2m_client_poll(&d->client, &account, &out, now_ms) != TSR_OK)
            break;
        if (d->asleep)
            wake(d);
        tsr_lwm2m_queue_traffic(&d->queue, now_ms);
        if (d->links[account].stream.used)
            stream_send(&d->links[account].stream, tsr_buf_view(&out));
        else if (tsr_udp_send(&d->links[account].udp, tsr_buf_view(&out)) != TSR_OK)
            tsr_host_log(TSR_LOG_DEBUG, "not-sent", "server=%u bytes=%zu",
                         d->links[account].short_id, out.len);
    }
}

/* Does what was asked for before it is acknowledged, sends all there is, shows what happened. */
static void drive(tesserad *d, uint64_t now_ms)
{
    tsr_lwm2m_client_event event;

    device_show_lights(&d->device);
    firmware_tell(&d->firmware);
    software_tell(&d->software);
    logs_tell(&d->device.logs, &d->client);
    do
        send_all(d, now_ms);
    while (step_streams(d, NULL, now_ms));
    while (tsr_lwm2m_client_event_next(&d->client, &event)) {
        log_event(d, &event);
        if (event.kind == TSR_LWM2M_E_REGISTERED || event.kind == TSR_LWM2M_E_UPDATED)
            update_registered(&d->update);
    }
}

static tsr_err link_receive(uplink *l, tsr_buf *in)
{
    return l->stream.used ? stream_receive(&l->stream, in) : tsr_udp_receive(&l->udp, in);
}

/* What a bootstrap server writes may be a key, which is in the secure service by now. */
static void forget_message(tesserad *d, size_t i, uint8_t *datagram, size_t len)
{
    tsr_wipe(datagram, len);
    tsr_wipe(d->links[i].plain, sizeof d->links[i].plain);
    oscore_wipe(&d->oscore);
}

static void receive(tesserad *d, size_t i, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf in = tsr_buf_over(room, sizeof room);

    for (int n = 0; n < 64 && link_receive(&d->links[i], &in) == TSR_OK; n++) {
        if (now_ms - d->device.refreshed_ms > FRESH_MS)
            device_refresh(&d->device, &d->client, now_ms);
        tsr_lwm2m_queue_traffic(&d->queue, now_ms);
        (void)tsr_lwm2m_client_feed(&d->client, i, tsr_buf_view(&in), now_ms);
        in = tsr_buf_over(room, sizeof room);
        drive(d, now_ms);
    }
    drive(d, now_ms); /* of a connection that ended */
    if (i == CONFIG_SERVERS)
        forget_message(d, i, room, sizeof room);
}

static void stop(tesserad *d, daemon_end end, bool deregister, uint64_t now_ms)
{
    d->end = end;
    d->stop_by_ms = now_ms + STOP_MS;
    (void)tsr_lwm2m_client_save(&d->client);
    tsr_lwm2m_client_stop(&d->client, deregister, now_ms);
}

/* The present configuration stays in force when the new one has an error. */
static bool reload_is_good(const tesserad *d)
{
    config *fresh = malloc(sizeof *fresh);
    char error[512];
    bool good = fresh != NULL && config_load(d->path, fresh, error, sizeof error) == TSR_OK;

    if (fresh != NULL && !good)
        tsr_host_log(TSR_LOG_ERROR, "reload-failed", "cause=\"%s\"", error);
    free(fresh);
    return good;
}

static void on_signal(tesserad *d, uint64_t now_ms)
{
    struct signalfd_siginfo info;

    if (read(d->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIGHUP:
        if (reload_is_good(d))
            stop(d, DAEMON_RELOAD, false, now_ms);
        break;
    case SIGUSR1:
        for (size_t i = 0; i < d->link_count; i++) {
            if (d->links[i].used)
                link_open(d, i, now_ms);
        }
        break;
    default:
        tsr_host_log(TSR_LOG_INFO, "stopping", "signal=%u", info.ssi_signo);
        stop(d, DAEMON_ENDED, d->config->deregister == 1, now_ms);
        break;
    }
}

static void check_sockets(tesserad *d, bool network_changed, uint64_t now_ms)
{
    for (size_t i = 0; i < d->link_count; i++) {
        uplink *l = &d->links[i];

        if (!l->used)
            continue;
        if (l->stream.used) {
            if (network_changed && tsr_udp_is_stale(&l->stream.tcp.link))
                link_open(d, i, now_ms);
            continue;
        }
        if (l->udp.fd < 0 ? now_ms >= l->open_at_ms || network_changed
                          : network_changed && tsr_udp_is_stale(&l->udp))
            link_open(d, i, now_ms);
    }
}

static int wait_ms(const tesserad *d, uint64_t now_ms)
{
    uint64_t due_ms = 0;
    uint64_t refresh_ms = d->device.refreshed_ms + (uint64_t)d->config->refresh_s * 1000;

    (void)tsr_lwm2m_queue_sleeps(&d->client, now_ms, &due_ms);
    if (refresh_ms < due_ms)
        due_ms = refresh_ms;
    for (size_t i = 0; i < d->link_count; i++) {
        const uplink *l = &d->links[i];

        if (l->stream.used && stream_due_ms(&l->stream) < due_ms)
            due_ms = stream_due_ms(&l->stream);
        if (l->used && !l->stream.used && l->udp.fd < 0 && l->open_at_ms < due_ms)
            due_ms = l->open_at_ms;
    }
    if (d->stop_by_ms != 0 && d->stop_by_ms < due_ms)
        due_ms = d->stop_by_ms;
    if (update_due_ms(&d->update) < due_ms)
        due_ms = update_due_ms(&d->update);
    if (firmware_due_ms(&d->firmware) < due_ms)
        due_ms = firmware_due_ms(&d->firmware);
    if (software_due_ms(&d->software) < due_ms)
        due_ms = software_due_ms(&d->software);
    if (report_due_ms(&d->report) < due_ms)
        due_ms = report_due_ms(&d->report);
    if (enrol_due_ms(&d->enrol) < due_ms)
        due_ms = enrol_due_ms(&d->enrol);
    return due_ms <= now_ms ? 0 : (int)(due_ms - now_ms);
}

static void step_update(tesserad *d, uint64_t now_ms)
{
    bool trial = d->update.trial;

    update_step(&d->update, now_ms);
    if (trial && !d->update.trial)
        firmware_judged(&d->firmware);
    firmware_step(&d->firmware, now_ms);
    software_step(&d->software, now_ms);
}

static struct pollfd link_watch(const tesserad *d, const uplink *l)
{
    if (l->stream.used && stream_watches(&l->stream) != 0)
        return (struct pollfd){ d->asleep ? -1 : l->stream.tcp.link.fd, stream_watches(&l->stream), 0 };
    return (struct pollfd){ d->asleep || l->stream.used ? -1 : l->udp.fd, POLLIN, 0 };
}

static void step(tesserad *d)
{
    struct pollfd fds[CONFIG_ACCOUNTS + 5 + SOFTWARE_FDS];
    size_t n = d->link_count;
    uint64_t now_ms = tsr_host_now_ms();

    for (size_t i = 0; i < n; i++)
        fds[i] = link_watch(d, &d->links[i]);
    fds[n] = (struct pollfd){ d->signals, POLLIN, 0 };
    fds[n + 1] = (struct pollfd){ d->watch, POLLIN, 0 };
    fds[n + 2] = (struct pollfd){ d->device.logs.kernel, POLLIN, 0 };
    fds[n + 3] = (struct pollfd){ firmware_socket(&d->firmware), POLLIN, 0 };
    fds[n + 4] = (struct pollfd){ enrol_descriptor(&d->enrol), POLLIN, 0 };
    software_fds(&d->software, fds + n + 5);
    if (poll(fds, n + 5 + SOFTWARE_FDS, wait_ms(d, now_ms)) < 0)
        return;
    now_ms = tsr_host_now_ms();
    if (fds[n].revents != 0)
        on_signal(d, now_ms);
    if (fds[n + 3].revents != 0)
        firmware_receive(&d->firmware, now_ms);
    software_receive(&d->software, fds + n + 5, now_ms);
    if (fds[n + 1].revents != 0)
        tsr_udp_watch_drain(d->watch);
    if (fds[n + 2].revents != 0)
        logs_read_kernel(&d->device.logs);
    if (d->stop_by_ms == 0)
        check_sockets(d, fds[n + 1].revents != 0, now_ms);
    (void)step_streams(d, fds, now_ms);
    for (size_t i = 0; i < n; i++) {
        if (fds[i].revents != 0)
            receive(d, i, now_ms);
    }
    if (now_ms - d->device.refreshed_ms >= (uint64_t)d->config->refresh_s * 1000)
        device_refresh(&d->device, &d->client, now_ms);
    if (d->stop_by_ms == 0)
        step_enrol(d, now_ms);
    if (d->stop_by_ms == 0)
        report_step(&d->report, &d->client, now_ms);
    drive(d, now_ms);
    if (d->stop_by_ms == 0)
        step_update(d, now_ms);
    fall_asleep(d, now_ms);
    if (d->device.device.reboot && d->stop_by_ms == 0) {
        d->device.device.reboot = false;
        tsr_host_log(TSR_LOG_INFO, "reboot", "cause=\"asked for by a server\"");
        if (d->config->reboot != REBOOT_NONE)
            stop(d, DAEMON_REBOOT, true, now_ms);
    }
}

static bool is_over(const tesserad *d)
{
    return d->stop_by_ms != 0 &&
           (tsr_lwm2m_client_stopped(&d->client) || tsr_host_now_ms() >= d->stop_by_ms);
}

static int open_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static tsr_err begin(tesserad *d, const config *c, const char *path)
{
    uint64_t now_ms = tsr_host_now_ms();
    tsr_err err = tsr_host_directory(c->state);

    d->config = c;
    d->path = path;
    d->signals = open_signals();
    d->watch = tsr_udp_watch();
    if (err != TSR_OK) {
        tsr_host_log(TSR_LOG_ERROR, "state-directory", "path=\"%s\" cause=\"%s\" remedy=\"make it a "
                     "directory that this user alone can write\"", c->state,
                     err == TSR_E_DENIED ? "others may write there, or it is a file" : strerror(errno));
        return err;
    }
    if (c->secured[0] != '\0' && tsr_gate_socket(c->secured) != PSA_SUCCESS)
        return TSR_E_ARGUMENT;
    tsr_gate_timeout_ms(GATE_MS);
    device_init(&d->device, c, now_ms);
    report_init(&d->report, c, now_ms);
    enrol_begin(&d->enrol, &d->device, c);
    err = update_begin(&d->update, c);
    if (update_version(&d->update) != NULL)
        (void)snprintf(d->device.device.firmware, sizeof d->device.device.firmware, "%s",
                       update_version(&d->update));
    firmware_place(&d->firmware, &d->update, &d->device);
    device_configure_access(&d->device, true);
    if (err == TSR_OK)
        err = software_place(&d->software, c, &d->device);
    if (err == TSR_OK)
        err = papers_read_all(d);
    configure_accounts(d);
    if (err == TSR_OK)
        err = links_init(d);
    if (err == TSR_OK)
        err = client_init(d);
    if (err == TSR_OK)
        err = oscore_begin(&d->oscore, &d->device, &d->client);
    if (err != TSR_OK) {
        tsr_host_log(TSR_LOG_ERROR, "start-failed", "cause=%s", tsr_err_name(err));
        return err;
    }
    restore_state(d);
    firmware_resume(&d->firmware, &d->client);
    software_resume(&d->software, &d->client);
    report_restore(&d->report, &d->client);
    for (size_t i = 0; i < d->link_count; i++) {
        if (d->links[i].used && !d->links[i].stream.used && d->links[i].udp.fd < 0)
            link_open(d, i, now_ms);
    }
    return TSR_OK;
}

static void finish(tesserad *d)
{
    report_keep(&d->report);
    device_end(&d->device);
    update_end(&d->update);
    firmware_end(&d->firmware);
    software_end(&d->software);
    oscore_end(&d->oscore);
    enrol_end(&d->enrol);
    for (size_t i = 0; i < d->link_count; i++) {
        tsr_lwm2m_dtls_free(&d->links[i].dtls);
        tsr_udp_close(&d->links[i].udp);
        stream_end(&d->links[i].stream);
    }
    if (d->signals >= 0)
        (void)close(d->signals);
    if (d->watch >= 0)
        (void)close(d->watch);
    free(d->coap_memory);
}

daemon_end daemon_run(const config *c, const char *path)
{
    tesserad *d = calloc(1, sizeof *d);
    daemon_end end = DAEMON_FAILED;

    if (d == NULL)
        return end;
    for (size_t i = 0; i < CONFIG_ACCOUNTS; i++)
        d->links[i].udp.fd = d->links[i].stream.tcp.link.fd = -1;
    download_init(&d->firmware.download);
    software_init(&d->software);
    tsr_host_log_level((tsr_log_level)c->log_level);
    if (begin(d, c, path) == TSR_OK) {
        tsr_host_log(TSR_LOG_INFO, "ready", "endpoint=\"%s\" servers=%zu state=\"%s\"", c->endpoint,
                     c->server_count, c->state);
        while (!is_over(d))
            step(d);
        drive(d, tsr_host_now_ms());
        end = d->end;
    }
    finish(d);
    tsr_wipe(d, sizeof *d);
    free(d);
    return end;
}
