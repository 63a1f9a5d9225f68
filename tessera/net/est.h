/* SPDX-License-Identifier: Apache-2.0
 *
 * Enrolment over coaps, the device's side: fetches the authority's certificates, asks for one of its
 * own for a key behind PSA, waits as the server says, and judges what comes.
 *
 *     tsr_est_begin(e, now)                 begins, or begins anew
 *     tsr_est_feed(e, message, now)         a CoAP message came from the server
 *     tsr_est_poll(e, &message, now)        send this there; TSR_END: nothing now
 *     tsr_est_event_next(e, &event)         what happened
 *     tsr_est_due_ms(e)                     poll again by then
 *
 * Messages go through a DTLS session of the caller's, whose server is authenticated before anything is
 * sent (RFC 9148 §3). The private key never leaves PSA, and what is stored is the caller's affair.
 *
 * Not done: CSR attributes, keys made by the server, linking the request to the session (challenge
 * passwords); the first two are optional and LwM2M has no use for them. */
#ifndef TESSERA_NET_EST_H
#define TESSERA_NET_EST_H

#include "tessera/coap/engine.h"

enum {
    TSR_EST_BODY = 4096, /* bytes of an answer: a sensible config->coap.body_len */
    TSR_EST_ROOM = 8192, /* a sensible config->room_len */
};

typedef enum {
    TSR_EST_WAITING,  /* the server wants to be asked again: `wait_s` */
    TSR_EST_ENROLLED, /* `certificate` is for our key, and `authorities` vouch for it */
    TSR_EST_FAILED,   /* `reason`, `code`; begin again later */
} tsr_est_event_kind;

typedef struct {
    tsr_est_event_kind kind;
    uint32_t wait_s;
    uint8_t code;          /* FAILED: of the server's answer; 0: another reason */
    const char *reason;    /* FAILED: for the log; never NULL then */
    tsr_bytes certificate; /* ENROLLED: DER; lives until tsr_est_begin */
    tsr_bytes authorities; /* ENROLLED: the same, DER one after the other */
} tsr_est_event;

/** What the caller wants; everything pointed to outlives the context. */
typedef struct {
    const char *common_name; /* the endpoint; 1 to TSR_CSR_NAME_MAX bytes */
    uint32_t key_id;         /* PSA: a P-256 key pair that may sign */
    bool renew;              /* ask for another certificate in the place of one: /sren */
    const char *root;        /* "/est/label"; NULL: "/est", and "/.well-known/est" when the server does
                                not know that */
    uint16_t retries;        /* how often to come again when told to; 0: 100 */
    uint8_t *room;           /* the request and what comes: TSR_EST_ROOM bytes */
    size_t room_len;
    const tsr_coap_config *coap; /* peers 1, exchanges 2, bodies 2, body_len TSR_EST_BODY; seed */
    void *coap_memory;
    size_t coap_memory_len;
} tsr_est_config;

typedef struct {
    /* private */
    tsr_est_config config;
    tsr_coap coap;
    tsr_coap_id request;
    tsr_buf room;
    tsr_bytes csr, authorities;
    tsr_est_event event;
    uint64_t again_ms;
    uint16_t waits;
    uint8_t step;
    bool event_waits, well_known;
} tsr_est;

/** Places a context.
 *  errors  TSR_E_ARGUMENT  a member is missing;  TSR_E_SPACE  coap_memory is too small */
tsr_err tsr_est_init(tsr_est *e, const tsr_est_config *config);

/** Writes the request, signed by the key, and asks for the authority's certificates.
 *  errors  those of tsr_csr_write_der; TSR_E_SPACE also when room is too small */
tsr_err tsr_est_begin(tsr_est *e, uint64_t now_ms);

/** owner   message must stay until the call returns
 *  errors  none that matter: bad messages are dropped */
tsr_err tsr_est_feed(tsr_est *e, tsr_bytes message, uint64_t now_ms);

/** units   message: an empty writer; config.coap->exchange_len + 64 is enough
 *  errors  TSR_END  nothing to send now */
tsr_err tsr_est_poll(tsr_est *e, tsr_buf *message, uint64_t now_ms);

bool tsr_est_event_next(tsr_est *e, tsr_est_event *event);

/** UINT64_MAX: never. */
uint64_t tsr_est_due_ms(const tsr_est *e);

#endif
