/* SPDX-License-Identifier: Apache-2.0
 *
 * The least that one request and one reply between two processes cost, for figures taken beside
 * it: 64 bytes and back, nothing done with them. */
#ifndef BENCHES_PING_H
#define BENCHES_PING_H

#include <stdbool.h>
#include <sys/types.h>

/** Starts the other process, which inherits this one's cores: over a SEQPACKET socket pair, or
 *  through shared memory with a futex each way. Returns whether it did. */
bool ping_start(bool shared);

/** One trip. Returns whether it went well. */
bool ping(void);

/** The other process. */
pid_t ping_other(void);

void ping_stop(void);

#endif
