/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Key maps (RFC 9052 §7; RFC 9053 §7.1.1, §7.2). */
#include "tessera/cose/key.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

enum { KTY = 1, KID = 2, ALG = 3, OPS = 4, CRV_OR_K = -1, X = -2, Y = -3, D = -4 };

static size_t field_size(tsr_cose_curve crv) { return crv == TSR_COSE_P256 ? 32 : 48; }

/* One value per label that counts, still encoded; NULL: absent. */
typedef struct {
    tsr_bytes kty, kid, alg, ops, crv_or_k, x, y, d;
} parts;

static tsr_bytes *part_of(parts *p, int64_t label)
{
    switch (label) {
    case KTY: return &p->kty;
    case KID: return &p->kid;
    case ALG: return &p->alg;
    case OPS: return &p->ops;
    case CRV_OR_K: return &p->crv_or_k;
    case X: return &p->x;
    case Y: return &p->y;
    case D: return &p->d;
    default: return NULL;
    }
}

static tsr_err take_parts(tsr_bytes in, parts *p)
{
    uint64_t pairs;
    tsr_err err = tsr_cbor_get_map(&in, &pairs);

    for (; err == TSR_OK && pairs > 0; pairs--) {
        int64_t label = 0;
        tsr_bytes value, *part = NULL;

        err = tsr_cbor_get_int(&in, &label);
        if (err == TSR_OK)
            part = part_of(p, label);
        else if (err == TSR_E_TYPE) /* a text: somebody's own, skipped */
            err = tsr_cbor_skip(&in);
        value = in;
        if (err == TSR_OK)
            err = tsr_cbor_skip(&in);
        if (err != TSR_OK || part == NULL)
            continue;
        if (part->ptr != NULL)
            return TSR_E_MALFORMED;
        *part = tsr_first(value, value.len - in.len);
    }
    return err == TSR_OK && in.len == 0 ? TSR_OK : TSR_E_MALFORMED;
}

/* RFC 9052 §7.1, Table 5. Operations that have no bit of ours are left out. */
static tsr_err take_ops(tsr_bytes in, uint32_t *ops)
{
    uint64_t count;

    if (in.ptr == NULL)
        return TSR_OK;
    if (tsr_cbor_get_array(&in, &count) != TSR_OK || count == 0)
        return TSR_E_MALFORMED;
    for (; count > 0; count--) {
        int64_t op;
        tsr_err err = tsr_cbor_get_int(&in, &op);

        if (err == TSR_E_TYPE)
            err = tsr_cbor_skip(&in);
        else if (err == TSR_OK && op >= 1 && op <= 10)
            *ops |= 1u << op;
        if (err != TSR_OK)
            return TSR_E_MALFORMED;
    }
    *ops |= 1u; /* given, even if none of them is known */
    return TSR_OK;
}

static tsr_err take_bytes(tsr_bytes in, size_t len, tsr_bytes *out)
{
    if (in.ptr == NULL)
        return TSR_OK;
    if (tsr_cbor_get_bytes(&in, out) != TSR_OK || (len != 0 && out->len != len))
        return TSR_E_MALFORMED;
    return TSR_OK;
}

static tsr_err take_ec2(const parts *p, tsr_cose_key *k)
{
    tsr_bytes crv_in = p->crv_or_k, y = p->y;
    int64_t crv;
    bool sign;

    if (crv_in.ptr == NULL)
        return TSR_E_MALFORMED;
    if (tsr_cbor_get_int(&crv_in, &crv) != TSR_OK || (crv != TSR_COSE_P256 && crv != TSR_COSE_P384))
        return TSR_E_UNSUPPORTED;
    k->crv = (tsr_cose_curve)crv;
    if (y.ptr != NULL && tsr_cbor_get_bool(&y, &sign) == TSR_OK) /* a compressed point */
        return TSR_E_UNSUPPORTED;

    size_t len = field_size(k->crv);

    if (take_bytes(p->x, len, &k->x) != TSR_OK || take_bytes(p->y, len, &k->y) != TSR_OK ||
        take_bytes(p->d, len, &k->d) != TSR_OK)
        return TSR_E_MALFORMED;
    /* RFC 9053 §7.1.1: a public key has both coordinates, a private key may be d alone. */
    if ((k->x.ptr == NULL) != (k->y.ptr == NULL) || (k->x.ptr == NULL && k->d.ptr == NULL))
        return TSR_E_MALFORMED;
    return TSR_OK;
}

static tsr_err take_symmetric(const parts *p, tsr_cose_key *k)
{
    if (take_bytes(p->crv_or_k, 0, &k->k) != TSR_OK || k->k.len == 0)
        return TSR_E_MALFORMED;
    return TSR_OK;
}

tsr_err tsr_cose_key_read(tsr_bytes in, tsr_cose_key *k)
{
    parts p = { .kty = { NULL, 0 } };
    tsr_cose_key got = { .alg = TSR_COSE_ALG_NONE };
    int64_t kty;
    tsr_err err = take_parts(in, &p);

    if (err != TSR_OK || p.kty.ptr == NULL || take_bytes(p.kid, 0, &got.kid) != TSR_OK ||
        take_ops(p.ops, &got.ops) != TSR_OK)
        return TSR_E_MALFORMED;
    if (tsr_cbor_get_int(&p.kty, &kty) != TSR_OK ||
        (p.alg.ptr != NULL && tsr_cbor_get_int(&p.alg, &got.alg) != TSR_OK))
        return TSR_E_UNSUPPORTED;
    if (kty != TSR_COSE_EC2 && kty != TSR_COSE_SYMMETRIC)
        return TSR_E_UNSUPPORTED;
    got.kty = (tsr_cose_kty)kty;
    err = kty == TSR_COSE_EC2 ? take_ec2(&p, &got) : take_symmetric(&p, &got);
    if (err == TSR_OK)
        *k = got;
    return err;
}

static uint64_t pairs_of(const tsr_cose_key *k, uint32_t ops)
{
    const tsr_bytes *optional[] = { &k->kid, &k->x, &k->y, &k->d };
    uint64_t pairs = 2; /* kty, and crv or k */

    for (size_t i = 0; i < 4; i++)
        pairs += optional[i]->ptr != NULL;
    return pairs + (k->alg != TSR_COSE_ALG_NONE) + (ops != 0);
}

static void put_ops(tsr_buf *out, uint32_t ops)
{
    uint64_t count = 0;

    for (unsigned op = 1; op <= 10; op++)
        count += ops >> op & 1u;
    tsr_cbor_put_int(out, OPS);
    tsr_cbor_put_array(out, count);
    for (unsigned op = 1; op <= 10; op++)
        if ((ops >> op & 1u) != 0)
            tsr_cbor_put_uint(out, op);
}

static void put_part(tsr_buf *out, int64_t label, tsr_bytes value)
{
    if (value.ptr == NULL)
        return;
    tsr_cbor_put_int(out, label);
    tsr_cbor_put_bytes(out, value);
}

void tsr_cose_key_write(tsr_buf *out, const tsr_cose_key *k)
{
    uint32_t ops = k->ops & ~1u;

    tsr_cbor_put_map(out, pairs_of(k, ops));
    tsr_cbor_put_int(out, KTY);
    tsr_cbor_put_int(out, k->kty);
    put_part(out, KID, k->kid);
    if (k->alg != TSR_COSE_ALG_NONE) {
        tsr_cbor_put_int(out, ALG);
        tsr_cbor_put_int(out, k->alg);
    }
    if (ops != 0)
        put_ops(out, ops);
    tsr_cbor_put_int(out, CRV_OR_K);
    if (k->kty == TSR_COSE_EC2)
        tsr_cbor_put_int(out, k->crv);
    else
        tsr_cbor_put_bytes(out, k->k);
    put_part(out, X, k->x);
    put_part(out, Y, k->y);
    put_part(out, D, k->d);
}

/* ---- into and out of PSA ------------------------------------------------------------------ */

static psa_key_usage_t usage_of(uint32_t ops)
{
    psa_key_usage_t usage = 0;

    if ((ops & TSR_COSE_OP_SIGN) != 0)
        usage |= PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE;
    if ((ops & TSR_COSE_OP_VERIFY) != 0)
        usage |= PSA_KEY_USAGE_VERIFY_HASH | PSA_KEY_USAGE_VERIFY_MESSAGE;
    if ((ops & TSR_COSE_OP_MAC_CREATE) != 0)
        usage |= PSA_KEY_USAGE_SIGN_MESSAGE;
    if ((ops & TSR_COSE_OP_MAC_VERIFY) != 0)
        usage |= PSA_KEY_USAGE_VERIFY_MESSAGE;
    if ((ops & TSR_COSE_OP_ENCRYPT) != 0)
        usage |= PSA_KEY_USAGE_ENCRYPT;
    if ((ops & TSR_COSE_OP_DECRYPT) != 0)
        usage |= PSA_KEY_USAGE_DECRYPT;
    return usage;
}

static tsr_err import(psa_key_type_t type, size_t bits, const tsr_cose_alg *alg, uint32_t ops,
                      tsr_bytes material, tsr_cose_key_id *id)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg->psa);
    psa_set_key_usage_flags(&a, usage_of(ops));
    status = psa_import_key(&a, material.ptr, material.len, id);
    psa_reset_key_attributes(&a);
    /* A point off the curve is an INVALID_ARGUMENT to PSA: here it is the bytes that are bad. */
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

/* The private half must be that of the public half beside it. */
static tsr_err same_public(const tsr_cose_key *k, tsr_cose_key_id id)
{
    uint8_t room[97];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_key got;
    tsr_err err = tsr_cose_key_public(id, &out, &got);

    if (err == TSR_OK && (!tsr_same(got.x, k->x) || !tsr_same(got.y, k->y)))
        err = TSR_E_CRYPTO;
    return err;
}

static tsr_err import_pair(const tsr_cose_key *k, const tsr_cose_alg *alg, uint32_t ops,
                           tsr_cose_key_id *id)
{
    tsr_err err =
        import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), alg->bits, alg, ops, k->d, id);

    if (err == TSR_OK && k->x.ptr != NULL && (err = same_public(k, *id)) != TSR_OK)
        (void)psa_destroy_key(*id);
    return err;
}

static tsr_err import_ec2(const tsr_cose_key *k, const tsr_cose_alg *alg, uint32_t ops,
                          tsr_cose_key_id *id)
{
    uint8_t point[97];
    tsr_buf out = tsr_buf_over(point, sizeof point);

    if (field_size(k->crv) * 8 != alg->bits)
        return TSR_E_TYPE;
    if ((ops & TSR_COSE_OP_SIGN) != 0)
        return k->d.ptr != NULL ? import_pair(k, alg, ops, id) : TSR_E_DENIED;
    if (k->x.ptr == NULL)
        return TSR_E_DENIED;
    tsr_put_u8(&out, 4);
    tsr_put_bytes(&out, k->x);
    tsr_put_bytes(&out, k->y);
    return import(alg->type, alg->bits, alg, ops, tsr_buf_view(&out), id);
}

tsr_err tsr_cose_key_import(const tsr_cose_key *k, int64_t alg_id, uint32_t ops,
                            tsr_cose_key_id *id)
{
    const tsr_cose_alg *alg = tsr_cose_alg_find(alg_id);

    if (alg == NULL)
        return TSR_E_UNSUPPORTED;
    if ((k->kty == TSR_COSE_EC2) != (alg->kind == TSR_COSE_SIGN1) ||
        (k->alg != TSR_COSE_ALG_NONE && k->alg != alg_id))
        return TSR_E_TYPE;
    if (k->ops != 0 && (ops & ~k->ops) != 0)
        return TSR_E_DENIED;
    if (k->kty == TSR_COSE_EC2)
        return import_ec2(k, alg, ops, id);
    if (alg->bits != 0 && k->k.len * 8 != alg->bits)
        return TSR_E_TYPE;
    return import(alg->type, k->k.len * 8, alg, ops, k->k, id);
}

tsr_err tsr_cose_point_import(tsr_bytes point, int64_t alg_id, tsr_cose_key_id *id)
{
    const tsr_cose_alg *alg = tsr_cose_alg_find(alg_id);

    if (alg == NULL || alg->kind != TSR_COSE_SIGN1)
        return TSR_E_UNSUPPORTED;
    if (point.len != 1 + 2 * (size_t)alg->bits / 8 || point.ptr[0] != 4)
        return TSR_E_TYPE;
    return import(alg->type, alg->bits, alg, TSR_COSE_OP_VERIFY, point, id);
}

tsr_err tsr_cose_key_public(tsr_cose_key_id id, tsr_buf *room, tsr_cose_key *k)
{
    uint8_t point[97];
    size_t len;
    psa_status_t status = psa_export_public_key(id, point, sizeof point, &len);

    if (status != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    if ((len != 65 && len != 97) || point[0] != 4)
        return TSR_E_TYPE;

    size_t field = len / 2;
    uint8_t *at = tsr_buf_claim(room, 2 * field);

    if (at == NULL)
        return TSR_E_SPACE;
    memcpy(at, point + 1, 2 * field);
    *k = (tsr_cose_key){
        .kty = TSR_COSE_EC2,
        .crv = field == 32 ? TSR_COSE_P256 : TSR_COSE_P384,
        .x = { at, field },
        .y = { at + field, field },
    };
    return TSR_OK;
}
