/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage across the wall. */
#include "psa/wire/ps.h"

#include "psa/client/gate.h"
#include "psa/protected_storage.h"

#define ROOM_MAX 16384u /* no asset is longer, so a longer answer need not be announced */

static psa_status_t call(int32_t type, const tsr_wire_ps *p, const psa_invec *data, psa_outvec *out)
{
    uint8_t block[TSR_WIRE_PS];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    psa_invec in[2] = { { block, sizeof block }, { NULL, 0 } };

    if (data != NULL)
        in[1] = *data;
    tsr_wire_ps_write(&params, p);
    return psa_call(TSR_PSA_PS_HANDLE, type, in, data != NULL ? 2 : 1, out, out != NULL ? 1 : 0);
}

/* A number that the block cannot carry is beyond every asset: the service refuses it all the same,
 * after it has looked whether the asset is there. */
static uint32_t number_of(size_t n) { return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX; }

psa_status_t psa_ps_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                        psa_storage_create_flags_t create_flags)
{
    tsr_wire_ps p = { .uid = uid, .flags = create_flags };
    psa_invec data = { p_data, data_length };

    if (p_data == NULL && data_length != 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (data_length > ROOM_MAX)
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    return call(TSR_PS_SET, &p, &data, NULL);
}

psa_status_t psa_ps_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                        size_t *p_data_length)
{
    tsr_wire_ps p = { .uid = uid, .number = number_of(data_offset) };
    psa_outvec out = { p_data, data_size < ROOM_MAX ? data_size : ROOM_MAX };
    psa_status_t status;

    if (p_data_length == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    *p_data_length = 0;
    /* PSA Secure Storage API 1.0.4, psa_ps_get: a size that no buffer of a caller can have. */
    if (data_size > INT32_MAX || (p_data == NULL && data_size != 0))
        return PSA_ERROR_INVALID_ARGUMENT;
    status = call(TSR_PS_GET, &p, NULL, &out);
    if (status == PSA_SUCCESS)
        *p_data_length = out.len;
    return status;
}

psa_status_t psa_ps_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    tsr_wire_ps p = { .uid = uid };
    uint8_t answer[12];
    psa_outvec out = { answer, sizeof answer };
    uint32_t capacity, size, flags;
    psa_status_t status;

    if (p_info == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    status = call(TSR_PS_GET_INFO, &p, NULL, &out);
    if (status != PSA_SUCCESS)
        return status;

    tsr_bytes view = { answer, out.len };

    if (view.len != sizeof answer || tsr_get_u32(&view, &capacity) != TSR_OK ||
        tsr_get_u32(&view, &size) != TSR_OK || tsr_get_u32(&view, &flags) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    *p_info = (struct psa_storage_info_t){ capacity, size, flags };
    return PSA_SUCCESS;
}

psa_status_t psa_ps_remove(psa_storage_uid_t uid)
{
    tsr_wire_ps p = { .uid = uid };

    return call(TSR_PS_REMOVE, &p, NULL, NULL);
}

psa_status_t psa_ps_create(psa_storage_uid_t uid, size_t capacity,
                           psa_storage_create_flags_t create_flags)
{
    tsr_wire_ps p = { .uid = uid, .number = number_of(capacity), .flags = create_flags };

    return call(TSR_PS_CREATE, &p, NULL, NULL);
}

psa_status_t psa_ps_set_extended(psa_storage_uid_t uid, size_t data_offset, size_t data_length,
                                 const void *p_data)
{
    tsr_wire_ps p = { .uid = uid, .number = number_of(data_offset) };
    psa_invec data = { p_data, data_length };

    /* longer than any asset's capacity */
    if ((p_data == NULL && data_length != 0) || data_length > ROOM_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    return call(TSR_PS_SET_EXTENDED, &p, &data, NULL);
}

/* Part of the service's promise, not of its state: no need to ask. The service answers the same to
 * other client libraries (TSR_PS_GET_SUPPORT). */
uint32_t psa_ps_get_support(void) { return PSA_STORAGE_SUPPORT_SET_EXTENDED; }
