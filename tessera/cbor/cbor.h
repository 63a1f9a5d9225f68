/* SPDX-License-Identifier: Apache-2.0
 *
 * CBOR, read and written in place (RFC 8949). The writer's output is deterministic (shortest
 * heads, shortest floats that keep the value); keys of maps are put in the caller's order. */
#ifndef TESSERA_CBOR_CBOR_H
#define TESSERA_CBOR_CBOR_H

#include "tessera/base/bytes.h"

enum {
    TSR_CBOR_DEPTH = 16, /* containers and tags inside each other that tsr_cbor_skip() follows */
};

typedef enum {
    TSR_CBOR_UINT,   /* n */
    TSR_CBOR_NINT,   /* the number is -1 - n */
    TSR_CBOR_BYTES,  /* bytes, or chunks when indefinite */
    TSR_CBOR_TEXT,   /* bytes, or chunks when indefinite */
    TSR_CBOR_ARRAY,  /* n items follow, or a break ends them */
    TSR_CBOR_MAP,    /* n pairs follow, or a break ends them */
    TSR_CBOR_TAG,    /* n; one item follows */
    TSR_CBOR_SIMPLE, /* n: 20 false, 21 true, 22 null, 23 undefined */
    TSR_CBOR_FLOAT,  /* n: its bits; see tsr_cbor_float() */
    TSR_CBOR_BREAK,
} tsr_cbor_kind;

typedef struct {
    tsr_cbor_kind kind;
    bool indefinite;
    uint8_t width; /* FLOAT: its bytes: 2, 4 or 8 */
    uint64_t n;
    tsr_bytes bytes;
} tsr_cbor_item;

/** The number of a FLOAT item. */
double tsr_cbor_float(const tsr_cbor_item *item);

/** Takes one head, with the content of a definite-length string, and moves `in` behind it.
 *  What is inside an array, map, tag or indefinite string comes with the next calls.
 *
 *  source  RFC 8949 §3, §3.2, §3.3
 *  owner   item->bytes points into the input
 *  errors  TSR_END          nothing left
 *          TSR_E_MALFORMED  reserved additional information, a string or container longer than
 *                           the input, two-byte simple value below 32; `in` is unchanged
 */
tsr_err tsr_cbor_next(tsr_bytes *in, tsr_cbor_item *item);

/** Moves behind one complete item, whatever it is.
 *
 *  source  RFC 8949 §5.3.1 (well-formedness), Appendix C
 *  errors  TSR_E_MALFORMED    not well formed, or nothing left; `in` is unchanged
 *          TSR_E_UNSUPPORTED  deeper than TSR_CBOR_DEPTH
 */
tsr_err tsr_cbor_skip(tsr_bytes *in);

/** TSR_OK if the slice is exactly one well-formed item. */
tsr_err tsr_cbor_check(tsr_bytes in);

/* Takes one item of a known kind.
 * errors  TSR_E_TYPE       another kind, or a number that does not fit
 *         TSR_E_MALFORMED  not well formed, or nothing left
 *         `in` and the result are unchanged on failure */
tsr_err tsr_cbor_get_uint(tsr_bytes *in, uint64_t *v);
tsr_err tsr_cbor_get_int(tsr_bytes *in, int64_t *v);
tsr_err tsr_cbor_get_float(tsr_bytes *in, double *v); /* takes whole numbers too */
tsr_err tsr_cbor_get_bool(tsr_bytes *in, bool *v);
tsr_err tsr_cbor_get_null(tsr_bytes *in);
tsr_err tsr_cbor_get_tag(tsr_bytes *in, uint64_t *tag);
tsr_err tsr_cbor_get_bytes(tsr_bytes *in, tsr_bytes *v); /* definite length only */
tsr_err tsr_cbor_get_text(tsr_bytes *in, tsr_bytes *v);  /* definite length only; UTF-8 checked */
tsr_err tsr_cbor_get_array(tsr_bytes *in, uint64_t *items); /* definite length only */
tsr_err tsr_cbor_get_map(tsr_bytes *in, uint64_t *pairs);   /* definite length only */

/** Takes a byte or text string of definite or indefinite length. Text is checked to be UTF-8.
 *
 *  source  RFC 8949 §3.2.3
 *  owner   *v points into the input, or into `scratch` if chunks had to be joined
 *  errors  as above, and TSR_E_SPACE if chunks do not fit in `scratch` (which may be NULL)
 */
tsr_err tsr_cbor_get_string(tsr_bytes *in, tsr_cbor_kind kind, tsr_buf *scratch, tsr_bytes *v);

/** A walk over an array or map, of definite or indefinite length:
 *      tsr_cbor_enter(&in, TSR_CBOR_MAP, &walk);
 *      while ((err = tsr_cbor_more(&in, &walk)) == TSR_OK) { take a key; take a value; } */
typedef struct {
    uint64_t left; /* private; UINT64_MAX: until a break */
} tsr_cbor_walk;

/** errors  TSR_E_TYPE, TSR_E_MALFORMED as above */
tsr_err tsr_cbor_enter(tsr_bytes *in, tsr_cbor_kind kind, tsr_cbor_walk *walk);

/** errors  TSR_END  no further entry; the break, if any, was taken
 *          TSR_E_MALFORMED  the input ends too early */
tsr_err tsr_cbor_more(tsr_bytes *in, tsr_cbor_walk *walk);

/* Writers (RFC 8949 §4.2.1). A failure is kept in out->err. */
void tsr_cbor_put_uint(tsr_buf *out, uint64_t v);
void tsr_cbor_put_int(tsr_buf *out, int64_t v);
void tsr_cbor_put_float(tsr_buf *out, double v); /* 2, 4 or 8 bytes; every NaN is f97e00 */
void tsr_cbor_put_bool(tsr_buf *out, bool v);
void tsr_cbor_put_null(tsr_buf *out);
void tsr_cbor_put_simple(tsr_buf *out, uint8_t v); /* 24 to 31 do not exist: TSR_E_ARGUMENT */
void tsr_cbor_put_tag(tsr_buf *out, uint64_t tag);
void tsr_cbor_put_bytes(tsr_buf *out, tsr_bytes v);
void tsr_cbor_put_text(tsr_buf *out, tsr_bytes utf8); /* not checked */
void tsr_cbor_put_array(tsr_buf *out, uint64_t items);
void tsr_cbor_put_map(tsr_buf *out, uint64_t pairs);
void tsr_cbor_put_head(tsr_buf *out, tsr_cbor_kind kind, uint64_t n); /* kinds up to TAG */

/* For streams whose length is not known beforehand; not deterministic encoding. */
void tsr_cbor_open_array(tsr_buf *out);
void tsr_cbor_open_map(tsr_buf *out);
void tsr_cbor_put_break(tsr_buf *out);

#endif
