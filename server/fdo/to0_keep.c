/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that keeps registrations alive. */
#define _GNU_SOURCE
#include "server/fdo/to0.h"

#include <stdlib.h>
#include <time.h>

enum {
    RETRY_FIRST_S = 2,
    RETRY_MAX_S = 600,
    RENEW_LEAST_S = 5, /* however short a registration holds */
    PAGE = 256,
};

typedef struct {
    char guid[FDO_GUID_TEXT];
    int64_t due_ms;
    uint32_t retry_s;
} entry;

struct fdo_to0 {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    bool stopping;
    entry *list;
    size_t count, cap;
};

static entry *find(fdo_to0 *t, const char *guid)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->list[i].guid, guid) == 0)
            return &t->list[i];
    return NULL;
}

static void note(fdo_to0 *t, const char *guid)
{
    entry *e = find(t, guid);

    if (e == NULL && t->count == t->cap) {
        size_t cap = t->cap != 0 ? 2 * t->cap : 64;
        entry *more = realloc(t->list, cap * sizeof *more);

        if (more == NULL)
            return; /* the next start finds it */
        t->list = more;
        t->cap = cap;
    }
    if (e == NULL) {
        e = &t->list[t->count++];
        memcpy(e->guid, guid, strlen(guid) + 1);
    }
    e->due_ms = 0;
    e->retry_s = RETRY_FIRST_S;
}

void fdo_to0_note(tsr_fdo *f, const char *guid)
{
    fdo_to0 *t = f->to0;

    if (t == NULL || strlen(guid) >= FDO_GUID_TEXT)
        return;
    pthread_mutex_lock(&t->lock);
    note(t, guid);
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

/* The one that is due first; NULL: none. */
static entry *first_due(fdo_to0 *t)
{
    entry *first = NULL;

    for (size_t i = 0; i < t->count; i++)
        if (first == NULL || t->list[i].due_ms < first->due_ms)
            first = &t->list[i];
    return first;
}

static void settle(fdo_to0 *t, const char *guid, tsr_err err, uint32_t wait_s)
{
    entry *e = find(t, guid);

    if (e == NULL)
        return;
    if (err == TSR_E_DENIED) { /* not ours, or refused for good: when it changes, it is noted again */
        *e = t->list[--t->count];
        return;
    }
    if (err == TSR_OK) {
        uint32_t renew = wait_s / 2 > RENEW_LEAST_S ? wait_s / 2 : RENEW_LEAST_S;

        e->due_ms = fdo_now_ms() + (int64_t)renew * 1000;
        e->retry_s = RETRY_FIRST_S;
    } else {
        e->due_ms = fdo_now_ms() + (int64_t)e->retry_s * 1000;
        e->retry_s = e->retry_s < RETRY_MAX_S / 2 ? 2 * e->retry_s : RETRY_MAX_S;
    }
}

static void wait_until(fdo_to0 *t, const entry *e)
{
    struct timespec until;

    if (e == NULL) {
        pthread_cond_wait(&t->changed, &t->lock);
        return;
    }
    until.tv_sec = (time_t)(e->due_ms / 1000);
    until.tv_nsec = (long)(e->due_ms % 1000) * 1000000L;
    (void)pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

static void *work(void *arg)
{
    tsr_fdo *f = arg;
    fdo_to0 *t = f->to0;
    char guid[FDO_GUID_TEXT];
    uint32_t wait_s = 0;

    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        const entry *e = first_due(t);

        if (e == NULL || e->due_ms > fdo_now_ms()) {
            wait_until(t, e);
            continue;
        }
        memcpy(guid, e->guid, sizeof guid);
        pthread_mutex_unlock(&t->lock);
        tsr_err err = fdo_to0_register(f, guid, &wait_s);

        pthread_mutex_lock(&t->lock);
        settle(t, guid, err, wait_s);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

typedef struct {
    fdo_to0 *t;
    char last[FDO_GUID_TEXT];
    size_t rows;
} scan;

static bool note_row(void *arg, const tsr_store_document *row)
{
    scan *s = arg;

    if (strlen(row->name) < FDO_GUID_TEXT) {
        memcpy(s->last, row->name, strlen(row->name) + 1);
        note(s->t, row->name);
    }
    s->rows++;
    return true;
}

tsr_err fdo_to0_start(tsr_fdo *f)
{
    fdo_to0 *t;
    scan s = { .rows = PAGE };
    tsr_err err = TSR_OK;

    if ((f->config.roles & TSR_FDO_OWNER) == 0 || f->config.owner_place_count == 0)
        return TSR_OK;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return TSR_E_SPACE;
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->changed, NULL);
    s.t = t;
    while (err == TSR_OK && s.rows == PAGE) {
        s.rows = 0;
        err = fdo_list(f, TSR_STORE_FDO_VOUCHER, s.last[0] != 0 ? s.last : NULL, PAGE, note_row, &s);
    }
    f->to0 = t;
    if (err == TSR_OK && pthread_create(&t->thread, NULL, work, f) == 0)
        return TSR_OK;
    f->to0 = NULL;
    free(t->list);
    free(t);
    return err != TSR_OK ? err : TSR_E_IO;
}

void fdo_to0_stop(tsr_fdo *f)
{
    fdo_to0 *t = f->to0;

    if (t == NULL)
        return;
    atomic_store(&f->stopping, true);
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    (void)pthread_join(t->thread, NULL);
    (void)pthread_cond_destroy(&t->changed);
    (void)pthread_mutex_destroy(&t->lock);
    free(t->list);
    free(t);
    f->to0 = NULL;
}
