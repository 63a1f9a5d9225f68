/* SPDX-License-Identifier: Apache-2.0
 *
 * How many runs each address may begin: a table of fixed size, so that many addresses cost no memory.
 * Private to server/fdo. */
#ifndef SERVER_FDO_PEERS_H
#define SERVER_FDO_PEERS_H

#include <pthread.h>

#include "tessera/base/bytes.h"

enum { FDO_PEER_ROWS = 512, FDO_PEER_WAYS = 8 };

typedef struct {
    uint8_t key[9];   /* 4 and the IPv4 address, or 6 and the first 64 bits of an IPv6 address */
    uint64_t used_ms; /* 0: free */
    uint64_t tokens;  /* runs that it may begin now, in thousandths */
} fdo_peer;

typedef struct {
    pthread_mutex_t lock;
    uint32_t rate; /* runs a second */
    uint64_t seed; /* nobody outside can aim at a row */
    fdo_peer rows[FDO_PEER_ROWS][FDO_PEER_WAYS];
} fdo_peers;

/** errors TSR_E_CRYPTO */
tsr_err fdo_peers_open(fdo_peers *all, uint32_t rate);
void fdo_peers_close(fdo_peers *all);

/** Takes one from the address's bucket, which holds two seconds' worth. When a row is full, who was not
 *  seen for longest is forgotten, and begins with a full bucket when it comes again.
 *  units   text: a numeric address; one that is none may always */
bool fdo_peer_may(fdo_peers *all, const char *text, uint64_t now_ms);

#endif
