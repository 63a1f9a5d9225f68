/* SPDX-License-Identifier: Apache-2.0
 *
 * One long resource by GET, block by block, each handed over as it comes: nothing is held. It goes
 * on after silence, a restart of either end, or an offset that was kept, as long as the ETag is the
 * same; else it begins anew. An engine of its own over messages, so that a download needs a few
 * hundred bytes and neither exchanges nor bodies.
 *
 *     tsr_coap_download_feed(d, datagram, now)     then take its event at once
 *     tsr_coap_download_poll(d, &datagram, now)    send this; TSR_END: nothing now
 *     tsr_coap_download_event_next(d, &event)
 *     tsr_coap_download_due_ms(d) */
#ifndef TESSERA_COAP_DOWNLOAD_H
#define TESSERA_COAP_DOWNLOAD_H

#include "tessera/coap/message.h"
#include "tessera/coap/uri.h"

typedef struct {
    tsr_coap_uri uri;  /* its text must stay where it is */
    uint32_t offset;   /* where to go on; a multiple of the block size */
    tsr_bytes etag;    /* of what lies before; copied; empty: unknown */
    uint64_t seed;     /* from a good random source, new at every start */
    uint32_t ack_timeout_ms; /* RFC 7252 §4.8; 0: 2000 */
    uint8_t max_retransmit;  /* 16 at most */
    uint8_t szx;       /* largest block: 16 << szx bytes, 0 to 6 */
    uint8_t tries;     /* failures in a row before it is given up */
    uint32_t wait_ms, wait_most_ms; /* after the first failure, doubled after each further one */
} tsr_coap_download_config;

typedef enum {
    TSR_COAP_DOWNLOAD_PART,    /* offset, part, last, etag */
    TSR_COAP_DOWNLOAD_LOST,    /* given up: nobody answers, or only with 5.xx and nonsense */
    TSR_COAP_DOWNLOAD_REFUSED, /* given up: code, 4.xx */
    TSR_COAP_DOWNLOAD_TOO_LONG, /* given up: more than 2^20 blocks */
} tsr_coap_download_kind;

/** Views live until the next call. */
typedef struct {
    tsr_coap_download_kind kind;
    uint8_t code;
    bool last;
    uint32_t offset; /* 0 again: what came before is void */
    tsr_bytes part;
    tsr_bytes etag;  /* empty: none */
} tsr_coap_download_event;

typedef struct {
    /* private */
    tsr_coap_download_config config;
    uint8_t state, sent, failures, anew, etag_len, szx;
    bool send, has_event;
    uint8_t etag[8];
    uint8_t reply;      /* 1 + the type of an empty message that is owed */
    uint16_t mid, reply_mid;
    uint32_t offset, timeout_ms;
    uint64_t token, draws, due_ms;
    tsr_coap_download_event event;
} tsr_coap_download;

/** Begins; the first request goes out with the next poll.
 *  errors  TSR_E_ARGUMENT  an ETag of more than 8 bytes, szx above 6, max_retransmit above 16, an
 *                          offset within a block or beyond the last that a number can name */
tsr_err tsr_coap_download_begin(tsr_coap_download *d, const tsr_coap_download_config *config,
                                uint64_t now_ms);

/** source  RFC 7959 §2.4, RFC 7252 §4.2
 *  note    what is not for this download is dropped, or answered with RST */
void tsr_coap_download_feed(tsr_coap_download *d, tsr_bytes datagram, uint64_t now_ms);

/** units   datagram: an empty writer; 600 bytes are enough for a URI of 255
 *  errors  TSR_END, TSR_E_SPACE */
tsr_err tsr_coap_download_poll(tsr_coap_download *d, tsr_buf *datagram, uint64_t now_ms);

bool tsr_coap_download_event_next(tsr_coap_download *d, tsr_coap_download_event *event);
uint64_t tsr_coap_download_due_ms(const tsr_coap_download *d);

/** Whether it is neither over nor given up. */
bool tsr_coap_download_runs(const tsr_coap_download *d);

#endif
