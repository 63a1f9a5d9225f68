/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/coap/link.h"

const bool link_small = false;

tsr_err link_place(tsr_coap *c, const tsr_coap_config *config, void *memory, size_t memory_len)
{
    return tsr_coap_init(c, config, memory, memory_len);
}

tsr_err link_place_device(tsr_coap *c, const tsr_coap_config *config, void *memory,
                          size_t memory_len)
{
    return tsr_coap_init_device(c, config, memory, memory_len);
}
