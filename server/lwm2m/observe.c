/* SPDX-License-Identifier: Apache-2.0
 *
 * Observations: their tokens are stored before they are asked for, so that they live through a
 * restart; a new Register ends them on the device, and the server asks for them again. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include "tessera/lwm2m/format/format.h"

#include <stdlib.h>

/* A sleeping device is asked when it wakes; most wake once a day at least. */
#define RENEW_MS 86400000u

static bool is_about(const observation *o, const operation *op)
{
    if (!tsr_lwm2m_path_same(o->path, op->path) || o->path_count != op->path_count)
        return false;
    for (size_t i = 0; i < o->path_count; i++)
        if (!tsr_lwm2m_path_same(o->paths[i], op->paths[i]))
            return false;
    return true;
}

observation *observation_find(device *dev, const operation *op)
{
    observation *o = dev->observations;

    while (o && !is_about(o, op))
        o = o->next;
    return o;
}

void observation_free(observation *o)
{
    free(o->paths);
    free(o->key);
    free(o->params);
    free(o);
}

observation *observation_add(device *dev, tsr_lwm2m_path path, const tsr_lwm2m_path *paths,
                             size_t path_count, const char *params)
{
    observation *o = calloc(1, sizeof *o);

    if (!o)
        return NULL;
    o->device = dev;
    o->path = path;
    o->path_count = path_count;
    o->paths = malloc(path_count * sizeof *paths + 1);
    o->key = observation_key(path, paths, path_count);
    o->params = strdup(params ? params : "");
    o->since_ms = unix_now_ms();
    if (!o->params || !o->paths || !o->key) {
        observation_free(o);
        return NULL;
    }
    if (path_count)
        memcpy(o->paths, paths, path_count * sizeof *paths);
    pthread_mutex_lock(&dev->desk->lock);
    o->next = dev->observations;
    dev->observations = o;
    dev->observation_count++;
    pthread_mutex_unlock(&dev->desk->lock);
    atomic_fetch_add(&dev->desk->observations, 1);
    return o;
}

static void forget_token(observation *o)
{
    tsr_peer *p = o->device->peer;

    if (p && o->token_len)
        (void)tsr_coap_observe_forget(tsr_shard_coap(o->device->desk->shard), p->index,
                                      tsr_view(o->token, o->token_len));
}

void observation_remove(observation *o)
{
    device *dev = o->device;
    observation **at = &dev->observations;

    forget_token(o);
    (void)tsr_store_delete_observation(dev->desk->server->store, dev->info->endpoint, o->key, NULL,
                                       NULL);
    pthread_mutex_lock(&dev->desk->lock);
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    dev->observation_count--;
    pthread_mutex_unlock(&dev->desk->lock);
    atomic_fetch_sub(&dev->desk->observations, 1);
    observation_free(o);
}

/* What was asked for, so that the later blocks of a long notification can be. */
static void fetch_names(const device *dev, const observation *o, tsr_coap_request *r, tsr_buf *names)
{
    const operation about = { .kind = TSR_SERVER_OBSERVE_COMPOSITE };
    uint16_t format = format_for_composite(dev, &about, 0);

    if (names_write(o->paths, o->path_count, dev->info->root, format, names) != TSR_OK)
        return;
    r->method = TSR_COAP_FETCH;
    r->content_format = (tsr_coap_num){ true, format };
    r->payload = tsr_buf_view(names);
}

void observations_adopt(device *dev)
{
    desk *d = dev->desk;

    if (!dev->peer)
        return;
    for (observation *o = dev->observations; o; o = o->next) {
        char path[DEVICE_PATH];
        tsr_coap_request request = { .method = TSR_COAP_GET, .path = path };
        tsr_buf names = { NULL, 0, 0, TSR_OK };

        if (!o->token_len || !o->active)
            continue;
        device_path(dev, o->path, path);
        if (o->format != TSR_SERVER_FORMAT_AUTO)
            request.accept = (tsr_coap_num){ true, o->format };
        if (o->path_count)
            fetch_names(dev, o, &request, &names);
        (void)tsr_coap_observe_adopt(tsr_shard_coap(d->shard), dev->peer->index,
                                     tsr_view(o->token, o->token_len), &request,
                                     (uint64_t)(uintptr_t)o | 1);
        free(names.ptr);
    }
}

void observations_forget(device *dev)
{
    for (observation *o = dev->observations; o; o = o->next)
        forget_token(o);
}

void observations_lost(device *dev)
{
    for (observation *o = dev->observations; o; o = o->next)
        o->active = false;
    dev->lost = dev->observations != NULL;
}

void observations_renew(device *dev)
{
    for (observation *o = dev->observations; o; o = o->next) {
        operation *op;

        if (o->active || o->setup || (op = calloc(1, sizeof *op)) == NULL)
            continue;
        op->server = dev->desk->server;
        op->kind = o->path_count ? TSR_SERVER_OBSERVE_COMPOSITE : TSR_SERVER_OBSERVE;
        op->path = o->path;
        op->paths = malloc(o->path_count * sizeof *op->paths + 1);
        op->path_count = op->paths ? o->path_count : 0;
        if (op->path_count)
            memcpy(op->paths, o->paths, o->path_count * sizeof *op->paths);
        op->format = TSR_SERVER_FORMAT_AUTO;
        op->timeout_ms = RENEW_MS;
        op->endpoint = strdup(dev->info->endpoint);
        op->text = o->params[0] ? strdup(o->params) : NULL;
        if (op->endpoint && op->paths)
            operation_run(dev->desk, op);
        else
            operation_free(op);
    }
}

/* --- notifications ------------------------------------------------------------------------ */

/* A CON notification whose event is on its way to the disk; it is acknowledged when it is there. */
typedef struct {
    tsr_message message;
    desk *desk;
    tsr_coap_id held;
    tsr_err err;
} kept_note;

static void settle(desk *d, tsr_coap_id held, bool kept)
{
    (void)tsr_coap_observe_settle(tsr_shard_coap(d->shard), held, kept);
}

static void run_kept(tsr_shard *shard, tsr_message *m)
{
    kept_note *n = (kept_note *)(void *)m;

    (void)shard;
    settle(n->desk, n->held, n->err == TSR_OK);
    free(n);
}

static void kept(void *arg, tsr_err err)
{
    kept_note *n = arg;

    n->err = err;
    tsr_shard_post(n->desk->shard, &n->message);
}

/* The commit of the event is that of the values before it. `held` 0: nobody waits for it. */
static void emit_held(desk *d, const char *endpoint, tsr_server_event *e, tsr_coap_id held)
{
    kept_note *n = held ? malloc(sizeof *n) : NULL;

    if (n)
        *n = (kept_note){ { NULL, run_kept }, d, held, TSR_OK };
    if ((held && !n) || emit_then(d->server, endpoint, e, n ? kept : NULL, n) != TSR_OK) {
        settle(d, held, false);
        free(n);
    }
}

/* RFC 7641 §4.2: a notification that is no success ends the observation. */
static void ended(observation *o, const tsr_coap_event *event, tsr_coap_id held)
{
    tsr_server_event e = { .type = TSR_SERVER_EV_OBSERVE_ENDED,
                           .kind = -1,
                           .has_path = true,
                           .path = o->path,
                           .code = event->msg->code,
                           .detail = "the device ended it" };

    emit_held(o->device->desk, o->device->info->endpoint, &e, held);
    observation_remove(o);
}

void notification(desk *d, observation *o, const tsr_coap_event *event)
{
    device *dev = o->device;
    tsr_server_event e = { .type = TSR_SERVER_EV_NOTIFICATION,
                           .kind = -1,
                           .has_path = true,
                           .path = o->path,
                           .code = event->msg->code };
    record_list r = { 0 };
    const char *why = "";
    uint16_t format = event->msg->content_format.set ? (uint16_t)event->msg->content_format.value
                                                     : TSR_LWM2M_FORMAT_TEXT;

    pthread_mutex_lock(&d->lock);
    o->last_ms = unix_now_ms();
    o->count++;
    pthread_mutex_unlock(&d->lock);
    if (!tsr_coap_is_success(event->msg->code)) {
        ended(o, event, event->id);
        return;
    }
    if (event->partial) /* the rest could not be fetched; half a payload decodes to nothing sure */
        why = "only the first block of the notification came through";
    else if (records_read(&r, format, o->path, dev->info->root, event->body, &why) == TSR_OK)
        keep_values(dev, r.records, r.count);
    e.records = r.records;
    e.record_count = r.count;
    e.detail = why;
    emit_held(d, dev->info->endpoint, &e, event->id);
    records_free(&r);
    if (!event->observing)
        ended(o, event, 0);
}
