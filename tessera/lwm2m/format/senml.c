/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/format/senml.h"

static size_t put_id(uint8_t *at, uint16_t id)
{
    uint8_t digits[5];
    size_t n = 0, len;

    do {
        digits[n++] = (uint8_t)('0' + id % 10);
        id /= 10;
    } while (id != 0);
    for (len = n; n > 0; n--)
        *at++ = digits[n - 1];
    return len;
}

/* The identifiers from `level` on, with slashes between them. */
static size_t put_ids(uint8_t *text, tsr_lwm2m_path path, uint8_t level)
{
    size_t n = 0;

    while (level < path.depth) {
        n += put_id(text + n, tsr_lwm2m_path_id(path, level));
        if (++level < path.depth)
            text[n++] = '/';
    }
    return n;
}

/* RFC 8428 §4.5.1: base name and name are joined as they stand, so the base name ends in a slash.
 * The request's own path has no slash behind it: it is said in full, without a base name. */
void tsr_senml_place_next(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_senml_place *place)
{
    bool below = at.depth > out->base.depth;

    place->has_base = below != out->based;
    place->base_len = place->name_len = 0;
    if (below && place->has_base) {
        place->base[0] = '/';
        place->base_len = 1 + put_ids(place->base + 1, out->base, 0);
        if (place->base_len > 1)
            place->base[place->base_len++] = '/';
    }
    if (!below)
        place->name[place->name_len++] = '/';
    place->name_len += put_ids(place->name + place->name_len, at, below ? out->base.depth : 0);
    place->has_time = out->stamp_ms != out->base_ms;
    out->based = below;
    out->base_ms = out->stamp_ms;
    out->count++;
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
    if (tsr_lwm2m_value_as(value, TSR_LWM2M_FLOAT, NULL, &f) != TSR_OK)
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
    if (in->prefix.len != 0 && tsr_same(tsr_first(name, in->prefix.len), in->prefix))
        name = tsr_skip(name, in->prefix.len);
    if (name.len == 0 || tsr_lwm2m_path_parse(name, path) != TSR_OK)
        return TSR_E_MALFORMED;
    if (in->base_value != 0 && record->values == 0)
        record->value = tsr_lwm2m_int(0);
    if (in->base_value != 0 && is_number(&record->value)) {
        tsr_err err = add_base_value(in->base_value, &record->value);

        if (err != TSR_OK)
            return err;
    }
    in->time_s = in->base_time_s + record->time_s;
    *value = record->value;
    return TSR_OK;
}
