/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/light.h"

#include "generated/lwm2m_objects.h"

enum { APPLICATION = 5750, ON_OFF = 5850, DIMMER = 5851, ON_TIME = 5852 };

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_3311_R5750, TSR_LWM2M_3311_R5850, TSR_LWM2M_3311_R5851, TSR_LWM2M_3311_R5852,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_3311_INFO(resources);

static tsr_lwm2m_light *item(const tsr_lwm2m_lights *lights, uint16_t instance)
{
    size_t i = 0;

    while (lights->items[i].id != instance)
        i++;
    return &lights->items[i];
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    const tsr_lwm2m_lights *lights = state;

    for (size_t i = 0; i < lights->count; i++) {
        if (lights->items[i].id >= from)
            return lights->items[i].id;
    }
    return TSR_LWM2M_NO_INSTANCE;
}

static uint64_t on_time_s(const tsr_lwm2m_light *l)
{
    return l->on_s + (l->on ? l->now_s - l->since_s : 0);
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_light *l = item(state, at.instance);

    switch (at.resource) {
    case ON_OFF:  return tsr_lwm2m_put_bool(out, at, l->on);
    case DIMMER:  return tsr_lwm2m_put_int(out, at, l->dimmer);
    case ON_TIME: return tsr_lwm2m_put_int(out, at, (int64_t)on_time_s(l));
    case APPLICATION:
        return l->application[0] == '\0'
                   ? TSR_E_NOT_FOUND
                   : tsr_lwm2m_put_text(out, at, tsr_text(l->application));
    default: return TSR_E_NOT_FOUND;
    }
}

void tsr_lwm2m_light_turn(tsr_lwm2m_light *l, bool on)
{
    if (l->on == on)
        return;
    l->on_s = on_time_s(l);
    l->since_s = l->now_s;
    l->on = on;
    l->changed = true;
}

static tsr_err write_text(tsr_lwm2m_light *l, tsr_bytes text, bool commit)
{
    if (text.len >= sizeof l->application || (text.len != 0 && memchr(text.ptr, 0, text.len)))
        return TSR_E_TYPE;
    if (commit) {
        memcpy(l->application, text.ptr, text.len);
        l->application[text.len] = '\0';
    }
    return TSR_OK;
}

/* Core 6.3.3. On Time takes 0 only, which resets it. A Replace without Dimmer is full light. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_light *l = item(state, at.instance);
    bool commit = phase == TSR_LWM2M_COMMIT;
    int64_t n;

    switch (at.resource) {
    case ON_OFF:
        if (commit && value != NULL)
            tsr_lwm2m_light_turn(l, value->as.b);
        return TSR_OK;
    case DIMMER:
        n = value != NULL ? value->as.i : 100;
        if (n < 0 || n > 100)
            return TSR_E_TYPE;
        if (commit && l->dimmer != n) {
            l->dimmer = (uint8_t)n;
            l->changed = true;
        }
        return TSR_OK;
    case ON_TIME:
        if (value == NULL)
            return TSR_OK;
        if (value->as.i != 0)
            return TSR_E_TYPE;
        if (commit) {
            l->on_s = 0;
            l->since_s = l->now_s;
        }
        return TSR_OK;
    default:
        return write_text(l, value != NULL ? value->as.bytes : tsr_text(""), commit);
    }
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_lights *lights = state;

    for (size_t i = 0; i < lights->count; i++) {
        const tsr_lwm2m_light *l = &lights->items[i];

        tsr_put_u16(out, l->id);
        tsr_put_u8(out, l->on);
        tsr_put_u8(out, l->dimmer);
        tsr_put_u64(out, on_time_s(l));
        tsr_put_u8(out, (uint8_t)strlen(l->application));
        tsr_put_text(out, l->application);
    }
}

static tsr_err load_one(const tsr_lwm2m_lights *lights, tsr_bytes *in)
{
    uint16_t id;
    uint8_t on, dimmer, len;
    uint64_t on_s;
    tsr_bytes text;

    if (tsr_get_u16(in, &id) != TSR_OK || tsr_get_u8(in, &on) != TSR_OK ||
        tsr_get_u8(in, &dimmer) != TSR_OK || tsr_get_u64(in, &on_s) != TSR_OK ||
        tsr_get_u8(in, &len) != TSR_OK || tsr_get_bytes(in, len, &text) != TSR_OK || on > 1 ||
        dimmer > 100 || len >= TSR_LWM2M_LIGHT_TEXT)
        return TSR_E_MALFORMED;
    if (next_instance(lights, id) != id)
        return TSR_OK;

    tsr_lwm2m_light *l = item(lights, id);

    l->on = on != 0;
    l->dimmer = dimmer;
    l->on_s = on_s;
    l->since_s = l->now_s;
    l->changed = true;
    return write_text(l, text, true);
}

static tsr_err load(void *state, tsr_bytes in)
{
    tsr_err err = TSR_OK;

    while (err == TSR_OK && in.len != 0)
        err = load_one(state, &in);
    return err;
}

tsr_lwm2m_object tsr_lwm2m_light_object(tsr_lwm2m_lights *lights)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, lights };
}
