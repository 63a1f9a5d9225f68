/* SPDX-License-Identifier: Apache-2.0
 *
 * OMA TLV (Core 7.5.5): the format of LwM2M 1.0. */
#include "tessera/base/hot.h"
#include "tessera/cbor/head.h"
#include "tessera/lwm2m/format/fields_out.h"
#include "tessera/lwm2m/format/tlv.h"

/* Bits 7 and 6 of the type byte. */
enum { OBJECT_INSTANCE = 0, RESOURCE_INSTANCE = 1, MULTIPLE = 2, RESOURCE = 3 };

enum { ID_16_BITS = 0x20, HEADER_LEAST = 2, HEADER_MOST = 6, VALUE_MOST = TSR_TLV_WHOLE };

/* ---- writing: a container gets its header when it is closed and its length is known --------- */

static size_t make_header(uint8_t header[HEADER_MOST], unsigned kind, uint16_t id, size_t len)
{
    size_t n = 1;
    unsigned width = len < 8 ? 0 : len <= UINT8_MAX ? 1 : len <= UINT16_MAX ? 2 : 3;

    header[0] = (uint8_t)(kind << 6 | width << 3 | (width == 0 ? (unsigned)len : 0));
    if (id > UINT8_MAX) {
        header[0] |= ID_16_BITS;
        header[n++] = (uint8_t)(id >> 8);
    }
    header[n++] = (uint8_t)id;
    for (; width > 0; width--)
        header[n++] = (uint8_t)(len >> (8 * (width - 1)));
    return n;
}

/* The containers there are; a bit of out->levels says that one is open, out->open where. */
enum { INSTANCE, RESOURCES };

static bool is_open(const tsr_lwm2m_out *out, unsigned which)
{
    return (out->levels >> which & 1) != 0;
}

/* Most are short: room is left for the shortest header. */
static void open_container(tsr_lwm2m_out *out, unsigned which)
{
    out->open[which] = out->body->len;
    out->levels |= (uint8_t)(1u << which);
    (void)tsr_buf_claim(out->body, HEADER_LEAST);
}

/* With a longer header; `at` is where the shortest stands. */
__attribute__((noinline)) static tsr_err close_long(tsr_buf *body, uint8_t *at, size_t len,
                                                    unsigned kind, uint16_t id)
{
    uint8_t header[HEADER_MOST];
    size_t n = make_header(header, kind, id, len);

    if (len > 0xffffff || tsr_buf_claim(body, n - HEADER_LEAST) == NULL)
        return TSR_E_SPACE;
    memmove(at + n, at + HEADER_LEAST, len);
    memcpy(at, header, n);
    return TSR_OK;
}

static tsr_err close_container(tsr_lwm2m_out *out, unsigned which)
{
    tsr_buf *body = out->body;
    size_t open = out->open[which], len = body->len - open - HEADER_LEAST;
    unsigned kind = which == INSTANCE ? OBJECT_INSTANCE : MULTIPLE;
    uint16_t id = which == INSTANCE ? out->last.instance : out->last.resource;
    uint8_t *at;

    out->levels &= (uint8_t)~(1u << which);
    if (body->err != TSR_OK)
        return TSR_E_SPACE;
    at = body->ptr + open;
    if (len >= 8 || id > UINT8_MAX)
        return close_long(body, at, len, kind, id);
    at[0] = (uint8_t)(kind << 6 | len); /* most */
    at[1] = (uint8_t)id;
    return TSR_OK;
}

static size_t put_whole(uint8_t bytes[VALUE_MOST], uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        bytes[i] = (uint8_t)v;
    return n;
}

static size_t put_unsigned(uint8_t bytes[VALUE_MOST], uint64_t u)
{
    return put_whole(bytes, u, u <= UINT8_MAX ? 1 : u <= UINT16_MAX ? 2 : u <= UINT32_MAX ? 4 : 8);
}

/* Four bytes where they hold the value; what a float is too large for is left to eight. */
static size_t put_float(uint8_t bytes[VALUE_MOST], double f)
{
    uint64_t bits;

    if (f >= -3e38 && f <= 3e38 && (double)(float)f == f) {
        float single = (float)f;
        uint32_t low;

        memcpy(&low, &single, sizeof low);
        return put_whole(bytes, low, 4);
    }
    memcpy(&bits, &f, sizeof bits);
    return put_whole(bytes, bits, 8);
}

/* The value's bytes: its own, or made in `room`. */
static tsr_err value_bytes(const tsr_lwm2m_value *v, uint8_t room[VALUE_MOST], tsr_bytes *bytes)
{
    size_t n = 0;

    switch (v->type) {
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_RAW_BYTES: *bytes = v->as.bytes; return TSR_OK;
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:      n = tsr_tlv_whole(room, v->as.i); break;
    case TSR_LWM2M_UNSIGNED:  n = put_unsigned(room, v->as.u); break;
    case TSR_LWM2M_FLOAT:     n = put_float(room, v->as.f); break;
    case TSR_LWM2M_BOOLEAN:   n = put_whole(room, v->as.b ? 1 : 0, 1); break;
    case TSR_LWM2M_OBJLNK:
        n = put_whole(room, (uint64_t)v->as.link.object << 16 | v->as.link.instance, 4);
        break;
    default: return TSR_E_TYPE;
    }
    *bytes = tsr_view(room, n);
    return TSR_OK;
}

/* Closes what `at` is not in, opens what it is in. */
static tsr_err go_to(tsr_lwm2m_out *out, tsr_lwm2m_path at)
{
    bool same = at.instance == out->last.instance;
    tsr_err err = TSR_OK;

    if (is_open(out, RESOURCES) && !(same && at.depth == 4 && at.resource == out->last.resource))
        err = close_container(out, RESOURCES);
    if (err == TSR_OK && is_open(out, INSTANCE) && !(same && at.depth > 2))
        err = close_container(out, INSTANCE);
    if (err == TSR_OK && out->base.depth == 1 && !is_open(out, INSTANCE))
        open_container(out, INSTANCE);
    if (err == TSR_OK && at.depth == 4 && out->base.depth <= 3 && !is_open(out, RESOURCES))
        open_container(out, RESOURCES);
    return err;
}

tsr_err tsr_tlv_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes bytes)
{
    uint8_t header[HEADER_MOST];
    tsr_err err;

    if (bytes.len > 0xffffff || (out->count++ != 0 && tsr_lwm2m_path_compare(at, out->last) <= 0))
        return TSR_E_UNSUPPORTED;
    err = go_to(out, at);
    out->last = at;
    if (err != TSR_OK || at.depth == 2)
        return err;

    bool single = at.depth == 3;
    size_t n = make_header(header, single ? RESOURCE : RESOURCE_INSTANCE,
                           single ? at.resource : at.resource_instance, bytes.len);

    tsr_put_bytes(out->body, tsr_view(header, n));
    tsr_put_bytes(out->body, bytes);
    return TSR_OK;
}

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

static tsr_err tlv_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    uint8_t room[VALUE_MOST];
    tsr_bytes bytes = { NULL, 0 };
    tsr_err err = at.depth == 2 ? TSR_OK : value_bytes(value, room, &bytes);

    if (out->base.depth == 2 && out->quick_from == TSR_LWM2M_NOT_QUICK)
        be_quick(out);
    if (at.depth == out->base.depth && at.depth == 2) /* which says nothing */
        return TSR_OK;
    if (err == TSR_OK)
        err = tsr_tlv_put(out, at, bytes);
    if (at.depth > 2)
        out->next = order(tsr_lwm2m_path_word(at)) + 1;
    return err;
}

/* ---- the short way: what a Read of an instance consists of, straight into the body ------------ */

enum { ENTRY_MOST = 2 * HEADER_MOST + VALUE_MOST }; /* of a container opened or closed, and a value */

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
        (void)close_container(out, RESOURCES);
    if (depth == 4) { /* as open_container, but there is room */
        out->open[RESOURCES] = out->body->len;
        out->levels = 1u << RESOURCES;
        out->body->len += HEADER_LEAST;
    }
}

/* The entry's first two bytes; `length` is as its type byte says it. */
TSR_HOT uint8_t *quick_header(tsr_lwm2m_out *out, uint64_t word, unsigned depth, unsigned length)
{
    uint8_t *at = out->body->ptr + out->body->len;

    out->last = tsr_lwm2m_path_of(word, depth);
    out->next = order(word) + 1; /* of one byte each, so there is no overflow */
    out->count++;
    at[0] = (uint8_t)((depth == 3 ? 0xc0u : 0x40u) | length); /* RESOURCE, RESOURCE_INSTANCE */
    at[1] = (uint8_t)(word >> (depth == 3 ? 32 : 48));
    return at + HEADER_LEAST;
}

TSR_HOT tsr_err add_int(tsr_lwm2m_out *out, uint64_t word, unsigned depth, int32_t v)
{
    unsigned n = v == (int8_t)v ? 1 : v == (int16_t)v ? 2 : 4;
    uint8_t *at = quick_header(out, word, depth, n);

    out->body->len += HEADER_LEAST + n;
    if (n == 1) {
        at[0] = (uint8_t)v;
    } else if (n == 2) {
        at[0] = (uint8_t)(v >> 8);
        at[1] = (uint8_t)v;
    } else {
        (void)tsr_cbor_head_u32(at, (uint32_t)v);
    }
    return TSR_OK;
}

TSR_HOT tsr_err add_text(tsr_lwm2m_out *out, uint64_t word, unsigned depth, tsr_bytes text)
{
    bool shortest = text.len < 8;
    uint8_t *at = quick_header(out, word, depth, shortest ? (unsigned)text.len : 1u << 3);

    if (!shortest)
        *at++ = (uint8_t)text.len;
    out->body->len += (shortest ? HEADER_LEAST : HEADER_LEAST + 1) + text.len;
    if (text.len != 0)
        memcpy(at, text.ptr, text.len);
    return TSR_OK;
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
    unsigned kind = single ? 0xc0 : 0x40, n = v == (int8_t)v ? 1 : v == (int16_t)v ? 2 : 4;

    at[0] = (uint8_t)(kind | n);
    at[1] = (uint8_t)(single ? resource : (unsigned)instance);
    at += HEADER_LEAST;
    if (n == 4)
        return tsr_cbor_head_u32(at, (uint32_t)v);
    if (n == 2)
        *at++ = (uint8_t)(v >> 8);
    *at = (uint8_t)v;
    return at + 1;
}

TSR_HOT uint8_t *entry_text(uint8_t *at, unsigned resource, tsr_bytes text)
{
    bool shortest = text.len < 8;

    at[0] = (uint8_t)(0xc0u | (shortest ? text.len : 1u << 3));
    at[1] = (uint8_t)resource;
    at[2] = (uint8_t)text.len; /* or the text's first */
    at += shortest ? HEADER_LEAST : HEADER_LEAST + 1;
    memcpy(at, text.ptr, text.len);
    return at + text.len;
}

TSR_HOT uint8_t *list_open(uint8_t *at) { return at + HEADER_LEAST; }

/* A longer header takes one more byte, or two. */
TSR_HOT uint8_t *list_close(uint8_t *open, uint8_t *at, unsigned resource)
{
    size_t len = (size_t)(at - open) - HEADER_LEAST, more = len < 8 ? 0 : len <= UINT8_MAX ? 1 : 2;

    if (more != 0)
        memmove(open + HEADER_LEAST + more, open + HEADER_LEAST, len);
    open[0] = (uint8_t)(MULTIPLE << 6 | (more == 0 ? len : more << 3));
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

tsr_err tsr_tlv_end(tsr_lwm2m_out *out)
{
    tsr_err err = is_open(out, RESOURCES) ? close_container(out, RESOURCES) : TSR_OK;

    if (err == TSR_OK && is_open(out, INSTANCE))
        err = close_container(out, INSTANCE);
    return err;
}

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct {
    unsigned kind;
    uint16_t id;
    size_t len;
} entry;

/* Takes a header; the content follows in `in` and is complete. */
static tsr_err take_header(tsr_bytes *in, entry *e)
{
    const uint8_t *at = in->ptr;
    size_t type = in->len != 0 ? at[0] : 0, width = type >> 3 & 3;
    size_t ids = (type & ID_16_BITS) != 0 ? 3 : 2, head = ids + width;
    size_t id = 0, len = width == 0 ? type & 7 : 0;

    if (in->len < head)
        return TSR_E_MALFORMED;
    for (size_t i = 1; i < ids; i++)
        id = id << 8 | at[i];
    for (size_t i = ids; i < head; i++)
        len = len << 8 | at[i];
    if (len > in->len - head)
        return TSR_E_MALFORMED;
    *e = (entry){ (unsigned)type >> 6, (uint16_t)id, len };
    *in = tsr_skip(*in, head);
    return TSR_OK;
}

/* Where an entry of this kind is, seen from the container it stands in. Without an object
 * instance around them, resources belong to the request's instance, or to a new one. */
static tsr_err place(const tsr_lwm2m_in *in, const entry *e, tsr_lwm2m_path *path)
{
    tsr_lwm2m_path up = in->levels == 0 ? in->base : in->at[in->levels - 1];
    uint8_t want = e->kind == OBJECT_INSTANCE ? 1 : e->kind == RESOURCE_INSTANCE ? 3 : 2;

    if (in->levels == 0) {
        if (want == 2 && up.depth == 1)
            up = tsr_lwm2m_path_down(up, TSR_LWM2M_NO_ID);
        up = tsr_lwm2m_path_up(up, want);
    }
    if (up.depth != want)
        return TSR_E_MALFORMED;
    *path = tsr_lwm2m_path_down(up, e->id);
    return TSR_OK;
}

static void leave_finished(tsr_lwm2m_in *in)
{
    while (in->levels > 0 && in->left[in->levels - 1] == 0)
        in->levels--;
}

/* Takes the next entry and, if it is a container with content, goes into it. */
static tsr_err take_entry(tsr_lwm2m_in *in, entry *e, tsr_lwm2m_path *path)
{
    uint64_t *left = in->levels == 0 ? NULL : &in->left[in->levels - 1];
    tsr_bytes scope = left == NULL ? in->rest : tsr_first(in->rest, (size_t)*left);
    tsr_bytes at = scope;
    tsr_err err = take_header(&at, e);

    if (err == TSR_OK)
        err = place(in, e, path);
    if (err != TSR_OK)
        return err;

    size_t header = scope.len - at.len;

    if (left != NULL)
        *left -= header + e->len;
    in->rest = tsr_skip(in->rest, header);
    return TSR_OK;
}

tsr_err tsr_tlv_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    for (;;) {
        entry e;
        tsr_err err;

        leave_finished(in);
        if (in->rest.len == 0)
            return TSR_END;
        err = take_entry(in, &e, path);
        if (err != TSR_OK)
            return err;
        if (e.kind == RESOURCE || e.kind == RESOURCE_INSTANCE) {
            value->type = TSR_LWM2M_RAW_BYTES;
            value->as.bytes = tsr_first(in->rest, e.len);
            in->rest = tsr_skip(in->rest, e.len);
            return TSR_OK;
        }
        if (e.len == 0) {
            value->type = TSR_LWM2M_NONE;
            return TSR_OK;
        }
        in->at[in->levels] = *path;
        in->left[in->levels] = e.len;
        in->levels++;
    }
}

static const struct tsr_lwm2m_quick quick = { quick_int, quick_text, tlv_fields };

const tsr_lwm2m_codec tsr_lwm2m_codec_tlv = {
    .format = TSR_LWM2M_FORMAT_TLV,
    .nests = true,
    .put = tlv_put,
    .end = tsr_tlv_end,
    .next = tsr_tlv_next,
    .unique = tsr_lwm2m_in_unique,
    .parsed = tsr_lwm2m_value_as,
    .quick = &quick,
};
