/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue over time: what expires, what is forgotten, what a restart finds. */
#define _GNU_SOURCE
#include "server/lwm2m/queue_in.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TICK_MS = 1000,
    PURGE_TICKS = 60,
};

/* Those that wait and whose time is over, taken out of everybody's reach. */
static queued *all_expired(request_queue *rq, int64_t now)
{
    queued *list = NULL;

    pthread_mutex_lock(&rq->lock);
    for (size_t i = 0; i < QUEUE_BUCKETS && rq->count; i++)
        for (line *l = rq->lines[i]; l; l = l->next)
            for (queued *q = l->first; q; q = q->next)
                if (q->stored && !q->active && q->expires_ms <= now) {
                    q->active = true;
                    q->expired_next = list;
                    list = q;
                }
    pthread_mutex_unlock(&rq->lock);
    return list;
}

static void save_again(request_queue *rq)
{
    outcome *list;

    pthread_mutex_lock(&rq->lock);
    list = rq->unsaved;
    rq->unsaved = NULL;
    pthread_mutex_unlock(&rq->lock);
    while (list) {
        outcome *o = list;

        list = o->next;
        queue_outcome_put(o);
    }
}

void queue_tick(desk *d)
{
    tsr_server *s = d->server;
    request_queue *rq = s->queue;
    int64_t now = unix_now_ms();
    queued *list = all_expired(rq, now);

    save_again(rq);
    while (list) {
        queued *q = list;

        list = q->expired_next;
        queue_expire(q);
    }
    if (rq->ticks++ % PURGE_TICKS == 0)
        (void)tsr_store_purge_queued(
            s->store, now - (int64_t)queue_limit(s->config.queue_keep_s, 86400) * 1000,
            queue_limit(s->config.queue_results, 10000), NULL, NULL);
    (void)tsr_shard_timer_set(d->shard, &rq->timer, tsr_shard_now(d->shard) + TICK_MS);
}

tsr_err queue_open(tsr_server *s)
{
    request_queue *rq = calloc(1, sizeof *rq);

    if (!rq)
        return TSR_E_SPACE;
    pthread_mutex_init(&rq->lock, NULL);
    rq->timer.id = TIMER_QUEUE;
    s->queue = rq;
    return TSR_OK;
}

void queue_close(tsr_server *s)
{
    request_queue *rq = s->queue;

    if (!rq)
        return;
    for (size_t i = 0; i < QUEUE_BUCKETS; i++)
        for (line *l = rq->lines[i], *next; l; l = next) {
            next = l->next;
            while (l->first) {
                queued *q = l->first;

                l->first = q->next;
                queued_free(q);
            }
            free(l);
        }
    while (rq->unsaved) {
        outcome *o = rq->unsaved;

        rq->unsaved = o->next;
        queue_outcome_free(o);
    }
    pthread_mutex_destroy(&rq->lock);
    free(rq);
    s->queue = NULL;
}

/* One that was under way when the server ended: again, or in doubt. */
static void settle_sent(queued *q, const char *endpoint)
{
    char detail[240];
    tsr_server_result r = { .outcome = TSR_SERVER_UNAVAILABLE, .location = "" };

    if (queue_repeatable(q->kind)) {
        (void)queue_put_state(q, endpoint, TSR_SERVER_QUEUED, NULL, NULL);
        return;
    }
    (void)snprintf(detail, sizeof detail, "the server ended before the answer came%s", queue_doubt);
    queue_conclude(q, TSR_SERVER_FAILED, &r, detail);
}

typedef struct {
    tsr_server *server;
    tsr_err err;
} restoring;

static bool restore_row(void *arg, const tsr_store_queued *row)
{
    restoring *to = arg;
    queued *q = calloc(1, sizeof *q);
    uint8_t *copy = malloc(row->request.len + 1);
    size_t count;

    if (!q || !copy) {
        free(q);
        free(copy);
        to->err = TSR_E_SPACE;
        return false;
    }
    q->server = to->server;
    q->id = row->id;
    q->kind = (tsr_server_kind)row->kind;
    (void)tsr_get_request_paths(row->path, &q->path, NULL, &count); /* the request has the others */
    q->created_ms = row->created_ms;
    q->expires_ms = row->expires_ms;
    q->sent_ms = row->sent_ms;
    q->attempts = row->attempts;
    q->stored = true;
    q->request = tsr_buf_over(copy, row->request.len + 1);
    tsr_put_bytes(&q->request, row->request);
    if (!queue_append(to->server, row->endpoint, q)) {
        queued_free(q);
        to->err = TSR_E_SPACE;
        return false;
    }
    if (row->state == TSR_SERVER_SENT)
        settle_sent(q, row->endpoint);
    return true;
}

tsr_err queue_restore(tsr_server *s, tsr_store_reader *reader)
{
    restoring to = { s, TSR_OK };
    desk *d = &s->desks[0];
    uint64_t last = 0;
    tsr_err err = tsr_store_queued_last(reader, &last);

    atomic_store(&s->queue->newest, last);
    if (err == TSR_OK)
        err = tsr_store_queued_open(reader, restore_row, &to);
    if (err == TSR_OK)
        err = to.err;
    tsr_store_flush(s->store); /* what was under way is settled before anybody asks */
    if (err == TSR_OK)
        err = tsr_shard_timer_set(d->shard, &s->queue->timer, tsr_shard_now(d->shard) + TICK_MS);
    return err;
}
