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
    tsr_store_document d = { .kind = kind, .name = name, .alias = alias, .rank = rank, .body = body };

    return fdo_keep_all(f, &d, 1);
}

/* All are put before the first is waited for, since many are committed at once. */
tsr_err fdo_keep_all(tsr_fdo *f, tsr_store_document *documents, size_t count)
{
    tsr_store_waiter waiters[FDO_KEEP_MAX];
    tsr_err begun = TSR_OK, first = TSR_OK;
    size_t n = 0;

    while (n < count && begun == TSR_OK) {
        waiters[n] = (tsr_store_waiter)TSR_STORE_WAITER;
        documents[n].changed_ms = fdo_now_ms();
        begun = tsr_store_put_document(f->config.store, &documents[n], tsr_store_wake, &waiters[n]);
        n += begun == TSR_OK;
    }
    for (size_t i = 0; i < n; i++) {
        tsr_err err = tsr_store_wait(&waiters[i], TSR_OK);

        first = first == TSR_OK ? err : first;
    }
    return first == TSR_OK && begun != TSR_OK ? TSR_E_IO : first;
}

tsr_err fdo_forget(tsr_fdo *f, int kind, const char *name)
{
    tsr_store_waiter w = TSR_STORE_WAITER;

    return tsr_store_wait(&w, tsr_store_delete_document(f->config.store, kind, name, tsr_store_wake, &w));
}

static bool copy_body(void *arg, const tsr_store_document *row)
{
    tsr_buf *out = arg;

    if (out == NULL)
        return false;
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
    return err == TSR_OK && out != NULL ? out->err : err;
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
