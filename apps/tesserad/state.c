/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

#include "tessera/base/hash.h"

static uint64_t mark_oscore(uint64_t mark, const config_server *s)
{
    if (s->oscore_key == 0)
        return mark;
    mark = tsr_hash_u64(mark, (uint64_t)s->oscore_aead << 32 | s->oscore_key);
    mark = tsr_hash(mark, tsr_view(s->oscore_sender.bytes, s->oscore_sender.len));
    mark = tsr_hash(mark, tsr_view(s->oscore_recipient.bytes, s->oscore_recipient.len));
    mark = tsr_hash(mark, tsr_view(s->oscore_salt.bytes, s->oscore_salt.len));
    return tsr_hash(mark, tsr_view(s->oscore_context.bytes, s->oscore_context.len));
}

/* What the configuration says about servers: if it is changed, it wins over what was written. */
static uint64_t config_mark(const config *c)
{
    const config_server *b = &c->bootstrap;
    uint64_t mark = 1;

    if (c->has_bootstrap) {
        mark = tsr_hash(mark, tsr_text(b->uri));
        mark = tsr_hash(mark, tsr_text(b->identity));
        mark = tsr_hash_u64(mark, (uint64_t)b->mode << 32 | b->key);
        mark = tsr_hash_u64(mark, (uint64_t)b->hold_off_s << 32 | b->account_timeout_s);
    }

    if (c->has_bootstrap)
        mark = mark_oscore(mark, &c->bootstrap);
    for (size_t i = 0; i < c->server_count; i++) {
        const config_server *s = &c->servers[i];

        mark = mark_oscore(mark, s);
        mark = tsr_hash(mark, tsr_text(s->uri));
        mark = tsr_hash(mark, tsr_view(s->number, sizeof s->number));
        mark = tsr_hash_u64(mark, (uint64_t)s->short_id << 32 | s->set);
        if (s->mode == TSR_LWM2M_MODE_ENROL)
            mark = tsr_hash_u64(mark, s->key);
        if (c->server_count > 1)
            mark = tsr_hash_u64(mark, (uint64_t)s->rights << 32 | s->owner);
    }
    return tsr_hash(mark, tsr_text(c->endpoint));
}

static tsr_host_state file_of(tesserad *d)
{
    return (tsr_host_state){ d->config->state, config_mark(d->config), d->stored, sizeof d->stored };
}

tsr_err state_save(void *user, tsr_bytes state)
{
    tesserad *d = user;
    tsr_host_state file = file_of(d);
    tsr_err err = containers_prepare(&d->containers);

    if (err == TSR_OK)
        err = tsr_host_state_save(&file, state);
    if (err == TSR_OK)
        return containers_commit(&d->containers);
    containers_abort(&d->containers);
    return err;
}

void state_restore(tesserad *d)
{
    tsr_host_state file = file_of(d);
    uint64_t mark = 0;
    tsr_bytes state;
    tsr_err err = tsr_host_state_load(&file, &mark, &state);

    if (err == TSR_E_NOT_FOUND)
        return;
    if (err == TSR_OK)
        err = tsr_lwm2m_client_restore(&d->client, state);
    containers_furnish(&d->containers);
    if (err != TSR_OK) {
        tsr_host_state_damaged(&file, err);
        accounts_reset(d);
        return;
    }
    if (mark != file.mark) {
        accounts_reset(d);
        tsr_host_log(TSR_LOG_INFO, "config-wins", "cause=\"the server sections were changed\"");
    }
    if (!d->config->has_bootstrap)
        device_configure_access(&d->device, false);
    tsr_host_log(TSR_LOG_INFO, "restored", "bytes=%zu", state.len + TSR_HOST_STATE_HEAD);
}
