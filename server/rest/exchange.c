/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/rest/daemon.h"
#include "server/rest/route.h"

const char *rest_query(rest_exchange *x, const char *name)
{
    /* The daemon decodes them by the function it was given at its start. */
    return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

tsr_err rest_query_number(rest_exchange *x, const char *name, uint64_t min, uint64_t max,
                          uint64_t otherwise, uint64_t *n)
{
    const char *text = rest_query(x, name);
    uint64_t v = otherwise;

    if (text != NULL && (tsr_dec(tsr_text(text), &v) != TSR_OK || v < min || v > max)) {
        rest_fail(x, REST_BAD_QUERY, "`%s` must be a whole number from %llu to %llu", name,
                  (unsigned long long)min, (unsigned long long)max);
        return TSR_E_ARGUMENT;
    }
    *n = v;
    return TSR_OK;
}

tsr_err rest_query_bool(rest_exchange *x, const char *name, bool *value)
{
    const char *text = rest_query(x, name);

    *value = text != NULL && strcmp(text, "true") == 0;
    if (text == NULL || *value || strcmp(text, "false") == 0)
        return TSR_OK;
    rest_fail(x, REST_BAD_QUERY, "`%s` must be true or false", name);
    return TSR_E_ARGUMENT;
}

tsr_err rest_body_json(rest_exchange *x, tsr_json *root)
{
    size_t at = 0;
    tsr_bytes text = tsr_buf_view(&x->body);

    if (text.len == 0 && (x->route->flags & REST_BODY_FREE) != 0)
        text = tsr_text("{}");
    tsr_err err = tsr_json_parse(text, root, &at);

    if (err == TSR_OK)
        return TSR_OK;
    if (err == TSR_E_UNSUPPORTED)
        rest_fail(x, REST_BAD_JSON, "the body is nested deeper than %d", TSR_JSON_DEPTH);
    else if (text.len == 0)
        rest_fail(x, REST_BAD_JSON, "the body is empty; send a JSON object");
    else
        rest_fail(x, REST_BAD_JSON, "the body stops being JSON at byte %zu of %zu", at, text.len);
    return TSR_E_ARGUMENT;
}

tsr_err rest_body_only(rest_exchange *x, const tsr_json *body, const char *first,
                       const char *second)
{
    tsr_json_walk walk = tsr_json_items(body);
    tsr_json key, item;

    while (body->kind == TSR_JSON_OBJECT && tsr_json_next(&walk, &key, &item)) {
        if (tsr_json_is(&key, first) || (second != NULL && tsr_json_is(&key, second)))
            continue;
        rest_fail(x, REST_BAD_BODY, "the member %.*s is unknown; the body takes `%s`%s%s%s",
                  (int)(key.text.len < 64 ? key.text.len : 64), (const char *)key.text.ptr, first,
                  second != NULL ? " and `" : "", second != NULL ? second : "",
                  second != NULL ? "`" : "");
        return TSR_E_ARGUMENT;
    }
    return TSR_OK;
}

static void header(struct MHD_Response *r, const char *name, const char *value)
{
    (void)MHD_add_response_header(r, name, value);
}

static void answer(rest_exchange *x, unsigned status, const char *content_type,
                   struct MHD_Response *response)
{
    x->response = response;
    x->status = status;
    if (response == NULL)
        return;
    if (content_type != NULL)
        header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    header(response, "X-Content-Type-Options", "nosniff");
}

void rest_reply(rest_exchange *x, unsigned status, const char *content_type, tsr_buf *body)
{
    if (body->err != TSR_OK) {
        free(body->ptr);
        *body = (tsr_buf){ 0 };
        rest_fail(x, REST_INTERNAL, "free some memory and try again");
        return;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body->len, body->ptr, MHD_RESPMEM_MUST_FREE);

    if (r == NULL)
        free(body->ptr);
    *body = (tsr_buf){ 0 };
    answer(x, status, content_type, r);
}

void rest_reply_empty(rest_exchange *x)
{
    answer(x, MHD_HTTP_NO_CONTENT, NULL,
           MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

void rest_fail_with(rest_exchange *x, const rest_problem *problem)
{
    tsr_buf out = { 0 };

    (void)snprintf(x->why, sizeof x->why, "%s", problem->detail != NULL ? problem->detail : "");
    rest_problem_put(&out, problem);
    if (out.err != TSR_OK) { /* no memory for words: at least the status */
        free(out.ptr);
        answer(x, rest_problem_status(problem), NULL,
               MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
        return;
    }
    rest_reply(x, rest_problem_status(problem), "application/problem+json", &out);
}

void rest_fail(rest_exchange *x, rest_problem_kind kind, const char *detail, ...)
{
    char text[512] = "";
    va_list args;

    if (detail != NULL) {
        va_start(args, detail);
        /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
        (void)vsnprintf(text, sizeof text, detail, args);
        va_end(args);
    }
    rest_fail_with(x, &(rest_problem){ .kind = kind, .detail = text });
}

void rest_fail_err(rest_exchange *x, tsr_err err, const char *what)
{
    switch (err) {
    case TSR_E_NOT_FOUND:
        rest_fail(x, REST_UNKNOWN_DEVICE,
                  "%s is not registered: it never was, de-registered, or its lifetime ended", what);
        break;
    case TSR_E_SPACE: rest_fail(x, REST_INTERNAL, "free some memory and try again"); break;
    default:
        rest_fail(x, REST_UNAVAILABLE,
                  "the store failed (%s); GET /api/v1/health says why, the server's log says more",
                  tsr_err_name(err));
    }
}

tsr_server *rest_server(const rest_exchange *x) { return x->rest->server; }
