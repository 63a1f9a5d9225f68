/* SPDX-License-Identifier: Apache-2.0 */
#include "server/lwm2m/codec.h"

enum { VERSION = 1 };

size_t tsr_path_key(tsr_lwm2m_path path, uint8_t key[TSR_PATH_KEY_MAX])
{
    tsr_buf out = tsr_buf_over(key, TSR_PATH_KEY_MAX);

    for (uint8_t i = 0; i < path.depth; i++)
        tsr_put_u16(&out, tsr_lwm2m_path_id(path, i));
    return out.len;
}

tsr_err tsr_path_from_key(tsr_bytes key, tsr_lwm2m_path *path)
{
    tsr_lwm2m_path p = tsr_lwm2m_at_root();
    uint16_t id;

    if (key.len > TSR_PATH_KEY_MAX || key.len % 2)
        return TSR_E_MALFORMED;
    while (tsr_get_u16(&key, &id) == TSR_OK)
        p = tsr_lwm2m_path_down(p, id);
    *path = p;
    return TSR_OK;
}

void tsr_put_path(tsr_buf *out, tsr_lwm2m_path path)
{
    uint8_t key[TSR_PATH_KEY_MAX];
    size_t len = tsr_path_key(path, key);

    tsr_put_u8(out, (uint8_t)len);
    tsr_put_bytes(out, tsr_view(key, len));
}

tsr_err tsr_get_path(tsr_bytes *in, tsr_lwm2m_path *path)
{
    uint8_t len;
    tsr_bytes key;

    if (tsr_get_u8(in, &len) != TSR_OK || tsr_get_bytes(in, len, &key) != TSR_OK)
        return TSR_E_MALFORMED;
    return tsr_path_from_key(key, path);
}

void tsr_put_value(tsr_buf *out, const tsr_lwm2m_value *value, int64_t unix_ms)
{
    uint64_t bits = 0;

    tsr_put_u8(out, (uint8_t)value->type);
    tsr_put_u64(out, (uint64_t)unix_ms);
    switch (value->type) {
    case TSR_LWM2M_NONE: break;
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME: tsr_put_u64(out, (uint64_t)value->as.i); break;
    case TSR_LWM2M_UNSIGNED: tsr_put_u64(out, value->as.u); break;
    case TSR_LWM2M_FLOAT:
        memcpy(&bits, &value->as.f, sizeof bits);
        tsr_put_u64(out, bits);
        break;
    case TSR_LWM2M_BOOLEAN: tsr_put_u8(out, value->as.b); break;
    case TSR_LWM2M_OBJLNK:
        tsr_put_u16(out, value->as.link.object);
        tsr_put_u16(out, value->as.link.instance);
        break;
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT:
    case TSR_LWM2M_RAW_BYTES:
        tsr_put_u32(out, (uint32_t)value->as.bytes.len);
        tsr_put_bytes(out, value->as.bytes);
        break;
    }
}

static tsr_err get_content(tsr_bytes *in, tsr_lwm2m_value *v)
{
    uint64_t n;
    uint32_t len;
    uint8_t b;

    switch (v->type) {
    case TSR_LWM2M_NONE: return TSR_OK;
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:
        if (tsr_get_u64(in, &n) != TSR_OK)
            return TSR_E_MALFORMED;
        v->as.i = (int64_t)n;
        return TSR_OK;
    case TSR_LWM2M_UNSIGNED: return tsr_get_u64(in, &v->as.u);
    case TSR_LWM2M_FLOAT:
        if (tsr_get_u64(in, &n) != TSR_OK)
            return TSR_E_MALFORMED;
        memcpy(&v->as.f, &n, sizeof n);
        return TSR_OK;
    case TSR_LWM2M_BOOLEAN:
        if (tsr_get_u8(in, &b) != TSR_OK)
            return TSR_E_MALFORMED;
        v->as.b = b != 0;
        return TSR_OK;
    case TSR_LWM2M_OBJLNK:
        if (tsr_get_u16(in, &v->as.link.object) != TSR_OK)
            return TSR_E_MALFORMED;
        return tsr_get_u16(in, &v->as.link.instance);
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT:
    case TSR_LWM2M_RAW_BYTES:
        if (tsr_get_u32(in, &len) != TSR_OK)
            return TSR_E_MALFORMED;
        return tsr_get_bytes(in, len, &v->as.bytes);
    }
    return TSR_E_MALFORMED;
}

tsr_err tsr_get_value(tsr_bytes *in, tsr_lwm2m_value *value, int64_t *unix_ms)
{
    tsr_bytes rest = *in;
    tsr_lwm2m_value v = { 0 };
    uint8_t type;
    uint64_t ms;

    if (tsr_get_u8(&rest, &type) != TSR_OK || type > TSR_LWM2M_RAW_BYTES ||
        tsr_get_u64(&rest, &ms) != TSR_OK)
        return TSR_E_MALFORMED;
    v.type = (tsr_lwm2m_type)type;
    if (get_content(&rest, &v) != TSR_OK)
        return TSR_E_MALFORMED;
    *in = rest;
    *value = v;
    *unix_ms = (int64_t)ms;
    return TSR_OK;
}

void tsr_put_event(tsr_buf *out, const tsr_server_event *e)
{
    size_t detail_len = strlen(e->detail);
    uint16_t count = 0;

    if (detail_len > 1024)
        detail_len = 1024;
    tsr_put_u8(out, VERSION);
    tsr_put_u8(out, (uint8_t)e->type);
    tsr_put_u8(out, (uint8_t)(e->kind + 1));
    tsr_put_u8(out, e->code);
    tsr_put_u8(out, e->has_path);
    tsr_put_path(out, e->has_path ? e->path : tsr_lwm2m_at_root());
    tsr_put_u16(out, (uint16_t)detail_len);
    tsr_put_bytes(out, tsr_view(e->detail, detail_len));
    tsr_put_u8(out, 0);

    uint8_t *count_at = tsr_buf_claim(out, 2);

    for (size_t i = 0; i < e->record_count && i < UINT16_MAX && count_at; i++) {
        size_t before = out->len;

        tsr_put_path(out, e->records[i].path);
        tsr_put_value(out, &e->records[i].value, e->records[i].unix_ms);
        if (out->err != TSR_OK) {
            out->len = before;
            out->err = TSR_OK;
            break;
        }
        count++;
    }
    if (count_at) {
        count_at[0] = (uint8_t)(count >> 8);
        count_at[1] = (uint8_t)count;
    }
}

static tsr_err get_head(tsr_bytes *in, tsr_server_event *e)
{
    uint8_t version, type, kind, has_path, zero;
    uint16_t len;
    tsr_bytes detail;

    if (tsr_get_u8(in, &version) != TSR_OK || version != VERSION ||
        tsr_get_u8(in, &type) != TSR_OK || tsr_get_u8(in, &kind) != TSR_OK ||
        tsr_get_u8(in, &e->code) != TSR_OK || tsr_get_u8(in, &has_path) != TSR_OK ||
        tsr_get_path(in, &e->path) != TSR_OK || tsr_get_u16(in, &len) != TSR_OK ||
        tsr_get_bytes(in, len, &detail) != TSR_OK || tsr_get_u8(in, &zero) != TSR_OK || zero != 0)
        return TSR_E_MALFORMED;
    e->type = (tsr_server_event_type)type;
    e->kind = (int)kind - 1;
    e->has_path = has_path != 0;
    e->detail = (const char *)detail.ptr;
    return TSR_OK;
}

tsr_err tsr_get_event(tsr_bytes in, tsr_server_event *event, tsr_server_record *records, size_t cap)
{
    tsr_server_event e = *event;
    uint16_t count;

    if (get_head(&in, &e) != TSR_OK || tsr_get_u16(&in, &count) != TSR_OK)
        return TSR_E_MALFORMED;
    e.records = records;
    e.record_count = 0;
    for (uint16_t i = 0; i < count && e.record_count < cap; i++) {
        tsr_server_record *r = &records[e.record_count++];

        if (tsr_get_path(&in, &r->path) != TSR_OK ||
            tsr_get_value(&in, &r->value, &r->unix_ms) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    *event = e;
    return TSR_OK;
}
