/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing and verifying in steps of bounded work. How much a step may do is this process's own
 * setting: it goes along with each call, and no other client feels it.
 *
 * A handle is the operation's number over there, which has bit 31 clear. When an operation has come
 * to its end the handle keeps the work it took, with bit 31 set, until the next start or abort. */
#include "psa/client/call.h"

#define ENDED 0x80000000u

void psa_interruptible_set_max_ops(uint32_t max_ops)
{
    tsr_psa_client *c = tsr_gate_enter();

    c->spared_ops = UINT32_MAX - max_ops; /* so that zeroed tables mean no limit */
    tsr_gate_leave(c);
}

uint32_t psa_interruptible_get_max_ops(void)
{
    tsr_psa_client *c = tsr_gate_enter();
    uint32_t max_ops = UINT32_MAX - c->spared_ops;

    tsr_gate_leave(c);
    return max_ops;
}

static bool active(uint32_t handle) { return handle != 0 && (handle & ENDED) == 0; }

static psa_status_t begin(int32_t type, uint32_t *handle, const tsr_wire_params *p,
                          const psa_invec *in, size_t n_in)
{
    uint32_t number = 0;

    if (active(*handle) || *handle == TSR_OPERATION_FAILED)
        return PSA_ERROR_BAD_STATE;

    psa_status_t status = tsr_client_call_u32(type, p, in, n_in, &number);

    *handle = status == PSA_SUCCESS ? number : TSR_OPERATION_FAILED;
    return status;
}

/* One step; the last output is the work done. */
static psa_status_t go_on(int32_t type, uint32_t *handle, psa_outvec *out, size_t n_out)
{
    uint8_t answer[4];
    tsr_wire_params p = { .operation = *handle, .number = psa_interruptible_get_max_ops() };
    uint32_t work = 0;

    if (!active(*handle)) {
        out[0].len = 0;
        *handle = TSR_OPERATION_FAILED;
        return PSA_ERROR_BAD_STATE;
    }
    out[n_out - 1] = (psa_outvec){ answer, sizeof answer };

    psa_status_t status = tsr_client_call(type, &p, NULL, 0, out, n_out);
    tsr_bytes view = { answer, out[n_out - 1].len };

    if (status == PSA_OPERATION_INCOMPLETE)
        return status;
    if (status == PSA_SUCCESS && tsr_get_u32(&view, &work) != TSR_OK)
        status = PSA_ERROR_COMMUNICATION_FAILURE;
    *handle = status == PSA_SUCCESS ? ENDED | (work & ~ENDED) : TSR_OPERATION_FAILED;
    if (*handle == TSR_OPERATION_FAILED && status == PSA_SUCCESS)
        *handle = TSR_OPERATION_FAILED - 1; /* all that can be counted */
    return status == PSA_ERROR_INVALID_HANDLE ? PSA_ERROR_BAD_STATE : status;
}

static uint32_t work_done(uint32_t handle)
{
    tsr_wire_params p = { .operation = handle };
    uint32_t work = 0;

    if (handle == TSR_OPERATION_FAILED || handle == 0)
        return 0;
    if (!active(handle))
        return handle & ~ENDED;
    (void)tsr_client_call_u32(TSR_CRYPTO_WORK_DONE, &p, NULL, 0, &work);
    return work;
}

static psa_status_t end(uint32_t *handle)
{
    if (!active(*handle))
        *handle = 0;
    return tsr_operation_abort(handle);
}

psa_status_t psa_sign_hash_start(psa_sign_hash_interruptible_operation_t *operation,
                                 mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                                 size_t hash_length)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in = { hash, hash_length };

    return begin(TSR_CRYPTO_SIGN_START, &operation->handle, &p, &in, 1);
}

psa_status_t psa_sign_hash_complete(psa_sign_hash_interruptible_operation_t *operation,
                                    uint8_t *signature, size_t signature_size,
                                    size_t *signature_length)
{
    psa_outvec out[2] = { { signature, signature_size }, { NULL, 0 } };
    psa_status_t status = go_on(TSR_CRYPTO_SIGN_COMPLETE, &operation->handle, out, 2);

    *signature_length = out[0].len;
    return status;
}

uint32_t psa_sign_hash_get_num_ops(const psa_sign_hash_interruptible_operation_t *operation)
{
    return work_done(operation->handle);
}

psa_status_t psa_sign_hash_abort(psa_sign_hash_interruptible_operation_t *operation)
{
    return end(&operation->handle);
}

psa_status_t psa_verify_hash_start(psa_verify_hash_interruptible_operation_t *operation,
                                   mbedtls_svc_key_id_t key, psa_algorithm_t alg,
                                   const uint8_t *hash, size_t hash_length,
                                   const uint8_t *signature, size_t signature_length)
{
    tsr_wire_params p = { .key = key, .alg = alg };
    psa_invec in[2] = { { hash, hash_length }, { signature, signature_length } };

    return begin(TSR_CRYPTO_VERIFY_START, &operation->handle, &p, in, 2);
}

psa_status_t psa_verify_hash_complete(psa_verify_hash_interruptible_operation_t *operation)
{
    psa_outvec out = { NULL, 0 };

    return go_on(TSR_CRYPTO_VERIFY_COMPLETE, &operation->handle, &out, 1);
}

uint32_t psa_verify_hash_get_num_ops(const psa_verify_hash_interruptible_operation_t *operation)
{
    return work_done(operation->handle);
}

psa_status_t psa_verify_hash_abort(psa_verify_hash_interruptible_operation_t *operation)
{
    return end(&operation->handle);
}
