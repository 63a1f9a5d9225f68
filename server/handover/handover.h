/* SPDX-License-Identifier: Apache-2.0
 *
 * What accounts that the owner service of FDO hands over open: the LwM2M server's credentials, those of the
 * bootstrap server, and the authority that devices enrol with. */
#ifndef SERVER_HANDOVER_HANDOVER_H
#define SERVER_HANDOVER_HANDOVER_H

#include "server/fdo/lwm2m.h"
#include "server/lwm2m/server.h"

/** Of a server that is open for as long as it is used. */
tsr_fdo_lwm2m tsr_handover_of(tsr_server *s);

#endif
