/* SPDX-License-Identifier: Apache-2.0
 *
 * An exchange of a stream has a number that none of datagrams can have, since its lower half is no
 * slot: 1 (1 bit), peer (23 bits), slot (8 bits); the upper half is the stream's generation. */
#include "tessera/coap/streams.h"

#include "tessera/coap/engine_in.h"
#include "tessera/coap/stream_in.h"

#define OF_STREAM 0x80000000u

static tsr_coap_stream *stream_at(const tsr_coap *c, tsr_coap_peer peer)
{
    return c->streams->at(c->streams->user, peer);
}

static tsr_coap_id id_out(tsr_coap_peer peer, tsr_coap_id id)
{
    if (id == 0)
        return 0;
    return (id & ~(tsr_coap_id)UINT32_MAX) | OF_STREAM | peer << 8 | (uint32_t)id;
}

/* The stream that an exchange belongs to, and its number there. */
static tsr_coap_stream *id_in(const tsr_coap *c, tsr_coap_id id, tsr_coap_id *inner)
{
    *inner = (id & ~(tsr_coap_id)UINT32_MAX) | (id & 0xff);
    return (id & OF_STREAM) != 0 ? stream_at(c, (uint32_t)id >> 8 & (TSR_COAP_STREAMS_PEERS - 1))
                                 : NULL;
}

/* ---- the calls of the engine ---- */

static tsr_err request(tsr_coap *c, tsr_coap_peer peer, const tsr_coap_request *r, tsr_coap_id *id)
{
    tsr_coap_id inner;
    tsr_err err = tsr_coap_stream_request(stream_at(c, peer), r, c->now_ms, &inner);

    if (err == TSR_OK && id != NULL)
        *id = id_out(peer, inner);
    return err;
}

static tsr_err respond(tsr_coap_id ticket, tsr_coap *c, const tsr_coap_response *r)
{
    tsr_coap_id inner;
    tsr_coap_stream *s = id_in(c, ticket, &inner);

    return s != NULL ? tsr_coap_stream_respond(s, inner, r, c->now_ms) : TSR_E_NOT_FOUND;
}

static tsr_err notify(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token, uint32_t sequence,
                      bool acked, const tsr_coap_response *r, tsr_coap_id *id)
{
    tsr_coap_id inner = 0;
    tsr_err err = tsr_coap_stream_notify(stream_at(c, peer), token, sequence, acked, r, c->now_ms, &inner);

    if (err == TSR_OK && id != NULL)
        *id = acked ? id_out(peer, inner) : 0;
    return err;
}

static tsr_err cancel(tsr_coap *c, tsr_coap_id id)
{
    tsr_coap_id inner;
    tsr_coap_stream *s = id_in(c, id, &inner);

    return s != NULL ? tsr_coap_stream_cancel(s, inner) : TSR_E_NOT_FOUND;
}

static tsr_err ping(tsr_coap *c, tsr_coap_peer peer, uint64_t user, tsr_coap_id *id)
{
    tsr_coap_id inner;
    tsr_err err = tsr_coap_stream_ping(stream_at(c, peer), false, c->now_ms, user, &inner);

    if (err == TSR_OK && id != NULL)
        *id = id_out(peer, inner);
    return err;
}

static tsr_err forget(tsr_coap *c, tsr_coap_peer peer, tsr_bytes token)
{
    return tsr_coap_stream_observe_forget(stream_at(c, peer), token);
}

/* Its events are read later, because this may be called while one is. */
static void gone(tsr_coap *c, tsr_coap_peer peer)
{
    tsr_coap_stream *s = stream_at(c, peer);

    tsr_coap_stream_closed(s);
    if (c->event_ready && c->event.peer == peer && c->event.kind == TSR_COAP_REQUEST)
        c->event_ready = false; /* its ticket is gone */
    if (s->generation > c->streams->generation)
        c->streams->generation = s->generation;
    c->streams->busy = s;
}

static bool take_event(tsr_coap *c, tsr_coap_stream *s)
{
    if (s == NULL || c->event_ready || !tsr_coap_stream_event_next(s, &c->event))
        return false;
    c->event.id = id_out(c->event.peer, c->event.id);
    c->event_ready = true;
    return true;
}

static bool next(tsr_coap *c)
{
    bool more = take_event(c, c->streams->busy);

    if (!more)
        c->streams->busy = NULL;
    return more;
}

/* ---- the host's calls ---- */

tsr_err tsr_coap_streams_set(tsr_coap *c, tsr_coap_streams *streams)
{
    static const struct tsr_coap_streaming calls = {
        .request = request,
        .respond = respond,
        .notify = notify,
        .cancel = cancel,
        .ping = ping,
        .forget = forget,
        .gone = gone,
        .next = next,
    };

    if (c->config.peers > TSR_COAP_STREAMS_PEERS)
        return TSR_E_ARGUMENT;
    streams->calls = &calls;
    streams->busy = NULL;
    streams->generation = 0;
    c->streams = streams;
    return TSR_OK;
}

tsr_err tsr_coap_streams_open(tsr_coap *c, tsr_coap_peer peer, uint64_t now_ms)
{
    tsr_coap_stream *s = peer < c->config.peers ? stream_at(c, peer) : NULL;

    if (s == NULL || s->config.exchanges > TSR_COAP_STREAMS_EXCHANGES || s->config.peer != peer)
        return TSR_E_ARGUMENT;
    if (s->state == TSR_COAP_STREAM_IDLE && s->generation < c->streams->generation)
        s->generation = c->streams->generation;
    c->lines[peer].stream = true;
    return tsr_coap_stream_open(s, now_ms);
}

tsr_err tsr_coap_streams_feed(tsr_coap *c, tsr_coap_peer peer, tsr_bytes *bytes, uint64_t now_ms)
{
    tsr_coap_stream *s = stream_at(c, peer);
    tsr_err err;

    if (c->event_ready)
        return TSR_E_STATE;
    c->streams->busy = s;
    if (take_event(c, s)) /* of before */
        return TSR_OK;
    err = tsr_coap_stream_feed(s, bytes, now_ms);
    (void)take_event(c, s);
    return err;
}

tsr_err tsr_coap_streams_poll(tsr_coap *c, tsr_coap_peer peer, tsr_buf *bytes, uint64_t now_ms)
{
    tsr_coap_stream *s = stream_at(c, peer);
    tsr_err err = tsr_coap_stream_poll(s, bytes, now_ms);

    c->streams->busy = s;
    (void)take_event(c, s);
    return err;
}

bool tsr_coap_streams_event(tsr_coap *c, tsr_coap_peer peer)
{
    return take_event(c, stream_at(c, peer));
}

void tsr_coap_streams_forget(tsr_coap *c, const tsr_coap_stream *stream)
{
    if (c->streams->busy == stream)
        c->streams->busy = NULL;
    c->lines[stream->config.peer].stream = false;
}
