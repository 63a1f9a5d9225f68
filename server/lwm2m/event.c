/* SPDX-License-Identifier: Apache-2.0
 *
 * Events and values on their way into the store. */
#define _GNU_SOURCE
#include "server/lwm2m/codec.h"
#include "server/lwm2m/internal.h"

#include <stdlib.h>

struct tsr_server_subscription {
    struct tsr_server_subscription *next;
    tsr_server *server;
    tsr_server_wake *wake;
    void *arg;
};

tsr_err emit_then(tsr_server *s, const char *endpoint, tsr_server_event *event,
                  tsr_store_done *done, void *arg)
{
    uint8_t *body = malloc(TSR_EVENT_BODY_MAX);
    tsr_buf out = tsr_buf_over(body, body ? TSR_EVENT_BODY_MAX : 0);
    tsr_err err;

    if (!event->detail)
        event->detail = "";
    tsr_put_event(&out, event);
    err = out.err;
    if (err == TSR_OK) {
        tsr_store_event row = { .time_ms = unix_now_ms(),
                                .endpoint = endpoint,
                                .body = tsr_buf_view(&out) };

        err = tsr_store_put_event(s->store, &row, done, arg);
    }
    if (err != TSR_OK)
        server_log(s, TSR_LOG_WARNING, "an event was dropped: the store cannot follow");
    free(body);
    return err;
}

void emit(tsr_server *s, const char *endpoint, tsr_server_event *event)
{
    (void)emit_then(s, endpoint, event, NULL, NULL);
}

void emit_simple(tsr_server *s, const char *endpoint, tsr_server_event_type type,
                 const char *detail)
{
    tsr_server_event e = { .type = type, .detail = detail, .kind = -1 };

    emit(s, endpoint, &e);
}

void tsr_server_emit(tsr_server *s, const char *endpoint, tsr_server_event_type type,
                     const char *detail)
{
    emit_simple(s, endpoint, type, detail);
}

/* Anyone can cause these, so they are kept from filling the ring. */
void emit_refused(desk *d, const char *endpoint, const char *detail)
{
    uint64_t second = tsr_shard_now(d->shard) / 1000;

    if (second != d->refused_second) {
        d->refused_second = second;
        d->refused_count = 0;
    }
    if (++d->refused_count > 10)
        return;
    server_log(d->server, TSR_LOG_WARNING, "refused %s%s%s", endpoint, endpoint[0] ? ": " : "",
               detail);
    emit_simple(d->server, endpoint, TSR_SERVER_EV_REFUSED, detail);
}

void keep_values(device *dev, const tsr_server_record *records, size_t count)
{
    int64_t now = unix_now_ms();
    uint8_t *body = malloc(TSR_EVENT_BODY_MAX);

    for (size_t i = 0; body && i < count; i++) {
        uint8_t key[TSR_PATH_KEY_MAX];
        tsr_buf out = tsr_buf_over(body, TSR_EVENT_BODY_MAX);
        size_t key_len = tsr_path_key(records[i].path, key);

        if (records[i].value.type == TSR_LWM2M_NONE || records[i].path.depth < 3)
            continue;
        tsr_put_value(&out, &records[i].value, records[i].unix_ms);
        if (out.err != TSR_OK)
            continue; /* longer than a history should keep */

        tsr_store_value row = { dev->info->endpoint, tsr_view(key, key_len), tsr_buf_view(&out),
                                now };

        (void)tsr_store_put_value(dev->desk->server->store, &row, NULL, NULL);
    }
    free(body);
}

/* --- whoever waits ---------------------------------------------------------------------- */

void events_ready(void *arg)
{
    tsr_server *s = arg;

    pthread_mutex_lock(&s->event_lock);
    pthread_cond_broadcast(&s->event_cond);
    for (tsr_server_subscription *sub = s->subscriptions; sub; sub = sub->next)
        sub->wake(sub->arg);
    pthread_mutex_unlock(&s->event_lock);
}

tsr_server_subscription *tsr_server_subscribe(tsr_server *s, tsr_server_wake *wake, void *arg)
{
    tsr_server_subscription *sub = malloc(sizeof *sub);

    if (!sub)
        return NULL;
    pthread_mutex_lock(&s->event_lock);
    *sub = (tsr_server_subscription){ s->subscriptions, s, wake, arg };
    s->subscriptions = sub;
    pthread_mutex_unlock(&s->event_lock);
    return sub;
}

void tsr_server_unsubscribe(tsr_server_subscription *sub)
{
    tsr_server_subscription **at;
    tsr_server *s;

    if (!sub)
        return;
    s = sub->server;
    pthread_mutex_lock(&s->event_lock);
    for (at = &s->subscriptions; *at != sub; at = &(*at)->next)
        ;
    *at = sub->next;
    pthread_mutex_unlock(&s->event_lock);
    free(sub);
}

tsr_err tsr_server_events_wait(tsr_server *s, uint64_t after, uint32_t timeout_ms)
{
    struct timespec until;
    bool ready;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&s->event_lock);
    while (!atomic_load(&s->stopping) && tsr_store_event_last(s->store) <= after)
        if (pthread_cond_timedwait(&s->event_cond, &s->event_lock, &until))
            break;
    ready = tsr_store_event_last(s->store) > after;
    pthread_mutex_unlock(&s->event_lock);
    return ready ? TSR_OK : TSR_END;
}
