/* SPDX-License-Identifier: Apache-2.0
 *
 * A shard's peers: a table with a free list, an index by address, and two queues by silence (peers
 * that nobody needs, and sessions that could be parked). No operation walks the table. */
#define _GNU_SOURCE
#include "server/engine/connection.h"
#include "server/engine/shard_in.h"

#include <stdlib.h>

tsr_err peers_init(tsr_shard *s)
{
    uint32_t heads = 1024;

    s->peer_cap = s->config->peers ? s->config->peers : 65536;
    while (heads < s->peer_cap)
        heads *= 2;
    s->peers = calloc(s->peer_cap, sizeof *s->peers);
    s->heads = malloc(heads * sizeof *s->heads);
    s->dying = malloc(s->peer_cap * sizeof *s->dying);
    s->peer_free = TSR_NONE;
    for (int i = 0; i < LIST_COUNT; i++)
        s->lists[i] = (peer_list){ TSR_NONE, TSR_NONE };
    if (!s->peers || !s->heads || !s->dying)
        return TSR_E_SPACE;
    return tsr_index_init(&s->by_address, s->heads, heads);
}

void peers_free(tsr_shard *s)
{
    for (uint32_t i = 0; s->peers && i < s->peer_fresh; i++) {
        session_release(s, &s->peers[i]);
        free(s->peers[i].identity);
    }
    free(s->peers);
    free(s->heads);
    free(s->dying);
}

/* --- queues ----------------------------------------------------------------------------- */

static void list_take(tsr_shard *s, tsr_peer *p)
{
    peer_list *l = &s->lists[p->list];

    if (p->list == LIST_NONE)
        return;
    *(p->older != TSR_NONE ? &s->peers[p->older].newer : &l->oldest) = p->newer;
    *(p->newer != TSR_NONE ? &s->peers[p->newer].older : &l->newest) = p->older;
    p->list = LIST_NONE;
}

static void list_append(tsr_shard *s, tsr_peer *p, uint8_t list)
{
    peer_list *l = &s->lists[list];

    p->list = list;
    p->older = l->newest;
    p->newer = TSR_NONE;
    *(l->newest != TSR_NONE ? &s->peers[l->newest].newer : &l->oldest) = p->index;
    l->newest = p->index;
}

void peer_relist(tsr_shard *s, tsr_peer *p)
{
    list_take(s, p);
    if (p->dying)
        return;
    if (!p->user)
        list_append(s, p, p->secure && !p->connection ? LIST_UNUSED : LIST_PLAIN);
    else if (p->secure && p->dtls)
        list_append(s, p, LIST_AWAKE);
}

void peer_touch(tsr_shard *s, tsr_peer *p)
{
    p->seen_ms = s->now_ms;
    if (p->list != LIST_NONE && s->lists[p->list].newest != p->index)
        peer_relist(s, p);
}

/* --- by address ------------------------------------------------------------------------- */

static uint32_t *chain(tsr_shard *s, const tsr_address *address)
{
    return tsr_index_head(&s->by_address,
                          tsr_hash(s->hash_key, tsr_view(address, sizeof *address)));
}

void peer_link(tsr_shard *s, tsr_peer *p)
{
    uint32_t *head = chain(s, &p->address);

    p->next_at_address = *head;
    *head = p->index;
}

static void unlink_address(tsr_shard *s, tsr_peer *p)
{
    uint32_t *at = chain(s, &p->address);

    while (*at != TSR_NONE && *at != p->index)
        at = &s->peers[*at].next_at_address;
    if (*at != TSR_NONE)
        *at = p->next_at_address;
}

uint8_t peer_service_of(const tsr_shard *s, unsigned socket, bool secure)
{
    const tsr_engine_config *c = s->config;

    return secure ? socket + c->coaps_second >= c->coaps_count
                  : socket + c->coap_second >= c->coap_count;
}

static tsr_peer *same_address(tsr_shard *s, uint32_t i, const tsr_address *address,
                              uint8_t service)
{
    while (i != TSR_NONE && (s->peers[i].service != service ||
                             !tsr_address_same(&s->peers[i].address, address)))
        i = s->peers[i].next_at_address;
    return i == TSR_NONE ? NULL : &s->peers[i];
}

tsr_peer *peer_first_at(tsr_shard *s, const tsr_address *address, uint8_t service)
{
    return same_address(s, *chain(s, address), address, service);
}

tsr_peer *peer_next_at(tsr_shard *s, const tsr_peer *p)
{
    return same_address(s, p->next_at_address, &p->address, p->service);
}

tsr_peer *peer_find_plain(tsr_shard *s, const tsr_address *address, uint8_t service)
{
    tsr_peer *p = peer_first_at(s, address, service);

    while (p && (p->secure || p->dying))
        p = peer_next_at(s, p);
    return p;
}

void peer_move(tsr_shard *s, tsr_peer *p, const tsr_address *address, unsigned socket)
{
    unlink_address(s, p);
    p->address = *address;
    p->socket = (uint8_t)socket;
    peer_link(s, p);
}

/* --- coming and going ------------------------------------------------------------------- */

/* The longest silent peer that nobody needs makes room, but not one that spoke just now: then the
 * newcomer is dropped, or a flood of addresses would push out handshakes under way. */
static void make_room(tsr_shard *s)
{
    for (int list = LIST_PLAIN; list <= LIST_UNUSED; list++) {
        uint32_t i = s->lists[list].oldest;

        if (i != TSR_NONE && s->now_ms - s->peers[i].seen_ms > 2000)
            tsr_shard_close_peer(s, &s->peers[i]);
    }
}

/* A device whose address changed is a new peer here, maybe of another shard; to the device this is
 * still one endpoint, whose Message ID it may have seen. So the peers of all shards begin far from
 * one another: at multiples of 2^16 through the golden ratio. */
static uint16_t first_mid(tsr_shard *s)
{
    return atomic_fetch_add_explicit(&s->engine->mids, 40503, memory_order_relaxed);
}

static tsr_peer *claim(tsr_shard *s, uint32_t i)
{
    tsr_peer *p = &s->peers[i];

    *p = (tsr_peer){ .index = i,
                     .serial = ++s->serial,
                     .used = true,
                     .seen_ms = s->now_ms,
                     .older = TSR_NONE,
                     .newer = TSR_NONE,
                     .next_free = TSR_NONE,
                     .next_at_address = TSR_NONE };
    p->timer.id = TIMER_PEER;
    tsr_coap_mids_from(&s->coap, i, first_mid(s));
    atomic_fetch_add_explicit(&s->peers_used, 1, memory_order_relaxed);
    return p;
}

tsr_peer *peer_new(tsr_shard *s, const tsr_address *address, unsigned socket, bool secure)
{
    uint32_t i = s->peer_free;

    if (i != TSR_NONE) {
        s->peer_free = s->peers[i].next_free;
    } else if (s->peer_fresh < s->peer_cap) {
        i = s->peer_fresh++;
    } else {
        make_room(s);
        return NULL;
    }

    tsr_peer *p = claim(s, i);

    p->address = *address;
    p->socket = (uint8_t)socket;
    p->secure = secure;
    p->service = peer_service_of(s, socket, secure);
    peer_link(s, p);
    peer_relist(s, p);
    return p;
}

tsr_peer *peer_at(tsr_shard *s, uint32_t index)
{
    if (index >= s->peer_cap)
        return NULL;
    while (s->peer_fresh <= index) { /* at a start only: what lies between becomes free */
        uint32_t i = s->peer_fresh++;

        s->peers[i].next_free = s->peer_free;
        s->peer_free = i;
    }

    uint32_t *at = &s->peer_free;

    while (*at != TSR_NONE && *at != index)
        at = &s->peers[*at].next_free;
    if (*at == TSR_NONE)
        return NULL;
    *at = s->peers[index].next_free;
    return claim(s, index);
}

tsr_peer *tsr_shard_plain_peer(tsr_shard *s, const tsr_address *address, unsigned socket)
{
    tsr_peer *p = peer_find_plain(s, address, peer_service_of(s, socket, false));

    return p ? p : peer_new(s, address, socket, false);
}

tsr_err tsr_shard_identify(tsr_shard *s, tsr_peer *p, tsr_peer_security security,
                           const char *identity)
{
    char *copy = strdup(identity);

    (void)s;
    if (!copy)
        return TSR_E_SPACE;
    free(p->identity);
    p->identity = copy;
    p->security = security;
    return TSR_OK;
}

void tsr_shard_bind(tsr_shard *s, tsr_peer *p, void *user)
{
    p->user = user;
    peer_relist(s, p);
}

void tsr_shard_close_peer(tsr_shard *s, tsr_peer *p)
{
    if (p->dying || !p->used)
        return;
    p->dying = true;
    peer_relist(s, p);
    s->dying[s->dying_count++] = p->index;
}

static void drain(tsr_shard *s, uint32_t index)
{
    tsr_coap_event event;

    tsr_coap_peer_gone(&s->coap, index);
    while (tsr_coap_event_next(&s->coap, &event))
        s->hooks->coap(s->hooks->user, s, &s->peers[event.peer], &event);
}

void peers_reap(tsr_shard *s)
{
    while (s->dying_count) {
        tsr_peer *p = &s->peers[s->dying[--s->dying_count]];

        drain(s, p->index);
        if (p->user)
            s->hooks->gone(s->hooks->user, s, p);
        connection_release(s, p);
        session_release(s, p);
        unlink_address(s, p);
        free(p->identity);
        p->identity = NULL;
        p->user = NULL;
        p->used = false;
        p->next_free = s->peer_free;
        s->peer_free = p->index;
        atomic_fetch_sub_explicit(&s->peers_used, 1, memory_order_relaxed);
    }
}

static void close_idle(tsr_shard *s, int list, uint64_t limit_ms)
{
    for (;;) {
        uint32_t i = s->lists[list].oldest;

        if (i == TSR_NONE || s->now_ms - s->peers[i].seen_ms < limit_ms)
            return;
        tsr_shard_close_peer(s, &s->peers[i]);
    }
}

void peers_house(tsr_shard *s)
{
    uint32_t park_ms = s->config->park_ms ? s->config->park_ms : 60000;

    close_idle(s, LIST_PLAIN, IDLE_PLAIN_MS);
    close_idle(s, LIST_UNUSED, IDLE_SESSION_MS);
    for (int n = 0; n < 256; n++) { /* a bounded share of each turn */
        uint32_t i = s->lists[LIST_AWAKE].oldest;

        if (i == TSR_NONE || s->now_ms - s->peers[i].seen_ms < park_ms)
            break;
        session_park(s, &s->peers[i]);
    }
}
