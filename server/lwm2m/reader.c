/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of the store for API threads: as many as ever worked at the same time. */
#include "server/lwm2m/internal.h"

#include <stdlib.h>

struct reader_slot {
    struct reader_slot *next;
    tsr_store_reader *reader;
};

tsr_err reader_take(tsr_server *s, struct reader_slot **slot, tsr_store_reader **reader)
{
    struct reader_slot *r;
    tsr_err err = TSR_OK;

    pthread_mutex_lock(&s->read_lock);
    r = s->readers;
    if (r)
        s->readers = r->next;
    pthread_mutex_unlock(&s->read_lock);
    if (!r) {
        r = calloc(1, sizeof *r);
        err = r ? tsr_store_reader_open(s->store, &r->reader) : TSR_E_SPACE;
    }
    if (err != TSR_OK) {
        free(r);
        return err;
    }
    *slot = r;
    *reader = r->reader;
    return TSR_OK;
}

void reader_give(tsr_server *s, struct reader_slot *slot)
{
    pthread_mutex_lock(&s->read_lock);
    slot->next = s->readers;
    s->readers = slot;
    pthread_mutex_unlock(&s->read_lock);
}

void readers_close(tsr_server *s)
{
    while (s->readers) {
        struct reader_slot *r = s->readers;

        s->readers = r->next;
        tsr_store_reader_close(r->reader);
        free(r);
    }
}
