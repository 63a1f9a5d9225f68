/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashing. SHA-2 stays on the near side: what is hashed is public or the caller's own, no key takes
 * part, and a handshake would otherwise cross 27 times for its transcript alone. Other hashes are
 * computed in the secure world; their operation is a number here.
 * source  Crypto 1.2 §10.2 */
#include "psa/client/call.h"
#include "psa/client/digest.h"

static bool remote(psa_algorithm_t alg)
{
    switch (alg) {
    case PSA_ALG_MD5:
    case PSA_ALG_RIPEMD160:
    case PSA_ALG_SHA_1:
    case PSA_ALG_SHA3_224:
    case PSA_ALG_SHA3_256:
    case PSA_ALG_SHA3_384:
    case PSA_ALG_SHA3_512: return true;
    default: return false;
    }
}

int psa_can_do_hash(psa_algorithm_t hash_alg)
{
    tsr_psa_client *c = tsr_gate_enter();
    int can = c->started && (tsr_digest_known(hash_alg) || remote(hash_alg));

    tsr_gate_leave(c);
    return can;
}

/* A handle is the slot's number + 1 and the slot's stamp, so that a copy of a finished operation's
 * handle finds nothing. */
static tsr_psa_hash *find(tsr_psa_client *c, uint32_t handle)
{
    uint32_t slot = (handle & 0xffu) - 1u;

    if (slot >= TSR_PSA_HASHES || c->hash[slot].alg == 0 || c->hash[slot].stamp != handle >> 8)
        return NULL;
    return &c->hash[slot];
}

static tsr_psa_hash *claim(tsr_psa_client *c, psa_algorithm_t alg, uint32_t *handle)
{
    for (uint32_t i = 0; i < TSR_PSA_HASHES; i++) {
        tsr_psa_hash *h = &c->hash[i];

        if (h->alg != 0)
            continue;
        h->alg = alg;
        h->stamp = ++c->stamp & 0xffffffu;
        h->remote = 0;
        *handle = h->stamp << 8 | (i + 1u);
        return h;
    }
    return NULL;
}

/* `h` may be NULL; what the secure world still holds of it is ended there. */
static void release(tsr_psa_hash *h)
{
    if (h == NULL)
        return;
    if (h->remote != 0)
        (void)tsr_operation_abort(&h->remote);
    tsr_wipe(h, sizeof *h);
}

/* A failure ends the operation: only abort helps. */
static psa_status_t settle(tsr_psa_hash *h, uint32_t *handle, psa_status_t status)
{
    if (status != PSA_SUCCESS) {
        release(h);
        *handle = TSR_OPERATION_FAILED;
    }
    return status;
}

static psa_status_t start(tsr_psa_hash *h)
{
    tsr_wire_params p = { .alg = h->alg };

    if (tsr_digest_known(h->alg))
        return tsr_digest_start(&h->u, h->alg);
    return tsr_operation_open(TSR_CRYPTO_HASH_SETUP, &p, &h->remote);
}

static psa_status_t setup(tsr_psa_client *c, uint32_t *handle, psa_algorithm_t alg)
{
    uint32_t fresh;
    tsr_psa_hash *h;

    if (*handle != 0 || !c->started)
        return PSA_ERROR_BAD_STATE;
    if (!PSA_ALG_IS_HASH(alg))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!tsr_digest_known(alg) && !remote(alg))
        return PSA_ERROR_NOT_SUPPORTED;
    h = claim(c, alg, &fresh);
    if (h == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;

    psa_status_t status = start(h);

    if (status == PSA_SUCCESS)
        *handle = fresh;
    else
        release(h);
    return status;
}

psa_status_t psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg)
{
    tsr_psa_client *c = tsr_gate_enter();
    psa_status_t status = setup(c, &operation->handle, alg);

    tsr_gate_leave(c);
    return status;
}

static psa_status_t update_remotely(tsr_psa_hash *h, const uint8_t *input, size_t len)
{
    psa_status_t status = PSA_SUCCESS;

    while (status == PSA_SUCCESS && len > 0) {
        size_t n = len < TSR_CALL_BYTES ? len : TSR_CALL_BYTES;
        tsr_wire_params p = { 0 };
        psa_invec in = { input, n };

        status = tsr_operation_step(TSR_CRYPTO_HASH_UPDATE, &h->remote, &p, &in, 1, NULL, 0, false);
        input += n;
        len -= n;
    }
    return status;
}

psa_status_t psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input,
                             size_t input_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_hash *h = find(c, operation->handle);
    psa_status_t status = PSA_ERROR_BAD_STATE;

    if (h != NULL && h->remote != 0)
        status = settle(h, &operation->handle, update_remotely(h, input, input_length));
    else if (h != NULL)
        status =
            settle(h, &operation->handle, tsr_digest_update(&h->u, h->alg, input, input_length));
    tsr_gate_leave(c);
    return status;
}

static psa_status_t finish(tsr_psa_hash *h, uint8_t *hash, size_t size, size_t *len)
{
    tsr_wire_params p = { 0 };
    psa_outvec out = { hash, size < TSR_DIGEST_MAX ? size : TSR_DIGEST_MAX };

    if (h->remote == 0)
        return tsr_digest_finish(&h->u, h->alg, hash, size, len);

    psa_status_t status =
        tsr_operation_step(TSR_CRYPTO_HASH_FINISH, &h->remote, &p, NULL, 0, &out, 1, true);

    *len = out.len;
    return status;
}

static psa_status_t finish_and_release(uint32_t *handle, uint8_t *hash, size_t size, size_t *len)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_hash *h = find(c, *handle);
    psa_status_t status = PSA_ERROR_BAD_STATE;

    *len = 0;
    if (h != NULL) {
        status = settle(h, handle, finish(h, hash, size, len));
        if (status == PSA_SUCCESS) {
            release(h);
            *handle = 0;
        }
    }
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_hash_finish(psa_hash_operation_t *operation, uint8_t *hash, size_t hash_size,
                             size_t *hash_length)
{
    return finish_and_release(&operation->handle, hash, hash_size, hash_length);
}

psa_status_t psa_hash_verify(psa_hash_operation_t *operation, const uint8_t *hash,
                             size_t hash_length)
{
    uint8_t actual[TSR_DIGEST_MAX];
    size_t len;
    psa_status_t status = finish_and_release(&operation->handle, actual, sizeof actual, &len);

    if (status == PSA_SUCCESS &&
        !tsr_same_secret(tsr_view(actual, len), tsr_view(hash, hash_length))) {
        operation->handle = TSR_OPERATION_FAILED;
        status = PSA_ERROR_INVALID_SIGNATURE;
    }
    tsr_wipe(actual, sizeof actual);
    return status;
}

psa_status_t psa_hash_abort(psa_hash_operation_t *operation)
{
    tsr_psa_client *c = tsr_gate_enter();

    release(find(c, operation->handle));
    operation->handle = 0;
    tsr_gate_leave(c);
    return PSA_SUCCESS;
}

static psa_status_t copy(const tsr_psa_hash *from, tsr_psa_hash *to)
{
    tsr_wire_params p = { .operation = from->remote };

    if (from->remote == 0) {
        to->u = from->u; /* both contexts are plain values */
        return PSA_SUCCESS;
    }

    psa_status_t status = tsr_client_call_u32(TSR_CRYPTO_HASH_CLONE, &p, NULL, 0, &to->remote);

    return status == PSA_ERROR_INVALID_HANDLE ? PSA_ERROR_BAD_STATE : status;
}

psa_status_t psa_hash_clone(const psa_hash_operation_t *source_operation,
                            psa_hash_operation_t *target_operation)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_hash *from = find(c, source_operation->handle);
    psa_status_t status = PSA_ERROR_BAD_STATE;
    uint32_t fresh;

    if (from != NULL && target_operation->handle == 0) {
        tsr_psa_hash *to = claim(c, from->alg, &fresh);

        status = to != NULL ? copy(from, to) : PSA_ERROR_INSUFFICIENT_MEMORY;
        if (status == PSA_SUCCESS)
            target_operation->handle = fresh;
        else
            release(to);
    }
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_hash_suspend(psa_hash_operation_t *operation, uint8_t *hash_state,
                              size_t hash_state_size, size_t *hash_state_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_hash *h = find(c, operation->handle);
    psa_status_t status = PSA_ERROR_BAD_STATE;
    tsr_buf out = tsr_buf_over(hash_state, hash_state_size);

    *hash_state_length = 0;
    if (h != NULL) {
        status = h->remote != 0 ? PSA_ERROR_NOT_SUPPORTED : tsr_digest_save(&h->u, h->alg, &out);
        if (settle(h, &operation->handle, status) == PSA_SUCCESS) {
            *hash_state_length = out.len;
            release(h);
            operation->handle = 0;
        }
    }
    tsr_gate_leave(c);
    return status;
}

static psa_status_t resume(tsr_psa_client *c, uint32_t *handle, tsr_bytes state)
{
    uint32_t alg, fresh;
    tsr_psa_hash *h;

    if (*handle != 0 || !c->started)
        return PSA_ERROR_BAD_STATE;
    if (tsr_get_u32(&state, &alg) != TSR_OK || !PSA_ALG_IS_HASH(alg))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!tsr_digest_known(alg))
        return PSA_ERROR_NOT_SUPPORTED;
    h = claim(c, alg, &fresh);
    if (h == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;

    psa_status_t status = tsr_digest_load(&h->u, alg, state);

    if (status == PSA_SUCCESS)
        *handle = fresh;
    else
        release(h);
    return status;
}

psa_status_t psa_hash_resume(psa_hash_operation_t *operation, const uint8_t *hash_state,
                             size_t hash_state_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    psa_status_t status = resume(c, &operation->handle, tsr_view(hash_state, hash_state_length));

    tsr_gate_leave(c);
    return status;
}

static psa_status_t in_one_call(psa_algorithm_t alg, const uint8_t *input, size_t len,
                                uint8_t *hash, size_t size, size_t *hash_len)
{
    tsr_wire_params p = { .alg = alg };
    psa_invec in = { input, len };
    psa_outvec out = { hash, size < TSR_DIGEST_MAX ? size : TSR_DIGEST_MAX };
    psa_status_t status = tsr_client_call(TSR_CRYPTO_HASH_COMPUTE, &p, &in, 1, &out, 1);

    *hash_len = out.len;
    return status;
}

static bool started(void)
{
    tsr_psa_client *c = tsr_gate_enter();
    bool yes = c->started;

    tsr_gate_leave(c);
    return yes;
}

psa_status_t psa_hash_compute(psa_algorithm_t alg, const uint8_t *input, size_t input_length,
                              uint8_t *hash, size_t hash_size, size_t *hash_length)
{
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;

    *hash_length = 0;
    if (remote(alg) && input_length <= TSR_CALL_BYTES && started())
        return in_one_call(alg, input, input_length, hash, hash_size, hash_length);

    psa_status_t status = psa_hash_setup(&operation, alg);

    if (status == PSA_SUCCESS)
        status = psa_hash_update(&operation, input, input_length);
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&operation, hash, hash_size, hash_length);
    (void)psa_hash_abort(&operation);
    return status;
}

psa_status_t psa_hash_compare(psa_algorithm_t alg, const uint8_t *input, size_t input_length,
                              const uint8_t *hash, size_t hash_length)
{
    uint8_t actual[TSR_DIGEST_MAX];
    size_t len;
    psa_status_t status = psa_hash_compute(alg, input, input_length, actual, sizeof actual, &len);

    if (status == PSA_SUCCESS &&
        !tsr_same_secret(tsr_view(actual, len), tsr_view(hash, hash_length)))
        status = PSA_ERROR_INVALID_SIGNATURE;
    tsr_wipe(actual, sizeof actual);
    return status;
}
