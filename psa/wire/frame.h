/* SPDX-License-Identifier: Apache-2.0
 *
 * One psa_call() as bytes, for gates that are a channel (docs/WIRE.md, "The wall's frames").
 * A frame is one datagram; nothing in it is trusted. */
#ifndef PSA_WIRE_FRAME_H
#define PSA_WIRE_FRAME_H

#include "psa/client.h"
#include "tessera/base/bytes.h"

#define TSR_WIRE_VERSION 1u
#define TSR_WIRE_MAX     20480u /* bytes of any frame; a TLS record of 16 KiB fits one call */
#define TSR_WIRE_HELLO   16u    /* bytes */
#define TSR_WIRE_HEAD    (12u + 4u * PSA_MAX_IOVEC) /* the longest head of a request */

typedef struct {
    psa_handle_t handle;
    int32_t type;
    size_t in_len, out_len;
    tsr_bytes in[PSA_MAX_IOVEC]; /* views into the frame */
    size_t room[PSA_MAX_IOVEC];  /* what the client can take of each output */
} tsr_wire_request;

typedef struct {
    psa_status_t status; /* PSA_SUCCESS, or why the service will not talk */
    int32_t client;      /* the number under which the service knows this client */
    uint32_t frame_max;  /* longest frame it takes */
} tsr_wire_hello;

/** Writes the head of a request; the inputs' bytes follow it in order (scatter output).
 *  errors  out->err TSR_E_SPACE */
void tsr_wire_request_head(tsr_buf *out, psa_handle_t handle, int32_t type, const psa_invec *in,
                           size_t in_len, const psa_outvec *outputs, size_t out_len);

/** Reads a whole request.
 *
 *  owner   req->in point into the frame
 *  errors  TSR_E_MALFORMED  not exactly one request: bad mark, version, counts, lengths beyond the
 *                           frame, bytes left over, or an answer that could not fit a frame */
tsr_err tsr_wire_request_read(tsr_bytes frame, tsr_wire_request *req);

/** Lays out the reply: outputs[i] gets room[i] bytes inside `reply`, right behind its head.
 *  errors  TSR_E_SPACE  reply->cap is too small; at most TSR_WIRE_MAX is ever needed */
tsr_err tsr_wire_reply_open(tsr_buf *reply, const tsr_wire_request *req, psa_outvec *outputs);

/** Writes the head and moves the outputs together. A failed call carries no output bytes; their
 *  memory is wiped. */
void tsr_wire_reply_close(tsr_buf *reply, const tsr_wire_request *req, psa_status_t status,
                          const psa_outvec *outputs);

/** A reply that carries a status and nothing else. */
void tsr_wire_reply_status(tsr_buf *reply, size_t out_len, psa_status_t status);

/** Reads a whole reply to a request that had `out_len` outputs.
 *
 *  owner   out[0 .. out_len-1] point into the frame
 *  errors  TSR_E_MALFORMED  as for a request, or another number of outputs */
tsr_err tsr_wire_reply_read(tsr_bytes frame, size_t out_len, psa_status_t *status, tsr_bytes *out);

/** The service's first frame on a new connection. errors TSR_E_MALFORMED */
void tsr_wire_hello_write(tsr_buf *out, const tsr_wire_hello *hello);
tsr_err tsr_wire_hello_read(tsr_bytes frame, tsr_wire_hello *hello);

#endif
