/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and certificates of tests/vectors/dtls for programs that speak DTLS, not cmocka: what goes
 * wrong ends the program with a word on standard error. Compiled with the program's own PSA
 * headers, in the process or across the wall. */
#ifndef TESTS_NET_MATERIAL_H
#define TESTS_NET_MATERIAL_H

#include <stdint.h>

#include "tessera/base/bytes.h"

#define MATERIAL_MAX 2048u

_Noreturn void material_die(const char *what);

/** A file, read into `bytes`. */
tsr_bytes material_file(const char *name, uint8_t bytes[MATERIAL_MAX]);

/** A key for DTLS with a pre-shared key; its number. */
uint32_t material_psk(tsr_bytes key);

/** The P-256 key in a file, for ECDSA; its number. */
uint32_t material_ec(const char *name);

#endif
