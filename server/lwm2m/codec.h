/* SPDX-License-Identifier: Apache-2.0
 *
 * Values and events as rows of the store; docs/WIRE.md has the bytes. */
#ifndef SERVER_LWM2M_CODEC_H
#define SERVER_LWM2M_CODEC_H

#include "server/lwm2m/api.h"

enum {
    TSR_PATH_KEY_MAX = 8,
    TSR_EVENT_BODY_MAX = 16384, /* records that do not fit are left out of the event */
};

/** The path as two big-endian bytes per level; gives the length. */
size_t tsr_path_key(tsr_lwm2m_path path, uint8_t key[TSR_PATH_KEY_MAX]);
/** errors TSR_E_MALFORMED */
tsr_err tsr_path_from_key(tsr_bytes key, tsr_lwm2m_path *path);

/** The same behind a byte with its length, in a row of other things. */
void tsr_put_path(tsr_buf *out, tsr_lwm2m_path path);
/** errors TSR_E_MALFORMED */
tsr_err tsr_get_path(tsr_bytes *in, tsr_lwm2m_path *path);

void tsr_put_value(tsr_buf *out, const tsr_lwm2m_value *value, int64_t unix_ms);
/** errors TSR_E_MALFORMED; bytes point into `in` */
tsr_err tsr_get_value(tsr_bytes *in, tsr_lwm2m_value *value, int64_t *unix_ms);

/** Everything but id, time and endpoint, which are columns. */
void tsr_put_event(tsr_buf *out, const tsr_server_event *event);

/** `records` has room for `cap`; further ones are left out. Strings point into `in`.
 *  errors TSR_E_MALFORMED */
tsr_err tsr_get_event(tsr_bytes in, tsr_server_event *event, tsr_server_record *records,
                      size_t cap);

#endif
