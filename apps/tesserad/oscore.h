/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE for accounts whose section has oscore_key, or that a bootstrap server wrote so: their contexts
 * are kept in Internal Trusted Storage, one asset per server. */
#ifndef APPS_TESSERAD_OSCORE_H
#define APPS_TESSERAD_OSCORE_H

#include "apps/tesserad/device.h"
#include "tessera/lwm2m/client/oscore_layer.h"

typedef struct {
    uint16_t short_id; /* 0: the bootstrap server's */
} oscore_place;

typedef struct {
    tsr_lwm2m_oscore_account accounts[CONFIG_ACCOUNTS];
    oscore_place places[CONFIG_ACCOUNTS];
    tsr_lwm2m_oscore_layer layer;
    void *memory; /* NULL: no server can want it */
} oscore;

/** The account speaks with that server from now on, under its keys if it has some; NULL: with nobody. */
void oscore_use(oscore *o, size_t account, const tsr_lwm2m_security *security, const device *d);

/** Puts it below the client, if any server can want it; before the client's state is restored.
 *  errors  TSR_E_SPACE */
tsr_err oscore_begin(oscore *o, device *d, tsr_lwm2m_client *client);

/** Wipes what came in last, as it may have held keys. Harmless without OSCORE. */
void oscore_wipe(oscore *o);

/** Keeps the contexts. Harmless after an oscore_begin that failed. */
void oscore_end(oscore *o);

#endif
