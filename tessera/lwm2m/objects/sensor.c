/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/sensor.h"

#include "generated/lwm2m_objects.h"

enum {
    TIMESTAMP = 5518, MIN_MEASURED = 5601, MAX_MEASURED = 5602, MIN_RANGE = 5603, MAX_RANGE = 5604,
    RESET = 5605, VALUE = 5700, UNITS = 5701, APPLICATION = 5750, TYPE = 5751,
};

static const tsr_lwm2m_resource_info generic_resources[] = {
    TSR_LWM2M_3300_R5518, TSR_LWM2M_3300_R5601, TSR_LWM2M_3300_R5602, TSR_LWM2M_3300_R5603,
    TSR_LWM2M_3300_R5604, TSR_LWM2M_3300_R5605, TSR_LWM2M_3300_R5700, TSR_LWM2M_3300_R5701,
    TSR_LWM2M_3300_R5750, TSR_LWM2M_3300_R5751,
};

static const tsr_lwm2m_object_info generic = TSR_LWM2M_3300_INFO(generic_resources);
static const tsr_lwm2m_resource_info temperature_resources[] = {
    TSR_LWM2M_3303_R5518, TSR_LWM2M_3303_R5601, TSR_LWM2M_3303_R5602, TSR_LWM2M_3303_R5603,
    TSR_LWM2M_3303_R5604, TSR_LWM2M_3303_R5605, TSR_LWM2M_3303_R5700, TSR_LWM2M_3303_R5701,
    TSR_LWM2M_3303_R5750,
};

static const tsr_lwm2m_object_info temperature = TSR_LWM2M_3303_INFO(temperature_resources);

bool tsr_lwm2m_sensor_measure(tsr_lwm2m_sensor *s, double value, int64_t unix_s)
{
    bool changed = !s->measured || s->value < value || s->value > value;

    if (!s->measured || value < s->min)
        s->min = value;
    if (!s->measured || value > s->max)
        s->max = value;
    s->value = value;
    s->unix_s = unix_s;
    s->measured = true;
    return changed;
}

static tsr_lwm2m_sensor *item(const tsr_lwm2m_sensors *sensors, uint16_t instance)
{
    size_t i = 0;

    while (sensors->items[i].id != instance)
        i++;
    return &sensors->items[i];
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    const tsr_lwm2m_sensors *sensors = state;

    for (size_t i = 0; i < sensors->count; i++) {
        if (sensors->items[i].id >= from)
            return sensors->items[i].id;
    }
    return TSR_LWM2M_NO_INSTANCE;
}

static tsr_err put_if(bool there, tsr_lwm2m_out *out, tsr_lwm2m_path at, double v)
{
    return there ? tsr_lwm2m_put_float(out, at, v) : TSR_E_NOT_FOUND;
}

static tsr_err put_some(tsr_lwm2m_out *out, tsr_lwm2m_path at, const char *text)
{
    return text == NULL || text[0] == '\0' ? TSR_E_NOT_FOUND
                                           : tsr_lwm2m_put_text(out, at, tsr_text(text));
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_sensor *s = item(state, at.instance);

    switch (at.resource) {
    case TIMESTAMP:
        return s->unix_s == 0 ? TSR_E_NOT_FOUND : tsr_lwm2m_put_time(out, at, s->unix_s);
    case MIN_MEASURED: return put_if(s->measured, out, at, s->min);
    case MAX_MEASURED: return put_if(s->measured, out, at, s->max);
    case MIN_RANGE:    return put_if(s->has_range, out, at, s->range_min);
    case MAX_RANGE:    return put_if(s->has_range, out, at, s->range_max);
    case VALUE:        return put_if(s->measured, out, at, s->value);
    case UNITS:        return put_some(out, at, s->units);
    case APPLICATION:  return put_some(out, at, s->application);
    case TYPE:         return put_some(out, at, s->type);
    default:           return TSR_E_NOT_FOUND;
    }
}

/* Application Type is the one writable resource. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_sensor *s = item(state, at.instance);
    tsr_bytes text = value != NULL ? value->as.bytes : tsr_text("");

    if (text.len >= sizeof s->application || (text.len != 0 && memchr(text.ptr, 0, text.len)))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_COMMIT) {
        memcpy(s->application, text.ptr, text.len);
        s->application[text.len] = '\0';
    }
    return TSR_OK;
}

static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    tsr_lwm2m_sensor *s = item(state, at.instance);

    if (arguments.len != 0)
        return TSR_E_ARGUMENT;
    s->min = s->max = s->value;
    return TSR_OK;
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_sensors *sensors = state;

    for (size_t i = 0; i < sensors->count; i++) {
        const tsr_lwm2m_sensor *s = &sensors->items[i];

        if (s->application[0] == '\0')
            continue;
        tsr_put_u16(out, s->id);
        tsr_put_u8(out, (uint8_t)strlen(s->application));
        tsr_put_text(out, s->application);
    }
}

static tsr_err load(void *state, tsr_bytes in)
{
    const tsr_lwm2m_sensors *sensors = state;

    while (in.len != 0) {
        uint16_t id;
        uint8_t len;
        tsr_bytes text;

        if (tsr_get_u16(&in, &id) != TSR_OK || tsr_get_u8(&in, &len) != TSR_OK ||
            len >= TSR_LWM2M_SENSOR_TEXT || tsr_get_bytes(&in, len, &text) != TSR_OK)
            return TSR_E_MALFORMED;
        if (next_instance(sensors, id) != id)
            continue;
        memcpy(item(sensors, id)->application, text.ptr, len);
        item(sensors, id)->application[len] = '\0';
    }
    return TSR_OK;
}

static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                             .write = write, .execute = execute, .save = save,
                                             .load = load };

tsr_lwm2m_object tsr_lwm2m_generic_sensor_object(tsr_lwm2m_sensors *sensors)
{
    return (tsr_lwm2m_object){ &generic, &handlers, sensors };
}

tsr_lwm2m_object tsr_lwm2m_temperature_object(tsr_lwm2m_sensors *sensors)
{
    return (tsr_lwm2m_object){ &temperature, &handlers, sensors };
}
