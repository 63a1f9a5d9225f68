/* SPDX-License-Identifier: Apache-2.0
 *
 * From the line to the device, and what comes of it. */
#define _GNU_SOURCE
#include "server/lwm2m/queue_in.h"

#include <stdio.h>
#include <stdlib.h>

enum { ATTEMPTS_MAX = 100 }; /* a device that takes it and never answers */

const char *tsr_server_queue_state_name(tsr_server_queue_state s)
{
    static const char *const names[] = { "queued", "sent",    "done",
                                         "failed", "expired", "cancelled" };

    return (size_t)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

/* --- what is told ------------------------------------------------------------------------- */

void queue_emit(tsr_server *s, const char *endpoint, const tsr_store_queued *row,
                       tsr_lwm2m_path path)
{
    char detail[64];
    tsr_server_event e = { .type = TSR_SERVER_EV_REQUEST,
                           .kind = row->kind,
                           .has_path = true,
                           .path = path,
                           .code = (uint8_t)row->code,
                           .detail = detail };

    (void)snprintf(detail, sizeof detail, "%llu %s", (unsigned long long)row->id,
                   tsr_server_queue_state_name((tsr_server_queue_state)row->state));
    emit(s, endpoint, &e);
}

/* The row as it stands: queued again, or sent. */
tsr_err queue_put_state(queued *q, const char *endpoint, tsr_server_queue_state state,
                         tsr_store_done *done, void *arg)
{
    tsr_store_queued row = { .id = q->id,
                             .endpoint = endpoint,
                             .kind = (int)q->kind,
                             .state = (int)state,
                             .sent_ms = q->sent_ms,
                             .attempts = q->attempts };
    tsr_err err = tsr_store_update_queued(q->server->store, &row, done, arg);

    if (err == TSR_OK)
        queue_emit(q->server, endpoint, &row, q->path);
    return err;
}

/* --- outcomes ----------------------------------------------------------------------------- */

void queue_outcome_free(outcome *o)
{
    free(o->endpoint);
    free(o->detail);
    free(o->result.ptr);
    free(o);
}

static void outcome_stored(void *arg, tsr_err err)
{
    outcome *o = arg;
    request_queue *rq = o->server->queue;
    tsr_store_waiter *canceller = o->canceller;

    o->canceller = NULL;
    pthread_mutex_lock(&rq->lock);
    if (err == TSR_OK) {
        rq->count--;
    } else {
        o->next = rq->unsaved;
        rq->unsaved = o;
    }
    pthread_mutex_unlock(&rq->lock);
    if (err == TSR_OK)
        queue_outcome_free(o);
    if (canceller)
        tsr_store_wake(canceller, err);
}

void queue_outcome_put(outcome *o)
{
    tsr_err err;

    o->row.endpoint = o->endpoint;
    o->row.detail = o->detail;
    o->row.result = tsr_buf_view(&o->result);
    err = tsr_store_update_queued(o->server->store, &o->row, outcome_stored, o);
    if (err != TSR_OK)
        outcome_stored(o, err);
}

/* It is over: out of its line, into the store. */
void queue_conclude(queued *q, tsr_server_queue_state state, const tsr_server_result *r,
                     const char *detail)
{
    tsr_server *s = q->server;
    outcome *o = calloc(1, sizeof *o);
    char *endpoint = NULL;

    pthread_mutex_lock(&s->queue->lock);
    endpoint = strdup(q->line->endpoint);
    queue_leave(q);
    pthread_mutex_unlock(&s->queue->lock);
    if (!o || !endpoint || !(o->detail = strdup(detail))) {
        server_log(s, TSR_LOG_ERROR, "out of memory: the outcome of request %llu is lost",
                   (unsigned long long)q->id);
        if (q->canceller)
            tsr_store_wake(q->canceller, TSR_E_SPACE);
        free(o);
        free(endpoint);
        queued_free(q);
        return;
    }
    o->server = s;
    o->endpoint = endpoint;
    o->canceller = q->canceller;
    o->row = (tsr_store_queued){ .id = q->id,
                                 .kind = (int)q->kind,
                                 .state = (int)state,
                                 .sent_ms = q->sent_ms,
                                 .finished_ms = unix_now_ms(),
                                 .attempts = q->attempts,
                                 .outcome = r ? (int)r->outcome : 0,
                                 .code = r ? r->code : 0 };
    if (r && r->outcome == TSR_SERVER_ANSWERED && tsr_put_result(&o->result, r) != TSR_OK)
        o->result = (tsr_buf){ 0 };

    tsr_store_queued row = o->row;
    tsr_lwm2m_path path = q->path;
    char name[TSR_ENDPOINT_MAX + 1];

    (void)snprintf(name, sizeof name, "%s", endpoint);
    queued_free(q);
    queue_outcome_put(o); /* it may be gone at once */
    queue_emit(s, name, &row, path);
}

/* Doing it twice is doing it once. What is not known here is not. */
bool queue_repeatable(tsr_server_kind kind)
{
    switch (kind) {
    case TSR_SERVER_READ:
    case TSR_SERVER_DISCOVER:
    case TSR_SERVER_WRITE_REPLACE:
    case TSR_SERVER_WRITE_UPDATE:
    case TSR_SERVER_WRITE_ATTRIBUTES:
    case TSR_SERVER_OBSERVE:
    case TSR_SERVER_CANCEL_OBSERVE:
    case TSR_SERVER_READ_COMPOSITE:
    case TSR_SERVER_WRITE_COMPOSITE:
    case TSR_SERVER_OBSERVE_COMPOSITE:
    case TSR_SERVER_CANCEL_COMPOSITE: return true;
    case TSR_SERVER_EXECUTE:
    case TSR_SERVER_CREATE:
    case TSR_SERVER_DELETE: return false;
    }
    return false;
}

const char queue_doubt[] =
    "; it was on its way, so it may have been carried out: look before you ask again";

static void over(void *arg, const tsr_server_result *r)
{
    queued *q = arg;
    bool answered = r->outcome == TSR_SERVER_ANSWERED;
    bool late = unix_now_ms() >= q->expires_ms;
    bool unsure = !answered && q->attempts > 0 && r->outcome != TSR_SERVER_BAD_REQUEST;
    char detail[400];
    tsr_server_queue_state state = TSR_SERVER_FAILED;

    if (answered && tsr_coap_is_success(r->code))
        state = TSR_SERVER_DONE;
    else if (!answered && q->cancelled)
        state = TSR_SERVER_CANCELLED;
    else if (!answered && late)
        state = TSR_SERVER_EXPIRED;
    (void)snprintf(detail, sizeof detail, "%.250s%s", r->diagnostic, unsure ? queue_doubt : "");
    queue_conclude(q, state, r, detail);
}

bool queue_again(operation *op, const tsr_server_result *r)
{
    queued *q = op->queued;
    tsr_server *s = op->server;
    bool stopping = atomic_load(&s->stopping);
    /* BUSY and UNAVAILABLE are said before a message leaves. */
    bool unsent = op->marking || r->outcome == TSR_SERVER_BUSY ||
                  r->outcome == TSR_SERVER_UNAVAILABLE;

    if (!stopping &&
        (r->outcome == TSR_SERVER_ANSWERED || r->outcome == TSR_SERVER_BAD_REQUEST ||
         r->outcome == TSR_SERVER_UNDECODABLE || q->rejected || q->cancelled ||
         unix_now_ms() >= q->expires_ms || q->attempts >= ATTEMPTS_MAX ||
         !(unsent || queue_repeatable(q->kind))))
        return false;
    /* A server that stops leaves "sent" in the store: its next start decides, as after a crash. */
    if (!stopping || op->marking)
        (void)queue_put_state(q, op->endpoint, TSR_SERVER_QUEUED, NULL, NULL);
    if (op->device)
        op->device->held = true;
    pthread_mutex_lock(&s->queue->lock);
    q->active = false;
    pthread_mutex_unlock(&s->queue->lock);
    return true;
}

void queue_rejected(queued *q) { q->rejected = true; }

/* --- from the line to the device ---------------------------------------------------------- */

static operation *make_operation(device *dev, queued *q)
{
    tsr_server_request r = { .kind = q->kind, .endpoint = dev->info->endpoint, .path = q->path };
    operation *op = NULL;
    void *room = NULL;

    if (tsr_get_request(tsr_buf_view(&q->request), &r, &room) == TSR_OK)
        op = operation_new(q->server, &r);
    free(room);
    if (!op)
        return NULL;
    op->queued = q;
    op->done = over;
    op->arg = q;
    op->device = dev;
    op->serial = ++dev->desk->operation_serial;
    op->timer.id = TIMER_OPERATION;
    operation_choose_instance(dev, op);
    return op;
}

void queue_expire(queued *q)
{
    tsr_server_result r = { .outcome = TSR_SERVER_TIMEOUT, .location = "" };

    queue_conclude(q, TSR_SERVER_EXPIRED, &r,
             q->attempts ? "the device did not answer in time"
                         : "the device was not heard of in time; nothing was sent");
}

operation *queue_take(device *dev, uint64_t order)
{
    tsr_server *s = dev->desk->server;
    int64_t now = unix_now_ms();

    for (;;) {
        pthread_mutex_lock(&s->queue->lock);

        line *l = *queue_line_at(s, dev->info->endpoint);
        queued *q = l ? l->first : NULL;
        bool take = q && q->stored && !q->active && q->id <= order;

        if (take)
            q->active = true;
        pthread_mutex_unlock(&s->queue->lock);
        dev->has_queued = q != NULL;
        if (!take)
            return NULL;
        if (now >= q->expires_ms) {
            queue_expire(q);
            continue;
        }

        operation *op = make_operation(dev, q);

        if (op) {
            (void)tsr_shard_timer_set(dev->desk->shard, &op->timer,
                                      tsr_shard_now(dev->desk->shard) +
                                          (uint64_t)(q->expires_ms - now));
            return op;
        }
        pthread_mutex_lock(&s->queue->lock); /* no memory: later */
        q->active = false;
        pthread_mutex_unlock(&s->queue->lock);
        return NULL;
    }
}

typedef struct {
    tsr_message message;
    desk *desk;
    char id[ID_LEN + 1];
    uint64_t serial;
    tsr_err err;
} mark_note;

static void run_marked(tsr_shard *shard, tsr_message *m)
{
    mark_note *n = (mark_note *)(void *)m;

    (void)shard;
    operation_marked(n->desk, n->id, n->serial, n->err);
    free(n);
}

static void marked(void *arg, tsr_err err)
{
    mark_note *n = arg;

    n->err = err;
    tsr_shard_post(n->desk->shard, &n->message);
}

tsr_err queue_mark(device *dev, operation *op)
{
    queued *q = op->queued;
    mark_note *n = calloc(1, sizeof *n);
    tsr_err err = TSR_E_SPACE;

    op->marking = true;
    if (n) {
        n->message.run = run_marked;
        n->desk = dev->desk;
        n->serial = op->serial;
        memcpy(n->id, dev->id, sizeof n->id);
        q->attempts++;
        q->sent_ms = unix_now_ms();
        err = queue_put_state(q, op->endpoint, TSR_SERVER_SENT, marked, n);
    }
    if (err != TSR_OK)
        free(n);
    return err;
}
