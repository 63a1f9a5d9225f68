/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared memory between one client and tessera-secured (docs/WIRE.md, "The shared-memory gate").
 *
 * The service makes the memory, sealed in its size, and an eventfd, and hands both over the
 * client's socket; so nothing of what the client could make (a file that shrinks, one whose pages
 * never come) is ever mapped by the service. The client may write every byte at any time: the
 * service reads each word once, copies a request out before it looks at it, and never reads back
 * what it wrote. */
#ifndef PORTS_LINUX_GATE_CHANNEL_H
#define PORTS_LINUX_GATE_CHANNEL_H

#include <stdatomic.h>

#include "psa/wire/frame.h"

/* A request to the gate itself: no inputs, no outputs; the reply carries the descriptors of the
 * memory and the eventfd (SCM_RIGHTS, in this order). Once per connection. */
#define TSR_GATE_HANDLE PSA_NULL_HANDLE
#define TSR_GATE_SHARE  1

typedef struct {
    /* the client writes */
    _Atomic uint32_t asked;     /* number of the newest request, never twice the same in a row */
    _Atomic uint32_t asked_len; /* its bytes */
    _Atomic uint32_t sleeping;  /* 1: wake me when the answer is there (futex at `answered`) */
    _Atomic uint32_t asked_on;  /* the core it ran on, plus 1; 0: not said */
    uint8_t gap0[48];
    /* the service writes */
    _Atomic uint32_t answered; /* the number of the request that `reply` answers */
    _Atomic uint32_t answered_len;
    _Atomic uint32_t taken; /* the last request that was copied out; it may have had effects */
    _Atomic uint32_t answered_on; /* as asked_on */
    _Atomic uint32_t watching;    /* 1: looking at `asked`, no need to ring */
    uint8_t gap1[4012];
    /* frames as on the socket */
    uint8_t request[TSR_WIRE_MAX];
    uint8_t reply[TSR_WIRE_MAX];
} tsr_channel;

_Static_assert(sizeof(_Atomic uint32_t) == 4, "the words of the channel are plain words");
_Static_assert(offsetof(tsr_channel, answered) == 64, "docs/WIRE.md");
_Static_assert(offsetof(tsr_channel, request) == 4096, "docs/WIRE.md");
_Static_assert(sizeof(tsr_channel) == 45056, "docs/WIRE.md; whole pages");

/* Both sides */

/** Whether the other side, which said that it was on `core`, is on another one than we are. Looking
 *  at a word for a moment is then cheaper than sleep and wake; on one core it would keep the other
 *  side from writing it. */
bool tsr_channel_apart(uint32_t core);

/** Looks at a word until it is no longer `old`, for 50 us at most. */
bool tsr_channel_look(const _Atomic uint32_t *word, uint32_t old);

/** What to say of ourselves: the core plus 1, or 0 where the system does not tell. */
uint32_t tsr_channel_core(void);

/* Service's side */

/** Makes a channel, maps it and sends its descriptors with an empty reply over `fd`.
 *
 *  owner   *channel is unmapped, *event_fd closed, by tsr_channel_drop()
 *  errors  TSR_E_SPACE  no memory or no descriptor is left; nothing was sent
 *          TSR_E_IO     the client does not take the reply */
tsr_err tsr_channel_offer(int fd, tsr_channel **channel, int *event_fd);

/** Whether there is a request other than `number`, the last one answered. */
bool tsr_channel_asked(const tsr_channel *channel, uint32_t number);

/** Whether the client ran on another core than we do when it asked. */
bool tsr_channel_asked_apart(const tsr_channel *channel);

/** Copies the newest request out, once.
 *
 *  units   request: TSR_WIRE_MAX bytes; *number in: the last one answered
 *  errors  TSR_END          nothing new was asked
 *          TSR_E_MALFORMED  longer than any frame; *number is set, nothing is copied */
tsr_err tsr_channel_take(tsr_channel *channel, uint32_t *number, uint8_t *request, size_t *len);

/** Says whether we look at `asked` by ourselves from now on. After `false` the client rings again;
 *  what it asked before is to be looked for once more. */
void tsr_channel_watch(tsr_channel *channel, bool on);

/** Answers and wakes the client if it sleeps. */
void tsr_channel_answer(tsr_channel *channel, uint32_t number, tsr_bytes reply);

/** Wakes the client, which then finds its socket closed, and lets go. */
void tsr_channel_drop(tsr_channel *channel, int event_fd);

/* Client's side */

typedef struct { /* zeroed: no channel */
    tsr_channel *channel;
    int event_fd;
    uint32_t number;
} tsr_channel_client;

/** Asks for a channel on a connection that was greeted (SO_RCVTIMEO bounds the wait).
 *  errors  PSA_ERROR_COMMUNICATION_FAILURE  the connection is to be closed
 *          PSA_ERROR_NOT_SUPPORTED          the service gives none; the socket can be used */
psa_status_t tsr_channel_request(tsr_channel_client *c, int fd);

void tsr_channel_leave(tsr_channel_client *c);

/** Puts a request and rings. The inputs' bytes follow the head; the sum fits a frame. */
void tsr_channel_ask(tsr_channel_client *c, tsr_bytes head, const psa_invec *in, size_t in_len);

/** Waits for the answer and copies it out; request and reply are wiped from the shared memory.
 *
 *  units   reply: TSR_WIRE_MAX bytes
 *  returns the reply's length; 0: the service is gone (seen at its socket `fd`) or too late.
 *          *unseen: it is gone and never took the request */
size_t tsr_channel_await(tsr_channel_client *c, int fd, uint32_t timeout_ms, uint8_t *reply,
                         bool *unseen);

#endif
