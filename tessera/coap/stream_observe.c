/* SPDX-License-Identifier: Apache-2.0
 *
 * Observations of ours on the peer. They come in order and are never old, so the value of Observe
 * counts for nothing (RFC 8323 §7.1). */
#include "tessera/coap/stream_in.h"

static tsr_bytes watch_token(const tsr_coap_stream *c, uint32_t i)
{
    return tsr_view(c->watches[i].token, c->watches[i].token_len);
}

static uint32_t watch_find(const tsr_coap_stream *c, tsr_bytes token)
{
    for (uint32_t i = 0; i < c->config.watches; i++)
        if (c->watches[i].used && tsr_same(token, watch_token(c, i)))
            return i;
    return TSR_NONE;
}

static uint32_t watch_add(tsr_coap_stream *c, tsr_bytes token)
{
    for (uint32_t i = 0; i < c->config.watches; i++) {
        tsr_coap_stream_watch *w = &c->watches[i];

        if (w->used)
            continue;
        *w = (tsr_coap_stream_watch){ .used = true, .token_len = (uint8_t)token.len };
        if (token.len != 0)
            memcpy(w->token, token.ptr, token.len);
        return i;
    }
    return TSR_NONE;
}

/* Calls off what still fetches the rest of an older notification. */
static void watch_settle(tsr_coap_stream *c, uint32_t watch)
{
    tsr_coap_stream_slot *s = NULL;

    while ((s = tsr_coap_st_after(c, s, STREAM_REQUEST)) != NULL) {
        if (s->watch != watch || (s->flags & S_REST) == 0)
            continue;
        tsr_coap_st_free(c, s);
        return; /* there is never a second one */
    }
}

static void watch_drop(tsr_coap_stream *c, uint32_t watch)
{
    watch_settle(c, watch);
    for (uint32_t i = 0; i < c->config.exchanges; i++)
        if (c->slots[i].kind != STREAM_FREE && c->slots[i].watch == watch)
            c->slots[i].watch = TSR_NONE; /* the request that made it goes on without */
    c->watches[watch].used = false;
}

static uint8_t *watch_bytes(const tsr_coap_stream *c, uint32_t i)
{
    return c->watch_bytes + (size_t)i * c->config.watch_len;
}

static void watch_keep(tsr_coap_stream *c, uint32_t i, const tsr_coap_stream_slot *s)
{
    tsr_coap_stream_watch *w = &c->watches[i];
    size_t len = (size_t)s->options_len + s->payload_len;

    w->method = TSR_COAP_EMPTY;
    if (len > c->config.watch_len || s->body != TSR_NONE)
        return;
    memcpy(watch_bytes(c, i), tsr_coap_st_bytes(c, s), len);
    w->method = s->code;
    w->options_len = s->options_len;
    w->payload_len = s->payload_len;
}

/* RFC 8323 §7.4: an observation is ended by a request of its own. */
static tsr_err watch_for(tsr_coap_stream *c, tsr_coap_stream_slot *s, const tsr_coap_request *r)
{
    tsr_bytes token = tsr_coap_st_token(s);
    uint32_t i = watch_find(c, token);

    if (r->observe.value != 0) {
        if (i != TSR_NONE)
            watch_drop(c, i);
        return TSR_OK;
    }
    if (i == TSR_NONE)
        i = watch_add(c, token);
    if (i == TSR_NONE)
        return TSR_E_SPACE;
    c->watches[i].user = r->user;
    watch_keep(c, i, s);
    s->watch = i;
    return TSR_OK;
}

/* RFC 7959 §2.6: fetches the later blocks of a notification; false when that cannot be done. */
static bool fetch_rest(tsr_coap_stream *c, uint32_t watch)
{
    const tsr_coap_stream_watch *w = &c->watches[watch];
    tsr_coap_stream_slot *s;

    if (w->method == TSR_COAP_EMPTY || c->state == TSR_COAP_STREAM_RELEASING)
        return false;
    s = tsr_coap_st_take(c, STREAM_REQUEST);
    if (s == NULL)
        return false;
    s->flags = S_REST;
    s->watch = watch;
    s->user = w->user;
    s->code = w->method;
    s->options_len = w->options_len;
    s->payload_len = w->payload_len;
    memcpy(tsr_coap_st_bytes(c, s), watch_bytes(c, watch), (size_t)w->options_len + w->payload_len);
    if (tsr_coap_st_collect(c, s) != TSR_OK) {
        tsr_coap_st_free(c, s);
        return false;
    }
    tsr_coap_st_ask_next(c, s);
    return true;
}

static void take_notification(tsr_coap_stream *c, uint32_t watch)
{
    const tsr_coap_stream_watch *w = &c->watches[watch];
    bool going = tsr_coap_is_success(c->msg.code) && c->msg.observe.set;
    bool more = going && c->msg.block2.set && c->msg.block2.more;

    watch_settle(c, watch); /* an older one that is still being fetched is out of date */
    if (more && fetch_rest(c, watch))
        return;

    tsr_coap_event *e = tsr_coap_st_event(c, TSR_COAP_NOTIFICATION, watch_token(c, watch));

    e->user = w->user;
    e->msg = &c->msg;
    e->body = c->msg.payload;
    e->observing = going;
    e->partial = more;
    if (!going)
        watch_drop(c, watch);
}

tsr_err tsr_coap_stream_observe_forget(tsr_coap_stream *c, tsr_bytes token)
{
    uint32_t i = watch_find(c, token);

    if (i == TSR_NONE)
        return TSR_E_NOT_FOUND;
    watch_drop(c, i);
    return TSR_OK;
}

tsr_err tsr_coap_stream_init(tsr_coap_stream *c, const tsr_coap_stream_config *config, void *memory,
                             size_t memory_len)
{
    static const tsr_coap_stream_observing observing = {
        .find = watch_find,
        .token = watch_token,
        .drop = watch_drop,
        .request = watch_for,
        .notification = take_notification,
    };
    tsr_err err = tsr_coap_stream_init_device(c, config, memory, memory_len);

    if (err == TSR_OK)
        c->observing = &observing;
    return err;
}
