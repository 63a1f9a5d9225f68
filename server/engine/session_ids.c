/* SPDX-License-Identifier: Apache-2.0 */
#include "server/engine/session_ids.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, LIFETIME_MS = SESSION_ID_LIFETIME_S * 1000 };

typedef struct {
    uint8_t id[SESSION_ID_LEN], bound[SESSION_BOUND_MAX];
    uint8_t bound_len;
    uint16_t len; /* 0: free */
    uint64_t made_ms;
    uint8_t *plain;
} entry;

struct session_ids {
    pthread_mutex_t lock;
    entry entries[SESSION_IDS];
};

session_ids *session_ids_new(void)
{
    session_ids *ids = calloc(1, sizeof *ids);

    if (ids)
        pthread_mutex_init(&ids->lock, NULL);
    return ids;
}

static void drop(entry *e)
{
    if (e->plain)
        tsr_wipe(e->plain, e->len);
    free(e->plain);
    *e = (entry){ 0 };
}

void session_ids_free(session_ids *ids)
{
    if (!ids)
        return;
    for (size_t i = 0; i < SESSION_IDS; i++)
        drop(&ids->entries[i]);
    pthread_mutex_destroy(&ids->lock);
    free(ids);
}

/* IDs are random, so any part of one spreads them evenly. */
static entry *row_of(session_ids *ids, tsr_bytes id)
{
    size_t at = (size_t)id.ptr[0] << 8 | id.ptr[1];

    return &ids->entries[at % (SESSION_IDS / WAYS) * WAYS];
}

static bool is_of(const entry *e, tsr_bytes id)
{
    return e->len != 0 && memcmp(e->id, id.ptr, SESSION_ID_LEN) == 0;
}

static entry *place_for(session_ids *ids, tsr_bytes id)
{
    entry *row = row_of(ids, id), *oldest = row;

    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].len == 0 || is_of(&row[i], id))
            return &row[i];
        if (row[i].made_ms < oldest->made_ms)
            oldest = &row[i];
    }
    return oldest;
}

void session_ids_keep(session_ids *ids, uint64_t now_ms, tsr_bytes id, tsr_bytes bound, tsr_bytes plain)
{
    uint8_t *copy;
    entry *e;

    if (id.len != SESSION_ID_LEN || bound.len > SESSION_BOUND_MAX || plain.len == 0 ||
        plain.len > UINT16_MAX)
        return;
    copy = malloc(plain.len);
    if (!copy)
        return;
    memcpy(copy, plain.ptr, plain.len);
    pthread_mutex_lock(&ids->lock);
    e = place_for(ids, id);
    drop(e);
    *e = (entry){ .bound_len = (uint8_t)bound.len,
                  .len = (uint16_t)plain.len,
                  .made_ms = now_ms,
                  .plain = copy };
    memcpy(e->id, id.ptr, SESSION_ID_LEN);
    if (bound.len != 0)
        memcpy(e->bound, bound.ptr, bound.len);
    pthread_mutex_unlock(&ids->lock);
}

/* The clocks of two shards may be a turn apart. */
static bool is_old(const entry *e, uint64_t now_ms)
{
    return now_ms > e->made_ms && now_ms - e->made_ms >= LIFETIME_MS;
}

static tsr_err find(session_ids *ids, uint64_t now_ms, tsr_bytes id, tsr_bytes bound, tsr_buf *plain)
{
    entry *row = row_of(ids, id);

    for (size_t i = 0; i < WAYS; i++) {
        entry *e = &row[i];

        if (!is_of(e, id))
            continue;
        if (is_old(e, now_ms)) {
            drop(e);
            return TSR_E_NOT_FOUND;
        }
        if (!tsr_same(bound, tsr_view(e->bound, e->bound_len)))
            return TSR_E_NOT_FOUND;
        tsr_put_bytes(plain, tsr_view(e->plain, e->len));
        return plain->err;
    }
    return TSR_E_NOT_FOUND;
}

tsr_err session_ids_find(session_ids *ids, uint64_t now_ms, tsr_bytes id, tsr_bytes bound, tsr_buf *plain)
{
    tsr_err err;

    if (id.len != SESSION_ID_LEN)
        return TSR_E_NOT_FOUND;
    pthread_mutex_lock(&ids->lock);
    err = find(ids, now_ms, id, bound, plain);
    pthread_mutex_unlock(&ids->lock);
    return err;
}
