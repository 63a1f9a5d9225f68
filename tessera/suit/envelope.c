/* SPDX-License-Identifier: Apache-2.0
 *
 * SUIT 8.2, 8.3: the envelope and who signed it. Read with heads of our own, since a payload may
 * reach beyond what is in memory. */
#include "tessera/cbor/cbor.h"
#include "tessera/suit/internal.h"

enum { AUTHENTICATION = 2, MANIFEST = 3, FETCH = 16, INSTALL = 20, TEXT = 23 };

/* One head; a window that ends within it is too small, anything else that is wrong is malformed. */
static tsr_err head(tsr_bytes *in, tsr_cbor_kind *kind, uint64_t *n)
{
    if (in->len == 0)
        return TSR_E_SPACE;

    uint8_t info = in->ptr[0] & 31u;
    size_t width = info < 24 ? 0 : (size_t)1 << (info & 3u);
    uint64_t sum = info;

    if (info > 27)
        return TSR_E_MALFORMED;
    if (width >= in->len)
        return TSR_E_SPACE;
    if (width > 0)
        sum = 0;
    for (size_t i = 1; i <= width; i++)
        sum = sum << 8 | in->ptr[i];
    *kind = (tsr_cbor_kind)(in->ptr[0] >> 5);
    *n = sum;
    *in = tsr_skip(*in, 1 + width);
    return TSR_OK;
}

/* The value of an entry: always a byte string (SUIT 8.2). It may reach to `total` if it is a
 * payload, else it has to lie in the window. */
typedef struct {
    tsr_bytes content, whole;
    uint64_t at, len;
} value;

static tsr_err take_value(tsr_bytes window, uint64_t total, tsr_bytes *in, bool payload, value *v)
{
    tsr_bytes begin = *in;
    tsr_cbor_kind kind;
    tsr_err err = head(in, &kind, &v->len);

    if (err != TSR_OK)
        return err;
    if (kind != TSR_CBOR_BYTES)
        return TSR_E_MALFORMED;
    v->at = (uint64_t)(in->ptr - window.ptr);
    if (v->len > in->len && (!payload || v->len > total - v->at))
        return TSR_E_SPACE;
    if (v->len > in->len) { /* nothing of what follows can be seen */
        *in = tsr_skip(*in, in->len);
        return TSR_END;
    }
    v->content = tsr_first(*in, (size_t)v->len);
    *in = tsr_skip(*in, (size_t)v->len);
    v->whole = tsr_first(begin, begin.len - in->len);
    return TSR_OK;
}

tsr_err tsr_suit_digest_read(tsr_bytes in, tsr_bytes *digest)
{
    uint64_t items;
    int64_t alg;
    tsr_bytes bytes;

    if (tsr_cbor_get_array(&in, &items) != TSR_OK || items < 2 ||
        tsr_cbor_get_int(&in, &alg) != TSR_OK || tsr_cbor_get_bytes(&in, &bytes) != TSR_OK)
        return TSR_E_MALFORMED;
    if (alg != TSR_SUIT_SHA256 || items != 2)
        return TSR_E_UNSUPPORTED;
    if (bytes.len != TSR_SUIT_DIGEST || in.len != 0)
        return TSR_E_MALFORMED;
    *digest = bytes;
    return TSR_OK;
}

static tsr_err take_authentication(tsr_bytes in, tsr_suit_envelope *e)
{
    uint64_t items;

    if (e->signed_digest.ptr != NULL || tsr_cbor_get_array(&in, &items) != TSR_OK || items < 1 ||
        tsr_cbor_get_bytes(&in, &e->signed_digest) != TSR_OK)
        return TSR_E_MALFORMED;
    e->blocks = in;
    e->block_count = items - 1;
    return tsr_suit_digest_read(e->signed_digest, &e->digest);
}

static tsr_err keep(tsr_bytes *where, tsr_bytes what)
{
    if (where->ptr != NULL)
        return TSR_E_MALFORMED; /* a member twice */
    *where = what;
    return TSR_OK;
}

static tsr_err take_member(uint64_t key, const value *v, tsr_suit_envelope *e)
{
    switch (key) {
    case AUTHENTICATION: return take_authentication(v->content, e);
    case MANIFEST: e->manifest = v->content; return keep(&e->manifest_whole, v->whole);
    case FETCH: return keep(&e->fetch, v->whole);
    case INSTALL: return keep(&e->install, v->whole);
    case TEXT: return keep(&e->text, v->whole);
    default: return TSR_OK; /* not signed, so it cannot matter */
    }
}

static tsr_err take_payload(tsr_bytes name, const value *v, tsr_suit_envelope *e)
{
    if (e->payload_count == TSR_SUIT_PAYLOADS)
        return TSR_E_UNSUPPORTED;
    for (size_t i = 0; i < e->payload_count; i++)
        if (tsr_same(e->payloads[i].name, name))
            return TSR_E_MALFORMED;
    e->payloads[e->payload_count++] = (tsr_suit_payload){ name, v->at, v->len };
    return TSR_OK;
}

/* TSR_END: an entry that ends outside the window; it has to be the last one. */
static tsr_err take_entry(tsr_bytes window, uint64_t total, tsr_bytes *in, tsr_suit_envelope *e)
{
    tsr_cbor_kind kind;
    uint64_t n;
    tsr_bytes name = { NULL, 0 };
    value v = { 0 };
    tsr_err err = head(in, &kind, &n);

    if (err != TSR_OK)
        return err;
    if (kind == TSR_CBOR_TEXT) {
        if (n > in->len)
            return TSR_E_SPACE;
        name = tsr_first(*in, (size_t)n);
        *in = tsr_skip(*in, (size_t)n);
    } else if (kind != TSR_CBOR_UINT && kind != TSR_CBOR_NINT) {
        return TSR_E_MALFORMED;
    }
    err = take_value(window, total, in, kind == TSR_CBOR_TEXT, &v);
    if (err != TSR_OK && err != TSR_END)
        return err;
    e->len = v.at + v.len;

    tsr_err kept = kind == TSR_CBOR_TEXT   ? take_payload(name, &v, e)
                   : kind == TSR_CBOR_UINT ? take_member(n, &v, e)
                                           : TSR_OK;

    return kept == TSR_OK ? err : kept;
}

bool tsr_suit_is_envelope(tsr_bytes begin)
{
    if (begin.len >= 3 && begin.ptr[0] == 0xd8 && begin.ptr[1] == 107)
        begin = tsr_skip(begin, 2);
    return begin.len >= 1 && begin.ptr[0] >= 0xa2 && begin.ptr[0] <= 0xb7;
}

tsr_err tsr_suit_open(tsr_bytes window, uint64_t total, tsr_suit_envelope *e)
{
    tsr_suit_envelope got = { 0 };
    tsr_bytes in = window;
    tsr_cbor_kind kind;
    uint64_t pairs;

    if (total < window.len || window.len < 3)
        return TSR_E_SPACE;
    if (!tsr_suit_is_envelope(window))
        return TSR_E_MALFORMED;
    if (in.ptr[0] == 0xd8)
        in = tsr_skip(in, 2);

    tsr_err err = head(&in, &kind, &pairs);

    for (; err == TSR_OK && pairs > 0; pairs--)
        err = take_entry(window, total, &in, &got);
    if (err == TSR_END)
        err = pairs == 0 ? TSR_OK : TSR_E_SPACE; /* the loop has counted it already */
    if (err == TSR_OK && (got.signed_digest.ptr == NULL || got.manifest_whole.ptr == NULL))
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        *e = got;
    return err;
}

tsr_err tsr_suit_check(const tsr_suit_envelope *e, const tsr_suit_crypto *crypto,
                       uint8_t signer[TSR_SUIT_DIGEST])
{
    uint8_t digest[TSR_SUIT_DIGEST];
    tsr_bytes blocks = e->blocks, cose;
    tsr_err err;

    if (e->block_count > TSR_SUIT_BLOCKS)
        return TSR_E_UNSUPPORTED;
    err = crypto->sha256(crypto->self, e->manifest_whole, digest);
    if (err != TSR_OK)
        return err;
    if (!tsr_same(e->digest, tsr_view(digest, sizeof digest)))
        return TSR_E_CRYPTO;
    err = TSR_E_CRYPTO;
    for (uint64_t i = 0; i < e->block_count; i++) {
        if (tsr_cbor_get_bytes(&blocks, &cose) != TSR_OK)
            return TSR_E_MALFORMED;
        if (err != TSR_OK && crypto->verify(crypto->self, cose, e->signed_digest, signer) == TSR_OK)
            err = TSR_OK;
    }
    return blocks.len == 0 ? err : TSR_E_MALFORMED;
}
