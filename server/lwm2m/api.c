/* SPDX-License-Identifier: Apache-2.0
 *
 * The in-process API: names, health, and what waits for a shard: operations and their ends. */
#define _GNU_SOURCE
#include "server/lwm2m/codec.h"
#include "server/lwm2m/internal.h"

#include <stdlib.h>

const char *tsr_server_security_name(tsr_server_security s)
{
    static const char *const names[] = { "nosec", "psk", "x509", "oscore" };

    return (size_t)s < sizeof names / sizeof *names ? names[s] : "nosec";
}

const char *tsr_server_outcome_name(tsr_server_outcome o)
{
    static const char *const names[] = {
        "answered", "timeout",     "not-registered", "gone",
        "busy",     "bad-request", "undecodable",    "unavailable"
    };

    return (size_t)o < sizeof names / sizeof *names ? names[o] : "unknown";
}

const char *tsr_server_event_name(tsr_server_event_type t)
{
    static const char *const names[] = {
        "unknown",       "registered", "updated", "deregistered", "expired",
        "notification",  "response",   "failure", "refused",      "observing",
        "observe-ended", "online",     "offline", "credential",   "request",
        "bootstrap-started", "bootstrap-finished", "bootstrap-failed",
        "sent",          "fdo-made",   "fdo-imported", "fdo-extended", "fdo-announced",
        "fdo-accepted",  "fdo-redirected", "fdo-proved", "fdo-onboarded", "fdo-replaced",
        "fdo-failed",
    };

    return (size_t)t < sizeof names / sizeof *names ? names[t] : "unknown";
}

typedef struct {
    tsr_message message;
    tsr_server *server;
    const char *endpoint;
    tsr_store_waiter waiter;
} drop_note;

static void run_drop(tsr_shard *shard, tsr_message *m)
{
    drop_note *n = (drop_note *)(void *)m;
    desk *d = &n->server->desks[tsr_shard_index(shard)];
    device *dev;

    pthread_mutex_lock(&d->lock);
    dev = desk_by_endpoint(d, n->endpoint);
    pthread_mutex_unlock(&d->lock);
    if (dev)
        device_end(dev, TSR_SERVER_EV_DEREGISTERED);
    tsr_store_wake(&n->waiter, dev ? TSR_OK : TSR_E_NOT_FOUND);
}

tsr_err tsr_server_drop(tsr_server *s, const char *endpoint)
{
    desk *d = server_desk_of(s, endpoint);
    drop_note n = { { NULL, run_drop }, s, endpoint, TSR_STORE_WAITER };
    tsr_err err;

    if (!d || atomic_load(&s->stopping))
        return TSR_E_NOT_FOUND;
    tsr_shard_post(d->shard, &n.message);
    err = tsr_store_wait(&n.waiter, TSR_OK);
    if (err == TSR_OK)
        tsr_store_flush(s->store);
    return err;
}

static bool copy_value(tsr_lwm2m_value *v)
{
    uint8_t *to;

    switch (v->type) {
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT:
    case TSR_LWM2M_RAW_BYTES: break;
    default: return true;
    }
    to = malloc(v->as.bytes.len ? v->as.bytes.len : 1);
    if (to && v->as.bytes.len)
        memcpy(to, v->as.bytes.ptr, v->as.bytes.len);
    v->as.bytes.ptr = to;
    return to != NULL;
}

static int by_path(const void *a, const void *b)
{
    const tsr_lwm2m_path *x = a, *y = b;

    return tsr_lwm2m_path_compare(*x, *y);
}

/* In tree order and each once: so the same question is the same observation. */
static bool copy_paths(operation *op, const tsr_server_request *r)
{
    size_t n = r->path_count;

    if (n == 0)
        return true;
    op->paths = malloc(n * sizeof *op->paths);
    if (!op->paths)
        return false;
    memcpy(op->paths, r->paths, n * sizeof *op->paths);
    qsort(op->paths, n, sizeof *op->paths, by_path);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !tsr_lwm2m_path_same(op->paths[op->path_count - 1], op->paths[i]))
            op->paths[op->path_count++] = op->paths[i];
    return true;
}

operation *operation_new(tsr_server *s, const tsr_server_request *r)
{
    operation *op = calloc(1, sizeof *op);
    bool whole = op != NULL;

    if (!op)
        return NULL;
    op->server = s;
    op->kind = r->kind;
    op->path = r->path;
    op->format = r->format;
    op->depth = r->depth;
    op->timeout_ms = r->timeout_ms ? r->timeout_ms : OPERATION_MS;
    op->endpoint = strdup(r->endpoint);
    op->text = r->text ? strdup(r->text) : NULL;
    whole = op->endpoint && (!r->text || op->text) && copy_paths(op, r);
    if (r->record_count && whole) {
        op->records = calloc(r->record_count, sizeof *op->records);
        whole = op->records != NULL;
    }
    while (whole && op->record_count < r->record_count) {
        op->records[op->record_count] = r->records[op->record_count];
        whole = copy_value(&op->records[op->record_count++].value);
    }
    if (whole)
        return op;
    operation_free(op);
    return NULL;
}

tsr_err tsr_server_submit(tsr_server *s, const tsr_server_request *request, tsr_server_done *done,
                          void *arg)
{
    operation *op;
    desk *d;

    if (!request->endpoint || !done || (unsigned)request->kind > TSR_SERVER_CANCEL_COMPOSITE ||
        request->path_count > TSR_SERVER_PATHS_MAX)
        return TSR_E_ARGUMENT;
    op = operation_new(s, request);
    if (!op)
        return TSR_E_SPACE;
    op->done = done;
    op->arg = arg;
    if (atomic_load(&s->stopping)) {
        operation_fail(op, TSR_SERVER_UNAVAILABLE, "the server is stopping");
        return TSR_OK;
    }
    d = server_desk_of(s, op->endpoint);
    if (d)
        operation_post(op, d);
    else
        operation_fail(op, TSR_SERVER_NOT_REGISTERED, "no such device is registered");
    return TSR_OK;
}

void tsr_server_stats_get(tsr_server *s, tsr_server_stats *out)
{
    tsr_engine_stats e = { 0 };
    tsr_store_stats st;

    tsr_engine_stats_add(s->engine, &e);
    tsr_store_stats_get(s->store, &st);
    *out = (tsr_server_stats){
        .registrations = tsr_server_count(s),
        .sessions = e.sessions,
        .shards = s->count,
        .datagrams_in = e.in,
        .datagrams_out = e.out,
        .datagrams_dropped = e.dropped,
        .handshakes = e.handshakes,
        .handshakes_failed = e.handshakes_failed,
        .store_rows = st.rows,
        .store_commits = st.commits,
        .store_errors = st.errors,
        .queued = queue_count(s),
        .started_unix_ms = s->started_ms,
        .store_ok = st.ok,
    };
    memcpy(out->store_error, st.error, sizeof out->store_error);
    for (unsigned i = 0; i < s->count; i++) {
        out->observations += atomic_load(&s->desks[i].observations);
        out->requests += atomic_load(&s->desks[i].requests);
        out->timeouts += atomic_load(&s->desks[i].timeouts);
    }
}
