/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of FDO over HTTP on loopback, many connections in one thread: one request at a time on each,
 * kept alive from message to message. */
#ifndef BENCHES_FDO_WIRE_H
#define BENCHES_FDO_WIRE_H

#include "tessera/http/http.h"

typedef struct {
    tsr_http http;
    uint8_t room[1024], out[1024], in[8192]; /* in: what has come, not taken yet */
    size_t out_at, out_len, in_at, in_len;
    int fd, epoll;
    uint32_t number; /* what epoll says when something has come */
    uint16_t port;
    bool awaits;     /* an answer */
    bool kept;       /* from the message before: the peer may have closed it meanwhile */
    uint8_t sent;
    tsr_bytes sending;
    char token[64];
    uint8_t type;    /* of the answer */
    uint8_t body[8192];
    size_t len;
} fdo_wire;

/** Zeroed memory becomes one without a connection. */
void fdo_wire_init(fdo_wire *w, int epoll, uint32_t number);

/** Sends a message; the `first` one of a protocol has no token. `body` stays until the answer is there. */
bool fdo_wire_send(fdo_wire *w, uint16_t port, uint8_t type, bool first, tsr_bytes body);

typedef enum { FDO_WIRE_WAITS, FDO_WIRE_ANSWERED, FDO_WIRE_BROKEN } fdo_wire_state;

/** Something may have come. */
fdo_wire_state fdo_wire_next(fdo_wire *w);

void fdo_wire_close(fdo_wire *w);

#endif
