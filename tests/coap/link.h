/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines and the path between them, which the test owns: its time, loss, copies, order. */
#ifndef TESTS_COAP_LINK_H
#define TESTS_COAP_LINK_H

#include "tessera/coap/engine.h"

#define TEXT(t) tsr_text(t)

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

/* Lets time pass until nothing more would happen, or until `until_ms`. Peers are number 0 on both
 * ends. */
void link_run(link_path *l, uint64_t until_ms);

/* Which engine is linked: link_whole.c, or link_small.c for tessera/coap/small. What the small one
 * does not offer is left out by the tests' main. */
extern const bool link_small;
tsr_err link_place(tsr_coap *c, const tsr_coap_config *config, void *memory, size_t memory_len);
tsr_err link_place_device(tsr_coap *c, const tsr_coap_config *config, void *memory,
                          size_t memory_len); /* observes nobody */

/* Makes an engine in heap memory; link_free gives it back. */
tsr_coap *link_engine(const tsr_coap_config *config);
void link_free(tsr_coap *c);

/* A middling configuration. */
tsr_coap_config link_config(uint64_t seed);

/* A message written by hand, so that a test can play the other side itself. */
typedef struct {
    uint8_t type, code;
    uint16_t mid;
    const char *token, *path, *query;
    tsr_bytes same_token; /* instead of `token` */
    tsr_bytes etag;
    tsr_coap_num observe, format, accept, size1, size2;
    tsr_coap_block block1, block2;
    const char *tag[2]; /* Request-Tags, from the first on; "" is one */
    uint16_t extra; /* number of one more option, empty; above all others */
    tsr_bytes echo, payload;
} link_raw;

tsr_bytes link_build(const link_raw *raw);

/* Feeds a message written by hand. */
#define LINK_FEED(c, now_ms, ...) link_feed(c, link_build(&(link_raw){ __VA_ARGS__ }), now_ms)

/* The next datagram out, parsed; fails the test when there is none. Views live until the next
 * call. */
tsr_coap_msg link_next(tsr_coap *c, uint64_t now_ms);

/* Fails the test when a datagram waits. */
void link_silent(tsr_coap *c, uint64_t now_ms);

/* The number and values of a message's Request-Tags as text, "1:a"; "0:" when there is none. */
const char *link_tags(const tsr_coap_msg *m);

/* The next event, which must be of this kind. */
tsr_coap_event link_event(tsr_coap *c, tsr_coap_event_kind kind);
void link_no_event(tsr_coap *c);

/* One datagram in; the next one out (empty: none). Event loops are the test's. */
void link_feed(tsr_coap *c, tsr_bytes datagram, uint64_t now_ms);
tsr_bytes link_poll(tsr_coap *c, uint64_t now_ms);

#endif
