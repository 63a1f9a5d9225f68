/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the store share. Private to server/store. */
#ifndef SERVER_STORE_STORE_IN_H
#define SERVER_STORE_STORE_IN_H

#include "server/store/backend.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

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

/** Copies a row with the strings and bytes that it points to, by way of those pointers, into one
 *  allocation. NULL: no memory */
tsr_store_op *store_op_new(const tsr_store_op *from, const char **texts[], size_t text_count,
                           tsr_bytes *blobs[], size_t blob_count);

/** Queues a row, which it takes; NULL: there was no memory for it.
 *  errors  TSR_E_SPACE  the disk cannot follow; done is not called */
tsr_err store_enqueue(tsr_store *s, tsr_store_op *op, tsr_store_done *done, void *arg);
void store_op_free(tsr_store_op *op); /* wiped: it may hold a key */

#endif
