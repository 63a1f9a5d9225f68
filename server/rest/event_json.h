/* SPDX-License-Identifier: Apache-2.0
 *
 * Events as JSON. Private to server/rest. */
#ifndef SERVER_REST_EVENT_JSON_H
#define SERVER_REST_EVENT_JSON_H

#include "server/lwm2m/api.h"
#include "tessera/json/json.h"

/** "read", "write-update", ...; NULL when there is no such operation. */
const char *rest_operation_name(int kind);

/** Writes one `Event` of docs/openapi.yaml; `out` is the writer below `j` and is grown. */
void rest_put_event(tsr_json_out *j, tsr_buf *out, const tsr_server_event *event);

#endif
