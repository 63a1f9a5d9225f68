/* SPDX-License-Identifier: Apache-2.0 */
#include "psa/client/call.h"

psa_status_t tsr_operation_open(int32_t type, const tsr_wire_params *p, uint32_t *handle)
{
    uint32_t number = 0;

    if (*handle != 0)
        return PSA_ERROR_BAD_STATE;

    psa_status_t status = tsr_client_call_u32(type, p, NULL, 0, &number);

    if (status == PSA_SUCCESS)
        *handle = number;
    return status;
}

/* The number of an operation that a restarted service does not know is answered INVALID_HANDLE
 * there; to the application it is an operation in a wrong state. */
psa_status_t tsr_operation_step(int32_t type, uint32_t *handle, tsr_wire_params *p,
                                const psa_invec *in, size_t n_in, psa_outvec *out, size_t n_out,
                                bool last)
{
    if (*handle == 0 || *handle == TSR_OPERATION_FAILED) {
        for (size_t i = 0; i < n_out; i++)
            out[i].len = 0;
        return PSA_ERROR_BAD_STATE;
    }
    p->operation = *handle;

    psa_status_t status = tsr_client_call(type, p, in, n_in, out, n_out);

    if (status != PSA_SUCCESS) {
        /* What never reached the service (too long for a call) leaves its slot open there. */
        if (status == PSA_ERROR_INSUFFICIENT_MEMORY)
            (void)tsr_operation_abort(handle);
        *handle = TSR_OPERATION_FAILED;
    } else if (last) {
        *handle = 0;
    }
    return status == PSA_ERROR_INVALID_HANDLE ? PSA_ERROR_BAD_STATE : status;
}

psa_status_t tsr_operation_feed(int32_t type, uint32_t *handle, tsr_bytes input, psa_outvec *out)
{
    psa_status_t status;
    size_t room = out != NULL ? out->len : 0, written = 0;

    do {
        tsr_wire_params p = { 0 };
        tsr_bytes part = tsr_first(input, TSR_FEED_BYTES);
        psa_invec in = { part.ptr, part.len };
        psa_outvec to = { out != NULL && out->base != NULL ? (uint8_t *)out->base + written : NULL,
                          room - written };

        status = tsr_operation_step(type, handle, &p, &in, 1, &to, out != NULL ? 1 : 0, false);
        written += out != NULL ? to.len : 0;
        input = tsr_skip(input, part.len);
    } while (status == PSA_SUCCESS && input.len > 0);
    if (out != NULL)
        out->len = status == PSA_SUCCESS ? written : 0;
    return status;
}

psa_status_t tsr_operation_abort(uint32_t *handle)
{
    if (*handle != 0 && *handle != TSR_OPERATION_FAILED) {
        tsr_wire_params p = { .operation = *handle };

        /* Whatever the answer, the operation is over: a service that cannot be reached holds
         * nothing of ours any more. */
        (void)tsr_client_call(TSR_CRYPTO_ABORT, &p, NULL, 0, NULL, 0);
    }
    *handle = 0;
    return PSA_SUCCESS;
}
