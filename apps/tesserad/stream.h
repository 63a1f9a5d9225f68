/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection of one server account whose URI says coap+tcp. */
#ifndef APPS_TESSERAD_STREAM_H
#define APPS_TESSERAD_STREAM_H

#include "ports/linux/host/tcp.h"
#include "tessera/lwm2m/client/tls_channel.h"

enum { STREAM_IN = 4096 };

/** Zero it; tcp.link.fd is -1 between stream_end and stream_begin. */
typedef struct {
    bool used;
    tsr_tcp tcp;
    tsr_lwm2m_tcp channel;
    tsr_lwm2m_tls tls; /* of coaps+tcp */
    /* private */
    const tsr_udp_uri *uri;
    unsigned server; /* for the log */
    bool told;       /* that it cannot connect */
    uint8_t in[STREAM_IN];
    uint8_t session[TSR_TLS_KEPT_MAX]; /* of TLS: in memory alone, as its master secret is in it */
    void *memory;
    size_t memory_len;
} stream;

/** Places the channel; nothing is connected yet.
 *  owner   uri, security and client must outlive it
 *  errors  TSR_E_SPACE; TSR_E_UNSUPPORTED  a mode that has no TLS */
tsr_err stream_begin(stream *s, tsr_lwm2m_client *client, size_t account, const tsr_udp_uri *uri,
                     const tsr_lwm2m_security *security, size_t body_len);
void stream_end(stream *s);

/** What poll(2) is to watch; 0: nothing. */
short stream_watches(const stream *s);
uint64_t stream_due_ms(const stream *s);

/** The descriptor is ready for `revents`, or it is time: connects, ends, sends what was kept. True:
 *  the client is to be polled again. */
bool stream_step(stream *s, short revents, uint64_t now_ms);

/** Some of what came; errors TSR_END nothing now, or the client is not ready to take it. */
tsr_err stream_receive(stream *s, tsr_buf *bytes);

void stream_send(stream *s, tsr_bytes bytes);

#endif
