/* SPDX-License-Identifier: Apache-2.0
 *
 * A Register takes the place of what the endpoint had before, on whichever shard that is; its
 * observations move on. */
#define _GNU_SOURCE
#include "server/lwm2m/register_in.h"

#include <stdio.h>
#include <stdlib.h>

static void move_observations(device *from, device *to)
{
    desk *d = to->desk;

    pthread_mutex_lock(&d->lock);
    to->observations = from->observations;
    to->observation_count = from->observation_count;
    for (observation *o = to->observations; o; o = o->next) {
        o->device = to;
        o->active = false;
        o->setup = NULL;
    }
    from->observations = NULL;
    from->observation_count = 0;
    pthread_mutex_unlock(&d->lock);
}

/* The observations of a registration that was replaced, on their way to the shard of the new one.
 */
typedef struct {
    tsr_message message;
    desk *to;
    char endpoint[TSR_ENDPOINT_MAX + 1];
    observation *observations;
} eviction;

static void run_inherit(tsr_shard *shard, tsr_message *m)
{
    eviction *e = (eviction *)(void *)m;
    device *dev;

    (void)shard;
    pthread_mutex_lock(&e->to->lock);
    dev = desk_by_endpoint(e->to, e->endpoint);
    pthread_mutex_unlock(&e->to->lock);
    while (e->observations) {
        observation *o = e->observations;

        e->observations = o->next;
        const operation about = { .path = o->path, .paths = o->paths, .path_count = o->path_count };

        if (dev && !e->to->server->config.forget_observations && !observation_find(dev, &about))
            (void)observation_add(dev, o->path, o->paths, o->path_count, o->params);
        observation_free(o);
    }
    if (dev)
        observations_renew(dev);
    free(e);
}

static void run_evict(tsr_shard *shard, tsr_message *m)
{
    eviction *e = (eviction *)(void *)m;
    tsr_server *s = e->to->server;
    desk *d = &s->desks[tsr_shard_index(shard)];
    device *dev;

    /* A replaced device is not found by endpoint; go through those of that name. */
    pthread_mutex_lock(&d->lock);
    dev = d->by_endpoint[tsr_hash(s->hash_key, tsr_text(e->endpoint)) & (d->buckets - 1)];
    while (dev && !(dev->replaced && strcmp(dev->info->endpoint, e->endpoint) == 0))
        dev = dev->next_endpoint;
    pthread_mutex_unlock(&d->lock);
    if (!dev) {
        free(e);
        return;
    }
    device_unbind(dev);
    pthread_mutex_lock(&d->lock);
    e->observations = dev->observations;
    atomic_fetch_sub(&d->observations, dev->observation_count);
    dev->observations = NULL;
    dev->observation_count = 0;
    pthread_mutex_unlock(&d->lock);
    device_end(dev, TSR_SERVER_EV_REGISTERED);
    e->message.run = run_inherit;
    tsr_shard_post(e->to->shard, &e->message);
}

static void evict(desk *at, desk *to, const char *endpoint)
{
    eviction *e = calloc(1, sizeof *e);

    if (!e)
        return; /* hidden as it is (replaced), it stays until it expires */
    e->message.run = run_evict;
    e->to = to;
    (void)snprintf(e->endpoint, sizeof e->endpoint, "%s", endpoint);
    tsr_shard_post(at->shard, &e->message);
}

bool register_supersede(desk *d, device *dev)
{
    tsr_server *s = d->server;
    const char *endpoint = dev->info->endpoint;
    bool newest = true;

    for (unsigned i = 0; i < s->count; i++) {
        desk *at = &s->desks[i];
        bool outdated = false;

        pthread_mutex_lock(&at->lock);

        device *old = desk_by_endpoint(at, endpoint);

        if (old && old->sequence > dev->sequence)
            newest = false;
        else if (old) {
            old->replaced = outdated = true;
            atomic_fetch_sub(&at->devices, 1); /* it counts no more, whenever its shard lets it go */
        }
        pthread_mutex_unlock(&at->lock);
        if (!outdated)
            continue;
        if (at != d) {
            evict(at, d, endpoint);
            continue;
        }
        device_unbind(old);
        if (!s->config.forget_observations)
            move_observations(old, dev);
        device_end(old, TSR_SERVER_EV_REGISTERED);
    }
    return newest;
}
