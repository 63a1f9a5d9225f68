/* SPDX-License-Identifier: Apache-2.0
 *
 * Observations: first the row, then the request, so that none is forgotten over a restart. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <stdlib.h>
#include <sys/random.h>

typedef struct {
    tsr_message message;
    desk *desk;
    char id[ID_LEN + 1];
    uint64_t serial;
    tsr_err err;
} stored_note;

static void run_observation_stored(tsr_shard *shard, tsr_message *m)
{
    stored_note *n = (stored_note *)(void *)m;
    device *dev;

    (void)shard;
    pthread_mutex_lock(&n->desk->lock);
    dev = desk_by_id(n->desk, tsr_view(n->id, ID_LEN));
    pthread_mutex_unlock(&n->desk->lock);
    if (dev && dev->active && dev->active->serial == n->serial && dev->active->storing) {
        operation *op = dev->active;

        op->storing = false;
        if (n->err != TSR_OK) {
            operation_fail(op, TSR_SERVER_UNAVAILABLE, "the observation cannot be stored now");
        } else if (dev->peer) {
            operation_send(dev, op);
        } else { /* its peer went meanwhile */
            dev->active = NULL;
            op->next = dev->queue;
            dev->queue = op;
            dev->queued++;
        }
        device_pump(dev);
    }
    free(n);
}

static void observation_stored(void *arg, tsr_err err)
{
    stored_note *n = arg;

    n->err = err;
    tsr_shard_post(n->desk->shard, &n->message);
}

static tsr_err store_observation(device *dev, operation *op)
{
    observation *o = op->observed;
    stored_note *n = calloc(1, sizeof *n);
    tsr_store_observation row = { .endpoint = dev->info->endpoint,
                                  .path = o->key,
                                  .params = o->params,
                                  .token = tsr_view(o->token, o->token_len),
                                  .format = format_for_read(dev, o->path, 0),
                                  .since_ms = o->since_ms };
    tsr_err err;

    if (!n)
        return TSR_E_SPACE;
    n->message.run = run_observation_stored;
    n->desk = dev->desk;
    n->serial = op->serial;
    memcpy(n->id, dev->id, sizeof n->id);
    err = tsr_store_put_observation(dev->desk->server->store, &row, observation_stored, n);
    if (err != TSR_OK)
        free(n);
    return err;
}

/* A fresh token each time: notifications of an older request are then rejected by the engine, which
 * ends that one on the device too (RFC 7641 §3.6). */
void operation_observe(device *dev, operation *op)
{
    observation *o = observation_find(dev, op);

    if (!o)
        o = observation_add(dev, op->path, op->paths, op->path_count, op->text);
    if (!o || (o->setup && o->setup != op)) {
        operation_fail(op, o ? TSR_SERVER_BUSY : TSR_SERVER_UNAVAILABLE,
                       o ? "this observation is being set up already" : "out of memory");
        return;
    }
    if (strcmp(o->params, op->text ? op->text : "") != 0) {
        char *params = strdup(op->text ? op->text : "");

        pthread_mutex_lock(&dev->desk->lock);
        if (params) {
            free(o->params);
            o->params = params;
        }
        pthread_mutex_unlock(&dev->desk->lock);
    }
    if (dev->peer && o->token_len)
        (void)tsr_coap_observe_forget(tsr_shard_coap(dev->desk->shard), dev->peer->index,
                                      tsr_view(o->token, o->token_len));
    if (getrandom(o->token, sizeof o->token, 0) != (ssize_t)sizeof o->token)
        abort();
    o->token_len = sizeof o->token;
    o->active = false;
    o->setup = op;
    op->observed = o;
    op->storing = true;
    if (store_observation(dev, op) != TSR_OK) {
        op->storing = false;
        operation_fail(op, TSR_SERVER_UNAVAILABLE, "the observation cannot be stored now");
    }
}
