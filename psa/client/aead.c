/* SPDX-License-Identifier: Apache-2.0
 *
 * Authenticated encryption. source  Crypto 1.2 §10.5 */
#include "psa/client/call.h"

static psa_status_t whole(int32_t type, mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                          tsr_bytes nonce, tsr_bytes additional, tsr_bytes input, psa_outvec *out)
{
    tsr_wire_params p = { .key = key, .alg = alg, .nonce = nonce };
    psa_invec in[2] = { { additional.ptr, additional.len }, { input.ptr, input.len } };

    return tsr_client_call(type, &p, in, 2, out, 1);
}

psa_status_t psa_aead_encrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                              size_t nonce_length, const uint8_t *additional_data,
                              size_t additional_data_length, const uint8_t *plaintext,
                              size_t plaintext_length, uint8_t *ciphertext, size_t ciphertext_size,
                              size_t *ciphertext_length)
{
    psa_outvec out = { ciphertext, ciphertext_size };
    psa_status_t status = whole(TSR_CRYPTO_AEAD_ENCRYPT, key, alg, tsr_view(nonce, nonce_length),
                                tsr_view(additional_data, additional_data_length),
                                tsr_view(plaintext, plaintext_length), &out);

    *ciphertext_length = out.len;
    return status;
}

psa_status_t psa_aead_decrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                              size_t nonce_length, const uint8_t *additional_data,
                              size_t additional_data_length, const uint8_t *ciphertext,
                              size_t ciphertext_length, uint8_t *plaintext, size_t plaintext_size,
                              size_t *plaintext_length)
{
    psa_outvec out = { plaintext, plaintext_size };
    psa_status_t status = whole(TSR_CRYPTO_AEAD_DECRYPT, key, alg, tsr_view(nonce, nonce_length),
                                tsr_view(additional_data, additional_data_length),
                                tsr_view(ciphertext, ciphertext_length), &out);

    *plaintext_length = out.len;
    return status;
}

static psa_status_t setup(psa_aead_operation_t *operation, mbedtls_svc_key_id_t key,
                          psa_algorithm_t alg, uint32_t decrypt)
{
    tsr_wire_params p = { .key = key, .alg = alg, .step = decrypt };

    return tsr_operation_open(TSR_CRYPTO_AEAD_SETUP, &p, &operation->handle);
}

psa_status_t psa_aead_encrypt_setup(psa_aead_operation_t *operation, mbedtls_svc_key_id_t key,
                                    psa_algorithm_t alg)
{
    return setup(operation, key, alg, 0);
}

psa_status_t psa_aead_decrypt_setup(psa_aead_operation_t *operation, mbedtls_svc_key_id_t key,
                                    psa_algorithm_t alg)
{
    return setup(operation, key, alg, 1);
}

psa_status_t psa_aead_generate_nonce(psa_aead_operation_t *operation, uint8_t *nonce,
                                     size_t nonce_size, size_t *nonce_length)
{
    tsr_wire_params p = { 0 };
    psa_outvec out = { nonce, nonce_size };
    psa_status_t status = tsr_operation_step(TSR_CRYPTO_AEAD_GENERATE_NONCE, &operation->handle, &p,
                                             NULL, 0, &out, 1, false);

    *nonce_length = out.len;
    return status;
}

psa_status_t psa_aead_set_nonce(psa_aead_operation_t *operation, const uint8_t *nonce,
                                size_t nonce_length)
{
    tsr_wire_params p = { 0 };
    psa_invec in = { nonce, nonce_length };

    return tsr_operation_step(TSR_CRYPTO_AEAD_SET_NONCE, &operation->handle, &p, &in, 1, NULL, 0,
                              false);
}

psa_status_t psa_aead_set_lengths(psa_aead_operation_t *operation, size_t ad_length,
                                  size_t plaintext_length)
{
    tsr_wire_params p = { .number = ad_length,
                          .extra = plaintext_length < UINT32_MAX ? (uint32_t)plaintext_length
                                                                 : UINT32_MAX };

    return tsr_operation_step(TSR_CRYPTO_AEAD_SET_LENGTHS, &operation->handle, &p, NULL, 0, NULL, 0,
                              false);
}

psa_status_t psa_aead_update_ad(psa_aead_operation_t *operation, const uint8_t *input,
                                size_t input_length)
{
    return tsr_operation_feed(TSR_CRYPTO_AEAD_UPDATE_AD, &operation->handle,
                              tsr_view(input, input_length), NULL);
}

psa_status_t psa_aead_update(psa_aead_operation_t *operation, const uint8_t *input,
                             size_t input_length, uint8_t *output, size_t output_size,
                             size_t *output_length)
{
    psa_outvec out = { output, output_size };
    psa_status_t status = tsr_operation_feed(TSR_CRYPTO_AEAD_UPDATE, &operation->handle,
                                             tsr_view(input, input_length), &out);

    *output_length = out.len;
    return status;
}

#define LAST_MAX 256u /* no AEAD keeps back more than a block, nor has a longer tag */

psa_status_t psa_aead_finish(psa_aead_operation_t *operation, uint8_t *ciphertext,
                             size_t ciphertext_size, size_t *ciphertext_length, uint8_t *tag,
                             size_t tag_size, size_t *tag_length)
{
    tsr_wire_params p = { 0 };
    psa_outvec out[2] = { { ciphertext, ciphertext_size < LAST_MAX ? ciphertext_size : LAST_MAX },
                          { tag, tag_size < LAST_MAX ? tag_size : LAST_MAX } };
    psa_status_t status =
        tsr_operation_step(TSR_CRYPTO_AEAD_FINISH, &operation->handle, &p, NULL, 0, out, 2, true);

    *ciphertext_length = out[0].len;
    *tag_length = out[1].len;
    return status;
}

psa_status_t psa_aead_verify(psa_aead_operation_t *operation, uint8_t *plaintext,
                             size_t plaintext_size, size_t *plaintext_length, const uint8_t *tag,
                             size_t tag_length)
{
    tsr_wire_params p = { 0 };
    psa_invec in = { tag, tag_length };
    psa_outvec out = { plaintext, plaintext_size };
    psa_status_t status =
        tsr_operation_step(TSR_CRYPTO_AEAD_VERIFY, &operation->handle, &p, &in, 1, &out, 1, true);

    *plaintext_length = out.len;
    return status;
}

psa_status_t psa_aead_abort(psa_aead_operation_t *operation)
{
    return tsr_operation_abort(&operation->handle);
}
