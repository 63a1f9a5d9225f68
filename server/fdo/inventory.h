/* SPDX-License-Identifier: Apache-2.0
 *
 * The vouchers that are here, and what is known of their devices. Private to server/fdo. */
#ifndef SERVER_FDO_INVENTORY_H
#define SERVER_FDO_INVENTORY_H

#include "server/fdo/service.h"

enum { FDO_TEXT_MAX = 255 };

/* So long a device may take to come again that lost the end of its onboarding. */
#define FDO_COME_AGAIN_MS (90ll * 24 * 3600 * 1000)

/** What is told of a device; NULL: as it was. */
typedef struct {
    const char *state; /* manufactured, imported, extended, onboarded, replaced */
    const char *serial, *info;
    const char *group;
    const char *endpoint;   /* that an account was handed over for */
    const char *next;       /* GUID that it was given when it onboarded, */
    const char *made_again; /* or when its manufacture began again */
} fdo_device;

/** Stores a voucher and what is known of its device; on the disk when this returns.
 *  errors TSR_E_IO, TSR_E_SPACE */
tsr_err fdo_inventory_add(tsr_fdo *f, tsr_bytes guid, tsr_bytes voucher, const fdo_device *device);

/** The same for a device that was made here. Another manufacture of the same key, of which nothing was
 *  heard since, is `replaced`: its last answer was lost, and the device began again. */
tsr_err fdo_inventory_make(tsr_fdo *f, tsr_bytes guid, tsr_bytes voucher, const fdo_device *device,
                           const tsr_fdo_key *key);

/** The voucher that a device of the old one has next: what is known of it goes along, and the old one is
 *  `replaced`. One that is there already, with the same header and HMAC, stays as it is. */
tsr_err fdo_inventory_replace(tsr_fdo *f, const tsr_fdo_voucher *old, tsr_bytes guid,
                              tsr_bytes voucher, const fdo_device *onboarded);

/** The GUID that a device was given when it onboarded under this one.
 *  errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err fdo_inventory_next(tsr_fdo *f, tsr_bytes guid, uint8_t next[TSR_FDO_GUID]);

/** Whether a device onboarded so long ago that nobody comes under this GUID any more. */
bool fdo_inventory_is_over(tsr_fdo *f, const char *guid, int64_t now_ms);

/** Changes what is known of a device that is here; its state and its voucher stay.
 *  errors TSR_E_NOT_FOUND, TSR_E_IO, TSR_E_SPACE */
tsr_err fdo_inventory_note(tsr_fdo *f, const char *guid, const fdo_device *device);

/** The voucher of a device, on the heap. errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err fdo_inventory_voucher(tsr_fdo *f, tsr_bytes guid, tsr_buf *voucher);

#endif
