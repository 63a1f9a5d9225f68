/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing and verifying in steps of bounded work, so that a caller with a deadline gets control
 * back in between. How much one step may do is said in each call: it is the caller's own setting,
 * and the core's is set to it just before.
 * source  Mbed TLS 3.6's extension of the API (psa_sign_hash_start() and its like) */
#include "secure/crypto/internal.h"

static void set_budget(const tsr_crypto_request *r)
{
    psa_interruptible_set_max_ops(r->p.number > UINT32_MAX ? UINT32_MAX : (uint32_t)r->p.number);
}

static psa_status_t answer_work(psa_outvec *answer, uint32_t work)
{
    tsr_buf out = tsr_buf_over(answer->base, answer->len);

    tsr_put_u32(&out, work);
    answer->len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

psa_status_t tsr_do_sign_start(tsr_crypto_request *r)
{
    tsr_bytes hash = tsr_input(r, 0);

    return psa_sign_hash_start(&r->op->u.sign, r->key, r->p.alg, hash.ptr, hash.len);
}

psa_status_t tsr_do_sign_complete(tsr_crypto_request *r)
{
    psa_sign_hash_interruptible_operation_t *op = &r->op->u.sign;
    psa_outvec *out = r->msg->out;

    set_budget(r);

    psa_status_t status = psa_sign_hash_complete(op, out[0].base, out[0].len, &out[0].len);

    return status == PSA_SUCCESS ? answer_work(&out[1], psa_sign_hash_get_num_ops(op)) : status;
}

psa_status_t tsr_do_verify_start(tsr_crypto_request *r)
{
    tsr_bytes hash = tsr_input(r, 0), proof = tsr_input(r, 1);

    return psa_verify_hash_start(&r->op->u.verify, r->key, r->p.alg, hash.ptr, hash.len, proof.ptr,
                                 proof.len);
}

psa_status_t tsr_do_verify_complete(tsr_crypto_request *r)
{
    psa_verify_hash_interruptible_operation_t *op = &r->op->u.verify;

    set_budget(r);

    psa_status_t status = psa_verify_hash_complete(op);

    return status == PSA_SUCCESS ? answer_work(&r->msg->out[0], psa_verify_hash_get_num_ops(op))
                                 : status;
}

psa_status_t tsr_do_work_done(tsr_crypto_request *r)
{
    switch (r->op->kind) {
    case TSR_OP_SIGN: return tsr_answer_u32(r, psa_sign_hash_get_num_ops(&r->op->u.sign));
    case TSR_OP_VERIFY: return tsr_answer_u32(r, psa_verify_hash_get_num_ops(&r->op->u.verify));
    default: return PSA_ERROR_INVALID_HANDLE;
    }
}
