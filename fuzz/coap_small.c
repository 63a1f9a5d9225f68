/* SPDX-License-Identifier: Apache-2.0
 *
 * The small engine under the steps of coap_engine.c. It has no bodies and observes nobody: what asks
 * for that is refused. */
#include "tessera/coap/engine.h"

tsr_err tsr_coap_init(tsr_coap *c, const tsr_coap_config *config, void *memory, size_t memory_len)
{
    return tsr_coap_init_small(c, config, memory, memory_len);
}
