/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures and asymmetric encryption, whole. A key at another location signs and decrypts there;
 * what its public half can do is done here. source  Crypto 1.2 §10.7, Crypto 1.2 §10.8 */
#include "secure/crypto/internal.h"

/* Opens a key at another location for one use of it. */
static psa_status_t open_for(tsr_crypto_request *r, mbedtls_svc_key_id_t key, psa_key_usage_t usage,
                             tsr_held *h)
{
    psa_status_t status = tsr_held_open(r->c, key, h);

    return status == PSA_SUCCESS ? tsr_policy_permits(&h->attributes, usage, r->p.alg) : status;
}

static psa_status_t held_sign_hash(tsr_crypto_request *r, mbedtls_svc_key_id_t key)
{
    tsr_bytes hash = tsr_input(r, 0);
    tsr_held h;
    psa_status_t status = open_for(r, key, PSA_KEY_USAGE_SIGN_HASH, &h);

    if (status == PSA_SUCCESS && !PSA_ALG_IS_SIGN_HASH(r->p.alg))
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS && hash.len != PSA_HASH_LENGTH(PSA_ALG_SIGN_GET_HASH(r->p.alg)))
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS)
        status = tsr_held_sign(&h, r->p.alg, hash, &r->msg->out[0]);
    tsr_wipe(&h, sizeof h);
    return status;
}

static psa_status_t held_sign_message(tsr_crypto_request *r, mbedtls_svc_key_id_t key)
{
    tsr_bytes in = tsr_input(r, 0);
    uint8_t hash[PSA_HASH_MAX_SIZE];
    size_t len = 0;
    tsr_held h;
    psa_status_t status = open_for(r, key, PSA_KEY_USAGE_SIGN_MESSAGE, &h);

    if (status == PSA_SUCCESS && !PSA_ALG_IS_SIGN_HASH(r->p.alg))
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS)
        status = psa_hash_compute(PSA_ALG_SIGN_GET_HASH(r->p.alg), in.ptr, in.len, hash,
                                  sizeof hash, &len);
    if (status == PSA_SUCCESS)
        status = tsr_held_sign(&h, r->p.alg, tsr_view(hash, len), &r->msg->out[0]);
    tsr_wipe(&h, sizeof h);
    return status;
}

/* A key of the core's for an operation that needs the public half alone, and which one it is:
 * `own` is to be destroyed afterwards. */
static psa_status_t public_key(tsr_crypto_request *r, psa_key_usage_t usage,
                               mbedtls_svc_key_id_t *key, bool *own)
{
    bool held = false;
    tsr_held h;
    psa_status_t status = tsr_key_any(r, r->p.key, key, &held);

    *own = false;
    if (status != PSA_SUCCESS || !tsr_is_held(held))
        return status;
    status = open_for(r, *key, usage, &h);
    if (status == PSA_SUCCESS)
        status = tsr_held_public(&h, usage, r->p.alg, key);
    *own = status == PSA_SUCCESS;
    tsr_wipe(&h, sizeof h);
    return status;
}

static psa_status_t done_with(mbedtls_svc_key_id_t key, bool own, psa_status_t status)
{
    if (own)
        (void)psa_destroy_key(key);
    return status;
}

psa_status_t tsr_do_sign_hash(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    if (tsr_is_held(held))
        return held_sign_hash(r, key);
    return psa_sign_hash(key, r->p.alg, in.ptr, in.len, out->base, out->len, &out->len);
}

psa_status_t tsr_do_sign_message(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    if (tsr_is_held(held))
        return held_sign_message(r, key);
    return psa_sign_message(key, r->p.alg, in.ptr, in.len, out->base, out->len, &out->len);
}

psa_status_t tsr_do_verify_hash(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0), proof = tsr_input(r, 1);
    mbedtls_svc_key_id_t key;
    bool own;
    psa_status_t status = public_key(r, PSA_KEY_USAGE_VERIFY_HASH, &key, &own);

    if (status != PSA_SUCCESS)
        return status;
    return done_with(key, own,
                     psa_verify_hash(key, r->p.alg, in.ptr, in.len, proof.ptr, proof.len));
}

psa_status_t tsr_do_verify_message(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0), proof = tsr_input(r, 1);
    mbedtls_svc_key_id_t key;
    bool own;
    psa_status_t status = public_key(r, PSA_KEY_USAGE_VERIFY_MESSAGE, &key, &own);

    if (status != PSA_SUCCESS)
        return status;
    return done_with(key, own,
                     psa_verify_message(key, r->p.alg, in.ptr, in.len, proof.ptr, proof.len));
}

psa_status_t tsr_do_asym_encrypt(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0), salt = tsr_input(r, 1);
    psa_outvec *out = &r->msg->out[0];
    mbedtls_svc_key_id_t key;
    bool own;
    psa_status_t status = public_key(r, PSA_KEY_USAGE_ENCRYPT, &key, &own);

    if (status != PSA_SUCCESS)
        return status;
    return done_with(key, own,
                     psa_asymmetric_encrypt(key, r->p.alg, in.ptr, in.len,
                                            salt.len > 0 ? salt.ptr : NULL, salt.len, out->base,
                                            out->len, &out->len));
}

static psa_status_t held_decrypt(tsr_crypto_request *r, mbedtls_svc_key_id_t key)
{
    tsr_bytes salt = tsr_input(r, 1);
    tsr_held h;
    psa_status_t status = open_for(r, key, PSA_KEY_USAGE_DECRYPT, &h);

    if (status == PSA_SUCCESS && (!PSA_ALG_IS_ASYMMETRIC_ENCRYPTION(r->p.alg) ||
                                  (salt.len > 0 && !PSA_ALG_IS_RSA_OAEP(r->p.alg))))
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS)
        status = tsr_held_decrypt(&h, r->p.alg, tsr_input(r, 0), salt, &r->msg->out[0]);
    tsr_wipe(&h, sizeof h);
    return status;
}

psa_status_t tsr_do_asym_decrypt(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0), salt = tsr_input(r, 1);
    psa_outvec *out = &r->msg->out[0];
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    if (tsr_is_held(held))
        return held_decrypt(r, key);
    return psa_asymmetric_decrypt(key, r->p.alg, in.ptr, in.len, salt.len > 0 ? salt.ptr : NULL,
                                  salt.len, out->base, out->len, &out->len);
}
