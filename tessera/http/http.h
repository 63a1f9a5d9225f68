/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 as an engine, the client's side: one request after the other over a stream of bytes that
 * somebody else carries, TCP or TLS.
 *
 *     tsr_http_begin(h, request, now)      the next request
 *     tsr_http_body(h, piece)              the next piece of its body
 *     tsr_http_poll(h, out, now)           bytes to send
 *     tsr_http_feed(h, &in, &event, now)   bytes came in; what they say
 *     tsr_http_closed(h, &event)           the peer has closed the stream
 *     tsr_http_due_ms(h)                   poll by then
 *
 * Bodies pass through in pieces of any size and are never kept. After DONE, `keep` says whether the
 * stream may serve another request; after any error it may not. What a request of ours cannot have
 * asked for (tunnels, other protocols, other codings than chunked) is refused. */
#ifndef TESSERA_HTTP_HTTP_H
#define TESSERA_HTTP_HTTP_H

#include "tessera/base/bytes.h"

enum {
    TSR_HTTP_HEAD_MAX = 16384, /* bytes of one answer's head, and of its trailer */
    TSR_HTTP_CHUNK_LINE = 256, /* bytes of a chunk's size with its extensions */
    TSR_HTTP_INTERIM = 8,      /* answers 1xx before the true one */
};

/** A field; the name in any case. */
typedef struct {
    tsr_bytes name, value;
} tsr_http_field;

/** What is asked for; all of it is copied. */
typedef struct {
    const char *method;  /* "GET", "HEAD", "POST", "PUT", "DELETE" */
    tsr_bytes target;    /* "/path?query" */
    tsr_bytes host;      /* "name", "name:port", "[::1]:port" */
    const tsr_http_field *fields; /* others than Host, Content-Length and Connection */
    size_t field_count;
    bool has_body;
    uint64_t body_len;
    bool close; /* the stream is not to serve another */
} tsr_http_request;

typedef enum {
    TSR_HTTP_NOTHING,
    TSR_HTTP_FIELD, /* `field`, once for each line of the head */
    TSR_HTTP_HEAD,  /* the head is over: `length` */
    TSR_HTTP_BODY,  /* `body` */
    TSR_HTTP_DONE,  /* the answer is whole */
} tsr_http_kind;

typedef struct {
    tsr_http_kind kind;
    uint64_t length;      /* HEAD: of the body; UINT64_MAX: not known before its end */
    tsr_http_field field; /* FIELD: lives until the next call */
    tsr_bytes body;       /* BODY: points into what was fed */
} tsr_http_event;

typedef struct {
    /* read only */
    uint16_t status; /* 200 to 599 from the first FIELD or HEAD on */
    bool keep;       /* after DONE: begin again on this stream */
    /* private */
    tsr_buf room; /* the head of a request, then a line at a time of the answer */
    size_t sent;  /* of the request's head */
    tsr_bytes body;
    uint64_t body_left, left, length;
    uint64_t due_ms;
    uint32_t wait_ms, head_left;
    uint8_t state, minor, interim;
    bool cr, to_head, close, chunked, has_length, other_coding, persist;
} tsr_http;

/** Places an engine.
 *
 *  units   wait_ms: after so long without a byte in either direction the request has failed
 *  owner   room must outlive it: 256 bytes at least; a request's head and the longest line of an
 *          answer's head must fit; 2048 suit most */
void tsr_http_init(tsr_http *h, void *room, size_t room_len, uint32_t wait_ms);

/** Begins a request, on a fresh stream or after DONE with `keep`; an earlier one is forgotten.
 *
 *  source  RFC 9112 §3, RFC 9112 §3.2, RFC 9112 §5; RFC 9110 §8.6
 *  errors  TSR_E_ARGUMENT  a byte that would break the line, a name that is no token, no host
 *          TSR_E_SPACE     the head does not fit the room */
tsr_err tsr_http_begin(tsr_http *h, const tsr_http_request *request, uint64_t now_ms);

/** Hands over the next piece of the body.
 *
 *  owner   piece stays where it is until tsr_http_body_gone()
 *  errors  TSR_E_STATE     the piece before is not gone yet, or no request is under way
 *          TSR_E_ARGUMENT  more than was announced */
tsr_err tsr_http_body(tsr_http *h, tsr_bytes piece);
bool tsr_http_body_gone(const tsr_http *h);

/** Appends bytes to send, as many as there is room for.
 *  errors  TSR_END  none now; TSR_E_IO  the time is over */
tsr_err tsr_http_poll(tsr_http *h, tsr_buf *out, uint64_t now_ms);

/** Takes bytes off the front of `in` up to the next event.
 *
 *  source  RFC 9112 §2.2, RFC 9112 §4, RFC 9112 §5, RFC 9112 §6.3, RFC 9112 §7.1, RFC 9112 §9.3
 *  errors  TSR_END            nothing more without more bytes; all of `in` is taken
 *          TSR_E_MALFORMED    no HTTP/1.x, two lengths, bytes that no request asked for
 *          TSR_E_UNSUPPORTED  a transfer coding other than chunked, or a change of protocol
 *          TSR_E_SPACE        a line or a head above the limits
 *          TSR_E_STATE        it has failed before */
tsr_err tsr_http_feed(tsr_http *h, tsr_bytes *in, tsr_http_event *event, uint64_t now_ms);

/** The peer's end of the stream: DONE for a body that ends with it.
 *
 *  source  RFC 9112 §8, RFC 9112 §9.6
 *  errors  TSR_END          nothing was under way
 *          TSR_E_IO         it closed before the first byte of an answer: RFC 9112 §9.3.1
 *          TSR_E_MALFORMED  the answer is cut off */
tsr_err tsr_http_closed(tsr_http *h, tsr_http_event *event);

/** When the request has failed; UINT64_MAX: none is under way. */
uint64_t tsr_http_due_ms(const tsr_http *h);

/** The same name of a field, in any case: RFC 9110 §5.1. */
bool tsr_http_is(tsr_bytes name, const char *lower_case);

#endif
