/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps of a record that calls and boot have in common. */
#include "secure/fwu/internal.h"

void tsr_fwu_make_final(tsr_fwu_record *r)
{
    r->state = PSA_FWU_UPDATED;
    r->attempts = 0;
    if (r->sequence[r->active] > r->counter) /* only now: a trial must be able to go back */
        r->counter = r->sequence[r->active];
}

void tsr_fwu_switch_over(const tsr_fwu_component *c, tsr_fwu_record *r)
{
    r->active ^= 1u;
    r->known = true;
    r->state = PSA_FWU_TRIAL;
    if ((c->properties & TSR_FWU_NO_TRIAL) != 0)
        tsr_fwu_make_final(r);
}

void tsr_fwu_forget_second(tsr_fwu_record *r)
{
    unsigned second = r->active ^ 1u;

    r->state = PSA_FWU_READY;
    r->error = PSA_SUCCESS;
    r->why = TSR_FWU_WHY_NONE;
    r->attempts = 0;
    r->saved = 0;
    r->clean = false;
    r->version[second] = (psa_fwu_image_version_t){ 0 };
    r->sequence[second] = 0;
    r->manifest[second] = 0;
    r->len[second] = 0;
}

void tsr_fwu_put_version(tsr_buf *out, const psa_fwu_image_version_t *v)
{
    tsr_put_dec(out, v->major);
    tsr_put_u8(out, '.');
    tsr_put_dec(out, v->minor);
    tsr_put_u8(out, '.');
    tsr_put_dec(out, v->patch);
    if (v->build != 0) {
        tsr_put_u8(out, '+');
        tsr_put_dec(out, v->build);
    }
}
