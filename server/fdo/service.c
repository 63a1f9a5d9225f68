/* SPDX-License-Identifier: Apache-2.0
 *
 * From a message to the handler of its role, and back to an answer. */
#define _GNU_SOURCE
#include "server/fdo/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/rest/room.h"
#include "tessera/base/hex.h"

static const struct {
    uint8_t type;
    unsigned role;
    fdo_handler *handler;
} messages[] = {
    { TSR_FDO_DI_APP_START, TSR_FDO_MANUFACTURER, fdo_app_start },
    { TSR_FDO_DI_SET_HMAC, TSR_FDO_MANUFACTURER, fdo_set_hmac },
    { TSR_FDO_TO0_HELLO, TSR_FDO_RENDEZVOUS, fdo_to0_hello },
    { TSR_FDO_TO0_OWNER_SIGN, TSR_FDO_RENDEZVOUS, fdo_owner_sign },
    { TSR_FDO_TO1_HELLO_RV, TSR_FDO_RENDEZVOUS, fdo_hello_rv },
    { TSR_FDO_TO1_PROVE_TO_RV, TSR_FDO_RENDEZVOUS, fdo_prove_to_rv },
    { TSR_FDO_TO2_HELLO_DEVICE, TSR_FDO_OWNER, fdo_hello_device },
    { TSR_FDO_TO2_GET_OV_NEXT_ENTRY, TSR_FDO_OWNER, fdo_next_entry },
    { TSR_FDO_TO2_PROVE_DEVICE, TSR_FDO_OWNER, fdo_prove_device },
    { TSR_FDO_TO2_DEVICE_INFO_READY, TSR_FDO_OWNER, fdo_device_ready },
    { TSR_FDO_TO2_DEVICE_INFO, TSR_FDO_OWNER, fdo_device_info },
    { TSR_FDO_TO2_DONE, TSR_FDO_OWNER, fdo_done },
};

/* --- small things ----------------------------------------------------------------------- */

int64_t fdo_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t steady_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

tsr_err fdo_nonce(uint8_t nonce[TSR_FDO_NONCE])
{
    return psa_generate_random(nonce, TSR_FDO_NONCE) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

void fdo_guid_text(tsr_bytes guid, char out[FDO_GUID_TEXT])
{
    tsr_buf text = tsr_buf_over(out, FDO_GUID_TEXT - 1);

    tsr_hex_put(&text, guid);
    out[text.len] = 0;
}

void fdo_log(const tsr_fdo *f, bool bad, const char *format, ...)
{
    char text[400];
    va_list args;

    if (f->config.log == NULL)
        return;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c != '\0'; c++) /* peers say some of it, and are not to begin lines */
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    f->config.log(f->config.log_arg, bad, text);
}

void fdo_refuse(fdo_reply *r, uint16_t code, const char *why)
{
    r->code = code;
    r->why = why;
}

void fdo_refuse_err(fdo_reply *r, tsr_err err, const char *why)
{
    fdo_refuse(r, (uint16_t)tsr_fdo_code_of(err), why);
}

/* --- answers ---------------------------------------------------------------------------- */

/* What went wrong in detail is for the log: the peer reads a general word. */
static const char *word_of(uint16_t code)
{
    switch (code) {
    case TSR_FDO_INVALID_TOKEN: return "invalid token";
    case TSR_FDO_INVALID_VOUCHER: return "invalid voucher";
    case TSR_FDO_INVALID_OWNER_SIGN: return "invalid owner signature";
    case TSR_FDO_NOT_FOUND: return "not found";
    case TSR_FDO_BODY: return "malformed message";
    case TSR_FDO_INTERNAL: return "internal error";
    default: return "invalid message";
    }
}

static void answer_error(tsr_fdo *f, uint8_t type, const fdo_reply *r, tsr_fdo_answer *a)
{
    tsr_fdo_error e = { .code = r->code, .previous = type, .text = tsr_text(word_of(r->code)),
                        .has_time = true, .unix_s = fdo_now_ms() / 1000 };

    a->type = UINT8_MAX;
    a->token[0] = 0;
    a->body.len = 0;
    a->body.err = TSR_OK;
    rest_room(&a->body, 80);
    tsr_fdo_error_write(&a->body, &e);
    fdo_log(f, r->code == TSR_FDO_INTERNAL, "fdo: message %u refused with %u: %s", type, r->code,
            r->why);
}

static void run(tsr_fdo *f, fdo_handler *handler, fdo_session *s, uint8_t type, tsr_bytes body,
                bool first, tsr_fdo_answer *a)
{
    fdo_reply r = { 0 };

    handler(f, s, body, &r);
    if (r.code == 0 && r.body.err != TSR_OK)
        fdo_refuse(&r, TSR_FDO_INTERNAL, "the answer could not be written");
    a->type = r.type;
    a->body = r.body;
    if (first)
        memcpy(a->token, s->token, sizeof s->token);
    s->answered = r.type;
    if (r.code != 0)
        fdo_refused_by(f, s, s->peer, type, &r);
    fdo_session_give(&f->sessions, s, r.over || r.code != 0);
    if (r.code != 0)
        answer_error(f, type, &r, a);
}

uint32_t tsr_fdo_runs(tsr_fdo *f) { return fdo_sessions_count(&f->sessions, steady_ms()); }

static fdo_handler *handler_of(const tsr_fdo *f, uint8_t type)
{
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (messages[i].type == type && (messages[i].role & f->config.roles) != 0)
            return messages[i].handler;
    return NULL;
}

/* A peer's error ends the run that it names. */
static void take_error(tsr_fdo *f, fdo_session *s, tsr_bytes body)
{
    tsr_fdo_error e = { 0 };
    bool readable = tsr_fdo_error_read(body, &e) == TSR_OK;

    fdo_log(f, false, "fdo: the peer ended %s after message %u with %s%llu",
            s->protocol == FDO_DI ? "DI" : s->protocol == FDO_TO2 ? "TO2" : "TO0 or TO1",
            s->answered, readable ? "" : "an unreadable error, ", (unsigned long long)e.code);
    fdo_refused_by(f, s, s->peer, s->answered,
                   &(fdo_reply){ .code = (uint16_t)e.code, .why = "the peer ended the protocol" });
    fdo_session_give(&f->sessions, s, true);
}

/* A token stands for one run, and an error ends the run that it answers: whoever begins another under it, or says what
 * no role takes, has left it. */
static void leave_run(tsr_fdo *f, const char *token)
{
    fdo_session *s;

    if (fdo_session_take(&f->sessions, token != NULL ? token : "", steady_ms(), &s) == TSR_OK)
        fdo_session_give(&f->sessions, s, true);
}

/* A run that is under way, or a new one. */
static tsr_err find_session(tsr_fdo *f, const char *peer, bool first, fdo_protocol protocol,
                            const char *token, fdo_session **s)
{
    tsr_err err;

    if (!first)
        return fdo_session_take(&f->sessions, token != NULL ? token : "", steady_ms(), s);
    if (peer != NULL && !fdo_peer_may(&f->peers, peer, steady_ms()))
        return TSR_E_SPACE;
    err = fdo_session_begin(&f->sessions, protocol, steady_ms(), s);
    if (err == TSR_OK && peer != NULL)
        (void)snprintf((*s)->peer, sizeof (*s)->peer, "%s", peer);
    return err;
}

void tsr_fdo_message(tsr_fdo *f, uint8_t type, const char *token, tsr_bytes body,
                     tsr_fdo_answer *a)
{
    tsr_fdo_message_from(f, NULL, type, token, body, a);
}

void tsr_fdo_message_from(tsr_fdo *f, const char *peer, uint8_t type, const char *token,
                          tsr_bytes body, tsr_fdo_answer *a)
{
    fdo_reply r = { 0 };
    fdo_session *s = NULL;
    fdo_protocol protocol;
    fdo_handler *handler = handler_of(f, type);
    bool first = fdo_begins(type, &protocol);
    tsr_err err;

    *a = (tsr_fdo_answer){ 0 };
    if (type == TSR_FDO_ERROR) {
        if (fdo_session_take(&f->sessions, token ? token : "", steady_ms(), &s) == TSR_OK)
            take_error(f, s, body);
        return;
    }
    if (handler == NULL || first)
        leave_run(f, token);
    if (handler == NULL) {
        fdo_refuse(&r, TSR_FDO_INVALID, "no role here takes such a message");
        fdo_refused_by(f, NULL, peer, type, &r);
        answer_error(f, type, &r, a);
        return;
    }
    err = find_session(f, peer, first, protocol, token, &s);
    if (err == TSR_OK && !first && !fdo_follows(s->protocol, s->answered, type)) {
        fdo_session_give(&f->sessions, s, true);
        fdo_refuse(&r, TSR_FDO_INVALID, "the message is out of turn");
    } else if (err == TSR_OK) {
        run(f, handler, s, type, body, first, a);
        return;
    } else if (first) {
        fdo_refuse(&r, TSR_FDO_INTERNAL, "too many protocols at a time, or a second, of this peer or of all");
    } else {
        fdo_refuse(&r, TSR_FDO_INVALID_TOKEN, "no such token, or it has ended");
    }
    fdo_refused_by(f, NULL, peer, type, &r);
    answer_error(f, type, &r, a);
}
