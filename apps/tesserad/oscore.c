/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/oscore.h"

#include <stdlib.h>

#include "ports/linux/host/log.h"
#include "ports/linux/host/udp.h"
#include "psa/internal_trusted_storage.h"

static psa_storage_uid_t uid_of(const config_server *s) { return 0x54534f0000000000u | s->short_id; }

/* Only an asset that is not there says that the keys are new. */
static tsr_err load(void *user, tsr_buf *state)
{
    const config_server *s = user;
    psa_status_t status = psa_its_get(uid_of(s), 0, state->cap, state->ptr, &state->len);

    if (status == PSA_SUCCESS)
        return TSR_OK;
    state->len = 0;
    if (status == PSA_ERROR_DOES_NOT_EXIST)
        return TSR_E_NOT_FOUND;
    tsr_host_log(TSR_LOG_ERROR, "oscore-state", "server=%u status=%d remedy=\"nothing is sent until "
                 "the secure service can read it\"", s->short_id, (int)status);
    return TSR_E_IO;
}

static tsr_err save(void *user, tsr_bytes state)
{
    const config_server *s = user;
    psa_status_t status = psa_its_set(uid_of(s), state.len, state.ptr, PSA_STORAGE_FLAG_NONE);

    if (status == PSA_SUCCESS)
        return TSR_OK;
    tsr_host_log(TSR_LOG_ERROR, "oscore-state", "server=%u status=%d remedy=\"nothing is sent until "
                 "the secure service can write it\"", s->short_id, (int)status);
    return TSR_E_IO;
}

tsr_err oscore_begin(oscore *o, device *d, tsr_lwm2m_client *client)
{
    size_t len = tsr_lwm2m_oscore_memory(client, TSR_UDP_DATAGRAM);
    bool any = false;

    for (size_t i = 0; i < d->config->server_count; i++) {
        if (d->config->servers[i].oscore_key == 0)
            continue;
        o->accounts[i].keys = &d->oscore[i];
        o->accounts[i].store =
            (tsr_lwm2m_oscore_store){ (void *)(uintptr_t)&d->config->servers[i], load, save };
        any = true;
    }
    if (!any)
        return TSR_OK;
    o->memory = malloc(len);
    if (o->memory == NULL)
        return TSR_E_SPACE;
    o->layer.client = client;
    o->layer.accounts = o->accounts;
    return tsr_lwm2m_oscore_attach(&o->layer, &d->oscores, TSR_UDP_DATAGRAM, o->memory, len);
}

void oscore_end(oscore *o)
{
    if (o->layer.client != NULL)
        tsr_lwm2m_oscore_park(&o->layer);
    free(o->memory);
}
