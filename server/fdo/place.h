/* SPDX-License-Identifier: Apache-2.0
 *
 * "http://host:port" as the operator writes it, and as RendezvousInfo and redirects say it. Private to
 * server/fdo. */
#ifndef SERVER_FDO_PLACE_H
#define SERVER_FDO_PLACE_H

#include "tessera/fdo/rendezvous.h"

enum { FDO_HOST_MAX = 255 };

typedef struct {
    size_t ip_len; /* 4, 16, or 0: it is a name */
    uint8_t ip[16];
    uint16_t port;
    bool tls;
    char host[FDO_HOST_MAX + 1]; /* a name or a numeric address, without brackets */
} fdo_place;

/** errors  TSR_E_ARGUMENT  no such URL */
tsr_err fdo_place_read(const char *url, fdo_place *p);

/** As a directive of RendezvousInfo; it points into *p. */
tsr_fdo_directive fdo_place_directive(const fdo_place *p);
/** As an address in a redirect; it points into *p. */
tsr_fdo_addr fdo_place_addr(const fdo_place *p);

#endif
