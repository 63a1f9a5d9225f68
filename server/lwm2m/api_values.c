/* SPDX-License-Identifier: Apache-2.0
 *
 * The in-process API: observations, values, history and events. */
#define _GNU_SOURCE
#include "server/lwm2m/codec.h"
#include "server/lwm2m/internal.h"

#include <stdlib.h>

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
