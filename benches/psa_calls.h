/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between calls across the wall and calls in the process. */
#ifndef BENCHES_PSA_CALLS_H
#define BENCHES_PSA_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/** Says where the service is, and how calls go there. Starts the ping-pong of the same way. */
bool psa_calls_start(const char *socket, bool shared);
/** Ends it. Whether calls went the way they should. */
bool psa_calls_end(void);
/** Messages that went across so far. */
uint64_t psa_calls_crossings(void);
/** One trip to a process that does nothing; in the process: nothing at all. */
bool psa_calls_ping(void);

#endif
