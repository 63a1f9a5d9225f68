/* SPDX-License-Identifier: Apache-2.0
 *
 * Writers that grow. For server/rest and server/bootstrap. */
#ifndef SERVER_REST_ROOM_H
#define SERVER_REST_ROOM_H

#include "tessera/base/bytes.h"

/** Grows the writer's memory so that `n` more bytes fit; on failure sets its error. A writer that
 *  begins as { 0 } is freed with free(out->ptr). */
void rest_room(tsr_buf *out, size_t n);

/** Wipes what such a writer holds, which may be a secret, and frees it: it is { 0 } again. */
void rest_wipe(tsr_buf *out);

#endif
