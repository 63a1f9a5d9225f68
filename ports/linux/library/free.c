/* SPDX-License-Identifier: Apache-2.0
 *
 * The end that programs written for Mbed TLS make. The specification has no such call: a process
 * that ends takes its volatile keys and operations with it, because its connection closes. */
#include "psa/crypto.h"

#include "ports/linux/gate/gate.h"
#include "psa/client/state.h"

void mbedtls_psa_crypto_free(void)
{
    struct tsr_psa_client *c = tsr_gate_enter();
    uint32_t stamp = c->stamp; /* handles of before must find nothing afterwards */

    tsr_wipe(c, sizeof *c);
    c->stamp = stamp;
    tsr_gate_leave(c);
    tsr_gate_close();
}
