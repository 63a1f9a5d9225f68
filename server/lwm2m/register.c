/* SPDX-License-Identifier: Apache-2.0
 *
 * The registration interface: Register, Update, De-register (Core 6.2). What is answered 2.01, 2.02
 * or 2.04 is on the disk before; only an Update that changes nothing is answered at once. Update and
 * De-register are in register_update.c. */
#define _GNU_SOURCE
#include "server/lwm2m/register_in.h"

#include <stdio.h>
#include <stdlib.h>

/* Who may register as what: a peer with a credential as its endpoint and no other; a plain peer
 * only where the operator allows it, and never as an endpoint that has a credential. */
static uint8_t authorise(desk *d, const tsr_peer *peer, const tsr_register_params *p,
                         char endpoint[TSR_ENDPOINT_MAX + 1], const char **why)
{
    if (p->has_endpoint) {
        memcpy(endpoint, p->endpoint.ptr, p->endpoint.len);
        endpoint[p->endpoint.len] = 0;
    }
    if (peer->identity) { /* Core 7.3.1: a name alone decides nothing */
        char owner[TSR_ENDPOINT_MAX + 1];

        *why = "the credential of this session is no longer known";
        if (credential_endpoint(d, peer, owner) != TSR_OK)
            return TSR_COAP_FORBIDDEN;
        *why = "the credential of this session belongs to another endpoint";
        if (p->has_endpoint && strcmp(owner, endpoint) != 0)
            return TSR_COAP_BAD_REQUEST; /* Transport 5.2.6, Transport 5.5.5 */
        memcpy(endpoint, owner, sizeof owner);
        *why = "this endpoint must use OSCORE in its session";
        return peer->context || !credential_needs_of(d, owner).required ? 0 : TSR_COAP_UNAUTHORIZED;
    }
    *why = "ep is missing";
    if (!p->has_endpoint)
        return TSR_COAP_BAD_REQUEST;

    credential_needs needs = credential_needs_of(d, endpoint);

    *why = "this endpoint must use OSCORE";
    if (needs.oscore[0])
        return TSR_COAP_UNAUTHORIZED;
    *why = "this endpoint has a credential and must use DTLS";
    if (needs.session)
        return TSR_COAP_FORBIDDEN;
    *why = "this server wants DTLS"; /* Transport 5.1, Transport 5.3 */
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
    if (register_supersede(d, dev))
        added = desk_add(d, dev);
    pthread_mutex_unlock(claim);
    if (added != TSR_OK) {
        register_answer(d, j->ticket, TSR_COAP_UNAVAILABLE, "this endpoint registered once more", NULL);
        device_free(dev);
        return;
    }
    (void)snprintf(location, sizeof location, "/rd/%s", dev->id);
    register_answer(d, j->ticket, TSR_COAP_CREATED, NULL, location);
    register_start_lifetime(dev);
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
        register_answer_store_failed(j->desk, j->ticket);
        device_free(j->device);
    }
    job_free(j);
}

uint8_t register_use_profile(desk *d, const char *endpoint, tsr_register_params *p, tsr_buf *room,
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
        code = register_use_profile(d, endpoint, &p, &whole, why);
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
        err = job_store(j, dev, dev->info);
        pthread_mutex_unlock(claim);
    }
    if (err == TSR_OK)
        return;
    if (code != 0)
        register_answer(d, event->id, code, why, NULL);
    else
        register_answer_store_failed(d, event->id);
    free(j);
    if (dev)
        device_free(dev);
}

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
        register_update(d, peer, event, JOB_UPDATE);
    else if (rd && msg->path_count == 2 && msg->code == TSR_COAP_DELETE)
        register_update(d, peer, event, JOB_DEREGISTER);
    else if (tsr_coap_msg_path_is(msg, 0, "/dp"))
        send_request_in(d, peer, event);
    else if (rd && msg->path_count <= 2)
        register_answer(d, event->id, TSR_COAP_METHOD_NOT_ALLOWED, NULL, NULL);
    else if (msg->code == TSR_COAP_GET && tsr_coap_msg_path_is(msg, 0, "/.well-known/core"))
        well_known(d, event);
    else
        register_answer(d, event->id, TSR_COAP_NOT_FOUND, NULL, NULL);
}
