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

/* The key, and a fresh operation whose number has been answered. */
static psa_status_t begin(tsr_crypto_request *r, tsr_crypto_op_kind kind, mbedtls_svc_key_id_t *key,
                          tsr_crypto_op **op)
{
    psa_status_t status = tsr_key_resolve(r, r->p.key, key);

    if (status != PSA_SUCCESS)
        return status;
    *op = tsr_op_open(r, kind);
    if (*op == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    status = tsr_answer_u32(r, (*op)->id);
    if (status != PSA_SUCCESS)
        tsr_op_close(*op);
    return status;
}

static psa_status_t settle(tsr_crypto_op *op, psa_status_t status, bool last)
{
    if (status != PSA_OPERATION_INCOMPLETE && (status != PSA_SUCCESS || last))
        tsr_op_close(op);
    return status;
}

psa_status_t tsr_do_sign_start(tsr_crypto_request *r)
{
    tsr_bytes hash = tsr_input(r, 0);
    mbedtls_svc_key_id_t key;
    tsr_crypto_op *op;
    psa_status_t status = begin(r, TSR_OP_SIGN, &key, &op);

    if (status != PSA_SUCCESS)
        return status;
    return settle(op, psa_sign_hash_start(&op->u.sign, key, r->p.alg, hash.ptr, hash.len), false);
}

psa_status_t tsr_do_sign_complete(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_SIGN);
    psa_outvec *out = r->msg->out;

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    set_budget(r);

    psa_status_t status = psa_sign_hash_complete(&op->u.sign, out[0].base, out[0].len, &out[0].len);

    if (status == PSA_SUCCESS)
        status = answer_work(&out[1], psa_sign_hash_get_num_ops(&op->u.sign));
    return settle(op, status, true);
}

psa_status_t tsr_do_verify_start(tsr_crypto_request *r)
{
    tsr_bytes hash = tsr_input(r, 0), proof = tsr_input(r, 1);
    mbedtls_svc_key_id_t key;
    tsr_crypto_op *op;
    psa_status_t status = begin(r, TSR_OP_VERIFY, &key, &op);

    if (status != PSA_SUCCESS)
        return status;
    return settle(op,
                  psa_verify_hash_start(&op->u.verify, key, r->p.alg, hash.ptr, hash.len, proof.ptr,
                                        proof.len),
                  false);
}

psa_status_t tsr_do_verify_complete(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_VERIFY);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    set_budget(r);

    psa_status_t status = psa_verify_hash_complete(&op->u.verify);

    if (status == PSA_SUCCESS)
        status = answer_work(&r->msg->out[0], psa_verify_hash_get_num_ops(&op->u.verify));
    return settle(op, status, true);
}

psa_status_t tsr_do_work_done(tsr_crypto_request *r)
{
    tsr_crypto_op *sign = tsr_op_find(r, TSR_OP_SIGN);
    tsr_crypto_op *verify = tsr_op_find(r, TSR_OP_VERIFY);

    if (sign != NULL)
        return tsr_answer_u32(r, psa_sign_hash_get_num_ops(&sign->u.sign));
    if (verify != NULL)
        return tsr_answer_u32(r, psa_verify_hash_get_num_ops(&verify->u.verify));
    return PSA_ERROR_INVALID_HANDLE;
}
