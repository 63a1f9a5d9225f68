/* SPDX-License-Identifier: Apache-2.0
 *
 * The short messages, and those of DI. */
#include "tessera/fdo/message.h"
#include "tessera/cbor/cbor.h"

tsr_err tsr_fdo_empty_read(tsr_bytes in)
{
    tsr_err err = tsr_fdo_get_array(&in, 0);

    return tsr_fdo_whole(in, err);
}

void tsr_fdo_empty_write(tsr_buf *out) { tsr_cbor_put_array(out, 0); }

tsr_err tsr_fdo_nonce_read(tsr_bytes in, tsr_bytes *nonce)
{
    tsr_bytes got;
    tsr_err err = tsr_fdo_get_array(&in, 1);

    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *nonce = got;
    return err;
}

void tsr_fdo_nonce_write(tsr_buf *out, tsr_bytes nonce)
{
    tsr_cbor_put_array(out, 1);
    tsr_cbor_put_bytes(out, nonce);
}

tsr_err tsr_fdo_number_read(tsr_bytes in, uint64_t most, uint64_t *n)
{
    uint64_t got = 0;
    tsr_err err = tsr_fdo_get_array(&in, 1);

    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &got);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK && got > most)
        err = TSR_E_DENIED;
    if (err == TSR_OK)
        *n = got;
    return err;
}

void tsr_fdo_number_write(tsr_buf *out, uint64_t n)
{
    tsr_cbor_put_array(out, 1);
    tsr_cbor_put_uint(out, n);
}

/* ---- DI ----------------------------------------------------------------------------------- */

static bool known_type(uint64_t type)
{
    return type == TSR_FDO_RSA2048RESTR || type == TSR_FDO_RSAPKCS || type == TSR_FDO_RSAPSS ||
           type == TSR_FDO_SECP256R1 || type == TSR_FDO_SECP384R1;
}

static tsr_err take_mfg_info(tsr_bytes in, tsr_fdo_mfg_info *m)
{
    uint64_t type = 0, encoding = 0;
    tsr_err err = tsr_fdo_get_array(&in, 5);

    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &type);
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &encoding);
    if (err == TSR_OK)
        err = tsr_cbor_get_text(&in, &m->serial);
    if (err == TSR_OK)
        err = tsr_cbor_get_text(&in, &m->device_info);
    if (err == TSR_OK)
        err = tsr_cbor_get_bytes(&in, &m->csr);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK &&
        (!known_type(type) || encoding < TSR_FDO_X509 || encoding > TSR_FDO_COSEKEY))
        err = TSR_E_UNSUPPORTED;
    m->key_type = (tsr_fdo_key_type)type;
    m->key_encoding = (tsr_fdo_key_encoding)encoding;
    return err;
}

/* FDO 1.1 message.10 */
tsr_err tsr_fdo_app_start_read(tsr_bytes in, tsr_fdo_mfg_info *m)
{
    tsr_fdo_mfg_info got;
    tsr_bytes inner;
    tsr_err err = tsr_fdo_get_array(&in, 1);

    if (err == TSR_OK)
        err = tsr_fdo_get_wrapped(&in, &inner);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        err = take_mfg_info(inner, &got);
    if (err == TSR_OK)
        *m = got;
    return err;
}

static void put_mfg_info(tsr_buf *out, const tsr_fdo_mfg_info *m)
{
    tsr_cbor_put_array(out, 5);
    tsr_cbor_put_uint(out, m->key_type);
    tsr_cbor_put_uint(out, m->key_encoding);
    tsr_cbor_put_text(out, m->serial);
    tsr_cbor_put_text(out, m->device_info);
    tsr_cbor_put_bytes(out, m->csr);
}

void tsr_fdo_app_start_write(tsr_buf *out, const tsr_fdo_mfg_info *m)
{
    size_t from;

    tsr_cbor_put_array(out, 1);
    from = out->len;
    put_mfg_info(out, m);
    tsr_fdo_wrap(out, from);
}

static tsr_err read_one_wrapped(tsr_bytes in, tsr_bytes *item)
{
    tsr_bytes got;
    tsr_err err = tsr_fdo_get_array(&in, 1);

    if (err == TSR_OK)
        err = tsr_fdo_get_wrapped(&in, &got);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *item = got;
    return err;
}

/* FDO 1.1 message.11 */
tsr_err tsr_fdo_set_credentials_read(tsr_bytes in, tsr_bytes *header)
{
    return read_one_wrapped(in, header);
}

void tsr_fdo_set_credentials_write(tsr_buf *out, tsr_bytes header)
{
    tsr_cbor_put_array(out, 1);
    tsr_cbor_put_bytes(out, header);
}

/* FDO 1.1 message.12 */
tsr_err tsr_fdo_set_hmac_read(tsr_bytes in, tsr_fdo_hash *hmac)
{
    tsr_fdo_hash got;
    tsr_err err = tsr_fdo_get_array(&in, 1);

    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&in, &got);
    err = tsr_fdo_whole(in, err);
    if (err == TSR_OK)
        *hmac = got;
    return err;
}

void tsr_fdo_set_hmac_write(tsr_buf *out, const tsr_fdo_hash *hmac)
{
    tsr_cbor_put_array(out, 1);
    tsr_fdo_put_hash(out, hmac);
}
