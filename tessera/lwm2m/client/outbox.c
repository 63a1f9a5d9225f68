/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/outbox.h"

enum { HEAD = 2, FLAGS_AT = HEAD + 2 };

static bool is_text(tsr_lwm2m_type type)
{
    return type == TSR_LWM2M_STRING || type == TSR_LWM2M_OPAQUE || type == TSR_LWM2M_CORELNK;
}

void tsr_lwm2m_outbox_put(tsr_buf *out, const outbox_entry *e)
{
    uint8_t *head = tsr_buf_claim(out, HEAD);
    size_t from = out->len;
    uint64_t bits = e->value.as.u;

    tsr_put_u16(out, e->short_id);
    tsr_put_u8(out, e->flags);
    tsr_put_u64(out, e->unix_ms);
    tsr_put_u8(out, e->path.depth);
    for (uint8_t i = 0; i < e->path.depth; i++)
        tsr_put_u16(out, tsr_lwm2m_path_id(e->path, i));
    tsr_put_u8(out, (uint8_t)e->value.type);
    if (is_text(e->value.type)) {
        tsr_put_bytes(out, e->value.as.bytes);
    } else if (e->value.type == TSR_LWM2M_BOOLEAN) {
        tsr_put_u8(out, e->value.as.b);
    } else if (e->value.type == TSR_LWM2M_OBJLNK) {
        tsr_put_u16(out, e->value.as.link.object);
        tsr_put_u16(out, e->value.as.link.instance);
    } else {
        if (e->value.type == TSR_LWM2M_FLOAT)
            memcpy(&bits, &e->value.as.f, sizeof bits);
        tsr_put_u64(out, bits);
    }
    if (head == NULL || out->err != TSR_OK)
        return;
    if (out->len - from > UINT16_MAX) {
        out->err = TSR_E_SPACE;
        return;
    }
    head[0] = (uint8_t)((out->len - from) >> 8);
    head[1] = (uint8_t)(out->len - from);
}

static tsr_err get_value(tsr_bytes *in, tsr_lwm2m_value *value)
{
    uint64_t bits = 0;
    uint8_t type, b;

    if (tsr_get_u8(in, &type) != TSR_OK || type == TSR_LWM2M_NONE || type > TSR_LWM2M_CORELNK)
        return TSR_E_MALFORMED;
    value->type = (tsr_lwm2m_type)type;
    if (is_text(value->type))
        return tsr_get_bytes(in, in->len, &value->as.bytes);
    if (value->type == TSR_LWM2M_BOOLEAN) {
        if (tsr_get_u8(in, &b) != TSR_OK || b > 1)
            return TSR_E_MALFORMED;
        value->as.b = b == 1;
        return TSR_OK;
    }
    if (value->type == TSR_LWM2M_OBJLNK)
        return tsr_get_u16(in, &value->as.link.object) == TSR_OK
                   ? tsr_get_u16(in, &value->as.link.instance)
                   : TSR_E_MALFORMED;
    if (tsr_get_u64(in, &bits) != TSR_OK)
        return TSR_E_MALFORMED;
    if (value->type == TSR_LWM2M_FLOAT)
        memcpy(&value->as.f, &bits, sizeof bits);
    else
        value->as.u = bits;
    return TSR_OK;
}

static tsr_err get_entry(tsr_bytes in, outbox_entry *e)
{
    uint16_t ids[4] = { 0 };
    uint8_t depth;

    if (tsr_get_u16(&in, &e->short_id) != TSR_OK || tsr_get_u8(&in, &e->flags) != TSR_OK ||
        tsr_get_u64(&in, &e->unix_ms) != TSR_OK || tsr_get_u8(&in, &depth) != TSR_OK ||
        depth < 3 || depth > 4)
        return TSR_E_MALFORMED;
    for (uint8_t i = 0; i < depth; i++) {
        if (tsr_get_u16(&in, &ids[i]) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    e->path = (tsr_lwm2m_path){ ids[0], ids[1], ids[2], ids[3], depth };
    return get_value(&in, &e->value) == TSR_OK && in.len == 0 ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err tsr_lwm2m_outbox_next(const tsr_lwm2m_outbox *o, size_t *at, outbox_entry *e)
{
    tsr_bytes in = tsr_skip(tsr_view(o->memory, o->used), *at), entry;
    uint16_t len;

    if (in.len == 0)
        return TSR_END;
    if (tsr_get_u16(&in, &len) != TSR_OK || tsr_get_bytes(&in, len, &entry) != TSR_OK ||
        get_entry(entry, e) != TSR_OK)
        return TSR_E_MALFORMED;
    e->at_byte = *at;
    *at += (size_t)HEAD + len;
    return TSR_OK;
}

void tsr_lwm2m_outbox_mark(tsr_lwm2m_outbox *o, const outbox_entry *e, uint8_t flags)
{
    o->memory[e->at_byte + FLAGS_AT] = flags;
}

static bool flies_to(const outbox_entry *e, uint16_t short_id)
{
    return e->short_id == short_id && (e->flags & OUTBOX_FLIGHT) != 0;
}

static void cut(tsr_lwm2m_outbox *o, size_t from, size_t to)
{
    memmove(o->memory + from, o->memory + to, o->used - to);
    o->used -= to - from;
    o->revision++;
}

void tsr_lwm2m_outbox_landed(tsr_lwm2m_outbox *o, uint16_t short_id)
{
    outbox_entry e;
    size_t at = 0;

    while (tsr_lwm2m_outbox_next(o, &at, &e) == TSR_OK) {
        if (!flies_to(&e, short_id))
            continue;
        cut(o, e.at_byte, at);
        at = e.at_byte;
    }
}

void tsr_lwm2m_outbox_lost(tsr_lwm2m_outbox *o, uint16_t short_id)
{
    outbox_entry e;
    size_t at = 0;

    while (tsr_lwm2m_outbox_next(o, &at, &e) == TSR_OK) {
        if (flies_to(&e, short_id))
            tsr_lwm2m_outbox_mark(o, &e, e.flags & (uint8_t)~OUTBOX_FLIGHT);
    }
}

bool tsr_lwm2m_outbox_drop(tsr_lwm2m_outbox *o)
{
    outbox_entry e;
    size_t at = 0;

    while (tsr_lwm2m_outbox_next(o, &at, &e) == TSR_OK) {
        if (e.flags & OUTBOX_FLIGHT)
            continue;
        cut(o, e.at_byte, at);
        o->dropped++;
        return true;
    }
    return false;
}

bool tsr_lwm2m_outbox_waits(const tsr_lwm2m_outbox *o, uint16_t short_id)
{
    outbox_entry e;
    size_t at = 0;

    while (tsr_lwm2m_outbox_next(o, &at, &e) == TSR_OK) {
        if (e.short_id == short_id && !(e.flags & OUTBOX_FLIGHT))
            return true;
    }
    return false;
}

tsr_err tsr_lwm2m_outbox_restore(tsr_lwm2m_client *c, tsr_bytes kept)
{
    tsr_lwm2m_outbox *o = c->config.outbox;
    outbox_entry e;
    size_t at = 0;
    tsr_err err;

    if (o == NULL || kept.len > o->memory_len)
        return TSR_E_SPACE;
    if (kept.len != 0)
        memmove(o->memory, kept.ptr, kept.len);
    o->used = kept.len;
    o->revision++;
    while ((err = tsr_lwm2m_outbox_next(o, &at, &e)) == TSR_OK) {
        if (tsr_lwm2m_server_find(c->config.servers, e.short_id) != NULL) {
            tsr_lwm2m_outbox_mark(o, &e, e.flags & OUTBOX_CON);
            continue;
        }
        cut(o, e.at_byte, at);
        at = e.at_byte;
    }
    if (err == TSR_END)
        return TSR_OK;
    o->used = 0;
    return TSR_E_MALFORMED;
}
