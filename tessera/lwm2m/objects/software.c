/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machine of Software Management; its resources are in software_object.c.
 *
 *     INITIAL     Package or URI      STARTED
 *     STARTED     the last part       DOWNLOADED
 *     DOWNLOADED  found good          DELIVERED
 *     DELIVERED   Install             INSTALLED
 *     INSTALLED   Uninstall           INITIAL; with argument 1 the software stays until it is replaced
 *     any         a failure before it is good, Uninstall       INITIAL */
#include "tessera/lwm2m/objects/software_in.h"

TSR_LWM2M_SLOT(tsr_lwm2m_software);

tsr_lwm2m_slots tsr_lwm2m_software_slots(const tsr_lwm2m_softwares *all)
{
    return TSR_LWM2M_SLOTS(all, tsr_lwm2m_software);
}

tsr_lwm2m_software *tsr_lwm2m_software_find(const tsr_lwm2m_softwares *all, uint16_t id)
{
    return tsr_lwm2m_slot_find(tsr_lwm2m_software_slots(all), id);
}

tsr_lwm2m_software *tsr_lwm2m_software_add(const tsr_lwm2m_softwares *all, uint16_t id)
{
    tsr_lwm2m_software *s = tsr_lwm2m_slot_empty(tsr_lwm2m_software_slots(all));

    if (s == NULL || tsr_lwm2m_software_find(all, id) != NULL)
        return NULL;
    *s = (tsr_lwm2m_software){ .used = true, .id = id, .changed = true };
    return s;
}

static void enter(tsr_lwm2m_software *s, tsr_lwm2m_software_state state,
                  tsr_lwm2m_software_result result)
{
    s->state = (uint8_t)state;
    s->result = (uint8_t)result;
    s->changed = true;
}

/* The package goes; what is installed stays, and so does what is known of it. */
static void drop(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                 tsr_lwm2m_software_result result)
{
    if (s->state != TSR_LWM2M_SOFTWARE_INITIAL)
        all->backend->abort(all->user, s);
    s->fetch = s->pushed = s->installing = false;
    s->offset = 0;
    s->etag_len = 0;
    enter(s, TSR_LWM2M_SOFTWARE_INITIAL, result);
}

static void start(tsr_lwm2m_software *s, bool pushed)
{
    s->pushed = pushed;
    s->offset = 0;
    s->etag_len = 0;
    s->reason[0] = '\0';
    enter(s, TSR_LWM2M_SOFTWARE_STARTED, TSR_LWM2M_SOFTWARE_LOADING);
}

static tsr_err refused(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                       tsr_lwm2m_software_result result)
{
    drop(all, s, result);
    return result == TSR_LWM2M_SOFTWARE_NO_STORAGE || result == TSR_LWM2M_SOFTWARE_NO_MEMORY
               ? TSR_E_SPACE
               : TSR_E_IO;
}

/* A part of a package, whichever way it came. */
static tsr_err take(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s, uint32_t offset,
                    tsr_bytes part, bool last)
{
    const tsr_lwm2m_software_backend *b = all->backend;
    tsr_lwm2m_software_result result = TSR_LWM2M_SOFTWARE_NONE;

    if (offset != 0 && offset != s->offset)
        return TSR_E_STATE;
    if (part.len > UINT32_MAX - offset)
        return refused(all, s, TSR_LWM2M_SOFTWARE_NO_STORAGE);
    if (offset == 0)
        result = b->begin(all->user, s);
    if (result == TSR_LWM2M_SOFTWARE_NONE && part.len != 0)
        result = b->write(all->user, s, offset, part);
    if (result != TSR_LWM2M_SOFTWARE_NONE)
        return refused(all, s, result);
    s->offset = offset + (uint32_t)part.len;
    if (last)
        enter(s, TSR_LWM2M_SOFTWARE_DOWNLOADED, TSR_LWM2M_SOFTWARE_LOADING);
    return TSR_OK;
}

tsr_err tsr_lwm2m_software_push(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                                uint32_t source, uint32_t offset, tsr_bytes part, bool last,
                                uint64_t now_ms)
{
    bool running = s->state == TSR_LWM2M_SOFTWARE_STARTED && s->pushed && s->source == source;

    if (!running && s->state != TSR_LWM2M_SOFTWARE_INITIAL)
        return TSR_E_DENIED;
    if (!running && offset != 0)
        return TSR_E_STATE;
    if (!running) {
        s->uri[0] = '\0';
        s->source = source;
        start(s, true);
    }
    s->last_ms = now_ms;
    return take(all, s, offset, part, last);
}

tsr_err tsr_lwm2m_software_pull(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                                uint32_t offset, tsr_bytes part, bool last)
{
    if (s->state != TSR_LWM2M_SOFTWARE_STARTED || s->pushed)
        return TSR_E_DENIED;
    return take(all, s, offset, part, last);
}

void tsr_lwm2m_software_fail(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                             tsr_lwm2m_software_result result)
{
    if (s->state == TSR_LWM2M_SOFTWARE_STARTED)
        drop(all, s, result);
}

void tsr_lwm2m_software_fetch(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s, bool can)
{
    start(s, false);
    if (!can)
        drop(all, s, TSR_LWM2M_SOFTWARE_BAD_URI);
    s->fetch = can;
}

void tsr_lwm2m_software_cancel(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    drop(all, s, TSR_LWM2M_SOFTWARE_NONE);
    s->uri[0] = '\0';
}

/* ---- what servers execute ---- */

void tsr_lwm2m_software_installed(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                                  tsr_lwm2m_software_result result)
{
    (void)all;
    if (!s->installing)
        return;
    s->installing = false;
    if (result != TSR_LWM2M_SOFTWARE_NONE) {
        enter(s, TSR_LWM2M_SOFTWARE_DELIVERED, result);
        return;
    }
    s->replaces = false;
    s->uri[0] = '\0';
    s->reason[0] = '\0';
    enter(s, TSR_LWM2M_SOFTWARE_INSTALLED, TSR_LWM2M_SOFTWARE_DONE);
}

tsr_err tsr_lwm2m_software_install(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    tsr_lwm2m_software_result result;

    if (s->state != TSR_LWM2M_SOFTWARE_DELIVERED || s->installing)
        return TSR_E_DENIED;
    s->installing = true;
    result = all->backend->install(all->user, s);
    if (result == TSR_LWM2M_SOFTWARE_LOADING)
        enter(s, TSR_LWM2M_SOFTWARE_DELIVERED, TSR_LWM2M_SOFTWARE_VERIFIED); /* of an earlier try */
    else
        tsr_lwm2m_software_installed(all, s, result);
    return TSR_OK;
}

tsr_err tsr_lwm2m_software_activate(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    tsr_err err;

    if (s->state != TSR_LWM2M_SOFTWARE_INSTALLED)
        return TSR_E_DENIED;
    if (s->active)
        return TSR_OK;
    err = all->backend->activate(all->user, s);
    if (err != TSR_OK)
        return err;
    s->active = s->changed = true;
    return TSR_OK;
}

tsr_err tsr_lwm2m_software_deactivate(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    if (s->state != TSR_LWM2M_SOFTWARE_INSTALLED)
        return TSR_E_DENIED;
    if (s->active)
        all->backend->deactivate(all->user, s);
    s->changed = s->active;
    s->active = false;
    return TSR_OK;
}

/* Back to INITIAL with nothing there. */
static void forget(tsr_lwm2m_software *s, tsr_lwm2m_software_result result)
{
    s->active = s->replaces = s->pushed = s->fetch = s->installing = false;
    s->offset = 0;
    s->etag_len = 0;
    s->uri[0] = s->name[0] = s->version[0] = s->reason[0] = '\0';
    enter(s, TSR_LWM2M_SOFTWARE_INITIAL, result);
}

tsr_err tsr_lwm2m_software_remove(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    tsr_lwm2m_software_result result;

    if (s->state == TSR_LWM2M_SOFTWARE_INITIAL && !s->replaces)
        return TSR_E_DENIED;
    (void)tsr_lwm2m_software_deactivate(all, s);
    result = all->backend->uninstall(all->user, s);
    if (result == TSR_LWM2M_SOFTWARE_NONE)
        forget(s, TSR_LWM2M_SOFTWARE_NONE);
    else
        enter(s, (tsr_lwm2m_software_state)s->state, TSR_LWM2M_SOFTWARE_NOT_REMOVED);
    s->installing = false; /* it was given up */
    return TSR_OK;
}

/* INSTALLED, and a newer package is to come: it does not run any more, but it stays until then. */
tsr_err tsr_lwm2m_software_make_way(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    if (s->state != TSR_LWM2M_SOFTWARE_INSTALLED)
        return TSR_E_DENIED;
    (void)tsr_lwm2m_software_deactivate(all, s);
    s->replaces = true;
    enter(s, TSR_LWM2M_SOFTWARE_INITIAL, TSR_LWM2M_SOFTWARE_NONE);
    return TSR_OK;
}

/* ---- time, and restarts ---- */

static void resume_load(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s, uint32_t stored)
{
    if (s->pushed) {
        drop(all, s, TSR_LWM2M_SOFTWARE_CONNECTION_LOST);
        return;
    }
    s->offset = s->etag_len != 0 ? stored : 0; /* nothing says that the rest is of the same */
    s->fetch = true;
}

void tsr_lwm2m_software_resume(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                               const tsr_lwm2m_software_there *there)
{
    if (s->replaces && !there->installed) {
        s->replaces = false;
        s->changed = true;
    }
    switch (s->state) {
    case TSR_LWM2M_SOFTWARE_STARTED: resume_load(all, s, there->stored); break;
    case TSR_LWM2M_SOFTWARE_DELIVERED:
        if (!there->whole)
            drop(all, s, TSR_LWM2M_SOFTWARE_INTEGRITY);
        break;
    case TSR_LWM2M_SOFTWARE_INSTALLED:
        if (!there->installed) { /* it was cut off behind the removal */
            forget(s, TSR_LWM2M_SOFTWARE_NONE);
        } else if (s->active && there->failed) {
            s->active = false;
            s->changed = true;
        }
        break;
    default: break;
    }
}

static void check(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s)
{
    tsr_lwm2m_software_result result = all->backend->finish(all->user, s);

    if (result != TSR_LWM2M_SOFTWARE_NONE)
        drop(all, s, result);
    else
        enter(s, TSR_LWM2M_SOFTWARE_DELIVERED, TSR_LWM2M_SOFTWARE_VERIFIED);
}

void tsr_lwm2m_software_step(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s, uint64_t now_ms)
{
    if (!s->used || now_ms < tsr_lwm2m_software_due_ms(all, s))
        return;
    if (s->state == TSR_LWM2M_SOFTWARE_DOWNLOADED)
        check(all, s);
    else
        drop(all, s, TSR_LWM2M_SOFTWARE_CONNECTION_LOST);
}

uint64_t tsr_lwm2m_software_due_ms(const tsr_lwm2m_softwares *all, const tsr_lwm2m_software *s)
{
    if (s->used && s->state == TSR_LWM2M_SOFTWARE_DOWNLOADED)
        return 0;
    return s->used && s->state == TSR_LWM2M_SOFTWARE_STARTED && s->pushed
               ? s->last_ms + all->push_wait_ms
               : UINT64_MAX;
}
