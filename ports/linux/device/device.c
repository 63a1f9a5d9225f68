/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ports/linux/device/internal.h"
#include "ports/linux/gate/gate.h"
#include "ports/linux/host/data.h"
#include "ports/linux/host/file.h"
#include "ports/linux/host/log.h"

#include "ports/linux/host/system.h"
#include "tessera/base/hash.h"

enum {
    SHORT_ID = 1, KEY = 1, LIFETIME_S = 300,
    REFRESH_MS = 1000, /* what object 3 says is no older */
    REOPEN_MS = 5000,
    STOP_MS = 20000, /* longest wait for De-register: four transmissions */
};

/* ---- what outlives a restart; another server or name begins afresh ---- */

static tsr_host_state file_of(tsr_linux_device *d)
{
    uint64_t mark = tsr_hash(tsr_hash(1, tsr_text(d->config.server)), tsr_text(d->config.endpoint));

    return (tsr_host_state){ d->config.state, mark, d->stored, sizeof d->stored };
}

static tsr_err save_state(void *user, tsr_bytes state)
{
    tsr_host_state file = file_of(user);

    return tsr_host_state_save(&file, state);
}

static void restore_state(tsr_linux_device *d)
{
    tsr_host_state file = file_of(d);
    uint64_t mark = 0;
    tsr_bytes state;
    tsr_err err = tsr_host_state_load(&file, &mark, &state);

    if (err == TSR_E_NOT_FOUND || (err == TSR_OK && mark != file.mark))
        return;
    if (err == TSR_OK)
        err = tsr_lwm2m_client_restore(&d->client, state);
    if (err != TSR_OK)
        tsr_host_state_damaged(&file, err);
}

/* ---- placing everything ---- */

static tsr_err place_account(tsr_linux_device *d)
{
    const tsr_linux_config *c = &d->config;
    const char *identity = c->identity != NULL ? c->identity : c->endpoint;
    size_t identity_len = strlen(identity);

    if (tsr_udp_uri_parse(tsr_text(c->server), &d->uri) != TSR_OK ||
        strlen(c->server) > TSR_LWM2M_URI_LEN || identity_len > TSR_LWM2M_IDENTITY_MAX) {
        tsr_host_log(TSR_LOG_ERROR, "server", "uri=\"%s\" cause=\"no such URI, or the identity is too "
                     "long\" remedy=\"coap://host or coaps://host\"", c->server);
        return TSR_E_ARGUMENT;
    }
    d->security = (tsr_lwm2m_security){ .used = true, .factory = true, .short_id = SHORT_ID,
                                        .mode = d->uri.secure ? TSR_LWM2M_MODE_PSK
                                                              : TSR_LWM2M_MODE_NOSEC,
                                        .identity_len = (uint8_t)identity_len,
                                        .key_id = c->key != 0 ? c->key : (uint32_t)KEY };
    memcpy(d->security.uri, c->server, strlen(c->server));
    memcpy(d->security.identity, identity, identity_len);
    tsr_lwm2m_server_init(&d->server, 0, SHORT_ID, c->lifetime_s != 0 ? c->lifetime_s : LIFETIME_S);
    tsr_lwm2m_server_set(&d->server, TSR_LWM2M_S_MUTE_SEND, 0);
    d->account.short_id = SHORT_ID;
    if (!d->uri.secure)
        return TSR_OK;
    d->account.channel = &tsr_lwm2m_dtls_channel;
    d->account.channel_state = &d->dtls;
    if (c->key_file != NULL && linux_key(c, d->security.key_id) != TSR_OK)
        return TSR_E_CRYPTO;
    return tsr_lwm2m_dtls_from(&d->dtls, &d->security, d->plain, sizeof d->plain);
}

static void set(char text[TSR_LWM2M_DEVICE_TEXT], const char *from)
{
    if (from != NULL)
        (void)snprintf(text, TSR_LWM2M_DEVICE_TEXT, "%s", from);
}

static tsr_err place_objects(tsr_linux_device *d, const tsr_lwm2m_object *objects, size_t count)
{
    if (count > TSR_LINUX_OBJECTS)
        return TSR_E_SPACE;
    tsr_lwm2m_device_init(&d->about);
    set(d->about.manufacturer, d->config.manufacturer);
    set(d->about.model, d->config.model);
    set(d->about.firmware, d->config.firmware);
    tsr_host_device_identify("", &d->about);
    tsr_host_device_refresh("", &d->about);
    d->securities = (tsr_lwm2m_securities){ .items = &d->security, .count = 1 };
    d->servers = (tsr_lwm2m_servers){ .items = &d->server, .count = 1 };
    d->objects[0] = tsr_lwm2m_security_fixed(&d->securities);
    d->objects[1] = tsr_lwm2m_server_object(&d->servers);
    d->objects[2] = tsr_lwm2m_device_object(&d->about);
    for (size_t i = 0; i < count; i++) {
        if (objects[i].info->id <= d->objects[i + 2].info->id)
            return TSR_E_ARGUMENT;
        d->objects[i + 3] = objects[i];
    }
    d->registry = (tsr_lwm2m_registry){ d->objects, count + 3 };
    return TSR_OK;
}

static tsr_err place_client(tsr_linux_device *d)
{
    tsr_lwm2m_client_config c = {
        .endpoint = d->config.endpoint,
        .registry = &d->registry,
        .servers = &d->servers,
        .accounts = &d->account,
        .account_count = 1,
        .observations = d->observations,
        .observation_count = OBSERVATIONS,
        .attachments = d->attachments,
        .attachment_count = ATTACHMENTS,
        .paths = d->paths,
        .path_count = PATHS,
        .outbox = &d->outbox,
        .body = d->body,
        .body_len = sizeof d->body,
        .state = d->state,
        .state_len = sizeof d->state,
        .datagram = d->message,
        .datagram_len = sizeof d->message,
        .coap = &d->coap,
        .version_minor = 2,
        .hooks = { d, d->config.state != NULL ? save_state : NULL },
    };

    d->outbox = (tsr_lwm2m_outbox){ .memory = d->queue, .memory_len = sizeof d->queue,
                                    .sendings = &d->sending };
    d->coap = (tsr_coap_config){ .peers = 1, .exchanges = 16, .exchange_len = 1280, .bodies = 4,
                                 .body_len = BODY, .peer_bodies = 4, .seen = 64, .log_len = 16384,
                                 .seed = tsr_host_random(), .params = tsr_coap_params_default() };
    c.coap_memory_len = tsr_coap_memory(&d->coap);
    c.coap_memory = d->coap_memory = calloc(1, c.coap_memory_len);
    return d->coap_memory == NULL ? TSR_E_SPACE : tsr_lwm2m_client_init(&d->client, &c);
}

static int open_signals(void)
{
    sigset_t set_of;

    (void)sigemptyset(&set_of);
    (void)sigaddset(&set_of, SIGTERM);
    (void)sigaddset(&set_of, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set_of, NULL);
    return signalfd(-1, &set_of, SFD_CLOEXEC | SFD_NONBLOCK);
}

static tsr_err begin(tsr_linux_device *d, const tsr_lwm2m_object *objects, size_t count)
{
    tsr_err err = d->config.state != NULL ? tsr_host_directory(d->config.state) : TSR_OK;

    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "state-directory", "path=\"%s\" cause=\"%s\" remedy=\"make it a "
                     "directory that this user alone can write\"", d->config.state,
                     err == TSR_E_DENIED ? "others may write there" : strerror(errno));
    if (err == TSR_OK && d->config.secured != NULL && tsr_gate_socket(d->config.secured) != PSA_SUCCESS)
        err = TSR_E_ARGUMENT;
    if (err == TSR_OK)
        err = place_account(d);
    if (err == TSR_OK)
        err = place_objects(d, objects, count);
    if (err == TSR_OK)
        err = place_client(d);
    if (err == TSR_OK && d->config.state != NULL)
        restore_state(d);
    return err;
}

tsr_linux_device *tsr_linux_open(const tsr_linux_config *config, const tsr_lwm2m_object *objects,
                                 size_t count)
{
    tsr_linux_device *d = calloc(1, sizeof *d);
    tsr_err err;

    if (d == NULL)
        return NULL;
    d->config = *config;
    d->udp.fd = -1;
    d->signals = open_signals();
    d->watch = tsr_udp_watch();
    err = begin(d, objects, count);
    if (err == TSR_OK) {
        tsr_host_log(TSR_LOG_INFO, "ready", "endpoint=\"%s\" server=%s", config->endpoint,
                     config->server);
        return d;
    }
    tsr_host_log(TSR_LOG_ERROR, "start-failed", "cause=%s", tsr_err_name(err));
    (void)tsr_linux_close(d);
    return NULL;
}

/* ---- the loop ---- */

static void open_socket(tsr_linux_device *d, uint64_t now_ms)
{
    tsr_err err = tsr_udp_open(&d->udp, &d->uri);

    if (err == TSR_OK) {
        tsr_host_log(TSR_LOG_INFO, "socket", "local=%s peer=%s", d->udp.local, d->udp.peer);
        tsr_lwm2m_client_moved(&d->client, 0, now_ms);
        return;
    }
    d->open_at_ms = now_ms + REOPEN_MS;
    tsr_host_log(TSR_LOG_WARNING, "socket-failed", "uri=%s cause=\"%s\" remedy=\"trying again; check "
                 "name and route\"", d->config.server,
                 err == TSR_E_NOT_FOUND ? "the name does not resolve" : strerror(errno));
}

static void check_socket(tsr_linux_device *d, bool network_changed, uint64_t now_ms)
{
    if (d->udp.fd < 0 ? now_ms >= d->open_at_ms || network_changed
                      : network_changed && tsr_udp_is_stale(&d->udp))
        open_socket(d, now_ms);
}

static void refresh(tsr_linux_device *d, uint64_t now_ms)
{
    if (now_ms - d->refreshed_ms < REFRESH_MS)
        return;
    d->refreshed_ms = now_ms;
    tsr_host_device_refresh("", &d->about);
    tsr_lwm2m_client_changed(&d->client, tsr_lwm2m_at_instance(3, 0));
}

static void stop(tsr_linux_device *d, uint64_t now_ms)
{
    if (d->stop_by_ms != 0)
        return;
    d->stop_by_ms = now_ms + STOP_MS;
    if (d->config.state != NULL)
        (void)tsr_lwm2m_client_save(&d->client);
    tsr_lwm2m_client_stop(&d->client, true, now_ms);
}

static void send_all(tsr_linux_device *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    size_t account;

    while (tsr_lwm2m_client_poll(&d->client, &account, &out, now_ms) == TSR_OK) {
        (void)tsr_udp_send(&d->udp, tsr_buf_view(&out)); /* not sent is as good as lost */
        out.len = 0;
    }
    if (d->about.reboot) {
        d->about.reboot = false;
        tsr_host_log(TSR_LOG_INFO, "reboot", "cause=\"asked for by the server\"");
        stop(d, now_ms);
    }
}

static bool is_change(const tsr_lwm2m_client_event *e)
{
    if (e->kind != TSR_LWM2M_E_REQUEST || e->code >> 5 != 2)
        return false;
    return e->operation == TSR_LWM2M_OP_REPLACE || e->operation == TSR_LWM2M_OP_UPDATE ||
           e->operation == TSR_LWM2M_OP_EXECUTE || e->operation == TSR_LWM2M_OP_CREATE ||
           e->operation == TSR_LWM2M_OP_DELETE || e->operation == TSR_LWM2M_OP_WRITE_COMPOSITE;
}

static bool tell_events(tsr_linux_device *d)
{
    tsr_lwm2m_client_event event;
    bool changed = false;

    while (tsr_lwm2m_client_event_next(&d->client, &event)) {
        linux_log(&event);
        changed |= is_change(&event);
    }
    return changed;
}

/* One datagram, so that each is acted on before the next one comes. */
static bool receive(tsr_linux_device *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf in = tsr_buf_over(room, sizeof room);

    if (tsr_udp_receive(&d->udp, &in) != TSR_OK)
        return false;
    (void)tsr_lwm2m_client_feed(&d->client, 0, tsr_buf_view(&in), now_ms);
    return tell_events(d);
}

static int wait_ms(const tsr_linux_device *d, uint64_t now_ms, uint64_t until_ms)
{
    uint64_t due_ms = tsr_lwm2m_client_due_ms(&d->client);

    if (d->stop_by_ms != 0)
        until_ms = d->stop_by_ms;
    if (d->udp.fd < 0 && d->open_at_ms < until_ms)
        until_ms = d->open_at_ms;
    if (due_ms < until_ms)
        until_ms = due_ms;
    return until_ms <= now_ms ? 0 : (int)(until_ms - now_ms);
}

/* True when a server changed something, or a handler of the program's ran. */
static bool step(tsr_linux_device *d, uint64_t until_ms)
{
    struct pollfd fds[] = { { d->udp.fd, POLLIN, 0 }, { d->signals, POLLIN, 0 }, { d->watch, POLLIN, 0 } };
    struct signalfd_siginfo info;
    uint64_t now_ms = tsr_host_now_ms();

    if (poll(fds, 3, wait_ms(d, now_ms, until_ms)) < 0)
        return errno == EINTR;
    now_ms = tsr_host_now_ms();
    if (fds[1].revents != 0 && read(d->signals, &info, sizeof info) == (ssize_t)sizeof info)
        stop(d, now_ms);
    if (fds[2].revents != 0)
        tsr_udp_watch_drain(d->watch);
    check_socket(d, fds[2].revents != 0, now_ms);
    refresh(d, now_ms);
    return fds[0].revents != 0 && receive(d, now_ms);
}

static bool is_over(const tsr_linux_device *d, uint64_t now_ms)
{
    return d->stop_by_ms != 0 && (tsr_lwm2m_client_stopped(&d->client) || now_ms >= d->stop_by_ms);
}

bool tsr_linux_run(tsr_linux_device *d, uint32_t for_ms)
{
    uint64_t now_ms = tsr_host_now_ms(), until_ms = now_ms + for_ms;
    bool changed = false;

    if (d->udp.fd < 0)
        check_socket(d, false, now_ms);
    while (!changed && (now_ms < until_ms || d->stop_by_ms != 0)) {
        send_all(d, now_ms);
        (void)tell_events(d);
        if (is_over(d, now_ms))
            return false;
        changed = step(d, until_ms);
        now_ms = tsr_host_now_ms();
    }
    return true;
}

tsr_lwm2m_client *tsr_linux_client(tsr_linux_device *d)
{
    return &d->client;
}

int tsr_linux_close(tsr_linux_device *d)
{
    bool well;

    if (d == NULL)
        return 1;
    if (d->coap_memory != NULL) {
        stop(d, tsr_host_now_ms());
        while (tsr_linux_run(d, STOP_MS)) {
        }
    }
    well = d->coap_memory != NULL && tsr_lwm2m_client_stopped(&d->client);
    tsr_lwm2m_dtls_free(&d->dtls);
    tsr_udp_close(&d->udp);
    if (d->signals >= 0)
        (void)close(d->signals);
    if (d->watch >= 0)
        (void)close(d->watch);
    free(d->coap_memory);
    tsr_wipe(d, sizeof *d);
    free(d);
    return well ? 0 : 1;
}
