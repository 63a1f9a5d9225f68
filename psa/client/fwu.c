/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware update across the wall. */
#include "psa/client/gate.h"
#include "psa/update.h"
#include "psa/wire/fwu.h"

static psa_status_t call(int32_t type, uint32_t component, uint32_t number, const psa_invec *in,
                         psa_outvec *out)
{
    uint8_t block[TSR_WIRE_FWU];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    psa_invec vectors[2] = { { block, sizeof block }, { NULL, 0 } };

    tsr_wire_fwu_write(&params, &(tsr_wire_fwu){ component, number });
    if (in != NULL)
        vectors[1] = *in;
    return psa_call(TSR_PSA_FWU_HANDLE, type, vectors, in != NULL ? 2 : 1, out,
                    out != NULL ? 1 : 0);
}

static tsr_err read_info(tsr_bytes in, psa_fwu_component_info_t *info)
{
    uint32_t error;
    uint8_t reserved;
    psa_fwu_component_info_t got = { 0 };

    if (in.len != TSR_WIRE_FWU_INFO || tsr_get_u8(&in, &got.state) != TSR_OK ||
        tsr_get_u8(&in, &got.impl.why) != TSR_OK || tsr_get_u8(&in, &got.impl.slot) != TSR_OK ||
        tsr_get_u8(&in, &reserved) != TSR_OK || tsr_get_u32(&in, &error) != TSR_OK ||
        tsr_get_u8(&in, &got.version.major) != TSR_OK ||
        tsr_get_u8(&in, &got.version.minor) != TSR_OK ||
        tsr_get_u16(&in, &got.version.patch) != TSR_OK ||
        tsr_get_u32(&in, &got.version.build) != TSR_OK ||
        tsr_get_u32(&in, &got.max_size) != TSR_OK || tsr_get_u32(&in, &got.flags) != TSR_OK ||
        tsr_get_u32(&in, &got.location) != TSR_OK ||
        tsr_get_u32(&in, &got.impl.written) != TSR_OK ||
        tsr_get_u64(&in, &got.impl.sequence) != TSR_OK)
        return TSR_E_MALFORMED;
    got.error = (psa_status_t)error;
    *info = got;
    return TSR_OK;
}

psa_status_t psa_fwu_query(psa_fwu_component_t component, psa_fwu_component_info_t *info)
{
    uint8_t answer[TSR_WIRE_FWU_INFO];
    psa_outvec out = { answer, sizeof answer };
    psa_status_t status;

    if (info == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    status = call(TSR_FWU_QUERY, component, 0, NULL, &out);
    if (status == PSA_SUCCESS && read_info(tsr_view(answer, out.len), info) != TSR_OK)
        status = PSA_ERROR_COMMUNICATION_FAILURE;
    return status;
}

psa_status_t psa_fwu_start(psa_fwu_component_t component, const void *manifest,
                           size_t manifest_size)
{
    psa_invec in = { manifest, manifest_size };

    if ((manifest == NULL) != (manifest_size == 0))
        return PSA_ERROR_INVALID_ARGUMENT;
    return call(TSR_FWU_START, component, 0, &in, NULL);
}

psa_status_t psa_fwu_write(psa_fwu_component_t component, size_t image_offset, const void *block,
                           size_t block_size)
{
    psa_invec in = { block, block_size };

    if (block == NULL && block_size != 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    /* What cannot cross the wall is sent empty, so that the state of the component still has the
     * first word: BAD_STATE and DOES_NOT_EXIST before INVALID_ARGUMENT. */
    if (block_size > PSA_FWU_MAX_WRITE_SIZE || image_offset > UINT32_MAX)
        in = (psa_invec){ NULL, 0 };
    return call(TSR_FWU_WRITE, component, (uint32_t)image_offset, &in, NULL);
}

psa_status_t psa_fwu_finish(psa_fwu_component_t component)
{
    return call(TSR_FWU_FINISH, component, 0, NULL, NULL);
}

psa_status_t psa_fwu_cancel(psa_fwu_component_t component)
{
    return call(TSR_FWU_CANCEL, component, 0, NULL, NULL);
}

psa_status_t psa_fwu_clean(psa_fwu_component_t component)
{
    return call(TSR_FWU_CLEAN, component, 0, NULL, NULL);
}

psa_status_t psa_fwu_install(void) { return call(TSR_FWU_INSTALL, 0, 0, NULL, NULL); }

psa_status_t psa_fwu_request_reboot(void) { return call(TSR_FWU_REBOOT, 0, 0, NULL, NULL); }

psa_status_t psa_fwu_reject(psa_status_t error)
{
    return call(TSR_FWU_REJECT, 0, (uint32_t)error, NULL, NULL);
}

psa_status_t psa_fwu_accept(void) { return call(TSR_FWU_ACCEPT, 0, 0, NULL, NULL); }
