/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's one writer, which commits rows in groups, and its life. rows.c queues what it writes,
 * reader.c reads beside it. */
#define _GNU_SOURCE
#include "server/store/store_in.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void wait_until(tsr_store *s, uint64_t at_ms)
{
    struct timespec t = { (time_t)(at_ms / 1000), (long)(at_ms % 1000) * 1000000 };

    while (!s->stopping && s->queued < s->batch_rows && clock_ms() < at_ms)
        if (pthread_cond_timedwait(&s->full_batch, &s->lock, &t))
            break;
}

/* Takes up to batch_rows from the queue; NULL: stopping and nothing left. */
static tsr_store_op *take_batch(tsr_store *s, uint64_t last_commit_ms)
{
    tsr_store_op *first, *last;
    size_t n = 1;

    pthread_mutex_lock(&s->lock);
    while (!s->head && !s->stopping)
        pthread_cond_wait(&s->more, &s->lock);
    /* The first row after a pause is committed at once; under load, rows gather meanwhile. */
    if (s->head)
        wait_until(s, last_commit_ms + s->batch_ms);
    first = last = s->head;
    if (first) {
        while (last->next && n < s->batch_rows)
            last = last->next, n++;
        s->head = last->next;
        if (!s->head)
            s->tail = &s->head;
        last->next = NULL;
        s->queued -= n;
    }
    pthread_mutex_unlock(&s->lock);
    return first;
}

static tsr_err write_batch(tsr_store *s, tsr_store_op *batch, size_t *rows, size_t *events)
{
    const tsr_store_backend *b = s->backend;
    tsr_err err = b->begin(s->db);

    for (tsr_store_op *op = batch; op && err == TSR_OK; op = op->next) {
        if (op->kind == TSR_STORE_FLUSH)
            continue;
        if (op->kind == TSR_STORE_PUT_EVENT)
            op->row.event.id = s->next_event + (*events)++;
        err = b->apply(s->db, op);
        (*rows)++;
    }
    if (err == TSR_OK && *events) {
        uint64_t last = s->next_event + *events - 1;

        if (last > s->event_ring) {
            b->trim_events(s->db, last - s->event_ring);
            /* Said before it is true: a reader that looks after its query learns of every event
             * that the query could no longer see (tsr_store_event_oldest). */
            if (atomic_load(&s->event_oldest) <= last - s->event_ring)
                atomic_store(&s->event_oldest, last - s->event_ring + 1);
        }
    }
    if (err == TSR_OK)
        err = b->commit(s->db);
    if (err != TSR_OK)
        b->rollback(s->db);
    return err;
}

static void count_events(tsr_store *s, size_t events)
{
    if (!events)
        return;
    s->next_event += events;

    uint64_t last = s->next_event - 1, oldest = atomic_load(&s->event_oldest);

    if (!oldest)
        oldest = s->next_event - events;
    if (last - oldest >= s->event_ring)
        oldest = last - s->event_ring + 1;
    atomic_store(&s->event_oldest, oldest);
    atomic_store(&s->event_last, last);
}

static void note_result(tsr_store *s, tsr_err err, size_t rows)
{
    bool recovered = false, failed = err != TSR_OK;
    char text[260];

    pthread_mutex_lock(&s->lock);
    s->stats.commits += !failed;
    s->stats.rows += failed ? 0 : rows;
    s->stats.errors += failed;
    recovered = !failed && !s->stats.ok;
    s->stats.ok = !failed;
    if (failed)
        (void)snprintf(s->stats.error, sizeof s->stats.error, "%s", s->backend->error(s->db));
    else if (recovered)
        s->stats.error[0] = 0;
    (void)snprintf(text, sizeof text, "store: %s", failed ? s->stats.error : "writing works again");
    pthread_mutex_unlock(&s->lock);

    time_t now = time(NULL);

    /* A full disk fails many times a second; say it every ten. */
    if (s->log && (recovered || (failed && now - s->logged_s >= 10))) {
        s->logged_s = failed ? now : 0;
        s->log(s->log_arg, text);
    }
}

static void finish_batch(tsr_store_op *batch, tsr_err err)
{
    while (batch) {
        tsr_store_op *op = batch;

        batch = op->next;
        if (op->done)
            op->done(op->arg, err != TSR_OK ? err : op->err);
        store_op_free(op);
    }
}

static void *writer(void *arg)
{
    tsr_store *s = arg;
    tsr_store_op *batch;
    uint64_t committed_ms = 0;

    while ((batch = take_batch(s, committed_ms)) != NULL) {
        size_t rows = 0, events = 0;
        tsr_err err = TSR_OK;
        bool only_marks = true;

        for (tsr_store_op *op = batch; op; op = op->next)
            only_marks = only_marks && op->kind == TSR_STORE_FLUSH;
        if (!only_marks) {
            err = write_batch(s, batch, &rows, &events);
            committed_ms = clock_ms();
            if (err == TSR_OK)
                count_events(s, events);
            note_result(s, err, rows);
        }
        finish_batch(batch, err);
        if (err == TSR_OK && events && s->on_events)
            s->on_events(s->on_events_arg);
    }
    return NULL;
}

static void init_sync(tsr_store *s)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, &monotonic);
    pthread_cond_init(&s->full_batch, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

tsr_err tsr_store_start(const tsr_store_config *config, const tsr_store_backend *backend, void *db,
                        uint64_t event_oldest, uint64_t event_last, tsr_store **out)
{
    tsr_store *s = calloc(1, sizeof *s);

    if (!s)
        return TSR_E_SPACE;
    s->backend = backend;
    s->db = db;
    s->event_ring = config->event_ring ? config->event_ring : 100000;
    s->batch_rows = config->batch_rows ? config->batch_rows : 256;
    s->batch_ms = config->batch_ms ? config->batch_ms : 5;
    s->log = config->log;
    s->log_arg = config->log_arg;
    s->tail = &s->head;
    s->stats.ok = true;
    s->next_event = event_last + 1;
    atomic_init(&s->event_oldest, event_oldest);
    atomic_init(&s->event_last, event_last);
    init_sync(s);
    if (pthread_create(&s->thread, NULL, writer, s)) {
        free(s);
        return TSR_E_IO;
    }
    *out = s;
    return TSR_OK;
}

void tsr_store_close(tsr_store *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->more);
    pthread_cond_signal(&s->full_batch);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->backend->close(s->db);
    pthread_cond_destroy(&s->more);
    pthread_cond_destroy(&s->full_batch);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
} flush_mark;

static void flush_done(void *arg, tsr_err err)
{
    flush_mark *m = arg;

    (void)err;
    pthread_mutex_lock(&m->lock);
    m->done = true;
    pthread_cond_signal(&m->cond);
    pthread_mutex_unlock(&m->lock);
}

void tsr_store_flush(tsr_store *s)
{
    flush_mark m = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    tsr_store_op op = { .kind = TSR_STORE_FLUSH };

    if (store_enqueue(s, store_op_new(&op, NULL, 0, NULL, 0), flush_done, &m) != TSR_OK)
        return;
    pthread_mutex_lock(&m.lock);
    while (!m.done)
        pthread_cond_wait(&m.cond, &m.lock);
    pthread_mutex_unlock(&m.lock);
}

void tsr_store_on_events(tsr_store *s, void (*fn)(void *arg), void *arg)
{
    s->on_events_arg = arg;
    s->on_events = fn;
}

uint64_t tsr_store_event_last(tsr_store *s) { return atomic_load(&s->event_last); }
uint64_t tsr_store_event_oldest(tsr_store *s) { return atomic_load(&s->event_oldest); }

void tsr_store_stats_get(tsr_store *s, tsr_store_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    pthread_mutex_unlock(&s->lock);
}
