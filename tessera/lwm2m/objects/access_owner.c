/* SPDX-License-Identifier: Apache-2.0
 *
 * Access Control of a whole device: from the factory, and when accounts go. */
#include "tessera/lwm2m/objects/access.h"

enum { SERVER = 1, ACCESS = 2 };

/* Objects of keys are no server's; this object says itself who may touch it. */
static bool is_governed(uint16_t object)
{
    return object != 0 && object != ACCESS && object != 21 && object != 23 && object != 24;
}

static tsr_err grant(tsr_lwm2m_accesses *all, tsr_lwm2m_access *a, const tsr_lwm2m_acl *acl,
                     size_t count, uint8_t mask)
{
    tsr_err err = TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < count; i++) {
        if ((acl[i].rights & mask) != 0)
            err = tsr_lwm2m_access_set(all, a, acl[i].server, acl[i].rights & mask);
    }
    return err;
}

static uint16_t server_at(const tsr_lwm2m_servers *servers, uint32_t instance)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->items[i].used && servers->items[i].id == instance)
            return (uint16_t)servers->items[i].number[TSR_LWM2M_S_SHORT_ID];
    }
    return TSR_LWM2M_NOBODY;
}

static tsr_err furnish_object(tsr_lwm2m_accesses *all, const tsr_lwm2m_object *object,
                              const tsr_lwm2m_servers *servers, uint16_t owner,
                              const tsr_lwm2m_acl *acl, size_t count)
{
    uint16_t id = object->info->id;
    tsr_err err = TSR_OK;

    for (uint32_t i = tsr_lwm2m_object_next(object, 0); err == TSR_OK && i != TSR_LWM2M_NO_INSTANCE;
         i = tsr_lwm2m_object_next(object, i + 1)) {
        tsr_lwm2m_access *a;

        if (tsr_lwm2m_access_find(all, id, (uint16_t)i) != NULL)
            continue;
        a = tsr_lwm2m_access_add(all, id, (uint16_t)i, id == SERVER ? server_at(servers, i) : owner);
        if (a == NULL)
            return TSR_E_SPACE;
        if (id != SERVER)
            err = grant(all, a, acl, count, TSR_LWM2M_MAY_ALL & ~TSR_LWM2M_MAY_CREATE);
    }
    return err;
}

static tsr_err furnish_whole(tsr_lwm2m_accesses *all, const tsr_lwm2m_object *object,
                             const tsr_lwm2m_acl *acl, size_t count)
{
    uint16_t id = object->info->id;
    tsr_lwm2m_access *a;

    if (object->handlers->create == NULL ||
        tsr_lwm2m_access_find(all, id, TSR_LWM2M_WHOLE_OBJECT) != NULL)
        return TSR_OK;
    a = tsr_lwm2m_access_add(all, id, TSR_LWM2M_WHOLE_OBJECT, TSR_LWM2M_NOBODY);
    return a != NULL ? grant(all, a, acl, count, TSR_LWM2M_MAY_CREATE) : TSR_E_SPACE;
}

tsr_err tsr_lwm2m_access_furnish(tsr_lwm2m_accesses *all, const tsr_lwm2m_registry *registry,
                                 const tsr_lwm2m_servers *servers, uint16_t owner,
                                 const tsr_lwm2m_acl *acl, size_t acl_count)
{
    tsr_err err = TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < registry->count; i++) {
        const tsr_lwm2m_object *object = &registry->objects[i];

        if (!is_governed(object->info->id))
            continue;
        err = furnish_object(all, object, servers, owner, acl, acl_count);
        if (err == TSR_OK)
            err = furnish_whole(all, object, acl, acl_count);
    }
    return err;
}

/* ---- accounts that have gone ---------------------------------------------------------------- */

static bool is_there(const tsr_lwm2m_servers *servers, uint16_t short_id)
{
    return tsr_lwm2m_server_find(servers, short_id) != NULL;
}

static bool drop_acls(tsr_lwm2m_access *a, const tsr_lwm2m_servers *servers)
{
    uint8_t kept = 0, had = a->count;

    for (uint8_t i = 0; i < had; i++) {
        if (a->acl[i].server == 0 || is_there(servers, a->acl[i].server))
            a->acl[kept++] = a->acl[i];
    }
    a->count = kept;
    return kept != had;
}

/* Core E.1.3: write and delete count. NOBODY: there is none that may do anything. */
static uint16_t heir_of(const tsr_lwm2m_accesses *all, const tsr_lwm2m_access *a,
                        const tsr_lwm2m_servers *servers)
{
    uint16_t heir = TSR_LWM2M_NOBODY;
    int most = -1;

    for (size_t i = 0; i < servers->count; i++) {
        uint16_t id = (uint16_t)servers->items[i].number[TSR_LWM2M_S_SHORT_ID];
        uint8_t rights =
            servers->items[i].used ? tsr_lwm2m_access_rights(all, id, a->object, a->instance) : 0;
        int sum = ((rights & TSR_LWM2M_MAY_WRITE) != 0) + ((rights & TSR_LWM2M_MAY_DELETE) != 0);

        if (rights != 0 && sum > most) {
            most = sum;
            heir = id;
        }
    }
    return heir;
}

static bool is_gone(const tsr_lwm2m_object *object, uint16_t instance)
{
    if (object == NULL || !tsr_lwm2m_object_instance(object, instance))
        return true;
    return object->handlers->remove != NULL && is_governed(object->info->id) &&
           object->handlers->remove(object->state, instance) == TSR_OK;
}

static void bequeath(const tsr_lwm2m_accesses *all, tsr_lwm2m_access *a,
                     const tsr_lwm2m_registry *registry, const tsr_lwm2m_servers *servers)
{
    a->owner = heir_of(all, a, servers);
    if (a->owner == TSR_LWM2M_NOBODY && a->instance != TSR_LWM2M_WHOLE_OBJECT &&
        is_gone(tsr_lwm2m_object_find(registry, a->object), a->instance))
        a->used = false;
}

/* Transport 5.2.5: what a server that is gone had alone goes too, the rest gets another owner. */
bool tsr_lwm2m_access_settle(tsr_lwm2m_accesses *all, const tsr_lwm2m_registry *registry,
                             const tsr_lwm2m_servers *servers)
{
    bool changed = false;

    for (size_t i = 0; i < all->count; i++) {
        tsr_lwm2m_access *a = &all->items[i];

        if (!a->used)
            continue;
        changed |= drop_acls(a, servers);
        if (a->owner != TSR_LWM2M_NOBODY && !is_there(servers, a->owner)) {
            bequeath(all, a, registry, servers);
            changed = true;
        }
    }
    all->revision += changed;
    return changed;
}
