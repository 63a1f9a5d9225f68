/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures, asymmetric encryption and key agreement. source  Crypto 1.2 §10.7, Crypto 1.2 §10.8,
 * Crypto 1.2 §10.9 */
#include "psa/client/call.h"

static psa_status_t sign(int32_t type, mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                         tsr_bytes input, psa_outvec *out)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in = { input.ptr, input.len };

    return tsr_client_call(type, &p, &in, 1, out, 1);
}

static psa_status_t verify(int32_t type, mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                           tsr_bytes input, tsr_bytes signature)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in[2] = { { input.ptr, input.len }, { signature.ptr, signature.len } };

    return tsr_client_call(type, &p, in, 2, NULL, 0);
}

psa_status_t psa_sign_hash(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                           size_t hash_length, uint8_t *signature, size_t signature_size,
                           size_t *signature_length)
{
    psa_outvec out = { signature, signature_size };
    psa_status_t status = sign(TSR_CRYPTO_SIGN_HASH, key, alg, tsr_view(hash, hash_length), &out);

    *signature_length = out.len;
    return status;
}

psa_status_t psa_verify_hash(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                             size_t hash_length, const uint8_t *signature, size_t signature_length)
{
    return verify(TSR_CRYPTO_VERIFY_HASH, key, alg, tsr_view(hash, hash_length),
                  tsr_view(signature, signature_length));
}

psa_status_t psa_sign_message(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                              size_t input_length, uint8_t *signature, size_t signature_size,
                              size_t *signature_length)
{
    psa_outvec out = { signature, signature_size };
    psa_status_t status =
        sign(TSR_CRYPTO_SIGN_MESSAGE, key, alg, tsr_view(input, input_length), &out);

    *signature_length = out.len;
    return status;
}

psa_status_t psa_verify_message(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, const uint8_t *signature,
                                size_t signature_length)
{
    return verify(TSR_CRYPTO_VERIFY_MESSAGE, key, alg, tsr_view(input, input_length),
                  tsr_view(signature, signature_length));
}

static psa_status_t crypt(int32_t type, mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                          tsr_bytes input, tsr_bytes salt, psa_outvec *out)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in[2] = { { input.ptr, input.len }, { salt.ptr, salt.len } };

    return tsr_client_call(type, &p, in, 2, out, 1);
}

psa_status_t psa_asymmetric_encrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                                    const uint8_t *input, size_t input_length, const uint8_t *salt,
                                    size_t salt_length, uint8_t *output, size_t output_size,
                                    size_t *output_length)
{
    psa_outvec out = { output, output_size };
    psa_status_t status = crypt(TSR_CRYPTO_ASYM_ENCRYPT, key, alg, tsr_view(input, input_length),
                                tsr_view(salt, salt_length), &out);

    *output_length = out.len;
    return status;
}

psa_status_t psa_asymmetric_decrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                                    const uint8_t *input, size_t input_length, const uint8_t *salt,
                                    size_t salt_length, uint8_t *output, size_t output_size,
                                    size_t *output_length)
{
    psa_outvec out = { output, output_size };
    psa_status_t status = crypt(TSR_CRYPTO_ASYM_DECRYPT, key, alg, tsr_view(input, input_length),
                                tsr_view(salt, salt_length), &out);

    *output_length = out.len;
    return status;
}

psa_status_t psa_key_agreement(psa_key_id_t private_key, const uint8_t *peer_key,
                               size_t peer_key_length, psa_algorithm_t alg,
                               const psa_key_attributes_t *attributes, psa_key_id_t *key)
{
    tsr_wire_params p = { .key = private_key,
                          .alg = alg,
                          .attributes = tsr_client_attributes(attributes) };
    psa_invec in = { peer_key, peer_key_length };
    uint32_t id = PSA_KEY_ID_NULL;
    psa_status_t status = tsr_client_call_u32(TSR_CRYPTO_AGREEMENT_KEY, &p, &in, 1, &id);

    *key = status == PSA_SUCCESS ? id : PSA_KEY_ID_NULL;
    return status;
}

psa_status_t psa_raw_key_agreement(psa_algorithm_t alg, mbedtls_svc_key_id_t private_key,
                                   const uint8_t *peer_key, size_t peer_key_length, uint8_t *output,
                                   size_t output_size, size_t *output_length)
{
    tsr_wire_params p = { .key = private_key, .alg = alg };
    psa_invec in = { peer_key, peer_key_length };
    psa_outvec out = { output, output_size };
    psa_status_t status = tsr_client_call(TSR_CRYPTO_RAW_AGREEMENT, &p, &in, 1, &out, 1);

    *output_length = out.len;
    return status;
}
