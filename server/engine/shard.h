/* SPDX-License-Identifier: Apache-2.0
 *
 * The shards: one thread per core, each with its own sockets, CoAP engine, DTLS sessions and
 * timers. What a datagram costs does not depend on how many peers there are. Above lies one user
 * (server/lwm2m), told through hooks what happens; hooks run on the shard's own thread.
 *
 * Where a datagram belongs follows from its bytes alone, so that restarts and the kernel agree:
 * the first byte of a Connection ID, else a spread of the source address. */
#ifndef SERVER_ENGINE_SHARD_H
#define SERVER_ENGINE_SHARD_H

#include "server/engine/address.h"
#include "server/store/store.h"
#include "tessera/base/timer.h"
#include "tessera/coap/engine.h"
#include "tessera/net/dtls.h"

typedef struct tsr_engine tsr_engine;
typedef struct tsr_shard tsr_shard;
typedef struct tsr_connection tsr_connection; /* connection.c */
typedef struct tsr_connections tsr_connections;

enum {
    TSR_ENGINE_LISTEN_MAX = 8, /* addresses per scheme */
    TSR_ENGINE_SHARDS_MAX = 64,
    TSR_TIMER_USER = 16, /* tsr_timer.id from here on is the user's */
};

/** How a peer proved who it is. */
typedef enum {
    TSR_PEER_PLAIN = 0,
    TSR_PEER_PSK = 1,
    TSR_PEER_X509 = 2,
    TSR_PEER_OSCORE = 3, /* by its messages, over plain CoAP */
} tsr_peer_security;

/** One remote address, one DTLS session whatever its address, or one TCP connection. Read only. */
typedef struct tsr_peer {
    uint32_t index;  /* the tsr_coap_peer */
    uint64_t serial; /* never used twice: tells a successor at the same index */
    tsr_address address;
    uint8_t socket;  /* which listening address it came through */
    uint8_t service; /* 1: one of the second service's addresses; else 0 */
    bool used, secure, connected;
    tsr_peer_security security;
    char *identity; /* PSK identity or certificate common name; NULL when plain */
    void *context;  /* the user's: what protects its messages; NULL: nothing */
    void *user;     /* set: the peer is kept; NULL: it is forgotten when it has been silent */
    uint64_t seen_ms;
    /* private */
    bool dying, storing, stored_once;
    bool row_is_old; /* it moved since its row was written */
    bool asked;      /* whether it is there now: a Ping is out */
    uint8_t list;
    uint32_t next_at_address, older, newer, next_free;
    uint32_t key_id; /* PSK of a handshake under way */
    uint8_t cid[8];
    tsr_connection *connection; /* NULL: datagrams */
    tsr_dtls *dtls;    /* NULL: plain or parked */
    tsr_bytes parked;  /* heap: a saved session */
    bool parked_moved; /* it may send as soon as it is woken */
    uint32_t sent_since_save;
    struct tsr_pending *pending;
    tsr_timer timer;
} tsr_peer;

/** A message to a shard; allocated by malloc inside something of the sender's, who frees it in
 * `run`. */
typedef struct tsr_message {
    struct tsr_message *next;
    void (*run)(tsr_shard *shard, struct tsr_message *message);
} tsr_message;

typedef struct {
    void *user;
    /** The key for a PSK identity: a volatile PSA key, destroyed by the engine after the handshake.
     */
    tsr_err (*psk)(void *user, tsr_shard *s, tsr_bytes identity, uint32_t *key_id);
    /** May this certificate's owner come in? Its path is good. `der` lives during the call. */
    tsr_err (*certificate)(void *user, tsr_shard *s, const char *common_name, tsr_bytes der);
    void (*coap)(void *user, tsr_shard *s, tsr_peer *peer, const tsr_coap_event *event);
    /** A datagram of that peer was accepted, before its event. */
    void (*seen)(void *user, tsr_shard *s, tsr_peer *peer);
    /** The peer goes: forget it. peer->user was set. */
    void (*gone)(void *user, tsr_shard *s, tsr_peer *peer);
    void (*timer)(void *user, tsr_shard *s, tsr_timer *timer);
    /** A handshake failed. */
    void (*refused)(void *user, tsr_shard *s, const tsr_address *from, const char *why);
} tsr_engine_hooks;

typedef struct {
    tsr_address coap[TSR_ENGINE_LISTEN_MAX], coaps[TSR_ENGINE_LISTEN_MAX];
    unsigned coap_count, coaps_count;
    /* So many addresses at the end of each list are a second service's. One remote address is then
     * two peers, one for each service, and sessions of the second are not kept over restarts. */
    unsigned coap_second, coaps_second;
    /* The same over TCP and TLS. */
    tsr_address coap_tcp[TSR_ENGINE_LISTEN_MAX], coaps_tcp[TSR_ENGINE_LISTEN_MAX];
    unsigned coap_tcp_count, coaps_tcp_count, coap_tcp_second, coaps_tcp_second;
    unsigned shards;       /* 0: one per core */
    uint32_t peers;        /* per shard; 0: 65,536 */
    uint32_t body_len;     /* longest block-wise body; 0: 65,536 */
    uint32_t park_ms;      /* idle sessions are parked after so long; 0: 60,000 */
    bool no_cid;           /* do not negotiate Connection IDs */
    tsr_bytes certificate; /* server's own, DER; empty: no certificates */
    uint32_t certificate_key_id;
    const tsr_bytes *anchors;
    size_t anchor_count;
    tsr_store *store; /* parked sessions go here; NULL: they die with the process */
    tsr_engine_hooks hooks;
} tsr_engine_config;

/** Binds every socket and loads the stored sessions; no thread runs yet. Ports 0 are filled in in
 *  `config`. psa_crypto_init() was called.
 *  errors  TSR_E_IO, TSR_E_SPACE, those of tsr_dtls_config_init; `why` in words */
tsr_err tsr_engine_open(tsr_engine_config *config, tsr_engine **out, char *why, size_t why_cap);

/** Starts the threads. errors TSR_E_IO */
tsr_err tsr_engine_start(tsr_engine *e);

/** Saves the sessions, ends and joins the threads. */
void tsr_engine_stop(tsr_engine *e);

/** Runs the messages posted since stop, on the calling thread. */
void tsr_engine_run_posted(tsr_engine *e);

/** Frees all. No message may be waiting. */
void tsr_engine_close(tsr_engine *e);

unsigned tsr_engine_shards(const tsr_engine *e);
tsr_shard *tsr_engine_shard(tsr_engine *e, unsigned i);
/** The shard that datagrams from this address reach. */
tsr_shard *tsr_engine_shard_of(tsr_engine *e, const tsr_address *address);

typedef struct {
    uint64_t in, out, dropped, handshakes, handshakes_failed;
    uint32_t sessions, peers;
} tsr_engine_stats;

void tsr_engine_stats_add(tsr_engine *e, tsr_engine_stats *sum);

/* --- from any thread -------------------------------------------------------------------- */

void tsr_shard_post(tsr_shard *s, tsr_message *m);

/** Closes every session of that service that was made under this identity, on all shards. */
void tsr_engine_drop_identity(tsr_engine *e, uint8_t service, tsr_peer_security security,
                              const char *identity);

/* --- on the shard's thread (or before tsr_engine_start) ---------------------------------- */

unsigned tsr_shard_index(const tsr_shard *s);
tsr_engine *tsr_shard_engine(tsr_shard *s);
uint64_t tsr_shard_now(const tsr_shard *s);
tsr_coap *tsr_shard_coap(tsr_shard *s);
tsr_peer *tsr_shard_peer(tsr_shard *s, uint32_t index);
/** In the hooks psk and certificate: which service's handshake it is. */
uint8_t tsr_shard_service(const tsr_shard *s);
tsr_store_reader *tsr_shard_reader(tsr_shard *s);

/** A plain peer for an address, made when it is not there; NULL: none free. Used at a restart. */
tsr_peer *tsr_shard_plain_peer(tsr_shard *s, const tsr_address *address, unsigned socket);

/** Calls `fn` for every session that was loaded from the store; before tsr_engine_start only. */
void tsr_engine_each_session(tsr_engine *e, void (*fn)(void *arg, tsr_shard *s, tsr_peer *peer),
                             void *arg);

/** A plain peer proved who it is. errors TSR_E_SPACE */
tsr_err tsr_shard_identify(tsr_shard *s, tsr_peer *peer, tsr_peer_security security,
                           const char *identity);

/** Keeps the peer for `user`; NULL lets it be forgotten when it has been silent. */
void tsr_shard_bind(tsr_shard *s, tsr_peer *peer, void *user);

/** Ends the peer at the end of this turn; hooks->gone follows if it is bound. */
void tsr_shard_close_peer(tsr_shard *s, tsr_peer *peer);

tsr_err tsr_shard_timer_set(tsr_shard *s, tsr_timer *t, uint64_t due_ms);
void tsr_shard_timer_stop(tsr_shard *s, tsr_timer *t);

#endif
