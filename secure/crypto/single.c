/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that are over in one call. */
#include "secure/crypto/internal.h"

psa_status_t tsr_do_init(tsr_crypto_request *r)
{
    (void)r; /* the core runs since before the first client came */
    return PSA_SUCCESS;
}

psa_status_t tsr_do_leave(tsr_crypto_request *r)
{
    tsr_crypto_gone(r->c, r->msg->caller.connection);
    return PSA_SUCCESS;
}

psa_status_t tsr_do_random(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    return out->len == 0 ? PSA_SUCCESS : psa_generate_random(out->base, out->len);
}

psa_status_t tsr_do_aead_encrypt(tsr_crypto_request *r)
{
    tsr_bytes ad = tsr_input(r, 0), in = tsr_input(r, 1), nonce = r->p.nonce;
    psa_outvec *out = &r->msg->out[0];

    return psa_aead_encrypt(r->key, r->p.alg, nonce.ptr, nonce.len, ad.ptr, ad.len, in.ptr, in.len,
                            out->base, out->len, &out->len);
}

psa_status_t tsr_do_aead_decrypt(tsr_crypto_request *r)
{
    tsr_bytes ad = tsr_input(r, 0), in = tsr_input(r, 1), nonce = r->p.nonce;
    psa_outvec *out = &r->msg->out[0];

    return psa_aead_decrypt(r->key, r->p.alg, nonce.ptr, nonce.len, ad.ptr, ad.len, in.ptr, in.len,
                            out->base, out->len, &out->len);
}

psa_status_t tsr_do_cipher_encrypt(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    return psa_cipher_encrypt(r->key, r->p.alg, in.ptr, in.len, out->base, out->len, &out->len);
}

psa_status_t tsr_do_cipher_decrypt(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    return psa_cipher_decrypt(r->key, r->p.alg, in.ptr, in.len, out->base, out->len, &out->len);
}

/* The MAC of a key at another location, of the length that the algorithm says. */
static psa_status_t held_mac(tsr_crypto_request *r, mbedtls_svc_key_id_t key, psa_key_usage_t usage,
                             psa_outvec *mac)
{
    psa_algorithm_t alg = r->p.alg;
    tsr_held h;
    psa_status_t status = tsr_held_open(r->c, key, &h);

    if (status == PSA_SUCCESS && !PSA_ALG_IS_MAC(alg))
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS)
        status = tsr_policy_permits(&h.attributes, usage, alg);
    if (status == PSA_SUCCESS)
        status = tsr_held_mac(&h, PSA_ALG_FULL_LENGTH_MAC(alg), tsr_input(r, 0), mac);
    if (status == PSA_SUCCESS && PSA_MAC_TRUNCATED_LENGTH(alg) != 0) {
        if (PSA_MAC_TRUNCATED_LENGTH(alg) > mac->len)
            status = PSA_ERROR_INVALID_ARGUMENT;
        else
            mac->len = PSA_MAC_TRUNCATED_LENGTH(alg);
    }
    tsr_wipe(&h, sizeof h);
    return status;
}

psa_status_t tsr_do_mac_compute(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];
    uint8_t memory[PSA_MAC_MAX_SIZE];
    psa_outvec mac = { memory, sizeof memory };
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    if (!tsr_is_held(held))
        return psa_mac_compute(key, r->p.alg, in.ptr, in.len, out->base, out->len, &out->len);
    status = held_mac(r, key, PSA_KEY_USAGE_SIGN_MESSAGE, &mac);
    if (status == PSA_SUCCESS && mac.len > out->len)
        status = PSA_ERROR_BUFFER_TOO_SMALL;
    if (status == PSA_SUCCESS) {
        memcpy(out->base, memory, mac.len);
        out->len = mac.len;
    }
    tsr_wipe(memory, sizeof memory);
    return status;
}

psa_status_t tsr_do_mac_verify(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0), proof = tsr_input(r, 1);
    uint8_t memory[PSA_MAC_MAX_SIZE];
    psa_outvec mac = { memory, sizeof memory };
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    if (!tsr_is_held(held))
        return psa_mac_verify(key, r->p.alg, in.ptr, in.len, proof.ptr, proof.len);
    status = held_mac(r, key, PSA_KEY_USAGE_VERIFY_MESSAGE, &mac);
    if (status == PSA_SUCCESS && !tsr_same_secret(tsr_view(memory, mac.len), proof))
        status = PSA_ERROR_INVALID_SIGNATURE;
    tsr_wipe(memory, sizeof memory);
    return status;
}
