/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

#include <errno.h>

#include "ports/linux/host/file.h"
#include "tessera/base/hash.h"

static const char state_file[] = "client";

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

tsr_err state_save(void *user, tsr_bytes state)
{
    tesserad *d = user;
    tsr_buf out = tsr_buf_over(d->stored, sizeof d->stored);
    tsr_err err;

    tsr_put_u64(&out, config_mark(d->config));
    tsr_put_bytes(&out, state);
    err = out.err != TSR_OK ? out.err : tsr_host_store(d->config->state, state_file, tsr_buf_view(&out));
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "save-failed", "directory=\"%s\" cause=\"%s\" remedy=\"%s\"",
                     d->config->state, strerror(errno),
                     errno == ENOSPC ? "free disk space; writes are refused until then"
                                     : "make the directory writable for this user");
    return err;
}


void state_restore(tesserad *d)
{
    tsr_buf in = tsr_buf_over(d->stored, sizeof d->stored);
    tsr_err err = tsr_host_load(d->config->state, state_file, &in);
    tsr_bytes bytes = tsr_buf_view(&in);
    uint64_t mark = 0;

    if (err == TSR_E_NOT_FOUND)
        return;
    if (err == TSR_OK)
        err = tsr_get_u64(&bytes, &mark);
    if (err == TSR_OK)
        err = tsr_lwm2m_client_restore(&d->client, bytes);
    if (err != TSR_OK) {
        tsr_host_set_aside(d->config->state, state_file);
        tsr_host_log(TSR_LOG_ERROR, "state-damaged", "file=\"%s/%s\" cause=%s remedy=\"registering "
                     "anew; the file is kept as %s.damaged\"", d->config->state, state_file,
                     tsr_err_name(err), state_file);
        accounts_reset(d);
        return;
    }
    if (mark != config_mark(d->config)) {
        accounts_reset(d);
        tsr_host_log(TSR_LOG_INFO, "config-wins", "cause=\"the server sections were changed\"");
    }
    if (!d->config->has_bootstrap)
        device_configure_access(&d->device, false);
    tsr_host_log(TSR_LOG_INFO, "restored", "bytes=%zu", in.len);
}
