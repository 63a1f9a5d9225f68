/* SPDX-License-Identifier: Apache-2.0
 *
 * Key agreement: the secret as bytes, as a key, or straight into a derivation.
 * source  Crypto 1.2 §10.9 */
#include "secure/crypto/internal.h"

/* The shared secret, with the private key's policy checked, wherever that key is. */
static psa_status_t agree(tsr_crypto_request *r, psa_algorithm_t permitted, psa_algorithm_t base,
                          psa_outvec *secret)
{
    tsr_bytes peer = tsr_input(r, 0);
    mbedtls_svc_key_id_t key;
    bool held = false;
    tsr_held h;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    if (!tsr_is_held(held))
        return psa_raw_key_agreement(base, key, peer.ptr, peer.len, secret->base, secret->len,
                                     &secret->len);
    status = tsr_held_open(r->c, key, &h);
    if (status == PSA_SUCCESS)
        status = tsr_policy_permits(&h.attributes, PSA_KEY_USAGE_DERIVE, permitted);
    if (status == PSA_SUCCESS)
        status = tsr_held_agree(&h, base, peer, secret);
    tsr_wipe(&h, sizeof h);
    return status;
}

psa_status_t tsr_do_agreement(tsr_crypto_request *r)
{
    if (!PSA_ALG_IS_RAW_KEY_AGREEMENT(r->p.alg))
        return PSA_ERROR_INVALID_ARGUMENT;
    return agree(r, r->p.alg, r->p.alg, &r->msg->out[0]);
}

static bool holds_a_secret(psa_key_type_t type)
{
    return type == PSA_KEY_TYPE_DERIVE || type == PSA_KEY_TYPE_RAW_DATA ||
           type == PSA_KEY_TYPE_HMAC || type == PSA_KEY_TYPE_PASSWORD;
}

psa_status_t tsr_do_agreement_key(tsr_crypto_request *r)
{
    uint8_t memory[PSA_RAW_KEY_AGREEMENT_OUTPUT_MAX_SIZE];
    psa_outvec secret = { memory, sizeof memory };
    tsr_new_key n;

    if (!PSA_ALG_IS_RAW_KEY_AGREEMENT(r->p.alg) || !holds_a_secret(r->p.attributes.type))
        return PSA_ERROR_INVALID_ARGUMENT;

    psa_status_t status = agree(r, r->p.alg, r->p.alg, &secret);

    if (status == PSA_SUCCESS)
        status = tsr_key_prepare(r, &n);
    if (status == PSA_SUCCESS)
        status = tsr_key_from(r, &n, tsr_view(memory, secret.len));
    tsr_wipe(memory, sizeof memory);
    return status;
}

/* The secret goes into the derivation as a key that permits it and nothing else: that is what lets
 * the derivation make keys. */
static psa_status_t feed(tsr_crypto_derivation *d, psa_key_derivation_step_t step, tsr_bytes secret)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;

    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, d->alg);

    psa_status_t status = psa_import_key(&a, secret.ptr, secret.len, &key);

    if (status != PSA_SUCCESS)
        return status;
    status = psa_key_derivation_input_key(&d->core, step, key);
    (void)psa_destroy_key(key);
    return status;
}

static psa_status_t derive_from_held(tsr_crypto_request *r, tsr_crypto_derivation *d)
{
    uint8_t memory[PSA_RAW_KEY_AGREEMENT_OUTPUT_MAX_SIZE];
    psa_outvec secret = { memory, sizeof memory };
    psa_status_t status = PSA_ALG_IS_KEY_AGREEMENT(d->alg)
                              ? agree(r, d->alg, PSA_ALG_KEY_AGREEMENT_GET_BASE(d->alg), &secret)
                              : PSA_ERROR_INVALID_ARGUMENT;

    if (status == PSA_SUCCESS)
        status = feed(d, (psa_key_derivation_step_t)r->p.step, tsr_view(memory, secret.len));
    tsr_wipe(memory, sizeof memory);
    return status;
}

psa_status_t tsr_do_derive_agreement(tsr_crypto_request *r)
{
    tsr_crypto_derivation *d = &r->op->u.derive;
    tsr_bytes peer = tsr_input(r, 0);
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status =
        r->p.step > UINT16_MAX ? PSA_ERROR_INVALID_ARGUMENT : tsr_key_any(r, r->p.key, &key, &held);

    if (status == PSA_SUCCESS && tsr_is_held(held))
        status = derive_from_held(r, d);
    else if (status == PSA_SUCCESS)
        status = psa_key_derivation_key_agreement(&d->core, (psa_key_derivation_step_t)r->p.step,
                                                  key, peer.ptr, peer.len);
    return status;
}
