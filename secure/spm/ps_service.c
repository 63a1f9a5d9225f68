/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/spm/ps_service.h"

#include "psa/wire/ps.h"
#include "secure/storage/ps.h"

static psa_status_t answer(psa_outvec *to, const uint32_t *numbers, size_t count)
{
    tsr_buf out = tsr_buf_over(to->base, to->len);

    for (size_t i = 0; i < count; i++)
        tsr_put_u32(&out, numbers[i]);
    to->len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

static psa_status_t get_info(tsr_ps *ps, int32_t client, uint64_t uid, psa_outvec *to)
{
    struct psa_storage_info_t info;
    psa_status_t status = tsr_ps_get_info(ps, client, uid, &info);

    if (status != PSA_SUCCESS)
        return status;

    uint32_t numbers[] = { (uint32_t)info.capacity, (uint32_t)info.size, info.flags };

    return answer(to, numbers, 3);
}

psa_status_t tsr_ps_call(void *self, tsr_spm_msg *msg)
{
    bool data = msg->type == TSR_PS_SET || msg->type == TSR_PS_SET_EXTENDED;
    bool answers =
        msg->type == TSR_PS_GET || msg->type == TSR_PS_GET_INFO || msg->type == TSR_PS_GET_SUPPORT;
    uint32_t support = tsr_ps_get_support();
    int32_t client = msg->caller.client;
    psa_outvec *out = &msg->out[0];
    tsr_bytes in = msg->in[1];
    tsr_ps *ps = self;
    tsr_wire_ps p;

    if (msg->in_len != (data ? 2u : 1u) || msg->out_len != (answers ? 1u : 0u) ||
        tsr_wire_ps_read(msg->in[0], &p) != TSR_OK)
        return PSA_ERROR_PROGRAMMER_ERROR;
    switch (msg->type) {
    case TSR_PS_SET: return tsr_ps_set(ps, client, p.uid, in.len, in.ptr, p.flags);
    case TSR_PS_GET: return tsr_ps_get(ps, client, p.uid, p.number, out->len, out->base, &out->len);
    case TSR_PS_GET_INFO: return get_info(ps, client, p.uid, out);
    case TSR_PS_REMOVE: return tsr_ps_remove(ps, client, p.uid);
    case TSR_PS_CREATE: return tsr_ps_create(ps, client, p.uid, p.number, p.flags);
    case TSR_PS_SET_EXTENDED:
        return tsr_ps_set_extended(ps, client, p.uid, p.number, in.len, in.ptr);
    case TSR_PS_GET_SUPPORT: return answer(out, &support, 1);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}
