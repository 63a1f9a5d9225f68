/* SPDX-License-Identifier: Apache-2.0
 *
 * The service's end of psa/wire/fwu.h. */
#include "psa/wire/fwu.h"

#include "secure/fwu/fwu.h"

static bool may_update(const tsr_fwu *f, int32_t client)
{
    for (size_t i = 0; i < f->client_count; i++)
        if (f->clients[i] == client && client != 0)
            return true;
    return false;
}

/* state u8, why u8, slot u8, 0 u8, error, version, max_size, flags, location, written, sequence */
static psa_status_t put_info(const tsr_fwu *f, psa_fwu_component_t id, psa_outvec *answer)
{
    psa_fwu_component_info_t info;
    tsr_buf out = tsr_buf_over(answer->base, answer->len);
    psa_status_t status = tsr_fwu_query(f, id, &info);

    if (status != PSA_SUCCESS)
        return status;
    tsr_put_u8(&out, info.state);
    tsr_put_u8(&out, info.impl.why);
    tsr_put_u8(&out, info.impl.slot);
    tsr_put_u8(&out, 0);
    tsr_put_u32(&out, (uint32_t)info.error);
    tsr_put_u8(&out, info.version.major);
    tsr_put_u8(&out, info.version.minor);
    tsr_put_u16(&out, info.version.patch);
    tsr_put_u32(&out, info.version.build);
    tsr_put_u32(&out, info.max_size);
    tsr_put_u32(&out, info.flags);
    tsr_put_u32(&out, info.location);
    tsr_put_u32(&out, info.impl.written);
    tsr_put_u64(&out, info.impl.sequence);
    answer->len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

static bool vectors_fit(const tsr_spm_msg *msg)
{
    size_t in = msg->type == TSR_FWU_START || msg->type == TSR_FWU_WRITE ? 2 : 1;

    return msg->in_len == in && msg->out_len == (msg->type == TSR_FWU_QUERY ? 1u : 0u);
}

psa_status_t tsr_fwu_call(void *self, tsr_spm_msg *msg)
{
    tsr_fwu *f = self;
    tsr_wire_fwu p;
    psa_fwu_component_t id;

    if (!vectors_fit(msg) || tsr_wire_fwu_read(msg->in[0], &p) != TSR_OK)
        return PSA_ERROR_PROGRAMMER_ERROR;
    if (!may_update(f, msg->caller.client))
        return PSA_ERROR_NOT_PERMITTED;
    if (p.component > UINT8_MAX)
        return PSA_ERROR_DOES_NOT_EXIST;
    id = (psa_fwu_component_t)p.component;
    switch (msg->type) {
    case TSR_FWU_QUERY: return put_info(f, id, &msg->out[0]);
    case TSR_FWU_START: return tsr_fwu_start(f, id, msg->in[1]);
    case TSR_FWU_WRITE: return tsr_fwu_write(f, id, p.number, msg->in[1]);
    case TSR_FWU_FINISH: return tsr_fwu_finish(f, id);
    case TSR_FWU_CANCEL: return tsr_fwu_cancel(f, id);
    case TSR_FWU_CLEAN: return tsr_fwu_clean(f, id);
    case TSR_FWU_INSTALL: return tsr_fwu_install(f);
    case TSR_FWU_REBOOT: return tsr_fwu_request_reboot(f);
    case TSR_FWU_REJECT: return tsr_fwu_reject(f, (psa_status_t)p.number);
    case TSR_FWU_ACCEPT: return tsr_fwu_accept(f);
    default: return PSA_ERROR_PROGRAMMER_ERROR;
    }
}
