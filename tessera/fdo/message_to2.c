/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of TO2 without service info. */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/message.h"

/* FDO 1.1 message.60 */
tsr_err tsr_fdo_hello_device_read(tsr_bytes in, tsr_fdo_hello_device *h)
{
    tsr_fdo_hello_device got;
    tsr_err err = tsr_fdo_get_array(&in, 6);

    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &got.max_message);
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.guid);
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.nonce);
    if (err == TSR_OK)
        err = tsr_cbor_get_text(&in, &got.kex);
    if (err == TSR_OK)
        err = tsr_cbor_get_int(&in, &got.cipher);
    if (err == TSR_OK)
        err = tsr_fdo_get_sig_info(&in, &got.sig);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *h = got;
    return err;
}

void tsr_fdo_hello_device_write(tsr_buf *out, const tsr_fdo_hello_device *h)
{
    tsr_cbor_put_array(out, 6);
    tsr_cbor_put_uint(out, h->max_message);
    tsr_cbor_put_bytes(out, h->guid);
    tsr_cbor_put_bytes(out, h->nonce);
    tsr_cbor_put_text(out, h->kex);
    tsr_cbor_put_int(out, h->cipher);
    tsr_fdo_put_sig_info(out, &h->sig);
}

/* FDO 1.1 message.61 */
tsr_err tsr_fdo_prove_ov_read(tsr_bytes in, tsr_fdo_prove_ov *p)
{
    tsr_fdo_prove_ov got;
    tsr_bytes before;
    uint64_t entries = 0;
    tsr_err err = tsr_fdo_get_array(&in, 8);

    if (err == TSR_OK)
        err = tsr_fdo_get_wrapped(&in, &got.header);
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &entries);
    if (err == TSR_OK && entries > UINT8_MAX)
        err = TSR_E_MALFORMED;
    before = in;
    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&in, &got.hmac);
    got.hmac_encoded = tsr_first(before, before.len - in.len);
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.nonce);
    if (err == TSR_OK)
        err = tsr_fdo_get_sig_info(&in, &got.sig);
    if (err == TSR_OK)
        err = tsr_cbor_get_bytes(&in, &got.kex);
    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&in, &got.hello_hash);
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &got.max_message);
    err = tsr_fdo_whole(in, err);
    got.entries = (uint8_t)entries;
    if (err == TSR_OK)
        *p = got;
    return err;
}

void tsr_fdo_prove_ov_write(tsr_buf *out, const tsr_fdo_prove_ov *p)
{
    tsr_cbor_put_array(out, 8);
    tsr_cbor_put_bytes(out, p->header);
    tsr_cbor_put_uint(out, p->entries);
    tsr_fdo_put_hash(out, &p->hmac);
    tsr_cbor_put_bytes(out, p->nonce);
    tsr_fdo_put_sig_info(out, &p->sig);
    tsr_cbor_put_bytes(out, p->kex);
    tsr_fdo_put_hash(out, &p->hello_hash);
    tsr_cbor_put_uint(out, p->max_message);
}

static tsr_err find_nonce(tsr_bytes map, int64_t label, tsr_bytes *nonce)
{
    tsr_bytes value;
    tsr_err err = tsr_cose_find(map, label, &value);

    return err == TSR_OK ? tsr_fdo_get_id(&value, nonce) : TSR_E_MALFORMED;
}

tsr_err tsr_fdo_prove_ov_header_read(const tsr_cose_message *m, tsr_bytes *nonce,
                                     tsr_fdo_key *owner)
{
    tsr_bytes got, value;
    tsr_err err = find_nonce(m->unprotected_map, TSR_FDO_CUPH_NONCE, &got);

    if (err == TSR_OK && tsr_cose_find(m->unprotected_map, TSR_FDO_CUPH_OWNER_KEY, &value))
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_fdo_get_key(&value, owner);
    if (err == TSR_OK)
        *nonce = got;
    return err;
}

void tsr_fdo_prove_ov_header_write(tsr_buf *out, tsr_bytes nonce, tsr_bytes owner_key)
{
    tsr_cbor_put_int(out, TSR_FDO_CUPH_NONCE);
    tsr_cbor_put_bytes(out, nonce);
    tsr_cbor_put_int(out, TSR_FDO_CUPH_OWNER_KEY);
    tsr_put_bytes(out, owner_key);
}

tsr_err tsr_fdo_prove_device_header_read(const tsr_cose_message *m, tsr_bytes *nonce)
{
    return find_nonce(m->unprotected_map, TSR_FDO_EUPH_NONCE, nonce);
}

void tsr_fdo_prove_device_header_write(tsr_buf *out, tsr_bytes nonce)
{
    tsr_cbor_put_int(out, TSR_FDO_EUPH_NONCE);
    tsr_cbor_put_bytes(out, nonce);
}

/* FDO 1.1 message.63 */
tsr_err tsr_fdo_next_entry_read(tsr_bytes in, uint64_t *n, tsr_bytes *entry)
{
    uint64_t number;
    tsr_bytes got;
    tsr_err err = tsr_fdo_get_array(&in, 2);

    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &number);
    if (err == TSR_OK)
        err = tsr_fdo_get_item(&in, &got);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK) {
        *n = number;
        *entry = got;
    }
    return err;
}

void tsr_fdo_next_entry_write(tsr_buf *out, uint64_t n, tsr_bytes entry)
{
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_uint(out, n);
    tsr_put_bytes(out, entry);
}

/* FDO 1.1 message.65 */
tsr_err tsr_fdo_setup_read(tsr_bytes in, tsr_fdo_setup *s)
{
    tsr_fdo_setup got;
    size_t directives;
    tsr_err err = tsr_fdo_get_array(&in, 4);

    if (err == TSR_OK)
        err = tsr_fdo_get_item(&in, &got.rv_info);
    if (err == TSR_OK)
        err = tsr_fdo_rv_check(got.rv_info, &directives);
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.guid);
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.nonce);
    if (err == TSR_OK)
        err = tsr_fdo_get_key(&in, &got.owner);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *s = got;
    return err;
}

void tsr_fdo_setup_write(tsr_buf *out, const tsr_fdo_setup *s)
{
    tsr_cbor_put_array(out, 4);
    tsr_put_bytes(out, s->rv_info);
    tsr_cbor_put_bytes(out, s->guid);
    tsr_cbor_put_bytes(out, s->nonce);
    tsr_put_bytes(out, s->owner.encoded);
}

static tsr_err take_size(tsr_bytes *in, uint64_t *size)
{
    tsr_err err;

    *size = 0;
    if (tsr_cbor_get_null(in) == TSR_OK)
        return TSR_OK;
    err = tsr_cbor_get_uint(in, size);
    return err == TSR_OK && *size < TSR_FDO_SIZE_LEAST ? TSR_E_DENIED : err;
}

static void put_size(tsr_buf *out, uint64_t size)
{
    if (size == 0)
        tsr_cbor_put_null(out);
    else
        tsr_cbor_put_uint(out, size);
}

/* FDO 1.1 message.66 */
tsr_err tsr_fdo_device_ready_read(tsr_bytes in, tsr_fdo_hash *hmac, uint64_t *max_size)
{
    tsr_fdo_hash got;
    uint64_t size = 0;
    tsr_err err = tsr_fdo_get_array(&in, 2);

    if (err == TSR_OK)
        err = tsr_fdo_get_hash_or_null(&in, &got);
    if (err == TSR_OK)
        err = take_size(&in, &size);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK) {
        *hmac = got;
        *max_size = size;
    }
    return err;
}

void tsr_fdo_device_ready_write(tsr_buf *out, const tsr_fdo_hash *hmac, uint64_t max_size)
{
    tsr_cbor_put_array(out, 2);
    tsr_fdo_put_hash(out, hmac);
    put_size(out, max_size);
}

/* FDO 1.1 message.67 */
tsr_err tsr_fdo_owner_ready_read(tsr_bytes in, uint64_t *max_size)
{
    uint64_t size = 0;
    tsr_err err = tsr_fdo_get_array(&in, 1);

    if (err == TSR_OK)
        err = take_size(&in, &size);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *max_size = size;
    return err;
}

void tsr_fdo_owner_ready_write(tsr_buf *out, uint64_t max_size)
{
    tsr_cbor_put_array(out, 1);
    put_size(out, max_size);
}
