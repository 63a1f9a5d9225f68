/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of JSON objects in one call each. Private to server/rest. */
#ifndef SERVER_REST_PUT_H
#define SERVER_REST_PUT_H

#include "server/rest/exchange.h"
#include "tessera/json/json.h"

void rest_put_text(tsr_json_out *j, const char *key, const char *text); /* NULL: null */
void rest_put_count(tsr_json_out *j, const char *key, uint64_t n);
void rest_put_flag(tsr_json_out *j, const char *key, bool v);
void rest_put_moment(tsr_json_out *j, const char *key, int64_t unix_ms);
void rest_put_moment_or_null(tsr_json_out *j, const char *key, int64_t unix_ms); /* 0: null */

/** The in-process API that the exchange's instance serves. */
tsr_server *rest_server(const rest_exchange *x);

#endif
