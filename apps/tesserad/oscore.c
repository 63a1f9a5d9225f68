/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/oscore.h"

#include <stdlib.h>

#include "ports/linux/host/log.h"
#include "ports/linux/host/udp.h"
#include "psa/internal_trusted_storage.h"

static psa_storage_uid_t uid_of(const oscore_place *p) { return 0x54534f0000000000u | p->short_id; }

/* Only an asset that is not there says that the keys are new. */
static tsr_err load(void *user, tsr_buf *state)
{
    const oscore_place *p = user;
    psa_status_t status = psa_its_get(uid_of(p), 0, state->cap, state->ptr, &state->len);

    if (status == PSA_SUCCESS)
        return TSR_OK;
    state->len = 0;
    if (status == PSA_ERROR_DOES_NOT_EXIST)
        return TSR_E_NOT_FOUND;
    tsr_host_log(TSR_LOG_ERROR, "oscore-state", "server=%u status=%d remedy=\"nothing is sent until "
                 "the secure service can read it\"", p->short_id, (int)status);
    return TSR_E_IO;
}

static tsr_err save(void *user, tsr_bytes state)
{
    const oscore_place *p = user;
    psa_status_t status = psa_its_set(uid_of(p), state.len, state.ptr, PSA_STORAGE_FLAG_NONE);

    if (status == PSA_SUCCESS)
        return TSR_OK;
    tsr_host_log(TSR_LOG_ERROR, "oscore-state", "server=%u status=%d remedy=\"nothing is sent until "
                 "the secure service can write it\"", p->short_id, (int)status);
    return TSR_E_IO;
}

void oscore_use(oscore *o, size_t account, const tsr_lwm2m_security *security, const device *d)
{
    static const tsr_lwm2m_oscore lost; /* nothing is sent rather than in the clear */
    const tsr_lwm2m_oscore *keys = NULL;

    if (security != NULL && security->oscore) {
        keys = tsr_lwm2m_oscore_find(&d->oscores, security->oscore_id);
        keys = keys != NULL ? keys : &lost;
        o->places[account].short_id = security->bootstrap ? 0 : security->short_id;
    }
    o->accounts[account].store = (tsr_lwm2m_oscore_store){ &o->places[account], load, save };
    o->layer.accounts = o->accounts;
    tsr_lwm2m_oscore_set(&o->layer, account, keys);
}

/* A bootstrap server may say at any time that messages are to be protected. */
static bool is_needed(const config *c)
{
    bool any = c->has_bootstrap;

    for (size_t i = 0; i < c->server_count; i++)
        any |= c->servers[i].oscore_key != 0;
    return any;
}

tsr_err oscore_begin(oscore *o, device *d, tsr_lwm2m_client *client)
{
    size_t len = tsr_lwm2m_oscore_memory(client, TSR_UDP_DATAGRAM);

    if (!is_needed(d->config))
        return TSR_OK;
    o->memory = malloc(len);
    if (o->memory == NULL)
        return TSR_E_SPACE;
    o->layer.client = client;
    return tsr_lwm2m_oscore_attach(&o->layer, &d->oscores, TSR_UDP_DATAGRAM, o->memory, len);
}

void oscore_wipe(oscore *o)
{
    if (o->layer.guard.in != NULL)
        tsr_oscore_guard_wipe(&o->layer.guard);
}

void oscore_end(oscore *o)
{
    if (o->layer.client != NULL)
        tsr_lwm2m_oscore_park(&o->layer);
    free(o->memory);
}
