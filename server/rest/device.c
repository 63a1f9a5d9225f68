/* SPDX-License-Identifier: Apache-2.0
 *
 * Registrations, last known values, history and the list of observations. */
#include <stdlib.h>

#include "server/bootstrap/bootstrap.h"
#include "server/rest/handlers.h"
#include "server/rest/moment.h"
#include "server/rest/names.h"
#include "server/rest/put.h"
#include "server/rest/values.h"

/* --- registrations ------------------------------------------------------------------------ */

static size_t size_of(const tsr_server_registration *r)
{
    return 1024 +
           6 * (strlen(r->endpoint) + strlen(r->id) + strlen(r->version) + strlen(r->binding) +
                strlen(r->sms) + strlen(r->root) + strlen(r->address) + strlen(r->identity));
}

static void put_summary(tsr_json_out *j, const tsr_server_registration *r)
{
    rest_put_text(j, "endpoint", r->endpoint);
    rest_put_flag(j, "online", r->online);
    rest_put_flag(j, "queue_mode", r->queue_mode);
    rest_put_text(j, "version", r->version);
    rest_put_text(j, "binding", r->binding);
    rest_put_text(j, "security", tsr_server_security_name(r->security));
    rest_put_text(j, "address", r->address);
    rest_put_count(j, "lifetime_s", r->lifetime_s);
    rest_put_moment(j, "registered_at", r->registered_unix_ms);
    rest_put_moment(j, "updated_at", r->updated_unix_ms);
    rest_put_moment(j, "seen_at", r->seen_unix_ms);
    rest_put_moment_or_null(j, "expires_at", r->expires_unix_ms);
    rest_put_count(j, "observations", r->observation_count);
}

void rest_list_devices(rest_exchange *x)
{
    tsr_server_filter filter = { .after = rest_query(x, "cursor"),
                                 .prefix = rest_query(x, "prefix"),
                                 .contains = rest_query(x, "q") };
    tsr_server_registration **page;
    size_t count;
    uint64_t limit;
    bool more;

    if (rest_query_number(x, "limit", 1, 1000, 100, &limit) != TSR_OK ||
        rest_query_bool(x, "online", &filter.online_only) != TSR_OK)
        return;
    filter.limit = (size_t)limit;
    if (filter.contains != NULL && filter.contains[0] == '\0')
        filter.contains = NULL;
    if (filter.prefix != NULL && filter.prefix[0] == '\0')
        filter.prefix = NULL;

    tsr_server *server = rest_server(x);
    tsr_err err = tsr_server_list(server, &filter, &page, &count, &more);

    if (err != TSR_OK) {
        rest_fail_err(x, err, "the list");
        return;
    }
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    rest_room(&out, 64);
    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "items");
    tsr_json_open_array(&j);
    for (size_t i = 0; i < count; i++) {
        rest_room(&out, size_of(page[i]));
        tsr_json_open_object(&j);
        put_summary(&j, page[i]);
        tsr_json_close(&j);
    }
    tsr_json_close(&j);
    rest_room(&out, 256 + (count > 0 ? size_of(page[count - 1]) : 0));
    rest_put_text(&j, "next", more && count > 0 ? page[count - 1]->endpoint : NULL);
    rest_put_count(&j, "total", tsr_server_count(server));
    tsr_json_close(&j);
    tsr_server_list_free(page, count);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

static const char *attribute(const tsr_server_link *link, const char *name)
{
    for (size_t i = 0; i < link->attr_count; i++)
        if (strcmp(link->attrs[i].name, name) == 0)
            return link->attrs[i].value;
    return NULL;
}

static int by_path(const void *a, const void *b)
{
    const tsr_server_link *const *left = a, *const *right = b;

    return tsr_lwm2m_path_compare((*left)->path, (*right)->path);
}

/* Links of one object stand together once they are sorted: its version, then its instances. */
static size_t put_object(tsr_json_out *j, tsr_buf *out, const tsr_server_link **links, size_t count)
{
    uint16_t object = links[0]->path.object;
    const char *version = NULL, *name = rest_name_object(object);
    size_t n = 0;

    while (n < count && links[n]->path.object == object) {
        const char *ver = attribute(links[n++], "ver");

        version = version != NULL ? version : ver;
    }
    rest_room(
        out, 256 + 8 * n +
                 6 * ((name != NULL ? strlen(name) : 0) + (version != NULL ? strlen(version) : 0)));
    tsr_json_open_object(j);
    rest_put_count(j, "object", object);
    if (name != NULL)
        rest_put_text(j, "name", name);
    if (version != NULL)
        rest_put_text(j, "version", version);
    tsr_json_put_key(j, "instances");
    tsr_json_open_array(j);
    for (size_t i = 0; i < n; i++)
        if (links[i]->path.depth == 2 &&
            (i == 0 || !tsr_lwm2m_path_same(links[i]->path, links[i - 1]->path)))
            tsr_json_put_uint(j, links[i]->path.instance);
    tsr_json_close(j);
    tsr_json_close(j);
    return n;
}

static void put_objects(tsr_json_out *j, tsr_buf *out, const tsr_server_registration *r)
{
    const tsr_server_link **links = calloc(r->link_count + 1, sizeof(const tsr_server_link *));
    size_t count = 0;

    if (links == NULL) {
        out->err = TSR_E_SPACE;
        return;
    }
    for (size_t i = 0; i < r->link_count; i++)
        if (r->links[i].path.depth == 1 || r->links[i].path.depth == 2)
            links[count++] = &r->links[i];
    if (count > 0)
        qsort(links, count, sizeof(const tsr_server_link *), by_path);
    for (size_t i = 0; i < count;)
        i += put_object(j, out, links + i, count - i);
    free(links);
}

typedef struct {
    tsr_json_out *j;
    tsr_buf *out;
} writer;

static void put_state(void *arg, const char *endpoint, tsr_bytes json, int64_t changed_unix_ms)
{
    writer *w = arg;

    (void)endpoint, (void)changed_unix_ms;
    rest_room(w->out, json.len + 16);
    tsr_json_put_raw(w->j, json);
}

/* How it came to be known here, if it came by the bootstrap server. */
static void put_bootstrap(tsr_server *s, tsr_json_out *j, tsr_buf *out, const char *endpoint)
{
    writer w = { j, out };

    rest_room(out, 32);
    tsr_json_put_key(j, "bootstrap");
    if (tsr_bootstrap_state_get(s, endpoint, put_state, &w) != TSR_OK)
        tsr_json_put_null(j);
    rest_room(out, 16);
}

void rest_get_device(rest_exchange *x)
{
    tsr_server_registration *r;
    tsr_err err = tsr_server_find(rest_server(x), x->endpoint, &r);

    if (err != TSR_OK) {
        rest_fail_err(x, err, x->endpoint);
        return;
    }
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);

    rest_room(&out, size_of(r));
    tsr_json_open_object(&j);
    put_summary(&j, r);
    rest_put_text(&j, "registration_id", r->id);
    rest_put_text(&j, "identity", r->identity);
    if (r->sms[0] != '\0')
        rest_put_text(&j, "sms", r->sms);
    rest_put_text(&j, "root", r->root);
    tsr_json_put_key(&j, "objects");
    tsr_json_open_array(&j);
    put_objects(&j, &out, r);
    rest_room(&out, 16);
    tsr_json_close(&j);
    put_bootstrap(rest_server(x), &j, &out, r->endpoint);
    tsr_json_close(&j);
    tsr_server_registration_free(r);
    rest_reply(x, MHD_HTTP_OK, "application/json", &out);
}

void rest_drop_device(rest_exchange *x)
{
    tsr_err err = tsr_server_drop(rest_server(x), x->endpoint);

    if (err != TSR_OK)
        rest_fail_err(x, err, x->endpoint);
    else
        rest_reply_empty(x);
}

/* --- values kept by the server ------------------------------------------------------------ */

typedef struct {
    tsr_json_out j;
    tsr_buf out;
} list;

static void put_received(void *arg, const tsr_server_record *record, int64_t received_unix_ms)
{
    list *l = arg;

    rest_put_record(&l->j, &l->out, record, received_unix_ms);
}

static void open_values(list *l, tsr_lwm2m_path path)
{
    l->j = tsr_json_to(&l->out);
    rest_room(&l->out, 128);
    tsr_json_open_object(&l->j);
    rest_put_path(&l->j, path);
    tsr_json_put_key(&l->j, "values");
    tsr_json_open_array(&l->j);
}

static void reply_list(rest_exchange *x, list *l, tsr_err err)
{
    if (err != TSR_OK) {
        free(l->out.ptr);
        rest_fail_err(x, err, x->endpoint);
        return;
    }
    rest_room(&l->out, 16);
    tsr_json_close(&l->j);
    tsr_json_close(&l->j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &l->out);
}

static bool is_registered(rest_exchange *x)
{
    tsr_server_registration *r;
    tsr_err err = tsr_server_find(rest_server(x), x->endpoint, &r);

    if (err == TSR_OK)
        tsr_server_registration_free(r);
    else
        rest_fail_err(x, err, x->endpoint);
    return err == TSR_OK;
}

void rest_last_values(rest_exchange *x)
{
    const char *text = rest_query(x, "path");
    tsr_lwm2m_path path = tsr_lwm2m_at_root();
    list l = { 0 };

    if (text != NULL && tsr_lwm2m_path_parse(tsr_text(text), &path) != TSR_OK) {
        rest_fail(x, REST_BAD_QUERY, "`path` must be an LwM2M path like /3303/0");
        return;
    }
    if (!is_registered(x))
        return;
    open_values(&l, path);
    reply_list(x, &l, tsr_server_values(rest_server(x), x->endpoint, path, put_received, &l));
}

void rest_history(rest_exchange *x)
{
    const char *text = rest_query(x, "path"), *since = rest_query(x, "since");
    tsr_lwm2m_path path;
    int64_t after = 0;
    uint64_t limit;
    list l = { 0 };

    if (text == NULL || tsr_lwm2m_path_parse(tsr_text(text), &path) != TSR_OK || path.depth < 3) {
        rest_fail(x, REST_BAD_QUERY, "`path` must name a resource, like /3303/0/5700");
        return;
    }
    if (since != NULL && rest_get_moment_ms(tsr_text(since), &after) != TSR_OK) {
        rest_fail(x, REST_BAD_QUERY, "`since` must be a date-time like 2026-01-31T12:00:00Z");
        return;
    }
    if (rest_query_number(x, "limit", 1, 10000, 100, &limit) != TSR_OK || !is_registered(x))
        return;
    open_values(&l, path);
    reply_list(x, &l,
               tsr_server_history(rest_server(x), x->endpoint, path, after, (size_t)limit,
                                  put_received, &l));
}

/* --- observations ------------------------------------------------------------------------- */

/* Of a composite one. */
static void put_paths(list *l, const tsr_server_observation *o)
{
    tsr_json_put_key(&l->j, "paths");
    tsr_json_open_array(&l->j);
    for (size_t i = 0; i < o->path_count; i++) {
        char text[TSR_LWM2M_PATH_TEXT + 1];
        tsr_buf out = tsr_buf_over(text, sizeof text - 1);

        tsr_lwm2m_path_put(&out, o->paths[i]);
        tsr_json_put_string(&l->j, tsr_buf_view(&out));
    }
    tsr_json_close(&l->j);
}

static void put_observation(void *arg, const tsr_server_observation *o)
{
    list *l = arg;
    const char *name = rest_name(o->path);

    rest_room(&l->out, 512 + o->path_count * 32 + 6 * (strlen(o->params) + (name != NULL ? strlen(name) : 0)));
    tsr_json_open_object(&l->j);
    rest_put_path(&l->j, o->path);
    if (o->path_count > 0)
        put_paths(l, o);
    if (name != NULL)
        rest_put_text(&l->j, "name", name);
    if (o->params[0] != '\0')
        rest_put_text(&l->j, "params", o->params);
    rest_put_flag(&l->j, "active", o->active);
    rest_put_moment(&l->j, "since", o->since_unix_ms);
    rest_put_moment_or_null(&l->j, "last_at", o->last_unix_ms);
    rest_put_count(&l->j, "notifications", o->notifications);
    tsr_json_close(&l->j);
}

void rest_list_observations(rest_exchange *x)
{
    list l = { 0 };

    l.j = tsr_json_to(&l.out);
    rest_room(&l.out, 64);
    tsr_json_open_object(&l.j);
    tsr_json_put_key(&l.j, "items");
    tsr_json_open_array(&l.j);
    reply_list(x, &l, tsr_server_observations(rest_server(x), x->endpoint, put_observation, &l));
}
