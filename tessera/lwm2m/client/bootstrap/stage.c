/* SPDX-License-Identifier: Apache-2.0
 *
 * Holding back. Security and Server are written as copies, since they decide whom the client speaks
 * with. Other objects are written as they stand, and what they were is kept: a save in the meantime
 * stores that, and so a power cut takes all of it back. */
#include "tessera/lwm2m/client/bootstrap/internal.h"

enum { SECURITY = 0, SERVER = 1, OSCORE = 21, HEAD = 4 };

/* Objects that are written as copies. */
bool tsr_lwm2m_stage_has(const tsr_lwm2m_client *c, uint16_t object)
{
    return object == SECURITY || object == SERVER ||
           (object == OSCORE && c->bootstrap->oscore != NULL);
}

void tsr_lwm2m_stage_sweep(const tsr_lwm2m_client *c, bool staged)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;

    tsr_lwm2m_security_sweep(b->securities, staged ? &b->stage : b->securities);
    if (b->oscore != NULL)
        b->oscore->sweep(b, staged);
}

void tsr_lwm2m_stage_begin(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    const tsr_lwm2m_servers *servers = c->config.servers;

    memcpy(b->staged_securities, b->securities->items,
           b->securities->count * sizeof *b->staged_securities);
    memcpy(b->staged_servers, servers->items, servers->count * sizeof *b->staged_servers);
    for (size_t i = 0; i < servers->count; i++)
        b->staged_servers[i].written = false;
    for (size_t i = 0; i < b->securities->count; i++)
        b->staged_securities[i].open = true;
    b->stage = *b->securities;
    b->stage.items = b->staged_securities;
    b->stage.credentials = &b->stage_credentials;
    b->stage_credentials = *b->securities->credentials;
    b->stage_credentials.certificates = b->staged_certificates;
    b->stage_servers = (tsr_lwm2m_servers){ .items = b->staged_servers, .count = servers->count };
    if (b->oscore != NULL)
        b->oscore->begin(b);
    b->undo_used = 0;
    b->staging = true;
}

bool tsr_lwm2m_stage_find(const tsr_lwm2m_client *c, uint16_t id, tsr_lwm2m_object *object)
{
    const tsr_lwm2m_object *live;

    if (id == SECURITY) {
        *object = tsr_lwm2m_security_object(&c->bootstrap->stage);
        return true;
    }
    if (id == SERVER) {
        *object = tsr_lwm2m_server_staged(&c->bootstrap->stage_servers);
        return true;
    }
    live = tsr_lwm2m_object_find(c->config.registry, id);
    if (live != NULL)
        *object = *live;
    if (live != NULL && tsr_lwm2m_stage_has(c, id))
        object->state = &c->bootstrap->stage_oscores;
    return live != NULL;
}

/* Entries: object id, length, saved form. */
static bool entry_next(tsr_bytes *in, uint16_t *id, tsr_bytes *form)
{
    uint16_t len;

    return tsr_get_u16(in, id) == TSR_OK && tsr_get_u16(in, &len) == TSR_OK &&
           tsr_get_bytes(in, len, form) == TSR_OK;
}

static bool held_form(const tsr_lwm2m_bootstrap *b, uint16_t object, tsr_bytes *form)
{
    tsr_bytes in = tsr_view(b->undo, b->staging ? b->undo_used : 0);
    uint16_t id;

    while (entry_next(&in, &id, form)) {
        if (id == object)
            return true;
    }
    return false;
}

static tsr_err remember(tsr_lwm2m_bootstrap *b, const tsr_lwm2m_object *object)
{
    tsr_buf out = tsr_buf_over(b->undo, b->undo_len);
    uint8_t *head;
    size_t len;

    out.len = b->undo_used;
    tsr_put_u16(&out, object->info->id);
    head = tsr_buf_claim(&out, 2);
    object->handlers->save(object->state, &out);
    if (head == NULL || out.err != TSR_OK)
        return TSR_E_SPACE;
    len = out.len - b->undo_used - HEAD;
    head[0] = (uint8_t)(len >> 8);
    head[1] = (uint8_t)len;
    b->undo_used = out.len;
    return TSR_OK;
}

/* An object that keeps nothing could not be set back; it has nothing to configure either. Where keys of
 * OSCORE are not held back they go at once, and could not be set back at all. */
tsr_err tsr_lwm2m_stage_touch(tsr_lwm2m_client *c, const tsr_lwm2m_object *object)
{
    tsr_bytes form;

    if (tsr_lwm2m_stage_has(c, object->info->id))
        return TSR_OK;
    if (object->info->id == OSCORE || object->handlers->save == NULL || object->handlers->load == NULL)
        return TSR_E_DENIED;
    return held_form(c->bootstrap, object->info->id, &form) ? TSR_OK
                                                            : remember(c->bootstrap, object);
}

bool tsr_lwm2m_stage_held(const tsr_lwm2m_client *c, const tsr_lwm2m_object *object, tsr_buf *out)
{
    tsr_bytes form;

    if (!held_form(c->bootstrap, object->info->id, &form))
        return false;
    tsr_put_bytes(out, form);
    return true;
}

void tsr_lwm2m_stage_drop(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    tsr_bytes in = tsr_view(b->undo, b->undo_used), form;
    uint16_t id;

    if (!b->staging)
        return;
    while (entry_next(&in, &id, &form)) {
        const tsr_lwm2m_object *object = tsr_lwm2m_object_find(c->config.registry, id);

        if (object != NULL)
            (void)object->handlers->load(object->state, form);
        tsr_lwm2m_client_changed(c, tsr_lwm2m_at_object(id));
    }
    b->staging = false;
    tsr_lwm2m_stage_sweep(c, false);
    tsr_lwm2m_client_relink(c);
}
