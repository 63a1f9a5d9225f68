/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to this room: the options of a request or response out of its struct, and their union
 * with those that belong to one message only. */
#ifndef TESSERA_COAP_COMPOSE_H
#define TESSERA_COAP_COMPOSE_H

#include "tessera/coap/engine.h"

/** Puts options in ascending order, with the further ones of a list between them. */
typedef struct {
    tsr_buf *out;
    const tsr_coap_opt *extra; /* ascending */
    size_t left;               /* of them */
    uint16_t last;
} tsr_coap_mixer;

/** One option; nothing if value->ptr is NULL. */
void tsr_coap_mix_view(tsr_coap_mixer *m, uint16_t number, const tsr_bytes *value);

/** One option of format uint; nothing if it is not set. */
void tsr_coap_mix_num(tsr_coap_mixer *m, uint16_t number, const tsr_coap_num *num);

/** One option per segment of a path; nothing if it is NULL. */
void tsr_coap_mix_path(tsr_coap_mixer *m, uint16_t number, const char *text);

/** What is left of the list. */
void tsr_coap_mix_rest(tsr_coap_mixer *m);

/** A Block option as a number. RFC 7959 §2.2 */
static inline tsr_coap_num tsr_coap_block_num(const tsr_coap_block *block)
{
    return (tsr_coap_num){ block->set, block->num << 4 | (block->more ? 8u : 0u) | block->szx };
}

/** The options that a request names, but for Observe and those of its transfer.
 *  errors  (also in out->err) TSR_E_SPACE; TSR_E_ARGUMENT bad order of request->extra */
tsr_err tsr_coap_put_request(tsr_buf *out, const tsr_coap_request *request);

/** The same for a response; `etag` (ptr NULL: none) in the place of response->etag.
 *  errors  TSR_E_ARGUMENT also for an ETag above 8 bytes */
tsr_err tsr_coap_put_response(tsr_buf *out, const tsr_coap_response *response, tsr_bytes etag);

/** What one message adds to the options that are kept for all messages of an exchange. */
typedef struct {
    tsr_coap_num observe, size1, size2, tag;
    tsr_coap_block block1, block2;
    tsr_bytes echo; /* len 0: none */
} tsr_coap_own;

/** What tsr_coap_put_union adds at most to the options, without the bytes of Echo: Size2 stands in
 *  responses alone, Request-Tag and Echo in requests. */
#define TSR_COAP_OWN_MAX 30u

/** Writes `options`, as one of the two above wrote them, together with `own`, in order.
 *  errors  (in out->err) TSR_E_SPACE */
void tsr_coap_put_union(tsr_buf *out, tsr_bytes options, const tsr_coap_own *own);

#endif
