/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that waits for another: for its own put, whose `done` is `tsr_store_wake` and the waiter its
 * argument, or for a message to a shard. */
#ifndef SERVER_STORE_WAIT_H
#define SERVER_STORE_WAIT_H

#include <pthread.h>

#include "server/store/store.h"

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    tsr_err err;
} tsr_store_waiter;

#define TSR_STORE_WAITER { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, TSR_OK }

void tsr_store_wake(void *waiter, tsr_err err);

/** Until it was woken. `begun` is what the put returned, which shall wake it.
 *  errors  what it was woken with; TSR_E_IO  the put was not taken */
tsr_err tsr_store_wait(tsr_store_waiter *w, tsr_err begun);

#endif
