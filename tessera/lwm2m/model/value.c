/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/utf8.h"
#include "tessera/json/base64.h"
#include "tessera/json/number.h"
#include "tessera/lwm2m/model/value.h"

static const double two_to_63 = 9223372036854775808.0, two_to_64 = 18446744073709551616.0;

static const char *const names[] = {
    "none", "string", "integer", "unsigned", "float", "boolean",
    "opaque", "time", "objlnk", "corelnk", "text", "bytes",
};

const char *tsr_lwm2m_type_name(tsr_lwm2m_type type)
{
    return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "unknown";
}

tsr_err tsr_lwm2m_type_named(tsr_bytes name, tsr_lwm2m_type *type)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (tsr_same(name, tsr_text(names[i]))) {
            *type = (tsr_lwm2m_type)i;
            return TSR_OK;
        }
    }
    return TSR_E_NOT_FOUND;
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* A signed or unsigned number as sign and size, so that every conversion has one form. */
static tsr_err from_whole(bool negative, uint64_t size, tsr_lwm2m_type type, tsr_lwm2m_value *typed)
{
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);

    switch (type) {
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:
        if (size > limit)
            return TSR_E_TYPE;
        typed->as.i = negative ? (int64_t)(0 - size) : (int64_t)size;
        break;
    case TSR_LWM2M_UNSIGNED:
        if (negative && size != 0)
            return TSR_E_TYPE;
        typed->as.u = size;
        break;
    case TSR_LWM2M_FLOAT:
        typed->as.f = negative ? -(double)size : (double)size;
        break;
    default: return TSR_E_TYPE;
    }
    typed->type = type;
    return TSR_OK;
}

static tsr_err from_float(double f, tsr_lwm2m_type type, tsr_lwm2m_value *typed)
{
    if (type == TSR_LWM2M_FLOAT) {
        *typed = tsr_lwm2m_float(f);
        return TSR_OK;
    }
    if (type == TSR_LWM2M_TIME && f >= -two_to_63 && f < two_to_63) {
        int64_t s = (int64_t)f;

        *typed = tsr_lwm2m_time((double)s > f ? s - 1 : s);
        return TSR_OK;
    }

    double size = f < 0 ? -f : f;

    if (!(size < two_to_64) || (double)(uint64_t)size != size)
        return TSR_E_TYPE;
    return from_whole(f < 0, (uint64_t)size, type, typed);
}

/* ---- from text/plain (Core table C-2) ------------------------------------------------------ */

static bool take_u16(tsr_bytes text, uint16_t *v)
{
    uint64_t n;

    if (text.len == 4 && memcmp(text.ptr, "FFFF", 4) == 0) { /* once printed so in the TS */
        *v = UINT16_MAX;
        return true;
    }
    if (text.len > 5 || tsr_dec(text, &n) != TSR_OK || n > UINT16_MAX)
        return false;
    *v = (uint16_t)n;
    return true;
}

static tsr_err objlnk_from_text(tsr_bytes text, tsr_lwm2m_value *typed)
{
    const uint8_t *colon = text.len == 0 ? NULL : memchr(text.ptr, ':', text.len);
    uint16_t object, instance;

    if (colon == NULL)
        return TSR_E_TYPE;

    size_t at = (size_t)(colon - text.ptr);

    if (!take_u16(tsr_first(text, at), &object) || !take_u16(tsr_skip(text, at + 1), &instance))
        return TSR_E_TYPE;
    *typed = tsr_lwm2m_objlnk(object, instance);
    return TSR_OK;
}

static tsr_err opaque_from_text(tsr_bytes text, tsr_buf *scratch, tsr_lwm2m_value *typed)
{
    tsr_buf none = { NULL, 0, 0, TSR_OK };
    tsr_buf *room = scratch != NULL ? scratch : &none;
    size_t start = room->len;
    tsr_err err = tsr_base64_get(text, room);

    if (err != TSR_OK)
        return err == TSR_E_SPACE ? err : TSR_E_TYPE;
    *typed = tsr_lwm2m_opaque(tsr_view(room->ptr + start, room->len - start));
    return TSR_OK;
}

static tsr_err utf8_as(tsr_bytes text, tsr_lwm2m_type type, tsr_lwm2m_value *typed)
{
    if (!tsr_utf8_valid(text))
        return TSR_E_TYPE;
    typed->as.bytes = text;
    typed->type = type;
    return TSR_OK;
}

static tsr_err bool_from_text(tsr_bytes text, tsr_lwm2m_value *typed)
{
    bool yes = tsr_same(text, tsr_text("1")) || tsr_same(text, tsr_text("true"));

    if (!yes && !tsr_same(text, tsr_text("0")) && !tsr_same(text, tsr_text("false")))
        return TSR_E_TYPE;
    *typed = tsr_lwm2m_bool(yes);
    return TSR_OK;
}

static tsr_err from_text(tsr_bytes text, tsr_lwm2m_type type, tsr_buf *scratch,
                         tsr_lwm2m_value *typed)
{
    bool negative;
    uint64_t size;
    double f;

    switch (type) {
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK: return utf8_as(text, type, typed);
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_UNSIGNED:
    case TSR_LWM2M_TIME:
        if (tsr_number_get_whole(text, &negative, &size) != TSR_OK)
            return TSR_E_TYPE;
        return from_whole(negative, size, type, typed);
    case TSR_LWM2M_FLOAT:
        if (tsr_number_get(text, &f) != TSR_OK)
            return TSR_E_TYPE;
        *typed = tsr_lwm2m_float(f);
        return TSR_OK;
    case TSR_LWM2M_BOOLEAN: return bool_from_text(text, typed);
    case TSR_LWM2M_OPAQUE:  return opaque_from_text(text, scratch, typed);
    case TSR_LWM2M_OBJLNK:  return objlnk_from_text(text, typed);
    default:                return TSR_E_TYPE;
    }
}

/* ---- from TLV (Core table C-2) ------------------------------------------------------------- */

static uint64_t big_endian(tsr_bytes in)
{
    uint64_t v = 0;

    for (size_t i = 0; i < in.len; i++)
        v = v << 8 | in.ptr[i];
    return v;
}

/* 1, 2, 4 or 8 bytes are sent; any length up to 8 is understood. */
static tsr_err whole_from_tlv(tsr_bytes in, tsr_lwm2m_type type, tsr_lwm2m_value *typed)
{
    if (in.len == 0 || in.len > 8)
        return TSR_E_TYPE;

    uint64_t v = big_endian(in);
    bool negative = type != TSR_LWM2M_UNSIGNED && (in.ptr[0] & 0x80) != 0;

    if (negative && in.len < 8)
        v |= ~UINT64_C(0) << (8 * in.len);
    return from_whole(negative, negative ? 0 - v : v, type, typed);
}

static tsr_err float_from_tlv(tsr_bytes in, tsr_lwm2m_value *typed)
{
    uint64_t bits = big_endian(tsr_first(in, 8));
    uint32_t low = (uint32_t)bits;
    float single;
    double f;

    if (in.len != 4 && in.len != 8)
        return TSR_E_TYPE;
    memcpy(&f, &bits, sizeof f);
    memcpy(&single, &low, sizeof single);
    *typed = tsr_lwm2m_float(in.len == 8 ? f : (double)single);
    return TSR_OK;
}

static tsr_err from_tlv(tsr_bytes in, tsr_lwm2m_type type, tsr_lwm2m_value *typed)
{
    switch (type) {
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK: return utf8_as(in, type, typed);
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_UNSIGNED:
    case TSR_LWM2M_TIME:    return whole_from_tlv(in, type, typed);
    case TSR_LWM2M_FLOAT:   return float_from_tlv(in, typed);
    case TSR_LWM2M_BOOLEAN:
        if (in.len != 1 || in.ptr[0] > 1)
            return TSR_E_TYPE;
        *typed = tsr_lwm2m_bool(in.ptr[0] == 1);
        return TSR_OK;
    case TSR_LWM2M_OPAQUE:
        *typed = tsr_lwm2m_opaque(in);
        return TSR_OK;
    case TSR_LWM2M_OBJLNK:
        if (in.len != 4)
            return TSR_E_TYPE;
        *typed = tsr_lwm2m_objlnk((uint16_t)(in.ptr[0] << 8 | in.ptr[1]),
                                  (uint16_t)(in.ptr[2] << 8 | in.ptr[3]));
        return TSR_OK;
    default: return TSR_E_TYPE;
    }
}

/* ---- from a value that has a type already --------------------------------------------------- */

tsr_err tsr_lwm2m_value_plain(const tsr_lwm2m_value *value, tsr_lwm2m_type type,
                              tsr_lwm2m_value *typed)
{
    const unsigned wholes = 1u << TSR_LWM2M_INTEGER | 1u << TSR_LWM2M_TIME |
                            1u << TSR_LWM2M_UNSIGNED;
    const unsigned texts = 1u << TSR_LWM2M_STRING | 1u << TSR_LWM2M_CORELNK;
    const unsigned both = 1u << value->type | 1u << type;
    bool same = value->type == type || (both & ~texts) == 0;

    /* where one has a sign and the other has not, the number must fit in both */
    if ((both & ~wholes) == 0)
        same |= (both & 1u << TSR_LWM2M_UNSIGNED) == 0 || value->as.u <= INT64_MAX;
    if (!same)
        return TSR_E_TYPE;
    *typed = *value; /* whole numbers have the same bits, texts the same view */
    typed->type = type;
    return TSR_OK;
}

tsr_err tsr_lwm2m_value_convert(const tsr_lwm2m_value *value, tsr_lwm2m_type type,
                                tsr_lwm2m_value *typed)
{
    int64_t i = value->as.i;

    if (type == TSR_LWM2M_FLOAT && value->type == TSR_LWM2M_INTEGER)
        return from_whole(i < 0, i < 0 ? 0 - (uint64_t)i : (uint64_t)i, type, typed);
    if (type == TSR_LWM2M_FLOAT && value->type == TSR_LWM2M_UNSIGNED)
        return from_whole(false, value->as.u, type, typed);
    if (value->type == TSR_LWM2M_FLOAT)
        return from_float(value->as.f, type, typed);
    if (value->type == TSR_LWM2M_STRING && type == TSR_LWM2M_OBJLNK)
        return objlnk_from_text(value->as.bytes, typed);
    if (value->type == TSR_LWM2M_CORELNK && type == TSR_LWM2M_OBJLNK)
        return objlnk_from_text(value->as.bytes, typed);
    return tsr_lwm2m_value_plain(value, type, typed);
}

tsr_err tsr_lwm2m_value_as(const tsr_lwm2m_value *value, tsr_lwm2m_type type, tsr_buf *scratch,
                           tsr_lwm2m_value *typed)
{
    tsr_lwm2m_value got = { TSR_LWM2M_NONE, { .u = 0 } };
    tsr_err err = TSR_OK;

    if (value->type == type)
        got = *value;
    else if (value->type == TSR_LWM2M_RAW_TEXT)
        err = from_text(value->as.bytes, type, scratch, &got);
    else if (value->type == TSR_LWM2M_RAW_BYTES)
        err = from_tlv(value->as.bytes, type, &got);
    else
        err = tsr_lwm2m_value_convert(value, type, &got);
    if (err == TSR_OK)
        *typed = got;
    return err;
}

static bool same_float(double a, double b)
{
    uint64_t x, y;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y || (a != a && b != b);
}

bool tsr_lwm2m_value_same(const tsr_lwm2m_value *a, const tsr_lwm2m_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case TSR_LWM2M_NONE:    return true;
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:    return a->as.i == b->as.i;
    case TSR_LWM2M_UNSIGNED: return a->as.u == b->as.u;
    case TSR_LWM2M_FLOAT:   return same_float(a->as.f, b->as.f);
    case TSR_LWM2M_BOOLEAN: return a->as.b == b->as.b;
    case TSR_LWM2M_OBJLNK:
        return a->as.link.object == b->as.link.object
               && a->as.link.instance == b->as.link.instance;
    default: return tsr_same(a->as.bytes, b->as.bytes);
    }
}

void tsr_lwm2m_value_put_text(tsr_buf *out, const tsr_lwm2m_value *value)
{
    switch (value->type) {
    case TSR_LWM2M_NONE:      return;
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:      tsr_put_sdec(out, value->as.i); return;
    case TSR_LWM2M_UNSIGNED:  tsr_put_dec(out, value->as.u); return;
    case TSR_LWM2M_FLOAT:     tsr_number_put(out, value->as.f); return;
    case TSR_LWM2M_BOOLEAN:   tsr_put_u8(out, value->as.b ? '1' : '0'); return;
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_RAW_BYTES: tsr_base64_put(out, value->as.bytes); return;
    case TSR_LWM2M_OBJLNK:
        tsr_put_dec(out, value->as.link.object);
        tsr_put_u8(out, ':');
        tsr_put_dec(out, value->as.link.instance);
        return;
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT: tsr_put_bytes(out, value->as.bytes); return;
    }
}
