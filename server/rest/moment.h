/* SPDX-License-Identifier: Apache-2.0
 *
 * Moments as RFC 3339 text in UTC. Private to server/rest. */
#ifndef SERVER_REST_MOMENT_H
#define SERVER_REST_MOMENT_H

#include "tessera/base/bytes.h"

/** Years 0000 to 9999; everything else has no such text. */
bool rest_moment_fits(int64_t unix_s);

/** Writes 2026-11-22T13:44:35Z. `unix_s` must fit. */
void rest_put_moment_s(tsr_buf *out, int64_t unix_s);

/** Writes 2026-11-22T13:44:35.123Z; a moment that does not fit becomes the nearest that does. */
void rest_put_moment_ms(tsr_buf *out, int64_t unix_ms);

/** Reads a date-time with any offset; fractions of a second are cut off below a millisecond.
 *
 *  source  RFC 3339 §5.6; a leap second (60) counts as the second after it
 *  errors  TSR_E_MALFORMED */
tsr_err rest_get_moment_ms(tsr_bytes text, int64_t *unix_ms);

#endif
