/* SPDX-License-Identifier: Apache-2.0
 *
 * What the vectors of a firmware update call mean: function numbers (the `type` of psa_call) of
 * TSR_PSA_FWU_HANDLE. The first input is a block of TSR_WIRE_FWU bytes: component u32, number u32
 * (docs/WIRE.md, "The update calls"). */
#ifndef PSA_WIRE_FWU_H
#define PSA_WIRE_FWU_H

#include "tessera/base/bytes.h"

enum {
    TSR_FWU_QUERY = 1,  /* component; out info */
    TSR_FWU_START = 2,  /* component; in manifest (0 bytes: bundled) */
    TSR_FWU_WRITE = 3,  /* component, number offset; in block */
    TSR_FWU_FINISH = 4, /* component */
    TSR_FWU_CANCEL = 5, /* component */
    TSR_FWU_CLEAN = 6,  /* component */
    TSR_FWU_INSTALL = 7,
    TSR_FWU_REBOOT = 8,
    TSR_FWU_REJECT = 9, /* number error */
    TSR_FWU_ACCEPT = 10,
};

#define TSR_WIRE_FWU      8u
#define TSR_WIRE_FWU_INFO 40u

typedef struct {
    uint32_t component;
    uint32_t number; /* write: offset; reject: the error, as two's complement */
} tsr_wire_fwu;

static inline void tsr_wire_fwu_write(tsr_buf *out, const tsr_wire_fwu *p)
{
    tsr_put_u32(out, p->component);
    tsr_put_u32(out, p->number);
}

/** errors  TSR_E_MALFORMED  not TSR_WIRE_FWU bytes */
static inline tsr_err tsr_wire_fwu_read(tsr_bytes in, tsr_wire_fwu *p)
{
    if (in.len != TSR_WIRE_FWU)
        return TSR_E_MALFORMED;
    (void)tsr_get_u32(&in, &p->component);
    return tsr_get_u32(&in, &p->number);
}

#endif
