/* SPDX-License-Identifier: Apache-2.0
 *
 * The exact way, with whole numbers as long as they have to be; number.c takes it when its own
 * short ways do not apply. Both need about 1.5 KB of stack and no other memory. */
#ifndef TESSERA_JSON_NUMBER_SLOW_H
#define TESSERA_JSON_NUMBER_SLOW_H

#include "tessera/base/bytes.h"

/** Digits (one point may stand among them; the first and the last digit are not 0) times ten to
 *  the power of `exponent`, which counts from behind the last digit.
 *  errors  TSR_E_TYPE  too large for a double */
tsr_err tsr_number_round(tsr_bytes digits, int64_t exponent, double *v);

/** The shortest digits of a positive finite number, at most 17; the value is 0.DIGITS times ten
 *  to the power of *exponent. Returns how many digits. */
size_t tsr_number_shortest(double v, uint8_t digits[17], int *exponent);

#endif
