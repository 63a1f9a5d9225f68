/* SPDX-License-Identifier: Apache-2.0
 *
 * MAC, cipher and AEAD in several calls. A failure or a finish closes the operation, so that a
 * client which forgets to abort holds nothing. */
#include "secure/crypto/internal.h"

/* Closes after a failure, or after the last call. */
static psa_status_t done(tsr_crypto_op *op, psa_status_t status, bool last)
{
    if (status != PSA_SUCCESS || last)
        tsr_op_close(op);
    return status;
}

/* The key, and a fresh operation whose number has been answered. */
static psa_status_t begin(tsr_crypto_request *r, tsr_crypto_op_kind kind, mbedtls_svc_key_id_t *key,
                          tsr_crypto_op **op)
{
    psa_status_t status = tsr_key_resolve(r, r->p.key, key);

    if (status != PSA_SUCCESS)
        return status;
    if (r->p.step > 1)
        return PSA_ERROR_PROGRAMMER_ERROR;
    *op = tsr_op_open(r, kind);
    if (*op == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    status = tsr_answer_u32(r, (*op)->id);
    if (status != PSA_SUCCESS)
        tsr_op_close(*op);
    return status;
}

psa_status_t tsr_do_mac_setup(tsr_crypto_request *r)
{
    mbedtls_svc_key_id_t key;
    tsr_crypto_op *op;
    psa_status_t status = begin(r, TSR_OP_MAC, &key, &op);

    if (status != PSA_SUCCESS)
        return status;
    status = r->p.step == 0 ? psa_mac_sign_setup(&op->u.mac, key, r->p.alg)
                            : psa_mac_verify_setup(&op->u.mac, key, r->p.alg);
    return done(op, status, false);
}

psa_status_t tsr_do_mac_update(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_MAC);
    tsr_bytes in = tsr_input(r, 0);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_mac_update(&op->u.mac, in.ptr, in.len), false);
}

psa_status_t tsr_do_mac_sign_finish(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_MAC);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_mac_sign_finish(&op->u.mac, out->base, out->len, &out->len), true);
}

psa_status_t tsr_do_mac_verify_finish(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_MAC);
    tsr_bytes in = tsr_input(r, 0);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_mac_verify_finish(&op->u.mac, in.ptr, in.len), true);
}

psa_status_t tsr_do_cipher_setup(tsr_crypto_request *r)
{
    mbedtls_svc_key_id_t key;
    tsr_crypto_op *op;
    psa_status_t status = begin(r, TSR_OP_CIPHER, &key, &op);

    if (status != PSA_SUCCESS)
        return status;
    status = r->p.step == 0 ? psa_cipher_encrypt_setup(&op->u.cipher, key, r->p.alg)
                            : psa_cipher_decrypt_setup(&op->u.cipher, key, r->p.alg);
    return done(op, status, false);
}

psa_status_t tsr_do_cipher_generate_iv(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_CIPHER);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_cipher_generate_iv(&op->u.cipher, out->base, out->len, &out->len), false);
}

psa_status_t tsr_do_cipher_set_iv(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_CIPHER);
    tsr_bytes in = tsr_input(r, 0);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_cipher_set_iv(&op->u.cipher, in.ptr, in.len), false);
}

psa_status_t tsr_do_cipher_update(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_CIPHER);
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op,
                psa_cipher_update(&op->u.cipher, in.ptr, in.len, out->base, out->len, &out->len),
                false);
}

psa_status_t tsr_do_cipher_finish(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_CIPHER);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_cipher_finish(&op->u.cipher, out->base, out->len, &out->len), true);
}

psa_status_t tsr_do_aead_setup(tsr_crypto_request *r)
{
    mbedtls_svc_key_id_t key;
    tsr_crypto_op *op;
    psa_status_t status = begin(r, TSR_OP_AEAD, &key, &op);

    if (status != PSA_SUCCESS)
        return status;
    status = r->p.step == 0 ? psa_aead_encrypt_setup(&op->u.aead, key, r->p.alg)
                            : psa_aead_decrypt_setup(&op->u.aead, key, r->p.alg);
    return done(op, status, false);
}

psa_status_t tsr_do_aead_generate_nonce(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_AEAD);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_aead_generate_nonce(&op->u.aead, out->base, out->len, &out->len), false);
}

psa_status_t tsr_do_aead_set_nonce(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_AEAD);
    tsr_bytes in = tsr_input(r, 0);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_aead_set_nonce(&op->u.aead, in.ptr, in.len), false);
}

psa_status_t tsr_do_aead_set_lengths(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_AEAD);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    if (r->p.number > SIZE_MAX)
        return done(op, PSA_ERROR_INVALID_ARGUMENT, true);
    return done(op, psa_aead_set_lengths(&op->u.aead, (size_t)r->p.number, r->p.extra), false);
}

psa_status_t tsr_do_aead_update_ad(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_AEAD);
    tsr_bytes in = tsr_input(r, 0);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_aead_update_ad(&op->u.aead, in.ptr, in.len), false);
}

psa_status_t tsr_do_aead_update(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_AEAD);
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_aead_update(&op->u.aead, in.ptr, in.len, out->base, out->len, &out->len),
                false);
}

psa_status_t tsr_do_aead_finish(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_AEAD);
    psa_outvec *out = r->msg->out;

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op,
                psa_aead_finish(&op->u.aead, out[0].base, out[0].len, &out[0].len, out[1].base,
                                out[1].len, &out[1].len),
                true);
}

psa_status_t tsr_do_aead_verify(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_AEAD);
    tsr_bytes tag = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return done(op, psa_aead_verify(&op->u.aead, out->base, out->len, &out->len, tag.ptr, tag.len),
                true);
}

psa_status_t tsr_do_abort(tsr_crypto_request *r)
{
    for (int kind = TSR_OP_MAC; kind <= TSR_OP_PAKE; kind++) {
        tsr_crypto_op *op = tsr_op_find(r, (tsr_crypto_op_kind)kind);

        if (op != NULL) {
            tsr_op_close(op);
            return PSA_SUCCESS;
        }
    }
    return PSA_ERROR_INVALID_HANDLE;
}
