/* SPDX-License-Identifier: Apache-2.0
 *
 * The owner's registrations at rendezvous servers (TO0): a thread that keeps them alive. Private to
 * server/fdo. */
#ifndef SERVER_FDO_TO0_H
#define SERVER_FDO_TO0_H

#include "server/fdo/service.h"

/** Registers what is owned here, now and again before a registration ends. Without addresses of the
 *  owner (owner_places) nothing is registered.
 *  errors  TSR_E_SPACE, TSR_E_IO */
tsr_err fdo_to0_start(tsr_fdo *f);
void fdo_to0_stop(tsr_fdo *f);

/** There is a voucher of this GUID: register it if it is ours. Any thread. */
void fdo_to0_note(tsr_fdo *f, const char *guid);

/** When a device is registered next: unix ms; 0: it is not on the list. */
int64_t fdo_to0_next(tsr_fdo *f, const char *guid);

/** One registration, at whichever of the voucher's rendezvous servers takes it first.
 *  *wait_s: how long it holds
 *  errors  TSR_E_DENIED  the voucher is not ours, has no entries, or was replaced by TO2
 *          TSR_E_IO      no server could be reached, or none took it */
tsr_err fdo_to0_register(tsr_fdo *f, const char *guid, uint32_t *wait_s);

#endif
