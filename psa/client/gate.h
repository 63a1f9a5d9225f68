/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate: what psa/client needs of the platform to get through the wall.
 *
 * An application includes Mbed TLS's "psa/crypto.h" (built as a PSA client) and
 * "psa/internal_trusted_storage.h", links tsr_psa_client and one gate (Linux: tsr_gate, over a
 * local socket), and calls psa_crypto_init() once. PSA calls carry no context, so the gate and the
 * tables of psa/client are one named object each, placed and owned by the port: it defines the
 * functions below and psa_call() (psa/client.h). */
#ifndef PSA_CLIENT_GATE_H
#define PSA_CLIENT_GATE_H

#include "psa/client.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tsr_psa_client; /* psa/client/state.h */

/** The tables of psa/client, for this thread alone until tsr_gate_leave().
 *  Zeroed memory is a fresh state. Never NULL. */
struct tsr_psa_client *tsr_gate_enter(void);
void tsr_gate_leave(struct tsr_psa_client *client);

/** How often this process went through the wall: requests sent by psa_call(). */
uint64_t tsr_gate_crossings(void);

/** Changes whenever the secure world has forgotten what it held for us: volatile keys and open
 *  operations of another generation are gone, persistent keys are not. */
uint32_t tsr_gate_generation(void);

#ifdef __cplusplus
}
#endif

#endif
