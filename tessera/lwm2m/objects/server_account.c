/* SPDX-License-Identifier: Apache-2.0
 *
 * Server for a client that can be bootstrapped: instances come and go. What they hold is the business
 * of server.c. */
#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/model/slots.h"
#include "tessera/lwm2m/objects/server.h"

enum { SAVED_WHOLE = 0 }; /* stands where a Short Server ID, which is never 0, would */

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_1_R0, TSR_LWM2M_1_R1, TSR_LWM2M_1_R2, TSR_LWM2M_1_R3, TSR_LWM2M_1_R4,
    TSR_LWM2M_1_R5, TSR_LWM2M_1_R6, TSR_LWM2M_1_R7, TSR_LWM2M_1_R8, TSR_LWM2M_1_R9,
    TSR_LWM2M_1_R11, TSR_LWM2M_1_R12, TSR_LWM2M_1_R13, TSR_LWM2M_1_R14, TSR_LWM2M_1_R15, TSR_LWM2M_1_R16,
    TSR_LWM2M_1_R17, TSR_LWM2M_1_R18, TSR_LWM2M_1_R19, TSR_LWM2M_1_R20, TSR_LWM2M_1_R22,
    TSR_LWM2M_1_R23, TSR_LWM2M_1_R26,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_1_INFO(resources);

static const tsr_lwm2m_handlers *plain(void)
{
    return tsr_lwm2m_server_object(NULL).handlers;
}

static tsr_lwm2m_server *item(const tsr_lwm2m_servers *all, uint16_t instance)
{
    return tsr_lwm2m_slot_find(TSR_LWM2M_SLOTS(all, tsr_lwm2m_server), instance);
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    return plain()->next_instance(state, from);
}

static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    return plain()->read(state, at, out);
}

static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    return plain()->execute(state, at, arguments);
}

static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    return plain()->write(state, at, value, phase);
}

/* In the CHECK the instance need not be there yet. */
static tsr_err write_staged(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                            tsr_lwm2m_phase phase)
{
    tsr_lwm2m_server blank = { .id = at.instance, .used = true };
    tsr_lwm2m_servers one = { .items = &blank, .count = 1 };
    tsr_lwm2m_server *s = item(state, at.instance);

    if (value == NULL)
        return TSR_E_DENIED;
    if (at.resource == TSR_LWM2M_S_SHORT_ID && (value->as.i < 0 || value->as.i > UINT16_MAX))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_CHECK)
        return plain()->write(&one, at, value, TSR_LWM2M_COMMIT);
    if (s != NULL)
        s->written = true;
    return plain()->write(state, at, value, phase);
}

/* Core E.2: "U" where Binding is missing, which a server has to write. */
static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    const tsr_lwm2m_servers *all = state;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].used)
            continue;
        if (phase == TSR_LWM2M_COMMIT)
            all->items[i] = (tsr_lwm2m_server){ .id = instance, .used = true, .binding = "U" };
        return TSR_OK;
    }
    return TSR_E_DENIED;
}

static tsr_err delete(void *state, uint16_t instance)
{
    tsr_lwm2m_server *s = item(state, instance);

    if (s == NULL)
        return TSR_E_NOT_FOUND;
    s->used = false;
    return TSR_OK;
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_servers *all = state;

    tsr_put_u16(out, SAVED_WHOLE);
    for (size_t i = 0; i < all->count; i++) {
        const tsr_lwm2m_server *s = &all->items[i];

        if (!s->used)
            continue;
        tsr_put_u16(out, s->id);
        tsr_put_u8(out, (uint8_t)strlen(s->binding));
        tsr_put_text(out, s->binding);
        tsr_put_u32(out, s->set);
        for (size_t r = 0; r < TSR_LWM2M_SERVER_RESOURCES; r++) {
            if (s->set >> r & 1)
                tsr_put_u32(out, s->number[r]);
        }
    }
}

static bool load_one(tsr_bytes *in, tsr_lwm2m_server *s)
{
    tsr_bytes binding;
    uint8_t len;

    *s = (tsr_lwm2m_server){ .used = true };
    if (tsr_get_u16(in, &s->id) != TSR_OK || s->id == TSR_LWM2M_NO_ID ||
        tsr_get_u8(in, &len) != TSR_OK || len > TSR_LWM2M_BINDING_LEN ||
        tsr_get_bytes(in, len, &binding) != TSR_OK || tsr_get_u32(in, &s->set) != TSR_OK ||
        s->set >> TSR_LWM2M_SERVER_RESOURCES != 0)
        return false;
    if (len != 0)
        memcpy(s->binding, binding.ptr, len);
    for (size_t r = 0; r < TSR_LWM2M_SERVER_RESOURCES; r++) {
        if ((s->set >> r & 1) && tsr_get_u32(in, &s->number[r]) != TSR_OK)
            return false;
    }
    return s->number[TSR_LWM2M_S_SHORT_ID] <= UINT16_MAX;
}

static bool is_well_formed(const tsr_lwm2m_servers *all, tsr_bytes in)
{
    tsr_lwm2m_server seen;
    size_t count = 0;

    while (in.len != 0) {
        if (++count > all->count || !load_one(&in, &seen))
            return false;
    }
    return true;
}

/* What was saved before the client could be bootstrapped has no instances of its own. */
static tsr_err load(void *state, tsr_bytes in)
{
    const tsr_lwm2m_servers *all = state;
    tsr_bytes whole = in;
    uint16_t head = SAVED_WHOLE;
    size_t i = 0;

    if (in.len == 0 || (tsr_get_u16(&in, &head) == TSR_OK && head != SAVED_WHOLE))
        return plain()->load(state, whole);
    if (!is_well_formed(all, in))
        return TSR_E_MALFORMED;
    while (in.len != 0 && load_one(&in, &all->items[i]))
        i++;
    while (i < all->count)
        all->items[i++].used = false;
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_server_account(tsr_lwm2m_servers *servers)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .execute = execute,
                                                 .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, servers };
}

tsr_lwm2m_object tsr_lwm2m_server_staged(tsr_lwm2m_servers *servers)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write_staged, .create = create,
                                                 .remove = delete };

    return (tsr_lwm2m_object){ &self, &handlers, servers };
}
