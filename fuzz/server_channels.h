/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways to a server in this process: one device at the end of each. */
#ifndef FUZZ_SERVER_CHANNELS_H
#define FUZZ_SERVER_CHANNELS_H

#include "fuzz/server_house.h"

enum { UDP, TCP, BOOT, BOOT_DTLS, OTHER, OSCORE, CHANNELS };
enum { ROOM = 2048, ANSWER_MS = 20000 };

typedef struct {
    int fd;
    bool asked, watched; /* there is a last request; something is observed */
    uint16_t mid;
    uint8_t token[8], token_len, watch[8], watch_len;
} channel;

extern channel channels[CHANNELS];
extern uint8_t echo[40], echo_len; /* what the server wants to see again, under OSCORE */

/** Opens all of them. */
void channels_open(const fuzz_house *h);

/** Message IDs of the Registers in fuzz_house_register() are others. */
uint16_t next_mid(void);

/** Bytes as they are, but for DTLS. */
void write_out(int i, tsr_bytes bytes);

/** A message of CoAP over UDP, as that channel has it: protected, or in a frame. */
void send_message(int i, tsr_bytes message);

/** Waits until the server has taken in what was sent. */
void settle(int i);

/** The server may have something to ask yet: a bootstrap goes on by itself. */
void await_request(int i);

#endif
