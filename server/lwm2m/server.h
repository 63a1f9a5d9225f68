/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing the server; server/lwm2m/api.h says what can be done in between. */
#ifndef SERVER_LWM2M_SERVER_H
#define SERVER_LWM2M_SERVER_H

#include "server/engine/shard.h"
#include "server/lwm2m/api.h"
#include "server/store/store.h"

typedef enum { TSR_LOG_ERROR, TSR_LOG_WARNING, TSR_LOG_INFO, TSR_LOG_DEBUG } tsr_log_level;

/** One line of log; any thread. `text` holds no secrets and no line feeds. */
typedef void tsr_server_log(void *arg, tsr_log_level level, const char *text);

typedef void tsr_server_row_fn(void *arg, tsr_bytes row);

/** A second service on addresses of its own, on the same shards: the bootstrap server. */
typedef struct {
    tsr_err (*open)(tsr_server *s, void **state, char *why, size_t why_cap);
    void (*close)(void *state);
    tsr_err (*psk)(void *state, tsr_shard *shard, tsr_bytes identity, uint32_t *key_id);
    tsr_err (*certificate)(void *state, tsr_shard *shard, const char *common_name, tsr_bytes der);
    void (*coap)(void *state, tsr_shard *shard, tsr_peer *peer, const tsr_coap_event *event);
    void (*gone)(void *state, tsr_shard *shard, tsr_peer *peer); /* peer->user was set */
    void (*timer)(void *state, tsr_shard *shard, tsr_timer *timer);
    /** Gives the row of an OSCORE credential (docs/WIRE.md). errors TSR_E_NOT_FOUND, TSR_E_IO */
    tsr_err (*oscore)(void *state, tsr_shard *shard, const char *identity,
                      tsr_server_row_fn *fn, void *arg);
} tsr_server_service;

enum {
    TSR_SERVER_LISTEN_MAX = 4,                    /* addresses per scheme and service */
    TSR_TIMER_SERVICE = TSR_TIMER_USER + 16, /* tsr_timer.id of the service's timers */
};

/** Zero is the default of every field. */
typedef struct {
    tsr_address coap[TSR_SERVER_LISTEN_MAX], coaps[TSR_SERVER_LISTEN_MAX];
    unsigned coap_count, coaps_count;
    tsr_address coap_tcp[TSR_SERVER_LISTEN_MAX], coaps_tcp[TSR_SERVER_LISTEN_MAX];
    unsigned coap_tcp_count, coaps_tcp_count;
    const tsr_server_service *bootstrap; /* &tsr_bootstrap_service; NULL: no such role */
    tsr_address bootstrap_coap[TSR_SERVER_LISTEN_MAX], bootstrap_coaps[TSR_SERVER_LISTEN_MAX];
    unsigned bootstrap_coap_count, bootstrap_coaps_count;
    tsr_address bootstrap_coap_tcp[TSR_SERVER_LISTEN_MAX],
        bootstrap_coaps_tcp[TSR_SERVER_LISTEN_MAX];
    unsigned bootstrap_coap_tcp_count, bootstrap_coaps_tcp_count;
    bool bootstrap_nosec;        /* serve endpoints without a bootstrap credential over coap */
    uint32_t bootstrap_sessions; /* at a time; 0: 512 */
    uint32_t bootstrap_rate;     /* sessions a second; 0: 100 */
    uint32_t bootstrap_ms;       /* a session takes at most; 0: EXCHANGE_LIFETIME, 247,000 */
    const char *data; /* directory of the store; must be given */
    unsigned shards;  /* 0: one per core */
    uint32_t devices; /* peers per shard; 0: 65,536 */
    bool allow_nosec; /* let endpoints without a credential register over plain CoAP */
    bool
        forget_observations; /* a new Register ends observations, instead of asking for them anew */
    bool quiet_updates;      /* no event for an Update that changes nothing */
    bool no_cid;
    uint64_t event_ring;           /* 0: 100,000 */
    uint32_t history;              /* 0: 100 */
    uint32_t awake_ms;             /* queue mode: it listens so long after a message; 0: 93,000 */
    uint32_t park_ms;              /* 0: 60,000 */
    uint32_t queue_device;         /* requests that wait for one device; 0: 256 */
    uint32_t queue_all;            /* and for all together; 0: 100,000 */
    uint32_t queue_bytes;          /* what they may take together; 0: 64 MiB */
    uint32_t queue_keep_s;         /* results of them are kept so long; 0: 86,400 */
    uint32_t queue_results;        /* and so many; 0: 10,000 */
    const char *certificate, *key; /* PEM or DER files of the server; NULL: no certificates */
    const char *trust;             /* PEM file of anchors for devices' certificates */
    const char *enrol_certificate, *enrol_key; /* the authority that devices enrol with, at the
                                                  bootstrap addresses; NULL: nobody enrols */
    uint32_t enrol_lifetime_s; /* of the certificates given; 0: a year */
    uint32_t enrol_live;       /* certificates of one endpoint at a time; 0: 8 */
    bool enrol_psk;            /* sessions with pre-shared keys may enrol, too */
    tsr_server_log *log;
    void *log_arg;
} tsr_server_config;

/** Opens the store and the sockets, loads what was registered, and starts the shards. Ports 0 are
 *  filled in in `config`.
 *  owner   *out: tsr_server_close
 *  errors  TSR_E_ARGUMENT, TSR_E_IO, TSR_E_MALFORMED (damaged store), TSR_E_STATE (store in use),
 *          TSR_E_CRYPTO; `why` names cause and remedy; 600 bytes are sensible */
tsr_err tsr_server_open(tsr_server_config *config, tsr_server **out, char *why, size_t why_cap);

/** The store that it keeps everything in, for further services of the same process. Open until
 *  tsr_server_close. */
tsr_store *tsr_server_store(tsr_server *s);

/** Ends what waits for events (tsr_server_events_wait gives TSR_END) and refuses new operations;
 *  REST is stopped between this and close. */
void tsr_server_quiesce(tsr_server *s);

/** Saves sessions and lifetimes, ends every thread, calls open operations back with UNAVAILABLE,
 *  closes the store. */
void tsr_server_close(tsr_server *s);

#endif
