/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server says about itself. */
#include <stdlib.h>

#include "server/fdo/fdo.h"
#include "server/rest/daemon.h"
#include "server/rest/files.h"
#include "server/rest/handlers.h"
#include "server/rest/put.h"
#include "server/rest/route.h"

#ifndef TSR_VERSION
#define TSR_VERSION "0.1.0"
#endif

void rest_get_index(rest_exchange *x)
{
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    rest_room(&out, 128 * (rest_route_count + 1));
    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "routes");
    tsr_json_open_array(&j);
    for (size_t i = 0; i < rest_route_count; i++) {
        rest_room(&out, 256);
        tsr_json_open_object(&j);
        rest_put_text(&j, "method", rest_routes[i].method);
        rest_put_text(&j, "path", rest_routes[i].pattern);
        tsr_json_close(&j);
    }
    tsr_json_close(&j);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

void rest_get_openapi(rest_exchange *x)
{
    tsr_buf out = { 0 };

    rest_room(&out, rest_openapi_len + 1);
    tsr_put_bytes(&out, tsr_view(rest_openapi, rest_openapi_len));
    rest_reply(x, MHD_HTTP_OK, "application/yaml", &out);
}

void rest_get_operator(rest_exchange *x)
{
    const rest_operator *o = x->operator;
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    rest_room(&out, 256);
    tsr_json_open_object(&j);
    rest_put_text(&j, "name", o != NULL && o->name[0] != '\0' ? o->name : NULL);
    rest_put_text(&j, "role", o != NULL && o->reads_only ? "read" : "full");
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

void rest_get_health(rest_exchange *x)
{
    tsr_server_stats stats;

    tsr_server_stats_get(rest_server(x), &stats);
    if (!stats.store_ok) {
        rest_fail(x, REST_UNAVAILABLE, "the store fails: %.*s", (int)sizeof stats.store_error - 1,
                  stats.store_error);
        return;
    }
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    rest_room(&out, 512);
    tsr_json_open_object(&j);
    rest_put_text(&j, "status", "ok");
    rest_put_text(&j, "version", TSR_VERSION);
    rest_put_moment(&j, "started_at", stats.started_unix_ms);
    rest_put_count(&j, "devices", stats.registrations);
    tsr_json_close(&j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

static void metric(tsr_buf *out, const char *name, const char *kind, const char *help, uint64_t v)
{
    rest_room(out, 512);
    tsr_put_text(out, "# HELP tessera_");
    tsr_put_text(out, name);
    tsr_put_text(out, " ");
    tsr_put_text(out, help);
    tsr_put_text(out, "\n# TYPE tessera_");
    tsr_put_text(out, name);
    tsr_put_text(out, " ");
    tsr_put_text(out, kind);
    tsr_put_text(out, "\ntessera_");
    tsr_put_text(out, name);
    tsr_put_text(out, " ");
    tsr_put_dec(out, v);
    tsr_put_text(out, "\n");
}

static void http_metrics(tsr_buf *out, tsr_rest *rest)
{
    pthread_mutex_lock(&rest->lock);
    size_t streams = rest->stream_count;

    pthread_mutex_unlock(&rest->lock);
    metric(out, "http_event_streams", "gauge", "Event streams that are open.", streams);
    rest_room(out, 1024);
    tsr_put_text(out, "# HELP tessera_http_responses_total Answers by class of status.\n"
                      "# TYPE tessera_http_responses_total counter\n");
    for (unsigned i = 2; i < 6; i++) {
        tsr_put_text(out, "tessera_http_responses_total{class=\"");
        tsr_put_dec(out, i);
        tsr_put_text(out, "xx\"} ");
        tsr_put_dec(out, atomic_load(&rest->answers[i]));
        tsr_put_text(out, "\n");
    }
}

void rest_get_metrics(rest_exchange *x)
{
    tsr_server_stats s;
    tsr_buf out = { 0 };

    tsr_server_stats_get(rest_server(x), &s);
    metric(&out, "registrations", "gauge", "Devices registered now.", s.registrations);
    metric(&out, "observations", "gauge", "Observations set up now.", s.observations);
    metric(&out, "dtls_sessions", "gauge", "DTLS sessions established now.", s.sessions);
    metric(&out, "shards", "gauge", "Threads that serve devices.", s.shards);
    metric(&out, "datagrams_in_total", "counter", "Datagrams received.", s.datagrams_in);
    metric(&out, "datagrams_out_total", "counter", "Datagrams sent.", s.datagrams_out);
    metric(&out, "datagrams_dropped_total", "counter", "Datagrams dropped.", s.datagrams_dropped);
    metric(&out, "requests_total", "counter", "Operations sent to devices.", s.requests);
    metric(&out, "requests_queued", "gauge", "Requests that wait durably now.", s.queued);
    metric(&out, "timeouts_total", "counter", "Operations that got no answer.", s.timeouts);
    metric(&out, "dtls_handshakes_total", "counter", "DTLS handshakes completed.", s.handshakes);
    metric(&out, "dtls_handshakes_failed_total", "counter", "DTLS handshakes that failed.",
           s.handshakes_failed);
    metric(&out, "store_rows_total", "counter", "Rows written to the store.", s.store_rows);
    metric(&out, "store_commits_total", "counter", "Commits of the store.", s.store_commits);
    metric(&out, "store_errors_total", "counter", "Commits that failed.", s.store_errors);
    metric(&out, "store_ok", "gauge", "1 while the store works.", s.store_ok);
    metric(&out, "start_time_seconds", "gauge", "Unix time of the start.",
           (uint64_t)(s.started_unix_ms > 0 ? s.started_unix_ms / 1000 : 0));
    if (x->rest->fdo != NULL)
        metric(&out, "fdo_runs", "gauge", "Protocols of FDO under way.", tsr_fdo_runs(x->rest->fdo));
    http_metrics(&out, x->rest);
    rest_reply(x, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &out);
}
