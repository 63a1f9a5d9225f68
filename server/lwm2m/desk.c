/* SPDX-License-Identifier: Apache-2.0
 *
 * A shard's devices: found by endpoint and by registration id through hash tables, listed in order
 * through a skip list. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <stdlib.h>

tsr_err desk_init(desk *d, tsr_server *s, tsr_shard *shard)
{
    d->server = s;
    d->shard = shard;
    d->buckets = 1024;
    d->random = tsr_hash_u64(s->hash_key, tsr_shard_index(shard)) | 1;
    d->by_endpoint = calloc(d->buckets, sizeof(device *));
    d->by_id = calloc(d->buckets, sizeof(device *));
    pthread_mutex_init(&d->lock, NULL);
    return d->by_endpoint && d->by_id ? TSR_OK : TSR_E_SPACE;
}

void desk_free(desk *d)
{
    for (device *dev = d->first[0]; dev;) {
        device *next = dev->forward[0];

        device_free(dev);
        dev = next;
    }
    free(d->by_endpoint);
    free(d->by_id);
    pthread_mutex_destroy(&d->lock);
}

/* --- hash tables ------------------------------------------------------------------------ */

static size_t bucket(const desk *d, tsr_bytes key)
{
    return (size_t)tsr_hash(d->server->hash_key, key) & (d->buckets - 1);
}

device *desk_by_endpoint(desk *d, const char *endpoint)
{
    device *dev = d->by_endpoint[bucket(d, tsr_text(endpoint))];

    while (dev && (dev->replaced || strcmp(dev->info->endpoint, endpoint) != 0))
        dev = dev->next_endpoint;
    return dev;
}

device *desk_by_id(desk *d, tsr_bytes id)
{
    device *dev;

    if (id.len != ID_LEN)
        return NULL;
    dev = d->by_id[bucket(d, id)];
    while (dev && memcmp(dev->id, id.ptr, ID_LEN) != 0)
        dev = dev->next_id;
    return dev;
}

static void hash_in(desk *d, device *dev)
{
    device **head = &d->by_endpoint[bucket(d, tsr_text(dev->info->endpoint))];

    dev->next_endpoint = *head;
    *head = dev;
    head = &d->by_id[bucket(d, tsr_view(dev->id, ID_LEN))];
    dev->next_id = *head;
    *head = dev;
}

static void hash_out(desk *d, device *dev)
{
    device **at = &d->by_endpoint[bucket(d, tsr_text(dev->info->endpoint))];

    while (*at != dev)
        at = &(*at)->next_endpoint;
    *at = dev->next_endpoint;
    at = &d->by_id[bucket(d, tsr_view(dev->id, ID_LEN))];
    while (*at != dev)
        at = &(*at)->next_id;
    *at = dev->next_id;
}

/* Doubling costs each device once more than its own insertion, spread over all of them. */
static void grow(desk *d)
{
    device **endpoints = calloc(d->buckets * 2, sizeof(device *));
    device **ids = calloc(d->buckets * 2, sizeof(device *));

    if (!endpoints || !ids) { /* chains get longer instead */
        free(endpoints);
        free(ids);
        return;
    }
    free(d->by_endpoint);
    free(d->by_id);
    d->by_endpoint = endpoints;
    d->by_id = ids;
    d->buckets *= 2;
    for (device *dev = d->first[0]; dev; dev = dev->forward[0])
        hash_in(d, dev);
}

/* --- ordered list ----------------------------------------------------------------------- */

/* Where `dev` (or a device of that endpoint and sequence) is or would be, level by level. */
static void path_to(desk *d, const char *endpoint, uint64_t sequence, device ***at)
{
    device **from = d->first;

    for (int level = LEVELS - 1; level >= 0; level--) {
        for (;;) {
            device *next = from[level];

            if (!next)
                break;

            int order = strcmp(next->info->endpoint, endpoint);

            if (order > 0 || (order == 0 && next->sequence >= sequence))
                break;
            from = next->forward;
        }
        at[level] = &from[level];
    }
}

static uint8_t random_levels(desk *d)
{
    uint8_t levels = 1;

    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    for (uint64_t r = d->random; levels < LEVELS && (r & 3) == 0; r >>= 2)
        levels++;
    return levels;
}

tsr_err desk_add(desk *d, device *dev)
{
    device **at[LEVELS];
    uint8_t levels = random_levels(d);

    dev->forward = calloc(levels, sizeof(device *));
    if (!dev->forward)
        return TSR_E_SPACE;
    dev->levels = levels;
    dev->desk = d;
    pthread_mutex_lock(&d->lock);
    path_to(d, dev->info->endpoint, dev->sequence, at);
    for (uint8_t i = 0; i < levels; i++) {
        dev->forward[i] = *at[i];
        *at[i] = dev;
    }
    d->count++;
    hash_in(d, dev);
    if (d->count > d->buckets)
        grow(d);
    pthread_mutex_unlock(&d->lock);
    atomic_fetch_add(&d->devices, 1);
    return TSR_OK;
}

void desk_take(desk *d, device *dev)
{
    device **at[LEVELS];

    pthread_mutex_lock(&d->lock);
    hash_out(d, dev);
    path_to(d, dev->info->endpoint, dev->sequence, at);
    for (uint8_t i = 0; i < dev->levels; i++)
        *at[i] = dev->forward[i];
    d->count--;
    pthread_mutex_unlock(&d->lock);
    if (!dev->replaced)
        atomic_fetch_sub(&d->devices, 1);
    free(dev->forward);
    dev->forward = NULL;
}

device *desk_first_after(desk *d, const char *after)
{
    device **at[LEVELS];

    if (!after)
        return d->first[0];
    path_to(d, after, UINT64_MAX, at);
    return *at[0];
}

/* --- across desks ----------------------------------------------------------------------- */

desk *server_desk_of(tsr_server *s, const char *endpoint)
{
    for (unsigned i = 0; i < s->count; i++) {
        desk *d = &s->desks[i];

        pthread_mutex_lock(&d->lock);

        bool here = desk_by_endpoint(d, endpoint) != NULL;

        pthread_mutex_unlock(&d->lock);
        if (here)
            return d;
    }
    return NULL;
}

desk *server_desk_of_id(tsr_server *s, tsr_bytes id)
{
    for (unsigned i = 0; i < s->count; i++) {
        desk *d = &s->desks[i];

        pthread_mutex_lock(&d->lock);

        bool here = desk_by_id(d, id) != NULL;

        pthread_mutex_unlock(&d->lock);
        if (here)
            return d;
    }
    return NULL;
}

pthread_mutex_t *server_claim(tsr_server *s, const char *endpoint)
{
    return &s->claims[tsr_hash(s->hash_key, tsr_text(endpoint)) % CLAIMS];
}
