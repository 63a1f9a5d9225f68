/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-secured/world.h"
#include "secure/spm/its_service.h"

tsr_err tsr_part_its_open(tsr_world *w)
{
    tsr_err err = tsr_secured_store_open(&w->store, w->options->store, w->options->repair);

    if (err != TSR_OK)
        return err;
    if (w->options->bytes_each > 0)
        w->store.its.quota = w->options->bytes_each;
    return tsr_world_serve(
        w, (tsr_spm_service){ TSR_PSA_ITS_HANDLE, &w->store.its, tsr_its_call, NULL });
}

void tsr_part_its_close(tsr_world *w) { tsr_secured_store_close(&w->store); }
