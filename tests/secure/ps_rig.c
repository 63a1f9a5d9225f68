/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/ps_rig.h"

static ps_rig the_rig;

ps_rig *rig_here(void) { return &the_rig; }

tsr_err rig_open(const tsr_flash *medium)
{
    ps_rig *r = &the_rig;
    tsr_err err = tsr_ps_mount(&r->medium, medium, r->index, RIG_ASSETS, RIG_ASSET_MAX, &r->found);

    r->ps = (tsr_ps){
        .its = &core_here()->its,
        .medium = &r->medium,
        .root = &core_here()->root,
        .work = r->work,
        .work_len = sizeof r->work,
        .buffer_max = 1u << 20,
    };
    r->swept = err == TSR_OK ? tsr_ps_open(&r->ps) : 0;
    return err;
}
