/* SPDX-License-Identifier: Apache-2.0
 *
 * The modules of ports/linux/fdo in the form that the engine takes. */
#include "apps/tesserad/onboard.h"

#include "ports/linux/host/log.h"
#include "ports/linux/host/system.h"

enum { CSR_KEY = TSR_FDO_STORE_KEYS - 1 };

static tsr_err receive(void *state, tsr_bytes message, tsr_bytes value)
{
    const onboard_module *m = state;

    return m->info.take(m->info.self, message, value, tsr_host_now_ms());
}

static tsr_err send(void *state, const char **message, tsr_buf *value)
{
    const onboard_module *m = state;

    return m->info.give(m->info.self, message, value, tsr_host_now_ms());
}

static tsr_err activate(void *state, bool on)
{
    const onboard_module *m = state;

    return on && m->info.begin != NULL ? m->info.begin(m->info.self) : TSR_OK;
}

static void reset(void *state, bool done)
{
    const onboard_module *m = state;

    (void)done;
    m->info.drop(m->info.self);
}

/* What was handed over stays for the host when all went well. Keys that an attempt left behind are
 * removed before the next one makes new ones. */
static void reset_accounts(void *state, bool done)
{
    const onboard_module *m = state;

    if (done)
        return;
    m->info.drop(m->info.self);
    (void)tsr_fdo_store_clear_next(&m->of->store);
}

static tsr_info *add(onboard *o)
{
    onboard_module *m = &o->modules[o->module_count];

    m->of = o;
    m->module = (tsr_fdo_module){ .state = m, .receive = receive, .send = send,
                                  .activate = activate, .reset = reset };
    o->list[o->module_count++] = &m->module;
    return &m->info;
}

static void set_bounds(onboard *o)
{
    const config_fdo *f = &o->config->fdo;

    o->bounds = (tsr_info_bounds){ .root = f->root, .most_bytes = f->file_size,
                                   .command_count = f->command_count,
                                   .command_ms = f->command_s * 1000,
                                   .command_output = f->command_output, .wget_ms = f->wget_s * 1000,
                                   .anchors = o->web_trust.list, .anchor_count = o->web_trust.count };
    for (size_t i = 0; i < f->command_count; i++) {
        o->bounds.commands[i].name = f->commands[i].name;
        o->bounds.commands[i].program = f->commands[i].program;
    }
}

/* Numbers of keys are those of the next set; they are asked for again before each onboarding. */
void onboard_modules(onboard *o)
{
    const config_fdo *f = &o->config->fdo;

    set_bounds(o);
    o->module_count = 0;
    tsr_info_csr_init(&o->csr, tsr_fdo_store_account_key(&o->store, true, CSR_KEY),
                      o->config->endpoint, add(o));
    tsr_info_lwm2m_init(&o->lwm2m, &o->csr, tsr_fdo_store_account_key(&o->store, true, 0), add(o));
    o->modules[o->module_count - 1].module.reset = reset_accounts;
    if (f->root[0] != '\0') {
        tsr_info_download_init(&o->download, &o->bounds, add(o));
        tsr_info_upload_init(&o->upload, &o->bounds, add(o));
    }
    if (f->command_count != 0)
        tsr_info_command_init(&o->command, &o->bounds, add(o));
    if (f->wget == 1)
        tsr_info_wget_init(&o->wget, &o->bounds, add(o));
    for (size_t i = 0; i < o->module_count; i++)
        o->modules[i].module.name = o->modules[i].info.name;
}

bool onboard_busy(const onboard *o, uint64_t now_ms, uint64_t *due_ms, int *fd, short *events)
{
    bool busy = false;

    for (size_t i = 0; i < o->module_count; i++) {
        const tsr_info *m = &o->modules[i].info;
        short own_events;
        int own_fd;
        uint64_t own_ms = m->due_ms(m->self, &own_fd, &own_events, now_ms);

        if (own_ms == UINT64_MAX)
            continue;
        busy = true;
        if (own_ms < *due_ms)
            *due_ms = own_ms;
        if (own_fd >= 0) {
            *fd = own_fd;
            *events = own_events;
        }
    }
    return busy;
}
