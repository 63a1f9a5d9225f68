/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP daemon: from libmicrohttpd's callbacks to an exchange and its handler. */
#include "server/rest/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "server/audit/audit.h"
#include "server/rest/daemon.h"
#include "server/rest/listen.h"
#include "server/rest/route.h"

enum {
    MEMORY = 48 * 1024,  /* of one connection: request line and header fields */
    /* Of a body that nobody wants, before the connection is closed. A client that is cut off
     * while it still sends may never read why (the kernel answers its bytes with a reset), so
     * this is more than an honest mistake sends. */
    DISCARD_MAX = 16 * 1024 * 1024,
    STOP_MS = 500,       /* for the last answers to go out */
};

/* Begins before the request line is taken apart, so that percent-encoding is still there. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    tsr_rest *rest = cls;
    size_t len = strlen(uri);
    rest_exchange *x = calloc(1, sizeof *x + REST_URI_MAX + 1);

    if (x == NULL)
        return NULL;
    x->rest = rest;
    x->connection = connection;
    x->uri_too_long = len > REST_URI_MAX;
    memcpy(x->uri, uri, x->uri_too_long ? 0 : strcspn(uri, "?"));
    pthread_mutex_lock(&rest->lock);
    rest->exchanges++;
    pthread_mutex_unlock(&rest->lock);
    return x;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    tsr_rest *rest = cls;
    rest_exchange *x = *con_cls;

    (void)connection;
    (void)code;
    if (x == NULL)
        return;
    *con_cls = NULL;
    if (x->response != NULL)
        MHD_destroy_response(x->response);
    rest_wipe(&x->body); /* it may have held a key */
    free(x->endpoint);
    free(x);
    pthread_mutex_lock(&rest->lock);
    rest->exchanges--;
    pthread_cond_broadcast(&rest->changed);
    pthread_mutex_unlock(&rest->lock);
}

static const char *field(rest_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

static void add(rest_exchange *x, const char *name, const char *value)
{
    if (x->response != NULL)
        (void)MHD_add_response_header(x->response, name, value);
}

/* --- what is checked before the body ------------------------------------------------------- */

/* Looks the operator up by what the request says or, later on, by what it said. */
static void look_up(rest_exchange *x, const char *authorization)
{
    tsr_rest *rest = x->rest;
    const rest_operator *found;

    pthread_mutex_lock(&rest->lock);
    found = authorization != NULL ? rest_operator_find(&rest->operators, authorization)
                                  : rest_operator_of(&rest->operators, x->who.digest);
    if (found != NULL)
        x->who = *found;
    x->operator = found != NULL ? &x->who : NULL;
    x->known_at = rest->operators_read;
    pthread_mutex_unlock(&rest->lock);
}

static bool read_since(rest_exchange *x)
{
    pthread_mutex_lock(&x->rest->lock);
    bool since = x->known_at != x->rest->operators_read;

    pthread_mutex_unlock(&x->rest->lock);
    return since;
}

static void fail_unauthorized(rest_exchange *x, const char *why)
{
    rest_fail(x, REST_UNAUTHORIZED, "%s", why);
    add(x, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    rest_audit_refusal(x, "rest-unauthorized");
}

/* Tokens may be revoked while a body comes in, or while a device is waited for. */
static bool is_known_still(rest_exchange *x)
{
    if (x->operator == NULL || !read_since(x))
        return true;
    look_up(x, NULL);
    if (x->operator != NULL)
        return true;
    if (x->response != NULL)
        MHD_destroy_response(x->response);
    x->response = NULL;
    fail_unauthorized(x, "the token was taken out of the server's token file meanwhile");
    return false;
}

static bool may_call(rest_exchange *x, int flags)
{
    tsr_rest *rest = x->rest;
    const char *host = field(x, "Host"), *site = field(x, "Sec-Fetch-Site");

    if (rest->token_file == NULL && !rest_host_is_local(host)) {
        rest_fail(x, REST_MISDIRECTED,
                  "without a token this server answers to localhost, 127.0.0.1 and [::1] only; "
                  "start it with a token file to use other names");
        return false;
    }
    if (!rest_origin_is_ours(field(x, "Origin"), host) ||
        (site != NULL && strcmp(site, "cross-site") == 0)) {
        rest_fail(x, REST_FOREIGN_ORIGIN, "pages of other sites may not call this interface");
        return false;
    }
    if (rest->token_file == NULL)
        return true;
    if (field(x, "Authorization") != NULL)
        look_up(x, field(x, "Authorization"));
    if (x->operator == NULL && (flags & REST_OPEN) == 0) {
        fail_unauthorized(x, "send Authorization: Bearer with a token of the server's token file");
        return false;
    }
    return true;
}

/* A request that waits on the server is kept there: that is a change, whatever it asks the device for. */
static bool may_do(rest_exchange *x)
{
    const char *queue = rest_query(x, "queue");
    bool reads = strcmp(x->route->method, "GET") == 0 || (x->route->flags & REST_READS) != 0;

    if (x->operator == NULL || !x->operator->reads_only || (reads && (queue == NULL || strcmp(queue, "true") != 0)))
        return true;
    rest_fail(x, REST_READ_ONLY, "the token of %s is for reading; ask for one with the role full", x->operator->name);
    rest_audit_refusal(x, "rest-read-only");
    return false;
}

static bool has_body(rest_exchange *x)
{
    const char *length = field(x, "Content-Length");

    return field(x, "Transfer-Encoding") != NULL || (length != NULL && strcmp(length, "0") != 0);
}

static void check_body(rest_exchange *x)
{
    const char *type = field(x, "Content-Type"), *length = field(x, "Content-Length");
    uint64_t n = UINT64_MAX;

    if (length != NULL && (tsr_dec(tsr_text(length), &n) != TSR_OK || n > x->rest->body_max)) {
        rest_fail(x, REST_TOO_LARGE, "send at most %zu bytes", x->rest->body_max);
        x->cut_off = n > DISCARD_MAX;
        return;
    }
    if ((x->route->flags & (REST_BODY | REST_BODY_FREE)) == 0 || !has_body(x))
        return;
    if (type == NULL || strncasecmp(type, "application/json", 16) != 0 ||
        (type[16] != '\0' && strchr("; \t", type[16]) == NULL))
        rest_fail(x, REST_MEDIA_TYPE, "set Content-Type: application/json");
}

static void begin_api(rest_exchange *x, const char *method, const char *path)
{
    rest_match match = { 0 };
    char allow[64];
    const char *like = strcmp(method, "HEAD") == 0 ? "GET" : method;
    tsr_err err = rest_route_find(like, path[0] == '\0' ? "/" : path, &match, allow, sizeof allow);

    if (!may_call(x, err == TSR_OK ? match.route->flags : 0))
        return;
    if (err == TSR_E_UNSUPPORTED) {
        rest_fail(x, REST_METHOD, "use one of: %s", match.allow);
        add(x, MHD_HTTP_HEADER_ALLOW, match.allow);
    } else if (err == TSR_E_MALFORMED) {
        rest_fail(x, REST_NO_SUCH_PATH,
                  "an endpoint name is 1 to 255 bytes of UTF-8, percent-encoded");
    } else if (err != TSR_OK) {
        rest_fail(x, REST_NO_SUCH_PATH,
                  "GET /api/v1/ lists what there is; object, instance and resource are numbers "
                  "from 0 to 65534");
    } else {
        x->route = match.route;
        x->path = match.path;
        x->request = match.request;
        x->endpoint = match.has_endpoint ? strdup(match.endpoint) : NULL;
        if (match.has_endpoint && x->endpoint == NULL)
            rest_fail(x, REST_INTERNAL, "free some memory and try again");
        else if (may_do(x))
            check_body(x);
    }
}

static void begin(rest_exchange *x, const char *method)
{
    static const char base[] = "/api/v1";
    const size_t len = sizeof base - 1;

    if (x->uri_too_long)
        rest_fail(x, REST_URI_TOO_LONG, "a path with its query has at most %d bytes", REST_URI_MAX);
    else if (strncmp(x->uri, base, len) == 0 && (x->uri[len] == '/' || x->uri[len] == '\0'))
        begin_api(x, method, x->uri + len);
    else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        rest_get_file(x, x->uri);
    else {
        rest_fail(x, REST_METHOD, "the console's files can be read only");
        add(x, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
}

/* --- body and answer ---------------------------------------------------------------------- */

/* False: enough of it, close the connection. */
static bool take_body(rest_exchange *x, tsr_bytes piece)
{
    if (x->response != NULL || x->route == NULL ||
        (x->route->flags & (REST_BODY | REST_BODY_FREE)) == 0) {
        x->discarded += piece.len;
        return x->discarded <= DISCARD_MAX;
    }
    if (piece.len > x->rest->body_max - x->body.len) {
        rest_fail(x, REST_TOO_LARGE, "send at most %zu bytes", x->rest->body_max);
        return true;
    }
    rest_room(&x->body, piece.len);
    tsr_put_bytes(&x->body, piece);
    if (x->body.err != TSR_OK)
        rest_fail(x, REST_INTERNAL, "free some memory and try again");
    return true;
}

static enum MHD_Result send_answer(rest_exchange *x)
{
    if (x->response == NULL)
        return MHD_NO;
    if (x->status / 100 < 6)
        atomic_fetch_add(&x->rest->answers[x->status / 100], 1);
    if (x->status == MHD_HTTP_SERVICE_UNAVAILABLE)
        add(x, "Retry-After", "5");
    enum MHD_Result sent = MHD_queue_response(x->connection, x->status, x->response);

    MHD_destroy_response(x->response);
    x->response = NULL;
    return sent;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **con_cls)
{
    rest_exchange *x = *con_cls;

    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (x == NULL)
        return MHD_NO;
    if (!x->begun) {
        x->begun = true;
        begin(x, method);
        return x->cut_off ? send_answer(x) : MHD_YES;
    }
    if (*upload_len > 0) {
        bool go_on = take_body(x, tsr_view(upload, *upload_len));

        *upload_len = 0;
        return go_on ? MHD_YES : MHD_NO;
    }
    if (x->waits) {
        (void)is_known_still(x);
    } else if (x->response == NULL && is_known_still(x) && may_do(x)) {
        x->route->handler(x);
        /* Once it waits, a shard's thread may be writing to it already. */
        if (x->waits)
            return MHD_YES;
        rest_audit_answer(x);
    }
    return send_answer(x);
}

/* --- start and stop ----------------------------------------------------------------------- */

static tsr_err open_port(tsr_rest *rest, const tsr_rest_config *config, const rest_place *place,
                         char *why, size_t why_cap)
{
    const struct MHD_OptionItem more[] = {
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, rest },
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, rest },
        { MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
        { MHD_OPTION_END, 0, NULL },
    };

    rest->daemon = rest_listen(place, MHD_ALLOW_SUSPEND_RESUME,
                               config->connections_max != 0 ? config->connections_max : 1024,
                               MEMORY, on_request, rest, more, why, why_cap);
    return rest->daemon != NULL ? TSR_OK : TSR_E_IO;
}

static void init_lock(tsr_rest *rest)
{
    pthread_condattr_t clock;

    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&rest->lock, NULL);
    (void)pthread_cond_init(&rest->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
}

/* Everything but memory. */
static tsr_err start(tsr_rest *rest, const tsr_rest_config *config, char *why, size_t why_cap)
{
    rest_place place;
    tsr_err err = rest_place_parse(config->bind, config->port, &place, why, why_cap);

    if (err != TSR_OK)
        return err;
    if (config->token_file != NULL) {
        rest->token_file = strdup(config->token_file);
        err = rest->token_file != NULL ? rest_operators_read(rest->token_file, &rest->operators, why, why_cap)
                                       : TSR_E_SPACE;
        if (err != TSR_OK)
            return err;
    } else if (!place.loopback) {
        (void)snprintf(why, why_cap,
                       "%s can be reached from other machines: name a token file, or bind to "
                       "127.0.0.1",
                       place.name);
        return TSR_E_DENIED;
    }
    rest->body_max = config->body_max != 0 ? config->body_max : 1024 * 1024;
    rest->wait_max_s =
        config->timeout_ms != 0 ? (config->timeout_ms + 999) / 1000 : REST_WAIT_MAX_S;
    if (rest_streams_start(rest) != TSR_OK) {
        (void)snprintf(why, why_cap, "no memory or no thread left for the event streams");
        return TSR_E_IO;
    }
    err = open_port(rest, config, &place, why, why_cap);
    if (err != TSR_OK)
        rest_streams_stop(rest);
    return err;
}

tsr_err tsr_rest_start(tsr_rest **out, tsr_server *server, const tsr_rest_config *config, char *why,
                       size_t why_cap)
{
    tsr_rest *rest = calloc(1, sizeof *rest);

    if (rest == NULL) {
        (void)snprintf(why, why_cap, "out of memory");
        return TSR_E_IO;
    }
    init_lock(rest);
    rest->server = server;
    rest->fdo = config->fdo;
    rest->audit = config->audit;
    rest->refs = 1;
    tsr_err err = start(rest, config, why, why_cap);

    if (err == TSR_OK)
        *out = rest;
    else
        rest_release(rest);
    return err;
}

uint16_t tsr_rest_port(const tsr_rest *rest) { return rest_listen_port(rest->daemon); }

static unsigned count_gone(const rest_operators *before, const rest_operators *now)
{
    unsigned gone = 0;

    for (size_t i = 0; i < before->count; i++)
        gone += rest_operator_of(now, before->of[i].digest) == NULL;
    return gone;
}

tsr_err tsr_rest_reload(tsr_rest *rest, char *said, size_t said_cap)
{
    rest_operators now;
    unsigned gone, fresh, ended;
    char counts[100];
    tsr_err err;

    if (rest->token_file == NULL) {
        (void)snprintf(said, said_cap, "there is no token file to read again");
        return TSR_E_STATE;
    }
    err = rest_operators_read(rest->token_file, &now, said, said_cap);
    if (err != TSR_OK)
        return err;
    pthread_mutex_lock(&rest->lock);
    gone = count_gone(&rest->operators, &now);
    fresh = count_gone(&now, &rest->operators);
    rest->operators = now;
    rest->operators_read++;
    ended = rest_streams_revoke(rest);
    pthread_mutex_unlock(&rest->lock);
    (void)snprintf(counts, sizeof counts, "tokens: %zu, new: %u, gone: %u", now.count, fresh, gone);
    err = tsr_audit_put(rest->audit, &(tsr_audit_entry){ "server", "operators-read", "", counts });
    (void)snprintf(said, said_cap, "the token file %s was read again; %s; event streams ended: %u%s", rest->token_file,
                   counts, ended, err != TSR_OK ? "; the audit log does not have it: the store failed" : "");
    return err;
}

/* Lets answers that are already decided reach their clients; idle connections do not count. */
static void let_go(tsr_rest *rest)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STOP_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&rest->lock);
    while (rest->exchanges > 0 && pthread_cond_timedwait(&rest->changed, &rest->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&rest->lock);
}

void tsr_rest_stop(tsr_rest *rest)
{
    if (rest == NULL)
        return;
    rest_streams_stop(rest);
    rest_pending_stop(rest);
    let_go(rest);
    MHD_stop_daemon(rest->daemon);
    rest_release(rest);
}
