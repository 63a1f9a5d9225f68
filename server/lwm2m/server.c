/* SPDX-License-Identifier: Apache-2.0
 *
 * The server as a whole: store, engine, desks; and what the engine tells it. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <psa/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

int64_t unix_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Endpoints and diagnostics come from outside; a line of log stays one line. */
void server_log(tsr_server *s, tsr_log_level level, const char *format, ...)
{
    char text[512];
    va_list args;

    if (!s->config.log)
        return;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '?';
    s->config.log(s->config.log_arg, level, text);
}

static void store_log(void *arg, const char *text) { server_log(arg, TSR_LOG_ERROR, "%s", text); }

/* --- hooks of the engine ---------------------------------------------------------------- */

static desk *desk_of(void *user, tsr_shard *shard)
{
    return &((tsr_server *)user)->desks[tsr_shard_index(shard)];
}

static void on_observed(desk *d, observation *o, const tsr_coap_event *event)
{
    if (event->kind == TSR_COAP_NOTIFICATION)
        notification(d, o, event);
    else if (o->setup)
        operation_event(d, o->setup, event);
}

static const tsr_server_service *service_of(const tsr_server *s) { return s->config.bootstrap; }

static tsr_err on_psk(void *user, tsr_shard *shard, tsr_bytes identity, uint32_t *key_id)
{
    tsr_server *s = user;

    return tsr_shard_service(shard) ? service_of(s)->psk(s->service, shard, identity, key_id)
                                    : credential_psk(user, shard, identity, key_id);
}

static tsr_err on_certificate(void *user, tsr_shard *shard, const char *common_name, tsr_bytes der)
{
    tsr_server *s = user;

    return tsr_shard_service(shard) ? service_of(s)->certificate(s->service, shard, common_name, der)
                                    : credential_certificate(user, shard, common_name, der);
}

static void on_coap(void *user, tsr_shard *shard, tsr_peer *peer, const tsr_coap_event *event)
{
    desk *d = desk_of(user, shard);

    if (peer->service) {
        service_of(d->server)->coap(d->server->service, shard, peer, event);
        return;
    }
    if (event->kind == TSR_COAP_REQUEST) {
        if (!peer->dying)
            register_request(d, peer, event);
        return;
    }
    /* Separate answers of ours carry no user: nothing follows from their fate. */
    if (event->user & 1)
        on_observed(d, (observation *)(uintptr_t)(event->user & ~(uint64_t)1), event);
    else if (event->user)
        operation_event(d, (operation *)(uintptr_t)event->user, event);
}

static void on_seen(void *user, tsr_shard *shard, tsr_peer *peer)
{
    (void)user, (void)shard;
    for (device *dev = peer->service ? NULL : peer->user; dev;) {
        device *next = dev->next_on_peer;

        device_heard(dev);
        dev = next;
    }
}

static void on_gone(void *user, tsr_shard *shard, tsr_peer *peer)
{
    tsr_server *s = user;

    if (peer->service) {
        service_of(s)->gone(s->service, shard, peer);
        return;
    }
    while (peer->user) {
        device *dev = peer->user;

        device_unbind(dev);
        device_offline(dev, "its session ended");
    }
}

static void on_timer(void *user, tsr_shard *shard, tsr_timer *timer)
{
    tsr_server *s = user;

    if (timer->id >= TSR_TIMER_SERVICE)
        service_of(s)->timer(s->service, shard, timer);
    else
        device_timer(desk_of(user, shard), timer);
}

static void on_refused(void *user, tsr_shard *shard, const tsr_address *from, const char *why)
{
    char address[TSR_ADDRESS_TEXT], text[240];

    tsr_address_print(from, address);
    (void)snprintf(text, sizeof text, "%s: %s", address, why);
    emit_refused(desk_of(user, shard), "", text);
}

/* --- opening ---------------------------------------------------------------------------- */

static void init_sync(tsr_server *s)
{
    pthread_condattr_t monotonic;

    for (int i = 0; i < CLAIMS; i++)
        pthread_mutex_init(&s->claims[i], NULL);
    pthread_mutex_init(&s->read_lock, NULL);
    pthread_mutex_init(&s->event_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->event_cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static tsr_err open_store(tsr_server *s, char *why, size_t why_cap)
{
    tsr_store_config c = { .directory = s->config.data,
                           .event_ring = s->config.event_ring,
                           .history = s->config.history,
                           .log = store_log,
                           .log_arg = s };
    tsr_err err = tsr_store_open_sqlite(&c, &s->store, why, why_cap);

    if (err == TSR_OK)
        tsr_store_on_events(s->store, events_ready, s);
    return err;
}

/* The engine has one list; the second service's addresses stand at its end. */
static void join(tsr_address *all, tsr_address *first, unsigned first_count, tsr_address *second,
                 unsigned second_count)
{
    memcpy(all, first, first_count * sizeof *all);
    memcpy(all + first_count, second, second_count * sizeof *all);
}

static void part(tsr_address *all, tsr_address *first, unsigned first_count, tsr_address *second,
                 unsigned second_count)
{
    memcpy(first, all, first_count * sizeof *all);
    memcpy(second, all + first_count, second_count * sizeof *all);
}

/* All four lists, there or back with the ports that were chosen. */
static void move_addresses(tsr_engine_config *e, tsr_server_config *c,
                           void move(tsr_address *all, tsr_address *first, unsigned first_count,
                                     tsr_address *second, unsigned second_count))
{
    move(e->coap, c->coap, c->coap_count, c->bootstrap_coap, c->bootstrap_coap_count);
    move(e->coaps, c->coaps, c->coaps_count, c->bootstrap_coaps, c->bootstrap_coaps_count);
    move(e->coap_tcp, c->coap_tcp, c->coap_tcp_count, c->bootstrap_coap_tcp,
         c->bootstrap_coap_tcp_count);
    move(e->coaps_tcp, c->coaps_tcp, c->coaps_tcp_count, c->bootstrap_coaps_tcp,
         c->bootstrap_coaps_tcp_count);
}

static tsr_err open_engine(tsr_server *s, tsr_server_config *config, char *why, size_t why_cap)
{
    tsr_engine_config c = {
        .coap_count = config->coap_count + config->bootstrap_coap_count,
        .coaps_count = config->coaps_count + config->bootstrap_coaps_count,
        .coap_second = config->bootstrap_coap_count,
        .coaps_second = config->bootstrap_coaps_count,
        .coap_tcp_count = config->coap_tcp_count + config->bootstrap_coap_tcp_count,
        .coaps_tcp_count = config->coaps_tcp_count + config->bootstrap_coaps_tcp_count,
        .coap_tcp_second = config->bootstrap_coap_tcp_count,
        .coaps_tcp_second = config->bootstrap_coaps_tcp_count,
        .shards = config->shards,
        .peers = config->devices,
        .park_ms = config->park_ms,
        .no_cid = config->no_cid,
        .certificate = tsr_view(s->certificate, s->certificate_len),
        .certificate_key_id = s->certificate_key_id,
        .anchors = s->anchors,
        .anchor_count = s->anchor_count,
        .store = s->store,
        .hooks = { s, on_psk, on_certificate, on_coap, on_seen, on_gone, on_timer, on_refused },
    };
    tsr_err err;

    move_addresses(&c, config, join);
    err = tsr_engine_open(&c, &s->engine, why, why_cap);
    move_addresses(&c, config, part);
    return err;
}

static tsr_err open_desks(tsr_server *s)
{
    s->count = tsr_engine_shards(s->engine);
    s->desks = calloc(s->count, sizeof *s->desks);
    if (!s->desks) {
        s->count = 0;
        return TSR_E_SPACE;
    }
    for (unsigned i = 0; i < s->count; i++)
        if (desk_init(&s->desks[i], s, tsr_engine_shard(s->engine, i)) != TSR_OK)
            return TSR_E_SPACE;
    return TSR_OK;
}

static tsr_err open_parts(tsr_server *s, tsr_server_config *config, char *why, size_t why_cap)
{
    tsr_err err = certificates_load(s, why, why_cap);

    if (err == TSR_OK)
        err = open_store(s, why, why_cap);
    if (err == TSR_OK)
        err = open_engine(s, config, why, why_cap);
    if (err == TSR_OK && (err = open_desks(s)) != TSR_OK)
        (void)snprintf(why, why_cap, "out of memory: give the process more");
    if (err == TSR_OK && (err = oscore_open(s)) != TSR_OK)
        (void)snprintf(why, why_cap, "out of memory: give the process more");
    if (err == TSR_OK && ((err = queue_open(s)) != TSR_OK || (err = profiles_open(s)) != TSR_OK))
        (void)snprintf(why, why_cap, "out of memory: give the process more");
    if (err == TSR_OK && config->bootstrap)
        err = config->bootstrap->open(s, &s->service, why, why_cap);
    if (err == TSR_OK && (err = server_restore(s)) != TSR_OK)
        (void)snprintf(why, why_cap, "%s: the stored registrations cannot be read (%s)",
                       config->data, tsr_err_name(err));
    if (err == TSR_OK && (err = tsr_engine_start(s->engine)) != TSR_OK)
        (void)snprintf(why, why_cap, "threads cannot be started: raise the limit of processes");
    return err;
}

tsr_err tsr_server_open(tsr_server_config *config, tsr_server **out, char *why, size_t why_cap)
{
    tsr_server *s;
    tsr_err err;

    (void)snprintf(why, why_cap, "no data directory is named");
    if (!config->data)
        return TSR_E_ARGUMENT;
    (void)snprintf(why, why_cap, "the PSA core cannot be started");
    if (psa_crypto_init() != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    s = calloc(1, sizeof *s);
    (void)snprintf(why, why_cap, "out of memory: give the process more");
    if (!s || getrandom(&s->hash_key, sizeof s->hash_key, 0) != (ssize_t)sizeof s->hash_key) {
        free(s);
        return TSR_E_SPACE;
    }
    s->config = *config;
    s->started_ms = unix_now_ms();
    init_sync(s);
    err = open_parts(s, config, why, why_cap);
    if (err != TSR_OK) {
        tsr_server_close(s);
        return err;
    }
    *out = s;
    return TSR_OK;
}

/* --- closing ---------------------------------------------------------------------------- */

tsr_store *tsr_server_store(tsr_server *s) { return s->store; }

void tsr_server_quiesce(tsr_server *s)
{
    pthread_mutex_lock(&s->event_lock);
    atomic_store(&s->stopping, true);
    pthread_cond_broadcast(&s->event_cond);
    pthread_mutex_unlock(&s->event_lock);
}

/* What the shards had put is committed, and its notes to them are run, until nothing follows. */
static void settle(tsr_server *s)
{
    for (int i = 0; i < 3; i++) {
        tsr_store_flush(s->store);
        tsr_engine_run_posted(s->engine);
    }
}

static void close_desks(tsr_server *s)
{
    for (unsigned i = 0; i < s->count; i++)
        for (device *dev = s->desks[i].first[0]; dev; dev = dev->forward[0])
            device_journal(dev, true);
    for (unsigned i = 0; i < s->count; i++)
        desk_free(&s->desks[i]);
    free(s->desks);
}

static void free_sync(tsr_server *s)
{
    for (int i = 0; i < CLAIMS; i++)
        pthread_mutex_destroy(&s->claims[i]);
    pthread_mutex_destroy(&s->read_lock);
    pthread_mutex_destroy(&s->event_lock);
    pthread_cond_destroy(&s->event_cond);
}

void tsr_server_close(tsr_server *s)
{
    if (!s)
        return;
    tsr_server_quiesce(s);
    if (s->engine) {
        tsr_engine_stop(s->engine);
        oscore_park(s);
        settle(s);
        if (s->service)
            s->config.bootstrap->close(s->service);
        close_desks(s);
        settle(s);
        tsr_engine_close(s->engine);
    }
    oscore_close(s);
    if (s->store) {
        readers_close(s);
        tsr_store_close(s->store);
    }
    queue_close(s);
    profiles_close(s);
    certificates_free(s);
    free_sync(s);
    free(s);
}
