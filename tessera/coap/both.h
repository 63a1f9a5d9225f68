/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to this room: what both engines for datagrams do alike. */
#ifndef TESSERA_COAP_BOTH_H
#define TESSERA_COAP_BOTH_H

#include "tessera/coap/engine.h"

/** The first half of placing an engine: everything is zero but its configuration.
 *  errors  as tsr_coap_init */
tsr_err tsr_coap_begin(tsr_coap *c, const tsr_coap_config *config, const void *memory,
                       size_t memory_len);

#endif
