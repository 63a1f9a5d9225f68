/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/spm/platform_service.h"

#include "psa/wire/platform.h"

static bool maintainer(const tsr_platform *p, int32_t client)
{
    for (size_t i = 0; i < TSR_PLATFORM_MAINTAINERS; i++)
        if (client != 0 && p->maintainers[i] == client)
            return true;
    return false;
}

static psa_status_t get(const tsr_platform *p, psa_outvec *to)
{
    tsr_buf out = tsr_buf_over(to->base, to->len);

    tsr_put_u32(&out, (uint32_t)tsr_lifecycle_get(p->lifecycle));
    to->len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

static psa_status_t advance(tsr_platform *p, int32_t client, uint32_t state)
{
    psa_status_t status;

    if (!maintainer(p, client))
        return PSA_ERROR_NOT_PERMITTED;
    status = tsr_lifecycle_advance(p->lifecycle, (tsr_lifecycle_state)state);
    if (status == PSA_SUCCESS && p->entered != NULL)
        p->entered(p->entered_self, (tsr_lifecycle_state)state);
    return status;
}

psa_status_t tsr_platform_call(void *self, tsr_spm_msg *msg)
{
    tsr_platform *p = self;
    tsr_bytes block = msg->in[0];
    uint32_t number = 0;

    if (msg->in_len != 1 || block.len != TSR_WIRE_PLATFORM ||
        msg->out_len != (msg->type == TSR_PLATFORM_LIFECYCLE_GET ? 1u : 0u))
        return PSA_ERROR_PROGRAMMER_ERROR;
    (void)tsr_get_u32(&block, &number);
    switch (msg->type) {
    case TSR_PLATFORM_LIFECYCLE_GET: return get(p, &msg->out[0]);
    case TSR_PLATFORM_LIFECYCLE_ADVANCE: return advance(p, msg->caller.client, number);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}

psa_status_t tsr_platform_admit(void *self, psa_handle_t handle)
{
    const tsr_platform *p = self;
    unsigned needed = handle == TSR_PSA_ATTEST_HANDLE ? TSR_ALLOW_ATTEST : TSR_ALLOW_SERVE;

    if (handle == TSR_PSA_PLATFORM_HANDLE ||
        tsr_lifecycle_allows(tsr_lifecycle_get(p->lifecycle), needed))
        return PSA_SUCCESS;
    return PSA_ERROR_NOT_PERMITTED;
}
