/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole server in the fuzzer's process: its shard and its store run as ever, the store in
 * memory (/dev/shm), and the fuzzer reaches it by its sockets. It lives as long as the process. */
#ifndef FUZZ_SERVER_HOUSE_H
#define FUZZ_SERVER_HOUSE_H

#include "fuzz/fuzz.h"
#include "server/lwm2m/server.h"

typedef struct {
    char dir[64];
    tsr_server_config config;
    tsr_server *server;
} fuzz_house;

#define FUZZ_PSK "0123456789abcdef"

/** One shard; coap, coap+tcp, bootstrap over coap and coaps, an authority; profiles and credentials
 * for the endpoints "dev", "lamp" and "osc". Never returns but with a server. */
void fuzz_house_open(fuzz_house *h);

/** libFuzzer's argument: leaks cannot be told per input where threads work on beside it. */
void fuzz_house_arguments(int *argc, char ***argv);

/** A UDP or TCP socket that is connected to it. */
int fuzz_house_connect(const tsr_address *to, bool tcp);

/** Waits up to `ms` for something to read. */
bool fuzz_house_readable(int fd, int ms);

/** Registers "dev" with objects from that socket, if it is not registered. */
void fuzz_house_register(const fuzz_house *h, int fd);

#endif
