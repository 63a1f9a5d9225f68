/* SPDX-License-Identifier: Apache-2.0
 *
 * What can go wrong, as application/problem+json (RFC 9457 §3). Private to server/rest. */
#ifndef SERVER_REST_PROBLEM_H
#define SERVER_REST_PROBLEM_H

#include "tessera/base/bytes.h"
#include "tessera/lwm2m/model/path.h"
#include "tessera/lwm2m/model/value.h"

typedef enum {
    REST_NO_SUCH_PATH,
    REST_UNKNOWN_DEVICE,
    REST_UNKNOWN_CREDENTIAL,
    REST_UNKNOWN_MODEL,
    REST_UNKNOWN_REQUEST,
    REST_READ_ONLY,
    REST_UNKNOWN_PLAN,
    REST_UNKNOWN_PROFILE,
    REST_UNKNOWN_VOUCHER,
    REST_VOUCHER_REFUSED,
    REST_METHOD,
    REST_UNAUTHORIZED,
    REST_FOREIGN_ORIGIN,
    REST_MISDIRECTED,
    REST_BAD_QUERY,
    REST_BAD_JSON,
    REST_BAD_BODY,
    REST_WRONG_TYPE,
    REST_TOO_LARGE,
    REST_URI_TOO_LONG,
    REST_MEDIA_TYPE,
    REST_DEVICE_REFUSED,
    REST_DEVICE_TIMEOUT,
    REST_DEVICE_GONE,
    REST_DEVICE_BUSY,
    REST_DEVICE_GARBLED,
    REST_NOT_POSSIBLE,
    REST_REQUEST_OVER,
    REST_IDENTITY_TAKEN,
    REST_TOO_MANY_STREAMS,
    REST_UNAVAILABLE,
    REST_INTERNAL,
    REST_PROBLEM_KINDS
} rest_problem_kind;

typedef struct {
    rest_problem_kind kind;
    unsigned status;            /* 0: the usual one of the kind */
    const char *detail;         /* cause and remedy; NULL: none */
    uint8_t coap_code;          /* the device's answer; 0: none */
    tsr_lwm2m_type expected;    /* of REST_WRONG_TYPE; else NONE */
    const tsr_lwm2m_path *path; /* what it is about; NULL: none */
} rest_problem;

/** The status that goes with it. */
unsigned rest_problem_status(const rest_problem *problem);

/** Writes the document; `out` is grown as needed. */
void rest_problem_put(tsr_buf *out, const rest_problem *problem);

/** The HTTP status for the refusal of a device: 404 for 4.04, 403 for 4.01 and 4.03, 413 for 4.13,
 *  409 for the rest of 4.xx, 502 for everything else. */
unsigned rest_status_of_coap(uint8_t code);

/** Prints "4.04". */
void rest_put_coap_code(tsr_buf *out, uint8_t code);

#endif
