/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers of the engine for datagrams that are streams. A layer above makes and answers requests with
 * the calls of tessera/coap/engine.h, by peer number and exchange, and reads one row of events; for a
 * peer that is a stream they reach its connection (tessera/coap/stream.h). The host alone knows the
 * difference, because it moves bytes instead of datagrams:
 *
 *     tsr_coap_streams_open(c, peer, now)           the link is up
 *     tsr_coap_streams_feed(c, peer, &bytes, now)   then all events of c
 *     tsr_coap_streams_poll(c, peer, &bytes, now)   then all events of c
 *     tsr_coap_peer_gone(c, peer)                   the link is down, or to be given up; then events
 *
 * `con` of a notification means: tell me when the link has it. There is nothing to defer, and no
 * observation of before the connection to adopt. An engine without streams is linked without
 * all this; the small engine has none. */
#ifndef TESSERA_COAP_STREAMS_H
#define TESSERA_COAP_STREAMS_H

#include "tessera/coap/stream.h"

enum {
    TSR_COAP_STREAMS_PEERS = 1 << 23, /* the most that config.peers may be */
    TSR_COAP_STREAMS_EXCHANGES = 256, /* the most of one stream */
};

/** The caller sets the first part. */
struct tsr_coap_streams {
    /** The stream, initialised, that is this peer; NULL: it is one of datagrams. A peer is a stream
     *  from tsr_coap_streams_open until tsr_coap_streams_forget. */
    tsr_coap_stream *(*at)(void *user, tsr_coap_peer peer);
    void *user;
    /* private */
    const struct tsr_coap_streaming *calls;
    tsr_coap_stream *busy; /* whose events are to be read */
    uint32_t generation;
};

/** After init, before the first peer that is a stream.
 *  owner   `streams` must outlive the engine
 *  errors  TSR_E_ARGUMENT  more peers than TSR_COAP_STREAMS_PEERS */
tsr_err tsr_coap_streams_set(tsr_coap *c, tsr_coap_streams *streams);

/** As tsr_coap_stream_open, for a stream with config.peer equal to `peer`. What was asked over an
 *  earlier connection of this peer stays told apart from what follows.
 *  errors  TSR_E_ARGUMENT  no stream there, or one with more exchanges than it may have */
tsr_err tsr_coap_streams_open(tsr_coap *c, tsr_coap_peer peer, uint64_t now_ms);

/** As tsr_coap_stream_feed: what happened is the next event of `c`.
 *  errors  TSR_E_STATE  an event of c is unread */
tsr_err tsr_coap_streams_feed(tsr_coap *c, tsr_coap_peer peer, tsr_bytes *bytes, uint64_t now_ms);

/** As tsr_coap_stream_poll. */
tsr_err tsr_coap_streams_poll(tsr_coap *c, tsr_coap_peer peer, tsr_buf *bytes, uint64_t now_ms);

/** Makes the next event of that stream the next one of `c`; false: it has none, or an event of c is
 *  unread. For who asks tsr_coap_event_waits, which does not know what streams have. */
bool tsr_coap_streams_event(tsr_coap *c, tsr_coap_peer peer);

/** Before the memory of a stream goes, after tsr_coap_peer_gone and its events. */
void tsr_coap_streams_forget(tsr_coap *c, const tsr_coap_stream *stream);

#endif
