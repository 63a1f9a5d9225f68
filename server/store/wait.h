/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that waits for its own put: `tsr_store_wake` is the `done` of it, the waiter its argument. */
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

/** Until it is on the disk. `begun` is what the put returned.
 *  errors  what `done` got; TSR_E_IO  the put was not taken */
tsr_err tsr_store_wait(tsr_store_waiter *w, tsr_err begun);

#endif
