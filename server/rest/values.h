/* SPDX-License-Identifier: Apache-2.0
 *
 * LwM2M values as JSON and back, typed by the object models. For server/rest and server/bootstrap. */
#ifndef SERVER_REST_VALUES_H
#define SERVER_REST_VALUES_H

#include "server/lwm2m/api.h"
#include "server/rest/problem.h"
#include "tessera/json/json.h"

enum { REST_RECORDS_MAX = 1024 }; /* values in one request body */

/** Writes one `Value` object of docs/openapi.yaml. received_unix_ms 0: not given.
 *  `out` is the writer below `j` and is grown as needed. */
void rest_put_record(tsr_json_out *j, tsr_buf *out, const tsr_server_record *record,
                     int64_t received_unix_ms);

/** Writes one `Link`; of operation.c. */
void rest_put_link(tsr_json_out *j, tsr_buf *out, const tsr_server_link *link);

/** Key and text of a path, as in "path":"/3/0/9". */
void rest_put_path(tsr_json_out *j, tsr_lwm2m_path path);

/** Values taken from a request body. Zero it first; give it back to rest_values_free. */
typedef struct {
    tsr_server_record *records;
    size_t count;
    tsr_buf scratch; /* decoded strings and opaques */
    bool nulls;      /* null deletes a resource instance */
    /* why it failed, for rest_fail_with */
    rest_problem problem;
    char detail[320];
    tsr_lwm2m_path where;
} rest_values;

/** Reads {"value": v} or {"values": [{"path": p, "value": v}, ...]} for a Write to `target`.
 *
 *  The model decides the type of each value; `type` beside a value is asked for only where no
 *  model knows the resource, and without it JSON's own type is taken.
 *
 *  source  docs/openapi.yaml, WriteValue and WriteValues
 *  owner   body must stay until rest_values_free
 *  errors  TSR_E_ARGUMENT  values->problem says what is wrong
 *          TSR_E_SPACE     out of memory */
tsr_err rest_values_for_write(const tsr_json *body, tsr_lwm2m_path target, rest_values *values);

/** Reads {"instance": i, "values": [...]} for a Create in the object `target`; *target becomes
 *  the new instance where one is named. errors as above */
tsr_err rest_values_for_create(const tsr_json *body, tsr_lwm2m_path *target, rest_values *values);

/** Reads {"values": [{"path": p, "value": v}, ...]} for a composite Write anywhere; null deletes a
 *  resource instance and becomes NONE. errors as above */
tsr_err rest_values_for_composite(const tsr_json *body, rest_values *values);

void rest_values_free(rest_values *values);

/** Reads {"pmin": 1, "gt": null, ...} into "pmin=1&gt". Zero-terminated.
 *  errors  TSR_E_ARGUMENT  problem says what is wrong; TSR_E_SPACE  `out` is too small */
tsr_err rest_attributes(const tsr_json *body, tsr_buf *out, rest_problem *problem, char *detail,
                        size_t detail_cap);

#endif
