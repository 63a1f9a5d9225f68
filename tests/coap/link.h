/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines and the path between them, which the test owns: time, loss, duplication, reordering. */
#ifndef TESTS_COAP_LINK_H
#define TESTS_COAP_LINK_H

#include "tessera/coap/engine.h"

enum { LINK_FLIGHT = 512, LINK_DATAGRAM = 1400 };

typedef struct {
    uint64_t at_ms;
    uint64_t order;
    int to; /* 0 or 1; -1: free */
    size_t len;
    uint8_t bytes[LINK_DATAGRAM];
} link_datagram;

typedef struct {
    tsr_coap *end[2];
    void (*on_event[2])(void *user, tsr_coap *c, const tsr_coap_event *event, uint64_t now_ms);
    void *user;
    uint64_t now_ms;
    uint32_t delay_ms;    /* one way */
    uint32_t jitter_ms;   /* up to so much more: reorders */
    uint32_t loss, twice; /* per thousand */
    uint32_t random;
    uint64_t order, sent;
    link_datagram flight[LINK_FLIGHT];
} link_path;

void link_init(link_path *l, tsr_coap *a, tsr_coap *b, uint32_t seed);

/* Lets time pass until nothing more would happen, or until `until_ms`. Peers are number 0 on both ends. */
void link_run(link_path *l, uint64_t until_ms);

/* Makes an engine in heap memory; link_free gives it back. */
tsr_coap *link_engine(const tsr_coap_config *config);
void link_free(tsr_coap *c);

/* A middling configuration. */
tsr_coap_config link_config(uint64_t seed);

/* One datagram in; the next one out (empty: none). Event loops are the test's. */
void link_feed(tsr_coap *c, tsr_bytes datagram, uint64_t now_ms);
tsr_bytes link_poll(tsr_coap *c, uint64_t now_ms);

#endif
