/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes that a client does not have on its own side of the wall.
 * source  Crypto 1.2 §10.2 */
#include "secure/crypto/internal.h"

psa_status_t tsr_do_hash_compute(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);
    psa_outvec *out = &r->msg->out[0];

    return psa_hash_compute(r->p.alg, in.ptr, in.len, out->base, out->len, &out->len);
}

psa_status_t tsr_do_hash_setup(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_open(r, TSR_OP_HASH);

    if (op == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;

    psa_status_t status = psa_hash_setup(&op->u.hash, r->p.alg);

    if (status == PSA_SUCCESS)
        status = tsr_answer_u32(r, op->id);
    if (status != PSA_SUCCESS)
        tsr_op_close(op);
    return status;
}

psa_status_t tsr_do_hash_update(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_HASH);
    tsr_bytes in = tsr_input(r, 0);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;

    psa_status_t status = psa_hash_update(&op->u.hash, in.ptr, in.len);

    if (status != PSA_SUCCESS)
        tsr_op_close(op);
    return status;
}

psa_status_t tsr_do_hash_finish(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_HASH);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;

    psa_status_t status = psa_hash_finish(&op->u.hash, out->base, out->len, &out->len);

    tsr_op_close(op);
    return status;
}

/* A clone that fails leaves its source as it was. */
psa_status_t tsr_do_hash_clone(tsr_crypto_request *r)
{
    tsr_crypto_op *from = tsr_op_find(r, TSR_OP_HASH);
    tsr_crypto_op *to;

    if (from == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    to = tsr_op_open(r, TSR_OP_HASH);
    if (to == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;

    psa_status_t status = psa_hash_clone(&from->u.hash, &to->u.hash);

    if (status == PSA_SUCCESS)
        status = tsr_answer_u32(r, to->id);
    if (status != PSA_SUCCESS)
        tsr_op_close(to);
    return status;
}
