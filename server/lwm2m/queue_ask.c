/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue as its callers see it: putting, cancelling, reading. Any thread but a shard's. */
#define _GNU_SOURCE
#include "server/lwm2m/queue_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --- waking a device that listens -------------------------------------------------------- */

typedef struct {
    tsr_message message;
    tsr_server *server;
    char endpoint[TSR_ENDPOINT_MAX + 1];
} wake_note;

static void wake(tsr_server *s, wake_note *n);

static void run_wake(tsr_shard *shard, tsr_message *m)
{
    wake_note *n = (wake_note *)(void *)m;
    desk *d = &n->server->desks[tsr_shard_index(shard)];
    device *dev;

    pthread_mutex_lock(&d->lock);
    dev = desk_by_endpoint(d, n->endpoint);
    pthread_mutex_unlock(&d->lock);
    if (!dev && !atomic_load(&n->server->stopping)) {
        wake(n->server, n); /* it moved, or went */
        return;
    }
    if (dev) {
        dev->has_queued = true;
        device_pump(dev);
    }
    free(n);
}

static void wake(tsr_server *s, wake_note *n)
{
    desk *d = server_desk_of(s, n->endpoint);

    if (d)
        tsr_shard_post(d->shard, &n->message);
    else
        free(n);
}

static void wake_device(tsr_server *s, const char *endpoint)
{
    wake_note *n = calloc(1, sizeof *n);

    if (!n)
        return; /* its next message does the same */
    n->message.run = run_wake;
    n->server = s;
    (void)snprintf(n->endpoint, sizeof n->endpoint, "%s", endpoint);
    wake(s, n);
}

/* --- putting ----------------------------------------------------------------------------- */

static tsr_err refuse(const char **why, tsr_err err, const char *text)
{
    *why = text;
    return err;
}

static tsr_err check(tsr_server *s, const tsr_server_request *r, const char **why)
{
    if (!r->endpoint || (unsigned)r->kind > TSR_SERVER_CANCEL_COMPOSITE ||
        r->path_count > TSR_SERVER_PATHS_MAX)
        return refuse(why, TSR_E_ARGUMENT, "this operation cannot be queued");
    if (strlen(r->endpoint) > TSR_ENDPOINT_MAX)
        return refuse(why, TSR_E_NOT_FOUND, "no such device is registered");
    *why = operation_wrong(r->kind, r->path, r->path_count + r->record_count);
    if (*why)
        return TSR_E_ARGUMENT;
    if (atomic_load(&s->stopping))
        return refuse(why, TSR_E_IO, "the server is stopping; try again in a moment");
    if (!server_desk_of(s, r->endpoint))
        return refuse(why, TSR_E_NOT_FOUND, "no such device is registered");
    return TSR_OK;
}

/* Room for one more? Under the lock. */
static tsr_err fits(tsr_server *s, const char *endpoint, size_t bytes, const char **why)
{
    const line *l = *queue_line_at(s, endpoint);

    if (l && l->count >= queue_limit(s->config.queue_device, 256))
        return refuse(why, TSR_E_SPACE,
                      "too many requests wait for this device: cancel some, or let it wake");
    if (s->queue->count >= queue_limit(s->config.queue_all, 100000) ||
        s->queue->bytes + bytes > queue_limit(s->config.queue_bytes, 64u << 20))
        return refuse(why, TSR_E_SPACE,
                      "too many requests wait for all devices together: cancel some, or start the "
                      "server with a larger --queue");
    return TSR_OK;
}

static tsr_err put_row(queued *q, const char *endpoint, const char *path, tsr_store_done *done, void *arg)
{
    tsr_store_queued row = { .id = q->id,
                             .endpoint = endpoint,
                             .path = path,
                             .kind = (int)q->kind,
                             .state = TSR_SERVER_QUEUED,
                             .created_ms = q->created_ms,
                             .expires_ms = q->expires_ms,
                             .request = tsr_buf_view(&q->request) };

    return tsr_store_put_queued(q->server->store, &row, done, arg);
}

/* Ids and rows in the same order, and the line's order is theirs. */
static tsr_err join(tsr_server *s, const char *endpoint, queued *q, const char *path, tsr_store_waiter *w,
                    const char **why)
{
    tsr_err err;

    pthread_mutex_lock(&s->queue->lock);
    err = fits(s, endpoint, q->request.len, why);
    if (err == TSR_OK && !queue_append(s, endpoint, q))
        err = refuse(why, TSR_E_IO, "out of memory; try again later");
    if (err == TSR_OK) {
        q->id = atomic_fetch_add(&s->queue->newest, 1) + 1;
        if (put_row(q, endpoint, path, tsr_store_wake, w) != TSR_OK) {
            err = refuse(why, TSR_E_IO, "the store cannot follow; try again later");
            queue_leave(q);
            s->queue->count--;
        }
    }
    pthread_mutex_unlock(&s->queue->lock);
    return err;
}

/* Until it is `stored`, nobody takes it; afterwards the shard may have ended and freed it. */
static tsr_err keep(tsr_server *s, const char *endpoint, queued *q, const char *path, uint64_t *id, const char **why)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    tsr_store_queued row = { .kind = (int)q->kind, .state = TSR_SERVER_QUEUED };
    tsr_err err = join(s, endpoint, q, path, &w, why);

    if (err != TSR_OK)
        return err;
    *id = row.id = q->id;
    err = tsr_store_wait(&w, TSR_OK);
    if (err == TSR_OK)
        queue_emit(s, endpoint, &row, q->path);
    pthread_mutex_lock(&s->queue->lock);
    if (err == TSR_OK) {
        q->stored = true;
    } else {
        queue_leave(q);
        s->queue->count--;
        err = refuse(why, TSR_E_IO, "the store fails; GET /health says why");
    }
    pthread_mutex_unlock(&s->queue->lock);
    return err;
}

tsr_err tsr_server_queue_put(tsr_server *s, const tsr_server_request *r, uint32_t lifetime_s,
                             uint64_t *id, const char **why)
{
    enum { DAY_S = 86400, MOST_S = 30 * DAY_S };
    queued *q;
    tsr_buf path = { 0 };
    tsr_err err = check(s, r, why);

    if (err != TSR_OK)
        return err;
    q = calloc(1, sizeof *q);
    if (!q || tsr_put_request_paths(&path, r) != TSR_OK || tsr_put_request(&q->request, r) != TSR_OK) {
        free(path.ptr);
        free(q);
        return refuse(why, TSR_E_IO, "out of memory; try again later");
    }
    lifetime_s = lifetime_s == 0 ? DAY_S : lifetime_s > MOST_S ? MOST_S : lifetime_s;
    q->server = s;
    q->kind = r->kind;
    q->path = r->path;
    q->created_ms = unix_now_ms();
    q->expires_ms = q->created_ms + (int64_t)lifetime_s * 1000;
    err = keep(s, r->endpoint, q, (const char *)path.ptr, id, why);
    free(path.ptr);
    if (err == TSR_OK)
        wake_device(s, r->endpoint);
    else
        queued_free(q);
    return err;
}

/* --- cancelling -------------------------------------------------------------------------- */

typedef struct {
    tsr_message message;
    tsr_server *server;
    const char *endpoint;
    uint64_t id;
    tsr_store_waiter *waiter;
} cancel_note;

/* On the shard of the device that has it under way. Whoever asked is woken by the store, or here
 * when it is not under way any more. */
static void run_cancel(tsr_shard *shard, tsr_message *m)
{
    cancel_note *n = (cancel_note *)(void *)m;
    desk *d = &n->server->desks[tsr_shard_index(shard)];
    operation *op;
    device *dev;

    pthread_mutex_lock(&d->lock);
    dev = desk_by_endpoint(d, n->endpoint);
    pthread_mutex_unlock(&d->lock);
    op = dev ? dev->active : NULL;
    if (!op || !op->queued || op->queued->id != n->id) {
        tsr_store_wake(n->waiter, TSR_E_STATE);
        return;
    }
    op->queued->cancelled = true;
    op->queued->canceller = n->waiter;
    if (op->marking) {
        op->queued->attempts--; /* it never left */
        op->queued->sent_ms = 0;
    }
    operation_fail(op, TSR_SERVER_GONE, "cancelled");
    device_pump(dev);
}

/* TSR_E_STATE: it is under way on some shard. */
static tsr_err cancel_waiting(tsr_server *s, const char *endpoint, uint64_t id, tsr_store_waiter *w)
{
    queued *q;
    bool mine;

    pthread_mutex_lock(&s->queue->lock);
    q = queue_find(s, endpoint, id);
    mine = q && q->stored && !q->active;
    if (mine) {
        q->active = true; /* nobody else takes it now */
        q->canceller = w;
    }
    pthread_mutex_unlock(&s->queue->lock);
    if (!q)
        return TSR_E_NOT_FOUND;
    if (!mine)
        return TSR_E_STATE;

    tsr_server_result r = { .outcome = TSR_SERVER_GONE, .diagnostic = "", .location = "" };

    queue_conclude(q, TSR_SERVER_CANCELLED, &r, q->attempts ? "cancelled; an earlier try was sent" : "");
    return tsr_store_wait(w, TSR_OK);
}

typedef struct {
    char endpoint[TSR_ENDPOINT_MAX + 1];
    int state;
} found;

static bool find_row(void *arg, const tsr_store_queued *row)
{
    found *f = arg;

    (void)snprintf(f->endpoint, sizeof f->endpoint, "%s", row->endpoint);
    f->state = row->state;
    return true;
}

static tsr_err look_up(tsr_server *s, uint64_t id, tsr_store_queued_fn *fn, void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_queued_get(reader, id, fn, arg);
    reader_give(s, slot);
    return err;
}

tsr_err tsr_server_queue_cancel(tsr_server *s, uint64_t id)
{
    found f = { .state = 0 };
    tsr_err err = look_up(s, id, find_row, &f);

    if (err != TSR_OK)
        return err;
    if (f.state > TSR_STORE_QUEUED_OPEN)
        return TSR_E_STATE;
    /* It may go back into its line, or move to another shard, while it is looked for. */
    for (int i = 0; i < 100 && !atomic_load(&s->stopping); i++) {
        tsr_store_waiter w = TSR_STORE_WAITER;
        desk *d;

        err = cancel_waiting(s, f.endpoint, id, &w);
        if (err == TSR_E_NOT_FOUND)
            return TSR_E_STATE; /* it ended meanwhile */
        if (err != TSR_E_STATE)
            return err;
        d = server_desk_of(s, f.endpoint);
        if (d) {
            cancel_note n = { { NULL, run_cancel }, s, f.endpoint, id, &w };

            tsr_shard_post(d->shard, &n.message);
            err = tsr_store_wait(&w, TSR_OK);
            if (err != TSR_E_STATE)
                return err;
        }
        (void)nanosleep(&(struct timespec){ 0, 10 * 1000000 }, NULL);
    }
    return TSR_E_IO;
}

/* --- reading ----------------------------------------------------------------------------- */

typedef struct {
    tsr_server_queued_fn *fn;
    void *arg;
} give;

static bool give_row(void *arg, const tsr_store_queued *row)
{
    give *g = arg;
    tsr_server_queued q = { .id = row->id,
                            .endpoint = row->endpoint,
                            .kind = (tsr_server_kind)row->kind,
                            .state = (tsr_server_queue_state)row->state,
                            .created_unix_ms = row->created_ms,
                            .expires_unix_ms = row->expires_ms,
                            .sent_unix_ms = row->sent_ms,
                            .finished_unix_ms = row->finished_ms,
                            .attempts = row->attempts,
                            .result = { .outcome = (tsr_server_outcome)row->outcome,
                                        .code = (uint8_t)row->code,
                                        .diagnostic = row->detail,
                                        .format = TSR_SERVER_FORMAT_AUTO,
                                        .location = "" } };
    void *room = NULL;
    tsr_lwm2m_path *paths;

    (void)tsr_get_request_paths(row->path, &q.path, &paths, &q.path_count);
    q.paths = paths;
    if (row->result.len)
        (void)tsr_get_result(row->result, &q.result, &room);
    g->fn(g->arg, &q);
    free(room);
    free(paths);
    return true;
}

tsr_err tsr_server_queue_get(tsr_server *s, uint64_t id, tsr_server_queued_fn *fn, void *arg)
{
    give g = { fn, arg };

    return look_up(s, id, give_row, &g);
}

tsr_err tsr_server_queue_list(tsr_server *s, const char *endpoint, bool waiting_only,
                              uint64_t before, size_t max, tsr_server_queued_fn *fn, void *arg)
{
    give g = { fn, arg };
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_queued_list(reader, endpoint, waiting_only, before ? before : UINT64_MAX,
                                max ? max : 100, give_row, &g);
    reader_give(s, slot);
    return err;
}
