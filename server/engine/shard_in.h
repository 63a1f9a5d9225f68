/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the engine share. */
#ifndef SERVER_ENGINE_SHARD_IN_H
#define SERVER_ENGINE_SHARD_IN_H

#include "server/engine/shard.h"
#include "server/engine/socket.h"
#include "server/engine/session_ids.h"
#include "server/engine/tickets.h"
#include "tessera/net/tls_tickets.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    CID_LEN = 8,
    PENDING_MAX = 8,        /* datagrams that wait for a session to be stored */
    RESERVE = 65536,        /* record numbers between a stored session and the live one */
    RESERVE_LOW = 32768,    /* store anew after so many */
    RESERVE_END = 65000,    /* and refuse to send after so many */
    IDLE_PLAIN_MS = 247000, /* EXCHANGE_LIFETIME: its duplicates are over */
    IDLE_SESSION_MS = 3600000,
    HANDSHAKES_MAX = 4096, /* under way at a time, per shard */
};

enum { LIST_NONE, LIST_PLAIN, LIST_UNUSED, LIST_AWAKE, LIST_COUNT };
enum { TIMER_PEER = 1, TIMER_HOUSE = 2 };

/** A queue of peers, longest silent first. */
typedef struct {
    uint32_t oldest, newest;
} peer_list;

typedef struct tsr_pending {
    struct tsr_pending *next;
    size_t len;
    uint8_t bytes[];
} tsr_pending;

struct tsr_shard {
    tsr_engine *engine;
    unsigned index;
    const tsr_engine_config *config;
    const tsr_engine_hooks *hooks;
    pthread_t thread;

    /* inbox: any thread */
    pthread_mutex_t inbox_lock;
    tsr_message *inbox, **inbox_tail;
    int wake_fd;
    bool wake_sent;

    /* the shard's thread alone */
    uint64_t now_ms;
    int fds[2 * TSR_ENGINE_LISTEN_MAX]; /* coap, then coaps */
    int listeners[2 * TSR_ENGINE_LISTEN_MAX]; /* coap+tcp, then coaps+tcp */
    tsr_connections *connections; /* NULL: no TCP */
    tsr_inbound *in;
    tsr_outbound *out;
    tsr_coap coap;
    void *coap_memory;
    tsr_timers timers;
    tsr_timer **timer_heap;
    tsr_timer house;
    tsr_store_reader *reader;

    tsr_peer *peers;
    uint32_t peer_cap, peer_fresh, peer_free, handshakes;
    uint64_t serial;
    uint32_t *heads;
    tsr_index by_address;
    uint64_t hash_key;
    peer_list lists[LIST_COUNT];
    uint32_t *dying;
    uint32_t dying_count;

    tsr_dtls_config dtls, tls;
    bool dtls_ready, tls_ready;
    tsr_tls_tickets tickets;
    tsr_dtls_cache cache;
    uint8_t plain[TSR_DTLS_PLAIN_MAX];
    tsr_peer *current; /* whose handshake may ask for a key */
    char refusal[96];

    _Atomic uint64_t count_in, count_out, dropped, handshakes_done, handshakes_failed;
    _Atomic uint32_t sessions, peers_used;
};

struct tsr_engine {
    tsr_engine_config config;
    tsr_shard *shards;
    unsigned count;
    unsigned started;
    ticket_keys *tickets; /* of all shards, as the next */
    session_ids *ids;
    atomic_ushort mids; /* where the next peer's Message IDs begin: see claim() */
    atomic_bool stopping;
};

/* peer.c */
tsr_err peers_init(tsr_shard *s);
void peers_free(tsr_shard *s);
tsr_peer *peer_new(tsr_shard *s, const tsr_address *address, unsigned socket, bool secure);
tsr_peer *peer_at(tsr_shard *s, uint32_t index); /* claims that very index; NULL: taken */
tsr_peer *peer_find_plain(tsr_shard *s, const tsr_address *address, uint8_t service);
tsr_peer *peer_first_at(tsr_shard *s, const tsr_address *address, uint8_t service);
uint8_t peer_service_of(const tsr_shard *s, unsigned socket, bool secure);
tsr_peer *peer_next_at(tsr_shard *s, const tsr_peer *peer);
void peer_move(tsr_shard *s, tsr_peer *peer, const tsr_address *address, unsigned socket);
void peer_link(tsr_shard *s, tsr_peer *peer);
void peer_touch(tsr_shard *s, tsr_peer *peer); /* it spoke: to the newest end of its list */
void peer_relist(tsr_shard *s, tsr_peer *peer);
void peers_reap(tsr_shard *s);
void peers_house(tsr_shard *s); /* forgets and parks what is idle */

/* session.c */
void session_datagram(tsr_shard *s, const tsr_address *from, unsigned socket, tsr_bytes datagram);
void session_send(tsr_shard *s, tsr_peer *peer, tsr_bytes plaintext);
void session_timer(tsr_shard *s, tsr_peer *peer);
void session_park(tsr_shard *s, tsr_peer *peer);
void session_release(tsr_shard *s, tsr_peer *peer); /* before its peer goes */
/* False: the message may be of before a restart; the peer is asked whether it is there. */
bool session_believes(tsr_shard *s, tsr_peer *peer, tsr_bytes message);
/* True: the event is the answer to that. */
bool session_answers(tsr_peer *peer, const tsr_coap_event *event);
void session_refused(tsr_shard *s, tsr_peer *peer, tsr_dtls_reason reason, uint8_t alert);

/* session_trust.c: what DTLS and TLS have in common */
tsr_err sessions_init(tsr_shard *s, char *why, size_t why_cap);
void sessions_free(tsr_shard *s);
void session_forget_key(tsr_peer *peer);
tsr_err session_name(tsr_peer *peer, tsr_bytes identity, tsr_bytes certificate);

/* session_keep.c */
bool session_is_kept(const tsr_shard *s, const tsr_peer *peer); /* over a restart */
void session_save(tsr_shard *s, tsr_peer *peer); /* a copy of it as it is now, if it is to be kept */
void session_put_row(tsr_shard *s, tsr_peer *peer, tsr_bytes image);
void sessions_save_all(tsr_shard *s);
tsr_err sessions_load(tsr_engine *e);

/* shard.c */
void shard_received(tsr_shard *s, tsr_peer *peer, tsr_bytes message);
void shard_events(tsr_shard *s); /* hands on what CoAP has to tell */
uint64_t shard_clock_ms(void);
uint32_t shard_cid_home(const tsr_engine *e, tsr_bytes cid);

#endif
