/* SPDX-License-Identifier: Apache-2.0
 *
 * A session on its shard: sends what the steps ask for, waits for answers, the store and the
 * clock, and says at the end how it went. */
#define _GNU_SOURCE
#include "server/bootstrap/role.h"

#include "server/lwm2m/codec.h"
#include "tessera/base/utf8.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static void drive(bs_run *r);

static tsr_peer *peer_of(const bs_run *r)
{
    tsr_peer *p = tsr_shard_peer(r->shard, r->peer);

    return p->used && p->serial == r->peer_serial ? p : NULL;
}

static void run_free(bs_run *r)
{
    bs_session_free(&r->session);
    free(r);
}

/* --- the end ---------------------------------------------------------------------------- */

static void say_end(const bs_run *r, const char *cause)
{
    tsr_server *s = r->role->server;
    char detail[TSR_ENDPOINT_MAX + 64];

    state_note(r, cause[0] ? "failed" : "finished", cause, unix_now_ms());
    if (cause[0]) {
        server_log(s, TSR_LOG_WARNING, "bootstrap of %s failed: %s", r->session.endpoint, cause);
        emit_simple(s, r->session.endpoint, TSR_SERVER_EV_BOOTSTRAP_FAILED, cause);
        return;
    }
    (void)snprintf(detail, sizeof detail, "profile %s, %s", r->profile_name,
                   r->pack ? "as a pack" : "step by step");
    emit_simple(s, r->session.endpoint, TSR_SERVER_EV_BOOTSTRAP_FINISHED, detail);
}

static void answer_pack(bs_run *r, uint8_t code, tsr_bytes payload, const char *why)
{
    tsr_coap_response a = { .code = code, .payload = payload };
    uint64_t now = tsr_shard_now(r->shard);

    if (code == TSR_COAP_CONTENT)
        a.content_format = (tsr_coap_num){ true, r->label };
    else
        a.payload = tsr_text(why);
    if (r->ticket && tsr_coap_respond(tsr_shard_coap(r->shard), r->ticket, &a, now) != TSR_OK)
        (void)tsr_coap_cancel(tsr_shard_coap(r->shard), r->ticket);
    r->ticket = 0;
}

void run_end(bs_run *r, const char *cause)
{
    tsr_peer *peer = peer_of(r);

    if (r->ended)
        return;
    r->ended = true;
    if (cause)
        bs_session_fail(&r->session, cause);
    if (r->pack && r->session.cause[0])
        answer_pack(r, TSR_COAP_INTERNAL_ERROR, tsr_view(NULL, 0), r->session.cause);
    table_take(r);
    tsr_shard_timer_stop(r->shard, &r->timer);
    if (r->exchange)
        (void)tsr_coap_cancel(tsr_shard_coap(r->shard), r->exchange);
    if (peer && peer->user == r)
        tsr_shard_bind(r->shard, peer, NULL);
    say_end(r, r->session.cause);
    if (!r->storing) /* else its message is still to come */
        run_free(r);
}

void run_expired(tsr_timer *timer)
{
    bs_run *r = (bs_run *)(void *)((char *)timer - offsetof(bs_run, timer));

    run_end(r, "it was not finished within the time that the device waits (EXCHANGE_LIFETIME)");
}

/* --- the generated key ------------------------------------------------------------------ */

static void send_pack(bs_run *r)
{
    tsr_bytes payload;
    tsr_err err = bs_session_pack(&r->session, r->session.format, &payload);

    if (err == TSR_OK) {
        answer_pack(r, TSR_COAP_CONTENT, payload, NULL);
        r->session.done = true;
        run_end(r, NULL);
    } else {
        run_end(r, "the pack cannot be written in this format: change the profile");
    }
}

static void run_stored(tsr_shard *shard, tsr_message *m)
{
    bs_run *r = (bs_run *)(void *)m;
    tsr_server *s = r->role->server;

    (void)shard;
    r->storing = false;
    if (r->stored == TSR_OK)
        emit_simple(s, r->session.endpoint, TSR_SERVER_EV_CREDENTIAL, "set by a bootstrap");
    if (r->ended) {
        run_free(r);
        return;
    }
    bs_session_stored(&r->session, r->stored);
    drive(r);
}

static void stored(void *arg, tsr_err err)
{
    bs_run *r = arg;

    r->stored = err;
    tsr_shard_post(r->shard, &r->message);
}

typedef struct {
    int mode;
    char identity[OSCORE_IDENTITY], oscore[OSCORE_IDENTITY];
} replaced;

static bool keep_replaced(void *arg, const tsr_store_credential *c)
{
    replaced *old = arg;

    old->mode = c->mode;
    (void)snprintf(old->identity, sizeof old->identity, "%s", c->identity);
    (void)snprintf(old->oscore, sizeof old->oscore, "%s", c->oscore);
    return false;
}

/* What was made with the old key ends, as with any new key. */
static void drop_replaced(tsr_server *s, const replaced *old)
{
    if (!old->identity[0])
        return;
    if (old->oscore[0]) {
        oscore_forget(s, 0, old->oscore);
        tsr_engine_drop_identity(s->engine, 0, TSR_PEER_OSCORE, old->oscore);
    }
    tsr_engine_drop_identity(s->engine, 0, (tsr_peer_security)old->mode, old->identity);
}

static tsr_err credential_row(const bs_session *b, tsr_buf *room, char identity[OSCORE_IDENTITY],
                              tsr_store_credential *row)
{
    tsr_server_oscore o;
    tsr_err err;

    *row = (tsr_store_credential){ .endpoint = b->endpoint, .mode = TSR_SERVER_PSK,
                                   .identity = b->identity, .key = tsr_view(b->key, sizeof b->key),
                                   .changed_ms = unix_now_ms() };
    if (b->generating->mode != BS_OSCORE)
        return TSR_OK;
    o = bs_session_oscore(b, b->generating);
    err = oscore_row_make(&o, room, identity);
    row->mode = TSR_SERVER_OSCORE;
    row->identity = identity;
    row->key = tsr_buf_view(room);
    return err;
}

/* One row, so one transaction: the new key takes the place of the old, and is on the disk before
 * the device hears of it. */
static void store_key(bs_run *r)
{
    tsr_server *s = r->role->server;
    bs_session *b = &r->session;
    uint8_t room[OSCORE_ROW_MAX];
    tsr_buf key = tsr_buf_over(room, sizeof room);
    char identity[OSCORE_IDENTITY];
    replaced old = { 0, "", "" };
    tsr_store_credential row;
    tsr_err err = credential_row(b, &key, identity, &row);

    (void)tsr_store_credential_get(tsr_shard_reader(r->shard), b->endpoint, keep_replaced, &old);
    r->message.run = run_stored;
    if (err == TSR_OK)
        err = tsr_store_put_credential(s->store, &row, stored, r);
    r->storing = err == TSR_OK;
    if (!r->storing)
        bs_session_stored(b, TSR_E_IO);
    else
        drop_replaced(s, &old);
    tsr_wipe(room, sizeof room);
}

/* --- steps ------------------------------------------------------------------------------ */

static size_t path_segments(const bs_request *q, char text[4][8], tsr_bytes segments[4])
{
    if (q->finish) {
        segments[0] = tsr_text("bs");
        return 1;
    }
    for (uint8_t i = 0; i < q->path.depth; i++) {
        int n = snprintf(text[i], 8, "%u", tsr_lwm2m_path_id(q->path, i));

        segments[i] = tsr_view(text[i], (size_t)n);
    }
    return q->path.depth;
}

static void send_request(bs_run *r, const bs_request *q)
{
    char text[4][8];
    tsr_bytes segments[4];
    tsr_coap_request c = { .method = q->method, .segments = segments, .payload = q->payload,
                           .user = (uint64_t)(uintptr_t)r };
    tsr_peer *peer = peer_of(r);

    c.segment_count = path_segments(q, text, segments);
    if (q->has_accept)
        c.accept = (tsr_coap_num){ true, q->accept };
    if (q->has_format)
        c.content_format = (tsr_coap_num){ true, q->format };
    if (!peer || peer->dying)
        bs_session_fail(&r->session, "its session ended");
    else if (tsr_coap_request_send(tsr_shard_coap(r->shard), r->peer, &c, tsr_shard_now(r->shard),
                                   &r->exchange) != TSR_OK)
        bs_session_fail(&r->session, "the server has too many requests under way, or the write is "
                                     "longer than it can send (64 KiB)");
}

/* A pack is one answer, once the key is stored. */
static void drive_pack(bs_run *r)
{
    bs_session *b = &r->session;
    bs_step step;

    if (b->generates && !b->stored && bs_session_next(b, &step) == TSR_OK)
        store_key(r);
    if (b->done)
        run_end(r, NULL);
    else if (!r->storing)
        send_pack(r);
}

/* Goes on until something must be waited for. May end and free the run. */
static void drive(bs_run *r)
{
    bs_step step;

    if (r->pack) {
        drive_pack(r);
        return;
    }
    while (!r->storing && !r->exchange && bs_session_next(&r->session, &step) == TSR_OK) {
        if (step.phase == BS_KEYS)
            store_key(r);
        else
            send_request(r, &step.request);
    }
    if (r->session.done)
        run_end(r, NULL);
}

static void keep_value(void *arg, const tsr_server_record *record)
{
    bs_run *r = arg;
    uint8_t key[TSR_PATH_KEY_MAX], body[1024];
    tsr_buf out = tsr_buf_over(body, sizeof body);
    size_t key_len = tsr_path_key(record->path, key);

    if (record->value.type == TSR_LWM2M_NONE || record->path.depth < 3)
        return;
    tsr_put_value(&out, &record->value, record->unix_ms);
    if (out.err != TSR_OK)
        return;

    tsr_store_value row = { r->session.endpoint, tsr_view(key, key_len), tsr_buf_view(&out),
                            unix_now_ms() };

    (void)tsr_store_put_value(r->role->server->store, &row, NULL, NULL);
}

static const char *no_answer(const tsr_coap_event *e)
{
    switch (e->kind) {
    case TSR_COAP_RESET: return "the device rejected it (RST)";
    case TSR_COAP_TIMEOUT: return "no answer from the device, after all repetitions";
    case TSR_COAP_GONE: return "its session ended";
    default: return "the answer is longer than the server takes, or its blocks do not fit";
    }
}

static void take_answer(bs_run *r, const tsr_coap_event *e)
{
    char diagnostic[141] = "";
    uint16_t format = e->msg->content_format.set ? (uint16_t)e->msg->content_format.value : 0;
    size_t n = e->body.len < 140 ? e->body.len : 140;

    if (!tsr_coap_is_success(e->msg->code) && n > 0 && tsr_utf8_valid(tsr_first(e->body, n))) {
        memcpy(diagnostic, e->body.ptr, n);
        diagnostic[n] = 0;
    }
    if (r->session.phase == BS_WRITE && tsr_coap_is_success(e->msg->code))
        r->written++;
    bs_session_answer(&r->session, e->msg->code, format, e->body, diagnostic, keep_value, r);
}

void run_event(bs_run *r, const tsr_coap_event *e)
{
    if (e->id != r->exchange)
        return;
    r->exchange = 0;
    if (e->kind == TSR_COAP_RESPONSE)
        take_answer(r, e);
    else
        bs_session_answer(&r->session, 0, 0, tsr_view(NULL, 0), no_answer(e), NULL, NULL);
    drive(r);
}

/* --- the start -------------------------------------------------------------------------- */

static void begun(bs_run *r, const bs_asked *asked)
{
    char detail[TSR_ENDPOINT_MAX + 64];

    (void)snprintf(detail, sizeof detail, "profile %s", r->profile_name);
    state_note(r, "running", "", 0);
    emit_simple(r->role->server, r->session.endpoint, TSR_SERVER_EV_BOOTSTRAP_STARTED, detail);
    if (asked->pack) {
        bs_session_own(&r->session, asked->has_acc ? asked->acc : tsr_view(NULL, 0));
        r->session.phase = BS_KEYS; /* nothing is asked of the device */
    }
    drive(r);
}

static bs_run *run_new(bs_role *role, tsr_shard *shard, const tsr_peer *peer, bs_profile *profile,
                       const char *endpoint, const bs_asked *asked)
{
    bs_run *r = calloc(1, sizeof *r);

    if (!r || bs_session_begin(&r->session, profile, endpoint, asked->format) != TSR_OK) {
        bs_profile_free(profile);
        free(profile);
        free(r);
        return NULL;
    }
    r->role = role;
    r->shard = shard;
    r->peer = peer->index;
    r->peer_serial = peer->serial;
    r->security = (tsr_server_security)peer->security;
    r->pack = asked->pack;
    r->label = asked->label;
    r->started_ms = unix_now_ms();
    r->timer.id = BS_TIMER;
    return r;
}

uint8_t run_start(bs_role *role, tsr_shard *shard, tsr_peer *peer, const bs_asked *asked,
                  tsr_coap_id ticket, const char *endpoint, const char *profile_name,
                  bs_profile *profile, const char **why)
{
    bs_run *r = run_new(role, shard, peer, profile, endpoint, asked);

    *why = "the server is out of memory; try again";
    if (!r)
        return TSR_COAP_UNAVAILABLE;
    (void)snprintf(r->profile_name, sizeof r->profile_name, "%s", profile_name);
    table_supersede(role, shard, endpoint);
    if (peer->user)
        run_end(peer->user, "the device began anew under another name");
    table_add(r);
    tsr_shard_bind(shard, peer, r);
    (void)tsr_shard_timer_set(shard, &r->timer, tsr_shard_now(shard) + role->session_ms);
    if (asked->pack) {
        r->ticket = ticket;
    } else {
        tsr_coap_response ok = { .code = TSR_COAP_CHANGED };

        (void)tsr_coap_respond(tsr_shard_coap(shard), ticket, &ok, tsr_shard_now(shard));
    }
    begun(r, asked);
    return 0;
}

/* The threads are over: nothing is sent any more, and the store is still open. */
void runs_close(bs_role *role)
{
    for (size_t i = 0; i < BS_HEADS; i++)
        while (role->heads[i]) {
            bs_run *r = role->heads[i];

            role->heads[i] = r->next;
            r->storing = false;
            run_end(r, "the server was stopped");
        }
}
