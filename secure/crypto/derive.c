/* SPDX-License-Identifier: Apache-2.0
 *
 * Key derivation: all inputs in one message, or step by step. */
#include "secure/crypto/internal.h"

/* Which keys fit a step. source  PSA Crypto API 1.2, psa_key_derivation_input_key() */
static bool fits(psa_key_derivation_step_t step, psa_key_type_t type)
{
    switch (step) {
    case PSA_KEY_DERIVATION_INPUT_SECRET:
    case PSA_KEY_DERIVATION_INPUT_OTHER_SECRET: return type == PSA_KEY_TYPE_DERIVE;
    case PSA_KEY_DERIVATION_INPUT_PASSWORD:
        return type == PSA_KEY_TYPE_PASSWORD || type == PSA_KEY_TYPE_DERIVE;
    default: return type == PSA_KEY_TYPE_RAW_DATA;
    }
}

/* A key that permits verification alone. The core would refuse it, so its bytes go in; what comes
 * out of the operation is then compared and never handed out. */
static psa_status_t verification_key(tsr_crypto_derivation *d, psa_key_derivation_step_t step,
                                     mbedtls_svc_key_id_t key, const psa_key_attributes_t *a)
{
    tsr_material m;
    psa_status_t status = tsr_policy_permits(a, PSA_KEY_USAGE_VERIFY_DERIVATION, d->alg);

    if (status == PSA_SUCCESS && !fits(step, psa_get_key_type(a)))
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS)
        status = tsr_material_lock(key, &m);
    if (status != PSA_SUCCESS)
        return status;
    d->verify_only = true;
    status = psa_key_derivation_input_bytes(&d->core, step, m.bytes.ptr, m.bytes.len);
    tsr_material_unlock(&m);
    return status;
}

static psa_status_t key_step(tsr_crypto_request *r, tsr_crypto_derivation *d,
                             const tsr_wire_step *s)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, (uint32_t)s->integer, &key);

    if (status == PSA_SUCCESS)
        status = psa_get_key_attributes(key, &a);
    if (status != PSA_SUCCESS)
        return status;
    if ((psa_get_key_usage_flags(&a) & PSA_KEY_USAGE_DERIVE) == 0)
        return verification_key(d, s->step, key, &a);
    return psa_key_derivation_input_key(&d->core, s->step, key);
}

static psa_status_t one_step(tsr_crypto_request *r, tsr_crypto_derivation *d,
                             const tsr_wire_step *s)
{
    switch (s->kind) {
    case TSR_STEP_BYTES:
        return psa_key_derivation_input_bytes(&d->core, s->step, s->bytes.ptr, s->bytes.len);
    case TSR_STEP_KEY: return key_step(r, d, s);
    case TSR_STEP_INTEGER:
        if (!TSR_CAN_STRETCH)
            return PSA_ERROR_INVALID_ARGUMENT;
        if (s->step == PSA_KEY_DERIVATION_INPUT_COST && s->integer > TSR_CRYPTO_STRETCH_MAX)
            return PSA_ERROR_NOT_SUPPORTED;
        if (s->step == PSA_KEY_DERIVATION_INPUT_COST)
            d->cost = s->integer;
        return psa_key_derivation_input_integer(&d->core, s->step, s->integer);
    }
    return PSA_ERROR_PROGRAMMER_ERROR;
}

/* Whether so many bytes would keep everybody else waiting. Each 16 to 64 of them cost `cost`. */
static bool too_costly(const tsr_crypto_derivation *d, size_t len)
{
    return TSR_CAN_STRETCH && len > 64u && (len / 16u + 1u) * d->cost > TSR_CRYPTO_STRETCH_MAX;
}

static psa_status_t all_steps(tsr_crypto_request *r, tsr_crypto_derivation *d, tsr_bytes steps)
{
    psa_status_t status = PSA_SUCCESS;
    tsr_wire_step s;
    tsr_err err = TSR_OK;

    while (status == PSA_SUCCESS && (err = tsr_wire_step_read(&steps, &s)) == TSR_OK)
        status = one_step(r, d, &s);
    return err == TSR_E_MALFORMED ? PSA_ERROR_PROGRAMMER_ERROR : status;
}

static psa_status_t set_capacity(tsr_crypto_derivation *d, uint64_t capacity)
{
    if (capacity == TSR_CAPACITY_UNSET)
        return PSA_SUCCESS;
    if (capacity > SIZE_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    return psa_key_derivation_set_capacity(&d->core, (size_t)capacity);
}

static psa_status_t begin(tsr_crypto_request *r, tsr_crypto_derivation *d)
{
    psa_status_t status = psa_key_derivation_setup(&d->core, r->p.alg);

    d->alg = r->p.alg;
    if (status == PSA_SUCCESS)
        status = all_steps(r, d, tsr_input(r, 0));
    if (status == PSA_SUCCESS)
        status = set_capacity(d, r->p.number);
    return status;
}

static psa_status_t output(tsr_crypto_derivation *d, uint8_t *out, size_t len)
{
    if (d->verify_only)
        return PSA_ERROR_NOT_PERMITTED;
    if (too_costly(d, len))
        return PSA_ERROR_NOT_SUPPORTED;
    return psa_key_derivation_output_bytes(&d->core, out, len);
}

psa_status_t tsr_do_derive_once(tsr_crypto_request *r)
{
    tsr_crypto_derivation d;
    psa_outvec *out = &r->msg->out[0];

    memset(&d, 0, sizeof d);

    psa_status_t status = begin(r, &d);

    if (status == PSA_SUCCESS)
        status = output(&d, out->base, out->len);
    (void)psa_key_derivation_abort(&d.core);
    return status;
}

psa_status_t tsr_do_derive_open(tsr_crypto_request *r) { return begin(r, &r->op->u.derive); }

psa_status_t tsr_do_derive_input(tsr_crypto_request *r)
{
    tsr_bytes head = tsr_input(r, 0), value = tsr_input(r, 1);
    tsr_wire_step s;
    uint8_t kind;
    uint16_t len;

    if (value.len == 0) /* whole steps */
        return all_steps(r, &r->op->u.derive, head);

    /* One step of bytes whose value came as a vector of its own. */
    s = (tsr_wire_step){ TSR_STEP_BYTES, 0, value, 0 };
    if (tsr_get_u8(&head, &kind) != TSR_OK || tsr_get_u16(&head, &s.step) != TSR_OK ||
        tsr_get_u16(&head, &len) != TSR_OK || head.len != 0 || kind != TSR_STEP_BYTES ||
        len != value.len)
        return PSA_ERROR_PROGRAMMER_ERROR;
    return one_step(r, &r->op->u.derive, &s);
}

psa_status_t tsr_do_derive_get_capacity(tsr_crypto_request *r)
{
    tsr_buf out = tsr_buf_over(r->msg->out[0].base, r->msg->out[0].len);
    size_t capacity;
    psa_status_t status = psa_key_derivation_get_capacity(&r->op->u.derive.core, &capacity);

    if (status != PSA_SUCCESS)
        return status;
    tsr_put_u64(&out, capacity);
    r->msg->out[0].len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

/* A capacity that is too large changes nothing; any other failure ends the operation. */
psa_status_t tsr_do_derive_set_capacity(tsr_crypto_request *r)
{
    psa_status_t status = set_capacity(&r->op->u.derive, r->p.number);

    if (status != PSA_SUCCESS && status != PSA_ERROR_INVALID_ARGUMENT)
        tsr_op_close(r->op);
    return status;
}

psa_status_t tsr_do_derive_bytes(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    return output(&r->op->u.derive, out->base, out->len);
}

psa_status_t tsr_do_derive_key(tsr_crypto_request *r)
{
    tsr_bytes data = tsr_input(r, 0);
    psa_custom_key_parameters_t custom = { .flags = (uint32_t)r->p.number };
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;
    tsr_new_key n;

    if (r->op->u.derive.verify_only)
        return PSA_ERROR_NOT_PERMITTED;
    if (r->p.number > UINT32_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (too_costly(&r->op->u.derive, r->p.attributes.bits / 8u))
        return PSA_ERROR_NOT_SUPPORTED;

    psa_status_t status = tsr_key_prepare(r, &n);

    if (status == PSA_SUCCESS) {
        status = tsr_elsewhere(&n)
                     ? PSA_ERROR_NOT_SUPPORTED
                     : psa_key_derivation_output_key_custom(&n.attributes, &r->op->u.derive.core,
                                                            &custom, data.ptr, data.len, &key);
        status = tsr_key_made(r, &n, status, key);
    }
    return status;
}

/* Compares what the operation gives with what is expected, in time that depends on lengths alone.
 * source  PSA Crypto API 1.2, psa_key_derivation_verify_bytes() */
static psa_status_t compare(tsr_crypto_derivation *d, tsr_bytes expected)
{
    uint8_t part[128];
    size_t left = 0;
    bool same = true;
    psa_status_t status = psa_key_derivation_get_capacity(&d->core, &left);

    if (status == PSA_SUCCESS && left < expected.len)
        status = PSA_ERROR_INSUFFICIENT_DATA;
    if (status == PSA_SUCCESS && too_costly(d, expected.len))
        status = PSA_ERROR_NOT_SUPPORTED;
    while (status == PSA_SUCCESS && expected.len > 0) {
        size_t n = expected.len < sizeof part ? expected.len : sizeof part;

        status = psa_key_derivation_output_bytes(&d->core, part, n);
        same = tsr_same_secret(tsr_view(part, n), tsr_first(expected, n)) && same;
        expected = tsr_skip(expected, n);
    }
    tsr_wipe(part, sizeof part);
    return status != PSA_SUCCESS ? status : same ? PSA_SUCCESS : PSA_ERROR_INVALID_SIGNATURE;
}

psa_status_t tsr_do_derive_verify_bytes(tsr_crypto_request *r)
{
    return compare(&r->op->u.derive, tsr_input(r, 0));
}

psa_status_t tsr_do_derive_verify_key(tsr_crypto_request *r)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_material m;
    psa_status_t status = psa_get_key_attributes(r->key, &a);

    if (status == PSA_SUCCESS && psa_get_key_type(&a) != PSA_KEY_TYPE_PASSWORD_HASH)
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS)
        status = tsr_policy_permits(&a, PSA_KEY_USAGE_VERIFY_DERIVATION, r->op->u.derive.alg);
    if (status == PSA_SUCCESS)
        status = tsr_material_lock(r->key, &m);
    if (status == PSA_SUCCESS) {
        status = compare(&r->op->u.derive, m.bytes);
        tsr_material_unlock(&m);
    }
    return status;
}
