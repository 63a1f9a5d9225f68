/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Encrypt0. */
#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

typedef struct {
    const tsr_cose_alg *alg;
    tsr_cose_key_id key;
    tsr_bytes nonce;
    uint8_t aad[TSR_COSE_AAD_MAX];
    size_t aad_len;
} aead;

/* RFC 9052 §5.3: Enc_structure, context "Encrypt0". */
static tsr_err prepare(aead *a, tsr_bytes protected_map, tsr_bytes external_aad)
{
    tsr_buf out = tsr_buf_over(a->aad, sizeof a->aad);

    tsr_cose_enc_structure(&out, "Encrypt0", protected_map, external_aad);
    a->aad_len = out.len;
    return out.err;
}

static tsr_err decrypt(const aead *a, tsr_bytes in, tsr_buf *out)
{
    size_t len = in.len - a->alg->proof, got;
    tsr_buf work = *out;
    uint8_t *room = tsr_buf_claim(&work, len);
    uint8_t nothing[1]; /* PSA wants a place, also for no bytes */

    if (room == NULL)
        return work.err;

    psa_status_t status =
        psa_aead_decrypt(a->key, a->alg->psa, a->nonce.ptr, a->nonce.len, a->aad, a->aad_len,
                         in.ptr, in.len, len > 0 ? room : nothing, len, &got);

    if (status != PSA_SUCCESS) {
        tsr_wipe(room, len);
        return tsr_cose_status(status);
    }
    *out = work;
    return TSR_OK;
}

tsr_err tsr_cose_encrypt0_open(const tsr_cose_message *m, tsr_cose_key_id key, tsr_bytes detached,
                               tsr_bytes external_aad, tsr_bytes iv, tsr_buf *out)
{
    psa_algorithm_t policy;
    tsr_bytes ciphertext;
    aead a = { .key = key };
    tsr_err err = tsr_cose_ready(m, TSR_COSE_ENCRYPT0, detached, &ciphertext, &a.alg);

    if (err == TSR_OK)
        err = tsr_cose_fits(a.alg, key, &policy);
    if (err != TSR_OK)
        return err;
    if (out->err != TSR_OK || (iv.ptr != NULL && m->iv.ptr != NULL))
        return TSR_E_ARGUMENT;
    a.nonce = iv.ptr != NULL ? iv : m->iv;
    if (a.nonce.len != a.alg->nonce)
        return TSR_E_MALFORMED;
    if (ciphertext.len < a.alg->proof)
        return TSR_E_CRYPTO;
    err = prepare(&a, m->protected_map, external_aad);
    return err == TSR_OK ? decrypt(&a, ciphertext, out) : err;
}

static tsr_err encrypt(const aead *a, tsr_bytes plaintext, tsr_buf *out)
{
    size_t len = plaintext.len + a->alg->proof, got;
    uint8_t *room = tsr_buf_claim(out, len);

    if (room == NULL)
        return out->err;
    return tsr_cose_status(psa_aead_encrypt(a->key, a->alg->psa, a->nonce.ptr, a->nonce.len, a->aad,
                                            a->aad_len, plaintext.ptr, plaintext.len, room, len,
                                            &got));
}

static tsr_err put_message(tsr_buf *out, const tsr_cose_params *p, aead *a, tsr_bytes plaintext,
                           tsr_bytes external_aad, tsr_buf *ciphertext)
{
    tsr_bytes protected_map = { NULL, 0 };
    tsr_err err;

    tsr_cose_put_headers(out, TSR_COSE_ENCRYPT0, p, &protected_map);
    if (p->detached)
        tsr_cbor_put_null(out);
    else
        tsr_cbor_put_head(out, TSR_CBOR_BYTES, plaintext.len + a->alg->proof);
    err = out->err;
    if (err == TSR_OK)
        err = prepare(a, protected_map, external_aad);
    return err == TSR_OK ? encrypt(a, plaintext, p->detached ? ciphertext : out) : err;
}

tsr_err tsr_cose_encrypt0(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                          tsr_bytes plaintext, tsr_bytes external_aad, tsr_buf *ciphertext)
{
    aead a = { .alg = tsr_cose_alg_find(p->alg), .key = key, .nonce = p->iv };
    size_t before = out->len, before_ciphertext = ciphertext != NULL ? ciphertext->len : 0;
    psa_algorithm_t policy;
    tsr_err err = out->err;

    if (err == TSR_OK && (a.alg == NULL || a.alg->kind != TSR_COSE_ENCRYPT0))
        err = TSR_E_UNSUPPORTED;
    if (err == TSR_OK && (a.nonce.len != a.alg->nonce || p->detached != (ciphertext != NULL)))
        err = TSR_E_ARGUMENT;
    if (err == TSR_OK)
        err = tsr_cose_fits(a.alg, key, &policy);
    if (err == TSR_OK)
        err = put_message(out, p, &a, plaintext, external_aad, ciphertext);
    out->err = err;
    if (err == TSR_OK)
        return TSR_OK;
    out->len = before;
    if (ciphertext != NULL)
        ciphertext->len = before_ciphertext;
    return err;
}
