/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys of PSA as PublicKey and as SubjectPublicKeyInfo. */
#include "tessera/base/der.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tessera/fdo/pubkey.h"

enum { NULL_TAG = 0x05, BIT_STRING = 0x03, RSA_PUBLIC_MAX = 398 };

static bool is_rsa(tsr_fdo_key_type type)
{
    return type == TSR_FDO_RSA2048RESTR || type == TSR_FDO_RSAPKCS || type == TSR_FDO_RSAPSS;
}

/* What PSA exports: a point, or RSAPublicKey. It has to be of the type that is said. */
static tsr_err export(tsr_cose_key_id key, tsr_fdo_key_type type, uint8_t *room, size_t *len)
{
    if (psa_export_public_key(key, room, RSA_PUBLIC_MAX, len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    switch (type) {
    case TSR_FDO_SECP256R1: return *len == 65 && room[0] == 4 ? TSR_OK : TSR_E_TYPE;
    case TSR_FDO_SECP384R1: return *len == 97 && room[0] == 4 ? TSR_OK : TSR_E_TYPE;
    default: return is_rsa(type) && room[0] == TSR_DER_SEQUENCE ? TSR_OK : TSR_E_TYPE;
    }
}

static void put_element(tsr_buf *out, uint8_t tag, tsr_bytes content)
{
    tsr_der_put_head(out, tag, content.len);
    tsr_put_bytes(out, content);
}

static void put_algorithm(tsr_buf *out, tsr_fdo_key_type type)
{
    uint8_t room[32];
    tsr_buf inner = tsr_buf_over(room, sizeof room);

    if (is_rsa(type)) {
        put_element(&inner, TSR_DER_OID, tsr_view(tsr_fdo_oid_rsa, sizeof tsr_fdo_oid_rsa));
        put_element(&inner, NULL_TAG, tsr_view(NULL, 0));
    } else {
        put_element(&inner, TSR_DER_OID, tsr_view(tsr_fdo_oid_ec, sizeof tsr_fdo_oid_ec));
        put_element(&inner, TSR_DER_OID,
                    type == TSR_FDO_SECP256R1
                        ? tsr_view(tsr_fdo_oid_p256, sizeof tsr_fdo_oid_p256)
                        : tsr_view(tsr_fdo_oid_p384, sizeof tsr_fdo_oid_p384));
    }
    put_element(out, TSR_DER_SEQUENCE, tsr_buf_view(&inner));
}

/* RFC 5280 §4.1.2.7 */
tsr_err tsr_fdo_put_spki(tsr_buf *out, tsr_fdo_key_type type, tsr_cose_key_id key)
{
    uint8_t material[RSA_PUBLIC_MAX], head[40];
    tsr_buf algorithm = tsr_buf_over(head, sizeof head);
    size_t len;
    tsr_err err = export(key, type, material, &len);

    if (err != TSR_OK && out->err == TSR_OK)
        out->err = err;
    if (out->err != TSR_OK)
        return out->err;
    put_algorithm(&algorithm, type);
    tsr_der_put_head(out, TSR_DER_SEQUENCE, algorithm.len + tsr_der_len(1 + len));
    tsr_put_bytes(out, tsr_buf_view(&algorithm));
    tsr_der_put_head(out, BIT_STRING, 1 + len);
    tsr_put_u8(out, 0);
    tsr_put_bytes(out, tsr_view(material, len));
    return out->err;
}

static tsr_err put_x509(tsr_buf *out, tsr_fdo_key_type type, tsr_cose_key_id key)
{
    uint8_t room[TSR_FDO_DER_KEY_MAX];
    tsr_buf der = tsr_buf_over(room, sizeof room);
    tsr_err err = tsr_fdo_put_spki(&der, type, key);

    if (err == TSR_OK)
        tsr_cbor_put_bytes(out, tsr_buf_view(&der));
    return err;
}

static tsr_err put_cose_key(tsr_buf *out, tsr_fdo_key_type type, tsr_cose_key_id key)
{
    uint8_t room[96];
    tsr_buf at = tsr_buf_over(room, sizeof room);
    tsr_cose_key c;
    tsr_err err;

    if (is_rsa(type))
        return TSR_E_UNSUPPORTED;
    err = tsr_cose_key_public(key, &at, &c);
    if (err == TSR_OK && (c.crv == TSR_COSE_P256) != (type == TSR_FDO_SECP256R1))
        err = TSR_E_TYPE;
    if (err == TSR_OK)
        tsr_cose_key_write(out, &c);
    return err;
}

tsr_err tsr_fdo_put_key(tsr_buf *out, tsr_fdo_key_type type, tsr_fdo_key_encoding encoding,
                        tsr_cose_key_id key)
{
    tsr_err err = TSR_E_UNSUPPORTED;

    tsr_cbor_put_array(out, 3);
    tsr_cbor_put_uint(out, type);
    tsr_cbor_put_uint(out, encoding);
    if (encoding == TSR_FDO_X509)
        err = put_x509(out, type, key);
    else if (encoding == TSR_FDO_COSEKEY)
        err = put_cose_key(out, type, key);
    if (out->err == TSR_OK)
        out->err = err;
    return out->err;
}

void tsr_fdo_put_key_chain(tsr_buf *out, tsr_fdo_key_type type, tsr_bytes chain)
{
    tsr_cbor_put_array(out, 3);
    tsr_cbor_put_uint(out, type);
    tsr_cbor_put_uint(out, TSR_FDO_X5CHAIN);
    tsr_put_bytes(out, chain);
}
