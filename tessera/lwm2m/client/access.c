/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may do what, among several servers (Core 8). Reached through a table only: a device with one
 * server does without. */
#include "tessera/lwm2m/client/internal.h"

enum { SERVER = 1, ACCESS = 2 };

/* Core 8.2 ("Authorization"): Discover needs no right. */
static uint8_t right_for(tsr_lwm2m_operation op)
{
    switch (op) {
    case TSR_LWM2M_OP_READ:
    case TSR_LWM2M_OP_OBSERVE:
    case TSR_LWM2M_OP_CANCEL:
    case TSR_LWM2M_OP_ATTRIBUTES: return TSR_LWM2M_MAY_READ;
    case TSR_LWM2M_OP_REPLACE:
    case TSR_LWM2M_OP_UPDATE:     return TSR_LWM2M_MAY_WRITE;
    case TSR_LWM2M_OP_EXECUTE:    return TSR_LWM2M_MAY_EXECUTE;
    case TSR_LWM2M_OP_DELETE:     return TSR_LWM2M_MAY_DELETE;
    case TSR_LWM2M_OP_CREATE:     return TSR_LWM2M_MAY_CREATE;
    default:                      return 0;
    }
}

/* Core 8.1, Core 8.1.3: one account may do everything; and so may several as long as nothing else was said. */
static bool is_active(const tsr_lwm2m_client *c)
{
    size_t servers = 0;

    if (c->config.accesses == NULL || !c->config.accesses->active)
        return false;
    for (size_t i = 0; i < c->config.servers->count; i++)
        servers += c->config.servers->items[i].used;
    return servers > 1;
}

static bool is_own(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at)
{
    const tsr_lwm2m_server *own = tsr_lwm2m_account_server(c, &c->config.accounts[account]);

    return own != NULL && own->id == at->instance;
}

/* Core E.3, resource 3, Core 8.1.2.1: an instance of this object is its owner's business alone, and
 * one about a whole object bootstrap's. */
static uint8_t rights_on_access(const tsr_lwm2m_accesses *all, uint16_t server, uint16_t instance)
{
    for (size_t i = 0; i < all->count; i++) {
        const tsr_lwm2m_access *a = &all->items[i];

        if (a->used && a->id == instance)
            return a->owner == server ? TSR_LWM2M_MAY_READ | TSR_LWM2M_MAY_WRITE : 0;
    }
    return 0;
}

static uint8_t rights(const tsr_lwm2m_client *c, size_t account, uint16_t object, uint16_t instance)
{
    const tsr_lwm2m_accesses *all = c->config.accesses;
    uint16_t server = c->config.accounts[account].short_id;

    return object == ACCESS ? rights_on_access(all, server, instance)
                            : tsr_lwm2m_access_rights(all, server, object, instance);
}

/* Core 8.2.3: an object is read as far as its instances may be; attributes may always be set there. */
static bool is_allowed_on_object(const tsr_lwm2m_client *c, size_t account,
                                 const tsr_lwm2m_object *object, tsr_lwm2m_operation op)
{
    uint32_t first = tsr_lwm2m_object_next(object, 0);

    if (op == TSR_LWM2M_OP_CREATE)
        return object->info->id != ACCESS &&
               rights(c, account, object->info->id, TSR_LWM2M_WHOLE_OBJECT) != 0;
    if (op == TSR_LWM2M_OP_ATTRIBUTES || first == TSR_LWM2M_NO_INSTANCE)
        return true;
    for (uint32_t i = first; i != TSR_LWM2M_NO_INSTANCE; i = tsr_lwm2m_object_next(object, i + 1)) {
        if ((rights(c, account, object->info->id, (uint16_t)i) & right_for(op)) != 0)
            return true;
    }
    return false;
}

/* What is not there has nothing to protect: it is 4.04. */
static bool allowed(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at,
                    tsr_lwm2m_operation op)
{
    const tsr_lwm2m_object *object;

    if (!is_active(c))
        return at->object != SERVER || at->depth < 2 || is_own(c, account, at);
    object = tsr_lwm2m_object_find(c->config.registry, at->object);
    if (object == NULL || right_for(op) == 0)
        return true;
    if (at->depth < 2)
        return is_allowed_on_object(c, account, object, op);
    if (!tsr_lwm2m_object_instance(object, at->instance))
        return true;
    if (op == TSR_LWM2M_OP_EXECUTE && at->object == SERVER && !is_own(c, account, at))
        return false; /* what it triggers is the business of that server alone */
    return (rights(c, account, at->object, at->instance) & right_for(op)) != 0;
}

/* ---- instances that servers make and delete ------------------------------------------------- */

static bool has_room(const tsr_lwm2m_client *c)
{
    const tsr_lwm2m_accesses *all = c->config.accesses;

    for (size_t i = 0; is_active(c) && i < all->count; i++) {
        if (!all->items[i].used)
            return true;
    }
    return !is_active(c);
}

/* A place that a request is about to change can be set back. */
static void remember(tsr_lwm2m_accesses *all, size_t place)
{
    all->last = place;
    all->before = all->items[place];
}

static void undo(tsr_lwm2m_client *c)
{
    tsr_lwm2m_accesses *all = c->config.accesses;

    if (all == NULL || all->last >= all->count)
        return;
    all->items[all->last] = all->before;
    all->last = all->count;
    all->revision++;
}

static void forget(const tsr_lwm2m_client *c)
{
    if (c->config.accesses != NULL)
        c->config.accesses->last = c->config.accesses->count;
}

static size_t place_for(const tsr_lwm2m_accesses *all, const tsr_lwm2m_access *a)
{
    size_t i = 0;

    if (a != NULL)
        return (size_t)(a - all->items);
    while (i < all->count && all->items[i].used)
        i++;
    return i;
}

/* Core 6.3.6, Core 8.1.2.2: whoever makes an instance owns it, and what is said about it goes with it.
 * An object that keeps nothing is not saved with its change. */
static void follow(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at, bool made)
{
    tsr_lwm2m_accesses *all = c->config.accesses;
    tsr_lwm2m_access *a;
    size_t place;

    if (!is_active(c))
        return;
    a = tsr_lwm2m_access_find(all, at->object, at->instance);
    place = place_for(all, a);
    if (place == all->count || (!made && a == NULL))
        return;
    remember(all, place);
    if (made)
        (void)tsr_lwm2m_access_add(all, at->object, at->instance, c->config.accounts[account].short_id);
    else
        a->used = false;
    all->revision++;
    c->save_owed = true;
}

/* ---- reporting ------------------------------------------------------------------------------ */

static bool may_report(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    bool some = false;

    if (o->at.depth != 0)
        return allowed(c, o->account, &o->at, TSR_LWM2M_OP_READ);
    for (size_t i = 0; !some && i < c->config.path_count; i++) {
        const tsr_lwm2m_composite_path *p = &c->config.paths[i];

        some = tsr_lwm2m_pool_is_of(c, p, o) &&
               (p->at.depth == 0 || allowed(c, o->account, &p->at, TSR_LWM2M_OP_READ));
    }
    return some;
}

/* Core 8.2.4: what a server may not read any more is not told to it. The observation stays, since the
 * right may come back. */
static void review(tsr_lwm2m_client *c)
{
    tsr_lwm2m_accesses *all = c->config.accesses;

    if (all == NULL || all->reviewed == all->revision)
        return;
    all->reviewed = all->revision;
    for (size_t i = 0; i < c->config.observation_count; i++) {
        tsr_lwm2m_observation *o = &c->config.observations[i];

        if (!o->used)
            continue;
        if (!may_report(c, o))
            o->retry_ms = UINT64_MAX;
        else if (o->retry_ms == UINT64_MAX)
            o->retry_ms = 0;
        o->dirty = true;
    }
}

static void settle(tsr_lwm2m_client *c, bool bootstrapped)
{
    tsr_lwm2m_accesses *all = c->config.accesses;
    bool any = false;

    if (all == NULL)
        return;
    if (tsr_lwm2m_access_settle(all, c->config.registry, c->config.servers)) {
        c->save_owed = true;
        tsr_lwm2m_client_relink(c);
    }
    for (size_t i = 0; i < all->count; i++)
        any |= all->items[i].used;
    if (bootstrapped)
        all->active = any;
    all->revision++;
    forget(c);
}

const struct tsr_lwm2m_access_control tsr_lwm2m_access_control = {
    allowed, has_room, follow, undo, review, settle,
};
