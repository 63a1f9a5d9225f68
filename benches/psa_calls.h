/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA calls to be measured: across the wall, or with the core in the process. */
#ifndef BENCHES_PSA_CALLS_H
#define BENCHES_PSA_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { /* microseconds */
    double trip; /* by the clock on the wall */
    double cpu;  /* on a core */
} psa_taken;

typedef struct { /* what the process of the core in the process is asked; answered by a psa_taken */
    uint32_t which, n;
} psa_calls_order;

size_t psa_calls_count(void);
const char *psa_calls_name(size_t which);
/** How many calls of this kind a block of `n` has: fewer of the slow ones. */
unsigned psa_calls_share(size_t which, unsigned n);

/** Makes the keys and the asset that the calls use. */
bool psa_calls_prepare(void);
/** Makes `n` calls. Whether all went well. */
bool psa_calls_make(size_t which, unsigned n);
/** The clock and this process's own time. */
psa_taken psa_calls_now(void);

#endif
