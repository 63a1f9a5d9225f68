/* SPDX-License-Identifier: Apache-2.0
 *
 * Vouchers, taken apart and written. FDO 1.1 Voucher */
#include "tessera/fdo/voucher.h"
#include "tessera/cbor/cbor.h"

static tsr_err get_version(tsr_bytes *in)
{
    uint64_t version;
    tsr_err err = tsr_cbor_get_uint(in, &version);

    return err == TSR_OK && version != TSR_FDO_VERSION ? TSR_E_UNSUPPORTED : err;
}

tsr_err tsr_fdo_ov_header_read(tsr_bytes in, tsr_fdo_ov_header *h)
{
    tsr_fdo_ov_header got = { .encoded = in };
    size_t directives;
    tsr_err err = tsr_fdo_get_array(&in, 6);

    if (err == TSR_OK)
        err = get_version(&in);
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.guid);
    if (err == TSR_OK)
        err = tsr_fdo_get_item(&in, &got.rv_info);
    if (err == TSR_OK)
        err = tsr_fdo_rv_check(got.rv_info, &directives);
    if (err == TSR_OK)
        err = tsr_cbor_get_text(&in, &got.device_info);
    if (err == TSR_OK)
        err = tsr_fdo_get_key(&in, &got.manufacturer);
    if (err == TSR_OK)
        err = tsr_fdo_get_hash_or_null(&in, &got.chain_hash);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK && tsr_fdo_hash_is_mac(got.chain_hash.alg))
        err = TSR_E_UNSUPPORTED;
    if (err == TSR_OK)
        *h = got;
    return err;
}

void tsr_fdo_ov_header_write(tsr_buf *out, const tsr_fdo_ov_header *h)
{
    tsr_cbor_put_array(out, 6);
    tsr_cbor_put_uint(out, TSR_FDO_VERSION);
    tsr_cbor_put_bytes(out, h->guid);
    tsr_put_bytes(out, h->rv_info);
    tsr_cbor_put_text(out, h->device_info);
    tsr_put_bytes(out, h->manufacturer.encoded);
    tsr_fdo_put_hash(out, &h->chain_hash);
}

/* null, h'' or a map in a byte string */
static tsr_err get_extra(tsr_bytes *in, tsr_bytes *extra)
{
    tsr_err err = tsr_fdo_get_bytes_or_null(in, extra);
    tsr_bytes map = *extra;
    uint64_t pairs;

    if (err == TSR_OK && map.len > 0) {
        err = tsr_cbor_check(map);
        if (err == TSR_OK)
            err = tsr_cbor_get_map(&map, &pairs);
    }
    return err;
}

tsr_err tsr_fdo_ov_entry_read(tsr_bytes in, tsr_fdo_ov_entry *e)
{
    tsr_fdo_ov_entry got = { .encoded = in };
    tsr_bytes payload;
    tsr_err err = tsr_cose_read(in, TSR_COSE_SIGN1, &got.cose);

    if (err == TSR_OK && got.cose.detached)
        err = TSR_E_MALFORMED;
    payload = got.cose.payload;
    if (err == TSR_OK)
        err = tsr_fdo_get_array(&payload, 4);
    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&payload, &got.previous);
    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&payload, &got.header_info);
    if (err == TSR_OK)
        err = get_extra(&payload, &got.extra);
    if (err == TSR_OK)
        err = tsr_fdo_get_key(&payload, &got.next);
    err = tsr_fdo_whole(payload, err);
    if (err == TSR_OK)
        *e = got;
    return err;
}

static tsr_err check_certificates(tsr_bytes array)
{
    uint64_t count = 0;
    tsr_bytes der;
    tsr_err err = tsr_cbor_get_array(&array, &count);

    if (err == TSR_OK && count == 0)
        err = TSR_E_MALFORMED;
    for (; err == TSR_OK && count > 0; count--)
        err = tsr_fdo_get_certificate(&array, &der);
    return err;
}

static tsr_err get_certificates(tsr_bytes *in, tsr_bytes *array)
{
    tsr_err err;

    *array = tsr_view(NULL, 0);
    if (tsr_cbor_get_null(in) == TSR_OK)
        return TSR_OK;
    err = tsr_fdo_get_item(in, array);
    return err == TSR_OK ? check_certificates(*array) : err;
}

static tsr_err get_entries(tsr_bytes *in, tsr_fdo_voucher *v)
{
    tsr_fdo_ov_entry e;
    tsr_bytes entry;
    uint64_t count = 0;
    tsr_err err = tsr_cbor_get_array(in, &count);

    if (err == TSR_OK && count > TSR_FDO_ENTRIES_MAX)
        err = TSR_E_UNSUPPORTED;
    v->entries = *in;
    v->count = (size_t)count;
    for (; err == TSR_OK && count > 0; count--) {
        err = tsr_fdo_get_item(in, &entry);
        if (err == TSR_OK)
            err = tsr_fdo_ov_entry_read(entry, &e);
    }
    v->entries.len -= in->len;
    return err;
}

tsr_err tsr_fdo_voucher_read(tsr_bytes in, tsr_fdo_voucher *v)
{
    tsr_fdo_voucher got = { .encoded = in };
    tsr_bytes header, before;
    tsr_err err;

    if (tsr_cbor_check(in) != TSR_OK)
        return TSR_E_MALFORMED;
    err = tsr_fdo_get_array(&in, 5);
    if (err == TSR_OK)
        err = get_version(&in);
    if (err == TSR_OK)
        err = tsr_fdo_get_wrapped(&in, &header);
    if (err == TSR_OK)
        err = tsr_fdo_ov_header_read(header, &got.header);
    before = in;
    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&in, &got.hmac);
    if (err == TSR_OK && !tsr_fdo_hash_is_mac(got.hmac.alg))
        err = TSR_E_UNSUPPORTED;
    got.hmac_encoded = tsr_first(before, before.len - in.len);
    if (err == TSR_OK)
        err = get_certificates(&in, &got.certificates);
    got.front = tsr_first(got.encoded, got.encoded.len - in.len);
    if (err == TSR_OK)
        err = get_entries(&in, &got);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *v = got;
    return err;
}

tsr_err tsr_fdo_voucher_entry(const tsr_fdo_voucher *v, size_t index, tsr_bytes *entry)
{
    tsr_bytes in = v->entries, got;
    tsr_err err = index < v->count ? TSR_OK : TSR_E_NOT_FOUND;

    for (size_t i = 0; err == TSR_OK && i <= index; i++)
        err = tsr_fdo_get_item(&in, &got);
    if (err == TSR_OK)
        *entry = got;
    return err;
}

tsr_err tsr_fdo_voucher_device(const tsr_fdo_voucher *v, tsr_fdo_key *device)
{
    tsr_bytes in = v->certificates, der;
    uint64_t count;
    tsr_err err = TSR_E_NOT_FOUND;

    if (in.ptr != NULL)
        err = tsr_cbor_get_array(&in, &count);
    if (err == TSR_OK)
        err = tsr_fdo_get_certificate(&in, &der);
    return err == TSR_OK ? tsr_fdo_key_of_certificate(der, device) : err;
}

void tsr_fdo_voucher_write(tsr_buf *out, tsr_bytes header, const tsr_fdo_hash *hmac,
                           tsr_bytes certificates)
{
    tsr_cbor_put_array(out, 5);
    tsr_cbor_put_uint(out, TSR_FDO_VERSION);
    tsr_cbor_put_bytes(out, header);
    tsr_fdo_put_hash(out, hmac);
    if (certificates.ptr == NULL)
        tsr_cbor_put_null(out);
    else
        tsr_put_bytes(out, certificates);
    tsr_cbor_put_array(out, 0);
}
