/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8, for every format that carries text. */
#ifndef TESSERA_BASE_UTF8_H
#define TESSERA_BASE_UTF8_H

#include "tessera/base/bytes.h"

/** True if the whole slice is UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
 *
 *  source  RFC 3629 §4 */
bool tsr_utf8_valid(tsr_bytes text);

/** Writes one code point; 0xfffd for what is none (surrogates, above 0x10ffff). */
void tsr_put_utf8(tsr_buf *out, uint32_t code_point);

#endif
