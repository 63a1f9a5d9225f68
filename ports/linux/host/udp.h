/* SPDX-License-Identifier: Apache-2.0
 *
 * One UDP socket per server: connected, non-blocking, over IPv4 or IPv6. */
#ifndef PORTS_LINUX_HOST_UDP_H
#define PORTS_LINUX_HOST_UDP_H

#include "tessera/base/bytes.h"

enum { TSR_UDP_HOST_LEN = 255, TSR_UDP_DATAGRAM = 2048, TSR_UDP_NAME = 64 };

/** What a server URI says. */
typedef struct {
    bool secure; /* coaps, coaps+tcp */
    bool stream; /* coap+tcp, coaps+tcp */
    char host[TSR_UDP_HOST_LEN + 1]; /* a name, or an address without brackets */
    uint16_t port; /* 5683 or 5684 unless told */
} tsr_udp_uri;

/** Reads "coap://host[:port][/]", "coaps://...", "coap+tcp://..." or "coaps+tcp://...".
 *  source  RFC 7252 §6.1 and §6.2, RFC 8323 §8.1 and RFC 8323 §8.2
 *  errors  TSR_E_UNSUPPORTED  another scheme; TSR_E_MALFORMED  no such URI, or with a path */
tsr_err tsr_udp_uri_parse(tsr_bytes text, tsr_udp_uri *uri);

/** A socket; fd is -1 when it is not open. */
typedef struct {
    int fd;
    char local[TSR_UDP_NAME], peer[TSR_UDP_NAME]; /* "192.0.2.1:40000", for the log */
} tsr_udp;

/** Opens a socket on a fresh local port; the old one, if open, is closed.
 *  errors  TSR_E_NOT_FOUND  the host name does not resolve
 *          TSR_E_IO         errno says why (no route, no more descriptors) */
tsr_err tsr_udp_open(tsr_udp *udp, const tsr_udp_uri *uri);
void tsr_udp_close(tsr_udp *udp);

/** Takes the names of both ends from the descriptor. */
void tsr_udp_names(tsr_udp *udp);

/** errors  TSR_E_IO  it was not sent: for a datagram that is as good as lost */
tsr_err tsr_udp_send(const tsr_udp *udp, tsr_bytes datagram);

/** errors  TSR_END  none is waiting. Errors of the network are passed over. */
tsr_err tsr_udp_receive(const tsr_udp *udp, tsr_buf *datagram);

/** Would a new socket have another local address? Then the old one cannot be reached any more. */
bool tsr_udp_is_stale(const tsr_udp *udp);

/** A descriptor that becomes readable when links, addresses or routes change; -1: not to be had. */
int tsr_udp_watch(void);
void tsr_udp_watch_drain(int fd);

#endif
