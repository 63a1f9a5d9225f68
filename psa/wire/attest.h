/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of TSR_PSA_ATTEST_HANDLE (docs/WIRE.md, "The attestation calls"). The first input is
 * a block of TSR_WIRE_ATTEST bytes: one number, big-endian. */
#ifndef PSA_WIRE_ATTEST_H
#define PSA_WIRE_ATTEST_H

#include "tessera/base/bytes.h"

enum {
    TSR_ATTEST_GET_TOKEN = 1,      /* number: 0; in challenge; out token */
    TSR_ATTEST_GET_TOKEN_SIZE = 2, /* number: size of the challenge; out size u32 */
    TSR_ATTEST_GET_KEY = 3,        /* number: 0; out public key, an uncompressed point */
};

#define TSR_WIRE_ATTEST 4u

void tsr_wire_attest_write(tsr_buf *out, uint32_t number);

/** errors TSR_E_MALFORMED  any length but TSR_WIRE_ATTEST */
tsr_err tsr_wire_attest_read(tsr_bytes in, uint32_t *number);

#endif
