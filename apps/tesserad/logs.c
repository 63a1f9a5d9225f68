/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/logs.h"

#include <string.h>
#include <unistd.h>

#include "ports/linux/host/kernel_log.h"
#include "ports/linux/host/log.h"
#include "ports/linux/host/system.h"

enum { AT_ONCE = 64, AT_START = 65536, EMERGENCY = 0 };

static void take_time(logs *l)
{
    l->all.now_s = tsr_host_now_ms() / 1000;
}

static uint8_t class_of(tsr_log_level level, const char *event)
{
    static const char *const security[] = { "connected",   "disconnected", "register-failed",
                                            "stopped",     "certificate",  "session-not-kept",
                                            "start-failed" };

    for (size_t i = 0; i < sizeof security / sizeof *security; i++) {
        if (strcmp(event, security[i]) == 0)
            return TSR_LWM2M_LOG_SECURITY;
    }
    return level == TSR_LOG_DEBUG ? TSR_LWM2M_LOG_TRACE : TSR_LWM2M_LOG_EVENT;
}

/* That a notification was sent is not collected: sent for this very line, it would never end. */
static void take_line(void *user, tsr_log_level level, const char *event, const char *line)
{
    logs *l = user;

    if (strcmp(event, "notified") == 0)
        return;
    take_time(l);
    tsr_lwm2m_logs_add(&l->all, class_of(level, event), tsr_text(line));
}

static void close_kernel(logs *l)
{
    if (l->kernel >= 0)
        (void)close(l->kernel);
    l->kernel = -1;
}

static void read_kernel(logs *l, unsigned most)
{
    tsr_kernel_line line;
    tsr_err err = TSR_OK;

    take_time(l);
    for (unsigned n = 0; n < most && l->kernel >= 0 && err != TSR_END; n++) {
        err = tsr_host_kernel_log_next(l->kernel, &line);
        if (err == TSR_OK)
            tsr_lwm2m_logs_add(&l->all,
                               line.level == EMERGENCY ? TSR_LWM2M_LOG_PANIC : TSR_LWM2M_LOG_SYSTEM,
                               tsr_text(line.text));
        else if (err == TSR_E_SPACE)
            tsr_lwm2m_logs_lost(&l->all, TSR_LWM2M_LOG_SYSTEM);
        else if (err != TSR_END)
            close_kernel(l);
    }
}

void logs_begin(logs *l, bool kernel)
{
    for (size_t i = 0; i < LOGS; i++)
        l->item[i] = (tsr_lwm2m_log){ .data = l->memory[i], .cap = LOGS_LEN };
    l->item[0].used = l->item[0].running = true;
    l->all = (tsr_lwm2m_logs){ .items = l->item, .count = LOGS };
    l->kernel = kernel ? tsr_host_kernel_log_open() : -1;
    read_kernel(l, AT_START);
    tsr_host_log_sink(take_line, l);
}

void logs_read_kernel(logs *l)
{
    read_kernel(l, AT_ONCE);
}

void logs_tell(logs *l, tsr_lwm2m_client *client)
{
    uint16_t instance;

    take_time(l);
    while (tsr_lwm2m_logs_changed(&l->all, &instance))
        tsr_lwm2m_client_changed(client, tsr_lwm2m_at_instance(20, instance));
}

void logs_end(logs *l)
{
    if (l->all.count == 0)
        return;
    tsr_host_log_sink(NULL, NULL);
    close_kernel(l);
}
