/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's HTTP side: the REST interface of docs/openapi.yaml, its event stream and the
 * static files of the console, on threads of its own. One instance serves one management API
 * (server/lwm2m/api.h); it keeps no device state itself. */
#ifndef SERVER_REST_REST_H
#define SERVER_REST_REST_H

#include "server/lwm2m/api.h"

typedef struct tsr_rest tsr_rest;

/** What the HTTP side needs to know; every zero means its default. */
typedef struct {
    const char *bind;         /* numeric IPv4 or IPv6 address; NULL: "127.0.0.1" */
    uint16_t port;            /* 0: any free one, see tsr_rest_port */
    const char *token_file;   /* bearer tokens, see rest_operators_read; NULL: none is asked for */
    size_t body_max;          /* largest request body in bytes; 0: 1 MiB */
    unsigned connections_max; /* open connections, event streams included; 0: 1024 */
    struct tsr_fdo *fdo;      /* the services of FIDO Device Onboard; NULL: none */
    struct tsr_audit *audit;  /* must outlive the instance; NULL: changes are not written down */
    uint32_t timeout_ms;      /* the longest a request may wait for its device; 0: 600 s */
} tsr_rest_config;

/** Opens the port and serves until tsr_rest_stop.
 *
 *  source  RFC 9110, RFC 9457 (problem+json); docs/openapi.yaml
 *  owner   `config` and its strings are copied; `server` must outlive the instance; `*rest` is ours
 *          and is given back to tsr_rest_stop
 *  errors  TSR_E_DENIED    `bind` is not a loopback address and there is no token file
 *          TSR_E_ARGUMENT  an address that is none; a token file that does not say what it should
 *          TSR_E_IO        the token file cannot be read or the port cannot be opened
 *          In every case `why` (at least 160 bytes are sensible) names cause and remedy in words.
 */
tsr_err tsr_rest_start(tsr_rest **rest, tsr_server *server, const tsr_rest_config *config,
                       char *why, size_t why_cap);

/** Reads the token file again. Whoever is not in it any more is not answered from now on, also what they asked for
 *  before, and their event streams end. `said` has what came of it, with the line of what is wrong.
 *  errors  TSR_E_STATE     there is none
 *          TSR_E_ARGUMENT, TSR_E_IO, TSR_E_CRYPTO, as rest_operators_read: the operators are those that they were;
 *          TSR_E_IO also when it was done, but could not be written into the audit log */
tsr_err tsr_rest_reload(tsr_rest *rest, char *said, size_t said_cap);

/** The port in use, in host order. */
uint16_t tsr_rest_port(const tsr_rest *rest);

/** Ends event streams, answers waiting requests with 503, joins the threads and frees all.
 *  Must be called while `server` still runs. NULL is allowed. */
void tsr_rest_stop(tsr_rest *rest);

#endif
