/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest host for the engine for streams on POSIX TCP sockets, for the tests against other
 * implementations: a few connections, ours or theirs, one engine each. */
#ifndef TESTS_COAP_STREAM_HOST_H
#define TESTS_COAP_STREAM_HOST_H

#include "tessera/coap/stream.h"

enum { HOST_LINKS = 8 };

typedef struct {
    int fd; /* -1: free */
    tsr_coap_stream coap;
    bool blocked;     /* feed waits for room: nothing is read */
    uint8_t in[4096]; /* read and not fed */
    size_t in_len;
    uint8_t out[4096]; /* polled and not taken by the socket */
    size_t out_len;
} host_link;

typedef struct {
    int listen_fd; /* -1: none */
    uint32_t message_len;
    host_link link[HOST_LINKS];
    void (*on_event)(host_link *link, const tsr_coap_event *event, uint64_t now_ms);
    void (*on_closed)(host_link *link); /* or NULL; after the events of that */
} stream_host;

uint64_t host_now_ms(void);

/* message_len: our Max-Message-Size. */
void host_start(stream_host *h, uint32_t message_len);

/* Listens at 127.0.0.1, any port; which one it is. Ends the program when that fails. */
uint16_t host_listen(stream_host *h);

/* Connects to 127.0.0.1. Ends the program when that fails. */
host_link *host_connect(stream_host *h, uint16_t port);

/* One turn: waits for the sockets until the engines' deadline, at most until `until_ms`. */
void host_turn(stream_host *h, uint64_t until_ms);

#endif
