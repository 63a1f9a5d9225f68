/* SPDX-License-Identifier: Apache-2.0
 *
 * Half and single precision to double and back, by their bits: exact, and the same on a
 * processor without an FPU. */
#ifndef TESSERA_CBOR_FLOAT_H
#define TESSERA_CBOR_FLOAT_H

#include "tessera/base/bytes.h"

typedef struct {
    uint8_t exponent_bits, fraction_bits;
} tsr_cbor_precision;

extern const tsr_cbor_precision tsr_cbor_half, tsr_cbor_single;

/** The double of the same value. source RFC 8949 §3.3, Appendix D */
double tsr_cbor_widen(const tsr_cbor_precision *from, uint64_t bits);

/** The same value in fewer bits; false if it has none. NaN is not asked for. */
bool tsr_cbor_narrow(const tsr_cbor_precision *to, double v, uint64_t *bits);

#endif
