/* SPDX-License-Identifier: Apache-2.0
 *
 * How much one client may ask: a token bucket per client number, over all its connections.
 *
 * A client beyond its rate is made to wait and never refused: a call that a program has a right to
 * make does not fail because of another call. While it waits its descriptors are not even
 * watched, so that it costs nobody anything. */
#ifndef PORTS_LINUX_GATE_METER_H
#define PORTS_LINUX_GATE_METER_H

#include "tessera/base/bytes.h"

typedef struct { /* private; zeroed: nobody's */
    int32_t client;
    uint32_t connections;
    bool waiting;    /* out of tokens until `due_us` */
    uint32_t round;  /* of the gate, in which the client was last served */
    uint64_t tokens; /* millionths of one */
    uint64_t at_us;  /* when they were counted */
    uint64_t due_us;
} tsr_meter;

/** The meter of a client that connects: its own if it was here before, or the one unused for
 *  longest; NULL when all are in use. A fresh one has a second's tokens. */
tsr_meter *tsr_meter_join(tsr_meter *meters, size_t count, int32_t client, uint32_t rate,
                          uint64_t now_us);

/** Takes a token. When there is none: false, and from due_us on the client may go on with a
 *  hundredth of a second's worth of them.
 *  units  rate: tokens per second, at most 1,000,000; 0: no limit */
bool tsr_meter_take(tsr_meter *m, uint32_t rate, uint64_t now_us);

#endif
