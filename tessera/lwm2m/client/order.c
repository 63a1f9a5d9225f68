/* SPDX-License-Identifier: Apache-2.0
 *
 * The order in which several servers are registered with (Core 6.2.1.1, /1/x/13 and /1/x/15). */
#include "tessera/lwm2m/client/internal.h"

enum { LOOK_AGAIN_MS = 1000 };

static bool has_order(const tsr_lwm2m_server *server)
{
    return server != NULL && (server->set >> TSR_LWM2M_S_ORDER & 1) != 0;
}

/* All its sequences of attempts are used up, or it refused for good. */
static bool has_failed(const tsr_lwm2m_account *a, const tsr_lwm2m_server *server)
{
    uint32_t sequences = tsr_lwm2m_server_get(server, TSR_LWM2M_S_SEQUENCE_COUNT);

    return a->standing == TSR_LWM2M_STOPPED || a->sequences >= (sequences != 0 ? sequences : 1);
}

/* Does what is in front of `a` still hold it up? */
static bool holds_up(const tsr_lwm2m_client *c, const tsr_lwm2m_account *first)
{
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, first);

    if (first->location[0] != '\0')
        return false;
    return !has_failed(first, server) ||
           tsr_lwm2m_server_get(server, TSR_LWM2M_S_FAILURE_BLOCK) != 0;
}

bool tsr_lwm2m_registration_order(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    const tsr_lwm2m_server *own = tsr_lwm2m_account_server(c, a);

    if (!has_order(own) || a->location[0] != '\0')
        return true; /* a server without a place in the order is registered with at any time */
    for (size_t i = 0; i < c->config.account_count; i++) {
        const tsr_lwm2m_account *first = &c->config.accounts[i];
        const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, first);

        if (first == a || !has_order(server) ||
            server->number[TSR_LWM2M_S_ORDER] >= own->number[TSR_LWM2M_S_ORDER])
            continue;
        if (holds_up(c, first)) {
            a->at_ms = c->now_ms + LOOK_AGAIN_MS;
            return false;
        }
    }
    return true;
}
