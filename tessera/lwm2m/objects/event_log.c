/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/objects/event_log.h"

#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/model/slots.h"

enum { CLASS = 4010, START = 4011, STOP = 4012, STATUS = 4013, DATA = 4014, FORMAT = 4015 };
enum { STOPPED = 1, VALID = 2, FAILED = 4 }; /* bits of LogStatus */
enum { RESERVED_FROM = 7, VENDOR_FROM = 100 };

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_20_R4010, TSR_LWM2M_20_R4011, TSR_LWM2M_20_R4012,
    TSR_LWM2M_20_R4013, TSR_LWM2M_20_R4014, TSR_LWM2M_20_R4015,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_20_INFO(resources);

TSR_LWM2M_SLOT(tsr_lwm2m_log);

static tsr_lwm2m_slots slots(const tsr_lwm2m_logs *all)
{
    return TSR_LWM2M_SLOTS(all, tsr_lwm2m_log);
}

static tsr_lwm2m_log *item(const tsr_lwm2m_logs *all, uint16_t instance)
{
    return tsr_lwm2m_slot_find(slots(all), instance);
}

static tsr_lwm2m_log *empty_item(const tsr_lwm2m_logs *all)
{
    return tsr_lwm2m_slot_empty(slots(all));
}

static uint32_t next_instance(const void *state, uint32_t from)
{
    return tsr_lwm2m_slot_next(slots(state), from);
}

static void expire(const tsr_lwm2m_logs *all)
{
    for (size_t i = 0; i < all->count; i++) {
        tsr_lwm2m_log *l = &all->items[i];

        if (!l->used || !l->running || l->end_s == 0 || all->now_s < l->end_s)
            continue;
        l->running = false;
        l->end_s = 0;
        l->changed = true;
    }
}

static bool takes(const tsr_lwm2m_log *l, uint8_t log_class)
{
    return l->used && l->running &&
           (l->log_class == TSR_LWM2M_LOG_GENERIC || l->log_class == log_class);
}

/* Whole lines go; a quarter of the memory at least, since the rest has to be moved. All that is
 * there ends with the end of a line. */
static void make_room(tsr_lwm2m_log *l, size_t need)
{
    size_t room = l->cap - l->len, gone;
    const uint8_t *end = NULL;

    if (room >= need)
        return;
    gone = need - room > l->cap / 4 ? need - room : l->cap / 4;
    if (gone < l->len)
        end = memchr(l->data + gone - 1, '\n', l->len - gone + 1);
    gone = end != NULL ? (size_t)(end - l->data) + 1 : l->len;
    l->len -= gone;
    memmove(l->data, l->data + gone, l->len);
}

static void append(tsr_lwm2m_log *l, tsr_bytes line)
{
    if (l->cap == 0)
        return;
    line = tsr_first(line, line.len < l->cap ? line.len : l->cap - 1);
    make_room(l, line.len + 1);
    if (line.len != 0)
        memcpy(l->data + l->len, line.ptr, line.len);
    l->data[l->len + line.len] = '\n';
    l->len += line.len + 1;
    l->changed = true;
}

void tsr_lwm2m_logs_add(tsr_lwm2m_logs *logs, uint8_t log_class, tsr_bytes line)
{
    expire(logs);
    for (size_t i = 0; i < logs->count; i++) {
        if (takes(&logs->items[i], log_class))
            append(&logs->items[i], line);
    }
}

void tsr_lwm2m_logs_lost(tsr_lwm2m_logs *logs, uint8_t log_class)
{
    expire(logs);
    for (size_t i = 0; i < logs->count; i++) {
        tsr_lwm2m_log *l = &logs->items[i];

        if (!takes(l, log_class) || l->failed)
            continue;
        l->failed = true;
        l->changed = true;
    }
}

bool tsr_lwm2m_logs_changed(tsr_lwm2m_logs *logs, uint16_t *instance)
{
    expire(logs);
    for (size_t i = 0; i < logs->count; i++) {
        tsr_lwm2m_log *l = &logs->items[i];

        if (!l->used || !l->changed)
            continue;
        l->changed = false;
        *instance = l->id;
        return true;
    }
    return false;
}

static uint8_t status(const tsr_lwm2m_log *l)
{
    return (uint8_t)((l->running ? 0 : STOPPED) | (l->len != 0 ? VALID : 0) |
                     (l->failed ? FAILED : 0));
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_log *l = item(state, at.instance);

    switch (at.resource) {
    case CLASS:  return tsr_lwm2m_put_int(out, at, l->log_class);
    case STATUS: return tsr_lwm2m_put_int(out, at, status(l));
    case DATA:   return tsr_lwm2m_put_opaque(out, at, tsr_view(l->data, l->len));
    default:     return tsr_lwm2m_put_int(out, at, 0);
    }
}

static bool is_class(int64_t n)
{
    return n >= 0 && n <= UINT8_MAX && (n < RESERVED_FROM || n >= VENDOR_FROM);
}

/* Core 6.3.3. A format that LogData never has is refused rather than promised. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    int64_t n = value != NULL ? value->as.i : 0;

    if (at.resource == FORMAT)
        return n == 0 ? TSR_OK : TSR_E_TYPE;
    if (!is_class(n))
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_COMMIT)
        item(state, at.instance)->log_class = (uint8_t)n;
    return TSR_OK;
}

typedef struct {
    bool other;          /* than what happens to the data by default */
    uint64_t duration_s; /* 0: none was given */
} orders;

/* Core 6.3.5 */
static tsr_err read_arguments(tsr_bytes arguments, bool starts, orders *o)
{
    tsr_lwm2m_argument a;
    uint64_t n;

    while (tsr_lwm2m_argument_next(&arguments, &a) == TSR_OK) {
        if (!a.has_value || tsr_dec(a.value, &n) != TSR_OK)
            return TSR_E_ARGUMENT;
        if (a.digit == 0 && n <= 1)
            o->other = n == 1;
        else if (a.digit == 1 && starts && n >= 1 && n <= UINT32_MAX)
            o->duration_s = n;
        else
            return TSR_E_ARGUMENT;
    }
    return TSR_OK;
}

static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    const tsr_lwm2m_logs *all = state;
    tsr_lwm2m_log *l = item(all, at.instance);
    bool starts = at.resource == START;
    orders o = { false, 0 };

    if (read_arguments(arguments, starts, &o) != TSR_OK)
        return TSR_E_ARGUMENT;
    l->running = starts;
    l->end_s = o.duration_s != 0 ? all->now_s + o.duration_s : 0;
    if (starts)
        l->failed = false;
    if (starts != o.other)
        l->len = 0;
    l->changed = true;
    return TSR_OK;
}

static void begin(tsr_lwm2m_log *l, uint16_t id)
{
    *l = (tsr_lwm2m_log){ .data = l->data, .cap = l->cap, .used = true, .id = id };
}

/* Core 6.3.6. It collects after its LogStart. */
static tsr_err create(void *state, uint16_t instance, tsr_lwm2m_phase phase)
{
    tsr_lwm2m_log *l = empty_item(state);

    if (l == NULL)
        return TSR_E_DENIED;
    if (phase == TSR_LWM2M_COMMIT)
        begin(l, instance);
    return TSR_OK;
}

/* Core 6.3.7 */
static tsr_err delete(void *state, uint16_t instance)
{
    item(state, instance)->used = false;
    return TSR_OK;
}

/* 0: without end */
static uint32_t left_s(const tsr_lwm2m_log *l, uint64_t now_s)
{
    if (l->end_s == 0)
        return 0;
    return l->end_s > now_s ? (uint32_t)(l->end_s - now_s) : 1;
}

/* What is collected stays in memory; a restart begins with none of it. */
static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_logs *all = state;

    for (size_t i = 0; i < all->count; i++) {
        const tsr_lwm2m_log *l = &all->items[i];

        if (!l->used)
            continue;
        tsr_put_u16(out, l->id);
        tsr_put_u8(out, l->log_class);
        tsr_put_u8(out, l->running);
        tsr_put_u32(out, left_s(l, all->now_s));
    }
}

typedef struct {
    uint16_t id;
    uint8_t log_class, running;
    uint32_t left_s;
} saved;

static tsr_err next_saved(tsr_bytes *in, saved *s)
{
    if (tsr_get_u16(in, &s->id) != TSR_OK || tsr_get_u8(in, &s->log_class) != TSR_OK ||
        tsr_get_u8(in, &s->running) != TSR_OK || tsr_get_u32(in, &s->left_s) != TSR_OK ||
        !is_class(s->log_class) || s->running > 1 || s->id == TSR_LWM2M_NO_ID)
        return TSR_E_MALFORMED;
    return TSR_OK;
}

static bool is_saved(tsr_bytes in, uint16_t id)
{
    saved s;

    while (in.len != 0 && next_saved(&in, &s) == TSR_OK) {
        if (s.id == id)
            return true;
    }
    return false;
}

/* An instance that is there already keeps what it collected: a change is taken back this way. */
static void restore(const tsr_lwm2m_logs *all, const saved *s)
{
    tsr_lwm2m_log *l = item(all, s->id);

    if (l == NULL) {
        l = empty_item(all);
        if (l == NULL)
            return;
        begin(l, s->id);
    }
    l->log_class = s->log_class;
    l->running = s->running != 0;
    l->end_s = s->left_s != 0 ? all->now_s + s->left_s : 0;
}

static tsr_err load(void *state, tsr_bytes in)
{
    const tsr_lwm2m_logs *all = state;
    tsr_bytes rest = in;
    saved s;

    while (rest.len != 0) {
        if (next_saved(&rest, &s) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    for (size_t i = 0; i < all->count; i++)
        all->items[i].used = all->items[i].used && is_saved(in, all->items[i].id);
    while (in.len != 0 && next_saved(&in, &s) == TSR_OK)
        restore(all, &s);
    return TSR_OK;
}

tsr_lwm2m_object tsr_lwm2m_event_log_object(tsr_lwm2m_logs *logs)
{
    static const tsr_lwm2m_handlers handlers = { .next_instance = next_instance, .read = read,
                                                 .write = write, .execute = execute,
                                                 .create = create, .remove = delete,
                                                 .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, logs };
}
