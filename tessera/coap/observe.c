/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/engine_in.h"

/* ---- the table of what we observe ---- */

static uint32_t *watch_head(const tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    uint64_t x = 0;

    for (size_t i = 0; i < token.len; i++)
        x = x << 8 | token.ptr[i];
    return tsr_index_head(&c->watch_index,
                          tsr_hash_u64(c->config.seed, x ^ (uint64_t)peer << 32 ^ token.len));
}

static uint32_t watch_find(const tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    if (c->config.watches == 0)
        return TSR_NONE;

    uint32_t i = *watch_head(c, peer, token);

    while (i != TSR_NONE) {
        const tsr_coap_watch *w = &c->watches[i];

        if (w->peer == peer && tsr_same(token, tsr_view(w->token, w->token_len)))
            break;
        i = w->next;
    }
    return i;
}

static tsr_err watch_add(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token, uint64_t user,
                         uint32_t *i)
{
    tsr_coap_line *line = &c->lines[peer];
    uint32_t at = c->free_watch;

    if (at == TSR_NONE)
        return TSR_E_SPACE;

    tsr_coap_watch *w = &c->watches[at];
    uint32_t *head = watch_head(c, peer, token);

    c->free_watch = w->next;
    *w = (tsr_coap_watch){ .user = user,
                           .peer = peer,
                           .next = *head,
                           .line_next = line->watches,
                           .line_prev = TSR_NONE,
                           .token_len = (uint8_t)token.len };
    memcpy(w->token, token.ptr, token.len);
    *head = at;
    if (line->watches != TSR_NONE)
        c->watches[line->watches].line_prev = at;
    line->watches = at;
    if (c->guarding != NULL)
        c->guarding->watching(c, at);
    *i = at;
    return TSR_OK;
}

/* Calls off what still fetches the rest of an older notification. */
static void watch_settle(tsr_coap *c, uint32_t watch)
{
    for (tsr_coap_slot *s = NULL;
         (s = tsr_coap_slot_after(c, c->watches[watch].peer, s)) != NULL;) {
        if (s->watch != watch || (s->flags & F_REST) == 0)
            continue;
        tsr_coap_uncount(c, s);
        tsr_coap_slot_free(c, s);
        return; /* there is never a second one */
    }
}

/* The request that made this observation, when it is still open, goes on without. */
static void leave_request(tsr_coap *c, uint32_t watch)
{
    for (tsr_coap_slot *s = NULL; (s = tsr_coap_slot_after(c, c->watches[watch].peer, s)) != NULL;)
        if (s->watch == watch)
            s->watch = TSR_NONE;
}

static void watch_drop(tsr_coap *c, uint32_t i)
{
    tsr_coap_watch *w = &c->watches[i];
    uint32_t *link = watch_head(c, w->peer, tsr_view(w->token, w->token_len));

    watch_settle(c, i);
    leave_request(c, i);
    while (*link != i)
        link = &c->watches[*link].next;
    *link = w->next;
    if (w->line_prev != TSR_NONE)
        c->watches[w->line_prev].line_next = w->line_next;
    else
        c->lines[w->peer].watches = w->line_next;
    if (w->line_next != TSR_NONE)
        c->watches[w->line_next].line_prev = w->line_prev;
    w->next = c->free_watch;
    c->free_watch = i;
}

static uint8_t *watch_bytes(const tsr_coap *c, uint32_t i)
{
    return c->watch_bytes + (size_t)i * c->config.watch_len;
}

static void watch_keep(tsr_coap *c, uint32_t i, const tsr_coap_slot *s)
{
    tsr_coap_watch *w = &c->watches[i];
    size_t len = (size_t)s->options_len + s->payload_len;

    w->method = TSR_COAP_EMPTY;
    if (len > c->config.watch_len || (s->flags & F_UPLOAD) != 0)
        return;
    memcpy(watch_bytes(c, i), tsr_coap_slot_bytes(c, s), len);
    w->method = s->code;
    w->options_len = s->options_len;
    w->payload_len = s->payload_len;
}

/* ---- our requests ---- */

static tsr_err watch_for(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r)
{
    tsr_bytes token = tsr_coap_slot_token(s);
    uint32_t i = watch_find(c, s->peer, token);

    if (r->observe.value != 0) { /* RFC 7641 §3.6: cancelled; what still comes is rejected */
        if (i != TSR_NONE)
            watch_drop(c, i);
        return TSR_OK;
    }
    if (i == TSR_NONE && watch_add(c, s->peer, token, r->user, &i) != TSR_OK)
        return TSR_E_SPACE;
    c->watches[i].user = r->user;
    watch_keep(c, i, s);
    s->watch = i;
    return TSR_OK;
}

/* RFC 7641 §3.1: an Observe option in the response says yes. */
static void accepted(tsr_coap *c, tsr_coap_slot *s)
{
    tsr_coap_watch *w = &c->watches[s->watch];

    s->flags |= F_OBSERVED;
    w->started = true;
    w->sequence = c->msg.observe.value;
    w->last_ms = c->now_ms;
}

/* ---- notifications ---- */

/* RFC 7641 §3.4 */
static bool is_fresh(const tsr_coap *c, const tsr_coap_watch *w, uint32_t sequence)
{
    const uint32_t half = 1u << 23;

    if (!w->started || c->now_ms > w->last_ms + 128000u)
        return true;
    return (w->sequence < sequence && sequence - w->sequence < half) ||
           (w->sequence > sequence && w->sequence - sequence > half);
}

/* RFC 7959 §2.6: fetches the later blocks of a notification; false when that cannot be done. */
static bool fetch_rest(tsr_coap *c, uint32_t watch)
{
    const tsr_coap_watch *w = &c->watches[watch];

    if (w->method == TSR_COAP_EMPTY)
        return false;

    tsr_coap_slot *s = tsr_coap_slot_take(c, w->peer, SLOT_REQUEST);

    if (s == NULL)
        return false;
    s->flags = F_REST | F_CON;
    s->watch = watch;
    s->user = w->user;
    s->code = w->method;
    s->options_len = w->options_len;
    s->payload_len = w->payload_len;
    memcpy(tsr_coap_slot_bytes(c, s), watch_bytes(c, watch),
           (size_t)w->options_len + w->payload_len);
    if (c->blocks->collect(c, s) != TSR_OK) {
        tsr_coap_slot_free(c, s);
        return false;
    }
    c->blocks->ask_next(c, s);
    return true;
}

/* Told at once, later when its rest is here, or not at all because a newer one was. */
static void tell(tsr_coap *c, uint32_t watch)
{
    tsr_coap_watch *w = &c->watches[watch];
    bool going = tsr_coap_is_success(c->msg.code) && c->msg.observe.set;
    bool more = going && c->msg.block2.set && c->msg.block2.more;

    if (going && !is_fresh(c, w, c->msg.observe.value)) {
        c->stats.ignored++;
        return;
    }
    w->started = true;
    w->sequence = c->msg.observe.value;
    w->last_ms = c->now_ms;
    watch_settle(c, watch); /* an older one that is still being fetched is out of date */
    if (more && fetch_rest(c, watch))
        return;

    tsr_coap_event *e =
        tsr_coap_event_start(c, TSR_COAP_NOTIFICATION, w->peer, tsr_view(w->token, w->token_len));

    e->user = w->user;
    e->msg = &c->msg;
    e->body = c->msg.payload;
    e->observing = going;
    e->partial = c->msg.block2.set && c->msg.block2.more;
    if (!going)
        watch_drop(c, watch);
}

/* What came is remembered as a message that nothing was answered to yet. */
static tsr_coap_slot *hold(tsr_coap *c, uint32_t watch)
{
    tsr_coap_slot *s = tsr_coap_slot_take(c, c->watches[watch].peer, SLOT_TICKET);

    if (s == NULL)
        return NULL;
    s->state = SLOT_AWAITING;
    s->flags = F_CON;
    s->mid = c->msg.mid;
    s->observe = c->msg.observe;
    s->watch = watch;
    s->u.seen = tsr_coap_seen_add(c, s->peer, s->mid, 0);
    return s;
}

static void release(tsr_coap *c, tsr_coap_slot *held)
{
    tsr_coap_ack(c, held);
    tsr_coap_slot_free(c, held);
}

static void take_notification(tsr_coap *c, uint32_t watch)
{
    tsr_coap_slot *held;

    if (!c->config.hold || c->msg.type != TSR_COAP_CON) {
        tsr_coap_confirm(c, c->watches[watch].peer);
        tell(c, watch);
        return;
    }
    held = hold(c, watch);
    if (held == NULL) {
        c->stats.refused++;
        return;
    }
    tell(c, watch);
    if (c->event_ready)
        c->event.id = tsr_coap_slot_id(held);
    else
        release(c, held);
}

/* The message counts as one of whoever had this peer's number before, and its place in the order is
 * free again unless a newer one has come. */
static void disown(tsr_coap *c, const tsr_coap_slot *held)
{
    uint32_t seen = tsr_coap_seen_of(c, held);

    if (seen != TSR_NONE)
        c->seen[seen].epoch--;
    if (held->watch != TSR_NONE && c->watches[held->watch].sequence == held->observe.value)
        c->watches[held->watch].started = false;
}

tsr_err tsr_coap_observe_settle(tsr_coap *c, tsr_coap_id id, bool kept)
{
    tsr_coap_slot *held = tsr_coap_slot_of(c, id);

    if (held == NULL || held->kind != SLOT_TICKET)
        return TSR_E_NOT_FOUND;
    if (kept) {
        release(c, held);
        return TSR_OK;
    }
    disown(c, held);
    tsr_coap_slot_free(c, held);
    return TSR_OK;
}

tsr_err tsr_coap_observe_forget(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    uint32_t i = peer < c->config.peers ? watch_find(c, peer, token) : TSR_NONE;

    if (i == TSR_NONE && peer < c->config.peers && c->lines[peer].stream)
        return c->streams->calls->forget(c, peer, token);
    if (i == TSR_NONE)
        return TSR_E_NOT_FOUND;
    watch_drop(c, i);
    return TSR_OK;
}

tsr_err tsr_coap_observe_adopt(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token,
                               const tsr_coap_request *request, uint64_t user)
{
    uint32_t i;

    if (peer >= c->config.peers || token.len > TSR_COAP_TOKEN_MAX ||
        c->lines[peer].stream)
        return TSR_E_ARGUMENT;
    if (watch_find(c, peer, token) != TSR_NONE)
        return TSR_E_EXISTS;
    if (watch_add(c, peer, token, user, &i) != TSR_OK)
        return TSR_E_SPACE;
    if (request == NULL)
        return TSR_OK;

    tsr_coap_slot *s = tsr_coap_slot_take(c, peer, SLOT_REQUEST);

    if (s == NULL)
        return TSR_OK; /* long notifications will come in part */
    if (tsr_coap_write_request(c, s, request) == TSR_OK &&
        tsr_coap_write_payload(c, s, request->payload) == TSR_OK) {
        s->code = request->method;
        watch_keep(c, i, s);
    }
    tsr_coap_slot_free(c, s);
    return TSR_OK;
}

/* ---- the way in from the rest of the engine ---- */

static tsr_bytes watch_token(const tsr_coap *c, uint32_t i)
{
    return tsr_view(c->watches[i].token, c->watches[i].token_len);
}

tsr_err tsr_coap_init(tsr_coap *c, const tsr_coap_config *config, void *memory, size_t memory_len)
{
    static const tsr_coap_observing observing = {
        .find = watch_find,
        .token = watch_token,
        .drop = watch_drop,
        .request = watch_for,
        .accepted = accepted,
        .notification = take_notification,
    };
    tsr_err err = tsr_coap_init_device(c, config, memory, memory_len);

    if (err != TSR_OK)
        return err;

    /* the watches, then the heads of the chains, then what each observed */
    uint32_t heads = tsr_coap_power_of_two(config->watches);
    uint8_t *at = (uint8_t *)(c->watches + config->watches);

    c->observing = &observing;
    if (config->watches == 0)
        return TSR_OK;
    (void)tsr_index_init(&c->watch_index, (void *)at, heads);
    c->watch_bytes = at + heads * sizeof(uint32_t);
    for (uint32_t i = config->watches; i-- > 0; c->free_watch = i)
        c->watches[i].next = c->free_watch;
    return TSR_OK;
}
