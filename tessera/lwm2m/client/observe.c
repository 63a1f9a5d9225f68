/* SPDX-License-Identifier: Apache-2.0
 *
 * Information reporting: who observes what, when a notification is owed, and sending it
 * (Core 6.4, Core 6.4.2, Core 5.1.2, RFC 7641). */
#include "tessera/lwm2m/client/observe_impl.h"

enum {
    CONFIRM_MS = 24 * 3600 * 1000, /* RFC 7641 §4.5: a CON at least once a day */
    RETRY_MS = 1000,               /* when CoAP has no exchange free */
};

tsr_lwm2m_attachment *tsr_lwm2m_attachment_find(const tsr_lwm2m_client *c, size_t account,
                                                const tsr_lwm2m_path *at)
{
    for (size_t i = 0; i < c->config.attachment_count; i++) {
        tsr_lwm2m_attachment *t = &c->config.attachments[i];

        if (t->used && t->account == account && tsr_lwm2m_path_is(&t->at, at))
            return t;
    }
    return NULL;
}

/* Core 5.1.2: resource instance before resource before instance before object. */
void tsr_lwm2m_attributes_effective(const tsr_lwm2m_client *c, size_t account,
                                    const tsr_lwm2m_path *at, uint8_t least,
                                    tsr_lwm2m_attributes *attributes)
{
    for (uint8_t depth = at->depth; depth >= least; depth--) {
        const tsr_lwm2m_path up = tsr_lwm2m_path_up(*at, depth);
        const tsr_lwm2m_attachment *t = tsr_lwm2m_attachment_find(c, account, &up);

        if (t != NULL)
            tsr_lwm2m_attributes_inherit(attributes, &t->values);
    }
}

tsr_lwm2m_observation *tsr_lwm2m_observe_find(tsr_lwm2m_client *c, size_t account, tsr_bytes token)
{
    for (size_t i = 0; i < c->config.observation_count; i++) {
        tsr_lwm2m_observation *o = &c->config.observations[i];

        if (o->used && o->account == account &&
            tsr_same(token, tsr_view(o->token, o->token_len)))
            return o;
    }
    return NULL;
}

/* A server that lost its state observes again under another token: the new one takes the place
 * of the old one, or each restart of a server would cost us a slot. */
static tsr_lwm2m_observation *slot_for(tsr_lwm2m_client *c, size_t account,
                                       const tsr_lwm2m_path *at, tsr_lwm2m_format format,
                                       tsr_bytes token)
{
    tsr_lwm2m_observation *slot = tsr_lwm2m_observe_find(c, account, token), *empty = NULL;

    for (size_t i = 0; slot == NULL && i < c->config.observation_count; i++) {
        tsr_lwm2m_observation *o = &c->config.observations[i];

        if (!o->used)
            empty = empty == NULL ? o : empty;
        else if (o->account == account && o->format == format && at->depth != 0 &&
                 tsr_lwm2m_path_is(&o->at, at))
            slot = o;
    }
    if (slot != NULL)
        (void)tsr_coap_cancel(&c->coap, slot->flight); /* if there is one: none has the number 0 */
    return slot != NULL ? slot : empty;
}

/* Core 6.4.1. NULL: no room, or no token; the answer is then a plain Read (RFC 7641 §4.1). */
tsr_lwm2m_observation *tsr_lwm2m_observe_add(tsr_lwm2m_client *c, size_t account,
                                             const tsr_lwm2m_path *at, tsr_lwm2m_format format,
                                             const tsr_coap_event *event, tsr_bytes body)
{
    tsr_lwm2m_observation *o = slot_for(c, account, at, format, event->token);

    if (o == NULL)
        return NULL;
    c->observed += !o->used;
    memset(o, 0, sizeof *o);
    o->used = true;
    o->account = (uint8_t)account;
    o->at = *at;
    o->format = (uint16_t)format;
    o->token_len = (uint8_t)event->token.len;
    if (event->token.len != 0)
        memcpy(o->token, event->token.ptr, event->token.len);
    o->generation = ++c->generation;
    o->key = event->key;
    o->confirmed_ms = c->now_ms;
    o->stale = true;
    reported(c, o, digest_of(c, body));
    return o;
}

void tsr_lwm2m_observe_drop(tsr_lwm2m_client *c, tsr_lwm2m_observation *o)
{
    o->used = false;
    c->observed--;
}

void tsr_lwm2m_observe_end(tsr_lwm2m_client *c, tsr_lwm2m_observation *o, const char *reason)
{
    tsr_lwm2m_client_event *event =
        tsr_lwm2m_client_tell(c, TSR_LWM2M_E_OBSERVE_END, o->account, 0);

    event->at = o->at;
    event->reason = reason;
    (void)tsr_coap_cancel(&c->coap, o->flight);
    tsr_lwm2m_observe_drop(c, o);
    c->save_owed = true;
}

void tsr_lwm2m_observe_end_all_of(tsr_lwm2m_client *c, size_t account, const char *reason)
{
    for (size_t i = 0; i < c->config.observation_count; i++) {
        tsr_lwm2m_observation *o = &c->config.observations[i];

        if (o->used && o->account == account)
            tsr_lwm2m_observe_end(c, o, reason);
    }
}

static void notify(tsr_lwm2m_client *c, tsr_lwm2m_observation *o, const tsr_lwm2m_attributes *a,
                   const view *now)
{
    uint32_t sequence = sequence_next(c);
    tsr_err err = now->err;
    bool con = err != TSR_OK || a->whole[4] == 1 || c->now_ms - o->confirmed_ms >= CONFIRM_MS;
    tsr_coap_response response = {
        .code =
            err == TSR_OK ? TSR_COAP_CONTENT : tsr_lwm2m_manage_code(err, TSR_COAP_NOT_ACCEPTABLE),
        .payload = tsr_buf_view(&now->body),
        .content_format = { err == TSR_OK, o->format },
        .key = o->key,
        .user = tag_make(TAG_NOTIFY, o->generation, (size_t)(o - c->config.observations)),
    };

    if (tsr_coap_notify(&c->coap, o->account, tsr_view(o->token, o->token_len), sequence, con,
                        &response, c->now_ms, &o->flight) != TSR_OK) {
        o->flight = 0;
        o->fired = true;
        o->retry_ms = c->now_ms + RETRY_MS;
        return;
    }
    tsr_lwm2m_client_tell(c, TSR_LWM2M_E_NOTIFIED, o->account, response.code)->at = o->at;
    reported(c, o, now->digest);
    if (err != TSR_OK) {
        o->flight = 0; /* RFC 7641 §4.2: an error ends the observation; let it arrive */
        tsr_lwm2m_observe_end(c, o, tsr_lwm2m_client_word(c, WORD_NOT_THERE));
    }
}

/* When the next step of an observation is due. */
static uint64_t due_ms(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    uint64_t at_ms = o->pmax_due_ms;

    if (!may_send(c, o))
        return UINT64_MAX;
    if ((o->dirty || o->fired) && o->pmin_due_ms < at_ms)
        at_ms = o->pmin_due_ms;
    if (o->stale || (o->dirty && o->early))
        at_ms = 0;
    return at_ms < o->retry_ms ? o->retry_ms : at_ms;
}

static void step(tsr_lwm2m_client *c, tsr_lwm2m_observation *o)
{
    tsr_lwm2m_attributes a;
    view now = { .taken = false };

    if (c->now_ms < due_ms(c, o))
        return;
    attributes_of(c, o, &a);
    plan(o, &a);
    if (is_owed(c, o, &a, &now)) {
        look(c, o, &now);
        notify(c, o, &a, &now);
        plan(o, &a);
    }
}

void tsr_lwm2m_observe_step(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.observation_count; i++)
        step(c, &c->config.observations[i]);
}

uint64_t tsr_lwm2m_observe_due_ms(const tsr_lwm2m_client *c)
{
    uint64_t first_ms = UINT64_MAX;

    for (size_t i = 0; i < c->config.observation_count; i++) {
        uint64_t at_ms = due_ms(c, &c->config.observations[i]);

        if (at_ms < first_ms)
            first_ms = at_ms;
    }
    return first_ms;
}

void tsr_lwm2m_observe_answer(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    size_t slot = event->user >> 32 & 0xffffff;
    tsr_lwm2m_observation *o;

    if (slot >= c->config.observation_count)
        return;
    o = &c->config.observations[slot];
    if (!o->used || o->generation != (uint32_t)event->user)
        return;
    o->flight = 0;
    switch (event->kind) {
    case TSR_COAP_ACKED:
        o->confirmed_ms = c->now_ms;
        break;
    case TSR_COAP_RESET: /* RFC 7641 §3.6, Core 6.4.3 */
        tsr_lwm2m_observe_end(c, o, tsr_lwm2m_client_word(c, WORD_RESET));
        break;
    default: /* unheard: still owed, and the server may be gone */
        o->fired = true;
        c->config.accounts[o->account].update |= event->kind == TSR_COAP_TIMEOUT;
        break;
    }
}
