/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/stream_in.h"

/* ---- memory ---- */

/* Where each table begins; the last one is the size of all. */
typedef struct {
    size_t bodies, watches, heap, slot_bytes, body_bytes, watch_bytes, in, out, all;
} layout;

static size_t aligned(size_t n) { return (n + 7u) & ~(size_t)7; }

static bool in_range(const tsr_coap_stream_config *k)
{
    return k->exchanges >= 1 && k->exchanges <= UINT16_MAX && k->exchange_len >= 64 &&
           k->exchange_len <= UINT16_MAX && k->bodies <= UINT16_MAX &&
           (k->bodies == 0 || (k->body_len >= 16 && k->body_len <= INT32_MAX)) &&
           k->message_len >= 64 && k->message_len <= INT32_MAX && k->out_len <= INT32_MAX &&
           k->out_len >= k->exchange_len + 192u && k->watches <= UINT16_MAX &&
           k->watch_len <= UINT16_MAX;
}

/* Adds `count` entries of `size` bytes to *at; where they begin. Sizes are below 2^33 each, which
 * is summed in 64 bits and refused when a size_t cannot hold it. */
static uint64_t add(uint64_t *at, uint64_t count, uint64_t size)
{
    uint64_t begin = *at;

    *at = (begin + count * size + 7u) & ~(uint64_t)7;
    return begin;
}

static bool lay_out(const tsr_coap_stream_config *k, layout *l)
{
    uint64_t at = aligned(k->exchanges * sizeof(tsr_coap_stream_slot));

    if (!in_range(k))
        return false;
    l->bodies = (size_t)add(&at, k->bodies, sizeof(tsr_coap_stream_body));
    l->watches = (size_t)add(&at, k->watches, sizeof(tsr_coap_stream_watch));
    l->heap = (size_t)add(&at, k->exchanges + k->bodies + 2u, sizeof(tsr_timer *));
    l->slot_bytes = (size_t)add(&at, k->exchanges, k->exchange_len);
    l->body_bytes = (size_t)add(&at, k->bodies, k->body_len);
    l->watch_bytes = (size_t)add(&at, k->watches, k->watch_len);
    l->in = (size_t)add(&at, 1, (uint64_t)k->message_len + TSR_COAP_FRAME_SPARE);
    l->out = (size_t)add(&at, 1, k->out_len);
    l->all = (size_t)at;
    return at <= SIZE_MAX / 2;
}

size_t tsr_coap_stream_memory(const tsr_coap_stream_config *config)
{
    layout l;

    return lay_out(config, &l) ? l.all : 0;
}

static void place(tsr_coap_stream *c, uint8_t *memory, const layout *l)
{
    c->slots = (void *)memory;
    c->bodies = (void *)(memory + l->bodies);
    c->watches = (void *)(memory + l->watches);
    c->slot_bytes = memory + l->slot_bytes;
    c->body_bytes = memory + l->body_bytes;
    c->watch_bytes = memory + l->watch_bytes;
    c->in = memory + l->in;
    c->out = memory + l->out;
    tsr_timers_init(&c->timers, (void *)(memory + l->heap),
                    c->config.exchanges + c->config.bodies + 2u);
}

static void or_default(uint32_t *v, uint32_t otherwise)
{
    if (*v == 0)
        *v = otherwise;
}

tsr_err tsr_coap_stream_init_device(tsr_coap_stream *c, const tsr_coap_stream_config *config,
                                    void *memory, size_t memory_len)
{
    layout l;

    if (!lay_out(config, &l) || (uintptr_t)memory % 8 != 0)
        return TSR_E_ARGUMENT;
    if (memory_len < l.all)
        return TSR_E_SPACE;
    memset(c, 0, sizeof *c);
    memset(memory, 0, l.slot_bytes);
    c->config = *config;
    or_default(&c->config.response_wait_ms, 247000);
    or_default(&c->config.body_ms, 247000);
    or_default(&c->config.csm_ms, 30000);
    or_default(&c->config.stall_ms, 120000);
    place(c, memory, &l);
    c->free_slot = c->wait_first = c->wait_last = c->done_first = c->done_last = TSR_NONE;
    c->event_body = c->lent_body = TSR_NONE;
    for (uint32_t i = config->exchanges; i-- > 0; c->free_slot = i) {
        c->slots[i].timer.id = i;
        c->slots[i].next = c->free_slot;
    }
    for (uint32_t i = 0; i < config->bodies; i++)
        c->bodies[i].timer.id = config->exchanges + i;
    c->csm_timer.id = config->exchanges + config->bodies;
    c->stall_timer.id = c->csm_timer.id + 1;
    return TSR_OK;
}

/* ---- slots ---- */

tsr_coap_stream_slot *tsr_coap_st_take(tsr_coap_stream *c, stream_kind kind)
{
    if (c->free_slot == TSR_NONE)
        return NULL;

    tsr_coap_stream_slot *s = &c->slots[c->free_slot];
    tsr_timer timer = s->timer;

    c->free_slot = s->next;
    memset(s, 0, sizeof *s);
    s->timer = timer;
    s->kind = (uint8_t)kind;
    s->generation = ++c->generation;
    s->next = s->body = s->watch = TSR_NONE;
    return s;
}

/* Takes a slot out of everything but the list of free ones. */
static void loosen(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    tsr_timer_stop(&c->timers, &s->timer);
    tsr_coap_st_unwait(c, s);
    if (s->kind == STREAM_NOTICE && (s->flags & S_SENT) != 0)
        c->notices--;
    if (s->body == TSR_NONE)
        return;
    if ((s->flags & S_LENT) != 0)
        c->bodies[s->body].lent--;
    else
        tsr_coap_st_body_free(c, s->body);
    s->body = TSR_NONE;
}

void tsr_coap_st_free(tsr_coap_stream *c, tsr_coap_stream_slot *s)
{
    loosen(c, s);
    s->kind = STREAM_FREE;
    s->next = c->free_slot;
    c->free_slot = s->timer.id;
}

tsr_coap_stream_slot *tsr_coap_st_of(tsr_coap_stream *c, tsr_coap_id id)
{
    uint32_t i = (uint32_t)id;

    if (i >= c->config.exchanges || c->slots[i].kind == STREAM_FREE ||
        c->slots[i].kind == STREAM_DONE || c->slots[i].generation != id >> 32)
        return NULL;
    return &c->slots[i];
}

/* The next slot of a kind; after NULL the first. */
tsr_coap_stream_slot *tsr_coap_st_after(tsr_coap_stream *c, const tsr_coap_stream_slot *s,
                                        stream_kind kind)
{
    for (uint32_t i = s == NULL ? 0 : s->timer.id + 1; i < c->config.exchanges; i++)
        if (c->slots[i].kind == kind)
            return &c->slots[i];
    return NULL;
}

void tsr_coap_st_finish(tsr_coap_stream *c, tsr_coap_stream_slot *s, tsr_coap_event_kind kind,
                        tsr_err err)
{
    uint32_t watch = (s->flags & S_REST) == 0 ? s->watch : TSR_NONE;

    loosen(c, s);
    s->kind = STREAM_DONE;
    if (watch != TSR_NONE) { /* the observation was not made */
        s->watch = TSR_NONE;
        c->observing->drop(c, watch);
    }
    s->code = (uint8_t)kind;
    s->err = (int8_t)err;
    s->next = TSR_NONE;
    if (c->done_first == TSR_NONE)
        c->done_first = s->timer.id;
    else
        c->slots[c->done_last].next = s->timer.id;
    c->done_last = s->timer.id;
}

uint8_t *tsr_coap_st_bytes(const tsr_coap_stream *c, const tsr_coap_stream_slot *s)
{
    return c->slot_bytes + (size_t)s->timer.id * c->config.exchange_len;
}

tsr_err tsr_coap_st_append(const tsr_coap_stream *c, const tsr_coap_stream_slot *s, tsr_bytes part)
{
    size_t used = (size_t)s->options_len + s->payload_len + s->echo_len;

    if (part.len > c->config.exchange_len - used)
        return TSR_E_SPACE;
    if (part.len != 0)
        memmove(tsr_coap_st_bytes(c, s) + used, part.ptr, part.len);
    return TSR_OK;
}

void tsr_coap_st_wake(tsr_coap_stream *c, tsr_timer *timer, uint32_t after_ms)
{
    (void)tsr_timer_set(&c->timers, timer, c->now_ms + after_ms); /* the heap has room for all */
}

/* ---- bodies ---- */

void tsr_coap_st_body_free(tsr_coap_stream *c, uint32_t body)
{
    tsr_coap_stream_body *b = &c->bodies[body];

    tsr_timer_stop(&c->timers, &b->timer);
    if (b->kind != STREAM_BODY_OUT) /* what came in may have been a key */
        tsr_wipe(c->body_bytes + (size_t)body * c->config.body_len, b->len);
    b->kind = STREAM_BODY_FREE;
}

/* Whether `b` may go for one of `kind`: what is offered to the peer is only a convenience for it; the half
 * of a body makes room for another that comes in, and its later blocks get 4.08. RFC 9175 §3.3 */
static bool may_go(const tsr_coap_stream_body *b, stream_body_kind kind)
{
    return (b->kind == STREAM_BODY_OUT && b->lent == 0) ||
           (b->kind == STREAM_BODY_IN && kind == STREAM_BODY_IN);
}

/* A free one; or that of those which may go that was not touched for the longest. */
uint32_t tsr_coap_st_body_take(tsr_coap_stream *c, stream_body_kind kind)
{
    uint32_t found = TSR_NONE;

    for (uint32_t n = 0; n < c->config.bodies; n++) {
        uint32_t i = (c->body_hand + n) % c->config.bodies;
        const tsr_coap_stream_body *b = &c->bodies[i];

        if (b->kind == STREAM_BODY_FREE) {
            found = i;
            break;
        }
        if (may_go(b, kind) &&
            (found == TSR_NONE || b->timer.due_ms < c->bodies[found].timer.due_ms))
            found = i;
    }
    if (found == TSR_NONE)
        return TSR_NONE;
    if (c->bodies[found].kind != STREAM_BODY_FREE)
        tsr_coap_st_body_free(c, found);

    tsr_timer timer = c->bodies[found].timer;

    c->body_hand = found + 1;
    c->bodies[found] = (tsr_coap_stream_body){ .timer = timer, .kind = (uint8_t)kind };
    return found;
}

uint32_t tsr_coap_st_body_find(const tsr_coap_stream *c, stream_body_kind kind, uint32_t key)
{
    for (uint32_t i = 0; i < c->config.bodies; i++)
        if (c->bodies[i].kind == kind && c->bodies[i].key >> 3 == key >> 3)
            return i;
    return TSR_NONE;
}

tsr_bytes tsr_coap_st_body_view(const tsr_coap_stream *c, uint32_t body)
{
    return tsr_view(c->body_bytes + (size_t)body * c->config.body_len, c->bodies[body].len);
}

tsr_err tsr_coap_st_body_append(tsr_coap_stream *c, uint32_t body, tsr_bytes part)
{
    tsr_coap_stream_body *b = &c->bodies[body];

    if (part.len > c->config.body_len - b->len)
        return TSR_E_SPACE;
    if (part.len != 0)
        memmove(c->body_bytes + (size_t)body * c->config.body_len + b->len, part.ptr, part.len);
    b->len += (uint32_t)part.len;
    return TSR_OK;
}
