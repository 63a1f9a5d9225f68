/* SPDX-License-Identifier: Apache-2.0 */
#include "benches/psa_calls.h"
#include "ports/linux/gate/gate.h"

void psa_calls_start(const char *socket) { (void)tsr_gate_socket(socket); }

uint64_t psa_calls_crossings(void) { return tsr_gate_crossings(); }
