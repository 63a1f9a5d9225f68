/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/spm/its_service.h"

#include "psa/wire/params.h"
#include "secure/storage/its.h"

static psa_status_t get_info(const tsr_its *its, int32_t client, uint64_t uid, psa_outvec *answer)
{
    struct psa_storage_info_t info;
    tsr_buf out = tsr_buf_over(answer->base, answer->len);
    psa_status_t status = tsr_its_get_info(its, client, uid, &info);

    if (status != PSA_SUCCESS)
        return status;
    tsr_put_u32(&out, (uint32_t)info.capacity);
    tsr_put_u32(&out, (uint32_t)info.size);
    tsr_put_u32(&out, info.flags);
    answer->len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

psa_status_t tsr_its_call(void *self, tsr_spm_msg *msg)
{
    tsr_its *its = self;
    int32_t client = msg->caller.client;
    psa_outvec *out = &msg->out[0];
    size_t want_in = msg->type == TSR_ITS_SET ? 2 : 1;
    size_t want_out = msg->type == TSR_ITS_GET || msg->type == TSR_ITS_GET_INFO ? 1 : 0;
    tsr_wire_its p;

    if (msg->in_len != want_in || msg->out_len != want_out ||
        tsr_wire_its_read(msg->in[0], &p) != TSR_OK)
        return PSA_ERROR_PROGRAMMER_ERROR;
    switch (msg->type) {
    case TSR_ITS_SET:
        return tsr_its_set(its, client, p.uid, msg->in[1].len, msg->in[1].ptr, p.flags);
    case TSR_ITS_GET:
        return tsr_its_get(its, client, p.uid, p.offset, out->len, out->base, &out->len);
    case TSR_ITS_GET_INFO: return get_info(its, client, p.uid, out);
    case TSR_ITS_REMOVE: return tsr_its_remove(its, client, p.uid);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}
