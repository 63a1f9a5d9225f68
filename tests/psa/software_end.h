/* SPDX-License-Identifier: Apache-2.0
 *
 * P-256 by OpenSSL: an end that shares no code with the service. */
#ifndef TESTS_PSA_SOFTWARE_END_H
#define TESTS_PSA_SOFTWARE_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Whether r || s (64) is a signature of that hash under that point (65, uncompressed). */
bool software_verifies(const uint8_t point[65], const uint8_t *hash, size_t hash_len,
                       const uint8_t signature[64]);

/** Makes a key pair, agrees with `point`; gives its own point and the secret. */
bool software_agrees(const uint8_t point[65], uint8_t own[65], uint8_t secret[32]);

#endif
