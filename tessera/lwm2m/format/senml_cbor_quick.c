/* SPDX-License-Identifier: Apache-2.0
 *
 * SenML CBOR with short ways for what most payloads consist of (RFC 8428 §6, Core 7.5). */
#include "tessera/cbor/head.h"
#include "tessera/lwm2m/format/fields_out.h"
#include "tessera/lwm2m/format/senml.h"

/* Once the base name is said, what lies below it can go the short way. */
static tsr_err quick_put(tsr_lwm2m_out *out, tsr_lwm2m_path path, const tsr_lwm2m_value *value)
{
    tsr_err err = tsr_senml_cbor_put(out, path, value);

    if (err == TSR_OK && out->based && out->quick_from == TSR_LWM2M_NOT_QUICK) {
        out->quick_from = out->base.depth < 3 ? 3 : 4;
        out->base_word = tsr_lwm2m_path_word(out->base);
        out->base_mask = (UINT64_C(1) << 16 * out->base.depth) - 1; /* below: at most 3 deep */
    }
    return err;
}

/* Most records have a name below a base name that was said before, and nothing else: they go
 * straight into the body. Returns where the value comes; NULL: not below the base, or the body is
 * nearly full. Nothing is committed yet. */
TSR_HOT uint8_t *quick_name(const tsr_lwm2m_out *out, uint64_t word, unsigned depth, size_t tail)
{
    uint8_t *at = out->body->ptr + out->body->len, *end;
    size_t left = out->body->cap - out->body->len;
    uint64_t ids = word >> 16 * out->base.depth;

    if (((word ^ out->base_word) & out->base_mask) != 0 || left < TSR_SENML_RECORD ||
        left - TSR_SENML_RECORD < tail)
        return NULL;
    end = tsr_senml_put_id(at + 3, ids & 0xffff);
    for (unsigned more = depth - out->base.depth; --more > 0;) {
        ids >>= 16;
        *end++ = '/';
        end = tsr_senml_put_id(end, ids & 0xffff);
    }
    at[0] = 0xa2;
    at[1] = TSR_SENML_LABEL_NAME;
    at[2] = (uint8_t)(0x60 | (end - at - 3)); /* at most 23 */
    return end;
}

static inline tsr_err quick_done(tsr_lwm2m_out *out, const uint8_t *end)
{
    out->body->len = (size_t)(end - out->body->ptr);
    out->count++;
    return TSR_OK;
}

static tsr_err quick_int(tsr_lwm2m_out *out, uint64_t word, unsigned depth, int64_t v)
{
    uint8_t *at = quick_name(out, word, depth, 0);

    if (at == NULL)
        return tsr_lwm2m_put_value_int(out, tsr_lwm2m_path_of(word, depth), v);
    *at = TSR_SENML_LABEL_VALUE;
    return quick_done(out, tsr_cbor_head_int(at + 1, v));
}

static tsr_err quick_text(tsr_lwm2m_out *out, uint64_t word, unsigned depth, tsr_bytes text)
{
    uint8_t *at = quick_name(out, word, depth, text.len);

    if (at == NULL || text.len > UINT8_MAX)
        return tsr_lwm2m_put_value_text(out, tsr_lwm2m_path_of(word, depth), text);
    *at = TSR_SENML_LABEL_STRING;
    at = tsr_cbor_head(at + 1, TSR_CBOR_TEXT, (uint8_t)text.len);
    (void)quick_done(out, at + text.len); /* before the copy, so that nothing is kept over it */
    if (text.len != 0)
        memcpy(at, text.ptr, text.len);
    return TSR_OK;
}

/* ---- shorter still: all of an instance that a table describes -------------------------------- */

TSR_HOT uint8_t *record_name(uint8_t *at, unsigned resource, int instance)
{
    uint8_t *end = tsr_senml_put_id(at + 3, resource);

    if (instance != TSR_LWM2M_SINGLE) {
        *end++ = '/';
        end = tsr_senml_put_id(end, (unsigned)instance);
    }
    at[0] = 0xa2;
    at[1] = TSR_SENML_LABEL_NAME;
    at[2] = (uint8_t)(0x60 | (end - at - 3)); /* at most 7 */
    return end;
}

TSR_HOT uint8_t *record_number(uint8_t *at, unsigned resource, int instance, int32_t v)
{
    at = record_name(at, resource, instance);
    *at = TSR_SENML_LABEL_VALUE;
    return tsr_cbor_head_int(at + 1, v);
}

TSR_HOT uint8_t *record_text(uint8_t *at, unsigned resource, tsr_bytes text)
{
    at = record_name(at, resource, TSR_LWM2M_SINGLE);
    *at = TSR_SENML_LABEL_STRING;
    at = tsr_cbor_head(at + 1, TSR_CBOR_TEXT, (uint8_t)text.len);
    memcpy(at, text.ptr, text.len);
    return at + text.len;
}

TSR_HOT uint8_t *list_open(uint8_t *at) { return at; }

TSR_HOT uint8_t *list_close(uint8_t *open, uint8_t *at, unsigned resource)
{
    (void)open;
    (void)resource;
    return at;
}

static size_t senml_cbor_fields(tsr_lwm2m_out *out, const tsr_lwm2m_fields *fields, size_t i,
                                const void *state)
{
    static const tsr_lwm2m_writer writer = { TSR_SENML_RECORD, record_number, record_text, list_open,
                                             list_close };

    return tsr_lwm2m_fields_out(&writer, out, fields, i, state);
}

static const struct tsr_lwm2m_quick quick = { quick_int, quick_text, senml_cbor_fields };

const tsr_lwm2m_codec tsr_lwm2m_codec_senml_cbor_quick = {
    .format = TSR_LWM2M_FORMAT_SENML_CBOR,
    .put = quick_put,
    .end = tsr_senml_cbor_end,
    .next = tsr_senml_cbor_next,
    .unique = tsr_lwm2m_in_unique,
    .typed = tsr_lwm2m_value_convert,
    .quick = &quick,
};
