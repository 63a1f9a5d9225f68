/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/wait.h"

void tsr_store_wake(void *waiter, tsr_err err)
{
    tsr_store_waiter *w = waiter;

    pthread_mutex_lock(&w->lock);
    w->err = err;
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

tsr_err tsr_store_wait(tsr_store_waiter *w, tsr_err begun)
{
    if (begun != TSR_OK)
        return TSR_E_IO;
    pthread_mutex_lock(&w->lock);
    while (!w->done)
        pthread_cond_wait(&w->cond, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return w->err;
}
