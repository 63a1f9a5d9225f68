/* SPDX-License-Identifier: Apache-2.0
 *
 * Link lists: what a Register tells, and what a Discover answers. */
#include "tessera/lwm2m/client/internal.h"

/* Core 6.2.1: never told to servers. 24 holds credentials of a broker, so it is left out too. */
bool tsr_lwm2m_object_is_hidden(uint16_t object)
{
    return object == 0 || object == 21 || object == 23 || object == 24;
}

/* Core 8.1: a server that is alone may touch everything but keys. */
bool tsr_lwm2m_instance_is_allowed(const tsr_lwm2m_client *c, size_t account,
                                   const tsr_lwm2m_path *at, tsr_lwm2m_operation op)
{
    if (tsr_lwm2m_object_is_hidden(at->object))
        return false;
    return c->parts->access == NULL || c->parts->access->allowed(c, account, at, op);
}

/* Core 7.2.3, Core table E-1: the minor versions that an enabler 1.2 implies by silence, for objects 0 to 7. */
bool tsr_lwm2m_version_is_implied(const tsr_lwm2m_object_info *info, uint8_t version_minor)
{
    static const uint8_t minors[] = { 2, 2, 1, 2, 3, 1, 0, 0 };

    if (info->version_major != 1)
        return false;
    if (version_minor >= 2 && info->id < sizeof minors)
        return info->version_minor == minors[info->id];
    return info->version_minor == 0 && (info->id >= sizeof minors || version_minor < 1);
}

/* The next link of a list. */
void tsr_lwm2m_link_open(tsr_buf *out, tsr_bytes root, const tsr_lwm2m_path *at)
{
    tsr_put_text(out, out->len == 0 ? "<" : ",<");
    tsr_put_bytes(out, root);
    tsr_lwm2m_path_put(out, *at);
    tsr_put_u8(out, '>');
}

void tsr_lwm2m_version_put(const tsr_lwm2m_object_info *info, uint8_t version_minor, tsr_buf *out)
{
    if (tsr_lwm2m_version_is_implied(info, version_minor))
        return;
    tsr_put_text(out, ";ver=");
    tsr_put_dec(out, info->version_major);
    tsr_put_u8(out, '.');
    tsr_put_dec(out, info->version_minor);
}

static void object_put(tsr_bytes root, const tsr_lwm2m_object *object, uint8_t version_minor, tsr_buf *out)
{
    uint32_t i = tsr_lwm2m_object_next(object, 0);
    tsr_lwm2m_path at = tsr_lwm2m_at_object(object->info->id);

    if (i == TSR_LWM2M_NO_INSTANCE || !tsr_lwm2m_version_is_implied(object->info, version_minor)) {
        tsr_lwm2m_link_open(out, root, &at);
        tsr_lwm2m_version_put(object->info, version_minor, out);
    }
    at.depth = 2;
    for (; i != TSR_LWM2M_NO_INSTANCE; i = tsr_lwm2m_object_next(object, i + 1)) {
        at.instance = (uint16_t)i;
        tsr_lwm2m_link_open(out, root, &at);
    }
}

/* The next format to be told above `f`, or 0. A 1.0 server knows TLV alone, LwM2M CBOR came with 1.2,
 * the JSON of 1.0 is read only, and those of one value up to Opaque need not be said. */
static uint32_t told_above(uint32_t f, uint8_t minor)
{
    const uint32_t first = minor == 0 ? TSR_LWM2M_FORMAT_TLV : TSR_LWM2M_FORMAT_CBOR;
    const uint32_t last = minor < 2 ? TSR_LWM2M_FORMAT_TLV : TSR_LWM2M_FORMAT_LWM2M_CBOR;

    f = tsr_lwm2m_format_above(f < first ? first - 1 : f);
    if (f == TSR_LWM2M_FORMAT_OMA_JSON)
        f = tsr_lwm2m_format_above(f);
    return f <= last ? f : 0;
}

/* Core 6.2.1, RFC 7252 §7.2.1: several stand in quotes. */
static void formats_put(uint8_t minor, tsr_buf *out)
{
    uint32_t f = told_above(0, minor);
    bool several;

    if (f == 0)
        return;
    several = told_above(f, minor) != 0;
    tsr_put_text(out, several ? ";ct=\"" : ";ct=");
    for (;;) {
        tsr_put_dec(out, f);
        f = told_above(f, minor);
        if (f == 0)
            break;
        tsr_put_u8(out, ' ');
    }
    if (several)
        tsr_put_u8(out, '"');
}

void tsr_lwm2m_links_put(const tsr_lwm2m_client *c, uint8_t minor, tsr_buf *out)
{
    tsr_put_u8(out, '<');
    tsr_put_bytes(out, c->config.root.len != 0 ? c->config.root : tsr_text("/"));
    tsr_put_text(out, ">;rt=\"oma.lwm2m\"");
    formats_put(minor, out);
    for (size_t i = 0; i < c->config.registry->count; i++) {
        const tsr_lwm2m_object *object = &c->config.registry->objects[i];

        if (!tsr_lwm2m_object_is_hidden(object->info->id))
            object_put(c->config.root, object, minor, out);
    }
}

/* What a Discover goes through. */
typedef struct {
    const tsr_lwm2m_client *c;
    size_t account;
    const tsr_lwm2m_object *object;
    tsr_buf *out;
} tour;

/* One link, with the attributes that stand there. The first one, if it is a resource, also shows
 * what it inherits (Core 6.3.2). */
static void link_put(const tour *t, const tsr_lwm2m_path *at, size_t dim)
{
    bool inherits = t->out->len == 0 && at->depth == 3;

    tsr_lwm2m_link_open(t->out, t->c->config.root, at);
    if (at->depth == 1)
        tsr_lwm2m_version_put(t->object->info, t->c->config.accounts[t->account].version_minor,
                              t->out);
    if (dim != 0) {
        tsr_put_text(t->out, ";dim=");
        tsr_put_dec(t->out, dim);
    }
    if (t->c->parts->reporting != NULL)
        t->c->parts->reporting->show(t->c, t->account, at, inherits ? 1 : at->depth, t->out);
}

/* A link and those below it, so many levels: four deep at most. */
static void tree_put(const tour *t, const tsr_lwm2m_path *of, unsigned levels)
{
    const tsr_lwm2m_object *object = t->object;
    size_t left = of->depth == 3 ? tsr_lwm2m_object_dim(object, *of) : 0;
    tsr_lwm2m_path at = *of;
    uint32_t i = 0;

    link_put(t, of, left);
    if (levels-- == 0)
        return;
    at.depth++;
    if (of->depth == 1)
        for (; (i = tsr_lwm2m_object_next(object, i)) != TSR_LWM2M_NO_INSTANCE; i++) {
            at.instance = (uint16_t)i;
            if (tsr_lwm2m_instance_is_allowed(t->c, t->account, &at, TSR_LWM2M_OP_DISCOVER))
                tree_put(t, &at, levels);
        }
    else if (of->depth == 2)
        for (; i < object->info->resource_count; i++) {
            at.resource = object->info->resources[i].id;
            if (tsr_lwm2m_object_has(object, at))
                tree_put(t, &at, levels);
        }
    else
        /* The instances of a resource are found by their values: ask for each id until as many as
         * there are have been seen. */
        for (; left > 0 && i < TSR_LWM2M_NO_ID; i++) {
            at.resource_instance = (uint16_t)i;
            if (!tsr_lwm2m_object_has(object, at))
                continue;
            left--;
            tree_put(t, &at, 0);
        }
}

/* Core 6.3.2. `depth` says how many levels below the target are shown (1.2). */
tsr_err tsr_lwm2m_discover_put(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                               const tsr_lwm2m_path *at, unsigned depth, tsr_buf *out)
{
    const tour t = { c, account, object, out };

    if (at->depth == 4 || !tsr_lwm2m_object_exists(object, at))
        return TSR_E_NOT_FOUND;
    tree_put(&t, at, depth);
    return out->err;
}
