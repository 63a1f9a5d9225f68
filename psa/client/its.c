/* SPDX-License-Identifier: Apache-2.0
 *
 * Internal Trusted Storage across the wall. */
#include "psa/client/gate.h"
#include "psa/internal_trusted_storage.h"
#include "psa/wire/params.h"

#define ROOM_MAX 16384u /* no asset is longer, so a longer answer need not be announced */

static psa_status_t call(int32_t type, const tsr_wire_its *its, tsr_bytes data, psa_outvec *out)
{
    uint8_t block[TSR_WIRE_ITS];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    psa_invec in[2] = { { block, sizeof block }, { data.ptr, data.len } };

    tsr_wire_its_write(&params, its);
    return psa_call(TSR_PSA_ITS_HANDLE, type, in, type == TSR_ITS_SET ? 2 : 1, out,
                    out != NULL ? 1 : 0);
}

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    tsr_wire_its its = { .uid = uid, .flags = create_flags };

    if (p_data == NULL && data_length != 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (data_length > ROOM_MAX)
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    return call(TSR_ITS_SET, &its, tsr_view(p_data, data_length), NULL);
}

psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length)
{
    tsr_wire_its its = { .uid = uid,
                         .offset = data_offset < UINT32_MAX ? (uint32_t)data_offset : UINT32_MAX };
    psa_outvec out = { p_data, data_size < ROOM_MAX ? data_size : ROOM_MAX };

    if (p_data_length == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    *p_data_length = 0;
    /* PSA Secure Storage API 1.0.4, psa_its_get: a size that no buffer of a caller can have. */
    if (data_size > INT32_MAX || (p_data == NULL && data_size != 0))
        return PSA_ERROR_INVALID_ARGUMENT;

    psa_status_t status = call(TSR_ITS_GET, &its, tsr_view(NULL, 0), &out);

    if (status == PSA_SUCCESS)
        *p_data_length = out.len;
    return status;
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    tsr_wire_its its = { .uid = uid };
    uint8_t answer[12];
    psa_outvec out = { answer, sizeof answer };
    uint32_t capacity, size, flags;

    if (p_info == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;

    psa_status_t status = call(TSR_ITS_GET_INFO, &its, tsr_view(NULL, 0), &out);
    tsr_bytes view = { answer, out.len };

    if (status != PSA_SUCCESS)
        return status;
    if (view.len != sizeof answer || tsr_get_u32(&view, &capacity) != TSR_OK ||
        tsr_get_u32(&view, &size) != TSR_OK || tsr_get_u32(&view, &flags) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    *p_info = (struct psa_storage_info_t){ capacity, size, flags };
    return PSA_SUCCESS;
}

psa_status_t psa_its_remove(psa_storage_uid_t uid)
{
    tsr_wire_its its = { .uid = uid };

    return call(TSR_ITS_REMOVE, &its, tsr_view(NULL, 0), NULL);
}
