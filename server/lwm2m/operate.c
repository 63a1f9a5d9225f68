/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on devices: queued per device, one under way at a time (NSTART 1), held back while a
 * queue-mode device sleeps. operate_ask.c makes the request, operate_answer.c takes its answer. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <stdlib.h>

/* --- ends ------------------------------------------------------------------------------- */

void operation_free(operation *op)
{
    if (!op)
        return;
    for (size_t i = 0; i < op->record_count; i++) {
        tsr_lwm2m_value *v = &op->records[i].value;

        if (v->type == TSR_LWM2M_STRING || v->type == TSR_LWM2M_OPAQUE ||
            v->type == TSR_LWM2M_CORELNK || v->type == TSR_LWM2M_RAW_TEXT ||
            v->type == TSR_LWM2M_RAW_BYTES) {
            /* It may be a key on its way to object 0 or 21. */
            if (v->as.bytes.ptr)
                tsr_wipe((void *)(uintptr_t)v->as.bytes.ptr, v->as.bytes.len);
            free((void *)(uintptr_t)v->as.bytes.ptr);
        }
    }
    free(op->records);
    free(op->paths);
    free(op->text);
    free(op->endpoint);
    free(op);
}

static void tell(operation *op, const tsr_server_result *r)
{
    bool observing = kind_observes(op->kind) && r->outcome == TSR_SERVER_ANSWERED &&
                     tsr_coap_is_success(r->code);
    tsr_server_event e = {
        .type = observing                           ? TSR_SERVER_EV_OBSERVING
                : r->outcome == TSR_SERVER_ANSWERED ? TSR_SERVER_EV_RESPONSE
                                                    : TSR_SERVER_EV_FAILURE,
        .kind = (int)op->kind,
        .has_path = true,
        .path = op->path,
        .code = r->code,
        .detail = r->diagnostic,
        .records = r->records,
        .record_count = r->record_count,
    };

    emit(op->server, op->endpoint, &e);
}

/* Takes the operation from wherever it is, tells whoever asked, and frees it. */
void operation_finish(operation *op, const tsr_server_result *result)
{
    device *dev = op->device;

    if (op->observed && op->observed->setup == op)
        op->observed->setup = NULL;
    /* What nobody answered is not observed; what the server itself renews stays wanted. */
    if (op->observed && kind_observes(op->kind) && op->done && !op->observed->active)
        observation_remove(op->observed);
    if (dev) {
        operation **at = &dev->queue;

        tsr_shard_timer_stop(dev->desk->shard, &op->timer);
        if (op->exchange)
            (void)tsr_coap_cancel(tsr_shard_coap(dev->desk->shard), op->exchange);
        if (dev->active == op) {
            dev->active = NULL;
        } else {
            while (*at && *at != op)
                at = &(*at)->next;
            if (*at)
                *at = op->next, dev->queued--;
        }
    }
    if (op->queued && queue_again(op, result)) {
        operation_free(op);
        return;
    }
    tell(op, result);
    if (op->done)
        op->done(op->arg, result);
    operation_free(op);
}

void operation_fail(operation *op, tsr_server_outcome outcome, const char *why)
{
    tsr_server_result r = {
        .outcome = outcome, .diagnostic = why, .format = TSR_SERVER_FORMAT_AUTO, .location = ""
    };

    operation_finish(op, &r);
}

/* --- the queues: of memory, and of the store ----------------------------------------------- */

static bool listens(const device *dev)
{
    if (!dev->peer || dev->peer->dying)
        return false;
    return !dev->info->queue_mode || tsr_shard_now(dev->desk->shard) < dev->awake_until_ms;
}

static operation *take_waiting(device *dev)
{
    operation *op = dev->queue;

    if (!op)
        return NULL;
    dev->queue = op->next;
    op->next = NULL;
    dev->queued--;
    return op;
}

/* What was submitted first goes first, whichever queue it is in. */
static operation *take_next(device *dev)
{
    operation *op = NULL;

    if (dev->has_queued && !dev->held)
        op = queue_take(dev, dev->queue ? dev->queue->order : UINT64_MAX);
    return op ? op : take_waiting(dev);
}

static void start(device *dev, operation *op)
{
    if (kind_observes(op->kind) && op->attempts == 0 && op->accepts == 0) {
        operation_observe(dev, op);
        return;
    }
    if (kind_cancels(op->kind)) {
        op->observed = observation_find(dev, op);
        if (!op->observed || !op->observed->token_len) {
            op->observed = NULL;
            operation_fail(op, TSR_SERVER_BAD_REQUEST,
                           op->path_count ? "just these paths are not observed together"
                                          : "this path is not observed");
            return;
        }
        op->observed->setup = op;
    }
    operation_send(dev, op);
}

void device_pump(device *dev)
{
    while (!dev->active && listens(dev)) {
        operation *op = take_next(dev);

        if (!op)
            return;
        dev->active = op;
        op->started_ms = tsr_shard_now(dev->desk->shard);
        if (!op->queued)
            start(dev, op); /* may fail at once, and then the next one has its turn */
        else if (queue_mark(dev, op) != TSR_OK)
            operation_fail(op, TSR_SERVER_UNAVAILABLE, "the request cannot be stored now");
    }
}

void operation_marked(desk *d, const char *id, uint64_t serial, tsr_err err)
{
    device *dev;
    operation *op;

    pthread_mutex_lock(&d->lock);
    dev = desk_by_id(d, tsr_view(id, ID_LEN));
    pthread_mutex_unlock(&d->lock);
    op = dev ? dev->active : NULL;
    if (!op || op->serial != serial || !op->marking)
        return; /* it went back into the queue meanwhile */
    if (err != TSR_OK) {
        operation_fail(op, TSR_SERVER_UNAVAILABLE, "the request cannot be stored now");
    } else {
        op->marking = false;
        start(dev, op);
    }
    device_pump(dev);
}

void device_requeue(device *dev)
{
    operation *op = dev->active;

    if (!op)
        return;
    if (op->queued) {
        operation_fail(op, TSR_SERVER_GONE, "its session ended before the device answered");
        return;
    }
    if (op->exchange)
        (void)tsr_coap_cancel(tsr_shard_coap(dev->desk->shard), op->exchange);
    op->exchange = 0;
    op->attempts = op->accepts = 0;
    op->storing = false;
    op->serial = ++dev->desk->operation_serial; /* a note of the store is for the old attempt */
    if (op->observed && op->observed->setup == op)
        op->observed->setup = NULL;
    op->observed = NULL;
    dev->active = NULL;
    op->next = dev->queue;
    dev->queue = op;
    dev->queued++;
}

void operation_run(desk *d, operation *op)
{
    const char *why = operation_wrong(op->kind, op->path, op->path_count + op->record_count);
    operation **tail;
    device *dev;

    if (why) {
        operation_fail(op, TSR_SERVER_BAD_REQUEST, why);
        return;
    }
    pthread_mutex_lock(&d->lock);
    dev = desk_by_endpoint(d, op->endpoint);
    pthread_mutex_unlock(&d->lock);
    if (!dev) {
        desk *other =
            atomic_load(&op->server->stopping) ? NULL : server_desk_of(op->server, op->endpoint);

        if (other && other != d) /* it moved between look-up and now */
            operation_post(op, other);
        else
            operation_fail(op, TSR_SERVER_NOT_REGISTERED, "no such device is registered");
        return;
    }
    if (dev->queued >= QUEUE_LEN) {
        operation_fail(op, TSR_SERVER_BUSY, "the device's queue is full; wait for its answers");
        return;
    }
    operation_choose_instance(dev, op);
    for (tail = &dev->queue; *tail; tail = &(*tail)->next)
        ;
    op->next = NULL;
    op->device = dev;
    op->order = queue_newest(op->server);
    op->serial = ++d->operation_serial;
    op->timer.id = TIMER_OPERATION;
    *tail = op;
    dev->queued++;
    (void)tsr_shard_timer_set(d->shard, &op->timer, tsr_shard_now(d->shard) + op->timeout_ms);
    device_pump(dev);
}

static void run_posted(tsr_shard *shard, tsr_message *m)
{
    operation *op = (operation *)(void *)((char *)m - offsetof(operation, message));
    desk *d = &op->server->desks[tsr_shard_index(shard)];

    if (atomic_load(&op->server->stopping))
        operation_fail(op, TSR_SERVER_UNAVAILABLE, "the server is stopping");
    else
        operation_run(d, op);
}

void operation_post(operation *op, desk *d)
{
    op->message.run = run_posted;
    tsr_shard_post(d->shard, &op->message);
}

void operation_expired(operation *op)
{
    device *dev = op->device;
    bool sent = dev->active == op;
    const char *why = sent                    ? "the device did not answer in time"
                      : dev->info->queue_mode ? "the device slept all the time"
                      : !dev->peer ? "the device is out of reach until it sends something"
                                   : "other requests to the device took all the time";

    atomic_fetch_add(&dev->desk->timeouts, 1);
    operation_fail(op, TSR_SERVER_TIMEOUT, why);
    device_pump(dev);
}
