/* SPDX-License-Identifier: Apache-2.0
 *
 * CoAP options: read in place, one after the other, and written in order. */
#ifndef TESSERA_COAP_OPTION_H
#define TESSERA_COAP_OPTION_H

#include "tessera/base/bytes.h"

/** Option numbers (RFC 7252 §12.2, RFC 7641 §2, RFC 7959 §2.1 and RFC 7959 §4, RFC 8613 §2, RFC 9175 §2.2
 *  and RFC 9175 §3.2.1). */
enum {
    TSR_COAP_IF_MATCH = 1,
    TSR_COAP_URI_HOST = 3,
    TSR_COAP_ETAG = 4,
    TSR_COAP_IF_NONE_MATCH = 5,
    TSR_COAP_OBSERVE = 6,
    TSR_COAP_URI_PORT = 7,
    TSR_COAP_LOCATION_PATH = 8,
    TSR_COAP_OSCORE = 9,
    TSR_COAP_URI_PATH = 11,
    TSR_COAP_CONTENT_FORMAT = 12,
    TSR_COAP_MAX_AGE = 14,
    TSR_COAP_URI_QUERY = 15,
    TSR_COAP_ACCEPT = 17,
    TSR_COAP_LOCATION_QUERY = 20,
    TSR_COAP_BLOCK2 = 23,
    TSR_COAP_BLOCK1 = 27,
    TSR_COAP_SIZE2 = 28,
    TSR_COAP_PROXY_URI = 35,
    TSR_COAP_PROXY_SCHEME = 39,
    TSR_COAP_SIZE1 = 60,
    TSR_COAP_ECHO = 252,
    TSR_COAP_REQUEST_TAG = 292,
};

typedef struct {
    uint16_t number;
    tsr_bytes value;
} tsr_coap_opt;

/** Reads options; start it as { .rest = options and payload }. */
typedef struct {
    tsr_bytes rest;
    uint32_t number;   /* of the option taken last */
    tsr_bytes payload; /* set with TSR_END; empty when the message has none */
} tsr_coap_opts;

/** Takes the next option, in wire order, without copying.
 *
 *  source  RFC 7252 §3.1 (delta and length), §3 (payload marker)
 *  units   opt->value.len in bytes, 0 to 65804; opt->number 0 to 65535
 *  owner   opt->value points into the message and lives as long as it does
 *  errors  TSR_END          no option left; it->payload is set; calling again is harmless
 *          TSR_E_MALFORMED  reserved nibble 15, value past the end, number above
 *                           65535, or marker without payload; `it` is unchanged
 */
tsr_err tsr_coap_opt_next(tsr_coap_opts *it, tsr_coap_opt *opt);

/** Takes the next option with this number, skipping others.
 *  errors  TSR_END when none is left; TSR_E_MALFORMED as tsr_coap_opt_next */
tsr_err tsr_coap_opt_find(tsr_coap_opts *it, uint16_t number, tsr_bytes *value);

/** Reads an option value of format uint: 0 to 4 bytes, big-endian, leading zeros allowed.
 *
 *  source  RFC 7252 §3.2
 *  errors  TSR_E_MALFORMED  longer than 4 bytes
 */
tsr_err tsr_coap_opt_uint(tsr_bytes value, uint32_t *v);

/** Writes one option after the one whose number is *last, and moves *last.
 *
 *  source  RFC 7252 §3.1
 *  owner   value is copied
 *  errors  (in out->err) TSR_E_ARGUMENT  number below *last, or value above 65804 bytes
 *                        TSR_E_SPACE     it does not fit
 */
void tsr_coap_put_opt(tsr_buf *out, uint16_t *last, uint16_t number, tsr_bytes value);

/** Writes an option of format uint in its shortest form. RFC 7252 §3.2 */
void tsr_coap_put_opt_uint(tsr_buf *out, uint16_t *last, uint16_t number, uint32_t v);

/** Writes one option per segment of a text such as "/rd/5a3f" (separator '/') or "a=1&b=2"
 *  (separator '&'). A leading separator is dropped; "" and "/" write nothing. No percent-decoding.
 *  */
void tsr_coap_put_opt_text(tsr_buf *out, uint16_t *last, uint16_t number, const char *text,
                           char separator);

#endif
