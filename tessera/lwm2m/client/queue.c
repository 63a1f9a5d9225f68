/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/queue.h"

#include "tessera/lwm2m/client/internal.h"

static uint64_t awake_ms(const tsr_lwm2m_queue *queue)
{
    return queue->awake_ms != 0 ? queue->awake_ms : TSR_LWM2M_AWAKE_MS;
}

void tsr_lwm2m_queue_traffic(tsr_lwm2m_queue *queue, uint64_t now_ms)
{
    queue->awake_until_ms = now_ms + awake_ms(queue);
}

/* Registered and silent, or waiting until its time; nothing in between. */
static bool is_quiet(const tsr_lwm2m_account *a)
{
    if (a->request != 0 || a->stopping || a->disabling || a->binding != 0)
        return false;
    return a->standing == TSR_LWM2M_REGISTERED || a->standing == TSR_LWM2M_WAITING ||
           a->standing == TSR_LWM2M_STOPPED;
}

/* What has to be repeated if no answer comes is due within this time; what is kept for later blocks
 * is due long after it. */
static bool is_idle(const tsr_lwm2m_client *c, uint64_t now_ms)
{
    for (size_t i = 0; i < c->config.account_count; i++)
        if (!is_quiet(&c->config.accounts[i]))
            return false;
    for (size_t i = 0; i < c->config.observation_count; i++)
        if (c->config.observations[i].used && c->config.observations[i].flight != 0)
            return false;
    return tsr_coap_due_ms(&c->coap) > now_ms + TSR_LWM2M_AWAKE_MS;
}

bool tsr_lwm2m_queue_sleeps(const tsr_lwm2m_client *c, uint64_t now_ms, uint64_t *until_ms)
{
    const tsr_lwm2m_queue *queue = c->config.queue;
    uint64_t due_ms = tsr_lwm2m_client_due_ms(c);
    bool over = queue != NULL && now_ms >= queue->awake_until_ms;

    *until_ms = queue == NULL || over || due_ms < queue->awake_until_ms ? due_ms
                                                                        : queue->awake_until_ms;
    return over && due_ms > now_ms && is_idle(c, now_ms);
}

/* The binding is the last that the core says. */
static bool tells_binding(const queries *q)
{
    return q->count != 0 && *q->items[q->count - 1].ptr == 'b';
}

/* Core 6.2.1: a flag of its own; LwM2M 1.0 has it as a letter of the binding, which stands last. */
void tsr_lwm2m_queue_parameters(const tsr_lwm2m_client *c, tsr_lwm2m_account *a,
                                tsr_coap_request *request, struct tsr_lwm2m_queries *q)
{
    (void)request;
    if (c->config.queue == NULL || !tells_binding(q))
        return;
    if (a->version_minor != 0)
        q->items[q->count++].ptr = q->text.ptr + q->text.len;
    tsr_put_u8(&q->text, 'Q');
}
