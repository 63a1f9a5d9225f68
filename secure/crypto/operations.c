/* SPDX-License-Identifier: Apache-2.0
 *
 * MAC, cipher and AEAD in several calls. What opens, finds and closes an operation is said in the
 * table of call.c. */
#include "secure/crypto/internal.h"

psa_status_t tsr_do_mac_setup(tsr_crypto_request *r)
{
    psa_mac_operation_t *op = &r->op->u.mac;

    switch (r->p.step) {
    case 0: return psa_mac_sign_setup(op, r->key, r->p.alg);
    case 1: return psa_mac_verify_setup(op, r->key, r->p.alg);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}

psa_status_t tsr_do_mac_update(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);

    return psa_mac_update(&r->op->u.mac, in.ptr, in.len);
}

psa_status_t tsr_do_mac_sign_finish(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    return psa_mac_sign_finish(&r->op->u.mac, out->base, out->len, &out->len);
}

psa_status_t tsr_do_mac_verify_finish(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);

    return psa_mac_verify_finish(&r->op->u.mac, in.ptr, in.len);
}

psa_status_t tsr_do_cipher_setup(tsr_crypto_request *r)
{
    psa_cipher_operation_t *op = &r->op->u.cipher;

    switch (r->p.step) {
    case 0: return psa_cipher_encrypt_setup(op, r->key, r->p.alg);
    case 1: return psa_cipher_decrypt_setup(op, r->key, r->p.alg);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}

psa_status_t tsr_do_cipher_generate_iv(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    return psa_cipher_generate_iv(&r->op->u.cipher, out->base, out->len, &out->len);
}

psa_status_t tsr_do_cipher_set_iv(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);

    return psa_cipher_set_iv(&r->op->u.cipher, in.ptr, in.len);
}

psa_status_t tsr_do_cipher_update(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    return psa_cipher_update(&r->op->u.cipher, in.ptr, in.len, out->base, out->len, &out->len);
}

psa_status_t tsr_do_cipher_finish(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    return psa_cipher_finish(&r->op->u.cipher, out->base, out->len, &out->len);
}

psa_status_t tsr_do_aead_setup(tsr_crypto_request *r)
{
    psa_aead_operation_t *op = &r->op->u.aead;

    switch (r->p.step) {
    case 0: return psa_aead_encrypt_setup(op, r->key, r->p.alg);
    case 1: return psa_aead_decrypt_setup(op, r->key, r->p.alg);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}

psa_status_t tsr_do_aead_generate_nonce(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    return psa_aead_generate_nonce(&r->op->u.aead, out->base, out->len, &out->len);
}

psa_status_t tsr_do_aead_set_nonce(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);

    return psa_aead_set_nonce(&r->op->u.aead, in.ptr, in.len);
}

psa_status_t tsr_do_aead_set_lengths(tsr_crypto_request *r)
{
    if (r->p.number > SIZE_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    return psa_aead_set_lengths(&r->op->u.aead, (size_t)r->p.number, r->p.extra);
}

psa_status_t tsr_do_aead_update_ad(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);

    return psa_aead_update_ad(&r->op->u.aead, in.ptr, in.len);
}

psa_status_t tsr_do_aead_update(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    return psa_aead_update(&r->op->u.aead, in.ptr, in.len, out->base, out->len, &out->len);
}

psa_status_t tsr_do_aead_finish(tsr_crypto_request *r)
{
    psa_outvec *out = r->msg->out;

    return psa_aead_finish(&r->op->u.aead, out[0].base, out[0].len, &out[0].len, out[1].base,
                           out[1].len, &out[1].len);
}

psa_status_t tsr_do_aead_verify(tsr_crypto_request *r)
{
    tsr_bytes tag = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    return psa_aead_verify(&r->op->u.aead, out->base, out->len, &out->len, tag.ptr, tag.len);
}

psa_status_t tsr_do_abort(tsr_crypto_request *r)
{
    (void)r; /* it ends the operation, as every finish does */
    return PSA_SUCCESS;
}
