/* SPDX-License-Identifier: Apache-2.0
 *
 * Over which binding an account goes, where the server has a say in it (Core E.2: /1/x/8, /1/x/22). */
#include "tessera/lwm2m/client/internal.h"

/* What the trigger names comes before what the server prefers. */
bool tsr_lwm2m_binding_choice(const tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    const tsr_lwm2m_server *s = tsr_lwm2m_account_server(c, a);

    a->binding = 0;
    if (c->config.servers->can != NULL && s != NULL)
        a->binding = s->asked != 0 ? s->asked : tsr_lwm2m_server_preferred(c->config.servers, a->short_id);
    return a->binding != 0;
}

char tsr_lwm2m_client_binding(const tsr_lwm2m_client *c, size_t account)
{
    const tsr_lwm2m_account *a;

    if (account >= c->config.account_count)
        return 0;
    a = &c->config.accounts[account];
    return a->standing == TSR_LWM2M_REGISTERED ? a->binding : 0;
}

void tsr_lwm2m_client_rebind(tsr_lwm2m_client *c, size_t account, uint64_t now_ms)
{
    tsr_lwm2m_account *a;

    if (account >= c->config.account_count)
        return;
    a = &c->config.accounts[account];
    c->now_ms = now_ms;
    a->binding = 0;
    a->attempts = a->local_tries = 0;
    tsr_lwm2m_account_disconnect(c, a, true);
    observe_end_all(c, account_peer(c, a), "another binding");
    a->location[0] = '\0';
    tsr_lwm2m_account_wait(c, a, 0);
}
