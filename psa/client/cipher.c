/* SPDX-License-Identifier: Apache-2.0
 *
 * Unauthenticated ciphers. source  Crypto 1.2 §10.4 */
#include "psa/client/call.h"

static psa_status_t whole(int32_t type, mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                          tsr_bytes input, psa_outvec *out)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in = { input.ptr, input.len };

    return tsr_client_call(type, &p, &in, 1, out, 1);
}

psa_status_t psa_cipher_encrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, uint8_t *output, size_t output_size,
                                size_t *output_length)
{
    psa_outvec out = { output, output_size };
    psa_status_t status =
        whole(TSR_CRYPTO_CIPHER_ENCRYPT, key, alg, tsr_view(input, input_length), &out);

    *output_length = out.len;
    return status;
}

psa_status_t psa_cipher_decrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, uint8_t *output, size_t output_size,
                                size_t *output_length)
{
    psa_outvec out = { output, output_size };
    psa_status_t status =
        whole(TSR_CRYPTO_CIPHER_DECRYPT, key, alg, tsr_view(input, input_length), &out);

    *output_length = out.len;
    return status;
}

static psa_status_t setup(psa_cipher_operation_t *operation, mbedtls_svc_key_id_t key,
                          psa_algorithm_t alg, uint32_t decrypt)
{
    tsr_wire_params p = { .key = key, .alg = alg, .step = decrypt };

    return tsr_operation_open(TSR_CRYPTO_CIPHER_SETUP, &p, &operation->handle);
}

psa_status_t psa_cipher_encrypt_setup(psa_cipher_operation_t *operation, mbedtls_svc_key_id_t key,
                                      psa_algorithm_t alg)
{
    return setup(operation, key, alg, 0);
}

psa_status_t psa_cipher_decrypt_setup(psa_cipher_operation_t *operation, mbedtls_svc_key_id_t key,
                                      psa_algorithm_t alg)
{
    return setup(operation, key, alg, 1);
}

psa_status_t psa_cipher_generate_iv(psa_cipher_operation_t *operation, uint8_t *iv, size_t iv_size,
                                    size_t *iv_length)
{
    tsr_wire_params p = { 0 };
    psa_outvec out = { iv, iv_size };
    psa_status_t status = tsr_operation_step(TSR_CRYPTO_CIPHER_GENERATE_IV, &operation->handle, &p,
                                             NULL, 0, &out, 1, false);

    *iv_length = out.len;
    return status;
}

psa_status_t psa_cipher_set_iv(psa_cipher_operation_t *operation, const uint8_t *iv,
                               size_t iv_length)
{
    tsr_wire_params p = { 0 };
    psa_invec in = { iv, iv_length };

    return tsr_operation_step(TSR_CRYPTO_CIPHER_SET_IV, &operation->handle, &p, &in, 1, NULL, 0,
                              false);
}

psa_status_t psa_cipher_update(psa_cipher_operation_t *operation, const uint8_t *input,
                               size_t input_length, uint8_t *output, size_t output_size,
                               size_t *output_length)
{
    psa_outvec out = { output, output_size };
    psa_status_t status = tsr_operation_feed(TSR_CRYPTO_CIPHER_UPDATE, &operation->handle,
                                             tsr_view(input, input_length), &out);

    *output_length = out.len;
    return status;
}

psa_status_t psa_cipher_finish(psa_cipher_operation_t *operation, uint8_t *output,
                               size_t output_size, size_t *output_length)
{
    tsr_wire_params p = { 0 };
    psa_outvec out = { output, output_size };
    psa_status_t status = tsr_operation_step(TSR_CRYPTO_CIPHER_FINISH, &operation->handle, &p, NULL,
                                             0, &out, 1, true);

    *output_length = out.len;
    return status;
}

psa_status_t psa_cipher_abort(psa_cipher_operation_t *operation)
{
    return tsr_operation_abort(&operation->handle);
}
