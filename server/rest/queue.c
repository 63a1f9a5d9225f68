/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that wait durably: ?queue=true on any operation makes one, /requests shows and cancels
 * them. */
#include "server/rest/event_json.h"
#include "server/rest/handlers.h"
#include "server/rest/names.h"
#include "server/rest/pending.h"
#include "server/rest/put.h"
#include "server/rest/values.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIFETIME_MAX_S = 30 * 86400, LIFETIME_S = 86400 };

typedef struct {
    tsr_json_out j;
    tsr_buf out;
    uint64_t last;
    size_t count;
} sheet;

/* --- one request as JSON ------------------------------------------------------------------ */

static void put_values(sheet *s, const tsr_server_result *r)
{
    bool links = r->link_count > 0;

    rest_room(&s->out, 64);
    tsr_json_put_key(&s->j, links ? "links" : "values");
    tsr_json_open_array(&s->j);
    for (size_t i = 0; i < r->record_count; i++)
        rest_put_record(&s->j, &s->out, &r->records[i], 0);
    for (size_t i = 0; i < r->link_count; i++)
        rest_put_link(&s->j, &s->out, &r->links[i]);
    rest_room(&s->out, 64);
    tsr_json_close(&s->j);
}

static void put_code(tsr_json_out *j, uint8_t code)
{
    char text[8];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    rest_put_coap_code(&word, code);
    tsr_json_put_key(j, "coap_code");
    tsr_json_put_string(j, tsr_buf_view(&word));
}

static void put_paths(sheet *s, const tsr_server_queued *q)
{
    tsr_json_put_key(&s->j, "paths");
    tsr_json_open_array(&s->j);
    for (size_t i = 0; i < q->path_count; i++) {
        char text[TSR_LWM2M_PATH_TEXT];
        tsr_buf path = tsr_buf_over(text, sizeof text);

        tsr_lwm2m_path_put(&path, q->paths[i]);
        tsr_json_put_string(&s->j, tsr_buf_view(&path));
    }
    tsr_json_close(&s->j);
}

static void put_request(void *arg, const tsr_server_queued *q)
{
    sheet *s = arg;
    const tsr_server_result *r = &q->result;
    const char *name = rest_name(q->path);

    s->last = q->id;
    s->count++;
    rest_room(&s->out, 1024 + q->path_count * (TSR_LWM2M_PATH_TEXT + 3) +
                           6 * (strlen(q->endpoint) + strlen(r->diagnostic) + strlen(r->location) +
                                (name != NULL ? strlen(name) : 0)));
    tsr_json_open_object(&s->j);
    rest_put_count(&s->j, "id", q->id);
    rest_put_text(&s->j, "endpoint", q->endpoint);
    rest_put_text(&s->j, "operation", rest_operation_name((int)q->kind));
    rest_put_path(&s->j, q->path);
    if (q->path_count > 0)
        put_paths(s, q);
    if (name != NULL)
        rest_put_text(&s->j, "name", name);
    rest_put_text(&s->j, "state", tsr_server_queue_state_name(q->state));
    rest_put_count(&s->j, "attempts", q->attempts);
    rest_put_moment(&s->j, "created_at", q->created_unix_ms);
    rest_put_moment(&s->j, "expires_at", q->expires_unix_ms);
    rest_put_moment_or_null(&s->j, "sent_at", q->sent_unix_ms);
    rest_put_moment_or_null(&s->j, "finished_at", q->finished_unix_ms);
    if (r->diagnostic[0] != '\0')
        rest_put_text(&s->j, "detail", r->diagnostic);
    if (r->code != 0)
        put_code(&s->j, r->code);
    if (r->location[0] != '\0')
        rest_put_text(&s->j, "location", r->location);
    if (r->record_count > 0 || r->link_count > 0)
        put_values(s, r);
    tsr_json_close(&s->j);
}

static void reply_one(rest_exchange *x, unsigned status, uint64_t id)
{
    sheet s = { .last = 0 };
    char where[48];

    s.j = tsr_json_to(&s.out);

    tsr_err err = tsr_server_queue_get(rest_server(x), id, put_request, &s);

    if (err == TSR_E_NOT_FOUND) {
        rest_fail(x, REST_UNKNOWN_REQUEST,
                  "there is no request %llu: it never was, or its result is no longer kept",
                  (unsigned long long)id);
        return;
    }
    if (err != TSR_OK) {
        rest_fail_err(x, err, "the request");
        return;
    }
    rest_reply(x, status, "application/json", &s.out);
    (void)snprintf(where, sizeof where, "/api/v1/requests/%llu", (unsigned long long)id);
    if (status == MHD_HTTP_ACCEPTED && x->response != NULL && x->status == status)
        (void)MHD_add_response_header(x->response, MHD_HTTP_HEADER_LOCATION, where);
}

/* --- handlers ----------------------------------------------------------------------------- */

void rest_enqueue(rest_exchange *x, tsr_server_request *request)
{
    uint64_t seconds, id = 0;
    const char *why = "";

    if (rest_query_number(x, "timeout", 1, LIFETIME_MAX_S, LIFETIME_S, &seconds) != TSR_OK)
        return;
    request->endpoint = x->endpoint;

    tsr_err err =
        tsr_server_queue_put(rest_server(x), request, (uint32_t)seconds, &id, &why);

    switch (err) {
    case TSR_OK: reply_one(x, MHD_HTTP_ACCEPTED, id); break;
    case TSR_E_NOT_FOUND: rest_fail_err(x, err, x->endpoint); break;
    case TSR_E_ARGUMENT: rest_fail(x, REST_NOT_POSSIBLE, "%s", why); break;
    case TSR_E_SPACE: rest_fail(x, REST_DEVICE_BUSY, "%s", why); break;
    default: rest_fail(x, REST_UNAVAILABLE, "%s", why); break;
    }
}

void rest_get_request(rest_exchange *x) { reply_one(x, MHD_HTTP_OK, x->request); }

void rest_cancel_request(rest_exchange *x)
{
    tsr_err err = tsr_server_queue_cancel(rest_server(x), x->request);

    if (err == TSR_E_STATE)
        rest_fail(x, REST_REQUEST_OVER, "it is over: GET shows what came of it");
    else if (err == TSR_OK || err == TSR_E_NOT_FOUND)
        reply_one(x, MHD_HTTP_OK, x->request);
    else
        rest_fail_err(x, err, "the request");
}

void rest_list_requests(rest_exchange *x)
{
    sheet s = { .last = 0 };
    const char *endpoint = rest_query(x, "endpoint");
    uint64_t limit, before;
    bool waiting;

    if (rest_query_number(x, "limit", 1, 1000, 100, &limit) != TSR_OK ||
        rest_query_number(x, "cursor", 1, INT64_MAX, 0, &before) != TSR_OK ||
        rest_query_bool(x, "waiting", &waiting) != TSR_OK)
        return;
    s.j = tsr_json_to(&s.out);
    rest_room(&s.out, 64);
    tsr_json_open_object(&s.j);
    tsr_json_put_key(&s.j, "items");
    tsr_json_open_array(&s.j);

    tsr_err err = tsr_server_queue_list(rest_server(x), endpoint, waiting, before, (size_t)limit,
                                        put_request, &s);

    if (err != TSR_OK) {
        free(s.out.ptr);
        rest_fail_err(x, err, "the list");
        return;
    }
    rest_room(&s.out, 64);
    tsr_json_close(&s.j);
    tsr_json_put_key(&s.j, "next");
    if (s.count == limit)
        tsr_json_put_uint(&s.j, s.last);
    else
        tsr_json_put_null(&s.j);
    tsr_json_close(&s.j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &s.out);
}
