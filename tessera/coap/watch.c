/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/engine_in.h"

static uint32_t *watch_head(const tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    uint64_t x = 0;

    for (size_t i = 0; i < token.len; i++)
        x = x << 8 | token.ptr[i];
    return tsr_index_head(&c->watch_index,
                          tsr_hash_u64(c->config.seed, x ^ (uint64_t)peer << 32 ^ token.len));
}

uint32_t tsr_coap_watch_find(const tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
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

tsr_err tsr_coap_watch_add(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token, uint64_t user, uint32_t *i)
{
    tsr_coap_line *line = &c->lines[peer];
    uint32_t at = c->free_watch;

    if (at == TSR_NONE)
        return TSR_E_SPACE;

    tsr_coap_watch *w = &c->watches[at];
    uint32_t *head = watch_head(c, peer, token);

    c->free_watch = w->next;
    *w = (tsr_coap_watch){ .user = user, .peer = peer, .next = *head, .line_next = line->watches,
                           .line_prev = TSR_NONE, .token_len = (uint8_t)token.len };
    memcpy(w->token, token.ptr, token.len);
    *head = at;
    if (line->watches != TSR_NONE)
        c->watches[line->watches].line_prev = at;
    line->watches = at;
    *i = at;
    return TSR_OK;
}

/* Calls off what still fetches the rest of an older notification. */
void tsr_coap_watch_settle(tsr_coap *c, uint32_t watch)
{
    for (tsr_coap_slot *s = NULL; (s = tsr_coap_slot_after(c, c->watches[watch].peer, s)) != NULL;) {
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

void tsr_coap_watch_drop(tsr_coap *c, uint32_t i)
{
    tsr_coap_watch *w = &c->watches[i];
    uint32_t *link = watch_head(c, w->peer, tsr_view(w->token, w->token_len));

    tsr_coap_watch_settle(c, i);
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

void tsr_coap_watch_keep(tsr_coap *c, uint32_t i, const tsr_coap_slot *s)
{
    tsr_coap_watch *w = &c->watches[i];
    size_t len = (size_t)s->options_len + s->payload_len;

    w->method = TSR_COAP_EMPTY;
    if (len > c->config.watch_len || (s->flags & F_UPLOAD) != 0)
        return;
    memcpy(tsr_coap_watch_bytes(c, i), tsr_coap_slot_bytes(c, s), len);
    w->method = s->code;
    w->options_len = s->options_len;
    w->payload_len = s->payload_len;
}

uint8_t *tsr_coap_watch_bytes(const tsr_coap *c, uint32_t i)
{
    return c->watch_bytes + (size_t)i * c->config.watch_len;
}
