/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ATTEST_HEX_H
#define SERVER_ATTEST_HEX_H

#include "tessera/base/bytes.h"

/** Appends the bytes of hex digits in pairs, either case.
 *  errors  TSR_E_MALFORMED  another character, or an odd number; TSR_E_SPACE */
tsr_err tsr_hex_get(tsr_bytes text, tsr_buf *out);

/** Appends two digits a byte, lower case. */
void tsr_hex_put(tsr_buf *out, tsr_bytes in);

#endif
