/* SPDX-License-Identifier: Apache-2.0 */
#include "psa/client/call.h"

psa_status_t tsr_client_call(int32_t type, const tsr_wire_params *p, const psa_invec *in,
                             size_t n_in, psa_outvec *out, size_t n_out)
{
    uint8_t block[TSR_WIRE_PARAMS + TSR_WIRE_NONCE_MAX];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    psa_invec vec[PSA_MAX_IOVEC];

    tsr_wire_params_write(&params, p);
    if (params.err != TSR_OK || n_in > PSA_MAX_IOVEC - 1)
        return PSA_ERROR_NOT_SUPPORTED; /* a nonce longer than the wire carries */
    vec[0] = (psa_invec){ block, params.len };
    for (size_t i = 0; i < n_in; i++)
        vec[1 + i] = in[i];
    for (size_t i = 0; i < n_out; i++)
        if (out[i].len > TSR_CALL_BYTES)
            out[i].len = TSR_CALL_BYTES;

    psa_status_t status = psa_call(TSR_PSA_CRYPTO_HANDLE, type, vec, 1 + n_in, out, n_out);

    if (status != PSA_SUCCESS)
        for (size_t i = 0; i < n_out; i++)
            out[i].len = 0;
    return status;
}

psa_status_t tsr_client_call_u32(int32_t type, const tsr_wire_params *p, const psa_invec *in,
                                 size_t n_in, uint32_t *value)
{
    uint8_t answer[4];
    psa_outvec out = { answer, sizeof answer };
    psa_status_t status = tsr_client_call(type, p, in, n_in, &out, 1);
    tsr_bytes view = { answer, out.len };

    if (status != PSA_SUCCESS)
        return status;
    if (view.len != sizeof answer || tsr_get_u32(&view, value) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    return PSA_SUCCESS;
}

tsr_wire_attributes tsr_client_attributes(const psa_key_attributes_t *attributes)
{
    return (tsr_wire_attributes){
        .type = psa_get_key_type(attributes),
        .bits = (uint16_t)psa_get_key_bits(attributes),
        .lifetime = psa_get_key_lifetime(attributes),
        .id = psa_get_key_id(attributes),
        .usage = psa_get_key_usage_flags(attributes),
        .alg = psa_get_key_algorithm(attributes),
        .alg2 = psa_get_key_enrollment_algorithm(attributes),
    };
}

void tsr_client_refresh(tsr_psa_client *c)
{
    uint32_t now = tsr_gate_generation();

    if (c->generation == now)
        return;
    tsr_wipe(c->random, sizeof c->random);
    tsr_wipe(c->note, sizeof c->note);
    c->random_left = 0;
    c->generation = now;
}
