/* SPDX-License-Identifier: Apache-2.0
 *
 * CoAP over TCP (RFC 8323) as the channel of an account: one connection to the server, made and made
 * again as the client wants it. The host connects and moves bytes:
 *
 *     tsr_lwm2m_tcp_wants(t)              connect to the server, then tell what came of it:
 *     tsr_lwm2m_tcp_connected(t, now)     the link is up
 *     tsr_lwm2m_tcp_broken(t, why, local) it cannot be had, or is over
 *     tsr_lwm2m_client_feed(c, account, bytes, now)   at most tsr_lwm2m_tcp_room(t) bytes came in
 *     tsr_lwm2m_client_poll(c, &account, &bytes, now) bytes to send, all of them and in this order
 *     tsr_lwm2m_tcp_full(t, true)         the link takes nothing now: poll gives nothing for it
 *     !tsr_lwm2m_tcp_holds(t)             close the link that was up, once what was polled is sent
 *
 * What lies between the bytes and CoAP, as TLS, is a layer (tls_channel.h); without one nothing does.
 * A server knows nothing of observations of an earlier connection (RFC 8323 §7.4), so each connection
 * begins with a Register. */
#ifndef TESSERA_LWM2M_CLIENT_TCP_CHANNEL_H
#define TESSERA_LWM2M_CLIENT_TCP_CHANNEL_H

#include "tessera/coap/streams.h"
#include "tessera/lwm2m/client/client.h"

enum { TSR_LWM2M_TCP_PLAIN = 1024 }; /* bytes that a layer gives at a time */

/** What protects the bytes of a connection. `state` is its own context, placed by the caller. */
typedef struct {
    /** A link is up: begin.
     *  errors  TSR_E_CRYPTO (secure service gone), TSR_E_SPACE: try again later */
    tsr_err (*open)(void *state, uint64_t now_ms);
    /** Takes bytes off the front of `in`, as many as are good for something, and appends what was
     *  inside.
     *  errors  TSR_END  nothing more without more bytes; any other: it is over, `down` says why */
    tsr_err (*take)(void *state, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms);
    /** Whether the server is authenticated; bytes of CoAP may be sent. */
    bool (*is_up)(const void *state);
    /** Appends bytes of its own. errors TSR_END none; any other: it is over */
    tsr_err (*poll)(void *state, tsr_buf *out, uint64_t now_ms);
    /** Protects bytes, all of them. units out: TSR_LWM2M_TCP_PLAIN bytes cost `more` besides */
    tsr_err (*seal)(void *state, tsr_bytes plain, tsr_buf *out);
    size_t more;
    /** The link is over, or to be closed: `polite` appends a last word to `out`. Harmless twice. */
    void (*close)(void *state, tsr_buf *out);
    /** Fills alert, final, local and reason of a DOWN event. */
    void (*down)(const void *state, tsr_lwm2m_channel_event *event);
    uint64_t (*due_ms)(const void *state);
} tsr_lwm2m_tcp_layer;

/** The channel's state. Zero it, and set the first part. */
typedef struct {
    const tsr_lwm2m_tcp_layer *layer; /* NULL: CoAP stands in the bytes as it is */
    void *layer_state;
    uint8_t *in; /* what came in and is not taken yet: 1,024 bytes at least; a layer needs no more */
    size_t in_cap;
    /* private */
    tsr_lwm2m_client *client;
    tsr_coap_stream stream;
    uint8_t phase;
    bool tell_up, tell_down, last_word, full, local, peer_closed;
    const char *reason;
    size_t in_len, plain_len;
    uint64_t hold_ms; /* not before: the server said so (RFC 8323 §5.5) */
    uint8_t plain[TSR_LWM2M_TCP_PLAIN];
} tsr_lwm2m_tcp;

extern const tsr_lwm2m_channel tsr_lwm2m_tcp_channel;

/** Places the channel of one account; before its account has it.
 *
 *  config  as for tsr_coap_stream_init_device(); the peer is set here, and exchanges are at most
 *          TSR_COAP_STREAMS_EXCHANGES
 *  owner   `memory` and `client` must outlive the channel
 *  errors  TSR_E_ARGUMENT, TSR_E_SPACE as that function */
tsr_err tsr_lwm2m_tcp_init(tsr_lwm2m_tcp *t, tsr_lwm2m_client *client, size_t account,
                           const tsr_coap_stream_config *config, void *memory, size_t memory_len);

/** Teaches a client to have such accounts; after its init, over the whole CoAP engine.
 *  owner   `streams` is zeroed by the caller and outlives the client
 *  errors  TSR_E_ARGUMENT  more accounts than tsr_coap_streams_set() takes */
tsr_err tsr_lwm2m_tcp_use(tsr_lwm2m_client *client, tsr_coap_streams *streams);

/** Before its memory goes: ends it without a word. Harmless twice. */
void tsr_lwm2m_tcp_drop(tsr_lwm2m_tcp *t);

bool tsr_lwm2m_tcp_wants(const tsr_lwm2m_tcp *t, uint64_t now_ms);
bool tsr_lwm2m_tcp_holds(const tsr_lwm2m_tcp *t);
size_t tsr_lwm2m_tcp_room(const tsr_lwm2m_tcp *t);
void tsr_lwm2m_tcp_full(tsr_lwm2m_tcp *t, bool full);

/** Forgets what came in and was taken: after a bootstrap server has written keys. */
void tsr_lwm2m_tcp_wipe(tsr_lwm2m_tcp *t);

void tsr_lwm2m_tcp_connected(tsr_lwm2m_tcp *t, uint64_t now_ms);

/** `why`: for the log, outlives the channel; NULL: the server closed it in good order. `local`: the
 *  cause is on this side, so that no attempt of Core 6.2.1.2 is used up. */
void tsr_lwm2m_tcp_broken(tsr_lwm2m_tcp *t, const char *why, bool local);

#endif
