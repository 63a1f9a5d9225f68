/* SPDX-License-Identifier: Apache-2.0
 *
 * How an observation is judged and read, for what reports it (observe.c) and what keeps it for later
 * (history.c). Inline: there is one caller in a small device, which need not pay for another. */
#ifndef TESSERA_LWM2M_CLIENT_OBSERVE_IMPL_H
#define TESSERA_LWM2M_CLIENT_OBSERVE_IMPL_H

#include "tessera/lwm2m/client/internal.h"

enum { OBSERVE_SEQUENCE_STEP = 4096 }; /* numbers that one saved mark covers */

static inline void attributes_of(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o,
                                 tsr_lwm2m_attributes *a)
{
    /* by attribute: the resource of Server; 0: none */
    static const uint8_t defaults[] = { TSR_LWM2M_S_PMIN, TSR_LWM2M_S_PMAX, 0, 0,
                                        TSR_LWM2M_S_NOTIFY_MODE };
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, &c->config.accounts[o->account]);

    *a = o->own;
    tsr_lwm2m_attributes_effective(c, o->account, &o->at, 1, a);
    if (o->at.depth == 0)
        c->parts->composite->attributes(c, o, a);
    if (server == NULL)
        return;
    for (size_t i = 0; i < sizeof defaults; i++)
        if ((a->set >> i & 1) == 0 && defaults[i] != 0)
            a->whole[i] = tsr_lwm2m_server_get(server, (tsr_lwm2m_server_resource)defaults[i]);
}

/* When a notification may go, and when it must: a pmax of 0, or below pmin, is ignored and no
 * error. */
static inline void plan(tsr_lwm2m_observation *o, const tsr_lwm2m_attributes *a)
{
    o->stale = false;
    o->pmin_due_ms = o->sent_ms + (uint64_t)a->whole[0] * 1000;
    o->pmax_due_ms = o->sent_ms + (uint64_t)a->whole[1] * 1000;
    if (a->whole[1] == 0 || o->pmax_due_ms < o->pmin_due_ms)
        o->pmax_due_ms = UINT64_MAX;
    o->early = (a->set & (TSR_LWM2M_GT | TSR_LWM2M_LT | TSR_LWM2M_ST | TSR_LWM2M_EDGE)) != 0;
}

/* What is there now, in config.body. */
typedef struct {
    tsr_buf body;
    uint64_t digest;
    tsr_err err;
    bool taken;
} view;

static inline uint64_t digest_of(const tsr_lwm2m_client *c, tsr_bytes body)
{
    return tsr_hash(c->config.coap->seed, body);
}

static inline void reported(tsr_lwm2m_client *c, tsr_lwm2m_observation *o, uint64_t digest)
{
    o->digest = digest;
    o->last.type = TSR_LWM2M_NONE;
    if (c->parts->attributes->reported != NULL)
        c->parts->attributes->reported(c, o);
    o->known = true;
    o->dirty = o->fired = false;
    o->sent_ms = c->now_ms;
}

static inline tsr_err observed_read(tsr_lwm2m_client *c, const tsr_lwm2m_observation *o,
                                    tsr_buf *body)
{
    const tsr_lwm2m_object *object;

    if (o->at.depth == 0)
        return c->parts->composite->read(c, o, body);
    object = tsr_lwm2m_object_find(c->config.registry, o->at.object);
    return object == NULL ? TSR_E_NOT_FOUND
                          : tsr_lwm2m_manage_read(c, o->account, object, &o->at,
                                                  (tsr_lwm2m_format)o->format, body);
}

/* Reads what is observed, unless that was done. */
static inline void look(tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, view *now)
{
    if (now->taken)
        return;
    now->taken = true;
    now->body = tsr_buf_over(c->config.body, c->config.body_len);
    now->err = observed_read(c, o, &now->body);
    now->digest = digest_of(c, tsr_buf_view(&now->body));
}

/* Has something happened that calls for a notification? A restored observation reports once. */
static inline bool judge(tsr_lwm2m_client *c, tsr_lwm2m_observation *o,
                         const tsr_lwm2m_attributes *a, view *now)
{
    bool fires;

    if (!o->known)
        return true;
    if (c->parts->attributes->judge != NULL && c->parts->attributes->judge(c, o, a, &fires))
        return fires;
    look(c, o, now);
    return now->err != TSR_OK || now->digest != o->digest;
}

/* Is a report owed now, as plan() has it? */
static inline bool is_owed(tsr_lwm2m_client *c, tsr_lwm2m_observation *o,
                           const tsr_lwm2m_attributes *a, view *now)
{
    if (o->dirty && (c->now_ms >= o->pmin_due_ms || o->early)) {
        o->dirty = false;
        o->fired = o->fired || judge(c, o, a, now);
    }
    return c->now_ms >= o->pmax_due_ms || (o->fired && c->now_ms >= o->pmin_due_ms);
}

/* Numbers above the mark must not be used before a higher mark is durable: after a restart the
 * server would take our notifications for old ones (RFC 7641 §3.4). */
static inline uint32_t sequence_next(tsr_lwm2m_client *c)
{
    if (c->sequence + 1 >= c->sequence_mark) {
        c->sequence_mark = c->sequence + OBSERVE_SEQUENCE_STEP;
        (void)tsr_lwm2m_client_save(c);
    }
    return ++c->sequence;
}

/* After a restart or from a new address the Update goes first: a server that does not know where
 * this comes from answers with a Reset, and that would end the observation. */
static inline bool may_send(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    const tsr_lwm2m_account *a = &c->config.accounts[o->account];

    return o->used && o->flight == 0 && a->up && a->standing == TSR_LWM2M_REGISTERED &&
           !a->update && a->request == 0;
}

#endif
