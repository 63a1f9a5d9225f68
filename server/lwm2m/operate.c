/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on devices: queued per device, one under way at a time (NSTART 1), held back while a
 * queue-mode device sleeps, asked again in another format when the first is not understood. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include "server/model.h"
#include "tessera/lwm2m/format/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

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

/* --- sending ---------------------------------------------------------------------------- */

enum { QUERIES_MAX = 16 };

typedef struct {
    char path[96];
    char depth[16];
    tsr_bytes queries[QUERIES_MAX];
    size_t query_count;
    tsr_buf body;
} request_room;

static void put_path(request_room *room, const char *root, tsr_lwm2m_path path)
{
    tsr_buf out = tsr_buf_over(room->path, sizeof room->path - 1);

    tsr_put_text(&out, root);
    tsr_lwm2m_path_put(&out, path);
    room->path[out.len] = 0;
}

static void split_queries(request_room *room, const char *text)
{
    while (text && *text && room->query_count < QUERIES_MAX) {
        size_t n = strcspn(text, "&");

        if (n)
            room->queries[room->query_count++] = tsr_view(text, n);
        text += n + (text[n] == '&');
    }
}

/* Core 6.3.6: the new instance stands in the payload, and the request goes to the object. */
static tsr_lwm2m_path request_path(const operation *op)
{
    return op->kind == TSR_SERVER_CREATE ? tsr_lwm2m_path_up(op->path, 1) : op->path;
}

static const char *encode(device *dev, operation *op, request_room *room, tsr_coap_request *r)
{
    uint16_t format = op->format;
    tsr_lwm2m_path base =
        op->kind == TSR_SERVER_CREATE && op->record_count ? request_path(op) : op->path;
    tsr_err err = TSR_E_UNSUPPORTED;

    if (format == TSR_SERVER_FORMAT_AUTO)
        format = kind_is_composite(op->kind) ? format_for_composite(dev, op, op->attempts)
                                             : format_for_write(dev, op, op->attempts);
    if (format != TSR_SERVER_FORMAT_AUTO)
        err = records_write(op->records, op->record_count, format, base, &room->body);
    if (err == TSR_E_SPACE)
        return "out of memory";
    if (err != TSR_OK)
        return "the values do not fit the path, their types or the format";
    op->tried_format = format;
    r->content_format = (tsr_coap_num){ true, format };
    r->payload = tsr_buf_view(&room->body);
    return NULL;
}

static void ask_format(device *dev, operation *op, tsr_coap_request *r)
{
    uint16_t format = op->format;

    if (format == TSR_SERVER_FORMAT_AUTO)
        format = format_for_read(dev, op->path, op->attempts);
    op->tried_format = format;
    if (format != TSR_SERVER_FORMAT_AUTO)
        r->accept = (tsr_coap_num){ true, format };
    if (op->observed)
        op->observed->format = format;
}

/* Core 6.3.8: the question is a body of names; the answer has a format of its own. */
static const char *ask_names(device *dev, operation *op, request_room *room, tsr_coap_request *r)
{
    uint16_t format = op->format;
    uint16_t body = format_for_composite(dev, op, op->attempts);
    tsr_err err = body != TSR_SERVER_FORMAT_AUTO
                      ? names_write(op->paths, op->path_count, body, &room->body)
                      : TSR_E_UNSUPPORTED;

    if (err != TSR_OK)
        return err == TSR_E_SPACE ? "out of memory" : "no format for the paths is left";
    if (format == TSR_SERVER_FORMAT_AUTO)
        format = format_for_read(dev, op->path, op->accepts);
    if (format != TSR_SERVER_FORMAT_AUTO)
        r->accept = (tsr_coap_num){ true, format };
    if (op->observed)
        op->observed->format = format;
    r->method = TSR_COAP_FETCH;
    r->content_format = (tsr_coap_num){ true, body };
    r->payload = tsr_buf_view(&room->body);
    return NULL;
}

static void take_observation(operation *op, request_room *room, tsr_coap_request *r)
{
    r->observe = (tsr_coap_num){ true, kind_cancels(op->kind) };
    r->token = tsr_view(op->observed->token, op->observed->token_len);
    r->user = (uint64_t)(uintptr_t)op->observed | 1;
    split_queries(room, op->observed->params);
}

static const char *build(device *dev, operation *op, request_room *room, tsr_coap_request *r)
{
    const char *why = NULL;

    put_path(room, dev->info->root, request_path(op));
    r->path = room->path;
    r->user = (uint64_t)(uintptr_t)op;
    switch (op->kind) {
    case TSR_SERVER_READ:
        r->method = TSR_COAP_GET;
        ask_format(dev, op, r);
        break;
    case TSR_SERVER_DISCOVER:
        r->method = TSR_COAP_GET;
        r->accept = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_LINK };
        if (op->depth >= 0) {
            (void)snprintf(room->depth, sizeof room->depth, "depth=%d", op->depth & 3); /* 0 to 3 */
            split_queries(room, room->depth);
        }
        break;
    case TSR_SERVER_WRITE_REPLACE:
        r->method = TSR_COAP_PUT;
        why = encode(dev, op, room, r);
        break;
    case TSR_SERVER_WRITE_UPDATE:
    case TSR_SERVER_CREATE:
        r->method = TSR_COAP_POST;
        why = encode(dev, op, room, r);
        break;
    case TSR_SERVER_WRITE_ATTRIBUTES:
        r->method = TSR_COAP_PUT;
        split_queries(room, op->text);
        break;
    case TSR_SERVER_EXECUTE:
        r->method = TSR_COAP_POST;
        if (op->text && op->text[0]) {
            r->payload = tsr_text(op->text);
            r->content_format = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_TEXT };
        }
        break;
    case TSR_SERVER_DELETE: r->method = TSR_COAP_DELETE; break;
    case TSR_SERVER_OBSERVE:
    case TSR_SERVER_CANCEL_OBSERVE:
        r->method = TSR_COAP_GET;
        ask_format(dev, op, r);
        take_observation(op, room, r);
        break;
    case TSR_SERVER_READ_COMPOSITE: why = ask_names(dev, op, room, r); break;
    case TSR_SERVER_WRITE_COMPOSITE:
        r->method = TSR_COAP_IPATCH;
        why = encode(dev, op, room, r);
        break;
    case TSR_SERVER_OBSERVE_COMPOSITE:
    case TSR_SERVER_CANCEL_COMPOSITE:
        why = ask_names(dev, op, room, r);
        take_observation(op, room, r);
        break;
    }
    r->queries = room->queries;
    r->query_count = room->query_count;
    return why;
}

static void send_request(device *dev, operation *op)
{
    tsr_coap_request r = { 0 };
    request_room room = { 0 };
    desk *d = dev->desk;
    const char *why = build(dev, op, &room, &r);
    tsr_err err = TSR_OK;

    if (!why)
        err = tsr_coap_request_send(tsr_shard_coap(d->shard), dev->peer->index, &r,
                                    tsr_shard_now(d->shard), &op->exchange);
    free(room.body.ptr);
    atomic_fetch_add(&d->requests, 1);
    if (why)
        operation_fail(op, TSR_SERVER_BAD_REQUEST, why);
    else if (err == TSR_E_SPACE)
        operation_fail(op, TSR_SERVER_BUSY,
                       "too many requests are under way, or this one is too "
                       "long");
    else if (err != TSR_OK)
        operation_fail(op, TSR_SERVER_BAD_REQUEST,
                       "the request cannot be made into a CoAP message");
}

/* --- observations: first the row, then the request --------------------------------------- */

typedef struct {
    tsr_message message;
    desk *desk;
    char id[ID_LEN + 1];
    uint64_t serial;
    tsr_err err;
} stored_note;

static void run_observation_stored(tsr_shard *shard, tsr_message *m)
{
    stored_note *n = (stored_note *)(void *)m;
    device *dev;

    (void)shard;
    pthread_mutex_lock(&n->desk->lock);
    dev = desk_by_id(n->desk, tsr_view(n->id, ID_LEN));
    pthread_mutex_unlock(&n->desk->lock);
    if (dev && dev->active && dev->active->serial == n->serial && dev->active->storing) {
        operation *op = dev->active;

        op->storing = false;
        if (n->err != TSR_OK) {
            operation_fail(op, TSR_SERVER_UNAVAILABLE, "the observation cannot be stored now");
        } else if (dev->peer) {
            send_request(dev, op);
        } else { /* its peer went meanwhile */
            dev->active = NULL;
            op->next = dev->queue;
            dev->queue = op;
            dev->queued++;
        }
        device_pump(dev);
    }
    free(n);
}

static void observation_stored(void *arg, tsr_err err)
{
    stored_note *n = arg;

    n->err = err;
    tsr_shard_post(n->desk->shard, &n->message);
}

static tsr_err store_observation(device *dev, operation *op)
{
    observation *o = op->observed;
    stored_note *n = calloc(1, sizeof *n);
    tsr_store_observation row = { .endpoint = dev->info->endpoint,
                                  .path = o->key,
                                  .params = o->params,
                                  .token = tsr_view(o->token, o->token_len),
                                  .format = format_for_read(dev, o->path, 0),
                                  .since_ms = o->since_ms };
    tsr_err err;

    if (!n)
        return TSR_E_SPACE;
    n->message.run = run_observation_stored;
    n->desk = dev->desk;
    n->serial = op->serial;
    memcpy(n->id, dev->id, sizeof n->id);
    err = tsr_store_put_observation(dev->desk->server->store, &row, observation_stored, n);
    if (err != TSR_OK)
        free(n);
    return err;
}

/* A fresh token each time: notifications of an older request are then rejected by the engine, which
 * ends that one on the device too (RFC 7641 §3.6). */
static void start_observe(device *dev, operation *op)
{
    observation *o = observation_find(dev, op);

    if (!o)
        o = observation_add(dev, op->path, op->paths, op->path_count, op->text);
    if (!o || (o->setup && o->setup != op)) {
        operation_fail(op, o ? TSR_SERVER_BUSY : TSR_SERVER_UNAVAILABLE,
                       o ? "this observation is being set up already" : "out of memory");
        return;
    }
    if (strcmp(o->params, op->text ? op->text : "") != 0) {
        char *params = strdup(op->text ? op->text : "");

        pthread_mutex_lock(&dev->desk->lock);
        if (params) {
            free(o->params);
            o->params = params;
        }
        pthread_mutex_unlock(&dev->desk->lock);
    }
    if (dev->peer && o->token_len)
        (void)tsr_coap_observe_forget(tsr_shard_coap(dev->desk->shard), dev->peer->index,
                                      tsr_view(o->token, o->token_len));
    if (getrandom(o->token, sizeof o->token, 0) != (ssize_t)sizeof o->token)
        abort();
    o->token_len = sizeof o->token;
    o->active = false;
    o->setup = op;
    op->observed = o;
    op->storing = true;
    if (store_observation(dev, op) != TSR_OK) {
        op->storing = false;
        operation_fail(op, TSR_SERVER_UNAVAILABLE, "the observation cannot be stored now");
    }
}

static void start(device *dev, operation *op)
{
    if (kind_observes(op->kind) && op->attempts == 0 && op->accepts == 0) {
        start_observe(dev, op);
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
    send_request(dev, op);
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

const char *operation_wrong_path(tsr_server_kind kind, tsr_lwm2m_path path)
{
    uint8_t depth = path.depth;

    switch (kind) {
    case TSR_SERVER_READ:
    case TSR_SERVER_OBSERVE:
    case TSR_SERVER_CANCEL_OBSERVE:
        return depth >= 1 ? NULL : "the path must name an object at least";
    case TSR_SERVER_DISCOVER:
        return depth >= 1 && depth <= 3 ? NULL : "Discover takes an object, instance or resource";
    case TSR_SERVER_WRITE_REPLACE:
        return depth >= 2 ? NULL : "Write takes an instance, resource or resource instance";
    case TSR_SERVER_WRITE_UPDATE:
        return depth == 2 || depth == 3 ? NULL : "a partial Write takes an instance or resource";
    case TSR_SERVER_WRITE_ATTRIBUTES:
        return depth >= 1 ? NULL : "the path must name an object at least";
    case TSR_SERVER_EXECUTE: return depth == 3 ? NULL : "Execute takes a resource";
    case TSR_SERVER_CREATE: return depth == 1 || depth == 2 ? NULL : "Create takes an object";
    case TSR_SERVER_DELETE:
        return depth == 2 || depth == 4 ? NULL : "Delete takes an instance or resource instance";
    case TSR_SERVER_READ_COMPOSITE:
    case TSR_SERVER_OBSERVE_COMPOSITE:
    case TSR_SERVER_CANCEL_COMPOSITE:
    case TSR_SERVER_WRITE_COMPOSITE: return depth == 0 ? NULL : "a composite operation is the root's";
    }
    return "unknown operation";
}

/* Create without an instance: the lowest that the device has not announced, so that every format
 * can name it. */
void operation_choose_instance(const device *dev, operation *op)
{
    bool named = op->path.depth == 2;
    uint32_t id = 0;

    for (size_t i = 0; i < op->record_count && !named; i++)
        named = op->records[i].path.depth >= 2 && op->records[i].path.instance != TSR_LWM2M_NO_ID;
    if (op->kind != TSR_SERVER_CREATE || named)
        return;
    for (bool again = true; again && id < TSR_LWM2M_NO_ID;) {
        again = false;
        for (size_t i = 0; i < dev->info->link_count; i++) {
            tsr_lwm2m_path p = dev->info->links[i].path;

            if (p.depth == 2 && p.object == op->path.object && p.instance == id) {
                id++;
                again = true;
            }
        }
    }
    op->path = tsr_lwm2m_at_instance(op->path.object, (uint16_t)id);
    for (size_t i = 0; i < op->record_count; i++)
        op->records[i].path.instance = (uint16_t)id;
}

void operation_run(desk *d, operation *op)
{
    const char *why = operation_wrong_path(op->kind, op->path);
    operation **tail;
    device *dev;

    if (!why && kind_is_composite(op->kind) && op->path_count + op->record_count == 0)
        why = "a composite operation takes a list of paths, or of values";
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

/* --- answers ---------------------------------------------------------------------------- */

/* A composite question has two formats: that of its body (4.15) and that of its answer (4.06). */
static bool try_next_composite(device *dev, operation *op, uint8_t code)
{
    bool answers = op->kind != TSR_SERVER_WRITE_COMPOSITE && op->format == TSR_SERVER_FORMAT_AUTO;
    bool asks = op->kind != TSR_SERVER_WRITE_COMPOSITE || op->format == TSR_SERVER_FORMAT_AUTO;

    if (!dev->peer || op->attempts + op->accepts >= 5)
        return false;
    if (code == TSR_COAP_UNSUPPORTED_FORMAT && asks &&
        format_for_composite(dev, op, (uint8_t)(op->attempts + 1)) != TSR_SERVER_FORMAT_AUTO)
        op->attempts++;
    else if (code == TSR_COAP_NOT_ACCEPTABLE && answers &&
             format_for_read(dev, op->path, (uint8_t)(op->accepts + 1)) != TSR_SERVER_FORMAT_AUTO)
        op->accepts++;
    else
        return false;
    send_request(dev, op);
    return true;
}

/* True when it was asked again in another format. */
static bool try_next_format(device *dev, operation *op, uint8_t code)
{
    bool asked = op->kind == TSR_SERVER_READ || op->kind == TSR_SERVER_OBSERVE;
    bool sent = op->kind == TSR_SERVER_WRITE_REPLACE || op->kind == TSR_SERVER_WRITE_UPDATE ||
                op->kind == TSR_SERVER_CREATE;

    if (kind_is_composite(op->kind))
        return try_next_composite(dev, op, code);
    if (op->format != TSR_SERVER_FORMAT_AUTO || op->attempts >= 3 || !dev->peer)
        return false;
    if (!(asked && (code == TSR_COAP_NOT_ACCEPTABLE || code == TSR_COAP_BAD_OPTION)) &&
        !(sent && code == TSR_COAP_UNSUPPORTED_FORMAT))
        return false;
    op->attempts++;
    if (asked && format_for_read(dev, op->path, op->attempts) == TSR_SERVER_FORMAT_AUTO)
        return false;
    if (sent && format_for_write(dev, op, op->attempts) == TSR_SERVER_FORMAT_AUTO)
        return false;
    send_request(dev, op);
    return true;
}

static void copy_location(const tsr_coap_msg *msg, const char *root, char *out, size_t cap)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_buf text = tsr_buf_over(out, cap - 1);
    tsr_bytes segment;
    size_t n = strlen(root);

    while (tsr_coap_opt_find(&it, TSR_COAP_LOCATION_PATH, &segment) == TSR_OK) {
        tsr_put_text(&text, "/");
        tsr_put_bytes(&text, segment);
    }
    out[text.err == TSR_OK ? text.len : 0] = 0;
    if (n && strncmp(out, root, n) == 0 && out[n] == '/')
        memmove(out, out + n, strlen(out + n) + 1);
}

static void observed(operation *op, const tsr_coap_event *event)
{
    observation *o = op->observed;
    bool on = event->observing && tsr_coap_is_success(event->msg->code);

    if (!o)
        return;
    o->setup = NULL;
    if (kind_observes(op->kind) && on) {
        pthread_mutex_lock(&op->device->desk->lock);
        o->active = true;
        pthread_mutex_unlock(&op->device->desk->lock);
        return;
    }
    op->observed = NULL;
    observation_remove(o);
    if (kind_cancels(op->kind)) {
        tsr_server_event e = { .type = TSR_SERVER_EV_OBSERVE_ENDED,
                               .kind = -1,
                               .has_path = true,
                               .path = op->path,
                               .detail = "cancelled" };

        emit(op->server, op->endpoint, &e);
    }
}

/* The device's own words, when it is text that can be shown. */
static const char *diagnostic_of(const tsr_coap_event *event, char *out, size_t cap)
{
    if (tsr_coap_is_success(event->msg->code) || event->msg->content_format.set ||
        event->body.len == 0)
        return "";
    (void)snprintf(out, cap, "%.*s", (int)(event->body.len < cap - 1 ? event->body.len : cap - 1),
                   (const char *)event->body.ptr);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = ' ';
    return out;
}

static void decode(operation *op, const tsr_coap_event *event, tsr_server_result *r,
                   record_list *values, tsr_link_list *links)
{
    device *dev = op->device;
    const char *why = "";

    if (event->msg->code != TSR_COAP_CONTENT)
        return;
    if (op->kind == TSR_SERVER_DISCOVER) {
        if (tsr_link_list_read(event->body, dev->info->root, links) != TSR_OK) {
            r->outcome = TSR_SERVER_UNDECODABLE;
            r->diagnostic = "the device's answer is no link format";
        }
        r->links = links->links;
        r->link_count = links->count;
        return;
    }
    if (op->kind != TSR_SERVER_READ && op->kind != TSR_SERVER_READ_COMPOSITE &&
        !kind_observes(op->kind))
        return;
    if (records_read(values,
                     r->format == TSR_SERVER_FORMAT_AUTO ? TSR_LWM2M_FORMAT_TEXT : r->format,
                     op->path, dev->info->root, event->body, &why) != TSR_OK) {
        r->outcome = TSR_SERVER_UNDECODABLE;
        r->diagnostic = why;
        return;
    }
    r->records = values->records;
    r->record_count = values->count;
    keep_values(dev, values->records, values->count);
}

static void answered(operation *op, const tsr_coap_event *event)
{
    device *dev = op->device;
    char location[64] = "", diagnostic[256];
    record_list values = { 0 };
    tsr_link_list links = { 0 };
    tsr_server_result r = {
        .outcome = TSR_SERVER_ANSWERED,
        .code = event->msg->code,
        .format = event->msg->content_format.set ? (uint16_t)event->msg->content_format.value
                                                 : TSR_SERVER_FORMAT_AUTO,
        .payload = event->body,
        .location = location,
        .round_trip_ms = (uint32_t)(tsr_shard_now(dev->desk->shard) - op->started_ms),
    };

    op->exchange = 0;
    if (try_next_format(dev, op, r.code))
        return;
    r.diagnostic = diagnostic_of(event, diagnostic, sizeof diagnostic);
    copy_location(event->msg, dev->info->root, location, sizeof location);
    if (op->kind == TSR_SERVER_CREATE && r.code == TSR_COAP_CREATED && !location[0]) {
        tsr_buf out = tsr_buf_over(location, sizeof location - 1);

        tsr_lwm2m_path_put(&out, op->path);
        location[out.len] = 0;
    }
    decode(op, event, &r, &values, &links);
    observed(op, event);
    operation_finish(op, &r);
    records_free(&values);
    tsr_link_list_free(&links);
    device_pump(dev);
}

static void unanswered(operation *op, const char *why)
{
    device *dev = op->device;

    op->exchange = 0;
    atomic_fetch_add(&dev->desk->timeouts, 1);
    if (kind_cancels(op->kind) && op->observed) {
        observation *o = op->observed; /* its next notification is rejected, which ends it too */

        op->observed = NULL;
        observation_remove(o);
    }
    device_offline(dev, why);
    operation_fail(op, TSR_SERVER_TIMEOUT, why);
    device_pump(dev);
}

void operation_event(desk *d, operation *op, const tsr_coap_event *event)
{
    device *dev = op->device;

    (void)d;
    switch (event->kind) {
    case TSR_COAP_RESPONSE: answered(op, event); break;
    case TSR_COAP_TIMEOUT: unanswered(op, "the device does not answer"); break;
    case TSR_COAP_RESET:
        op->exchange = 0;
        if (op->queued)
            queue_rejected(op->queued);
        operation_fail(op, TSR_SERVER_TIMEOUT, "the device rejected the message (RST)");
        device_pump(dev);
        break;
    case TSR_COAP_GONE:
        op->exchange = 0;
        device_requeue(dev);
        break;
    case TSR_COAP_FAILED:
        op->exchange = 0;
        operation_fail(op, TSR_SERVER_UNDECODABLE,
                       event->err == TSR_E_SPACE ? "the device's answer is too long"
                                                 : "the device's answer breaks CoAP");
        device_pump(dev);
        break;
    default: break;
    }
}
