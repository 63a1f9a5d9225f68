/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/engine/connection.h"
#include "server/engine/shard_in.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t shard_clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* --- inbox ------------------------------------------------------------------------------ */

void tsr_shard_post(tsr_shard *s, tsr_message *m)
{
    uint64_t one = 1;

    m->next = NULL;
    pthread_mutex_lock(&s->inbox_lock);
    *s->inbox_tail = m;
    s->inbox_tail = &m->next;
    if (!s->wake_sent) /* under the lock, so that the flag and the descriptor agree */
        (void)!write(s->wake_fd, &one, sizeof one);
    s->wake_sent = true;
    pthread_mutex_unlock(&s->inbox_lock);
}

static void run_inbox(tsr_shard *s)
{
    uint64_t count;

    pthread_mutex_lock(&s->inbox_lock);

    tsr_message *m = s->inbox;

    s->inbox = NULL;
    s->inbox_tail = &s->inbox;
    if (s->wake_sent)
        (void)!read(s->wake_fd, &count, sizeof count);
    s->wake_sent = false;
    pthread_mutex_unlock(&s->inbox_lock);
    while (m) {
        tsr_message *next = m->next;

        m->run(s, m);
        m = next;
    }
}

/* --- datagrams -------------------------------------------------------------------------- */

/* A datagram that the kernel gave to the wrong shard (no filter, or forged), on its way home. */
typedef struct {
    tsr_message message;
    tsr_address from;
    unsigned socket;
    bool secure;
    size_t len;
    uint8_t bytes[];
} stray;

void shard_events(tsr_shard *s)
{
    tsr_coap_event event;

    while (tsr_coap_event_next(&s->coap, &event))
        if (!session_answers(&s->peers[event.peer], &event))
            s->hooks->coap(s->hooks->user, s, &s->peers[event.peer], &event);
}

void shard_received(tsr_shard *s, tsr_peer *p, tsr_bytes message)
{
    s->hooks->seen(s->hooks->user, s, p);
    (void)tsr_coap_feed(&s->coap, p->index, message, s->now_ms);
    shard_events(s);
}

static void plain_datagram(tsr_shard *s, const tsr_address *from, unsigned socket,
                           tsr_bytes datagram)
{
    tsr_peer *p = peer_find_plain(s, from, peer_service_of(s, socket, false));

    if (!p)
        p = peer_new(s, from, socket, false);
    if (!p) {
        atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed);
        return;
    }
    p->connected = true;
    p->socket = (uint8_t)socket;
    peer_touch(s, p);
    shard_received(s, p, datagram);
}

static void run_stray(tsr_shard *s, tsr_message *m)
{
    stray *d = (stray *)(void *)m;

    (d->secure ? session_datagram : plain_datagram)(s, &d->from, d->socket,
                                                    tsr_view(d->bytes, d->len));
    free(d);
}

uint32_t shard_cid_home(const tsr_engine *e, tsr_bytes cid) { return cid.ptr[0] % e->count; }

static unsigned home_of(const tsr_shard *s, const tsr_address *from, bool secure,
                        tsr_bytes datagram)
{
    tsr_bytes cid;

    if (secure && !s->config->no_cid && datagram.len > 11 && datagram.ptr[0] == 25) {
        cid = tsr_skip(datagram, 11);
        return shard_cid_home(s->engine, cid);
    }
    return tsr_address_spread(from) % s->engine->count;
}

static void forward(tsr_shard *to, const tsr_address *from, unsigned socket, bool secure,
                    tsr_bytes datagram)
{
    stray *d = malloc(sizeof *d + datagram.len);

    if (!d)
        return;
    *d = (stray){ { NULL, run_stray }, *from, socket, secure, datagram.len };
    memcpy(d->bytes, datagram.ptr, datagram.len);
    tsr_shard_post(to, &d->message);
}

static void datagram_in(tsr_shard *s, const tsr_address *from, unsigned socket, bool secure,
                        tsr_bytes datagram)
{
    atomic_fetch_add_explicit(&s->count_in, 1, memory_order_relaxed);
    if (s->engine->count > 1) {
        unsigned home = home_of(s, from, secure, datagram);

        if (home != s->index) {
            forward(&s->engine->shards[home], from, socket, secure, datagram);
            return;
        }
    }
    (secure ? session_datagram : plain_datagram)(s, from, socket, datagram);
}

/* True when the socket may have more. */
static bool read_socket(tsr_shard *s, unsigned socket, bool secure)
{
    int fd = s->fds[secure ? TSR_ENGINE_LISTEN_MAX + socket : socket];
    unsigned n = fd >= 0 ? tsr_inbound_read(s->in, fd) : 0;

    for (unsigned i = 0; i < n; i++) {
        tsr_address from;
        tsr_bytes datagram;

        if (tsr_inbound_get(s->in, i, &from, &datagram) == TSR_OK)
            datagram_in(s, &from, socket, secure, datagram);
    }
    return n == TSR_SOCKET_BATCH;
}

static bool read_sockets(tsr_shard *s)
{
    bool more = false;

    for (unsigned i = 0; i < s->config->coap_count; i++)
        more = read_socket(s, i, false) || more;
    for (unsigned i = 0; i < s->config->coaps_count; i++)
        more = read_socket(s, i, true) || more;
    return more;
}

static void send_plain(tsr_shard *s, tsr_peer *p, tsr_bytes message)
{
    tsr_buf out = tsr_outbound_begin(s->out);

    tsr_put_bytes(&out, message);
    if (out.err != TSR_OK)
        return;
    tsr_outbound_end(s->out, s->fds[p->socket], &p->address, out.len);
    atomic_fetch_add_explicit(&s->count_out, 1, memory_order_relaxed);
}

static void write_all(tsr_shard *s)
{
    for (;;) {
        uint8_t bytes[TSR_SOCKET_OUT - TSR_DTLS_OVERHEAD];
        tsr_buf out = tsr_buf_over(bytes, sizeof bytes);
        tsr_coap_peer to;
        tsr_err err = tsr_coap_poll(&s->coap, &to, &out, s->now_ms);

        if (err == TSR_END)
            break;
        if (err != TSR_OK || !s->peers[to].used || s->peers[to].dying)
            continue;
        if (s->peers[to].secure)
            session_send(s, &s->peers[to], tsr_buf_view(&out));
        else
            send_plain(s, &s->peers[to], tsr_buf_view(&out));
    }
    connections_flush(s);
}

/* --- timers ----------------------------------------------------------------------------- */

tsr_err tsr_shard_timer_set(tsr_shard *s, tsr_timer *t, uint64_t due_ms)
{
    return tsr_timer_set(&s->timers, t, due_ms);
}

void tsr_shard_timer_stop(tsr_shard *s, tsr_timer *t) { tsr_timer_stop(&s->timers, t); }

static void run_timers(tsr_shard *s)
{
    tsr_timer *t;

    while ((t = tsr_timers_take(&s->timers, s->now_ms)) != NULL) {
        if (t->id == TIMER_PEER) {
            tsr_peer *p = (tsr_peer *)(void *)((char *)t - offsetof(tsr_peer, timer));

            (p->connection ? connection_timer : session_timer)(s, p);
        } else if (t->id == TIMER_HOUSE) {
            peers_house(s);
            connections_house(s);
            if (s->index == 0)
                ticket_keys_expire(s->engine->tickets, s->now_ms);
            (void)tsr_timer_set(&s->timers, t, s->now_ms + 1000);
        } else {
            s->hooks->timer(s->hooks->user, s, t);
        }
    }
}

/* --- the loop --------------------------------------------------------------------------- */

static void turn(tsr_shard *s)
{
    s->now_ms = shard_clock_ms();
    run_inbox(s);
    run_timers(s);
    write_all(s);
    shard_events(s); /* poll makes time-outs */
    peers_reap(s);
    write_all(s); /* what those events answered */
    atomic_fetch_add_explicit(&s->dropped, tsr_outbound_flush(s->out), memory_order_relaxed);
}

static void sleep_until_due(tsr_shard *s, struct pollfd *fds, nfds_t count)
{
    uint64_t due = tsr_coap_due_ms(&s->coap), timer = tsr_timers_due(&s->timers);
    uint64_t now = shard_clock_ms();

    if (timer < due)
        due = timer;

    uint64_t wait = due <= now ? 0 : due - now;
    struct timespec t = { (time_t)(wait / 1000), (long)(wait % 1000) * 1000000 };

    (void)ppoll(fds, count, due == UINT64_MAX ? NULL : &t, NULL);
}

static nfds_t watch_fds(const tsr_shard *s, struct pollfd *fds)
{
    nfds_t n = 0;

    fds[n++] = (struct pollfd){ .fd = s->wake_fd, .events = POLLIN };
    for (unsigned i = 0; i < 2 * TSR_ENGINE_LISTEN_MAX; i++)
        if (s->fds[i] >= 0)
            fds[n++] = (struct pollfd){ .fd = s->fds[i], .events = POLLIN };
    if (s->connections)
        fds[n++] = (struct pollfd){ .fd = connections_fd(s), .events = POLLIN };
    return n;
}

static void *shard_main(void *arg)
{
    tsr_shard *s = arg;
    struct pollfd fds[2 + 2 * TSR_ENGINE_LISTEN_MAX];
    nfds_t count = watch_fds(s, fds);

    while (!atomic_load_explicit(&s->engine->stopping, memory_order_relaxed)) {
        s->now_ms = shard_clock_ms();

        bool more = read_sockets(s);

        more = connections_step(s) || more;
        turn(s);
        if (!more)
            sleep_until_due(s, fds, count);
    }
    sessions_save_all(s);
    turn(s);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------- */

static tsr_err coap_init(tsr_shard *s)
{
    tsr_coap_config c = {
        .peers = s->peer_cap,
        .exchanges = 8192,
        .exchange_len = 1280,
        .bodies = 256,
        .body_len = s->config->body_len ? s->config->body_len : 65536,
        .peer_bodies = 4,
        .seen = 65536,
        .log_len = 4u << 20,
        .watches = s->peer_cap * 2,
        .watch_len = 64,
        .hold = true,
        .params = tsr_coap_params_default(),
    };

    if (getrandom(&c.seed, sizeof c.seed, 0) != sizeof c.seed)
        return TSR_E_IO;

    size_t len = tsr_coap_memory(&c);

    if (len == 0)
        return TSR_E_ARGUMENT;
    s->coap_memory = calloc(1, len);
    return s->coap_memory ? tsr_coap_init(&s->coap, &c, s->coap_memory, len) : TSR_E_SPACE;
}

static tsr_err shard_init(tsr_shard *s, tsr_engine *e, unsigned index, char *why, size_t why_cap)
{
    tsr_err err;

    s->engine = e;
    s->index = index;
    s->config = &e->config;
    s->hooks = &e->config.hooks;
    s->now_ms = shard_clock_ms();
    s->inbox_tail = &s->inbox;
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&s->inbox_lock, NULL);
    if (getrandom(&s->hash_key, sizeof s->hash_key, 0) != sizeof s->hash_key || s->wake_fd < 0)
        return TSR_E_IO;
    s->in = tsr_inbound_new();
    s->out = tsr_outbound_new();
    if (!s->in || !s->out || peers_init(s) != TSR_OK)
        return TSR_E_SPACE;

    uint32_t timers = s->peer_cap * 4 + 65536;

    s->timer_heap = malloc(timers * sizeof(tsr_timer *));
    if (!s->timer_heap)
        return TSR_E_SPACE;
    tsr_timers_init(&s->timers, s->timer_heap, timers);
    s->house.id = TIMER_HOUSE;
    (void)tsr_timer_set(&s->timers, &s->house, s->now_ms + 1000);
    if ((err = coap_init(s)) != TSR_OK || (err = sessions_init(s, why, why_cap)) != TSR_OK)
        return err;
    if ((err = connections_init(s)) != TSR_OK)
        return err;
    return e->config.store ? tsr_store_reader_open(e->config.store, &s->reader) : TSR_OK;
}

static void shard_free(tsr_shard *s)
{
    for (unsigned i = 0; i < 2 * TSR_ENGINE_LISTEN_MAX; i++)
        if (s->fds[i] >= 0)
            close(s->fds[i]);
    connections_free(s);
    for (unsigned i = 0; i < 2 * TSR_ENGINE_LISTEN_MAX; i++)
        if (s->listeners[i] >= 0)
            close(s->listeners[i]);
    peers_free(s);
    sessions_free(s);
    tsr_store_reader_close(s->reader);
    tsr_inbound_free(s->in);
    tsr_outbound_free(s->out);
    free(s->coap_memory);
    free(s->timer_heap);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    tsr_wipe(s->plain, sizeof s->plain);
    pthread_mutex_destroy(&s->inbox_lock);
}

static tsr_err open_sockets(tsr_engine *e, tsr_engine_config *config, char *why, size_t why_cap)
{
    for (unsigned a = 0; a < config->coap_count + config->coaps_count; a++) {
        bool dtls = a >= config->coap_count;
        unsigned i = dtls ? a - config->coap_count : a;
        tsr_address *address = dtls ? &config->coaps[i] : &config->coap[i];
        int fds[TSR_ENGINE_SHARDS_MAX];
        tsr_err err = tsr_sockets_open(address, dtls, e->count, fds, why, why_cap);

        if (err != TSR_OK)
            return err;
        for (unsigned k = 0; k < e->count; k++)
            e->shards[k].fds[dtls ? TSR_ENGINE_LISTEN_MAX + i : i] = fds[k];
    }
    return TSR_OK;
}

static tsr_err open_listeners(tsr_engine *e, tsr_engine_config *config, char *why, size_t why_cap)
{
    for (unsigned a = 0; a < config->coap_tcp_count + config->coaps_tcp_count; a++) {
        bool tls = a >= config->coap_tcp_count;
        unsigned i = tls ? a - config->coap_tcp_count : a;
        int fds[TSR_ENGINE_SHARDS_MAX];
        tsr_err err = tsr_listeners_open(tls ? &config->coaps_tcp[i] : &config->coap_tcp[i],
                                         e->count, fds, why, why_cap);

        if (err != TSR_OK)
            return err;
        for (unsigned k = 0; k < e->count; k++)
            e->shards[k].listeners[tls ? TSR_ENGINE_LISTEN_MAX + i : i] = fds[k];
    }
    return TSR_OK;
}

static unsigned shard_count(const tsr_engine_config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = config->shards ? config->shards : cores > 0 ? (unsigned)cores : 1;

    return n < TSR_ENGINE_SHARDS_MAX ? n : TSR_ENGINE_SHARDS_MAX;
}

tsr_err tsr_engine_open(tsr_engine_config *config, tsr_engine **out, char *why, size_t why_cap)
{
    tsr_engine *e = calloc(1, sizeof *e);
    tsr_err err = TSR_OK;

    (void)snprintf(why, why_cap, "out of memory: give the process more, or lower --devices");
    if (!e)
        return TSR_E_SPACE;
    e->count = shard_count(config);
    e->shards = calloc(e->count, sizeof *e->shards);
    e->tickets = ticket_keys_new();
    e->ids = session_ids_new();
    if (!e->shards || !e->tickets || !e->ids ||
        getrandom(&e->mids, sizeof e->mids, 0) != sizeof e->mids) {
        ticket_keys_free(e->tickets);
        session_ids_free(e->ids);
        free(e->shards);
        free(e);
        return TSR_E_SPACE;
    }
    for (unsigned i = 0; i < e->count; i++) {
        e->shards[i].wake_fd = -1;
        for (unsigned k = 0; k < 2 * TSR_ENGINE_LISTEN_MAX; k++)
            e->shards[i].fds[k] = e->shards[i].listeners[k] = -1;
    }
    err = open_sockets(e, config, why, why_cap);
    if (err == TSR_OK)
        err = open_listeners(e, config, why, why_cap);
    e->config = *config;
    for (unsigned i = 0; i < e->count && err == TSR_OK; i++)
        err = shard_init(&e->shards[i], e, i, why, why_cap);
    if (err == TSR_OK && config->store && (err = sessions_load(e)) != TSR_OK)
        (void)snprintf(why, why_cap,
                       "the stored sessions cannot be read: check the data directory");
    if (err != TSR_OK) {
        tsr_engine_close(e);
        return err;
    }
    *out = e;
    return TSR_OK;
}

tsr_err tsr_engine_start(tsr_engine *e)
{
    for (; e->started < e->count; e->started++) {
        tsr_shard *s = &e->shards[e->started];

        if (pthread_create(&s->thread, NULL, shard_main, s)) {
            tsr_engine_stop(e);
            return TSR_E_IO;
        }
    }
    return TSR_OK;
}

void tsr_engine_stop(tsr_engine *e)
{
    uint64_t one = 1;

    atomic_store(&e->stopping, true);
    for (unsigned i = 0; i < e->started; i++)
        (void)!write(e->shards[i].wake_fd, &one, sizeof one);
    while (e->started)
        pthread_join(e->shards[--e->started].thread, NULL);
}

void tsr_engine_run_posted(tsr_engine *e)
{
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < e->count; i++) {
            more = more || e->shards[i].inbox;
            if (e->shards[i].inbox)
                run_inbox(&e->shards[i]);
        }
    }
}

void tsr_engine_close(tsr_engine *e)
{
    if (!e)
        return;
    for (unsigned i = 0; i < e->count; i++)
        shard_free(&e->shards[i]);
    ticket_keys_free(e->tickets);
    session_ids_free(e->ids);
    free(e->shards);
    free(e);
}

/* --- small ones ------------------------------------------------------------------------- */

unsigned tsr_engine_shards(const tsr_engine *e) { return e->count; }
tsr_shard *tsr_engine_shard(tsr_engine *e, unsigned i) { return &e->shards[i]; }

tsr_shard *tsr_engine_shard_of(tsr_engine *e, const tsr_address *address)
{
    return &e->shards[tsr_address_spread(address) % e->count];
}

unsigned tsr_shard_index(const tsr_shard *s) { return s->index; }
tsr_engine *tsr_shard_engine(tsr_shard *s) { return s->engine; }
uint64_t tsr_shard_now(const tsr_shard *s) { return s->now_ms; }
tsr_coap *tsr_shard_coap(tsr_shard *s) { return &s->coap; }
tsr_peer *tsr_shard_peer(tsr_shard *s, uint32_t index) { return &s->peers[index]; }
uint8_t tsr_shard_service(const tsr_shard *s) { return s->current ? s->current->service : 0; }
tsr_store_reader *tsr_shard_reader(tsr_shard *s) { return s->reader; }

void tsr_engine_each_session(tsr_engine *e, void (*fn)(void *arg, tsr_shard *s, tsr_peer *peer),
                             void *arg)
{
    for (unsigned k = 0; k < e->count; k++)
        for (uint32_t i = 0; i < e->shards[k].peer_fresh; i++)
            if (e->shards[k].peers[i].used && e->shards[k].peers[i].secure)
                fn(arg, &e->shards[k], &e->shards[k].peers[i]);
}

void tsr_engine_stats_add(tsr_engine *e, tsr_engine_stats *sum)
{
    for (unsigned i = 0; i < e->count; i++) {
        tsr_shard *s = &e->shards[i];

        sum->in += atomic_load(&s->count_in);
        sum->out += atomic_load(&s->count_out);
        sum->dropped += atomic_load(&s->dropped);
        sum->handshakes += atomic_load(&s->handshakes_done);
        sum->handshakes_failed += atomic_load(&s->handshakes_failed);
        sum->sessions += atomic_load(&s->sessions);
        sum->peers += atomic_load(&s->peers_used);
    }
}

typedef struct {
    tsr_message message;
    uint8_t service;
    tsr_peer_security security;
    char identity[];
} drop_note;

static void run_drop(tsr_shard *s, tsr_message *m)
{
    drop_note *n = (drop_note *)(void *)m;

    for (uint32_t i = 0; i < s->peer_fresh; i++) {
        tsr_peer *p = &s->peers[i];

        if (p->used && p->identity && p->security == n->security && p->service == n->service &&
            strcmp(p->identity, n->identity) == 0)
            tsr_shard_close_peer(s, p);
    }
    free(n);
}

void tsr_engine_drop_identity(tsr_engine *e, uint8_t service, tsr_peer_security security,
                              const char *identity)
{
    size_t len = strlen(identity) + 1;

    for (unsigned i = 0; i < e->count; i++) {
        drop_note *n = malloc(sizeof *n + len);

        if (!n)
            return;
        n->message = (tsr_message){ NULL, run_drop };
        n->service = service;
        n->security = security;
        memcpy(n->identity, identity, len);
        tsr_shard_post(&e->shards[i], &n->message);
    }
}
