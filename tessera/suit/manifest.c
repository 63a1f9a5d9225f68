/* SPDX-License-Identifier: Apache-2.0
 *
 * SUIT 8.4: the manifest and its severable members. */
#include "tessera/cbor/cbor.h"
#include "tessera/suit/internal.h"

/* SUIT 11.2, 11.3 */
enum {
    VERSION = 1,
    SEQUENCE = 2,
    COMMON = 3,
    REFERENCE_URI = 4,
    VALIDATE = 7,
    LOAD = 8,
    INVOKE = 9,
    FETCH = 16,
    INSTALL = 20,
    TEXT = 23,

    COMPONENTS = 2,
    SHARED = 4,
};

static tsr_err take_bytes(tsr_bytes *in, tsr_bytes *v)
{
    return tsr_cbor_get_bytes(in, v) == TSR_OK ? TSR_OK : TSR_E_MALFORMED;
}

/* SUIT 8.4.5.1: an identifier is an array of byte strings. */
static tsr_err take_component(tsr_bytes *in, tsr_bytes *id)
{
    tsr_bytes begin = *in, segment;
    uint64_t segments;

    if (tsr_cbor_get_array(in, &segments) != TSR_OK)
        return TSR_E_MALFORMED;
    while (segments-- > 0)
        if (tsr_cbor_get_bytes(in, &segment) != TSR_OK)
            return TSR_E_MALFORMED;
    *id = tsr_first(begin, begin.len - in->len);
    return TSR_OK;
}

static tsr_err take_components(tsr_bytes *in, tsr_suit_manifest *m)
{
    uint64_t count;

    if (m->components != 0 || tsr_cbor_get_array(in, &count) != TSR_OK || count == 0)
        return TSR_E_MALFORMED;
    if (count > TSR_SUIT_COMPONENTS)
        return TSR_E_UNSUPPORTED;
    while (m->components < count) {
        if (take_component(in, &m->component[m->components]) != TSR_OK)
            return TSR_E_MALFORMED;
        m->components++;
    }
    return TSR_OK;
}

static tsr_err take_common(tsr_bytes in, tsr_suit_manifest *m)
{
    uint64_t pairs, key;
    tsr_err err = TSR_OK;

    if (tsr_cbor_get_map(&in, &pairs) != TSR_OK)
        return TSR_E_MALFORMED;
    for (; err == TSR_OK && pairs > 0; pairs--) {
        if (tsr_cbor_get_uint(&in, &key) != TSR_OK)
            return TSR_E_MALFORMED;
        if (key == COMPONENTS)
            err = take_components(&in, m);
        else if (key == SHARED && m->shared.ptr == NULL)
            err = take_bytes(&in, &m->shared);
        else
            return TSR_E_UNSUPPORTED; /* dependencies of other drafts change what a manifest means
                                       */
    }
    if (err != TSR_OK)
        return err;
    return in.len == 0 && m->components > 0 ? TSR_OK : TSR_E_MALFORMED;
}

/* SUIT 8.4.12: a byte string here, or its digest here and the byte string in the envelope. */
static tsr_err take_severable(tsr_bytes *in, tsr_bytes whole, const tsr_suit_crypto *crypto,
                              tsr_suit_member *member)
{
    tsr_bytes begin = *in;
    uint8_t digest[TSR_SUIT_DIGEST];
    tsr_err err;

    if (member->there)
        return TSR_E_MALFORMED;
    member->there = true;
    if (tsr_cbor_get_bytes(in, &member->bytes) == TSR_OK)
        return TSR_OK;
    if (tsr_cbor_skip(in) != TSR_OK)
        return TSR_E_MALFORMED;
    member->severed = true;
    err = tsr_suit_digest_read(tsr_first(begin, begin.len - in->len), &member->digest);
    if (err != TSR_OK || whole.len == 0)
        return err;
    err = crypto->sha256(crypto->self, whole, digest);
    if (err == TSR_OK && !tsr_same(member->digest, tsr_view(digest, sizeof digest)))
        err = TSR_E_CRYPTO;
    if (err == TSR_OK)
        err = take_bytes(&whole, &member->bytes);
    return err;
}

static tsr_err take_version(tsr_bytes *in)
{
    uint64_t version;

    if (tsr_cbor_get_uint(in, &version) != TSR_OK)
        return TSR_E_MALFORMED;
    return version == 1 ? TSR_OK : TSR_E_UNSUPPORTED;
}

static tsr_err take_member(uint64_t key, tsr_bytes *in, const tsr_suit_envelope *e,
                           const tsr_suit_crypto *crypto, tsr_suit_manifest *m)
{
    tsr_bytes v;

    switch (key) {
    case VERSION: return take_version(in);
    case SEQUENCE: return tsr_cbor_get_uint(in, &m->sequence);
    case COMMON: return take_bytes(in, &v) == TSR_OK ? take_common(v, m) : TSR_E_MALFORMED;
    case REFERENCE_URI: return tsr_cbor_get_text(in, &m->reference_uri);
    case VALIDATE: return take_bytes(in, &m->validate);
    case LOAD: return take_bytes(in, &m->load);
    case INVOKE: return take_bytes(in, &m->invoke);
    case FETCH: return take_severable(in, e->fetch, crypto, &m->fetch);
    case INSTALL: return take_severable(in, e->install, crypto, &m->install);
    case TEXT: return take_severable(in, e->text, crypto, &m->text);
    default: return TSR_E_UNSUPPORTED;
    }
}

tsr_err tsr_suit_read(const tsr_suit_envelope *e, const tsr_suit_crypto *crypto,
                      tsr_suit_manifest *m)
{
    const uint32_t wanted = 1u << VERSION | 1u << SEQUENCE | 1u << COMMON;
    tsr_suit_manifest got = { 0 };
    tsr_bytes in = e->manifest;
    uint64_t pairs, key;
    uint32_t seen = 0;
    tsr_err err = TSR_OK;

    if (tsr_cbor_get_map(&in, &pairs) != TSR_OK)
        return TSR_E_MALFORMED;
    for (; err == TSR_OK && pairs > 0; pairs--) {
        if (tsr_cbor_get_uint(&in, &key) != TSR_OK)
            return TSR_E_MALFORMED;
        if (key > 31)
            return TSR_E_UNSUPPORTED;
        if ((seen & 1u << key) != 0)
            return TSR_E_MALFORMED;
        seen |= 1u << key;
        err = take_member(key, &in, e, crypto, &got);
        if (err == TSR_E_TYPE)
            err = TSR_E_MALFORMED;
    }
    if (err == TSR_OK && ((seen & wanted) != wanted || in.len != 0))
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        *m = got;
    return err;
}

bool tsr_suit_named(const tsr_suit_manifest *m, size_t component, tsr_bytes name)
{
    tsr_bytes id = m->component[component], segment;
    uint64_t segments;

    return tsr_cbor_get_array(&id, &segments) == TSR_OK && segments == 1 &&
           tsr_cbor_get_bytes(&id, &segment) == TSR_OK && tsr_same(segment, name);
}

/* The entry of a map whose encoded key is `key`. */
static tsr_err find(tsr_bytes map, tsr_bytes key, tsr_bytes *v)
{
    uint64_t pairs;

    if (tsr_cbor_get_map(&map, &pairs) != TSR_OK)
        return TSR_E_MALFORMED;
    for (; pairs > 0; pairs--) {
        tsr_bytes begin = map;

        if (tsr_cbor_skip(&map) != TSR_OK)
            return TSR_E_MALFORMED;

        bool same = tsr_same(tsr_first(begin, begin.len - map.len), key);

        begin = map;
        if (tsr_cbor_skip(&map) != TSR_OK)
            return TSR_E_MALFORMED;
        if (same) {
            *v = tsr_first(begin, begin.len - map.len);
            return TSR_OK;
        }
    }
    return TSR_E_NOT_FOUND;
}

tsr_err tsr_suit_text(const tsr_suit_manifest *m, size_t component, unsigned key, tsr_bytes *text)
{
    tsr_bytes in = m->text.bytes, language, found;
    uint8_t number = (uint8_t)key; /* as a key in CBOR: below 24, so its own head */
    uint64_t pairs;
    tsr_err err;

    if (in.len == 0 || key > 23 || component >= m->components)
        return TSR_E_NOT_FOUND;
    if (tsr_cbor_get_map(&in, &pairs) != TSR_OK || pairs == 0 ||
        tsr_cbor_get_text(&in, &language) != TSR_OK)
        return TSR_E_MALFORMED;
    err = find(in, m->component[component], &found);
    if (err == TSR_OK)
        err = find(found, tsr_view(&number, 1), &found);
    if (err == TSR_OK && tsr_cbor_get_text(&found, text) != TSR_OK)
        err = TSR_E_MALFORMED;
    return err;
}
