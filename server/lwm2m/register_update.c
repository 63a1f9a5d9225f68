/* SPDX-License-Identifier: Apache-2.0
 *
 * Update and De-register (Core 6.2.2, Core 6.2.3). A device whose address changed may come to
 * another shard than the one that has its registration: that one gives it away first. */
#define _GNU_SOURCE
#include "server/lwm2m/register_in.h"

#include <stdlib.h>

static void update_job(job *j);

static void run_received(tsr_shard *shard, tsr_message *m)
{
    job *j = (job *)(void *)m;
    desk *d = j->desk;
    device *dev = j->device;

    (void)shard;
    j->moved = true;
    j->device = NULL;
    if (dev && desk_add(d, dev) == TSR_OK) {
        atomic_fetch_add(&d->observations, dev->observation_count);
        device_arm_expiry(dev);
        for (operation *op = dev->queue; op; op = op->next)
            (void)tsr_shard_timer_set(d->shard, &op->timer, op->timer.due_ms);
    } else if (dev) {
        device_free(dev);
    }
    update_job(j);
}

/* On the shard that has the device: lets it go. */
static void run_give(tsr_shard *shard, tsr_message *m)
{
    job *j = (job *)(void *)m;
    desk *d = &j->desk->server->desks[tsr_shard_index(shard)];
    device *dev;

    pthread_mutex_lock(&d->lock);
    dev = desk_by_id(d, tsr_view(j->id, ID_LEN));
    pthread_mutex_unlock(&d->lock);
    if (dev && !dev->replaced) {
        device_unbind(dev);
        tsr_shard_timer_stop(shard, &dev->expiry);
        tsr_shard_timer_stop(shard, &dev->sleep);
        for (operation *op = dev->queue; op; op = op->next)
            tsr_shard_timer_stop(shard, &op->timer);
        desk_take(d, dev);
        atomic_fetch_sub(&d->observations, dev->observation_count);
        j->device = dev;
    }
    j->message.run = run_received;
    tsr_shard_post(j->desk->shard, &j->message);
}

static device *find_device(job *j)
{
    desk *d = j->desk;
    device *dev;

    pthread_mutex_lock(&d->lock);
    dev = desk_by_id(d, tsr_view(j->id, ID_LEN));
    pthread_mutex_unlock(&d->lock);
    return dev && !dev->replaced ? dev : NULL;
}

/* What an id opens, only who made it may use: same security, same identity. */
static bool owns(const tsr_peer *peer, const device *dev)
{
    return peer && (int)peer->security == (int)dev->info->security &&
           strcmp(peer->identity ? peer->identity : "", dev->info->identity) == 0;
}

/* Core 6.2.2: only what is given changes. NULL with *changed: out of memory. */
static info *updated_info(const device *dev, const tsr_register_params *p, bool *changed)
{
    const info *old = dev->info;
    tsr_link_list links = { 0 };
    char sms[24] = { 0 };
    info i = *old;

    if (p->has_lifetime)
        i.lifetime_s = p->lifetime_s;
    if (p->has_binding || p->queue_mode) {
        i.binding = p->has_binding ? p->binding : old->binding;
        i.queue_mode = p->queue_mode;
    }
    if (p->has_sms) {
        if (p->sms.len)
            memcpy(sms, p->sms.ptr, p->sms.len);
        i.sms = sms;
    }
    *changed = i.lifetime_s != old->lifetime_s || i.queue_mode != old->queue_mode ||
               strcmp(i.binding, old->binding) != 0 || strcmp(i.sms, old->sms) != 0 ||
               (p->has_links && !tsr_same(p->links, old->raw_links));
    if (!*changed)
        return NULL;
    if (tsr_link_list_read(p->has_links ? p->links : old->raw_links, NULL, &links) != TSR_OK)
        return NULL;
    i.root = links.root;
    i.formats = links.formats;

    info *made = info_new(&i, p->has_links ? p->links : old->raw_links, &links);

    tsr_link_list_free(&links);
    return made;
}

static void updated(job *j, device *dev, tsr_peer *peer)
{
    desk *d = j->desk;
    bool changed = j->info != NULL, moved = peer && peer != dev->peer;

    if (j->info) {
        info *old = dev->info;

        pthread_mutex_lock(&d->lock);
        dev->info = j->info; /* the endpoint, by which it is filed, is the same text */
        pthread_mutex_unlock(&d->lock);
        j->info = NULL;
        free(old);
    }
    register_answer(d, j->ticket, TSR_COAP_CHANGED, NULL, NULL);
    register_start_lifetime(dev);
    if (changed)
        dev->journaled_ms = dev->expires_ms;
    if (peer)
        device_bind(dev, peer);
    device_journal(dev, moved);
    if (changed || moved || !d->server->config.quiet_updates)
        emit_simple(d->server, dev->info->endpoint, TSR_SERVER_EV_UPDATED,
                    changed ? "changed"
                    : moved ? "address"
                            : "");
    device_heard(dev);
}

static void run_stored_update(tsr_shard *shard, tsr_message *m)
{
    job *j = (job *)(void *)m;
    device *dev = find_device(j);

    (void)shard;
    if (j->err != TSR_OK) {
        if (dev)
            memset(&dev->journaled_address, 0, sizeof dev->journaled_address);
        register_answer_store_failed(j->desk, j->ticket);
    } else if (!dev)
        register_answer(j->desk, j->ticket, TSR_COAP_NOT_FOUND, "the registration ended meanwhile", NULL);
    else if (j->kind == JOB_UPDATE)
        updated(j, dev, job_peer(j));
    else {
        register_answer(j->desk, j->ticket, TSR_COAP_DELETED, NULL, NULL);
        device_end(dev, TSR_SERVER_EV_DEREGISTERED);
    }
    job_free(j);
}

static bool store_update(job *j, device *dev)
{
    j->message.run = run_stored_update;
    if (j->kind == JOB_DEREGISTER)
        return tsr_store_delete_registration(j->desk->server->store, dev->info->endpoint, dev->id,
                                             job_stored, j) == TSR_OK;
    return job_store(j, dev, j->info ? j->info : dev->info) == TSR_OK;
}

static void apply_job(job *j, device *dev, tsr_peer *peer)
{
    bool changed = true;
    /* The session's row with the new address waits in the same queue, before this one: once
     * the 2.04 is out, a restarted server finds the device where it is now. */
    bool moved = peer && !tsr_address_same(&dev->journaled_address, &peer->address);

    if (j->kind == JOB_UPDATE) {
        j->info = updated_info(dev, &j->params, &changed);
        if (!changed && !moved) {
            updated(j, dev, peer);
            job_free(j);
            return;
        }
    }
    if ((j->kind == JOB_DEREGISTER || j->info || !changed) && store_update(j, dev))
        return;
    register_answer_store_failed(j->desk, j->ticket);
    job_free(j);
}

static void update_job(job *j)
{
    device *dev = find_device(j);
    tsr_peer *peer = job_peer(j);
    desk *other;

    if (!dev && !j->moved &&
        (other = server_desk_of_id(j->desk->server, tsr_view(j->id, ID_LEN))) != NULL &&
        other != j->desk) {
        j->message.run = run_give;
        tsr_shard_post(other->shard, &j->message);
        return;
    }
    if (dev && owns(peer, dev)) {
        apply_job(j, dev, peer);
        return;
    }
    /* Core 6.2.2: the device registers anew. The same to whoever guesses. */
    register_answer(j->desk, j->ticket, TSR_COAP_NOT_FOUND, "no such registration", NULL);
    job_free(j);
}

/* Keeps the parameters, which are views into the message, for as long as the job lives. */
static void keep_params(job *j, const tsr_register_params *p)
{
    uint8_t *at = j->bytes;

    j->params = *p;
    if (p->sms.len)
        memcpy(at, p->sms.ptr, p->sms.len);
    j->params.sms.ptr = at;
    at += p->sms.len;
    if (p->links.len)
        memcpy(at, p->links.ptr, p->links.len);
    j->params.links.ptr = at;
}

void register_update(desk *d, tsr_peer *peer, const tsr_coap_event *event, job_kind kind)
{
    tsr_bytes id = event->msg->path[1];
    tsr_register_params p = { 0 };
    const char *why = "";
    uint8_t code = 0;
    tsr_buf whole = { 0 };
    job *j;

    if (kind == JOB_UPDATE)
        code = tsr_register_parse(event->msg, event->body, true, &p, &why);
    if (code == 0 && id.len != ID_LEN) {
        code = TSR_COAP_NOT_FOUND;
        why = "no such registration";
    }
    if (code == 0 && p.has_profile)
        code = register_use_profile(d, "", &p, &whole, &why);
    if (code != 0) {
        register_answer(d, event->id, code, why, NULL);
        return;
    }
    j = job_new(d, kind, peer, event->id, p.sms.len + p.links.len);
    if (!j) {
        free(whole.ptr);
        register_answer_store_failed(d, event->id);
        return;
    }
    memcpy(j->id, id.ptr, ID_LEN);
    keep_params(j, &p);
    free(whole.ptr);
    update_job(j);
}
