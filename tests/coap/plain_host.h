/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest host for the engine on a POSIX UDP socket, for the tests against other
 * implementations. */
#ifndef TESTS_COAP_PLAIN_HOST_H
#define TESTS_COAP_PLAIN_HOST_H

#include <netinet/in.h>

#include "tessera/coap/engine.h"

enum { HOST_PEERS = 16 };

typedef struct {
    int fd;
    tsr_coap coap;
    struct sockaddr_in peer[HOST_PEERS]; /* by peer number; sin_port 0: free */
    unsigned loss_percent;               /* of what we send */
    void (*on_event)(void *user, const tsr_coap_event *event, uint64_t now_ms);
    void *user;
} plain_host;

uint64_t plain_now_ms(void);

/* Binds to 127.0.0.1 (port 0: any) and places an engine. Ends the program when that fails. */
void plain_open(plain_host *h, uint16_t port, uint8_t szx);
uint16_t plain_port(const plain_host *h);

/* The number of an address on loopback. */
tsr_coap_peer plain_peer(plain_host *h, uint16_t port);

/* One turn: waits for input until the engine's deadline, at most until `until_ms`. */
void plain_turn(plain_host *h, uint64_t until_ms);

#endif
