/* SPDX-License-Identifier: Apache-2.0
 *
 * One registered device: what it said, how it is reached, how long it lives. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <stdlib.h>
#include <sys/random.h>

/* --- what it said ----------------------------------------------------------------------- */

static const char *copy_text(const char *text, char **at)
{
    size_t n = strlen(text ? text : "") + 1;
    char *to = *at;

    memcpy(to, text ? text : "", n);
    *at += n;
    return to;
}

info *info_new(const info *from, tsr_bytes raw_links, const tsr_link_list *links)
{
    const char *texts[] = { from->endpoint, from->version, from->binding,
                            from->sms,      from->root,    from->identity };
    size_t head = (sizeof(info) + 15) & ~(size_t)15;
    size_t size = head + tsr_links_size(links->links, links->count) + raw_links.len;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        size += strlen(texts[i] ? texts[i] : "") + 1;

    char *block = malloc(size);

    if (!block)
        return NULL;

    char *at = block + head;

    info *i = (info *)(void *)block;

    *i = *from;
    i->links = tsr_links_copy(links->links, links->count, &at);
    i->link_count = links->count;
    i->endpoint = copy_text(from->endpoint, &at);
    i->version = copy_text(from->version, &at);
    i->binding = copy_text(from->binding, &at);
    i->sms = copy_text(from->sms, &at);
    i->root = copy_text(from->root, &at);
    i->identity = copy_text(from->identity, &at);
    if (raw_links.len)
        memcpy(at, raw_links.ptr, raw_links.len);
    i->raw_links = tsr_view(at, raw_links.len);
    return i;
}

/* 72 random bits: nobody else's Update or De-register finds it. */
static void make_id(char id[ID_LEN + 1])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t random[ID_LEN];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        abort(); /* Linux gives this many without fail once it is up */
    for (int i = 0; i < ID_LEN; i++)
        id[i] = digits[random[i] & 63];
    id[ID_LEN] = 0;
}

device *device_new(desk *d, info *i)
{
    device *dev = calloc(1, sizeof *dev);

    if (!dev)
        return NULL;
    dev->desk = d;
    dev->info = i;
    dev->registered_ms = dev->updated_ms = dev->seen_ms = unix_now_ms();
    dev->expiry.id = TIMER_EXPIRY;
    dev->sleep.id = TIMER_SLEEP;
    dev->online = true;
    make_id(dev->id);
    return dev;
}

void device_free(device *dev)
{
    if (dev->active)
        operation_fail(dev->active, TSR_SERVER_UNAVAILABLE, "the server is stopping");
    while (dev->queue)
        operation_fail(dev->queue, TSR_SERVER_UNAVAILABLE, "the server is stopping");
    while (dev->observations) {
        observation *o = dev->observations;

        dev->observations = o->next;
        observation_free(o);
    }
    free(dev->forward);
    free(dev->info);
    free(dev);
}

/* --- how it is reached ------------------------------------------------------------------ */

void device_unbind(device *dev)
{
    tsr_peer *p = dev->peer;

    if (!p)
        return;
    observations_forget(dev);
    if (p->address.stream) /* RFC 8323 §7.4 */
        observations_lost(dev);
    device_requeue(dev);

    device *first = p->user;

    if (first == dev) {
        tsr_shard_bind(dev->desk->shard, p, dev->next_on_peer);
    } else {
        while (first->next_on_peer != dev)
            first = first->next_on_peer;
        first->next_on_peer = dev->next_on_peer;
    }
    dev->next_on_peer = NULL;
    dev->peer = NULL;
}

/* Several endpoints at one plain address are allowed but bounded, for each datagram from there
 * wakes all of them; the longest bound one then waits for its next Update. */
static void bound_neighbours(tsr_peer *peer)
{
    device *last = peer->user;
    int n = 1;

    while (last && last->next_on_peer) {
        last = last->next_on_peer;
        n++;
    }
    if (n < NEIGHBOURS_MAX)
        return;
    device_unbind(last);
    device_offline(last, "too many endpoints at its address");
}

void device_bind(device *dev, tsr_peer *peer)
{
    pthread_mutex_lock(&dev->desk->lock);
    dev->address = peer->address;
    pthread_mutex_unlock(&dev->desk->lock);
    if (dev->peer == peer)
        return;
    if (peer->context || peer->address.stream) /* an observation belongs to what made it */
        observations_lost(dev);
    device_unbind(dev);
    bound_neighbours(peer);
    dev->peer = peer;
    dev->next_on_peer = peer->user;
    tsr_shard_bind(dev->desk->shard, peer, dev);
    observations_adopt(dev);
    dev->has_queued = queue_has(dev->desk->server, dev->info->endpoint);
}

static uint64_t awake_ms(const device *dev)
{
    uint32_t configured = dev->desk->server->config.awake_ms;

    return configured ? configured : AWAKE_MS;
}

void device_heard(device *dev)
{
    desk *d = dev->desk;
    bool was_online = dev->online;

    pthread_mutex_lock(&d->lock);
    dev->seen_ms = unix_now_ms();
    dev->online = true;
    if (dev->peer)
        dev->address = dev->peer->address;
    pthread_mutex_unlock(&d->lock);
    dev->awake_until_ms = tsr_shard_now(d->shard) + awake_ms(dev);
    if (dev->info->queue_mode && !tsr_timer_is_set(&dev->sleep))
        (void)tsr_shard_timer_set(d->shard, &dev->sleep, dev->awake_until_ms);
    if (!was_online)
        emit_simple(d->server, dev->info->endpoint, TSR_SERVER_EV_ONLINE, "");
    dev->held = false;
    if (dev->info->security == TSR_SERVER_OSCORE || dev->lost)
        observations_renew(dev);
    dev->lost = false;
    device_pump(dev);
}

void device_offline(device *dev, const char *why)
{
    if (!dev->online)
        return;
    pthread_mutex_lock(&dev->desk->lock);
    dev->online = false;
    pthread_mutex_unlock(&dev->desk->lock);
    emit_simple(dev->desk->server, dev->info->endpoint, TSR_SERVER_EV_OFFLINE, why);
}

/* --- how long it lives ------------------------------------------------------------------ */

/* The timer is left where it is when the lifetime is extended; it looks again when it fires. */
void device_arm_expiry(device *dev)
{
    if (dev->expires_at == UINT64_MAX)
        tsr_shard_timer_stop(dev->desk->shard, &dev->expiry);
    else if (!tsr_timer_is_set(&dev->expiry) || dev->expiry.due_ms > dev->expires_at)
        (void)tsr_shard_timer_set(dev->desk->shard, &dev->expiry, dev->expires_at);
}

/* Only now and then: what a crash can lose is granted again at the restart (restore.c). */
void device_journal(device *dev, bool now)
{
    int64_t slack = (int64_t)dev->info->lifetime_s * 1000 / 4;
    char address[TSR_ADDRESS_TEXT];

    if (slack < 10000)
        slack = 10000;
    if (dev->expires_ms == dev->journaled_ms ||
        (!now && dev->expires_ms - dev->journaled_ms < slack))
        return;
    tsr_address_print(&dev->address, address);
    if (tsr_store_touch_registration(dev->desk->server->store, dev->info->endpoint, dev->id,
                                     address, dev->updated_ms, dev->expires_ms, NULL,
                                     NULL) == TSR_OK) {
        dev->journaled_ms = dev->expires_ms;
        dev->journaled_address = dev->address;
    }
}

void device_end(device *dev, tsr_server_event_type why)
{
    desk *d = dev->desk;

    tsr_shard_timer_stop(d->shard, &dev->expiry);
    tsr_shard_timer_stop(d->shard, &dev->sleep);
    desk_take(d, dev);
    device_unbind(dev); /* puts the operation under way back into the queue */
    while (dev->queue)
        operation_fail(dev->queue, TSR_SERVER_GONE,
                       "the registration ended before the device answered");
    atomic_fetch_sub(&d->observations, dev->observation_count);
    if (why != TSR_SERVER_EV_REGISTERED) { /* not: replaced by a new one of the same endpoint */
        (void)tsr_store_delete_registration(d->server->store, dev->info->endpoint, dev->id, NULL,
                                            NULL);
        emit_simple(d->server, dev->info->endpoint, why, "");
    }
    device_free(dev);
}

static void expired(device *dev)
{
    if (tsr_shard_now(dev->desk->shard) < dev->expires_at)
        device_arm_expiry(dev);
    else
        device_end(dev, TSR_SERVER_EV_EXPIRED);
}

static void may_sleep(device *dev)
{
    desk *d = dev->desk;

    if (!dev->info->queue_mode)
        return;
    if (tsr_shard_now(d->shard) < dev->awake_until_ms)
        (void)tsr_shard_timer_set(d->shard, &dev->sleep, dev->awake_until_ms);
    else
        device_offline(dev, "asleep (queue mode)");
}

#define OWNER(type, field, timer) ((type *)(void *)((char *)(timer)-offsetof(type, field)))

void device_timer(desk *d, tsr_timer *t)
{
    switch (t->id) {
    case TIMER_EXPIRY: expired(OWNER(device, expiry, t)); break;
    case TIMER_SLEEP: may_sleep(OWNER(device, sleep, t)); break;
    case TIMER_QUEUE: queue_tick(d); break;
    case TIMER_OPERATION: operation_expired(OWNER(operation, timer, t)); break;
    default: break;
    }
}

void device_path(const device *dev, tsr_lwm2m_path path, char text[DEVICE_PATH])
{
    tsr_buf out = tsr_buf_over(text, DEVICE_PATH - 1);

    tsr_put_text(&out, dev->info->root);
    if (path.depth != 0 || out.len == 0) /* a slash at the end would be a segment more */
        tsr_lwm2m_path_put(&out, path);
    text[out.len] = 0;
}
