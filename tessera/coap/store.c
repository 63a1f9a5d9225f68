/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/both.h"
#include "tessera/coap/engine_in.h"

uint32_t tsr_coap_power_of_two(uint32_t n)
{
    uint32_t p = 1;

    while (p < n)
        p <<= 1;
    return p;
}

static bool in_range(const tsr_coap_config *f)
{
    const uint32_t most = 1u << 24,
                   counts = f->peers | f->exchanges | f->bodies | f->seen | f->watches;

    return f->peers != 0 && f->exchanges != 0 && f->seen != 0 && counts < most &&
           f->exchange_len >= 64 && f->log_len >= 256 && ((f->log_len | f->body_len) >> 31) == 0 &&
           ((f->exchange_len | f->watch_len) >> 16) == 0 && f->params.szx <= 6;
}

/* What an engine's memory is made of, the tables first. */
enum {
    LINES, SLOTS, BODIES, SEEN, HEAP, SEEN_INDEX,
    TABLES, /* how many */
    SLOT_BYTES = TABLES, BODY_BYTES, WATCHES, LOG,
    AREAS
};

static const size_t TOO_MUCH = SIZE_MAX / 2 & ~(size_t)7; /* whole units of eight, as areas are */

/* Lays the areas out from `memory`, or from nowhere to learn their size, which it returns. */
static size_t lay_out(tsr_coap *c, const tsr_coap_config *f, uint8_t *memory)
{
    const uint32_t counts[AREAS] = { f->peers, f->exchanges, f->bodies, f->seen,
                                     f->exchanges + f->bodies, tsr_coap_power_of_two(f->seen),
                                     f->exchanges, f->bodies, f->watches, 1 };
    const size_t sizes[AREAS] = { sizeof(tsr_coap_line), sizeof(tsr_coap_slot),
                                  sizeof(tsr_coap_body), sizeof(tsr_coap_seen), sizeof(void *),
                                  sizeof(uint32_t), f->exchange_len, f->body_len,
                                  TSR_COAP_WATCH_SPACE + f->watch_len, f->log_len };
    uint8_t *area[AREAS];
    size_t at = 0;

    for (unsigned i = 0; i < AREAS; i++) {
        area[i] = memory != NULL ? memory + at : NULL;
        if (sizes[i] != 0 && counts[i] > (TOO_MUCH - at) / sizes[i])
            return TOO_MUCH;
        at += (counts[i] * sizes[i] + 7u) & ~(size_t)7u;
    }
    if (memory == NULL)
        return at;
    memset(memory, 0, (size_t)(area[TABLES] - memory));
    c->lines = (void *)area[LINES];
    c->slots = (void *)area[SLOTS];
    c->bodies = (void *)area[BODIES];
    c->seen = (void *)area[SEEN];
    c->watches = (void *)area[WATCHES];
    tsr_timers_init(&c->timers, (void *)area[HEAP], f->exchanges + f->bodies);
    (void)tsr_index_init(&c->seen_index, (void *)area[SEEN_INDEX], counts[SEEN_INDEX]);
    c->slot_bytes = area[SLOT_BYTES];
    c->body_bytes = area[BODY_BYTES];
    c->log = area[LOG];
    return at;
}

size_t tsr_coap_memory(const tsr_coap_config *config)
{
    size_t len = in_range(config) ? lay_out(NULL, config, NULL) : TOO_MUCH;

    return len == TOO_MUCH ? 0 : len;
}

tsr_err tsr_coap_init_small(tsr_coap *c, const tsr_coap_config *config, void *memory,
                            size_t memory_len)
{
    tsr_err err = tsr_coap_begin(c, config, memory, memory_len);

    if (err != TSR_OK)
        return err;
    /* the odd constant, 2^64 through the golden ratio, is for seeds that are small numbers */
    c->mix = (config->seed ^ UINT64_C(0x9e3779b97f4a7c15)) | 1u;
    (void)lay_out(c, config, memory);
    for (uint32_t i = 0; i < config->peers; i++)
        c->lines[i].slots = c->lines[i].bodies = c->lines[i].watches = TSR_NONE;
    c->free_slot = c->free_body = c->free_watch = TSR_NONE;
    for (uint32_t i = config->exchanges; i-- > 0; c->free_slot = i) {
        c->slots[i].timer.id = i;
        c->slots[i].next = c->free_slot;
    }
    for (uint32_t i = config->bodies; i-- > 0; c->free_body = i) {
        c->bodies[i].timer.id = config->exchanges + i;
        c->bodies[i].next = c->free_body;
    }
    c->done_first = c->done_last = c->event_body = c->lent_body = TSR_NONE;
    return TSR_OK;
}

/* RFC 7252 §5.3.1: tokens nobody off the path can guess; §4.2: the random factor. */
uint64_t tsr_coap_draw(tsr_coap *c) { return tsr_hash_u64(c->config.seed, ++c->draws); }

/* Multiply-shift under a secret odd factor: no set of inputs chosen outside fills one chain. */
uint32_t tsr_coap_mix(const tsr_coap *c, uint64_t x)
{
    return (uint32_t)((x * c->mix) >> 40);
}

/* RFC 7252 §4.4: Message IDs count up per peer from an unpredictable start. */
uint16_t tsr_coap_next_mid(tsr_coap *c, tsr_coap_peer peer)
{
    tsr_coap_line *line = &c->lines[peer];

    if (!line->known) {
        line->known = true;
        line->mid = (uint16_t)tsr_coap_draw(c);
    }
    return line->mid++;
}

void tsr_coap_mids_from(tsr_coap *c, tsr_coap_peer peer, uint16_t first)
{
    if (peer >= c->config.peers)
        return;
    c->lines[peer].known = true;
    c->lines[peer].mid = first;
}

/* ---- slots: a circular list per peer, oldest first ---- */

tsr_coap_slot *tsr_coap_slot_take(tsr_coap *c, tsr_coap_peer peer, slot_kind kind)
{
    tsr_coap_line *line = &c->lines[peer];
    uint32_t i = c->free_slot;

    if (i == TSR_NONE)
        return NULL;

    tsr_coap_slot *s = &c->slots[i];

    c->free_slot = s->next;
    memset(s, 0, sizeof *s);
    s->timer.id = i;
    s->generation = ++c->generation;
    s->peer = peer;
    s->kind = (uint8_t)kind;
    s->body = s->watch = TSR_NONE;
    if (line->slots == TSR_NONE) {
        line->slots = s->next = s->prev = i;
        return s;
    }

    tsr_coap_slot *first = &c->slots[line->slots];

    s->next = line->slots;
    s->prev = first->prev;
    c->slots[first->prev].next = i;
    first->prev = i;
    return s;
}

tsr_coap_slot *tsr_coap_slot_after(const tsr_coap *c, tsr_coap_peer peer, const tsr_coap_slot *s)
{
    uint32_t first = c->lines[peer].slots, i = s == NULL ? first : s->next;

    return i == TSR_NONE || (s != NULL && i == first) ? NULL : &c->slots[i];
}

void tsr_coap_slot_unlink(tsr_coap *c, tsr_coap_slot *s)
{
    tsr_coap_line *line = &c->lines[s->peer];
    uint32_t i = s->timer.id;

    tsr_timer_stop(&c->timers, &s->timer);
    if (s->body != TSR_NONE)
        c->blocks->free(c, s->body);
    s->body = TSR_NONE;
    if (s->next == i) {
        line->slots = TSR_NONE;
        return;
    }
    c->slots[s->next].prev = s->prev;
    c->slots[s->prev].next = s->next;
    if (line->slots == i)
        line->slots = s->next;
}

void tsr_coap_slot_free(tsr_coap *c, tsr_coap_slot *s)
{
    if (s->state != SLOT_DONE)
        tsr_coap_slot_unlink(c, s);
    s->kind = SLOT_FREE;
    s->next = c->free_slot;
    c->free_slot = s->timer.id;
}

tsr_coap_slot *tsr_coap_slot_of(tsr_coap *c, tsr_coap_id id)
{
    uint32_t i = (uint32_t)id;

    if (i >= c->config.exchanges)
        return NULL;

    tsr_coap_slot *s = &c->slots[i];

    if (s->kind == SLOT_FREE || s->state == SLOT_DONE || s->generation != (uint32_t)(id >> 32))
        return NULL;
    return s;
}

uint8_t *tsr_coap_slot_bytes(const tsr_coap *c, const tsr_coap_slot *s)
{
    return c->slot_bytes + (size_t)s->timer.id * c->config.exchange_len;
}

uint8_t *tsr_coap_body_bytes(const tsr_coap *c, uint32_t i)
{
    return c->body_bytes + (size_t)i * c->config.body_len;
}

/* ---- remembered messages: a ring, found by hash ---- */

static uint32_t *seen_head(const tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t out)
{
    uint64_t x = (uint64_t)peer << 17 | (uint64_t)(out != 0) << 16 | mid;

    return tsr_index_head(&c->seen_index, tsr_coap_mix(c, x));
}

static bool seen_lives(const tsr_coap *c, const tsr_coap_seen *e)
{
    uint32_t age = (uint32_t)(c->now_ms >> 10) - e->at;
    uint32_t life = (e->flags & SEEN_NON) != 0 ? c->config.params.non_lifetime_ms
                                               : c->config.params.exchange_lifetime_ms;

    return age <= life >> 10;
}

uint32_t tsr_coap_seen_find(const tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t out)
{
    for (uint32_t i = *seen_head(c, peer, mid, out); i != TSR_NONE; i = c->seen[i].next) {
        const tsr_coap_seen *e = &c->seen[i];

        if (e->peer == peer && e->mid == mid && (e->flags & SEEN_OUT) == out &&
            e->epoch == c->lines[peer].epoch)
            return seen_lives(c, e) ? i : TSR_NONE;
    }
    return TSR_NONE;
}

static void seen_forget(tsr_coap *c, uint32_t i)
{
    tsr_coap_seen *e = &c->seen[i];
    uint32_t *link = seen_head(c, e->peer, e->mid, e->flags & SEEN_OUT);

    if (seen_lives(c, e) && e->epoch == c->lines[e->peer].epoch)
        c->stats.seen_early++;
    while (*link != i)
        link = &c->seen[*link].next;
    *link = e->next;
}

uint32_t tsr_coap_seen_add(tsr_coap *c, tsr_coap_peer peer, uint16_t mid, uint8_t flags)
{
    uint32_t i = c->seen_at;
    tsr_coap_seen *e = &c->seen[i];

    c->seen_at = i + 1 < c->config.seen ? i + 1 : 0;
    if ((e->flags & SEEN_USED) != 0)
        seen_forget(c, i);

    uint32_t *head = seen_head(c, peer, mid, flags & SEEN_OUT);

    e->peer = peer;
    e->mid = mid;
    e->epoch = c->lines[peer].epoch;
    e->flags = flags | SEEN_USED;
    e->at = (uint32_t)(c->now_ms >> 10);
    e->next = *head;
    *head = i;
    return i;
}

uint32_t tsr_coap_seen_of(const tsr_coap *c, const tsr_coap_slot *ticket)
{
    const tsr_coap_seen *e = &c->seen[ticket->u.seen];
    bool same = e->peer == ticket->peer && e->mid == ticket->mid && (e->flags & SEEN_OUT) == 0;

    return same ? ticket->u.seen : TSR_NONE;
}

/* The log: records of a head (peer, length, epoch) and a datagram, never across its end */

enum { HEAD = 8 };

static size_t record_len(const tsr_coap *c, uint32_t at)
{
    uint16_t len;

    memcpy(&len, c->log + at + 4, sizeof len);
    return HEAD + len;
}

static void skip_sent(tsr_coap *c) { c->log_sent += (uint32_t)record_len(c, c->log_sent); }

bool tsr_coap_log_waits(const tsr_coap *c)
{
    return c->log_sent_lap != c->log_lap || c->log_sent != c->log_head;
}

/* The reader follows the writer into its lap. */
static void turn_sent(tsr_coap *c)
{
    if (c->log_sent_lap != c->log_lap && c->log_sent >= c->log_end) {
        c->log_sent = 0;
        c->log_sent_lap = c->log_lap;
    }
}

/* Drops what is not sent yet and starts before `end`: it will be overwritten. */
static void overtake(tsr_coap *c, size_t end)
{
    turn_sent(c);
    while (c->log_sent_lap != c->log_lap && c->log_sent < end) {
        c->stats.unsent++;
        skip_sent(c);
        turn_sent(c);
    }
}

tsr_err tsr_coap_log_begin(tsr_coap *c, size_t most, tsr_buf *out)
{
    if (most > UINT16_MAX || most + HEAD > c->config.log_len)
        return TSR_E_SPACE;
    if (most + HEAD > c->config.log_len - c->log_head) {
        overtake(c, c->config.log_len); /* what the lap before last left */
        c->log_end = c->log_head;
        c->log_head = 0;
        c->log_lap++;
    }
    overtake(c, c->log_head + HEAD + most);
    *out = tsr_buf_over(c->log + c->log_head + HEAD, most);
    return TSR_OK;
}

void tsr_coap_log_commit(tsr_coap *c, tsr_coap_peer peer, const tsr_buf *out, uint32_t seen)
{
    uint8_t *at = c->log + c->log_head;
    uint16_t len = (uint16_t)out->len;

    memcpy(at, &peer, 4);
    memcpy(at + 4, &len, 2);
    memcpy(at + 6, &c->lines[peer].epoch, 2);
    if (seen != TSR_NONE) {
        c->seen[seen].flags |= SEEN_REPLY;
        c->seen[seen].u.reply.place = c->log_head;
        c->seen[seen].u.reply.lap = c->log_lap;
    }
    c->log_head += HEAD + len;
}

void tsr_coap_log_bare(tsr_coap *c, tsr_coap_peer peer, uint8_t type, uint16_t mid)
{
    tsr_buf out;

    if (tsr_coap_log_begin(c, 4, &out) != TSR_OK)
        return;
    tsr_coap_put_header(&out, type, TSR_COAP_EMPTY, mid, tsr_view(NULL, 0));
    tsr_coap_log_commit(c, peer, &out, TSR_NONE);
    if (type == TSR_COAP_RST)
        c->stats.rejected++;
}

void tsr_coap_log_replay(tsr_coap *c, uint32_t seen)
{
    const tsr_coap_seen *e = &c->seen[seen];
    uint32_t from = e->u.reply.place, lap = e->u.reply.lap;
    bool kept = lap == c->log_lap || (lap + 1 == c->log_lap && from >= c->log_head);
    tsr_buf out;

    if (!kept)
        return;

    size_t len = record_len(c, from) - HEAD;

    if (tsr_coap_log_begin(c, len, &out) != TSR_OK)
        return;
    /* they may overlap; then the old one is gone after this */
    memmove(out.ptr, c->log + from + HEAD, len);
    out.len = len;
    tsr_coap_log_commit(c, e->peer, &out, seen);
}

tsr_err tsr_coap_log_next(tsr_coap *c, tsr_coap_peer *peer, tsr_buf *datagram)
{
    for (;;) {
        turn_sent(c);
        if (!tsr_coap_log_waits(c))
            return TSR_END;

        const uint8_t *at = c->log + c->log_sent;
        size_t len = record_len(c, c->log_sent);
        uint16_t epoch;

        memcpy(peer, at, 4);
        memcpy(&epoch, at + 6, 2);
        skip_sent(c);
        if (epoch != c->lines[*peer].epoch)
            continue;
        tsr_put_bytes(datagram, tsr_view(at + HEAD, len - HEAD));
        return datagram->err;
    }
}
