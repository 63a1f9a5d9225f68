/* SPDX-License-Identifier: Apache-2.0
 *
 * A listening HTTP daemon, as REST and FDO's services both have one. For server/rest and server/fdo. */
#ifndef SERVER_REST_LISTEN_H
#define SERVER_REST_LISTEN_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "tessera/base/bytes.h"

typedef struct {
    const char *name; /* as it was given; borrowed */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    uint16_t port;
    bool loopback;
} rest_place;

/** The place to listen at: `bind_to` is an address in figures, NULL the loopback's.
 *  errors  TSR_E_ARGUMENT; `why` names cause and remedy */
tsr_err rest_place_parse(const char *bind_to, uint16_t port, rest_place *out, char *why,
                         size_t why_cap);

/** Starts a daemon with two threads for each core, 4 at least and 64 at most. A connection that is
 *  silent for 30 s is closed.
 *
 *  flags        of MHD, besides those of a daemon with epoll
 *  connections  at once, one for each thread at least
 *  memory       bytes of one connection: request line and header fields
 *  more         other options of MHD; ends with MHD_OPTION_END
 *  errors       NULL: the port cannot be opened; `why` names cause and remedy */
struct MHD_Daemon *rest_listen(const rest_place *place, unsigned flags, unsigned connections,
                               size_t memory, MHD_AccessHandlerCallback on_request, void *cls,
                               const struct MHD_OptionItem *more, char *why, size_t why_cap);

/** The port it listens at; 0: `daemon` is NULL. */
uint16_t rest_listen_port(struct MHD_Daemon *daemon);

enum { REST_PEER_TEXT = 48 };

/** The client's address in figures; "": not known. */
const char *rest_peer(struct MHD_Connection *connection, char text[REST_PEER_TEXT]);

#endif
