/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/device/internal.h"
#include "ports/linux/host/log.h"

static const struct {
    const char *name;
    tsr_log_level level;
} kinds[] = {
    [TSR_LWM2M_E_CONNECTED] = { "connected", TSR_LOG_INFO },
    [TSR_LWM2M_E_DISCONNECTED] = { "disconnected", TSR_LOG_INFO },
    [TSR_LWM2M_E_REGISTERED] = { "registered", TSR_LOG_INFO },
    [TSR_LWM2M_E_UPDATED] = { "updated", TSR_LOG_DEBUG },
    [TSR_LWM2M_E_DEREGISTERED] = { "deregistered", TSR_LOG_INFO },
    [TSR_LWM2M_E_REGISTER_FAILED] = { "register-failed", TSR_LOG_WARNING },
    [TSR_LWM2M_E_STOPPED] = { "stopped", TSR_LOG_INFO },
    [TSR_LWM2M_E_REQUEST] = { "request", TSR_LOG_INFO },
    [TSR_LWM2M_E_NOTIFIED] = { "notified", TSR_LOG_DEBUG },
    [TSR_LWM2M_E_OBSERVE_END] = { "observe-end", TSR_LOG_INFO },
    [TSR_LWM2M_E_SAVE_FAILED] = { "state-not-saved", TSR_LOG_ERROR },
    [TSR_LWM2M_E_SENT] = { "sent", TSR_LOG_DEBUG },
    [TSR_LWM2M_E_SEND_FAILED] = { "send-failed", TSR_LOG_WARNING },
};

void linux_log(const tsr_lwm2m_client_event *e)
{
    char path[TSR_LWM2M_PATH_TEXT + 1];
    tsr_buf out = tsr_buf_over(path, TSR_LWM2M_PATH_TEXT);
    unsigned code = e->code;

    if (e->kind >= sizeof kinds / sizeof *kinds || kinds[e->kind].name == NULL)
        return;
    tsr_lwm2m_path_put(&out, e->at);
    path[out.len] = '\0';
    if (e->kind == TSR_LWM2M_E_REQUEST)
        tsr_host_log(kinds[e->kind].level, kinds[e->kind].name, "operation=%s path=%s code=%u.%02u",
                     tsr_lwm2m_operation_name(e->operation), path, code >> 5, code & 31u);
    else
        tsr_host_log(kinds[e->kind].level, kinds[e->kind].name, "path=%s code=%u.%02u cause=\"%s\"",
                     path, code >> 5, code & 31u, e->reason);
}
