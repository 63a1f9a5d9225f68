/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/net/est.h"

#include "tessera/base/der.h"
#include "tessera/net/certs_only.h"
#include "tessera/net/csr.h"
#include "tessera/net/issued.h"

/* RFC 9148 §8.1 */
enum { FORMAT_CERTS_ONLY = 281, FORMAT_REQUEST = 286, FORMAT_CERTIFICATE = 287 };

enum { STEP_OVER, STEP_AUTHORITIES, STEP_ENROL };
enum { PATH_LEN = 64, RETRIES = 100, MAX_AGE_S = 60, WAIT_MAX_S = 86400 };

tsr_err tsr_est_init(tsr_est *e, const tsr_est_config *config)
{
    if (config->common_name == NULL || config->key_id == 0 || config->room == NULL ||
        config->coap == NULL || config->coap_memory == NULL ||
        (config->root != NULL && strlen(config->root) + sizeof "/crts" > PATH_LEN))
        return TSR_E_ARGUMENT;
    *e = (tsr_est){ .config = *config };
    return tsr_coap_init_device(&e->coap, config->coap, config->coap_memory,
                                config->coap_memory_len);
}

static void tell(tsr_est *e, const tsr_est_event *event)
{
    e->event = *event;
    e->event_waits = true;
}

static void fail(tsr_est *e, uint8_t code, const char *reason)
{
    e->step = STEP_OVER;
    e->again_ms = UINT64_MAX;
    tell(e, &(tsr_est_event){ .kind = TSR_EST_FAILED, .code = code, .reason = reason });
}

/* --- asking ----------------------------------------------------------------------------- */

static const char *root(const tsr_est *e)
{
    if (e->config.root != NULL)
        return e->config.root;
    return e->well_known ? "/.well-known/est" : "/est";
}

/* RFC 9148 §4.3: every server can answer in format 281; what comes may be 287 all the same. */
static void ask(tsr_est *e, uint64_t now_ms)
{
    bool enrol = e->step == STEP_ENROL;
    char path[PATH_LEN];
    tsr_buf text = tsr_buf_over(path, sizeof path);
    tsr_coap_request r = { .method = enrol ? TSR_COAP_POST : TSR_COAP_GET, .path = path,
                           .accept = { true, FORMAT_CERTS_ONLY } };

    tsr_put_text(&text, root(e));
    tsr_put_text(&text, !enrol ? "/crts" : e->config.renew ? "/sren" : "/sen");
    tsr_put_u8(&text, 0);
    if (enrol) {
        r.content_format = (tsr_coap_num){ true, FORMAT_REQUEST };
        r.payload = e->csr;
    }
    e->again_ms = UINT64_MAX;
    if (tsr_coap_request_send(&e->coap, 0, &r, now_ms, &e->request) != TSR_OK)
        fail(e, 0, "no room for the request: raise coap body_len or exchanges");
}

tsr_err tsr_est_begin(tsr_est *e, uint64_t now_ms)
{
    tsr_err err;

    tsr_coap_peer_gone(&e->coap, 0);
    e->step = STEP_OVER;
    e->request = 0;
    e->event_waits = e->well_known = false;
    e->waits = 0;
    e->again_ms = UINT64_MAX;
    e->room = tsr_buf_over(e->config.room, e->config.room_len);
    err = tsr_csr_write_der(e->config.key_id, e->config.common_name, &e->room);
    if (err != TSR_OK)
        return err;
    e->csr = tsr_buf_view(&e->room);
    e->step = STEP_AUTHORITIES;
    ask(e, now_ms);
    return TSR_OK;
}

/* RFC 9148 §4.7: after Max-Age, the same request once more. */
static void come_again(tsr_est *e, const tsr_coap_msg *msg, uint64_t now_ms)
{
    uint16_t retries = e->config.retries != 0 ? e->config.retries : RETRIES;
    uint32_t wait_s = msg->max_age.set ? msg->max_age.value : MAX_AGE_S;

    if (e->waits++ >= retries) {
        fail(e, msg->code, "the server has asked to be patient too often");
        return;
    }
    wait_s = wait_s == 0 ? 1 : wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S;
    e->again_ms = now_ms + (uint64_t)wait_s * 1000;
    tell(e, &(tsr_est_event){ .kind = TSR_EST_WAITING, .code = msg->code, .wait_s = wait_s });
}

/* --- what came -------------------------------------------------------------------------- */

/* Whole certificates one after the other, in either format. */
static tsr_err open_bag(const tsr_coap_event *event, tsr_bytes *bag)
{
    const tsr_coap_num *format = &event->msg->content_format;

    if (!format->set || format->value == FORMAT_CERTS_ONLY) {
        if (tsr_certs_only_open(event->body, bag) == TSR_OK)
            return TSR_OK;
        if (format->set)
            return TSR_E_MALFORMED;
    } else if (format->value != FORMAT_CERTIFICATE) {
        return TSR_E_UNSUPPORTED;
    }
    *bag = event->body;
    return bag->len != 0 ? TSR_OK : TSR_E_MALFORMED;
}

static void take_authorities(tsr_est *e, const tsr_coap_event *event, uint64_t now_ms)
{
    size_t from = e->room.len;
    tsr_bytes bag, rest, der;

    if (open_bag(event, &bag) != TSR_OK) {
        fail(e, event->msg->code, "the authority's certificates cannot be read");
        return;
    }
    for (rest = bag; rest.len != 0;) {
        if (tsr_certs_only_next(&rest, &der) != TSR_OK) {
            fail(e, event->msg->code, "the authority's certificates cannot be read");
            return;
        }
    }
    tsr_put_bytes(&e->room, bag);
    if (e->room.err != TSR_OK) {
        fail(e, event->msg->code, "the authority's certificates are too long: raise room_len");
        return;
    }
    e->authorities = tsr_view(e->room.ptr + from, e->room.len - from);
    e->step = STEP_ENROL;
    ask(e, now_ms);
}

static void take_ours(tsr_est *e, tsr_bytes der)
{
    size_t from = e->room.len;

    tsr_put_bytes(&e->room, der);
    if (e->room.err != TSR_OK) {
        fail(e, 0, "the certificate is too long: raise room_len");
        return;
    }
    e->step = STEP_OVER;
    tell(e, &(tsr_est_event){ .kind = TSR_EST_ENROLLED,
                              .certificate = tsr_view(e->room.ptr + from, der.len),
                              .authorities = e->authorities });
}

/* RFC 7030 §4.2.3 sends one certificate; others beside it are passed over. */
static void take_certificate(tsr_est *e, const tsr_coap_event *event)
{
    tsr_bytes bag, der;
    tsr_err best = TSR_E_DENIED, err;

    if (open_bag(event, &bag) != TSR_OK) {
        fail(e, event->msg->code, "the certificate cannot be read");
        return;
    }
    while (tsr_certs_only_next(&bag, &der) == TSR_OK) {
        err = tsr_issued_judge(der, e->config.key_id, e->authorities);
        if (err == TSR_OK) {
            take_ours(e, der);
            return;
        }
        best = err == TSR_E_CRYPTO ? err : best;
    }
    fail(e, event->msg->code,
         best == TSR_E_CRYPTO ? "the certificate is not signed by the authority of crts"
                              : "no certificate for our key came");
}

static void take_answer(tsr_est *e, const tsr_coap_event *event, uint64_t now_ms)
{
    uint8_t code = event->msg->code;

    e->request = 0;
    if (code == TSR_COAP_UNAVAILABLE || code == TSR_COAP_TOO_MANY_REQUESTS) {
        come_again(e, event->msg, now_ms);
    } else if (tsr_coap_is_success(code)) {
        if (e->step == STEP_AUTHORITIES)
            take_authorities(e, event, now_ms);
        else
            take_certificate(e, event);
    } else if (code == TSR_COAP_NOT_FOUND && e->step == STEP_AUTHORITIES && !e->well_known &&
               e->config.root == NULL) {
        e->well_known = true; /* RFC 9148 §4.1: which every server has */
        ask(e, now_ms);
    } else {
        fail(e, code, e->step == STEP_AUTHORITIES ? "the server does not give its authority"
                                                  : "the server refuses to enrol us");
    }
}

static void pump(tsr_est *e, uint64_t now_ms)
{
    tsr_coap_event event;

    while (tsr_coap_event_next(&e->coap, &event)) {
        tsr_coap_response none = { .code = TSR_COAP_NOT_FOUND };

        if (event.kind == TSR_COAP_REQUEST) {
            (void)tsr_coap_respond(&e->coap, event.id, &none, now_ms);
        } else if (event.id == e->request && e->request != 0) {
            if (event.kind == TSR_COAP_RESPONSE)
                take_answer(e, &event, now_ms);
            else
                fail(e, 0, event.kind == TSR_COAP_TIMEOUT ? "the server does not answer"
                                                          : "the answer cannot be taken");
        }
    }
}

/* --- the engine's verbs ----------------------------------------------------------------- */

tsr_err tsr_est_feed(tsr_est *e, tsr_bytes message, uint64_t now_ms)
{
    tsr_err err = tsr_coap_feed(&e->coap, 0, message, now_ms);

    pump(e, now_ms);
    return err;
}

tsr_err tsr_est_poll(tsr_est *e, tsr_buf *message, uint64_t now_ms)
{
    tsr_coap_peer peer;
    tsr_err err;

    if (e->step != STEP_OVER && now_ms >= e->again_ms)
        ask(e, now_ms);
    err = tsr_coap_poll(&e->coap, &peer, message, now_ms);
    pump(e, now_ms);
    return err;
}

bool tsr_est_event_next(tsr_est *e, tsr_est_event *event)
{
    if (!e->event_waits)
        return false;
    e->event_waits = false;
    *event = e->event;
    return true;
}

uint64_t tsr_est_due_ms(const tsr_est *e)
{
    uint64_t due_ms = tsr_coap_due_ms(&e->coap);

    return e->again_ms < due_ms ? e->again_ms : due_ms;
}
