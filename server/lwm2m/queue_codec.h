/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that wait and results that are kept, as bytes of the store; docs/WIRE.md has them. */
#ifndef SERVER_LWM2M_QUEUE_CODEC_H
#define SERVER_LWM2M_QUEUE_CODEC_H

#include "server/lwm2m/api.h"

/** Everything of a request but endpoint, kind, path and time, which are columns.
 *  owner   *out: heap, free(out->ptr); it may hold a key, so wipe it
 *  errors  TSR_E_SPACE */
tsr_err tsr_put_request(tsr_buf *out, const tsr_server_request *request);

/** owner   request->records and out->text point into `room`, heap, and into `in`: free(*room)
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err tsr_get_request(tsr_bytes in, tsr_server_request *request, void **room);

/** The column `path`: the request's own path and, of a composite operation, a space and a path for each that it names.
 *  They stay when the request, which may hold a key, is forgotten.
 *  owner   *out: heap, a C string, free(out->ptr)
 *  errors  TSR_E_SPACE */
tsr_err tsr_put_request_paths(tsr_buf *out, const tsr_server_request *request);

/** owner   *paths: heap, free(); NULL and a count of 0 where there are none; paths NULL: the own one alone
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE; *own is the root where it cannot be read */
tsr_err tsr_get_request_paths(const char *text, tsr_lwm2m_path *own, tsr_lwm2m_path **paths, size_t *count);

/** What is kept of a result: format, location, values, links. The rest is columns. */
tsr_err tsr_put_result(tsr_buf *out, const tsr_server_result *result);
tsr_err tsr_get_result(tsr_bytes in, tsr_server_result *result, void **room);

#endif
