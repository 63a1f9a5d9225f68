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
    return psa_hash_setup(&r->op->u.hash, r->p.alg);
}

psa_status_t tsr_do_hash_update(tsr_crypto_request *r)
{
    tsr_bytes in = tsr_input(r, 0);

    return psa_hash_update(&r->op->u.hash, in.ptr, in.len);
}

psa_status_t tsr_do_hash_finish(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    return psa_hash_finish(&r->op->u.hash, out->base, out->len, &out->len);
}

/* A clone that fails leaves its source as it was. */
psa_status_t tsr_do_hash_clone(tsr_crypto_request *r)
{
    tsr_crypto_op *to = tsr_op_open(r, TSR_OP_HASH);

    if (to == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;

    psa_status_t status = psa_hash_clone(&r->op->u.hash, &to->u.hash);

    if (status == PSA_SUCCESS)
        status = tsr_answer_u32(r, to->id);
    if (status != PSA_SUCCESS)
        tsr_op_close(to);
    return status;
}
