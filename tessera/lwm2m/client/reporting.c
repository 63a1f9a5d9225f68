/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests about reporting: Observe, its Cancel, Write-Attributes (Core 6.3.4, Core 6.4). */
#include "tessera/lwm2m/client/internal.h"

/* All of them, or none. TSR_END: there is none. */
static tsr_err apply_queries(const tsr_lwm2m_client *c, const client_request *r,
                             tsr_lwm2m_attributes *attributes)
{
    const tsr_lwm2m_resource_info *info =
        r->at.depth >= 3 ? tsr_lwm2m_object_resource(r->object, r->at.resource) : NULL;
    const struct tsr_lwm2m_attribute_set *set = c->parts->attributes;
    tsr_coap_opts it = { .rest = r->msg->options };
    tsr_lwm2m_attributes all = *attributes;
    tsr_bytes query;
    tsr_err err = TSR_END;

    while (tsr_coap_query_next(&it, &query) == TSR_OK) {
        err = set->apply(&all, r->at.depth, info, query);
        if (err != TSR_OK)
            return err;
    }
    if (set->check != NULL && set->check(&all) != TSR_OK)
        return TSR_E_ARGUMENT;
    *attributes = all;
    return err;
}

/* Core 6.4.1. Durable before the server may rely on it. */
static uint8_t do_observe(tsr_lwm2m_client *c, client_request *r)
{
    tsr_lwm2m_attributes own = { 0 };
    tsr_lwm2m_format format;
    tsr_lwm2m_observation *o;
    uint8_t code;

    if (apply_queries(c, r, &own) < TSR_OK)
        return TSR_COAP_BAD_REQUEST;
    code = tsr_lwm2m_manage_do_read(c, r, &format);
    if (code != TSR_COAP_CONTENT)
        return code;
    o = tsr_lwm2m_observe_add(c, r->account, &r->at, format, r->event, r->answer.payload);
    if (o == NULL)
        return code;
    o->own = own;
    if (tsr_lwm2m_client_save(c) != TSR_OK) {
        tsr_lwm2m_observe_drop(c, o);
        return TSR_COAP_INTERNAL_ERROR;
    }
    r->answer.observe = (tsr_coap_num){ true, c->sequence & 0xffffffu };
    return code;
}

static tsr_lwm2m_attachment *attachment_slot(tsr_lwm2m_client *c, size_t account,
                                             const tsr_lwm2m_path *at)
{
    tsr_lwm2m_attachment *slot = tsr_lwm2m_attachment_find(c, account, at);

    for (size_t i = 0; slot == NULL && i < c->config.attachment_count; i++) {
        if (!c->config.attachments[i].used)
            slot = &c->config.attachments[i];
    }
    return slot;
}

/* Core 6.3.4 */
static uint8_t do_attributes(tsr_lwm2m_client *c, client_request *r)
{
    tsr_lwm2m_attachment *slot, before;

    if (!tsr_lwm2m_object_exists(r->object, &r->at))
        return TSR_COAP_NOT_FOUND;
    slot = attachment_slot(c, r->account, &r->at);
    if (slot == NULL)
        return TSR_COAP_INTERNAL_ERROR;
    before = *slot;
    if (!slot->used)
        *slot = (tsr_lwm2m_attachment){ false, (uint8_t)r->account, r->at, { 0 } };
    if (apply_queries(c, r, &slot->values) != TSR_OK)
        return TSR_COAP_BAD_REQUEST;
    slot->used = slot->values.set != 0;
    if (tsr_lwm2m_client_save(c) != TSR_OK) {
        *slot = before;
        return TSR_COAP_INTERNAL_ERROR;
    }
    mark_stale(c);
    return TSR_COAP_CHANGED;
}

/* Core 6.4.3: a plain Read that ends the observation with this token; and what cannot be answered. */
static void cancel(tsr_lwm2m_client *c, const client_request *r, enum client_words why)
{
    tsr_lwm2m_observation *o = tsr_lwm2m_observe_find(c, r->account, r->event->token);

    if (o != NULL)
        tsr_lwm2m_observe_end(c, o, tsr_lwm2m_client_word(c, why));
}

static void show(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at, uint8_t least,
                 tsr_buf *out)
{
    tsr_lwm2m_attributes attributes = { 0 };

    tsr_lwm2m_attributes_effective(c, account, at, least, &attributes);
    c->parts->attributes->put(out, &attributes);
}

const struct tsr_lwm2m_reporting tsr_lwm2m_reporting = {
    do_observe,
    do_attributes,
    cancel,
    show,
    tsr_lwm2m_observe_end_all_of,
    tsr_lwm2m_observe_step,
    tsr_lwm2m_observe_due_ms,
    tsr_lwm2m_observe_answer,
};
