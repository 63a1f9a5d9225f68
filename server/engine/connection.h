/* SPDX-License-Identifier: Apache-2.0
 *
 * The TCP connections of a shard (RFC 8323). Each is a peer, as a DTLS session is, and has its own
 * engine for streams below the shard's; epoll says which can be read or written, so the cost of a
 * message does not depend on how many there are. A connection stays with the shard that accepted
 * it. */
#ifndef SERVER_ENGINE_CONNECTION_H
#define SERVER_ENGINE_CONNECTION_H

#include "server/engine/shard.h"

/** Opens the `count` listening sockets of one address, in shard order; the kernel spreads the
 *  connections. Port 0 takes any and is written back.
 *  errors  TSR_E_IO; `why` names the address, the cause and the remedy */
tsr_err tsr_listeners_open(tsr_address *address, unsigned count, int fds[], char *why,
                           size_t why_cap);

/** Before the shard's thread runs, after its CoAP engine. errors TSR_E_IO, TSR_E_SPACE */
tsr_err connections_init(tsr_shard *s);
void connections_free(tsr_shard *s);

/** What is readable when connections_step has something to do. */
int connections_fd(const tsr_shard *s);

/** Accepts, reads and writes what can be; true: there may be more. */
bool connections_step(tsr_shard *s);

/** Sends what is waiting in connections that were spoken to. */
void connections_flush(tsr_shard *s);

void connection_timer(tsr_shard *s, tsr_peer *peer);
void connection_release(tsr_shard *s, tsr_peer *peer); /* before its peer goes */

/** Once a second: takes up again what was put off for want of descriptors. */
void connections_house(tsr_shard *s);

#endif
