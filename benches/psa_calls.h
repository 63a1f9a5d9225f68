/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between calls across the wall and calls in the process. */
#ifndef BENCHES_PSA_CALLS_H
#define BENCHES_PSA_CALLS_H

#include <stdint.h>

/** Says where the service is. */
void psa_calls_start(const char *socket);
/** Messages that went across so far. */
uint64_t psa_calls_crossings(void);

#endif
