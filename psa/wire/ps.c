/* SPDX-License-Identifier: Apache-2.0 */
#include "psa/wire/ps.h"

void tsr_wire_ps_write(tsr_buf *out, const tsr_wire_ps *p)
{
    tsr_put_u64(out, p->uid);
    tsr_put_u32(out, p->number);
    tsr_put_u32(out, p->flags);
}

tsr_err tsr_wire_ps_read(tsr_bytes in, tsr_wire_ps *p)
{
    if (in.len != TSR_WIRE_PS)
        return TSR_E_MALFORMED;
    (void)tsr_get_u64(&in, &p->uid);
    (void)tsr_get_u32(&in, &p->number);
    (void)tsr_get_u32(&in, &p->flags);
    return TSR_OK;
}
