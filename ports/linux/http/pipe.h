/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection below a request: TCP, with a layer on it for https. */
#ifndef PORTS_LINUX_HTTP_PIPE_H
#define PORTS_LINUX_HTTP_PIPE_H

#include "ports/linux/host/tcp.h"
#include "ports/linux/http/layer.h"
#include "tessera/http/http.h"

enum { TSR_PIPE_IN = 4096 };

typedef struct {
    const char *cause; /* after an error */
    tsr_tcp tcp;
    const tsr_fetch_layer *layer; /* NULL: only plain connections can be had */
    void *layer_self;
    bool secure; /* the connection that is open has the layer */
    bool closed; /* the peer has ended it; `cut`: and not in good order */
    bool cut;
    uint8_t in[TSR_PIPE_IN], raw[TSR_PIPE_IN];
    size_t in_at, in_len, raw_at, raw_len;
} tsr_pipe;

/** Connects anew. errors  as of tsr_tcp_connect() and the layer's begin */
tsr_err tsr_pipe_connect(tsr_pipe *p, const tsr_udp_uri *at, bool secure, uint64_t now_ms);

/** Closes; harmless twice. */
void tsr_pipe_close(tsr_pipe *p);

/** Sends what the request has, as far as it goes.
 *  errors  TSR_E_DENIED  the request's time is over, or the layer refuses the peer; TSR_E_IO  the
 *                        connection failed, and may still have something to be heard */
tsr_err tsr_pipe_push(tsr_pipe *p, tsr_http *http, uint64_t now_ms);

/** Refills the bytes of in; all of them were taken.
 *  errors  TSR_OK    some are there, or `closed`
 *          TSR_END   nothing now
 *          TSR_E_IO  the layer refuses the peer, or what it sends */
tsr_err tsr_pipe_pull(tsr_pipe *p, uint64_t now_ms);

/** What poll(2) is to look for, and until when; UINT64_MAX: for ever. */
short tsr_pipe_watches(const tsr_pipe *p);
uint64_t tsr_pipe_due_ms(const tsr_pipe *p);

#endif
