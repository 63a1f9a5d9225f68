/* SPDX-License-Identifier: Apache-2.0
 *
 * The registration interface: Register, Update, De-register (Core 6.2). What is answered 2.01, 2.02
 * or 2.04 is on the disk before; only an Update that changes nothing is answered at once.
 *
 * Each request becomes a job, because its answer waits for the store and, when the device came to
 * another shard than the one that has its registration, for a move. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <stdio.h>
#include <stdlib.h>

typedef enum { JOB_REGISTER, JOB_UPDATE, JOB_DEREGISTER } job_kind;

typedef struct {
    tsr_message message;
    job_kind kind;
    desk *desk; /* where the request came in */
    tsr_coap_id ticket;
    uint32_t peer;
    uint64_t peer_serial;
    char id[ID_LEN + 1]; /* Update, De-register */
    device *device;      /* Register: the new one; else the one on its way from another shard */
    info *info;          /* Update: what it will say */
    bool moved;
    tsr_err err;                /* of the store */
    tsr_register_params params; /* Update; views into bytes */
    uint8_t bytes[];
} job;

/* --- answering -------------------------------------------------------------------------- */

static void answer(desk *d, tsr_coap_id ticket, uint8_t code, const char *text,
                   const char *location)
{
    tsr_coap_response r = { .code = code, .location = location };

    /* RFC 7252 §5.5.2: a diagnostic is UTF-8 without a Content-Format. */
    if (text)
        r.payload = tsr_text(text);
    if (code == TSR_COAP_UNAVAILABLE)
        r.max_age = (tsr_coap_num){ true, 30 };
    (void)tsr_coap_respond(tsr_shard_coap(d->shard), ticket, &r, tsr_shard_now(d->shard));
}

static void answer_store_failed(desk *d, tsr_coap_id ticket)
{
    answer(d, ticket, TSR_COAP_UNAVAILABLE, "the server cannot store this now; try again", NULL);
}

static tsr_peer *job_peer(const job *j)
{
    tsr_peer *p = tsr_shard_peer(j->desk->shard, j->peer);

    return p->used && !p->dying && p->serial == j->peer_serial ? p : NULL;
}

static job *job_new(desk *d, job_kind kind, const tsr_peer *peer, tsr_coap_id ticket, size_t extra)
{
    job *j = calloc(1, sizeof *j + extra);

    if (j)
        *j = (job){ .kind = kind,
                    .desk = d,
                    .ticket = ticket,
                    .peer = peer->index,
                    .peer_serial = peer->serial };
    return j;
}

static void job_free(job *j)
{
    free(j->info);
    free(j);
}

static void stored(void *arg, tsr_err err)
{
    job *j = arg;

    j->err = err;
    tsr_shard_post(j->desk->shard, &j->message);
}

static tsr_err store_row(job *j, device *dev, const info *i)
{
    const tsr_peer *peer = job_peer(j);
    char address[TSR_ADDRESS_TEXT];
    tsr_store_registration row = {
        .endpoint = i->endpoint,
        .location = dev->id,
        .version = i->version,
        .binding = i->binding,
        .sms = i->sms,
        .root = i->root,
        .address = address,
        .identity = i->identity,
        .security = (int)i->security,
        .queue_mode = i->queue_mode,
        .lifetime_s = i->lifetime_s,
        .registered_ms = dev->registered_ms,
        .updated_ms = unix_now_ms(),
        .links = i->raw_links,
    };

    if (i->lifetime_s)
        row.expires_ms = row.updated_ms + (int64_t)i->lifetime_s * 1000;
    dev->journaled_address = peer ? peer->address : dev->address;
    tsr_address_print(&dev->journaled_address, address);
    return tsr_store_put_registration(j->desk->server->store, &row, stored, j);
}

/* From now on the lifetime counts anew. Core 6.2.1: lifetime 0 never ends. */
static void start_lifetime(device *dev)
{
    desk *d = dev->desk;
    uint64_t lifetime_ms = (uint64_t)dev->info->lifetime_s * 1000;

    pthread_mutex_lock(&d->lock);
    dev->updated_ms = unix_now_ms();
    dev->expires_ms = lifetime_ms ? dev->updated_ms + (int64_t)lifetime_ms : 0;
    pthread_mutex_unlock(&d->lock);
    dev->expires_at = lifetime_ms ? tsr_shard_now(d->shard) + lifetime_ms : UINT64_MAX;
    device_arm_expiry(dev);
}

/* --- Register --------------------------------------------------------------------------- */

/* Who may register as what: a peer with a credential as its endpoint and no other; a plain peer
 * only where the operator allows it, and never as an endpoint that has a credential. */
static uint8_t authorise(desk *d, const tsr_peer *peer, const tsr_register_params *p,
                         char endpoint[TSR_ENDPOINT_MAX + 1], const char **why)
{
    if (p->has_endpoint) {
        memcpy(endpoint, p->endpoint.ptr, p->endpoint.len);
        endpoint[p->endpoint.len] = 0;
    }
    if (peer->identity) {
        char owner[TSR_ENDPOINT_MAX + 1];

        *why = "the credential of this session is no longer known";
        if (credential_endpoint(d, peer, owner) != TSR_OK)
            return TSR_COAP_FORBIDDEN;
        *why = "the credential of this session belongs to another endpoint";
        if (p->has_endpoint && strcmp(owner, endpoint) != 0)
            return peer->security == TSR_PEER_PSK ? TSR_COAP_FORBIDDEN : TSR_COAP_BAD_REQUEST;
        memcpy(endpoint, owner, sizeof owner);
        return 0;
    }
    *why = "ep is missing";
    if (!p->has_endpoint)
        return TSR_COAP_BAD_REQUEST;
    switch (credential_mode(d, endpoint)) {
    case TSR_SERVER_OSCORE: *why = "this endpoint must use OSCORE"; return TSR_COAP_UNAUTHORIZED;
    case TSR_SERVER_NOSEC: break;
    default:
        *why = "this endpoint has a credential and must use DTLS";
        return TSR_COAP_FORBIDDEN;
    }
    *why = "this server wants DTLS";
    return d->server->config.allow_nosec ? 0 : TSR_COAP_FORBIDDEN;
}

static info *registered_info(const tsr_register_params *p, const tsr_peer *peer,
                             const char *endpoint, const tsr_link_list *links)
{
    char version[4] = { 0 }, sms[24] = { 0 };
    info i = {
        .endpoint = endpoint,
        .version = version,
        .binding = p->binding,
        .sms = sms,
        .root = links->root,
        .identity = peer->identity,
        .security = (tsr_server_security)peer->security,
        .queue_mode = p->queue_mode,
        .lifetime_s = p->lifetime_s,
        .formats = links->formats,
    };

    memcpy(version, p->version.ptr, p->version.len); /* "1.x", checked */
    if (p->sms.len)
        memcpy(sms, p->sms.ptr, p->sms.len);
    return info_new(&i, p->links, links);
}

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

/* --- taking over from another shard ------------------------------------------------------ */

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

/* --- the rest of Register ---------------------------------------------------------------- */

/* The endpoint's older registrations end. false: there is a newer one, so this one is too late. */
static bool supersede(desk *d, device *dev)
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

static void registered(job *j)
{
    desk *d = j->desk;
    device *dev = j->device;
    tsr_server *s = d->server;
    tsr_peer *peer = job_peer(j);
    pthread_mutex_t *claim = server_claim(s, dev->info->endpoint);
    char location[8 + ID_LEN];
    tsr_err added = TSR_E_STATE;

    pthread_mutex_lock(claim);
    if (supersede(d, dev))
        added = desk_add(d, dev);
    pthread_mutex_unlock(claim);
    if (added != TSR_OK) {
        answer(d, j->ticket, TSR_COAP_UNAVAILABLE, "this endpoint registered once more", NULL);
        device_free(dev);
        return;
    }
    (void)snprintf(location, sizeof location, "/rd/%s", dev->id);
    answer(d, j->ticket, TSR_COAP_CREATED, NULL, location);
    start_lifetime(dev);
    dev->journaled_ms = dev->expires_ms;
    emit_simple(s, dev->info->endpoint, TSR_SERVER_EV_REGISTERED, "");
    if (s->config.forget_observations)
        (void)tsr_store_delete_observation(s->store, dev->info->endpoint, NULL, NULL, NULL);
    if (peer)
        device_bind(dev, peer);
    observations_renew(dev);
    device_heard(dev);
}

static void run_registered(tsr_shard *shard, tsr_message *m)
{
    job *j = (job *)(void *)m;

    (void)shard;
    if (j->err == TSR_OK) {
        registered(j);
    } else {
        answer_store_failed(j->desk, j->ticket);
        device_free(j->device);
    }
    job_free(j);
}

/* Core 6.2.1: the list that a pid stands for takes the place of what was sent; *room keeps it.
 * 4.09: the client sends the whole list. */
static uint8_t use_profile(desk *d, const char *endpoint, tsr_register_params *p, tsr_buf *room,
                           const char **why)
{
    if (!p->has_profile) {
        if (p->has_links)
            profile_given(d->server, endpoint, p->links);
        return 0;
    }
    switch (profile_links(d->server, endpoint, p, room)) {
    case TSR_OK: break;
    case TSR_E_NOT_FOUND: *why = "pid is not known: send the object list"; return TSR_COAP_CONFLICT;
    default: *why = "out of memory"; return TSR_COAP_UNAVAILABLE;
    }
    p->has_links = true;
    p->links = tsr_buf_view(room);
    return 0;
}

static uint8_t prepare(desk *d, tsr_peer *peer, const tsr_coap_event *event, device **out,
                       const char **why)
{
    char endpoint[TSR_ENDPOINT_MAX + 1];
    tsr_register_params p;
    tsr_link_list links = { 0 };
    tsr_buf whole = { 0 };
    uint8_t code = tsr_register_parse(event->msg, event->body, false, &p, why);
    device *dev;

    endpoint[0] = 0;
    if (code == 0)
        code = authorise(d, peer, &p, endpoint, why);
    if (code == 0)
        code = use_profile(d, endpoint, &p, &whole, why);
    if (code != 0) {
        emit_refused(d, endpoint, *why);
        return code;
    }
    *why = "out of memory, or too many links";
    if (tsr_link_list_read(p.links, NULL, &links) != TSR_OK) {
        free(whole.ptr);
        return TSR_COAP_UNAVAILABLE;
    }

    info *i = registered_info(&p, peer, endpoint, &links);

    tsr_link_list_free(&links);
    free(whole.ptr);
    dev = i ? device_new(d, i) : NULL;
    if (!dev) {
        free(i);
        return TSR_COAP_UNAVAILABLE;
    }
    dev->address = peer->address;
    *out = dev;
    return 0;
}

static void do_register(desk *d, tsr_peer *peer, const tsr_coap_event *event)
{
    const char *why = "";
    device *dev = NULL;
    uint8_t code = prepare(d, peer, event, &dev, &why);
    job *j = code == 0 ? job_new(d, JOB_REGISTER, peer, event->id, 0) : NULL;
    tsr_err err = TSR_E_SPACE;

    if (j) {
        pthread_mutex_t *claim = server_claim(d->server, dev->info->endpoint);

        j->message.run = run_registered;
        j->device = dev;
        /* The order of the numbers is the order of the rows: the last row is the registration. */
        pthread_mutex_lock(claim);
        dev->sequence = atomic_fetch_add(&d->server->sequence, 1) + 1;
        err = store_row(j, dev, dev->info);
        pthread_mutex_unlock(claim);
    }
    if (err == TSR_OK)
        return;
    if (code != 0)
        answer(d, event->id, code, why, NULL);
    else
        answer_store_failed(d, event->id);
    free(j);
    if (dev)
        device_free(dev);
}

/* --- Update, De-register ---------------------------------------------------------------- */

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
    answer(d, j->ticket, TSR_COAP_CHANGED, NULL, NULL);
    start_lifetime(dev);
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
        answer_store_failed(j->desk, j->ticket);
    } else if (!dev)
        answer(j->desk, j->ticket, TSR_COAP_NOT_FOUND, "the registration ended meanwhile", NULL);
    else if (j->kind == JOB_UPDATE)
        updated(j, dev, job_peer(j));
    else {
        answer(j->desk, j->ticket, TSR_COAP_DELETED, NULL, NULL);
        device_end(dev, TSR_SERVER_EV_DEREGISTERED);
    }
    job_free(j);
}

static bool store_update(job *j, device *dev)
{
    j->message.run = run_stored_update;
    if (j->kind == JOB_DEREGISTER)
        return tsr_store_delete_registration(j->desk->server->store, dev->info->endpoint, dev->id,
                                             stored, j) == TSR_OK;
    return store_row(j, dev, j->info ? j->info : dev->info) == TSR_OK;
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
    answer_store_failed(j->desk, j->ticket);
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
    answer(j->desk, j->ticket, TSR_COAP_NOT_FOUND, "no such registration", NULL);
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

static void do_update(desk *d, tsr_peer *peer, const tsr_coap_event *event, job_kind kind)
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
        code = use_profile(d, "", &p, &whole, &why);
    if (code != 0) {
        answer(d, event->id, code, why, NULL);
        return;
    }
    j = job_new(d, kind, peer, event->id, p.sms.len + p.links.len);
    if (!j) {
        free(whole.ptr);
        answer_store_failed(d, event->id);
        return;
    }
    memcpy(j->id, id.ptr, ID_LEN);
    keep_params(j, &p);
    free(whole.ptr);
    update_job(j);
}

/* --- what else may be asked ------------------------------------------------------------- */

static void well_known(desk *d, const tsr_coap_event *event)
{
    static const char links[] = "</rd>;rt=\"core.rd\";ct=40";
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .content_format = { true, 40 } };

    r.payload = tsr_text(links);
    (void)tsr_coap_respond(tsr_shard_coap(d->shard), event->id, &r, tsr_shard_now(d->shard));
}

void register_request(desk *d, tsr_peer *peer, const tsr_coap_event *event)
{
    const tsr_coap_msg *msg = event->msg;
    bool rd = msg->path_count >= 1 && tsr_same(msg->path[0], tsr_text("rd"));

    if (rd && msg->path_count == 1 && msg->code == TSR_COAP_POST)
        do_register(d, peer, event);
    else if (rd && msg->path_count == 2 && msg->code == TSR_COAP_POST)
        do_update(d, peer, event, JOB_UPDATE);
    else if (rd && msg->path_count == 2 && msg->code == TSR_COAP_DELETE)
        do_update(d, peer, event, JOB_DEREGISTER);
    else if (tsr_coap_msg_path_is(msg, 0, "/dp"))
        send_request_in(d, peer, event);
    else if (rd && msg->path_count <= 2)
        answer(d, event->id, TSR_COAP_METHOD_NOT_ALLOWED, NULL, NULL);
    else if (msg->code == TSR_COAP_GET && tsr_coap_msg_path_is(msg, 0, "/.well-known/core"))
        well_known(d, event);
    else
        answer(d, event->id, TSR_COAP_NOT_FOUND, NULL, NULL);
}
