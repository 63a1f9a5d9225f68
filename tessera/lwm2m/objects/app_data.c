/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/app_data.h"

#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/model/slots.h"

enum { DATA = 0, PRIORITY = 1, CREATED = 2, DESCRIPTION = 3, FORMAT = 4, APP = 5 };
enum { MARKED = 0x80 }; /* in the saved `set`: a mark follows */

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_19_R0, TSR_LWM2M_19_R1, TSR_LWM2M_19_R2,
    TSR_LWM2M_19_R3, TSR_LWM2M_19_R4, TSR_LWM2M_19_R5,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_19_INFO(resources);

TSR_LWM2M_SLOT(tsr_lwm2m_app_data);

static tsr_lwm2m_slots slots(const tsr_lwm2m_app_datas *all)
{
    return TSR_LWM2M_SLOTS(all, tsr_lwm2m_app_data);
}

static tsr_lwm2m_app_data *item(const tsr_lwm2m_app_datas *all, uint16_t instance)
{
    return tsr_lwm2m_slot_find(slots(all), instance);
}

static tsr_lwm2m_app_data *empty_item(const tsr_lwm2m_app_datas *all)
{
    return tsr_lwm2m_slot_empty(slots(all));
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    return tsr_lwm2m_slot_next(slots(state), from);
}

static tsr_err read_data(const tsr_lwm2m_app_data *c, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    tsr_lwm2m_path each = at;
    tsr_err err = TSR_E_NOT_FOUND;

    each.depth = 4;
    for (size_t i = 0; i < TSR_LWM2M_APP_PARTS; i++) {
        each.resource_instance = (uint16_t)i;
        if ((c->there >> i & 1) != 0 && tsr_lwm2m_wanted(at, each.resource_instance))
            err = tsr_lwm2m_put_opaque(out, each, tsr_view(c->data[i], c->len[i]));
    }
    return err;
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_app_data *c = item(state, at.instance);

    if (at.resource == DATA)
        return read_data(c, at, out);
    if ((c->set >> at.resource & 1) == 0)
        return TSR_E_NOT_FOUND;
    switch (at.resource) {
    case PRIORITY: return tsr_lwm2m_put_int(out, at, c->priority);
    case CREATED:  return tsr_lwm2m_put_time(out, at, c->created_s);
    case DESCRIPTION:
        return tsr_lwm2m_put_text(out, at, tsr_view(c->description, c->description_len));
    case FORMAT: return tsr_lwm2m_put_text(out, at, tsr_view(c->format, c->format_len));
    default:     return tsr_lwm2m_put_int(out, at, c->app);
    }
}

static uint8_t part_there(const tsr_lwm2m_app_data *c, uint16_t part)
{
    return (uint8_t)(part < TSR_LWM2M_APP_PARTS ? c->there & 1u << part : 0);
}

/* In the CHECK of a Create there is no instance yet: c is NULL. */
static tsr_err write_data(tsr_lwm2m_app_data *c, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                          tsr_lwm2m_phase phase)
{
    uint16_t i = at.resource_instance;

    if (value != NULL && (i >= TSR_LWM2M_APP_PARTS || value->as.bytes.len > TSR_LWM2M_APP_PART_LEN))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_CHECK)
        return TSR_OK;
    if (value == NULL) {
        uint8_t gone = at.depth < 4 ? c->there : part_there(c, i);

        c->there &= (uint8_t)~gone;
        c->changed |= gone;
        return TSR_OK;
    }
    if (part_there(c, i) == 0 || !tsr_same(value->as.bytes, tsr_view(c->data[i], c->len[i])))
        c->changed = (uint8_t)(c->changed | 1u << i);
    c->there = (uint8_t)(c->there | 1u << i);
    c->len[i] = (uint16_t)value->as.bytes.len;
    if (value->as.bytes.len != 0)
        memcpy(c->data[i], value->as.bytes.ptr, value->as.bytes.len);
    return TSR_OK;
}

static bool fits(uint16_t resource, const tsr_lwm2m_value *value)
{
    switch (resource) {
    case PRIORITY: return value->as.i >= 0 && value->as.i <= UINT8_MAX;
    case APP:      return value->as.i >= 0 && value->as.i <= UINT16_MAX;
    case CREATED:  return true;
    default:       return value->as.bytes.len <= TSR_LWM2M_APP_TEXT;
    }
}

static void copy(uint8_t *to, uint8_t *len, tsr_bytes from)
{
    *len = (uint8_t)from.len;
    if (from.len != 0)
        memcpy(to, from.ptr, from.len);
}

/* Core 6.3.3 */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_app_data *c = item(state, at.instance);

    if (at.resource == DATA)
        return write_data(c, at, value, phase);
    if (value != NULL && !fits(at.resource, value))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_CHECK)
        return TSR_OK;
    if (value == NULL) {
        c->set &= (uint8_t)~(1u << at.resource);
        return TSR_OK;
    }
    c->set = (uint8_t)(c->set | 1u << at.resource);
    switch (at.resource) {
    case PRIORITY:    c->priority = (uint8_t)value->as.i; break;
    case CREATED:     c->created_s = value->as.i; break;
    case DESCRIPTION: copy(c->description, &c->description_len, value->as.bytes); break;
    case FORMAT:      copy(c->format, &c->format_len, value->as.bytes); break;
    default:          c->app = (uint16_t)value->as.i; break;
    }
    return TSR_OK;
}

static tsr_lwm2m_app_data *fresh(const tsr_lwm2m_app_datas *all, uint16_t id)
{
    tsr_lwm2m_app_data *c = empty_item(all);

    if (c == NULL)
        return NULL;
    memset(c, 0, sizeof *c);
    c->used = true;
    c->id = id;
    return c;
}

tsr_lwm2m_app_data *tsr_lwm2m_app_data_find(const tsr_lwm2m_app_datas *all, uint16_t id)
{
    return item(all, id);
}

tsr_lwm2m_app_data *tsr_lwm2m_app_data_add(const tsr_lwm2m_app_datas *all, uint16_t id)
{
    return item(all, id) != NULL ? NULL : fresh(all, id);
}

/* Core 6.3.6 */
static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    if (empty_item(state) == NULL)
        return TSR_E_DENIED;
    if (phase == TSR_LWM2M_COMMIT)
        (void)fresh(state, instance);
    return TSR_OK;
}

/* Core 6.3.7 */
static tsr_err delete(void *state, uint16_t instance)
{
    tsr_lwm2m_app_data *c = item(state, instance);

    if (c->mark != 0)
        return TSR_E_DENIED;
    c->used = false;
    return TSR_OK;
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_app_datas *all = state;

    for (size_t n = 0; n < all->count; n++) {
        const tsr_lwm2m_app_data *c = &all->items[n];

        if (!c->used)
            continue;
        tsr_put_u16(out, c->id);
        tsr_put_u8(out, c->there);
        tsr_put_u8(out, (uint8_t)(c->set | (c->mark != 0 ? MARKED : 0)));
        if (c->mark != 0)
            tsr_put_u32(out, c->mark);
        tsr_put_u8(out, c->priority);
        tsr_put_u16(out, c->app);
        tsr_put_u64(out, (uint64_t)c->created_s);
        tsr_put_u8(out, c->description_len);
        tsr_put_bytes(out, tsr_view(c->description, c->description_len));
        tsr_put_u8(out, c->format_len);
        tsr_put_bytes(out, tsr_view(c->format, c->format_len));
        for (size_t i = 0; i < TSR_LWM2M_APP_PARTS; i++) {
            if ((c->there >> i & 1) == 0)
                continue;
            tsr_put_u16(out, c->len[i]);
            tsr_put_bytes(out, tsr_view(c->data[i], c->len[i]));
        }
    }
}

static tsr_err load_text(tsr_bytes *in, uint8_t *to, uint8_t *len)
{
    tsr_bytes text;

    if (tsr_get_u8(in, len) != TSR_OK || *len > TSR_LWM2M_APP_TEXT ||
        tsr_get_bytes(in, *len, &text) != TSR_OK)
        return TSR_E_MALFORMED;
    copy(to, len, text);
    return TSR_OK;
}

/* Which resources are set, and whose it is. */
static tsr_err load_set(tsr_lwm2m_app_data *c, tsr_bytes *in)
{
    if (tsr_get_u8(in, &c->set) != TSR_OK)
        return TSR_E_MALFORMED;
    if ((c->set & MARKED) != 0 && (tsr_get_u32(in, &c->mark) != TSR_OK || c->mark == 0))
        return TSR_E_MALFORMED;
    c->set &= (uint8_t)~MARKED;
    return c->set >> (APP + 1) == 0 ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err load_one(tsr_lwm2m_app_data *c, tsr_bytes *in)
{
    uint64_t created_s;

    memset(c, 0, sizeof *c);
    if (tsr_get_u16(in, &c->id) != TSR_OK || tsr_get_u8(in, &c->there) != TSR_OK ||
        load_set(c, in) != TSR_OK || tsr_get_u8(in, &c->priority) != TSR_OK ||
        tsr_get_u16(in, &c->app) != TSR_OK || tsr_get_u64(in, &created_s) != TSR_OK ||
        load_text(in, c->description, &c->description_len) != TSR_OK ||
        load_text(in, c->format, &c->format_len) != TSR_OK || c->id == TSR_LWM2M_NO_ID ||
        c->there >> TSR_LWM2M_APP_PARTS != 0)
        return TSR_E_MALFORMED;
    c->created_s = (int64_t)created_s;
    for (size_t i = 0; i < TSR_LWM2M_APP_PARTS; i++) {
        tsr_bytes part;

        if ((c->there >> i & 1) == 0)
            continue;
        if (tsr_get_u16(in, &c->len[i]) != TSR_OK || c->len[i] > TSR_LWM2M_APP_PART_LEN ||
            tsr_get_bytes(in, c->len[i], &part) != TSR_OK)
            return TSR_E_MALFORMED;
        if (part.len != 0)
            memcpy(c->data[i], part.ptr, part.len);
    }
    c->used = true;
    return TSR_OK;
}

static void clear(const tsr_lwm2m_app_datas *all)
{
    for (size_t i = 0; i < all->count; i++)
        all->items[i].used = false;
}

static tsr_err load(void *state, tsr_bytes in)
{
    const tsr_lwm2m_app_datas *all = state;

    clear(all);
    for (size_t n = 0; in.len != 0 && n < all->count; n++) {
        if (load_one(&all->items[n], &in) != TSR_OK) {
            clear(all);
            return TSR_E_MALFORMED;
        }
    }
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_app_data_object(tsr_lwm2m_app_datas *containers)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .create = create,
                                                 .remove = delete, .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, containers };
}
