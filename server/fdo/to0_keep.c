/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that keeps registrations alive. */
#define _GNU_SOURCE
#include "server/fdo/to0.h"

#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "tessera/base/timer.h"

enum {
    RETRY_FIRST_S = 2,
    RETRY_MAX_S = 600,
    RENEW_LEAST_S = 5, /* however short a registration holds */
    PAGE = 256,
};

typedef struct {
    char guid[FDO_GUID_TEXT]; /* first: the tree's key */
    tsr_timer timer;          /* not set: its registration is under way */
    uint32_t retry_s;
} entry;

struct fdo_to0 {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below; an entry is freed by the thread alone */
    pthread_cond_t changed;
    bool stopping;
    void *tree; /* tsearch: entries by GUID */
    tsr_timers timers;
    uint32_t count;
};

static int by_guid(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Room for one more timer. */
static bool grow(tsr_timers *timers)
{
    uint32_t cap = timers->cap != 0 ? 2 * timers->cap : 64;
    tsr_timer **heap = calloc(cap, sizeof(tsr_timer *));
    tsr_timer *timer;
    tsr_timers more;

    if (heap == NULL)
        return false;
    tsr_timers_init(&more, heap, cap);
    while ((timer = tsr_timers_take(timers, UINT64_MAX)) != NULL)
        (void)tsr_timer_set(&more, timer, timer->due_ms);
    free(timers->heap);
    *timers = more;
    return true;
}

/* NULL: no memory. */
static entry *add(fdo_to0 *t, const char *guid)
{
    entry *e = t->count < t->timers.cap || grow(&t->timers) ? calloc(1, sizeof *e) : NULL;

    if (e == NULL)
        return NULL;
    memcpy(e->guid, guid, strlen(guid) + 1);
    if (tsearch(e, &t->tree, by_guid) == NULL) {
        free(e);
        return NULL;
    }
    t->count++;
    return e;
}

static void note(fdo_to0 *t, const char *guid)
{
    entry *const *found = tfind(guid, &t->tree, by_guid);
    entry *e = found != NULL ? *found : add(t, guid);

    if (e == NULL)
        return; /* the next start finds it */
    e->retry_s = RETRY_FIRST_S;
    (void)tsr_timer_set(&t->timers, &e->timer, 0);
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

int64_t fdo_to0_next(tsr_fdo *f, const char *guid)
{
    fdo_to0 *t = f->to0;
    entry *const *found;
    int64_t due = 0;

    if (t == NULL)
        return 0;
    pthread_mutex_lock(&t->lock);
    found = tfind(guid, &t->tree, by_guid);
    if (found != NULL)
        due = tsr_timer_is_set(&(*found)->timer) ? (int64_t)(*found)->timer.due_ms : fdo_now_ms();
    pthread_mutex_unlock(&t->lock);
    return due;
}

static void settle(fdo_to0 *t, entry *e, tsr_err err, uint32_t wait_s)
{
    uint32_t after_s = e->retry_s;

    if (tsr_timer_is_set(&e->timer))
        return; /* noted again meanwhile: what was registered may be over */
    if (err == TSR_E_DENIED) { /* not ours, or refused for good: when it changes, it is noted again */
        (void)tdelete(e, &t->tree, by_guid);
        free(e);
        t->count--;
        return;
    }
    if (err == TSR_OK) {
        after_s = wait_s / 2 > RENEW_LEAST_S ? wait_s / 2 : RENEW_LEAST_S;
        e->retry_s = RETRY_FIRST_S;
    } else {
        e->retry_s = e->retry_s < RETRY_MAX_S / 2 ? 2 * e->retry_s : RETRY_MAX_S;
    }
    (void)tsr_timer_set(&t->timers, &e->timer, (uint64_t)fdo_now_ms() + (uint64_t)after_s * 1000);
}

static void wait_for_next(fdo_to0 *t)
{
    uint64_t due_ms = tsr_timers_due(&t->timers);
    struct timespec until;

    if (due_ms == UINT64_MAX) {
        pthread_cond_wait(&t->changed, &t->lock);
        return;
    }
    until.tv_sec = (time_t)(due_ms / 1000);
    until.tv_nsec = (long)(due_ms % 1000) * 1000000L;
    (void)pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

static void *work(void *arg)
{
    tsr_fdo *f = arg;
    fdo_to0 *t = f->to0;
    uint32_t wait_s = 0;

    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        tsr_timer *timer = tsr_timers_take(&t->timers, (uint64_t)fdo_now_ms());

        if (timer == NULL) {
            wait_for_next(t);
            continue;
        }
        entry *e = (entry *)(void *)((char *)timer - offsetof(entry, timer));

        pthread_mutex_unlock(&t->lock);
        tsr_err err = fdo_to0_register(f, e->guid, &wait_s);

        pthread_mutex_lock(&t->lock);
        settle(t, e, err, wait_s);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void give_back(fdo_to0 *t)
{
    tdestroy(t->tree, free);
    free(t->timers.heap);
    free(t);
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
    give_back(t);
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
    give_back(t);
    f->to0 = NULL;
}
