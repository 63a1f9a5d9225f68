/* SPDX-License-Identifier: Apache-2.0 */
#include "psa/wire/params.h"

void tsr_wire_attributes_write(tsr_buf *out, const tsr_wire_attributes *a)
{
    tsr_put_u16(out, a->type);
    tsr_put_u16(out, a->bits);
    tsr_put_u32(out, a->lifetime);
    tsr_put_u32(out, a->id);
    tsr_put_u32(out, a->usage);
    tsr_put_u32(out, a->alg);
    tsr_put_u32(out, a->alg2);
}

tsr_err tsr_wire_attributes_read(tsr_bytes in, tsr_wire_attributes *a)
{
    tsr_wire_attributes r;

    if (in.len != TSR_WIRE_ATTRIBUTES)
        return TSR_E_MALFORMED;
    (void)tsr_get_u16(&in, &r.type); /* the length was checked */
    (void)tsr_get_u16(&in, &r.bits);
    (void)tsr_get_u32(&in, &r.lifetime);
    (void)tsr_get_u32(&in, &r.id);
    (void)tsr_get_u32(&in, &r.usage);
    (void)tsr_get_u32(&in, &r.alg);
    (void)tsr_get_u32(&in, &r.alg2);
    *a = r;
    return TSR_OK;
}

void tsr_wire_params_write(tsr_buf *out, const tsr_wire_params *p)
{
    tsr_put_u32(out, p->key);
    tsr_put_u32(out, p->alg);
    tsr_put_u32(out, p->operation);
    tsr_put_u32(out, p->step);
    tsr_put_u64(out, p->number);
    tsr_put_u32(out, p->extra);
    tsr_wire_attributes_write(out, &p->attributes);
    tsr_put_bytes(out, p->nonce);
}

tsr_err tsr_wire_params_read(tsr_bytes in, tsr_wire_params *p)
{
    tsr_wire_params r;

    if (in.len < TSR_WIRE_PARAMS || in.len - TSR_WIRE_PARAMS > TSR_WIRE_NONCE_MAX)
        return TSR_E_MALFORMED;
    (void)tsr_get_u32(&in, &r.key); /* the length was checked */
    (void)tsr_get_u32(&in, &r.alg);
    (void)tsr_get_u32(&in, &r.operation);
    (void)tsr_get_u32(&in, &r.step);
    (void)tsr_get_u64(&in, &r.number);
    (void)tsr_get_u32(&in, &r.extra);
    (void)tsr_wire_attributes_read(tsr_first(in, TSR_WIRE_ATTRIBUTES), &r.attributes);
    r.nonce = tsr_skip(in, TSR_WIRE_ATTRIBUTES);
    *p = r;
    return TSR_OK;
}

void tsr_wire_its_write(tsr_buf *out, const tsr_wire_its *p)
{
    tsr_put_u64(out, p->uid);
    tsr_put_u32(out, p->offset);
    tsr_put_u32(out, p->flags);
}

tsr_err tsr_wire_its_read(tsr_bytes in, tsr_wire_its *p)
{
    tsr_wire_its r;

    if (in.len != TSR_WIRE_ITS)
        return TSR_E_MALFORMED;
    (void)tsr_get_u64(&in, &r.uid); /* the length was checked */
    (void)tsr_get_u32(&in, &r.offset);
    (void)tsr_get_u32(&in, &r.flags);
    *p = r;
    return TSR_OK;
}

void tsr_wire_step_write(tsr_buf *out, const tsr_wire_step *s)
{
    size_t len = s->kind == TSR_STEP_BYTES ? s->bytes.len : s->kind == TSR_STEP_KEY ? 4u : 8u;

    if (len > UINT16_MAX) {
        out->err = TSR_E_ARGUMENT;
        return;
    }
    tsr_put_u8(out, (uint8_t)s->kind);
    tsr_put_u16(out, s->step);
    tsr_put_u16(out, (uint16_t)len);
    if (s->kind == TSR_STEP_BYTES)
        tsr_put_bytes(out, s->bytes);
    else if (s->kind == TSR_STEP_KEY)
        tsr_put_u32(out, (uint32_t)s->integer);
    else
        tsr_put_u64(out, s->integer);
}

tsr_err tsr_wire_step_read(tsr_bytes *in, tsr_wire_step *s)
{
    tsr_bytes rest = *in;
    tsr_wire_step r = { 0 };
    uint8_t kind;
    uint16_t len;
    uint32_t key;

    if (rest.len == 0)
        return TSR_END;
    if (tsr_get_u8(&rest, &kind) != TSR_OK || tsr_get_u16(&rest, &r.step) != TSR_OK ||
        tsr_get_u16(&rest, &len) != TSR_OK || tsr_get_bytes(&rest, len, &r.bytes) != TSR_OK)
        return TSR_E_MALFORMED;

    tsr_bytes value = r.bytes;

    switch (kind) {
    case TSR_STEP_BYTES: break;
    case TSR_STEP_KEY:
        if (len != 4 || tsr_get_u32(&value, &key) != TSR_OK)
            return TSR_E_MALFORMED;
        r.integer = key;
        break;
    case TSR_STEP_INTEGER:
        if (len != 8 || tsr_get_u64(&value, &r.integer) != TSR_OK)
            return TSR_E_MALFORMED;
        break;
    default: return TSR_E_MALFORMED;
    }
    r.kind = (tsr_step_kind)kind;
    *s = r;
    *in = rest;
    return TSR_OK;
}
