/* SPDX-License-Identifier: Apache-2.0
 *
 * A chain of entries, verified one by one over the bytes received. FDO 1.1 Voucher */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/voucher.h"

static const int32_t algs[2] = { TSR_FDO_SHA256, TSR_FDO_SHA384 };

static size_t place_of(int32_t alg) { return alg == TSR_FDO_SHA256 ? 0 : 1; }

static tsr_err hash_both(uint8_t to[2][TSR_FDO_HASH_MAX], tsr_bytes a, tsr_bytes b)
{
    const tsr_bytes parts[] = { a, b };
    tsr_fdo_hash h;
    tsr_err err = TSR_OK;

    for (size_t i = 0; err == TSR_OK && i < 2; i++)
        err = tsr_fdo_hash_make(algs[i], parts, 2, to[i], &h);
    return err;
}

static void keep_part(tsr_buf *room, tsr_bytes part, tsr_bytes *kept)
{
    *kept = tsr_view(NULL, 0);
    if (part.ptr == NULL || tsr_buf_claim(room, part.len) == NULL)
        return;
    *kept = tsr_view(room->ptr + room->len - part.len, part.len);
    memcpy(room->ptr + room->len - part.len, part.ptr, part.len);
}

/* The key without its encoding. */
static void keep_owner(tsr_fdo_ov_chain *c, const tsr_fdo_key *k)
{
    tsr_buf room = tsr_buf_over(c->owner_room, sizeof c->owner_room);

    c->owner = *k;
    c->owner.body = c->owner.encoded = tsr_view(NULL, 0);
    keep_part(&room, k->x, &c->owner.x);
    keep_part(&room, k->y, &c->owner.y);
    keep_part(&room, k->rsa, &c->owner.rsa);
}

tsr_err tsr_fdo_ov_begin(tsr_fdo_ov_chain *c, const tsr_fdo_ov_header *h, tsr_bytes hmac_encoded)
{
    tsr_err err = hash_both(c->previous, h->encoded, hmac_encoded);

    if (err == TSR_OK)
        err = hash_both(c->header_info, h->guid, h->device_info);
    c->alg = 0;
    c->count = 0;
    keep_owner(c, &h->manufacturer);
    return err;
}

static bool is_hash(const tsr_fdo_hash *h, const uint8_t kept[2][TSR_FDO_HASH_MAX])
{
    return !tsr_fdo_hash_is_mac(h->alg) &&
           memcmp(h->value.ptr, kept[place_of(h->alg)], h->value.len) == 0;
}

static tsr_err failed(tsr_fdo_fault *fault, const tsr_fdo_ov_chain *c, const char *what,
                      tsr_err err)
{
    if (fault != NULL)
        *fault = (tsr_fdo_fault){ what, c->count };
    return err;
}

static tsr_err check_entry(const tsr_fdo_ov_chain *c, const tsr_fdo_ov_entry *e,
                           tsr_fdo_fault *fault)
{
    tsr_err err;

    if (c->alg != 0 && e->previous.alg != c->alg)
        return failed(fault, c, "hash algorithm of entry", TSR_E_CRYPTO);
    if (!is_hash(&e->previous, c->previous))
        return failed(fault, c, "hash of what stands before the entry", TSR_E_CRYPTO);
    if (e->header_info.alg != e->previous.alg || !is_hash(&e->header_info, c->header_info))
        return failed(fault, c, "hash of GUID and DeviceInfo in entry", TSR_E_CRYPTO);
    err = tsr_fdo_verify(&e->cose, &c->owner);
    return err == TSR_OK ? TSR_OK : failed(fault, c, "owner's signature of entry", err);
}

tsr_err tsr_fdo_ov_next(tsr_fdo_ov_chain *c, tsr_bytes entry, tsr_fdo_fault *fault)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_ov_entry e;
    tsr_fdo_hash h;
    tsr_err err;

    if (fault != NULL)
        fault->what = NULL;
    err = tsr_fdo_ov_entry_read(entry, &e);
    if (err != TSR_OK)
        return failed(fault, c, "form of entry", err);
    err = check_entry(c, &e, fault);
    if (err == TSR_OK)
        err = tsr_fdo_hash_make(e.previous.alg, &e.encoded, 1, room, &h);
    if (err != TSR_OK)
        return err;
    c->alg = e.previous.alg;
    memcpy(c->previous[place_of(c->alg)], room, h.value.len);
    c->count++;
    keep_owner(c, &e.next);
    return TSR_OK;
}

tsr_err tsr_fdo_chain_hash(int32_t alg, tsr_bytes certificates, uint8_t room[TSR_FDO_HASH_MAX],
                           tsr_fdo_hash *h)
{
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
    psa_status_t status = PSA_SUCCESS;
    tsr_bytes der;
    uint64_t count = 0;
    size_t len = 0;
    tsr_err err = tsr_cbor_get_array(&certificates, &count);

    if (tsr_fdo_hash_len(alg) == 0 || tsr_fdo_hash_is_mac(alg))
        return TSR_E_UNSUPPORTED;
    status = psa_hash_setup(&op, tsr_fdo_hash_psa(alg));
    for (; err == TSR_OK && status == PSA_SUCCESS && count > 0; count--) {
        err = tsr_fdo_get_certificate(&certificates, &der);
        if (err == TSR_OK)
            status = psa_hash_update(&op, der.ptr, der.len);
    }
    if (err == TSR_OK && status == PSA_SUCCESS)
        status = psa_hash_finish(&op, room, TSR_FDO_HASH_MAX, &len);
    (void)psa_hash_abort(&op);
    if (err == TSR_OK && status != PSA_SUCCESS)
        err = TSR_E_CRYPTO;
    if (err == TSR_OK)
        *h = (tsr_fdo_hash){ alg, { room, len } };
    return err;
}
