/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/spm/spm.h"

psa_status_t tsr_spm_call(const tsr_spm *spm, psa_handle_t handle, tsr_spm_msg *msg)
{
    psa_status_t status = spm->admit != NULL ? spm->admit(spm->admit_self, handle) : PSA_SUCCESS;

    if (status != PSA_SUCCESS)
        return status;
    for (size_t i = 0; i < spm->count; i++)
        if (spm->services[i].handle == handle)
            return spm->services[i].call(spm->services[i].self, msg);
    return PSA_ERROR_PROGRAMMER_ERROR;
}

tsr_err tsr_spm_frame(const tsr_spm *spm, tsr_spm_caller caller, tsr_bytes request, tsr_buf *reply)
{
    tsr_wire_request req;
    tsr_spm_msg msg = { .caller = caller };

    if (tsr_wire_request_read(request, &req) != TSR_OK ||
        tsr_wire_reply_open(reply, &req, msg.out) != TSR_OK) {
        tsr_wire_reply_status(reply, 0, PSA_ERROR_PROGRAMMER_ERROR);
        return TSR_E_MALFORMED;
    }
    msg.type = req.type;
    msg.in_len = req.in_len;
    msg.out_len = req.out_len;
    for (size_t i = 0; i < req.in_len; i++)
        msg.in[i] = req.in[i];

    psa_status_t status = tsr_spm_call(spm, req.handle, &msg);

    /* A service that claims more than the room it had is broken; nothing of it may leave. */
    for (size_t i = 0; i < req.out_len; i++)
        if (msg.out[i].len > req.room[i])
            status = PSA_ERROR_SERVICE_FAILURE;
    tsr_wire_reply_close(reply, &req, status, msg.out);
    return TSR_OK;
}

void tsr_spm_gone(const tsr_spm *spm, uint32_t connection)
{
    for (size_t i = 0; i < spm->count; i++)
        if (spm->services[i].gone != NULL)
            spm->services[i].gone(spm->services[i].self, connection);
}
