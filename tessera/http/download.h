/* SPDX-License-Identifier: Apache-2.0
 *
 * One long resource by GET over HTTP, handed over in pieces of 1,024 bytes as they come. After a cut it
 * goes on by Range and If-Range where the last whole piece ended, as long as the entity tag is the same;
 * else it begins anew. An engine above answers that somebody else fetches, over whatever connection:
 *
 *     tsr_http_download_poll(d, fields, now)           make this request; TSR_END: none now
 *     tsr_http_download_feed(d, status, &event, now)   an event of its answer; again while it has a body
 *     tsr_http_download_cut(d, now)                    there was no answer, or no end of it
 *     tsr_http_download_event_next(d, &event)          after each of them
 *     tsr_http_download_due_ms(d)                      poll by then
 *
 * While tsr_http_download_hears() is false, the connection of the last request is of no use. */
#ifndef TESSERA_HTTP_DOWNLOAD_H
#define TESSERA_HTTP_DOWNLOAD_H

#include "tessera/http/http.h"

enum {
    TSR_HTTP_DOWNLOAD_PIECE = 1024,
    TSR_HTTP_DOWNLOAD_ETAG = 64, /* longest entity tag that is known again, without its quotes */
    TSR_HTTP_DOWNLOAD_FIELDS = 3,
};

typedef struct {
    uint32_t offset;   /* where to go on: a multiple of the piece; without `etag` it is 0 */
    tsr_bytes etag;    /* of what lies before, without quotes; copied; empty: unknown */
    uint8_t tries;     /* failures in a row before it is given up */
    uint32_t wait_ms, wait_most_ms; /* after the first failure, doubled after each further one */
    uint32_t piece_ms; /* a request has so long for each piece, however the bytes drip */
} tsr_http_download_config;

typedef enum {
    TSR_HTTP_DOWNLOAD_PART,     /* offset, part, last, etag */
    TSR_HTTP_DOWNLOAD_LOST,     /* given up: no answer, or only 5.xx and nonsense */
    TSR_HTTP_DOWNLOAD_REFUSED,  /* given up: status */
    TSR_HTTP_DOWNLOAD_TOO_LONG, /* given up: 2^32 bytes and more */
} tsr_http_download_kind;

/** Views live until the next call. */
typedef struct {
    tsr_http_download_kind kind;
    uint16_t status; /* of the last answer; 0: none */
    bool last;       /* every part but the last has 1,024 bytes */
    uint32_t offset; /* 0 again: what came before is void */
    tsr_bytes part;
    tsr_bytes etag;  /* empty: none, or a weak one */
} tsr_http_download_event;

typedef struct {
    /* private */
    tsr_http_download_config config;
    uint8_t state, failures, anew;
    bool has_event, ranged, moved;
    uint16_t status;
    uint8_t etag_len, new_len; /* of the representation so far; of the answer at hand */
    uint8_t etag[TSR_HTTP_DOWNLOAD_ETAG], new_etag[TSR_HTTP_DOWNLOAD_ETAG];
    uint32_t offset, best;
    uint64_t total, first, end, range_total;
    uint64_t due_ms;
    uint16_t piece_len;
    uint8_t piece[TSR_HTTP_DOWNLOAD_PIECE];
    uint8_t text[32 + TSR_HTTP_DOWNLOAD_ETAG];
    tsr_http_download_event event;
} tsr_http_download;

/** Begins; the first poll has its request.
 *  errors  TSR_E_ARGUMENT  an entity tag that is too long or none, an offset within a piece */
tsr_err tsr_http_download_begin(tsr_http_download *d, const tsr_http_download_config *config, uint64_t now_ms);

/** A GET with these fields is to be made; the answer of an earlier one is not awaited any more.
 *
 *  source  RFC 9110 §13.1.5, RFC 9110 §14.2
 *  owner   fields point into d until the next poll; value.len is 0 in those that are not there, which
 *          come last
 *  errors  TSR_END */
tsr_err tsr_http_download_poll(tsr_http_download *d, tsr_http_field fields[TSR_HTTP_DOWNLOAD_FIELDS],
                               uint64_t now_ms);

/** Takes an event of the answer; of a body the bytes up to the next piece's end, off its front.
 *
 *  source  RFC 9110 §14.4, RFC 9110 §15.3.7, RFC 9110 §15.5.17
 *  status  of the answer that the event is of */
void tsr_http_download_feed(tsr_http_download *d, uint16_t status, tsr_http_event *event, uint64_t now_ms);

void tsr_http_download_cut(tsr_http_download *d, uint64_t now_ms);

/** What the server says cannot be followed, as a redirection to nowhere: given up as REFUSED. */
void tsr_http_download_refuse(tsr_http_download *d, uint16_t status);

bool tsr_http_download_event_next(tsr_http_download *d, tsr_http_download_event *event);
uint64_t tsr_http_download_due_ms(const tsr_http_download *d);

/** Whether an answer is awaited. */
bool tsr_http_download_hears(const tsr_http_download *d);

/** Whether it is neither over nor given up. */
bool tsr_http_download_runs(const tsr_http_download *d);

#endif
