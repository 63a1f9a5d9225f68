/* SPDX-License-Identifier: Apache-2.0
 *
 * Link lists: what a Register tells, and what a Discover answers. */
#include "tessera/lwm2m/client/internal.h"

/* Core 6.2.1: never told to servers. 24 holds credentials of a broker, so it is left out too. */
bool object_is_hidden(uint16_t object)
{
    return object == 0 || object == 21 || object == 23 || object == 24;
}

/* Core 8.1: without Access Control objects a server may touch everything but keys, and the
 * accounts of other servers. */
bool instance_is_allowed(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at)
{
    if (object_is_hidden(at->object))
        return false;
    if (at->object != 1 || at->depth < 2)
        return true;

    const tsr_lwm2m_server *own = account_server(c, &c->config.accounts[account]);

    return own != NULL && own->id == at->instance;
}

typedef struct {
    uint8_t object, minor;
} implied;

/* Core table E-1: the versions, all 1.x, that an enabler 1.2 implies by silence. */
static const implied implied_1_2[] = { { 1, 2 }, { 2, 1 }, { 3, 2 }, { 4, 3 },
                                       { 5, 1 }, { 6, 0 }, { 7, 0 } };

static bool version_is_implied(const tsr_lwm2m_object_info *info, uint8_t version_minor)
{
    if (info->version_major == 1 && info->version_minor == 0 && (info->id > 7 || version_minor < 1))
        return true;
    if (version_minor < 2)
        return false;
    for (size_t i = 0; i < sizeof implied_1_2 / sizeof *implied_1_2; i++) {
        if (implied_1_2[i].object == info->id)
            return info->version_major == 1 && info->version_minor == implied_1_2[i].minor;
    }
    return false;
}

static void link_open(tsr_buf *out, const tsr_lwm2m_path *at, bool first)
{
    tsr_put_text(out, first ? "<" : ",<");
    tsr_lwm2m_path_put(out, *at);
    tsr_put_u8(out, '>');
}

static void version_put(tsr_buf *out, const tsr_lwm2m_object_info *info)
{
    tsr_put_text(out, ";ver=");
    tsr_put_dec(out, info->version_major);
    tsr_put_u8(out, '.');
    tsr_put_dec(out, info->version_minor);
}

static void object_put(const tsr_lwm2m_object *object, uint8_t version_minor, tsr_buf *out)
{
    uint32_t i = tsr_lwm2m_object_next(object, 0);
    uint16_t id = object->info->id;
    bool told = version_is_implied(object->info, version_minor);
    tsr_lwm2m_path at = tsr_lwm2m_at_object(id);

    if (i == TSR_LWM2M_NO_INSTANCE || !told) {
        link_open(out, &at, false);
        if (!told)
            version_put(out, object->info);
    }
    for (; i != TSR_LWM2M_NO_INSTANCE; i = tsr_lwm2m_object_next(object, i + 1)) {
        at = tsr_lwm2m_at_instance(id, (uint16_t)i);
        link_open(out, &at, false);
    }
}

/* Core 6.2.1: the formats stand on the root link. A 1.0 server knows TLV alone. */
void links_put(const tsr_lwm2m_client *c, uint8_t minor, tsr_buf *out)
{
    static const char *const formats[] = { "ct=11542", "ct=\"60 110 112 11542\"",
                                           "ct=\"60 110 112 11542 11544\"" };

    tsr_put_text(out, "</>;rt=\"oma.lwm2m\";");
    tsr_put_text(out, formats[minor < 2 ? minor : 2]);
    for (size_t i = 0; i < c->config.registry->count; i++) {
        const tsr_lwm2m_object *object = &c->config.registry->objects[i];

        if (!object_is_hidden(object->info->id))
            object_put(object, minor, out);
    }
}

static void attached_put(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at,
                         tsr_buf *out)
{
    const tsr_lwm2m_attachment *own = attachment_find(c, account, at);

    if (own != NULL)
        c->parts->attributes->put(out, &own->values);
}

static void dim_put(const tsr_lwm2m_object *object, const tsr_lwm2m_path *at, tsr_buf *out)
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, at->resource);

    if (at->depth != 3 || !(info->flags & TSR_LWM2M_MULTIPLE))
        return;
    size_t n = tsr_lwm2m_object_dim(object, *at);

    tsr_put_text(out, ";dim=");
    tsr_put_dec(out, n);
}

/* The instances of a multiple resource are found by their values: ask for each id until as many
 * as there are have been seen. */
static void resource_instances_put(tsr_lwm2m_client *c, size_t account,
                                   const tsr_lwm2m_object *object, const tsr_lwm2m_path *of,
                                   tsr_buf *out)
{
    size_t left = tsr_lwm2m_object_dim(object, *of);
    tsr_lwm2m_path at = *of;

    at.depth = 4;
    for (uint32_t i = 0; left > 0 && i < TSR_LWM2M_NO_ID; i++) {
        at.resource_instance = (uint16_t)i;
        if (!tsr_lwm2m_object_has(object, at))
            continue;
        left--;
        link_open(out, &at, false);
        attached_put(c, account, &at, out);
    }
}

static void resources_put(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                          uint16_t instance, unsigned depth, tsr_buf *out)
{
    for (size_t i = 0; i < object->info->resource_count; i++) {
        tsr_lwm2m_path at =
            tsr_lwm2m_at_resource(object->info->id, instance, object->info->resources[i].id);

        if (!tsr_lwm2m_object_has(object, at))
            continue;
        link_open(out, &at, false);
        dim_put(object, &at, out);
        attached_put(c, account, &at, out);
        if (depth > 1)
            resource_instances_put(c, account, object, &at, out);
    }
}

/* The first link of an answer. A resource also shows what it inherits (Core 6.3.2). */
static void head_put(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                     const tsr_lwm2m_path *at, tsr_buf *out)
{
    tsr_lwm2m_attributes attributes = { 0 };

    link_open(out, at, true);
    if (at->depth == 1 &&
        !version_is_implied(object->info, c->config.accounts[account].version_minor))
        version_put(out, object->info);
    if (at->depth < 3) {
        attached_put(c, account, at, out);
        return;
    }
    dim_put(object, at, out);
    attributes_effective(c, account, at, &attributes);
    c->parts->attributes->put(out, &attributes);
}

static void instances_put(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                          unsigned depth, tsr_buf *out)
{
    uint32_t i = tsr_lwm2m_object_next(object, 0);

    for (; i != TSR_LWM2M_NO_INSTANCE; i = tsr_lwm2m_object_next(object, i + 1)) {
        tsr_lwm2m_path at = tsr_lwm2m_at_instance(object->info->id, (uint16_t)i);

        if (!instance_is_allowed(c, account, &at))
            continue;
        link_open(out, &at, false);
        attached_put(c, account, &at, out);
        if (depth > 1)
            resources_put(c, account, object, (uint16_t)i, depth - 1, out);
    }
}

/* Core 6.3.2. `depth` says how many levels below the target are shown (1.2). */
tsr_err discover_put(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at, unsigned depth,
                     tsr_buf *out)
{
    const tsr_lwm2m_object *object = tsr_lwm2m_object_find(c->config.registry, at->object);

    if (object == NULL || at->depth == 4)
        return TSR_E_NOT_FOUND;
    if (at->depth >= 2 && tsr_lwm2m_object_next(object, at->instance) != at->instance)
        return TSR_E_NOT_FOUND;
    if (at->depth == 3 && !tsr_lwm2m_object_has(object, *at))
        return TSR_E_NOT_FOUND;
    head_put(c, account, object, at, out);
    if (depth > 0 && at->depth == 1)
        instances_put(c, account, object, depth, out);
    else if (depth > 0 && at->depth == 2)
        resources_put(c, account, object, at->instance, depth, out);
    else if (depth > 0)
        resource_instances_put(c, account, object, at, out);
    return out->err;
}
