/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of HTTP over a connection of its own, one after the other, without waiting in a call:
 *
 *     tsr_fetch_begin(f, url, request, body, now)
 *     then until DONE or an error:
 *         while (tsr_fetch_next(f, &event, now) == TSR_OK) ...
 *         poll(2) tsr_fetch_fd() for tsr_fetch_watches(), until tsr_fetch_due_ms() at most
 *
 * A connection that the peer keeps open serves the next request to the same host and port. If it
 * turns out to be closed before a byte of an answer, the request is sent once more on a fresh one.
 * https needs a layer: tsr_fetch_use(). */
#ifndef PORTS_LINUX_HTTP_FETCH_H
#define PORTS_LINUX_HTTP_FETCH_H

#include "ports/linux/http/pipe.h"
#include "tessera/http/url.h"

enum { TSR_FETCH_ROOM = 4096, TSR_FETCH_URL = 2048, TSR_FETCH_HOPS = 5 };

typedef struct {
    tsr_http http; /* read: status */
    const char *cause; /* after an error: for the log */
    bool follow; /* set: GET and HEAD go where a redirection says, with the same fields */
    bool secure; /* read: what answers does so over https */
    bool once;   /* set after init: no request is sent twice */
    /* private */
    tsr_pipe pipe;
    tsr_udp_uri at;
    tsr_http_request request; /* with the copies below, to begin it again */
    tsr_bytes body;
    bool live, reused;
    uint8_t hops;
    uint8_t room[TSR_FETCH_ROOM];
    char authority[TSR_UDP_HOST_LEN + 16], target[TSR_FETCH_URL];
    tsr_http_field fields[8];
    char field_text[4096];
    char location[TSR_FETCH_URL];
    size_t location_len;
} tsr_fetch;

/** Zeroed memory becomes one without a connection.
 *  units  wait_ms as of tsr_http_init() */
void tsr_fetch_init(tsr_fetch *f, uint32_t wait_ms);

/** What https is to go over; `self` outlives f. */
void tsr_fetch_use(tsr_fetch *f, const tsr_fetch_layer *layer, void *self);

/** Begins a request; an earlier one that is not DONE is dropped with its connection.
 *
 *  request  method, fields (8 at most) and close; the rest comes from url and body
 *  owner    body must stay until DONE; all else is copied
 *  errors   TSR_E_UNSUPPORTED  https without a layer
 *           TSR_E_SPACE        host, path or fields are too long; TSR_E_ARGUMENT as of tsr_http_begin()
 *           TSR_E_NOT_FOUND    the host name does not resolve; TSR_E_IO  errno says why
 *           others             of the layer */
tsr_err tsr_fetch_begin(tsr_fetch *f, const tsr_http_url *url, const tsr_http_request *request,
                        const tsr_bytes *body, uint64_t now_ms);

/** The next event of the answer. A redirection that is followed (RFC 9110 §15.4) shows nothing of itself:
 *  five in a row at most, and from https to http none.
 *  errors  TSR_END  nothing now: wait for the descriptor
 *          TSR_E_DENIED  a redirection that may not be followed
 *          others   as of tsr_http_feed(), tsr_http_poll() and tsr_http_closed(); TSR_E_IO also for a
 *                   connection that fails or a peer that is refused; `cause` says more, and the
 *                   connection is closed */
tsr_err tsr_fetch_next(tsr_fetch *f, tsr_http_event *event, uint64_t now_ms);

/** -1: none. */
int tsr_fetch_fd(const tsr_fetch *f);
short tsr_fetch_watches(const tsr_fetch *f);
uint64_t tsr_fetch_due_ms(const tsr_fetch *f);

/** Closes; harmless twice. */
void tsr_fetch_end(tsr_fetch *f);

#endif
