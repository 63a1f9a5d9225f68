/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole vouchers: verified, and extended to the next owner. FDO 1.1 Voucher */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/voucher.h"

static tsr_err check_chain_hash(const tsr_fdo_voucher *v)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_hash got;
    tsr_err err;

    if (v->certificates.ptr == NULL || v->header.chain_hash.alg == 0)
        return v->certificates.ptr == NULL && v->header.chain_hash.alg == 0 ? TSR_OK
                                                                            : TSR_E_CRYPTO;
    err = tsr_fdo_chain_hash(v->header.chain_hash.alg, v->certificates, room, &got);
    if (err == TSR_OK && !tsr_fdo_hash_same(&got, &v->header.chain_hash))
        err = TSR_E_CRYPTO;
    return err;
}

static tsr_err no(tsr_fdo_fault *fault, const char *what, tsr_err err)
{
    *fault = (tsr_fdo_fault){ what, 0 };
    return err;
}

static tsr_err check_header(const tsr_fdo_voucher *v, tsr_fdo_fault *fault)
{
    size_t directives = 0;
    tsr_err err;

    if (v->header.device_info.len == 0)
        return no(fault, "DeviceInfo is empty", TSR_E_DENIED);
    if (tsr_fdo_rv_check(v->header.rv_info, &directives) != TSR_OK || directives == 0)
        return no(fault, "RendezvousInfo is empty", TSR_E_DENIED);
    err = check_chain_hash(v);
    return err == TSR_OK ? TSR_OK : no(fault, "hash of the device's certificates", err);
}

static tsr_err check_entries(const tsr_fdo_voucher *v, tsr_fdo_ov_chain *c, tsr_fdo_fault *fault)
{
    tsr_bytes in = v->entries, entry;
    tsr_err err = tsr_fdo_ov_begin(c, &v->header, v->hmac_encoded);

    for (size_t i = 0; err == TSR_OK && i < v->count; i++) {
        err = tsr_fdo_get_item(&in, &entry);
        if (err == TSR_OK)
            err = tsr_fdo_ov_next(c, entry, fault);
    }
    return err;
}

tsr_err tsr_fdo_voucher_owner(const tsr_fdo_voucher *v, tsr_fdo_key *owner)
{
    tsr_fdo_ov_entry e;
    tsr_bytes entry;
    tsr_err err;

    if (v->count == 0) {
        *owner = v->header.manufacturer;
        return TSR_OK;
    }
    err = tsr_fdo_voucher_entry(v, v->count - 1, &entry);
    if (err == TSR_OK)
        err = tsr_fdo_ov_entry_read(entry, &e);
    if (err == TSR_OK)
        *owner = e.next;
    return err;
}

tsr_err tsr_fdo_voucher_verify(const tsr_fdo_voucher *v, tsr_fdo_key *owner, tsr_fdo_fault *fault)
{
    tsr_fdo_fault unseen;
    tsr_fdo_ov_chain c;
    tsr_err err;

    if (fault == NULL)
        fault = &unseen;
    fault->what = NULL;
    err = check_header(v, fault);
    if (err == TSR_OK)
        err = check_entries(v, &c, fault);
    if (err == TSR_OK && owner != NULL)
        err = tsr_fdo_voucher_owner(v, owner);
    return err;
}

tsr_err tsr_fdo_voucher_check_hmac(const tsr_fdo_voucher *v, tsr_cose_key_id secret)
{
    return tsr_fdo_mac_check(&v->hmac, secret, v->header.encoded);
}

/* ---- extension ---------------------------------------------------------------------------- */

/* One hash algorithm for the whole chain: that of the entries, else the header's. */
static int32_t chain_alg(const tsr_fdo_voucher *v)
{
    tsr_fdo_ov_entry e;
    tsr_bytes entry;

    if (tsr_fdo_voucher_entry(v, 0, &entry) == TSR_OK &&
        tsr_fdo_ov_entry_read(entry, &e) == TSR_OK)
        return e.previous.alg;
    return v->header.chain_hash.alg != 0
               ? v->header.chain_hash.alg
               : tsr_fdo_key_hash(v->header.manufacturer.type, v->header.manufacturer.bits);
}

static tsr_err put_hashes(tsr_buf *out, const tsr_fdo_voucher *v)
{
    tsr_bytes before[] = { v->header.encoded, v->hmac_encoded };
    const tsr_bytes info[] = { v->header.guid, v->header.device_info };
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_hash h;
    tsr_err err = TSR_OK;

    if (v->count > 0)
        err = tsr_fdo_voucher_entry(v, v->count - 1, &before[0]);
    if (err == TSR_OK)
        err = tsr_fdo_hash_make(chain_alg(v), before, v->count > 0 ? 1 : 2, room, &h);
    if (err != TSR_OK)
        return err;
    tsr_fdo_put_hash(out, &h);
    err = tsr_fdo_hash_make(h.alg, info, 2, room, &h);
    if (err == TSR_OK)
        tsr_fdo_put_hash(out, &h);
    return err;
}

/* The entry's payload; its length is known beforehand, since the COSE room wants it so. */
static size_t payload_len(const tsr_fdo_voucher *v, tsr_bytes next, tsr_bytes extra)
{
    size_t hash = tsr_fdo_hash_len(chain_alg(v));
    size_t hash_item = (hash == 32 ? 4u : 5u) + hash;
    uint8_t room[9];
    tsr_buf head = tsr_buf_over(room, sizeof room);

    if (extra.ptr == NULL)
        return 1 + 2 * hash_item + 1 + next.len;
    tsr_cbor_put_head(&head, TSR_CBOR_BYTES, extra.len);
    return 1 + 2 * hash_item + head.len + extra.len + next.len;
}

static tsr_err put_entry(tsr_buf *out, const tsr_fdo_voucher *v, const tsr_fdo_key *owner,
                         tsr_cose_key_id key, tsr_bytes next, tsr_bytes extra)
{
    const tsr_cose_params p = { .alg = tsr_fdo_key_alg(owner->type, owner->bits) };
    tsr_cose_signing signing;
    size_t at = out->len;
    tsr_fdo_ov_entry e;
    tsr_err err =
        tsr_cose_sign1_begin(out, &p, key, payload_len(v, next, extra), &signing);

    if (err != TSR_OK)
        return err;
    tsr_cbor_put_array(out, 4);
    err = put_hashes(out, v);
    if (err != TSR_OK)
        return err;
    tsr_fdo_put_bytes_or_null(out, extra);
    tsr_put_bytes(out, next);
    err = tsr_cose_sign1_end(out, &signing, tsr_view(NULL, 0));
    if (err == TSR_OK)
        err = tsr_fdo_ov_entry_read(tsr_view(out->ptr + at, out->len - at), &e);
    return err == TSR_OK ? tsr_fdo_verify(&e.cose, owner) : err; /* it was the owner's key */
}

tsr_err tsr_fdo_voucher_extend(tsr_buf *out, const tsr_fdo_voucher *v, tsr_cose_key_id owner_key,
                               tsr_bytes next, tsr_bytes extra)
{
    size_t before = out->len;
    tsr_fdo_key owner;
    tsr_err err = out->err;

    if (err == TSR_OK && v->count >= TSR_FDO_ENTRIES_MAX)
        err = TSR_E_DENIED;
    if (err == TSR_OK)
        err = tsr_fdo_voucher_owner(v, &owner);
    if (err != TSR_OK)
        return err;
    /* version, header, HMac and certificates stand as they were */
    tsr_put_bytes(out, v->front);
    tsr_cbor_put_array(out, v->count + 1);
    tsr_put_bytes(out, v->entries);
    err = out->err == TSR_OK ? put_entry(out, v, &owner, owner_key, next, extra) : out->err;
    if (err != TSR_OK) {
        out->err = err;
        out->len = before;
    }
    return err;
}
