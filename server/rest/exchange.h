/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP request and its answer, as the handlers of this room see them. Private to server/rest.
 */
#ifndef SERVER_REST_EXCHANGE_H
#define SERVER_REST_EXCHANGE_H

#include <microhttpd.h>

#include "server/rest/guard.h"
#include "server/rest/problem.h"
#include "server/rest/rest.h"
#include "server/rest/room.h"
#include "tessera/json/json.h"

typedef struct rest_exchange rest_exchange;

/** Answers the exchange, now or by rest_submit; exactly once. */
typedef void rest_handler(rest_exchange *x);

enum {
    REST_OPEN = 1,      /* needs no token */
    REST_BODY = 2,      /* must have a JSON body */
    REST_BODY_FREE = 4, /* may have one */
    REST_READS = 8,     /* changes nothing, though it is no GET */
};

typedef struct {
    const char *method;
    const char *pattern; /* as in docs/openapi.yaml, below /api/v1 */
    rest_handler *handler;
    int flags;
} rest_route;

struct rest_exchange {
    tsr_rest *rest;
    struct MHD_Connection *connection;
    const rest_route *route;
    const rest_operator *operator; /* who asks: `who`; NULL: nobody has to say */
    rest_operator who;
    uint64_t known_at; /* rest->operators_read, when `who` was looked up */
    char about[40];      /* what the change is about, when {endpoint} does not say it; "" */
    char why[200];       /* what a problem said; "": none */
    char *endpoint;      /* {endpoint}, decoded; NULL when the route has none */
    tsr_lwm2m_path path; /* {object}, {instance}, ... */
    uint64_t request;    /* {request} */
    tsr_buf body;        /* as received so far */
    size_t discarded;    /* bytes of a body that nobody wants */
    bool begun, cut_off, uri_too_long;
    bool waits; /* was suspended by rest_submit: its answer comes in a later call */

    struct MHD_Response *response; /* the answer, once there is one */
    unsigned status;

    rest_exchange *prev, *next; /* among those that wait for a device */
    struct rest_op *op;         /* what it waits for */

    char uri[]; /* the path as it came, percent-encoded and without the query */
};

/** A query parameter, decoded, or NULL. owner: the connection */
const char *rest_query(rest_exchange *x, const char *name);

/** A query parameter as a whole number within [min, max]; `otherwise` when it is not given.
 *  errors  TSR_E_ARGUMENT  it is none; the exchange has been answered 400 */
tsr_err rest_query_number(rest_exchange *x, const char *name, uint64_t min, uint64_t max,
                          uint64_t otherwise, uint64_t *n);

/** The same for true and false. */
tsr_err rest_query_bool(rest_exchange *x, const char *name, bool *value);

/** The body as JSON; an optional one that is absent is an empty object.
 *  owner   *root points into x->body
 *  errors  TSR_E_ARGUMENT  it is no JSON; the exchange has been answered 400 */
tsr_err rest_body_json(rest_exchange *x, tsr_json *root);

/** Refuses an object with any member but these two (`second` may be NULL): where all members are
 *  optional, one with a wrong name would go unnoticed and the request do something else.
 *  errors  TSR_E_ARGUMENT  the exchange has been answered 422 */
tsr_err rest_body_only(rest_exchange *x, const tsr_json *body, const char *first,
                       const char *second);

/** Answers with what was written; frees the writer's memory in every case. A writer that failed
 *  (no memory) answers 500. */
void rest_reply(rest_exchange *x, unsigned status, const char *content_type, tsr_buf *body);

/** Answers 204. */
void rest_reply_empty(rest_exchange *x);

/** Answers with a problem; `detail` as in printf, NULL for none. */
void rest_fail(rest_exchange *x, rest_problem_kind kind, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));

/** The same with more members than words. */
void rest_fail_with(rest_exchange *x, const rest_problem *problem);

/** Answers a failed call of the in-process API. `what` names what was looked for. */
void rest_fail_err(rest_exchange *x, tsr_err err, const char *what);

/** The in-process API that the exchange's instance serves. */
tsr_server *rest_server(const rest_exchange *x);

#endif
