/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that are over in one call. */
#include "secure/crypto/internal.h"

psa_status_t tsr_do_init(tsr_crypto_request *r)
{
    (void)r; /* the core runs since before the first client came */
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
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status != PSA_SUCCESS)
        return status;
    return psa_aead_encrypt(key, r->p.alg, nonce.ptr, nonce.len, ad.ptr, ad.len, in.ptr, in.len,
                            out->base, out->len, &out->len);
}

psa_status_t tsr_do_aead_decrypt(tsr_crypto_request *r)
{
    tsr_bytes ad = tsr_input(r, 0), in = tsr_input(r, 1), nonce = r->p.nonce;
    psa_outvec *out = &r->msg->out[0];
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status != PSA_SUCCESS)
        return status;
    return psa_aead_decrypt(key, r->p.alg, nonce.ptr, nonce.len, ad.ptr, ad.len, in.ptr, in.len,
                            out->base, out->len, &out->len);
}

/* Key, algorithm, one input, one output: eight functions have this shape. */
typedef psa_status_t produce_fn(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *in,
                                size_t in_len, uint8_t *out, size_t size, size_t *len);
typedef psa_status_t verify_fn(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *in,
                               size_t in_len, const uint8_t *proof, size_t proof_len);

static psa_status_t produce(tsr_crypto_request *r, produce_fn *fn)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status != PSA_SUCCESS)
        return status;
    return fn(key, r->p.alg, in.ptr, in.len, out->base, out->len, &out->len);
}

static psa_status_t verify(tsr_crypto_request *r, verify_fn *fn)
{
    tsr_bytes in = tsr_input(r, 0), proof = tsr_input(r, 1);
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status != PSA_SUCCESS)
        return status;
    return fn(key, r->p.alg, in.ptr, in.len, proof.ptr, proof.len);
}

psa_status_t tsr_do_mac_compute(tsr_crypto_request *r) { return produce(r, psa_mac_compute); }

psa_status_t tsr_do_mac_verify(tsr_crypto_request *r) { return verify(r, psa_mac_verify); }

psa_status_t tsr_do_cipher_encrypt(tsr_crypto_request *r) { return produce(r, psa_cipher_encrypt); }

psa_status_t tsr_do_cipher_decrypt(tsr_crypto_request *r) { return produce(r, psa_cipher_decrypt); }

psa_status_t tsr_do_sign_hash(tsr_crypto_request *r) { return produce(r, psa_sign_hash); }

psa_status_t tsr_do_verify_hash(tsr_crypto_request *r) { return verify(r, psa_verify_hash); }

psa_status_t tsr_do_sign_message(tsr_crypto_request *r) { return produce(r, psa_sign_message); }

psa_status_t tsr_do_verify_message(tsr_crypto_request *r) { return verify(r, psa_verify_message); }

psa_status_t tsr_do_agreement(tsr_crypto_request *r)
{
    tsr_bytes peer = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status != PSA_SUCCESS)
        return status;
    return psa_raw_key_agreement(r->p.alg, key, peer.ptr, peer.len, out->base, out->len, &out->len);
}
