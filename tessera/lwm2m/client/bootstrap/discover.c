/* SPDX-License-Identifier: Apache-2.0
 *
 * Bootstrap-Discover (Core 6.1.7.3): which instances there are, and for accounts whose they are. */
#include "tessera/lwm2m/client/bootstrap/internal.h"

enum { SECURITY = 0, SERVER = 1, OSCORE = 21 };

static void put_short_id(tsr_buf *out, uint32_t short_id)
{
    tsr_put_text(out, ";ssid=");
    tsr_put_dec(out, short_id);
}

/* RFC 6690 §2: in a quoted string a quote and a backslash need a backslash. */
static void put_quoted(tsr_buf *out, const char *text)
{
    tsr_put_u8(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            tsr_put_u8(out, '\\');
        tsr_put_u8(out, (uint8_t)*text);
    }
    tsr_put_u8(out, '"');
}

/* The bootstrap server's own account says nothing. */
static void put_security(const tsr_lwm2m_bootstrap *b, uint16_t instance, tsr_buf *out)
{
    for (size_t i = 0; i < b->stage.count; i++) {
        const tsr_lwm2m_security *s = &b->stage.items[i];

        if (!s->used || s->id != instance || s->bootstrap)
            continue;
        put_short_id(out, s->short_id);
        tsr_put_text(out, ";uri=");
        put_quoted(out, s->uri);
    }
}

static void put_server(const tsr_lwm2m_bootstrap *b, uint16_t instance, tsr_buf *out)
{
    for (size_t i = 0; i < b->stage_servers.count; i++) {
        const tsr_lwm2m_server *s = &b->stage_servers.items[i];

        if (s->used && s->id == instance)
            put_short_id(out, s->number[TSR_LWM2M_S_SHORT_ID]);
    }
}

/* Of the server whose messages these keys protect. */
static void put_oscore(const tsr_lwm2m_bootstrap *b, uint16_t instance, tsr_buf *out)
{
    for (size_t i = 0; i < b->stage.count; i++) {
        const tsr_lwm2m_security *s = &b->stage.items[i];

        if (s->used && s->oscore && s->oscore_id == instance && !s->bootstrap)
            put_short_id(out, s->short_id);
    }
}

static void put_object(const tsr_lwm2m_client *c, const tsr_lwm2m_object *object, tsr_buf *out)
{
    uint32_t i = tsr_lwm2m_object_next(object, 0);
    uint16_t id = object->info->id;
    tsr_lwm2m_path at = tsr_lwm2m_at_object(id);
    const tsr_bytes none = { NULL, 0 }; /* Transport 6.4.2: the alternate path does not matter here */
    uint8_t minor = c->config.version_minor;

    if (i == TSR_LWM2M_NO_INSTANCE || !tsr_lwm2m_version_is_implied(object->info, minor)) {
        tsr_lwm2m_link_open(out, none, &at);
        tsr_lwm2m_version_put(object->info, minor, out);
    }
    for (; i != TSR_LWM2M_NO_INSTANCE; i = tsr_lwm2m_object_next(object, i + 1)) {
        at = tsr_lwm2m_at_instance(id, (uint16_t)i);
        tsr_lwm2m_link_open(out, none, &at);
        if (id == SECURITY)
            put_security(c->bootstrap, (uint16_t)i, out);
        else if (id == SERVER)
            put_server(c->bootstrap, (uint16_t)i, out);
        else if (id == OSCORE)
            put_oscore(c->bootstrap, (uint16_t)i, out);
    }
}

tsr_err tsr_lwm2m_boot_discover(tsr_lwm2m_client *c, tsr_lwm2m_path at, tsr_buf *out)
{
    const tsr_lwm2m_registry *all = c->config.registry;
    tsr_lwm2m_object object;

    if (at.depth > 1)
        return TSR_E_ARGUMENT;
    if (at.depth == 1 && !tsr_lwm2m_stage_find(c, at.object, &object))
        return TSR_E_NOT_FOUND;
    tsr_put_text(out, "</>;lwm2m=1.");
    tsr_put_dec(out, c->config.version_minor);
    for (size_t i = 0; i < all->count; i++) {
        uint16_t id = all->objects[i].info->id;

        if ((at.depth == 0 || id == at.object) && tsr_lwm2m_stage_find(c, id, &object))
            put_object(c, &object, out);
    }
    return out->err;
}
