/* SPDX-License-Identifier: Apache-2.0
 *
 * PublicKey: [type, encoding, body], and the key within. */
#include "tessera/base/der.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tessera/fdo/pubkey.h"

const uint8_t tsr_fdo_oid_ec[7] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
const uint8_t tsr_fdo_oid_p256[8] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
const uint8_t tsr_fdo_oid_p384[5] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };
const uint8_t tsr_fdo_oid_rsa[9] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

#define IS(slice, oid) tsr_same(slice, tsr_view(oid, sizeof(oid)))

/* RFC 5480 §2.2: the bit string is the uncompressed point. */
static tsr_err take_point(tsr_bytes curve, tsr_bytes bits, tsr_fdo_key *k)
{
    size_t field = IS(curve, tsr_fdo_oid_p256) ? 32 : IS(curve, tsr_fdo_oid_p384) ? 48 : 0;

    if (field == 0 || bits.len != 1 + 2 * field || bits.ptr[0] != 4)
        return TSR_E_UNSUPPORTED;
    k->type = field == 32 ? TSR_FDO_SECP256R1 : TSR_FDO_SECP384R1;
    k->bits = (uint16_t)(8 * field);
    k->x = tsr_view(bits.ptr + 1, field);
    k->y = tsr_view(bits.ptr + 1 + field, field);
    return TSR_OK;
}

/* RFC 8017 §A.1.1: RSAPublicKey, modulus and exponent. */
static tsr_err take_rsa(tsr_bytes bits, tsr_fdo_key *k)
{
    tsr_bytes in = bits, both, modulus, exponent;

    if (tsr_der_get(&in, TSR_DER_SEQUENCE, &both) != TSR_OK || in.len != 0 ||
        tsr_der_get(&both, TSR_DER_INTEGER, &modulus) != TSR_OK ||
        tsr_der_get(&both, TSR_DER_INTEGER, &exponent) != TSR_OK || both.len != 0 ||
        modulus.len < 2 || modulus.ptr[0] != 0)
        return TSR_E_MALFORMED;
    if ((modulus.len != 257 && modulus.len != 385) || (modulus.ptr[1] & 0x80) == 0)
        return TSR_E_UNSUPPORTED;
    k->bits = (uint16_t)((modulus.len - 1) * 8);
    k->type = k->bits == 2048 ? TSR_FDO_RSA2048RESTR : TSR_FDO_RSAPKCS;
    k->rsa = bits;
    return TSR_OK;
}

/* RFC 5280 §4.1.2.7 */
tsr_err tsr_fdo_key_of_spki(tsr_bytes der, tsr_fdo_key *k)
{
    enum { BIT_STRING = 0x03 };
    tsr_bytes both, algorithm, oid, curve, bits;
    tsr_fdo_key got = { .bits = 0 };
    tsr_err err;

    if (tsr_der_get(&der, TSR_DER_SEQUENCE, &both) != TSR_OK || der.len != 0 ||
        tsr_der_get(&both, TSR_DER_SEQUENCE, &algorithm) != TSR_OK ||
        tsr_der_get(&both, BIT_STRING, &bits) != TSR_OK || both.len != 0 || bits.len < 2 ||
        bits.ptr[0] != 0 || tsr_der_get(&algorithm, TSR_DER_OID, &oid) != TSR_OK)
        return TSR_E_MALFORMED;
    bits = tsr_skip(bits, 1);
    if (IS(oid, tsr_fdo_oid_rsa))
        err = take_rsa(bits, &got);
    else if (!IS(oid, tsr_fdo_oid_ec) || tsr_der_get(&algorithm, TSR_DER_OID, &curve) != TSR_OK)
        err = TSR_E_UNSUPPORTED;
    else
        err = take_point(curve, bits, &got);
    if (err == TSR_OK)
        *k = got;
    return err;
}

/* RFC 5280 §4.1: [version], serial, signature, issuer, validity, subject, key. */
tsr_err tsr_fdo_key_of_certificate(tsr_bytes der, tsr_fdo_key *k)
{
    static const uint8_t before[] = { TSR_DER_INTEGER, TSR_DER_SEQUENCE, TSR_DER_SEQUENCE,
                                      TSR_DER_SEQUENCE, TSR_DER_SEQUENCE };
    tsr_bytes certificate, tbs, skipped;

    if (tsr_der_get(&der, TSR_DER_SEQUENCE, &certificate) != TSR_OK || der.len != 0 ||
        tsr_der_get(&certificate, TSR_DER_SEQUENCE, &tbs) != TSR_OK)
        return TSR_E_MALFORMED;
    (void)tsr_der_get(&tbs, TSR_DER_CONTEXT_0, &skipped);
    for (size_t i = 0; i < sizeof before; i++)
        if (tsr_der_get(&tbs, before[i], &skipped) != TSR_OK)
            return TSR_E_MALFORMED;
    if (tsr_der_get_whole(&tbs, TSR_DER_SEQUENCE, &skipped) != TSR_OK)
        return TSR_E_MALFORMED;
    return tsr_fdo_key_of_spki(skipped, k);
}

tsr_err tsr_fdo_get_certificate(tsr_bytes *in, tsr_bytes *der)
{
    tsr_bytes rest = *in, got, whole, content;

    if (tsr_cbor_get_bytes(&rest, &got) != TSR_OK)
        return TSR_E_MALFORMED;
    whole = got;
    if (tsr_der_get(&whole, TSR_DER_SEQUENCE, &content) != TSR_OK || whole.len != 0)
        return TSR_E_MALFORMED;
    *in = rest;
    *der = got;
    return TSR_OK;
}

static tsr_err take_chain(tsr_bytes *in, tsr_fdo_key *k)
{
    uint64_t count;
    tsr_bytes der;
    tsr_err err = tsr_cbor_get_array(in, &count);

    if (err == TSR_OK && count == 0)
        err = TSR_E_MALFORMED;
    for (uint64_t i = 0; err == TSR_OK && i < count; i++) {
        err = tsr_fdo_get_certificate(in, &der);
        if (err == TSR_OK && i == 0)
            err = tsr_fdo_key_of_certificate(der, k);
    }
    return err;
}

static tsr_err take_cose_key(tsr_bytes *in, tsr_fdo_key *k)
{
    tsr_bytes map;
    tsr_cose_key c;
    tsr_err err = tsr_fdo_get_item(in, &map);

    if (err == TSR_OK)
        err = tsr_cose_key_read(map, &c);
    if (err != TSR_OK)
        return err;
    if (c.kty != TSR_COSE_EC2 || c.x.ptr == NULL || c.d.ptr != NULL)
        return TSR_E_MALFORMED;
    k->type = c.crv == TSR_COSE_P256 ? TSR_FDO_SECP256R1 : TSR_FDO_SECP384R1;
    k->bits = (uint16_t)(8 * c.x.len);
    k->x = c.x;
    k->y = c.y;
    return TSR_OK;
}

static tsr_err take_body(tsr_bytes *in, uint64_t encoding, tsr_fdo_key *k)
{
    tsr_bytes der;
    tsr_err err;

    switch (encoding) {
    case TSR_FDO_X509:
        err = tsr_cbor_get_bytes(in, &der);
        return err == TSR_OK ? tsr_fdo_key_of_spki(der, k) : err;
    case TSR_FDO_X5CHAIN: return take_chain(in, k);
    case TSR_FDO_COSEKEY: return take_cose_key(in, k);
    default: return TSR_E_UNSUPPORTED;
    }
}

static bool fits(uint64_t said, const tsr_fdo_key *k)
{
    switch (said) {
    case TSR_FDO_RSA2048RESTR: return k->rsa.ptr != NULL && k->bits == 2048;
    case TSR_FDO_RSAPKCS:
    case TSR_FDO_RSAPSS: return k->rsa.ptr != NULL;
    default: return said == (uint64_t)k->type;
    }
}

tsr_err tsr_fdo_get_key(tsr_bytes *in, tsr_fdo_key *k)
{
    tsr_bytes rest = *in, body;
    tsr_fdo_key got = { .bits = 0 };
    uint64_t type, encoding;
    tsr_err err = tsr_fdo_get_array(&rest, 3);

    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&rest, &type);
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(&rest, &encoding);
    body = rest;
    if (err == TSR_OK)
        err = take_body(&rest, encoding, &got);
    if (err != TSR_OK)
        return err;
    if (!fits(type, &got))
        return TSR_E_MALFORMED;
    got.type = (tsr_fdo_key_type)type;
    got.encoding = (tsr_fdo_key_encoding)encoding;
    got.body = tsr_first(body, body.len - rest.len);
    got.encoded = tsr_first(*in, in->len - rest.len);
    *in = rest;
    *k = got;
    return TSR_OK;
}

bool tsr_fdo_key_same(const tsr_fdo_key *a, const tsr_fdo_key *b)
{
    return a->bits == b->bits && tsr_same(a->x, b->x) && tsr_same(a->y, b->y) &&
           tsr_same(a->rsa, b->rsa);
}

tsr_err tsr_fdo_key_print(const tsr_fdo_key *k, uint8_t print[32])
{
    const tsr_bytes parts[] = { k->x, k->y, k->rsa };
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_hash h;
    tsr_err err = tsr_fdo_hash_make(TSR_FDO_SHA256, parts, 3, room, &h);

    if (err == TSR_OK)
        memcpy(print, room, 32);
    return err;
}

bool tsr_fdo_key_signs(const tsr_fdo_key *k, int64_t alg)
{
    switch (alg) {
    case TSR_COSE_ES256: return k->type == TSR_FDO_SECP256R1;
    case TSR_COSE_ES384: return k->type == TSR_FDO_SECP384R1;
    case TSR_COSE_RS256:
    case TSR_COSE_RS384: return k->type == TSR_FDO_RSA2048RESTR || k->type == TSR_FDO_RSAPKCS;
    case TSR_COSE_PS256:
    case TSR_COSE_PS384: return k->type == TSR_FDO_RSAPSS;
    default: return false;
    }
}

int32_t tsr_fdo_key_alg(tsr_fdo_key_type type, uint16_t bits)
{
    switch (type) {
    case TSR_FDO_SECP256R1: return TSR_COSE_ES256;
    case TSR_FDO_SECP384R1: return TSR_COSE_ES384;
    case TSR_FDO_RSAPSS: return bits > 2048 ? TSR_COSE_PS384 : TSR_COSE_PS256;
    default: return bits > 2048 ? TSR_COSE_RS384 : TSR_COSE_RS256;
    }
}

int32_t tsr_fdo_key_hash(tsr_fdo_key_type type, uint16_t bits)
{
    return type == TSR_FDO_SECP384R1 || bits > 2048 ? TSR_FDO_SHA384 : TSR_FDO_SHA256;
}
