/* SPDX-License-Identifier: Apache-2.0
 *
 * Write-Composite (Core 6.3.9): values of many objects, all of them or none. */
#include "tessera/lwm2m/client/composite.h"

enum { OBJECTS_MAX = 256 };

typedef struct {
    tsr_lwm2m_client *c;
    const tsr_coap_event *event;
    uint8_t code;                      /* where no tsr_err says it */
    uint8_t touched[OBJECTS_MAX / 8];  /* by place in the registry */
    size_t undo_len;                   /* saved forms of those, at the start of config.state */
} writing;

static bool is_touched(const writing *w, size_t place)
{
    return (w->touched[place / 8] >> place % 8 & 1) != 0;
}

/* Servers without the right are told so before they learn what is there. */
static tsr_err write_one(writing *w, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                         tsr_lwm2m_phase phase, const tsr_lwm2m_in *in)
{
    const tsr_lwm2m_registry *registry = w->c->config.registry;
    const tsr_lwm2m_object *object = tsr_lwm2m_object_find(registry, at.object);
    size_t place;

    if (!tsr_lwm2m_instance_is_allowed(w->c, w->event->peer, &at, TSR_LWM2M_OP_UPDATE)) {
        w->code = TSR_COAP_UNAUTHORIZED;
        return TSR_E_DENIED;
    }
    if (object == NULL || tsr_lwm2m_object_next(object, at.instance) != at.instance)
        return TSR_E_NOT_FOUND;
    place = (size_t)(object - registry->objects);
    if (place >= OBJECTS_MAX)
        return TSR_E_SPACE;
    w->touched[place / 8] = (uint8_t)(w->touched[place / 8] | 1u << place % 8);
    if (phase == TSR_LWM2M_COMMIT)
        tsr_lwm2m_client_changed(w->c, at);
    return tsr_lwm2m_object_set(object, at, value, phase, in);
}

static tsr_err each(writing *w, tsr_lwm2m_phase phase)
{
    tsr_buf scratch = tsr_buf_over(w->c->config.body, w->c->config.body_len);
    tsr_lwm2m_value value;
    tsr_lwm2m_path at;
    tsr_lwm2m_in in;
    tsr_err err = tsr_lwm2m_in_begin_patch(&in, w->event->msg->content_format.value, w->event->body,
                                           &scratch);

    tsr_lwm2m_in_prefix(&in, w->c->config.root);
    while (err == TSR_OK && (err = tsr_lwm2m_in_next_change(&in, &at, &value)) == TSR_OK)
        err = write_one(w, at, &value, phase, &in);
    return err == TSR_END ? TSR_OK : err;
}

/* ---- taking back ---------------------------------------------------------------------------- */

/* The saved forms of the objects touched, each behind its length. */
static tsr_err forms_put(const writing *w, tsr_buf *out)
{
    const tsr_lwm2m_registry *registry = w->c->config.registry;

    for (size_t i = 0; i < registry->count && i < OBJECTS_MAX; i++) {
        const tsr_lwm2m_object *object = &registry->objects[i];
        uint8_t *head;
        size_t from;

        if (!is_touched(w, i) || object->handlers->save == NULL)
            continue;
        head = tsr_buf_claim(out, 2);
        from = out->len;
        object->handlers->save(object->state, out);
        if (head == NULL || out->err != TSR_OK || out->len - from > UINT16_MAX)
            return TSR_E_SPACE;
        head[0] = (uint8_t)((out->len - from) >> 8);
        head[1] = (uint8_t)(out->len - from);
    }
    return out->err;
}

static void take_back(const writing *w)
{
    const tsr_lwm2m_registry *registry = w->c->config.registry;
    tsr_bytes in = tsr_view(w->c->config.state, w->undo_len), form;
    uint16_t len;

    for (size_t i = 0; i < registry->count && i < OBJECTS_MAX; i++) {
        const tsr_lwm2m_object *object = &registry->objects[i];

        if (!is_touched(w, i) || object->handlers->save == NULL)
            continue;
        if (tsr_get_u16(&in, &len) != TSR_OK || tsr_get_bytes(&in, len, &form) != TSR_OK)
            return;
        (void)object->handlers->load(object->state, form);
    }
}

static bool is_as_before(const writing *w)
{
    size_t undo = w->undo_len;
    tsr_buf now = tsr_buf_over(w->c->config.state + undo, w->c->config.state_len - undo);

    return forms_put(w, &now) == TSR_OK &&
           tsr_same(tsr_buf_view(&now), tsr_view(w->c->config.state, undo));
}

/* Durable before it is acknowledged; if it cannot be, or one of the objects fails half-way, it has
 * not happened. */
static uint8_t commit(writing *w)
{
    tsr_buf undo = tsr_buf_over(w->c->config.state, w->c->config.state_len);
    const struct tsr_lwm2m_keeping *keeping = w->c->parts->keeping;
    tsr_err err;

    if (forms_put(w, &undo) != TSR_OK)
        return TSR_COAP_INTERNAL_ERROR;
    w->undo_len = undo.len;
    err = each(w, TSR_LWM2M_COMMIT);
    if (err == TSR_OK && keeping != NULL && !is_as_before(w))
        err = keeping->save(w->c, w->undo_len);
    if (err == TSR_OK)
        return TSR_COAP_CHANGED;
    take_back(w);
    return TSR_COAP_INTERNAL_ERROR;
}

uint8_t tsr_lwm2m_composite_write(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    writing w = { .c = c, .event = event };
    tsr_err err = event->msg->content_format.set ? each(&w, TSR_LWM2M_CHECK) : TSR_E_UNSUPPORTED;
    uint8_t code;

    if (err == TSR_E_SPACE)
        return TSR_COAP_TOO_LARGE;
    if (err != TSR_OK)
        return w.code != 0 ? w.code : tsr_lwm2m_manage_code(err, TSR_COAP_UNSUPPORTED_FORMAT);
    code = commit(&w);
    for (size_t i = 0; code == TSR_COAP_CHANGED && i < c->config.registry->count; i++) {
        if (i < OBJECTS_MAX && is_touched(&w, i) && c->config.registry->objects[i].info->id == 1)
            manage_server_changed(c);
    }
    return code;
}
