/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of TO0 and TO1, and the EAT that proves a device. */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/message.h"

enum { UEID_RANDOM = 1, UEID_LEN = 1 + TSR_FDO_GUID };

/* FDO 1.1 message.22 */
tsr_err tsr_fdo_owner_sign_read(tsr_bytes in, tsr_bytes *to0d, tsr_bytes *to1d)
{
    tsr_bytes got0, got1;
    tsr_err err = tsr_fdo_get_array(&in, 2);

    if (err == TSR_OK)
        err = tsr_fdo_get_wrapped(&in, &got0);
    if (err == TSR_OK)
        err = tsr_fdo_get_item(&in, &got1);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK) {
        *to0d = got0;
        *to1d = got1;
    }
    return err;
}

void tsr_fdo_owner_sign_write(tsr_buf *out, tsr_bytes to0d, tsr_bytes to1d)
{
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_bytes(out, to0d);
    tsr_put_bytes(out, to1d);
}

tsr_err tsr_fdo_to0d_read(tsr_bytes in, tsr_fdo_to0d *d)
{
    tsr_fdo_to0d got;
    uint64_t wait = 0;
    tsr_err err = tsr_fdo_get_array(&in, 3);

    if (err == TSR_OK)
        err = tsr_fdo_get_item(&in, &got.voucher);
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &wait);
    if (err == TSR_OK && wait > UINT32_MAX)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.nonce);
    err = tsr_fdo_whole(in, err);
    got.wait_s = (uint32_t)wait;
    if (err == TSR_OK)
        *d = got;
    return err;
}

void tsr_fdo_to0d_write(tsr_buf *out, const tsr_fdo_to0d *d)
{
    tsr_cbor_put_array(out, 3);
    tsr_put_bytes(out, d->voucher);
    tsr_cbor_put_uint(out, d->wait_s);
    tsr_cbor_put_bytes(out, d->nonce);
}

static tsr_err take_addrs(tsr_bytes *in, tsr_fdo_to1d *d)
{
    tsr_bytes from = *in;
    tsr_fdo_addr a;
    uint64_t count = 0;
    tsr_err err = tsr_cbor_get_array(in, &count);

    if (err == TSR_OK && count == 0)
        err = TSR_E_MALFORMED;
    for (uint64_t i = 0; err == TSR_OK && i < count; i++)
        err = tsr_fdo_get_addr(in, &a);
    d->addrs = tsr_first(from, from.len - in->len);
    d->count = (size_t)count;
    return err;
}

/* FDO 1.1 message.33 */
tsr_err tsr_fdo_to1d_read(tsr_bytes payload, tsr_fdo_to1d *d)
{
    tsr_fdo_to1d got = { .count = 0 };
    tsr_err err = tsr_fdo_get_array(&payload, 2);

    if (err == TSR_OK)
        err = take_addrs(&payload, &got);
    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&payload, &got.to0d_hash);
    err = tsr_fdo_whole(payload, err);
    if (err == TSR_OK)
        *d = got;
    return err;
}

void tsr_fdo_to1d_write(tsr_buf *out, const tsr_fdo_addr *addrs, size_t count,
                        const tsr_fdo_hash *to0d_hash)
{
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_array(out, count);
    for (size_t i = 0; i < count; i++)
        tsr_fdo_put_addr(out, &addrs[i]);
    tsr_fdo_put_hash(out, to0d_hash);
}

/* FDO 1.1 message.30, FDO 1.1 message.31 */
tsr_err tsr_fdo_hello_rv_read(tsr_bytes in, tsr_fdo_hello_rv *h)
{
    tsr_fdo_hello_rv got;
    tsr_err err = tsr_fdo_get_array(&in, 2);

    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.id);
    if (err == TSR_OK)
        err = tsr_fdo_get_sig_info(&in, &got.sig);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *h = got;
    return err;
}

void tsr_fdo_hello_rv_write(tsr_buf *out, const tsr_fdo_hello_rv *h)
{
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_bytes(out, h->id);
    tsr_fdo_put_sig_info(out, &h->sig);
}

static tsr_err take_ueid(tsr_bytes value, tsr_bytes *guid)
{
    tsr_bytes ueid;
    tsr_err err = tsr_cbor_get_bytes(&value, &ueid);

    if (err == TSR_OK && (ueid.len != UEID_LEN || ueid.ptr[0] != UEID_RANDOM))
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        *guid = tsr_skip(ueid, 1);
    return err;
}

static tsr_err take_kex(tsr_bytes payload, tsr_bytes *kex)
{
    tsr_bytes value;
    tsr_err err = tsr_cose_find(payload, TSR_FDO_EAT_FDO, &value);

    *kex = tsr_view(NULL, 0);
    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (err == TSR_OK)
        err = tsr_fdo_get_array(&value, 1);
    return err == TSR_OK ? tsr_cbor_get_bytes(&value, kex) : err;
}

static tsr_err needed(tsr_err err) { return err == TSR_E_NOT_FOUND ? TSR_E_MALFORMED : err; }

/* FDO 1.1 message.32, FDO 1.1 message.64: claims in any order */
tsr_err tsr_fdo_eat_read(tsr_bytes payload, tsr_fdo_eat *e)
{
    tsr_fdo_eat got;
    tsr_bytes value;
    tsr_err err = tsr_cbor_check(payload);

    if (err == TSR_OK)
        err = needed(tsr_cose_find(payload, TSR_FDO_EAT_NONCE, &value));
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&value, &got.nonce);
    if (err == TSR_OK)
        err = needed(tsr_cose_find(payload, TSR_FDO_EAT_UEID, &value));
    if (err == TSR_OK)
        err = take_ueid(value, &got.guid);
    if (err == TSR_OK)
        err = take_kex(payload, &got.kex);
    if (err == TSR_OK)
        *e = got;
    return err;
}

void tsr_fdo_eat_write(tsr_buf *out, const tsr_fdo_eat *e)
{
    tsr_cbor_put_map(out, e->kex.ptr != NULL ? 3 : 2);
    tsr_cbor_put_int(out, TSR_FDO_EAT_NONCE);
    tsr_cbor_put_bytes(out, e->nonce);
    tsr_cbor_put_int(out, TSR_FDO_EAT_UEID);
    tsr_cbor_put_head(out, TSR_CBOR_BYTES, UEID_LEN);
    tsr_put_u8(out, UEID_RANDOM);
    tsr_put_bytes(out, e->guid);
    if (e->kex.ptr == NULL)
        return;
    tsr_cbor_put_int(out, TSR_FDO_EAT_FDO);
    tsr_cbor_put_array(out, 1);
    tsr_cbor_put_bytes(out, e->kex);
}
