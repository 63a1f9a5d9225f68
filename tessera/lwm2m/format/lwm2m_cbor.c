/* SPDX-License-Identifier: Apache-2.0
 *
 * LwM2M CBOR (Core 7.5.4): maps whose keys, joined along the nesting, are the path. */
#include "tessera/lwm2m/format/cbor_value.h"
#include "tessera/lwm2m/format/codec.h"

/* ---- writing: a map's head is one byte until it is closed and its size is known ------------- */

static void open_map(tsr_lwm2m_out *out, uint8_t depth)
{
    out->open[out->levels] = out->body->len;
    out->depth[out->levels] = depth;
    out->items[out->levels] = 0;
    out->levels++;
    tsr_put_u8(out->body, 0xa0);
}

static void close_map(tsr_lwm2m_out *out)
{
    uint8_t room[4];
    tsr_buf head = tsr_buf_over(room, sizeof room);
    tsr_buf *body = out->body;

    out->levels--;
    if (body->err != TSR_OK)
        return;

    size_t at = out->open[out->levels], len = body->len - at - 1;

    tsr_cbor_put_map(&head, out->items[out->levels]);
    if (tsr_buf_claim(body, head.len - 1) == NULL)
        return;
    memmove(body->ptr + at + head.len, body->ptr + at + 1, len);
    memcpy(body->ptr + at, room, head.len);
}

/* How far the key of the next entry reaches, from a map at this depth. In the outermost map one
 * key takes as much of the request's path as there is; a composite answer spells out each
 * resource, because nothing promises that what belongs together comes together. */
static uint8_t next_depth(const tsr_lwm2m_out *out, uint8_t depth)
{
    if (depth != 0)
        return (uint8_t)(depth + 1);
    return out->base.depth == 0 ? 3 : out->base.depth;
}

static void put_key(tsr_lwm2m_out *out, tsr_lwm2m_path at, uint8_t from, uint8_t to)
{
    if (to - from > 1)
        tsr_cbor_put_array(out->body, (uint64_t)(to - from));
    for (uint8_t level = from; level < to; level++)
        tsr_cbor_put_uint(out->body, tsr_lwm2m_path_id(at, level));
}

static void leave(tsr_lwm2m_out *out, tsr_lwm2m_path at)
{
    while (out->levels > 1) {
        tsr_lwm2m_path inside = tsr_lwm2m_path_up(out->last, out->depth[out->levels - 1]);

        if (tsr_lwm2m_path_contains(inside, at) && at.depth > inside.depth)
            return;
        close_map(out);
    }
}

static tsr_err put_entry(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    if (out->levels == 0)
        open_map(out, 0);
    if (at.depth == 2 && (out->base.depth == 0 || out->base.depth > 2))
        return TSR_OK; /* these have no map for an instance */
    if (out->count++ != 0 && out->base.depth != 0
        && tsr_lwm2m_path_compare(at, out->last) <= 0)
        return TSR_E_UNSUPPORTED;
    leave(out, at);
    for (;;) {
        uint8_t top = (uint8_t)(out->levels - 1);
        uint8_t from = out->depth[top], to = next_depth(out, from);

        if (from == at.depth)
            return TSR_OK; /* an instance: its map is open */
        if (out->items[top] == UINT16_MAX)
            return TSR_E_SPACE;
        out->items[top]++;
        put_key(out, at, from, to);
        if (to == at.depth && at.depth != 2)
            return tsr_lwm2m_cbor_put(out->body, value);
        open_map(out, to);
    }
}

static tsr_err lwm2m_cbor_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    tsr_err err = put_entry(out, at, value);

    out->last = at;
    return err;
}

static tsr_err lwm2m_cbor_end(tsr_lwm2m_out *out)
{
    if (out->levels == 0)
        open_map(out, 0);
    while (out->levels > 0)
        close_map(out);
    return TSR_OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

static tsr_err take_id(tsr_bytes *in, tsr_lwm2m_path *path)
{
    uint64_t id;
    tsr_err err = tsr_cbor_get_uint(in, &id);

    if (err == TSR_E_TYPE) /* a text key is a gateway's prefix: another device */
        return in->ptr[0] >> 5 == TSR_CBOR_TEXT ? TSR_E_UNSUPPORTED : TSR_E_MALFORMED;
    if (err != TSR_OK || id > UINT16_MAX || path->depth >= 4)
        return TSR_E_MALFORMED;
    *path = tsr_lwm2m_path_down(*path, (uint16_t)id);
    return TSR_OK;
}

/* An id, or an array of one and more. */
static tsr_err take_key(tsr_bytes *in, tsr_lwm2m_path *path)
{
    tsr_cbor_walk ids;
    uint8_t before = path->depth;
    tsr_err err = tsr_cbor_enter(in, TSR_CBOR_ARRAY, &ids);

    if (err == TSR_E_TYPE)
        return take_id(in, path);
    while (err == TSR_OK && (err = tsr_cbor_more(in, &ids)) == TSR_OK)
        err = take_id(in, path);
    if (err != TSR_END)
        return err;
    return path->depth > before ? TSR_OK : TSR_E_MALFORMED;
}

static bool at_map(tsr_bytes in) { return in.len != 0 && in.ptr[0] >> 5 == TSR_CBOR_MAP; }

static tsr_err enter_map(tsr_lwm2m_in *in, tsr_lwm2m_path path)
{
    tsr_cbor_walk walk;

    if (in->levels == 4 || tsr_cbor_enter(&in->rest, TSR_CBOR_MAP, &walk) != TSR_OK)
        return TSR_E_MALFORMED;
    in->at[in->levels] = path;
    in->left[in->levels] = walk.left;
    in->levels++;
    return TSR_OK;
}

/* TSR_OK: an entry follows; TSR_END: the innermost map is over. */
static tsr_err more_entries(tsr_lwm2m_in *in)
{
    tsr_cbor_walk walk = { in->left[in->levels - 1] };
    tsr_err err = tsr_cbor_more(&in->rest, &walk);

    in->left[in->levels - 1] = walk.left;
    return err;
}

static tsr_err start(tsr_lwm2m_in *in)
{
    in->started = true;
    return enter_map(in, tsr_lwm2m_at_root());
}

static tsr_err take_value(tsr_lwm2m_in *in, tsr_lwm2m_value *value)
{
    if (in->names_only)
        return tsr_cbor_skip(&in->rest);

    tsr_err err = tsr_lwm2m_cbor_get(&in->rest, in->scratch, value);

    return err == TSR_E_TYPE ? TSR_E_MALFORMED : err;
}

static tsr_err lwm2m_cbor_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_err err = in->started ? TSR_OK : start(in);
    bool fresh = false; /* the innermost map has just been entered */

    while (err == TSR_OK && in->levels > 0) {
        tsr_lwm2m_path at = in->at[in->levels - 1];

        err = more_entries(in);
        if (err == TSR_END) {
            in->levels--;
            err = TSR_OK;
            if (fresh && at.depth >= 2) { /* an instance or a multiple resource without content */
                *path = at;
                value->type = TSR_LWM2M_NONE;
                return TSR_OK;
            }
            fresh = false;
            continue;
        }
        if (err == TSR_OK)
            err = take_key(&in->rest, &at);
        if (err != TSR_OK)
            break;
        fresh = at_map(in->rest);
        if (!fresh) {
            *path = at;
            return at.depth < 3 ? TSR_E_MALFORMED : take_value(in, value);
        }
        err = enter_map(in, at);
    }
    if (err != TSR_OK)
        return err;
    return in->rest.len == 0 ? TSR_END : TSR_E_MALFORMED;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_lwm2m_cbor = {
    .format = TSR_LWM2M_FORMAT_LWM2M_CBOR,
    .nests = true,
    .put = lwm2m_cbor_put,
    .end = lwm2m_cbor_end,
    .next = lwm2m_cbor_next,
    .unique = tsr_lwm2m_in_unique,
    .typed = tsr_lwm2m_value_convert,
};
