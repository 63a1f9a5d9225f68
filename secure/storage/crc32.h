/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32 (IEEE 802.3): finds every flip of up to three bits, and bursts up to 32, in a record. */
#ifndef SECURE_STORAGE_CRC32_H
#define SECURE_STORAGE_CRC32_H

#include "tessera/base/bytes.h"

/** Continues a checksum; start with 0. */
uint32_t tsr_crc32(uint32_t crc, const void *data, size_t len);

#endif
