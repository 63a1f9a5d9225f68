/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashing stays on the near side: what is hashed is public or the caller's own, no key takes part,
 * and a handshake would otherwise cross 27 times for its transcript alone.
 * source  PSA Crypto API 1.2, 10.2; SHA-256 and SHA-384 of Mbed TLS */
#include "psa/client/call.h"

static bool offered(psa_algorithm_t alg)
{
    return alg == PSA_ALG_SHA_256 || alg == PSA_ALG_SHA_384;
}

int psa_can_do_hash(psa_algorithm_t hash_alg)
{
    tsr_psa_client *c = tsr_gate_enter();
    int can = c->started && offered(hash_alg);

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
        *handle = h->stamp << 8 | (i + 1u);
        return h;
    }
    return NULL;
}

static void release(tsr_psa_hash *h) { tsr_wipe(h, sizeof *h); }

static int start(tsr_psa_hash *h)
{
    if (h->alg == PSA_ALG_SHA_256) {
        mbedtls_sha256_init(&h->u.sha256);
        return mbedtls_sha256_starts(&h->u.sha256, 0);
    }
    mbedtls_sha512_init(&h->u.sha512);
    return mbedtls_sha512_starts(&h->u.sha512, 1);
}

static int update(tsr_psa_hash *h, const uint8_t *input, size_t len)
{
    if (len == 0)
        return 0;
    return h->alg == PSA_ALG_SHA_256 ? mbedtls_sha256_update(&h->u.sha256, input, len)
                                     : mbedtls_sha512_update(&h->u.sha512, input, len);
}

static psa_status_t finish(tsr_psa_hash *h, uint8_t *out, size_t size, size_t *len)
{
    size_t want = PSA_HASH_LENGTH(h->alg);
    uint8_t digest[64]; /* mbedtls_sha512_finish may write all of SHA-512's bytes */
    int bad;

    if (size < want)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    bad = h->alg == PSA_ALG_SHA_256 ? mbedtls_sha256_finish(&h->u.sha256, digest)
                                    : mbedtls_sha512_finish(&h->u.sha512, digest);
    if (bad)
        return PSA_ERROR_GENERIC_ERROR;
    memcpy(out, digest, want);
    tsr_wipe(digest, sizeof digest);
    *len = want;
    return PSA_SUCCESS;
}

static psa_status_t setup(tsr_psa_client *c, uint32_t *handle, psa_algorithm_t alg)
{
    uint32_t fresh;
    tsr_psa_hash *h;

    if (*handle != 0 || !c->started)
        return PSA_ERROR_BAD_STATE;
    if (!PSA_ALG_IS_HASH(alg))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!offered(alg))
        return PSA_ERROR_NOT_SUPPORTED;
    h = claim(c, alg, &fresh);
    if (h == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    if (start(h) != 0) {
        release(h);
        return PSA_ERROR_GENERIC_ERROR;
    }
    *handle = fresh;
    return PSA_SUCCESS;
}

psa_status_t psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg)
{
    tsr_psa_client *c = tsr_gate_enter();
    psa_status_t status = setup(c, &operation->handle, alg);

    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input,
                             size_t input_length)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_hash *h = find(c, operation->handle);
    psa_status_t status = PSA_SUCCESS;

    if (h == NULL)
        status = PSA_ERROR_BAD_STATE;
    else if (update(h, input, input_length) != 0)
        status = PSA_ERROR_GENERIC_ERROR;
    tsr_gate_leave(c);
    return status;
}

static psa_status_t finish_and_release(uint32_t *handle, uint8_t *hash, size_t size, size_t *len)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_hash *h = find(c, *handle);
    psa_status_t status = PSA_ERROR_BAD_STATE;

    *len = 0;
    if (h != NULL) {
        status = finish(h, hash, size, len);
        release(h);
        /* after a failure only abort helps */
        *handle = status == PSA_SUCCESS ? 0 : TSR_OPERATION_FAILED;
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
    uint8_t actual[PSA_HASH_MAX_SIZE];
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
    tsr_psa_hash *h = find(c, operation->handle);

    if (h != NULL)
        release(h);
    operation->handle = 0;
    tsr_gate_leave(c);
    return PSA_SUCCESS;
}

psa_status_t psa_hash_clone(const psa_hash_operation_t *source_operation,
                            psa_hash_operation_t *target_operation)
{
    tsr_psa_client *c = tsr_gate_enter();
    tsr_psa_hash *from = find(c, source_operation->handle);
    psa_status_t status = PSA_ERROR_BAD_STATE;

    if (from != NULL && target_operation->handle == 0) {
        tsr_psa_hash *to = claim(c, from->alg, &target_operation->handle);

        if (to != NULL)
            to->u = from->u; /* both contexts are plain values */
        status = to != NULL ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_MEMORY;
    }
    tsr_gate_leave(c);
    return status;
}

psa_status_t psa_hash_compute(psa_algorithm_t alg, const uint8_t *input, size_t input_length,
                              uint8_t *hash, size_t hash_size, size_t *hash_length)
{
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    psa_status_t status = psa_hash_setup(&operation, alg);

    *hash_length = 0;
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
    uint8_t actual[PSA_HASH_MAX_SIZE];
    size_t len;
    psa_status_t status = psa_hash_compute(alg, input, input_length, actual, sizeof actual, &len);

    if (status == PSA_SUCCESS &&
        !tsr_same_secret(tsr_view(actual, len), tsr_view(hash, hash_length)))
        status = PSA_ERROR_INVALID_SIGNATURE;
    tsr_wipe(actual, sizeof actual);
    return status;
}
