/* SPDX-License-Identifier: Apache-2.0
 *
 * Create and Delete (Core 6.3.6, Core 6.3.7). Reached through a table only, so that a device whose
 * instances are all there from the start is linked without them. */
#include "tessera/lwm2m/client/internal.h"

/* Who may do what with it from now on. */
static void follow(tsr_lwm2m_client *c, const client_request *r, bool made)
{
    if (c->parts->access != NULL)
        c->parts->access->follow(c, r->account, &r->at, made);
}

static tsr_err create(tsr_lwm2m_client *c, client_request *r, tsr_lwm2m_format format)
{
    tsr_lwm2m_content content;
    uint16_t instance;
    tsr_err err;

    if (r->object->handlers->create == NULL ||
        (c->parts->access != NULL && !c->parts->access->has_room(c)))
        return TSR_E_DENIED;
    if (!tsr_lwm2m_format_is_multiple(format) && r->event->body.len != 0)
        return TSR_E_UNSUPPORTED;
    content = (tsr_lwm2m_content){ format, r->event->body, c->config.root };
    err = tsr_lwm2m_object_create(r->object, &content, &r->body, &instance);
    if (err != TSR_OK)
        return err;
    r->at = tsr_lwm2m_at_instance(r->at.object, instance);
    follow(c, r, true);
    return TSR_OK;
}

static tsr_err change(tsr_lwm2m_client *c, client_request *r, tsr_lwm2m_format format,
                      tsr_err known)
{
    tsr_err err;

    if (r->op == TSR_LWM2M_OP_CREATE)
        return known == TSR_OK ? create(c, r, format) : known;
    if (!tsr_lwm2m_object_exists(r->object, &r->at))
        return TSR_E_NOT_FOUND;
    if (r->object->handlers->remove == NULL)
        return TSR_E_DENIED;
    err = r->object->handlers->remove(r->object->state, r->at.instance);
    if (err == TSR_OK)
        follow(c, r, false);
    return err;
}

/* Attributes of what is no more must not come to life again with a new instance. */
static void forget_attachments(tsr_lwm2m_client *c, const tsr_lwm2m_path *at)
{
    for (size_t i = 0; i < c->config.attachment_count; i++) {
        tsr_lwm2m_attachment *t = &c->config.attachments[i];

        if (!t->used || !tsr_lwm2m_path_within(at, &t->at))
            continue;
        t->used = false;
        c->save_owed = true;
    }
}

static uint8_t changed(tsr_lwm2m_client *c, client_request *r)
{
    tsr_buf text = tsr_buf_over(c->config.body, c->config.body_len);

    tsr_lwm2m_client_relink(c);
    if (r->op == TSR_LWM2M_OP_DELETE) {
        forget_attachments(c, &r->at);
        return TSR_COAP_DELETED;
    }
    tsr_put_bytes(&text, c->config.root);
    tsr_lwm2m_path_put(&text, r->at);
    tsr_put_u8(&text, 0);
    r->answer.location = (const char *)text.ptr;
    return TSR_COAP_CREATED;
}

const struct tsr_lwm2m_instances tsr_lwm2m_instances = { change, changed };
