/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP sockets of the shards: one per shard and listening address, all on one port; datagrams in and
 * out by the batch. */
#ifndef SERVER_ENGINE_SOCKET_H
#define SERVER_ENGINE_SOCKET_H

#include "server/engine/address.h"

enum {
    TSR_SOCKET_BATCH = 64,
    TSR_SOCKET_IN = 2048,  /* longer datagrams are cut, and so fail to parse */
    TSR_SOCKET_OUT = 2304, /* a CoAP block of 1,024 with its options and DTLS around it */
};

/** Opens the `count` sockets of one address, in shard order, and tells the kernel how to choose:
 *  the shard byte of a Connection ID, else tsr_address_spread of the source. Port 0 takes any and
 *  is written back.
 *  source  RFC 9146 §4 (a record's header with a Connection ID)
 *  errors  TSR_E_IO; `why` names the address, the cause and the remedy */
tsr_err tsr_sockets_open(tsr_address *address, bool dtls, unsigned count, int fds[], char *why,
                         size_t why_cap);

/* What listening over UDP and TCP have in common: */

/** A bound socket that does not block. type SOCK_DGRAM or SOCK_STREAM; first: the address is nobody
 *  else's; the others share the first one's. errors  -1, errno */
int tsr_socket_bound(const tsr_address *address, int type, bool first);
/** Closes without touching errno. */
void tsr_socket_close(int fd);
/** Why one cannot listen there. returns TSR_E_IO */
tsr_err tsr_socket_error(const tsr_address *address, const char *protocol, int error, char *why,
                         size_t why_cap);
/** Fills in a port that was 0. */
void tsr_socket_port(int fd, tsr_address *address);

/** Received datagrams. */
typedef struct tsr_inbound tsr_inbound;
tsr_inbound *tsr_inbound_new(void);
void tsr_inbound_free(tsr_inbound *in);

/** Takes up to a batch without waiting; gives the number. */
unsigned tsr_inbound_read(tsr_inbound *in, int fd);
/** One of them. errors TSR_E_UNSUPPORTED */
tsr_err tsr_inbound_get(tsr_inbound *in, unsigned i, tsr_address *from, tsr_bytes *datagram);

/** Datagrams waiting to be sent. */
typedef struct tsr_outbound tsr_outbound;
tsr_outbound *tsr_outbound_new(void);
void tsr_outbound_free(tsr_outbound *out);

/** An empty writer for the next datagram; sends what waits when the batch is full. */
tsr_buf tsr_outbound_begin(tsr_outbound *out);
/** Queues what was written to the writer of begin. */
void tsr_outbound_end(tsr_outbound *out, int fd, const tsr_address *to, size_t len);
/** Sends all; gives the number of datagrams that the kernel refused (they count as lost). */
unsigned tsr_outbound_flush(tsr_outbound *out);

#endif
