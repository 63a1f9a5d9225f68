/* SPDX-License-Identifier: Apache-2.0
 *
 * A UDP relay that treats datagrams as a bad radio link would. For tests and the demo. */
#ifndef TOOLS_LOSSY_RELAY_H
#define TOOLS_LOSSY_RELAY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    struct sockaddr_in listen, to;
    unsigned loss, dup, reorder; /* percent, each way, independent per datagram */
    unsigned delay_min_ms, delay_max_ms;
    unsigned rebind_s; /* every so many seconds each client comes from a new port; 0: never */
    uint64_t seed;
} relay_options;

typedef struct {
    uint64_t received, delivered, lost, doubled, late, rebinds;
} relay_counts;

/** Runs until *stop is set; 0, or -1 with errno and a message on standard error.
 *  `ready` is called once the socket listens. */
int relay_run(const relay_options *options, const volatile int *stop, void (*ready)(uint16_t port),
              relay_counts *counts);

#endif
