/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/server.h"

#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/model/slots.h"

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_1_R0, TSR_LWM2M_1_R1, TSR_LWM2M_1_R2, TSR_LWM2M_1_R3, TSR_LWM2M_1_R4,
    TSR_LWM2M_1_R5, TSR_LWM2M_1_R6, TSR_LWM2M_1_R7, TSR_LWM2M_1_R8, TSR_LWM2M_1_R11,
    TSR_LWM2M_1_R12, TSR_LWM2M_1_R13, TSR_LWM2M_1_R14, TSR_LWM2M_1_R15, TSR_LWM2M_1_R16, TSR_LWM2M_1_R17,
    TSR_LWM2M_1_R18, TSR_LWM2M_1_R19, TSR_LWM2M_1_R20, TSR_LWM2M_1_R22, TSR_LWM2M_1_R23,
    TSR_LWM2M_1_R26,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_1_INFO(resources);

void tsr_lwm2m_server_set(tsr_lwm2m_server *server, tsr_lwm2m_server_resource resource,
                          uint32_t value)
{
    server->number[resource] = value;
    server->set |= (uint32_t)1 << resource;
}

void tsr_lwm2m_server_init(tsr_lwm2m_server *server, uint16_t instance, uint16_t short_id,
                           uint32_t lifetime_s)
{
    *server = (tsr_lwm2m_server){ .id = instance, .used = true, .binding = "U" };
    tsr_lwm2m_server_set(server, TSR_LWM2M_S_SHORT_ID, short_id);
    tsr_lwm2m_server_set(server, TSR_LWM2M_S_LIFETIME, lifetime_s);
    tsr_lwm2m_server_set(server, TSR_LWM2M_S_STORING, 1);
}

/* Core E.2, "default when absent". */
static uint32_t default_of(tsr_lwm2m_server_resource resource)
{
    const uint32_t ones = 1u << TSR_LWM2M_S_SEQUENCE_COUNT | 1u << TSR_LWM2M_S_STORING |
                          1u << TSR_LWM2M_S_BOOTSTRAP_ON_FAILURE | 1u << TSR_LWM2M_S_MUTE_SEND;

    if (resource == TSR_LWM2M_S_DISABLE_TIMEOUT || resource == TSR_LWM2M_S_SEQUENCE_DELAY)
        return 86400;
    if (resource == TSR_LWM2M_S_RETRY_COUNT)
        return 5;
    if (resource == TSR_LWM2M_S_RETRY_TIMER)
        return 60;
    return ones >> resource & 1;
}

uint32_t tsr_lwm2m_server_get(const tsr_lwm2m_server *server, tsr_lwm2m_server_resource resource)
{
    if ((server->set >> resource & 1) == 0)
        return default_of(resource);
    return server->number[resource];
}

tsr_lwm2m_server *tsr_lwm2m_server_find(const tsr_lwm2m_servers *servers, uint16_t short_id)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->items[i].used && servers->items[i].number[TSR_LWM2M_S_SHORT_ID] == short_id)
            return &servers->items[i];
    }
    return NULL;
}

TSR_LWM2M_SLOT(tsr_lwm2m_server);

static tsr_lwm2m_slots slots(const tsr_lwm2m_servers *all)
{
    return TSR_LWM2M_SLOTS(all, tsr_lwm2m_server);
}

static tsr_lwm2m_server *item(const tsr_lwm2m_servers *servers, uint16_t instance)
{
    return tsr_lwm2m_slot_find(slots(servers), instance);
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    return tsr_lwm2m_slot_next(slots(state), from);
}

/* Core 6.3.1. A number goes out in the type of its table entry. */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_server *s = item(state, at.instance);
    tsr_lwm2m_value value = tsr_lwm2m_text(tsr_text(s->binding));
    uint8_t letter;

    if (at.resource != TSR_LWM2M_S_BINDING && (s->set >> at.resource & 1) == 0)
        return TSR_E_NOT_FOUND;
    if (at.resource == TSR_LWM2M_S_PREFERRED) {
        letter = (uint8_t)s->number[TSR_LWM2M_S_PREFERRED];
        value.as.bytes = tsr_view(&letter, 1);
    } else if (at.resource != TSR_LWM2M_S_BINDING) {
        value.type = tsr_lwm2m_resource_find(&self, at.resource)->type;
        value.as.u = s->number[at.resource];
        if (value.type == TSR_LWM2M_BOOLEAN)
            value.as.b = value.as.u != 0;
    }
    return tsr_lwm2m_put(out, at, &value);
}

static bool can(const tsr_lwm2m_servers *all, const tsr_lwm2m_server *s, char binding)
{
    uint16_t short_id = (uint16_t)s->number[TSR_LWM2M_S_SHORT_ID];

    return all->can != NULL ? all->can(all->user, short_id, binding) : binding == 'U';
}

char tsr_lwm2m_server_preferred(const tsr_lwm2m_servers *servers, uint16_t short_id)
{
    const tsr_lwm2m_server *s = tsr_lwm2m_server_find(servers, short_id);
    char letter = s != NULL ? (char)tsr_lwm2m_server_get(s, TSR_LWM2M_S_PREFERRED) : 0;

    return letter != 0 && can(servers, s, letter) ? letter : 0;
}

/* Core 6.2.1.1: letters of the bindings, each once. "UQ" and "UQS" are of 1.0. */
static bool binding_is_good(tsr_bytes text)
{
    unsigned seen = 0;

    if (text.len == 0 || text.len > TSR_LWM2M_BINDING_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *letters = "UMHTSNQ";
        const char *found = text.ptr[i] != 0 ? strchr(letters, text.ptr[i]) : NULL;

        if (found == NULL || (seen >> (found - letters) & 1) != 0)
            return false;
        seen |= 1u << (found - letters);
    }
    return (seen & 9u) != 0; /* U or T: those that a device can have (tcp_channel.h) */
}

/* Of a Boolean, Integer or Unsigned; one below zero is out of the range. */
static uint64_t number_of(const tsr_lwm2m_value *value)
{
    return value->type == TSR_LWM2M_BOOLEAN ? value->as.b : value->as.u;
}

static tsr_err write_binding(tsr_lwm2m_server *s, const tsr_lwm2m_value *value,
                             tsr_lwm2m_phase phase)
{
    tsr_bytes letters = value->as.bytes;

    if (!binding_is_good(letters))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_COMMIT) {
        memset(s->binding, 0, sizeof s->binding);
        memcpy(s->binding, letters.ptr, letters.len);
    }
    return TSR_OK;
}

/* Which bindings an account can have is not known while bootstrap stages it: then any is kept, and is
 * asked about when it is to be used. */
static tsr_err write_preferred(const tsr_lwm2m_servers *all, tsr_lwm2m_server *s, tsr_bytes letter,
                               tsr_lwm2m_phase phase)
{
    if (letter.len != 1 || letter.ptr[0] == 0 || strchr("UMHTSN", letter.ptr[0]) == NULL ||
        (phase == TSR_LWM2M_CHECK && !can(all, s, (char)letter.ptr[0])))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_COMMIT)
        tsr_lwm2m_server_set(s, TSR_LWM2M_S_PREFERRED, letter.ptr[0]);
    return TSR_OK;
}

static tsr_err write_number(tsr_lwm2m_server *s, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                            tsr_lwm2m_phase phase)
{
    uint64_t n;

    if (s == NULL)
        return TSR_E_NOT_FOUND;
    if (value == NULL) {
        if (phase == TSR_LWM2M_COMMIT)
            s->set &= ~((uint32_t)1 << at.resource);
        return TSR_OK;
    }
    n = number_of(value);
    if (n > (at.resource == TSR_LWM2M_S_NOTIFY_MODE ? 1 : UINT32_MAX))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_COMMIT)
        tsr_lwm2m_server_set(s, (tsr_lwm2m_server_resource)at.resource, (uint32_t)n);
    return TSR_OK;
}

static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_server *s = item(state, at.instance);

    if (s != NULL && value != NULL && at.resource == TSR_LWM2M_S_BINDING)
        return write_binding(s, value, phase);
    if (s != NULL && value != NULL && at.resource == TSR_LWM2M_S_PREFERRED)
        return write_preferred(state, s, value->as.bytes, phase);
    return write_number(s, at, value, phase);
}

/* For a device that has no other binding than "U", and need not keep which one is preferred. */
static tsr_err write_bare(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                          tsr_lwm2m_phase phase)
{
    if (value != NULL && value->type == TSR_LWM2M_STRING)
        return tsr_same(value->as.bytes, tsr_text("U")) ? TSR_OK : TSR_E_TYPE;
    return write_number(item(state, at.instance), at, value, phase);
}

/* What an Execute means is the client's business; here is only whether it may be. Disable takes no
 * argument; the trigger takes a binding, 0='T' (Core E.2). */
static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    tsr_lwm2m_server *s = item(state, at.instance);
    tsr_lwm2m_argument argument;

    s->asked = 0;
    if (tsr_lwm2m_argument_next(&arguments, &argument) == TSR_END)
        return TSR_OK;
    if (at.resource != TSR_LWM2M_S_UPDATE || argument.digit != 0 || arguments.len != 0 ||
        argument.value.len != 1 || !can(state, s, (char)argument.value.ptr[0]))
        return TSR_E_ARGUMENT;
    s->asked = (char)argument.value.ptr[0];
    return TSR_OK;
}

/* For a device that knows no arguments. */
static tsr_err execute_bare(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    (void)state;
    (void)at;
    return arguments.len == 0 ? TSR_OK : TSR_E_ARGUMENT;
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_servers *servers = state;

    for (size_t i = 0; i < servers->count; i++) {
        const tsr_lwm2m_server *s = &servers->items[i];

        if (!s->used)
            continue;
        tsr_put_u16(out, (uint16_t)s->number[TSR_LWM2M_S_SHORT_ID]);
        tsr_put_u8(out, (uint8_t)strlen(s->binding));
        tsr_put_text(out, s->binding);
        tsr_put_u32(out, s->set);
        for (size_t r = 1; r < TSR_LWM2M_SERVER_RESOURCES; r++) {
            if (s->set >> r & 1)
                tsr_put_u32(out, s->number[r]);
        }
    }
}

static tsr_err load_one(const tsr_lwm2m_servers *servers, tsr_bytes *in)
{
    tsr_lwm2m_server loaded = { .used = true };
    tsr_lwm2m_server *s;
    tsr_bytes binding;
    uint16_t short_id;
    uint8_t len;

    if (tsr_get_u16(in, &short_id) != TSR_OK || tsr_get_u8(in, &len) != TSR_OK ||
        len > TSR_LWM2M_BINDING_LEN || tsr_get_bytes(in, len, &binding) != TSR_OK ||
        tsr_get_u32(in, &loaded.set) != TSR_OK || loaded.set >> TSR_LWM2M_SERVER_RESOURCES != 0)
        return TSR_E_MALFORMED;
    memcpy(loaded.binding, binding.ptr, len);
    for (size_t r = 1; r < TSR_LWM2M_SERVER_RESOURCES; r++) {
        if ((loaded.set >> r & 1) && tsr_get_u32(in, &loaded.number[r]) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    s = tsr_lwm2m_server_find(servers, short_id);
    if (s == NULL)
        return TSR_OK;
    loaded.id = s->id;
    loaded.number[TSR_LWM2M_S_SHORT_ID] = short_id;
    loaded.set |= 1;
    *s = loaded;
    return TSR_OK;
}

/* Only accounts that the configuration still has take their values back. */
static tsr_err load(void *state, tsr_bytes in)
{
    tsr_err err = TSR_OK;

    while (err == TSR_OK && in.len != 0)
        err = load_one(state, &in);
    return err;
}

tsr_lwm2m_object tsr_lwm2m_server_object(tsr_lwm2m_servers *servers)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .execute = execute,
                                                 .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, servers };
}

tsr_lwm2m_object tsr_lwm2m_server_volatile(tsr_lwm2m_servers *servers)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write_bare, .execute = execute_bare };

    return (tsr_lwm2m_object){ &self, &handlers, servers };
}
