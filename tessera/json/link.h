/* SPDX-License-Identifier: Apache-2.0
 *
 * The CoRE Link Format (RFC 6690): object lists of Register, answers to Discover,
 * /.well-known/core. */
#ifndef TESSERA_JSON_LINK_H
#define TESSERA_JSON_LINK_H

#include "tessera/base/bytes.h"

/* ---- reading ------------------------------------------------------------------------------ */

typedef struct {
    tsr_bytes target; /* between < and > */
    tsr_bytes params; /* for tsr_link_param_next; without the first semicolon */
} tsr_link;

typedef struct {
    tsr_bytes name;
    tsr_bytes value; /* without quotes, but still with backslashes when quoted */
    bool has_value, quoted;
} tsr_link_param;

/** Takes the next link, and the comma behind it. White space between the parts is allowed.
 *
 *  source  RFC 6690 §2
 *  owner   the slices point into the input
 *  errors  TSR_END          nothing left
 *          TSR_E_MALFORMED  no <target>, a string that does not end, a stray byte; `in` is
 *                           unchanged
 */
tsr_err tsr_link_next(tsr_bytes *in, tsr_link *link);

/** Takes the next parameter: name, name=token or name="string".
 *  errors  TSR_END, TSR_E_MALFORMED as above */
tsr_err tsr_link_param_next(tsr_bytes *params, tsr_link_param *param);

/** The first parameter of that name; a value is ready to use as far as it has no backslash.
 *  errors  TSR_E_NOT_FOUND, TSR_E_MALFORMED */
tsr_err tsr_link_param_find(tsr_bytes params, const char *name, tsr_link_param *param);

/** A parameter's value without its backslashes.
 *  owner   *out points into the input, or into `scratch` if there were backslashes
 *  errors  TSR_E_SPACE */
tsr_err tsr_link_param_text(const tsr_link_param *param, tsr_buf *scratch, tsr_bytes *out);

/* ---- writing ------------------------------------------------------------------------------ */

/** Writes links one after another: target first, then its parameters. Errors are in out->err. */
typedef struct {
    tsr_buf *out;
    bool started; /* private */
} tsr_link_out;

static inline tsr_link_out tsr_link_to(tsr_buf *out)
{
    return (tsr_link_out){ out, false };
}

void tsr_link_put(tsr_link_out *l, tsr_bytes target);                       /* ,<target> */
void tsr_link_put_flag(tsr_link_out *l, const char *name);                  /* ;name */
void tsr_link_put_uint(tsr_link_out *l, const char *name, uint64_t v);      /* ;name=8 */
void tsr_link_put_token(tsr_link_out *l, const char *name, tsr_bytes v);    /* ;name=1.2 */
void tsr_link_put_string(tsr_link_out *l, const char *name, tsr_bytes v);   /* ;name="a b" */
void tsr_link_put_double(tsr_link_out *l, const char *name, double v);      /* ;name=22.5 */

#endif
