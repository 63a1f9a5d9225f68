/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Sign1. The Sig_structure is hashed as it is made, so a payload of any length is never
 * copied. */
#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

typedef struct {
    uint8_t bytes[64];
    size_t len;
} digest;

/* RFC 9052 §4.4: Sig_structure, context "Signature1". */
static tsr_err hash_structure(psa_algorithm_t hash, tsr_bytes protected_map, tsr_bytes aad,
                              tsr_bytes payload, digest *d)
{
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
    tsr_cose_structure s;
    psa_status_t status = psa_hash_setup(&op, hash);

    tsr_cose_structure_make(&s, "Signature1", protected_map, aad, &payload);
    for (size_t i = 0; status == PSA_SUCCESS && i < s.count; i++)
        if (s.slice[i].len > 0)
            status = psa_hash_update(&op, s.slice[i].ptr, s.slice[i].len);
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&op, d->bytes, sizeof d->bytes, &d->len);
    (void)psa_hash_abort(&op);
    return tsr_cose_status(status);
}

tsr_err tsr_cose_sign1_verify(const tsr_cose_message *m, tsr_cose_key_id key, tsr_bytes detached,
                              tsr_bytes external_aad)
{
    const tsr_cose_alg *alg;
    psa_algorithm_t policy;
    tsr_bytes payload;
    digest d = { .len = 0 };
    tsr_err err = tsr_cose_ready(m, TSR_COSE_SIGN1, detached, &payload, &alg);

    if (err == TSR_OK)
        err = tsr_cose_fits(alg, key, &policy);
    if (err == TSR_OK)
        err = hash_structure(PSA_ALG_SIGN_GET_HASH(alg->psa), m->protected_map, external_aad,
                             payload, &d);
    if (err != TSR_OK)
        return err;
    /* A key for signatures with nonces derived (RFC 6979) verifies under that name only. */
    return tsr_cose_status(
        psa_verify_hash(key, PSA_ALG_IS_DETERMINISTIC_ECDSA(policy) ? policy : alg->psa, d.bytes,
                        d.len, m->proof.ptr, m->proof.len));
}

/* RFC 9053 §2.1: the signature is r and s in full length; RFC 8017 §8.2.1: it is as long as the
 * modulus. */
static size_t proof_len(const tsr_cose_signing *s)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    size_t bits = 0;

    if (s->alg->proof != 0)
        return s->alg->proof;
    if (psa_get_key_attributes(s->key, &a) == PSA_SUCCESS)
        bits = psa_get_key_bits(&a);
    psa_reset_key_attributes(&a);
    return (bits + 7) / 8;
}

/* The signature stands behind everything else. */
static tsr_err put_signature(tsr_buf *out, const tsr_cose_signing *s, const digest *d)
{
    psa_algorithm_t how = PSA_ALG_IS_DETERMINISTIC_ECDSA(s->policy) ? s->policy : s->alg->psa;
    size_t expected = proof_len(s), len;
    uint8_t *room;

    tsr_cbor_put_head(out, TSR_CBOR_BYTES, expected);
    room = tsr_buf_claim(out, expected);
    if (room == NULL)
        return out->err;
    return tsr_cose_status(psa_sign_hash(s->key, how, d->bytes, d->len, room, expected, &len));
}

static tsr_err keep(tsr_buf *out, size_t before, tsr_err err)
{
    out->err = err;
    if (err != TSR_OK)
        out->len = before;
    return err;
}

static tsr_err finish(tsr_buf *out, const tsr_cose_signing *s, tsr_bytes payload, tsr_bytes aad)
{
    tsr_bytes protected_map = tsr_view(out->ptr + s->protected_at, s->protected_len);
    digest d = { .len = 0 };
    tsr_err err =
        hash_structure(PSA_ALG_SIGN_GET_HASH(s->alg->psa), protected_map, aad, payload, &d);

    return err == TSR_OK ? put_signature(out, s, &d) : err;
}

tsr_err tsr_cose_sign1_begin(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                             size_t payload_len, tsr_cose_signing *s)
{
    tsr_bytes protected_map = { NULL, 0 };
    tsr_err err = out->err;

    *s = (tsr_cose_signing){
        .alg = tsr_cose_alg_find(p->alg), .key = key, .before = out->len, .payload_len = payload_len
    };
    if (err == TSR_OK && (s->alg == NULL || s->alg->kind != TSR_COSE_SIGN1))
        err = TSR_E_UNSUPPORTED;
    if (err == TSR_OK)
        err = tsr_cose_fits(s->alg, key, &s->policy);
    if (err == TSR_OK) {
        tsr_cose_put_headers(out, TSR_COSE_SIGN1, p, &protected_map);
        if (p->detached)
            tsr_cbor_put_null(out);
        else
            tsr_cbor_put_head(out, TSR_CBOR_BYTES, payload_len);
        err = out->err;
    }
    if (err == TSR_OK) {
        s->protected_at = (size_t)(protected_map.ptr - out->ptr);
        s->protected_len = protected_map.len;
        s->payload_at = out->len;
    }
    return keep(out, s->before, err);
}

tsr_err tsr_cose_sign1_end(tsr_buf *out, const tsr_cose_signing *s, tsr_bytes external_aad)
{
    tsr_err err = out->err;

    if (err == TSR_OK && out->len - s->payload_at != s->payload_len)
        err = TSR_E_ARGUMENT;
    if (err == TSR_OK)
        err = finish(out, s, tsr_view(out->ptr + s->payload_at, s->payload_len), external_aad);
    return keep(out, s->before, err);
}

tsr_err tsr_cose_sign1(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                       tsr_bytes payload, tsr_bytes external_aad)
{
    tsr_cose_signing s;
    tsr_err err = tsr_cose_sign1_begin(out, p, key, payload.len, &s);

    if (err != TSR_OK)
        return err;
    if (!p->detached)
        tsr_put_bytes(out, payload);
    if (out->err == TSR_OK)
        err = finish(out, &s, payload, external_aad);
    else
        err = out->err;
    return keep(out, s.before, err);
}
