/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage across the wall: function numbers (the `type` of psa_call) and the parameter
 * block that is always the first input (docs/WIRE.md, "The crypto and storage calls"). */
#ifndef PSA_WIRE_PS_H
#define PSA_WIRE_PS_H

#include "tessera/base/bytes.h"

/* Functions of TSR_PSA_PS_HANDLE. */
enum {
    TSR_PS_SET = 1,          /* uid, flags; in data */
    TSR_PS_GET = 2,          /* uid, number: offset; out data */
    TSR_PS_GET_INFO = 3,     /* uid; out capacity u32, size u32, flags u32 */
    TSR_PS_REMOVE = 4,       /* uid */
    TSR_PS_CREATE = 5,       /* uid, number: capacity, flags */
    TSR_PS_SET_EXTENDED = 6, /* uid, number: offset; in data */
    TSR_PS_GET_SUPPORT = 7,  /* out support u32 */
};

#define TSR_WIRE_PS 16u

typedef struct {
    uint64_t uid;
    uint32_t number, flags;
} tsr_wire_ps;

/** errors  out->err TSR_E_SPACE; needs TSR_WIRE_PS */
void tsr_wire_ps_write(tsr_buf *out, const tsr_wire_ps *p);

/** errors  TSR_E_MALFORMED  any length but TSR_WIRE_PS */
tsr_err tsr_wire_ps_read(tsr_bytes in, tsr_wire_ps *p);

#endif
