/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as pairs of hexadecimal digits, the higher one first, as people and files give keys. */
#ifndef TESSERA_BASE_HEX_H
#define TESSERA_BASE_HEX_H

#include "tessera/base/bytes.h"

/** 0 to 15; -1 for what is no digit. Letters in both cases. */
int tsr_hex_digit(uint8_t c);

/** Appends the bytes that `text` stands for; an empty text is no bytes.
 *
 *  errors  TSR_E_MALFORMED  not pairs of digits; nothing was appended
 *          TSR_E_SPACE      `out` is full */
tsr_err tsr_hex_get(tsr_bytes text, tsr_buf *out);

/** Appends two digits a byte, lower case. */
void tsr_hex_put(tsr_buf *out, tsr_bytes in);

#endif
