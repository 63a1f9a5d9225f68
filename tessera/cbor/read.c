/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/utf8.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cbor/float.h"

enum { FALSE_ = 20, TRUE_ = 21, NULL_ = 22, INDEFINITE = 31 };

/* RFC 8949 §3: the argument stands in the head's low five bits or in 1, 2, 4 or 8 bytes. */
static bool take_long_argument(tsr_bytes *in, uint8_t info, uint64_t *n)
{
    size_t width = (size_t)1 << (info & 3);
    uint64_t sum = 0;

    if (info > 27 || width > in->len)
        return false;
    for (size_t i = 0; i < width; i++)
        sum = sum << 8 | in->ptr[i];
    in->ptr += width;
    in->len -= width;
    *n = sum;
    return true;
}

double tsr_cbor_float(const tsr_cbor_item *item)
{
    double f;

    if (item->width == 2)
        return tsr_cbor_widen(&tsr_cbor_half, item->n);
    if (item->width == 4)
        return tsr_cbor_widen(&tsr_cbor_single, item->n);
    memcpy(&f, &item->n, sizeof f);
    return f;
}

/* RFC 8949 §3.3 */
static tsr_err simple_or_float(uint8_t info, tsr_cbor_item *item)
{
    if (info <= 24) {
        item->kind = TSR_CBOR_SIMPLE;
        return info == 24 && item->n < 32 ? TSR_E_MALFORMED : TSR_OK;
    }
    item->kind = TSR_CBOR_FLOAT;
    item->width = (uint8_t)(1u << (info & 3));
    return TSR_OK;
}

static tsr_err indefinite(uint8_t major, tsr_cbor_item *item)
{
    item->kind = major == 7 ? TSR_CBOR_BREAK : (tsr_cbor_kind)major;
    item->indefinite = major != 7;
    return major >= TSR_CBOR_BYTES && major != TSR_CBOR_TAG ? TSR_OK : TSR_E_MALFORMED;
}

/* A container cannot have more items than bytes follow; saying so here keeps loops short. */
static tsr_err definite(tsr_bytes *in, uint8_t major, tsr_cbor_item *item)
{
    item->kind = (tsr_cbor_kind)major;
    switch (item->kind) {
    case TSR_CBOR_BYTES:
    case TSR_CBOR_TEXT:
        if (item->n > in->len)
            return TSR_E_MALFORMED;
        item->bytes = tsr_first(*in, (size_t)item->n);
        in->ptr += item->bytes.len;
        in->len -= item->bytes.len;
        return TSR_OK;
    case TSR_CBOR_ARRAY: return item->n > in->len ? TSR_E_MALFORMED : TSR_OK;
    case TSR_CBOR_MAP:   return item->n > in->len / 2 ? TSR_E_MALFORMED : TSR_OK;
    default:             return TSR_OK;
    }
}

tsr_err tsr_cbor_next(tsr_bytes *in, tsr_cbor_item *item)
{
    if (in->len == 0)
        return TSR_END;

    tsr_bytes at = { in->ptr + 1, in->len - 1 };
    uint8_t major = in->ptr[0] >> 5, info = in->ptr[0] & 31;
    tsr_cbor_item got = { .n = info };
    tsr_err err;

    if (info == INDEFINITE)
        err = indefinite(major, &got);
    else if (info >= 24 && !take_long_argument(&at, info, &got.n))
        err = TSR_E_MALFORMED;
    else
        err = major == 7 ? simple_or_float(info, &got) : definite(&at, major, &got);
    if (err != TSR_OK)
        return err;
    *in = at;
    *item = got;
    return TSR_OK;
}

/* RFC 8949 §3.2.3: chunks of the same major type, each of definite length, then a break.
 * `chunk->kind` is BREAK after the last one. */
static tsr_err next_chunk(tsr_bytes *in, tsr_cbor_kind kind, tsr_cbor_item *chunk)
{
    if (tsr_cbor_next(in, chunk) != TSR_OK)
        return TSR_E_MALFORMED;
    if (chunk->kind == TSR_CBOR_BREAK)
        return TSR_OK;
    return chunk->kind == kind && !chunk->indefinite ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err skip_chunks(tsr_bytes *in, tsr_cbor_kind kind)
{
    tsr_cbor_item chunk;
    tsr_err err;

    do
        err = next_chunk(in, kind, &chunk);
    while (err == TSR_OK && chunk.kind != TSR_CBOR_BREAK);
    return err;
}

/* What is still expected at each depth while an item is skipped. */
typedef struct {
    uint64_t left[TSR_CBOR_DEPTH]; /* items until the end; when open: items so far */
    bool open[TSR_CBOR_DEPTH];     /* a break ends it */
    bool pairs[TSR_CBOR_DEPTH];
    size_t depth;
} nest;

static tsr_err nest_down(nest *n, const tsr_cbor_item *item)
{
    if (n->depth == TSR_CBOR_DEPTH)
        return TSR_E_UNSUPPORTED;

    bool pairs = item->kind == TSR_CBOR_MAP;

    n->open[n->depth] = item->indefinite;
    n->pairs[n->depth] = pairs;
    if (item->kind == TSR_CBOR_TAG)
        n->left[n->depth] = 1;
    else
        n->left[n->depth] = item->indefinite ? 0 : pairs ? item->n * 2 : item->n;
    n->depth++;
    return TSR_OK;
}

static bool nest_break(nest *n)
{
    if (n->depth == 0 || !n->open[n->depth - 1])
        return false;
    n->depth--;
    return !(n->pairs[n->depth] && n->left[n->depth] % 2 != 0);
}

/* One item is complete: that may complete what contains it, and so on upwards. */
static void nest_item_done(nest *n)
{
    while (n->depth != 0) {
        size_t top = n->depth - 1;

        if (n->open[top]) {
            n->left[top]++;
            return;
        }
        if (--n->left[top] != 0)
            return;
        n->depth--;
    }
}

static bool has_content(const tsr_cbor_item *item)
{
    if (item->kind == TSR_CBOR_TAG)
        return true;
    return (item->kind == TSR_CBOR_ARRAY || item->kind == TSR_CBOR_MAP)
           && (item->indefinite || item->n != 0);
}

tsr_err tsr_cbor_skip(tsr_bytes *in)
{
    tsr_bytes at = *in;
    nest n;

    n.depth = 0;

    do {
        tsr_cbor_item item;

        if (tsr_cbor_next(&at, &item) != TSR_OK)
            return TSR_E_MALFORMED;
        if (has_content(&item)) {
            tsr_err err = nest_down(&n, &item);

            if (err != TSR_OK)
                return err;
            continue;
        }
        if (item.kind == TSR_CBOR_BREAK && !nest_break(&n))
            return TSR_E_MALFORMED;
        if ((item.kind == TSR_CBOR_BYTES || item.kind == TSR_CBOR_TEXT) && item.indefinite
            && skip_chunks(&at, item.kind) != TSR_OK)
            return TSR_E_MALFORMED;
        nest_item_done(&n);
    } while (n.depth != 0);

    *in = at;
    return TSR_OK;
}

tsr_err tsr_cbor_check(tsr_bytes in)
{
    tsr_err err = tsr_cbor_skip(&in);

    if (err != TSR_OK)
        return err;
    return in.len == 0 ? TSR_OK : TSR_E_MALFORMED;
}

/* Every typed getter looks at one head on a copy and commits when it has what it wants. */
static tsr_err peek(tsr_bytes *at, tsr_cbor_item *item)
{
    return tsr_cbor_next(at, item) == TSR_OK ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_kind(tsr_bytes *in, tsr_cbor_kind kind, tsr_cbor_item *item)
{
    tsr_bytes at = *in;
    tsr_cbor_item got;

    if (peek(&at, &got) != TSR_OK)
        return TSR_E_MALFORMED;
    if (got.kind != kind || got.indefinite)
        return TSR_E_TYPE;
    *in = at;
    *item = got;
    return TSR_OK;
}

static tsr_err take_n(tsr_bytes *in, tsr_cbor_kind kind, uint64_t *n)
{
    tsr_cbor_item item;
    tsr_err err = take_kind(in, kind, &item);

    if (err == TSR_OK)
        *n = item.n;
    return err;
}

tsr_err tsr_cbor_get_uint(tsr_bytes *in, uint64_t *v) { return take_n(in, TSR_CBOR_UINT, v); }
tsr_err tsr_cbor_get_tag(tsr_bytes *in, uint64_t *v) { return take_n(in, TSR_CBOR_TAG, v); }
tsr_err tsr_cbor_get_array(tsr_bytes *in, uint64_t *v) { return take_n(in, TSR_CBOR_ARRAY, v); }
tsr_err tsr_cbor_get_map(tsr_bytes *in, uint64_t *v) { return take_n(in, TSR_CBOR_MAP, v); }

tsr_err tsr_cbor_get_int(tsr_bytes *in, int64_t *v)
{
    tsr_bytes at = *in;
    tsr_cbor_item item;

    if (peek(&at, &item) != TSR_OK)
        return TSR_E_MALFORMED;
    if ((item.kind != TSR_CBOR_UINT && item.kind != TSR_CBOR_NINT) || item.n > INT64_MAX)
        return TSR_E_TYPE;
    *v = item.kind == TSR_CBOR_UINT ? (int64_t)item.n : -1 - (int64_t)item.n;
    *in = at;
    return TSR_OK;
}

tsr_err tsr_cbor_get_float(tsr_bytes *in, double *v)
{
    tsr_bytes at = *in;
    tsr_cbor_item item;

    if (peek(&at, &item) != TSR_OK)
        return TSR_E_MALFORMED;
    switch (item.kind) {
    case TSR_CBOR_FLOAT: *v = tsr_cbor_float(&item); break;
    case TSR_CBOR_UINT:  *v = (double)item.n; break;
    case TSR_CBOR_NINT:  *v = -1.0 - (double)item.n; break;
    default:             return TSR_E_TYPE;
    }
    *in = at;
    return TSR_OK;
}

tsr_err tsr_cbor_get_bool(tsr_bytes *in, bool *v)
{
    tsr_bytes at = *in;
    uint64_t n;
    tsr_err err = take_n(&at, TSR_CBOR_SIMPLE, &n);

    if (err != TSR_OK)
        return err;
    if (n != FALSE_ && n != TRUE_)
        return TSR_E_TYPE;
    *v = n == TRUE_;
    *in = at;
    return TSR_OK;
}

tsr_err tsr_cbor_get_null(tsr_bytes *in)
{
    tsr_bytes at = *in;
    uint64_t n;
    tsr_err err = take_n(&at, TSR_CBOR_SIMPLE, &n);

    if (err != TSR_OK)
        return err;
    if (n != NULL_)
        return TSR_E_TYPE;
    *in = at;
    return TSR_OK;
}

tsr_err tsr_cbor_get_bytes(tsr_bytes *in, tsr_bytes *v)
{
    tsr_cbor_item item;
    tsr_err err = take_kind(in, TSR_CBOR_BYTES, &item);

    if (err == TSR_OK)
        *v = item.bytes;
    return err;
}

tsr_err tsr_cbor_get_text(tsr_bytes *in, tsr_bytes *v)
{
    tsr_bytes at = *in;
    tsr_cbor_item item;
    tsr_err err = take_kind(&at, TSR_CBOR_TEXT, &item);

    if (err != TSR_OK)
        return err;
    if (!tsr_utf8_valid(item.bytes))
        return TSR_E_MALFORMED;
    *v = item.bytes;
    *in = at;
    return TSR_OK;
}

/* RFC 8949 §3.2.3: each chunk of a text string is valid UTF-8 by itself. */
static tsr_err join_chunks(tsr_bytes *in, tsr_cbor_kind kind, tsr_buf *scratch, tsr_bytes *v)
{
    size_t start = scratch->len;
    tsr_cbor_item chunk;

    for (;;) {
        if (next_chunk(in, kind, &chunk) != TSR_OK)
            return TSR_E_MALFORMED;
        if (chunk.kind == TSR_CBOR_BREAK)
            break;
        if (kind == TSR_CBOR_TEXT && !tsr_utf8_valid(chunk.bytes))
            return TSR_E_MALFORMED;
        tsr_put_bytes(scratch, chunk.bytes);
    }
    if (scratch->err != TSR_OK)
        return TSR_E_SPACE;
    *v = tsr_view(scratch->ptr + start, scratch->len - start);
    return TSR_OK;
}

tsr_err tsr_cbor_get_string(tsr_bytes *in, tsr_cbor_kind kind, tsr_buf *scratch, tsr_bytes *v)
{
    tsr_bytes at = *in;
    tsr_cbor_item item;

    if (peek(&at, &item) != TSR_OK)
        return TSR_E_MALFORMED;
    if (item.kind != kind)
        return TSR_E_TYPE;
    if (item.indefinite) {
        if (scratch == NULL)
            return TSR_E_SPACE;

        tsr_err err = join_chunks(&at, kind, scratch, v);

        if (err != TSR_OK)
            return err;
    } else {
        if (kind == TSR_CBOR_TEXT && !tsr_utf8_valid(item.bytes))
            return TSR_E_MALFORMED;
        *v = item.bytes;
    }
    *in = at;
    return TSR_OK;
}

tsr_err tsr_cbor_enter(tsr_bytes *in, tsr_cbor_kind kind, tsr_cbor_walk *walk)
{
    tsr_bytes at = *in;
    tsr_cbor_item item;

    if (peek(&at, &item) != TSR_OK)
        return TSR_E_MALFORMED;
    if (item.kind != kind)
        return TSR_E_TYPE;
    walk->left = item.indefinite ? UINT64_MAX : item.n;
    *in = at;
    return TSR_OK;
}

tsr_err tsr_cbor_more(tsr_bytes *in, tsr_cbor_walk *walk)
{
    if (walk->left == 0)
        return TSR_END;
    if (in->len == 0)
        return TSR_E_MALFORMED;
    if (walk->left != UINT64_MAX) {
        walk->left--;
        return TSR_OK;
    }
    if (in->ptr[0] != 0xff)
        return TSR_OK;
    *in = tsr_skip(*in, 1);
    walk->left = 0;
    return TSR_END;
}
