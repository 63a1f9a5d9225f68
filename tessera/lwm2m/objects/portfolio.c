/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/portfolio.h"

#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/model/slots.h"

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_16_R0,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_16_INFO(resources);

TSR_LWM2M_SLOT(tsr_lwm2m_portfolio);

static tsr_lwm2m_slots slots(const tsr_lwm2m_portfolios *all)
{
    return TSR_LWM2M_SLOTS(all, tsr_lwm2m_portfolio);
}

static tsr_lwm2m_portfolio *item(const tsr_lwm2m_portfolios *all, uint16_t instance)
{
    return tsr_lwm2m_slot_find(slots(all), instance);
}

static tsr_lwm2m_portfolio *empty_item(const tsr_lwm2m_portfolios *all)
{
    return tsr_lwm2m_slot_empty(slots(all));
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    return tsr_lwm2m_slot_next(slots(state), from);
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_portfolio *p = item(state, at.instance);
    tsr_lwm2m_path each = at;
    tsr_err err = TSR_E_NOT_FOUND;

    each.depth = 4;
    for (size_t i = 0; i < TSR_LWM2M_IDENTITIES; i++) {
        each.resource_instance = (uint16_t)i;
        if ((p->there >> i & 1) != 0 && tsr_lwm2m_wanted(at, each.resource_instance))
            err = tsr_lwm2m_put_text(out, each, tsr_view(p->text[i], p->len[i]));
    }
    return err;
}

/* Core 6.3.3. In the CHECK of a Create the instance is not there yet. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_portfolio *p = item(state, at.instance);
    uint16_t i = at.resource_instance;

    if (value == NULL) {
        if (phase == TSR_LWM2M_COMMIT && at.depth < 4)
            p->there = 0;
        else if (phase == TSR_LWM2M_COMMIT && i < TSR_LWM2M_IDENTITIES)
            p->there &= (uint8_t)~(1u << i);
        return TSR_OK;
    }
    if (i >= TSR_LWM2M_IDENTITIES || value->as.bytes.len > TSR_LWM2M_IDENTITY_LEN)
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_CHECK)
        return TSR_OK;
    p->there = (uint8_t)(p->there | 1u << i);
    p->len[i] = (uint8_t)value->as.bytes.len;
    memcpy(p->text[i], value->as.bytes.ptr, value->as.bytes.len);
    return TSR_OK;
}

/* Core 6.3.6 */
static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    tsr_lwm2m_portfolio *p = empty_item(state);

    if (p == NULL)
        return TSR_E_DENIED;
    if (phase == TSR_LWM2M_COMMIT)
        *p = (tsr_lwm2m_portfolio){ .used = true, .id = instance };
    return TSR_OK;
}

/* Core 6.3.7 */
static tsr_err delete(void *state, uint16_t instance)
{
    item(state, instance)->used = false;
    return TSR_OK;
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_portfolios *all = state;

    for (size_t n = 0; n < all->count; n++) {
        const tsr_lwm2m_portfolio *p = &all->items[n];

        if (!p->used)
            continue;
        tsr_put_u16(out, p->id);
        tsr_put_u8(out, p->there);
        for (size_t i = 0; i < TSR_LWM2M_IDENTITIES; i++) {
            if ((p->there >> i & 1) == 0)
                continue;
            tsr_put_u8(out, p->len[i]);
            tsr_put_bytes(out, tsr_view(p->text[i], p->len[i]));
        }
    }
}

static tsr_err load_one(tsr_lwm2m_portfolio *p, tsr_bytes *in)
{
    *p = (tsr_lwm2m_portfolio){ 0 };
    if (tsr_get_u16(in, &p->id) != TSR_OK || tsr_get_u8(in, &p->there) != TSR_OK ||
        p->there >> TSR_LWM2M_IDENTITIES != 0 || p->id == TSR_LWM2M_NO_ID)
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < TSR_LWM2M_IDENTITIES; i++) {
        tsr_bytes text;

        if ((p->there >> i & 1) == 0)
            continue;
        if (tsr_get_u8(in, &p->len[i]) != TSR_OK || p->len[i] > TSR_LWM2M_IDENTITY_LEN ||
            tsr_get_bytes(in, p->len[i], &text) != TSR_OK)
            return TSR_E_MALFORMED;
        memcpy(p->text[i], text.ptr, text.len);
    }
    p->used = true;
    return TSR_OK;
}

static tsr_err load(void *state, tsr_bytes in)
{
    tsr_lwm2m_portfolios *all = state;
    size_t n = 0;

    for (size_t i = 0; i < all->count; i++)
        all->items[i].used = false;
    for (; in.len != 0 && n < all->count; n++) {
        if (load_one(&all->items[n], &in) != TSR_OK) {
            all->items[n].used = false;
            return TSR_E_MALFORMED;
        }
    }
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_portfolio_object(tsr_lwm2m_portfolios *portfolios)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .create = create,
                                                 .remove = delete, .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, portfolios };
}
