/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/report.h"

#include <errno.h>

#include "ports/linux/host/file.h"
#include "ports/linux/host/system.h"

enum { KEEP_MS = 2000 }; /* what is sent at once never reaches the disk */

static const char outbox_file[] = "outbox";

void report_init(report *r, const config *c, uint64_t now_ms)
{
    memset(r, 0, sizeof *r);
    r->config = c;
    r->outbox.memory = r->memory;
    r->outbox.memory_len = sizeof r->memory;
    r->outbox.sendings = r->sendings;
    r->outbox.keep_oldest = c->send.full != 0;
    r->next_ms = c->send.path_count != 0 ? now_ms + 1000 : UINT64_MAX;
}

void report_restore(report *r, tsr_lwm2m_client *client)
{
    uint8_t room[REPORT_MEMORY];
    tsr_buf in = tsr_buf_over(room, sizeof room);
    tsr_err err = tsr_host_load(r->config->state, outbox_file, &in);

    if (err == TSR_E_NOT_FOUND)
        return;
    r->has_file = in.len != 0;
    if (err == TSR_OK)
        err = tsr_lwm2m_outbox_restore(client, tsr_buf_view(&in));
    if (err != TSR_OK) {
        tsr_host_set_aside(r->config->state, outbox_file);
        tsr_host_log(TSR_LOG_ERROR, "outbox-damaged", "file=\"%s/%s\" cause=%s remedy=\"values that "
                     "were not sent yet are lost; the file is kept as %s.damaged\"",
                     r->config->state, outbox_file, tsr_err_name(err), outbox_file);
    } else if (r->outbox.used != 0) {
        tsr_host_log(TSR_LOG_INFO, "outbox-restored", "bytes=%zu", r->outbox.used);
    }
    r->stored = r->outbox.revision;
}

void report_keep(report *r)
{
    if (r->stored == r->outbox.revision || (r->outbox.used == 0 && !r->has_file)) {
        r->stored = r->outbox.revision;
        return;
    }
    if (tsr_host_store(r->config->state, outbox_file, tsr_view(r->memory, r->outbox.used)) != TSR_OK) {
        tsr_host_log(TSR_LOG_ERROR, "outbox-not-kept", "directory=\"%s\" cause=\"%s\" remedy=\"free disk "
                     "space, or make the directory writable\"", r->config->state, strerror(errno));
        return;
    }
    r->has_file = r->outbox.used != 0;
    r->stored = r->outbox.revision;
}

static void take_values(report *r, tsr_lwm2m_client *client)
{
    uint64_t unix_ms = (uint64_t)tsr_host_unix_s() * 1000;
    uint32_t dropped = r->outbox.dropped;

    for (size_t i = 0; tsr_lwm2m_send(client, i, r->config->send.paths, r->config->send.path_count,
                                      r->config->send.non == 0, unix_ms) != TSR_E_ARGUMENT; i++)
        continue; /* to each server that wants it */
    if (r->outbox.dropped != dropped)
        tsr_host_log(TSR_LOG_WARNING, "outbox-full", "dropped=%u cause=\"%zu bytes wait to be sent\" "
                     "remedy=\"bring the server back, or send less often\"",
                     r->outbox.dropped - dropped, r->outbox.used);
}

void report_step(report *r, tsr_lwm2m_client *client, uint64_t now_ms)
{
    if (now_ms >= r->next_ms) {
        take_values(r, client);
        r->next_ms = now_ms + (uint64_t)r->config->send.every_s * 1000;
    }
    if (!r->changed && r->outbox.revision != r->stored) {
        r->changed = true;
        r->changed_ms = now_ms;
    }
    if (r->changed && now_ms - r->changed_ms >= KEEP_MS) {
        r->changed = false;
        report_keep(r);
    }
}

uint64_t report_due_ms(const report *r)
{
    uint64_t keep_ms = r->changed ? r->changed_ms + KEEP_MS : UINT64_MAX;

    return keep_ms < r->next_ms ? keep_ms : r->next_ms;
}
