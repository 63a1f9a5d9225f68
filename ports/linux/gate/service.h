/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate on Linux, service's side: a listening socket, the connections it accepted, and the
 * shared memory of those that asked for it.
 *
 * Each connection is a client of its own for handles; who it is for persistent things is told by
 * the kernel (SO_PEERCRED), never by what it sends. One thread answers one call at a time. In every
 * round each client is served once, however many connections it has: so nobody waits longer than
 * for one call of every other client. */
#ifndef PORTS_LINUX_GATE_SERVICE_H
#define PORTS_LINUX_GATE_SERVICE_H

#include <sys/types.h>

#include "ports/linux/gate/channel.h"
#include "ports/linux/gate/meter.h"
#include "secure/spm/clients.h"
#include "secure/spm/spm.h"

#define TSR_GATE_CONNECTIONS 256u

typedef struct { /* private */
    int fd;      /* -1: free */
    tsr_spm_caller caller;
    uid_t uid;
    pid_t pid;
    tsr_meter *meter;
    bool paused;          /* its client is over the rate: not watched */
    bool rung;            /* the channel's bell rang, and it was not its client's turn */
    bool resumed;         /* watched again: its bell is heard once more for what it rang before */
    tsr_channel *channel; /* NULL: none */
    int event_fd;
    uint32_t answered;    /* number of the channel's last request */
    uint64_t answered_us; /* when */
} tsr_gate_connection;

typedef enum {
    TSR_GATE_CONNECTED,
    TSR_GATE_CLOSED,
    TSR_GATE_REFUSED,   /* the user may not, or the table is full; status says which */
    TSR_GATE_MALFORMED, /* bytes that are no request; the connection was closed */
    TSR_GATE_DEAF,      /* a client that does not take its answers; closed */
    TSR_GATE_DELAYED,   /* a client that asked more than its rate, and waits */
} tsr_gate_happening;

typedef struct {
    tsr_gate_happening what;
    psa_status_t status;
    int32_t client;
    uid_t uid;
    pid_t pid;
} tsr_gate_event;

typedef struct {
    const tsr_spm *spm;
    const tsr_spm_clients *clients;
    uint32_t connections_each; /* how many one user may hold */
    uint32_t rate_each;        /* requests a second of one client; 0: no limit */
    /** Told of every happening; may be NULL. */
    void (*event)(void *self, const tsr_gate_event *event);
    void *event_self;
    uint64_t calls, malformed, refused, delayed; /* counted since the start */
    /* private */
    int listen_fd, epoll_fd;
    uint32_t next_number, round;
    size_t rung, waiting;     /* connections; meters */
    tsr_gate_connection *near; /* the channel whose next request we look for; NULL: none */
    uint64_t near_until_us;    /* before the next round for everyone */
    uint64_t listen_again_us; /* out of descriptors: not listening until then; 0: listening */
    tsr_gate_connection connection[TSR_GATE_CONNECTIONS];
    tsr_meter meter[TSR_GATE_CONNECTIONS];
    uint8_t request[TSR_WIRE_MAX + 1], reply[TSR_WIRE_MAX];
} tsr_gate_service;

/** Binds the socket and listens. A socket file that nobody listens on is replaced.
 *
 *  units   mode: permission bits of the socket file
 *  errors  TSR_E_ARGUMENT  the path does not fit a socket address
 *          TSR_E_EXISTS    another process listens there, or the file is no socket
 *          TSR_E_IO        see errno */
tsr_err tsr_gate_listen(tsr_gate_service *g, const char *path, mode_t mode);

/** Has tsr_gate_serve() watch one more descriptor, such as a signalfd.
 *  errors  TSR_E_IO  see errno */
tsr_err tsr_gate_also(tsr_gate_service *g, int fd);

/** Waits for work and does one round of it. Returns whether the descriptor of tsr_gate_also() is
 *  readable. */
bool tsr_gate_serve(tsr_gate_service *g);

/** Closes everything; every connection's handles are destroyed. */
void tsr_gate_shut(tsr_gate_service *g);

size_t tsr_gate_connected(const tsr_gate_service *g);
size_t tsr_gate_channels(const tsr_gate_service *g);

#endif
