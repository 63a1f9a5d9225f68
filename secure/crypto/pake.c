/* SPDX-License-Identifier: Apache-2.0
 *
 * Password-authenticated key exchange under its final names, on the beta interface of Mbed TLS 3.6:
 * J-PAKE on P-256 with SHA-256, between "client" and "server" (RFC 8236; the names and the curve
 * are those of the Thread and TLS profiles, and the only ones that 3.6 has). source  PSA Crypto
 * API 1.2 PAKE Extension */
#include "psa_crypto_pake.h"
#include "secure/crypto/internal.h"

#define ALG_JPAKE(hash)   ((psa_algorithm_t)(0x0a000100u | ((hash)&0xffu)))
#define ALG_IS_JPAKE(alg) (((alg) & ~0xffu) == 0x0a000100u)
#define UNCONFIRMED_KEY   1u /* PSA_PAKE_UNCONFIRMED_KEY; J-PAKE has no confirmation */
#define PRIMITIVE_P256                                                                             \
    (PSA_PAKE_PRIMITIVE(PSA_PAKE_PRIMITIVE_TYPE_ECC, PSA_ECC_FAMILY_SECP_R1, 256u))
#define SHARED_SECRET_MAX 65u /* an uncompressed point of P-256 */

static psa_status_t check_suite(const tsr_wire_params *p)
{
    if (!PSA_ALG_IS_PAKE(p->alg))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!ALG_IS_JPAKE(p->alg))
        return PSA_ERROR_NOT_SUPPORTED;
    if (p->step != UNCONFIRMED_KEY || (p->alg & 0xffu) == 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (p->alg != ALG_JPAKE(PSA_ALG_SHA_256) || p->extra != PRIMITIVE_P256)
        return PSA_ERROR_NOT_SUPPORTED;
    return PSA_SUCCESS;
}

static psa_status_t check_key(mbedtls_svc_key_id_t key, psa_algorithm_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(key, &a);

    if (status == PSA_SUCCESS)
        status = tsr_policy_permits(&a, PSA_KEY_USAGE_DERIVE, alg);
    if (status != PSA_SUCCESS)
        return status;
    return psa_get_key_type(&a) == PSA_KEY_TYPE_PASSWORD ||
                   psa_get_key_type(&a) == PSA_KEY_TYPE_PASSWORD_HASH
               ? PSA_SUCCESS
               : PSA_ERROR_INVALID_ARGUMENT;
}

static bool all_zero(tsr_bytes in)
{
    uint8_t any = 0;

    for (size_t i = 0; i < in.len; i++)
        any |= in.ptr[i];
    return any == 0;
}

/* The core's beta knows J-PAKE without a hash: the password goes in as a key under that name. */
static psa_status_t give_password(psa_pake_operation_t *pake, tsr_bytes password)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;

    if (all_zero(password))
        return PSA_ERROR_INVALID_ARGUMENT;
    psa_set_key_type(&a, PSA_KEY_TYPE_PASSWORD);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_JPAKE);

    psa_status_t status = psa_import_key(&a, password.ptr, password.len, &key);

    if (status != PSA_SUCCESS)
        return status;
    status = psa_pake_set_password_key(pake, key);
    (void)psa_destroy_key(key);
    return status;
}

static psa_status_t begin(psa_pake_operation_t *pake, mbedtls_svc_key_id_t key)
{
    psa_pake_cipher_suite_t suite = psa_pake_cipher_suite_init();
    tsr_material m;
    psa_status_t status;

    psa_pake_cs_set_algorithm(&suite, PSA_ALG_JPAKE);
    psa_pake_cs_set_primitive(&suite, PRIMITIVE_P256);
    psa_pake_cs_set_hash(&suite, PSA_ALG_SHA_256);
    status = psa_pake_setup(pake, &suite);
    if (status == PSA_SUCCESS)
        status = tsr_material_lock(key, &m);
    if (status != PSA_SUCCESS)
        return status;
    status = give_password(pake, m.bytes);
    tsr_material_unlock(&m);
    return status;
}

psa_status_t tsr_do_pake_setup(tsr_crypto_request *r)
{
    psa_status_t status = check_suite(&r->p);

    if (status == PSA_SUCCESS)
        status = check_key(r->key, r->p.alg);
    return status == PSA_SUCCESS ? begin(&r->op->u.pake, r->key) : status;
}

psa_status_t tsr_do_pake_set_role(tsr_crypto_request *r)
{
    if (r->p.step != PSA_PAKE_ROLE_NONE)
        return PSA_ERROR_INVALID_ARGUMENT;
    return psa_pake_set_role(&r->op->u.pake, PSA_PAKE_ROLE_NONE);
}

psa_status_t tsr_do_pake_set_user(tsr_crypto_request *r)
{
    tsr_bytes name = tsr_input(r, 0);

    return psa_pake_set_user(&r->op->u.pake, name.ptr, name.len);
}

psa_status_t tsr_do_pake_set_peer(tsr_crypto_request *r)
{
    tsr_bytes name = tsr_input(r, 0);

    return psa_pake_set_peer(&r->op->u.pake, name.ptr, name.len);
}

/* J-PAKE has none, which is an answer of its own (PAKE Extension, "Setup" of J-PAKE). */
psa_status_t tsr_do_pake_set_context(tsr_crypto_request *r)
{
    (void)r;
    return PSA_ERROR_BAD_STATE;
}

psa_status_t tsr_do_pake_output(tsr_crypto_request *r)
{
    psa_outvec *out = &r->msg->out[0];

    if (r->p.step > UINT8_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (out->len == 0)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    return psa_pake_output(&r->op->u.pake, (psa_pake_step_t)r->p.step, out->base, out->len,
                           &out->len);
}

/* The core checks a whole message at its last step, the proof, and calls what is wrong with it
 * invalid data. */
static psa_status_t verdict(psa_pake_step_t step, psa_status_t status)
{
    if (status != PSA_ERROR_DATA_INVALID)
        return status;
    return step == PSA_PAKE_STEP_ZK_PROOF ? PSA_ERROR_INVALID_SIGNATURE
                                          : PSA_ERROR_INVALID_ARGUMENT;
}

psa_status_t tsr_do_pake_input(tsr_crypto_request *r)
{
    psa_pake_step_t step = (psa_pake_step_t)r->p.step;
    tsr_bytes in = tsr_input(r, 0);

    if (r->p.step > UINT8_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    return verdict(step, psa_pake_input(&r->op->u.pake, step, in.ptr, in.len));
}

/* The beta gives the secret to a derivation only; the exchange below it gives the bytes. */
static psa_status_t shared_secret(psa_pake_operation_t *pake, psa_outvec *secret)
{
    if (pake->MBEDTLS_PRIVATE(stage) != PSA_PAKE_OPERATION_STAGE_COMPUTATION ||
        pake->MBEDTLS_PRIVATE(computation_stage).MBEDTLS_PRIVATE(jpake).MBEDTLS_PRIVATE(round) !=
            PSA_JPAKE_FINISHED)
        return PSA_ERROR_BAD_STATE;
    return mbedtls_psa_pake_get_implicit_key(
        &pake->MBEDTLS_PRIVATE(data).MBEDTLS_PRIVATE(ctx).mbedtls_ctx, secret->base, secret->len,
        &secret->len);
}

psa_status_t tsr_do_pake_shared_key(tsr_crypto_request *r)
{
    uint8_t memory[SHARED_SECRET_MAX];
    psa_outvec secret = { memory, sizeof memory };
    psa_key_type_t type = r->p.attributes.type;
    tsr_new_key n;
    psa_status_t status = shared_secret(&r->op->u.pake, &secret);

    if (status == PSA_SUCCESS && type != PSA_KEY_TYPE_DERIVE && type != PSA_KEY_TYPE_HMAC)
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS)
        status = tsr_key_prepare(r, &n);
    if (status == PSA_SUCCESS)
        status = tsr_key_from(r, &n, tsr_view(memory, secret.len));
    tsr_wipe(memory, sizeof memory);
    return status;
}

void tsr_pake_end(psa_pake_operation_t *pake) { (void)psa_pake_abort(pake); }
