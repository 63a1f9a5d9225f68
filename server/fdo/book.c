/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept, as documents of the store. */
#define _GNU_SOURCE
#include "server/fdo/service.h"

#include <stdlib.h>

#include "server/rest/room.h"
#include "server/store/wait.h"

tsr_err fdo_keep(tsr_fdo *f, int kind, const char *name, const char *alias, int64_t rank,
                 tsr_bytes body)
{
    tsr_store_waiter w = TSR_STORE_WAITER; /* many are committed at once */
    tsr_store_document d = { kind, name, alias, rank, fdo_now_ms(), body };

    return tsr_store_wait(&w, tsr_store_put_document(f->config.store, &d, tsr_store_wake, &w));
}

tsr_err fdo_forget(tsr_fdo *f, int kind, const char *name)
{
    tsr_store_waiter w = TSR_STORE_WAITER;

    return tsr_store_wait(&w, tsr_store_delete_document(f->config.store, kind, name, tsr_store_wake, &w));
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
