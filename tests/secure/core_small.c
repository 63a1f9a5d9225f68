/* SPDX-License-Identifier: Apache-2.0
 *
 * What a port of a small core owns besides the service: its memory, which is made anew for each
 * process, and its random numbers. */
#include <stdlib.h>
#include <sys/random.h>

#include "secure/crypto/pool.h"
#include "secure/crypto/random.h"

/* More than a device has: tests hold many keys at once, and an address is twice as wide here. */
#define UNITS 2048u

static psa_status_t seed(void *self, uint8_t *out, size_t len)
{
    (void)self;
    if (getrandom(out, len, 0) != (ssize_t)len)
        abort();
    return PSA_SUCCESS;
}

tsr_random *tsr_random_here(void)
{
    static tsr_random random = { .seed = seed };

    return &random;
}

tsr_pool *tsr_pool_here(void)
{
    static tsr_pool_unit memory[UNITS];
    static tsr_pool pool;

    if (pool.first == NULL)
        tsr_pool_open(&pool, memory, UNITS);
    return &pool;
}
