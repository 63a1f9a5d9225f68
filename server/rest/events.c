/* SPDX-License-Identifier: Apache-2.0
 *
 * The event stream. A stream that has nothing to say is a suspended connection and costs no
 * thread; it goes on when the server wakes all streams, or every 15 seconds for a comment line that
 * shows both ends that the other is still there. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/rest/daemon.h"
#include "server/rest/event_json.h"
#include "server/rest/handlers.h"
#include "server/rest/put.h"

enum { EVENTS_AT_ONCE = 64 };

struct rest_stream {
    tsr_rest *rest;
    struct MHD_Connection *connection;
    char endpoint[256]; /* "": all */
    bool asked;         /* for a token, whose digest this is: */
    uint8_t digest[REST_DIGEST];
    bool over; /* that token counts no more */
    uint64_t after;     /* the last event that was looked at */
    bool from_oldest;   /* `after` is 0 on purpose, so the first event kept is no gap */
    tsr_buf out;        /* formatted, not yet sent */
    size_t taken;
    bool suspended, beat;
    rest_stream *prev, *next;
};

/* --- formatting --------------------------------------------------------------------------- */

static void put_message(void *arg, const tsr_server_event *event)
{
    tsr_buf *out = arg;

    rest_room(out, 128);
    tsr_put_text(out, "id: ");
    tsr_put_dec(out, event->id);
    tsr_put_text(out, "\nevent: ");
    tsr_put_text(out, tsr_server_event_name(event->type));
    tsr_put_text(out, "\ndata: ");
    tsr_json_out j = tsr_json_to(out);

    rest_put_event(&j, out, event);
    rest_room(out, 8);
    tsr_put_text(out, "\n\n");
}

static void put_gap(tsr_buf *out, uint64_t oldest, uint64_t latest)
{
    rest_room(out, 256);
    tsr_put_text(out, "id: ");
    tsr_put_dec(out, oldest > 0 ? oldest - 1 : 0);
    tsr_put_text(out, "\nevent: gap\ndata: ");
    tsr_json_out j = tsr_json_to(out);

    tsr_json_open_object(&j);
    rest_put_count(&j, "oldest", oldest);
    rest_put_count(&j, "latest", latest);
    tsr_json_close(&j);
    tsr_put_text(out, "\n\n");
}

/* Events were lost, or the store is another one than that the reader remembers. */
static void check_gap(rest_stream *s)
{
    uint64_t oldest = tsr_server_event_oldest(s->rest->server);
    uint64_t latest = tsr_server_event_last(s->rest->server);

    if (s->from_oldest)
        s->from_oldest = false;
    else if (oldest > s->after + 1 || s->after > latest)
        put_gap(&s->out, oldest, latest);
    if (s->after > latest || (oldest > 0 && s->after < oldest - 1))
        s->after = oldest > 0 ? oldest - 1 : 0;
}

static tsr_err query(rest_stream *s, uint64_t *next)
{
    return tsr_server_events(s->rest->server, s->after, EVENTS_AT_ONCE,
                             s->endpoint[0] != '\0' ? s->endpoint : NULL, put_message, &s->out,
                             next);
}

/* False when there was nothing new. */
static bool fetch(rest_stream *s)
{
    const rest_stream before = *s;
    uint64_t next;

    for (;;) {
        check_gap(s);
        next = s->after;
        if (query(s, &next) != TSR_OK)
            return s->out.len > 0;
        if (tsr_server_event_oldest(s->rest->server) <= s->after + 1)
            break;
        /* The ring dropped events while they were looked for. */
        s->out.len = before.out.len;
        s->after = before.after;
        s->from_oldest = before.from_oldest;
    }
    bool moved = next > s->after;

    s->after = next;
    return moved || s->out.len > 0;
}

/* --- the stream --------------------------------------------------------------------------- */

/* Sleeps unless something happened since `wakes` was read. False: do not sleep, look again. */
static bool fall_asleep(rest_stream *s, uint64_t wakes)
{
    tsr_rest *rest = s->rest;

    pthread_mutex_lock(&rest->lock);
    bool sleep = rest->wakes == wakes && !s->beat && !rest->stopping;

    if (s->beat) {
        s->beat = false;
        rest_room(&s->out, 8);
        tsr_put_text(&s->out, ":\n\n");
    }
    if (sleep) {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&rest->lock);
    return sleep;
}

static ssize_t read_stream(void *arg, uint64_t position, char *to, size_t max)
{
    rest_stream *s = arg;
    tsr_rest *rest = s->rest;

    (void)position;
    for (;;) {
        pthread_mutex_lock(&rest->lock);
        uint64_t wakes = rest->wakes;
        bool stopping = rest->stopping, over = s->over;

        pthread_mutex_unlock(&rest->lock);
        if (s->out.err != TSR_OK)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (over) /* whatever else there was to say */
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (s->taken < s->out.len) {
            size_t n = s->out.len - s->taken < max ? s->out.len - s->taken : max;

            memcpy(to, s->out.ptr + s->taken, n);
            s->taken += n;
            return (ssize_t)n;
        }
        s->out.len = s->taken = 0;
        if (stopping)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!fetch(s) && fall_asleep(s, wakes))
            return 0;
    }
}

static void end_stream(void *arg)
{
    rest_stream *s = arg;
    tsr_rest *rest = s->rest;

    pthread_mutex_lock(&rest->lock);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        rest->streams = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    rest->stream_count--;
    pthread_mutex_unlock(&rest->lock);
    free(s->out.ptr);
    free(s);
}

/* With the lock held. */
static bool is_revoked(const rest_stream *s)
{
    return s->asked && rest_operator_of(&s->rest->operators, s->digest) == NULL;
}

static bool add_stream(rest_stream *s)
{
    tsr_rest *rest = s->rest;

    pthread_mutex_lock(&rest->lock);
    bool room = rest->stream_count < REST_STREAMS_MAX && !rest->stopping;

    if (room) {
        rest->stream_count++;
        s->next = rest->streams;
        if (s->next != NULL)
            s->next->prev = s;
        rest->streams = s;
        s->over = is_revoked(s);
    }
    pthread_mutex_unlock(&rest->lock);
    return room;
}

static void open_stream(rest_exchange *x, const char *endpoint, uint64_t after, bool from_oldest)
{
    rest_stream *s = calloc(1, sizeof *s);

    if (s == NULL) {
        rest_fail(x, REST_INTERNAL, "free some memory and try again");
        return;
    }
    s->rest = x->rest;
    s->connection = x->connection;
    s->after = after;
    s->from_oldest = from_oldest;
    s->asked = x->operator != NULL;
    memcpy(s->digest, x->who.digest, sizeof s->digest);
    (void)snprintf(s->endpoint, sizeof s->endpoint, "%s", endpoint != NULL ? endpoint : "");
    rest_room(&s->out, 64);
    tsr_put_text(&s->out, "retry: 2000\n\n"); /* milliseconds until a client comes back */
    if (!add_stream(s)) {
        free(s->out.ptr);
        free(s);
        rest_fail(x, REST_TOO_MANY_STREAMS, "close one of the %d that are open", REST_STREAMS_MAX);
        return;
    }
    x->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_stream, s, end_stream);
    x->status = MHD_HTTP_OK;
    if (x->response == NULL) {
        end_stream(s);
        rest_fail(x, REST_INTERNAL, "free some memory and try again");
        return;
    }
    (void)MHD_add_response_header(x->response, "Content-Type", "text/event-stream");
    (void)MHD_add_response_header(x->response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(x->response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(x->response, "X-Accel-Buffering", "no");
}

/* --- the list ----------------------------------------------------------------------------- */

typedef struct {
    tsr_json_out j;
    tsr_buf out;
} list;

static void put_listed(void *arg, const tsr_server_event *event)
{
    list *l = arg;

    rest_put_event(&l->j, &l->out, event);
}

static void list_events(rest_exchange *x, const char *endpoint, uint64_t after)
{
    tsr_server *server = rest_server(x);
    uint64_t limit, next = after;
    list l = { 0 };

    if (rest_query_number(x, "limit", 1, 1000, 100, &limit) != TSR_OK)
        return;
    l.j = tsr_json_to(&l.out);
    rest_room(&l.out, 64);
    tsr_json_open_object(&l.j);
    tsr_json_put_key(&l.j, "items");
    tsr_json_open_array(&l.j);
    tsr_err err = tsr_server_events(server, after, (size_t)limit, endpoint, put_listed, &l, &next);

    if (err != TSR_OK) {
        free(l.out.ptr);
        rest_fail_err(x, err, "the events");
        return;
    }
    rest_room(&l.out, 128);
    tsr_json_close(&l.j);
    rest_put_count(&l.j, "next", next);
    rest_put_count(&l.j, "oldest", tsr_server_event_oldest(server));
    rest_put_count(&l.j, "latest", tsr_server_event_last(server));
    tsr_json_close(&l.j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &l.out);
}

/* Where to begin: Last-Event-ID, else ?after. False: it is not a number. */
static bool begin_of(rest_exchange *x, bool *given, uint64_t *after)
{
    const char *text = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Last-Event-ID");

    if (text == NULL)
        text = rest_query(x, "after");
    *given = text != NULL;
    return text == NULL || tsr_dec(tsr_text(text), after) == TSR_OK;
}

void rest_events(rest_exchange *x)
{
    const char *accept = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Accept");
    const char *endpoint = rest_query(x, "endpoint");
    bool given;
    uint64_t after = 0;

    if (!begin_of(x, &given, &after)) {
        rest_fail(x, REST_BAD_QUERY, "Last-Event-ID and `after` must be whole numbers");
        return;
    }
    if (endpoint != NULL && (endpoint[0] == '\0' || strlen(endpoint) > 255)) {
        rest_fail(x, REST_BAD_QUERY, "`endpoint` must be 1 to 255 bytes");
        return;
    }
    if (accept != NULL && strstr(accept, "application/json") != NULL &&
        strstr(accept, "text/event-stream") == NULL)
        list_events(x, endpoint, after);
    else
        open_stream(x, endpoint, given ? after : tsr_server_event_last(rest_server(x)),
                    given && after == 0);
}

/* --- waking ------------------------------------------------------------------------------- */

/* With the lock held. */
static void resume_all(tsr_rest *rest, bool beat)
{
    rest->wakes++;
    for (rest_stream *s = rest->streams; s != NULL; s = s->next) {
        s->beat = s->beat || beat;
        if (s->suspended) {
            s->suspended = false;
            MHD_resume_connection(s->connection);
        }
    }
}

unsigned rest_streams_revoke(tsr_rest *rest)
{
    unsigned ended = 0;

    for (rest_stream *s = rest->streams; s != NULL; s = s->next)
        if (!s->over && is_revoked(s)) {
            s->over = true;
            ended++;
        }
    resume_all(rest, false);
    return ended;
}

static void wake(void *arg)
{
    tsr_rest *rest = arg;

    pthread_mutex_lock(&rest->lock);
    resume_all(rest, false);
    pthread_mutex_unlock(&rest->lock);
}

static void *tick(void *arg)
{
    tsr_rest *rest = arg;
    struct timespec until;

    pthread_mutex_lock(&rest->lock);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    while (!rest->stopping) {
        until.tv_sec += REST_HEARTBEAT_S;
        while (!rest->stopping && pthread_cond_timedwait(&rest->changed, &rest->lock, &until) == 0)
            ;
        resume_all(rest, true);
    }
    pthread_mutex_unlock(&rest->lock);
    return NULL;
}

tsr_err rest_streams_start(tsr_rest *rest)
{
    rest->subscription = tsr_server_subscribe(rest->server, wake, rest);
    if (rest->subscription == NULL)
        return TSR_E_SPACE;
    if (pthread_create(&rest->ticker, NULL, tick, rest) == 0)
        return TSR_OK;
    tsr_server_unsubscribe(rest->subscription);
    return TSR_E_SPACE;
}

void rest_streams_stop(tsr_rest *rest)
{
    tsr_server_unsubscribe(rest->subscription);
    pthread_mutex_lock(&rest->lock);
    rest->stopping = true;
    pthread_cond_broadcast(&rest->changed);
    resume_all(rest, false);
    pthread_mutex_unlock(&rest->lock);
    (void)pthread_join(rest->ticker, NULL);
}
