/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept, as documents of the store. */
#define _GNU_SOURCE
#include "server/fdo/service.h"

#include <stdlib.h>

#include "server/rest/room.h"

/* A message waits for its commit: many are committed at once. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    tsr_err err;
} commit;

static void committed(void *arg, tsr_err err)
{
    commit *c = arg;

    pthread_mutex_lock(&c->lock);
    c->err = err;
    c->done = true;
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->lock);
}

static tsr_err wait_for(commit *c, tsr_err begun)
{
    pthread_mutex_lock(&c->lock);
    while (begun == TSR_OK && !c->done)
        pthread_cond_wait(&c->cond, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return begun == TSR_OK ? c->err : TSR_E_IO;
}

#define COMMIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, TSR_OK }

tsr_err fdo_keep(tsr_fdo *f, int kind, const char *name, const char *alias, int64_t rank,
                 tsr_bytes body)
{
    commit c = COMMIT;
    tsr_store_document d = { kind, name, alias, rank, fdo_now_ms(), body };

    return wait_for(&c, tsr_store_put_document(f->config.store, &d, committed, &c));
}

tsr_err fdo_forget(tsr_fdo *f, int kind, const char *name)
{
    commit c = COMMIT;

    return wait_for(&c, tsr_store_delete_document(f->config.store, kind, name, committed, &c));
}

static bool copy_body(void *arg, const tsr_store_document *row)
{
    tsr_buf *out = arg;

    rest_room(out, row->body.len + 1);
    tsr_put_bytes(out, row->body);
    return false;
}

tsr_err fdo_fetch(tsr_fdo *f, int kind, const char *name, tsr_buf *out)
{
    tsr_err err;

    pthread_mutex_lock(&f->read_lock);
    err = tsr_store_documents(f->reader, kind, TSR_STORE_BY_NAME, name, 1, copy_body, out);
    pthread_mutex_unlock(&f->read_lock);
    return err == TSR_OK ? out->err : err;
}

tsr_err fdo_list(tsr_fdo *f, int kind, const char *after, size_t limit, tsr_store_document_fn *fn,
                 void *arg)
{
    tsr_err err;

    pthread_mutex_lock(&f->read_lock);
    err = tsr_store_documents(f->reader, kind, TSR_STORE_AFTER, after, limit, fn, arg);
    pthread_mutex_unlock(&f->read_lock);
    return err;
}
