/* SPDX-License-Identifier: Apache-2.0
 *
 * The instances of Access Control: finding, reading, writing, keeping. */
#include "tessera/lwm2m/objects/access.h"

#include "generated/lwm2m_objects.h"

enum { OBJECT, INSTANCE, ACL, OWNER };

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_2_R0, TSR_LWM2M_2_R1, TSR_LWM2M_2_R2, TSR_LWM2M_2_R3,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_2_INFO(resources);

static tsr_lwm2m_access *item(const tsr_lwm2m_accesses *all, uint16_t id)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].id == id)
            return &all->items[i];
    }
    return NULL;
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    const tsr_lwm2m_accesses *all = state;
    uint32_t best = TSR_LWM2M_NO_INSTANCE;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used && all->items[i].id >= from && all->items[i].id < best)
            best = all->items[i].id;
    }
    return best;
}

tsr_lwm2m_access *tsr_lwm2m_access_find(const tsr_lwm2m_accesses *all, uint16_t object,
                                        uint16_t instance)
{
    for (size_t i = 0; i < all->count; i++) {
        tsr_lwm2m_access *a = &all->items[i];

        if (a->used && a->object == object && a->instance == instance)
            return a;
    }
    return NULL;
}

static tsr_lwm2m_access *make(tsr_lwm2m_accesses *all, uint16_t id)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used)
            continue;
        all->items[i] = (tsr_lwm2m_access){ .used = true, .id = id, .owner = TSR_LWM2M_NOBODY };
        all->active = true;
        all->revision++;
        return &all->items[i];
    }
    return NULL;
}

tsr_lwm2m_access *tsr_lwm2m_access_add(tsr_lwm2m_accesses *all, uint16_t object, uint16_t instance,
                                       uint16_t owner)
{
    tsr_lwm2m_access *a = tsr_lwm2m_access_find(all, object, instance);
    uint32_t id = 0;

    while (a == NULL && item(all, (uint16_t)id) != NULL)
        if (++id == TSR_LWM2M_NO_ID)
            return NULL;
    if (a == NULL)
        a = make(all, (uint16_t)id);
    if (a == NULL)
        return NULL;
    *a = (tsr_lwm2m_access){ .used = true, .id = a->id, .object = object, .instance = instance,
                             .owner = owner };
    all->revision++;
    return a;
}

/* ---- ACL: ascending by server -------------------------------------------------------------- */

static size_t place_of(const tsr_lwm2m_access *a, uint16_t server)
{
    size_t i = 0;

    while (i < a->count && a->acl[i].server < server)
        i++;
    return i;
}

static bool is_at(const tsr_lwm2m_access *a, size_t i, uint16_t server)
{
    return i < a->count && a->acl[i].server == server;
}

static tsr_err acl_set(tsr_lwm2m_access *a, uint16_t server, uint8_t rights)
{
    size_t i = place_of(a, server);

    if (!is_at(a, i, server)) {
        if (a->count == TSR_LWM2M_ACLS)
            return TSR_E_SPACE;
        memmove(&a->acl[i + 1], &a->acl[i], (a->count - i) * sizeof *a->acl);
        a->count++;
    }
    a->acl[i] = (tsr_lwm2m_acl){ server, rights };
    return TSR_OK;
}

static void acl_remove(tsr_lwm2m_access *a, uint16_t server)
{
    size_t i = place_of(a, server);

    if (!is_at(a, i, server))
        return;
    a->count--;
    memmove(&a->acl[i], &a->acl[i + 1], (a->count - i) * sizeof *a->acl);
}

tsr_err tsr_lwm2m_access_set(tsr_lwm2m_accesses *all, tsr_lwm2m_access *a, uint16_t server,
                             uint8_t rights)
{
    all->revision++;
    return acl_set(a, server, rights);
}

uint8_t tsr_lwm2m_access_rights(const tsr_lwm2m_accesses *all, uint16_t server, uint16_t object,
                                uint16_t instance)
{
    const tsr_lwm2m_access *a = tsr_lwm2m_access_find(all, object, instance);
    size_t own;

    if (a == NULL)
        return 0;
    own = place_of(a, server);
    if (instance == TSR_LWM2M_WHOLE_OBJECT)
        return is_at(a, own, server) ? a->acl[own].rights & TSR_LWM2M_MAY_CREATE : 0;
    if (is_at(a, own, server))
        return a->acl[own].rights & (TSR_LWM2M_MAY_ALL & ~TSR_LWM2M_MAY_CREATE);
    if (a->owner == server)
        return TSR_LWM2M_MAY_ALL & ~TSR_LWM2M_MAY_CREATE;
    return is_at(a, 0, 0) ? a->acl[0].rights & (TSR_LWM2M_MAY_ALL & ~TSR_LWM2M_MAY_CREATE) : 0;
}

/* ---- handlers ------------------------------------------------------------------------------ */

static tsr_err put_acl(const tsr_lwm2m_access *a, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    tsr_lwm2m_path each = at;
    tsr_err err = TSR_E_NOT_FOUND;

    each.depth = 4;
    for (size_t i = 0; i < a->count; i++) {
        each.resource_instance = a->acl[i].server;
        if (tsr_lwm2m_wanted(at, each.resource_instance))
            err = tsr_lwm2m_put_int(out, each, a->acl[i].rights);
    }
    return err;
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_access *a = item(state, at.instance);

    switch (at.resource) {
    case OBJECT:   return tsr_lwm2m_put_int(out, at, a->object);
    case INSTANCE: return tsr_lwm2m_put_int(out, at, a->instance);
    case ACL:      return put_acl(a, at, out);
    default:       return tsr_lwm2m_put_int(out, at, a->owner);
    }
}

static tsr_err write_acl(tsr_lwm2m_access *a, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                         tsr_lwm2m_phase phase)
{
    if (value == NULL) {
        if (phase == TSR_LWM2M_COMMIT && at.depth < 4)
            a->count = 0;
        else if (phase == TSR_LWM2M_COMMIT)
            acl_remove(a, at.resource_instance);
        return TSR_OK;
    }
    if (value->as.i < 0 || value->as.i > TSR_LWM2M_MAY_ALL ||
        at.resource_instance == TSR_LWM2M_NO_ID)
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_COMMIT)
        return acl_set(a, at.resource_instance, (uint8_t)value->as.i);
    if (a == NULL || a->count < TSR_LWM2M_ACLS)
        return TSR_OK;
    return is_at(a, place_of(a, at.resource_instance), at.resource_instance) ? TSR_OK : TSR_E_SPACE;
}

static tsr_err write_id(tsr_lwm2m_access *a, uint16_t resource, int64_t id, tsr_lwm2m_phase phase)
{
    if (id < (resource == INSTANCE ? 0 : 1) || id > (resource == OBJECT ? 65534 : 65535))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_CHECK)
        return TSR_OK;
    *(resource == OBJECT     ? &a->object
      : resource == INSTANCE ? &a->instance
                             : &a->owner) = (uint16_t)id;
    return TSR_OK;
}

/* Resources 0 and 1 come from bootstrap alone. In the CHECK of a Create there is no instance yet. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_accesses *all = state;
    tsr_lwm2m_access *a = item(all, at.instance);

    if (a == NULL && phase != TSR_LWM2M_CHECK)
        return TSR_E_NOT_FOUND;
    all->revision += phase == TSR_LWM2M_COMMIT;
    if (at.resource == ACL)
        return write_acl(a, at, value, phase);
    return value == NULL ? TSR_E_DENIED : write_id(a, at.resource, value->as.i, phase);
}

static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    tsr_lwm2m_accesses *all = state;

    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i].used)
            return phase == TSR_LWM2M_CHECK || make(all, instance) != NULL ? TSR_OK : TSR_E_DENIED;
    }
    return TSR_E_DENIED;
}

static tsr_err delete(void *state, uint16_t instance)
{
    tsr_lwm2m_accesses *all = state;
    tsr_lwm2m_access *a = item(all, instance);

    if (a == NULL)
        return TSR_E_NOT_FOUND;
    a->used = false;
    all->revision++;
    return TSR_OK;
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_accesses *all = state;

    tsr_put_u8(out, all->active);
    for (size_t n = 0; n < all->count; n++) {
        const tsr_lwm2m_access *a = &all->items[n];

        if (!a->used)
            continue;
        tsr_put_u16(out, a->id);
        tsr_put_u16(out, a->object);
        tsr_put_u16(out, a->instance);
        tsr_put_u16(out, a->owner);
        tsr_put_u8(out, a->count);
        for (size_t i = 0; i < a->count; i++) {
            tsr_put_u16(out, a->acl[i].server);
            tsr_put_u8(out, a->acl[i].rights);
        }
    }
}

static bool load_one(tsr_lwm2m_access *a, tsr_bytes *in)
{
    uint8_t count, rights;
    uint16_t server;

    *a = (tsr_lwm2m_access){ 0 };
    if (tsr_get_u16(in, &a->id) != TSR_OK || tsr_get_u16(in, &a->object) != TSR_OK ||
        tsr_get_u16(in, &a->instance) != TSR_OK || tsr_get_u16(in, &a->owner) != TSR_OK ||
        tsr_get_u8(in, &count) != TSR_OK || a->id == TSR_LWM2M_NO_ID)
        return false;
    while (count-- > 0) {
        if (tsr_get_u16(in, &server) != TSR_OK || tsr_get_u8(in, &rights) != TSR_OK ||
            acl_set(a, server, rights) != TSR_OK)
            return false;
    }
    a->used = true;
    return true;
}

static bool is_well_formed(const tsr_lwm2m_accesses *all, tsr_bytes in)
{
    tsr_lwm2m_access seen;
    uint8_t active;
    size_t count = 0;

    if (tsr_get_u8(&in, &active) != TSR_OK || active > 1)
        return false;
    while (in.len != 0) {
        if (++count > all->count || !load_one(&seen, &in))
            return false;
    }
    return true;
}

/* Damaged bytes must not open what was closed: then all stays as it is. */
static tsr_err load(void *state, tsr_bytes in)
{
    tsr_lwm2m_accesses *all = state;
    size_t n = 0;
    uint8_t active;

    if (!is_well_formed(all, in))
        return TSR_E_MALFORMED;
    (void)tsr_get_u8(&in, &active);
    all->active = active != 0;
    all->revision++;
    while (in.len != 0 && load_one(&all->items[n], &in))
        n++;
    while (n < all->count)
        all->items[n++].used = false;
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_access_object(tsr_lwm2m_accesses *accesses)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .create = create,
                                                 .remove = delete, .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, accesses };
}
