/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/device.h"

#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/model/fields.h"

enum {
    MANUFACTURER = 0, MODEL = 1, SERIAL = 2, FIRMWARE = 3, REBOOT = 4, POWER = 6, VOLTAGE = 7,
    CURRENT = 8, BATTERY_LEVEL = 9, MEMORY_FREE = 10, ERROR_CODE = 11, RESET_ERROR = 12,
    CURRENT_TIME = 13, UTC_OFFSET = 14, TIMEZONE = 15, BINDING = 16, TYPE = 17, HARDWARE = 18,
    SOFTWARE = 19, BATTERY_STATUS = 20, MEMORY_TOTAL = 21,
};

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_3_R0, TSR_LWM2M_3_R1, TSR_LWM2M_3_R2, TSR_LWM2M_3_R3, TSR_LWM2M_3_R4,
    TSR_LWM2M_3_R6, TSR_LWM2M_3_R7, TSR_LWM2M_3_R8, TSR_LWM2M_3_R9, TSR_LWM2M_3_R10,
    TSR_LWM2M_3_R11, TSR_LWM2M_3_R12, TSR_LWM2M_3_R13, TSR_LWM2M_3_R14, TSR_LWM2M_3_R15,
    TSR_LWM2M_3_R16, TSR_LWM2M_3_R17, TSR_LWM2M_3_R18, TSR_LWM2M_3_R19, TSR_LWM2M_3_R20,
    TSR_LWM2M_3_R21,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_3_INFO(resources);

void tsr_lwm2m_device_init(tsr_lwm2m_device *device)
{
    *device = (tsr_lwm2m_device){ .binding = "U", .battery_percent = -1, .battery_status = -1,
                                  .memory_free_kb = -1, .memory_total_kb = -1 };
}

bool tsr_lwm2m_device_error(tsr_lwm2m_device *d, uint8_t code)
{
    for (size_t i = 0; i < d->error_count; i++) {
        if (d->errors[i] == code)
            return false;
    }
    if (d->error_count == TSR_LWM2M_ERRORS)
        memmove(d->errors, d->errors + 1, --d->error_count);
    d->errors[d->error_count++] = code;
    return true;
}

/* What a server has written stands before what the host says. */
static const char *own_text(const void *state, uint8_t resource)
{
    const tsr_lwm2m_device *d = state;
    const char *written = resource == UTC_OFFSET ? d->utc_offset : d->timezone;

    if (written[0] != '\0')
        return written;
    return resource == UTC_OFFSET ? d->host_offset : d->host_timezone;
}

static int64_t own_time(const void *state)
{
    const tsr_lwm2m_device *d = state;

    return d->host_unix_s + d->shift_s;
}

#define PLACE(member)           offsetof(tsr_lwm2m_device, member)
#define TEXT(resource, member)  FIELD(resource, TSR_LWM2M_FIELD_TEXT, member)
#define SHORT(resource, member) FIELD(resource, TSR_LWM2M_FIELD_SHORT, member)
#define LONG(resource, member)  FIELD(resource, TSR_LWM2M_FIELD_LONG, member)
#define OWN(resource, kind)     { resource, TSR_LWM2M_FIELD_OWN_##kind, 0 }
#define LIST(resource, list)    { resource, TSR_LWM2M_FIELD_LIST, list }
#define FIELD(resource, kind, member) { resource, kind, PLACE(member) }

static const tsr_lwm2m_field items[] = {
    TEXT(MANUFACTURER, manufacturer), TEXT(MODEL, model), TEXT(SERIAL, serial),
    TEXT(FIRMWARE, firmware), LIST(POWER, 0), LIST(VOLTAGE, 1), LIST(CURRENT, 2),
    SHORT(BATTERY_LEVEL, battery_percent), LONG(MEMORY_FREE, memory_free_kb), LIST(ERROR_CODE, 3),
    OWN(CURRENT_TIME, TIME), OWN(UTC_OFFSET, TEXT), OWN(TIMEZONE, TEXT), TEXT(BINDING, binding), TEXT(TYPE, type),
    TEXT(HARDWARE, hardware), TEXT(SOFTWARE, software), SHORT(BATTERY_STATUS, battery_status),
    LONG(MEMORY_TOTAL, memory_total_kb),
};

/* Core E.4: error code 0, alone, says that there is no error. */
static const tsr_lwm2m_field_list lists[] = {
    { PLACE(power_count), PLACE(power[0].kind), 0, false, sizeof(tsr_lwm2m_power), 0 },
    { PLACE(power_count), PLACE(power[0].voltage_mv), 0, false, sizeof(tsr_lwm2m_power), 0 },
    { PLACE(power_count), PLACE(power[0].current_ma), 0, false, sizeof(tsr_lwm2m_power),
      INT32_MIN + 1 },
    { PLACE(error_count), PLACE(errors), 1, true, 1, 0 },
};

static const tsr_lwm2m_fields fields = { items, sizeof items / sizeof *items, lists, own_text,
                                         own_time };

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    return tsr_lwm2m_fields_read(&fields, state, at, out);
}

static tsr_err read_all(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    return tsr_lwm2m_fields_read_all(&fields, state, at, out);
}

static bool is_digit(uint8_t ch)
{
    return ch >= '0' && ch <= '9';
}

/* ISO 8601: "Z", "+02", "+0200" or "+02:00". */
static bool offset_is_good(tsr_bytes t)
{
    if (t.len == 1)
        return t.ptr[0] == 'Z';
    if ((t.len != 3 && t.len != 5 && t.len != 6) || (t.ptr[0] != '+' && t.ptr[0] != '-'))
        return false;
    for (size_t i = 1; i < t.len; i++) {
        bool colon = t.len == 6 && i == 3;

        if (colon ? t.ptr[i] != ':' : !is_digit(t.ptr[i]))
            return false;
    }
    return true;
}

/* Names of the IANA time zone database, or POSIX TZ strings: printable without blanks. */
static bool timezone_is_good(tsr_bytes t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.ptr[i] <= ' ' || t.ptr[i] >= 0x7f)
            return false;
    }
    return t.len != 0 && t.len < sizeof ((tsr_lwm2m_device *)0)->timezone;
}

static void take(char *to, tsr_bytes from)
{
    memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
}

static void write_none(tsr_lwm2m_device *d, uint16_t resource)
{
    if (resource == CURRENT_TIME)
        d->shift_s = 0;
    else if (resource == UTC_OFFSET)
        d->utc_offset[0] = '\0';
    else
        d->timezone[0] = '\0';
}

/* Core 6.3.3. A written time is kept as a shift, since this object has no clock to set. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_device *d = state;
    const int64_t limit = INT64_MAX / 2;
    bool commit = phase == TSR_LWM2M_COMMIT;

    if (value == NULL) {
        if (commit)
            write_none(d, at.resource);
        return TSR_OK;
    }
    switch (at.resource) {
    case CURRENT_TIME:
        if (value->as.i > limit || value->as.i < -limit)
            return TSR_E_TYPE;
        if (commit)
            d->shift_s = value->as.i - d->host_unix_s;
        return TSR_OK;
    case UTC_OFFSET:
        if (!offset_is_good(value->as.bytes))
            return TSR_E_TYPE;
        if (commit)
            take(d->utc_offset, value->as.bytes);
        return TSR_OK;
    default:
        if (!timezone_is_good(value->as.bytes))
            return TSR_E_TYPE;
        if (commit)
            take(d->timezone, value->as.bytes);
        return TSR_OK;
    }
}

static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    tsr_lwm2m_device *d = state;

    if (arguments.len != 0)
        return TSR_E_ARGUMENT;
    if (at.resource == REBOOT)
        d->reboot = true;
    else if (at.resource == RESET_ERROR)
        d->error_count = d->errors[0] = 0;
    return TSR_OK;
}

static void put_short(tsr_buf *out, const char *text)
{
    tsr_put_u8(out, (uint8_t)strlen(text));
    tsr_put_text(out, text);
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_device *d = state;

    tsr_put_u64(out, (uint64_t)d->shift_s);
    put_short(out, d->utc_offset);
    put_short(out, d->timezone);
}

static tsr_err get_short(tsr_bytes *in, size_t cap, tsr_bytes *text)
{
    uint8_t len;

    if (tsr_get_u8(in, &len) != TSR_OK || len >= cap)
        return TSR_E_MALFORMED;
    return tsr_get_bytes(in, len, text);
}

static tsr_err load(void *state, tsr_bytes in)
{
    tsr_lwm2m_device *d = state;
    uint64_t shift_s;
    tsr_bytes offset, timezone;

    if (tsr_get_u64(&in, &shift_s) != TSR_OK ||
        get_short(&in, sizeof d->utc_offset, &offset) != TSR_OK ||
        get_short(&in, sizeof d->timezone, &timezone) != TSR_OK || in.len != 0)
        return TSR_E_MALFORMED;
    d->shift_s = (int64_t)shift_s;
    take(d->utc_offset, offset);
    take(d->timezone, timezone);
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_device_object(tsr_lwm2m_device *device)
{
    static const tsr_lwm2m_handlers handlers = { .read = read, .read_all = read_all,
                                                 .write = write, .execute = execute, .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, device };
}

tsr_lwm2m_object tsr_lwm2m_device_volatile(tsr_lwm2m_device *device)
{
    static const tsr_lwm2m_handlers handlers = { .read = read, .read_all = read_all,
                                                 .write = write, .execute = execute };

    return (tsr_lwm2m_object){ &self, &handlers, device };
}
