/* SPDX-License-Identifier: Apache-2.0 */
#include "psa/client/platform.h"

#include "psa/wire/platform.h"
#include "tessera/base/bytes.h"

static psa_status_t call(int32_t type, uint32_t number, psa_outvec *out)
{
    uint8_t block[TSR_WIRE_PLATFORM];
    tsr_buf b = tsr_buf_over(block, sizeof block);
    psa_invec in = { block, sizeof block };

    tsr_put_u32(&b, number);
    return psa_call(TSR_PSA_PLATFORM_HANDLE, type, &in, 1, out, out != NULL ? 1 : 0);
}

psa_status_t tsr_platform_lifecycle(uint32_t *state)
{
    uint8_t answer[4];
    psa_outvec out = { answer, sizeof answer };
    psa_status_t status = call(TSR_PLATFORM_LIFECYCLE_GET, 0, &out);
    tsr_bytes view = { answer, out.len };

    if (status != PSA_SUCCESS)
        return status;
    if (view.len != sizeof answer || tsr_get_u32(&view, state) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    return PSA_SUCCESS;
}

psa_status_t tsr_platform_advance(uint32_t state)
{
    return call(TSR_PLATFORM_LIFECYCLE_ADVANCE, state, NULL);
}
