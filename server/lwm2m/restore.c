/* SPDX-License-Identifier: Apache-2.0
 *
 * After a restart: registrations, their observations and the way to reach each device. Runs before
 * the shards do. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* A device whose Update was not journaled, or failed while the server was away, gets this long. */
#define GRACE_MS 120000

typedef struct {
    device *dev;
    tsr_address address;
    bool has_address;
} loaded;

typedef struct {
    tsr_server *server;
    loaded *rows;
    size_t count, cap;
    tsr_err err;
} loading;

/* --- registrations ---------------------------------------------------------------------- */

/* Lifetimes are journaled lazily: up to a quarter may have been added since (device_journal). */
static void restore_lifetime(device *dev, const tsr_store_registration *row)
{
    int64_t now = unix_now_ms(), slack = (int64_t)row->lifetime_s * 1000 / 4;
    uint64_t lifetime_ms = (uint64_t)row->lifetime_s * 1000;

    dev->registered_ms = row->registered_ms;
    dev->updated_ms = dev->seen_ms = row->updated_ms;
    dev->journaled_ms = row->expires_ms;
    if (lifetime_ms == 0) {
        dev->expires_at = UINT64_MAX;
        return;
    }
    dev->expires_ms = row->expires_ms + (slack < 10000 ? 10000 : slack);
    if (dev->expires_ms < now + GRACE_MS)
        dev->expires_ms = now + GRACE_MS;
    /* A clock that was set back must not keep devices for ever. */
    if (dev->expires_ms > now + (int64_t)lifetime_ms + GRACE_MS)
        dev->expires_ms = now + (int64_t)lifetime_ms + GRACE_MS;
}

static device *make_device(tsr_server *s, const tsr_store_registration *row)
{
    tsr_link_list links = { 0 };
    info i = { .endpoint = row->endpoint,
               .version = row->version,
               .binding = row->binding,
               .sms = row->sms,
               .identity = row->identity,
               .security = (tsr_server_security)row->security,
               .queue_mode = row->queue_mode,
               .lifetime_s = row->lifetime_s };
    info *made;
    device *dev;

    if (strlen(row->location) != ID_LEN || tsr_link_list_read(row->links, NULL, &links) != TSR_OK)
        return NULL;
    i.root = links.root;
    i.formats = links.formats;
    made = info_new(&i, row->links, &links);
    tsr_link_list_free(&links);
    dev = made ? device_new(&s->desks[0], made) : NULL;
    if (!dev) {
        free(made);
        return NULL;
    }
    memcpy(dev->id, row->location, ID_LEN);
    dev->sequence = atomic_fetch_add(&s->sequence, 1) + 1;
    restore_lifetime(dev, row);
    return dev;
}

static bool load_registration(void *arg, const tsr_store_registration *row)
{
    loading *l = arg;

    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 256;
        loaded *bigger = realloc(l->rows, cap * sizeof *bigger);

        if (!bigger) {
            l->err = TSR_E_SPACE;
            return false;
        }
        l->rows = bigger;
        l->cap = cap;
    }

    loaded *to = &l->rows[l->count];

    *to = (loaded){ 0 };
    to->dev = make_device(l->server, row);
    if (!to->dev) {
        server_log(l->server, TSR_LOG_WARNING,
                   "the stored registration of %s cannot be used: it "
                   "will register anew",
                   row->endpoint);
        return true;
    }
    to->has_address = tsr_address_parse(row->address, &to->address) == TSR_OK;
    to->dev->address = to->address;
    to->dev->journaled_address = to->address;
    l->count++;
    return true;
}

/* --- the way to each -------------------------------------------------------------------- */

static int by_identity(const void *a, const void *b)
{
    const info *x = ((const loaded *)a)->dev->info, *y = ((const loaded *)b)->dev->info;

    if (x->security != y->security)
        return x->security < y->security ? -1 : 1;
    return strcmp(x->identity, y->identity);
}

/* A session that was stored: its device lives on that session's shard. Several devices of one
 * identity do not exist; several sessions may, and the one at the last known address is taken. */
static void take_session(void *arg, tsr_shard *shard, tsr_peer *peer)
{
    loading *l = arg;
    info key = { .security = (tsr_server_security)peer->security,
                 .identity = peer->identity ? peer->identity : "" };
    device probe = { .info = &key };
    loaded wanted = { .dev = &probe };
    loaded *found =
        l->count ? bsearch(&wanted, l->rows, l->count, sizeof wanted, by_identity) : NULL;

    if (!found)
        return;
    if (found->dev->peer && !tsr_address_same(&found->address, &peer->address))
        return;
    found->dev->desk = &l->server->desks[tsr_shard_index(shard)];
    found->dev->peer = peer;
}

static void place(tsr_server *s, loaded *row)
{
    device *dev = row->dev;
    tsr_peer *peer = dev->peer;

    if (!peer) {
        tsr_shard *shard = tsr_engine_shard_of(s->engine, &row->address);

        dev->desk = &s->desks[tsr_shard_index(shard)];
        if ((dev->info->security == TSR_SERVER_NOSEC ||
             dev->info->security == TSR_SERVER_OSCORE) &&
            row->has_address && !row->address.stream)
            peer = tsr_shard_plain_peer(shard, &row->address, 0);
        if (peer && dev->info->security == TSR_SERVER_OSCORE &&
            oscore_bind(dev->desk, peer, dev->info->identity) != TSR_OK)
            peer = NULL;
    }
    if (peer && peer->secure) { /* what it must use, it uses from its first message on */
        credential_needs needs = credential_needs_of(dev->desk, dev->info->endpoint);

        if (needs.required)
            (void)oscore_bind(dev->desk, peer, needs.oscore);
    }
    dev->peer = NULL;
    if (dev->expires_at != UINT64_MAX)
        dev->expires_at =
            tsr_shard_now(dev->desk->shard) + (uint64_t)(dev->expires_ms - unix_now_ms());
    if (desk_add(dev->desk, dev) != TSR_OK) {
        device_free(dev);
        return;
    }
    if (peer)
        device_bind(dev, peer);
    device_arm_expiry(dev);
    dev->online = peer && !dev->info->queue_mode;
}

/* --- observations ----------------------------------------------------------------------- */

static bool load_observation(void *arg, const tsr_store_observation *row)
{
    loading *l = arg;
    desk *d = server_desk_of(l->server, row->endpoint);
    tsr_lwm2m_path path, *paths;
    size_t count;
    device *dev;
    observation *o;

    if (!d || row->token.len == 0 || row->token.len > TSR_COAP_TOKEN_MAX ||
        observation_parse(row->path, &path, &paths, &count) != TSR_OK)
        return true;
    dev = desk_by_endpoint(d, row->endpoint);
    o = observation_add(dev, path, paths, count, row->params);
    free(paths);
    if (!o)
        return true;
    memcpy(o->token, row->token.ptr, row->token.len);
    o->token_len = (uint8_t)row->token.len;
    o->format = row->format;
    o->since_ms = row->since_ms;
    o->active = dev->info->security != TSR_SERVER_OSCORE && !dev->address.stream; /* else asked for
                                                                                     anew */
    dev->lost = dev->lost || dev->address.stream;
    return true;
}

static void adopt_all(tsr_server *s)
{
    for (unsigned i = 0; i < s->count; i++)
        for (device *dev = s->desks[i].first[0]; dev; dev = dev->forward[0])
            observations_adopt(dev);
}

tsr_err server_restore(tsr_server *s)
{
    loading l = { .server = s };
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return err;
    err = queue_restore(s, reader);
    if (err == TSR_OK)
        err = tsr_store_registrations(reader, load_registration, &l);
    if (err == TSR_OK)
        err = l.err;
    if (err == TSR_OK && l.count)
        qsort(l.rows, l.count, sizeof *l.rows, by_identity);
    if (err == TSR_OK)
        tsr_engine_each_session(s->engine, take_session, &l);
    for (size_t i = 0; i < l.count; i++) {
        if (err == TSR_OK)
            place(s, &l.rows[i]);
        else
            device_free(l.rows[i].dev);
    }
    free(l.rows);
    if (err == TSR_OK)
        err = tsr_store_observations(reader, NULL, load_observation, &l);
    reader_give(s, slot);
    if (err == TSR_OK)
        adopt_all(s);
    return err;
}
