/* SPDX-License-Identifier: Apache-2.0
 *
 * What must survive a restart, as bytes: registrations, attributes, observations, objects.
 * Big-endian throughout; docs/WIRE.md has the table. */
#include "tessera/lwm2m/client/internal.h"

enum {
    MAGIC = 0x54534c31, /* "TSL1" */
    SAVE_RETRY_MS = 10000,
};

/* Sets of the size of a pool are counted before they are written. */
static void accounts_save(const tsr_lwm2m_client *c, tsr_buf *out)
{
    tsr_put_u8(out, (uint8_t)c->config.account_count);
    for (size_t i = 0; i < c->config.account_count; i++) {
        const tsr_lwm2m_account *a = &c->config.accounts[i];
        size_t len = a->renewed ? 0 : strlen(a->location);

        tsr_put_u16(out, a->short_id);
        tsr_put_u8(out, a->version_minor);
        tsr_put_u32(out, a->told.lifetime_s);
        tsr_put_u32(out, a->told.links);
        tsr_put_u8(out, (uint8_t)len);
        tsr_put_bytes(out, tsr_view(a->location, len));
        tsr_put_u8(out, (uint8_t)strlen(a->told.binding));
        tsr_put_text(out, a->told.binding);
    }
}

static void path_save(tsr_buf *out, tsr_lwm2m_path at)
{
    tsr_put_u8(out, at.depth);
    for (uint8_t i = 0; i < at.depth; i++)
        tsr_put_u16(out, tsr_lwm2m_path_id(at, i));
}

static void attachments_save(const tsr_lwm2m_client *c, tsr_buf *out)
{
    for (size_t i = 0; i < c->config.attachment_count; i++) {
        const tsr_lwm2m_attachment *t = &c->config.attachments[i];

        if (!t->used)
            continue;
        tsr_put_u16(out, c->config.accounts[t->account].short_id);
        path_save(out, t->at);
        tsr_lwm2m_attributes_save(out, &t->values);
    }
    tsr_put_u16(out, 0);
}

/* The paths of a composite observation, behind it. */
static void paths_save(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, tsr_buf *out)
{
    for (size_t i = 0; i < c->config.path_count; i++) {
        if (!tsr_lwm2m_pool_is_of(c, &c->config.paths[i], o))
            continue;
        tsr_put_u8(out, 1);
        path_save(out, c->config.paths[i].at);
    }
    tsr_put_u8(out, 0);
}

static void observations_save(const tsr_lwm2m_client *c, tsr_buf *out)
{
    for (size_t i = 0; i < c->config.observation_count; i++) {
        const tsr_lwm2m_observation *o = &c->config.observations[i];

        if (!o->used)
            continue;
        tsr_put_u16(out, c->config.accounts[o->account].short_id);
        path_save(out, o->at);
        tsr_put_u8(out, o->token_len);
        tsr_put_bytes(out, tsr_view(o->token, o->token_len));
        tsr_put_u16(out, o->format);
        tsr_put_u64(out, o->key);
        tsr_lwm2m_attributes_save(out, &o->own);
        if (o->at.depth == 0)
            paths_save(c, o, out);
    }
    tsr_put_u16(out, 0);
}

/* Each object's bytes stand behind their length, so that an object which is not there any more
 * can be stepped over. */
static void objects_save(const tsr_lwm2m_client *c, tsr_buf *out)
{
    for (size_t i = 0; i < c->config.registry->count; i++) {
        const tsr_lwm2m_object *object = &c->config.registry->objects[i];
        uint8_t *head;
        size_t from;

        if (object->handlers->save == NULL)
            continue;
        tsr_put_u16(out, object->info->id);
        head = tsr_buf_claim(out, 2);
        from = out->len;
        if (c->parts->bootstrap == NULL || !c->parts->bootstrap->held(c, object, out))
            object->handlers->save(object->state, out);
        if (head == NULL || out->err != TSR_OK)
            return;
        head[0] = (uint8_t)((out->len - from) >> 8);
        head[1] = (uint8_t)(out->len - from);
    }
    tsr_put_u16(out, TSR_LWM2M_NO_ID);
}

/* Uses config.state from `from` on; what lies before belongs to an undo. */
static tsr_err state_save(tsr_lwm2m_client *c, size_t from)
{
    tsr_buf out = tsr_buf_over(c->config.state + from, c->config.state_len - from);
    tsr_lwm2m_client_event *event;
    tsr_err err;

    if (c->config.hooks.save == NULL)
        return TSR_OK;
    tsr_put_u32(&out, MAGIC);
    tsr_put_u32(&out, c->sequence_mark);
    accounts_save(c, &out);
    attachments_save(c, &out);
    observations_save(c, &out);
    objects_save(c, &out);
    err = out.err;
    if (err == TSR_OK)
        err = c->config.hooks.save(c->config.hooks.user, tsr_buf_view(&out));
    if (err == TSR_OK) {
        c->save_owed = false;
        return TSR_OK;
    }
    event = tsr_lwm2m_client_tell(c, TSR_LWM2M_E_SAVE_FAILED, 0, 0);
    event->err = err;
    event->reason = err == TSR_E_SPACE ? "state buffer too small" : "state could not be stored";
    return err;
}

/* Keeps the object's saved form, so that a change can be taken back. */
static tsr_err before(tsr_lwm2m_client *c, client_request *r)
{
    tsr_buf undo = tsr_buf_over(c->config.state, c->config.state_len);

    if (r->object->handlers->save != NULL)
        r->object->handlers->save(r->object->state, &undo);
    r->undo = undo.len;
    return undo.err;
}

static bool is_same(const tsr_lwm2m_client *c, const tsr_lwm2m_object *object, size_t undo)
{
    tsr_buf now = tsr_buf_over(c->config.state + undo, c->config.state_len - undo);

    object->handlers->save(object->state, &now);
    return now.err == TSR_OK && tsr_same(tsr_buf_view(&now), tsr_view(c->config.state, undo));
}

/* Durable before it is acknowledged; if it cannot be, or failed half-way, it has not happened. */
static tsr_err after(tsr_lwm2m_client *c, const client_request *r, tsr_err err)
{
    const tsr_lwm2m_object *object = r->object;

    if (object->handlers->save == NULL || is_same(c, object, r->undo))
        return err;
    if (err == TSR_OK && state_save(c, r->undo) != TSR_OK)
        err = TSR_E_IO;
    if (err == TSR_OK)
        return TSR_OK;
    (void)object->handlers->load(object->state, tsr_view(c->config.state, r->undo));
    if (c->parts->access != NULL)
        c->parts->access->undo(c);
    return err;
}

/* What no answer waited for: a lost write is tried again later, for as long as it takes. */
static void step(tsr_lwm2m_client *c)
{
    if (c->parts->access != NULL)
        c->parts->access->review(c);
    if (c->save_owed && c->now_ms >= c->save_at_ms && tsr_lwm2m_client_save(c) != TSR_OK)
        c->save_at_ms = c->now_ms + SAVE_RETRY_MS;
}

const struct tsr_lwm2m_keeping tsr_lwm2m_keeping = { state_save, before, after, step };

/* The account of a Short Server ID, or account_count when it is not there any more. */
static size_t account_of(const tsr_lwm2m_client *c, uint16_t short_id)
{
    size_t i = 0;

    while (i < c->config.account_count && c->config.accounts[i].short_id != short_id)
        i++;
    return i;
}

static tsr_err account_load(tsr_lwm2m_client *c, tsr_bytes *in)
{
    uint16_t short_id;
    uint8_t minor, len, binding_len;
    uint32_t lifetime_s, links;
    tsr_bytes location, binding;
    size_t i;

    if (tsr_get_u16(in, &short_id) != TSR_OK || tsr_get_u8(in, &minor) != TSR_OK ||
        tsr_get_u32(in, &lifetime_s) != TSR_OK || tsr_get_u32(in, &links) != TSR_OK ||
        tsr_get_u8(in, &len) != TSR_OK || tsr_get_bytes(in, len, &location) != TSR_OK ||
        tsr_get_u8(in, &binding_len) != TSR_OK || binding_len > TSR_LWM2M_BINDING_LEN ||
        tsr_get_bytes(in, binding_len, &binding) != TSR_OK || len > TSR_LWM2M_LOCATION_LEN || minor > 2)
        return TSR_E_MALFORMED;
    i = account_of(c, short_id);
    if (i == c->config.account_count || len == 0)
        return TSR_OK;

    tsr_lwm2m_account *a = &c->config.accounts[i];

    a->version_minor = minor;
    a->told.lifetime_s = lifetime_s;
    a->told.links = links;
    memcpy(a->location, location.ptr, len);
    a->location[len] = '\0';
    memcpy(a->told.binding, binding.ptr, binding_len);
    a->told.binding[binding_len] = '\0';
    return TSR_OK;
}

static tsr_err accounts_load(tsr_lwm2m_client *c, tsr_bytes *in)
{
    uint8_t count;
    tsr_err err = tsr_get_u8(in, &count);

    while (err == TSR_OK && count-- > 0)
        err = account_load(c, in);
    return err;
}

static tsr_err path_load(tsr_bytes *in, tsr_lwm2m_path *at)
{
    uint16_t ids[4] = { 0 };
    uint8_t depth;

    if (tsr_get_u8(in, &depth) != TSR_OK || depth > 4)
        return TSR_E_MALFORMED;
    for (uint8_t i = 0; i < depth; i++) {
        if (tsr_get_u16(in, &ids[i]) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    *at = (tsr_lwm2m_path){ ids[0], ids[1], ids[2], ids[3], depth };
    return TSR_OK;
}

/* Lists end with a Short Server ID of 0. `taken` counts into the pool. */
static tsr_err attachments_load(tsr_lwm2m_client *c, tsr_bytes *in)
{
    size_t taken = 0;

    for (;;) {
        tsr_lwm2m_attachment t = { .used = true };
        uint16_t short_id;

        if (tsr_get_u16(in, &short_id) != TSR_OK)
            return TSR_E_MALFORMED;
        if (short_id == 0)
            return TSR_OK;
        if (path_load(in, &t.at) != TSR_OK || t.at.depth == 0 ||
            tsr_lwm2m_attributes_load(in, &t.values) != TSR_OK)
            return TSR_E_MALFORMED;
        t.account = (uint8_t)account_of(c, short_id);
        if (t.account < c->config.account_count && taken < c->config.attachment_count)
            c->config.attachments[taken++] = t;
    }
}

static tsr_err observation_load(tsr_bytes *in, tsr_lwm2m_observation *o)
{
    tsr_bytes token;

    if (path_load(in, &o->at) != TSR_OK || tsr_get_u8(in, &o->token_len) != TSR_OK ||
        o->token_len > TSR_COAP_TOKEN_MAX || tsr_get_bytes(in, o->token_len, &token) != TSR_OK ||
        tsr_get_u16(in, &o->format) != TSR_OK || tsr_get_u64(in, &o->key) != TSR_OK)
        return TSR_E_MALFORMED;
    if (token.len != 0)
        memcpy(o->token, token.ptr, token.len);
    return tsr_lwm2m_attributes_load(in, &o->own);
}

/* *fits becomes false when there is no room for all of them, or nobody to look after them. */
static tsr_err paths_load(tsr_lwm2m_client *c, tsr_lwm2m_observation *o, bool *fits, tsr_bytes *in)
{
    uint8_t more;

    *fits = *fits && c->parts->composite != NULL;
    while (tsr_get_u8(in, &more) == TSR_OK) {
        tsr_lwm2m_composite_path *p;
        tsr_lwm2m_path at;

        if (more == 0)
            return TSR_OK;
        if (path_load(in, &at) != TSR_OK)
            return TSR_E_MALFORMED;
        p = *fits ? tsr_lwm2m_pool_add(c, &at) : NULL;
        if (p == NULL)
            *fits = false;
        else
            tsr_lwm2m_pool_give(c, p, o);
    }
    return TSR_E_MALFORMED;
}

/* The value may have changed while we were away: every observation reports once. */
static tsr_err observations_load(tsr_lwm2m_client *c, tsr_bytes *in)
{
    size_t taken = 0;

    for (;;) {
        tsr_lwm2m_observation o = { .used = true, .fired = true, .stale = true };
        uint16_t short_id;
        bool fits;

        if (tsr_get_u16(in, &short_id) != TSR_OK)
            return TSR_E_MALFORMED;
        if (short_id == 0)
            return TSR_OK;
        if (observation_load(in, &o) != TSR_OK)
            return TSR_E_MALFORMED;
        o.account = (uint8_t)account_of(c, short_id);
        o.generation = ++c->generation;
        fits = o.account < c->config.account_count && taken < c->config.observation_count;
        if (fits)
            c->config.observations[taken] = o;
        if (o.at.depth == 0 &&
            paths_load(c, &c->config.observations[taken], &fits, in) != TSR_OK)
            return TSR_E_MALFORMED;
        if (!fits && taken < c->config.observation_count)
            c->config.observations[taken].used = false;
        taken += fits;
        c->observed = (uint16_t)taken;
    }
}

static tsr_err objects_load(tsr_lwm2m_client *c, tsr_bytes *in)
{
    for (;;) {
        const tsr_lwm2m_object *object;
        uint16_t id, len;
        tsr_bytes saved;

        if (tsr_get_u16(in, &id) != TSR_OK)
            return TSR_E_MALFORMED;
        if (id == TSR_LWM2M_NO_ID)
            return in->len == 0 ? TSR_OK : TSR_E_MALFORMED;
        if (tsr_get_u16(in, &len) != TSR_OK || tsr_get_bytes(in, len, &saved) != TSR_OK)
            return TSR_E_MALFORMED;
        object = tsr_lwm2m_object_find(c->config.registry, id);
        if (object == NULL || object->handlers->load == NULL)
            continue;
        if (object->handlers->load(object->state, saved) != TSR_OK)
            return TSR_E_MALFORMED;
    }
}

static void begin_afresh(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        c->config.accounts[i].location[0] = '\0';
        c->config.accounts[i].version_minor = c->config.version_minor;
    }
    for (size_t i = 0; i < c->config.attachment_count; i++)
        c->config.attachments[i].used = false;
    for (size_t i = 0; i < c->config.observation_count; i++)
        c->config.observations[i].used = false;
    c->observed = 0;
}

static tsr_err state_load(tsr_lwm2m_client *c, tsr_bytes state, uint32_t *mark)
{
    uint32_t magic = 0;
    tsr_err err = TSR_E_MALFORMED;

    if (tsr_get_u32(&state, &magic) == TSR_OK && magic == MAGIC &&
        tsr_get_u32(&state, mark) == TSR_OK)
        err = accounts_load(c, &state);
    if (err == TSR_OK)
        err = attachments_load(c, &state);
    if (err == TSR_OK)
        err = observations_load(c, &state);
    return err == TSR_OK ? objects_load(c, &state) : err;
}

/* Where accounts come from objects, a first look finds none, and brings the objects. */
tsr_err tsr_lwm2m_client_restore(tsr_lwm2m_client *c, tsr_bytes state)
{
    const struct tsr_lwm2m_bootstrap_part *bootstrap = c->parts->bootstrap;
    uint32_t mark = 0;
    tsr_err err;

    if (bootstrap != NULL) {
        bootstrap->restoring(c);
        (void)state_load(c, state, &mark);
        bootstrap->restored(c);
    }
    err = state_load(c, state, &mark);
    if (err == TSR_OK)
        c->sequence = c->sequence_mark = mark;
    else
        begin_afresh(c);
    if (err == TSR_OK && c->parts->access != NULL)
        c->parts->access->settle(c, false);
    return err;
}
