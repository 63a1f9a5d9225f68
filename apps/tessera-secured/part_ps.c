/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-secured/world.h"
#include "secure/spm/ps_service.h"

tsr_err tsr_part_ps_open(tsr_world *w)
{
    const tsr_secured_options *o = w->options;
    tsr_err err =
        tsr_secured_ps_open(&w->ps, o->store, o->ps, o->bytes_each, &w->store.its, &w->root);

    if (err != TSR_OK)
        return err;
    return tsr_world_serve(w, (tsr_spm_service){ TSR_PSA_PS_HANDLE, &w->ps.ps, tsr_ps_call, NULL });
}

void tsr_part_ps_close(tsr_world *w) { tsr_secured_ps_close(&w->ps); }
