/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash and HMac: [type, value]. What is hashed are always the bytes received. */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/types.h"

size_t tsr_fdo_hash_len(int32_t alg)
{
    switch (alg) {
    case TSR_FDO_SHA256:
    case TSR_FDO_HMAC256: return 32;
    case TSR_FDO_SHA384:
    case TSR_FDO_HMAC384: return 48;
    default: return 0;
    }
}

psa_algorithm_t tsr_fdo_hash_psa(int32_t alg)
{
    psa_algorithm_t hash = tsr_fdo_hash_len(alg) == 48 ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256;

    return tsr_fdo_hash_is_mac(alg) ? PSA_ALG_HMAC(hash) : hash;
}

tsr_err tsr_fdo_get_hash(tsr_bytes *in, tsr_fdo_hash *h)
{
    tsr_bytes rest = *in, value;
    int64_t alg;
    tsr_err err = tsr_fdo_get_array(&rest, 2);

    if (err == TSR_OK)
        err = tsr_cbor_get_int(&rest, &alg);
    if (err == TSR_OK)
        err = tsr_cbor_get_bytes(&rest, &value);
    if (err != TSR_OK)
        return err;
    if (alg < INT32_MIN || alg > INT32_MAX || tsr_fdo_hash_len((int32_t)alg) == 0)
        return TSR_E_UNSUPPORTED;
    if (value.len != tsr_fdo_hash_len((int32_t)alg))
        return TSR_E_MALFORMED;
    *in = rest;
    *h = (tsr_fdo_hash){ (int32_t)alg, value };
    return TSR_OK;
}

tsr_err tsr_fdo_get_hash_or_null(tsr_bytes *in, tsr_fdo_hash *h)
{
    if (tsr_cbor_get_null(in) != TSR_OK)
        return tsr_fdo_get_hash(in, h);
    *h = (tsr_fdo_hash){ 0, { NULL, 0 } };
    return TSR_OK;
}

void tsr_fdo_put_hash(tsr_buf *out, const tsr_fdo_hash *h)
{
    if (h->alg == 0) {
        tsr_cbor_put_null(out);
        return;
    }
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_int(out, h->alg);
    tsr_cbor_put_bytes(out, h->value);
}

tsr_err tsr_fdo_hash_make(int32_t alg, const tsr_bytes *parts, size_t count,
                          uint8_t room[TSR_FDO_HASH_MAX], tsr_fdo_hash *h)
{
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
    psa_status_t status;
    size_t len = 0;

    if (tsr_fdo_hash_len(alg) == 0 || tsr_fdo_hash_is_mac(alg))
        return TSR_E_UNSUPPORTED;
    status = psa_hash_setup(&op, tsr_fdo_hash_psa(alg));
    for (size_t i = 0; status == PSA_SUCCESS && i < count; i++)
        if (parts[i].len > 0)
            status = psa_hash_update(&op, parts[i].ptr, parts[i].len);
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&op, room, TSR_FDO_HASH_MAX, &len);
    (void)psa_hash_abort(&op);
    if (status != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    *h = (tsr_fdo_hash){ alg, { room, len } };
    return TSR_OK;
}

tsr_err tsr_fdo_hash_check(const tsr_fdo_hash *want, const tsr_bytes *parts, size_t count)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_hash got;
    tsr_err err = tsr_fdo_hash_make(want->alg, parts, count, room, &got);

    if (err == TSR_OK && !tsr_fdo_hash_same(want, &got))
        err = TSR_E_CRYPTO;
    return err;
}

tsr_err tsr_fdo_mac_make(int32_t alg, tsr_cose_key_id key, tsr_bytes in,
                         uint8_t room[TSR_FDO_HASH_MAX], tsr_fdo_hash *h)
{
    size_t len;
    psa_status_t status;

    if (!tsr_fdo_hash_is_mac(alg) || tsr_fdo_hash_len(alg) == 0)
        return TSR_E_UNSUPPORTED;
    status = psa_mac_compute(key, tsr_fdo_hash_psa(alg), in.ptr, in.len, room, TSR_FDO_HASH_MAX,
                             &len);
    if (status == PSA_ERROR_NOT_PERMITTED || status == PSA_ERROR_INVALID_ARGUMENT)
        return TSR_E_TYPE;
    if (status != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    *h = (tsr_fdo_hash){ alg, { room, len } };
    return TSR_OK;
}

tsr_err tsr_fdo_mac_check(const tsr_fdo_hash *want, tsr_cose_key_id key, tsr_bytes in)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_hash got;
    tsr_err err = tsr_fdo_mac_make(want->alg, key, in, room, &got);

    if (err == TSR_OK && !tsr_same_secret(want->value, got.value))
        err = TSR_E_CRYPTO;
    tsr_wipe(room, sizeof room);
    return err;
}
