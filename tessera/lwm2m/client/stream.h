/* SPDX-License-Identifier: Apache-2.0
 *
 * An opaque resource that is written in blocks and taken part by part, because it is longer than any
 * body that is held: the Package of Firmware Update. Apart, so that a client without one links none
 * of it. Over the small CoAP engine, and over TCP, bodies are not cut this way. */
#ifndef TESSERA_LWM2M_CLIENT_STREAM_H
#define TESSERA_LWM2M_CLIENT_STREAM_H

#include "tessera/lwm2m/client/client.h"

/** The caller zeroes it and sets the first part. */
typedef struct tsr_lwm2m_stream {
    tsr_lwm2m_path at; /* of the resource; may be changed any time. 65535: of no instance */
    /** Takes the next part; see tsr_lwm2m_firmware_push() for what it may answer. `source` is the
     *  account. Called from inside tsr_lwm2m_client_feed(); must not call the client. */
    tsr_err (*part)(void *user, uint32_t source, uint32_t offset, tsr_bytes part, bool last,
                    uint64_t now_ms);
    void *user;
    /* private */
    tsr_lwm2m_client *client;
    tsr_coap_sink sink;
    uint32_t key; /* of the request whose blocks are taken */
    struct tsr_lwm2m_stream *next;
} tsr_lwm2m_stream;

/** Gives what servers write to `s->at` with Block1, as octets (or with no format at all), to
 *  `s->part`. Anything else about the resource stays with its object. After init; as many as are
 *  wanted.
 *
 *  source  Core 6.3.3; RFC 7959 §2.5
 *  owner   s must outlive the client
 *  note    answers: 2.31, then 2.04; 4.01 no access, 4.05 TSR_E_DENIED, 4.08 TSR_E_STATE, 4.13
 *          TSR_E_SPACE, 5.00. What changed is saved before the last answer goes out */
void tsr_lwm2m_client_stream(tsr_lwm2m_client *c, tsr_lwm2m_stream *s);

#endif
