/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA's calls about keys, as ports/linux/fdo/store.c makes them, on a crypto service in the process. */
#ifndef TESTS_FDOHOST_KEYS_H
#define TESTS_FDOHOST_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "psa/error.h"

psa_status_t keys_generate(uint32_t id, uint16_t type, uint16_t bits, uint32_t usage, uint32_t alg);
psa_status_t keys_destroy(uint32_t id);

/** errors  PSA_ERROR_INVALID_HANDLE  there is none */
psa_status_t keys_bits(uint32_t id, uint16_t *bits);

#endif
