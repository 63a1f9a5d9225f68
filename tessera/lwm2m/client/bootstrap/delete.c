/* SPDX-License-Identifier: Apache-2.0
 *
 * Bootstrap-Delete, and what survives it (Core 6.1.7.6): the account of the bootstrap server, and
 * Device. Objects whose instances belong to the device itself (sensors, lamps) have nothing that a
 * server could delete; they are passed over. */
#include "tessera/lwm2m/client/bootstrap/internal.h"

enum { SECURITY = 0, DEVICE = 3, OSCORE = 21 };

/* The bootstrap server that is speaking, with its keys, not one that it has just written. */
static bool survives(const tsr_lwm2m_client *c, uint16_t object, uint16_t instance)
{
    const tsr_lwm2m_security *own = tsr_lwm2m_security_bootstrap(c->bootstrap->securities);

    switch (object) {
    case SECURITY: return own != NULL && own->id == instance;
    case OSCORE:   return own != NULL && own->oscore && own->oscore_id == instance;
    default:       return object == DEVICE;
    }
}

tsr_err tsr_lwm2m_stage_remove_all(tsr_lwm2m_client *c, const tsr_lwm2m_object *object)
{
    uint32_t i = tsr_lwm2m_object_next(object, 0);
    tsr_err err = TSR_OK;

    if (object->handlers->remove == NULL)
        return TSR_OK;
    if (i != TSR_LWM2M_NO_INSTANCE)
        err = tsr_lwm2m_stage_touch(c, object);
    for (; err == TSR_OK && i != TSR_LWM2M_NO_INSTANCE; i = tsr_lwm2m_object_next(object, i + 1)) {
        if (!survives(c, object->info->id, (uint16_t)i))
            err = object->handlers->remove(object->state, (uint16_t)i);
    }
    return err;
}

static bool is_deletable(const tsr_lwm2m_client *c, const tsr_lwm2m_object *object)
{
    return (object->info->id != OSCORE || tsr_lwm2m_stage_has(c, OSCORE)) &&
           object->handlers->remove != NULL;
}

/* All of them can be taken back before the first one goes. */
static tsr_err remove_everything(tsr_lwm2m_client *c)
{
    const tsr_lwm2m_registry *all = c->config.registry;
    tsr_lwm2m_object object;
    tsr_err err = TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < all->count; i++) {
        if (tsr_lwm2m_stage_find(c, all->objects[i].info->id, &object) && is_deletable(c, &object))
            err = tsr_lwm2m_stage_touch(c, &object);
    }
    for (size_t i = 0; err == TSR_OK && i < all->count; i++) {
        if (tsr_lwm2m_stage_find(c, all->objects[i].info->id, &object) && is_deletable(c, &object))
            err = tsr_lwm2m_stage_remove_all(c, &object);
    }
    return err;
}

tsr_err tsr_lwm2m_stage_delete(tsr_lwm2m_client *c, tsr_lwm2m_path at)
{
    tsr_lwm2m_object object;
    tsr_err err;

    if (at.depth == 0)
        return remove_everything(c);
    if (at.depth > 2 || at.object == DEVICE)
        return TSR_E_DENIED;
    if (!tsr_lwm2m_stage_find(c, at.object, &object))
        return TSR_E_NOT_FOUND;
    if (object.handlers->remove == NULL)
        return TSR_E_DENIED;
    if (at.depth == 1)
        return tsr_lwm2m_stage_remove_all(c, &object);
    if (survives(c, at.object, at.instance))
        return TSR_E_DENIED;
    if (tsr_lwm2m_object_next(&object, at.instance) != at.instance)
        return TSR_E_NOT_FOUND;
    err = tsr_lwm2m_stage_touch(c, &object);
    return err == TSR_OK ? object.handlers->remove(object.state, at.instance) : err;
}

/* Not before Finish, so that a new instance of Security may be written in the place of the old one. */
void tsr_lwm2m_stage_delete_orphans(tsr_lwm2m_client *c)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;

    for (size_t i = 0; i < b->stage_servers.count; i++) {
        tsr_lwm2m_server *s = &b->stage_servers.items[i];
        uint16_t id = (uint16_t)s->number[TSR_LWM2M_S_SHORT_ID];

        if (s->used && tsr_lwm2m_security_find(&b->stage, id) == NULL &&
            tsr_lwm2m_security_find(b->securities, id) != NULL)
            s->used = false;
    }
}
