/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls that come through the wall. */
#include "psa/wire/attest.h"
#include "secure/attest/attest.h"

static psa_status_t get_token(tsr_attest *a, tsr_spm_msg *msg)
{
    psa_outvec *token = &msg->out[0];
    tsr_buf out = tsr_buf_over(token->base, token->len);
    psa_status_t status = tsr_attest_token(a, msg->caller.client, msg->in[1], &out);

    token->len = status == PSA_SUCCESS ? out.len : 0;
    return status;
}

static psa_status_t get_size(tsr_attest *a, tsr_spm_msg *msg, uint32_t challenge_size)
{
    tsr_buf out = tsr_buf_over(msg->out[0].base, msg->out[0].len);
    size_t size;
    psa_status_t status = tsr_attest_token_size(a, msg->caller.client, challenge_size, &size);

    if (status != PSA_SUCCESS)
        return status;
    tsr_put_u32(&out, (uint32_t)size);
    msg->out[0].len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

static psa_status_t get_key(tsr_attest *a, tsr_spm_msg *msg)
{
    tsr_buf out = tsr_buf_over(msg->out[0].base, msg->out[0].len);
    psa_status_t status = tsr_attest_key(a);

    if (status != PSA_SUCCESS)
        return status;
    tsr_put_bytes(&out, tsr_view(a->point, sizeof a->point));
    msg->out[0].len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_BUFFER_TOO_SMALL;
}

psa_status_t tsr_attest_call(void *self, tsr_spm_msg *msg)
{
    size_t want_in = msg->type == TSR_ATTEST_GET_TOKEN ? 2 : 1;
    uint32_t number;

    if (msg->in_len != want_in || msg->out_len != 1 ||
        tsr_wire_attest_read(msg->in[0], &number) != TSR_OK)
        return PSA_ERROR_PROGRAMMER_ERROR;
    switch (msg->type) {
    case TSR_ATTEST_GET_TOKEN: return get_token(self, msg);
    case TSR_ATTEST_GET_TOKEN_SIZE: return get_size(self, msg, number);
    case TSR_ATTEST_GET_KEY: return get_key(self, msg);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}
