/* SPDX-License-Identifier: Apache-2.0
 *
 * Decimal text and IEEE 754 doubles: correctly rounded one way, shortest the other way. */
#ifndef TESSERA_JSON_NUMBER_H
#define TESSERA_JSON_NUMBER_H

#include "tessera/base/bytes.h"

/** Reads a decimal number: optional sign (+ or -), digits with an optional point among, before
 *  or after them, optional exponent. The result is the double nearest to what is written, ties to
 *  even. (JSON's narrower grammar is checked by tsr_json_parse.)
 *
 *  errors  TSR_E_MALFORMED  anything else in the slice
 *          TSR_E_TYPE       the magnitude is too large for a double
 */
tsr_err tsr_number_get(tsr_bytes text, double *v);

/** Reads a number that has to be whole: like the above, but exact. 1e3 and 5.0 are whole.
 *
 *  negative, size  sign and magnitude; -0 is 0
 *  errors  TSR_E_MALFORMED, or TSR_E_TYPE for a fraction or a magnitude above UINT64_MAX
 */
tsr_err tsr_number_get_whole(tsr_bytes text, bool *negative, uint64_t *size);

/** Prints the shortest decimal that reads back as the same double, and of those the nearest;
 *  it is a JSON number. "0.1", "-22.5", "1e+300" is "1e300"; -0 is "-0". Nothing that is not
 *  finite can be printed: TSR_E_TYPE in out->err. */
void tsr_number_put(tsr_buf *out, double v);

#endif
