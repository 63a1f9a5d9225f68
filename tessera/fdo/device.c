/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's frame: which message is awaited, what goes out, and what follows a failure. */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/device_in.h"

static const struct {
    uint8_t sent, answer;
    tsr_fdo_handler *handle;
} exchanges[] = {
    { 10, 11, tsr_fdo_on_11 }, { 12, 13, tsr_fdo_on_13 }, { 30, 31, tsr_fdo_on_31 },
    { 32, 33, tsr_fdo_on_33 }, { 60, 61, tsr_fdo_on_61 }, { 62, 63, tsr_fdo_on_63 },
    { 64, 65, tsr_fdo_on_65 }, { 66, 67, tsr_fdo_on_67 }, { 68, 69, tsr_fdo_on_69 },
    { 70, 71, tsr_fdo_on_71 },
};

static bool is_di(uint8_t type) { return type < TSR_FDO_TO0_HELLO; }

tsr_err tsr_fdo_device_init(tsr_fdo_device *d, const tsr_fdo_device_config *config,
                            const tsr_fdo_buffers *buffers, tsr_bytes credential)
{
    tsr_err err;

    memset(d, 0, sizeof *d);
    if (config->module_count > TSR_FDO_MODULES_MAX || config->kex_count == 0)
        return TSR_E_ARGUMENT;
    d->c = config;
    d->b = *buffers;
    d->b.credential.len = 0;
    d->due_ms = UINT64_MAX;
    if (credential.len == 0)
        return TSR_OK;
    tsr_put_bytes(&d->b.credential, credential);
    if (d->b.credential.err != TSR_OK)
        return d->b.credential.err;
    err = tsr_fdo_credential_read(tsr_buf_view(&d->b.credential), &d->credential);
    d->has_credential = err == TSR_OK;
    return err;
}

/* ---- what goes out ------------------------------------------------------------------------ */

tsr_buf *tsr_fdo_out(tsr_fdo_device *d)
{
    d->b.message.len = 0;
    d->b.message.err = TSR_OK;
    return &d->b.message;
}

tsr_err tsr_fdo_say(tsr_fdo_device *d, uint8_t type)
{
    if (d->b.message.err != TSR_OK)
        return d->b.message.err;
    d->sent = type;
    d->ready = true;
    return TSR_OK;
}

tsr_err tsr_fdo_say_sealed(tsr_fdo_device *d, uint8_t type, tsr_bytes plain)
{
    tsr_buf *out = tsr_fdo_out(d);
    tsr_err err = tsr_fdo_session_seal(&d->session, d->c->random, plain, out);

    return err == TSR_OK ? tsr_fdo_say(d, type) : err;
}

tsr_err tsr_fdo_unsealed(tsr_fdo_device *d, tsr_bytes in, tsr_bytes *plain)
{
    tsr_err err;

    d->b.in.len = 0;
    d->b.in.err = TSR_OK;
    err = tsr_fdo_session_unseal(&d->session, in, &d->b.in);
    if (err == TSR_OK)
        err = tsr_cbor_check(tsr_buf_view(&d->b.in));
    if (err == TSR_OK)
        *plain = tsr_buf_view(&d->b.in);
    return err;
}

tsr_err tsr_fdo_nonce(tsr_fdo_device *d, uint8_t nonce[TSR_FDO_NONCE])
{
    return d->c->random->fill(d->c->random->user, nonce, TSR_FDO_NONCE);
}

bool tsr_fdo_nonce_is(tsr_bytes got, const uint8_t nonce[TSR_FDO_NONCE])
{
    return tsr_same_secret(got, tsr_view(nonce, TSR_FDO_NONCE));
}

tsr_err tsr_fdo_prove(tsr_fdo_device *d, uint8_t type, const tsr_cose_params *more,
                      const tsr_fdo_eat *eat)
{
    tsr_cose_params p = *more;
    tsr_buf payload = d->b.out;
    tsr_err err;

    p.alg = d->c->device_alg;
    payload.len = 0;
    payload.err = TSR_OK;
    tsr_fdo_eat_write(&payload, eat);
    if (payload.err != TSR_OK)
        return payload.err;
    err = tsr_cose_sign1(tsr_fdo_out(d), &p, d->c->device_key, tsr_buf_view(&payload),
                         tsr_view(NULL, 0));
    return err == TSR_OK ? tsr_fdo_say(d, type) : err;
}

/* ---- how it goes on ----------------------------------------------------------------------- */

void tsr_fdo_tell(tsr_fdo_device *d, tsr_fdo_event_kind kind)
{
    d->event = (tsr_fdo_event){ .kind = kind, .reused = d->reuse, .message = d->sent, .what = "" };
    d->has_event = true;
}

/* Everything of a protocol's run is forgotten. */
static void forget(tsr_fdo_device *d, bool done)
{
    tsr_fdo_session_close(&d->session);
    tsr_fdo_session_close(&d->other);
    tsr_fdo_service_end(d, done);
    tsr_wipe(d->nonce_ov, sizeof d->nonce_ov);
    tsr_wipe(d->nonce_dv, sizeof d->nonce_dv);
    tsr_wipe(d->nonce_setup, sizeof d->nonce_setup);
    tsr_wipe(d->b.in.ptr, d->b.in.len);
    d->ready = d->awaited = d->busy = d->reuse = false;
}

static void rest(tsr_fdo_device *d)
{
    d->state = TSR_FDO_IDLE;
    d->due_ms = UINT64_MAX;
}

static void go_on(tsr_fdo_device *d, uint64_t now_ms)
{
    uint64_t wait_ms;
    bool di = is_di(d->sent);

    forget(d, false);
    if (di || !tsr_fdo_walk_next(d, &wait_ms)) {
        rest(d);
        return;
    }
    d->state = TSR_FDO_WAITS;
    d->due_ms = now_ms + wait_ms;
}

static void report(tsr_fdo_device *d, uint8_t message, uint16_t code, tsr_err err,
                   const char *what)
{
    tsr_fdo_tell(d, TSR_FDO_EV_FAILED);
    d->event.message = message;
    d->event.code = code;
    d->event.err = err;
    d->event.what = what;
}

/* Our own refusal: the peer is told, without detail. */
static void refuse(tsr_fdo_device *d, uint8_t message, tsr_err err, const char *what)
{
    tsr_fdo_error e = { .code = tsr_fdo_code_of(err), .previous = message };
    uint8_t sent = d->sent;

    if (err == TSR_E_EXISTS) /* device_setup.c */
        e.code = TSR_FDO_REUSE_REFUSED;
    e.text = tsr_text(e.code == TSR_FDO_BODY       ? "message body error"
                      : e.code == TSR_FDO_INTERNAL ? "internal error"
                                                   : "invalid message");
    report(d, message, (uint16_t)e.code, err, what);
    tsr_fdo_error_write(tsr_fdo_out(d), &e);
    d->sent = sent;
    d->awaited = d->busy = false;
    d->ready = true;
    d->state = TSR_FDO_ENDS;
    d->due_ms = 0;
}

static tsr_err refused(tsr_fdo_device *d, uint8_t message, tsr_err err, const char *what)
{
    if (err != TSR_OK)
        refuse(d, message, err, what);
    return err;
}

static tsr_err start(tsr_fdo_device *d)
{
    d->state = TSR_FDO_RUNS;
    d->first = true;
    d->due_ms = UINT64_MAX;
    return tsr_fdo_walk_is_owner(d) ? tsr_fdo_begin_to2(d) : tsr_fdo_begin_to1(d);
}

tsr_err tsr_fdo_device_begin(tsr_fdo_device *d, uint64_t now_ms)
{
    uint64_t wait_ms;

    if (d->state != TSR_FDO_IDLE || !d->has_credential || !d->credential.active)
        return TSR_E_STATE;
    d->b.redirect.len = 0;
    if (!tsr_fdo_walk_begin(d, &wait_ms)) {
        report(d, 0, 0, TSR_E_NOT_FOUND, "no directive that this device can follow");
        return TSR_OK;
    }
    d->state = TSR_FDO_WAITS;
    d->due_ms = now_ms + wait_ms;
    return TSR_OK;
}

/* ---- poll and feed ------------------------------------------------------------------------ */

static void give(tsr_fdo_device *d, tsr_fdo_send *send)
{
    *send = (tsr_fdo_send){
        .type = d->state == TSR_FDO_ENDS ? TSR_FDO_ERROR : d->sent,
        .first = d->first,
        .body = tsr_buf_view(&d->b.message),
        .to = is_di(d->sent) ? NULL : &d->target,
    };
    d->ready = d->first = false;
}

/* A module was busy: its message is offered once more. */
static void wait_if_busy(tsr_fdo_device *d, uint64_t now_ms)
{
    if (d->busy)
        d->due_ms = now_ms + TSR_FDO_BUSY_MS;
}

static void try_again(tsr_fdo_device *d, uint64_t now_ms)
{
    const char *what = "";
    tsr_err err;

    d->busy = false;
    d->due_ms = UINT64_MAX;
    err = tsr_fdo_service_go_on(d, &what);
    (void)refused(d, TSR_FDO_TO2_OWNER_INFO, err, what);
    wait_if_busy(d, now_ms);
}

tsr_err tsr_fdo_device_poll(tsr_fdo_device *d, uint64_t now_ms, tsr_fdo_send *send)
{
    if (d->state == TSR_FDO_WAITS && now_ms >= d->due_ms)
        (void)refused(d, d->sent, start(d), "a message could not be made");
    if (d->state == TSR_FDO_RUNS && d->busy && now_ms >= d->due_ms)
        try_again(d, now_ms);
    if (!d->ready)
        return TSR_END;
    give(d, send);
    if (d->state == TSR_FDO_ENDS)
        go_on(d, now_ms); /* the body stays until the next message is made */
    else
        d->awaited = true;
    return TSR_OK;
}

static tsr_err peer_refused(tsr_fdo_device *d, tsr_bytes body, uint64_t now_ms)
{
    tsr_fdo_error e = { .code = 0 };

    (void)tsr_fdo_error_read(body, &e);
    report(d, d->sent, e.code <= UINT16_MAX ? (uint16_t)e.code : 0, TSR_E_DENIED,
           "the peer sent an error message");
    go_on(d, now_ms);
    return TSR_E_DENIED;
}

tsr_err tsr_fdo_device_feed(tsr_fdo_device *d, uint8_t type, tsr_bytes body, uint64_t now_ms)
{
    const char *what = "form of the message";

    if (d->state != TSR_FDO_RUNS || !d->awaited)
        return TSR_E_STATE;
    d->awaited = false;
    if (type == TSR_FDO_ERROR)
        return peer_refused(d, body, now_ms);
    for (size_t i = 0; i < sizeof exchanges / sizeof exchanges[0]; i++)
        if (exchanges[i].sent == d->sent && exchanges[i].answer == type) {
            tsr_err err = exchanges[i].handle(d, body, &what);

            wait_if_busy(d, now_ms);
            return refused(d, type, err, what);
        }
    return refused(d, type, TSR_E_STATE, "not the message that was awaited");
}

void tsr_fdo_device_lost(tsr_fdo_device *d, uint64_t now_ms)
{
    if (d->state != TSR_FDO_RUNS)
        return;
    report(d, d->sent, 0, TSR_E_IO, "no answer that can be used");
    go_on(d, now_ms);
}

void tsr_fdo_device_stop(tsr_fdo_device *d)
{
    forget(d, false);
    rest(d);
}

bool tsr_fdo_device_event(tsr_fdo_device *d, tsr_fdo_event *event)
{
    if (!d->has_event)
        return false;
    d->has_event = false;
    *event = d->event;
    return true;
}

bool tsr_fdo_device_idle(const tsr_fdo_device *d) { return d->state == TSR_FDO_IDLE; }

uint64_t tsr_fdo_device_due(const tsr_fdo_device *d) { return d->ready ? 0 : d->due_ms; }

const tsr_fdo_credential *tsr_fdo_device_credential(const tsr_fdo_device *d)
{
    return d->has_credential ? &d->credential : NULL;
}

/* ---- the credential ----------------------------------------------------------------------- */

tsr_err tsr_fdo_replace(tsr_fdo_device *d)
{
    tsr_buf kept = d->b.credential;
    tsr_err err = d->b.next.err;

    if (err == TSR_OK)
        err = d->c->store(d->c->user, tsr_buf_view(&d->b.next));
    if (err != TSR_OK)
        return err;
    d->b.credential = d->b.next;
    d->b.next = kept;
    err = tsr_fdo_credential_read(tsr_buf_view(&d->b.credential), &d->credential);
    d->has_credential = err == TSR_OK;
    return err;
}

void tsr_fdo_finished(tsr_fdo_device *d, tsr_fdo_event_kind kind)
{
    tsr_fdo_tell(d, kind);
    forget(d, true);
    rest(d);
}

tsr_err tsr_fdo_device_resell(tsr_fdo_device *d)
{
    tsr_fdo_credential c = d->credential;

    if (d->state != TSR_FDO_IDLE || !d->has_credential)
        return TSR_E_STATE;
    c.active = true;
    d->b.next.len = 0;
    d->b.next.err = TSR_OK;
    tsr_fdo_credential_write(&d->b.next, &c);
    return tsr_fdo_replace(d);
}
