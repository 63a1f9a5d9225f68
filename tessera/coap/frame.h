/* SPDX-License-Identifier: Apache-2.0
 *
 * CoAP messages in a stream of bytes, as TCP and TLS carry them: cut out of it, and written into
 * it. Type, Message ID and version are not on the wire; everything else is as in a datagram. */
#ifndef TESSERA_COAP_FRAME_H
#define TESSERA_COAP_FRAME_H

#include "tessera/coap/message.h"

/** Signalling codes, RFC 8323 §11.1. */
enum {
    TSR_COAP_CSM = 0xe1,     /* 7.01 */
    TSR_COAP_PING = 0xe2,    /* 7.02 */
    TSR_COAP_PONG = 0xe3,    /* 7.03 */
    TSR_COAP_RELEASE = 0xe4, /* 7.04 */
    TSR_COAP_ABORT = 0xe5,   /* 7.05 */
};

/** Max-Message-Size while the peer has not said otherwise, RFC 8323 §5.3.1. */
#define TSR_COAP_MESSAGE_BASE 1152u

/** What a deframer's memory takes beside the largest message: there a message stands as in a
 *  datagram, whose header is longer. */
#define TSR_COAP_FRAME_SPARE 2u

/** What a frame takes at most beside options and payload, RFC 8323 §3.2. */
#define TSR_COAP_FRAME_HEAD (2u + 4u + TSR_COAP_TOKEN_MAX)

static inline bool tsr_coap_is_signal(uint8_t code) { return code >> 5 == 7; }

/** One message out of a stream. */
typedef struct {
    uint8_t code;
    tsr_bytes token;
    tsr_bytes rest;     /* options and payload, for tsr_coap_opts */
    tsr_bytes datagram; /* for tsr_coap_msg_parse, which takes requests and responses: type CON,
                           Message ID 0 */
} tsr_coap_frame;

/** Cuts a stream into messages. */
typedef struct {
    /* private */
    uint8_t *room;
    size_t cap, need, have; /* of the message in `room`; have 0: its head is not whole */
    uint8_t head[6];
    uint8_t head_len;
} tsr_coap_deframer;

/** Places a deframer over memory that stays the caller's.
 *
 *  units   cap: the largest message to accept, in bytes from its first to its last, plus
 *          TSR_COAP_FRAME_SPARE; 32 at least
 *  errors  TSR_E_ARGUMENT  cap too small */
tsr_err tsr_coap_deframer_init(tsr_coap_deframer *d, uint8_t *room, size_t cap);

/** Takes bytes off the front of `in` up to the end of one message.
 *
 *  source  RFC 8323 §3.2 (length, token, code), RFC 7252 §3 (token lengths)
 *  owner   frame points into the deframer's memory and lives until the next call
 *  errors  TSR_END          all of `in` was taken and the message is not whole
 *          TSR_E_MALFORMED  token length 9 to 15
 *          TSR_E_SPACE      the message is longer than the caller's memory allows; told from its
 *                           head, before more of it is awaited
 *  note    after an error the stream has no next message: abort the connection */
tsr_err tsr_coap_deframe(tsr_coap_deframer *d, tsr_bytes *in, tsr_coap_frame *frame);

/** Begins a message; options follow with tsr_coap_put_opt from *last = 0, then frame_end.
 *
 *  source  RFC 8323 §3.2
 *  errors  (in out->err) TSR_E_ARGUMENT token longer than 8 bytes; TSR_E_SPACE
 *  returns where it begins, for frame_end */
size_t tsr_coap_frame_begin(tsr_buf *out, uint8_t code, tsr_bytes token);

/** Ends the message that began at `at` with its payload, which may be empty, and writes its length.
 *  errors  (in out->err) TSR_E_SPACE */
void tsr_coap_frame_end(tsr_buf *out, size_t at, tsr_bytes payload);

#endif
