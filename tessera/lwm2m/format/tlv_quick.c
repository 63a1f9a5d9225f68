/* SPDX-License-Identifier: Apache-2.0
 *
 * TLV with short ways for a Read of an instance, straight into the body (Core 7.5.5). */
#include "tessera/cbor/head.h"
#include "tessera/lwm2m/format/fields_out.h"
#include "tessera/lwm2m/format/tlv.h"

/* The two last identifiers, such that they grow as they are put. */
static inline uint32_t order(uint64_t word)
{
    uint32_t ids = (uint32_t)(word >> 32);

    return ids << 16 | ids >> 16;
}

/* The resources of an instance that is the base can go the short way. */
static void be_quick(tsr_lwm2m_out *out)
{
    out->quick_from = 3;
    out->base_word = (uint32_t)tsr_lwm2m_path_word(out->base);
    out->base_mask = UINT64_C(0xff00ff00ffffffff); /* identifiers of one byte below it */
}

static tsr_err quick_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    if (out->base.depth == 2 && out->quick_from == TSR_LWM2M_NOT_QUICK)
        be_quick(out);
    if (at.depth == out->base.depth && at.depth == 2) /* which says nothing */
        return TSR_OK;
    if (at.depth > 2)
        out->next = order(tsr_lwm2m_path_word(at)) + 1;
    return tsr_tlv_put_value(out, at, value);
}

enum { ENTRY_MOST = 2 * 6 + TSR_TLV_WHOLE }; /* of a container opened or closed, and a value */

/* Below the base, with identifiers of one byte, in order, and with room for it? */
TSR_HOT bool quick_fits(const tsr_lwm2m_out *out, uint64_t word, size_t len)
{
    return ((word ^ out->base_word) & out->base_mask) == 0 &&
           order(word) >= out->next &&
           out->body->cap - out->body->len >= len + ENTRY_MOST;
}

/* Does `word` belong where the value before is? */
static inline bool quick_near(const tsr_lwm2m_out *out, uint64_t word, unsigned depth)
{
    return out->last.depth == depth && (depth == 3 || out->last.resource == (uint16_t)(word >> 32));
}

/* Goes there if it does not. */
__attribute__((noinline)) static void quick_go(tsr_lwm2m_out *out, unsigned depth)
{
    if (out->levels != 0)
        (void)tsr_tlv_close(out, TSR_TLV_RESOURCES);
    if (depth == 4) { /* as open_container, but there is room */
        out->open[TSR_TLV_RESOURCES] = out->body->len;
        out->levels = 1u << TSR_TLV_RESOURCES;
        out->body->len += TSR_TLV_HEADER;
    }
}

/* Kinds of entries, in the place that their type byte has for them; identifiers of one byte. */
enum { INSTANCE = TSR_TLV_RESOURCE_INSTANCE << 6, RESOURCE = TSR_TLV_RESOURCE << 6 };

/* An entry; its end. */
TSR_HOT uint8_t *put_number(uint8_t *at, unsigned kind, unsigned id, int32_t v)
{
    unsigned n = v == (int8_t)v ? 1 : v == (int16_t)v ? 2 : 4;

    at[0] = (uint8_t)(kind | n);
    at[1] = (uint8_t)id;
    at += TSR_TLV_HEADER;
    if (n == 4)
        return tsr_cbor_head_u32(at, (uint32_t)v);
    if (n == 2)
        *at++ = (uint8_t)(v >> 8);
    *at = (uint8_t)v;
    return at + 1;
}

TSR_HOT uint8_t *put_text(uint8_t *at, unsigned kind, unsigned id, tsr_bytes text)
{
    bool shortest = text.len < 8;

    at[0] = (uint8_t)(kind | (shortest ? text.len : 1u << 3));
    at[1] = (uint8_t)id;
    at[2] = (uint8_t)text.len; /* or the text's first */
    at += shortest ? TSR_TLV_HEADER : TSR_TLV_HEADER + 1;
    if (text.len != 0)
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

/* Where the next entry begins, which is the last one from now on. */
TSR_HOT uint8_t *quick_next(tsr_lwm2m_out *out, uint64_t word, unsigned depth)
{
    out->last = tsr_lwm2m_path_of(word, depth);
    out->next = order(word) + 1; /* of one byte each, so there is no overflow */
    out->count++;
    return out->body->ptr + out->body->len;
}

TSR_HOT tsr_err quick_end(tsr_lwm2m_out *out, const uint8_t *end)
{
    out->body->len = (size_t)(end - out->body->ptr);
    return TSR_OK;
}

TSR_HOT tsr_err add_int(tsr_lwm2m_out *out, uint64_t word, unsigned depth, int32_t v)
{
    uint8_t *at = quick_next(out, word, depth);

    return quick_end(out, depth == 3 ? put_number(at, RESOURCE, (uint8_t)(word >> 32), v)
                                     : put_number(at, INSTANCE, (uint8_t)(word >> 48), v));
}

TSR_HOT tsr_err add_text(tsr_lwm2m_out *out, uint64_t word, unsigned depth, tsr_bytes text)
{
    uint8_t *at = quick_next(out, word, depth);

    return quick_end(out, depth == 3 ? put_text(at, RESOURCE, (uint8_t)(word >> 32), text)
                                     : put_text(at, INSTANCE, (uint8_t)(word >> 48), text));
}

/* Apart, so that what stays in its place saves no registers. */
__attribute__((noinline)) static tsr_err move_int(tsr_lwm2m_out *out, uint64_t word, unsigned depth,
                                                  int32_t v)
{
    quick_go(out, depth);
    return add_int(out, word, depth, v);
}

__attribute__((noinline)) static tsr_err move_text(tsr_lwm2m_out *out, uint64_t word,
                                                   unsigned depth, tsr_bytes text)
{
    quick_go(out, depth);
    return add_text(out, word, depth, text);
}

static tsr_err quick_int(tsr_lwm2m_out *out, uint64_t word, unsigned depth, int64_t v)
{
    if (v != (int32_t)v || !quick_fits(out, word, sizeof v))
        return tsr_lwm2m_put_value_int(out, tsr_lwm2m_path_of(word, depth), v);
    if (!quick_near(out, word, depth))
        return move_int(out, word, depth, (int32_t)v);
    return add_int(out, word, depth, (int32_t)v);
}

static tsr_err quick_text(tsr_lwm2m_out *out, uint64_t word, unsigned depth, tsr_bytes text)
{
    if (text.len > UINT8_MAX || !quick_fits(out, word, text.len))
        return tsr_lwm2m_put_value_text(out, tsr_lwm2m_path_of(word, depth), text);
    if (!quick_near(out, word, depth))
        return move_text(out, word, depth, text);
    return add_text(out, word, depth, text);
}

/* ---- shorter still: all of an instance that a table describes --------------------------------- */

TSR_HOT uint8_t *entry_number(uint8_t *at, unsigned resource, int instance, int32_t v)
{
    bool single = instance == TSR_LWM2M_SINGLE;

    return put_number(at, single ? RESOURCE : INSTANCE, single ? resource : (unsigned)instance, v);
}

TSR_HOT uint8_t *entry_text(uint8_t *at, unsigned resource, tsr_bytes text)
{
    return put_text(at, RESOURCE, resource, text);
}

TSR_HOT uint8_t *list_open(uint8_t *at) { return at + TSR_TLV_HEADER; }

/* A longer header takes one more byte, or two. */
TSR_HOT uint8_t *list_close(uint8_t *open, uint8_t *at, unsigned resource)
{
    size_t len = (size_t)(at - open) - TSR_TLV_HEADER, more = len < 8 ? 0 : len <= UINT8_MAX ? 1 : 2;

    if (more != 0)
        memmove(open + TSR_TLV_HEADER + more, open + TSR_TLV_HEADER, len);
    open[0] = (uint8_t)(TSR_TLV_MULTIPLE << 6 | (more == 0 ? len : more << 3));
    open[1] = (uint8_t)resource;
    if (more == 2)
        open[2] = (uint8_t)(len >> 8);
    if (more != 0)
        open[1 + more] = (uint8_t)len;
    return at + more;
}

static size_t tlv_fields(tsr_lwm2m_out *out, const tsr_lwm2m_fields *fields, size_t i,
                         const void *state)
{
    static const tsr_lwm2m_writer writer = { ENTRY_MOST, entry_number, entry_text, list_open,
                                             list_close };
    uint64_t word = out->base_word | (uint64_t)UINT16_MAX << 48;
    size_t end;

    if (out->levels != 0 ||
        order(out->base_word | (uint64_t)fields->items[i].resource << 32) < out->next)
        return i;
    end = tsr_lwm2m_fields_out(&writer, out, fields, i, state);
    if (end != i) { /* nothing more of the last one may follow */
        word |= (uint64_t)fields->items[end - 1].resource << 32;
        out->last = tsr_lwm2m_path_of(word, 4);
        out->next = order(word) + 1;
    }
    return end;
}

static const struct tsr_lwm2m_quick quick = { quick_int, quick_text, tlv_fields };

const tsr_lwm2m_codec tsr_lwm2m_codec_tlv_quick = {
    .format = TSR_LWM2M_FORMAT_TLV,
    .nests = true,
    .put = quick_put,
    .end = tsr_tlv_end,
    .next = tsr_tlv_next,
    .unique = tsr_lwm2m_in_unique,
    .parsed = tsr_lwm2m_value_as,
    .quick = &quick,
};
