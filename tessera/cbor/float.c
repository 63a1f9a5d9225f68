/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/cbor/float.h"

const tsr_cbor_precision tsr_cbor_half = { 5, 10 };
const tsr_cbor_precision tsr_cbor_single = { 8, 23 };

enum { FRACTION = 52, BIAS = 1023, SPECIAL = 2047 }; /* of a double */

static const uint64_t fraction_mask = (UINT64_C(1) << FRACTION) - 1;

static int bias_of(const tsr_cbor_precision *p)
{
    return (1 << (p->exponent_bits - 1)) - 1;
}

double tsr_cbor_widen(const tsr_cbor_precision *from, uint64_t bits)
{
    uint64_t sign = bits >> (from->exponent_bits + from->fraction_bits) & 1;
    uint64_t special = (UINT64_C(1) << from->exponent_bits) - 1;
    uint64_t exponent = bits >> from->fraction_bits & special;
    uint64_t fraction = bits & ((UINT64_C(1) << from->fraction_bits) - 1);
    double v;

    fraction <<= FRACTION - from->fraction_bits;
    if (exponent == special) {
        exponent = SPECIAL;
    } else if (exponent != 0 || fraction != 0) {
        int e = (int)exponent + BIAS - bias_of(from);

        if (exponent == 0) { /* a subnormal becomes normal: the double has room below */
            e++;
            while ((fraction & ~fraction_mask) == 0) {
                fraction <<= 1;
                e--;
            }
            fraction &= fraction_mask;
        }
        exponent = (uint64_t)e;
    }
    bits = sign << 63 | exponent << FRACTION | fraction;
    memcpy(&v, &bits, sizeof v);
    return v;
}

bool tsr_cbor_narrow(const tsr_cbor_precision *to, double v, uint64_t *bits)
{
    uint64_t wide;

    memcpy(&wide, &v, sizeof wide);

    uint64_t sign = wide >> 63 << (to->exponent_bits + to->fraction_bits);
    int exponent = (int)(wide >> FRACTION & SPECIAL);
    uint64_t fraction = wide & fraction_mask;
    int e = exponent - BIAS + bias_of(to); /* biased, in the narrow form */
    int special = (1 << to->exponent_bits) - 1;
    int lost = FRACTION - to->fraction_bits;

    if (exponent == SPECIAL) {
        *bits = sign | (uint64_t)special << to->fraction_bits;
        return fraction == 0;
    }
    if (exponent == 0) {
        *bits = sign;
        return fraction == 0;
    }
    if (e >= special)
        return false;
    if (e <= 0) { /* subnormal in the narrow form: its leading one becomes part of the fraction */
        fraction |= UINT64_C(1) << FRACTION;
        lost += 1 - e;
        e = 0;
    }
    if (lost > FRACTION || (fraction & ((UINT64_C(1) << lost) - 1)) != 0)
        return false;
    *bits = sign | (uint64_t)e << to->fraction_bits | fraction >> lost;
    return true;
}
