/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate on Linux, application's side: psa_call() over a local socket to tessera-secured, or
 * over memory shared with it.
 *
 * One connection per process, opened by the first call and opened again by the call after the
 * service went away. Threads share it, one call at a time; a forked child opens its own. */
#ifndef PORTS_LINUX_GATE_GATE_H
#define PORTS_LINUX_GATE_GATE_H

#include <stdint.h>

#include "psa/client/gate.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TSR_GATE_SOCKET_DEFAULT "/run/tessera/secured.sock"

/** Names the socket of tessera-secured; call it before the first PSA call.
 *  Otherwise the variable TESSERA_SECURED_SOCKET counts, then TSR_GATE_SOCKET_DEFAULT.
 *
 *  units   path zero-terminated, at most 107 bytes
 *  owner   copied
 *  errors  PSA_ERROR_INVALID_ARGUMENT  the path does not fit a socket address */
psa_status_t tsr_gate_socket(const char *path);

typedef enum { TSR_GATE_SOCKET, TSR_GATE_SHARED } tsr_gate_way;

/** How calls go from the next connection on. Otherwise the variable TESSERA_GATE counts, "socket"
 *  or "shm", then TSR_GATE_SOCKET. Shared memory saves about a third of each call's time and costs
 *  45,056 bytes of locked memory and two descriptors; a service that has none to give is used over
 *  the socket. */
void tsr_gate_use(tsr_gate_way way);

/** How calls go now; TSR_GATE_SOCKET when there is no connection. */
tsr_gate_way tsr_gate_used(void);

/** Closes the connection: the service destroys this process's volatile keys and operations.
 *  The next call opens a new one. */
void tsr_gate_close(void);

/** The longest wait for one answer; then the connection is given up and the call fails with
 *  PSA_ERROR_COMMUNICATION_FAILURE. 30,000 ms unless told; counts from the next connection on. */
void tsr_gate_timeout_ms(uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
