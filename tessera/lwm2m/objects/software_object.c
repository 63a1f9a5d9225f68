/* SPDX-License-Identifier: Apache-2.0
 *
 * The resources of object 9, and what of it outlives a restart. */
#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/objects/protocol.h"
#include "tessera/lwm2m/objects/software_in.h"

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_9_R0, TSR_LWM2M_9_R1, TSR_LWM2M_9_R2,  TSR_LWM2M_9_R3,  TSR_LWM2M_9_R4,
    TSR_LWM2M_9_R5, TSR_LWM2M_9_R6, TSR_LWM2M_9_R7,  TSR_LWM2M_9_R8,  TSR_LWM2M_9_R9,
    TSR_LWM2M_9_R10, TSR_LWM2M_9_R11, TSR_LWM2M_9_R12, TSR_LWM2M_9_R16,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_9_INFO(resources);

enum { NOTHING = 0xffff };

static uint32_t next_instance(const void *state, uint32_t from)
{
    return tsr_lwm2m_slot_next(tsr_lwm2m_software_slots(state), from);
}

/* Core 6.3.1. There are no checkpoints: the link leads nowhere. */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_software *s = tsr_lwm2m_software_find(state, at.instance);

    switch (at.resource) {
    case TSR_LWM2M_9_PKGNAME:       return tsr_lwm2m_put_text(out, at, tsr_text(s->name));
    case TSR_LWM2M_9_PKGVERSION:    return tsr_lwm2m_put_text(out, at, tsr_text(s->version));
    case TSR_LWM2M_9_CHECKPOINT:    return tsr_lwm2m_put_objlnk(out, at, NOTHING, NOTHING);
    case TSR_LWM2M_9_UPDATE_STATE:  return tsr_lwm2m_put_int(out, at, s->state);
    case TSR_LWM2M_9_UPDATE_RESULT: return tsr_lwm2m_put_int(out, at, s->result);
    case TSR_LWM2M_9_UPDATE_SUPPORTED_OBJECTS:
        return tsr_lwm2m_put_bool(out, at, s->supported_objects);
    case TSR_LWM2M_9_ACTIVATION_STATE: return tsr_lwm2m_put_bool(out, at, s->active);
    case TSR_LWM2M_9_STATUS_REASON:
        return s->reason[0] != '\0' ? tsr_lwm2m_put_text(out, at, tsr_text(s->reason))
                                    : TSR_E_NOT_FOUND;
    default: return TSR_E_NOT_FOUND;
    }
}

static tsr_err write_package(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                             tsr_bytes package, bool commit)
{
    if (package.len == 0)
        return TSR_E_TYPE;
    if (s != NULL && s->state != TSR_LWM2M_SOFTWARE_INITIAL)
        return TSR_E_DENIED;
    if (commit && s != NULL)
        (void)tsr_lwm2m_software_push(all, s, 0, 0, package, true, 0); /* `result` tells */
    return TSR_OK;
}

/* An empty one ends a download. */
static tsr_err write_uri(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s, tsr_bytes uri,
                         bool commit)
{
    int protocol;

    if (uri.len > TSR_LWM2M_SOFTWARE_URI || (uri.len != 0 && memchr(uri.ptr, 0, uri.len) != NULL))
        return TSR_E_TYPE;
    if (s != NULL && s->state != TSR_LWM2M_SOFTWARE_INITIAL &&
        (uri.len != 0 || s->state != TSR_LWM2M_SOFTWARE_STARTED))
        return TSR_E_DENIED;
    if (!commit || s == NULL)
        return TSR_OK;
    if (uri.len == 0) {
        tsr_lwm2m_software_cancel(all, s);
        return TSR_OK;
    }
    memcpy(s->uri, uri.ptr, uri.len);
    s->uri[uri.len] = '\0';
    protocol = tsr_lwm2m_protocol_of(s->uri);
    tsr_lwm2m_software_fetch(all, s, protocol >= 0 && (all->protocols >> protocol & 1) != 0);
    return TSR_OK;
}

/* Core 6.3.3. A Replace that mentions neither Package nor Package URI asks for no download. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    const tsr_lwm2m_softwares *all = state;
    tsr_lwm2m_software *s = tsr_lwm2m_software_find(all, at.instance); /* NULL: it is created */
    bool commit = phase == TSR_LWM2M_COMMIT;

    switch (at.resource) {
    case TSR_LWM2M_9_PACKAGE:
        return value != NULL ? write_package(all, s, value->as.bytes, commit) : TSR_OK;
    case TSR_LWM2M_9_PACKAGE_URI:
        return value != NULL ? write_uri(all, s, value->as.bytes, commit) : TSR_OK;
    default:
        if (commit && s != NULL) {
            s->supported_objects = value != NULL && value->as.b;
            s->changed = true;
        }
        return TSR_OK;
    }
}

/* None, 0, or 1 (for an update); a value has no meaning. */
static tsr_err uninstall_argument(tsr_bytes arguments, bool *for_update)
{
    tsr_lwm2m_argument a = { 0 };

    *for_update = false;
    if (arguments.len == 0)
        return TSR_OK;
    if (tsr_lwm2m_argument_next(&arguments, &a) != TSR_OK || a.digit > 1 || a.has_value ||
        arguments.len != 0)
        return TSR_E_ARGUMENT;
    *for_update = a.digit == 1;
    return TSR_OK;
}

/* Core 6.3.5 */
static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    const tsr_lwm2m_softwares *all = state;
    tsr_lwm2m_software *s = tsr_lwm2m_software_find(all, at.instance);
    bool for_update;

    if (at.resource == TSR_LWM2M_9_UNINSTALL) {
        if (uninstall_argument(arguments, &for_update) != TSR_OK)
            return TSR_E_ARGUMENT;
        return for_update ? tsr_lwm2m_software_make_way(all, s) : tsr_lwm2m_software_remove(all, s);
    }
    if (arguments.len != 0)
        return TSR_E_ARGUMENT;
    switch (at.resource) {
    case TSR_LWM2M_9_INSTALL:  return tsr_lwm2m_software_install(all, s);
    case TSR_LWM2M_9_ACTIVATE: return tsr_lwm2m_software_activate(all, s);
    default: return tsr_lwm2m_software_deactivate(all, s);
    }
}

/* Core 6.3.6 */
static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    const tsr_lwm2m_softwares *all = state;

    if (tsr_lwm2m_slot_empty(tsr_lwm2m_software_slots(all)) == NULL)
        return TSR_E_DENIED;
    if (phase == TSR_LWM2M_COMMIT)
        (void)tsr_lwm2m_software_add(all, instance);
    return TSR_OK;
}

/* Core 6.3.7: with an instance goes its software. */
static tsr_err delete(void *state, uint16_t instance)
{
    const tsr_lwm2m_softwares *all = state;
    tsr_lwm2m_software *s = tsr_lwm2m_software_find(all, instance);

    if (tsr_lwm2m_software_remove(all, s) == TSR_OK && s->result == TSR_LWM2M_SOFTWARE_NOT_REMOVED)
        return TSR_E_IO;
    s->used = false;
    return TSR_OK;
}

/* ---- what a restart must not lose ---- */

static void put_short(tsr_buf *out, const char *text)
{
    tsr_put_u8(out, (uint8_t)strlen(text));
    tsr_put_text(out, text);
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_softwares *all = state;

    for (size_t i = 0; i < all->count; i++) {
        const tsr_lwm2m_software *s = &all->items[i];

        if (!s->used)
            continue;
        tsr_put_u16(out, s->id);
        tsr_put_u8(out, s->state);
        tsr_put_u8(out, s->result);
        tsr_put_u8(out, (uint8_t)(s->active | s->replaces << 1 | s->supported_objects << 2 |
                                  s->pushed << 3));
        put_short(out, s->uri);
        put_short(out, s->name);
        put_short(out, s->version);
        put_short(out, s->reason);
        tsr_put_u8(out, s->etag_len);
        tsr_put_bytes(out, tsr_view(s->etag, s->etag_len));
    }
}

static tsr_err get_short(tsr_bytes *in, char *text, size_t most)
{
    uint8_t len;
    tsr_bytes bytes;

    if (tsr_get_u8(in, &len) != TSR_OK || len > most || tsr_get_bytes(in, len, &bytes) != TSR_OK ||
        (len != 0 && memchr(bytes.ptr, 0, len) != NULL))
        return TSR_E_MALFORMED;
    if (len != 0)
        memcpy(text, bytes.ptr, len);
    text[len] = '\0';
    return TSR_OK;
}

static tsr_err load_texts(tsr_lwm2m_software *s, tsr_bytes *in)
{
    tsr_bytes etag;

    if (get_short(in, s->uri, TSR_LWM2M_SOFTWARE_URI) != TSR_OK ||
        get_short(in, s->name, TSR_LWM2M_SOFTWARE_TEXT) != TSR_OK ||
        get_short(in, s->version, TSR_LWM2M_SOFTWARE_TEXT) != TSR_OK ||
        get_short(in, s->reason, TSR_LWM2M_SOFTWARE_TEXT) != TSR_OK ||
        tsr_get_u8(in, &s->etag_len) != TSR_OK || s->etag_len > TSR_LWM2M_SOFTWARE_ETAG ||
        tsr_get_bytes(in, s->etag_len, &etag) != TSR_OK)
        return TSR_E_MALFORMED;
    if (etag.len != 0)
        memcpy(s->etag, etag.ptr, etag.len);
    return TSR_OK;
}

static tsr_err load_one(tsr_lwm2m_software *s, tsr_bytes *in)
{
    uint8_t flags;

    *s = (tsr_lwm2m_software){ 0 };
    if (tsr_get_u16(in, &s->id) != TSR_OK || tsr_get_u8(in, &s->state) != TSR_OK ||
        tsr_get_u8(in, &s->result) != TSR_OK || tsr_get_u8(in, &flags) != TSR_OK ||
        s->id == TSR_LWM2M_NO_ID || s->state > TSR_LWM2M_SOFTWARE_INSTALLED || flags > 15 ||
        ((flags & 1) != 0 && s->state != TSR_LWM2M_SOFTWARE_INSTALLED))
        return TSR_E_MALFORMED;
    s->active = (flags & 1) != 0;
    s->replaces = (flags & 2) != 0;
    s->supported_objects = (flags & 4) != 0;
    s->pushed = (flags & 8) != 0;
    return load_texts(s, in);
}

static void clear(const tsr_lwm2m_softwares *all)
{
    for (size_t i = 0; i < all->count; i++)
        all->items[i].used = false;
}

static bool is_among(tsr_bytes saved, uint16_t id)
{
    tsr_lwm2m_software s;

    while (load_one(&s, &saved) == TSR_OK) {
        if (s.id == id)
            return true;
    }
    return false;
}

/* One that is there keeps its place, with which the host connects processes and downloads, and goes on with what it is
 * at: what could not be saved is taken back in the midst of it. */
static tsr_err put_one(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    tsr_lwm2m_software *to = tsr_lwm2m_software_find(all, s->id);
    bool there = to != NULL;

    if (!there)
        to = tsr_lwm2m_slot_empty(tsr_lwm2m_software_slots(all));
    if (to == NULL)
        return TSR_E_MALFORMED;
    if (there && to->state == s->state) {
        s->offset = to->offset;
        s->fetch = to->fetch;
        s->installing = to->installing;
        s->source = to->source;
        s->last_ms = to->last_ms;
    } else {
        s->fetch = s->state == TSR_LWM2M_SOFTWARE_STARTED && !s->pushed;
    }
    s->changed = there && to->changed;
    s->used = true;
    *to = *s;
    return TSR_OK;
}

static tsr_err put_all(const tsr_lwm2m_softwares *all, tsr_bytes in)
{
    tsr_lwm2m_software s;
    tsr_err err = TSR_OK;

    while (err == TSR_OK && in.len != 0) {
        err = load_one(&s, &in);
        if (err == TSR_OK && is_among(in, s.id))
            err = TSR_E_MALFORMED;
        if (err == TSR_OK)
            err = put_one(all, &s);
    }
    return err;
}

static tsr_err load(void *state, tsr_bytes in)
{
    const tsr_lwm2m_softwares *all = state;
    tsr_err err;

    for (size_t i = 0; i < all->count; i++)
        all->items[i].used = all->items[i].used && is_among(in, all->items[i].id);
    err = put_all(all, in);
    if (err != TSR_OK)
        clear(all);
    return err;
}

tsr_lwm2m_object tsr_lwm2m_software_object(tsr_lwm2m_softwares *all)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .execute = execute,
                                                 .create = create, .remove = delete, .save = save,
                                                 .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, all };
}
