/* SPDX-License-Identifier: Apache-2.0
 *
 * Bootstrap-Write and the content of a Bootstrap-Pack (Core 6.1.7.5, Core 6.1.7.7): instances are
 * replaced by what the payload says of them, whether they were there or not. */
#include "tessera/lwm2m/client/bootstrap/internal.h"

enum { SECURITY = 0, SERVER = 1, ACCESS = 2, OSCORE = 21 };
enum { MODE = 2, KEY = 5, MASTER_SECRET = 0, NEW_INSTANCES = 32 };

/* One payload that is walked more than once. */
typedef struct {
    tsr_lwm2m_client *c;
    tsr_lwm2m_path base;
    tsr_lwm2m_format format;
    tsr_bytes payload;
    bool trying;     /* looks whether PSA takes the keys */
    bool pack;       /* holds several objects, some of which may be unknown here */
    tsr_buf scratch; /* of the walk */
    uint16_t fresh[NEW_INSTANCES]; /* instances that have to be made */
    size_t fresh_count;
} walk;

typedef tsr_err visitor(walk *w, const tsr_lwm2m_in *in, tsr_lwm2m_path at,
                        const tsr_lwm2m_value *value);

static tsr_err each(walk *w, visitor *visit)
{
    tsr_lwm2m_in in;
    tsr_lwm2m_path at;
    tsr_lwm2m_value value;
    tsr_err err;

    w->scratch = tsr_buf_over(w->c->config.body, w->c->config.body_len);
    err = tsr_lwm2m_in_begin(&in, w->format, w->base, w->payload, &w->scratch);
    while (err == TSR_OK && (err = tsr_lwm2m_in_next(&in, &at, &value)) == TSR_OK) {
        if (at.depth < 2 || at.instance == TSR_LWM2M_NO_ID)
            return TSR_E_MALFORMED;
        err = visit(w, &in, at, &value);
    }
    return err == TSR_END ? TSR_OK : err;
}

static bool is_there(const tsr_lwm2m_object *object, uint16_t instance)
{
    return tsr_lwm2m_object_next(object, instance) == instance;
}

static bool is_mode(tsr_lwm2m_path at, uint16_t instance)
{
    return at.object == SECURITY && at.instance == instance && at.depth == 3 && at.resource == MODE;
}

/* What the payload says of /0/x/2, plus 1, which decides what resources 3 to 5 are and may come after
 * them; 0: nothing. The walk that asks keeps its own scratch. */
static tsr_err mode_in_payload(const walk *w, uint16_t instance, uint8_t *mode)
{
    tsr_buf rest = tsr_buf_over(w->scratch.ptr + w->scratch.len, w->scratch.cap - w->scratch.len);
    tsr_lwm2m_in in;
    tsr_lwm2m_path at;
    tsr_lwm2m_value value;
    tsr_err err = tsr_lwm2m_in_begin(&in, w->format, w->base, w->payload, &rest);

    *mode = 0;
    while (err == TSR_OK && (err = tsr_lwm2m_in_next(&in, &at, &value)) == TSR_OK) {
        if (!is_mode(at, instance))
            continue;
        err = tsr_lwm2m_in_typed(&in, &value, TSR_LWM2M_INTEGER, &value);
        if (err == TSR_OK && (value.as.i < 0 || value.as.i > TSR_LWM2M_MODE_ENROL))
            err = TSR_E_TYPE;
        if (err == TSR_OK)
            *mode = (uint8_t)(value.as.i + 1);
    }
    return err == TSR_END ? TSR_OK : err;
}

/* Where nothing says the mode, a new instance has that of the default, and one of which a single
 * resource is written the one it has. */
static tsr_err hint_mode(const walk *w, uint16_t instance)
{
    uint8_t mode;
    tsr_err err = mode_in_payload(w, instance, &mode);

    if (mode == 0 && w->base.depth < 3)
        mode = TSR_LWM2M_MODE_PSK + 1;
    w->c->bootstrap->stage_credentials.mode = mode;
    return err;
}

/* ---- looking before anything changes ---- */

static void note_fresh(walk *w, uint16_t instance)
{
    for (size_t i = 0; i < w->fresh_count && i < NEW_INSTANCES; i++) {
        if (w->fresh[i] == instance)
            return;
    }
    if (w->fresh_count < NEW_INSTANCES)
        w->fresh[w->fresh_count] = instance;
    w->fresh_count++;
}

static bool is_secret(tsr_lwm2m_path at)
{
    return (at.object == SECURITY && at.resource == KEY) ||
           (at.object == OSCORE && at.resource == MASTER_SECRET);
}

/* What PSA refuses shows before anything changes: the key goes there once under a number that nobody
 * names, and leaves again. */
static tsr_err try_key(const walk *w, const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                       const tsr_lwm2m_value *value)
{
    tsr_lwm2m_bootstrap *b = w->c->bootstrap;
    tsr_lwm2m_oscore keys = { .used = true, .id = at.instance };
    tsr_lwm2m_oscores oscores = b->stage_oscores;
    tsr_lwm2m_security account = { .used = true, .id = at.instance, .open = true };
    tsr_lwm2m_securities securities = { &account, 1, &b->stage_credentials };
    tsr_err err;

    for (size_t i = 0; i < b->stage.count; i++) {
        if (b->stage.items[i].used && b->stage.items[i].id == at.instance)
            account = b->stage.items[i];
    }
    oscores.items = &keys;
    oscores.count = 1;
    err = object->handlers->write(at.object == OSCORE ? (void *)&oscores : (void *)&securities, at,
                                  value, TSR_LWM2M_COMMIT);
    tsr_lwm2m_stage_sweep(w->c, true);
    return err;
}

/* What a server may not write here is passed over, but for the one resource that a request names. */
static bool is_writable(const walk *w, const tsr_lwm2m_object *object,
                        const tsr_lwm2m_resource_info *info)
{
    if (object->handlers->write == NULL || info->flags & TSR_LWM2M_EXECUTE)
        return false;
    return tsr_lwm2m_stage_has(w->c, object->info->id) || object->info->id == ACCESS ||
           info->flags & TSR_LWM2M_WRITE;
}

static tsr_err put_value(walk *w, const tsr_lwm2m_object *object, const tsr_lwm2m_in *in,
                         tsr_lwm2m_path at, const tsr_lwm2m_value *value, tsr_lwm2m_phase phase)
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, at.resource);
    bool multiple;
    tsr_lwm2m_value typed;
    tsr_err err;

    if (info == NULL || !is_writable(w, object, info))
        return w->base.depth == 3 ? TSR_E_NOT_FOUND : TSR_OK;
    multiple = (info->flags & TSR_LWM2M_MULTIPLE) != 0;
    if (multiple && at.depth == 3 && value->type == TSR_LWM2M_NONE)
        return TSR_OK;
    if (multiple != (at.depth == 4))
        return TSR_E_TYPE;
    err = tsr_lwm2m_in_typed(in, value, (tsr_lwm2m_type)info->type, &typed);
    if (err != TSR_OK)
        return err;
    if (object->info->id == SECURITY)
        err = hint_mode(w, at.instance);
    if (err == TSR_OK)
        err = object->handlers->write(object->state, at, &typed, phase);
    if (err == TSR_OK && w->trying && is_secret(at))
        err = try_key(w, object, at, &typed);
    return err;
}

static tsr_err check_value(walk *w, const tsr_lwm2m_in *in, tsr_lwm2m_path at,
                           const tsr_lwm2m_value *value)
{
    tsr_lwm2m_object object;

    if (!tsr_lwm2m_stage_find(w->c, at.object, &object))
        return w->pack ? TSR_OK : TSR_E_NOT_FOUND;
    if (!is_there(&object, at.instance)) {
        if (object.handlers->create == NULL)
            return TSR_E_NOT_FOUND;
        note_fresh(w, at.instance);
    }
    return at.depth < 3 ? TSR_OK : put_value(w, &object, in, at, value, TSR_LWM2M_CHECK);
}

static size_t free_places(const tsr_lwm2m_client *c, uint16_t object)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;
    size_t n = 0;

    if (object == SECURITY) {
        for (size_t i = 0; i < b->stage.count; i++)
            n += !b->stage.items[i].used;
    } else if (object == OSCORE) {
        for (size_t i = 0; i < b->stage_oscores.count; i++)
            n += !b->stage_oscores.items[i].used;
    } else {
        for (size_t i = 0; i < b->stage_servers.count; i++)
            n += !b->stage_servers.items[i].used;
    }
    return n;
}

static tsr_err check(walk *w, const tsr_lwm2m_object *object)
{
    tsr_err err;

    if (w->base.depth > 3)
        return TSR_E_DENIED;
    if (w->base.depth < 3 && !tsr_lwm2m_format_is_multiple(w->format))
        return TSR_E_UNSUPPORTED;
    if (w->base.depth >= 2 && !is_there(object, w->base.instance))
        note_fresh(w, w->base.instance);
    w->trying = true;
    err = each(w, check_value);
    w->trying = false;
    if (err != TSR_OK)
        return err;
    if (w->fresh_count > NEW_INSTANCES || (w->fresh_count != 0 && object->handlers->create == NULL))
        return TSR_E_SPACE;
    if (!tsr_lwm2m_stage_has(w->c, object->info->id))
        return TSR_OK;
    return w->fresh_count > free_places(w->c, object->info->id) ? TSR_E_SPACE : TSR_OK;
}

/* ---- and then doing it ---- */

/* Core 6.1.7.5: optional resources that are not in the payload are not there afterwards. */
static tsr_err clear_instance(const tsr_lwm2m_object *object, uint16_t instance)
{
    if (object->handlers->remove == NULL || !is_there(object, instance))
        return TSR_OK;
    return object->handlers->remove(object->state, instance);
}

static tsr_err clear_value(walk *w, const tsr_lwm2m_in *in, tsr_lwm2m_path at,
                           const tsr_lwm2m_value *value)
{
    tsr_lwm2m_object object;
    tsr_err err;

    (void)in;
    (void)value;
    if (!tsr_lwm2m_stage_find(w->c, at.object, &object))
        return TSR_OK;
    err = w->pack ? tsr_lwm2m_stage_remove_all(w->c, &object) : TSR_OK;
    return err == TSR_OK ? clear_instance(&object, at.instance) : err;
}

static tsr_err make_instance(const tsr_lwm2m_object *object, uint16_t instance)
{
    tsr_err err;

    if (is_there(object, instance))
        return TSR_OK;
    if (object->handlers->create == NULL)
        return TSR_E_NOT_FOUND;
    err = object->handlers->create(object->state, instance, TSR_LWM2M_CHECK);
    return err == TSR_OK ? object->handlers->create(object->state, instance, TSR_LWM2M_COMMIT)
                         : err;
}

static tsr_err set_value(walk *w, const tsr_lwm2m_in *in, tsr_lwm2m_path at,
                         const tsr_lwm2m_value *value)
{
    tsr_lwm2m_object object;
    tsr_err err;

    if (!tsr_lwm2m_stage_find(w->c, at.object, &object))
        return TSR_OK;
    err = tsr_lwm2m_stage_touch(w->c, &object);
    if (err == TSR_OK)
        err = make_instance(&object, at.instance);
    if (err == TSR_OK && at.depth >= 3)
        err = put_value(w, &object, in, at, value, TSR_LWM2M_CHECK);
    if (err == TSR_OK && at.depth >= 3)
        err = put_value(w, &object, in, at, value, TSR_LWM2M_COMMIT);
    return err;
}

/* The instances that a multiple resource had go with a new value of it. */
static tsr_err clear_resource(const walk *w, const tsr_lwm2m_object *object)
{
    const tsr_lwm2m_resource_info *info = tsr_lwm2m_object_resource(object, w->base.resource);

    if (info == NULL || !(info->flags & TSR_LWM2M_MULTIPLE))
        return TSR_OK;
    return object->handlers->write(object->state, w->base, NULL, TSR_LWM2M_COMMIT);
}

static tsr_err apply(walk *w, const tsr_lwm2m_object *object)
{
    tsr_err err = TSR_OK;

    if (w->base.depth == 1)
        err = each(w, clear_value);
    else if (w->base.depth == 2)
        err = clear_instance(object, w->base.instance);
    if (err == TSR_OK && w->base.depth >= 2)
        err = make_instance(object, w->base.instance);
    if (err == TSR_OK && w->base.depth == 3)
        err = clear_resource(w, object);
    return err == TSR_OK ? each(w, set_value) : err;
}

/* As the object was before this request, from the bytes that were kept of it. */
static tsr_err apply_or_undo(walk *w, const tsr_lwm2m_object *object, bool *broken)
{
    tsr_buf before = tsr_buf_over(w->c->config.state, w->c->config.state_len);
    tsr_err err;

    if (tsr_lwm2m_stage_has(w->c, object->info->id)) {
        err = apply(w, object);
        *broken = err != TSR_OK;
        return err;
    }
    object->handlers->save(object->state, &before);
    if (before.err != TSR_OK)
        return TSR_E_SPACE;
    err = apply(w, object);
    if (err != TSR_OK)
        (void)object->handlers->load(object->state, tsr_buf_view(&before));
    return err;
}

/* What was decoded may have been a key; one that was written over is not needed. */
static void clean_up(const tsr_lwm2m_client *c, uint16_t object)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;

    b->stage_credentials.mode = 0;
    if (object != SECURITY && object != OSCORE)
        return;
    tsr_wipe(c->config.body, c->config.body_len);
    tsr_lwm2m_stage_sweep(c, true);
}

/* `broken`: a key that was good could not be taken all the same, which shows too late to leave everything as it was. */
tsr_err tsr_lwm2m_stage_write(tsr_lwm2m_client *c, tsr_lwm2m_path at, tsr_lwm2m_format format,
                              tsr_bytes payload, bool *broken)
{
    walk w = { .c = c, .base = at, .format = format, .payload = payload };
    tsr_lwm2m_object object;
    tsr_err err;

    *broken = false;
    if (at.depth == 0)
        return TSR_E_DENIED;
    if (!tsr_lwm2m_stage_find(c, at.object, &object))
        return TSR_E_NOT_FOUND;
    err = check(&w, &object);
    if (err == TSR_OK)
        err = tsr_lwm2m_stage_touch(c, &object);
    if (err == TSR_OK)
        err = apply_or_undo(&w, &object, broken);
    clean_up(c, at.object);
    return err;
}

/* Whatever fails here, the caller drops all that is staged. */
tsr_err tsr_lwm2m_stage_pack(tsr_lwm2m_client *c, tsr_lwm2m_format format, tsr_bytes payload)
{
    walk w = { .c = c, .base = tsr_lwm2m_at_root(), .format = format, .payload = payload,
               .pack = true };
    tsr_err err = each(&w, clear_value);

    if (err == TSR_OK)
        err = each(&w, set_value);
    clean_up(c, SECURITY);
    return err;
}
