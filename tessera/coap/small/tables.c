/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/both.h"
#include "tessera/coap/small/small.h"

/* ---- memory ---- */

enum { MOST = 255, MOST_SEEN = 0xffff, MOST_LOG = 1 << 24 }; /* all of it stays below 2^32 */

static bool in_range(const tsr_coap_config *f)
{
    return f->peers - 1 < MOST && f->exchanges - 1 < MOST && f->seen - 1 < MOST_SEEN &&
           f->exchange_len >= 64 && f->exchange_len >> 16 == 0 && f->log_len >= 256 &&
           f->log_len <= MOST_LOG && f->params.szx <= 6;
}

/* In the order of their alignment: exchanges, remembered messages, peers, then bytes. */
size_t tsr_coap_memory(const tsr_coap_config *config)
{
    if (!in_range(config))
        return 0;
    return (config->exchanges + 1) * sizeof(tsr_coap_slot) +
           config->exchanges * config->exchange_len + config->seen * sizeof(tsr_coap_seen) +
           config->peers * sizeof(tsr_coap_line) + config->log_len;
}

tsr_err tsr_coap_init_small(tsr_coap *c, const tsr_coap_config *config, void *memory,
                            size_t memory_len)
{
    tsr_err err = tsr_coap_begin(c, config, memory, memory_len);

    if (err != TSR_OK)
        return err;
    memset(memory, 0, memory_len);
    c->slots = memory;
    c->seen = (void *)(c->slots + config->exchanges + 1);
    c->lines = (void *)(c->seen + config->seen);
    c->slot_bytes = (uint8_t *)(c->lines + config->peers);
    c->log = c->slot_bytes + config->exchanges * config->exchange_len;
    c->done_first = TSR_NONE;
    for (uint32_t i = 0; i < config->peers; i++) /* RFC 7252 §4.4: an unpredictable start */
        c->lines[i].mid = (uint16_t)tsr_small_draw(c);
    return TSR_OK;
}

/* RFC 7252 §5.3.1: tokens nobody off the path can guess; §4.2: the random factor. */
uint64_t tsr_small_draw(tsr_coap *c)
{
    c->draws++;
    return tsr_hash(c->config.seed, tsr_view(&c->draws, sizeof c->draws));
}

/* ---- exchanges ---- */

tsr_coap_slot *tsr_small_slot_take(tsr_coap *c, tsr_coap_peer peer, slot_kind kind)
{
    tsr_coap_slot *s = c->slots;

    while (s->kind != SLOT_FREE) /* the spare one is never taken for long */
        s++;
    if (s == c->slots + c->config.exchanges && kind != SLOT_TICKET)
        return NULL;
    memset(s, 0, sizeof *s);
    s->generation = ++c->generation;
    s->peer = (uint8_t)peer;
    s->kind = (uint8_t)kind;
    return s;
}

void tsr_small_slot_id(const tsr_coap *c, const tsr_coap_slot *s, tsr_coap_id *id)
{
    if (id != NULL)
        *id = (uint64_t)s->generation << 32 | (uint32_t)(s - c->slots);
}

tsr_coap_slot *tsr_small_slot_of(const tsr_coap *c, tsr_coap_id id)
{
    tsr_coap_slot *s = &c->slots[(uint8_t)id];

    if ((uint32_t)id >= c->config.exchanges || s->kind == SLOT_FREE || s->state == SLOT_DONE ||
        s->generation != (uint32_t)(id >> 32))
        return NULL;
    return s;
}

uint8_t *tsr_small_slot_bytes(const tsr_coap *c, const tsr_coap_slot *s)
{
    return c->slot_bytes + (size_t)(s - c->slots) * c->config.exchange_len;
}

void tsr_small_slot_name(tsr_coap_slot *s, tsr_bytes token)
{
    s->token_len = (uint8_t)token.len;
    if (token.len != 0)
        memcpy(s->token, token.ptr, token.len);
}

/* ---- remembered messages: a ring, and the answers to them, which lie close together ---- */

__attribute__((noinline)) static bool seen_lives(const tsr_coap *c, const tsr_coap_seen *e)
{
    uint32_t life = (e->flags & SEEN_NON) != 0 ? c->config.params.non_lifetime_ms
                                               : c->config.params.exchange_lifetime_ms;

    return (uint32_t)(c->now_ms >> 10) - e->at <= life >> 10;
}

tsr_coap_seen *tsr_small_seen_find(const tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t out)
{
    for (tsr_coap_seen *e = c->seen, *end = e + c->config.seen; e != end; e++)
        if (e->mid == mid && e->peer == peer && seen_lives(c, e) &&
            (e->flags & (SEEN_USED | SEEN_OUT)) == (SEEN_USED | out))
            return e;
    return NULL;
}

void tsr_small_log_drop(tsr_coap *c, tsr_coap_seen *e)
{
    uint32_t from = e->u.place;

    if ((e->flags & SEEN_REPLY) == 0)
        return;
    c->stats.unsent += (e->flags & SEEN_SEND) != 0;
    e->flags &= (uint8_t)~(SEEN_REPLY | SEEN_SEND);
    c->log_head -= e->len;
    memmove(c->log + from, c->log + from + e->len, c->log_head - from);
    for (tsr_coap_seen *o = c->seen, *end = o + c->config.seen; o != end; o++)
        if ((o->flags & SEEN_REPLY) != 0 && o->u.place > from)
            o->u.place -= e->len;
}

bool tsr_small_log_shorten(tsr_coap *c)
{
    for (tsr_coap_seen *e = c->seen, *end = e + c->config.seen; e != end; e++) {
        if ((e->flags & SEEN_REPLY) == 0 || e->u.place != 0)
            continue;
        tsr_small_log_drop(c, e);
        return true;
    }
    return false;
}

tsr_coap_seen *tsr_small_seen_add(tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t flags)
{
    tsr_coap_seen *e = &c->seen[c->seen_at];

    c->seen_at = c->seen_at + 1 < c->config.seen ? c->seen_at + 1 : 0;
    c->stats.seen_early += (e->flags & SEEN_USED) != 0 && seen_lives(c, e);
    tsr_small_log_drop(c, e);
    *e = (tsr_coap_seen){ .at = (uint32_t)(c->now_ms >> 10),
                          .mid = mid,
                          .peer = (uint8_t)peer,
                          .flags = flags | SEEN_USED };
    return e;
}

tsr_coap_seen *tsr_small_reply(tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t flags)
{
    tsr_coap_seen *e = tsr_small_seen_find(c, peer, mid, 0);

    if (e == NULL)
        e = tsr_small_seen_add(c, peer, mid, 0);
    e->flags |= flags | SEEN_SEND;
    return e;
}
