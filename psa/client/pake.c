/* SPDX-License-Identifier: Apache-2.0
 *
 * Password-authenticated key exchange. source  PSA Crypto API 1.2 PAKE Extension */
#include "psa/client/call.h"

psa_status_t psa_pake_setup(psa_pake_operation_t *operation, psa_key_id_t password_key,
                            const psa_pake_cipher_suite_t *cipher_suite)
{
    tsr_wire_params p = { .key = password_key,
                          .alg = psa_pake_cs_get_algorithm(cipher_suite),
                          .extra = psa_pake_cs_get_primitive(cipher_suite),
                          .step = psa_pake_cs_get_key_confirmation(cipher_suite) };

    return tsr_operation_open(TSR_CRYPTO_PAKE_SETUP, &p, &operation->handle);
}

static psa_status_t give(int32_t type, psa_pake_operation_t *operation, uint32_t step,
                         tsr_bytes bytes)
{
    tsr_wire_params p = { .step = step };
    psa_invec in = { bytes.ptr, bytes.len };

    return tsr_operation_step(type, &operation->handle, &p, &in, 1, NULL, 0, false);
}

psa_status_t psa_pake_set_role(psa_pake_operation_t *operation, psa_pake_role_t role)
{
    tsr_wire_params p = { .step = role };

    return tsr_operation_step(TSR_CRYPTO_PAKE_SET_ROLE, &operation->handle, &p, NULL, 0, NULL, 0,
                              false);
}

psa_status_t psa_pake_set_user(psa_pake_operation_t *operation, const uint8_t *user_id,
                               size_t user_id_len)
{
    return give(TSR_CRYPTO_PAKE_SET_USER, operation, 0, tsr_view(user_id, user_id_len));
}

psa_status_t psa_pake_set_peer(psa_pake_operation_t *operation, const uint8_t *peer_id,
                               size_t peer_id_len)
{
    return give(TSR_CRYPTO_PAKE_SET_PEER, operation, 0, tsr_view(peer_id, peer_id_len));
}

psa_status_t psa_pake_set_context(psa_pake_operation_t *operation, const uint8_t *context,
                                  size_t context_len)
{
    return give(TSR_CRYPTO_PAKE_SET_CONTEXT, operation, 0, tsr_view(context, context_len));
}

psa_status_t psa_pake_output(psa_pake_operation_t *operation, psa_pake_step_t step, uint8_t *output,
                             size_t output_size, size_t *output_length)
{
    tsr_wire_params p = { .step = step };
    psa_outvec out = { output, output_size };
    psa_status_t status =
        tsr_operation_step(TSR_CRYPTO_PAKE_OUTPUT, &operation->handle, &p, NULL, 0, &out, 1, false);

    *output_length = out.len;
    return status;
}

psa_status_t psa_pake_input(psa_pake_operation_t *operation, psa_pake_step_t step,
                            const uint8_t *input, size_t input_length)
{
    return give(TSR_CRYPTO_PAKE_INPUT, operation, step, tsr_view(input, input_length));
}

psa_status_t psa_pake_get_shared_key(psa_pake_operation_t *operation,
                                     const psa_key_attributes_t *attributes, psa_key_id_t *key)
{
    tsr_wire_params p = { .attributes = tsr_client_attributes(attributes) };
    uint8_t answer[4];
    psa_outvec out = { answer, sizeof answer };
    psa_status_t status = tsr_operation_step(TSR_CRYPTO_PAKE_SHARED_KEY, &operation->handle, &p,
                                             NULL, 0, &out, 1, true);
    tsr_bytes view = { answer, out.len };
    uint32_t id = PSA_KEY_ID_NULL;

    if (status == PSA_SUCCESS && tsr_get_u32(&view, &id) != TSR_OK)
        status = PSA_ERROR_COMMUNICATION_FAILURE;
    *key = status == PSA_SUCCESS ? id : PSA_KEY_ID_NULL;
    return status;
}

psa_status_t psa_pake_abort(psa_pake_operation_t *operation)
{
    return tsr_operation_abort(&operation->handle);
}
