/* SPDX-License-Identifier: Apache-2.0
 *
 * Message authentication codes. source  Crypto 1.2 §10.3 */
#include "psa/client/call.h"

psa_status_t psa_mac_compute(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                             size_t input_length, uint8_t *mac, size_t mac_size, size_t *mac_length)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in = { input, input_length };
    psa_outvec out = { mac, mac_size };
    psa_status_t status = tsr_client_call(TSR_CRYPTO_MAC_COMPUTE, &p, &in, 1, &out, 1);

    *mac_length = out.len;
    return status;
}

psa_status_t psa_mac_verify(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                            size_t input_length, const uint8_t *mac, size_t mac_length)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in[2] = { { input, input_length }, { mac, mac_length } };

    return tsr_client_call(TSR_CRYPTO_MAC_VERIFY, &p, in, 2, NULL, 0);
}

static psa_status_t setup(psa_mac_operation_t *operation, mbedtls_svc_key_id_t key,
                          psa_algorithm_t alg, uint32_t verify)
{
    tsr_wire_params p = { .key = key, .alg = alg, .step = verify };

    return tsr_operation_open(TSR_CRYPTO_MAC_SETUP, &p, &operation->handle);
}

psa_status_t psa_mac_sign_setup(psa_mac_operation_t *operation, mbedtls_svc_key_id_t key,
                                psa_algorithm_t alg)
{
    return setup(operation, key, alg, 0);
}

psa_status_t psa_mac_verify_setup(psa_mac_operation_t *operation, mbedtls_svc_key_id_t key,
                                  psa_algorithm_t alg)
{
    return setup(operation, key, alg, 1);
}

psa_status_t psa_mac_update(psa_mac_operation_t *operation, const uint8_t *input,
                            size_t input_length)
{
    return tsr_operation_feed(TSR_CRYPTO_MAC_UPDATE, &operation->handle,
                              tsr_view(input, input_length), NULL);
}

psa_status_t psa_mac_sign_finish(psa_mac_operation_t *operation, uint8_t *mac, size_t mac_size,
                                 size_t *mac_length)
{
    tsr_wire_params p = { 0 };
    psa_outvec out = { mac, mac_size };
    psa_status_t status = tsr_operation_step(TSR_CRYPTO_MAC_SIGN_FINISH, &operation->handle, &p,
                                             NULL, 0, &out, 1, true);

    *mac_length = out.len;
    return status;
}

psa_status_t psa_mac_verify_finish(psa_mac_operation_t *operation, const uint8_t *mac,
                                   size_t mac_length)
{
    tsr_wire_params p = { 0 };
    psa_invec in = { mac, mac_length };

    return tsr_operation_step(TSR_CRYPTO_MAC_VERIFY_FINISH, &operation->handle, &p, &in, 1, NULL, 0,
                              true);
}

psa_status_t psa_mac_abort(psa_mac_operation_t *operation)
{
    return tsr_operation_abort(&operation->handle);
}
