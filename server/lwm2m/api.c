/* SPDX-License-Identifier: Apache-2.0
 *
 * The in-process API: copies out of desks and the store, and operations into shards. */
#define _GNU_SOURCE
#include "server/lwm2m/codec.h"
#include "server/lwm2m/internal.h"

#include <ctype.h>
#include <stdlib.h>

#define PAGE_MAX 1000u

const char *tsr_server_security_name(tsr_server_security s)
{
    static const char *const names[] = { "nosec", "psk", "x509", "oscore" };

    return (size_t)s < sizeof names / sizeof *names ? names[s] : "nosec";
}

const char *tsr_server_outcome_name(tsr_server_outcome o)
{
    static const char *const names[] = {
        "answered", "timeout",     "not-registered", "gone",
        "busy",     "bad-request", "undecodable",    "unavailable"
    };

    return (size_t)o < sizeof names / sizeof *names ? names[o] : "unknown";
}

const char *tsr_server_event_name(tsr_server_event_type t)
{
    static const char *const names[] = {
        "unknown",       "registered", "updated", "deregistered", "expired",
        "notification",  "response",   "failure", "refused",      "observing",
        "observe-ended", "online",     "offline", "credential",   "request",
        "bootstrap-started", "bootstrap-finished", "bootstrap-failed",
        "sent",
    };

    return (size_t)t < sizeof names / sizeof *names ? names[t] : "unknown";
}

/* --- registrations ---------------------------------------------------------------------- */

size_t tsr_server_count(tsr_server *s)
{
    size_t n = 0;

    for (unsigned i = 0; i < s->count; i++)
        n += atomic_load(&s->desks[i].devices);
    return n;
}

static const char *copy_text(const char *text, char **at)
{
    size_t n = strlen(text) + 1;
    char *to = *at;

    memcpy(to, text, n);
    *at += n;
    return to;
}

/* One allocation; the desk's lock is held. */
static tsr_server_registration *snapshot(const device *dev)
{
    const info *i = dev->info;
    char address[TSR_ADDRESS_TEXT];
    const char *texts[] = { i->endpoint, dev->id, i->version, i->binding,
                            i->sms,      i->root, address,    i->identity };
    size_t head = (sizeof(tsr_server_registration) + 15) & ~(size_t)15;
    size_t size = head + tsr_links_size(i->links, i->link_count);
    char *block, *at;

    tsr_address_print(&dev->address, address);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        size += strlen(texts[k]) + 1;
    block = malloc(size);
    if (!block)
        return NULL;
    at = block + head;

    tsr_server_registration *r = (tsr_server_registration *)(void *)block;

    *r = (tsr_server_registration){
        .security = i->security,
        .queue_mode = i->queue_mode,
        .online = dev->online,
        .lifetime_s = i->lifetime_s,
        .registered_unix_ms = dev->registered_ms,
        .updated_unix_ms = dev->updated_ms,
        .expires_unix_ms = dev->expires_ms,
        .seen_unix_ms = dev->seen_ms,
        .observation_count = dev->observation_count,
        .link_count = i->link_count,
    };
    r->links = tsr_links_copy(i->links, i->link_count, &at);
    r->endpoint = copy_text(texts[0], &at);
    r->id = copy_text(texts[1], &at);
    r->version = copy_text(texts[2], &at);
    r->binding = copy_text(texts[3], &at);
    r->sms = copy_text(texts[4], &at);
    r->root = copy_text(texts[5], &at);
    r->address = copy_text(texts[6], &at);
    r->identity = copy_text(texts[7], &at);
    return r;
}

void tsr_server_registration_free(tsr_server_registration *r) { free(r); }

tsr_err tsr_server_find(tsr_server *s, const char *endpoint, tsr_server_registration **out)
{
    for (unsigned i = 0; i < s->count; i++) {
        desk *d = &s->desks[i];
        tsr_server_registration *r = NULL;
        device *dev;

        pthread_mutex_lock(&d->lock);
        dev = desk_by_endpoint(d, endpoint);
        if (dev)
            r = snapshot(dev);
        pthread_mutex_unlock(&d->lock);
        if (dev && !r)
            return TSR_E_SPACE;
        if (r) {
            *out = r;
            return TSR_OK;
        }
    }
    return TSR_E_NOT_FOUND;
}

static bool contains(const char *text, const char *part)
{
    size_t n = strlen(part);

    for (; *text; text++) {
        size_t i = 0;

        while (i < n && text[i] &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}

static bool wanted(const tsr_server_filter *f, const device *dev)
{
    return !dev->replaced && (!f->online_only || dev->online) &&
           (!f->contains || contains(dev->info->endpoint, f->contains));
}

/* The first of a desk after `after` that the filter wants. The lock is let go between devices, so
 * that a filter which finds little does not hold up the shard. */
static tsr_server_registration *next_of(desk *d, const tsr_server_filter *f, const char *after,
                                        bool inclusive)
{
    char cursor[TSR_ENDPOINT_MAX + 1];
    tsr_server_registration *r = NULL;
    bool more = true;

    while (more) {
        device *dev;
        int steps = 0;

        more = false;
        pthread_mutex_lock(&d->lock);
        dev = desk_first_after(d, after);
        if (inclusive && after) {
            device *same = desk_by_endpoint(d, after);

            dev = same ? same : dev;
            inclusive = false;
        }
        while (dev && !wanted(f, dev) && ++steps < 1000)
            dev = dev->forward[0];
        if (dev && f->prefix && strncmp(dev->info->endpoint, f->prefix, strlen(f->prefix)) != 0)
            dev = NULL;
        if (dev && wanted(f, dev)) {
            r = snapshot(dev);
        } else if (dev) {
            memcpy(cursor, dev->info->endpoint, strlen(dev->info->endpoint) + 1);
            after = cursor;
            more = true;
        }
        pthread_mutex_unlock(&d->lock);
    }
    return r;
}

static void advance(tsr_server *s, const tsr_server_filter *f, tsr_server_registration **heads,
                    unsigned i)
{
    tsr_server_registration *old = heads[i];

    heads[i] = next_of(&s->desks[i], f, old->endpoint, false);
}

static unsigned lowest(tsr_server_registration **heads, unsigned count)
{
    unsigned best = count;

    for (unsigned i = 0; i < count; i++)
        if (heads[i] && (best == count || strcmp(heads[i]->endpoint, heads[best]->endpoint) < 0))
            best = i;
    return best;
}

tsr_err tsr_server_list(tsr_server *s, const tsr_server_filter *filter,
                        tsr_server_registration ***page, size_t *count, bool *more)
{
    tsr_server_registration *heads[TSR_ENGINE_SHARDS_MAX] = { NULL };
    size_t limit = filter->limit == 0 ? 100 : filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit;
    tsr_server_registration **out = calloc(limit, sizeof(tsr_server_registration *));
    const char *start = filter->after;
    bool inclusive = false;
    size_t n = 0;
    unsigned i;

    if (!out)
        return TSR_E_SPACE;
    if (filter->prefix && (!start || strcmp(start, filter->prefix) < 0)) {
        start = filter->prefix;
        inclusive = true;
    }
    for (i = 0; i < s->count; i++)
        heads[i] = next_of(&s->desks[i], filter, start, inclusive);
    while (n < limit && (i = lowest(heads, s->count)) < s->count) {
        tsr_server_registration *r = heads[i];

        advance(s, filter, heads, i);
        if (n && strcmp(out[n - 1]->endpoint, r->endpoint) == 0)
            free(r); /* seen on two shards while it moved */
        else
            out[n++] = r;
    }
    *more = lowest(heads, s->count) < s->count;
    for (i = 0; i < s->count; i++)
        free(heads[i]);
    *page = out;
    *count = n;
    return TSR_OK;
}

void tsr_server_list_free(tsr_server_registration **page, size_t count)
{
    for (size_t i = 0; page && i < count; i++)
        free(page[i]);
    free(page);
}

/* --- waiting ---------------------------------------------------------------------------- */

void waiter_wake(void *arg, tsr_err err)
{
    waiter *w = arg;

    pthread_mutex_lock(&w->lock);
    w->done = true;
    w->err = err;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

tsr_err waiter_wait(waiter *w, tsr_err begun)
{
    if (begun != TSR_OK)
        return TSR_E_IO;
    pthread_mutex_lock(&w->lock);
    while (!w->done)
        pthread_cond_wait(&w->cond, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return w->err;
}

typedef struct {
    tsr_message message;
    tsr_server *server;
    const char *endpoint;
    waiter waiter;
} drop_note;

static void run_drop(tsr_shard *shard, tsr_message *m)
{
    drop_note *n = (drop_note *)(void *)m;
    desk *d = &n->server->desks[tsr_shard_index(shard)];
    device *dev;

    pthread_mutex_lock(&d->lock);
    dev = desk_by_endpoint(d, n->endpoint);
    pthread_mutex_unlock(&d->lock);
    if (dev)
        device_end(dev, TSR_SERVER_EV_DEREGISTERED);
    waiter_wake(&n->waiter, dev ? TSR_OK : TSR_E_NOT_FOUND);
}

tsr_err tsr_server_drop(tsr_server *s, const char *endpoint)
{
    desk *d = server_desk_of(s, endpoint);
    drop_note n = { { NULL, run_drop }, s, endpoint, WAITER };
    tsr_err err;

    if (!d || atomic_load(&s->stopping))
        return TSR_E_NOT_FOUND;
    tsr_shard_post(d->shard, &n.message);
    err = waiter_wait(&n.waiter, TSR_OK);
    if (err == TSR_OK)
        tsr_store_flush(s->store);
    return err;
}

/* --- operations ------------------------------------------------------------------------- */

static bool copy_value(tsr_lwm2m_value *v)
{
    uint8_t *to;

    switch (v->type) {
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT:
    case TSR_LWM2M_RAW_BYTES: break;
    default: return true;
    }
    to = malloc(v->as.bytes.len ? v->as.bytes.len : 1);
    if (to && v->as.bytes.len)
        memcpy(to, v->as.bytes.ptr, v->as.bytes.len);
    v->as.bytes.ptr = to;
    return to != NULL;
}

static int by_path(const void *a, const void *b)
{
    const tsr_lwm2m_path *x = a, *y = b;

    return tsr_lwm2m_path_compare(*x, *y);
}

/* In tree order and each once: so the same question is the same observation. */
static bool copy_paths(operation *op, const tsr_server_request *r)
{
    size_t n = r->path_count;

    if (n == 0)
        return true;
    op->paths = malloc(n * sizeof *op->paths);
    if (!op->paths)
        return false;
    memcpy(op->paths, r->paths, n * sizeof *op->paths);
    qsort(op->paths, n, sizeof *op->paths, by_path);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !tsr_lwm2m_path_same(op->paths[op->path_count - 1], op->paths[i]))
            op->paths[op->path_count++] = op->paths[i];
    return true;
}

operation *operation_new(tsr_server *s, const tsr_server_request *r)
{
    operation *op = calloc(1, sizeof *op);
    bool whole = op != NULL;

    if (!op)
        return NULL;
    op->server = s;
    op->kind = r->kind;
    op->path = r->path;
    op->format = r->format;
    op->depth = r->depth;
    op->timeout_ms = r->timeout_ms ? r->timeout_ms : OPERATION_MS;
    op->endpoint = strdup(r->endpoint);
    op->text = r->text ? strdup(r->text) : NULL;
    whole = op->endpoint && (!r->text || op->text) && copy_paths(op, r);
    if (r->record_count && whole) {
        op->records = calloc(r->record_count, sizeof *op->records);
        whole = op->records != NULL;
    }
    while (whole && op->record_count < r->record_count) {
        op->records[op->record_count] = r->records[op->record_count];
        whole = copy_value(&op->records[op->record_count++].value);
    }
    if (whole)
        return op;
    operation_free(op);
    return NULL;
}

tsr_err tsr_server_submit(tsr_server *s, const tsr_server_request *request, tsr_server_done *done,
                          void *arg)
{
    operation *op;
    desk *d;

    if (!request->endpoint || !done || (unsigned)request->kind > TSR_SERVER_CANCEL_COMPOSITE ||
        request->path_count > TSR_SERVER_PATHS_MAX)
        return TSR_E_ARGUMENT;
    op = operation_new(s, request);
    if (!op)
        return TSR_E_SPACE;
    op->done = done;
    op->arg = arg;
    if (atomic_load(&s->stopping)) {
        operation_fail(op, TSR_SERVER_UNAVAILABLE, "the server is stopping");
        return TSR_OK;
    }
    d = server_desk_of(s, op->endpoint);
    if (d)
        operation_post(op, d);
    else
        operation_fail(op, TSR_SERVER_NOT_REGISTERED, "no such device is registered");
    return TSR_OK;
}

/* --- observations and values ------------------------------------------------------------ */

typedef struct {
    tsr_server_observation *list;
    size_t count;
} observation_copy;

static tsr_err copy_observations(const device *dev, observation_copy *copy)
{
    copy->list = calloc(dev->observation_count ? dev->observation_count : 1, sizeof *copy->list);
    if (!copy->list)
        return TSR_E_SPACE;
    for (const observation *o = dev->observations; o; o = o->next) {
        char *params = strdup(o->params);
        tsr_lwm2m_path *paths = malloc(o->path_count * sizeof *paths + 1);

        if (!params || !paths) {
            free(params);
            free(paths);
            return TSR_E_SPACE;
        }
        if (o->path_count)
            memcpy(paths, o->paths, o->path_count * sizeof *paths);
        copy->list[copy->count++] = (tsr_server_observation){
            .path = o->path,
            .paths = paths,
            .path_count = o->path_count,
            .params = params,
            .active = o->active,
            .since_unix_ms = o->since_ms,
            .last_unix_ms = o->last_ms,
            .notifications = o->count,
        };
    }
    return TSR_OK;
}

tsr_err tsr_server_observations(tsr_server *s, const char *endpoint, tsr_server_observation_fn *fn,
                                void *arg)
{
    observation_copy copy = { NULL, 0 };
    desk *d = server_desk_of(s, endpoint);
    tsr_err err = TSR_E_NOT_FOUND;
    device *dev;

    if (!d)
        return err;
    pthread_mutex_lock(&d->lock);
    dev = desk_by_endpoint(d, endpoint);
    if (dev)
        err = copy_observations(dev, &copy);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < copy.count; i++) {
        if (err == TSR_OK)
            fn(arg, &copy.list[i]);
        free((void *)(uintptr_t)copy.list[i].params);
        free((void *)(uintptr_t)copy.list[i].paths);
    }
    free(copy.list);
    return err;
}

typedef struct {
    tsr_server_value_fn *fn;
    void *arg;
} give_value;

static bool value_row(void *arg, const tsr_store_value *row)
{
    give_value *g = arg;
    tsr_server_record record;
    tsr_bytes body = row->body;

    if (tsr_path_from_key(row->path, &record.path) == TSR_OK &&
        tsr_get_value(&body, &record.value, &record.unix_ms) == TSR_OK)
        g->fn(g->arg, &record, row->received_ms);
    return true;
}

tsr_err tsr_server_values(tsr_server *s, const char *endpoint, tsr_lwm2m_path path,
                          tsr_server_value_fn *fn, void *arg)
{
    uint8_t key[TSR_PATH_KEY_MAX];
    size_t len = tsr_path_key(path, key);
    give_value g = { fn, arg };
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_values(reader, endpoint, tsr_view(key, len), value_row, &g);
    reader_give(s, slot);
    return err;
}

tsr_err tsr_server_history(tsr_server *s, const char *endpoint, tsr_lwm2m_path path,
                           int64_t after_unix_ms, size_t limit, tsr_server_value_fn *fn, void *arg)
{
    uint8_t key[TSR_PATH_KEY_MAX];
    size_t len = tsr_path_key(path, key);
    give_value g = { fn, arg };
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_history(reader, endpoint, tsr_view(key, len), after_unix_ms,
                            limit ? limit : 100, value_row, &g);
    reader_give(s, slot);
    return err;
}

/* --- events ----------------------------------------------------------------------------- */

enum { EVENT_RECORDS = TSR_EVENT_BODY_MAX / 11 }; /* the shortest record has 11 bytes */

typedef struct {
    tsr_server_event_fn *fn;
    void *arg;
    tsr_server_record *records;
    uint64_t last;
    size_t count;
} give_event;

static bool event_row(void *arg, const tsr_store_event *row)
{
    give_event *g = arg;
    tsr_server_event e = { .id = row->id, .unix_ms = row->time_ms, .endpoint = row->endpoint };

    g->last = row->id;
    g->count++;
    if (tsr_get_event(row->body, &e, g->records, EVENT_RECORDS) == TSR_OK)
        g->fn(g->arg, &e);
    return true;
}

uint64_t tsr_server_event_last(tsr_server *s) { return tsr_store_event_last(s->store); }
uint64_t tsr_server_event_oldest(tsr_server *s) { return tsr_store_event_oldest(s->store); }

tsr_err tsr_server_events(tsr_server *s, uint64_t after, size_t max, const char *endpoint,
                          tsr_server_event_fn *fn, void *arg, uint64_t *next)
{
    uint64_t newest =
        tsr_store_event_last(s->store); /* before reading: what is later comes later */
    give_event g = { fn, arg, malloc(EVENT_RECORDS * sizeof(tsr_server_record)), after, 0 };
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err = g.records ? reader_take(s, &slot, &reader) : TSR_E_SPACE;

    if (err == TSR_OK) {
        err = tsr_store_events(reader, after, max, endpoint, event_row, &g);
        reader_give(s, slot);
    }
    free(g.records);
    if (err != TSR_OK)
        return TSR_E_IO;
    if (next) /* fewer than asked for: nothing else up to the newest was for this reader */
        *next = g.count < max && newest > g.last ? newest : g.last;
    return TSR_OK;
}

/* --- health ----------------------------------------------------------------------------- */

void tsr_server_stats_get(tsr_server *s, tsr_server_stats *out)
{
    tsr_engine_stats e = { 0 };
    tsr_store_stats st;

    tsr_engine_stats_add(s->engine, &e);
    tsr_store_stats_get(s->store, &st);
    *out = (tsr_server_stats){
        .registrations = tsr_server_count(s),
        .sessions = e.sessions,
        .shards = s->count,
        .datagrams_in = e.in,
        .datagrams_out = e.out,
        .datagrams_dropped = e.dropped,
        .handshakes = e.handshakes,
        .handshakes_failed = e.handshakes_failed,
        .store_rows = st.rows,
        .store_commits = st.commits,
        .store_errors = st.errors,
        .queued = queue_count(s),
        .started_unix_ms = s->started_ms,
        .store_ok = st.ok,
    };
    memcpy(out->store_error, st.error, sizeof out->store_error);
    for (unsigned i = 0; i < s->count; i++) {
        out->observations += atomic_load(&s->desks[i].observations);
        out->requests += atomic_load(&s->desks[i].requests);
        out->timeouts += atomic_load(&s->desks[i].timeouts);
    }
}
