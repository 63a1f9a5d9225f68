/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE for servers whose section has oscore_key: their contexts are kept in Internal Trusted
 * Storage, one asset per server. */
#ifndef APPS_TESSERAD_OSCORE_H
#define APPS_TESSERAD_OSCORE_H

#include "apps/tesserad/device.h"
#include "tessera/lwm2m/client/oscore_layer.h"

typedef struct {
    tsr_lwm2m_oscore_account accounts[CONFIG_SERVERS];
    tsr_lwm2m_oscore_layer layer;
    void *memory; /* NULL: no server wants it */
} oscore;

/** Puts it below the client, if any server wants it; before the client's state is restored.
 *  errors  TSR_E_SPACE */
tsr_err oscore_begin(oscore *o, device *d, tsr_lwm2m_client *client);

/** Keeps the contexts. Harmless after an oscore_begin that failed. */
void oscore_end(oscore *o);

#endif
