/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/format/senml.h"

uint8_t *tsr_senml_put_ids(uint8_t *text, const tsr_lwm2m_path *path, uint8_t level)
{
    uint64_t ids = tsr_lwm2m_path_word(*path) >> 16 * level;

    text = tsr_senml_put_id(text, ids & 0xffff);
    while (++level < path->depth) {
        ids >>= 16;
        *text++ = '/';
        text = tsr_senml_put_id(text, ids & 0xffff);
    }
    return text;
}

uint8_t *tsr_senml_put_full(uint8_t *text, tsr_bytes prefix, const tsr_lwm2m_path *path)
{
    if (prefix.len != 0)
        memcpy(text, prefix.ptr, prefix.len);
    text += prefix.len;
    *text++ = '/';
    return path->depth == 0 ? text : tsr_senml_put_ids(text, path, 0);
}

uint8_t *tsr_senml_put_base(uint8_t *text, const tsr_lwm2m_out *out)
{
    text = tsr_senml_put_full(text, out->prefix, &out->base);
    if (out->base.depth != 0)
        *text++ = '/';
    return text;
}

tsr_err tsr_senml_cbor_end(tsr_lwm2m_out *out)
{
    tsr_buf *body = out->body;
    uint8_t *head = body->ptr + out->start;
    size_t len = body->len - out->start, more;
    uint32_t n = out->count;

    if (n == 0)
        tsr_put_u8(body, 0x80);
    if (n == 0 || body->err != TSR_OK)
        return body->err;
    if (n < 24) {
        head[0] = (uint8_t)(0x80 | n);
        return TSR_OK;
    }
    more = n <= UINT8_MAX ? 1 : 2;
    if (n > UINT16_MAX || tsr_buf_claim(body, more) == NULL)
        return TSR_E_SPACE;
    memmove(head + more, head, len);
    head[0] = (uint8_t)(0x97 + more);
    head[1] = (uint8_t)(n >> 8); /* unless the next goes over it */
    head[more] = (uint8_t)n;
    return TSR_OK;
}

bool tsr_senml_name_add(tsr_senml_record *record, tsr_bytes text)
{
    if (text.len > sizeof record->name - record->name_len)
        return false;
    if (text.len != 0)
        memcpy(record->name + record->name_len, text.ptr, text.len);
    record->name_len += text.len;
    return true;
}

static bool is_whole(double f)
{
    return f >= -9007199254740992.0 && f <= 9007199254740992.0 && (double)(int64_t)f == f;
}

/* RFC 8428 §4.5.4: the sum of both; whole numbers stay whole as long as they fit. */
static tsr_err add_base_value(double base, tsr_lwm2m_value *value)
{
    tsr_lwm2m_value f;

    if (value->type == TSR_LWM2M_INTEGER && is_whole(base)) {
        int64_t add = (int64_t)base, i = value->as.i;

        if (add < 0 ? i >= INT64_MIN - add : i <= INT64_MAX - add) {
            value->as.i = i + add;
            return TSR_OK;
        }
    }
    if (tsr_lwm2m_value_convert(value, TSR_LWM2M_FLOAT, &f) != TSR_OK)
        return TSR_E_MALFORMED;
    *value = tsr_lwm2m_float(f.as.f + base);
    return TSR_OK;
}

static bool is_number(const tsr_lwm2m_value *v)
{
    return v->type == TSR_LWM2M_INTEGER || v->type == TSR_LWM2M_UNSIGNED
           || v->type == TSR_LWM2M_FLOAT;
}

tsr_err tsr_senml_resolve(tsr_lwm2m_in *in, tsr_senml_record *record, tsr_lwm2m_path *path,
                          tsr_lwm2m_value *value)
{
    tsr_bytes name = tsr_view(record->name, record->name_len);

    if (record->values > 1)
        return TSR_E_MALFORMED;
    if (name.len == 0)
        return TSR_E_MALFORMED;
    if (in->prefix.len != 0 && tsr_same(tsr_first(name, in->prefix.len), in->prefix))
        name = name.len == in->prefix.len ? tsr_text("/") : tsr_skip(name, in->prefix.len);
    if (tsr_lwm2m_path_parse(name, path) != TSR_OK)
        return TSR_E_MALFORMED;
    if (in->base_value != 0 && record->values == 0)
        record->value = tsr_lwm2m_int(0);
    if (in->base_value != 0 && is_number(&record->value)) {
        tsr_err err = add_base_value(in->base_value, &record->value);

        if (err != TSR_OK)
            return err;
    }
    in->time_s = in->base_time_s + record->time_s;
    in->valued = record->values != 0;
    *value = record->value;
    if (!in->valued || in->names_only || value->type != TSR_LWM2M_NONE)
        return TSR_OK;
    return tsr_lwm2m_in_unique(in, *path); /* nobody else looks at a null */
}
