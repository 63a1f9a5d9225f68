/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/onboard_life.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/tesserad/daemon.h"
#include "ports/linux/gate/gate.h"
#include "ports/linux/host/file.h"
#include "ports/linux/host/log.h"
#include "ports/linux/host/system.h"
#include "psa/crypto.h"
#include "tessera/base/hex.h"

enum {
    BUSY_MS = 1000,         /* the owner hears at least that often while a module works */
    DI_WAIT_MAX_MS = 600000,
    PROBLEM_MS = 60000,     /* when there is nowhere to go */
};

/* ---- waiting ---- */

static void hear_signal(onboard_life *l)
{
    struct signalfd_siginfo info;

    if (read(l->signals, &info, sizeof info) != (ssize_t)sizeof info || info.ssi_signo == SIGUSR1)
        return;
    l->end = info.ssi_signo == SIGHUP ? ONBOARD_RELOAD : ONBOARD_ENDED;
    l->over = true;
}

/* Until then, or until the descriptor or a signal. */
static void wait_until(onboard_life *l, uint64_t due_ms, int fd, short events)
{
    struct pollfd fds[2] = { { l->signals, POLLIN, 0 }, { fd, events, 0 } };
    uint64_t now_ms = tsr_host_now_ms(), left = due_ms <= now_ms ? 0 : due_ms - now_ms;

    (void)poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left);
    if (fds[0].revents != 0)
        hear_signal(l);
}

/* An owner that waits for a module is not asked each millisecond whether there is more. */
static void wait_for_modules(onboard_life *l)
{
    uint64_t now_ms = tsr_host_now_ms(), due_ms = now_ms + BUSY_MS;
    short events = 0;
    int fd = -1;

    if (onboard_busy(&l->o, now_ms, &due_ms, &fd, &events))
        wait_until(l, due_ms, fd, events);
}

/* ---- messages ---- */

/* FDO 1.1 RendezvousInfo: RVSvCertHash and RVClCertHash. One that cannot be compared is no licence to go
 * on without. */
static tsr_err take_hash(const tsr_fdo_hash *from, tsr_web_hash *to)
{
    *to = (tsr_web_hash){ from->alg == TSR_FDO_SHA384 ? TSR_DTLS_PIN_SHA384 : TSR_DTLS_PIN_SHA256,
                          from->value };
    if (from->alg == 0)
        *to = (tsr_web_hash){ .value = { NULL, 0 } };
    return from->alg == 0 || from->alg == TSR_FDO_SHA256 || from->alg == TSR_FDO_SHA384
               ? TSR_OK
               : TSR_E_UNSUPPORTED;
}

static tsr_err find_place(onboard *o, const tsr_fdo_target *to)
{
    tsr_err err;

    if (to == NULL)
        return tsr_carrier_place_url(&o->place, tsr_text(o->config->fdo.manufacturer));
    err = to->dns.ptr != NULL ? tsr_carrier_place_dns(&o->place, to->dns, to->port)
                              : tsr_carrier_place_ip(&o->place, to->ip, to->port);
    o->place.secure = to->transport == TSR_FDO_OVER_HTTPS;
    if (err == TSR_OK)
        err = take_hash(&to->server_cert, &o->place.server);
    return err == TSR_OK ? take_hash(&to->ca_cert, &o->place.ca) : err;
}

static tsr_err exchange(onboard_life *l, const tsr_fdo_send *send)
{
    tsr_carrier *c = &l->o.carrier;
    tsr_err err = find_place(&l->o, send->to);

    c->cause = "no address that can be used";
    if (err == TSR_OK)
        err = tsr_carrier_send(c, &l->o.place, send->type, send->first, send->body, tsr_host_now_ms());
    while (err == TSR_OK && (err = tsr_carrier_next(c, tsr_host_now_ms())) == TSR_END && !l->over) {
        wait_until(l, tsr_fetch_due_ms(&c->fetch), tsr_fetch_fd(&c->fetch),
                   tsr_fetch_watches(&c->fetch));
        err = TSR_OK;
    }
    return err;
}

/* After our own error message nothing is awaited. */
static void carry(onboard_life *l, const tsr_fdo_send *send)
{
    const tsr_carrier *c = &l->o.carrier;
    tsr_err err;

    if (send->type == TSR_FDO_TO2_DEVICE_INFO)
        wait_for_modules(l);
    if (l->over)
        return;
    err = exchange(l, send);
    if (l->over || send->type == TSR_FDO_ERROR)
        return;
    if (err == TSR_OK) {
        (void)tsr_fdo_device_feed(&l->o.device, c->type, tsr_view(c->body, c->len), tsr_host_now_ms());
        return;
    }
    tsr_host_log(TSR_LOG_WARNING, "fdo-lost", "message=%u peer=%s cause=\"%s\"", send->type,
                 l->o.place.authority, c->cause);
    tsr_fdo_device_lost(&l->o.device, tsr_host_now_ms());
}

/* ---- events ---- */

/* The credential stays; what the owner handed over counts from now on. */
static void take_reuse(onboard_life *l)
{
    const tsr_fdo_change change = { .state = TSR_FDO_STORE_ONBOARDED, .credential = l->o.store.credential,
                                    .new_accounts = true,
                                    .accounts = tsr_buf_view(&l->o.lwm2m.accounts) };
    tsr_err err = tsr_fdo_store_commit(&l->o.store, &change);

    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "fdo-not-stored", "cause=%s remedy=\"see the secure service's log; "
                     "onboarding again\"", tsr_err_name(err));
}

/* The engine has nothing more to do by itself: DI that failed, or nowhere to go. */
static void schedule(onboard_life *l)
{
    uint64_t wait_ms = PROBLEM_MS;

    if (l->o.store.state == TSR_FDO_STORE_BLANK) {
        l->di_wait_ms = l->di_wait_ms == 0 ? 1000ull * l->o.config->fdo.retry_s : 2 * l->di_wait_ms;
        wait_ms = l->di_wait_ms = l->di_wait_ms < DI_WAIT_MAX_MS ? l->di_wait_ms : DI_WAIT_MAX_MS;
    }
    l->again_ms = tsr_host_now_ms() + wait_ms;
}

static void on_event(onboard_life *l, const tsr_fdo_event *e)
{
    switch (e->kind) {
    case TSR_FDO_EV_MADE:
        tsr_host_log(TSR_LOG_INFO, "fdo-made", "manufacturer=\"%s\"", l->o.config->fdo.manufacturer);
        break;
    case TSR_FDO_EV_REDIRECT:
        tsr_host_log(TSR_LOG_INFO, "fdo-redirect", "rendezvous=%s", l->o.place.authority);
        break;
    case TSR_FDO_EV_OWNER:
        tsr_host_log(TSR_LOG_INFO, "fdo-owner", "owner=%s", l->o.place.authority);
        break;
    case TSR_FDO_EV_ONBOARDED:
        if (e->reused)
            take_reuse(l);
        tsr_host_log(TSR_LOG_INFO, "fdo-onboarded", "owner=%s credential=%s", l->o.place.authority,
                     e->reused ? "kept" : "replaced");
        break;
    default:
        tsr_host_log(TSR_LOG_WARNING, "fdo-failed", "message=%u code=%u error=%s cause=\"%s\"", e->message,
                     e->code, tsr_err_name(e->err), e->what);
        break;
    }
}

/* ---- life ---- */

/* DI with a secret of its own; TO2 with the one that is in force. */
static tsr_err begin(onboard_life *l)
{
    onboard *o = &l->o;
    tsr_err err;

    l->again_ms = UINT64_MAX;
    if (o->store.state != TSR_FDO_STORE_BLANK) {
        err = onboard_engine(l);
        return err == TSR_OK ? tsr_fdo_device_begin(&o->device, tsr_host_now_ms()) : err;
    }
    if (o->config->fdo.manufacturer[0] == '\0') {
        tsr_host_log(TSR_LOG_ERROR, "fdo-blank", "cause=\"this device was never initialised\" remedy=\"add "
                     "manufacturer = URL to [fdo]\"");
        return TSR_E_STATE;
    }
    err = tsr_fdo_store_make_device_key((uint16_t)o->config->fdo.bits);
    if (err == TSR_OK)
        err = onboard_engine(l);
    if (err == TSR_OK)
        err = tsr_fdo_store_make_secret(&o->store, (uint16_t)o->config->fdo.bits, &o->how.secret);
    return err == TSR_OK ? tsr_fdo_device_begin_di(&o->device) : err;
}

static bool is_due(const onboard_life *l) { return tsr_host_now_ms() >= l->again_ms; }

static tsr_err step(onboard_life *l)
{
    tsr_fdo_device *d = &l->o.device;
    tsr_fdo_store_state before = l->o.store.state;
    uint64_t due_ms;
    tsr_fdo_send send;
    tsr_fdo_event e;
    tsr_err err = TSR_OK;

    while (!l->over && tsr_fdo_device_poll(d, tsr_host_now_ms(), &send) == TSR_OK) {
        carry(l, &send);
        while (tsr_fdo_device_event(d, &e))
            on_event(l, &e);
    }
    while (tsr_fdo_device_event(d, &e))
        on_event(l, &e);
    if (l->over || l->o.store.state == TSR_FDO_STORE_ONBOARDED)
        return TSR_OK;
    if (before != l->o.store.state || is_due(l))
        err = begin(l);
    else if (tsr_fdo_device_idle(d) && l->again_ms == UINT64_MAX)
        schedule(l);
    due_ms = tsr_fdo_device_due(d);
    if (err == TSR_OK)
        wait_until(l, due_ms < l->again_ms ? due_ms : l->again_ms, -1, 0);
    return err;
}

static onboard_end live(onboard_life *l)
{
    tsr_err err = begin(l);

    tsr_host_log(TSR_LOG_INFO, "fdo-begin", "state=%s",
                 l->o.store.state == TSR_FDO_STORE_BLANK ? "blank" : "manufactured");
    while (err == TSR_OK && !l->over && l->o.store.state != TSR_FDO_STORE_ONBOARDED)
        err = step(l);
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "fdo-ended", "cause=%s remedy=\"see the lines above, and the secure "
                     "service's log\"", tsr_err_name(err));
    tsr_fdo_device_stop(&l->o.device);
    tsr_carrier_end(&l->o.carrier);
    if (err != TSR_OK)
        return ONBOARD_FAILED;
    return l->over ? l->end : ONBOARD_DONE;
}

static tsr_err read_trust(tsr_anchors *a, const char *path)
{
    tsr_err err = tsr_anchors_read(a, path);

    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "fdo-trust", "file=\"%s\" cause=\"%s\" remedy=\"name CA certificates, "
                     "PEM or DER\"", path, err == TSR_E_IO ? strerror(errno) : "no certificates in it");
    return err;
}

/* fdo.wget goes by the system's authorities unless told otherwise; a system may have none. */
static tsr_err open_trust(onboard *o)
{
    const char *path = o->config->fdo.trust;

    if (path[0] == '\0') {
        (void)tsr_anchors_read(&o->web_trust, TSR_ANCHORS_SYSTEM);
        return TSR_OK;
    }
    return read_trust(&o->trust, path) == TSR_OK ? read_trust(&o->web_trust, path) : TSR_E_IO;
}

static void close_trust(onboard *o)
{
    tsr_anchors_free(&o->trust);
    tsr_anchors_free(&o->web_trust);
}

static tsr_err open_store(onboard_life *l, const config *c)
{
    tsr_err err = tsr_host_directory(c->state);

    l->o.config = c;
    if (err != TSR_OK) {
        tsr_host_log(TSR_LOG_ERROR, "state-directory", "path=\"%s\" cause=\"%s\"", c->state,
                     err == TSR_E_DENIED ? "others may write there, or it is a file" : strerror(errno));
        return err;
    }
    if (c->secured[0] != '\0' && tsr_gate_socket(c->secured) != PSA_SUCCESS)
        return TSR_E_ARGUMENT;
    err = psa_crypto_init() == PSA_SUCCESS ? tsr_fdo_store_load(&l->o.store) : TSR_E_CRYPTO;
    if (err == TSR_E_CRYPTO)
        tsr_host_log(TSR_LOG_ERROR, "fdo-store", "cause=\"the secure service does not answer\" "
                     "remedy=\"start tessera-secured, or name its socket under [secured]\"");
    if (err == TSR_E_MALFORMED)
        tsr_host_log(TSR_LOG_ERROR, "fdo-store", "cause=\"the credential is damaged or was put back\" "
                     "remedy=\"'tesserad fdo --erase', then the device is initialised again\"");
    return err;
}

static onboard_end run(onboard_life *l, config *c)
{
    onboard_end end = ONBOARD_DONE;
    tsr_err err = open_store(l, c);

    if (err != TSR_OK)
        return ONBOARD_FAILED;
    if (l->o.store.state != TSR_FDO_STORE_ONBOARDED) {
        if (open_trust(&l->o) != TSR_OK)
            return ONBOARD_FAILED;
        tsr_carrier_init(&l->o.carrier, 1000 * c->fdo.answer_s, l->o.trust.list, l->o.trust.count);
        l->signals = daemon_signals();
        end = live(l);
        (void)close(l->signals);
        close_trust(&l->o);
    }
    if (end != ONBOARD_DONE)
        return end;
    err = onboard_accounts(c, l->o.store.accounts);
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "fdo-accounts", "cause=%s remedy=\"make room in the state directory, or "
                     "'tesserad fdo --reset'\"", tsr_err_name(err));
    if (err == TSR_OK && c->server_count == 0 && !c->has_bootstrap) {
        tsr_host_log(TSR_LOG_ERROR, "fdo-accounts", "cause=\"the owner handed over no account\" remedy=\"let "
                     "it send tessera.lwm2m:account, then 'tesserad fdo --reset'\"");
        err = TSR_E_NOT_FOUND;
    }
    return err == TSR_OK ? ONBOARD_DONE : ONBOARD_FAILED;
}

onboard_end onboard_run(config *c)
{
    onboard_life *l = c->fdo.present ? calloc(1, sizeof *l) : NULL;
    onboard_end end;

    if (!c->fdo.present)
        return ONBOARD_DONE;
    if (l == NULL)
        return ONBOARD_FAILED;
    tsr_host_log_level((tsr_log_level)c->log_level);
    end = run(l, c);
    tsr_wipe(l, sizeof *l);
    free(l);
    return end;
}

/* ---- tesserad fdo ---- */

static tsr_err go_back(onboard_life *l)
{
    tsr_err err = l->o.store.state == TSR_FDO_STORE_BLANK ? TSR_E_STATE : onboard_engine(l);

    l->o.reselling = true;
    return err == TSR_OK ? tsr_fdo_device_resell(&l->o.device) : err;
}

static const char *state_name(tsr_fdo_store_state state)
{
    return state == TSR_FDO_STORE_BLANK          ? "blank"
           : state == TSR_FDO_STORE_MANUFACTURED ? "manufactured, without an owner"
                                                 : "onboarded";
}

static void print_guid(const onboard_life *l)
{
    tsr_fdo_credential credential;
    char text[2 * TSR_FDO_GUID + 1];
    tsr_buf out = tsr_buf_over(text, sizeof text - 1);

    if (tsr_fdo_credential_read(l->o.store.credential, &credential) == TSR_OK)
        tsr_hex_put(&out, credential.guid);
    text[out.len] = '\0';
    (void)printf("%s\n", text);
}

int onboard_command(config *c, bool reset, bool erase, bool guid)
{
    onboard_life *l = calloc(1, sizeof *l);
    tsr_err err;

    if (l == NULL)
        return 1;
    err = open_store(l, c);
    if (erase && (err == TSR_OK || err == TSR_E_MALFORMED))
        err = tsr_fdo_store_erase(&l->o.store);
    else if (reset && err == TSR_OK)
        err = go_back(l);
    if (err == TSR_E_STATE)
        (void)fprintf(stderr, "tesserad fdo: this device is blank; there is nothing to go back to\n");
    else if (err != TSR_OK)
        (void)fprintf(stderr, "tesserad fdo: %s; see the lines above and the secure service's log\n",
                      tsr_err_name(err));
    else if (guid)
        print_guid(l);
    else
        (void)printf("%s\n", state_name(l->o.store.state));
    tsr_wipe(l, sizeof *l);
    free(l);
    return err == TSR_OK ? 0 : 1;
}
