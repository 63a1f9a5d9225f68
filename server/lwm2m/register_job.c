/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs of the registration interface: their rows, and their answers. */
#define _GNU_SOURCE
#include "server/lwm2m/register_in.h"

#include <stdlib.h>

void register_answer(desk *d, tsr_coap_id ticket, uint8_t code, const char *text,
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

void register_answer_store_failed(desk *d, tsr_coap_id ticket)
{
    register_answer(d, ticket, TSR_COAP_UNAVAILABLE, "the server cannot store this now; try again", NULL);
}

tsr_peer *job_peer(const job *j)
{
    tsr_peer *p = tsr_shard_peer(j->desk->shard, j->peer);

    return p->used && !p->dying && p->serial == j->peer_serial ? p : NULL;
}

job *job_new(desk *d, job_kind kind, const tsr_peer *peer, tsr_coap_id ticket, size_t extra)
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

void job_free(job *j)
{
    free(j->info);
    free(j);
}

void job_stored(void *arg, tsr_err err)
{
    job *j = arg;

    j->err = err;
    tsr_shard_post(j->desk->shard, &j->message);
}

tsr_err job_store(job *j, device *dev, const info *i)
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
    return tsr_store_put_registration(j->desk->server->store, &row, job_stored, j);
}

/* From now on the lifetime counts anew. Core 6.2.1: lifetime 0 never ends. */
void register_start_lifetime(device *dev)
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
