/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-secured/world.h"

#include "ports/linux/secured/log.h"

static tsr_world world; /* what the secure rooms keep in the one object of their port */

tsr_world *tsr_world_here(void) { return &world; }

tsr_crypto *tsr_crypto_here(void) { return &world.crypto; }

tsr_err tsr_world_serve(tsr_world *w, tsr_spm_service service)
{
    for (size_t i = 0; i < w->spm.count; i++)
        if (w->services[i].handle == service.handle)
            return TSR_E_EXISTS;
    if (w->spm.count == TSR_WORLD_SERVICES)
        return TSR_E_SPACE;
    w->services[w->spm.count++] = service;
    return TSR_OK;
}

tsr_err tsr_world_open(tsr_world *w)
{
    w->spm = (tsr_spm){ .services = w->services };
    for (w->opened = 0; w->opened < tsr_world_part_count; w->opened++) {
        tsr_err err = tsr_world_parts[w->opened].open(w);

        if (err != TSR_OK) {
            tsr_log("error", "part.failed", "part=%s error=\"%s\"", tsr_world_parts[w->opened].name,
                    tsr_err_name(err));
            tsr_world_close(w);
            return err;
        }
    }
    return TSR_OK;
}

void tsr_world_close(tsr_world *w)
{
    w->spm.count = 0; /* nobody is served any more */
    while (w->opened > 0)
        if (tsr_world_parts[--w->opened].close != NULL)
            tsr_world_parts[w->opened].close(w);
}

void tsr_world_watch(tsr_world *w)
{
    tsr_secured_store_watch(&w->store);
    tsr_secured_ps_watch(&w->ps);
}
