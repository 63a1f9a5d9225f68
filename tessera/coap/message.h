/* SPDX-License-Identifier: Apache-2.0
 *
 * CoAP messages over datagrams: one pass from bytes to a struct of views, and back. */
#ifndef TESSERA_COAP_MESSAGE_H
#define TESSERA_COAP_MESSAGE_H

#include "tessera/coap/option.h"

/** Message types, RFC 7252 §3. */
enum { TSR_COAP_CON = 0, TSR_COAP_NON = 1, TSR_COAP_ACK = 2, TSR_COAP_RST = 3 };

/** A code from its class and detail: TSR_COAP_CODE(2, 05) is 2.05. */
#define TSR_COAP_CODE(cls, detail) ((uint8_t)((cls) << 5 | (detail)))

/** Codes, RFC 7252 §12.1, RFC 7959 §2.9, RFC 8132 §6, RFC 8516 §3. */
enum {
    TSR_COAP_EMPTY = 0x00,
    TSR_COAP_GET = 0x01,
    TSR_COAP_POST = 0x02,
    TSR_COAP_PUT = 0x03,
    TSR_COAP_DELETE = 0x04,
    TSR_COAP_FETCH = 0x05,
    TSR_COAP_PATCH = 0x06,
    TSR_COAP_IPATCH = 0x07,
    TSR_COAP_CREATED = 0x41,                /* 2.01 */
    TSR_COAP_DELETED = 0x42,                /* 2.02 */
    TSR_COAP_VALID = 0x43,                  /* 2.03 */
    TSR_COAP_CHANGED = 0x44,                /* 2.04 */
    TSR_COAP_CONTENT = 0x45,                /* 2.05 */
    TSR_COAP_CONTINUE = 0x5f,               /* 2.31 */
    TSR_COAP_BAD_REQUEST = 0x80,            /* 4.00 */
    TSR_COAP_UNAUTHORIZED = 0x81,           /* 4.01 */
    TSR_COAP_BAD_OPTION = 0x82,             /* 4.02 */
    TSR_COAP_FORBIDDEN = 0x83,              /* 4.03 */
    TSR_COAP_NOT_FOUND = 0x84,              /* 4.04 */
    TSR_COAP_METHOD_NOT_ALLOWED = 0x85,     /* 4.05 */
    TSR_COAP_NOT_ACCEPTABLE = 0x86,         /* 4.06 */
    TSR_COAP_INCOMPLETE = 0x88,             /* 4.08 */
    TSR_COAP_CONFLICT = 0x89,               /* 4.09 */
    TSR_COAP_PRECONDITION_FAILED = 0x8c,    /* 4.12 */
    TSR_COAP_TOO_LARGE = 0x8d,              /* 4.13 */
    TSR_COAP_UNSUPPORTED_FORMAT = 0x8f,     /* 4.15 */
    TSR_COAP_UNPROCESSABLE = 0x96,          /* 4.22 */
    TSR_COAP_TOO_MANY_REQUESTS = 0x9d,      /* 4.29 */
    TSR_COAP_INTERNAL_ERROR = 0xa0,         /* 5.00 */
    TSR_COAP_NOT_IMPLEMENTED = 0xa1,        /* 5.01 */
    TSR_COAP_BAD_GATEWAY = 0xa2,            /* 5.02 */
    TSR_COAP_UNAVAILABLE = 0xa3,            /* 5.03 */
    TSR_COAP_GATEWAY_TIMEOUT = 0xa4,        /* 5.04 */
    TSR_COAP_PROXYING_NOT_SUPPORTED = 0xa5, /* 5.05 */
};

/** A number that may be absent; all zero is absent. `.accept = { true, 112 }` sets it. */
typedef struct {
    bool set;
    uint32_t value;
} tsr_coap_num;

/** A Block1 or Block2 option, RFC 7959 §2.2: block `num` of size 16 << szx bytes. */
typedef struct {
    bool set;
    bool more;
    uint8_t szx; /* 0 to 6; parsed also the reserved 7, which the engine answers with 4.00 */
    uint32_t num;
} tsr_coap_block;

#define TSR_COAP_TOKEN_MAX 8u /* RFC 7252 §3; longer tokens (RFC 8974) are not offered */
#define TSR_COAP_SEGMENTS  8u /* Uri-Path segments with direct access */

/** One message; every tsr_bytes is a view into the datagram it was parsed from. */
typedef struct {
    uint8_t type, code;
    uint16_t mid;
    uint16_t bad_option; /* the first critical option we cannot process, RFC 7252 §5.4; 0: none.
                            Proxy-Uri and Proxy-Scheme count, since we are no proxy */
    uint16_t bad_count;  /* how many of those there are */
    uint16_t path_count; /* Uri-Path options, also those beyond TSR_COAP_SEGMENTS */
    bool if_match, if_none_match;
    tsr_coap_num observe, content_format, accept, max_age, size1, size2;
    tsr_coap_block block1, block2;
    tsr_bytes etag;    /* the first one; ptr is NULL when there is none */
    tsr_bytes echo;    /* RFC 9175 §2.2; ptr is NULL when there is none */
    tsr_bytes token;   /* 0 to 8 bytes */
    tsr_bytes options; /* all options as they came, for tsr_coap_opts */
    tsr_bytes payload;
    tsr_bytes path[TSR_COAP_SEGMENTS]; /* Uri-Path; the first path_count are set */
} tsr_coap_msg;

/** Parses a datagram in one pass, without copying.
 *
 *  source  RFC 7252 §3 (header, token, marker), §5.4 (critical, repeated and ill-sized options),
 *          RFC 7959 §2.2
 *  owner   msg points into `datagram` and lives as long as it does
 *  errors  TSR_E_UNSUPPORTED  version other than 1: to be ignored silently (RFC 7252 §3)
 *          TSR_E_MALFORMED    shorter than 4 bytes; token length 9 to 15; an option that does not
 *                             parse; marker without payload; an Empty message with more than a
 *                             header; a code of a reserved class.
 *                             When the datagram has 4 bytes, msg->type and msg->mid are set all the
 *                             same, so that the message can be rejected; nothing else may be used.
 *  note    An unknown critical option is no error here: see msg->bad_option. An elective option of
 *          the wrong length, or a repeated one that must not be, is left out, as RFC 7252 §5.4
 *          wants.
 */
tsr_err tsr_coap_msg_parse(tsr_bytes datagram, tsr_coap_msg *msg);

/** Reads Uri-Path segments `from` and on as decimal numbers (an LwM2M path).
 *
 *  units   ids: room for `cap`; *count: how many were read
 *  errors  TSR_E_MALFORMED  a segment that is no number from 0 to 65535 (also: empty, leading zero)
 *          TSR_E_SPACE      more than `cap` segments are left, or more than TSR_COAP_SEGMENTS in
 *                           all
 */
tsr_err tsr_coap_msg_ids(const tsr_coap_msg *msg, size_t from, uint16_t *ids, size_t cap,
                         size_t *count);

/** Whether the path from segment `from` on is exactly this text, such as "/rd" or
 *  "/.well-known/core". */
bool tsr_coap_msg_path_is(const tsr_coap_msg *msg, size_t from, const char *text);

/** Whether the message has a critical option that neither this room nor the caller, who processes
 *  those in `critical`, knows. RFC 7252 §5.4.1 */
bool tsr_coap_msg_refused(const tsr_coap_msg *msg, const uint16_t *critical, size_t count);

/** Takes the next Uri-Query (start `it` as { .rest = msg->options }); TSR_END when none is left. */
tsr_err tsr_coap_query_next(tsr_coap_opts *it, tsr_bytes *query);

static inline bool tsr_coap_is_request(uint8_t code) { return code >= 1 && code < 0x20; }
static inline bool tsr_coap_is_response(uint8_t code) { return code >= 0x40 && code < 0xc0; }
static inline bool tsr_coap_is_success(uint8_t code) { return code >> 5 == 2; }

/** Writes header and token; options follow with tsr_coap_put_opt from *last = 0.
 *  source  RFC 7252 §3
 *  errors  (in out->err) TSR_E_ARGUMENT token longer than 8 bytes; TSR_E_SPACE */
void tsr_coap_put_header(tsr_buf *out, uint8_t type, uint8_t code, uint16_t mid, tsr_bytes token);

/** Writes marker and payload; nothing when the payload is empty. RFC 7252 §3 */
void tsr_coap_put_payload(tsr_buf *out, tsr_bytes payload);

/** Writes a Block1 or Block2 option. RFC 7959 §2.2 */
void tsr_coap_put_block(tsr_buf *out, uint16_t *last, uint16_t number, tsr_coap_block block);

static inline size_t tsr_coap_block_len(uint8_t szx) { return (size_t)16 << szx; }

#endif
