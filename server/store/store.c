/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/store/backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

/* More than this in the queue means that the disk cannot follow: refuse instead of growing. */
#define QUEUE_MAX 65536u

struct tsr_store {
    const tsr_store_backend *backend;
    void *db;
    uint64_t event_ring;
    uint32_t batch_rows, batch_ms;
    void (*log)(void *arg, const char *text);
    void *log_arg;
    void (*on_events)(void *arg);
    void *on_events_arg;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more, full_batch;
    tsr_store_op *head, **tail; /* under lock */
    size_t queued;
    bool stopping;
    tsr_store_stats stats; /* under lock */

    _Atomic uint64_t event_oldest, event_last;
    uint64_t next_event; /* writer only */
    time_t logged_s;
};

struct tsr_store_reader {
    tsr_store *store;
    void *reader;
};

/* --- building rows ---------------------------------------------------------------------- */

static void copy_text(const char **text, char **at)
{
    size_t n = strlen(*text) + 1;

    memcpy(*at, *text, n);
    *text = *at;
    *at += n;
}

static void copy_bytes(tsr_bytes *bytes, char **at)
{
    if (bytes->len)
        memcpy(*at, bytes->ptr, bytes->len);
    bytes->ptr = (const uint8_t *)*at;
    *at += bytes->len;
}

/* Copies op with the strings it points to into one allocation. */
static tsr_store_op *op_new(const tsr_store_op *from, const char **texts[], size_t text_count,
                            tsr_bytes *blobs[], size_t blob_count)
{
    size_t size = sizeof *from;

    for (size_t i = 0; i < text_count; i++) {
        if (!*texts[i])
            *texts[i] = "";
        size += strlen(*texts[i]) + 1;
    }
    for (size_t i = 0; i < blob_count; i++)
        size += blobs[i]->len;

    char *block = malloc(size);

    if (!block)
        return NULL;

    char *at = block + sizeof *from;

    for (size_t i = 0; i < text_count; i++)
        copy_text(texts[i], &at);
    for (size_t i = 0; i < blob_count; i++)
        copy_bytes(blobs[i], &at);
    memcpy(block, from, sizeof *from);

    tsr_store_op *op = (tsr_store_op *)(void *)block;

    op->size = size;
    op->next = NULL;
    op->err = TSR_OK;
    return op;
}

static void op_free(tsr_store_op *op)
{
    tsr_wipe(op, op->size);
    free(op);
}

static tsr_err enqueue(tsr_store *s, tsr_store_op *op, tsr_store_done *done, void *arg)
{
    if (!op)
        return TSR_E_SPACE;
    op->done = done;
    op->arg = arg;
    pthread_mutex_lock(&s->lock);
    if (s->queued >= QUEUE_MAX && op->kind != TSR_STORE_FLUSH) {
        pthread_mutex_unlock(&s->lock);
        op_free(op);
        return TSR_E_SPACE;
    }
    *s->tail = op;
    s->tail = &op->next;
    s->queued++;
    if (s->queued == 1)
        pthread_cond_signal(&s->more);
    if (s->queued == s->batch_rows || op->kind == TSR_STORE_FLUSH)
        pthread_cond_signal(&s->full_batch);
    pthread_mutex_unlock(&s->lock);
    return TSR_OK;
}

static tsr_store_op *registration_op(tsr_store_kind kind, const tsr_store_registration *r)
{
    tsr_store_op op = { .kind = kind, .row.registration = *r };
    tsr_store_registration *to = &op.row.registration;
    const char **texts[8] = { &to->endpoint, &to->location, &to->version, &to->binding,
                              &to->sms,      &to->root,     &to->address, &to->identity };
    tsr_bytes *blobs[] = { &to->links };

    return op_new(&op, texts, 8, blobs, 1);
}

tsr_err tsr_store_put_registration(tsr_store *s, const tsr_store_registration *r,
                                   tsr_store_done *done, void *arg)
{
    return enqueue(s, registration_op(TSR_STORE_PUT_REGISTRATION, r), done, arg);
}

tsr_err tsr_store_delete_registration(tsr_store *s, const char *endpoint, const char *location,
                                      tsr_store_done *done, void *arg)
{
    tsr_store_registration r = { .endpoint = endpoint, .location = location };

    return enqueue(s, registration_op(TSR_STORE_DELETE_REGISTRATION, &r), done, arg);
}

tsr_err tsr_store_touch_registration(tsr_store *s, const char *endpoint, const char *location,
                                     const char *address, int64_t updated_ms, int64_t expires_ms,
                                     tsr_store_done *done, void *arg)
{
    tsr_store_registration r = { .endpoint = endpoint,
                                 .location = location,
                                 .address = address,
                                 .updated_ms = updated_ms,
                                 .expires_ms = expires_ms };

    return enqueue(s, registration_op(TSR_STORE_TOUCH_REGISTRATION, &r), done, arg);
}

static tsr_store_op *observation_op(tsr_store_kind kind, const tsr_store_observation *o)
{
    tsr_store_op op = { .kind = kind, .row.observation = *o };
    tsr_store_observation *to = &op.row.observation;
    const char **texts[3] = { &to->endpoint, &to->path, &to->params };
    tsr_bytes *blobs[] = { &to->token };

    return op_new(&op, texts, 3, blobs, 1);
}

tsr_err tsr_store_put_observation(tsr_store *s, const tsr_store_observation *o,
                                  tsr_store_done *done, void *arg)
{
    return enqueue(s, observation_op(TSR_STORE_PUT_OBSERVATION, o), done, arg);
}

tsr_err tsr_store_delete_observation(tsr_store *s, const char *endpoint, const char *path,
                                     tsr_store_done *done, void *arg)
{
    tsr_store_observation o = { .endpoint = endpoint, .path = path };

    return enqueue(s, observation_op(TSR_STORE_DELETE_OBSERVATION, &o), done, arg);
}

static tsr_store_op *credential_op(tsr_store_kind kind, const tsr_store_credential *c)
{
    tsr_store_op op = { .kind = kind, .row.credential = *c };
    tsr_store_credential *to = &op.row.credential;
    const char **texts[2] = { &to->endpoint, &to->identity };
    tsr_bytes *blobs[] = { &to->key };

    return op_new(&op, texts, 2, blobs, 1);
}

tsr_err tsr_store_put_credential(tsr_store *s, const tsr_store_credential *c, tsr_store_done *done,
                                 void *arg)
{
    return enqueue(s, credential_op(TSR_STORE_PUT_CREDENTIAL, c), done, arg);
}

tsr_err tsr_store_delete_credential(tsr_store *s, const char *endpoint, tsr_store_done *done,
                                    void *arg)
{
    tsr_store_credential c = { .endpoint = endpoint };

    return enqueue(s, credential_op(TSR_STORE_DELETE_CREDENTIAL, &c), done, arg);
}

tsr_err tsr_store_put_event(tsr_store *s, const tsr_store_event *e, tsr_store_done *done, void *arg)
{
    tsr_store_op op = { .kind = TSR_STORE_PUT_EVENT, .row.event = *e };
    const char **texts[] = { &op.row.event.endpoint };
    tsr_bytes *blobs[] = { &op.row.event.body };

    return enqueue(s, op_new(&op, texts, 1, blobs, 1), done, arg);
}

tsr_err tsr_store_put_value(tsr_store *s, const tsr_store_value *v, tsr_store_done *done, void *arg)
{
    tsr_store_op op = { .kind = TSR_STORE_PUT_VALUE, .row.value = *v };
    const char **texts[] = { &op.row.value.endpoint };
    tsr_bytes *blobs[] = { &op.row.value.path, &op.row.value.body };

    return enqueue(s, op_new(&op, texts, 1, blobs, 2), done, arg);
}

tsr_err tsr_store_put_oscore(tsr_store *s, const tsr_store_oscore *o, tsr_store_done *done,
                             void *arg)
{
    tsr_store_op op = { .kind = TSR_STORE_PUT_OSCORE, .row.oscore = *o };
    const char **texts[] = { &op.row.oscore.identity };
    tsr_bytes *blobs[] = { &op.row.oscore.mark, &op.row.oscore.state };

    return enqueue(s, op_new(&op, texts, 1, blobs, 2), done, arg);
}

static tsr_store_op *session_op(tsr_store_kind kind, const tsr_store_session *p)
{
    tsr_store_op op = { .kind = kind, .row.session = *p };
    tsr_bytes *blobs[] = { &op.row.session.cid, &op.row.session.body };

    return op_new(&op, NULL, 0, blobs, 2);
}

tsr_err tsr_store_put_session(tsr_store *s, const tsr_store_session *p, tsr_store_done *done,
                              void *arg)
{
    return enqueue(s, session_op(TSR_STORE_PUT_SESSION, p), done, arg);
}

tsr_err tsr_store_delete_session(tsr_store *s, tsr_bytes cid, tsr_store_done *done, void *arg)
{
    tsr_store_session p = { .cid = cid };

    return enqueue(s, session_op(TSR_STORE_DELETE_SESSION, &p), done, arg);
}

static tsr_store_op *queued_op(tsr_store_kind kind, const tsr_store_queued *q)
{
    tsr_store_op op = { .kind = kind, .row.queued = *q };
    tsr_store_queued *to = &op.row.queued;
    const char **texts[3] = { &to->endpoint, &to->path, &to->detail };
    tsr_bytes *blobs[] = { &to->request, &to->result };

    return op_new(&op, texts, 3, blobs, 2);
}

tsr_err tsr_store_put_queued(tsr_store *s, const tsr_store_queued *q, tsr_store_done *done,
                             void *arg)
{
    return enqueue(s, queued_op(TSR_STORE_PUT_QUEUED, q), done, arg);
}

tsr_err tsr_store_update_queued(tsr_store *s, const tsr_store_queued *q, tsr_store_done *done,
                                void *arg)
{
    return enqueue(s, queued_op(TSR_STORE_UPDATE_QUEUED, q), done, arg);
}

tsr_err tsr_store_purge_queued(tsr_store *s, int64_t before_ms, uint32_t keep, tsr_store_done *done,
                               void *arg)
{
    tsr_store_queued q = { .finished_ms = before_ms, .attempts = keep };

    return enqueue(s, queued_op(TSR_STORE_PURGE_QUEUED, &q), done, arg);
}

static tsr_store_op *document_op(tsr_store_kind kind, const tsr_store_document *d)
{
    tsr_store_op op = { .kind = kind, .row.document = *d };
    tsr_store_document *to = &op.row.document;
    const char **texts[2] = { &to->name, &to->alias };
    tsr_bytes *blobs[] = { &to->body };

    return op_new(&op, texts, 2, blobs, 1);
}

tsr_err tsr_store_put_document(tsr_store *s, const tsr_store_document *d, tsr_store_done *done,
                               void *arg)
{
    return enqueue(s, document_op(TSR_STORE_PUT_DOCUMENT, d), done, arg);
}

tsr_err tsr_store_delete_document(tsr_store *s, int kind, const char *name, tsr_store_done *done,
                                  void *arg)
{
    tsr_store_document d = { .kind = kind, .name = name };

    return enqueue(s, document_op(TSR_STORE_DELETE_DOCUMENT, &d), done, arg);
}

/* --- the writer ------------------------------------------------------------------------- */

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
        op_free(op);
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

/* --- life ------------------------------------------------------------------------------- */

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

    if (enqueue(s, op_new(&op, NULL, 0, NULL, 0), flush_done, &m) != TSR_OK)
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

/* --- readers ---------------------------------------------------------------------------- */

tsr_err tsr_store_reader_open(tsr_store *s, tsr_store_reader **out)
{
    tsr_store_reader *r = calloc(1, sizeof *r);

    if (!r)
        return TSR_E_SPACE;
    r->store = s;

    tsr_err err = s->backend->reader_open(s->db, &r->reader);

    if (err != TSR_OK) {
        free(r);
        return err;
    }
    *out = r;
    return TSR_OK;
}

void tsr_store_reader_close(tsr_store_reader *r)
{
    if (!r)
        return;
    r->store->backend->reader_close(r->reader);
    free(r);
}

tsr_err tsr_store_registrations(tsr_store_reader *r, tsr_store_registration_fn *fn, void *arg)
{
    return r->store->backend->registrations(r->reader, fn, arg);
}

tsr_err tsr_store_observations(tsr_store_reader *r, const char *endpoint,
                               tsr_store_observation_fn *fn, void *arg)
{
    return r->store->backend->observations(r->reader, endpoint, fn, arg);
}

tsr_err tsr_store_credentials(tsr_store_reader *r, const char *after, size_t limit,
                              tsr_store_credential_fn *fn, void *arg)
{
    return r->store->backend->credentials(r->reader, after, limit, fn, arg);
}

tsr_err tsr_store_credential_get(tsr_store_reader *r, const char *endpoint,
                                 tsr_store_credential_fn *fn, void *arg)
{
    return r->store->backend->credential_get(r->reader, endpoint, fn, arg);
}

tsr_err tsr_store_credential_key(tsr_store_reader *r, int mode, tsr_bytes identity,
                                 tsr_store_credential_fn *fn, void *arg)
{
    return r->store->backend->credential_key(r->reader, mode, identity, fn, arg);
}

tsr_err tsr_store_events(tsr_store_reader *r, uint64_t after, size_t limit, const char *endpoint,
                         tsr_store_event_fn *fn, void *arg)
{
    return r->store->backend->events(r->reader, after, limit, endpoint, fn, arg);
}

tsr_err tsr_store_values(tsr_store_reader *r, const char *endpoint, tsr_bytes prefix,
                         tsr_store_value_fn *fn, void *arg)
{
    return r->store->backend->values(r->reader, endpoint, prefix, fn, arg);
}

tsr_err tsr_store_history(tsr_store_reader *r, const char *endpoint, tsr_bytes path,
                          int64_t after_ms, size_t limit, tsr_store_value_fn *fn, void *arg)
{
    return r->store->backend->history(r->reader, endpoint, path, after_ms, limit, fn, arg);
}

tsr_err tsr_store_sessions(tsr_store_reader *r, tsr_store_session_fn *fn, void *arg)
{
    return r->store->backend->sessions(r->reader, fn, arg);
}

tsr_err tsr_store_oscores(tsr_store_reader *r, const char *identity, tsr_store_oscore_fn *fn,
                          void *arg)
{
    return r->store->backend->oscores(r->reader, identity, fn, arg);
}

tsr_err tsr_store_queued_open(tsr_store_reader *r, tsr_store_queued_fn *fn, void *arg)
{
    return r->store->backend->queued_open(r->reader, fn, arg);
}

tsr_err tsr_store_queued_get(tsr_store_reader *r, uint64_t id, tsr_store_queued_fn *fn, void *arg)
{
    return r->store->backend->queued_get(r->reader, id, fn, arg);
}

tsr_err tsr_store_queued_list(tsr_store_reader *r, const char *endpoint, bool open_only,
                              uint64_t before, size_t limit, tsr_store_queued_fn *fn, void *arg)
{
    return r->store->backend->queued_list(r->reader, endpoint, open_only, before, limit, fn, arg);
}

tsr_err tsr_store_queued_last(tsr_store_reader *r, uint64_t *id)
{
    return r->store->backend->queued_last(r->reader, id);
}

tsr_err tsr_store_documents(tsr_store_reader *r, int kind, tsr_store_lookup by, const char *key,
                            size_t limit, tsr_store_document_fn *fn, void *arg)
{
    return r->store->backend->documents(r->reader, kind, by, key, limit, fn, arg);
}
