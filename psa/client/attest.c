/* SPDX-License-Identifier: Apache-2.0
 *
 * Initial Attestation across the wall. */
#include "psa/client/attest.h"

#include "psa/client.h"
#include "psa/wire/attest.h"

static psa_status_t call(int32_t type, uint32_t number, psa_invec challenge, psa_outvec *out)
{
    uint8_t block[TSR_WIRE_ATTEST];
    tsr_buf room = tsr_buf_over(block, sizeof block);
    psa_invec in[2] = { { block, sizeof block }, challenge };

    tsr_wire_attest_write(&room, number);
    return psa_call(TSR_PSA_ATTEST_HANDLE, type, in, type == TSR_ATTEST_GET_TOKEN ? 2 : 1, out, 1);
}

/* Checked here as well, so that a challenge of any length is no reason to cross. */
static psa_status_t check_challenge(size_t size)
{
    return size == PSA_INITIAL_ATTEST_CHALLENGE_SIZE_32 ||
                   size == PSA_INITIAL_ATTEST_CHALLENGE_SIZE_48 ||
                   size == PSA_INITIAL_ATTEST_CHALLENGE_SIZE_64
               ? PSA_SUCCESS
               : PSA_ERROR_INVALID_ARGUMENT;
}

psa_status_t psa_initial_attest_get_token(const uint8_t *auth_challenge, size_t challenge_size,
                                          uint8_t *token_buf, size_t token_buf_size,
                                          size_t *token_size)
{
    psa_outvec out = { token_buf, token_buf_size < PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE
                                      ? token_buf_size
                                      : PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE };

    if (token_size == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    *token_size = 0;
    if (auth_challenge == NULL || token_buf == NULL || token_buf_size == 0 ||
        check_challenge(challenge_size) != PSA_SUCCESS)
        return PSA_ERROR_INVALID_ARGUMENT;

    psa_status_t status =
        call(TSR_ATTEST_GET_TOKEN, 0, (psa_invec){ auth_challenge, challenge_size }, &out);

    if (status == PSA_SUCCESS)
        *token_size = out.len;
    return status;
}

psa_status_t psa_initial_attest_get_token_size(size_t challenge_size, size_t *token_size)
{
    uint8_t answer[4];
    psa_outvec out = { answer, sizeof answer };
    uint32_t size;

    if (token_size == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    *token_size = 0;
    if (check_challenge(challenge_size) != PSA_SUCCESS)
        return PSA_ERROR_INVALID_ARGUMENT;

    psa_status_t status =
        call(TSR_ATTEST_GET_TOKEN_SIZE, (uint32_t)challenge_size, (psa_invec){ NULL, 0 }, &out);
    tsr_bytes view = { answer, out.len };

    if (status != PSA_SUCCESS)
        return status;
    if (view.len != sizeof answer || tsr_get_u32(&view, &size) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    *token_size = size;
    return PSA_SUCCESS;
}

psa_status_t tsr_attest_public_key(uint8_t *key, size_t key_size, size_t *key_len)
{
    psa_outvec out = { key, key_size };
    psa_status_t status = call(TSR_ATTEST_GET_KEY, 0, (psa_invec){ NULL, 0 }, &out);

    *key_len = status == PSA_SUCCESS ? out.len : 0;
    return status;
}
