/* SPDX-License-Identifier: Apache-2.0 */
#include "benches/ping.h"
#include "benches/psa_calls.h"
#include "ports/linux/gate/gate.h"

static bool want_shared;

bool psa_calls_start(const char *socket, bool shared)
{
    want_shared = shared;
    tsr_gate_use(shared ? TSR_GATE_SHARED : TSR_GATE_SOCKET);
    return tsr_gate_socket(socket) == PSA_SUCCESS && ping_start(shared);
}

bool psa_calls_end(void)
{
    ping_stop();
    return (tsr_gate_used() == TSR_GATE_SHARED) == want_shared;
}

uint64_t psa_calls_crossings(void) { return tsr_gate_crossings(); }

bool psa_calls_ping(void) { return ping(); }
