/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that speaks bytes to tessera-secured, right or wrong, over both gates. */
#ifndef TESTS_PSA_RAW_H
#define TESTS_PSA_RAW_H

#include <sys/types.h>

#include "ports/linux/gate/channel.h"

/** Connects; aborts the test program when it cannot. */
int raw_dial(const char *socket_path);

/** One datagram within 5 s; -2 when neither that nor the end comes: the service hangs. */
ssize_t raw_hear(int fd, uint8_t *into, size_t cap);

/** Connects and is welcomed. */
int raw_greeted(const char *socket_path);

/** A request for the crypto service with so long inputs, all zeros; its length. */
size_t raw_request(uint8_t *frame, int32_t type, size_t n_in, const size_t *in, size_t n_out,
                   const size_t *out);

typedef struct {
    int fd;
    tsr_channel_client c;
} raw_channel;

/** Connects and gets shared memory. */
raw_channel raw_shared(const char *socket_path);
void raw_leave(raw_channel *r);

/** Puts bytes of any kind with any length in the word, and rings. */
void raw_put(raw_channel *r, const void *bytes, size_t len, uint32_t length_word);
void raw_ring(const raw_channel *r);

/** Waits at most 5 s. 1: answered, 0: the service hung up, -1: neither. */
int raw_answered(const raw_channel *r);

/** The status of the answer in the memory, or 1 when that is no reply. */
psa_status_t raw_status(const raw_channel *r);

/** Microseconds of a clock that does not jump. */
uint64_t raw_now_us(void);

#endif
