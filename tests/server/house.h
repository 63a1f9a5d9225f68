/* SPDX-License-Identifier: Apache-2.0
 *
 * A server in the test's own process, on ports of its own and in a directory of its own, and
 * operations that wait while a test device runs. */
#ifndef TESTS_SERVER_HOUSE_H
#define TESTS_SERVER_HOUSE_H

#include "server/lwm2m/server.h"
#include "tests/server/peer.h"

typedef struct {
    char dir[64];
    char why[600];
    tsr_server_config config;
    tsr_server *server;
    uint16_t coap, coaps;

    /* the last operation */
    bool done;
    tsr_server_outcome outcome;
    uint8_t code;
    char diagnostic[200], location[64];
    uint16_t format;
    size_t record_count, link_count;
    tsr_server_record first; /* bytes in `bytes` */
    char bytes[256], links[512];
} house;

/** Two shards, NoSec allowed. cmocka set-up and tear-down. */
int house_up(void **state);
int house_down(void **state);

/** A free port of loopback. */
void house_address(tsr_address *address);
void house_start(house *h);
void house_stop(house *h);

/** Submits and runs the device until it is answered. */
tsr_server_outcome house_operate(house *h, test_peer *p, tsr_server_request request);
tsr_server_outcome house_read(house *h, test_peer *p, const char *endpoint, const char *path);

/** Waits, while the device runs, until an event of that type for that endpoint was stored; fails
 * the test after 30 s. Gives its id. */
uint64_t house_expect(house *h, test_peer *p, const char *endpoint, tsr_server_event_type type,
                      uint64_t after);
/** Runs the device until one of its own counters is there; fails the test when it is not within 10 s, or is above. */
void house_run_until(test_peer *p, const unsigned *count, unsigned there);
/** How many events of that type there are for that endpoint. */
unsigned house_count_events(house *h, const char *endpoint, tsr_server_event_type type);

void remove_tree(const char *dir);
tsr_lwm2m_path at(const char *path);
bool registered(house *h, const char *endpoint);

#endif
