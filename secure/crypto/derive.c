/* SPDX-License-Identifier: Apache-2.0
 *
 * Key derivation: all inputs in one message, or step by step. */
#include "secure/crypto/internal.h"

static psa_status_t one_step(tsr_crypto_request *r, psa_key_derivation_operation_t *derive,
                             const tsr_wire_step *s)
{
    mbedtls_svc_key_id_t key;
    psa_status_t status;

    switch (s->kind) {
    case TSR_STEP_BYTES:
        return psa_key_derivation_input_bytes(derive, s->step, s->bytes.ptr, s->bytes.len);
    case TSR_STEP_KEY:
        status = tsr_key_resolve(r, (uint32_t)s->integer, &key);
        return status == PSA_SUCCESS ? psa_key_derivation_input_key(derive, s->step, key) : status;
    case TSR_STEP_INTEGER: return psa_key_derivation_input_integer(derive, s->step, s->integer);
    }
    return PSA_ERROR_PROGRAMMER_ERROR;
}

static psa_status_t all_steps(tsr_crypto_request *r, psa_key_derivation_operation_t *derive,
                              tsr_bytes steps)
{
    psa_status_t status = PSA_SUCCESS;
    tsr_wire_step s;
    tsr_err err = TSR_OK;

    while (status == PSA_SUCCESS && (err = tsr_wire_step_read(&steps, &s)) == TSR_OK)
        status = one_step(r, derive, &s);
    return err == TSR_E_MALFORMED ? PSA_ERROR_PROGRAMMER_ERROR : status;
}

static psa_status_t set_capacity(psa_key_derivation_operation_t *derive, uint64_t capacity)
{
    if (capacity == TSR_CAPACITY_UNSET)
        return PSA_SUCCESS;
    if (capacity > SIZE_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    return psa_key_derivation_set_capacity(derive, (size_t)capacity);
}

static psa_status_t begin(tsr_crypto_request *r, psa_key_derivation_operation_t *derive)
{
    psa_status_t status = psa_key_derivation_setup(derive, r->p.alg);

    if (status == PSA_SUCCESS)
        status = all_steps(r, derive, tsr_input(r, 0));
    if (status == PSA_SUCCESS)
        status = set_capacity(derive, r->p.number);
    return status;
}

psa_status_t tsr_do_derive_once(tsr_crypto_request *r)
{
    psa_key_derivation_operation_t derive = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_outvec *out = &r->msg->out[0];
    psa_status_t status = begin(r, &derive);

    if (status == PSA_SUCCESS)
        status = psa_key_derivation_output_bytes(&derive, out->base, out->len);
    (void)psa_key_derivation_abort(&derive);
    return status;
}

psa_status_t tsr_do_derive_open(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_open(r, TSR_OP_DERIVE);

    if (op == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;

    psa_status_t status = begin(r, &op->u.derive);

    if (status == PSA_SUCCESS)
        status = tsr_answer_u32(r, op->id);
    if (status != PSA_SUCCESS)
        tsr_op_close(op);
    return status;
}

/* The operation of a later call; a failure closes it. */
static psa_status_t settle(tsr_crypto_op *op, psa_status_t status)
{
    if (status != PSA_SUCCESS)
        tsr_op_close(op);
    return status;
}

psa_status_t tsr_do_derive_input(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_DERIVE);
    tsr_bytes head = tsr_input(r, 0), value = tsr_input(r, 1);
    tsr_wire_step s;
    uint8_t kind;
    uint16_t len;

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    if (value.len == 0) /* whole steps */
        return settle(op, all_steps(r, &op->u.derive, head));

    /* One step of bytes whose value came as a vector of its own. */
    s = (tsr_wire_step){ TSR_STEP_BYTES, 0, value, 0 };
    if (tsr_get_u8(&head, &kind) != TSR_OK || tsr_get_u16(&head, &s.step) != TSR_OK ||
        tsr_get_u16(&head, &len) != TSR_OK || head.len != 0 || kind != TSR_STEP_BYTES ||
        len != value.len)
        return settle(op, PSA_ERROR_PROGRAMMER_ERROR);
    return settle(op, one_step(r, &op->u.derive, &s));
}

psa_status_t tsr_do_derive_agreement(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_DERIVE);
    tsr_bytes peer = tsr_input(r, 0);
    mbedtls_svc_key_id_t key;

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    if (r->p.step > UINT16_MAX)
        return settle(op, PSA_ERROR_INVALID_ARGUMENT);

    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status == PSA_SUCCESS)
        status = psa_key_derivation_key_agreement(
            &op->u.derive, (psa_key_derivation_step_t)r->p.step, key, peer.ptr, peer.len);
    return settle(op, status);
}

psa_status_t tsr_do_derive_get_capacity(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_DERIVE);
    tsr_buf out = tsr_buf_over(r->msg->out[0].base, r->msg->out[0].len);
    size_t capacity;

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;

    psa_status_t status = psa_key_derivation_get_capacity(&op->u.derive, &capacity);

    if (status != PSA_SUCCESS)
        return settle(op, status);
    tsr_put_u64(&out, capacity);
    r->msg->out[0].len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

psa_status_t tsr_do_derive_set_capacity(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_DERIVE);

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;

    psa_status_t status = set_capacity(&op->u.derive, r->p.number);

    return status == PSA_ERROR_INVALID_ARGUMENT ? status : settle(op, status);
}

psa_status_t tsr_do_derive_bytes(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_DERIVE);
    psa_outvec *out = &r->msg->out[0];

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;
    return settle(op, psa_key_derivation_output_bytes(&op->u.derive, out->base, out->len));
}

psa_status_t tsr_do_derive_key(tsr_crypto_request *r)
{
    tsr_crypto_op *op = tsr_op_find(r, TSR_OP_DERIVE);
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;
    tsr_new_key n;

    if (op == NULL)
        return PSA_ERROR_INVALID_HANDLE;

    psa_status_t status = tsr_key_prepare(r, &n);

    if (status == PSA_SUCCESS) {
        status = psa_key_derivation_output_key(&n.attributes, &op->u.derive, &key);
        status = tsr_key_made(r, &n, status, key);
    }
    return settle(op, status);
}
