/* SPDX-License-Identifier: Apache-2.0
 *
 * FDO 1.1 DeviceCredential */
#include "tessera/fdo/credential.h"
#include "tessera/cbor/cbor.h"

tsr_err tsr_fdo_credential_read(tsr_bytes in, tsr_fdo_credential *c)
{
    tsr_fdo_credential got;
    uint64_t version = 0, type = 0, bits = 0;
    size_t directives;
    tsr_err err = tsr_fdo_get_array(&in, 8);

    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &version);
    if (err == TSR_OK && version != TSR_FDO_VERSION)
        err = TSR_E_UNSUPPORTED;
    if (err == TSR_OK)
        err = tsr_cbor_get_bool(&in, &got.active);
    if (err == TSR_OK)
        err = tsr_cbor_get_text(&in, &got.device_info);
    if (err == TSR_OK)
        err = tsr_fdo_get_id(&in, &got.guid);
    if (err == TSR_OK)
        err = tsr_fdo_get_item(&in, &got.rv_info);
    if (err == TSR_OK)
        err = tsr_fdo_rv_check(got.rv_info, &directives);
    if (err == TSR_OK)
        err = tsr_fdo_get_hash(&in, &got.key_hash);
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &type);
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&in, &bits);
    if (err == TSR_OK && (type > UINT8_MAX || bits > UINT16_MAX))
        err = TSR_E_MALFORMED;
    err = tsr_fdo_whole(in, err);
    got.key_type = (tsr_fdo_key_type)type;
    got.key_bits = (uint16_t)bits;
    if (err == TSR_OK)
        *c = got;
    return err;
}

void tsr_fdo_credential_write(tsr_buf *out, const tsr_fdo_credential *c)
{
    tsr_cbor_put_array(out, 8);
    tsr_cbor_put_uint(out, TSR_FDO_VERSION);
    tsr_cbor_put_bool(out, c->active);
    tsr_cbor_put_text(out, c->device_info);
    tsr_cbor_put_bytes(out, c->guid);
    tsr_put_bytes(out, c->rv_info);
    tsr_fdo_put_hash(out, &c->key_hash);
    tsr_cbor_put_uint(out, c->key_type);
    tsr_cbor_put_uint(out, c->key_bits);
}
