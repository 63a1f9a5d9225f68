/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_FORMAT_ROUND_H
#define FUZZ_FORMAT_ROUND_H

#include "tessera/lwm2m/format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Decodes the payload, converts each value to each type, encodes what was read in the same
 *  format, and decodes that again: it has to be the same. The first byte chooses the base. */
void format_round(tsr_lwm2m_format format, tsr_bytes input);

#endif
