/* SPDX-License-Identifier: Apache-2.0
 *
 * A head straight into memory, for writers that put many short items. */
#ifndef TESSERA_CBOR_HEAD_H
#define TESSERA_CBOR_HEAD_H

#include "tessera/cbor/cbor.h"

enum { TSR_CBOR_HEAD = 9 }; /* bytes of the longest head */

static inline uint8_t *tsr_cbor_head_u32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
    return at + 4;
}

/** Writes the shortest head (RFC 8949 §4.2.1) and returns where it ends. `at` needs TSR_CBOR_HEAD
 *  bytes of room, whatever the head's length. */
static inline uint8_t *tsr_cbor_head(uint8_t *at, tsr_cbor_kind kind, uint64_t n)
{
    uint8_t major = (uint8_t)((unsigned)kind << 5);

    if (n < 24) {
        *at = (uint8_t)(major | n);
        return at + 1;
    }
    if (n <= UINT8_MAX) {
        at[0] = (uint8_t)(major | 24);
        at[1] = (uint8_t)n;
        return at + 2;
    }
    if (n <= UINT16_MAX) {
        at[0] = (uint8_t)(major | 25);
        at[1] = (uint8_t)(n >> 8);
        at[2] = (uint8_t)n;
        return at + 3;
    }
    if (n <= UINT32_MAX) {
        *at = (uint8_t)(major | 26);
        return tsr_cbor_head_u32(at + 1, (uint32_t)n);
    }
    *at = (uint8_t)(major | 27);
    return tsr_cbor_head_u32(tsr_cbor_head_u32(at + 1, (uint32_t)(n >> 32)), (uint32_t)n);
}

/** The same for a whole number. */
static inline uint8_t *tsr_cbor_head_int(uint8_t *at, int64_t v)
{
    return v < 0 ? tsr_cbor_head(at, TSR_CBOR_NINT, ~(uint64_t)v)
                 : tsr_cbor_head(at, TSR_CBOR_UINT, (uint64_t)v);
}

#endif
