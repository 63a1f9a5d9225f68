/* SPDX-License-Identifier: Apache-2.0
 *
 * SUIT 8.4.8: parameters. */
#include "tessera/suit/params.h"

#include "tessera/cbor/cbor.h"
#include "tessera/suit/internal.h"

/* SUIT 8.4.8.2; a vendor given as a PEN is not a byte string but a tag. */
static tsr_err take_uuid(tsr_bytes *in, tsr_bytes *v)
{
    tsr_err err = tsr_cbor_get_bytes(in, v);

    if (err == TSR_E_TYPE)
        return TSR_E_UNSUPPORTED;
    return err == TSR_OK && v->len == TSR_SUIT_UUID ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_digest(tsr_bytes *in, tsr_bytes *v)
{
    tsr_bytes wrapped;

    if (tsr_cbor_get_bytes(in, &wrapped) != TSR_OK)
        return TSR_E_MALFORMED;
    return tsr_suit_digest_read(wrapped, v);
}

/* draft-ietf-suit-update-management: a byte string around [comparison, [number, ...]]. */
static tsr_err take_wanted_version(tsr_bytes *in, tsr_suit_params *p)
{
    tsr_bytes at;
    uint64_t items, how, count, number;

    if (tsr_cbor_get_bytes(in, &at) != TSR_OK || tsr_cbor_get_array(&at, &items) != TSR_OK ||
        items != 2 || tsr_cbor_get_uint(&at, &how) != TSR_OK ||
        tsr_cbor_get_array(&at, &count) != TSR_OK || count == 0)
        return TSR_E_MALFORMED;
    if (how < TSR_SUIT_GREATER || how > TSR_SUIT_LESSER || count > 4)
        return TSR_E_UNSUPPORTED;
    memset(&p->version, 0, sizeof p->version);
    for (size_t i = 0; i < count; i++) {
        if (tsr_cbor_get_uint(&at, &number) != TSR_OK) /* pre-releases are below zero */
            return TSR_E_UNSUPPORTED;
        if (number > UINT32_MAX)
            return TSR_E_UNSUPPORTED;
        p->version.number[i] = (uint32_t)number;
    }
    p->version.how = (tsr_suit_comparison)how;
    p->version.count = (size_t)count;
    return at.len == 0 ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_one(tsr_suit_params *p, uint64_t key, tsr_bytes *in, bool *soft)
{
    bool order;

    switch (key) {
    case TSR_SUIT_P_VENDOR: return take_uuid(in, &p->vendor);
    case TSR_SUIT_P_CLASS: return take_uuid(in, &p->class_id);
    case TSR_SUIT_P_DEVICE: return take_uuid(in, &p->device);
    case TSR_SUIT_P_DIGEST: return take_digest(in, &p->digest);
    case TSR_SUIT_P_SLOT: return tsr_cbor_get_uint(in, &p->slot);
    case TSR_SUIT_P_SIZE: return tsr_cbor_get_uint(in, &p->size);
    case TSR_SUIT_P_SOURCE: return tsr_cbor_get_uint(in, &p->source);
    case TSR_SUIT_P_CONTENT: return tsr_cbor_get_bytes(in, &p->content);
    case TSR_SUIT_P_ENCRYPTION: return tsr_cbor_get_bytes(in, &p->encryption);
    case TSR_SUIT_P_URI: return tsr_cbor_get_text(in, &p->uri);
    case TSR_SUIT_P_INVOKE_ARGS: return tsr_cbor_get_bytes(in, &p->invoke_args);
    case TSR_SUIT_P_FETCH_ARGS: return tsr_cbor_get_bytes(in, &p->fetch_args);
    case TSR_SUIT_P_VERSION: return take_wanted_version(in, p);
    case TSR_SUIT_P_STRICT_ORDER: return tsr_cbor_get_bool(in, &order);
    case TSR_SUIT_P_SOFT_FAILURE:
        return soft != NULL ? tsr_cbor_get_bool(in, soft) : TSR_E_MALFORMED;
    default: return TSR_E_UNSUPPORTED;
    }
}

tsr_err tsr_suit_override(tsr_suit_params *p, tsr_bytes in, bool *soft)
{
    uint64_t pairs, key;

    if (tsr_cbor_get_map(&in, &pairs) != TSR_OK || pairs == 0)
        return TSR_E_MALFORMED;
    for (; pairs > 0; pairs--) {
        tsr_err err = tsr_cbor_get_uint(&in, &key);

        if (err == TSR_OK)
            err = take_one(p, key, &in, soft);
        else if (err == TSR_E_TYPE)
            err = TSR_E_UNSUPPORTED; /* a custom parameter */
        if (err != TSR_OK)
            return err == TSR_E_TYPE ? TSR_E_MALFORMED : err;
        p->set |= (uint32_t)1 << key;
    }
    return TSR_OK;
}
