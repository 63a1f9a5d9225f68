/* SPDX-License-Identifier: Apache-2.0
 *
 * OMA TLV (Core 7.5.5): the format of LwM2M 1.0. */
#include "tessera/lwm2m/format/tlv.h"

enum { ID_16_BITS = 0x20, HEADER_MOST = 6, VALUE_MOST = TSR_TLV_WHOLE };

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

static bool is_open(const tsr_lwm2m_out *out, unsigned which)
{
    return (out->levels >> which & 1) != 0;
}

/* Most are short: room is left for the shortest header. */
static void open_container(tsr_lwm2m_out *out, unsigned which)
{
    out->open[which] = out->body->len;
    out->levels |= (uint8_t)(1u << which);
    (void)tsr_buf_claim(out->body, TSR_TLV_HEADER);
}

/* With a longer header; `at` is where the shortest stands. */
__attribute__((noinline)) static tsr_err close_long(tsr_buf *body, uint8_t *at, size_t len,
                                                    unsigned kind, uint16_t id)
{
    uint8_t header[HEADER_MOST];
    size_t n = make_header(header, kind, id, len);

    if (len > 0xffffff || tsr_buf_claim(body, n - TSR_TLV_HEADER) == NULL)
        return TSR_E_SPACE;
    memmove(at + n, at + TSR_TLV_HEADER, len);
    memcpy(at, header, n);
    return TSR_OK;
}

tsr_err tsr_tlv_close(tsr_lwm2m_out *out, unsigned which)
{
    tsr_buf *body = out->body;
    size_t open = out->open[which], len = body->len - open - TSR_TLV_HEADER;
    unsigned kind = which == TSR_TLV_INSTANCE ? TSR_TLV_OBJECT_INSTANCE : TSR_TLV_MULTIPLE;
    uint16_t id = which == TSR_TLV_INSTANCE ? out->last.instance : out->last.resource;
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

    if (is_open(out, TSR_TLV_RESOURCES) &&
        !(same && at.depth == 4 && at.resource == out->last.resource))
        err = tsr_tlv_close(out, TSR_TLV_RESOURCES);
    if (err == TSR_OK && is_open(out, TSR_TLV_INSTANCE) && !(same && at.depth > 2))
        err = tsr_tlv_close(out, TSR_TLV_INSTANCE);
    if (err == TSR_OK && out->base.depth == 1 && !is_open(out, TSR_TLV_INSTANCE))
        open_container(out, TSR_TLV_INSTANCE);
    if (err == TSR_OK && at.depth == 4 && out->base.depth <= 3 && !is_open(out, TSR_TLV_RESOURCES))
        open_container(out, TSR_TLV_RESOURCES);
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
    size_t n = make_header(header, single ? TSR_TLV_RESOURCE : TSR_TLV_RESOURCE_INSTANCE,
                           single ? at.resource : at.resource_instance, bytes.len);

    tsr_put_bytes(out->body, tsr_view(header, n));
    tsr_put_bytes(out->body, bytes);
    return TSR_OK;
}

tsr_err tsr_tlv_put_value(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    uint8_t room[VALUE_MOST];
    tsr_bytes bytes = { NULL, 0 };
    tsr_err err = at.depth == 2 ? TSR_OK : value_bytes(value, room, &bytes);

    return err == TSR_OK ? tsr_tlv_put(out, at, bytes) : err;
}

tsr_err tsr_tlv_end(tsr_lwm2m_out *out)
{
    tsr_err err = is_open(out, TSR_TLV_RESOURCES) ? tsr_tlv_close(out, TSR_TLV_RESOURCES) : TSR_OK;

    if (err == TSR_OK && is_open(out, TSR_TLV_INSTANCE))
        err = tsr_tlv_close(out, TSR_TLV_INSTANCE);
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
    uint8_t want = e->kind == TSR_TLV_OBJECT_INSTANCE ? 1 : e->kind == TSR_TLV_RESOURCE_INSTANCE ? 3 : 2;

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
        if (e.kind == TSR_TLV_RESOURCE || e.kind == TSR_TLV_RESOURCE_INSTANCE) {
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

const tsr_lwm2m_codec tsr_lwm2m_codec_tlv = {
    .format = TSR_LWM2M_FORMAT_TLV,
    .nests = true,
    .put = tsr_tlv_put_value,
    .end = tsr_tlv_end,
    .next = tsr_tlv_next,
    .unique = tsr_lwm2m_in_unique,
    .parsed = tsr_lwm2m_value_as,
};
