/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/both.h"

tsr_coap_params tsr_coap_params_default(void)
{
    return (tsr_coap_params){
        .ack_timeout_ms = 2000,
        .ack_random_permille = 1500,
        .max_retransmit = 4,
        .nstart = 1,
        .szx = 6,
        .exchange_lifetime_ms = 247000,
        .non_lifetime_ms = 145000,
        .ack_delay_ms = 500,
        .response_wait_ms = 247000,
        .body_ms = 247000,
    };
}

tsr_err tsr_coap_begin(tsr_coap *c, const tsr_coap_config *config, const void *memory,
                       size_t memory_len)
{
    size_t len = tsr_coap_memory(config);

    if (len == 0 || (uintptr_t)memory % _Alignof(uint64_t) != 0)
        return TSR_E_ARGUMENT;
    if (memory_len < len)
        return TSR_E_SPACE;

    memset(c, 0, sizeof *c);
    c->config = *config;
    if (config->params.ack_timeout_ms == 0)
        c->config.params = tsr_coap_params_default();
    if (c->config.params.nstart == 0)
        c->config.params.nstart = 1;
    return TSR_OK;
}

bool tsr_coap_event_next(tsr_coap *c, tsr_coap_event *event)
{
    const tsr_coap_event *taken = tsr_coap_event_take(c);

    if (taken != NULL)
        *event = *taken;
    return taken != NULL;
}
