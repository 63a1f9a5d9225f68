/* SPDX-License-Identifier: Apache-2.0
 *
 * Two DTLS ends, a link between them that may lose, repeat and reorder, and a clock that we turn.
 * The server end behaves as a server must: peek, hello, accept, feed. */
#ifndef TESTS_NET_WORLD_H
#define TESTS_NET_WORLD_H

#include "tessera/net/dtls.h"

enum { WORLD_BOX = 128, WORLD_NUMBERS = 4096 };

typedef struct {
    uint8_t bytes[2048];
    size_t len;
    uint64_t at_ms;
} packet;

typedef struct {
    packet box[WORLD_BOX];
    size_t count;
    size_t sent;                     /* packets ever given to the link */
    uint64_t numbers[WORLD_NUMBERS]; /* of protected records; every one must be new */
    size_t number_count;
    packet last;
} line;

typedef struct {
    tsr_dtls_config client_config, server_config;
    tsr_dtls client, server;
    bool server_lives, client_connected, server_connected;
    tsr_dtls_event client_end, server_end; /* CLOSED or FAILED */
    bool client_ended, server_ended;
    line up, down;               /* to the server, to the client */
    unsigned loss, dup, reorder; /* percent */
    uint32_t seed;
    uint64_t now_ms;
    tsr_bytes address;
    unsigned accepts, verifies;
    uint8_t cid[8];
    uint8_t got[2048]; /* the last plaintext that reached either end */
    size_t got_len;
    unsigned got_count;
    bool got_may_move;
} world;

extern uint8_t world_plain[TSR_DTLS_PLAIN_MAX];

/* PSA, one key, options. Keys are 16 bytes. */
void world_psa(void);
uint32_t world_psk(const uint8_t *key, size_t len);
uint32_t world_ec_key(const char *file);
tsr_bytes world_file(const char *file); /* tests/vectors/dtls/FILE; kept until exit */

tsr_dtls_options world_client_psk(void);
tsr_dtls_options world_server_psk(void);
tsr_dtls_options world_client_cert(void);
tsr_dtls_options world_server_cert(void);

void world_init(world *w, const tsr_dtls_options *client, const tsr_dtls_options *server);
void world_free(world *w);
void world_start(world *w);

/* Moves packets and time until nothing is left to do or `until_ms` has come. */
void world_run(world *w, uint64_t until_ms);
void world_connect(world *w); /* start, run, and assert that both are connected */

void world_send_up(world *w, const char *text);
void world_send_down(world *w, const char *text);
void world_put(world *w, line *l, tsr_bytes datagram); /* past the dice */
void world_drain(world *w, tsr_dtls *s);

/* A datagram straight into one end, and what it does to w->got. */
void world_deliver(world *w, tsr_dtls *s, tsr_bytes datagram);

bool world_got(const world *w, const char *text);

#endif
