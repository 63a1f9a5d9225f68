/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies between CoAP and the datagrams of one server account, DTLS (dtls_channel.h), or between
 * CoAP and its connection (tcp_channel.h). An account without a channel sends its CoAP messages as they are (NoSec). */
#ifndef TESSERA_LWM2M_CLIENT_CHANNEL_H
#define TESSERA_LWM2M_CLIENT_CHANNEL_H

#include "tessera/base/bytes.h"

typedef enum {
    TSR_LWM2M_CHANNEL_UP,   /* the peer is authenticated; messages may be sent */
    TSR_LWM2M_CHANNEL_DATA, /* one message */
    TSR_LWM2M_CHANNEL_COAP, /* a stream: the client's CoAP engine has events of it already */
    TSR_LWM2M_CHANNEL_DOWN, /* over; open it again to go on */
} tsr_lwm2m_channel_event_kind;

typedef struct {
    tsr_lwm2m_channel_event_kind kind;
    tsr_bytes data;     /* DATA; lives until the next call on the channel */
    bool doubted;       /* DATA: may be of before a restart; `fresh` ends that */
    bool anew;          /* UP: not what the registration was made over (Transport 6.4.3) */
    bool peer_closed;   /* DOWN: in good order, by the peer */
    bool final;         /* DOWN: trying again is of no use (Transport 5.2.10: alert class "fail") */
    bool local;         /* DOWN: for a reason on this side, as a secure service that is gone */
    uint8_t alert;      /* DOWN: for /1/x/11; 0: none */
    const char *reason; /* DOWN: a word for the log; never NULL then */
} tsr_lwm2m_channel_event;

/** `state` is the channel's own context, placed by the caller. Order of calls as for every engine:
 *  feed, then next until false; poll until TSR_END, then next until false. */
typedef struct {
    /** Continues a saved session or begins a handshake; UP follows, at once or later.
     *  errors  TSR_E_CRYPTO (secure service gone), TSR_E_SPACE: try again later */
    tsr_err (*open)(void *state, uint64_t now_ms);
    tsr_err (*feed)(void *state, tsr_bytes datagram, uint64_t now_ms);
    bool (*next)(void *state, tsr_lwm2m_channel_event *event);
    /** errors  TSR_END  nothing to send */
    tsr_err (*poll)(void *state, tsr_buf *datagram, uint64_t now_ms);
    uint64_t (*due_ms)(const void *state);
    /** Protects a message into a datagram of its own.
     *  errors  TSR_E_STATE  not up; any other: lost, DOWN may follow */
    tsr_err (*send)(void *state, tsr_bytes message, tsr_buf *datagram);
    /** Ends the session; polite: tell the peer (the datagram comes from poll) and forget what was
     *  saved; else forget it silently, because the peer does not know it any more. */
    void (*close)(void *state, bool polite);
    /** The local address changed. False: the session cannot go on from there, open it again. */
    bool (*moved)(void *state);
    /** The DATA that `next` gave last was sent after the channel was opened. NULL: it doubts none. */
    void (*fresh)(void *state);
} tsr_lwm2m_channel;

#endif
