/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of JSON objects in one call each. */
#ifndef SERVER_REST_PUT_H
#define SERVER_REST_PUT_H


#include "tessera/json/json.h"

void rest_put_text(tsr_json_out *j, const char *key, const char *text); /* NULL: null */
void rest_put_count(tsr_json_out *j, const char *key, uint64_t n);
void rest_put_flag(tsr_json_out *j, const char *key, bool v);
void rest_put_moment(tsr_json_out *j, const char *key, int64_t unix_ms);
void rest_put_moment_or_null(tsr_json_out *j, const char *key, int64_t unix_ms); /* 0: null */



#endif
