/* SPDX-License-Identifier: Apache-2.0
 *
 * One TCP connection to a server: non-blocking, over IPv4 or IPv6, whichever answers first in the
 * order of the name's addresses. */
#ifndef PORTS_LINUX_HOST_TCP_H
#define PORTS_LINUX_HOST_TCP_H

#include "ports/linux/host/udp.h"

enum { TSR_TCP_OUT = TSR_UDP_DATAGRAM, TSR_TCP_ADDRESSES = 4, TSR_TCP_CONNECT_MS = 30000 };

/** A connection; link.fd is -1 when there is none. */
typedef struct {
    tsr_udp link; /* its descriptor and names */
    /* read only */
    bool connecting;
    uint64_t give_up_ms; /* while connecting */
    size_t out_len;      /* bytes that the link did not take yet */
    /* private */
    uint8_t out[TSR_TCP_OUT];
    size_t address_count, address_next;
    struct {
        size_t len;
        _Alignas(8) uint8_t bytes[128];
    } address[TSR_TCP_ADDRESSES];
} tsr_tcp;

/** Begins to connect; an older connection is closed.
 *  errors  TSR_E_NOT_FOUND  the host name does not resolve
 *          TSR_E_IO         errno says why (no route, no more descriptors) */
tsr_err tsr_tcp_connect(tsr_tcp *t, const tsr_udp_uri *uri, uint64_t now_ms);

/** What became of it, once the descriptor is writable or give_up_ms is over.
 *  errors  TSR_END   not decided yet
 *          TSR_E_IO  no address answered: errno says why; the descriptor is closed */
tsr_err tsr_tcp_finish(tsr_tcp *t, uint64_t now_ms);

void tsr_tcp_close(tsr_tcp *t);

/** Sends, and keeps what the link does not take; out_len must be 0.
 *  units   bytes: at most TSR_TCP_OUT
 *  errors  TSR_E_IO  the connection is over */
tsr_err tsr_tcp_send(tsr_tcp *t, tsr_bytes bytes);

/** Sends what was kept. errors TSR_E_IO */
tsr_err tsr_tcp_flush(tsr_tcp *t);

/** Appends what came, up to the writer's room.
 *  errors  TSR_END  nothing now; TSR_E_NOT_FOUND  the peer closed it; TSR_E_IO  it broke */
tsr_err tsr_tcp_receive(const tsr_tcp *t, tsr_buf *bytes);

#endif
